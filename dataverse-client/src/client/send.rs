//! The way of an operation to the service and back.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::base::Base;
use crate::error::{Error, Result};
use crate::http::auth::{PRODUCT, Secret, TokenCache, challenge};
use crate::http::retry::{Failure, Progress, decide};
use crate::http::{Clock, Credential as _, Reached, RetryPolicy, TokenRequest, Transport};
use crate::odata::headers::{self, CLIENT_REQUEST_ID, JSON, ODATA_MAX_VERSION, ODATA_VERSION};
use crate::odata::multipart;
use crate::odata::{CallOptions, Request, Response};
use crate::op::{AfterDoubt, Operation, Replay, Scope};

/// What the clones of a client share.
pub(super) struct Inner {
    pub(super) base: Base,
    pub(super) credential: TokenCache,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retry: RetryPolicy,
}

/// One call: a request and what became of it so far.
struct Call<'a> {
    inner: &'a Inner,
    summary: String,
    /// The same over all attempts: support and audit find them by it.
    request_id: Uuid,
    started: SystemTime,
    attempts: u32,
    /// An attempt may have changed something although no final answer came.
    in_doubt: bool,
    is_read: bool,
    /// What the last attempt was sent with.
    token: Option<Secret>,
    /// A refused token was replaced once.
    is_renewed: bool,
}

/// The end of a call's attempts.
enum Ending {
    Answered(Response),
    NotAnswered(Error),
}

impl Inner {
    /// Sends an operation, as often as it takes and may be.
    pub(super) async fn execute<O: Operation>(
        &self,
        operation: &O,
        options: &CallOptions,
    ) -> Result<O::Output> {
        let scope = Scope::to_org(self.base.origin(), self.base.root(), options);
        let mut request = operation.request_in(&scope)?;
        options.apply(&mut request)?;
        let mut call = self.call(&request);
        let long = match request.method {
            Method::GET => self.base.too_long(&request.target)?,
            _ => None,
        };
        let is_wrapped = long.is_some();
        if let Some(target) = long {
            request.target = target;
            request = multipart::wrap(&request, self.base.root())?;
        }
        let repeats_in_doubt = operation.replay() != Replay::IfRefused;
        let response = match call.send(&request, repeats_in_doubt).await? {
            Ending::Answered(response) if is_wrapped => {
                multipart::unwrap(response).map_err(|error| call.blame(error))?
            }
            Ending::Answered(response) => response,
            Ending::NotAnswered(error) if call.in_doubt => {
                return Err(call.blame(error).with_outcome_unknown());
            }
            Ending::NotAnswered(error) => return Err(call.blame(error)),
        };
        options.note(&response.headers);
        let error = match operation.decode(&response) {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        if !call.in_doubt {
            return Err(call.blame(error));
        }
        // The last answer is about the last attempt, and no answer about the earlier one.
        if Failure::of_status(response.status, None).is_some() {
            return Err(call.blame(error).with_outcome_unknown());
        }
        match operation.after_doubt(&error) {
            AfterDoubt::Stands => Err(call.blame(error)),
            AfterDoubt::Unknown => Err(call.blame(error).with_outcome_unknown()),
            AfterDoubt::Done(output) => Ok(output),
            AfterDoubt::Ask(mut question, reading) => {
                options.apply(&mut question)?;
                let mut asking = self.call(&question);
                match asking.send(&question, true).await {
                    Ok(Ending::Answered(answer)) if answer.status.is_success() => {
                        reading.read(&answer)
                    }
                    Ok(Ending::Answered(answer)) if answer.status == StatusCode::NOT_FOUND => {
                        Err(call.blame(error))
                    }
                    _ => Err(call.blame(error).with_outcome_unknown()),
                }
            }
        }
    }

    fn call(&self, request: &Request) -> Call<'_> {
        Call {
            inner: self,
            summary: request.summary(),
            request_id: Uuid::new_v4(),
            started: self.clock.now(),
            attempts: 0,
            in_doubt: false,
            is_read: request.method == Method::GET,
            token: None,
            is_renewed: false,
        }
    }

