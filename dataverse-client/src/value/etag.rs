//! The version of a row.

use std::fmt;

/// The version of a row, as the service gave it: `W/"1234"`. Opaque; equal or not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// An ETag that was read before, with its `W/` and quotes.
    pub fn new(text: impl Into<String>) -> Self {
        ETag(text.into())
    }

    /// The text for an `If-Match` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
