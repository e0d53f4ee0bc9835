//! Typed columns.

use std::fmt;
use std::marker::PhantomData;

use super::{ColumnInfo, Entity};

/// Column of the table `E` that holds a `T`; `A` says who may write it.
///
/// A constant of generated code. It holds an ordinal only; the names stand once, in the table.
pub struct Column<E, T, A = ReadWrite> {
    ordinal: u16,
    types: PhantomData<fn() -> (E, T)>,
    access: PhantomData<fn() -> A>,
}

impl<E, T, A> Column<E, T, A> {
    /// The column with this ordinal in the column list of `E`.
    pub const fn new(ordinal: u16) -> Self {
        Column {
            ordinal,
            types: PhantomData,
            access: PhantomData,
        }
    }

    /// Place in the table's column list.
    pub const fn ordinal(self) -> u16 {
        self.ordinal
    }
}

impl<E: Entity, T, A> Column<E, T, A> {
    /// The names of the column.
    ///
    /// A constant made by hand with an ordinal beyond the table's columns does not compile where
    /// it is a constant, and panics where it is not.
    pub const fn info(self) -> &'static ColumnInfo {
        &E::TABLE.columns()[self.ordinal as usize]
    }

    /// `primarycontactid`.
    pub const fn logical_name(self) -> &'static str {
        self.info().logical_name()
    }

    /// The name in `$select`, `$filter` and answers: `_primarycontactid_value`.
    pub const fn wire_name(self) -> &'static str {
        self.info().wire_name()
    }
}

// By hand: a derive would ask the same of the type parameters.
impl<E, T, A> Clone for Column<E, T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T, A> Copy for Column<E, T, A> {}

impl<E: Entity, T, A> fmt::Debug for Column<E, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", E::TABLE.logical_name(), self.logical_name())
    }
}

/// Columns that may be written always.
#[derive(Debug, Clone, Copy)]
pub enum ReadWrite {}

/// Columns that the service fills.
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {}

/// Columns that only a create may write.
#[derive(Debug, Clone, Copy)]
pub enum CreateOnly {}

/// Columns that only an update may write.
#[derive(Debug, Clone, Copy)]
pub enum UpdateOnly {}

/// A body that creates a row.
#[derive(Debug, Clone, Copy)]
pub enum OnCreate {}

/// A body that changes a row.
#[derive(Debug, Clone, Copy)]
pub enum OnUpdate {}

/// Which bodies a column may stand in.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` column cannot be written in a body for `{M}`",
    label = "the service would refuse or ignore this column here",
    note = "`New` is for creating rows, `Changes` for updating them; a `ReadOnly` column goes into neither"
)]
pub trait WritableIn<M> {}

impl<M> WritableIn<M> for ReadWrite {}
impl WritableIn<OnCreate> for CreateOnly {}
impl WritableIn<OnUpdate> for UpdateOnly {}
