//! Solutions that requests name.

use dataverse_emulator::Emulator;
use serde_json::json;

use super::{create, get, post, send};

const REFUSED: &str = "The solution unique name 'typo' is not valid: there is no such solution.";

#[tokio::test]
async fn a_solution_that_there_is_not_is_refused() {
    let emulator = Emulator::builder().build().unwrap();
    create(
        &emulator,
        "solutions",
        r#"{"uniquename":"Bank","ismanaged":false}"#,
    )
    .await;
    create(
        &emulator,
        "solutions",
        r#"{"uniquename":"Sold","ismanaged":true}"#,
    )
    .await;
    let column = |name: &str| {
        json!({
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": name,
        })
        .to_string()
    };
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    let header = |name: &'static str| [("MSCRM.SolutionUniqueName", name)];
    let refused = send(
        &emulator,
        "POST",
        columns,
        &header("typo"),
        &column("new_A"),
    )
    .await;
    assert_eq!(refused.status, 400);
    let (code, message) = refused.error();
    assert_eq!(code, "0x80040203");
    assert!(message.starts_with(REFUSED), "{message}");
    let path = format!("{columns}(LogicalName='new_a')");
    assert_eq!(get(&emulator, &path).await.status, 404, "nothing was made");
    let managed = send(
        &emulator,
        "POST",
        columns,
        &header("Sold"),
        &column("new_A"),
    )
    .await;
    assert!(
        managed.error().1.contains("'Sold' is managed"),
        "{}",
        managed.body
    );
    for (solution, schema_name) in [("bank", "new_A"), ("Default", "new_B"), ("Active", "new_C")] {
        let made = send(
            &emulator,
            "POST",
            columns,
            &header(solution),
            &column(schema_name),
        )
        .await;
        assert_eq!(made.status, 204, "{solution}: {}", made.body);
    }
    // Rows are components, too, some of them.
    let row = send(&emulator, "POST", "webresourceset", &header("typo"), "{}").await;
    assert!(row.error().1.starts_with(REFUSED));
    let read = send(&emulator, "GET", "accounts", &header("typo"), "").await;
    assert_eq!(read.status, 200, "a read makes nothing");
}

#[tokio::test]
async fn a_parameter_names_a_solution_that_there_is() {
    let emulator = Emulator::builder().build().unwrap();
    create(&emulator, "solutions", r#"{"uniquename":"Bank"}"#).await;
    let choice = json!({ "Name": "new_colour", "Options": [] }).to_string();
    let made = post(&emulator, "GlobalOptionSetDefinitions", &choice).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let label = json!({ "LocalizedLabels": [{ "Label": "Red", "LanguageCode": 1033 }] });
    let mut option = json!({
        "OptionSetName": "new_colour", "Value": 1, "Label": label, "SolutionUniqueName": "typo",
    });
    let refused = post(&emulator, "InsertOptionValue", &option.to_string()).await;
    assert!(refused.error().1.starts_with(REFUSED), "{}", refused.body);
    option["SolutionUniqueName"] = "Bank".into();
    let inserted = post(&emulator, "InsertOptionValue", &option.to_string()).await;
    assert_eq!(inserted.status, 200, "{}", inserted.body);
    let table = json!({
        "SchemaName": "new_Bill",
        "Attributes": [{
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "new_Name", "IsPrimaryName": true,
        }],
    });
    let tables = json!({ "Entities": [table] }).to_string();
    let path = "CreateEntities?SolutionUniqueName=";
    let refused = post(&emulator, &format!("{path}typo"), &tables).await;
    assert!(refused.error().1.starts_with(REFUSED), "{}", refused.body);
    let made = post(&emulator, &format!("{path}Bank"), &tables).await;
    assert_eq!(made.status, 200, "{}", made.body);
}
