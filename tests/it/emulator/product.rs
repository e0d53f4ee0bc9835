//! The built-in tables: their choices have the options that come with the product.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{get, send};

/// A file of the built-in set.
fn standard(name: &str) -> Value {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../dataverse-emulator/standard/"
    );
    serde_json::from_str(&std::fs::read_to_string(format!("{folder}{name}")).unwrap()).unwrap()
}

#[tokio::test]
async fn tables_have_names_and_type_codes() {
    let emulator = Emulator::builder().build().unwrap();
    let path = "EntityDefinitions?$select=LogicalName,SchemaName,DisplayName,ObjectTypeCode";
    let told = get(&emulator, path).await.json();
    let told = told["value"].as_array().unwrap();
    for (table, names) in standard("tables.json").as_object().unwrap() {
        let found = told.iter().find(|found| found["LogicalName"] == *table);
        let found = found.unwrap_or_else(|| panic!("{table}"));
        let shown = &found["DisplayName"]["UserLocalizedLabel"]["Label"];
        let found = [&found["SchemaName"], shown, &found["ObjectTypeCode"]];
        assert_eq!(found, [&names[0], &names[1], &names[3]], "{table}");
    }
}

#[tokio::test]
async fn choices_are_those_of_columns_that_there_are() {
    let emulator = Emulator::builder().build().unwrap();
    for (table, columns) in standard("choices.json").as_object().unwrap() {
        for (column, told) in columns.as_object().unwrap() {
            if table == "*" {
                continue;
            }
            let kind = match column.as_str() {
                "statecode" => "State",
                "statuscode" => "Status",
                _ => "Picklist",
            };
            let path = format!(
                "EntityDefinitions(LogicalName='{table}')/Attributes(LogicalName='{column}')\
                 /Microsoft.Dynamics.CRM.{kind}AttributeMetadata?$expand=OptionSet"
            );
            let found = get(&emulator, &path).await.json();
            let options = found["OptionSet"]["Options"].as_array().unwrap();
            let labels: Vec<_> = options
                .iter()
                .map(|option| &option["Label"]["UserLocalizedLabel"]["Label"])
                .collect();
            let expected = told.as_array().unwrap().iter().skip(1);
            let expected: Vec<_> = expected.map(|option| &option[1]).collect();
            assert_eq!(labels, expected, "{table}.{column}");
            // It is in the document, too: rows hold it.
            let query = format!(
                "EntityDefinitions(LogicalName='{table}')?$select=EntitySetName,LogicalName"
            );
            let set = get(&emulator, &query).await.json()["EntitySetName"].clone();
            let rows = format!("{}?$select={column}&$top=1", set.as_str().unwrap());
            assert_eq!(get(&emulator, &rows).await.status, 200, "{table}.{column}");
        }
    }
}

#[tokio::test]
async fn rows_have_labels_and_hold_no_other_option() {
    let emulator = Emulator::builder().build().unwrap();
    let labels = [(
        "prefer",
        "odata.include-annotations=\"*\",return=representation",
    )];
    let label = "@OData.Community.Display.V1.FormattedValue";
    let body = json!({ "subject": "Call", "statecode": 1 }).to_string();
    let task = send(&emulator, "POST", "tasks", &labels, &body).await;
    assert_eq!(task.status, 201);
    let task = task.json();
    assert_eq!(task["statuscode"], 5);
    assert_eq!(task[format!("statuscode{label}")], "Completed");

    for body in [
        json!({ "subject": "Call", "statecode": 1, "statuscode": -1 }),
        json!({ "subject": "Call", "statecode": 1, "statuscode": null }),
    ] {
        let task = send(&emulator, "POST", "tasks", &labels, &body.to_string()).await;
        assert_eq!(task.json()["statuscode"], 5, "{body}");
    }

    let body = json!({ "name": "Contoso", "industrycode": 4 }).to_string();
    let account = send(&emulator, "POST", "accounts", &labels, &body).await;
    let account = account.json();
    assert_eq!(account[format!("industrycode{label}")], "Brokers");
    assert_eq!(account[format!("statecode{label}")], "Active");
    let path = format!("accounts({})", account["accountid"].as_str().unwrap());
    let refused = send(&emulator, "PATCH", &path, &[], r#"{"industrycode":99}"#).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["code"], "0x8004431A");
    assert_eq!(get(&emulator, &path).await.json()["industrycode"], 4);
}

#[tokio::test]
async fn given_definitions_come_first() {
    let definitions = r##"{"value":[{"LogicalName":"account","Attributes":[
        {"@odata.type":"#Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
         "LogicalName":"industrycode","AttributeType":"Picklist","OptionSet":{"Options":[
            {"Value":99,"Label":{"UserLocalizedLabel":{"Label":"Space"}}}]}}]}]}"##;
    let emulator = Emulator::builder().definitions(definitions).build();
    let emulator = emulator.unwrap();
    for (body, status) in [
        (r#"{"industrycode":99}"#, 204),
        (r#"{"industrycode":4}"#, 400),
        (r#"{"ownershipcode":2}"#, 204),
        (r#"{"ownershipcode":9}"#, 400),
    ] {
        let answer = send(&emulator, "POST", "accounts", &[], body).await;
        assert_eq!(answer.status, status, "{body}");
    }
}
