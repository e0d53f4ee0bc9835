//! Changing a row.

use http::header::IF_MATCH;
use http::{HeaderValue, Method};

use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::write_object;
use crate::odata::key::row_path;
use crate::odata::{Request, Response, headers};
use crate::schema::{Changes, Entity, Key, ToKey};
use crate::value::ETag;

/// Changes one row, and fails if the row does not exist.
///
/// Shape: `PATCH accounts(<id>)`, the body holds only the changed columns; `If-Match: *` unless
/// [`if_match`](Update::if_match) is given: without it the service would create a missing row.
/// Errors: `is_not_found`; `is_precondition_failed` with `if_match`.
/// Source: Microsoft Learn, "Update and delete table rows using the Web API", section "Basic
/// update".
pub struct Update<E> {
    key: Key<E>,
    changes: Changes<E>,
    if_match: Option<ETag>,
}

impl<E: Entity> Update<E> {
    /// Changes the row that `key` identifies.
    pub fn new(key: impl ToKey<Entity = E>, changes: impl Into<Changes<E>>) -> Self {
        Update {
            key: key.to_key(),
            changes: changes.into(),
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

impl<E> Clone for Update<E> {
    fn clone(&self) -> Self {
        Update {
            key: self.key.clone(),
            changes: self.changes.clone(),
            if_match: self.if_match.clone(),
        }
    }
}

impl<E: Entity> std::fmt::Debug for Update<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Update")
            .field("table", &E::TABLE.logical_name())
            .field("key", &self.key)
            .field("columns", &self.changes)
            .field("if_match", &self.if_match)
            .finish()
    }
}

impl<E: Entity> Operation for Update<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        if self.changes.is_empty() {
            return Err(Error::input(format!(
                "an update of `{}` without a column changes nothing; set one",
                E::TABLE.logical_name()
            )));
        }
        let if_match = match &self.if_match {
            Some(etag) => headers::etag(etag)?,
            None => HeaderValue::from_static("*"),
        };
        let path = row_path(E::TABLE.entity_set(), self.key.kind())?;
        let body = write_object("", self.changes.entries(), scope)?;
        Ok(Request::new(Method::PATCH, path)
            .header(IF_MATCH, if_match)
            .json(body))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        // With a version, a repeat of what was executed fails: its own change has moved it on.
        match self.if_match {
            None => Replay::Safe,
            Some(_) => Replay::IfRefused,
        }
    }
}
