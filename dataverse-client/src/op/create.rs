//! Creating a row.

use http::Method;
use http::header::LOCATION;
use uuid::Uuid;

use super::read::{Read, Wanted};
use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::headers::ODATA_ENTITY_ID;
use crate::odata::key::{id_in, row_path};
use crate::odata::url::{Query, entity_set};
use crate::odata::{Expansion, PartAnswer, PartSlot, Request, Response, RowRequest};
use crate::schema::{AnyTable, Body, Entity, KeyKind, New, OnCreate, TableName};
use crate::value::json::Reader;
use crate::value::{Id, Scalar};

/// Creates a row.
///
/// The primary key is made here, so that a create whose answer got lost can be repeated: a
/// second row is impossible. [`server_assigned_id`](Create::server_assigned_id) opts out.
///
/// Shape: `POST accounts`, the body holds the columns, and rows that are created with it.
/// Errors: `is_duplicate` if a row with the primary key or an alternate key exists.
/// Source: Microsoft Learn, "Create a table row using the Web API".
pub struct Create<E> {
    table: TableName,
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
            table: TableName::of::<E>(),
            body: body.into(),
            id: Some(Id::generate()),
        }
    }
}

impl Create<AnyTable> {
    /// Creates a row of `table`. It carries a primary key made here only if the name of that column
    /// is known; see [`TableName::primary_id`].
    pub fn in_table(table: TableName, body: New<AnyTable>) -> Self {
        let id = table.known_primary_id().map(|_| Id::generate());
        Create { table, body, id }
    }
}

impl<E: 'static> Create<E> {
    /// Creates the row under this primary key. After a lost answer, a row that is there under this key
    /// counts as this one: take a key that nobody else uses.
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

    /// Gives the row back as it was stored, with the columns of `R`.
    #[must_use]
    pub fn returning<R: Read<Entity = E>>(self) -> CreateReturning<R> {
        CreateReturning {
            create: self,
            wanted: Wanted::default(),
        }
    }

    /// The primary key, if it is known before the row exists: the body's own goes first.
    pub(super) fn known_id(&self) -> Option<Id<E>> {
        let own = self.table.known_primary_id();
        match own.and_then(|column| self.body.members().json_of(column)) {
            Some(json) => match Reader::new(json).scalar().ok()? {
                Scalar::Text(text) => text.parse().ok(),
                _ => None,
            },
            None => self.id,
        }
    }

    fn row_request(&self) -> Result<RowRequest<'_>> {
        let path = entity_set(self.table.entity_set())?;
        let mut row = RowRequest::new(Method::POST, path).members(self.body.members());
        if let Some(id) = self.id {
            let Some(column) = self.table.known_primary_id() else {
                return Err(Error::input(format!(
                    "a row of `{}` cannot be created under an id of its own: the name of its \
                     primary key is not known; say it with `TableName::primary_id`",
                    self.table.shown()
                )));
            };
            if self.body.members().json_of(column).is_none() {
                row.key = Some((column, id.uuid()));
            }
        }
        Ok(row)
    }
}

impl<E> Clone for Create<E> {
    fn clone(&self) -> Self {
        Create {
            table: self.table.clone(),
            body: self.body.clone(),
            id: self.id,
        }
    }
}

impl<E> std::fmt::Debug for Create<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Create")
            .field("table", &self.table)
            .field("columns", &self.body)
            .field("id", &self.id)
            .finish()
    }
}

