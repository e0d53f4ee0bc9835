//! The transport over reqwest.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::{Reached, Transport, TransportError};

/// No connection within this time: the service cannot be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// No byte of the answer within this time. The service gives up after two minutes itself.
/// Source: Microsoft Learn, "Service protection API limits"; plug-in time limit.
const READ_TIMEOUT: Duration = Duration::from_secs(150);

/// A connection that was not used for so long is closed, before something between here and the
/// service drops it, and so that a service that has moved is found again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

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
    max_body: usize,
}

impl ReqwestTransport {
    /// A transport with a connection pool of its own.
    ///
    /// Errors: the TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        Ok(ReqwestTransport {
            client: build(settings())?,
            direct: Arc::default(),
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

    /// Reads no answer that is larger, after decompression; 256 MiB unless this says otherwise.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let client = self.client_for(request.uri().host())?;
        let request = reqwest::Request::try_from(request).map_err(not_answered)?;
        let mut answer = client.execute(request).await.map_err(not_answered)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(not_answered)? {
            if body.len() + chunk.len() > self.max_body {
                return Err(TransportError::new(
                    Reached::Unknown,
                    format!(
                        "the answer is larger than {} bytes; ask for smaller pages",
                        self.max_body
                    ),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

fn settings() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
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
    let reached = if error.is_connect() || error.is_builder() {
        Reached::NotSent
    } else {
        Reached::Unknown
    };
    // The URL holds filters and keys: a row's data.
    TransportError::new(reached, error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_go_past_the_proxy_and_no_others() {
        for (host, is_here) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("169.254.169.254", true),
            ("[fe80::1]", true),
            ("169.255.0.1", false),
            ("10.0.0.1", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("org.crm.dynamics.com", false),
        ] {
            assert_eq!(is_this_machine(host), is_here, "{host}");
        }
        let transport = ReqwestTransport::new().unwrap();
        let usual = transport.client_for(Some("org.crm.dynamics.com")).unwrap();
        let direct = transport.client_for(Some("localhost")).unwrap();
        assert!(!std::ptr::eq(usual, direct));
        let again = transport.client_for(Some("127.0.0.1")).unwrap();
        assert!(std::ptr::eq(direct, again));
    }
}
