//! Changes of definitions: tables, columns, relationships, keys and choices that requests make.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{get, post, send};

fn emulator() -> Emulator {
    Emulator::builder().sample_rows().build().unwrap()
}

fn label(text: &str) -> Value {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [{
            "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
            "Label": text, "LanguageCode": 1033,
        }],
    })
}

fn column(kind: &str, schema_name: &str) -> Value {
    json!({
        "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
        "SchemaName": schema_name, "DisplayName": label(schema_name),
    })
}

fn bank_account() -> Value {
    let mut name = column("String", "new_AccountName");
    name["IsPrimaryName"] = true.into();
    name["MaxLength"] = 20.into();
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata",
        "SchemaName": "new_BankAccount", "DisplayName": label("Bank Account"),
        "OwnershipType": "UserOwned", "HasNotes": true, "HasActivities": false,
        "IsActivity": false, "Attributes": [name],
    })
}

/// Posts a definition; gives its path.
async fn define(emulator: &Emulator, path: &str, body: &Value) -> String {
    let answer = post(emulator, path, &body.to_string()).await;
    assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    let url = answer.header("odata-entityid").to_owned();
    assert_eq!(answer.header("location"), url);
    url
}

async fn json_of(emulator: &Emulator, path: &str) -> Value {
    let answer = get(emulator, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_table_is_made_used_and_deleted() {
    let emulator = emulator();
    let url = define(&emulator, "EntityDefinitions", &bank_account()).await;
    let table = json_of(&emulator, &url).await;
    assert_eq!(table["LogicalName"], "new_bankaccount");
    assert_eq!(table["EntitySetName"], "new_bankaccounts");
    assert_eq!(table["PrimaryIdAttribute"], "new_bankaccountid");
    assert_eq!(table["PrimaryNameAttribute"], "new_accountname");
    assert_eq!(table["IsCustomEntity"], true);
    assert_eq!(
        table["DisplayName"]["UserLocalizedLabel"]["Label"],
        "Bank Account"
    );

    let document = get(&emulator, "$metadata").await.body;
    assert!(document.contains("<EntityType Name=\"new_bankaccount\""));
    let set = "<EntitySet Name=\"new_bankaccounts\"";
    assert!(document.contains(set));

    let made = post(
        &emulator,
        "new_bankaccounts",
        "{\"new_accountname\":\"savings\"}",
    )
    .await;
    assert_eq!(made.status, 204, "{}", made.body);
    let rows = json_of(&emulator, "new_bankaccounts?$select=new_accountname").await;
    assert_eq!(rows["value"][0]["new_accountname"], "savings");
    let long = format!("{{\"new_accountname\":\"{}\"}}", "x".repeat(21));
    let refused = post(&emulator, "new_bankaccounts", &long).await;
    assert_eq!(refused.error().0, "0x80044331");

    let note = json!({
        "subject": "a note",
        "objectid_new_bankaccount@odata.bind": made.header("odata-entityid"),
    });
    let noted = post(&emulator, "annotations", &note.to_string()).await;
    assert_eq!(noted.status, 204, "{}", noted.body);

    assert_eq!(send(&emulator, "DELETE", &url, &[], "").await.status, 204);
    assert_eq!(get(&emulator, &url).await.status, 404);
    assert_eq!(get(&emulator, "new_bankaccounts").await.status, 404);
    assert!(!get(&emulator, "$metadata").await.body.contains(set));
    // The rows do not come back with a table of the same name.
    define(&emulator, "EntityDefinitions", &bank_account()).await;
    let rows = json_of(&emulator, "new_bankaccounts").await;
    assert_eq!(rows["value"], json!([]));
}

#[tokio::test]
async fn columns_of_each_type_hold_what_they_say() {
    let emulator = emulator();
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    let mut date = column("DateTime", "new_Day");
    date["Format"] = "DateOnly".into();
    date["DateTimeBehavior"] = json!({ "Value": "DateOnly" });
    for definition in [
        column("String", "new_Text"),
        column("Memo", "new_Memo"),
        column("Integer", "new_Whole"),
        column("BigInt", "new_Big"),
        column("Decimal", "new_Decimal"),
        column("Money", "new_Money"),
        column("Double", "new_Double"),
        column("Boolean", "new_Flag"),
        column("DateTime", "new_Time"),
        date,
        column("File", "new_File"),
    ] {
        define(&emulator, columns, &definition).await;
    }
    let row = json!({
        "name": "all types", "new_text": "t", "new_memo": "m", "new_whole": 1, "new_big": 2,
        "new_decimal": 1.5, "new_money": 2.5, "new_double": 0.25, "new_flag": true,
        "new_time": "2026-01-02T03:04:05Z", "new_day": "2026-01-02",
    });
    let made = post(&emulator, "accounts", &row.to_string()).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let url = made.header("odata-entityid").to_owned();
    let read = json_of(&emulator, &url).await;
    for (name, value) in row.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
    let upload = send(
        &emulator,
        "PATCH",
        &format!("{url}/new_file"),
        &[
            ("content-type", "application/octet-stream"),
            ("x-ms-file-name", "a.txt"),
        ],
        "content",
    )
    .await;
    assert_eq!(upload.status, 204, "{}", upload.body);
    assert_eq!(
        get(&emulator, &format!("{url}/new_file/$value")).await.body,
        "content"
    );

    let whole = format!("{columns}(LogicalName='new_whole')");
    let told = json_of(&emulator, &whole).await;
    assert_eq!(
        told["@odata.type"],
        "#Microsoft.Dynamics.CRM.IntegerAttributeMetadata"
    );
    assert_eq!(told["AttributeTypeName"]["Value"], "IntegerType");
    assert_eq!(told["IsCustomAttribute"], true);
    let again = post(
        &emulator,
        columns,
        &column("Integer", "new_Whole").to_string(),
    )
    .await;
    assert_eq!(again.status, 400);

    assert_eq!(send(&emulator, "DELETE", &whole, &[], "").await.status, 204);
    let read = json_of(&emulator, &url).await;
    assert!(read.get("new_whole").is_none());
    let system = format!("{columns}(LogicalName='name')");
    assert_eq!(
        send(&emulator, "DELETE", &system, &[], "").await.status,
        400
    );
}

#[tokio::test]
async fn a_definition_is_replaced_and_keeps_labels_of_other_languages() {
    let emulator = emulator();
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    let url = define(&emulator, columns, &column("String", "new_Text")).await;
    let mut changed = json_of(&emulator, &url).await;
    changed["MaxLength"] = 7.into();
    changed["DisplayName"] = json!({
        "LocalizedLabels": [{ "Label": "Text auf Deutsch", "LanguageCode": 1031 }]
    });
    let put = |headers: &'static [(&str, &str)]| {
        let (emulator, url, body) = (&emulator, &url, changed.to_string());
        async move { send(emulator, "PUT", url, headers, &body).await }
    };
    assert_eq!(put(&[("mscrm.mergelabels", "true")]).await.status, 204);
    let told = json_of(&emulator, &url).await;
    assert_eq!(told["MaxLength"], 7);
    let labels = told["DisplayName"]["LocalizedLabels"].as_array().unwrap();
    assert_eq!(labels.len(), 2);
    assert_eq!(
        told["DisplayName"]["UserLocalizedLabel"]["Label"],
        "new_Text"
    );
    assert_eq!(put(&[]).await.status, 204);
    let told = json_of(&emulator, &url).await;
    let labels = told["DisplayName"]["LocalizedLabels"].as_array().unwrap();
    assert_eq!(labels.len(), 1);
    let long = post(&emulator, "accounts", "{\"new_text\":\"12345678\"}").await;
    assert_eq!(long.error().0, "0x80044331");
}

#[tokio::test]
async fn relationships_lead_both_ways() {
    let emulator = emulator();
    define(&emulator, "EntityDefinitions", &bank_account()).await;
    let lookup = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_account_new_bankaccount",
        "ReferencedEntity": "account", "ReferencingEntity": "new_bankaccount",
        "CascadeConfiguration": { "Delete": "Cascade" },
        "Lookup": {
            "@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata",
            "SchemaName": "new_AccountOwner", "DisplayName": label("Owner"),
        },
    });
    let url = define(&emulator, "RelationshipDefinitions", &lookup).await;
    let path = format!("{url}/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata");
    let told = json_of(&emulator, &path).await;
    assert_eq!(told["ReferencingAttribute"], "new_accountowner");
    assert_eq!(
        told["ReferencingEntityNavigationPropertyName"],
        "new_AccountOwner"
    );
    assert_eq!(told["CascadeConfiguration"]["Delete"], "Cascade");
    assert_eq!(told["CascadeConfiguration"]["Assign"], "NoCascade");

    let account = "accounts(a1000000-0000-0000-0000-000000000001)";
    let row = json!({
        "new_accountname": "savings", "new_AccountOwner@odata.bind": format!("/{account}"),
    });
    assert_eq!(
        post(&emulator, "new_bankaccounts", &row.to_string())
            .await
            .status,
        204
    );
    let path = format!(
        "{account}?$select=name&$expand=new_account_new_bankaccount($select=new_accountname)"
    );
    let expanded = json_of(&emulator, &path).await;
    assert_eq!(
        expanded["new_account_new_bankaccount"][0]["new_accountname"],
        "savings"
    );

    let pairs = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
        "SchemaName": "new_bankaccount_contact", "IntersectEntityName": "new_bankaccount_contact",
        "Entity1LogicalName": "new_bankaccount", "Entity2LogicalName": "contact",
    });
    let pairs = define(&emulator, "RelationshipDefinitions", &pairs).await;
    let contact = "contacts(c1000000-0000-0000-0000-000000000001)";
    let rows = json_of(&emulator, "new_bankaccounts").await;
    let id = rows["value"][0]["new_bankaccountid"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({
        "@odata.id": format!("{}/api/data/v9.2/new_bankaccounts({id})", Emulator::URL),
    });
    let path = format!("{contact}/new_bankaccount_contact/$ref");
    let associated = post(&emulator, &path, &body.to_string()).await;
    assert_eq!(associated.status, 204, "{}", associated.body);
    let path = format!("new_bankaccounts({id})/new_bankaccount_contact?$select=fullname");
    let found = json_of(&emulator, &path).await;
    assert_eq!(found["value"].as_array().unwrap().len(), 1);

    for url in [&pairs, &url] {
        assert_eq!(send(&emulator, "DELETE", url, &[], "").await.status, 204);
    }
    let rows = json_of(&emulator, "new_bankaccounts").await;
    assert!(rows["value"][0].get("_new_accountowner_value").is_none());
}

