//! What the service says when it refuses.

use std::fmt;

use crate::value::json::Reader;
use crate::value::{JsonError, Scalar};

/// Text of an answer that is not the protocol's error body is cut here.
const MAX_FOREIGN_TEXT: usize = 300;

/// The error body of an answer: read from every shape that the service and what stands before it
/// are known to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    code: Box<str>,
    message: Box<str>,
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

    /// The code as it came; possibly empty.
    pub fn code_text(&self) -> &str {
        &self.code
    }

    /// The message, in the language of the service.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the URL names something that does not exist, rather than a row that does not.
    pub(crate) fn is_about_the_url(&self) -> bool {
        const URL_ERROR: u32 = 0x8006_0888;
        const SEGMENT_NOT_FOUND: u32 = 0x8006_088a;
        matches!(self.code(), Some(URL_ERROR | SEGMENT_NOT_FOUND))
            || self
                .message
                .starts_with("Resource not found for the segment")
            || self.message.starts_with("No HTTP resource was found")
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

/// `{"error":{"code":…,"message":…}}`, or `{"Message":…}`; None for other JSON.
fn read_json(text: &str) -> Result<Option<ServiceError>, JsonError> {
    let mut reader = Reader::new(text);
    let mut code = String::new();
    let mut message = None;
    reader.object(|reader, key| -> Result<(), JsonError> {
        match key {
            "error" if reader.next_is(b'{') => reader.object(|reader, key| {
                match key {
                    "code" => code = plain_text(&reader.scalar()?),
                    "message" => message = Some(plain_text(&reader.scalar()?)),
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
