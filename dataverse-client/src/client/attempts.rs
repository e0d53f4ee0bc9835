//! The attempts of one request, until there is a final answer or none is to be had.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::send::{Directed, Inner};
use super::trace::CallSpan;
use crate::error::{Error, Result, ServiceError};
use crate::http::auth::{PRODUCT, Secret, bearer, challenge};
use crate::http::budget::RetryBudget;
use crate::http::clock::within;
use crate::http::lanes::{Seen, affinity};
use crate::http::limiter::{Limiter, Permit, Told};
use crate::http::retry::{Failure, Progress, decide};
use crate::http::{Credential as _, Reached, TransportError};
use crate::odata::headers::{self, CLIENT_REQUEST_ID, JSON, ODATA_MAX_VERSION, ODATA_VERSION};
use crate::odata::multipart;
use crate::odata::{CallOptions, Request, Response};
use crate::op::Replay;
use crate::value::chance::{random_bytes, random_part};

/// Headers that every request has, beside those of its operation.
const EVERY_REQUEST: usize = 6;

/// One request and what became of it so far.
pub(super) struct Attempts<'a> {
    inner: &'a Inner,
    /// What the caller asked for, before it was put into a batch.
    asked: &'a Request,
    directed: Option<&'a mut Directed>,
    /// The same over all attempts: support and audit find them by it.
    request_id: Uuid,
    span: CallSpan,
    limiter: Limiter,
    /// Its place in the line before the limiter.
    ticket: u64,
    started: SystemTime,
    /// Of the whole call.
    deadline: Option<Duration>,
    replay: Replay,
    /// The request is the only part of a batch.
    pub(super) is_wrapped: bool,
    pub(super) is_read: bool,
    attempts: u32,
    /// An attempt may have changed something although no final answer came.
    pub(super) in_doubt: bool,
    /// What the last attempt was sent with.
    token: Option<Secret>,
    /// A refused token was replaced once.
    is_renewed: bool,
    /// Why there was no further attempt.
    note: Option<&'static str>,
}

/// The end of a call's attempts.
pub(super) enum Ending {
    Answered(Response),
    NotAnswered(Error),
}

impl Inner {
    /// Nothing was sent yet.
    pub(super) fn call<'a>(
        &'a self,
        request: &'a Request,
        options: &CallOptions,
        started: SystemTime,
        replay: Replay,
        directed: Option<&'a mut Directed>,
    ) -> Attempts<'a> {
        self.counting.calls.add();
        let limiter = self.limiters.of(options.user(), started);
        let request_id = uuid::Builder::from_random_bytes(random_bytes()).into_uuid();
        Attempts {
            inner: self,
            asked: request,
            directed,
            request_id,
            span: CallSpan::new(self.base.origin(), request, request_id),
            ticket: limiter.ticket(),
            limiter,
            started,
            deadline: options.time_limit(),
            replay: match options.is_at_most_once() {
                true => replay.min(Replay::IfRefused),
                false => replay,
            },
            is_wrapped: false,
            is_read: request.method == Method::GET,
            attempts: 0,
            in_doubt: false,
            token: None,
            is_renewed: false,
            note: None,
        }
    }
}

/// What an answer says about a further attempt; None if it is final.
///
/// The status of a batch with answers of its parts is that of a part: others were executed.
pub(super) fn failure_of(response: &Response) -> Option<Failure> {
    if response.status.is_success() {
        return None;
    }
    let content_type = response.text_of(&CONTENT_TYPE).unwrap_or_default();
    if multipart::boundary(content_type).is_some() {
        return None;
    }
    let error = || ServiceError::read(&response.body);
    let retry_after = headers::retry_after(&response.headers);
    Failure::of_answer(response.status, error, retry_after)
}