    fn token_request(&self) -> TokenRequest {
        TokenRequest::new(
            self.base.origin(),
            Arc::clone(&self.transport),
            Arc::clone(&self.clock),
        )
    }
}

impl Call<'_> {
    fn elapsed(&self) -> Duration {
        let now = self.inner.clock.now();
        now.duration_since(self.started).unwrap_or_default()
    }

    /// Adds the story of the call to an error.
    fn blame(&self, error: Error) -> Error {
        error.with_story(&self.summary, self.attempts, self.elapsed())
    }

    /// Sends until there is a final answer, or no further attempt may be made.
    async fn send(&mut self, request: &Request, repeats_in_doubt: bool) -> Result<Ending> {
        loop {
            let message = self.message(request).await?;
            self.attempts += 1;
            let (failure, ending) = match self.inner.transport.send(message).await {
                Ok(answer) => {
                    let (head, body) = answer.into_parts();
                    let retry_after = headers::retry_after(&head.headers);
                    let response = Response::new(head.status, head.headers, body);
                    if self.renew_token(&response).await? {
                        continue;
                    }
                    match Failure::of_status(response.status, retry_after) {
                        None => return Ok(Ending::Answered(response)),
                        Some(failure) => (failure, Ending::Answered(response)),
                    }
                }
                Err(error) => {
                    let retry_after = None;
                    let failure = match error.reached() {
                        Reached::NotSent => Failure::Refused { retry_after },
                        Reached::Unknown => Failure::Doubt { retry_after },
                    };
                    (failure, Ending::NotAnswered(Error::transport(error)))
                }
            };
            self.in_doubt |= failure.is_doubt() && !self.is_read;
            let progress = Progress {
                attempts: self.attempts,
                elapsed: self.elapsed(),
                repeats_in_doubt,
                jitter: jitter(),
            };
            match decide(&self.inner.retry, failure, progress) {
                Some(wait) => self.inner.clock.sleep(wait).await,
                None => return Ok(ending),
            }
        }
    }

    /// Whether to send again because the service refused the token and there is another one now.
    /// Once: what was refused with 401 was not executed, whatever the operation.
    async fn renew_token(&mut self, response: &Response) -> Result<bool> {
        let refused = match self.token.take() {
            Some(token) if response.status == StatusCode::UNAUTHORIZED && !self.is_renewed => token,
            _ => return Ok(false),
        };
        self.is_renewed = true;
        self.inner.credential.invalidate(&refused);
        let claims = challenge::claims(&response.headers);
        let wanted = self.inner.token_request().with_claims(claims);
        let token = self.inner.credential.token(&wanted).await;
        let token = token.map_err(|error| self.blame(error))?;
        Ok(token.secret != refused)
    }

    /// The request with what every request has.
    async fn message(&mut self, request: &Request) -> Result<http::Request<Bytes>> {
        let uri = self
            .inner
            .base
            .uri(&request.target)
            .map_err(|e| self.blame(e))?;
        let token = self
            .inner
            .credential
            .token(&self.inner.token_request())
            .await;
        let token = token.map_err(|error| self.blame(error))?.secret;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            // The source would say no more, and must not hold the token.
            .map_err(|_| Error::credential("the token cannot stand in a header", None))?;
        bearer.set_sensitive(true);
        self.token = Some(token);
        let mut message = http::Request::new(request.body.clone());
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = uri;
        let headers = message.headers_mut();
        *headers = request.headers.clone();
        headers.insert(AUTHORIZATION, bearer);
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static(JSON));
        headers.insert(USER_AGENT, HeaderValue::from_static(PRODUCT));
        headers.insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
        headers.insert(ODATA_MAX_VERSION, HeaderValue::from_static("4.0"));
        if let Ok(id) = HeaderValue::from_str(&self.request_id.to_string()) {
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        Ok(message)
    }
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    // The highest 32 bits are random in every version 4 GUID.
    (high >> 32) as f64 / f64::from(u32::MAX)
}
