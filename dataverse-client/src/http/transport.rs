//! The one seam to the network: a whole request in, a whole response out.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Error;

/// Sends one HTTP request and returns the whole answer.
///
/// The client's own implementation sends through reqwest; the emulator implements it in process. An
/// implementation adds nothing to the request, follows no redirect and repeats nothing: the layers
/// above decide that.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`. Every answer is `Ok`, whatever its status.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for std::sync::Arc<T> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        (**self).send(request).await
    }
}

/// What a transport knows about a request that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reached {
    /// The service cannot have seen it: no connection was made.
    NotSent,
    /// The server did not prove who it is, so nothing was sent, and a repeat would fare no better.
    Untrusted,
    /// The server says that it did not look at it: a connection that it is about to close, or too
    /// many requests on it. HTTP/2 has words for this.
    Refused,
    /// It may have been executed.
    Unknown,
}

/// No answer came back.
#[derive(Debug, thiserror::Error)]
#[error("{}", match .reached {
    Reached::NotSent => "no connection to the service: check the network, and the address \
                         (the region in it, `crm4`)",
    Reached::Untrusted => "nothing was sent, because the server's certificate is not trusted here: check the \
                           address; a proxy that looks into TLS needs its certificate among the \
                           roots of the system",
    Reached::Refused => "the server refused to look at the request",
    Reached::Unknown => "the connection ended before the answer",
})]
pub struct TransportError {
    reached: Reached,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TransportError {
    /// An error with what is known about the request.
    pub fn new(
        reached: Reached,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        TransportError {
            reached,
            source: source.into(),
        }
    }

    pub(crate) fn into_error(self) -> Error {
        Error::transport(self.to_string(), self.source)
    }

    /// Whether the service can have seen the request.
    pub fn reached(&self) -> Reached {
        self.reached
    }
}
