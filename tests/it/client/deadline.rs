//! Deadlines, attempts that take too long, and calls that are dropped.

use std::time::Duration;

use async_trait::async_trait;
use dataverse_client::auth::AccessToken;
use dataverse_client::http::{Credential, FixedToken, Reached, RetryPolicy, TokenRequest};
use dataverse_client::{CallOptions, Changes, Client, Id, Result};
use dataverse_tests::clock::ManualClock;
use dataverse_tests::held::Held;
use dataverse_tests::tables::{Account, AccountCard};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn parts() -> (Held, ManualClock, Client) {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(FixedToken::new("x"))
        .transport(held.clone())
        .clock(clock.clone())
        .max_in_flight(1)
        .build()
        .unwrap();
    (held, clock, client)
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn update(client: &Client) -> tokio::task::JoinHandle<Result<()>> {
    let changes = Changes::new().set(Account::NAME, "a");
    tokio::spawn(
        client
            .update(Id::<Account>::generate(), changes)
            .into_future(),
    )
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_in_doubt_and_made_again() {
    let (held, clock, client) = parts();
    let task = update(&client);
    settle().await;
    clock.advance(seconds(239));
    settle().await;
    assert_eq!(held.open(), [0]);
    clock.advance(seconds(1));
    settle().await;
    assert_eq!(held.open(), [0; 0], "no longer waited for");
    clock.advance(seconds(1));
    settle().await;
    held.no_content(1);
    task.await.unwrap().unwrap();
    assert_eq!(client.counters().doubts, 1);
    assert_eq!(clock.waiting(), 0, "no timer is left");
}

#[tokio::test]
async fn the_deadline_ends_a_call_whatever_it_waits_for() {
    let (held, clock, client) = parts();
    let client = client.with(CallOptions::new().deadline(seconds(10)));
    // An answer.
    let first = update(&client);
    settle().await;
    // Its turn.
    let second = update(&client);
    settle().await;
    clock.advance(seconds(10));
    let error = first.await.unwrap().unwrap_err();
    assert!(error.is_deadline_passed() && error.is_outcome_unknown());
    assert!(
        error.to_string().contains("waiting for an answer"),
        "{error}"
    );
    assert_eq!((error.attempts(), error.elapsed()), (1, seconds(10)));
    let error = second.await.unwrap().unwrap_err();
    assert!(error.is_deadline_passed() && !error.is_outcome_unknown());
    assert_eq!((error.attempts(), held.sent().len()), (0, 1));
    // A read changes nothing.
    let read = tokio::spawn(client.query::<AccountCard>().into_future());
    settle().await;
    clock.advance(seconds(10));
    let error = read.await.unwrap().unwrap_err();
    assert!(error.is_deadline_passed() && !error.is_outcome_unknown());
    assert_eq!(client.counters().timed_out, 3);
    assert_eq!((client.limits().in_flight, clock.waiting()), (0, 0));
}

/// Never gives a token.
struct Hanging;

#[async_trait]
impl Credential for Hanging {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn the_deadline_ends_the_wait_for_a_token() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(Hanging)
        .transport(held.clone())
        .clock(clock.clone())
        .options(CallOptions::new().deadline(seconds(5)))
        .build()
        .unwrap();
    let task = update(&client);
    settle().await;
    clock.advance(seconds(5));
    let error = task.await.unwrap().unwrap_err();
    assert!(error.is_deadline_passed() && !error.is_outcome_unknown());
    assert!(error.to_string().contains("token"), "{error}");
    assert!(held.sent().is_empty());
}

#[tokio::test]
async fn no_wait_is_begun_that_ends_after_the_deadline() {
    let (held, clock, client) = parts();
    let call = client.query::<AccountCard>().deadline(seconds(20));
    let task = tokio::spawn(call.into_future());
    settle().await;
    held.answer(0, 503, &[("retry-after", "21")], "");
    let error = task.await.unwrap().unwrap_err();
    assert!(error.is_server_error() && !error.is_deadline_passed());
    assert_eq!(error.retry_after(), Some(seconds(21)));
    assert_eq!(clock.waiting(), 0);
}

#[tokio::test]
async fn a_call_has_a_longer_deadline_than_its_client() {
    let (held, clock, client) = parts();
    let client = client.with(CallOptions::new().deadline(seconds(10)));
    let call = client.query::<AccountCard>().deadline(seconds(30));
    let task = tokio::spawn(call.into_future());
    settle().await;
    clock.advance(seconds(29));
    settle().await;
    held.answer(0, 200, &[], r#"{"value":[]}"#);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_call_waits_without_a_place_and_a_dropped_one_frees_it() {
    let (held, clock, client) = parts();
    // Dropped while it waits for a further attempt: the next one goes on meanwhile.
    let refused = update(&client);
    let next = update(&client);
    settle().await;
    held.fail(0, Reached::NotSent);
    settle().await;
    assert_eq!(held.open(), [1], "its place is free while it waits");
    refused.abort();
    settle().await;
    assert_eq!(clock.waiting(), 1, "only the alarm of the other");
    // Dropped while it waits for an answer.
    let third = update(&client);
    settle().await;
    next.abort();
    settle().await;
    assert_eq!(held.open(), [2]);
    // Dropped while it stands in line: those behind it move up.
    let (fourth, fifth) = (update(&client), update(&client));
    settle().await;
    fourth.abort();
    settle().await;
    held.no_content(2);
    third.await.unwrap().unwrap();
    settle().await;
    assert_eq!(held.open(), [3]);
    held.no_content(3);
    fifth.await.unwrap().unwrap();
    let limits = client.limits();
    assert_eq!((limits.in_flight, limits.waiting), (0, 0));
    assert_eq!((clock.waiting(), held.sent().len()), (0, 4));
}

#[tokio::test]
async fn a_call_that_is_dropped_during_a_pause_leaves_nothing_behind() {
    let (held, clock, client) = parts();
    let task = update(&client);
    settle().await;
    held.answer(0, 429, &[("retry-after", "10")], "");
    settle().await;
    let waiting = update(&client);
    settle().await;
    assert_eq!(clock.waiting(), 2);
    task.abort();
    waiting.abort();
    settle().await;
    assert_eq!((clock.waiting(), client.limits().in_flight), (0, 0));
    assert_eq!(
        client.limits().paused_for,
        Some(seconds(10)),
        "the pause stands"
    );
}

/// Streams, batches in parts, transfers and the rest are made of calls: dropped, their call is.
#[tokio::test]
async fn a_stream_that_is_dropped_while_a_page_comes_gives_its_place_back() {
    let (held, clock, client) = parts();
    for prefetches in [false, true] {
        let first = held.sent().len();
        let mut pages = client.query::<AccountCard>().pages();
        if prefetches {
            pages = pages.prefetch();
        }
        let task = tokio::spawn(async move {
            let page = pages.try_next().await;
            page.map(|_| pages)
        });
        settle().await;
        let link = r#"{"value":[],"@odata.nextLink":"https://org.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken=2"}"#;
        held.answer(first, 200, &[], link);
        let mut pages = task.await.unwrap().unwrap();
        let second = tokio::spawn(async move { pages.try_next().await.map(drop) });
        settle().await;
        assert_eq!(held.open(), [first + 1]);
        // A page that was given up is not lost: it was never handed out.
        second.abort();
        settle().await;
        assert_eq!(held.open(), [0; 0]);
    }
    assert_eq!((client.limits().in_flight, clock.waiting()), (0, 0));
}

#[tokio::test]
async fn a_page_whose_wait_is_dropped_is_still_given() {
    let (held, _, client) = parts();
    let mut pages = client.query::<AccountCard>().pages();
    {
        let mut wait = std::pin::pin!(pages.try_next());
        let waker = std::task::Waker::noop();
        let polled = wait
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    assert_eq!(held.open(), [0]);
    held.answer(0, 200, &[], r#"{"value":[{"name":"a"}]}"#);
    let page = pages.try_next().await.unwrap().unwrap();
    assert_eq!(page.rows[0].name, "a");
    assert_eq!(held.sent().len(), 1, "it was not asked for twice");
}

#[tokio::test]
async fn attempts_can_be_given_less_time() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let mut policy = RetryPolicy::never();
    policy.attempt_timeout = seconds(3);
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(FixedToken::new("x"))
        .transport(held.clone())
        .clock(clock.clone())
        .retry(policy)
        .build()
        .unwrap();
    let task = update(&client);
    settle().await;
    clock.advance(seconds(3));
    let error = task.await.unwrap().unwrap_err();
    assert!(error.is_outcome_unknown() && !error.is_deadline_passed());
    let source = std::error::Error::source(&error).unwrap();
    let source = source.to_string();
    assert!(source.contains("no answer within 3s"), "{source}");
}
