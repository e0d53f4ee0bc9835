//! What goes wrong on demand.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::message::Asked;

/// What goes wrong on demand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InjectedFault {
    /// 429 with this wait; the request is not executed.
    Throttled {
        /// `Retry-After`, in whole seconds.
        retry_after: Duration,
    },
    /// This status with an empty body; the request is not executed.
    Status(StatusCode),
    /// No connection; the request is not executed. On a socket, the connection is closed.
    ConnectionRefused,
    /// The connection ends before the request is executed, and the client cannot know that it was
    /// not.
    ConnectionReset,
    /// The request is executed, and the answer lost.
    AnswerLost,
    /// The request is executed, and its answer comes so much later.
    Latency(Duration),
    /// The request is executed, and the connection ends after half of the answer's body.
    TruncatedBody,
    /// The request is executed; the head of the answer comes at once, its body little by little in
    /// this time.
    SlowBody(Duration),
    /// 401 with the service's challenge, as if the token had expired; the request is not executed.
    ExpiredToken,
    /// 400 with 0x80044352, as if the delta token were too old; the request is not executed.
    ExpiredDeltaToken,
}

/// An answer, and how it comes.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) response: http::Response<Bytes>,
    /// How long the answer takes.
    pub(crate) late: Duration,
    /// How long its body takes after that.
    pub(crate) slow: Duration,
    /// Whether the connection ends within the body.
    pub(crate) is_cut: bool,
}

impl From<http::Response<Bytes>> for Delivery {
    fn from(response: http::Response<Bytes>) -> Self {
        Delivery {
            response,
            late: Duration::ZERO,
            slow: Duration::ZERO,
            is_cut: false,
        }
    }
}

type Matcher = Box<dyn Fn(&Method, &str) -> bool + Send>;

/// Faults that were ordered and did not come yet, oldest first.
#[derive(Default)]
pub(crate) struct Orders(Vec<Order>);

/// A fault that was ordered: how often, for which requests, and what.
struct Order {
    times: usize,
    is_for: Matcher,
    fault: InjectedFault,
}

impl Orders {
    pub(crate) fn add(&mut self, fault: InjectedFault, times: usize, is_for: Matcher) {
        if times > 0 {
            self.0.push(Order {
                times,
                is_for,
                fault,
            });
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that this request has.
    pub(crate) fn next(&mut self, asked: &Asked) -> Option<InjectedFault> {
        let is_it = |order: &Order| (order.is_for)(&asked.method, &asked.target);
        let place = self.0.iter().position(is_it)?;
        let order = self.0.get_mut(place)?;
        let fault = order.fault.clone();
        order.times -= 1;
        if order.times == 0 {
            self.0.remove(place);
        }
        Some(fault)
    }
}
