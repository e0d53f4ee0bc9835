//! The list of attacks on a program that uses the client, and the test that shows they fail.
//!
//! Attacks on sign-in (challenges, stored tokens, browsers, what a token endpoint sends: X4, X11,
//! X12, X14) are in `client::auth`.
//!
//! | row | attack | test |
//! |---|---|---|
//! | X1 | a token sent to another origin | `client/faults/attacks.rs: no_link_of_an_answer_takes_the_token_elsewhere`, `client/files/upload.rs: a_session_elsewhere_or_of_no_size_is_an_error`, `client/files/upload.rs: a_state_that_was_tampered_with_sends_no_token_elsewhere` |
//! | X2 | a redirect | `client/transport.rs: a_redirect_is_not_followed` |
//! | X3 | an org without https | `client/base.rs: an_org_is_https_or_loopback_and_nothing_more` |
//! | X5 | a certificate that is not the org's | exception: rustls with the system's roots decides, nothing here can switch it off, and a test needs a certificate authority; `ReqwestTransport` has no such option |
//! | X6 | bombs and answers without an end | `client/faults/sockets.rs: an_answer_is_only_so_large_after_decompression`, `client/deadline.rs: an_attempt_that_takes_too_long_is_in_doubt_and_made_again` |
//! | X7 | hostile JSON, CSDL, FetchXML, multipart | `fuzz/rows.rs: any_bytes_are_read_or_refused`, `fuzz/csdl.rs: any_bytes_are_refused_with_their_place`, `client/fetchxml/errors.rs: a_document_is_only_so_deep`, `client/faults/parts.rs: damaged_parts_are_an_error_and_never_a_panic` |
//! | X8 | text that leaves its place in URLs, FetchXML, headers, parts | `fuzz/names.rs: a_text_in_a_filter_stays_one_literal`, `fuzz/fetchxml.rs: values_cannot_leave_their_place`, `client/faults/attacks.rs: names_cannot_leave_the_path`, `client/faults/attacks.rs: values_cannot_leave_their_part_of_a_batch` |
//! | X9 | names and labels that become code | `fuzz/names.rs: whatever_columns_are_called_they_become_fields` |
//! | X10 | secrets in what is printed | `client/security.rs: nothing_printed_holds_a_token_or_a_row`, `client/faults/attacks.rs: a_panic_and_a_trace_hold_no_secret` |
//! | X13 | a proxy of the environment | exception: reqwest reads the variables once for a process; `ReqwestTransport` says that it uses them, and a transport of one's own need not |
//! | X15 | ways around a guard | exception: the client has no guard; a program's role in the org is its limit |
//! | X16 | approvals | exception: there are none in the client |
//! | X17 | audits | exception: there are none in the client |
//! | X18 | policies | exception: there are none in the client |
//! | X19 | servers for tools | exception: there are none in the client |
//! | X20 | tools that change their names | exception: there are none in the client |
//! | X21 | links with signatures | exception: the client asks for no such links, files come over the Web API itself |
//! | X22 | acting for others by argument | `odata/options.rs: headers_of_the_client_are_its_own` |
//! | X23 | the client's own repeats as an attack | `client/faults/attacks.rs: a_service_that_is_down_is_asked_little_more_than_intended` |
//! | X24 | numbers beyond all bounds in headers | `odata/headers.rs: retry_after_is_seconds_or_a_date`, `http/limiter.rs: headers_are_read_whatever_they_hold`, `client/faults/attacks.rs: a_wait_without_an_end_is_not_begun` |
//! | X25 | an emulator that others reach | `emulator/faults.rs: it_answers_on_a_socket` |
//! | X26 | the release itself | exception: a matter of the pipeline, not of a test |

use std::time::Duration;

use dataverse_client::schema::TableName;
use dataverse_client::{
    Batch, Create, Delete, GetText, Id, InvokeNamed, New, Operation, Query, Retrieve, Target,
    TrackChanges,
};
use dataverse_tests::script::{Script, Sent};
use dataverse_tests::tables::{Account, AccountCard};
use uuid::Uuid;

#[test]
fn every_attack_has_a_test_or_a_reason() {
    let rows = (1..=26).filter(|row| ![4, 11, 12, 14].contains(row));
    let rows: Vec<_> = rows.map(|row| format!("X{row}")).collect();
    super::check(include_str!("attacks.rs"), &rows);
}

/// A token goes to the org, or nowhere.
fn assert_at_home(sent: &[Sent]) {
    for sent in sent {
        let url = sent.line.split(' ').nth(1).unwrap();
        assert!(
            url.starts_with("https://org.crm.dynamics.com/api/"),
            "{url} was sent {}",
            sent.header("authorization")
        );
    }
}

