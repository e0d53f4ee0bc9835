//! What a create or an update writes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use super::cell::{Cell, Columns, cells};
use super::members::{BodyMembers, Written};
use super::{
    Accepts, Access, AnyTable, BindTarget, Column, ColumnInfo, Entity, LookupColumn, Many,
    Navigation, OnCreate, OnUpdate, One, WritableIn,
};
use crate::error::{Error, Result};
use crate::value::{AnyLookup, AnyValue, TargetList, Value};

/// The columns of a new row.
pub type New<E> = Body<E, OnCreate>;

/// The columns that an update changes. Others keep their values.
pub type Changes<E> = Body<E, OnUpdate>;

/// Columns of a row of `E` and what to write into them; see [`New`] and [`Changes`].
///
/// A column that is written twice gets the last value. Only what is set is sent: every column in
/// a request counts as changed for audit, flows and plug-ins, even if its value is the same.
pub struct Body<E, M> {
    members: BodyMembers,
    types: PhantomData<fn() -> (E, M)>,
}

impl<E, M> Body<E, M> {
    /// Nothing yet.
    pub fn new() -> Self {
        Body {
            members: BodyMembers::default(),
            types: PhantomData,
        }
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn members(&self) -> &BodyMembers {
        &self.members
    }

    fn column(mut self, name: &str, write: impl FnOnce(&mut String)) -> Self {
        self.members.set(name, write);
        self
    }

    fn put(mut self, name: impl Into<Cow<'static, str>>, value: Written) -> Self {
        self.members.put(name, value);
        self
    }

    /// Writes a column that is only known at run time, by its logical name.
    pub fn set_named(
        self,
        column: impl Into<Cow<'static, str>>,
        value: impl Into<AnyValue>,
    ) -> Self {
        let value: AnyValue = value.into();
        self.column(&column.into(), |out| out.push_str(value.json()))
    }

    /// Clears a column that is only known at run time.
    pub fn clear_named(self, column: impl Into<Cow<'static, str>>) -> Self {
        self.column(&column.into(), |out| out.push_str("null"))
    }

    /// Points a navigation property that is only known at run time, by its exact name, at nothing.
    pub fn unbind_named(self, navigation: impl Into<Cow<'static, str>>) -> Self {
        self.put(navigation, Written::Unbind)
    }

    /// Points a navigation property that is only known at run time, by its exact name, at a row.
    pub fn bind_named(
        self,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Self {
        self.put(navigation, Written::Bind(target.reference()))
    }
}

impl<E: Entity, M> Body<E, M> {
    /// Writes a column.
    pub fn set<T: Value, A: WritableIn<M>>(
        self,
        column: Column<E, T, A>,
        value: impl Into<T>,
    ) -> Self {
        let value: T = value.into();
        self.column(column.logical_name(), |out| value.write_json(out))
    }

    /// Writes a column if there is a value, and leaves it out otherwise.
    pub fn set_some<T: Value, A: WritableIn<M>>(
        self,
        column: Column<E, T, A>,
        value: Option<impl Into<T>>,
    ) -> Self {
        match value {
            Some(value) => self.set(column, value),
            None => self,
        }
    }

    /// Writes a column if there is a value, and clears it otherwise.
    pub fn set_or_clear<T: Value, A: WritableIn<M>>(
        self,
        column: Column<E, T, A>,
        value: Option<impl Into<T>>,
    ) -> Self {
        match value {
            Some(value) => self.set(column, value),
            None => self.clear(column),
        }
    }

    /// Writes null into a column. For a lookup see [`unbind`](Body::unbind).
    pub fn clear<T: Value, A: WritableIn<M>>(self, column: Column<E, T, A>) -> Self {
        self.clear_named(column.logical_name())
    }

    /// Points a lookup at a row.
    ///
    /// The compiler picks the navigation property: a lookup of several tables has one for each.
    pub fn bind<L, A, B>(self, column: Column<E, L, A>, target: B) -> Self
    where
        L: Accepts<B::Entity>,
        A: WritableIn<M>,
        B: BindTarget,
    {
        let navigation = L::navigation(column.info());
        self.put(navigation, Written::Bind(target.reference()))
    }

    /// Points a lookup of several tables at the row of an enum of them, or of an [`AnyLookup`] that
    /// was read.
    ///
    /// If its table is not known, sending the body is an error.
    pub fn bind_any<T: TargetList, A: WritableIn<M>>(
        self,
        column: Column<E, AnyLookup<T>, A>,
        target: impl Into<AnyLookup<T>>,
    ) -> Self {
        let target: AnyLookup<T> = target.into();
        let binding = target.binding();
        let found = binding.and_then(|binding| Some((binding.navigation?, binding)));
        match found {
            Some((navigation, binding)) => self.put(navigation, Written::Bind(binding.into())),
            None => {
                let mistake = unknown_table::<E>(column.info()).to_string();
                self.put(column.logical_name(), Written::Mistake(mistake))
            }
        }
    }

    /// Points a lookup at nothing, wherever it points now: the tables of a lookup of several share
    /// one column.
    pub fn unbind<L: LookupColumn, A: WritableIn<M>>(self, column: Column<E, L, A>) -> Self {
        let navigation = L::clears_through(column.info());
        self.put(navigation, Written::Unbind)
    }
}

impl<E: Entity> New<E> {
    /// Creates a row with this one, and points a lookup at it. All are created, or none.
    pub fn insert<F: Entity>(self, navigation: Navigation<E, One<F>>, row: New<F>) -> Self {
        self.put(navigation.name(), Written::Insert(row.members))
    }

    /// Creates rows with this one that belong to it. All are created, or none.
    pub fn insert_many<F: Entity>(
        self,
        navigation: Navigation<E, Many<F>>,
        rows: impl IntoIterator<Item = New<F>>,
    ) -> Self {
        let rows = rows.into_iter().map(|row| row.members).collect();
        self.put(navigation.name(), Written::InsertMany(rows))
    }

    /// Makes rows that exist belong to this one.
    pub fn bind_many<F: Entity, B: BindTarget<Entity = F>>(
        self,
        navigation: Navigation<E, Many<F>>,
        rows: impl IntoIterator<Item = B>,
    ) -> Self {
        let rows = rows.into_iter().map(BindTarget::reference).collect();
        self.put(navigation.name(), Written::BindMany(rows))
    }
}

impl New<AnyTable> {
    /// Creates a row with this one, at a navigation property that is only known at run time.
    pub fn insert_named(
        self,
        navigation: impl Into<Cow<'static, str>>,
        row: New<AnyTable>,
    ) -> Self {
        self.put(navigation, Written::Insert(row.members))
    }

    /// Creates rows with this one, at a navigation property that is only known at run time.
    pub fn insert_many_named(
        self,
        navigation: impl Into<Cow<'static, str>>,
        rows: impl IntoIterator<Item = New<AnyTable>>,
    ) -> Self {
        let rows = rows.into_iter().map(|row| row.members).collect();
        self.put(navigation, Written::InsertMany(rows))
    }

    /// Makes rows that exist belong to this one, at a navigation property that is only known at run
    /// time.
    pub fn bind_many_named(
        self,
        navigation: impl Into<Cow<'static, str>>,
        rows: impl IntoIterator<Item = impl BindTarget>,
    ) -> Self {
        let rows = rows.into_iter().map(BindTarget::reference).collect();
        self.put(navigation, Written::BindMany(rows))
    }
}

impl<E: Entity + Columns> Changes<E> {
    /// What turns the row `old` into `new`: the columns that differ, and nothing else. A column
    /// that is null in `new` is cleared; columns that an update cannot write are passed over.
    ///
    /// Give it two rows that were read with the same columns: a column that was not read looks
    /// like null.
    ///
    /// Errors: a lookup of several tables now points at a row whose table is not known; ask for
    /// annotations when reading it, or use [`bind`](Body::bind).
    pub fn diff(old: &E, new: &E) -> Result<Self> {
        let mut changes = Changes::new();
        let cells = cells(old).zip(cells(new));
        for (column, (old, new)) in E::TABLE.columns().iter().zip(cells) {
            let is_writable = matches!(column.access(), Access::Always | Access::InUpdate);
            if !is_writable || old.equals(new) {
                continue;
            }
            changes = if column.is_lookup() {
                changes.lookup_diff(column, old, new)?
            } else {
                changes.column(column.logical_name(), |out| new.write_json(out))
            };
        }
        Ok(changes)
    }

    fn lookup_diff(self, column: &ColumnInfo, old: &dyn Cell, new: &dyn Cell) -> Result<Self> {
        let own = column.navigation();
        if new.is_null() {
            let known = old.binding().and_then(|binding| binding.navigation);
            let navigation = own.or(known).or(new.any_navigation());
            return match navigation {
                Some(navigation) => Ok(self.put(navigation, Written::Unbind)),
                None => Err(unknown_table::<E>(column)),
            };
        }
        let binding = new.binding().ok_or_else(|| unknown_table::<E>(column))?;
        match own.or(binding.navigation) {
            Some(navigation) => Ok(self.put(navigation, Written::Bind(binding.into()))),
            None => Err(unknown_table::<E>(column)),
        }
    }
}

fn unknown_table<E: Entity>(column: &ColumnInfo) -> Error {
    Error::input(format!(
        "changes of `{}`: it is not known which table the lookup `{}` points at; read it with \
         annotations, or bind it by itself",
        E::TABLE.logical_name(),
        column.logical_name()
    ))
}

impl<E, M> Default for Body<E, M> {
    fn default() -> Self {
        Body::new()
    }
}

impl<E, M> Clone for Body<E, M> {
    fn clone(&self) -> Self {
        Body {
            members: self.members.clone(),
            types: PhantomData,
        }
    }
}

impl<E, M> PartialEq for Body<E, M> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl<E, M> fmt::Debug for Body<E, M> {
    /// Names the columns, not their values: those are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.names()).finish()
    }
}

impl<E> From<Changes<E>> for New<E> {
    /// Whatever an update may write, but for columns that only an update may write, a create may
    /// write too; those the service refuses.
    fn from(changes: Changes<E>) -> Self {
        Body {
            members: changes.members,
            types: PhantomData,
        }
    }
}

impl<E> From<&Changes<E>> for Changes<E> {
    fn from(changes: &Changes<E>) -> Self {
        changes.clone()
    }
}
