//! A request and a response without a network.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use uuid::Uuid;

use crate::error::{Error, Result, ServiceError};
use crate::odata::headers;

/// A request, not yet bound to an org.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// What it is about.
    pub target: Target,
    /// Headers of this operation. The client adds those that every request has.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Relative to the service root, percent-encoded: `accounts?$select=name`.
    Path(String),
    /// A link that the service gave, to be used byte for byte.
    Link(String),
}

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Request {
            method,
            target: Target::Path(path.into()),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A read of `path` below the service root, percent-encoded: for operations of your own.
    pub fn get(path: impl Into<String>) -> Self {
        Request::new(Method::GET, path)
    }

    /// Asks for this content type instead of JSON.
    #[must_use]
    pub fn accept(self, content_type: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(content_type))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn json(mut self, body: String) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(headers::JSON));
        self.body = body.into();
        self
    }

    /// Verb and path for people: no query, no alternate key's values.
    pub(crate) fn summary(&self) -> String {
        let (Target::Path(text) | Target::Link(text)) = &self.target;
        let path = text.split('?').next().unwrap_or_default();
        let mut summary = format!("{} ", self.method);
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('(') {
            let (inside, behind) = after.split_once(')').unwrap_or((after, ""));
            summary.push_str(before);
            summary.push('(');
            if inside.is_empty() || Uuid::try_parse(inside).is_ok() {
                summary.push_str(inside);
            } else {
                summary.push('…');
            }
            summary.push(')');
            rest = behind;
        }
        summary.push_str(rest);
        summary
    }
}

/// An answer, not yet read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// An answer of these parts.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Response {
            status,
            headers,
            body,
        }
    }

    /// The answer if it is a success, its error otherwise.
    pub fn success(&self) -> Result<&Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let error = Error::service(
            self.status,
            ServiceError::read(&self.body),
            headers::retry_after(&self.headers),
            headers::request_id(&self.headers),
        );
        Err(match self.status.is_redirection() {
            true => error.with_note(Some(
                "redirects are not followed: check the address of the org",
            )),
            false => error,
        })
    }

    /// A header's text.
    pub(crate) fn text_of(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_shows_no_data() {
        let summary = |path: &str| Request::new(Method::GET, path).summary();
        assert_eq!(
            summary("accounts(00000000-0000-0000-0000-000000000001)?$select=name"),
            "GET accounts(00000000-0000-0000-0000-000000000001)"
        );
        assert_eq!(
            summary("accounts(accountnumber='AC-1')/name?x"),
            "GET accounts(…)/name"
        );
        assert_eq!(summary("WhoAmI()"), "GET WhoAmI()");
        assert_eq!(summary("accounts(a='x"), "GET accounts(…)");
    }
}
