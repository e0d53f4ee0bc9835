//! Rows as parameters of actions and functions.

use std::fmt;
use std::marker::PhantomData;

use super::Scope;
use crate::error::{Error, Result};
use crate::odata::body::write_object;
use crate::odata::key::row_path;
use crate::schema::{AnyTable, Body, BodyMembers, Entity, KeyKind, RowRef, TableName};
use crate::value::Id;
use crate::value::json::write_string;

/// A row as an argument: a row that exists, or columns.
///
/// Made from an [`Id`], from [`New`](crate::New) or from [`Changes`](crate::Changes). `E` is
/// [`AnyTable`] where the operation takes rows of any table.
pub struct RowArgument<E = AnyTable> {
    table: TableName,
    content: Content,
    entity: PhantomData<fn() -> E>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Existing(uuid::Uuid),
    Columns(BodyMembers),
    /// By an alternate key, which parameters do not take.
    Unknown(KeyKind),
}

impl<E> RowArgument<E> {
    fn existing<T: Entity>(id: Id<T>) -> Self {
        RowArgument {
            table: TableName::of::<T>(),
            content: Content::Existing(id.uuid()),
            entity: PhantomData,
        }
    }

    fn columns<T: Entity, M>(body: &Body<T, M>) -> Self {
        RowArgument {
            table: TableName::of::<T>(),
            content: Content::Columns(body.members().clone()),
            entity: PhantomData,
        }
    }

    pub(super) fn of(table: TableName, content: Content) -> Self {
        RowArgument {
            table,
            content,
            entity: PhantomData,
        }
    }

    /// As an action takes it, and `@odata.id` with a row that exists: what its URL needs to be read
    /// back.
    pub(super) fn write_stored(&self) -> Result<String> {
        let Content::Existing(id) = &self.content else {
            return self.write_body(&Scope::alone(""));
        };
        let mut first = String::from("\"@odata.id\":");
        write_string(
            &row_path(self.table.entity_set(), &KeyKind::Id(*id))?,
            &mut first,
        );
        if self.table.known_logical_name().is_some() {
            first.push(',');
            first.push_str(&type_member(&self.table)?);
        }
        if let Some(column) = self.table.known_primary_id() {
            first.push_str(&format!(",\"{column}\":\"{id}\""));
        }
        Ok(format!("{{{first}}}"))
    }

    pub(super) fn write_body(&self, scope: &Scope<'_>) -> Result<String> {
        let mut first = type_member(&self.table)?;
        match &self.content {
            Content::Existing(id) => {
                let Some(column) = self.table.known_primary_id() else {
                    return Err(Error::input(format!(
                        "a row of `{}` cannot be a parameter: the name of its primary key is not \
                         known; say it with `TableName::primary_id`",
                        self.table.shown()
                    )));
                };
                first.push_str(&format!(",\"{column}\":\"{id}\""));
                Ok(format!("{{{first}}}"))
            }
            Content::Columns(members) => write_object(&first, members, scope),
            Content::Unknown(_) => Err(self.by_key()),
        }
    }

    fn by_key(&self) -> Error {
        Error::input(format!(
            "a row of `{}` by an alternate key cannot be a parameter: read its id first",
            self.table.shown()
        ))
    }

    pub(super) fn write_reference(&self) -> Result<String> {
        match &self.content {
            Content::Existing(id) => {
                let path = row_path(self.table.entity_set(), &KeyKind::Id(*id))?;
                Ok(format!("{{'@odata.id':'{path}'}}"))
            }
            Content::Unknown(_) => Err(self.by_key()),
            Content::Columns(_) => Err(Error::input(format!(
                "a function takes rows of `{}` that exist: give an id, not columns",
                self.table.shown()
            ))),
        }
    }
}

impl<E> Clone for RowArgument<E> {
    fn clone(&self) -> Self {
        RowArgument {
            table: self.table.clone(),
            content: self.content.clone(),
            entity: PhantomData,
        }
    }
}

impl<E> PartialEq for RowArgument<E> {
    /// Those that are kept alike are equal: a row of columns that was read back, and what it was.
    fn eq(&self, other: &Self) -> bool {
        match (self.write_stored(), other.write_stored()) {
            (Ok(left), Ok(right)) => left == right,
            (Err(_), Err(_)) => self.table == other.table && self.content == other.content,
            _ => false,
        }
    }
}

impl<E> fmt::Debug for RowArgument<E> {
    /// Names the table and columns, not values: those are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.table.shown();
        match &self.content {
            Content::Existing(id) => write!(f, "{name}({id})"),
            Content::Unknown(_) => write!(f, "{name}(…)"),
            Content::Columns(members) => {
                write!(f, "{name} ")?;
                f.debug_set().entries(members.names()).finish()
            }
        }
    }
}

impl RowArgument<AnyTable> {
    /// Columns of a row of a table that is only known at run time.
    pub fn in_table<M>(table: TableName, body: &Body<AnyTable, M>) -> Self {
        RowArgument {
            table,
            content: Content::Columns(body.members().clone()),
            entity: PhantomData,
        }
    }
}

impl From<RowRef> for RowArgument<AnyTable> {
    /// By its primary key; a row by an alternate key is told when the request is to be sent.
    fn from(row: RowRef) -> Self {
        let content = match row.key {
            KeyKind::Id(id) => Content::Existing(id),
            key => Content::Unknown(key),
        };
        RowArgument {
            table: row.table,
            content,
            entity: PhantomData,
        }
    }
}

impl<E: Entity> From<Id<E>> for RowArgument<E> {
    fn from(id: Id<E>) -> Self {
        RowArgument::existing(id)
    }
}

impl<E: Entity> From<Id<E>> for RowArgument<AnyTable> {
    fn from(id: Id<E>) -> Self {
        RowArgument::existing(id)
    }
}

impl<E: Entity, M> From<Body<E, M>> for RowArgument<E> {
    fn from(body: Body<E, M>) -> Self {
        RowArgument::columns(&body)
    }
}

impl<E: Entity, M> From<Body<E, M>> for RowArgument<AnyTable> {
    fn from(body: Body<E, M>) -> Self {
        RowArgument::columns(&body)
    }
}

/// `"@odata.type":"Microsoft.Dynamics.CRM.account"`.
pub(super) fn type_member(table: &TableName) -> Result<String> {
    match table.known_logical_name() {
        Some(name) => Ok(format!("\"@odata.type\":\"Microsoft.Dynamics.CRM.{name}\"")),
        None => Err(Error::input(format!(
            "a row of `{}` cannot be a parameter: the table's singular name is not known; say it \
             with `TableName::logical_name`",
            table.shown()
        ))),
    }
}
