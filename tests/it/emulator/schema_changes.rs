//! `RetrieveMetadataChanges` with the version that a client has: what changed since, and what is
//! gone.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{get, post, send};

fn emulator() -> Emulator {
    Emulator::builder().build().unwrap()
}

fn label(text: &str) -> Value {
    json!({ "LocalizedLabels": [{ "Label": text, "LanguageCode": 1033 }] })
}

fn column(kind: &str, schema_name: &str) -> Value {
    json!({
        "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
        "SchemaName": schema_name, "DisplayName": label(schema_name),
    })
}

/// Posts a definition; gives its path and its id.
async fn define(emulator: &Emulator, path: &str, body: &Value) -> (String, String) {
    let answer = post(emulator, path, &body.to_string()).await;
    assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    let url = answer.header("odata-entityid").to_owned();
    let id = url.rsplit_once('(').unwrap().1.trim_end_matches(')');
    (url.clone(), id.to_owned())
}

async fn delete(emulator: &Emulator, url: &str) {
    let answer = send(emulator, "DELETE", url, &[], "").await;
    assert_eq!(answer.status, 204, "{url}: {}", answer.body);
}

/// What changed since a version; what is deleted of every kind.
async fn since(emulator: &Emulator, stamp: &Value) -> Value {
    let path = format!(
        "RetrieveMetadataChanges(ClientVersionStamp=@s,DeletedMetadataFilters=@d)?@s='{}'&@d=\
         Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'",
        stamp.as_str().unwrap()
    );
    let answer = get(emulator, &path.replace(' ', "%20")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn now(emulator: &Emulator) -> Value {
    let query = "{%22Criteria%22:{%22Conditions%22:[{%22PropertyName%22:%22LogicalName%22,\
                 %22ConditionOperator%22:%22Equals%22,%22Value%22:{%22Value%22:%22none%22}}]}}";
    let path = format!("RetrieveMetadataChanges(Query=@p)?@p={query}");
    get(emulator, &path).await.json()["ServerVersionStamp"].clone()
}

/// `account*: +name`: tables with a star if they changed themselves, and their changed columns.
fn told(answer: &Value) -> Vec<String> {
    let tables = answer["EntityMetadata"].as_array().unwrap().iter();
    let mut told: Vec<String> = tables
        .map(|table| {
            let mut parts = Vec::new();
            for part in ["Attributes", "Keys", "ManyToOneRelationships"] {
                for item in table[part].as_array().unwrap() {
                    assert_eq!(item["HasChanged"], true, "{item}");
                    let name = ["LogicalName", "SchemaName"];
                    let name = name.iter().find_map(|name| item[name].as_str());
                    parts.push(name.unwrap().to_owned());
                }
            }
            parts.sort();
            let star = if table["HasChanged"] == true { "*" } else { "" };
            let name = table["LogicalName"].as_str().unwrap();
            format!("{name}{star}: {}", parts.join(" "))
        })
        .collect();
    told.sort();
    told
}

fn deleted(answer: &Value, kind: &str) -> Vec<String> {
    let deleted = &answer["DeletedMetadata"];
    let keys = deleted["Keys"].as_array().unwrap();
    assert_eq!(deleted["Count"], keys.len());
    let at = keys.iter().position(|key| key == kind);
    let ids = at.map_or(Vec::new(), |at| {
        deleted["Values"][at]["Items"].as_array().unwrap().clone()
    });
    ids.iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_client_is_told_what_is_new_changed_and_gone() {
    let emulator = emulator();
    let first = now(&emulator).await;
    assert_eq!(told(&since(&emulator, &first).await), [""; 0]);

    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    let (shoe, shoe_id) = define(&emulator, columns, &column("String", "new_Shoe")).await;
    let second = now(&emulator).await;
    assert_ne!(first, second);
    assert_eq!(told(&since(&emulator, &first).await), ["account: new_shoe"]);
    assert_eq!(told(&since(&emulator, &second).await), [""; 0]);

    let mut name = column("String", "new_Name");
    name["IsPrimaryName"] = true.into();
    let table = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata", "SchemaName": "new_Bank",
        "DisplayName": label("Bank"), "OwnershipType": "OrganizationOwned", "Attributes": [name],
    });
    let (bank, bank_id) = define(&emulator, "EntityDefinitions", &table).await;
    let third = now(&emulator).await;
    let changes = since(&emulator, &second).await;
    let tables = changes["EntityMetadata"].as_array().unwrap();
    assert_eq!(tables.len(), 1, "{:?}", told(&changes));
    assert_eq!(tables[0]["LogicalName"], "new_bank");
    assert_eq!(tables[0]["HasChanged"], true);
    let all = tables[0]["Attributes"].as_array().unwrap();
    let names: Vec<_> = all.iter().map(|one| one["LogicalName"].as_str()).collect();
    assert!(names.contains(&Some("new_bankid")), "{names:?}");
    assert!(names.contains(&Some("new_name")), "{names:?}");

    // Deleted things are told by id, and no longer as changed.
    delete(&emulator, &shoe).await;
    delete(&emulator, &bank).await;
    let changes = since(&emulator, &first).await;
    assert_eq!(told(&changes), [""; 0]);
    assert!(deleted(&changes, "Attribute").contains(&shoe_id));
    let banks = vec![bank_id];
    assert_eq!(deleted(&changes, "Default"), banks);
    let path = format!(
        "RetrieveMetadataChanges(ClientVersionStamp=@s)?@s='{}'",
        third.as_str().unwrap()
    );
    let usual = get(&emulator, &path.replace(' ', "%20")).await.json();
    assert_eq!(deleted(&usual, "Default"), banks);
    assert!(deleted(&usual, "Attribute").is_empty(), "{usual}");

    // What is made again is there again.
    define(&emulator, columns, &column("Integer", "new_Shoe")).await;
    assert_eq!(told(&since(&emulator, &third).await), ["account: new_shoe"]);
}

#[tokio::test]
async fn a_choice_is_told_with_its_columns_and_a_query_leaves_out_the_rest() {
    let emulator = emulator();
    let choice = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata", "Name": "new_colours",
        "DisplayName": label("Colours"), "OptionSetType": "Picklist",
        "Options": [{ "Value": 1, "Label": label("red") }],
    });
    let (_, id) = define(&emulator, "GlobalOptionSetDefinitions", &choice).await;
    let mut colour = column("Picklist", "new_Colour");
    colour["GlobalOptionSet@odata.bind"] = format!("/GlobalOptionSetDefinitions({id})").into();
    define(
        &emulator,
        "EntityDefinitions(LogicalName='account')/Attributes",
        &colour,
    )
    .await;
    let contacts = "EntityDefinitions(LogicalName='contact')/Attributes";
    define(&emulator, contacts, &column("String", "new_Shoe")).await;
    let before = now(&emulator).await;
    let option = json!({
        "OptionSetName": "new_colours", "Value": 2, "Label": label("blue"),
    });
    let inserted = post(&emulator, "InsertOptionValue", &option.to_string()).await;
    assert_eq!(inserted.status, 200, "{}", inserted.body);
    define(&emulator, contacts, &column("String", "new_Hat")).await;
    assert_eq!(
        told(&since(&emulator, &before).await),
        ["account: new_colour", "contact: new_hat"]
    );
    let query = "{%22Criteria%22:{%22Conditions%22:[{%22PropertyName%22:%22LogicalName%22,\
                 %22ConditionOperator%22:%22Equals%22,%22Value%22:{%22Value%22:%22contact%22}}]},\
                 %22Properties%22:{%22PropertyNames%22:[%22Attributes%22]},\
                 %22AttributeQuery%22:{%22Properties%22:{%22AllProperties%22:true}}}";
    let path = format!(
        "RetrieveMetadataChanges(Query=@p,ClientVersionStamp=@s)?@p={query}&@s='{}'",
        before.as_str().unwrap()
    );
    let answer = get(&emulator, &path.replace(' ', "%20")).await.json();
    assert_eq!(told(&answer), ["contact: new_hat"]);
}

#[tokio::test]
async fn versions_of_another_past_have_expired() {
    let emulator = emulator();
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    let first = now(&emulator).await;
    emulator.snapshot("before").unwrap();
    define(&emulator, columns, &column("String", "new_Shoe")).await;
    let second = now(&emulator).await;
    emulator.restore("before").unwrap();
    assert_eq!(now(&emulator).await, first);
    define(&emulator, columns, &column("String", "new_Hat")).await;
    assert_eq!(told(&since(&emulator, &first).await), ["account: new_hat"]);
    for stamp in [second.as_str().unwrap(), "x", "1", "!"] {
        let path = format!("RetrieveMetadataChanges(ClientVersionStamp=@s)?@s='{stamp}'");
        let answer = get(&emulator, &path.replace(' ', "%20")).await;
        assert_eq!(answer.status, 400, "{stamp}: {}", answer.body);
        assert_eq!(answer.error().0, "0x80044352");
    }
    let path = "RetrieveMetadataChanges(DeletedMetadataFilters=@d)?@d='Colour'";
    assert_eq!(get(&emulator, path).await.status, 400);
}
