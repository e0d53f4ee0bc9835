//! Read, change, write if nobody else has; again if somebody has.

use dataverse_client::http::{Reached, RetryPolicy};
use dataverse_client::{Changes, Id};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

fn row(version: u32, name: &str) -> String {
    format!(r#"{{"@odata.etag":"W/\"{version}\"","name":"{name}"}}"#)
}

fn longer(row: &AccountCard) -> dataverse_client::Result<Changes<Account>> {
    Ok(Changes::new().set(Account::NAME, format!("{}!", row.name)))
}

const CONFLICT: (u16, &str, &str) = (412, "0x80060882", "The version does not match");

#[tokio::test]
async fn a_conflict_is_read_again_and_written_with_the_new_version() {
    let (status, code, message) = CONFLICT;
    let script = Script::new()
        .answer(200, &[], row(1, "a"))
        .error(status, code, message)
        .answer(200, &[], row(2, "b"))
        .no_content();
    let (client, clock) = script.client().unwrap();
    let before = client
        .retry_on_conflict(Id::generate(), longer)
        .await
        .unwrap();
    assert_eq!(before.name, "b");
    let sent = script.sent();
    let writes: Vec<_> = [&sent[1], &sent[3]]
        .map(|sent| (sent.header("if-match"), &*sent.body))
        .into();
    assert_eq!(
        writes,
        [
            ("W/\"1\"", r#"{"name":"a!"}"#),
            ("W/\"2\"", r#"{"name":"b!"}"#)
        ]
    );
    assert_eq!(clock.sleeps().len(), 1);
}

#[tokio::test]
async fn conflicts_end_after_as_many_rounds_as_the_policy_has_attempts() {
    let (status, code, message) = CONFLICT;
    let mut script = Script::new();
    for version in 0..3 {
        script = script
            .answer(200, &[], row(version, "a"))
            .error(status, code, message);
    }
    let mut policy = RetryPolicy::default();
    policy.max_attempts = 3;
    let (client, _) = script.client_with(policy).unwrap();
    let error = client
        .retry_on_conflict(Id::generate(), longer)
        .await
        .unwrap_err();
    assert!(error.is_precondition_failed());
    assert_eq!(script.sent().len(), 6);
}

#[tokio::test]
async fn a_lost_write_is_not_begun_again() {
    let script = Script::new()
        .answer(200, &[], row(1, "a"))
        .failure(Reached::Unknown);
    let (client, _) = script.client().unwrap();
    let error = client
        .retry_on_conflict(Id::generate(), longer)
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown());
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn without_a_change_nothing_is_written_and_an_error_of_the_program_ends_it() {
    let script = Script::new()
        .answer(200, &[], row(1, "a"))
        .answer(200, &[], row(1, "a"))
        .answer(200, &[], r#"{"name":"a"}"#)
        .answer(200, &[], row(1, "a"))
        .error(412, "0x80060892", "another row has this key");
    let (client, _) = script.client().unwrap();
    let change = |_: &AccountCard| Ok(Changes::new());
    let same = client.retry_on_conflict(Id::generate(), change).await;
    assert_eq!(same.unwrap().name, "a");
    let fails = |_: &AccountCard| {
        let builder = dataverse_client::Client::builder("not a URL");
        builder.map(|_| Changes::new())
    };
    let error = client.retry_on_conflict(Id::generate(), fails).await;
    assert!(error.unwrap_err().is_invalid_input());
    // A table without versions.
    let error = client.retry_on_conflict(Id::generate(), longer).await;
    assert!(error.unwrap_err().is_decode());
    // Not a conflict, although the status is the same.
    let error = client.retry_on_conflict(Id::generate(), longer).await;
    assert!(error.unwrap_err().is_duplicate());
    assert_eq!(script.sent().len(), 5);
}
