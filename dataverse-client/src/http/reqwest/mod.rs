//! The transport over reqwest.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme};
use url::Url;

use super::{Reached, Transport, TransportError};

/// No connection within this time: the service cannot be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// No byte of the answer within this time. The service gives up after two minutes itself.
/// Source: Microsoft Learn, "Service protection API limits"; plug-in time limit.
const READ_TIMEOUT: Duration = Duration::from_secs(150);

/// A connection that was not used for so long is closed, before something between here and the
/// service drops it, and so that a service that has moved is found again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// A connection of HTTP/2 is asked for a sign of life when it was silent for so long during a request:
/// others would join a dead one.
#[cfg(feature = "http2")]
const PING_AFTER: Duration = Duration::from_secs(20);

/// Bytes of an answer after decompression: a few kilobytes can expand to hundreds of megabytes.
/// A page of 5,000 wide rows with all annotations stays below 100 MB.
const MAX_BODY: usize = 256 << 20;

/// Sends over HTTPS. Follows no redirect (they would carry headers and bodies to another host),
/// keeps no cookies, repeats nothing. Uses the proxy of the environment, except for addresses of this
/// machine (loopback and link-local): a proxy would answer for another one.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// Without a proxy; made when it is needed.
    direct: Arc<OnceLock<reqwest::Client>>,
    /// Where the last request went.
    last: Arc<Mutex<Option<Host>>>,
    max_body: usize,
}

#[derive(Debug)]
struct Host {
    scheme: Scheme,
    authority: Authority,
    /// Some URL of the host.
    url: Url,
}

impl Host {
    fn is(&self, scheme: &Scheme, authority: &Authority) -> bool {
        self.scheme == *scheme && self.authority == *authority
    }
}

impl ReqwestTransport {
    /// A transport with a connection pool of its own.
    ///
    /// Errors: the TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        Ok(ReqwestTransport {
            client: build(settings())?,
            direct: Arc::default(),
            last: Arc::default(),
            max_body: MAX_BODY,
        })
    }

    fn client_for(&self, host: Option<&str>) -> Result<&reqwest::Client, TransportError> {
        if !host.is_some_and(is_this_machine) {
            return Ok(&self.client);
        }
        match self.direct.get() {
            Some(direct) => Ok(direct),
            None => {
                let direct = build(settings().no_proxy())?;
                Ok(self.direct.get_or_init(|| direct))
            }
        }
    }

    /// The request on its way, as soon as it is waited for.
    fn begin(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + use<>, TransportError>
    {
        let client = self.client_for(request.uri().host())?;
        let (head, body) = request.into_parts();
        let url = self.url(&head.uri)?;
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        Ok(client.execute(request))
    }

    /// The URL of a request. The host of the last one is not parsed again: that takes longer than
    /// the rest of a URL.
    fn url(&self, uri: &http::Uri) -> Result<Url, TransportError> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(TransportError::new(
                Reached::NotSent,
                "a URL without a host",
            ));
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Two slashes begin the name of another host, and a backslash is read as one.
        let names_host = path.starts_with("//") || path.starts_with("/\\");
        let known = last
            .as_ref()
            .filter(|known| known.is(scheme, authority) && !names_host);
        let parsed = match known {
            Some(known) => known.url.join(path),
            None => Url::parse(&uri.to_string()),
        };
        let url = parsed.map_err(|error| TransportError::new(Reached::NotSent, error))?;
        if known.is_none() {
            *last = Some(Host {
                scheme: scheme.clone(),
                authority: authority.clone(),
                url: url.clone(),
            });
        }
        Ok(url)
    }

    /// Reads no answer that is larger, after decompression; 256 MiB unless this says otherwise.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

