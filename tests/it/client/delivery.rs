//! No write is lost silently, and none is done twice silently.

use std::time::Duration;

use dataverse_client::http::{Reached, RetryPolicy};
use dataverse_client::{Changes, ETag, Id, New};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

fn new_account() -> New<Account> {
    New::new().set(Account::NAME, "Contoso")
}

fn changes() -> Changes<Account> {
    Changes::new().set(Account::NAME, "Contoso")
}

const THROTTLED: &str =
    r#"{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit"}}"#;

#[tokio::test]
async fn a_throttled_request_waits_exactly_as_told_and_is_sent_again() {
    let date = "Fri, 20 Nov 2026 10:00:00 GMT";
    let until = "Fri, 20 Nov 2026 10:00:40 GMT";
    let script = Script::new()
        .answer(429, &[("retry-after", "7")], THROTTLED)
        .answer(429, &[("retry-after", until), ("date", date)], THROTTLED)
        .no_content();
    let (client, clock) = script.client().unwrap();
    // Throttled is not executed: that holds for any operation.
    client
        .create(new_account())
        .server_assigned_id()
        .with_id(Id::generate())
        .await
        .unwrap();
    assert_eq!(
        clock.sleeps(),
        [Duration::from_secs(7), Duration::from_secs(40)]
    );
    let ids: Vec<_> = script
        .sent()
        .iter()
        .map(|sent| sent.header("x-ms-client-request-id").to_owned())
        .collect();
    assert!(!ids[0].is_empty());
    assert!(ids.iter().all(|id| *id == ids[0]), "one call, one id");
}

#[tokio::test]
async fn a_wait_beyond_the_time_limit_is_not_begun() {
    let script = Script::new().answer(429, &[("retry-after", "301")], THROTTLED);
    let (client, clock) = script.client().unwrap();
    let error = client.delete::<Account>(Id::generate()).await.unwrap_err();
    assert!(error.is_throttled() && !error.is_outcome_unknown());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(301)));
    assert_eq!(error.code(), Some(0x8007_2322));
    assert_eq!(error.attempts(), 1);
    assert!(clock.sleeps().is_empty());
}

#[tokio::test]
async fn attempts_are_limited_and_told() {
    let policy = {
        let mut policy = RetryPolicy::default();
        policy.max_attempts = 3;
        policy
    };
    let mut script = Script::new();
    for _ in 0..3 {
        script = script.answer(429, &[("retry-after", "2")], THROTTLED);
    }
    let (client, _) = script.client_with(policy).unwrap();
    let error = client.query::<AccountCard>().await.unwrap_err();
    assert_eq!((error.attempts(), script.sent().len()), (3, 3));
    assert_eq!(error.elapsed(), Duration::from_secs(4));
    assert!(
        error.to_string().starts_with("GET accounts: 429"),
        "{error}"
    );
}

