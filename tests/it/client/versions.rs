//! Where the version of a row stands.

use dataverse_client::schema::TableName;
use dataverse_client::{Id, Operation, Response, Retrieve};
use dataverse_tests::tables::{Account, AccountCard};
use http::{HeaderMap, HeaderValue, StatusCode};
use uuid::Uuid;

#[test]
fn the_version_is_in_the_row_or_in_the_head_of_its_answer() {
    for (row, head, expected) in [
        (
            r#"{"@odata.etag":"W/\"1\"","name":"a"}"#,
            Some("W/\"2\""),
            Some("W/\"1\""),
        ),
        (r#"{"name":"a"}"#, Some("W/\"2\""), Some("W/\"2\"")),
        (r#"{"name":"a"}"#, None, None),
    ] {
        let mut headers = HeaderMap::new();
        headers.extend(head.map(|head| (http::header::ETAG, HeaderValue::from_static(head))));
        let answer = Response::new(StatusCode::OK, headers, row.into());
        let id = Id::<Account>::new(Uuid::from_u128(1));
        let typed = Retrieve::<AccountCard>::new(id).decode(&answer).unwrap();
        assert_eq!(typed.etag().map(|etag| etag.as_str()), expected);
        let table = TableName::new("accounts").primary_id("accountid");
        let named = Retrieve::from_table(table, Uuid::from_u128(1))
            .decode(&answer)
            .unwrap();
        assert_eq!(named.etag().as_ref().map(|etag| etag.as_str()), expected);
    }
}
