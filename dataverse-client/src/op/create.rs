//! Creating a row.

use http::{Method, StatusCode};

use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::write_object;
use crate::odata::headers::ODATA_ENTITY_ID;
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::{Body, Entity, KeyKind, New, OnCreate};
use crate::value::json::Reader;
use crate::value::{Id, Scalar, Value};

/// Creates a row.
///
/// The primary key is made here, so that a create whose answer got lost can be repeated: a
/// second row is impossible. [`server_assigned_id`](Create::server_assigned_id) opts out.
///
/// Shape: `POST accounts`, the body holds the columns.
/// Errors: `is_duplicate` if a row with the primary key or an alternate key exists.
/// Source: Microsoft Learn, "Create a table row using the Web API".
pub struct Create<E> {
    body: New<E>,
    id: Option<Id<E>>,
}

impl<E: Entity> Create<E> {
    /// Creates a row with these columns.
    pub fn new<M>(body: Body<E, M>) -> Self
    where
        Body<E, M>: Into<Body<E, OnCreate>>,
    {
        Create {
            body: body.into(),
            id: Some(Id::generate()),
        }
    }

    /// Creates the row under this primary key.
    #[must_use]
    pub fn with_id(mut self, id: Id<E>) -> Self {
        self.id = Some(id);
        self
    }

    /// Leaves the primary key to the service. Then a create whose answer got lost is not repeated,
    /// but is an error with `is_outcome_unknown`.
    #[must_use]
    pub fn server_assigned_id(mut self) -> Self {
        self.id = None;
        self
    }

    /// The primary key, if it is known before the row exists: the body's own goes first.
    fn known_id(&self) -> Option<Id<E>> {
        match self.body.json_of(E::TABLE.primary_id()) {
            Some(json) => Id::from_scalar(Reader::new(json).scalar().ok()?).ok(),
            None => self.id,
        }
    }
}

impl<E> Clone for Create<E> {
    fn clone(&self) -> Self {
        Create {
            body: self.body.clone(),
            id: self.id,
        }
    }
}

impl<E: Entity> std::fmt::Debug for Create<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Create")
            .field("table", &E::TABLE.logical_name())
            .field("columns", &self.body)
            .field("id", &self.id)
            .finish()
    }
}

impl<E: Entity> Operation for Create<E> {
    type Output = Id<E>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let table = E::TABLE;
        let mut first = String::new();
        if let Some(id) = self.id
            && self.body.json_of(table.primary_id()).is_none()
        {
            first = format!("\"{}\":\"{id}\"", table.primary_id());
        }
        let body = write_object(&first, self.body.entries(), scope)?;
        Ok(Request::new(Method::POST, table.entity_set()).json(body))
    }

    fn decode(&self, response: &Response) -> Result<Id<E>> {
        let response = response.success()?;
        if let Some(url) = response.text_of(&ODATA_ENTITY_ID)
            && let Some(id) = id_in(url)
        {
            return Ok(id);
        }
        if let Some(id) = self.known_id() {
            return Ok(id);
        }
        id_in_body(&response.body, E::TABLE.primary_id()).ok_or_else(|| {
            Error::decode(format!(
                "a row of `{}` was created, but the answer does not tell its id",
                E::TABLE.logical_name()
            ))
        })
    }

    fn replay(&self) -> Replay {
        match self.known_id() {
            Some(_) => Replay::Confirm,
            None => Replay::IfRefused,
        }
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<Id<E>> {
        // A key is taken: by the earlier attempt, or by somebody else's row. Which key the service
        // names, primary or alternate, does not tell; whether the row is there does.
        let is_taken = refusal.status() == Some(StatusCode::PRECONDITION_FAILED);
        let Some(id) = self.known_id().filter(|_| is_taken) else {
            return AfterDoubt::Stands;
        };
        match row_path(E::TABLE.entity_set(), &KeyKind::Id(id.uuid())) {
            Ok(path) => {
                let mut query = Query::of(path);
                query.option("$select", E::TABLE.primary_id());
                AfterDoubt::Ask(Request::new(Method::GET, query.into_string()), id)
            }
            Err(_) => AfterDoubt::Stands,
        }
    }
}

/// The GUID in `https://…/accounts(<id>)`.
pub(super) fn id_in<E>(url: &str) -> Option<Id<E>> {
    let (_, key) = url.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    key.parse().ok()
}

fn id_in_body<E: Entity>(body: &[u8], primary_id: &str) -> Option<Id<E>> {
    let mut id = None;
    Reader::from_bytes(body)
        .ok()?
        .object(|reader, key| -> Result<(), crate::value::JsonError> {
            if key == primary_id {
                if let scalar @ Scalar::Text(_) = reader.scalar()? {
                    id = Id::from_scalar(scalar).ok();
                }
                return Ok(());
            }
            reader.skip()
        })
        .ok()?;
    id
}
