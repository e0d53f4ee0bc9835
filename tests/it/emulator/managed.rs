//! Managed properties of rows: `iscustomizable`, `canbedeleted`.

use serde_json::{Value, json};

use super::fetch::encoded;
use super::{create, emulator, get, send};

#[tokio::test]
async fn managed_properties_are_read_written_and_filtered() {
    let emulator = emulator();
    create(&emulator, "webresourceset", r#"{"name":"a"}"#).await;
    let locked =
        json!({ "name": "b", "iscustomizable": { "Value": false, "CanBeChanged": false } });
    let path = create(&emulator, "webresourceset", &locked.to_string()).await;

    let select = "$select=name,iscustomizable,ishidden&$orderby=name";
    let rows = get(&emulator, &format!("webresourceset?{select}")).await;
    assert_eq!(rows.status, 200, "{}", rows.body);
    let rows = &rows.json()["value"];
    let property = |value: bool, changes: bool, name: &str| json!({ "Value": value, "CanBeChanged": changes, "ManagedPropertyLogicalName": name });
    assert_eq!(
        rows[0]["iscustomizable"],
        property(true, true, "iscustomizable")
    );
    assert_eq!(rows[0]["ishidden"], property(false, true, "ishidden"));
    assert_eq!(
        rows[1]["iscustomizable"],
        property(false, false, "iscustomizable")
    );
    // A whole row has them, too.
    let whole = get(&emulator, &path).await.json();
    assert_eq!(whole["iscustomizable"]["Value"], false);
    let one = get(&emulator, &format!("{path}/iscustomizable"))
        .await
        .json();
    assert_eq!(one["value"]["CanBeChanged"], false);

    let names = |answer: &super::Answer| -> Vec<String> {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let rows = answer.json()["value"].as_array().unwrap().clone();
        let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
        rows.iter().map(name).collect()
    };
    for (filter, expected) in [
        ("iscustomizable/Value eq true", "a"),
        ("iscustomizable/Value eq false", "b"),
        ("iscustomizable/CanBeChanged eq false", "b"),
        ("ishidden/Value eq true or name eq 'a'", "a"),
        (
            "iscustomizable/ManagedPropertyLogicalName eq 'iscustomizable' and name eq 'b'",
            "b",
        ),
    ] {
        let path = format!("webresourceset?$filter={}", filter.replace(' ', "%20"));
        assert_eq!(names(&get(&emulator, &path).await), [expected], "{filter}");
    }
    for (value, expected) in [("1", "a"), ("0", "b")] {
        let xml = format!(
            "<fetch><entity name='webresource'><attribute name='name'/>\
             <attribute name='iscustomizable'/><filter><condition attribute='iscustomizable' \
             operator='eq' value='{value}'/></filter></entity></fetch>"
        );
        let answer = get(
            &emulator,
            &format!("webresourceset?fetchXml={}", encoded(&xml)),
        )
        .await;
        assert_eq!(names(&answer), [expected]);
        let row = &answer.json()["value"][0];
        assert_eq!(row["iscustomizable"]["Value"], value == "1");
    }
    for filter in [
        "iscustomizable eq true",
        "iscustomizable eq 'true'",
        "iscustomizable/No eq 1",
    ] {
        let path = format!("webresourceset?$filter={}", filter.replace(' ', "%20"));
        assert_eq!(get(&emulator, &path).await.status, 400, "{filter}");
    }
    for wrong in [json!(true), json!({ "Value": 1 }), json!({}), json!([])] {
        let body = json!({ "iscustomizable": wrong }).to_string();
        let answer = send(&emulator, "PATCH", &path, &[], &body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
}

#[tokio::test]
async fn managed_properties_have_definitions() {
    let emulator = emulator();
    let all = get(&emulator, "ManagedPropertyDefinitions?$select=LogicalName").await;
    assert_eq!(all.status, 200, "{}", all.body);
    let all = all.json()["value"].as_array().unwrap().clone();
    let found = all
        .iter()
        .find(|one| one["LogicalName"] == "iscustomizable")
        .unwrap();
    let id = found["MetadataId"].as_str().unwrap();
    for key in [id.to_owned(), "LogicalName='iscustomizable'".to_owned()] {
        let one = get(&emulator, &format!("ManagedPropertyDefinitions({key})")).await;
        assert_eq!(one.status, 200, "{}", one.body);
        let one = one.json();
        assert_eq!(one["LogicalName"], "iscustomizable");
        assert!(
            one["DisplayName"].is_null() && one.get("ErrorCode").is_some(),
            "{one}"
        );
    }
    let unknown = get(&emulator, "ManagedPropertyDefinitions(LogicalName='no')").await;
    assert_eq!(unknown.status, 404);
    let posted = send(&emulator, "POST", "ManagedPropertyDefinitions", &[], "{}").await;
    assert_eq!(posted.status, 405, "{}", posted.body);
}

#[tokio::test]
async fn columns_are_cast_to_every_type() {
    let emulator = emulator();
    let attributes = "EntityDefinitions(LogicalName='account')/Attributes";
    let count = async |cast: &str, options: &str| {
        let path = format!("{attributes}/Microsoft.Dynamics.CRM.{cast}AttributeMetadata?{options}");
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, 200, "{cast}: {}", answer.body);
        answer.json()["value"].as_array().unwrap().len()
    };
    let mut cast = 0;
    for kind in [
        "BigInt",
        "Boolean",
        "DateTime",
        "Decimal",
        "Double",
        "EntityName",
        "Image",
        "Integer",
        "Lookup",
        "ManagedProperty",
        "Memo",
        "Money",
        "Picklist",
        "State",
        "Status",
        "String",
        "UniqueIdentifier",
    ] {
        cast += count(kind, "$select=LogicalName").await;
    }
    let all = get(&emulator, &format!("{attributes}?$select=LogicalName")).await;
    let all = all.json()["value"].as_array().unwrap().len();
    assert!(cast > 100 && cast <= all, "{cast} of {all}");
    assert!(count("Lookup", "$select=LogicalName,Targets").await > 5);
    assert!(count("DateTime", "$select=Format,DateTimeBehavior").await > 2);
    assert!(count("Boolean", "$select=LogicalName&$expand=OptionSet").await > 5);
    let unknown = format!("{attributes}/Microsoft.Dynamics.CRM.NothingMetadata");
    assert_eq!(get(&emulator, &unknown).await.status, 404);
}
