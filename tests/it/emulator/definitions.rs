//! Definitions: what the document tells, what is added to it, and how it is asked for.

use std::sync::LazyLock;

use dataverse_emulator::Emulator;
use dataverse_tests::fixture;
use serde_json::{Value, json};

use super::{get, send};
use crate::documents::{ON_PREMISES, document};

/// Nothing here changes rows: the tests share two emulators.
static PLAIN: LazyLock<Emulator> = LazyLock::new(super::emulator);

/// With the recorded definitions of `account`.
static TOLD: LazyLock<Emulator> = LazyLock::new(|| {
    let json = fixture("definitions/retrievemetadatachanges-account.json.gz");
    Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(std::fs::read(json).unwrap())
        .build()
        .unwrap()
});

async fn read(emulator: &Emulator, path: &str) -> Value {
    let answer = get(emulator, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// The texts of a property of all items.
fn texts<'v>(answer: &'v Value, property: &str) -> Vec<&'v str> {
    let items = answer["value"].as_array().unwrap();
    items
        .iter()
        .filter_map(|item| item[property].as_str())
        .collect()
}

async fn changes(emulator: &Emulator, query: &Value) -> Value {
    let query: String =
        url::form_urlencoded::byte_serialize(query.to_string().as_bytes()).collect();
    let path = format!("RetrieveMetadataChanges(Query=@p1)?@p1={query}");
    read(emulator, &path).await
}

#[tokio::test]
async fn a_table_is_told_by_name_and_by_id() {
    let emulator = &*PLAIN;
    let path = "EntityDefinitions(LogicalName='account')\
                ?$select=EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,OwnershipType";
    let account = read(emulator, path).await;
    let id = account["MetadataId"].as_str().unwrap().to_owned();
    assert_eq!(
        account,
        json!({
            "@odata.context": "https://emulator.localhost/api/data/v9.2/$metadata#EntityDefinitions\
                (EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,OwnershipType)/$entity",
            "MetadataId": id, "EntitySetName": "accounts", "PrimaryIdAttribute": "accountid",
            "PrimaryNameAttribute": "name", "OwnershipType": "UserOwned",
        })
    );
    let path = format!("EntityDefinitions({id})?$select=LogicalName");
    assert_eq!(read(emulator, &path).await["LogicalName"], "account");
    let whole = read(emulator, "EntityDefinitions(LogicalName='email')").await;
    assert_eq!(whole["IsActivity"], true);
    assert_eq!(whole["PrimaryIdAttribute"], "activityid");
    assert!(whole.get("Attributes").is_none());

    let path = "EntityDefinitions(LogicalName='account')/EntitySetName";
    assert_eq!(read(emulator, path).await["value"], "accounts");
    let raw = get(emulator, &format!("{path}/$value")).await;
    assert_eq!((raw.status, raw.body.as_str()), (200, "accounts"));
}

#[tokio::test]
async fn tables_are_filtered_and_metadata_types_are_none_of_them() {
    let emulator = &*PLAIN;
    let all = read(emulator, "EntityDefinitions?$select=LogicalName").await;
    let names = texts(&all, "LogicalName");
    assert!(names.len() > 350, "{}", names.len());
    assert!(names.contains(&"account") && !names.contains(&"EntityMetadata"));
    let filtered = |filter: &str| format!("EntityDefinitions?$select=LogicalName&$filter={filter}");
    for filter in [
        "LogicalName eq 'account' or LogicalCollectionName eq 'contacts'",
        "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and \
         (LogicalName eq 'account' or LogicalName eq 'contact')",
    ] {
        let found = read(emulator, &filtered(&filter.replace(' ', "%20"))).await;
        assert_eq!(texts(&found, "LogicalName"), ["account", "contact"]);
    }
    let expanded = read(
        emulator,
        "EntityDefinitions?$select=LogicalName&$filter=LogicalName%20eq%20'account'\
         &$expand=Keys($select=KeyAttributes),Attributes($select=LogicalName;\
         $filter=AttributeType%20eq%20Microsoft.Dynamics.CRM.AttributeTypeCode'Money'),\
         ManyToOneRelationships($select=ReferencingEntityNavigationPropertyName;\
         $filter=ReferencedEntity%20eq%20'contact')",
    )
    .await;
    let account = &expanded["value"][0];
    assert_eq!(
        account["Keys"][0]["KeyAttributes"],
        json!(["accountnumber"])
    );
    // The document does not tell money from decimal.
    assert_eq!(account["Attributes"], json!([]));
    let to_contact = account["ManyToOneRelationships"].as_array().unwrap();
    let to_contact = to_contact.iter().map(|one| {
        one["ReferencingEntityNavigationPropertyName"]
            .as_str()
            .unwrap()
    });
    let to_contact: Vec<&str> = to_contact.collect();
    assert!(to_contact.contains(&"primarycontactid"), "{to_contact:?}");
}

