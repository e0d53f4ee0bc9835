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
    pub(crate) fn max_page_size(&mut self, rows: u32) {
        self.0.push(format!("odata.maxpagesize={rows}"));
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

/// An ETag as a header.
pub(crate) fn etag(etag: &ETag) -> Result<HeaderValue> {
    HeaderValue::from_str(etag.as_str())
        .map_err(|error| Error::input("the ETag cannot stand in a header").with_source(error))
}

/// How long the service asks to wait: seconds, or a date to be counted from the answer's own date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = date(headers)?;
    Some(until.duration_since(now).unwrap_or_default())
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
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }
}
