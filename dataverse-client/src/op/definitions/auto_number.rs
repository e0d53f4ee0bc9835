//! Numbers that the service gives.

use crate::op::{Arguments, Message, MessageKind};

/// Sets the next number of an auto-number column.
///
/// Shape: `POST SetAutoNumberSeed`; sent with [`Client::invoke`](crate::Client::invoke).
/// Source: Microsoft Learn, "Create auto-number columns".
#[derive(Debug, Clone)]
pub struct SetAutoNumberSeed {
    table: String,
    column: String,
    value: i64,
}

impl SetAutoNumberSeed {
    /// The next row of `table` gets `value` in `column`.
    pub fn new(table: impl Into<String>, column: impl Into<String>, value: i64) -> Self {
        SetAutoNumberSeed {
            table: table.into(),
            column: column.into(),
            value,
        }
    }
}

impl Message for SetAutoNumberSeed {
    type Output = ();

    const NAME: &'static str = "SetAutoNumberSeed";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        out.value("EntityName", &self.table);
        out.value("AttributeName", &self.column);
        out.value("Value", &self.value);
    }
}