#[tokio::test]
async fn columns_tell_their_types() {
    let emulator = &*PLAIN;
    let all = read(
        emulator,
        "EntityDefinitions(LogicalName='account')/Attributes",
    )
    .await;
    let column = |name: &str| {
        let mut items = all["value"].as_array().unwrap().iter();
        items.find(|item| item["LogicalName"] == name).unwrap()
    };
    for (name, cast, type_name) in [
        ("name", "String", "StringType"),
        ("accountid", "UniqueIdentifier", "UniqueidentifierType"),
        ("numberofemployees", "Integer", "IntegerType"),
        ("statecode", "State", "StateType"),
        ("statuscode", "Status", "StatusType"),
        ("donotemail", "Boolean", "BooleanType"),
        ("createdon", "DateTime", "DateTimeType"),
        ("versionnumber", "BigInt", "BigIntType"),
        ("exchangerate", "Decimal", "DecimalType"),
        ("address1_latitude", "Double", "DoubleType"),
        ("primarycontactid", "Lookup", "LookupType"),
        ("ownerid", "Lookup", "OwnerType"),
        ("entityimage", "Image", "ImageType"),
    ] {
        let qualified = format!("#Microsoft.Dynamics.CRM.{cast}AttributeMetadata");
        assert_eq!(column(name)["@odata.type"], qualified, "{name}");
        assert_eq!(column(name)["AttributeTypeName"]["Value"], type_name);
    }
    assert_eq!(column("name")["MaxLength"], 160);
    assert_eq!(column("name")["IsPrimaryName"], true);
    assert_eq!(column("accountid")["IsPrimaryId"], true);
    assert_eq!(column("createdon")["IsValidForUpdate"], false);
    assert_eq!(column("ownerid")["Targets"], json!(["systemuser", "team"]));
    assert_eq!(column("primarycontactid")["Targets"], json!(["contact"]));
    let customer = read(
        emulator,
        "EntityDefinitions(LogicalName='opportunity')/Attributes(LogicalName='customerid')",
    )
    .await;
    assert_eq!(customer["AttributeTypeName"]["Value"], "CustomerType");
}

