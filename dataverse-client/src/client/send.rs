//! The way of an operation to the service and back.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};

use super::attempts::{Ending, failure_of};
use super::base::Base;
use crate::error::Result;
use crate::http::auth::TokenCache;
use crate::http::budget::RetryBudget;
use crate::http::clock::within;
use crate::http::counters::Counting;
use crate::http::lanes::Seen;
use crate::http::limiter::{Limiter, Limiters};
use crate::http::retry::{Failure, Progress, decide};
use crate::http::{Clock, RetryPolicy, TokenRequest, Transport};
use crate::odata::multipart;
use crate::odata::{CallOptions, Request, Response, User};
use crate::op::{AfterDoubt, Operation, Refused, Replay, Scope};
use crate::value::chance::random_part;

/// What the clones of a client share.
pub(super) struct Inner {
    pub(super) base: Base,
    pub(super) credential: TokenCache,
    pub(super) token_request: TokenRequest,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retry: RetryPolicy,
    pub(super) limiters: Limiters<User>,
    pub(super) budget: RetryBudget,
    pub(super) counting: Counting,
}

/// A request that a bulk write sends to a server of its choice.
pub(super) struct Directed {
    /// Leads to the server; without one, wherever the service likes.
    pub(super) cookie: Option<HeaderValue>,
    /// The last answer.
    pub(super) seen: Option<Seen>,
}

impl Inner {
    /// Sends an operation, as often as it takes and may be; and once more what was refused of it.
    pub(super) async fn execute<O: Operation + ?Sized>(
        &self,
        operation: &O,
        options: &CallOptions,
    ) -> Result<O::Output> {
        let started = self.clock.now();
        let output = self
            .execute_since(started, operation, options, None)
            .await?;
        match operation.refused(&output) {
            None => Ok(output),
            // In a box, as all that few calls need: each call would be larger.
            Some(refused) => {
                Box::pin(self.execute_refused(started, operation, options, output, refused)).await
            }
        }
    }

    /// Sends once more what was refused of an operation.
    async fn execute_refused<O: Operation + ?Sized>(
        &self,
        started: SystemTime,
        operation: &O,
        options: &CallOptions,
        mut output: O::Output,
        mut refused: Refused<O::Output>,
    ) -> Result<O::Output> {
        let mut rounds = 0;
        loop {
            rounds += 1;
            let limiter = self.limiters.of(options.user(), self.clock.now());
            let failure = Failure::Throttled {
                retry_after: refused.retry_after,
                is_concurrency: refused.is_concurrency,
            };
            self.counting.throttled.add();
            self.note_pause(&limiter, failure, &refused.body);
            let progress = Progress {
                attempts: rounds,
                elapsed: self.since(started),
                time_limit: options.time_limit().unwrap_or(self.retry.time_limit),
                repeats_in_doubt: true,
                is_safe: true,
                jitter: random_part(),
            };
            let Some(wait) = decide(&self.retry, failure, progress) else {
                break;
            };
            if !self.may_spend(RetryBudget::cost(failure)) {
                break;
            }
            self.clock.sleep(wait).await;
            let rest = &*refused.rest;
            let later = self.execute_since(started, rest, options, None).await;
            let is_over = later.is_err();
            (refused.join)(&mut output, later);
            if is_over {
                break;
            }
            self.budget.give(RetryBudget::cost(failure));
            match operation.refused(&output) {
                Some(next) => refused = next,
                None => break,
            }
        }
        Ok(output)
    }

    /// Sends an operation to a server. What that refuses for the time being comes back at once, for
    /// the caller to choose another one.
    pub(super) async fn execute_directed<O: Operation + ?Sized>(
        &self,
        operation: &O,
        options: &CallOptions,
        directed: &mut Directed,
    ) -> Result<O::Output> {
        let started = self.clock.now();
        self.execute_since(started, operation, options, Some(directed))
            .await
    }

