//! What each operation on definitions puts on the wire.

use dataverse_client::definitions::*;
use dataverse_client::{Invoke, Operation, Replay};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{parse, response, sent};

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

#[test]
fn tables_are_read_by_name_and_by_id() {
    let table = RetrieveDefinition::table("account")
        .select(["DisplayName", "EntitySetName"])
        .select(["LogicalName"])
        .expand(
            DefinitionExpand::new("Attributes")
                .select(["LogicalName"])
                .filter("AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'"),
        )
        .expand("Keys")
        .languages([1033, 1031])
        .strong();
    assert_eq!(
        sent(&table),
        "GET EntityDefinitions(LogicalName='account')?$select=DisplayName,EntitySetName,LogicalName\
         &$expand=Attributes($select=LogicalName;$filter=AttributeType%20eq%20\
         Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'),Keys&LabelLanguages=1033,1031\n\
         consistency: Strong\n"
    );
    assert_eq!(
        sent(&RetrieveDefinition::table(ID)),
        "GET EntityDefinitions(11111111-2222-3333-4444-555555555555)\n"
    );
    assert_eq!(
        sent(&QueryDefinitions::tables().filter("IsCustomEntity eq true")),
        "GET EntityDefinitions?$filter=IsCustomEntity%20eq%20true\n"
    );
}

#[test]
fn columns_are_read_all_and_by_type() {
    assert_eq!(
        sent(&QueryDefinitions::columns("account")),
        "GET EntityDefinitions(LogicalName='account')/Attributes\n"
    );
    assert_eq!(
        sent(
            &QueryDefinitions::columns("account")
                .of_type(AttributeType::PICKLIST)
                .expand("OptionSet")
                .expand("GlobalOptionSet")
        ),
        "GET EntityDefinitions(LogicalName='account')/Attributes/\
         Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$expand=OptionSet,GlobalOptionSet\n"
    );
    assert_eq!(
        sent(&RetrieveDefinition::column("account", "name").of_type(AttributeType::STRING)),
        "GET EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')/\
         Microsoft.Dynamics.CRM.StringAttributeMetadata\n"
    );
}

#[test]
fn the_others_are_read_at_their_paths() {
    let path = |text: String| text.trim_end().to_owned();
    assert_eq!(
        [
            path(sent(&QueryDefinitions::keys("account"))),
            path(sent(&RetrieveDefinition::key("account", "new_number"))),
            path(sent(&QueryDefinitions::relationships())),
            path(sent(&RetrieveDefinition::relationship("account_tasks"))),
            path(sent(&QueryDefinitions::one_to_many("account"))),
            path(sent(&QueryDefinitions::many_to_one("account"))),
            path(sent(&QueryDefinitions::many_to_many("account"))),
            path(sent(&QueryDefinitions::all_many_to_many())),
            path(sent(&QueryDefinitions::choices())),
            path(sent(&RetrieveDefinition::choice("new_colour"))),
            path(sent(&RetrieveDefinition::choice(ID))),
        ],
        [
            "GET EntityDefinitions(LogicalName='account')/Keys",
            "GET EntityDefinitions(LogicalName='account')/Keys(LogicalName='new_number')",
            "GET RelationshipDefinitions",
            "GET RelationshipDefinitions(SchemaName='account_tasks')",
            "GET EntityDefinitions(LogicalName='account')/OneToManyRelationships",
            "GET EntityDefinitions(LogicalName='account')/ManyToOneRelationships",
            "GET EntityDefinitions(LogicalName='account')/ManyToManyRelationships",
            "GET RelationshipDefinitions/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
            "GET GlobalOptionSetDefinitions",
            "GET GlobalOptionSetDefinitions(Name='new_colour')",
            "GET GlobalOptionSetDefinitions(11111111-2222-3333-4444-555555555555)",
        ]
    );
}

#[test]
fn what_is_no_name_is_refused_before_anything_is_sent() {
    for bad in ["", "a'b", "a)/Keys", "a b", "a?x", "a/b"] {
        let error = RetrieveDefinition::table(bad).request().unwrap_err();
        assert!(error.is_invalid_input(), "{bad}");
    }
    let filtered = QueryDefinitions::choices().filter("Name eq 'x'");
    assert!(filtered.request().unwrap_err().is_invalid_input());
    let all = DeleteDefinition::new(DefinitionPath::columns("account"));
    assert!(all.request().unwrap_err().is_invalid_input());
    let column = ColumnDefinition::text("new_x", 10);
    let create = CreateDefinition::column("account", &column).in_solution("two\nlines");
    assert!(create.request().unwrap_err().is_invalid_input());
}

