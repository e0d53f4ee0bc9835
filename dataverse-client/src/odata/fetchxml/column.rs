//! Columns that a document names, and values it compares them with.

use std::borrow::Cow;

use super::On;
use crate::schema::{Column, Entity};
use crate::value::{AnyValue, Literal, Value, plain_text};

/// A column of the table `E`: a constant of generated code, or a logical name.
pub trait FetchColumn<E> {
    /// What conditions compare it with.
    type Value: Literal;

    /// Logical name; behind an alias and a dot for a column of a linked table.
    fn name(&self) -> Cow<'_, str>;
}

impl<E: Entity, T: Value, A> FetchColumn<E> for Column<E, T, A> {
    type Value = T;

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.logical_name())
    }
}

impl<E> FetchColumn<E> for &str {
    type Value = AnyValue;

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

/// For comparisons of columns: `on(Account::NAME).of_link("parent")` is `parent.name`.
impl<E, T: Literal> FetchColumn<E> for On<E, T> {
    type Value = T;

    fn name(&self) -> Cow<'_, str> {
        self.dotted()
    }
}

/// A value as it stands in a document, not escaped.
pub(super) fn text(value: &impl Literal) -> String {
    let mut literal = String::new();
    value.append_literal(&mut literal);
    match literal.as_str() {
        // Yes/no columns are compared with numbers. Text would be in quotes.
        "true" => "1".to_owned(),
        "false" => "0".to_owned(),
        literal => plain_text(literal),
    }
}