#[tokio::test]
async fn casts_choose_columns_and_allow_their_properties() {
    let emulator = &*PLAIN;
    let path = "EntityDefinitions(LogicalName='account')/Attributes";
    let cast = "Microsoft.Dynamics.CRM.LookupAttributeMetadata";
    let lookups = read(
        emulator,
        &format!("{path}/{cast}?$select=LogicalName,Targets"),
    )
    .await;
    assert_eq!(
        lookups["@odata.context"],
        format!(
            "https://emulator.localhost/api/data/v9.2/$metadata#EntityDefinitions('account')\
             /Attributes/{cast}(LogicalName,Targets)"
        )
    );
    let names = texts(&lookups, "LogicalName");
    assert!(names.contains(&"ownerid") && !names.contains(&"name"));
    assert!(lookups["value"][0].get("@odata.type").is_none());
    // A base type has those that derive from it, and they say what they are.
    let choices =
        format!("{path}/Microsoft.Dynamics.CRM.EnumAttributeMetadata?$select=LogicalName");
    let choices = read(emulator, &choices).await;
    assert_eq!(texts(&choices, "LogicalName"), ["statecode", "statuscode"]);
    assert_eq!(
        choices["value"][0]["@odata.type"],
        "#Microsoft.Dynamics.CRM.StateAttributeMetadata"
    );

    let refused = |path: String| async move {
        let answer = get(emulator, &path).await;
        (answer.status, answer.error().1)
    };
    assert_eq!(
        refused(format!("{path}?$select=Targets&$filter=Nonsense%20eq%201")).await,
        (
            400,
            "Could not find a property named 'Nonsense' on type \
             'Microsoft.Dynamics.CRM.AttributeMetadata'."
                .to_owned()
        )
    );
    let (status, message) = refused("EntityDefinitions?$select=Colour".to_owned()).await;
    assert_eq!(status, 400);
    assert!(message.contains("'Colour' on type 'Microsoft.Dynamics.CRM.EntityMetadata'"));
    let wrong = format!("{path}(LogicalName='name')/{cast}");
    assert_eq!(refused(wrong).await.0, 404);
    for missing in [
        "EntityDefinitions(LogicalName='nothing')",
        "EntityDefinitions(00000000-0000-0000-0000-000000000001)",
        "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='nothing')",
        "RelationshipDefinitions(SchemaName='nothing')",
        "GlobalOptionSetDefinitions(Name='nothing')",
    ] {
        let answer = get(emulator, missing).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.error().0, "0x80040217", "{missing}");
    }
    for (bad, status) in [
        ("EntityDefinitions(LogicalName=account)", 400),
        ("EntityDefinitions(Colour='x')", 400),
        ("EntityDefinitions/Nothing", 404),
        ("EntityDefinitions?$filter=a", 400),
        ("EntityDefinitions?$expand=Nothing", 400),
        ("EntityDefinitions?$orderby=LogicalName", 400),
        ("EntityDefinitions?LabelLanguages=english", 400),
        ("GlobalOptionSetDefinitions?$filter=Name%20eq%20'x'", 400),
        ("EntityDefinitions?$filter=startswith(LogicalName,'a')", 501),
    ] {
        assert_eq!(get(emulator, bad).await.status, status, "{bad}");
    }
    for (method, status) in [("POST", 400), ("PUT", 405), ("DELETE", 405)] {
        let answer = send(emulator, method, "EntityDefinitions", &[], "{}").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn relationships_are_told_from_both_sides() {
    let emulator = &*PLAIN;
    let path = "EntityDefinitions(LogicalName='account')/ManyToOneRelationships";
    let own = read(emulator, path).await;
    let own = own["value"].as_array().unwrap();
    let owner = own
        .iter()
        .find(|one| one["ReferencingAttribute"] == "ownerid");
    let owner = owner.unwrap();
    assert_eq!(owner["ReferencedEntity"], "owner");
    assert_eq!(owner["ReferencingEntityNavigationPropertyName"], "ownerid");
    let path = "RelationshipDefinitions/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata\
                ?$select=SchemaName,ReferencingEntity,ReferencingEntityNavigationPropertyName\
                &$filter=ReferencedEntity%20eq%20'account'%20and%20ReferencingEntity%20eq%20'task'";
    let tasks = read(emulator, path).await;
    let tasks = tasks["value"].as_array().unwrap();
    assert_eq!(tasks.len(), 1);
    assert_eq!(
        tasks[0]["ReferencingEntityNavigationPropertyName"],
        "regardingobjectid_account_task"
    );
    let name = tasks[0]["SchemaName"].as_str().unwrap();
    let one = read(
        emulator,
        &format!("RelationshipDefinitions(SchemaName='{name}')"),
    )
    .await;
    assert_eq!(one["MetadataId"], tasks[0]["MetadataId"]);
    assert_eq!(
        one["@odata.type"],
        "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata"
    );
    let path = "EntityDefinitions(LogicalName='account')/OneToManyRelationships?$select=SchemaName";
    assert!(texts(&read(emulator, path).await, "SchemaName").contains(&name));
    let path = "EntityDefinitions(LogicalName='lead')/ManyToManyRelationships";
    let pairs = read(emulator, path).await;
    let accounts = pairs["value"].as_array().unwrap().iter();
    let accounts: Vec<&Value> = accounts
        .filter(|pair| pair["Entity1LogicalName"] == "account")
        .collect();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["Entity2LogicalName"], "lead");
}