#[test]
fn creates_name_their_solution_and_types() {
    let column = ColumnDefinition::text("new_BankName", 100).label("Bank Name");
    assert_eq!(
        sent(&CreateDefinition::column("new_bankaccount", &column).in_solution("bank")),
        "POST EntityDefinitions(LogicalName='new_bankaccount')/Attributes\n\
         mscrm.solutionuniquename: bank\ncontent-type: application/json\n\
         {\"@odata.type\":\"Microsoft.Dynamics.CRM.StringAttributeMetadata\",\
         \"AttributeType\":\"String\",\"AttributeTypeName\":{\"Value\":\"StringType\"},\
         \"DisplayName\":{\"@odata.type\":\"Microsoft.Dynamics.CRM.Label\",\"LocalizedLabels\":\
         [{\"@odata.type\":\"Microsoft.Dynamics.CRM.LocalizedLabel\",\"Label\":\"Bank Name\",\
         \"LanguageCode\":1033}]},\"FormatName\":{\"Value\":\"Text\"},\"MaxLength\":100,\
         \"RequiredLevel\":{\"CanBeChanged\":true,\"ManagedPropertyLogicalName\":\
         \"canmodifyrequirementlevelsettings\",\"Value\":\"None\"},\
         \"SchemaName\":\"new_BankName\"}"
    );
    let key = KeyDefinition::new("new_Number", "Number", ["new_number"]);
    assert_eq!(
        sent(&CreateDefinition::key(ID, &key)),
        "POST EntityDefinitions(11111111-2222-3333-4444-555555555555)/Keys\n\
         content-type: application/json\n\
         {\"DisplayName\":{\"@odata.type\":\"Microsoft.Dynamics.CRM.Label\",\"LocalizedLabels\":\
         [{\"@odata.type\":\"Microsoft.Dynamics.CRM.LocalizedLabel\",\"Label\":\"Number\",\
         \"LanguageCode\":1033}]},\"KeyAttributes\":[\"new_number\"],\"SchemaName\":\"new_Number\"}"
    );
    let choice = OptionSetDefinition::global("new_colour", Label::new(1031, "Farbe"))
        .option(OptionDefinition::new(100_000_000, "Red"));
    let body = sent(&CreateDefinition::choice(&choice));
    let (line, rest) = body.split_once('\n').unwrap();
    assert_eq!(line, "POST GlobalOptionSetDefinitions");
    let body = parse(rest.split_once('\n').unwrap().1);
    assert_eq!(
        body["@odata.type"],
        "Microsoft.Dynamics.CRM.OptionSetMetadata"
    );
    assert_eq!(body["IsGlobal"], true);
    assert_eq!(body["OptionSetType"], "Picklist");
    assert_eq!(body["Options"][0]["Value"], 100_000_000);
    assert_eq!(
        body["DisplayName"]["LocalizedLabels"][0]["LanguageCode"],
        1031
    );
}