// Without `async_trait`, so that what waits for an answer does not hold the request, too.
impl Transport for ReqwestTransport {
    fn send<'a, 'b>(&'a self, request: http::Request<Bytes>) -> Sending<'b>
    where
        'a: 'b,
    {
        let begun = self.begin(request);
        let max_body = self.max_body;
        Box::pin(async move { receive(begun?.await, max_body).await })
    }
}

/// The answer to come.
type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'a>>;

/// Reads an answer to its end.
async fn receive(
    answer: reqwest::Result<reqwest::Response>,
    max_body: usize,
) -> Result<http::Response<Bytes>, TransportError> {
    let mut answer = answer.map_err(not_answered)?;
    let body = whole_body(&mut answer, max_body).await?;
    let mut response = http::Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// The whole body, in one piece of memory that has its size from the start where the head tells it.
/// A body that came at once is not copied.
async fn whole_body(
    answer: &mut reqwest::Response,
    max_body: usize,
) -> Result<Bytes, TransportError> {
    let told = answer.content_length().unwrap_or(0);
    let told = usize::try_from(told).unwrap_or(usize::MAX);
    let first = answer.chunk().await.map_err(not_answered)?;
    let first = first.unwrap_or_default();
    if told.max(first.len()) > max_body {
        return Err(too_large(max_body));
    }
    let Some(mut chunk) = answer.chunk().await.map_err(not_answered)? else {
        return Ok(first);
    };
    let mut body = BytesMut::with_capacity(told.max(first.len() + chunk.len()));
    body.extend_from_slice(&first);
    drop(first);
    loop {
        if body.len() + chunk.len() > max_body {
            return Err(too_large(max_body));
        }
        body.extend_from_slice(&chunk);
        match answer.chunk().await.map_err(not_answered)? {
            Some(next) => chunk = next,
            None => return Ok(body.freeze()),
        }
    }
}

fn too_large(max_body: usize) -> TransportError {
    TransportError::new(
        Reached::Unknown,
        format!("the answer is larger than {max_body} bytes; ask for smaller pages"),
    )
}

fn settings() -> reqwest::ClientBuilder {
    let settings = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never());
    #[cfg(feature = "http2")]
    let settings = settings
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(CONNECT_TIMEOUT);
    settings
}

fn build(settings: reqwest::ClientBuilder) -> Result<reqwest::Client, TransportError> {
    let client = settings.build();
    client.map_err(|error| TransportError::new(Reached::NotSent, error))
}

fn is_this_machine(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(super::auth::managed_identity::is_this_machine)
}

/// Only a failed connection is known not to have reached the service: a server that closes after
/// reading the whole request looks like one that never read it.
fn not_answered(error: reqwest::Error) -> TransportError {
    let reached = if is_untrusted(&error) {
        Reached::Untrusted
    } else if is_refused(&error) {
        Reached::Refused
    } else if error.is_connect() || error.is_builder() {
        Reached::NotSent
    } else {
        Reached::Unknown
    };
    // The URL holds filters and keys: a row's data.
    TransportError::new(reached, error.without_url())
}

/// Whether a certificate was refused before anything was sent.
fn is_untrusted(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        let refusal = cause.downcast_ref();
        matches!(refusal, Some(rustls::Error::InvalidCertificate(_)))
    })
}

/// Whether the server said that it did not look at the request. A connection that it closes in good
/// order names the last request that it looked at; those after it fail with the closing.
#[cfg(feature = "http2")]
fn is_refused(error: &reqwest::Error) -> bool {
    let mut refusals = causes(error).filter_map(|cause| cause.downcast_ref::<h2::Error>());
    refusals.any(|error| {
        let is_closing = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        let is_refusal = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (is_closing || is_refusal)
    })
}

#[cfg(not(feature = "http2"))]
fn is_refused(_: &reqwest::Error) -> bool {
    false
}

/// An error, what it comes from, and so on.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| {
        // What an `io::Error` holds is not among its causes.
        let held = error.downcast_ref::<std::io::Error>();
        match held.and_then(|error| error.get_ref()) {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests;
