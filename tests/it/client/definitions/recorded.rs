//! Recorded requests and answers about definitions.

use std::collections::{BTreeMap, BTreeSet};

use dataverse_client::definitions::*;
use dataverse_client::{Invoke, Operation, Request, Target};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{fixture, parse, response};

const DOCUMENTED: &[&str] = &[
    "docs-auto-number-2019.json",
    "docs-column-definitions.json",
    "docs-create-update-entity-definitions-2018.json",
    "docs-create-update-entity-relationships-2018.json",
    "docs-query-metadata-2018.json",
    "docs-retrieve-metadata-name-metadataid-2018.json",
];

fn examples() -> BTreeMap<String, Value> {
    let mut examples = BTreeMap::new();
    for file in DOCUMENTED {
        for example in parse(&fixture(file)).as_array().unwrap() {
            let id = example["id"].as_str().unwrap().to_owned();
            examples.insert(id, example.clone());
        }
    }
    assert_eq!(examples.len(), 28);
    examples
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

/// Path below the root, and the options sorted: their order means nothing.
fn address(url: &str) -> (String, BTreeSet<(String, String)>) {
    let below = url.split_once("/api/data/").map_or(url, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, below)| below)
    });
    let (path, query) = below.split_once('?').unwrap_or((below, ""));
    let options = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    (path.to_owned(), options.collect())
}

fn assert_same(name: &str, request: &Request, example: &Value) {
    let expected = &example["request"];
    assert_eq!(request.method, expected["method"].as_str().unwrap());
    let Target::Path(path) = &request.target else {
        panic!("{name}: {request:?}")
    };
    let url = expected["url"].as_str().unwrap();
    assert_eq!(address(path), address(url), "{name}");
    for header in ["MSCRM.MergeLabels", "MSCRM.SolutionUniqueName"] {
        let sent = request.headers.get(header);
        let sent = sent.map(|value| value.to_str().unwrap());
        assert_eq!(sent, expected["headers"][header].as_str(), "{name}");
    }
    let Some(body) = expected["body"].as_str() else {
        assert!(request.body.is_empty(), "{name}");
        return;
    };
    let mut body = parse(body);
    // Belongs in answers; the service passes over it.
    body.as_object_mut().unwrap().remove("@odata.context");
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent, body, "{name}");
}

/// The label as relationships show it: with a text for the user, too.
fn with_user_text(text: &str) -> Label {
    let mut label = Label::from(text);
    label.user = Some(label.localized[0].clone());
    label
}

/// The label as the page about yes and no shows it.
fn not_managed(text: &str) -> Label {
    let mut label = Label::from(text);
    label.localized[0].is_managed = Some(false);
    label
}

