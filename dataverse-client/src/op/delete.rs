//! Deleting a row.

use http::Method;
use http::header::IF_MATCH;
use uuid::Uuid;

use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{PartAnswer, PartSlot, Request, Response, RowRequest, headers};
use crate::schema::{AnyTable, Entity, Key, TableName, ToKey};
use crate::value::ETag;

/// Deletes one row.
///
/// Shape: `DELETE accounts(<id>)`.
/// Errors: `is_not_found`; `is_precondition_failed` with [`if_match`](Delete::if_match).
/// Source: Microsoft Learn, "Update and delete table rows using the Web API".
pub struct Delete<E> {
    table: TableName,
    key: Key<E>,
    if_match: Option<ETag>,
    partition_id: Option<String>,
}

impl<E: Entity> Delete<E> {
    /// Deletes the row that `key` identifies.
    pub fn new(key: impl ToKey<Entity = E>) -> Self {
        Delete::of_table(TableName::of::<E>(), key.to_key())
    }
}

impl Delete<AnyTable> {
    /// Deletes a row of a table that is only known at run time.
    pub fn from_table(table: TableName, key: impl ToKey<Entity = AnyTable>) -> Self {
        Delete::of_table(table, key.to_key())
    }
}

impl<E> Delete<E> {
    fn of_table(table: TableName, key: Key<E>) -> Self {
        Delete {
            table,
            key,
            if_match: None,
            partition_id: None,
        }
    }

    /// Where the row of an elastic table is; see
    /// [`Retrieve::partition_id`](super::Retrieve::partition_id).
    #[must_use]
    pub fn partition_id(mut self, id: impl Into<String>) -> Self {
        self.partition_id = Some(id.into());
        self
    }

    /// Only if the row still has this version.
    #[must_use]
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.if_match = Some(etag);
        self
    }
}

impl<E: 'static> Delete<E> {
    fn row_request(&self) -> Result<RowRequest<'_>> {
        let mut url = Query::of(row_path(self.table.entity_set(), self.key.kind())?);
        if let Some(id) = &self.partition_id {
            url.option("partitionId", id);
        }
        let row = RowRequest::new(Method::DELETE, url.into_string());
        Ok(match &self.if_match {
            Some(etag) => row.condition(IF_MATCH, headers::etag(etag)?),
            None => row,
        })
    }
}

impl<E> Clone for Delete<E> {
    fn clone(&self) -> Self {
        Delete {
            table: self.table.clone(),
            key: self.key.clone(),
            if_match: self.if_match.clone(),
            partition_id: self.partition_id.clone(),
        }
    }
}

impl<E> std::fmt::Debug for Delete<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delete")
            .field("table", &self.table)
            .field("key", &self.key)
            .field("if_match", &self.if_match)
            .finish()
    }
}

impl<E: 'static> Operation for Delete<E> {
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
        Replay::Confirm
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        AfterDoubt::of_delete(refusal)
    }
}
