//! Changing a row, or creating it.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::read::{Read, Wanted};
use super::{Operation, Replay, Scope};
use crate::error::Result;
use crate::odata::expansion::names;
use crate::odata::key::row_path;
use crate::odata::{PartAnswer, PartSlot, Request, Response, RowRequest};
use crate::schema::{AnyRow, AnyTable, Changes, Entity, Key, TableName, ToKey};

/// Changes the row that a key identifies, or creates it.
///
/// Shape: `PATCH accounts(accountnumber='AC-1')`; the key's columns need not be in the body.
/// Errors: `is_precondition_failed` with [`create_only`](Upsert::create_only) if the row exists;
/// `is_not_found` with [`update_only`](Upsert::update_only) if it does not.
/// Source: Microsoft Learn, "Upsert a table row using the Web API".
pub struct Upsert<E> {
    table: TableName,
    key: Key<E>,
    changes: Changes<E>,
    only: Only,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Either,
    Create,
    Update,
}

impl<E: Entity> Upsert<E> {
    /// Changes or creates the row that `key` identifies.
    pub fn new(key: impl ToKey<Entity = E>, changes: impl Into<Changes<E>>) -> Self {
        Upsert {
            table: TableName::of::<E>(),
            key: key.to_key(),
            changes: changes.into(),
            only: Only::Either,
        }
    }
}

impl Upsert<AnyTable> {
    /// Changes or creates a row of a table that is only known at run time.
    pub fn in_table(
        table: TableName,
        key: impl ToKey<Entity = AnyTable>,
        changes: impl Into<Changes<AnyTable>>,
    ) -> Self {
        Upsert {
            table,
            key: key.to_key(),
            changes: changes.into(),
            only: Only::Either,
        }
    }
}

impl<E> Upsert<E> {
    /// Fails if the row exists: `If-None-Match: *`.
    #[must_use]
    pub fn create_only(mut self) -> Self {
        self.only = Only::Create;
        self
    }

    /// Fails if the row does not exist: `If-Match: *`.
    #[must_use]
    pub fn update_only(mut self) -> Self {
        self.only = Only::Update;
        self
    }

    /// Gives the row back as it is then, with the columns of `R`, and whether it was created: the
    /// only way to learn that.
    #[must_use]
    pub fn returning<R: Read<Entity = E>>(self) -> UpsertReturning<R> {
        UpsertReturning {
            upsert: self,
            wanted: Wanted::default(),
        }
    }
}

impl<E: 'static> Upsert<E> {
    fn row_request(&self) -> Result<RowRequest<'_>> {
        let path = row_path(self.table.entity_set(), self.key.kind())?;
        let row = RowRequest::new(Method::PATCH, path).members(self.changes.members());
        let any = HeaderValue::from_static("*");
        Ok(match self.only {
            Only::Either => row,
            Only::Create => row.condition(IF_NONE_MATCH, any),
            Only::Update => row.condition(IF_MATCH, any),
        })
    }
}

impl<E> Clone for Upsert<E> {
    fn clone(&self) -> Self {
        Upsert {
            table: self.table.clone(),
            key: self.key.clone(),
            changes: self.changes.clone(),
            only: self.only,
        }
    }
}

impl<E> std::fmt::Debug for Upsert<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upsert")
            .field("table", &self.table)
            .field("key", &self.key)
            .field("columns", &self.changes)
            .field("only", &self.only)
            .finish()
    }
}

impl<E: 'static> Operation for Upsert<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.row_request()?.request(scope)
    }

    fn write_part(&self, scope: &Scope<'_>, part: PartSlot<'_, '_>) -> Result<()> {
        part.row(&self.row_request()?, scope)
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn decode_part(&self, answer: &PartAnswer) -> Result<()> {
        match answer.status.is_success() {
            true => Ok(()),
            false => self.decode(&answer.response()?),
        }
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.key.kind().id().into_iter().collect()
    }

    fn replay(&self) -> Replay {
        // A repeat of a create that was executed would find the row it made, or another's.
        match self.only {
            Only::Create => Replay::IfRefused,
            Only::Either | Only::Update => Replay::Safe,
        }
    }
}

/// Changes or creates a row and gives it back; see [`Upsert::returning`].
///
/// Shape: `PATCH accounts(…)?$select=…`, `Prefer: return=representation`; the answer is 201 if the
/// row was created, 200 if it was there.
#[derive(Debug)]
pub struct UpsertReturning<R: Read> {
    upsert: Upsert<R::Entity>,
    wanted: Wanted,
}

/// What an upsert did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Upserted<T> {
    /// The row as it is then.
    pub row: T,
    /// Whether it was created. After a repeat it may be the first attempt that created it.
    pub is_created: bool,
}

impl UpsertReturning<AnyRow> {
    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(names(columns));
        self
    }
}

impl<R: Read> UpsertReturning<R> {
    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.wanted.annotations = true;
        self
    }
}

impl<R: Read> Clone for UpsertReturning<R> {
    fn clone(&self) -> Self {
        UpsertReturning {
            upsert: self.upsert.clone(),
            wanted: self.wanted.clone(),
        }
    }
}

impl<R: Read> Operation for UpsertReturning<R> {
    type Output = Upserted<R::Row>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.wanted.represented::<R>(self.upsert.request_in(scope)?)
    }

    fn decode(&self, response: &Response) -> Result<Upserted<R::Row>> {
        Ok(Upserted {
            row: R::read_row(response.success()?)?,
            is_created: response.status == StatusCode::CREATED,
        })
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.upsert.row_ids()
    }

    fn replay(&self) -> Replay {
        self.upsert.replay()
    }
}