/// Type, code and type name that the service asks for with every type of column.
#[test]
fn every_column_tells_its_type() {
    let options = || OptionSetDefinition::local([OptionDefinition::new(1, "One")]);
    let columns = [
        (ColumnDefinition::text("a", 1), "String", "String"),
        (
            ColumnDefinition::auto_number("a", 1, "{SEQNUM:5}"),
            "String",
            "String",
        ),
        (ColumnDefinition::memo("a", 1), "Memo", "Memo"),
        (ColumnDefinition::integer("a", (0, 9)), "Integer", "Integer"),
        (
            ColumnDefinition::decimal("a", (Decimal::ZERO, Decimal::ONE), 2),
            "Decimal",
            "Decimal",
        ),
        (ColumnDefinition::money("a"), "Money", "Money"),
        (ColumnDefinition::date("a"), "DateTime", "DateTime"),
        (
            ColumnDefinition::date_time("a", DateTimeBehavior::USER_LOCAL),
            "DateTime",
            "DateTime",
        ),
        (
            ColumnDefinition::boolean("a", "Yes", "No"),
            "Boolean",
            "Boolean",
        ),
        (
            ColumnDefinition::choice("a", options()),
            "Picklist",
            "Picklist",
        ),
        (
            ColumnDefinition::global_choice("a", ID),
            "Picklist",
            "Picklist",
        ),
        (
            ColumnDefinition::choices("a", options()),
            "MultiSelectPicklist",
            "Virtual",
        ),
        (
            ColumnDefinition::global_choices("a", ID),
            "MultiSelectPicklist",
            "Virtual",
        ),
        (ColumnDefinition::lookup("a"), "Lookup", "Lookup"),
        (ColumnDefinition::file("a", 32_768), "File", "Virtual"),
        (ColumnDefinition::image("a", 10_240), "Image", "Virtual"),
    ];
    for (column, name, code) in columns {
        let json = serde_json::to_value(&column).unwrap();
        let qualified = format!("Microsoft.Dynamics.CRM.{name}AttributeMetadata");
        assert_eq!(json["@odata.type"], qualified);
        assert_eq!(json["AttributeType"], code);
        assert_eq!(json["AttributeTypeName"]["Value"], format!("{name}Type"));
        let again: ColumnDefinition = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(again.kind, column.kind);
        assert_eq!(serde_json::to_value(&again).unwrap(), json);
    }
    let bound = serde_json::to_value(ColumnDefinition::global_choice("a", ID)).unwrap();
    assert_eq!(
        bound["GlobalOptionSet@odata.bind"],
        format!("/GlobalOptionSetDefinitions({ID})")
    );
    let date = serde_json::to_value(ColumnDefinition::date("a")).unwrap();
    assert_eq!(date["DateTimeBehavior"]["Value"], "DateOnly");
    assert_eq!(date["Format"], "DateOnly");
}

#[test]
fn an_update_sends_back_what_was_read_and_keeps_labels() {
    let mut read = parse(
        r#"{"@odata.context":"https://org/$metadata#x","MetadataId":"11111111-2222-3333-4444-555555555555",
        "LogicalName":"new_a","NewProperty":{"a":[1,null]},"IconLargeName":null,
        "DisplayName":{"LocalizedLabels":[{"Label":"A","LanguageCode":1033,"HasChanged":null}],
        "UserLocalizedLabel":{"Label":"A","LanguageCode":1033}}}"#,
    );
    let mut table: TableDefinition = serde_json::from_value(read.clone()).unwrap();
    table.display_name.as_mut().unwrap().set(1033, "B");
    let update = sent(&UpdateDefinition::table("new_a", &table));
    let (head, body) = update.split_once("application/json\n").unwrap();
    assert_eq!(
        head,
        "PUT EntityDefinitions(LogicalName='new_a')\nmscrm.mergelabels: true\ncontent-type: "
    );
    read.as_object_mut().unwrap().remove("@odata.context");
    read["DisplayName"]["LocalizedLabels"][0]["Label"] = "B".into();
    read["DisplayName"]["UserLocalizedLabel"]["Label"] = "B".into();
    assert_eq!(parse(body), read);

    let replacing = UpdateDefinition::table(ID, &table)
        .replace_labels()
        .in_solution("bank");
    assert!(
        sent(&replacing).contains("mscrm.mergelabels: false\nmscrm.solutionuniquename: bank\n")
    );
    let column = ColumnDefinition::text("new_x", 10);
    assert!(
        sent(&UpdateDefinition::column("account", "new_x", &column)).starts_with(
            "PUT EntityDefinitions(LogicalName='account')/Attributes(LogicalName='new_x')\n"
        )
    );
    let choice = OptionSetDefinition::default();
    let update = sent(&UpdateDefinition::choice("new_colour", &choice));
    assert!(update.starts_with("PUT GlobalOptionSetDefinitions(Name='new_colour')\n"));
    assert!(update.ends_with("{\"@odata.type\":\"Microsoft.Dynamics.CRM.OptionSetMetadata\"}"));
    let pairs = ManyToManyRelationship::new("new_A_B", "a", "b");
    let update = sent(&UpdateDefinition::relationship(ID, pairs));
    assert!(
        update.starts_with("PUT RelationshipDefinitions(11111111-2222-3333-4444-555555555555)\n")
    );
    assert!(update.contains("\"IntersectEntityName\":\"new_a_b\""));
}

