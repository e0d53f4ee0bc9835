//! What the clones of a client share: pauses, the window of requests, the retry budget.

use std::time::Duration;

use dataverse_client::http::{FixedToken, Reached, RetryPolicy};
use dataverse_client::{CallOptions, Client, Id, Result};
use dataverse_tests::clock::ManualClock;
use dataverse_tests::held::Held;
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};
use tokio::task::JoinHandle;
use uuid::Uuid;

const REQUESTS: &str = r#"{"error":{"code":"0x80072322","message":"Number of requests"}}"#;
const CONCURRENCY: &str = r#"{"error":{"code":"0x80072326","message":"concurrent requests"}}"#;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn client_of(held: &Held, clock: &ManualClock, policy: RetryPolicy) -> Client {
    Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(FixedToken::new("x"))
        .transport(held.clone())
        .clock(clock.clone())
        .retry(policy)
        .build()
        .unwrap()
}

fn client(held: &Held, clock: &ManualClock) -> Client {
    client_of(held, clock, RetryPolicy::default())
}

fn delete(client: &Client) -> JoinHandle<Result<()>> {
    let client = client.clone();
    tokio::spawn(async move { client.delete::<Account>(Id::generate()).await })
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_refusal_pauses_every_clone_for_exactly_as_long_as_the_service_says() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = client(&held, &clock);
    let mut tasks = vec![delete(&client)];
    settle().await;
    held.answer(0, 429, &[("retry-after", "30")], REQUESTS);
    settle().await;
    tasks.extend((0..49).map(|_| delete(&client)));
    settle().await;
    assert_eq!(held.sent().len(), 1, "nothing is sent during the pause");
    assert_eq!(client.limits().paused_for, Some(seconds(30)));
    clock.advance(Duration::from_millis(29_999));
    settle().await;
    assert_eq!(held.sent().len(), 1);
    clock.advance(Duration::from_millis(1));
    settle().await;
    // All at once would be the next burst.
    assert_eq!(held.open().len(), 16);
    assert_eq!(client.limits().paused_for, None);
    // The refused call is the oldest, and goes first.
    let sent = held.sent();
    let id = |n: usize| sent[n].header("x-ms-client-request-id").to_owned();
    assert_eq!(id(0), id(1));
    while let Some(number) = held.open().first() {
        held.no_content(*number);
        settle().await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(held.sent().len(), 51);
}

#[tokio::test]
async fn a_call_that_may_not_wait_for_the_pause_is_throttled_without_being_sent() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = client(&held, &clock);
    let first = delete(&client);
    settle().await;
    held.answer(0, 429, &[("retry-after", "420")], REQUESTS);
    assert!(first.await.unwrap().unwrap_err().is_throttled());
    clock.advance(seconds(20));
    let error = delete(&client).await.unwrap().unwrap_err();
    assert!(error.is_throttled() && !error.is_outcome_unknown());
    assert_eq!(error.retry_after(), Some(seconds(400)));
    assert_eq!(error.code(), Some(0x8007_2322));
    assert_eq!((error.attempts(), held.sent().len()), (0, 1));
    assert!(error.to_string().contains("not sent"), "{error}");
    // With more time it waits.
    let patient = client.delete::<Account>(Id::generate());
    let patient = tokio::spawn(patient.deadline(seconds(500)).into_future());
    settle().await;
    clock.advance(seconds(400));
    settle().await;
    held.no_content(1);
    patient.await.unwrap().unwrap();
}

