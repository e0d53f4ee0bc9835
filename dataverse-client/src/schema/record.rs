//! Rust types that a row can be read into.

use std::marker::PhantomData;

use super::cell::Columns;
use super::decode::{ExpandedError, ExpandedReading};
use super::{Cell, Column, Entity, Many, Navigation, One, Table};
use crate::value::{AnyLookup, Id, Lookup, Value};

/// A type that rows of a table are read into: a generated struct, or a struct with
/// `#[derive(Record)]` that names the columns a program needs.
pub trait Record: Sized + Send + 'static {
    /// The table.
    type Entity: Entity;

    /// What is filled while a row is read.
    type Parts: Parts + Default;

    /// Ordinals of the columns to read, one for each part; they are the `$select`. None for all
    /// columns of the table, each at its ordinal.
    const FIELDS: Option<&'static [u16]>;

    /// Related rows that are read with each row, in the order of their parts, which come after
    /// those of the columns.
    const EXPANDS: &'static [Expand] = &[];

    /// Ordinals of the columns whose formatted values are read, in the order of their parts.
    const LABELS: &'static [u16] = &[];

    /// Makes the record of its parts.
    ///
    /// Errors: a column is null whose field is not an `Option`.
    fn from_parts(parts: Self::Parts) -> Result<Self, NullColumn>;
}

/// The fields of a record while it is read.
pub trait Parts {
    /// The part at `index`; None beyond the last.
    fn part_mut(&mut self, index: u16) -> Option<&mut dyn Cell>;

    /// The related rows at `index` of [`Record::EXPANDS`].
    fn expanded_mut(&mut self, index: usize) -> Option<&mut dyn Expanded> {
        let _ = index;
        None
    }

    /// Takes the formatted value at `index` of [`Record::LABELS`].
    fn set_label(&mut self, index: usize, label: &str) {
        let _ = (index, label);
    }
}

/// Related rows to read, and what of them.
#[derive(Debug)]
pub struct Expand {
    pub(crate) navigation: &'static str,
    pub(crate) table: &'static Table,
    pub(crate) fields: Option<&'static [u16]>,
    pub(crate) expands: &'static [Expand],
    pub(crate) labels: &'static [u16],
}

/// Related rows while they are read.
pub trait Expanded {
    /// Reads the rows from the JSON of the answer.
    fn read<'a>(
        &mut self,
        text: &'a str,
        reading: &mut ExpandedReading<'a>,
    ) -> Result<(), ExpandedError>;
}

/// The type of a record's field over a navigation property to `T`: `Vec` of a record of
/// [`Many`](super::Many) rows, `Option` of a record of [`One`](super::One).
#[diagnostic::on_unimplemented(
    message = "a navigation property to `{T}` cannot be read into a field of type `{Self}`",
    label = "the navigation property leads to `{T}`",
    note = "`Many<E>` is read into a `Vec`, `One<E>` into an `Option`, of a record of the table `E`"
)]
pub trait ExpandInto<T> {
    /// The record of the related rows.
    type Record: Record;
}

impl<R: Record> ExpandInto<Many<R::Entity>> for Vec<R> {
    type Record = R;
}

impl<R: Record> ExpandInto<One<R::Entity>> for Option<R> {
    type Record = R;
}

/// A navigation property to read a field from; as with [`field`], its type comes in a second step.
#[derive(Debug, Clone, Copy)]
pub struct FieldNavigation<T> {
    name: &'static str,
    leads_to: PhantomData<fn() -> T>,
}

/// The navigation property to read a field from.
pub const fn expand<E, T>(navigation: Navigation<E, T>) -> FieldNavigation<T> {
    FieldNavigation {
        name: navigation.name(),
        leads_to: PhantomData,
    }
}

impl<T> FieldNavigation<T> {
    /// What to read, which fits a field of type `F`.
    pub const fn read_into<F: ExpandInto<T>>(self) -> Expand {
        Expand {
            navigation: self.name,
            table: <F::Record as Record>::Entity::TABLE,
            fields: F::Record::FIELDS,
            expands: F::Record::EXPANDS,
            labels: F::Record::LABELS,
        }
    }
}

impl<T: Columns> Parts for T {
    fn part_mut(&mut self, index: u16) -> Option<&mut dyn Cell> {
        self.cell_mut(index)
    }
}

/// A column is null whose field is not an `Option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NullColumn {
    /// Place of the field in the record's fields.
    pub field: u16,
}

/// A value type that a column of `C` can be read as.
#[diagnostic::on_unimplemented(
    message = "a column that holds `{C}` cannot be read into a field of type `{Self}`",
    label = "the column holds `{C}`",
    note = "use the column's own type, or an `Option` of it where the column may be null"
)]
pub trait ReadAs<C>: Value {}

impl<T: Value> ReadAs<T> for T {}
impl<E: 'static> ReadAs<Id<E>> for uuid::Uuid {}
impl<E: 'static> ReadAs<Lookup<E>> for uuid::Uuid {}
impl<E: 'static> ReadAs<Lookup<E>> for Id<E> {}
impl<L: 'static> ReadAs<AnyLookup<L>> for uuid::Uuid {}

/// The type of a record's field over a column of `C`: a value, or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "a column that holds `{C}` cannot be read into a field of type `{Self}`",
    label = "the column holds `{C}`",
    note = "use the column's own type, or an `Option` of it where the column may be null"
)]
pub trait Field<C> {}

impl<C, T: ReadAs<C>> Field<C> for T {}
impl<C, T: ReadAs<C>> Field<C> for Option<T> {}

/// A column that a field is to be read from: what a derive checks its input with.
#[derive(Debug, Clone, Copy)]
pub struct FieldColumn<C> {
    ordinal: u16,
    holds: PhantomData<fn() -> C>,
}

/// The column to read a field from. The field's type comes in a second step, so that rustc knows
/// what the column holds when it complains.
pub const fn field<E, C, A>(column: Column<E, C, A>) -> FieldColumn<C> {
    FieldColumn {
        ordinal: column.ordinal(),
        holds: PhantomData,
    }
}

impl<C> FieldColumn<C> {
    /// The ordinal of the column, which fits a field of type `F`.
    pub const fn read_as<F: Field<C>>(self) -> u16 {
        self.ordinal
    }
}
