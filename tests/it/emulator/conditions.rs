//! Writes and reads on a condition, and single columns.

use dataverse_emulator::BuildError;

use super::small::{builder, emulator};
use super::{create, get, post, send};

#[tokio::test]
async fn a_row_is_deleted_only_in_the_version_that_was_read() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let old = get(&emulator, &path).await.header("etag").to_owned();
    send(
        &emulator,
        "PUT",
        &format!("{path}/name"),
        &[],
        r#"{"value":"b"}"#,
    )
    .await;
    let current = get(&emulator, &path).await.header("etag").to_owned();
    assert_ne!(old, current);
    let delete = async |etag: &str| {
        send(&emulator, "DELETE", &path, &[("if-match", etag)], "")
            .await
            .status
    };
    assert_eq!(delete(&old).await, 412);
    assert_eq!(get(&emulator, &path).await.status, 200);
    assert_eq!(delete(&current).await, 204);
    assert_eq!(delete(&current).await, 404);
    assert_eq!(delete("*").await, 404);
}

#[tokio::test]
async fn an_etag_comes_with_what_was_written() {
    let emulator = emulator();
    let representation = [("prefer", "return=representation")];
    let told = send(
        &emulator,
        "POST",
        "accounts",
        &representation,
        r#"{"name":"a"}"#,
    )
    .await;
    let path = format!("accounts({})", told.json()["accountid"].as_str().unwrap());
    let etag = told.header("etag").to_owned();
    assert_eq!(told.json()["@odata.etag"], *etag);
    let headers = [("prefer", "return=representation"), ("if-match", &etag)];
    let told = send(&emulator, "PATCH", &path, &headers, r#"{"name":"b"}"#).await;
    assert_eq!(told.status, 200);
    assert_ne!(told.header("etag"), etag);
    assert_eq!(
        told.header("etag"),
        get(&emulator, &path).await.header("etag")
    );
}

#[tokio::test]
async fn a_conditional_read_with_annotations_is_never_304() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let etag = get(&emulator, &path).await.header("etag").to_owned();
    let unchanged = send(&emulator, "GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!((unchanged.status, &*unchanged.body), (304, ""));
    assert_eq!(unchanged.header("odata-version"), "4.0");
    let headers = [
        ("if-none-match", etag.as_str()),
        ("prefer", "odata.include-annotations=\"*\""),
    ];
    assert_eq!(
        send(&emulator, "GET", &path, &headers, "").await.status,
        200
    );
}

#[tokio::test]
async fn a_table_without_optimistic_concurrency_takes_no_etag() {
    let emulator = builder()
        .without_optimistic_concurrency("account")
        .build()
        .unwrap();
    let path = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let etag = get(&emulator, &path).await.header("etag").to_owned();
    for method in ["PATCH", "DELETE"] {
        let answer = send(&emulator, method, &path, &[("if-match", &etag)], "{}").await;
        assert_eq!((answer.status, &*answer.error().0), (400, "0x8006088D"));
    }
    let read = send(&emulator, "GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!(read.status, 200);
    // No version is named: only that the row exists.
    let update = send(&emulator, "PATCH", &path, &[("if-match", "*")], "{}").await;
    assert_eq!(update.status, 204);
    let error = builder().without_optimistic_concurrency("nothing").build();
    assert!(matches!(error, Err(BuildError::Table(_))), "{error:?}");
}

#[tokio::test]
async fn navigation_properties_are_not_written_as_columns() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    for (method, name, body, status) in [
        ("DELETE", "primarycontactid", "", 405),
        ("PUT", "primarycontactid", r#"{"value":null}"#, 405),
        ("DELETE", "contact_customer_accounts", "", 405),
        ("PUT", "_primarycontactid_value", r#"{"value":null}"#, 400),
        ("DELETE", "_primarycontactid_value", "", 400),
        ("PUT", "name", "{}", 400),
        ("PUT", "name", r#"{"value":5}"#, 400),
        ("POST", "name", r#"{"value":"b"}"#, 405),
        ("PUT", "nothing", r#"{"value":"b"}"#, 404),
    ] {
        let answer = send(&emulator, method, &format!("{path}/{name}"), &[], body).await;
        assert_eq!(answer.status, status, "{method} {name}: {}", answer.body);
    }
    assert_eq!(get(&emulator, &path).await.json()["name"], "a");
    let whole = send(&emulator, "PUT", &path, &[], r#"{"name":"b"}"#).await;
    assert_eq!(whole.status, 405);
}

#[tokio::test]
async fn a_column_is_cleared_with_null_too() {
    let emulator = emulator();
    let path = create(
        &emulator,
        "accounts",
        r#"{"name":"a","accountnumber":"1","revenue":5.50}"#,
    )
    .await;
    let name = "accounts(accountnumber='1')/revenue";
    let answer = send(&emulator, "PUT", name, &[], r#"{"value":null}"#).await;
    assert_eq!((answer.status, answer.header("odata-entityid")), (204, ""));
    assert!(get(&emulator, &path).await.json()["revenue"].is_null());
}

#[tokio::test]
async fn an_update_passes_over_expand() {
    let emulator = emulator();
    let body = r#"{"name":"a","primarycontactid":{"lastname":"b"}}"#;
    let path = create(&emulator, "accounts", body).await;
    let answer = send(
        &emulator,
        "PATCH",
        &format!("{path}?$select=name&$expand=primarycontactid($select=lastname)"),
        &[("prefer", "return=representation")],
        r#"{"name":"c"}"#,
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let row = answer.json();
    assert_eq!(row["name"], "c");
    assert!(row.get("primarycontactid").is_none(), "{row}");
}

#[tokio::test]
async fn columns_of_the_key_are_not_changed_through_it() {
    let emulator = emulator();
    let path = "accounts(accountnumber='1')";
    // On create the body goes before the URL, on update it is passed over.
    let body = r#"{"name":"a","accountnumber":"2"}"#;
    assert_eq!(send(&emulator, "PATCH", path, &[], body).await.status, 204);
    assert_eq!(get(&emulator, path).await.status, 404);
    let created = "accounts(accountnumber='2')";
    assert_eq!(get(&emulator, created).await.json()["name"], "a");
    let body = r#"{"name":"b","accountnumber":"3"}"#;
    let answer = send(&emulator, "PATCH", created, &[], body).await;
    assert_eq!(answer.status, 204);
    assert_eq!(get(&emulator, created).await.json()["name"], "b");
    assert_eq!(
        post(&emulator, "accounts", r#"{"accountnumber":"3"}"#)
            .await
            .status,
        204
    );
}
