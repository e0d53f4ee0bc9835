//! Changing a row.

use http::header::IF_MATCH;
use http::{HeaderValue, Method};
use uuid::Uuid;

use super::read::{Read, Wanted};
use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::reference_url;
use crate::odata::expansion::names;
use crate::odata::{PartAnswer, PartSlot, Request, Response, RowRequest, headers};
use crate::schema::{AnyRow, AnyTable, BindTarget, Changes, Entity, Reference, TableName, ToKey};
use crate::value::ETag;

/// Changes one row, and fails if the row does not exist.
///
/// Shape: `PATCH accounts(<id>)`, the body holds only the changed columns; `If-Match: *` unless
/// [`if_match`](Update::if_match) is given: without it the service would create a missing row.
/// Errors: `is_not_found`; `is_precondition_failed` with `if_match`.
/// Source: Microsoft Learn, "Update and delete table rows using the Web API", section "Basic
/// update".
pub struct Update<E> {
    table: TableName,
    row: Reference,
    changes: Changes<E>,
    if_match: Option<ETag>,
}

impl<E: Entity> Update<E> {
    /// Changes one row.
    ///
    /// A row that the same change set creates is given by the handle of its create.
    pub fn new(row: impl BindTarget<Entity = E>, changes: impl Into<Changes<E>>) -> Self {
        Update {
            table: TableName::of::<E>(),
            row: row.reference(),
            changes: changes.into(),
            if_match: None,
        }
    }
}

impl Update<AnyTable> {
    /// Changes a row of a table that is only known at run time.
    pub fn in_table(
        table: TableName,
        key: impl ToKey<Entity = AnyTable>,
        changes: impl Into<Changes<AnyTable>>,
    ) -> Self {
        Update {
            row: table.row(key).reference(),
            table,
            changes: changes.into(),
            if_match: None,
        }
    }
}

impl Update<AnyTable> {
    /// Changes a row of a table that is only known at run time: one that the same change set
    /// creates, by the handle of its create.
    pub fn created_in_table(
        table: TableName,
        row: impl BindTarget<Entity = AnyTable>,
        changes: impl Into<Changes<AnyTable>>,
    ) -> Self {
        Update {
            table,
            row: row.reference(),
            changes: changes.into(),
            if_match: None,
        }
    }
}

impl<E> Update<E> {
    /// Only if the row still has this version.
    #[must_use]
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.if_match = Some(etag);
        self
    }

    /// Gives the row back as it is now, with the columns of `R`. Related rows do not come: the
    /// service ignores `$expand` here.
    #[must_use]
    pub fn returning<R: Read<Entity = E>>(self) -> UpdateReturning<R> {
        UpdateReturning {
            update: self,
            wanted: Wanted::default(),
        }
    }
}

impl<E: 'static> Update<E> {
    fn row_request(&self, scope: &Scope<'_>) -> Result<RowRequest<'_>> {
        if self.changes.is_empty() {
            return Err(Error::input(format!(
                "an update of `{}` without a column changes nothing; set one",
                self.table.shown()
            )));
        }
        let if_match = match &self.if_match {
            Some(etag) => headers::etag(etag)?,
            None => HeaderValue::from_static("*"),
        };
        Ok(
            RowRequest::new(Method::PATCH, reference_url(&self.row, scope)?)
                .condition(IF_MATCH, if_match)
                .members(self.changes.members()),
        )
    }
}

impl<E> Clone for Update<E> {
    fn clone(&self) -> Self {
        Update {
            table: self.table.clone(),
            row: self.row.clone(),
            changes: self.changes.clone(),
            if_match: self.if_match.clone(),
        }
    }
}

impl<E> std::fmt::Debug for Update<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Update")
            .field("table", &self.table)
            .field("row", &self.row)
            .field("columns", &self.changes)
            .field("if_match", &self.if_match)
            .finish()
    }
}

impl<E: 'static> Operation for Update<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.row_request(scope)?.request(scope)
    }

    fn write_part(&self, scope: &Scope<'_>, part: PartSlot<'_, '_>) -> Result<()> {
        part.row(&self.row_request(scope)?, scope)
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
        self.row.id().into_iter().collect()
    }

    fn replay(&self) -> Replay {
        // With a version, a repeat of what was executed fails: its own change has moved it on.
        match self.if_match {
            None => Replay::Safe,
            Some(_) => Replay::IfRefused,
        }
    }
}

/// Changes a row and gives it back as it is then; see [`Update::returning`].
///
/// Shape: `PATCH accounts(<id>)?$select=…`, `Prefer: return=representation`; the answer is 200.
#[derive(Debug)]
pub struct UpdateReturning<R: Read> {
    update: Update<R::Entity>,
    wanted: Wanted,
}

impl UpdateReturning<AnyRow> {
    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(names(columns));
        self
    }
}

impl<R: Read> UpdateReturning<R> {
    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.wanted.annotations = true;
        self
    }
}

impl<R: Read> Clone for UpdateReturning<R> {
    fn clone(&self) -> Self {
        UpdateReturning {
            update: self.update.clone(),
            wanted: self.wanted.clone(),
        }
    }
}

impl<R: Read> Operation for UpdateReturning<R> {
    type Output = R::Row;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.wanted.represented::<R>(self.update.request_in(scope)?)
    }

    fn decode(&self, response: &Response) -> Result<R::Row> {
        R::read_row(response.success()?)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.update.row_ids()
    }

    fn replay(&self) -> Replay {
        self.update.replay()
    }
}