#[tokio::test]
async fn definitions_that_were_given_add_to_the_document() {
    let emulator = &*TOLD;
    let path = "EntityDefinitions(LogicalName='account')/Attributes";
    let picklists = read(
        emulator,
        &format!(
            "{path}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata\
             ?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet"
        ),
    )
    .await;
    let items = picklists["value"].as_array().unwrap();
    let industry = items
        .iter()
        .find(|item| item["LogicalName"] == "industrycode");
    let industry = industry.unwrap();
    assert!(industry["OptionSet"]["Options"].as_array().unwrap().len() > 30);
    assert!(industry["OptionSet"].get("Name").is_none());
    let path_of_options = format!(
        "{path}(LogicalName='industrycode')/\
         Microsoft.Dynamics.CRM.PicklistAttributeMetadata/OptionSet"
    );
    let options = read(emulator, &path_of_options).await;
    assert_eq!(options["Name"], "account_industrycode");

    let name = read(
        emulator,
        &format!("{path}(LogicalName='name')?LabelLanguages=1033"),
    )
    .await;
    assert_eq!(
        name["DisplayName"]["LocalizedLabels"][0]["Label"],
        "Account Name"
    );
    let german = read(
        emulator,
        &format!("{path}(LogicalName='name')?LabelLanguages=1031"),
    )
    .await;
    assert_eq!(german["DisplayName"]["LocalizedLabels"], json!([]));
    // What is not in the document: the label of an owner, and what is virtual.
    let shadow = read(emulator, &format!("{path}(LogicalName='owneridname')")).await;
    assert_eq!(shadow["AttributeOf"], "ownerid");
    assert_eq!(shadow["EntityLogicalName"], "account");
    let global = read(emulator, "GlobalOptionSetDefinitions").await;
    for choice in global["value"].as_array().unwrap() {
        let path = format!(
            "GlobalOptionSetDefinitions(Name='{}')",
            choice["Name"].as_str().unwrap()
        );
        assert_eq!(read(emulator, &path).await["Options"], choice["Options"]);
    }
    // Another table is as the document has it.
    let path = "EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='fullname')";
    assert_eq!(
        read(emulator, path).await["DisplayName"]["LocalizedLabels"],
        json!([])
    );
    for bad in ["", "[]", "{\"value\":[]}", "<edmx/>"] {
        let built = Emulator::builder()
            .document(document(ON_PREMISES))
            .definitions(bad);
        let error = built.build().err().unwrap().to_string();
        assert!(error.starts_with("the definitions: "), "{error}");
    }
}

