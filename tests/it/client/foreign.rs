//! Servers that speak OData and are not Dataverse: what they do differently is read all the same.

use dataverse_client::http::RetryPolicy;
use dataverse_client::rust_decimal::Decimal;
use dataverse_client::schema::TableName;
use dataverse_client::{Batch, Create, Id, New, Operation, Retrieve};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

use super::requests::{ID, sent};

#[tokio::test]
async fn links_are_relative_and_stand_before_the_rows() {
    let page = |name: &str, link: &str| {
        format!("{{\"@odata.nextLink\":\"{link}\",\"value\":[{{\"name\":\"{name}\"}}]}}")
    };
    let last = r#"{"value":[{"name":"c"}]}"#;
    let script = Script::new()
        .answer(200, &[], page("a", "accounts?$skiptoken=%253c1"))
        .answer(200, &[], page("b", "/api/data/v9.2/accounts?$skiptoken=2"))
        .answer(200, &[], last);
    let (client, _) = script.client().unwrap();
    let rows = client
        .query::<AccountCard>()
        .rows()
        .collect()
        .await
        .unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let root = "GET https://org.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken=";
    assert_eq!(script.sent()[1].line, format!("{root}%253c1"));
    assert_eq!(script.sent()[2].line, format!("{root}2"));
}

#[tokio::test]
async fn errors_are_text_pages_numbers_or_nothing() {
    for (body, code, message) in [
        ("", "", "no body"),
        (
            "Bad gateway of the intranet",
            "",
            "Bad gateway of the intranet",
        ),
        ("<html><body>Sign in</body></html>", "", "web page"),
        (r#"{"error":{"code":4711,"message":"no"}}"#, "4711", "no"),
        (r#"{"error":{"code":null,"message":"no"}}"#, "", "no"),
        ("[1]", "", "[1]"),
    ] {
        let script = Script::new().answer(400, &[("content-type", "text/plain")], body);
        let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
        let call = client.retrieve::<AccountCard>(Id::<Account>::new(ID));
        let error = call.await.unwrap_err();
        let service = error.service_error().unwrap();
        assert_eq!(service.code_text(), code, "{body}");
        assert!(service.message().contains(message), "{body}: {error}");
    }
}

#[tokio::test]
async fn decimals_are_text_and_headers_small() {
    let id = ID.to_string();
    let url = format!("accounts({id})");
    let script = Script::new()
        .answer(200, &[], r#"{"name":"a","revenue":"922337203685477.5807"}"#)
        .answer(201, &[("odata-entityid", &url)], "");
    let (client, _) = script.client().unwrap();
    let row = client
        .retrieve::<AccountCard>(Id::<Account>::new(ID))
        .await
        .unwrap();
    let exact: Decimal = "922337203685477.5807".parse().unwrap();
    assert_eq!(row.revenue, Some(exact));
    let create = client.create(New::<Account>::new()).server_assigned_id();
    assert_eq!(create.await.unwrap(), Id::new(ID));
}

#[test]
fn a_batch_is_answered_with_its_own_boundary_and_lengths() {
    let mut batch = Batch::new();
    let row = batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    let request = batch.request().unwrap();
    let content_type = request.headers["content-type"].to_str().unwrap();
    let (_, boundary) = content_type.split_once("boundary=").unwrap();
    let boundary = boundary.trim_matches('"');
    let body = format!(
        "--{boundary}\r\ncontent-type: application/http\r\ncontent-length: 83\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n\
         {{\"name\":\"a\"}}\r\n--{boundary}--"
    );
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    let answer = dataverse_client::Response::new(http::StatusCode::OK, headers, body.into());
    let mut replies = batch.decode(&answer).unwrap();
    assert_eq!(replies.take(row).unwrap().name, "a");
}

#[test]
fn parties_of_an_activity_are_rows_of_it() {
    let party = |mask: i32| New::new().set_named("participationtypemask", mask);
    let users = TableName::new("systemusers");
    let email = New::new().set_named("subject", "s").insert_many_named(
        "email_activity_parties",
        [
            party(1).bind_named("partyid_systemuser", users.row(ID)),
            party(2).set_named("addressused", "a@b.c"),
        ],
    );
    let create = Create::in_table(TableName::new("emails"), email);
    assert_eq!(
        sent(&create),
        format!(
            "POST emails\ncontent-type: application/json\n{{\"subject\":\"s\",\
             \"email_activity_parties\":[{{\"participationtypemask\":1,\
             \"partyid_systemuser@odata.bind\":\"systemusers({ID})\"}},\
             {{\"participationtypemask\":2,\"addressused\":\"a@b.c\"}}]}}"
        )
    );
}
