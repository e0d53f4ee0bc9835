//! A request and an answer inside the emulator.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::fault::Fault;
use crate::value::write_string;

pub(crate) const JSON: &str = "application/json; odata.metadata=minimal";
pub(crate) const ENTITY_ID: HeaderName = HeaderName::from_static("odata-entityid");
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A request: one of its own, or a part of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The bearer token; empty if there is none.
    pub(crate) fn token(&self) -> &str {
        let authorization = self.header(AUTHORIZATION.as_str()).unwrap_or_default();
        authorization.strip_prefix("Bearer ").unwrap_or_default()
    }

    /// Preferences, however they are joined: commas, semicolons, or several headers.
    pub(crate) fn preferences(&self) -> Preferences {
        let mut preferences = Preferences::default();
        for value in self.headers.get_all("prefer") {
            preferences.read(value.to_str().unwrap_or_default());
        }
        preferences
    }
}

/// What `Prefer` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    pub(crate) representation: bool,
    pub(crate) page_size: Option<usize>,
    /// Terms of `odata.include-annotations`.
    pub(crate) annotations: Option<String>,
    pub(crate) continue_on_error: bool,
    pub(crate) track_changes: bool,
    pub(crate) respond_async: bool,
    /// A request to an address when the operation has ended.
    pub(crate) callback: bool,
}

impl Preferences {
    fn read(&mut self, header: &str) {
        let mut in_text = false;
        let is_separator = move |char: char| {
            if char == '"' {
                in_text = !in_text;
            }
            !in_text && matches!(char, ',' | ';')
        };
        for preference in header.split(is_separator) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match name.trim() {
                "return" => self.representation = value == "representation",
                "odata.maxpagesize" => self.page_size = value.parse().ok().filter(|rows| *rows > 0),
                "odata.include-annotations" => self.annotations = Some(value.to_owned()),
                "odata.continue-on-error" => self.continue_on_error = true,
                "respond-async" => self.respond_async = true,
                "callback" | "odata.callback" => self.callback = true,
                "odata.track-changes" => self.track_changes = true,
                _ => {}
            }
        }
    }

    /// Whether annotations of this term were asked for.
    pub(crate) fn wants(&self, term: &str) -> bool {
        let Some(terms) = &self.annotations else {
            return false;
        };
        terms.split(',').any(|wanted| {
            let wanted = wanted.trim();
            match wanted.strip_suffix('*') {
                Some(prefix) => term.starts_with(prefix),
                None => wanted == term,
            }
        })
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
        Answer {
            status,
            headers,
            body: Bytes::new(),
        }
    }

    pub(crate) fn no_content() -> Self {
        Answer::new(StatusCode::NO_CONTENT)
    }

    pub(crate) fn json(status: StatusCode, body: String) -> Self {
        Answer::new(status).with_body(JSON, body)
    }

    pub(crate) fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.with(CONTENT_TYPE, content_type)
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        // What cannot stand in a header is not sent.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn applied(self, preferences: &[String]) -> Self {
        if preferences.is_empty() {
            return self;
        }
        self.with(PREFERENCE_APPLIED, &preferences.join(","))
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        if fault.is_text {
            return Answer::new(fault.status).with_body("text/plain", fault.message);
        }
        let mut body = String::from("{\"error\":{\"code\":");
        write_string(fault.code, &mut body);
        body.push_str(",\"message\":");
        write_string(&fault.message, &mut body);
        for (term, text) in &fault.annotations {
            body.push(',');
            write_string(&format!("@{term}"), &mut body);
            body.push(':');
            write_string(text, &mut body);
        }
        body.push_str("}}");
        Answer::json(fault.status, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferences(headers: &[&'static str]) -> Preferences {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append("prefer", HeaderValue::from_static(header));
        }
        let asked = Asked {
            method: Method::GET,
            target: String::new(),
            headers: map,
            body: Bytes::new(),
        };
        asked.preferences()
    }

    #[test]
    fn preferences_are_read_however_they_are_joined() {
        let expected = Preferences {
            page_size: Some(2),
            annotations: Some("a.b,c.*".to_owned()),
            ..Preferences::default()
        };
        for headers in [
            &["odata.maxpagesize=2,odata.include-annotations=\"a.b,c.*\""][..],
            &["odata.include-annotations=\"a.b,c.*\"; odata.maxpagesize=2"],
            &[
                "odata.maxpagesize=2",
                "odata.include-annotations=\"a.b,c.*\"",
            ],
        ] {
            let read = preferences(headers);
            assert_eq!(read, expected);
            assert!(read.wants("a.b") && read.wants("c.d") && !read.wants("a.c"));
        }
        assert!(preferences(&["odata.include-annotations=*"]).wants("x"));
        assert!(preferences(&["return=representation"]).representation);
    }
}