#[tokio::test]
async fn no_link_of_an_answer_takes_the_token_elsewhere() {
    for link in [
        "https://evil.example/api/data/v9.2/accounts?$deltatoken=1",
        "http://org.crm.dynamics.com/api/data/v9.2/accounts?$deltatoken=1",
        "https://org.crm.dynamics.com:444/api/data/v9.2/accounts?$deltatoken=1",
        "https://org.crm.dynamics.com@evil.example/api/data/v9.2/accounts?$deltatoken=1",
        "https://org.crm.dynamics.com.evil.example/api/data/v9.2/accounts?$deltatoken=1",
        "https://org.crm.dynamics.com./api/data/v9.2/accounts?$deltatoken=1",
        "https://org.crm.dynamics.com/evil?$deltatoken=1",
        "//evil.example/api/data/v9.2/accounts?$deltatoken=1",
        "https:\\\\evil.example/api/data/v9.2/accounts?$deltatoken=1",
        "https://öl.example/api/data/v9.2/accounts?$deltatoken=1",
        "file:///etc/passwd?$deltatoken=1",
        "data:text/plain,x",
    ] {
        let json = serde_json::to_string(link).unwrap();
        for name in ["@odata.nextLink", "@odata.deltaLink"] {
            let page = format!(r#"{{"value":[{{"name":"a"}}],"{name}":{json}}}"#);
            let script = Script::new()
                .answer(200, &[], page)
                .answer(200, &[], r#"{"value":[]}"#);
            let (client, _) = script.client().unwrap();
            let mut changes = client.changes::<AccountCard>().stream();
            while let Ok(Some(_)) = changes.try_next().await {}
            if let Some(token) = changes.into_token() {
                let again = client.changes::<AccountCard>().since(token);
                assert!(again.await.is_err(), "{link}");
            }
            // One that is no URL is a path on the org.
            assert_at_home(&script.sent());
        }
    }
}

#[tokio::test]
async fn names_cannot_leave_the_path() {
    let in_table = |name: &str| TableName::new(name.to_owned());
    for name in [
        "",
        "name/../../$batch",
        "..%2f$batch",
        "name?$select=x",
        "name#x",
        "name)",
        "name'",
        "na me",
        "name\r\nX: y",
        "ämter",
    ] {
        let script = Script::new();
        let (client, _) = script.client().unwrap();
        let read = |name| Query::from_table(in_table(name)).select(["name"]);
        let write = || Delete::from_table(in_table(name), Uuid::nil());
        let call = || InvokeNamed::action(name);
        for (number, result) in [
            client.call(read(name)).await.map(drop),
            client.call(write()).await,
            client.call(call()).await.map(drop),
        ]
        .into_iter()
        .enumerate()
        {
            let error = result.unwrap_err();
            assert!(error.is_invalid_input(), "{name:?} of {number}: {error}");
        }
        assert!(script.sent().is_empty(), "{name:?}");
        let mut batch = Batch::new();
        batch.add(read(name));
        assert!(batch.request().unwrap_err().is_invalid_input(), "{name:?}");
        // A column cannot become a segment of its own, nor another option.
        let column = GetText::named(in_table("accounts").row(Uuid::nil()), name);
        let script = Script::new().no_content();
        let (client, _) = script.client().unwrap();
        if client.call(column).await.is_ok() {
            let line = &script.sent()[0].line;
            assert_eq!(line.matches('/').count(), 8, "{line}");
            assert!(!line.contains(['?', '#', '\r']), "{line}");
        }
    }
}

#[test]
fn values_cannot_leave_their_part_of_a_batch() {
    let hostile = "x\r\n--batch\r\nContent-Type: application/http\r\n\r\nDELETE /accounts HTTP/1.1";
    let mut batch = Batch::new();
    batch.add(Create::new(
        New::<Account>::new().set(Account::NAME, hostile),
    ));
    batch.add(Query::<AccountCard>::new().filter(Account::NAME.eq(hostile)));
    let request = batch.request().unwrap();
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(
        body.lines().all(|line| !line.starts_with("DELETE")),
        "{body}"
    );
    let content_type = request.headers["content-type"].to_str().unwrap();
    let boundary = content_type.split('"').nth(1).unwrap();
    let delimiters = body.lines().filter(|line| line.starts_with("--"));
    assert!(delimiters.clone().all(|line| line.contains(boundary)));
    assert_eq!(delimiters.count(), 3);
    // Chance, so that nobody can guess it.
    let other = Batch::new();
    assert!(Uuid::parse_str(boundary.strip_prefix("batch_").unwrap()).is_ok());
    assert!(!format!("{other:?}").contains(boundary));
    let Target::Path(path) = &request.target else {
        panic!()
    };
    assert_eq!(path, "$batch");
}

#[test]
fn a_panic_and_a_trace_hold_no_secret() {
    let operations: [Box<dyn std::fmt::Debug>; 4] = [
        Box::new(Create::new(
            New::<Account>::new().set(Account::NAME, "private"),
        )),
        Box::new(Retrieve::<AccountCard>::new(
            Account::ACCOUNTNUMBER.key("private"),
        )),
        Box::new(Query::<AccountCard>::new().filter(Account::NAME.eq("private"))),
        Box::new(TrackChanges::<AccountCard>::new()),
    ];
    for operation in operations {
        let text = format!("{operation:?}");
        assert!(!text.contains("private"), "{text}");
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_asked_little_more_than_intended() {
    let intended = 500;
    let mut script = Script::new();
    for _ in 0..2 * intended {
        script = script.answer(503, &[("retry-after", "1")], "");
    }
    let (client, clock) = script.client().unwrap();
    for _ in 0..intended {
        assert!(client.query::<AccountCard>().await.is_err());
    }
    assert!(
        script.sent().len() <= intended * 12 / 10,
        "{}",
        script.sent().len()
    );
    assert!(
        clock
            .sleeps()
            .iter()
            .all(|sleep| *sleep == Duration::from_secs(1))
    );
}

#[tokio::test]
async fn a_wait_without_an_end_is_not_begun() {
    for wait in ["1e18", "9999999999", "1e9", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let headers = [
            ("retry-after", wait),
            ("date", "Fri, 20 Nov 2026 10:00:00 GMT"),
        ];
        let script = Script::new().answer(429, &headers, "").no_content();
        let (client, clock) = script.client().unwrap();
        let error = client.delete::<Account>(Id::generate()).await.unwrap_err();
        assert!(error.is_throttled(), "{wait}");
        assert!(clock.sleeps().is_empty(), "{wait}");
        // The client is not silent for ever.
        clock.advance(Duration::from_secs(24 * 60 * 60));
        client.delete::<Account>(Id::generate()).await.unwrap();
    }
}
