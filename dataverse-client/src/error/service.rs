//! What the service says when it refuses.

use std::fmt;

use uuid::Uuid;

use crate::value::json::Reader;
use crate::value::{JsonError, Scalar};

/// Text of an answer that is not the protocol's error body is cut here.
const MAX_FOREIGN_TEXT: usize = 300;

/// A URL that the service cannot read; newer answers say by its message that a name is not known.
pub(super) const URL_ERROR: u32 = 0x8006_0888;
/// A name in the URL is not known.
const SEGMENT_NOT_FOUND: u32 = 0x8006_088a;

/// The error body of an answer: read from every shape that the service and what stands before it
/// are known to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    code: Box<str>,
    message: Box<str>,
    /// Annotations of the error, and the older inner error, as they came.
    details: Vec<(Box<str>, Box<str>)>,
    /// In one of the shapes that the service gives its errors.
    is_of_service: bool,
}

impl ServiceError {
    /// Reads the body of an answer with an error status.
    pub(crate) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return ServiceError::foreign("the answer has no body");
        }
        if text.starts_with('{')
            && let Ok(Some(error)) = read_json(text)
        {
            return error;
        }
        if text.starts_with('<') {
            return ServiceError::foreign(
                "the answer is a web page: something between here and the service answered",
            );
        }
        let cut = text
            .char_indices()
            .nth(MAX_FOREIGN_TEXT)
            .map_or(text.len(), |(at, _)| at);
        ServiceError::foreign(&text[..cut])
    }

    fn foreign(message: &str) -> Self {
        ServiceError {
            code: "".into(),
            message: message.into(),
            details: Vec::new(),
            is_of_service: false,
        }
    }

    /// The code as a number; the service writes it in hexadecimal, seldom as a signed decimal.
    pub fn code(&self) -> Option<u32> {
        let code = self.code.trim();
        match code.strip_prefix("0x").or_else(|| code.strip_prefix("0X")) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => code.parse::<i32>().ok().map(i32::cast_unsigned),
        }
        .filter(|code| *code != 0)
    }

    /// Whether the service itself wrote it, as far as its shape tells.
    pub(crate) fn is_of_service(&self) -> bool {
        self.is_of_service
    }

    /// The code as it came; possibly empty.
    pub fn code_text(&self) -> &str {
        &self.code
    }

    /// The message, in the language of the service.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A page of Microsoft's about the error, if details were asked for; see
    /// [`CallOptions::error_details`](crate::CallOptions::error_details).
    pub fn help_link(&self) -> Option<&str> {
        self.detail("@Microsoft.PowerApps.CDS.HelpLink")
    }

    /// What plug-ins traced, if details were asked for. It may hold data of rows.
    pub fn trace_text(&self) -> Option<&str> {
        self.detail("@Microsoft.PowerApps.CDS.TraceText")
    }

    /// The error behind the error, if there is one and details were asked for.
    pub fn inner_message(&self) -> Option<&str> {
        self.detail("@Microsoft.PowerApps.CDS.InnerError.Message")
            .or_else(|| self.detail("innererror"))
    }

    /// Any annotation of the error, by its full name with `@`.
    pub fn detail(&self, name: &str) -> Option<&str> {
        let mut details = self.details.iter();
        let (_, text) = details.find(|(known, _)| **known == *name)?;
        Some(text)
    }

    /// The annotations of the error, with their names.
    pub fn details(&self) -> impl Iterator<Item = (&str, &str)> {
        self.details.iter().map(|(name, text)| (&**name, &**text))
    }

    /// The rows of a bulk message that failed.
    pub(crate) fn bulk_failures(&self) -> Vec<BulkFailure> {
        const NAME: &str = "@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails";
        let mut failures = Vec::new();
        let Some(text) = self.detail(NAME) else {
            return failures;
        };
        // What cannot be read is not a failure of a row.
        let _ = Reader::new(text).array(|reader| -> Result<(), JsonError> {
            let (mut index, mut id, mut status) = (None, None, None);
            reader.object(|reader, key| -> Result<(), JsonError> {
                match (key, reader.scalar()?) {
                    ("RequestIndex", Scalar::Number(digits)) => index = digits.parse().ok(),
                    ("Id", Scalar::Text(text)) => id = Uuid::try_parse(&text).ok(),
                    ("StatusCode", Scalar::Number(digits)) => status = digits.parse().ok(),
                    _ => {}
                }
                Ok(())
            })?;
            if let Some(index) = index {
                failures.push(BulkFailure { index, id, status });
            }
            Ok(())
        });
        failures
    }

    /// Whether the URL names something that does not exist, rather than a row that does not.
    pub(crate) fn is_about_the_url(&self) -> bool {
        matches!(self.code(), Some(URL_ERROR | SEGMENT_NOT_FOUND)) || self.names_the_unknown()
    }

    /// Whether a name in the URL or in the body is not known. Many errors share one code, and older
    /// answers have none.
    pub(crate) fn names_the_unknown(&self) -> bool {
        self.code() == Some(SEGMENT_NOT_FOUND)
            || [
                "Resource not found for the segment",
                "No HTTP resource was found",
                "Could not find a property named",
                "undeclared property",
                "Invalid property '",
            ]
            .iter()
            .any(|words| self.message.contains(words))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        Ok(())
    }
}