#[tokio::test]
async fn changes_answer_queries() {
    let emulator = &*TOLD;
    let query = json!({
        "Criteria": { "FilterOperator": "Or", "Conditions": [
            { "PropertyName": "LogicalName", "ConditionOperator": "In",
              "Value": { "Type": "System.String[]", "Value": "['account','nothing']" } },
            { "PropertyName": "LogicalCollectionName", "ConditionOperator": "Equals",
              "Value": { "Type": "System.String", "Value": "contacts" } },
        ] },
        "Properties": { "AllProperties": false, "PropertyNames": ["EntitySetName", "Attributes"] },
        "AttributeQuery": {
            "Properties": { "AllProperties": false, "PropertyNames": ["AttributeTypeName", "OptionSet"] },
            "Criteria": { "FilterOperator": "And", "Conditions": [
                { "PropertyName": "IsValidForRead", "ConditionOperator": "Equals",
                  "Value": { "Type": "System.Boolean", "Value": "True" } },
                { "PropertyName": "AttributeTypeName", "ConditionOperator": "NotEquals",
                  "Value": { "Type": "System.String", "Value": "StringType" } },
            ] },
        },
    });
    let answer = changes(emulator, &query).await;
    let tables = answer["EntityMetadata"].as_array().unwrap();
    let names: Vec<&Value> = tables.iter().map(|table| &table["LogicalName"]).collect();
    assert_eq!(names, ["account", "contact"]);
    assert_eq!(tables[0]["EntitySetName"], "accounts");
    assert_eq!(tables[0]["PrimaryIdAttribute"], Value::Null);
    assert_eq!(tables[0]["ManyToOneRelationships"], json!([]));
    let columns = tables[0]["Attributes"].as_array().unwrap();
    let column = |name: &str| columns.iter().find(|item| item["LogicalName"] == name);
    assert!(column("name").is_none());
    let state = column("statecode").unwrap();
    assert_eq!(
        state["@odata.type"],
        "#Microsoft.Dynamics.CRM.ComplexStateAttributeMetadata"
    );
    assert_eq!(state["OptionSet"]["Options"][0]["InvariantName"], "Active");
    assert_eq!(state["DisplayName"], Value::Null);

    let stamp = answer["ServerVersionStamp"].as_str().unwrap();
    let since = |stamp: &str| {
        let stamp: String = url::form_urlencoded::byte_serialize(stamp.as_bytes()).collect();
        format!("RetrieveMetadataChanges(ClientVersionStamp=@s)?@s='{stamp}'")
    };
    let nothing = read(emulator, &since(stamp)).await;
    assert_eq!(nothing["EntityMetadata"], json!([]));
    assert_eq!(nothing["ServerVersionStamp"], stamp);
    let expired = get(emulator, &since("1!01/01/2000 00:00:00")).await;
    assert_eq!(expired.status, 400);
    assert_eq!(expired.error().0, "0x80044352");

    for (bad, status) in [
        ("RetrieveMetadataChanges(Query=@p)", 400),
        ("RetrieveMetadataChanges(Query=@p)?@p={", 400),
        ("RetrieveMetadataChanges(Query=@p)?@p=3", 400),
        ("RetrieveMetadataChanges(Colour=@p)?@p=3", 400),
        ("RetrieveMetadataChanges(ClientVersionStamp=3)", 400),
        (
            "RetrieveMetadataChanges(Query=@p)?@p={%22Criteria%22:{%22Conditions%22:\
             [{%22PropertyName%22:%22a%22,%22ConditionOperator%22:%22Like%22}]}}",
            400,
        ),
    ] {
        assert_eq!(get(emulator, bad).await.status, status, "{bad}");
    }
    let posted = send(emulator, "POST", "RetrieveMetadataChanges", &[], "{}").await;
    assert_eq!(posted.status, 404);
}

#[tokio::test]
async fn ids_are_the_same_in_every_run_and_no_two_are_alike() {
    let ids = |answer: Value| -> Vec<String> {
        let items = answer["value"].as_array().unwrap().iter();
        items
            .map(|item| item["MetadataId"].as_str().unwrap().to_owned())
            .collect()
    };
    let (one, other) = (&*PLAIN, super::emulator());
    for path in ["EntityDefinitions", "RelationshipDefinitions"] {
        let path = format!("{path}?$select=SchemaName");
        let first = ids(read(one, &path).await);
        assert_eq!(first, ids(read(&other, &path).await));
        let distinct: std::collections::BTreeSet<&String> = first.iter().collect();
        assert_eq!(distinct.len(), first.len());
    }
}
