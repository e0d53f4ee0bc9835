//! Header names and values of the protocol.

use std::time::{Duration, SystemTime};

use http::header::{DATE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};

use crate::error::{Error, Result};
use crate::value::ETag;

pub(crate) const JSON: &str = "application/json";
pub(crate) const ODATA_ENTITY_ID: HeaderName = HeaderName::from_static("odata-entityid");
pub(crate) const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
pub(crate) const ODATA_MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const SERVICE_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-service-request-id");
const REQ_ID: HeaderName = HeaderName::from_static("req_id");

/// Preferences of a request: one header, joined by commas.
#[derive(Debug, Default)]
pub(crate) struct Prefer(Vec<String>);

impl Prefer {
    /// `asked` is the table, for the error.
    pub(crate) fn max_page_size(&mut self, asked: &str, rows: u32) -> Result<()> {
        check_rows(asked, "page size", rows)?;
        self.0.push(format!("odata.maxpagesize={rows}"));
        Ok(())
    }

    pub(crate) fn representation(&mut self) {
        self.0.push("return=representation".to_owned());
    }

    pub(crate) fn track_changes(&mut self) {
        self.0.push("odata.track-changes".to_owned());
    }

    pub(crate) fn annotations(&mut self, terms: &[&str]) {
        let terms = terms.join(",");
        self.0
            .push(format!("odata.include-annotations=\"{terms}\""));
    }

    /// Sets the header, if there is a preference.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0.join(","))
            && !value.is_empty()
        {
            headers.insert(PREFER, value);
        }
    }
}

/// Rows per page: the service gives no more.
/// Source: Microsoft Learn, "Page results using OData", 2024.
const MAX_PAGE_SIZE: u32 = 5000;

/// Errors: more rows than the service gives at once, or none.
pub(crate) fn check_rows(asked: &str, what: &str, rows: u32) -> Result<()> {
    if (1..=MAX_PAGE_SIZE).contains(&rows) {
        return Ok(());
    }
    Err(Error::input(format!(
        "query of `{asked}`: a {what} of {rows} is not between 1 and {MAX_PAGE_SIZE}"
    )))
}

/// `prefer` with more terms to include.
pub(crate) fn add_annotations(prefer: &str, terms: &str) -> String {
    const START: &str = "odata.include-annotations=\"";
    if prefer.is_empty() {
        return format!("{START}{terms}\"");
    }
    let Some((before, after)) = prefer.split_once(START) else {
        return format!("{prefer},{START}{terms}\"");
    };
    match after.split_once('"') {
        Some((known, rest)) => format!("{before}{START}{known},{terms}\"{rest}"),
        None => prefer.to_owned(),
    }
}

/// An ETag as a header.
pub(crate) fn etag(etag: &ETag) -> Result<HeaderValue> {
    HeaderValue::from_str(etag.as_str())
        .map_err(|error| Error::input("the ETag cannot stand in a header").with_source(error))
}

/// How long the service asks to wait: seconds, or a date to be counted from the answer's own date,
/// whatever the clock here says. Of several the longest.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let texts = headers.get_all(RETRY_AFTER).iter();
    texts
        .filter_map(|text| wait(text.to_str().ok()?.trim(), headers))
        .max()
}

fn wait(text: &str, headers: &HeaderMap) -> Option<Duration> {
    if let Ok(until) = httpdate::parse_http_date(text) {
        let now = date(headers)?;
        return Some(until.duration_since(now).unwrap_or_default());
    }
    let seconds = text.split(',').filter_map(|text| text.trim().parse().ok());
    seconds
        .filter_map(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
        .max()
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// The service's id of a request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    [SERVICE_REQUEST_ID, REQ_ID]
        .iter()
        .find_map(|name| headers.get(name)?.to_str().ok())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retry_after_value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(retry_after_value));
        headers.insert(
            DATE,
            HeaderValue::from_static("Fri, 20 Nov 2026 10:00:00 GMT"),
        );
        retry_after(&headers)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait("30"), Some(Duration::from_secs(30)));
        assert_eq!(wait("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(
            wait("Fri, 20 Nov 2026 10:01:00 GMT"),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wait("Fri, 20 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        for text in ["soon", "-1", "", "inf", "nan", "1e300", "-1, x"] {
            assert_eq!(wait(text), None, "{text}");
        }
        assert_eq!(wait("1e9"), Some(Duration::from_secs(1_000_000_000)));
        assert_eq!(wait("120, 60"), Some(Duration::from_secs(120)));
        let mut headers = HeaderMap::new();
        for text in ["10", "40", "soon", "20"] {
            headers.append(RETRY_AFTER, HeaderValue::from_static(text));
        }
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(40)));
        // A date is nothing without the date of the answer.
        headers.clear();
        let date = HeaderValue::from_static("Fri, 20 Nov 2026 10:01:00 GMT");
        headers.append(RETRY_AFTER, date);
        assert_eq!(retry_after(&headers), None);
    }
}
