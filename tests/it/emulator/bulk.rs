//! `CreateMultiple`, `UpdateMultiple`, `UpsertMultiple`, `DeleteMultiple` of standard tables.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::documented::{assert_as_documented, examples, replay};
use super::small::emulator;
use super::{Answer, create, get, post, send};

const TYPE: &str = "Microsoft.Dynamics.CRM.account";
const FIRST: &str = "00000000-0000-0000-0000-000000000001";
const SECOND: &str = "00000000-0000-0000-0000-000000000002";

async fn bulk(emulator: &Emulator, message: &str, targets: Value) -> Answer {
    let path = format!("accounts/Microsoft.Dynamics.CRM.{message}");
    post(emulator, &path, &json!({"Targets": targets}).to_string()).await
}

/// Names of all accounts.
async fn names(emulator: &Emulator) -> Vec<Value> {
    let rows = get(emulator, "accounts?$select=name&$orderby=name")
        .await
        .json();
    let rows = rows["value"].as_array().unwrap().iter();
    rows.map(|row| row["name"].clone()).collect()
}

#[tokio::test]
async fn ids_come_in_the_order_of_the_targets() {
    let emulator = emulator();
    let contact = create(&emulator, "contacts", "{}").await;
    let answer = bulk(
        &emulator,
        "CreateMultiple",
        json!([
            {"@odata.type": TYPE, "name": "b", "accountid": SECOND},
            {"@odata.type": format!("#{TYPE}"), "name": "a",
             "primarycontactid@odata.bind": contact},
        ]),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told = answer.json();
    assert_eq!(
        told["@odata.context"],
        "https://emulator.localhost/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    );
    let ids = told["Ids"].as_array().unwrap();
    assert_eq!((ids.len(), &ids[0]), (2, &Value::from(SECOND)));
    let row = get(
        &emulator,
        &format!("accounts({})", ids[1].as_str().unwrap()),
    )
    .await;
    assert_eq!(row.json()["name"], "a");
    assert!(row.json()["_primarycontactid_value"].is_string());
}

#[tokio::test]
async fn all_targets_are_written_or_none() {
    let emulator = emulator();
    create(
        &emulator,
        "accounts",
        &json!({"accountid": FIRST, "name": "old"}).to_string(),
    )
    .await;
    for (message, targets, status) in [
        (
            "CreateMultiple",
            json!([{"@odata.type": TYPE, "name": "x"}, {"@odata.type": TYPE, "nothing": 1}]),
            400,
        ),
        (
            "CreateMultiple",
            json!([{"@odata.type": TYPE, "name": "x"}, {"@odata.type": TYPE, "accountid": FIRST}]),
            412,
        ),
        (
            "UpdateMultiple",
            json!([{"@odata.type": TYPE, "accountid": FIRST, "name": "x"},
                   {"@odata.type": TYPE, "accountid": SECOND, "name": "x"}]),
            404,
        ),
        (
            "UpsertMultiple",
            json!([{"@odata.type": TYPE, "accountid": SECOND, "name": "x"},
                   {"@odata.type": TYPE, "accountid": FIRST, "name": 5}]),
            400,
        ),
        // Every target says its type, and all have the table's.
        (
            "CreateMultiple",
            json!([{"@odata.type": TYPE}, {"name": "x"}]),
            400,
        ),
        (
            "CreateMultiple",
            json!([{"@odata.type": TYPE}, {"@odata.type": "Microsoft.Dynamics.CRM.contact"}]),
            400,
        ),
        // An update names rows by primary key only.
        (
            "UpdateMultiple",
            json!([{"@odata.type": TYPE, "accountnumber": "1", "name": "x"}]),
            400,
        ),
        (
            "UpsertMultiple",
            json!([{"@odata.type": TYPE, "name": "x"}]),
            400,
        ),
    ] {
        let answer = bulk(&emulator, message, targets.clone()).await;
        assert_eq!(
            answer.status, status,
            "{message} {targets}: {}",
            answer.body
        );
        assert_eq!(names(&emulator).await, ["old"], "{message} {targets}");
    }
}

#[tokio::test]
async fn the_first_of_two_updates_of_a_row_is_taken() {
    let emulator = emulator();
    create(
        &emulator,
        "accounts",
        &json!({"accountid": FIRST, "name": "old"}).to_string(),
    )
    .await;
    let answer = bulk(
        &emulator,
        "UpdateMultiple",
        json!([{"@odata.type": TYPE, "accountid": FIRST, "name": "first"},
               {"@odata.type": TYPE, "accountid": FIRST, "name": "second"}]),
    )
    .await;
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert_eq!(names(&emulator).await, ["first"]);
}

#[tokio::test]
async fn an_upsert_creates_and_changes_by_any_key() {
    let emulator = emulator();
    let row = json!({"accountid": FIRST, "accountnumber": "1", "name": "old"});
    create(&emulator, "accounts", &row.to_string()).await;
    let targets = json!([
        {"@odata.type": TYPE, "@odata.id": "accounts(accountnumber='1')", "name": "a"},
        {"@odata.type": TYPE, "@odata.id": "accounts(accountnumber='2')", "name": "b"},
        {"@odata.type": TYPE, "accountid": SECOND, "name": "c"},
    ]);
    let answer = bulk(&emulator, "UpsertMultiple", targets.clone()).await;
    assert_eq!((answer.status, &*answer.body), (204, ""), "{}", answer.body);
    assert_eq!(names(&emulator).await, ["a", "b", "c"]);
    let created = get(&emulator, "accounts(accountnumber='2')").await.json();
    assert_eq!(created["name"], "b");
    // Two targets with one row are an error, however they name it.
    let doubled = json!([
        {"@odata.type": TYPE, "accountid": FIRST, "name": "x"},
        {"@odata.type": TYPE, "@odata.id": "accounts(accountnumber='1')", "name": "y"},
    ]);
    let answer = bulk(&emulator, "UpsertMultiple", doubled).await;
    assert_eq!((answer.status, &*answer.error().0), (412, "0x80040237"));
    let elsewhere = json!([{"@odata.type": TYPE, "@odata.id": format!("contacts({FIRST})")}]);
    assert_eq!(
        bulk(&emulator, "UpsertMultiple", elsewhere).await.status,
        400
    );
    assert_eq!(names(&emulator).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_standard_table_deletes_row_by_row() {
    let emulator = emulator();
    create(
        &emulator,
        "accounts",
        &json!({"accountid": FIRST}).to_string(),
    )
    .await;
    let targets = json!([{"@odata.type": TYPE, "accountid": FIRST}]);
    let answer = bulk(&emulator, "DeleteMultiple", targets).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.error().1,
        "DeleteMultiple has not yet been implemented."
    );
    assert_eq!(names(&emulator).await.len(), 1);
}

#[tokio::test]
async fn a_bulk_message_is_asked_for_as_an_action() {
    let emulator = emulator();
    let path = "accounts/Microsoft.Dynamics.CRM.CreateMultiple";
    assert_eq!(get(&emulator, path).await.status, 404);
    let unqualified = post(&emulator, "accounts/CreateMultiple", "{}").await;
    assert_eq!(unqualified.status, 400);
    assert_eq!(
        unqualified.error().1,
        "Request message has unresolved parameters."
    );
    for body in ["{}", r#"{"Targets":{}}"#, r#"{"Targets":[5]}"#] {
        assert_eq!(post(&emulator, path, body).await.status, 400, "{body}");
    }
    let unknown = post(&emulator, "accounts/Microsoft.Dynamics.CRM.Nothing", "{}").await;
    assert_eq!(unknown.status, 501);
}

#[tokio::test]
async fn a_bulk_message_is_one_member_of_a_change_set() {
    let emulator = emulator();
    let part = |id: u8, request: &str, body: &str| {
        format!(
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {id}\r\n\r\n{request} HTTP/1.1\r\n\
             Content-Type: application/json\r\n\r\n{body}\r\n"
        )
    };
    let create = json!({"Targets": [{"@odata.type": TYPE, "name": "a"}]}).to_string();
    let body = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{}{}--c--\r\n--b--\r\n",
        part(
            1,
            "POST /api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple",
            &create
        ),
        part(2, "POST /api/data/v9.2/accounts", r#"{"nothing":1}"#),
    );
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    let answer = send(&emulator, "POST", "$batch", &headers, &body).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(names(&emulator).await.is_empty());
}

#[tokio::test]
async fn the_documented_update() {
    let columns = r#"<Property Name="sample_name" Type="Edm.String"/>"#;
    let emulator = super::elastic::table("sample_example", columns)
        .build()
        .unwrap();
    for id in ["8f4c3f92", "904c3f92", "914c3f92"] {
        let id = format!("{id}-312b-ee11-bdf4-000d3a993550");
        let row = json!({"sample_exampleid": id}).to_string();
        create(&emulator, "sample_examples", &row).await;
    }
    let example = &examples("docs-bulk-operations.json")["bulk-operations#2"];
    assert_as_documented(&replay(&emulator, example).await, example);
    let rows = get(&emulator, "sample_examples?$orderby=sample_name")
        .await
        .json();
    let last = &rows["value"][2];
    assert_eq!(last["sample_name"], "sample record 0000003 Updated");
}
