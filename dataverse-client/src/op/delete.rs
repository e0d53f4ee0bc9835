//! Deleting a row.

use http::Method;
use http::header::IF_MATCH;

use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::key::row_path;
use crate::odata::{Request, Response, headers};
use crate::schema::{Entity, Key, ToKey};
use crate::value::ETag;

/// Deletes one row.
///
/// Shape: `DELETE accounts(<id>)`.
/// Errors: `is_not_found`; `is_precondition_failed` with [`if_match`](Delete::if_match).
/// Source: Microsoft Learn, "Update and delete table rows using the Web API".
pub struct Delete<E> {
    key: Key<E>,
    if_match: Option<ETag>,
}

impl<E: Entity> Delete<E> {
    /// Deletes the row that `key` identifies.
    pub fn new(key: impl ToKey<Entity = E>) -> Self {
        Delete {
            key: key.to_key(),
            if_match: None,
        }
    }

    /// Only if the row still has this version.
    #[must_use]
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.if_match = Some(etag);
        self
    }
}

impl<E> Clone for Delete<E> {
    fn clone(&self) -> Self {
        Delete {
            key: self.key.clone(),
            if_match: self.if_match.clone(),
        }
    }
}

impl<E: Entity> std::fmt::Debug for Delete<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delete")
            .field("table", &E::TABLE.logical_name())
            .field("key", &self.key)
            .field("if_match", &self.if_match)
            .finish()
    }
}

impl<E: Entity> Operation for Delete<E> {
    type Output = ();

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let path = row_path(E::TABLE.entity_set(), self.key.kind())?;
        let request = Request::new(Method::DELETE, path);
        Ok(match &self.if_match {
            Some(etag) => request.header(IF_MATCH, headers::etag(etag)?),
            None => request,
        })
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Confirm
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        // Gone is what was asked for, whoever did it.
        if refusal.is_not_found() {
            AfterDoubt::Done(())
        } else {
            AfterDoubt::Stands
        }
    }
}
