//! A way to the service on which everything goes wrong now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{Reached, Transport, TransportError};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

/// Lets every kind of fault happen to some requests, in the same order in every run, and takes a
/// while before and after each, so that a job can be stopped between a request and its answer.
///
/// Clones share the sequence and the count.
#[derive(Debug, Clone)]
pub struct Faulty<T> {
    inner: T,
    /// Of a thousand requests, how many go wrong.
    share: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    random: u64,
    /// By kind.
    faults: [u64; KINDS.len()],
    requests: u64,
}

/// What goes wrong, and whether the request is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    NoConnection,
    ResetBefore,
    ResetAfter,
    Throttled,
    Status(u16),
    /// A gateway's answer, which says nothing of what is behind it.
    StatusAfter(u16),
    /// The answer ends in the middle.
    CutAnswer,
    /// A proxy's page for people, with the status of a success.
    Page,
    PageAfter,
}

const KINDS: [Kind; 13] = [
    Kind::NoConnection,
    Kind::ResetBefore,
    Kind::ResetAfter,
    Kind::Throttled,
    Kind::Status(408),
    Kind::Status(500),
    Kind::Status(503),
    Kind::StatusAfter(500),
    Kind::StatusAfter(502),
    Kind::StatusAfter(504),
    Kind::CutAnswer,
    Kind::Page,
    Kind::PageAfter,
];

impl<T> Faulty<T> {
    /// Of a thousand requests, `share` go wrong; `seed` says which.
    pub fn new(inner: T, share: u64, seed: u64) -> Self {
        let state = State {
            random: seed,
            faults: [0; KINDS.len()],
            requests: 0,
        };
        Faulty {
            inner,
            share,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// How many requests came, and how many faults of each kind happened to them.
    pub fn told(&self) -> (u64, Vec<(String, u64)>) {
        let state = self.state();
        let kinds = KINDS.iter().zip(state.faults);
        let faults = kinds.map(|(kind, count)| (format!("{kind:?}"), count));
        (state.requests, faults.collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Below `end`.
    fn random(&self, end: u64) -> u64 {
        let mut state = self.state();
        state.random = state
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state.random >> 33) % end
    }

    fn next_fault(&self) -> Option<Kind> {
        let goes_wrong = self.random(1000) < self.share;
        let place = self.random(KINDS.len() as u64) as usize;
        let mut state = self.state();
        state.requests += 1;
        if !goes_wrong {
            return None;
        }
        *state.faults.get_mut(place)? += 1;
        KINDS.get(place).copied()
    }

    async fn pause(&self) {
        for _ in 0..self.random(4) {
            tokio::task::yield_now().await;
        }
    }
}

fn answer(status: u16) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    answer
}

fn page() -> Response<Bytes> {
    let mut page = Response::new(Bytes::from_static(b"<html>Sign in</html>"));
    let html = HeaderValue::from_static("text/html");
    page.headers_mut().insert(CONTENT_TYPE, html);
    page
}

#[async_trait]
impl<T: Transport> Transport for Faulty<T> {
    async fn send(&self, request: http::Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.pause().await;
        let fault = self.next_fault();
        let reset = || TransportError::new(Reached::Unknown, "reset by peer");
        let answered = match fault {
            Some(Kind::NoConnection) => Err(TransportError::new(Reached::NotSent, "refused")),
            Some(Kind::ResetBefore) => Err(reset()),
            Some(Kind::Throttled) => {
                let mut answer = answer(429);
                let wait = HeaderValue::from(self.random(30));
                answer.headers_mut().insert(RETRY_AFTER, wait);
                Ok(answer)
            }
            Some(Kind::Status(status)) => Ok(answer(status)),
            Some(Kind::Page) => Ok(page()),
            None => self.inner.send(request).await,
            Some(executed) => {
                let answered = self.inner.send(request).await?;
                match executed {
                    Kind::StatusAfter(status) => Ok(answer(status)),
                    Kind::CutAnswer if answered.body().len() > 1 => {
                        let half = answered.body().len() / 2;
                        Ok(answered.map(|body| body.slice(..half)))
                    }
                    Kind::PageAfter => Ok(page()),
                    _ => Err(reset()),
                }
            }
        };
        self.pause().await;
        answered
    }
}