#[test]
fn deletes_name_one_definition() {
    let lines = [
        DefinitionPath::table("new_a"),
        DefinitionPath::column("new_a", ID),
        DefinitionPath::key("new_a", "new_k"),
        DefinitionPath::relationship("new_r"),
        DefinitionPath::choice("new_c"),
    ]
    .map(|path| sent(&DeleteDefinition::new(path)));
    assert_eq!(
        lines,
        [
            "DELETE EntityDefinitions(LogicalName='new_a')\n",
            "DELETE EntityDefinitions(LogicalName='new_a')/\
             Attributes(11111111-2222-3333-4444-555555555555)\n",
            "DELETE EntityDefinitions(LogicalName='new_a')/Keys(LogicalName='new_k')\n",
            "DELETE RelationshipDefinitions(SchemaName='new_r')\n",
            "DELETE GlobalOptionSetDefinitions(Name='new_c')\n",
        ]
    );
}

#[test]
fn options_are_written_one_by_one() {
    let action = |text: String| text.replace("\ncontent-type: application/json\n", " ");
    let global = || ChoiceOf::global("new_colour");
    let local = || ChoiceOf::column("account", "new_colour");
    let label = "{\"@odata.type\":\"Microsoft.Dynamics.CRM.Label\",\"LocalizedLabels\":\
                 [{\"@odata.type\":\"Microsoft.Dynamics.CRM.LocalizedLabel\",\
                 \"Label\":\"Blue\",\"LanguageCode\":1033}]}";
    assert_eq!(
        action(sent(&Invoke::new(
            InsertOptionValue::new(global(), "Blue")
                .value(3)
                .color("#0000ff")
                .in_solution("bank")
        ))),
        format!(
            "POST InsertOptionValue {{\"OptionSetName\":\"new_colour\",\"Value\":3,\
             \"Label\":{label},\"Color\":\"#0000ff\",\"SolutionUniqueName\":\"bank\"}}"
        )
    );
    assert_eq!(
        action(sent(&Invoke::new(InsertStatusValue::new(
            "account", 1, "Blue"
        )))),
        format!(
            "POST InsertStatusValue {{\"EntityLogicalName\":\"account\",\
             \"AttributeLogicalName\":\"statuscode\",\"StateCode\":1,\"Label\":{label}}}"
        )
    );
    assert_eq!(
        action(sent(&Invoke::new(
            UpdateOptionValue::new(local(), 3).label("Blue")
        ))),
        format!(
            "POST UpdateOptionValue {{\"EntityLogicalName\":\"account\",\
             \"AttributeLogicalName\":\"new_colour\",\"Value\":3,\"Label\":{label},\
             \"MergeLabels\":true}}"
        )
    );
    assert_eq!(
        action(sent(&Invoke::new(
            UpdateStateValue::new("account", 1)
                .label("Blue")
                .default_status(2)
        ))),
        format!(
            "POST UpdateStateValue {{\"EntityLogicalName\":\"account\",\
             \"AttributeLogicalName\":\"statecode\",\"Value\":1,\"Label\":{label},\
             \"MergeLabels\":true,\"DefaultStatusCode\":2}}"
        )
    );
    assert_eq!(
        action(sent(&Invoke::new(DeleteOptionValue::new(global(), 3)))),
        "POST DeleteOptionValue {\"OptionSetName\":\"new_colour\",\"Value\":3}"
    );
    assert_eq!(
        action(sent(&Invoke::new(OrderOption::new(local(), [3, 1, 2])))),
        "POST OrderOption {\"EntityLogicalName\":\"account\",\
         \"AttributeLogicalName\":\"new_colour\",\"Values\":[3,1,2]}"
    );
    let insert = Invoke::new(InsertOptionValue::new(global(), "Blue"));
    let answer = response(
        200,
        "{\"@odata.context\":\"x\",\"NewOptionValue\":100000003}",
    );
    assert_eq!(insert.decode(&answer).unwrap(), NewOptionValue(100_000_003));
    assert_eq!(insert.replay(), Replay::IfRefused);
}

#[test]
fn publishing_names_tables_and_choices() {
    let publish = Publish::new().table("account").table("a&b").choice("c");
    assert_eq!(
        sent(&Invoke::new(publish)),
        "POST PublishXml\ncontent-type: application/json\n{\"ParameterXml\":\"<importexportxml>\
         <entities><entity>account</entity><entity>a&amp;b</entity></entities>\
         <optionsets><optionset>c</optionset></optionsets></importexportxml>\"}"
    );
    assert_eq!(
        sent(&Invoke::new(PublishAll)),
        "POST PublishAllXml\ncontent-type: application/json\n{}"
    );
}