#[test]
fn documented_requests_are_those_of_the_operations() {
    let examples = examples();
    let mut open: BTreeSet<&str> = examples.keys().map(String::as_str).collect();
    let mut check = |name: &'static str, operation: &dyn Fn() -> Request| {
        assert!(open.remove(name), "{name}");
        assert_same(name, &operation(), &examples[name]);
    };
    let bank = id("402fa40f-287c-e511-80d2-00155d2a68d2");
    macro_rules! same {
        ($name:literal, $operation:expr) => {
            check($name, &|| $operation.request().unwrap());
        };
    }

    same!("auto-number-2019#1", {
        let column = ColumnDefinition::auto_number(
            "new_SerialNumber",
            100,
            "WID-{SEQNUM:5}-{RANDSTRING:6}-{DATETIMEUTC:yyyyMMddhhmmss}",
        );
        CreateDefinition::column(
            "new_widget",
            &column
                .label("Serial Number")
                .description("Serial Number of the widget."),
        )
    });
    same!(
        "auto-number-2019#2",
        Invoke::new(SetAutoNumberSeed::new(
            "new_Widget",
            "new_Serialnumber",
            10_000
        ))
    );
    same!("column-definitions#1", {
        let mut column =
            ColumnDefinition::boolean("new_Boolean", not_managed("True"), not_managed("False"))
                .label(not_managed("Sample Boolean"))
                .description(not_managed("Boolean Attribute"));
        column.required_level.as_mut().unwrap().can_be_changed = Some(false);
        CreateDefinition::column("new_bankaccount", &column).in_solution("examplesolution")
    });
    same!(
        "column-definitions#2",
        RetrieveDefinition::column("new_bankaccount", "new_boolean")
            .of_type(AttributeType::BOOLEAN)
    );
    same!("create-update-entity-definitions-2018#1", {
        let name = ColumnDefinition::text("new_AccountName", 100)
            .label("Account Name")
            .description("Type the name of the bank account");
        let table = TableDefinition::new("new_BankAccount", Ownership::USER_OWNED, name)
            .label("Bank Account", "Bank Accounts")
            .description("An entity to store information about customer bank accounts");
        CreateDefinition::table(&table)
    });
    same!("create-update-entity-definitions-2018#2", {
        // Read, then changed, then sent.
        let example = &examples["create-update-entity-definitions-2018#2"];
        let body = example["request"]["body"].as_str().unwrap();
        let mut table: TableDefinition = serde_json::from_str(body).unwrap();
        table.display_name = Some("Bank Business Name".into());
        let key = id("417129e1-207c-e511-80d2-00155d2a68d2");
        UpdateDefinition::table(key, &table)
    });
    same!("create-update-entity-definitions-2018#3", {
        let column = ColumnDefinition::text("new_BankName", 100)
            .label("Bank Name")
            .description("Type the name of the bank");
        CreateDefinition::column(bank, &column)
    });
    same!("create-update-entity-definitions-2018#4", {
        let column = ColumnDefinition::money("new_Balance")
            .label("Balance")
            .description("Enter the balance amount");
        CreateDefinition::column(bank, &column)
    });
    same!("create-update-entity-definitions-2018#5", {
        let mut column = ColumnDefinition::date("new_Checkeddate")
            .label("Date")
            .description("The date the account balance was last confirmed");
        // The page is older than behaviours of dates.
        if let ColumnKind::DateAndTime(date) = &mut column.kind {
            date.behavior = None;
        }
        CreateDefinition::column(bank, &column)
    });
    same!("create-update-entity-definitions-2018#6", {
        let mut lookup = ColumnDefinition::lookup("new_CustomerId")
            .label(with_user_text("Customer"))
            .description(with_user_text("Sample Customer Lookup Attribute"));
        lookup.required_level = None;
        let between = |target: &str| {
            let name = format!("new_bankaccount_customer_{target}");
            OneToManyRelationship::between(name, target, "new_bankaccount")
        };
        Invoke::new(
            CreateCustomerRelationships::new(&lookup)
                .to(&between("account"))
                .to(&between("contact")),
        )
    });
    same!("create-update-entity-relationships-2018#1", {
        let owner = ColumnDefinition::lookup("new_AccountOwner")
            .label(with_user_text("Account Owner"))
            .description(with_user_text("The owner of the account"))
            .required(RequiredLevel::APPLICATION_REQUIRED);
        let mut menu = AssociatedMenu::new(MenuBehavior::USE_COLLECTION_NAME, 10_000);
        menu.label = Some(with_user_text("Bank Accounts"));
        let relationship = OneToManyRelationship::new(
            "new_contact_new_bankaccount",
            ("contact", "contactid"),
            "new_bankaccount",
            owner,
        );
        CreateDefinition::relationship(
            relationship
                .cascade(CascadeConfiguration::parental())
                .menu(menu),
        )
    });
    same!("create-update-entity-relationships-2018#2", {
        let menu = |text: &str| {
            let mut menu = AssociatedMenu::new(MenuBehavior::USE_LABEL, 10_000);
            menu.label = Some(with_user_text(text));
            Some(menu)
        };
        let mut pairs =
            ManyToManyRelationship::new("new_accounts_campaigns", "account", "campaign");
        pairs.menu1 = menu("Account");
        pairs.menu2 = menu("Campaign");
        CreateDefinition::relationship(pairs)
    });
    same!(
        "query-metadata-2018#1",
        RetrieveDefinition::table("account").select([
            "DisplayName",
            "IsKnowledgeManagementEnabled",
            "EntitySetName"
        ])
    );
    same!(
        "query-metadata-2018#2",
        QueryDefinitions::tables()
            .select(["LogicalName"])
            .filter("OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'")
    );
    same!(
        "query-metadata-2018#3",
        QueryDefinitions::tables()
            .select(["LogicalName"])
            .filter("CanCreateAttributes/Value eq true")
    );
    same!(
        "query-metadata-2018#4",
        RetrieveDefinition::table("account")
            .select(["LogicalName"])
            .expand(
                DefinitionExpand::new("Attributes")
                    .select(["LogicalName"])
                    .filter("AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'")
            )
    );
    let picklists = || QueryDefinitions::columns("account").of_type(AttributeType::PICKLIST);
    same!(
        "query-metadata-2018#5",
        picklists()
            .select(["LogicalName"])
            .expand("OptionSet")
            .expand("GlobalOptionSet")
    );
    same!(
        "query-metadata-2018#6",
        QueryDefinitions::columns("account")
            .of_type(AttributeType::MONEY)
            .select(["LogicalName", "Precision"])
    );
    same!(
        "query-metadata-2018#7",
        QueryDefinitions::columns("account")
            .select(["SchemaName"])
            .filter(
                "RequiredLevel/Value eq \
                 Microsoft.Dynamics.CRM.AttributeRequiredLevel'ApplicationRequired'"
            )
    );
    let day = id("5967e7cc-afbb-4c10-bf7e-e7ef430c52be");
    same!(
        "query-metadata-2018#8",
        RetrieveDefinition::column("account", day)
            .of_type(AttributeType::PICKLIST)
            .select(["LogicalName"])
            .expand("OptionSet")
    );
    same!(
        "query-metadata-2018#10",
        QueryDefinitions::relationships().select(["SchemaName"])
    );
    same!(
        "query-metadata-2018#11",
        QueryDefinitions::all_one_to_many().select(["SchemaName"])
    );
    same!(
        "query-metadata-2018#12",
        QueryDefinitions::all_one_to_many()
            .select(["SchemaName"])
            .filter("ReferencedEntity eq 'account'")
    );
    same!(
        "query-metadata-2018#13",
        QueryDefinitions::one_to_many("account").select(["SchemaName"])
    );
    let account = id("70816501-edb9-4740-a16c-6a5efbc05d84");
    same!(
        "retrieve-metadata-name-metadataid-2018#1",
        QueryDefinitions::tables()
            .filter("LogicalName eq 'account'")
            .select(["MetadataId"])
    );
    same!(
        "retrieve-metadata-name-metadataid-2018#2",
        QueryDefinitions::columns(account)
            .filter("LogicalName eq 'accountcategorycode'")
            .select(["MetadataId"])
    );
    let category = id("118771ca-6fb9-4f60-8fd4-99b6124b63ad");
    same!(
        "retrieve-metadata-name-metadataid-2018#3",
        RetrieveDefinition::column(account, category)
            .of_type(AttributeType::PICKLIST)
            .select(["LogicalName"])
            .expand(DefinitionExpand::new("OptionSet").select(["Options"]))
            .expand(DefinitionExpand::new("GlobalOptionSet").select(["Options"]))
    );

    // The options of a column on their own: #8 reads the same with the column.
    assert_eq!(open, BTreeSet::from(["query-metadata-2018#9"]));
}

