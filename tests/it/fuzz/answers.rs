//! Answers that no service sends: batches, errors, headers.

use std::cell::Cell;

use dataverse_client::{
    Batch, ChangeSet, Changes, Create, Delete, Id, New, Operation, Response, Retrieve, Update,
};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::{changed, changes, check};

fn response(status: u16, content_type: &str, body: Vec<u8>) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(content_type.as_bytes()) {
        headers.insert("content-type", value);
    }
    Response::new(StatusCode::from_u16(status).unwrap(), headers, body.into())
}

const PARTS: &[&str] = &[
    "--b",
    "--b--",
    "--c--",
    "\r\n",
    "\n",
    "\r",
    "--",
    "Content-Type: application/http\r\n\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    "Content-Type: multipart/mixed; boundary=\"c\"\r\n",
    "Content-Type: multipart/mixed;\r\n boundary=c\r\n",
    "Content-ID: 1\r\n",
    "Content-ID: 18446744073709551616\r\n",
    "Content-Length: 2147483648\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 999\r\n",
    "HTTP/9.9 200 OK\r\n",
    "HTTP/1.1 \r\n",
    ": \r\n",
    "OData-EntityId: https://x/accounts(1)\r\n",
    "{\"error\":",
];

const BATCH: &str = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: W/\"1\"\r\n\r\n{\"name\":\"a\"}\r\n\
--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\
OData-EntityId: https://x/api/data/v9.2/accounts(11111111-2222-3333-4444-555555555555)\r\n\r\n\r\n\
--c\r\nContent-Type: application/http\r\nContent-ID: 2\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--c--\r\n\
--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 404 Not Found\r\n\
Content-Type: application/json\r\n\r\n{\"error\":{\"code\":\"0x80040217\",\"message\":\"gone\"}}\r\n--b--\r\n";