impl<E: 'static> Operation for Create<E> {
    type Output = Id<E>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.row_request()?.request(scope)
    }

    fn write_part(&self, scope: &Scope<'_>, part: PartSlot<'_, '_>) -> Result<()> {
        part.row(&self.row_request()?, scope)
    }

    fn decode(&self, response: &Response) -> Result<Id<E>> {
        let response = response.success()?;
        let told = id_told(response);
        if let Some(id) = told.or_else(|| self.known_id()) {
            return Ok(id);
        }
        let column = self.table.known_primary_id();
        column
            .and_then(|column| id_in_body(&response.body, column))
            .ok_or_else(|| {
                Error::decode(format!(
                    "a row of `{}` was created, but the answer does not tell its id",
                    self.table.shown()
                ))
            })
    }

    fn decode_part(&self, answer: &PartAnswer) -> Result<Id<E>> {
        match answer.row.filter(|_| answer.status.is_success()) {
            Some(id) => Ok(Id::new(id)),
            None => self.decode(&answer.response()?),
        }
    }

    fn replay(&self) -> Replay {
        match self.known_id() {
            Some(_) => Replay::Confirm,
            None => Replay::IfRefused,
        }
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.known_id().map(|id| id.uuid()).into_iter().collect()
    }

    fn after_doubt(&self, _: &Error) -> AfterDoubt<Id<E>> {
        // A key is taken, or a plug-in says no: because of the earlier attempt, or of somebody else's
        // row. What the service names does not tell; whether the row is there does.
        let Some(id) = self.known_id() else {
            return AfterDoubt::Unknown;
        };
        match row_path(self.table.entity_set(), &KeyKind::Id(id.uuid())) {
            Ok(path) => {
                let mut query = Query::of(path);
                if let Some(column) = self.table.known_primary_id() {
                    query.option("$select", column);
                }
                let question = Request::new(Method::GET, query.into_string());
                AfterDoubt::ask(question, move |_| Ok(id))
            }
            Err(_) => AfterDoubt::Unknown,
        }
    }
}

/// Creates a row and gives it back as it was stored; see [`Create::returning`].
///
/// Shape: `POST accounts?$select=…`, `Prefer: return=representation`; the answer is 201.
/// Source: Microsoft Learn, "Create a table row using the Web API", section "Create with data
/// returned".
#[derive(Debug)]
pub struct CreateReturning<R: Read> {
    create: Create<R::Entity>,
    wanted: Wanted,
}

impl CreateReturning<crate::schema::AnyRow> {
    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(crate::odata::expansion::names(columns));
        self
    }

    /// With rows related to it.
    #[must_use]
    pub fn expand(mut self, expansion: Expansion) -> Self {
        self.wanted.expand.push(expansion.into_options());
        self
    }
}

impl<R: Read> CreateReturning<R> {
    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.wanted.annotations = true;
        self
    }
}

impl<R: Read> Clone for CreateReturning<R> {
    fn clone(&self) -> Self {
        CreateReturning {
            create: self.create.clone(),
            wanted: self.wanted.clone(),
        }
    }
}

impl<R: Read> Operation for CreateReturning<R> {
    type Output = R::Row;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.wanted.represented::<R>(self.create.request_in(scope)?)
    }

    fn decode(&self, response: &Response) -> Result<R::Row> {
        R::read_row(response.success()?)
    }

    fn replay(&self) -> Replay {
        self.create.replay()
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.create.row_ids()
    }

    fn after_doubt(&self, _: &Error) -> AfterDoubt<R::Row> {
        let Some(id) = self.create.known_id() else {
            return AfterDoubt::Unknown;
        };
        let question = row_path(self.create.table.entity_set(), &KeyKind::Id(id.uuid()))
            .and_then(|path| self.wanted.represented::<R>(Request::get(path)));
        match question {
            Ok(question) => AfterDoubt::ask(question, R::read_row),
            Err(_) => AfterDoubt::Unknown,
        }
    }
}

/// What the headers of an answer tell.
fn id_told<E>(response: &Response) -> Option<Id<E>> {
    // Some gateways leave one of the two out.
    let mut values = [ODATA_ENTITY_ID, LOCATION]
        .into_iter()
        .filter_map(|name| response.headers.get(name));
    values.find_map(|url| id_in(url.as_bytes())).map(Id::new)
}

fn id_in_body<E>(body: &[u8], primary_id: &str) -> Option<Id<E>> {
    let mut id = None;
    Reader::from_bytes(body)
        .ok()?
        .object(|reader, key| -> Result<(), crate::value::JsonError> {
            if key == primary_id {
                if let Scalar::Text(text) = reader.scalar()? {
                    id = text.parse().ok();
                }
                return Ok(());
            }
            reader.skip()
        })
        .ok()?;
    id
}