/// What the definition writes is what was read, but for the name of the type.
fn assert_kept<T>(json: &Value, name: &str)
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    fn plain(json: &mut Value) {
        match json {
            Value::Object(members) => {
                members.remove("@odata.type");
                // A column tells them although its answer was not asked for them.
                members.remove("AttributeType");
                members.remove("AttributeTypeName");
                members.values_mut().for_each(plain);
            }
            Value::Array(items) => items.iter_mut().for_each(plain),
            _ => {}
        }
    }
    let read: T = serde_json::from_value(json.clone()).unwrap();
    let mut written = serde_json::to_value(read).unwrap();
    let mut expected = json.clone();
    plain(&mut written);
    plain(&mut expected);
    assert!(written == expected, "{name}");
}

#[test]
fn documented_answers_are_read() {
    let mut read = 0;
    let mut skipped = BTreeMap::new();
    for (name, example) in examples() {
        let answer = &example["response"];
        let url = example["request"]["url"].as_str().unwrap();
        let Some(body) = answer["body"].as_str() else {
            if answer.is_null() {
                skipped.insert(name, "response-not-shown");
            } else {
                // Written, and nothing to read but the id.
                assert!(url.contains("Seed") || answer["reason"].as_str().is_some());
            }
            continue;
        };
        if example["quirks"]
            .to_string()
            .contains("response-body-not-json")
        {
            skipped.insert(name, "response-body-not-json");
            continue;
        }
        let json = parse(body);
        read += 1;
        if json["AttributeId"].is_string() {
            let lookup = ColumnDefinition::lookup("x");
            let created = Invoke::new(CreateCustomerRelationships::new(&lookup));
            let created = created.decode(&response(200, body)).unwrap();
            assert_eq!(created.relationships.len(), 2);
        } else if url.contains("/Attributes") && json["value"].is_array() {
            let columns = QueryDefinitions::columns("account").decode(&response(200, body));
            let columns = columns.unwrap();
            assert!(matches!(columns[0].kind, ColumnKind::Picklist(_)), "{name}");
            assert_kept::<ColumnDefinition>(&json["value"][0], &name);
        } else if url.contains("/Attributes") {
            assert_kept::<ColumnDefinition>(&json, &name);
        } else {
            let tables = QueryDefinitions::tables().decode(&response(200, body));
            assert_eq!(
                tables.unwrap()[0].metadata_id,
                Some(id("70816501-edb9-4740-a16c-6a5efbc05d84"))
            );
            assert_kept::<TableDefinition>(&json["value"][0], &name);
        }
    }
    assert_eq!(read, 6);
    let count = |quirk: &str| skipped.values().filter(|found| **found == quirk).count();
    assert_eq!(count("response-not-shown"), 10);
    assert_eq!(count("response-body-not-json"), 2);
}

