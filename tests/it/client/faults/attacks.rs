//! Attacks on a program that uses the client.

use std::time::Duration;

use dataverse_client::schema::TableName;
use dataverse_client::{
    Batch, Create, Delete, GetText, Id, InvokeNamed, New, Operation, Query, Retrieve, Target,
    TrackChanges,
};
use dataverse_tests::script::{Script, Sent};
use dataverse_tests::tables::{Account, AccountCard};
use uuid::Uuid;

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