#[tokio::test]
async fn keys_find_rows_and_hold_their_columns() {
    let emulator = emulator();
    let key = json!({
        "SchemaName": "new_NumberKey", "DisplayName": label("Number"),
        "KeyAttributes": ["accountnumber"],
    });
    let url = define(
        &emulator,
        "EntityDefinitions(LogicalName='account')/Keys",
        &key,
    )
    .await;
    let keys = json_of(&emulator, "EntityDefinitions(LogicalName='account')/Keys").await;
    assert_eq!(keys["value"][0]["SchemaName"], "new_NumberKey");
    assert_eq!(keys["value"][0]["EntityKeyIndexStatus"], "Active");
    let found = json_of(&emulator, "accounts(accountnumber='ABSS4G45')?$select=name").await;
    assert_eq!(found["name"], "Fourth Coffee (sample)");
    let twice = post(&emulator, "accounts", "{\"accountnumber\":\"ABSS4G45\"}").await;
    assert_eq!(twice.status, 412);
    assert_eq!(send(&emulator, "DELETE", &url, &[], "").await.status, 204);
    assert_eq!(
        get(&emulator, "accounts(accountnumber='ABSS4G45')")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn choices_grow_and_are_shared() {
    let emulator = emulator();
    let choice = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
        "Name": "new_colour", "IsGlobal": true, "OptionSetType": "Picklist",
        "DisplayName": label("Colour"),
        "Options": [{ "Label": label("Red") }, { "Value": 7, "Label": label("Blue") }],
    });
    let url = define(&emulator, "GlobalOptionSetDefinitions", &choice).await;
    let id = url.rsplit('(').next().unwrap().trim_end_matches(')');
    let mut column = column("Picklist", "new_Colour");
    column["GlobalOptionSet@odata.bind"] = format!("/GlobalOptionSetDefinitions({id})").into();
    define(
        &emulator,
        "EntityDefinitions(LogicalName='account')/Attributes",
        &column,
    )
    .await;
    let insert = json!({
        "OptionSetName": "new_colour", "Label": label("Green"), "MergeLabels": true,
    });
    let inserted = post(&emulator, "InsertOptionValue", &insert.to_string()).await;
    assert_eq!(inserted.json()["NewOptionValue"], 100_000_001);
    let picklists = "EntityDefinitions(LogicalName='account')/Attributes\
                     /Microsoft.Dynamics.CRM.PicklistAttributeMetadata\
                     ?$select=LogicalName&$expand=OptionSet($select=Options)\
                     &$filter=LogicalName%20eq%20'new_colour'";
    let told = json_of(&emulator, picklists).await;
    let options = told["value"][0]["OptionSet"]["Options"].as_array().unwrap();
    let texts: Vec<_> = options
        .iter()
        .map(|option| {
            (
                &option["Value"],
                &option["Label"]["UserLocalizedLabel"]["Label"],
            )
        })
        .collect();
    let expected = [
        (json!(100_000_000), json!("Red")),
        (json!(7), json!("Blue")),
        (json!(100_000_001), json!("Green")),
    ];
    assert_eq!(
        texts,
        expected
            .iter()
            .map(|(value, text)| (value, text))
            .collect::<Vec<_>>()
    );
    // A choice that a column shows stays.
    let refused = send(&emulator, "DELETE", &url, &[], "").await;
    assert_eq!(
        (refused.status, refused.error().0.as_str()),
        (400, "0x8004f01f")
    );
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_and_changes_nothing() {
    let emulator = emulator();
    let before = get(&emulator, "$metadata").await.body;
    let without_name = json!({ "SchemaName": "new_Thing", "Attributes": [] });
    let mut twice = bank_account();
    let count = column("Integer", "new_Count");
    twice["Attributes"] = json!([twice["Attributes"][0], count, count]);
    for (path, body) in [
        ("EntityDefinitions", json!({ "SchemaName": "new thing" })),
        ("EntityDefinitions", json!({ "SchemaName": "Thing" })),
        ("EntityDefinitions", without_name),
        ("EntityDefinitions", twice),
        (
            "EntityDefinitions(LogicalName='account')/Attributes",
            column("Strange", "new_X"),
        ),
        (
            "EntityDefinitions(LogicalName='account')/Attributes",
            column("Lookup", "new_X"),
        ),
        (
            "EntityDefinitions(LogicalName='account')/Attributes",
            column("String", "Name"),
        ),
        (
            "EntityDefinitions(LogicalName='account')/Keys",
            json!({ "SchemaName": "new_K", "KeyAttributes": ["nothing"] }),
        ),
        (
            "RelationshipDefinitions",
            json!({ "SchemaName": "new_r", "ReferencedEntity": "nothing", "ReferencingEntity": "account" }),
        ),
        ("InsertOptionValue", json!({ "OptionSetName": "nothing" })),
    ] {
        let answer = post(&emulator, path, &body.to_string()).await;
        assert!(
            (400..=404).contains(&answer.status),
            "{path} {body}: {}",
            answer.status
        );
    }
    assert_eq!(get(&emulator, "$metadata").await.body, before);
    let account = "EntityDefinitions(LogicalName='account')";
    assert_eq!(
        send(&emulator, "DELETE", account, &[], "").await.status,
        400
    );
}

#[tokio::test]
async fn definitions_outlive_the_emulator_in_a_file() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("definitions.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let build = || {
        Emulator::builder()
            .data_file(&file)
            .sample_rows()
            .build()
            .unwrap()
    };
    let emulator = build();
    define(&emulator, "EntityDefinitions", &bank_account()).await;
    assert_eq!(post(&emulator, "new_bankaccounts", "{}").await.status, 204);
    drop(emulator);
    let emulator = build();
    let rows = json_of(&emulator, "new_bankaccounts").await;
    assert_eq!(rows["value"].as_array().unwrap().len(), 1);
    // Rows to begin with are not written twice.
    let rows = json_of(&emulator, "accounts").await;
    assert_eq!(rows["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn values_of_choices_have_their_labels() {
    let emulator = emulator();
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    for kind in ["Picklist", "MultiSelectPicklist"] {
        let mut definition = column(kind, &format!("new_{kind}"));
        definition["OptionSet"] = json!({
            "IsGlobal": false,
            "Options": [
                { "Value": 1, "Label": label("Red") }, { "Value": 2, "Label": label("Blue") },
            ],
        });
        define(&emulator, columns, &definition).await;
    }
    define(&emulator, columns, &column("Boolean", "new_Flag")).await;
    let row = json!({
        "name": "coloured", "new_picklist": 2, "new_multiselectpicklist": "1,2", "new_flag": true,
    });
    let made = post(&emulator, "accounts", &row.to_string()).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let term = "OData.Community.Display.V1.FormattedValue";
    let prefer = format!("odata.include-annotations=\"{term}\"");
    let fetch = "<fetch><entity name='account'><attribute name='new_picklist'/>\
                 <attribute name='new_multiselectpicklist'/><attribute name='new_flag'/>\
                 <filter><condition attribute='name' operator='eq' value='coloured'/></filter>\
                 </entity></fetch>";
    for path in [
        "accounts?$filter=name eq 'coloured'".replace(' ', "%20"),
        format!("accounts?fetchXml={}", super::fetch::encoded(fetch)),
    ] {
        let answer = send(&emulator, "GET", &path, &[("prefer", &prefer)], "").await;
        let rows = answer.json();
        for (name, label) in [
            ("new_picklist", "Blue"),
            ("new_multiselectpicklist", "Red; Blue"),
            ("new_flag", "Yes"),
        ] {
            assert_eq!(rows["value"][0][format!("{name}@{term}")], label, "{path}");
        }
        let plain = get(&emulator, &path).await.json();
        assert!(plain["value"][0].get(format!("new_flag@{term}")).is_none());
    }
}