#[test]
fn creates_give_the_last_id_of_their_url() {
    let mut ids = 0;
    for (name, example) in examples() {
        let Some(url) = example["response"]["headers"]["OData-EntityId"].as_str() else {
            continue;
        };
        let mut answer = response(204, "");
        answer
            .headers
            .insert("odata-entityid", url.parse().unwrap());
        let create = CreateDefinition::choice(&OptionSetDefinition::default());
        let given = create.decode(&answer).unwrap();
        assert!(url.ends_with(&format!("({given})")), "{name}");
        ids += 1;
    }
    assert_eq!(ids, 8);
    let create = CreateDefinition::choice(&OptionSetDefinition::default());
    assert!(create.decode(&response(204, "")).unwrap_err().is_decode());
}

#[test]
fn a_boolean_column_is_read_through_its_cast() {
    let example = &examples()["column-definitions#2"];
    let body = example["response"]["body"].as_str().unwrap();
    let column = RetrieveDefinition::column("new_bankaccount", "new_boolean")
        .of_type(AttributeType::BOOLEAN)
        .decode(&response(200, body))
        .unwrap();
    assert_eq!(column.logical_name.as_deref(), Some("new_boolean"));
    let ColumnKind::Boolean(boolean) = &column.kind else {
        panic!("{column:?}")
    };
    assert_eq!(boolean.default_value, Some(false));
    let required = column.required_level.as_ref().unwrap();
    assert_eq!(required.value, Some(RequiredLevel::NONE));
    assert_eq!(required.can_be_changed, Some(false));
    assert_eq!(
        column.display_name.as_ref().unwrap().text(1033),
        Some("Sample Boolean")
    );
    assert_eq!(column.type_name().as_deref(), Some("BooleanType"));
    // What has no field is kept.
    assert_eq!(column.other.get("ColumnNumber").unwrap().as_str(), "35");
}

