//! What identifies a row: its primary key, or an alternate key.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use super::{AnyTable, Column, Entity};
use crate::value::{AnyValue, Id, Literal, Lookup, Value};

/// What identifies a row of `E`.
pub struct Key<E> {
    kind: KeyKind,
    entity: PhantomData<fn() -> E>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum KeyKind {
    Id(uuid::Uuid),
    /// Wire name and OData literal of each part.
    Alternate(Vec<(Cow<'static, str>, String)>),
}

impl KeyKind {
    /// The primary key, if that is what the row is known by.
    pub(crate) fn id(&self) -> Option<uuid::Uuid> {
        match self {
            KeyKind::Id(id) => Some(*id),
            KeyKind::Alternate(_) => None,
        }
    }
}

impl<E> Key<E> {
    pub(crate) fn of_kind(kind: KeyKind) -> Self {
        Key {
            kind,
            entity: PhantomData,
        }
    }

    pub(crate) fn kind(&self) -> &KeyKind {
        &self.kind
    }

    pub(crate) fn into_kind(self) -> KeyKind {
        self.kind
    }

    /// The primary key, if that is what it is.
    pub fn id(&self) -> Option<Id<E>> {
        match self.kind {
            KeyKind::Id(uuid) => Some(Id::new(uuid)),
            KeyKind::Alternate(_) => None,
        }
    }
}

impl<E> Clone for Key<E> {
    fn clone(&self) -> Self {
        Key::of_kind(self.kind.clone())
    }
}

impl<E> PartialEq for Key<E> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl<E> Eq for Key<E> {}

impl<E> fmt::Debug for Key<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Debug for KeyKind {
    /// Names the columns of an alternate key, not their values: those are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Id(id) => write!(f, "Key({id})"),
            KeyKind::Alternate(parts) => {
                let mut list = f.debug_list();
                list.entries(parts.iter().map(|(name, _)| name));
                list.finish()
            }
        }
    }
}

impl<E> From<Id<E>> for Key<E> {
    fn from(id: Id<E>) -> Self {
        Key::of_kind(KeyKind::Id(id.uuid()))
    }
}

/// Something that identifies a row.
pub trait ToKey {
    /// The table of the row.
    type Entity: 'static;

    /// The key.
    fn to_key(self) -> Key<Self::Entity>;
}

impl<E: 'static> ToKey for Key<E> {
    type Entity = E;

    fn to_key(self) -> Key<E> {
        self
    }
}

impl<E: 'static> ToKey for &Key<E> {
    type Entity = E;

    fn to_key(self) -> Key<E> {
        self.clone()
    }
}

impl<E: 'static> ToKey for Id<E> {
    type Entity = E;

    fn to_key(self) -> Key<E> {
        self.into()
    }
}

/// A row of a table that is only known at run time.
impl ToKey for uuid::Uuid {
    type Entity = AnyTable;

    fn to_key(self) -> Key<AnyTable> {
        Key::of_kind(KeyKind::Id(self))
    }
}

impl Key<AnyTable> {
    /// The row in which `column`, by its name in URLs, holds `value`.
    pub fn named(column: impl Into<Cow<'static, str>>, value: impl Into<AnyValue>) -> Self {
        Key::of_kind(KeyKind::Alternate(Vec::new())).and_named(column, value)
    }

    /// A further column of the same alternate key.
    #[must_use]
    pub fn and_named(
        self,
        column: impl Into<Cow<'static, str>>,
        value: impl Into<AnyValue>,
    ) -> Self {
        let value: AnyValue = value.into();
        let mut literal = String::new();
        value.append_literal(&mut literal);
        let mut parts = match self.kind {
            KeyKind::Alternate(parts) => parts,
            KeyKind::Id(_) => Vec::new(),
        };
        parts.push((column.into(), literal));
        Key::of_kind(KeyKind::Alternate(parts))
    }
}

impl<E: 'static> ToKey for &Lookup<E> {
    type Entity = E;

    fn to_key(self) -> Key<E> {
        self.id().into()
    }
}

impl<E: Entity, T: Value, A> Column<E, T, A> {
    /// The row in which this column, an alternate key on its own, holds `value`.
    pub fn key(self, value: impl Into<T>) -> Key<E> {
        let mut literal = String::new();
        value.into().write_literal(&mut literal);
        let name = Cow::Borrowed(self.wire_name());
        Key::of_kind(KeyKind::Alternate(vec![(name, literal)]))
    }
}

/// An alternate key of `E` over columns that hold the types of the tuple `K`.
pub struct AlternateKey<E, K> {
    ordinals: &'static [u16],
    types: PhantomData<fn() -> (E, K)>,
}

impl<E, K> AlternateKey<E, K> {
    /// The key over the columns with these ordinals, one for each member of `K`.
    pub const fn new(ordinals: &'static [u16]) -> Self {
        AlternateKey {
            ordinals,
            types: PhantomData,
        }
    }
}

impl<E: Entity, K> AlternateKey<E, K> {
    /// The row in which the columns hold `values`, a tuple in the order of the key's columns; a
    /// key of one column takes a tuple of one.
    pub fn of(self, values: impl KeyValues<K>) -> Key<E> {
        let names = self.wire_names().map(Cow::Borrowed);
        Key::of_kind(KeyKind::Alternate(names.zip(values.literals()).collect()))
    }

    fn wire_names(self) -> impl Iterator<Item = &'static str> {
        let columns = E::TABLE.columns();
        self.ordinals
            .iter()
            .filter_map(|ordinal| columns.get(usize::from(*ordinal)))
            .map(|column| column.wire_name())
    }
}

impl<E, K> Clone for AlternateKey<E, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, K> Copy for AlternateKey<E, K> {}

impl<E: Entity, K> fmt::Debug for AlternateKey<E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", E::TABLE.logical_name())?;
        f.debug_list().entries(self.wire_names()).finish()
    }
}

/// Values for an alternate key over columns of the types in the tuple `K`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fit an alternate key over `{K}`",
    note = "pass a tuple with one value per column, in the order of the key"
)]
pub trait KeyValues<K> {
    /// Each value as an OData literal.
    fn literals(self) -> Vec<String>;
}

macro_rules! key_values {
    ($($value:ident $column:ident $name:ident),+) => {
        impl<$($value: Into<$column>, $column: Value),+> KeyValues<($($column,)+)> for ($($value,)+) {
            fn literals(self) -> Vec<String> {
                let ($($name,)+) = self;
                vec![$({
                    let mut literal = String::new();
                    Into::<$column>::into($name).write_literal(&mut literal);
                    literal
                }),+]
            }
        }
    };
}

key_values!(A1 B1 a);
key_values!(A1 B1 a, A2 B2 b);
key_values!(A1 B1 a, A2 B2 b, A3 B3 c);
key_values!(A1 B1 a, A2 B2 b, A3 B3 c, A4 B4 d);
key_values!(A1 B1 a, A2 B2 b, A3 B3 c, A4 B4 d, A5 B5 e);
key_values!(A1 B1 a, A2 B2 b, A3 B3 c, A4 B4 d, A5 B5 e, A6 B6 f);
key_values!(A1 B1 a, A2 B2 b, A3 B3 c, A4 B4 d, A5 B5 e, A6 B6 f, A7 B7 g);
key_values!(A1 B1 a, A2 B2 b, A3 B3 c, A4 B4 d, A5 B5 e, A6 B6 f, A7 B7 g, A8 B8 h);