impl Attempts<'_> {
    /// Adds the story of the call to an error.
    pub(super) fn blame(&self, error: Error) -> Error {
        let elapsed = self.inner.since(self.started);
        error
            .with_note(self.note)
            .with_story(&self.asked.summary(), self.attempts, elapsed)
    }

    /// Sends until there is a final answer, or no further attempt may be made.
    pub(super) async fn send(&mut self, request: &Request) -> Result<Ending> {
        let span = self.span.clone();
        let ending = span.scope(self.send_attempts(request)).await;
        match &ending {
            Ok(Ending::Answered(response)) => span.ended(self.attempts, Some(response), ""),
            Ok(Ending::NotAnswered(error)) | Err(error) => {
                span.ended(self.attempts, None, error.kind_name());
            }
        }
        ending
    }

    async fn send_attempts(&mut self, request: &Request) -> Result<Ending> {
        let inner = self.inner;
        let mut spent = 0;
        loop {
            let permit = match self.admit().await {
                Ok(permit) => permit,
                Err(error) => return Ok(Ending::NotAnswered(error)),
            };
            let (bearer, token) = match inner.credential.kept(&inner.token_request) {
                Some(kept) => kept,
                // In a box: few calls come here, and all would be larger.
                None => match Box::pin(inner.in_time(self.time_left(), self.ask_token())).await {
                    Some(token) => token?,
                    None => return Ok(Ending::NotAnswered(self.late("asking for a token"))),
                },
            };
            let message = self.message(request, bearer)?;
            self.token = Some(token);
            if self.time_left() == Some(Duration::ZERO) {
                return Ok(Ending::NotAnswered(self.late("waiting for its turn")));
            }
            self.attempts += 1;
            inner.counting.attempts.add();
            let limit = self
                .time_left()
                .map_or(inner.retry.attempt_timeout, |left| {
                    left.min(inner.retry.attempt_timeout)
                });
            let sent_at = self.directed.as_ref().map(|_| inner.clock.now());
            let sending = (*inner.transport).send(message);
            let (failure, ending) = match within(&*inner.clock, limit, sending).await {
                Some(Ok(answer)) => {
                    let (head, body) = answer.into_parts();
                    let told = Told::read(&head.headers);
                    permit.note(told);
                    if let (Some(directed), Some(sent_at)) = (&mut self.directed, sent_at) {
                        directed.seen = Some(Seen {
                            cookie: affinity(&head.headers),
                            told,
                            took: inner.since(sent_at),
                        });
                    }
                    let mut response = Response::new(head.status, head.headers, body);
                    if self.is_wrapped {
                        response =
                            multipart::unwrap(response).map_err(|error| self.blame(error))?;
                    }
                    if self.is_refused(&response) {
                        drop(permit);
                        if Box::pin(self.renew_token(&response)).await? {
                            continue;
                        }
                        return Ok(Ending::Answered(response));
                    }
                    match failure_of(&response) {
                        None => {
                            permit.taken();
                            inner
                                .budget
                                .give(if self.attempts == 1 { 1 } else { spent });
                            return Ok(Ending::Answered(response));
                        }
                        Some(failure) => (failure, Ending::Answered(response)),
                    }
                }
                Some(Err(error)) => {
                    let failure = match error.reached() {
                        Reached::Untrusted => {
                            inner.counting.not_sent.add();
                            return Ok(Ending::NotAnswered(error.into_error()));
                        }
                        Reached::NotSent | Reached::Refused => Failure::NotSent,
                        Reached::Unknown => Failure::Doubt { retry_after: None },
                    };
                    (failure, Ending::NotAnswered(error.into_error()))
                }
                None => {
                    let failure = Failure::Doubt { retry_after: None };
                    let error = TransportError::new(
                        Reached::Unknown,
                        format!("no answer within {limit:?}; it is no longer waited for"),
                    );
                    (failure, Ending::NotAnswered(error.into_error()))
                }
            };
            self.note_failure(&permit, failure, &ending);
            drop(permit);
            if self.directed.is_some() && failure.is_of_one_server(&inner.retry) {
                return Ok(ending);
            }
            if self.time_left() == Some(Duration::ZERO) {
                return Ok(match ending {
                    Ending::Answered(_) => ending,
                    Ending::NotAnswered(_) => {
                        Ending::NotAnswered(self.late("waiting for an answer"))
                    }
                });
            }
            if self.replay == Replay::Never {
                return Ok(ending);
            }
            let progress = Progress {
                attempts: self.attempts,
                elapsed: inner.since(self.started),
                time_limit: self.deadline.unwrap_or(inner.retry.time_limit),
                repeats_in_doubt: self.replay > Replay::IfRefused,
                is_safe: self.replay == Replay::Safe,
                jitter: random_part(),
            };
            let Some(wait) = decide(&inner.retry, failure, progress) else {
                return Ok(ending);
            };
            let cost = RetryBudget::cost(failure);
            if !inner.may_spend(cost) {
                self.note = Some(
                    "not repeated, because the retry budget of the client is used up: the \
                     service fails too often",
                );
                return Ok(ending);
            }
            spent += cost;
            inner.counting.repeats.add();
            self.span.sends_again(self.attempts, wait, &failure);
            inner.clock.sleep(wait).await;
        }
    }

    /// Remembers what others must know of a failed attempt.
    fn note_failure(&mut self, permit: &Permit, failure: Failure, ending: &Ending) {
        let counting = &self.inner.counting;
        match failure {
            Failure::Throttled { is_concurrency, .. } => {
                counting.throttled.add();
                if is_concurrency {
                    permit.crowded();
                }
                if !self.goes_to_one_server()
                    && let Ending::Answered(response) = ending
                {
                    self.inner
                        .note_pause(&self.limiter, failure, &response.body);
                }
            }
            Failure::NotSent => counting.not_sent.add(),
            Failure::Doubt { .. } | Failure::Failed { .. } => counting.doubts.add(),
        }
        self.in_doubt |= failure.is_doubt() && !self.is_read;
    }

    /// The pauses of others are not for it: they are of other servers.
    fn goes_to_one_server(&self) -> bool {
        self.directed
            .as_ref()
            .is_some_and(|directed| directed.cookie.is_some())
    }

    fn paused(&self) -> Option<(Duration, Bytes)> {
        match self.goes_to_one_server() {
            true => None,
            false => self.limiter.paused(|| self.inner.clock.now()),
        }
    }

    /// Waits until the service wants to hear of the user again, and there is a place.
    async fn admit(&mut self) -> Result<Permit> {
        let inner = self.inner;
        loop {
            while let Some((pause, refusal)) = self.paused() {
                let limit = self.deadline.unwrap_or(inner.retry.time_limit);
                if inner.since(self.started).saturating_add(pause) > limit {
                    self.note = Some(
                        "not sent, because the service asks this client to wait for longer than \
                         the call may take",
                    );
                    let refusal = ServiceError::read(&refusal);
                    let status = StatusCode::TOO_MANY_REQUESTS;
                    return Err(Error::service(status, refusal, Some(pause), None));
                }
                inner.clock.sleep(pause).await;
            }
            let place = self.limiter.acquire(self.ticket);
            let Some(permit) = inner.in_time(self.time_left(), place).await else {
                return Err(self.late("waiting for its turn"));
            };
            // A pause may have begun while the call stood in line.
            if self.paused().is_none() {
                return Ok(permit);
            }
        }
    }

    /// Whether the service refused the token for the first time.
    fn is_refused(&self, response: &Response) -> bool {
        response.status == StatusCode::UNAUTHORIZED
            && !self.is_renewed
            && self.token.is_some()
            && self.replay != Replay::Never
    }

    /// Whether there is another token now. What was refused with 401 was not executed, whatever the
    /// operation.
    async fn renew_token(&mut self, response: &Response) -> Result<bool> {
        self.is_renewed = true;
        let Some(refused) = self.token.take() else {
            return Ok(false);
        };
        self.inner.credential.invalidate(&refused);
        let claims = challenge::claims(&response.headers);
        let wanted = self.inner.token_request.clone().with_claims(claims);
        let asking = self.inner.credential.token(&wanted);
        let left = self.time_left();
        let Some(token) = self.inner.in_time(left, asking).await else {
            return Err(self.blame(self.late("asking for a token")));
        };
        let token = token.map_err(|error| self.blame(error))?;
        Ok(token.secret != refused)
    }

    /// What is left until the deadline, if there is one.
    fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_sub(self.inner.since(self.started)))
    }

    #[cold]
    fn late(&self, what: &str) -> Error {
        self.inner.counting.timed_out.add();
        Error::deadline(what)
    }

    /// A token, and the header that it stands in.
    async fn ask_token(&self) -> Result<(HeaderValue, Secret)> {
        let inner = self.inner;
        let token = inner.credential.token(&inner.token_request).await;
        let token = token.map_err(|error| self.blame(error))?.secret;
        let bearer = bearer(&token)
            // A source would say no more, and must not hold the token.
            .ok_or_else(|| Error::credential("the token cannot stand in a header", None))?;
        Ok((bearer, token))
    }

    /// The request with what every request has.
    fn message(&self, request: &Request, bearer: HeaderValue) -> Result<http::Request<Bytes>> {
        let uri = self
            .inner
            .base
            .uri(&request.target)
            .map_err(|error| self.blame(error))?;
        let mut message = http::Request::new(request.body.clone());
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = uri;
        let headers = message.headers_mut();
        // Room for all, at once.
        headers.reserve(request.headers.len() + EVERY_REQUEST);
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        headers.insert(AUTHORIZATION, bearer);
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static(JSON));
        headers.insert(USER_AGENT, HeaderValue::from_static(PRODUCT));
        headers.insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
        headers.insert(ODATA_MAX_VERSION, HeaderValue::from_static("4.0"));
        let directed = self.directed.as_ref();
        if let Some(cookie) = directed.and_then(|directed| directed.cookie.clone()) {
            headers.insert(COOKIE, cookie);
        }
        let mut id = Uuid::encode_buffer();
        if let Ok(id) = HeaderValue::from_str(self.request_id.hyphenated().encode_lower(&mut id)) {
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        Ok(message)
    }
}