#[tokio::test]
async fn a_lost_create_is_repeated_and_its_own_row_is_a_success() {
    let script = Script::new()
        .failure(Reached::Unknown)
        .error(
            412,
            "0x80040237",
            "A record with matching key values already exists.",
        )
        .answer(200, &[], r#"{"accountid":"x"}"#);
    let (client, _) = script.client().unwrap();
    let id = client.create(new_account()).await.unwrap();
    let sent = script.sent();
    assert_eq!(sent[0].body, sent[1].body);
    assert!(sent[0].body.contains(&id.to_string()));
    assert!(
        sent[2]
            .line
            .ends_with(&format!("accounts({id})?$select=accountid")),
        "{}",
        sent[2].line
    );
}

#[tokio::test]
async fn a_taken_key_without_doubt_is_an_error() {
    let script = Script::new().error(412, "0x80040237", "already exists");
    let (client, _) = script.client().unwrap();
    let error = client.create(new_account()).await.unwrap_err();
    assert!(error.is_duplicate() && !error.is_outcome_unknown());
    assert_eq!(script.sent().len(), 1);
}

/// The service may name the alternate key first, although the row in the way is our own.
#[tokio::test]
async fn a_taken_alternate_key_after_doubt_is_a_success_only_if_our_row_is_there() {
    let taken = || {
        let script = Script::new().failure(Reached::Unknown);
        script.error(412, "0x80060892", "already exists")
    };
    let script = taken().answer(200, &[], r#"{"accountid":"x"}"#);
    let (client, _) = script.client().unwrap();
    client.create(new_account()).await.unwrap();

    let script = taken().error(404, "0x80040217", "Does Not Exist");
    let (client, _) = script.client().unwrap();
    let error = client.create(new_account()).await.unwrap_err();
    assert!(error.is_duplicate() && !error.is_outcome_unknown());
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn a_confirmation_that_does_not_come_leaves_the_outcome_unknown() {
    let script = Script::new()
        .answer(503, &[], "")
        .error(412, "0x80040237", "already exists")
        .error(403, "0x80040220", "missing prvReadAccount");
    let (client, _) = script.client().unwrap();
    let error = client.create(new_account()).await.unwrap_err();
    assert!(error.is_outcome_unknown());
}

#[tokio::test]
async fn without_its_own_key_a_lost_create_is_not_repeated() {
    let script = Script::new().failure(Reached::Unknown);
    let (client, _) = script.client().unwrap();
    let create = client.create(new_account()).server_assigned_id();
    let error = create.await.unwrap_err();
    assert!(error.is_outcome_unknown());
    assert!(
        error.to_string().contains("may have been executed"),
        "{error}"
    );
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_always_tried_again() {
    let script = Script::new().failure(Reached::NotSent).answer(
        204,
        &[(
            "odata-entityid",
            "https://org.crm.dynamics.com/api/data/v9.2/accounts(11111111-2222-3333-4444-555555555555)",
        )],
        "",
    );
    let (client, clock) = script.client().unwrap();
    let id = client.create(new_account()).server_assigned_id().await;
    assert_eq!(
        id.unwrap().to_string(),
        "11111111-2222-3333-4444-555555555555"
    );
    assert_eq!(clock.sleeps().len(), 1);
    assert!(clock.sleeps()[0] <= Duration::from_millis(500));
}

#[tokio::test]
async fn a_row_that_is_gone_after_a_lost_delete_is_deleted() {
    let gone = |script: Script| script.error(404, "0x80040217", "Does Not Exist");
    let script = gone(Script::new().failure(Reached::Unknown));
    let (client, _) = script.client().unwrap();
    client.delete::<Account>(Id::generate()).await.unwrap();

    let (client, _) = gone(Script::new()).client().unwrap();
    let error = client.delete::<Account>(Id::generate()).await.unwrap_err();
    assert!(error.is_not_found(), "without doubt it was never there");
}

#[tokio::test]
async fn an_update_is_repeated_but_not_one_with_a_version() {
    let script = Script::new().answer(502, &[], "<html>").no_content();
    let (client, _) = script.client().unwrap();
    client
        .update(Id::<Account>::generate(), changes())
        .await
        .unwrap();

    let script = Script::new().answer(502, &[], "<html>");
    let (client, _) = script.client().unwrap();
    let error = client
        .update(Id::<Account>::generate(), changes())
        .if_match(ETag::new("W/\"1\""))
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown());
    assert!(error.to_string().contains("web page"), "{error}");
}

#[tokio::test]
async fn throttled_after_doubt_the_outcome_stays_unknown() {
    let script =
        Script::new()
            .failure(Reached::Unknown)
            .answer(429, &[("retry-after", "999")], THROTTLED);
    let (client, _) = script.client().unwrap();
    let error = client
        .update(Id::<Account>::generate(), changes())
        .await
        .unwrap_err();
    assert!(error.is_throttled() && error.is_outcome_unknown());
}

#[tokio::test]
async fn a_read_is_never_of_unknown_outcome() {
    let mut script = Script::new();
    for _ in 0..10 {
        script = script.failure(Reached::Unknown);
    }
    let (client, clock) = script.client().unwrap();
    let error = client.query::<AccountCard>().await.unwrap_err();
    assert!(!error.is_outcome_unknown());
    assert_eq!((error.attempts(), clock.sleeps().len()), (10, 9));
}

#[tokio::test]
async fn a_missing_row_is_an_error_or_none() {
    let missing = || Script::new().error(404, "0x80040217", "Does Not Exist");
    let (client, _) = missing().client().unwrap();
    let error = client
        .retrieve::<AccountCard>(Id::generate())
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    let (client, _) = missing().client().unwrap();
    let none = client
        .retrieve::<AccountCard>(Id::generate())
        .optional()
        .await
        .unwrap();
    assert!(none.is_none());
    // A wrong entity set is a mistake, not a missing row.
    let script = Script::new().error(404, "0x8006088a", "Resource not found for the segment 'x'.");
    let (client, _) = script.client().unwrap();
    let call = client.retrieve::<AccountCard>(Id::generate()).optional();
    assert!(call.await.is_err());
}
