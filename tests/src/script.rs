//! A transport that answers by a script and remembers what it was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{
    FixedToken, Reached, RetryPolicy, Transport, TransportError, VirtualClock,
};
use dataverse_client::{Client, Result};

/// Answers one request after the other. Clones share the script.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    requests: Vec<Sent>,
}

#[derive(Debug)]
enum Answer {
    Response(http::Response<Bytes>),
    Failure(Reached),
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `GET https://…`.
    pub line: String,
    /// All headers.
    pub headers: http::HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Sent {
    pub(crate) fn of(request: &http::Request<Bytes>) -> Self {
        Sent {
            line: format!("{} {}", request.method(), request.uri()),
            headers: request.headers().clone(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        }
    }

    /// A header's text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

impl Script {
    /// A script without answers.
    pub fn new() -> Self {
        Script::default()
    }

    /// Answers with this status, these headers and this body.
    #[must_use]
    pub fn answer(self, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(body.into());
        self.push(match response {
            Ok(response) => Answer::Response(response),
            Err(_) => Answer::Failure(Reached::NotSent),
        })
    }

    /// Answers 204 without a body.
    #[must_use]
    pub fn no_content(self) -> Self {
        self.answer(204, &[], "")
    }

    /// Answers with an error of the service.
    #[must_use]
    pub fn error(self, status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
        self.answer(status, &[], body)
    }

    /// Does not answer.
    #[must_use]
    pub fn failure(self, reached: Reached) -> Self {
        self.push(Answer::Failure(reached))
    }

    fn push(self, answer: Answer) -> Self {
        self.state().answers.push_back(answer);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().requests.clone()
    }

    /// A client that sends here, with the clock that it waits by.
    pub fn client(&self) -> Result<(Client, VirtualClock)> {
        self.client_with(RetryPolicy::default())
    }

    /// A client with a retry policy of its own.
    pub fn client_with(&self, policy: RetryPolicy) -> Result<(Client, VirtualClock)> {
        let clock = VirtualClock::default();
        let client = Client::builder("https://org.crm.dynamics.com")?
            .credential(FixedToken::new("secret-token"))
            .transport(self.clone())
            .clock(clock.clone())
            .retry(policy)
            .build()?;
        Ok((client, clock))
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut state = self.state();
        state.requests.push(Sent::of(&request));
        match state.answers.pop_front() {
            Some(Answer::Response(response)) => Ok(response),
            Some(Answer::Failure(reached)) => Err(TransportError::new(reached, "as scripted")),
            None => Err(TransportError::new(
                Reached::NotSent,
                "the script has no further answer",
            )),
        }
    }
}
