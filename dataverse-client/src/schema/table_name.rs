//! Tables that are only known at run time.

use std::borrow::Cow;
use std::fmt;

use super::key::KeyKind;
use super::lookup::{Reference, ReferenceKind};
use super::{AnyTable, BindTarget, Entity, Key, Table, ToKey};

/// The names of a table that operations need: of a generated table, or of one that is only known
/// at run time.
///
/// ```
/// use dataverse_client::schema::TableName;
///
/// let accounts = TableName::new("accounts").logical_name("account").primary_id("accountid");
/// # let _ = accounts;
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TableName {
    entity_set: Cow<'static, str>,
    logical_name: Option<Cow<'static, str>>,
    primary_id: Option<Cow<'static, str>>,
}

impl TableName {
    /// The table whose rows are at `entity_set`: `accounts`. The name cannot be derived from the
    /// table's own; definitions tell it.
    pub fn new(entity_set: impl Into<Cow<'static, str>>) -> Self {
        TableName {
            entity_set: entity_set.into(),
            logical_name: None,
            primary_id: None,
        }
    }

    /// With its singular name: `account`. Needed where rows are parameters of an operation.
    #[must_use]
    pub fn logical_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.logical_name = Some(name.into());
        self
    }

    /// With the column that identifies a row: `accountid`. With it a create carries a key made by
    /// the client, and can be repeated safely.
    #[must_use]
    pub fn primary_id(mut self, column: impl Into<Cow<'static, str>>) -> Self {
        self.primary_id = Some(column.into());
        self
    }

    /// A table that was known when the program was compiled.
    pub const fn of<E: Entity>() -> Self {
        TableName::from_table(E::TABLE)
    }

    pub(crate) const fn from_table(table: &'static Table) -> Self {
        TableName {
            entity_set: Cow::Borrowed(table.entity_set()),
            logical_name: Some(Cow::Borrowed(table.logical_name())),
            primary_id: Some(Cow::Borrowed(table.primary_id())),
        }
    }

    /// One of its rows.
    pub fn row(&self, key: impl ToKey) -> RowRef {
        RowRef {
            table: self.clone(),
            key: key.to_key().into_kind(),
        }
    }

    /// The name in URLs.
    pub fn entity_set(&self) -> &str {
        &self.entity_set
    }

    /// The singular name, if it is known.
    pub fn known_logical_name(&self) -> Option<&str> {
        self.logical_name.as_deref()
    }

    /// The column that identifies a row, if it is known.
    pub fn known_primary_id(&self) -> Option<&str> {
        self.primary_id.as_deref()
    }

    /// What to call it in messages.
    pub(crate) fn shown(&self) -> &str {
        self.logical_name.as_deref().unwrap_or(&self.entity_set)
    }
}

impl fmt::Debug for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

/// A row of a table that may only be known at run time: to bind to, to link, to call operations on.
#[derive(Clone, PartialEq, Eq)]
pub struct RowRef {
    pub(crate) table: TableName,
    pub(crate) key: KeyKind,
}

impl RowRef {
    /// The row of a known table that `key` identifies.
    pub fn of<E: Entity>(key: impl ToKey<Entity = E>) -> Self {
        TableName::of::<E>().row(key)
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }
}

impl<E: Entity> From<Key<E>> for RowRef {
    fn from(key: Key<E>) -> Self {
        RowRef::of(key)
    }
}

impl BindTarget for RowRef {
    type Entity = AnyTable;

    fn reference(self) -> Reference {
        Reference(ReferenceKind::Row {
            entity_set: self.table.entity_set,
            key: self.key,
        })
    }
}

impl BindTarget for &RowRef {
    type Entity = AnyTable;

    fn reference(self) -> Reference {
        self.clone().reference()
    }
}

impl fmt::Debug for RowRef {
    /// Names the table, and a primary key: values of alternate keys are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            KeyKind::Id(id) => write!(f, "{}({id})", self.table.entity_set),
            KeyKind::Alternate(_) => write!(f, "{}(…)", self.table.entity_set),
        }
    }
}
