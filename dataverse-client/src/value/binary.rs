//! Bytes, and JSON that has no Rust type.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::json::{Reader, write_string};
use super::{JsonError, Scalar, Value, ValueError};

/// The content of a binary column: an image's thumbnail, or the id of a file.
///
/// CSDL calls both `Edm.Binary`; an image comes as base64, a file column as the GUID of the file.
/// The text is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary(Box<str>);

impl Binary {
    /// Bytes to store.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Binary(STANDARD.encode(bytes).into())
    }

    /// The text on the wire: base64, or a GUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes, if the text is base64.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.as_bytes()).ok()
    }
}

impl Value for Binary {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        match scalar {
            Scalar::Text(text) => Ok(Binary(text.into())),
            other => Err(ValueError::new("base64 or a file id", &other)),
        }
    }

    fn write_json(&self, out: &mut String) {
        write_string(&self.0, out);
    }

    fn write_literal(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

/// A JSON value as text: complex types, collections, whatever has no Rust type of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Json {
    /// Checks that `text` is one JSON value.
    ///
    /// Errors: the byte where it is not.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, JsonError> {
        let text = text.into();
        let mut reader = Reader::new(&text);
        reader.skip()?;
        reader.end()?;
        Ok(Json(text))
    }

    /// What a value wrote, which is JSON unless its type is careless.
    pub(crate) fn written(text: String) -> Self {
        Json(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Json {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        Ok(Json(match scalar {
            Scalar::Null => "null".into(),
            Scalar::Bool(value) => if value { "true" } else { "false" }.into(),
            Scalar::Number(text) | Scalar::Nested(text) => text.into(),
            Scalar::Text(text) => {
                let mut out = String::with_capacity(text.len() + 2);
                write_string(&text, &mut out);
                out.into()
            }
        }))
    }

    fn write_json(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn write_literal(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}
