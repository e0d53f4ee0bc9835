//! A request and a response without a network.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use uuid::Uuid;

use crate::error::{Error, Result, ServiceError};
use crate::odata::{headers, multipart};

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
        let shown = self.path_with(|key| match key.is_empty() || Uuid::try_parse(key).is_ok() {
            true => key,
            false => "…",
        });
        format!("{} {shown}", self.method)
    }

    /// The path for statistics: alike for all rows of a table.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    pub(crate) fn template(&self) -> String {
        let shown = self.path_with(|key| match key.is_empty() {
            true => key,
            false => "{key}",
        });
        // A link begins with the address of the org.
        match shown.split_once("://") {
            Some((_, rest)) => rest
                .split_once('/')
                .map_or_else(String::new, |(_, path)| format!("/{path}")),
            None => shown,
        }
    }

    /// The path, with what `show` makes of each key.
    fn path_with(&self, show: impl Fn(&str) -> &str) -> String {
        let (Target::Path(text) | Target::Link(text)) = &self.target;
        let path = text.split('?').next().unwrap_or_default();
        let mut shown = String::with_capacity(path.len());
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('(') {
            let (inside, behind) = split_key(after);
            shown.push_str(before);
            shown.push('(');
            shown.push_str(show(inside));
            shown.push(')');
            rest = behind;
        }
        shown.push_str(rest);
        shown
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
        let error = self.error();
        Err(match self.status.is_redirection() {
            true => error.with_note(Some(
                "redirects are not followed: check the address of the org",
            )),
            false => error,
        })
    }

    fn error(&self) -> Error {
        Error::service(
            self.status,
            ServiceError::read(&self.body),
            headers::retry_after(&self.headers),
            headers::request_id(&self.headers),
        )
    }

    /// Why a success is none, if it is not what the service says: the page of a network that wants a
    /// sign-in of its own, or an error under a wrong status. What reads rows finds out by itself; a
    /// write would take the status for its yes.
    pub(crate) fn is_foreign(&self, is_read: bool) -> Option<Error> {
        if !self.status.is_success() {
            return None;
        }
        let content_type = self.text_of(&CONTENT_TYPE).unwrap_or_default();
        let is_page = content_type
            .get(..WEB_PAGE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(WEB_PAGE));
        let is_own = self.headers.contains_key(headers::ODATA_VERSION);
        let foreign = || {
            Error::decode(format!(
                "the answer `{}` is not Dataverse's: something between here and the service answered",
                self.status
            ))
        };
        if is_page && !is_own {
            return Some(foreign());
        }
        if is_read || multipart::boundary(content_type).is_some() {
            return None;
        }
        let body = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        match body.trim_ascii_start() {
            _ if self.status == StatusCode::NO_CONTENT => None,
            [] => None,
            [b'{', members @ ..] => is_error(members).then(|| self.error()),
            _ => Some(foreign()),
        }
    }

    /// A header's text.
    pub(crate) fn text_of(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A key, and what is behind its parenthesis: one within quotes is data.
fn split_key(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' => is_quoted = !is_quoted,
            '%' if text[at..].starts_with("%27") => is_quoted = !is_quoted,
            ')' if !is_quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

const WEB_PAGE: &str = "text/html";

/// Whether the first member of an object is the protocol's error. Others begin with their context.
fn is_error(members: &[u8]) -> bool {
    let mut rest = members;
    [&b"\"error\""[..], b":", b"{"].into_iter().all(|token| {
        let behind = rest.trim_ascii_start().strip_prefix(token);
        rest = behind.unwrap_or_default();
        behind.is_some()
    })
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
        // Parentheses and quotes in the value of a key end nothing.
        for key in [
            "name='Smith%20(private)%20private'",
            "name='a)private(private'",
            "name='O''Brien)%20private''s'",
            "name=%27a)private%27",
            "a='x)private',b='private)('",
            "name='private",
        ] {
            let path = format!("accounts({key})/contact_customer_accounts(1)");
            let shown = summary(&path);
            assert!(shown.starts_with("GET accounts(…)"), "{shown}");
            assert!(!shown.contains("private"), "{shown}");
        }
        assert_eq!(
            summary("accounts(a='x)')/b(c='(')/$ref"),
            "GET accounts(…)/b(…)/$ref"
        );
    }

    #[test]
    fn a_template_is_alike_for_all_rows() {
        let template = |target| {
            let mut request = Request::get("");
            request.target = target;
            request.template()
        };
        let path = |path: &str| template(Target::Path(path.to_owned()));
        assert_eq!(
            path("accounts(00000000-0000-0000-0000-000000000001)/name?$select=x"),
            "accounts({key})/name"
        );
        assert_eq!(path("WhoAmI()"), "WhoAmI()");
        let link = "https://org.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken=x";
        assert_eq!(
            template(Target::Link(link.to_owned())),
            "/api/data/v9.2/accounts"
        );
    }
}
