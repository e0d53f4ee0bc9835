//! Columns that are filled from others, and what a role's privileges reach.

use std::time::Duration;

use dataverse_client::http::{Clock, VirtualClock};
use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{create, get, post, send};

async fn read(emulator: &Emulator, path: &str) -> Value {
    let answer = get(emulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_person_has_a_first_and_a_last_name() {
    let emulator = Emulator::builder().build().unwrap();
    let row = create(
        &emulator,
        "contacts",
        r#"{"firstname":"Rafel","lastname":"Shillo"}"#,
    )
    .await;
    for (body, expected) in [
        (r#"{"jobtitle":"x"}"#, json!("Rafel Shillo")),
        (r#"{"firstname":"Ana"}"#, json!("Ana Shillo")),
        (r#"{"firstname":null}"#, json!("Shillo")),
        (r#"{"fullname":"Dr. Shillo"}"#, json!("Dr. Shillo")),
        (r#"{"lastname":""}"#, json!(null)),
    ] {
        let changed = send(&emulator, "PATCH", &row, &[], body).await;
        assert_eq!(changed.status, 204, "{}", changed.body);
        assert_eq!(read(&emulator, &row).await["fullname"], expected, "{body}");
    }
    let lead = create(&emulator, "leads", r#"{"lastname":"Sax"}"#).await;
    assert_eq!(read(&emulator, &lead).await["fullname"], "Sax");
}

#[tokio::test]
async fn a_row_from_elsewhere_tells_when_it_was_created_there() {
    let clock = VirtualClock::default();
    let emulator = Emulator::builder().clock(clock.clone()).build().unwrap();
    clock.sleep(Duration::from_secs(60)).await;
    let body =
        r#"{"overriddencreatedon":"2001-02-03T04:05:06Z","createdon":"2002-01-01T00:00:00Z"}"#;
    let row = create(&emulator, "accounts", body).await;
    let told = read(&emulator, &row).await;
    assert_eq!(told["createdon"], "2001-02-03T04:05:06Z");
    assert_eq!(told["overriddencreatedon"], "2026-01-01T00:01:00Z");
    let plain = create(&emulator, "accounts", "{}").await;
    let told = read(&emulator, &plain).await;
    assert_eq!(told["createdon"], "2026-01-01T00:01:00Z");
    assert_eq!(told["overriddencreatedon"], json!(null));
}

#[tokio::test]
async fn a_privilege_of_a_role_reaches_as_far_as_told() {
    let emulator = Emulator::builder().build().unwrap();
    let role = create(&emulator, "roles", r#"{"name":"R"}"#).await;
    let privilege = "886b280c-6396-4d56-a0a3-2c1b0a50ceb0";
    let row = json!({ "privilegeid": privilege, "name": "prvReadAccount" }).to_string();
    create(&emulator, "privileges", &row).await;
    let add = async |depth: &str| {
        let body = json!({ "Privileges": [{ "PrivilegeId": privilege, "Depth": depth }] });
        let path = format!("{role}/Microsoft.Dynamics.CRM.AddPrivilegesRole");
        post(&emulator, &path, &body.to_string()).await
    };
    for (depth, mask) in [("Basic", 1), ("Deep", 4), ("Global", 8), ("Local", 2)] {
        let added = add(depth).await;
        assert_eq!(added.status, 204, "{}", added.body);
        let pairs = read(&emulator, "roleprivilegescollection").await;
        let pairs = pairs["value"].as_array().unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0]["privilegedepthmask"], mask, "{depth}");
    }
    assert_eq!(add("Far").await.error().0, "0x80040203");
}

#[tokio::test]
async fn columns_hold_files_of_their_size_and_what_the_service_needs() {
    let definitions = json!([{
        "LogicalName": "account",
        "Attributes": [
            {
                "LogicalName": "name",
                "RequiredLevel": { "Value": "SystemRequired" },
            },
            { "LogicalName": "accountnumber", "RequiredLevel": { "Value": "ApplicationRequired" } },
        ],
    }]);
    let emulator = Emulator::builder()
        .definitions(definitions.to_string())
        .build()
        .unwrap();
    for (kind, name) in [("File", "new_Paper"), ("Image", "new_Picture")] {
        let column = json!({
            "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
            "SchemaName": name, "MaxSizeInKB": 1,
        });
        let columns = "EntityDefinitions(LogicalName='account')/Attributes";
        let made = post(&emulator, columns, &column.to_string()).await;
        assert_eq!(made.status, 204, "{}", made.body);
    }
    let row = create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let upload = async |column: &str, bytes: usize| {
        let headers = [
            ("content-type", "application/octet-stream"),
            ("x-ms-file-name", "a.txt"),
        ];
        let path = format!("{row}/{column}");
        send(&emulator, "PATCH", &path, &headers, &"x".repeat(bytes)).await
    };
    for column in ["new_paper", "new_picture"] {
        assert_eq!(upload(column, 1024).await.status, 204);
        let refused = upload(column, 1025).await;
        let (code, message) = refused.error();
        assert_eq!((refused.status, code.as_str()), (400, "0x80044a02"));
        assert!(message.contains("at most 1 KB"), "{message}");
    }
    // 1,023 bytes, and 1,026.
    for (length, status) in [(1_364, 204), (1_368, 400)] {
        let body = json!({ "new_picture": "A".repeat(length) }).to_string();
        let changed = send(&emulator, "PATCH", &row, &[], &body).await;
        assert_eq!(changed.status, status, "{length}");
    }
    for (body, status) in [
        (r#"{"name":null}"#, 400),
        (r#"{"name":"B"}"#, 204),
        (r#"{"accountnumber":null}"#, 204),
    ] {
        let changed = send(&emulator, "PATCH", &row, &[], body).await;
        assert_eq!(changed.status, status, "{body}");
    }
    let cleared = send(&emulator, "DELETE", &format!("{row}/name"), &[], "").await;
    assert_eq!(cleared.error().0, "0x80040203");
    assert_eq!(read(&emulator, &row).await["name"], "B");
}