    async fn execute_since<O: Operation + ?Sized>(
        &self,
        started: SystemTime,
        operation: &O,
        options: &CallOptions,
        directed: Option<&mut Directed>,
    ) -> Result<O::Output> {
        let scope = Scope::to_org(self.base.origin(), self.base.root(), options);
        let mut request = operation.request_in(&scope)?;
        options.apply(&mut request)?;
        let mut call = self.call(&request, options, started, operation.replay(), directed);
        let long = match request.method {
            Method::GET => self.base.too_long(&request.target)?,
            _ => None,
        };
        let wrapped;
        let message = match long {
            None => &request,
            Some(target) => {
                call.is_wrapped = true;
                let request = Request {
                    target,
                    ..request.clone()
                };
                wrapped = Box::new(multipart::wrap(&request, self.base.root())?);
                &*wrapped
            }
        };
        // In a box of its own: two that are small cost less than one that is large.
        let ending = Box::pin(call.send(message)).await;
        let call = &call;
        let told = |error| call.blame(error).with_rows(|| operation.row_ids());
        let unknown = |error| match call.is_read || operation.only_reads() {
            true => told(error),
            false => told(error).with_outcome_unknown(),
        };
        let response = match ending {
            Ok(Ending::Answered(response)) => response,
            // What ended the later attempts tells nothing of the earlier one.
            Ok(Ending::NotAnswered(error)) | Err(error) if call.in_doubt => {
                return Err(unknown(error));
            }
            Ok(Ending::NotAnswered(error)) | Err(error) => return Err(told(error)),
        };
        options.note(&response.headers);
        if let Some(error) = response.is_foreign(call.is_read) {
            return Err(unknown(error));
        }
        let error = match operation.decode(&response) {
            Ok(mut output) => {
                if call.in_doubt {
                    operation.note_doubt(&mut output);
                }
                return Ok(output);
            }
            Err(error) => error,
        };
        if !call.in_doubt {
            return Err(told(error));
        }
        // The last answer is about the last attempt, and no answer about the earlier one.
        if failure_of(&response).is_some() {
            return Err(unknown(error));
        }
        match operation.after_doubt(&error) {
            AfterDoubt::Stands => Err(told(error)),
            AfterDoubt::Unknown => Err(unknown(error)),
            AfterDoubt::Done(output) => Ok(output),
            AfterDoubt::Ask(question, reading) => {
                let asking = Box::pin(self.ask(question, started, options));
                let answer = asking.await?;
                match answer.filter(|answer| answer.is_foreign(false).is_none()) {
                    Some(answer) if answer.status.is_success() => {
                        reading.read(&answer).map_err(told)
                    }
                    Some(answer) if answer.status == StatusCode::NOT_FOUND => Err(told(error)),
                    _ => Err(unknown(error)),
                }
            }
        }
    }

    /// Sends a question about what became of a write; None if there was no answer.
    async fn ask(
        &self,
        mut question: Request,
        started: SystemTime,
        options: &CallOptions,
    ) -> Result<Option<Response>> {
        options.apply(&mut question)?;
        let mut asking = self.call(&question, options, started, Replay::Safe, None);
        Ok(match asking.send(&question).await {
            Ok(Ending::Answered(answer)) => Some(answer),
            _ => None,
        })
    }

    pub(super) fn since(&self, started: SystemTime) -> Duration {
        let now = self.clock.now();
        now.duration_since(started).unwrap_or_default()
    }

    /// All calls of the user wait as long as the service asked for.
    pub(super) fn note_pause(&self, limiter: &Limiter, failure: Failure, refusal: &Bytes) {
        if let Some(length) = failure.shared_pause(&self.retry) {
            limiter.pause(self.clock.now(), length, refusal.clone());
        }
    }

    /// None if the deadline, which is so far away, passes first.
    pub(super) async fn in_time<F: Future>(
        &self,
        left: Option<Duration>,
        future: F,
    ) -> Option<F::Output> {
        match left {
            None => Some(future.await),
            Some(left) => within(&*self.clock, left, future).await,
        }
    }

    pub(super) fn may_spend(&self, cost: u32) -> bool {
        let may = self.budget.spend(cost);
        if !may {
            self.counting.over_budget.add();
        }
        may
    }
}
