//! Changing a row, or creating it.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderValue, Method};

use super::{Operation, Replay, Scope};
use crate::error::Result;
use crate::odata::body::write_object;
use crate::odata::key::row_path;
use crate::odata::{Request, Response};
use crate::schema::{Changes, Entity, Key, ToKey};

/// Changes the row that a key identifies, or creates it.
///
/// Shape: `PATCH accounts(accountnumber='AC-1')`; the key's columns need not be in the body.
/// Errors: `is_precondition_failed` with [`create_only`](Upsert::create_only) if the row exists;
/// `is_not_found` with [`update_only`](Upsert::update_only) if it does not.
/// Source: Microsoft Learn, "Upsert a table row using the Web API".
pub struct Upsert<E> {
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
            key: key.to_key(),
            changes: changes.into(),
            only: Only::Either,
        }
    }

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
}

impl<E> Clone for Upsert<E> {
    fn clone(&self) -> Self {
        Upsert {
            key: self.key.clone(),
            changes: self.changes.clone(),
            only: self.only,
        }
    }
}

impl<E: Entity> std::fmt::Debug for Upsert<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upsert")
            .field("table", &E::TABLE.logical_name())
            .field("key", &self.key)
            .field("columns", &self.changes)
            .field("only", &self.only)
            .finish()
    }
}

impl<E: Entity> Operation for Upsert<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let path = row_path(E::TABLE.entity_set(), self.key.kind())?;
        let body = write_object("", self.changes.entries(), scope)?;
        let request = Request::new(Method::PATCH, path).json(body);
        let any = HeaderValue::from_static("*");
        Ok(match self.only {
            Only::Either => request,
            Only::Create => request.header(IF_NONE_MATCH, any),
            Only::Update => request.header(IF_MATCH, any),
        })
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        // A repeat of a create that was executed would find the row it made, or another's.
        match self.only {
            Only::Create => Replay::IfRefused,
            Only::Either | Only::Update => Replay::Safe,
        }
    }
}