#[test]
fn a_lookup_of_several_tables_is_created_at_once() {
    let lookup = ColumnDefinition::lookup("new_MediaItem").label("Media Item");
    let create = CreatePolymorphicLookup::new(&lookup)
        .to(&OneToManyRelationship::between(
            "new_media_book",
            "new_book",
            "new_media",
        ))
        .to(&OneToManyRelationship::between(
            "new_media_video",
            "new_video",
            "new_media",
        ))
        .in_solution("media");
    let text = sent(&Invoke::new(create.clone()));
    let (line, rest) = text.split_once('\n').unwrap();
    assert_eq!(line, "POST CreatePolymorphicLookupAttribute");
    let body = parse(rest.split_once('\n').unwrap().1);
    assert_eq!(
        body["OneToManyRelationships"],
        parse(
            r#"[{"SchemaName":"new_media_book","ReferencedEntity":"new_book","ReferencingEntity":"new_media"},
                {"SchemaName":"new_media_video","ReferencedEntity":"new_video","ReferencingEntity":"new_media"}]"#
        )
    );
    assert_eq!(
        body["Lookup"]["@odata.type"],
        "Microsoft.Dynamics.CRM.ComplexLookupAttributeMetadata"
    );
    assert_eq!(body["SolutionUniqueName"], "media");
    let answer = format!("{{\"AttributeId\":\"{ID}\",\"RelationshipIds\":[\"{ID}\"]}}");
    let created = Invoke::new(create).decode(&response(200, answer)).unwrap();
    assert_eq!((created.column, created.relationships), (ID, vec![ID]));
}

#[test]
fn queries_say_which_and_what() {
    let query = MetadataQuery::new()
        .tables(
            MetadataFilter::equals("LogicalName", "account")
                .or(MetadataFilter::equals("LogicalName", "contact"))
                .or(MetadataFilter::equals("IsCustomEntity", true)
                    .and(MetadataFilter::less_than("ObjectTypeCode", 10_100))),
        )
        .column_properties(["LogicalName"])
        .columns(MetadataFilter::not_in("LogicalName", ["a", "b'c"]))
        .languages([1033]);
    let request = RetrieveMetadataChanges::new(&query)
        .since("111!06/20/2026 20:10:36")
        .deleted(DeletedMetadataFilters::ALL)
        .app_module(ID);
    let text = sent(&Invoke::new(request));
    let (path, query) = text.trim_end().split_once('?').unwrap();
    assert_eq!(
        path,
        "GET RetrieveMetadataChanges(Query=@Query,ClientVersionStamp=@ClientVersionStamp,\
         DeletedMetadataFilters=@DeletedMetadataFilters,AppModuleId=@AppModuleId)"
    );
    let options: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(
        parse(&options[0].1),
        parse(
            r#"{"Properties":{"AllProperties":false,"PropertyNames":["Attributes"]},
            "Criteria":{"FilterOperator":"Or","Conditions":[
                {"PropertyName":"LogicalName","ConditionOperator":"Equals","Value":{"Type":"System.String","Value":"account"}},
                {"PropertyName":"LogicalName","ConditionOperator":"Equals","Value":{"Type":"System.String","Value":"contact"}}],
                "Filters":[{"FilterOperator":"And","Conditions":[
                {"PropertyName":"IsCustomEntity","ConditionOperator":"Equals","Value":{"Type":"System.Boolean","Value":"true"}},
                {"PropertyName":"ObjectTypeCode","ConditionOperator":"LessThan","Value":{"Type":"System.Int32","Value":"10100"}}]}]},
            "AttributeQuery":{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName"]},
                "Criteria":{"FilterOperator":"And","Conditions":[
                {"PropertyName":"LogicalName","ConditionOperator":"NotIn","Value":{"Type":"System.String[]","Value":"['a','b''c']"}}]}},
            "LabelQuery":{"FilterLanguages":[1033]}}"#
        )
    );
    let rest: Vec<(&str, &str)> = options[1..]
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        rest,
        [
            ("@ClientVersionStamp", "'111!06/20/2026 20:10:36'"),
            (
                "@DeletedMetadataFilters",
                "Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'"
            ),
            ("@AppModuleId", "11111111-2222-3333-4444-555555555555"),
        ]
    );
    assert_eq!(
        sent(&Invoke::new(RetrieveMetadataChanges::default())),
        "GET RetrieveMetadataChanges()\n"
    );
}
