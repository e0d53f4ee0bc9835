//! The way to where tokens come from: the client's transport, with retries.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::refused::Who;
use crate::error::Error;
use crate::http::auth::TokenRequest;
use crate::http::retry::{Failure, Progress, decide};
use crate::http::{Reached, RetryPolicy};

/// Requests wait behind a sign-in: it gives up sooner than they do.
const ATTEMPTS: u32 = 5;
const TIME_LIMIT: Duration = Duration::from_secs(60);

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
        let policy = RetryPolicy {
            max_attempts: ATTEMPTS,
            time_limit: TIME_LIMIT,
            ..RetryPolicy::default()
        };
        let clock = &self.request.clock;
        let started = clock.now();
        let mut attempts = 0;
        loop {
            let message = http::Request::from_parts(head.clone(), body.clone());
            attempts += 1;
            let result = self.request.transport.send(message).await;
            let failure = match &result {
                Ok(answer) => {
                    let status = answer.status();
                    let passes = self.also.contains(&status.as_u16())
                        || status == StatusCode::INTERNAL_SERVER_ERROR;
                    match passes {
                        true => Some(Failure::Doubt { retry_after: None }),
                        false => Failure::of_status(status, retry_after(answer.headers())),
                    }
                }
                Err(error) if error.reached() == Reached::NotSent => {
                    Some(Failure::Refused { retry_after: None })
                }
                Err(_) => Some(Failure::Doubt { retry_after: None }),
            };
            let progress = Progress {
                attempts,
                elapsed: clock.now().duration_since(started).unwrap_or_default(),
                repeats_in_doubt: self.repeats_in_doubt,
                jitter: jitter(),
            };
            match failure.and_then(|failure| decide(&policy, failure, progress)) {
                Some(wait) => clock.sleep(wait).await,
                None => {
                    return result.map_err(|error| self.who.failed("no answer").with_source(error));
                }
            }
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

/// A random number from 0 to 1.
fn jitter() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    (high >> 32) as f64 / f64::from(u32::MAX)
}
