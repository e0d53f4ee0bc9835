//! Values of columns that are only known at run time.

use std::fmt;

use super::Value;
use crate::value::scalar::write_text_literal;

/// A value for a column that is only known at run time: made from anything that a column can hold,
/// and from text.
#[derive(Clone, PartialEq)]
pub struct AnyValue {
    json: String,
    literal: String,
}

impl AnyValue {
    pub(crate) fn into_json(self) -> String {
        self.json
    }

    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

impl<V: Value> From<V> for AnyValue {
    fn from(value: V) -> Self {
        let (mut json, mut literal) = (String::new(), String::new());
        value.write_json(&mut json);
        value.write_literal(&mut literal);
        AnyValue { json, literal }
    }
}

impl From<&str> for AnyValue {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for AnyValue {
    /// Says that there is one: it is a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyValue(…)")
    }
}

/// A type that can stand in `$filter` and in keys: a [`Value`], or [`AnyValue`].
pub trait Literal {
    /// Appends the value, not percent-encoded.
    fn append_literal(&self, out: &mut String);
}

impl<V: Value> Literal for V {
    fn append_literal(&self, out: &mut String) {
        self.write_literal(out);
    }
}

impl Literal for AnyValue {
    fn append_literal(&self, out: &mut String) {
        out.push_str(&self.literal);
    }
}

/// A literal as the text that query functions take: `'O''Bryan'` is `O'Bryan`, `5` is `5`.
pub(crate) fn plain_text(literal: &str) -> String {
    match literal
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        Some(text) => text.replace("''", "'"),
        None => literal.to_owned(),
    }
}

/// The same as a literal of text: `5` is `'5'`.
pub(crate) fn text_literal(literal: &str) -> String {
    let mut out = String::new();
    write_text_literal(&plain_text(literal), &mut out);
    out
}

/// Text that can be compared by its parts.
pub trait Textual: Literal {}
impl Textual for String {}
impl Textual for AnyValue {}

/// Dates, and dates with times.
pub trait Temporal: Literal {}
impl Temporal for chrono::DateTime<chrono::Utc> {}
impl Temporal for chrono::NaiveDateTime {}
impl Temporal for chrono::NaiveDate {}
impl Temporal for super::UserLocalDate {}
impl Temporal for AnyValue {}