#[test]
fn recorded_columns_are_read() {
    let body = fixture("tf-attributes-businessunit.json");
    let columns = QueryDefinitions::columns("businessunit")
        .decode(&response(200, body.clone()))
        .unwrap();
    let json = parse(&body);
    let items = json["value"].as_array().unwrap();
    assert_eq!(columns.len(), items.len());
    let others = columns
        .iter()
        .filter(|column| column.kind == ColumnKind::Other)
        .count();
    let untold = items.iter().filter(|item| item["@odata.type"].is_null());
    assert_eq!(others, untold.count());
    for item in items {
        assert_kept::<ColumnDefinition>(item, "businessunit");
    }

    let body = fixture("amp-contact-picklists-optionset.json");
    let columns = QueryDefinitions::columns("contact")
        .of_type(AttributeType::PICKLIST)
        .decode(&response(200, body.clone()))
        .unwrap();
    for (column, json) in columns
        .iter()
        .zip(parse(&body)["value"].as_array().unwrap())
    {
        let options = &column.kind.option_set().unwrap().options;
        let expected = json["OptionSet"]["Options"].as_array().unwrap();
        assert_eq!(options.len(), expected.len());
        assert_eq!(json!(options[0].value), expected[0]["Value"]);
        assert_kept::<ColumnDefinition>(json, "picklists");
    }

    let body = fixture("amp-contact-states-optionset.json");
    let states = QueryDefinitions::columns("contact")
        .of_type(AttributeType::STATE)
        .decode(&response(200, body))
        .unwrap();
    let options = states[0].kind.option_set().unwrap();
    let active = options.option_of(0).unwrap();
    assert_eq!(active.invariant_name.as_deref(), Some("Active"));
    assert_eq!(active.default_status, Some(1));
    assert_eq!(active.label.as_ref().unwrap().user_text(), Some("Active"));

    let body = fixture("amp-contact-attributes.json");
    let columns = QueryDefinitions::columns("contact")
        .decode(&response(200, body))
        .unwrap();
    assert_eq!(
        columns[0].display_name.as_ref().unwrap().user_text(),
        Some("New Password Input")
    );
}

#[test]
fn a_recorded_table_is_read_with_its_relationships() {
    let body = fixture("tf-entitydefinition-account-with-relationships.json.gz");
    let json = parse(&body);
    let table = RetrieveDefinition::table("account")
        .decode(&response(200, body))
        .unwrap();
    assert_kept::<TableDefinition>(&json, "account");
    assert_eq!(table.logical_name.as_deref(), Some("account"));
    assert_eq!(table.ownership, Some(Ownership::USER_OWNED));
    assert_eq!(table.many_to_one.len(), 20);
    let contact = table
        .many_to_one
        .iter()
        .find(|relationship| relationship.referencing_column.as_deref() == Some("primarycontactid"))
        .unwrap();
    assert_eq!(contact.referenced_table.as_deref(), Some("contact"));
    assert_eq!(
        contact.cascade.as_ref().unwrap().delete,
        Some(CascadeType::REMOVE_LINK)
    );
    assert!(!table.many_to_many.is_empty());
    assert_eq!(table.many_to_many[0].table2.as_deref(), Some("account"));

    let body = fixture("amp-contact-entitydefinition-select.json");
    let table = RetrieveDefinition::table("contact").decode(&response(200, body));
    let plural = table.unwrap().display_collection_name.unwrap();
    assert_eq!(plural.text(1033), Some("Contacts"));
}