#[test]
fn any_answer_to_a_batch_is_read_or_refused() {
    let strategy = (changes(PARTS), changes(PARTS), any::<bool>(), 0..4_usize);
    let whole = Cell::new(0);
    check(strategy, |(of_body, of_type, keeps_type, status)| {
        let id = || Id::<Account>::new(Uuid::from_u128(1));
        let mut batch = Batch::new();
        let read = batch.add(Retrieve::<AccountCard>::new(id()));
        let mut set = ChangeSet::new();
        let created = set.add(Create::new(New::new().set(Account::NAME, "a")));
        let updated = set.add(Update::new(id(), Changes::new().set(Account::NAME, "b")));
        batch.push(set);
        let deleted = batch.add(Delete::<Account>::new(id()));
        let content_type = "multipart/mixed; boundary=b";
        let content_type = match keeps_type {
            true => content_type.to_owned(),
            false => {
                let bytes = changed(content_type.as_bytes(), &of_type);
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        let status = [200, 400, 429, 500][status];
        let answer = response(status, &content_type, changed(BATCH.as_bytes(), &of_body));
        let Ok(mut replies) = batch.decode(&answer) else {
            return;
        };
        let _ = replies.first_error();
        // Each handle has an answer or an error.
        let _ = replies.take(read).is_ok();
        let _ = replies.take(created).is_ok();
        let _ = replies.take(updated).is_ok();
        let _ = replies.take(deleted).is_ok();
        whole.set(whole.get() + 1);
    });
    assert!(whole.get() > 0, "some answers were whole enough");
}

const ERRORS: &[&str] = &[
    "\"error\":",
    "\"code\":",
    "\"message\":",
    "\"innererror\":",
    "\"0x80040217\"",
    "\"-2147220969\"",
    "\"0xffffffffffffffff\"",
    "\"@Microsoft.PowerApps.CDS.ErrorDetails.ExceptionIndex\":",
    "{",
    "}",
    "[",
    "]",
    "null",
    "1e400",
    "\\ud800",
    "\"",
    "<html>",
    "<!DOCTYPE html>",
    "\u{feff}",
];

const ERROR: &str = r#"{"error":{"code":"0x80040217","message":"account With Id = 1 Does Not Exist","@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus":"0","@Microsoft.PowerApps.CDS.HelpLink":"http://go.microsoft.com/","innererror":{"message":"x","type":"System.ServiceModel.FaultException","stacktrace":"at X"}}}"#;

#[test]
fn any_error_is_told() {
    let document = prop_oneof![
        4 => changes(ERRORS).prop_map(|changes| changed(ERROR.as_bytes(), &changes)),
        1 => vec(any::<u8>(), 0..200),
    ];
    let strategy = (document, 0..8_usize, any::<bool>());
    check(strategy, |(body, status, is_json)| {
        let status = [400, 401, 403, 404, 412, 429, 500, 503][status];
        let content_type = if is_json {
            "application/json"
        } else {
            "text/html"
        };
        let answer = response(status, content_type, body);
        let read = Retrieve::<AccountCard>::new(Id::new(Uuid::from_u128(1)));
        let error = read.decode(&answer).unwrap_err();
        assert_eq!(error.status(), Some(answer.status));
        let text = format!("{error} {error:?}");
        assert!(text.len() < 20_000, "{}", text.len());
        let _ = (error.code(), error.is_throttled(), error.is_duplicate());
        let _ = error.bulk_failures();
    });
}

const VALUES: &[&str] = &[
    "120",
    "-1",
    "1e18",
    "18446744073709551616",
    "0.5",
    "NaN",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "Wed, 31 Feb 9999 99:99:99 GMT",
    ", ",
    ";",
    "=",
    "\"",
    "\\",
    "Bearer ",
    "Basic realm=",
    "claims=",
    "error=\"insufficient_claims\"",
    "authorization_uri=https://evil.example/",
    "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==",
    "W/\"1\"",
    "https://org.crm.dynamics.com/api/data/v9.2/accounts(11111111-2222-3333-4444-555555555555)",
    "accounts(accountnumber='a)b')",
    "ARRAffinity=",
    "%",
    "(",
    ")",
];

/// Names that the client reads, and what stands there.
const HEADERS: &[(&str, &str)] = &[
    ("retry-after", "7"),
    ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
    (
        "www-authenticate",
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/x/oauth2/authorize\", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\"",
    ),
    (
        "odata-entityid",
        "https://org.crm.dynamics.com/api/data/v9.2/accounts(11111111-2222-3333-4444-555555555555)",
    ),
    ("etag", "W/\"1\""),
    ("x-ms-dop-hint", "8"),
    ("x-ms-ratelimit-burst-remaining-xrm-requests", "5999"),
    ("x-ms-ratelimit-time-remaining-xrm-requests", "1,199.97"),
    (
        "x-ms-service-request-id",
        "11111111-2222-3333-4444-555555555555",
    ),
    ("set-cookie", "ARRAffinity=1;Path=/"),
    ("preference-applied", "odata.maxpagesize=5"),
    ("location", "https://evil.example/"),
    ("content-type", "application/json; odata.metadata=minimal"),
];

#[test]
fn any_headers_are_read() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let header = (0..HEADERS.len(), changes(VALUES));
    let strategy = (vec(header, 1..6), 0..8_usize, 0..4_usize);
    check(strategy, |(changes, status, call)| {
        let status = [200, 204, 302, 401, 404, 412, 429, 503][status];
        let mut headers = Vec::new();
        for (place, changes) in &changes {
            let (name, value) = HEADERS[*place];
            let value = changed(value.as_bytes(), changes);
            // What is no header never leaves the transport.
            if let Ok(value) = String::from_utf8(value)
                && HeaderValue::from_str(&value).is_ok()
            {
                assert!(HeaderName::from_bytes(name.as_bytes()).is_ok());
                headers.push((name, value));
            }
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body = r#"{"name":"a","accountid":"11111111-2222-3333-4444-555555555555"}"#;
        let script = (0..24).fold(Script::new(), |script, _| {
            script.answer(status, &headers, if status == 200 { body } else { "" })
        });
        let (client, _) = script.client().unwrap();
        let id = || Id::<Account>::new(Uuid::from_u128(1));
        runtime.block_on(async {
            match call {
                0 => drop(client.retrieve::<AccountCard>(id()).await),
                1 => drop(client.create(New::<Account>::new()).await),
                2 => drop(client.delete(id()).await),
                _ => {
                    let rows = [dataverse_client::BulkRow::delete(id())];
                    let job = client
                        .bulk_write()
                        .method(dataverse_client::BulkMethod::Batch);
                    drop(job.rows(rows).unwrap().failures().await);
                }
            }
        });
        // Nothing that a header says goes on for ever.
        assert!(script.sent().len() <= 24, "{}", script.sent().len());
        let _ = client.limits();
    });
}
