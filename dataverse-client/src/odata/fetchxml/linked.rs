//! Columns of linked tables in rows.

use crate::error::Result;
use crate::schema::{AnyRow, Column, Entity, FORMATTED_VALUE, LOOKUP_LOGICAL_NAME};
use crate::value::{Annotation, Value};

/// Columns of linked tables, as FetchXML gives them: `alias.column`, or `alias_x002e_column` where
/// the service writes XML names.
impl AnyRow {
    /// A column of the linked table with this alias; None if it is null or was not sent.
    ///
    /// Errors: it does not hold what the column's type says.
    pub fn linked<E: Entity, T: Value, A>(
        &self,
        alias: &str,
        column: Column<E, T, A>,
    ) -> Result<Option<T>> {
        match self.linked_as(alias, column.logical_name())? {
            Some(value) => Ok(Some(value)),
            None => self.linked_as(alias, column.wire_name()),
        }
    }

    /// The same, by the name of a column that is only known at run time.
    ///
    /// Errors: it is not a `T`.
    pub fn linked_as<T: Value>(&self, alias: &str, column: &str) -> Result<Option<T>> {
        for dot in [".", "_x002e_"] {
            let name = format!("{alias}{dot}{column}");
            if let Some(mut value) = self.get::<T>(&name)? {
                for (annotation, term) in [
                    (Annotation::FormattedValue, FORMATTED_VALUE),
                    (Annotation::LookupLogicalName, LOOKUP_LOGICAL_NAME),
                ] {
                    if let Ok(Some(text)) = self.get::<String>(&format!("{name}@{term}")) {
                        value.annotate(annotation, &text);
                    }
                }
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}