#[tokio::test]
async fn users_for_whom_a_client_acts_have_limits_of_their_own() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = client(&held, &clock);
    let acting = |user| client.with(CallOptions::new().caller_object_id(Uuid::from_u128(user)));
    let first = delete(&acting(1));
    settle().await;
    held.answer(0, 429, &[("retry-after", "30")], REQUESTS);
    settle().await;
    let tasks = [delete(&client), delete(&acting(2)), delete(&acting(1))];
    settle().await;
    assert_eq!(held.open(), [1, 2]);
    assert_eq!(acting(1).limits().paused_for, Some(seconds(30)));
    assert_eq!(client.limits().paused_for, None);
    clock.advance(seconds(30));
    settle().await;
    for number in held.open() {
        held.no_content(number);
    }
    for task in tasks.into_iter().chain([first]) {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn too_many_at_once_halve_the_window_and_wait_shortly() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = client(&held, &clock);
    let tasks: Vec<_> = (0..16).map(|_| delete(&client)).collect();
    settle().await;
    assert_eq!(held.open().len(), 16);
    for number in 0..16 {
        held.answer(number, 429, &[("retry-after", "400")], CONCURRENCY);
    }
    settle().await;
    let limits = client.limits();
    assert_eq!((limits.window, limits.paused_for), (8, None));
    clock.advance(Duration::from_millis(500));
    settle().await;
    assert_eq!(held.open().len(), 8, "half of them, after half a second");
    while let Some(number) = held.open().first() {
        held.no_content(*number);
        settle().await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(client.counters().throttled, 16);
}

#[tokio::test]
async fn a_program_may_obey_the_whole_wait_for_too_many_at_once() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let mut policy = RetryPolicy::default();
    policy.obeys_concurrency_wait = true;
    let client = client_of(&held, &clock, policy);
    let task = delete(&client);
    settle().await;
    held.answer(0, 429, &[("retry-after", "100")], CONCURRENCY);
    settle().await;
    assert_eq!(client.limits().paused_for, Some(seconds(100)));
    clock.advance(seconds(99));
    settle().await;
    assert_eq!(held.sent().len(), 1);
    clock.advance(seconds(1));
    settle().await;
    held.no_content(1);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_window_begins_with_what_the_service_recommends_and_grows() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = client(&held, &clock);
    let first = delete(&client);
    settle().await;
    let headers = [
        ("x-ms-dop-hint", "4"),
        ("x-ms-ratelimit-burst-remaining-xrm-requests", "7999"),
        ("x-ms-ratelimit-time-remaining-xrm-requests", "1,200.00"),
    ];
    held.answer(0, 204, &headers, "");
    first.await.unwrap().unwrap();
    let limits = client.limits();
    assert_eq!((limits.window, limits.recommended), (4, Some(4)));
    assert_eq!(limits.remaining_requests, Some(7999));
    assert_eq!(limits.remaining_time, Some(seconds(1200)));
    let tasks: Vec<_> = (0..40).map(|_| delete(&client)).collect();
    settle().await;
    let limits = client.limits();
    assert_eq!((limits.in_flight, limits.waiting), (4, 36));
    for number in 1..=10 {
        held.no_content(number);
        settle().await;
    }
    assert_eq!(held.open().len(), 5, "one more after ten answers");
    while let Some(number) = held.open().first() {
        held.no_content(*number);
        settle().await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(client.limits().in_flight, 0);
}

#[tokio::test]
async fn calls_are_sent_in_the_order_in_which_they_were_begun() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(FixedToken::new("x"))
        .transport(held.clone())
        .clock(clock.clone())
        .max_in_flight(1)
        .build()
        .unwrap();
    let ids: Vec<_> = (0..20).map(|_| Id::<Account>::generate()).collect();
    let tasks: Vec<_> = ids
        .iter()
        .map(|id| tokio::spawn(client.delete(*id).into_future()))
        .collect();
    settle().await;
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(held.open(), [number]);
        let line = held.sent()[number].line.clone();
        assert!(line.ends_with(&format!("accounts({id})")), "{line}");
        held.no_content(number);
        settle().await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_not_asked_again_for_ever() {
    let mut script = Script::new();
    for _ in 0..300 {
        script = script.answer(503, &[], "");
    }
    let (client, _) = script.client().unwrap();
    let mut over_budget = 0;
    for _ in 0..200 {
        let error = client.query::<AccountCard>().await.unwrap_err();
        over_budget += u32::from(error.to_string().contains("retry budget"));
    }
    // 500 tokens pay for 35 repeats, whoever asks.
    assert_eq!(script.sent().len(), 235);
    let counters = client.counters();
    assert_eq!((counters.calls, counters.attempts), (200, 235));
    assert_eq!((counters.repeats, counters.doubts), (35, 235));
    assert_eq!(counters.over_budget, u64::from(over_budget));
    assert!(over_budget > 190);
    assert_eq!(client.retry_budget(), 10);
}

#[tokio::test]
async fn a_repeat_that_succeeds_gives_its_tokens_back() {
    let rows = r#"{"value":[]}"#;
    let script = Script::new()
        .failure(Reached::NotSent)
        .answer(503, &[], "")
        .answer(200, &[], rows)
        .answer(429, &[], REQUESTS)
        .answer(429, &[("retry-after", "900")], REQUESTS)
        .answer(200, &[], rows);
    let (client, clock) = script.client().unwrap();
    client.query::<AccountCard>().await.unwrap();
    assert_eq!(client.retry_budget(), 500);
    let error = client.query::<AccountCard>().await.unwrap_err();
    assert!(error.is_throttled());
    assert_eq!(client.retry_budget(), 500 - 5);
    clock.advance(seconds(900));
    client.query::<AccountCard>().await.unwrap();
    assert_eq!(client.retry_budget(), 500 - 5 + 1);
}