#[test]
fn recorded_changes_are_read() {
    let mut columns = 0;
    for file in [
        "retrievemetadatachanges-account.json.gz",
        "retrievemetadatachanges-cdsify_integrationtest.json",
        "retrievemetadatachanges-empty.json",
    ] {
        let body = fixture(file);
        let json = parse(&body);
        let changes = Invoke::new(RetrieveMetadataChanges::default())
            .decode(&response(200, body))
            .unwrap();
        assert!(changes.deleted.as_ref().unwrap().is_empty());
        assert_eq!(
            changes.tables.len(),
            json["EntityMetadata"].as_array().unwrap().len()
        );
        for (table, json) in changes
            .tables
            .iter()
            .zip(json["EntityMetadata"].as_array().unwrap())
        {
            assert_kept::<TableDefinition>(json, file);
            for (column, json) in table
                .columns
                .iter()
                .zip(json["Attributes"].as_array().unwrap())
            {
                // Every type that has a name of its own is known.
                let is_plain = json["@odata.type"].is_null();
                let is_guid = json["AttributeType"] == "Uniqueidentifier";
                assert_eq!(
                    column.kind == ColumnKind::Other,
                    is_plain && !is_guid,
                    "{json}"
                );
                columns += 1;
            }
        }
    }
    assert_eq!(columns, 248 + 44);
}

#[test]
fn definitions_of_types_that_are_not_known_are_kept() {
    let json = json!({
        "@odata.type": "#Microsoft.Dynamics.CRM.HologramAttributeMetadata",
        "AttributeType": "Virtual", "AttributeTypeName": { "Value": "HologramType" },
        "LogicalName": "new_h", "Depth": 3, "RequiredLevel": 7, "DisplayName": null,
    });
    let column: ColumnDefinition = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(column.kind, ColumnKind::Other);
    assert_eq!(column.type_name().as_deref(), Some("HologramType"));
    assert_eq!(column.required_level, None);
    assert_eq!(serde_json::to_value(&column).unwrap(), json);

    let json = json!({ "@odata.type": "#Microsoft.Dynamics.CRM.X", "SchemaName": "x" });
    let relationship: RelationshipDefinition = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(relationship.schema_name(), Some("x"));
    assert_eq!(serde_json::to_value(&relationship).unwrap(), json);

    // Of several options one that cannot be read does not lose the others.
    let json = json!({ "Options": [{ "Value": 1 }, 2], "Name": "x" });
    let choice: OptionSetDefinition = serde_json::from_value(json.clone()).unwrap();
    assert!(choice.options.is_empty());
    assert_eq!(serde_json::to_value(&choice).unwrap(), json);
}

/// Each value in the document, one after the other, in another type: nothing fails, and nothing
/// is lost.
#[test]
fn whatever_a_member_holds_it_is_kept() {
    fn pointers(json: &Value, at: &str, found: &mut Vec<String>) {
        match json {
            Value::Object(members) => {
                for (name, value) in members {
                    let at = format!("{at}/{name}");
                    found.push(at.clone());
                    pointers(value, &at, found);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    pointers(value, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let body = fixture("amp-contact-states-optionset.json");
    let column = parse(&body)["value"][0].clone();
    let mut found = Vec::new();
    pointers(&column, "", &mut found);
    assert!(found.len() > 60, "{}", found.len());
    for pointer in found {
        for odd in [
            json!(null),
            json!(-1.5),
            json!("x"),
            json!([3]),
            json!({"a": []}),
        ] {
            let mut odd_column = column.clone();
            *odd_column.pointer_mut(&pointer).unwrap() = odd;
            assert_kept::<ColumnDefinition>(&odd_column, &pointer);
        }
    }
}

#[test]
fn answers_that_are_no_definitions_are_errors() {
    let decode = |body: &str| QueryDefinitions::tables().decode(&response(200, body));
    for body in ["", "{", "[]", "{\"value\":3}", "{\"value\":[3]}", "{}"] {
        assert!(decode(body).unwrap_err().is_decode(), "{body}");
    }
    let paged = "{\"value\":[],\"@odata.nextLink\":\"https://x\"}";
    assert!(decode(paged).unwrap_err().is_decode());
    let changes = Invoke::new(RetrieveMetadataChanges::default());
    assert!(
        changes
            .decode(&response(200, "{}"))
            .unwrap_err()
            .is_decode()
    );
    let missing = r#"{"error":{"code":"0x80040217","message":"Could not find an entity"}}"#;
    let error = RetrieveDefinition::table("x")
        .decode(&response(404, missing))
        .unwrap_err();
    assert!(error.is_not_found());
}
