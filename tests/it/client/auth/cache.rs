//! Tokens are kept while they last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dataverse_client::auth::{AccessToken, Credential, Secret, TokenCache, TokenRequest};
use dataverse_client::http::VirtualClock;
use dataverse_client::{Error, Result};
use dataverse_tests::script::Script;
use tokio::sync::Semaphore;

/// Gives numbered tokens of one hour, as often as it is let.
#[derive(Clone)]
struct Gate {
    asked: Arc<AtomicU32>,
    permits: Arc<Semaphore>,
    fails: Arc<std::sync::atomic::AtomicBool>,
}

impl Gate {
    fn open() -> Self {
        Gate {
            asked: Arc::default(),
            permits: Arc::new(Semaphore::new(1_000)),
            fails: Arc::default(),
        }
    }

    fn closed() -> Self {
        Gate {
            permits: Arc::new(Semaphore::new(0)),
            ..Gate::open()
        }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

#[async_trait]
impl Credential for Gate {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.permits.acquire().await.unwrap().forget();
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::credential("the service is closed", None));
        }
        let token = Secret::new(format!("{number}"));
        Ok(AccessToken::new(token).until(request.clock.now() + Duration::from_secs(3600)))
    }
}

fn request(clock: &VirtualClock) -> TokenRequest {
    let resource = "https://org.crm.dynamics.com";
    TokenRequest::new(resource, Arc::new(Script::new()), Arc::new(clock.clone()))
}

async fn token(cache: &TokenCache, clock: &VirtualClock) -> String {
    let token = cache.token(&request(clock)).await.unwrap();
    token.secret.expose().to_owned()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[tokio::test]
async fn a_token_is_replaced_five_minutes_before_its_end() {
    let (gate, clock) = (Gate::open(), VirtualClock::default());
    let cache = TokenCache::new(gate.clone());
    assert_eq!(token(&cache, &clock).await, "1");
    clock.advance(minutes(54));
    assert_eq!(token(&cache, &clock).await, "1");
    clock.advance(minutes(1));
    assert_eq!(token(&cache, &clock).await, "2");
    let other = TokenRequest::new(
        "https://other.crm.dynamics.com",
        Arc::new(Script::new()),
        Arc::new(clock.clone()),
    );
    let other = cache.token(&other).await.unwrap();
    assert_eq!(other.secret, Secret::new("3"), "each org has its own");
    assert_eq!(token(&cache.clone(), &clock).await, "2", "clones share");
}

#[tokio::test]
async fn a_refresh_that_fails_is_not_seen_while_the_old_token_lasts() {
    let (gate, clock) = (Gate::open(), VirtualClock::default());
    let cache = TokenCache::new(gate.clone());
    assert_eq!(token(&cache, &clock).await, "1");
    gate.fail(true);
    clock.advance(minutes(56));
    for _ in 0..10 {
        assert_eq!(token(&cache, &clock).await, "1");
    }
    assert_eq!(gate.asked(), 2, "not asked again at once");
    clock.advance(Duration::from_secs(30));
    assert_eq!(token(&cache, &clock).await, "1");
    assert_eq!(gate.asked(), 3);
    // 59:00: the last minute is not trusted.
    clock.advance(Duration::from_secs(150));
    let error = cache.token(&request(&clock)).await.unwrap_err();
    assert!(error.is_credential() && error.to_string() == "the service is closed");
    gate.fail(false);
    assert_eq!(token(&cache, &clock).await, "5", "a failure is not kept");
}

#[tokio::test]
async fn a_thousand_tasks_ask_once() {
    for fails in [false, true] {
        let (gate, clock) = (Gate::closed(), VirtualClock::default());
        gate.fail(fails);
        let cache = TokenCache::new(gate.clone());
        let tasks: Vec<_> = (0..1_000)
            .map(|_| {
                let (cache, request) = (cache.clone(), request(&clock));
                tokio::spawn(async move { cache.token(&request).await })
            })
            .collect();
        // One thread: after this every task waits.
        tokio::task::yield_now().await;
        gate.permits.add_permits(1);
        for task in tasks {
            assert_eq!(task.await.unwrap().is_err(), fails);
        }
        assert_eq!(gate.asked(), 1);
    }
}

#[tokio::test]
async fn the_others_use_the_old_token_while_one_asks_for_a_new_one() {
    let (gate, clock) = (Gate::closed(), VirtualClock::default());
    let cache = TokenCache::new(gate.clone());
    gate.permits.add_permits(1);
    assert_eq!(token(&cache, &clock).await, "1");
    clock.advance(minutes(56));
    let asking = {
        let (cache, request) = (cache.clone(), request(&clock));
        tokio::spawn(async move { cache.token(&request).await })
    };
    tokio::task::yield_now().await;
    assert_eq!(
        (token(&cache, &clock).await.as_str(), gate.asked()),
        ("1", 2)
    );
    gate.permits.add_permits(1);
    assert_eq!(asking.await.unwrap().unwrap().secret, Secret::new("2"));
    assert_eq!(token(&cache, &clock).await, "2");
}

#[tokio::test]
async fn a_task_that_is_stopped_leaves_its_place_to_another() {
    let (gate, clock) = (Gate::closed(), VirtualClock::default());
    let cache = TokenCache::new(gate.clone());
    let ask = || {
        let (cache, request) = (cache.clone(), request(&clock));
        tokio::spawn(async move { cache.token(&request).await })
    };
    let (first, second) = (ask(), ask());
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.permits.add_permits(1);
    assert_eq!(second.await.unwrap().unwrap().secret, Secret::new("2"));
}

#[tokio::test]
async fn only_the_token_that_was_refused_is_dropped() {
    let (gate, clock) = (Gate::open(), VirtualClock::default());
    let cache = TokenCache::new(gate.clone());
    assert_eq!(token(&cache, &clock).await, "1");
    cache.invalidate(&Secret::new("1"));
    assert_eq!(token(&cache, &clock).await, "2");
    // A request that was slower: its token is gone already.
    cache.invalidate(&Secret::new("1"));
    assert_eq!(token(&cache, &clock).await, "2");
    cache.sign_out().await.unwrap();
    assert_eq!(token(&cache, &clock).await, "3");
}

#[tokio::test]
async fn many_tasks_with_the_same_claims_ask_once() {
    let (gate, clock) = (Gate::open(), VirtualClock::default());
    let cache = TokenCache::new(gate.clone());
    assert_eq!(token(&cache, &clock).await, "1");
    let wanted = request(&clock).with_claims(Some("{}".to_owned()));
    for _ in 0..10 {
        assert_eq!(cache.token(&wanted).await.unwrap().secret, Secret::new("2"));
        assert_eq!(token(&cache, &clock).await, "2");
    }
    assert_eq!(gate.asked(), 2);
}