/// A row of a bulk message that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkFailure {
    /// Its place among the rows that were sent, from 0.
    pub index: usize,
    /// Its primary key, if the service says it.
    pub id: Option<Uuid>,
    /// The HTTP status that it alone would have had.
    pub status: Option<u16>,
}

/// `{"error":{"code":…,"message":…}}`, or `{"Message":…}`; None for other JSON.
fn read_json(text: &str) -> Result<Option<ServiceError>, JsonError> {
    let mut reader = Reader::new(text);
    let mut code = String::new();
    let mut message = None;
    let mut details = Vec::new();
    reader.object(|reader, key| -> Result<(), JsonError> {
        match key {
            "error" | "odata.error" if reader.next_is(b'{') => reader.object(|reader, key| {
                match key {
                    "code" => code = plain_text(&reader.scalar()?),
                    // An object with language and text, in older versions of OData.
                    "message" if reader.next_is(b'{') => reader.object(|reader, key| {
                        if key == "value" {
                            message = Some(plain_text(&reader.scalar()?));
                            return Ok(());
                        }
                        reader.skip()
                    })?,
                    "message" => message = Some(plain_text(&reader.scalar()?)),
                    "innererror" if reader.next_is(b'{') => reader.object(|reader, key| {
                        if key == "message" {
                            let text = plain_text(&reader.scalar()?);
                            details.push(("innererror".into(), text.into()));
                            return Ok(());
                        }
                        reader.skip()
                    })?,
                    _ if key.starts_with('@') => {
                        let text = plain_text(&reader.scalar()?);
                        details.push((key.into(), text.into()));
                    }
                    _ => reader.skip()?,
                }
                Ok(())
            }),
            "Message" if message.is_none() => {
                message = Some(plain_text(&reader.scalar()?));
                Ok(())
            }
            "ErrorCode" if code.is_empty() => {
                code = plain_text(&reader.scalar()?);
                Ok(())
            }
            _ => reader.skip(),
        }
    })?;
    Ok(message.map(|message| ServiceError {
        code: code.into(),
        message: message.into(),
        details,
        is_of_service: true,
    }))
}

fn plain_text(scalar: &Scalar<'_>) -> String {
    match scalar {
        Scalar::Text(text) => text.to_string(),
        Scalar::Number(digits) => (*digits).to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<u32>, String) {
        let error = ServiceError::read(body.as_bytes());
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn details_are_kept() {
        let error = ServiceError::read(
            br#"{"error":{"code":"0x80040265","message":"no",
            "@Microsoft.PowerApps.CDS.HelpLink":"http://go.microsoft.com/x",
            "@Microsoft.PowerApps.CDS.TraceText":"[Plugin]",
            "@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails":
            "[{\"RequestIndex\":1,\"Id\":\"11111111-2222-3333-4444-555555555555\",\"StatusCode\":412}]",
            "innererror":{"message":"inner","type":"x","stacktrace":"y"}}}"#,
        );
        assert_eq!(error.help_link(), Some("http://go.microsoft.com/x"));
        assert_eq!(error.trace_text(), Some("[Plugin]"));
        assert_eq!(error.inner_message(), Some("inner"));
        assert_eq!(error.detail("@x"), None);
        assert_eq!(error.details().count(), 4);
        let failure = error.bulk_failures()[0];
        assert_eq!((failure.index, failure.status), (1, Some(412)));
    }

    #[test]
    fn every_known_shape_is_read() {
        assert_eq!(
            read(r#"{"error":{"code":"0x80040217","message":"gone","innererror":{"a":[1]}}}"#),
            (Some(0x8004_0217), "gone".into())
        );
        assert_eq!(
            read("\u{feff}{\"Message\":\"No version\",\"ErrorCode\":-2147220969}"),
            (Some(0x8004_0217), "No version".into())
        );
        assert_eq!(
            read(r#"{"error":{"code":"0x0","message":"Invalid property"}}"#),
            (None, "Invalid property".into())
        );
        assert_eq!(
            read("Content-ID Reference: '$1' does not exist in the batch context."),
            (
                None,
                "Content-ID Reference: '$1' does not exist in the batch context.".into()
            )
        );
        assert_eq!(read(""), (None, "the answer has no body".into()));
        assert!(read("<html><title>Sign in</title>").1.contains("web page"));
        assert_eq!(read("{\"error\":"), (None, "{\"error\":".into()));
    }
}
