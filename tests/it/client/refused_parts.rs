//! Parts of a batch that a protection limit refused: sent once more, and only they.

use std::time::Duration;

use dataverse_client::http::Reached;
use dataverse_client::{ChangeSet, Changes, Create, Delete, Id, Invoke, New, Retrieve, Update};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard, Contact};
use uuid::Uuid;

const ROW: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"name\":\"a\"}";
const DONE: &str = "HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 9\r\n\
    Content-Type: application/json\r\n\r\n\
    {\"error\":{\"code\":\"0x80072322\",\"message\":\"Number of requests\"}}";
const CROWDED: &str = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 400\r\n\
    Content-Type: application/json\r\n\r\n\
    {\"error\":{\"code\":\"0x80072326\",\"message\":\"concurrent requests\"}}";
const GATEWAY: &str = "HTTP/1.1 503 Service Unavailable\r\n\r\n";

/// A part of an answer.
enum Part<'a> {
    One(&'a str),
    Set(&'a [(usize, &'a str)]),
}

use Part::{One, Set};

/// Adds an answer to a batch.
fn answer(script: Script, status: u16, parts: &[Part<'_>]) -> Script {
    let mut body = String::new();
    for part in parts {
        body.push_str("--b\r\n");
        match part {
            One(part) => {
                body.push_str(&format!("Content-Type: application/http\r\n\r\n{part}\r\n"))
            }
            Set(members) => {
                body.push_str("Content-Type: multipart/mixed; boundary=c\r\n\r\n");
                for (id, member) in *members {
                    body.push_str(&format!(
                        "--c\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\n{member}\r\n"
                    ));
                }
                body.push_str("--c--\r\n");
            }
        }
    }
    body.push_str("--b--\r\n");
    script.answer(
        status,
        &[("content-type", "multipart/mixed; boundary=b")],
        body,
    )
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn delete(number: u128) -> Delete<Account> {
    Delete::new(Id::new(id(number)))
}

/// The request lines of the parts of a batch.
fn lines(body: &str) -> Vec<String> {
    let lines = body.lines().filter(|line| line.ends_with(" HTTP/1.1"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_was_refused_is_sent_once_more_without_what_was_done() {
    // The service stops at the refused part, and its status is that of the whole.
    let script = answer(Script::new(), 429, &[One(DONE), One(REFUSED)]);
    let script = answer(script, 200, &[One(DONE), One(ROW)]);
    let (client, clock) = script.client().unwrap();
    let mut batch = client.batch();
    let first = batch.add(delete(1));
    let second = batch.add(delete(2));
    let third = batch.add(Retrieve::<AccountCard>::new(Id::new(id(3))));
    let mut replies = batch.send().await.unwrap();
    for handle in [first, second] {
        replies.take(handle).unwrap();
    }
    assert_eq!(replies.take(third).unwrap().name, "a");
    let sent = script.sent();
    assert_eq!(sent.len(), 2);
    let again = lines(&sent[1].body);
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again[0].starts_with("DELETE ") && again[0].contains(&id(2).to_string()));
    assert!(again[1].starts_with("GET ") && again[1].contains(&id(3).to_string()));
    assert_eq!(clock.sleeps(), [Duration::from_secs(9)]);
}

#[tokio::test]
async fn with_continue_on_error_only_the_refused_parts_are_sent_once_more() {
    let script = answer(Script::new(), 200, &[One(REFUSED), One(DONE), One(REFUSED)]);
    let script = answer(script, 200, &[One(REFUSED), One(DONE)]);
    let script = answer(script, 200, &[One(DONE)]);
    let (client, clock) = script.client().unwrap();
    let mut batch = client.batch().continue_on_error();
    let handles = [1, 2, 3].map(|number| batch.add(delete(number)));
    let mut replies = batch.send().await.unwrap();
    for handle in handles {
        replies.take(handle).unwrap();
    }
    let sent: Vec<_> = script.sent().iter().map(|sent| lines(&sent.body)).collect();
    assert_eq!([sent[0].len(), sent[1].len(), sent[2].len()], [3, 2, 1]);
    assert!(sent[2][0].contains(&id(1).to_string()));
    assert_eq!(script.sent()[2].header("prefer"), "odata.continue-on-error");
    assert_eq!(clock.sleeps().len(), 2);
}

#[tokio::test]
async fn a_refused_part_pauses_the_other_calls_of_the_client() {
    let long = REFUSED.replace("Retry-After: 9", "Retry-After: 700");
    let script = answer(Script::new(), 429, &[One(&long)]);
    let (client, clock) = script.client().unwrap();
    let mut batch = client.batch();
    let handle = batch.add(delete(1));
    let error = batch.send().await.unwrap().take(handle).unwrap_err();
    assert!(error.is_throttled());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(700)));
    assert!(
        client
            .query::<AccountCard>()
            .await
            .unwrap_err()
            .is_throttled()
    );
    assert_eq!((script.sent().len(), clock.sleeps().len()), (1, 0));
}

#[tokio::test]
async fn too_many_at_once_in_a_part_wait_shortly() {
    let script = answer(Script::new(), 429, &[One(CROWDED)]);
    let script = answer(script, 200, &[One(DONE)]);
    let (client, clock) = script.client().unwrap();
    let mut batch = client.batch();
    let handle = batch.add(delete(1));
    batch.send().await.unwrap().take(handle).unwrap();
    assert!(clock.sleeps()[0] <= Duration::from_millis(500));
}

#[tokio::test]
async fn a_refused_change_set_is_sent_once_more_as_a_whole() {
    let script = answer(
        Script::new(),
        429,
        &[Set(&[(1, DONE), (2, DONE)]), Set(&[(4, REFUSED)])],
    );
    let script = answer(script, 200, &[Set(&[(1, DONE), (2, DONE)])]);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let mut handles = Vec::new();
    for first in [1, 3] {
        let mut set = ChangeSet::new();
        let contact = Create::new(New::<Contact>::new()).with_id(Id::new(id(first)));
        let contact = set.add(contact);
        let account = New::new().bind(Account::PRIMARYCONTACTID, &contact);
        let account = set.add(Create::new(account).with_id(Id::new(id(first + 1))));
        handles.push((contact, account));
        batch.push(set);
    }
    let mut replies = batch.send().await.unwrap();
    for (number, (contact, account)) in handles.into_iter().enumerate() {
        let first = 2 * number as u128 + 1;
        assert_eq!(replies.take(contact).unwrap().uuid(), id(first));
        assert_eq!(replies.take(account).unwrap().uuid(), id(first + 1));
    }
    let sent = script.sent();
    assert_eq!(lines(&sent[1].body).len(), 2);
    // Content-IDs begin anew, and so do references.
    assert!(
        sent[0]
            .body
            .contains(r#""primarycontactid@odata.bind":"$3""#)
    );
    assert!(
        sent[1]
            .body
            .contains(r#""primarycontactid@odata.bind":"$1""#)
    );
}

#[derive(Debug)]
struct Publish;

impl dataverse_client::Message for Publish {
    type Output = ();
    const NAME: &'static str = "PublishAllXml";
    const KIND: dataverse_client::MessageKind = dataverse_client::MessageKind::Action;

    fn arguments(&self, _: &mut dataverse_client::Arguments<'_>) {}
}

/// The members of a change set of elastic tables are not undone together.
#[tokio::test]
async fn a_refused_change_set_with_an_action_is_not_sent_once_more() {
    let script = answer(Script::new(), 429, &[Set(&[(2, REFUSED)])]);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let mut set = ChangeSet::new();
    let action = set.add(Invoke::new(Publish));
    let refused = set.add(delete(1));
    batch.push(set);
    let after = batch.add(delete(2));
    let mut replies = batch.send().await.unwrap();
    assert!(replies.take(refused).unwrap_err().is_throttled());
    assert!(replies.take(action).unwrap_err().is_not_run());
    assert!(replies.take(after).unwrap_err().is_not_run());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn the_status_of_a_part_is_not_that_of_the_whole() {
    for status in [200, 503] {
        let script = answer(Script::new(), status, &[One(DONE), One(GATEWAY)]);
        let (client, _) = script.client().unwrap();
        let mut batch = client.batch();
        let done = batch.add(delete(1));
        let failed = batch.add(delete(2));
        let mut replies = batch.send().await.unwrap();
        replies.take(done).unwrap();
        assert!(replies.take(failed).unwrap_err().is_server_error());
        assert_eq!(script.sent().len(), 1, "the first part was executed");
    }
}

#[tokio::test]
async fn a_batch_that_was_refused_as_a_whole_is_sent_again() {
    let body = r#"{"error":{"code":"0x80072322","message":"Number of requests"}}"#;
    let script = Script::new().answer(429, &[("retry-after", "3")], body);
    let script = answer(script, 200, &[One(DONE)]);
    let (client, clock) = script.client().unwrap();
    let mut batch = client.batch();
    let create = batch.add(Create::new(New::<Account>::new()).server_assigned_id());
    let mut replies = batch.send().await.unwrap();
    assert!(replies.take(create).is_err(), "no id came");
    assert_eq!(clock.sleeps(), [Duration::from_secs(3)]);
    let sent = script.sent();
    assert_eq!(sent[0].body, sent[1].body);
}

#[tokio::test]
async fn a_rest_whose_answer_gets_lost_is_of_unknown_outcome() {
    let create = || Create::new(New::<Account>::new());
    let script = answer(Script::new(), 429, &[One(DONE), One(REFUSED)]);
    let script = script.failure(Reached::Unknown);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let done = batch.add(delete(1));
    let lost = batch.add(create());
    let mut replies = batch.send().await.unwrap();
    replies.take(done).unwrap();
    let error = replies.take(lost).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    // If it certainly was not executed, the refusal stands.
    let mut script = answer(Script::new(), 429, &[One(REFUSED)]);
    for _ in 0..10 {
        script = script.failure(Reached::NotSent);
    }
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let refused = batch.add(create());
    let error = batch.send().await.unwrap().take(refused).unwrap_err();
    assert!(error.is_throttled() && !error.is_outcome_unknown());
}

#[tokio::test]
async fn errors_of_parts_say_what_was_asked() {
    let missing = "HTTP/1.1 404 Not Found\r\n\r\n\
        {\"error\":{\"code\":\"0x80040217\",\"message\":\"Does Not Exist\"}}";
    let script = answer(Script::new(), 200, &[One(missing)]);
    let script = answer(script, 404, &[One(ROW), Set(&[(2, missing)])]);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch().continue_on_error();
    let key = Account::ACCOUNTNUMBER.key("private");
    let by_key = batch.add(Update::new(key, Changes::new().set(Account::NAME, "x")));
    let error = batch.send().await.unwrap().take(by_key).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("PATCH accounts(…): 404"), "{text}");

    let mut batch = client.batch();
    batch.add(delete(1));
    let mut set = ChangeSet::new();
    let contact = set.add(Create::new(New::<Contact>::new()));
    let account = New::new().bind(Account::PRIMARYCONTACTID, &contact);
    let account = set.add(Create::new(account));
    batch.push(set);
    let after = batch.add(delete(7));
    let mut replies = batch.send().await.unwrap();
    let first = replies.first_error().unwrap().to_string();
    assert!(first.starts_with("POST accounts: 404"), "{first}");
    let text = |error: dataverse_client::Error| error.to_string();
    let undone = text(replies.take(contact).unwrap_err());
    assert!(undone.starts_with("POST contacts: undone"), "{undone}");
    let failed = text(replies.take(account).unwrap_err());
    assert!(failed.starts_with("POST accounts: 404"), "{failed}");
    let after = text(replies.take(after).unwrap_err());
    let expected = format!("DELETE accounts({}): not executed", id(7));
    assert!(after.starts_with(&expected), "{after}");
}

#[tokio::test]
async fn a_cut_answer_leaves_the_outcome_of_writes_unknown() {
    let cut = |client: dataverse_client::Client, writes: bool| async move {
        let mut batch = client.batch();
        batch.add(Retrieve::<AccountCard>::new(Id::new(id(1))));
        if writes {
            batch.add(delete(1));
        }
        batch.send().await.unwrap_err()
    };
    for writes in [true, false] {
        for body in [
            "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204",
            "",
            "<html>",
        ] {
            let content_type = match body {
                "<html>" => "text/html",
                _ => "multipart/mixed; boundary=b",
            };
            let script = Script::new().answer(200, &[("content-type", content_type)], body);
            let (client, _) = script.client().unwrap();
            let error = cut(client, writes).await;
            assert!(error.is_decode(), "{body}: {error}");
            assert_eq!(error.is_outcome_unknown(), writes, "{body}: {error}");
        }
    }
}
