//! A transport whose answers a test gives by hand, in any order.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{Reached, Transport, TransportError};

use crate::script::Sent;

type Answer = Result<http::Response<Bytes>, TransportError>;

/// Holds every request until the test answers it. Clones share the requests.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Mutex<Vec<Slot>>>);

#[derive(Debug)]
struct Slot {
    sent: Sent,
    answer: Option<Answer>,
    waker: Option<Waker>,
    /// Answered, or no longer waited for.
    is_over: bool,
}

impl Held {
    /// Nothing was sent.
    pub fn new() -> Self {
        Held::default()
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.slots().iter().map(|slot| slot.sent.clone()).collect()
    }

    /// The requests, by number, that wait for an answer.
    pub fn open(&self) -> Vec<usize> {
        let slots = self.slots();
        let open = slots.iter().enumerate().filter(|(_, slot)| !slot.is_over);
        open.map(|(number, _)| number).collect()
    }

    /// Answers request `number`.
    pub fn answer(
        &self,
        number: usize,
        status: u16,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let answer = response
            .body(body.into())
            .map_err(|error| TransportError::new(Reached::NotSent, error));
        self.end(number, answer);
    }

    /// Answers request `number` with 204.
    pub fn no_content(&self, number: usize) {
        self.answer(number, 204, &[], "");
    }

    /// Does not answer request `number`.
    pub fn fail(&self, number: usize, reached: Reached) {
        self.end(number, Err(TransportError::new(reached, "by hand")));
    }

    fn end(&self, number: usize, answer: Answer) {
        if let Some(slot) = self.slots().get_mut(number) {
            slot.answer = Some(answer);
            slot.is_over = true;
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }
}

#[async_trait]
impl Transport for Held {
    async fn send(&self, request: http::Request<Bytes>) -> Answer {
        let number = {
            let mut slots = self.slots();
            slots.push(Slot {
                sent: Sent::of(&request),
                answer: None,
                waker: None,
                is_over: false,
            });
            slots.len() - 1
        };
        Waiting {
            held: self.clone(),
            number,
        }
        .await
    }
}

struct Waiting {
    held: Held,
    number: usize,
}

impl Future for Waiting {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut slots = self.held.slots();
        let Some(slot) = slots.get_mut(self.number) else {
            return Poll::Pending;
        };
        match slot.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(slot) = self.held.slots().get_mut(self.number) {
            slot.is_over = true;
        }
    }
}
