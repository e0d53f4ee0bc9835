//! A row of a bulk write: what is to become of it.

use std::fmt;

use crate::schema::{Changes, Key, New, ToKey};
use crate::value::Id;

/// What a bulk write does to one row: creates, changes or deletes it.
///
/// ```
/// use dataverse_client::{BulkRow, Changes, Id, New};
/// # use dataverse_client::Entity;
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account { accountid: Option<Id<Account>>, name: Option<String> }
///
/// let create = BulkRow::create(New::new().set(Account::NAME, "Contoso"));
/// let id = Id::<Account>::generate();
/// let update = BulkRow::update(id, Changes::new().set(Account::NAME, "Contoso"));
/// let delete = BulkRow::delete(id);
/// # let _ = (create, update, delete);
/// ```
pub struct BulkRow<E> {
    pub(crate) write: RowWrite<E>,
}

pub(crate) enum RowWrite<E> {
    /// Without an id of its own until it is packed.
    Create(Option<Id<E>>, New<E>),
    Update(Id<E>, Changes<E>),
    Upsert(Key<E>, Changes<E>),
    Delete(Id<E>),
}

impl<E: 'static> BulkRow<E> {
    /// Creates a row. Its primary key is the one among its columns, or one made by the bulk write.
    pub fn create(row: impl Into<New<E>>) -> Self {
        RowWrite::Create(None, row.into()).into()
    }

    /// Creates a row under this primary key.
    pub fn create_with_id(id: impl Into<Id<E>>, row: impl Into<New<E>>) -> Self {
        RowWrite::Create(Some(id.into()), row.into()).into()
    }

    /// Changes a row that exists.
    pub fn update(id: impl Into<Id<E>>, changes: Changes<E>) -> Self {
        RowWrite::Update(id.into(), changes).into()
    }

    /// Changes a row, or creates it.
    pub fn upsert(key: impl ToKey<Entity = E>, changes: Changes<E>) -> Self {
        RowWrite::Upsert(key.to_key(), changes).into()
    }

    /// Deletes a row; of an elastic table, in the partition of its own id.
    pub fn delete(id: impl Into<Id<E>>) -> Self {
        RowWrite::Delete(id.into()).into()
    }
}

impl<E: 'static> From<New<E>> for BulkRow<E> {
    fn from(row: New<E>) -> Self {
        BulkRow::create(row)
    }
}

impl<E> From<RowWrite<E>> for BulkRow<E> {
    fn from(write: RowWrite<E>) -> Self {
        BulkRow { write }
    }
}

/// What is done to rows that can go in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum WriteKind {
    Create,
    Update,
    Upsert,
    Delete,
}

impl WriteKind {
    /// `CreateMultiple`.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            WriteKind::Create => "CreateMultiple",
            WriteKind::Update => "UpdateMultiple",
            WriteKind::Upsert => "UpsertMultiple",
            WriteKind::Delete => "DeleteMultiple",
        }
    }
}

impl<E: 'static> RowWrite<E> {
    pub(crate) fn kind(&self) -> WriteKind {
        match self {
            RowWrite::Create(..) => WriteKind::Create,
            RowWrite::Update(..) => WriteKind::Update,
            RowWrite::Upsert(..) => WriteKind::Upsert,
            RowWrite::Delete(_) => WriteKind::Delete,
        }
    }

    /// What it writes, as long as it will be in a request, within a few dozen bytes.
    pub(crate) fn approximate_len(&self) -> usize {
        const KEY: usize = 100;
        KEY + match self {
            RowWrite::Create(_, row) => row.members().approximate_len(),
            RowWrite::Update(_, row) | RowWrite::Upsert(_, row) => row.members().approximate_len(),
            RowWrite::Delete(_) => 0,
        }
    }
}

impl<E: 'static> fmt::Debug for BulkRow<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = f.debug_struct("BulkRow");
        row.field("kind", &self.write.kind());
        match &self.write {
            RowWrite::Create(id, row_body) => row.field("id", id).field("columns", row_body),
            RowWrite::Update(id, changes) => row.field("id", id).field("columns", changes),
            RowWrite::Upsert(key, changes) => row.field("key", key).field("columns", changes),
            RowWrite::Delete(id) => row.field("id", id),
        };
        row.finish()
    }
}
