//! Columns of a struct by number: what lets one reader and one writer serve every table.

use std::any::Any;
use std::fmt::Debug;

use crate::value::{Annotation, Binding, Scalar, Value, ValueError, ValueKind};

/// One column of one row, whatever its type. Implemented for `Option<T>` of every [`Value`].
pub trait Cell: Any {
    /// Takes a value of an answer.
    fn read(&mut self, scalar: Scalar<'_>) -> Result<(), ValueError>;

    /// Takes what the service says about the value.
    fn annotate(&mut self, annotation: Annotation, text: &str);

    /// Whether there is no value.
    fn is_null(&self) -> bool;

    /// Appends the value as JSON.
    fn write_json(&self, out: &mut String);

    /// What the column holds.
    fn kind(&self) -> ValueKind;

    /// The value, for printing.
    fn as_debug(&self) -> &dyn Debug;

    /// The value, to look at.
    fn as_any(&self) -> &dyn Any;

    /// Becomes equal to `other`, if it has the same type.
    fn assign(&mut self, other: &dyn Cell);

    /// Whether `other` holds the same.
    fn equals(&self, other: &dyn Cell) -> bool;

    /// What the service said about the value, as far as it is kept.
    fn annotation(&self, annotation: Annotation) -> Option<&str>;

    /// The row a lookup points at, if it is known which table has it.
    fn binding(&self) -> Option<Binding>;

    /// For a lookup of several tables, a navigation property to clear it through.
    fn any_navigation(&self) -> Option<&'static str>;
}

impl<T: Value> Cell for Option<T> {
    fn read(&mut self, scalar: Scalar<'_>) -> Result<(), ValueError> {
        *self = match scalar {
            Scalar::Null => None,
            other => Some(T::from_scalar(other)?),
        };
        Ok(())
    }

    fn annotate(&mut self, annotation: Annotation, text: &str) {
        if let Some(value) = self {
            value.annotate(annotation, text);
        }
    }

    fn is_null(&self) -> bool {
        self.is_none()
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Some(value) => value.write_json(out),
            None => out.push_str("null"),
        }
    }

    fn kind(&self) -> ValueKind {
        T::kind()
    }

    fn as_debug(&self) -> &dyn Debug {
        match self {
            Some(value) => value,
            None => self,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn assign(&mut self, other: &dyn Cell) {
        if let Some(other) = other.as_any().downcast_ref::<Self>() {
            self.clone_from(other);
        }
    }

    fn equals(&self, other: &dyn Cell) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }

    fn annotation(&self, annotation: Annotation) -> Option<&str> {
        self.as_ref()?.annotation(annotation)
    }

    fn binding(&self) -> Option<Binding> {
        self.as_ref()?.binding()
    }

    fn any_navigation(&self) -> Option<&'static str> {
        T::any_navigation()
    }
}

/// A struct whose fields can be reached by number.
pub trait Columns: Default + 'static {
    /// The field at `ordinal`; None beyond the last.
    fn cell(&self, ordinal: u16) -> Option<&dyn Cell>;

    /// The field at `ordinal`, to fill; None beyond the last.
    fn cell_mut(&mut self, ordinal: u16) -> Option<&mut dyn Cell>;
}

/// All fields of `columns`, by number.
pub(crate) fn cells(columns: &impl Columns) -> impl Iterator<Item = &dyn Cell> {
    (0..=u16::MAX).map_while(|ordinal| columns.cell(ordinal))
}

/// What each field of a `T` holds.
#[cfg(feature = "parquet")]
pub(crate) fn column_kinds<T: Columns>() -> Vec<ValueKind> {
    cells(&T::default()).map(Cell::kind).collect()
}

/// A copy of `columns`.
pub(crate) fn clone_columns<T: Columns>(columns: &T) -> T {
    let mut copy = T::default();
    for (ordinal, cell) in (0u16..).zip(cells(columns)) {
        if let Some(target) = copy.cell_mut(ordinal) {
            target.assign(cell);
        }
    }
    copy
}

/// Whether every field is equal.
pub(crate) fn columns_equal<T: Columns>(left: &T, right: &T) -> bool {
    cells(left)
        .zip(cells(right))
        .all(|(left, right)| left.equals(right))
}

/// Prints the fields that hold a value.
pub(crate) fn debug_columns<T: Columns>(
    name: &str,
    columns: &T,
    field_name: impl Fn(u16) -> &'static str,
    f: &mut std::fmt::Formatter<'_>,
) -> std::fmt::Result {
    let mut printed = f.debug_struct(name);
    for (ordinal, cell) in (0u16..).zip(cells(columns)) {
        if !cell.is_null() {
            printed.field(field_name(ordinal), cell.as_debug());
        }
    }
    printed.finish_non_exhaustive()
}
