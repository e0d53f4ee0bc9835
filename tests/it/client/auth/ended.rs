//! Sign-ins that end before their answer comes.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dataverse_client::auth::{
    ClientSecret, Credential, RefreshToken, Secret, TokenCache, TokenRequest, TokenStore,
};
use dataverse_client::http::Reached;
use dataverse_tests::clock::ManualClock;
use dataverse_tests::held::Held;

use super::{ORG, TOKENS};

fn request(held: &Held, clock: &ManualClock) -> TokenRequest {
    TokenRequest::new(ORG, Arc::new(held.clone()), Arc::new(clock.clone()))
}

/// Shared with the test.
#[derive(Clone, Default)]
struct Store(Arc<dataverse_client::auth::MemoryStore>);

impl TokenStore for Store {
    fn load(&self) -> std::io::Result<Option<Secret>> {
        self.0.load()
    }

    fn save(&self, token: &Secret) -> std::io::Result<()> {
        self.0.save(token)
    }

    fn delete(&self) -> std::io::Result<()> {
        self.0.delete()
    }
}

#[tokio::test]
async fn who_has_signed_out_is_not_signed_in_by_an_answer_that_comes_later() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let store = Store::default();
    store.save(&Secret::new("refresh-1")).unwrap();
    let cache = TokenCache::new(RefreshToken::new("t", "app", store.clone()));
    let request = request(&held, &clock);
    let mut context = Context::from_waker(Waker::noop());
    let mut asking = cache.token(&request);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    cache.sign_out().await.unwrap();
    held.answer(0, 200, &[], TOKENS);
    let Poll::Ready(result) = asking.as_mut().poll(&mut context) else {
        panic!("it waits for something else");
    };
    assert!(result.unwrap_err().is_grant_expired());
    assert_eq!(store.load().unwrap(), None);
    drop(asking);
    // Nothing was kept in memory, either; and who signs in anew is signed in.
    assert!(cache.token(&request).await.unwrap_err().is_grant_expired());
    store.save(&Secret::new("refresh-3")).unwrap();
    let mut asking = cache.token(&request);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    held.answer(1, 200, &[], TOKENS);
    assert!(matches!(
        asking.as_mut().poll(&mut context),
        Poll::Ready(Ok(_))
    ));
}

/// All calls of a client wait behind one sign-in.
#[tokio::test]
async fn a_sign_in_is_not_waited_for_without_an_end() {
    let (held, clock) = (Held::new(), ManualClock::new());
    let cache = TokenCache::new(ClientSecret::new("t", "app", Secret::new("x")));
    let request = request(&held, &clock);
    let mut context = Context::from_waker(Waker::noop());
    let mut asking = cache.token(&request);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    clock.advance(Duration::from_secs(29));
    assert!(asking.as_mut().poll(&mut context).is_pending());
    clock.advance(Duration::from_secs(1));
    let mut waited = 0;
    let result = loop {
        match asking.as_mut().poll(&mut context) {
            Poll::Ready(result) => break result,
            Poll::Pending => assert!(clock.advance_to_next() && waited < 10),
        }
        waited += 1;
    };
    let error = result.unwrap_err();
    assert!(error.is_credential(), "{error}");
    assert_eq!(held.open(), [0; 0], "what is not waited for is dropped");
    // The limit is of each attempt: one that answers in time is enough.
    let mut asking = cache.token(&request);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    let first = held.sent().len() - 1;
    held.fail(first, Reached::NotSent);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    assert!(clock.advance_to_next());
    assert!(asking.as_mut().poll(&mut context).is_pending());
    held.answer(first + 1, 200, &[], TOKENS);
    assert!(matches!(
        asking.as_mut().poll(&mut context),
        Poll::Ready(Ok(_))
    ));
}

/// An endpoint whose tokens are to be replaced at once, or say so.
#[tokio::test]
async fn a_token_that_is_to_be_replaced_at_once_is_used_for_a_while() {
    let token = TOKENS.replace(
        "\"expires_in\":3599",
        "\"expires_in\":3599,\"refresh_in\":0",
    );
    let (held, clock) = (Held::new(), ManualClock::new());
    let cache = TokenCache::new(ClientSecret::new("t", "app", Secret::new("x")));
    let request = request(&held, &clock);
    let mut context = Context::from_waker(Waker::noop());
    let mut asking = cache.token(&request);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    held.answer(0, 200, &[], token);
    assert!(asking.as_mut().poll(&mut context).is_ready());
    drop(asking);
    for _ in 0..3 {
        clock.advance(Duration::from_secs(9));
        assert!(cache.token(&request).as_mut().poll(&mut context).is_ready());
    }
    assert_eq!(held.sent().len(), 1);
    clock.advance(Duration::from_secs(9));
    assert!(
        cache
            .token(&request)
            .as_mut()
            .poll(&mut context)
            .is_pending()
    );
    assert_eq!(held.sent().len(), 2);
}
