//! The way to where tokens come from: the client's transport, with retries.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use zeroize::Zeroizing;

use super::refused::Who;
use crate::error::Error;
use crate::http::auth::TokenRequest;
use crate::http::clock::within;
use crate::http::{Reached, TransportError};
use crate::value::chance::random_part;

/// Requests wait behind a sign-in: it gives up sooner than they do.
const ATTEMPTS: u32 = 5;
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Of one attempt: all calls of a client wait behind it.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest first wait; doubles with each attempt.
const BASE_DELAY: Duration = Duration::from_millis(500);

/// Sends the requests of a sign-in.
pub(crate) struct Wire<'a> {
    pub(crate) request: &'a TokenRequest,
    pub(crate) who: Who,
    /// A code is taken once: a request with one is not repeated in doubt.
    pub(crate) repeats_in_doubt: bool,
    /// Further statuses that pass.
    pub(crate) also: &'static [u16],
}

impl Wire<'_> {
    /// The answer, whatever its status. Text of the body is overwritten when it is gone.
    pub(crate) async fn send(
        &self,
        message: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Bytes>, Error> {
        let (head, body) = message.into_parts();
        let body = Bytes::from_owner(Zeroizing::new(body));
        let clock = &self.request.clock;
        let started = clock.now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let message = http::Request::from_parts(head.clone(), body.clone());
            let sending = self.request.transport.send(message);
            let result = within(&**clock, ATTEMPT_TIMEOUT, sending).await;
            let result = result.unwrap_or_else(|| {
                let why = format!("no answer within {ATTEMPT_TIMEOUT:?}");
                Err(TransportError::new(Reached::Unknown, why))
            });
            let (may_repeat, retry_after) = match &result {
                Ok(answer) => (self.passes(answer.status()), retry_after(answer.headers())),
                Err(error) => {
                    let may_repeat = match error.reached() {
                        Reached::NotSent | Reached::Refused => true,
                        Reached::Unknown => self.repeats_in_doubt,
                        Reached::Untrusted => false,
                    };
                    (may_repeat, None)
                }
            };
            let wait = retry_after.unwrap_or_else(|| delay(attempt));
            let elapsed = clock.now().duration_since(started).unwrap_or_default();
            let is_in_time = elapsed.saturating_add(wait) <= TIME_LIMIT;
            if may_repeat && attempt < ATTEMPTS && is_in_time {
                clock.sleep(wait).await;
                continue;
            }
            return result.map_err(|error| self.who.failed("no answer").with_source(error));
        }
    }

    /// Whether what this status says may be over soon.
    fn passes(&self, status: StatusCode) -> bool {
        match status.as_u16() {
            429 => true,
            408 | 500 | 502..=504 => self.repeats_in_doubt,
            other => self.also.contains(&other),
        }
    }

    /// A form, and the answer whatever its status.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
    ) -> Result<http::Response<Bytes>, Error> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let message = http::Request::post(url)
            .header(http::header::ACCEPT, "application/json")
            .header(
                http::header::CONTENT_TYPE,
                "application/x-www-form-urlencoded",
            )
            .body(form.into_bytes())
            .map_err(|error| self.who.failed("the address is no URL").with_source(error))?;
        self.send(message).await
    }
}

impl<'c> oauth2::AsyncHttpClient<'c> for Wire<'_> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.send(request).await?;
            let mut response = http::Response::new(answer.body().to_vec());
            *response.status_mut() = answer.status();
            Ok(response)
        })
    }
}

/// Seconds, as Entra and the managed identity endpoints say them.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// A random part of a doubling delay, so that programs do not come back all at once.
fn delay(attempt: u32) -> Duration {
    BASE_DELAY
        .saturating_mul(1 << (attempt - 1).min(6))
        .mul_f64(random_part())
}
