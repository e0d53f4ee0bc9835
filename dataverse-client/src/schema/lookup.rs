//! Pointing a lookup at a row.

use std::borrow::Cow;

use super::key::KeyKind;
use super::{ColumnInfo, Entity, Key, ToKey};
use crate::value::{AnyLookup, Binding, Id, Lookup, LookupTarget, TargetList, Value};

/// Says that a lookup of several tables may point at `E`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lookup that may point at `{E}`",
    note = "the variants of `{Self}` are the tables that this lookup accepts"
)]
pub trait HasTarget<E> {
    /// The navigation property to bind through, in its exact case.
    const NAVIGATION: &'static str;
}

impl<E: Entity> LookupTarget for E {
    const ENTITY_SET: &'static str = E::TABLE.entity_set();
}

/// A column type that may point at rows of `E`.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` column cannot point at `{E}`",
    note = "a lookup accepts only its own target tables; other columns cannot be bound"
)]
pub trait Accepts<E> {
    /// The navigation property to bind through.
    fn navigation(column: &ColumnInfo) -> &'static str;
}

impl<E> Accepts<E> for Lookup<E> {
    fn navigation(column: &ColumnInfo) -> &'static str {
        column.navigation().unwrap_or(column.logical_name())
    }
}

impl<E, L: HasTarget<E>> Accepts<E> for AnyLookup<L> {
    fn navigation(_: &ColumnInfo) -> &'static str {
        L::NAVIGATION
    }
}

/// A lookup, of one table or of several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lookup",
    note = "only a lookup points at a row; `clear` writes null into another column"
)]
pub trait LookupColumn {
    /// A navigation property to clear it through.
    fn clears_through(column: &ColumnInfo) -> &'static str;
}

impl<E> LookupColumn for Lookup<E> {
    fn clears_through(column: &ColumnInfo) -> &'static str {
        <Self as Accepts<E>>::navigation(column)
    }
}

impl<L: TargetList> LookupColumn for AnyLookup<L> {
    fn clears_through(column: &ColumnInfo) -> &'static str {
        <Self as Value>::any_navigation().unwrap_or(column.logical_name())
    }
}

/// A lookup of one table.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lookup",
    label = "a column with a navigation property is a `Lookup`"
)]
#[doc(hidden)]
pub trait OneTarget {}

impl<E> OneTarget for Lookup<E> {}

/// Compiles only for a lookup of one table. For the derive.
#[doc(hidden)]
pub const fn assert_lookup<L: OneTarget>() {}

/// Compiles only for a lookup that may point at `E`. For the derive.
#[doc(hidden)]
pub const fn assert_points_at<L: Accepts<E>, E>() {}

/// A row that a lookup can be pointed at: an [`Id`], a [`Key`], a [`Lookup`] that was read, or the
/// handle of a row that the same change set creates.
pub trait BindTarget {
    /// The table of the row.
    type Entity: 'static;

    /// How the row is named in a body.
    fn reference(self) -> Reference;
}

/// A row, as a body names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference(pub(crate) ReferenceKind);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ReferenceKind {
    /// A row of the set.
    Row {
        entity_set: Cow<'static, str>,
        key: KeyKind,
    },
    /// A row that the same change set creates.
    Content(ContentRef),
}

impl Reference {
    /// The primary key, if that is what the row is known by.
    pub(crate) fn id(&self) -> Option<uuid::Uuid> {
        match &self.0 {
            ReferenceKind::Row { key, .. } => key.id(),
            ReferenceKind::Content(_) => None,
        }
    }
}

/// A member of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ContentRef {
    /// Which change set or batch.
    pub(crate) scope: u64,
    /// The how-manieth member, from 0.
    pub(crate) index: usize,
}

impl Reference {
    fn row<E: Entity>(key: Key<E>) -> Self {
        Reference(ReferenceKind::Row {
            entity_set: Cow::Borrowed(E::TABLE.entity_set()),
            key: key.into_kind(),
        })
    }
}

impl From<Binding> for Reference {
    fn from(binding: Binding) -> Self {
        Reference(ReferenceKind::Row {
            entity_set: Cow::Borrowed(binding.entity_set),
            key: KeyKind::Id(binding.id),
        })
    }
}

impl<E: Entity> BindTarget for Id<E> {
    type Entity = E;

    fn reference(self) -> Reference {
        Reference::row(self.to_key())
    }
}

impl<E: Entity> BindTarget for Key<E> {
    type Entity = E;

    fn reference(self) -> Reference {
        Reference::row(self)
    }
}

impl<E: Entity> BindTarget for &Key<E> {
    type Entity = E;

    fn reference(self) -> Reference {
        Reference::row(self.clone())
    }
}

impl<E: Entity> BindTarget for &Lookup<E> {
    type Entity = E;

    fn reference(self) -> Reference {
        Reference::row(self.to_key())
    }
}
