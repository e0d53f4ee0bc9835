//! What a write does with one column.

use super::{Accepts, BindTarget, Body, Column, Entity, LookupColumn, WritableIn};
use crate::value::{AnyLookup, TargetList, Value};

/// What a write does with one column: nothing, clear it, or set it. For structs with
/// `#[derive(Write)]`: an `Option` could not say all three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Edit<T> {
    /// The column is not sent.
    #[default]
    Keep,
    /// Null is sent.
    Clear,
    /// The value is sent.
    Set(T),
}

impl<T> Edit<T> {
    /// Sets a value, or leaves the column alone.
    pub fn or_keep(value: Option<T>) -> Self {
        value.map_or(Edit::Keep, Edit::Set)
    }

    /// Sets a value, or clears the column.
    pub fn or_clear(value: Option<T>) -> Self {
        value.map_or(Edit::Clear, Edit::Set)
    }
}

impl<T> From<T> for Edit<T> {
    fn from(value: T) -> Self {
        Edit::Set(value)
    }
}

/// What a lookup of the type `L` can be set to: an id, a key or a lookup of one of its tables, or
/// for a lookup of several tables the [`AnyLookup`] of an enum of them.
#[diagnostic::on_unimplemented(
    message = "a `{L}` column cannot be pointed at a `{Self}`",
    note = "give an `Id` of one of its tables, or an `AnyLookup` made from an enum of them"
)]
pub trait EditLookup<L>: Sized {
    /// Points `column` at the row.
    fn bind<E: Entity, M, A: WritableIn<M>>(
        self,
        body: Body<E, M>,
        column: Column<E, L, A>,
    ) -> Body<E, M>;

    /// Points `column` at nothing.
    fn unbind<E: Entity, M, A: WritableIn<M>>(
        body: Body<E, M>,
        column: Column<E, L, A>,
    ) -> Body<E, M>;
}

impl<L: Accepts<B::Entity> + LookupColumn, B: BindTarget> EditLookup<L> for B {
    fn bind<E: Entity, M, A: WritableIn<M>>(
        self,
        body: Body<E, M>,
        column: Column<E, L, A>,
    ) -> Body<E, M> {
        body.bind(column, self)
    }

    fn unbind<E: Entity, M, A: WritableIn<M>>(
        body: Body<E, M>,
        column: Column<E, L, A>,
    ) -> Body<E, M> {
        body.unbind(column)
    }
}

impl<T: TargetList> EditLookup<AnyLookup<T>> for AnyLookup<T> {
    fn bind<E: Entity, M, A: WritableIn<M>>(
        self,
        body: Body<E, M>,
        column: Column<E, AnyLookup<T>, A>,
    ) -> Body<E, M> {
        body.bind_any(column, self)
    }

    fn unbind<E: Entity, M, A: WritableIn<M>>(
        body: Body<E, M>,
        column: Column<E, AnyLookup<T>, A>,
    ) -> Body<E, M> {
        body.unbind(column)
    }
}

impl<E: Entity, M> Body<E, M> {
    /// Does with a column what `edit` says.
    pub fn edit<T: Value, A: WritableIn<M>>(
        self,
        column: Column<E, T, A>,
        edit: Edit<impl Into<T>>,
    ) -> Self {
        match edit {
            Edit::Keep => self,
            Edit::Clear => self.clear(column),
            Edit::Set(value) => self.set(column, value),
        }
    }

    /// Does with a lookup what `edit` says.
    pub fn edit_lookup<L, A: WritableIn<M>, B: EditLookup<L>>(
        self,
        column: Column<E, L, A>,
        edit: Edit<B>,
    ) -> Self {
        match edit {
            Edit::Keep => self,
            Edit::Clear => B::unbind(self, column),
            Edit::Set(target) => target.bind(self, column),
        }
    }
}
