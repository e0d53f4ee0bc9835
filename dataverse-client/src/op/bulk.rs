//! Many rows of one table in one message.

use std::collections::HashSet;

use http::{HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::row_argument::type_member;
use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::{append_object, write_object};
use crate::odata::headers::PREFER;
use crate::odata::key::row_path;
use crate::odata::page::json_error;
use crate::odata::url::{Query, entity_set};
use crate::odata::{Request, Response};
use crate::schema::{AnyTable, BodyMembers, Changes, Entity, KeyKind, New, TableName, ToKey};
use crate::value::digits::write_uuid;
use crate::value::json::{Reader, write_string};
use crate::value::{Id, JsonError, Scalar};

/// Creates many rows of one table.
///
/// Of a standard table all are created or none; of an elastic table some may be:
/// [`Error::bulk_failures`] says which were not. The primary keys are made here, so that a lost
/// answer can be repeated.
///
/// Shape: `POST accounts/Microsoft.Dynamics.CRM.CreateMultiple` with `{"Targets":[…]}`.
/// Units: 100 to 1,000 rows for a standard table, 100 for an elastic one, are what Microsoft
/// recommends; the service ends a message after two minutes.
/// Source: Microsoft Learn, "Use bulk operation messages".
pub struct CreateMultiple<E> {
    table: TableName,
    rows: Vec<New<E>>,
    ids: Vec<Id<E>>,
    /// Whether some rows have their primary keys among their columns.
    some_have_keys: bool,
}

impl<E: Entity> CreateMultiple<E> {
    /// Creates these rows.
    pub fn new(rows: impl IntoIterator<Item = New<E>>) -> Self {
        CreateMultiple::of_table(TableName::of::<E>(), rows)
    }
}

impl CreateMultiple<AnyTable> {
    /// Creates rows of a table that is only known at run time. They carry primary keys made here
    /// only if the name of that column is known.
    pub fn in_table(table: TableName, rows: impl IntoIterator<Item = New<AnyTable>>) -> Self {
        CreateMultiple::of_table(table, rows)
    }
}

impl<E> CreateMultiple<E> {
    fn of_table(table: TableName, rows: impl IntoIterator<Item = New<E>>) -> Self {
        let rows: Vec<_> = rows.into_iter().collect();
        let mut ids = Vec::new();
        let mut some_have_keys = false;
        if let Some(column) = table.known_primary_id() {
            ids.reserve(rows.len());
            for (row, new) in rows.iter().zip(Id::generate_many()) {
                let told = row.members().json_of(column);
                some_have_keys |= told.is_some();
                ids.push(told.and_then(own_id).unwrap_or(new));
            }
        }
        CreateMultiple {
            table,
            rows,
            ids,
            some_have_keys,
        }
    }

    /// Leaves the primary keys to the service. Then a message whose answer got lost is not
    /// repeated, but is an error with `is_outcome_unknown`.
    #[must_use]
    pub fn server_assigned_ids(mut self) -> Self {
        self.ids.clear();
        self
    }
}

/// The primary key that stands among a row's columns.
fn own_id<E>(json: &str) -> Option<Id<E>> {
    match Reader::new(json).scalar().ok()? {
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

impl<E: 'static> Operation for CreateMultiple<E> {
    /// The primary keys, in the order of the rows.
    type Output = Vec<Id<E>>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let column = self.table.known_primary_id();
        let type_of = type_member(&self.table)?;
        let room = self
            .rows
            .iter()
            .map(|row| row.members().approximate_len() + type_of.len() + 64);
        let room = room.sum();
        let rows = self.rows.iter().enumerate();
        // What a row with a key begins with: the same up to the key.
        let with_key = column.map(|column| format!("{type_of},\"{column}\":\""));
        bulk_request(
            &self.table,
            "CreateMultiple",
            room,
            rows,
            |(index, row), body| {
                let is_told =
                    |column: &str| self.some_have_keys && row.members().json_of(column).is_some();
                let id = self.ids.get(index).zip(with_key.as_deref());
                let first = |out: &mut String| match id.filter(|_| !column.is_some_and(is_told)) {
                    Some((id, with_key)) => {
                        out.push_str(with_key);
                        write_uuid(&id.uuid(), out);
                        out.push('"');
                    }
                    None => out.push_str(&type_of),
                };
                append_object(first, row.members(), scope, body)
            },
        )
    }

    fn decode(&self, response: &Response) -> Result<Vec<Id<E>>> {
        let body = &response.success()?.body;
        let mut ids = Vec::with_capacity(self.rows.len());
        let mut reader = Reader::from_bytes(body).map_err(json_error)?;
        reader
            .object(|reader, key| -> Result<(), JsonError> {
                if key != "Ids" {
                    return reader.skip();
                }
                reader.array(|reader| {
                    if let Scalar::Text(id) = reader.scalar()? {
                        ids.extend(id.parse::<Id<E>>());
                    }
                    Ok(())
                })
            })
            .map_err(json_error)?;
        if ids.len() == self.rows.len() {
            return Ok(ids);
        }
        Err(Error::decode(format!(
            "{} rows of `{}` were created, but the answer holds {} ids",
            self.rows.len(),
            self.table.shown(),
            ids.len()
        )))
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.ids.iter().map(|id| id.uuid()).collect()
    }

    fn replay(&self) -> Replay {
        match self.ids.is_empty() {
            true => Replay::IfRefused,
            false => Replay::Confirm,
        }
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<Vec<Id<E>>> {
        // Of an elastic table some may have been created before, and some now.
        if !refusal.bulk_failures().is_empty() {
            return AfterDoubt::Unknown;
        }
        // All or none: if the first is there, the first attempt was executed.
        let is_taken = refusal.status() == Some(StatusCode::PRECONDITION_FAILED);
        let first = self.ids.first().filter(|_| is_taken);
        let path =
            first.and_then(|id| row_path(self.table.entity_set(), &KeyKind::Id(id.uuid())).ok());
        let Some((path, column)) = path.zip(self.table.known_primary_id()) else {
            return AfterDoubt::Unknown;
        };
        let mut query = Query::of(path);
        query.option("$select", column);
        let ids = self.ids.clone();
        AfterDoubt::ask(Request::get(query.into_string()), move |_| Ok(ids))
    }
}

/// Changes many rows of one table, by their primary keys.
///
/// Of a standard table all are changed or none; of an elastic table some may be.
///
/// Shape: `POST accounts/Microsoft.Dynamics.CRM.UpdateMultiple` with `{"Targets":[…]}`.
/// Errors: a row twice, which the service would change once and say nothing.
/// Source: Microsoft Learn, "Use bulk operation messages".
pub struct UpdateMultiple<E> {
    table: TableName,
    rows: Vec<(Id<E>, Changes<E>)>,
}

impl<E: Entity> UpdateMultiple<E> {
    /// Changes these rows.
    pub fn new(rows: impl IntoIterator<Item = (Id<E>, Changes<E>)>) -> Self {
        UpdateMultiple {
            table: TableName::of::<E>(),
            rows: rows.into_iter().collect(),
        }
    }
}

impl UpdateMultiple<AnyTable> {
    /// Changes rows of a table that is only known at run time.
    pub fn in_table(
        table: TableName,
        rows: impl IntoIterator<Item = (Uuid, Changes<AnyTable>)>,
    ) -> Self {
        let rows = rows.into_iter().map(|(id, row)| (Id::new(id), row));
        UpdateMultiple {
            table,
            rows: rows.collect(),
        }
    }
}

impl<E: 'static> Operation for UpdateMultiple<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let column = primary_id(&self.table)?;
        let mut seen = HashSet::new();
        for (id, changes) in &self.rows {
            if !seen.insert(id.uuid()) {
                return Err(twice(&self.table, &id.to_string()));
            }
            if changes.is_empty() {
                return Err(Error::input(format!(
                    "an update of `{}({id})` without a column changes nothing; leave it out",
                    self.table.entity_set()
                )));
            }
        }
        let targets = self.rows.iter().map(|(id, changes)| {
            let first = format!("\"{column}\":\"{id}\"");
            target(&self.table, Some(&first), changes.members(), scope)
        });
        request(&self.table, "UpdateMultiple", targets)
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.rows.iter().map(|(id, _)| id.uuid()).collect()
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Changes or creates many rows of one table.
///
/// Shape: `POST accounts/Microsoft.Dynamics.CRM.UpsertMultiple` with `{"Targets":[…]}`.
/// Errors: a key twice; a column of an alternate key among the columns of its row.
/// Source: Microsoft Learn, "Use bulk operation messages".
pub struct UpsertMultiple<E> {
    table: TableName,
    rows: Vec<(KeyKind, Changes<E>)>,
}

impl<E: Entity> UpsertMultiple<E> {
    /// Changes or creates these rows.
    pub fn new<K: ToKey<Entity = E>>(rows: impl IntoIterator<Item = (K, Changes<E>)>) -> Self {
        let rows = rows.into_iter();
        UpsertMultiple {
            table: TableName::of::<E>(),
            rows: rows
                .map(|(key, row)| (key.to_key().into_kind(), row))
                .collect(),
        }
    }
}

impl UpsertMultiple<AnyTable> {
    /// Changes or creates rows of a table that is only known at run time.
    pub fn in_table<K: ToKey<Entity = AnyTable>>(
        table: TableName,
        rows: impl IntoIterator<Item = (K, Changes<AnyTable>)>,
    ) -> Self {
        let rows = rows.into_iter();
        UpsertMultiple {
            table,
            rows: rows
                .map(|(key, row)| (key.to_key().into_kind(), row))
                .collect(),
        }
    }
}

impl<E: 'static> Operation for UpsertMultiple<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let mut seen = HashSet::new();
        let mut targets = Vec::with_capacity(self.rows.len());
        for (key, changes) in &self.rows {
            let path = row_path(self.table.entity_set(), key)?;
            check_key_columns(&self.table, key, changes.members())?;
            let first = match key {
                KeyKind::Id(id) => format!("\"{}\":\"{id}\"", primary_id(&self.table)?),
                KeyKind::Alternate(_) => {
                    let mut first = String::from("\"@odata.id\":");
                    write_string(&path, &mut first);
                    first
                }
            };
            targets.push(target(&self.table, Some(&first), changes.members(), scope));
            if !seen.insert(path) {
                return Err(twice(&self.table, "…"));
            }
        }
        request(&self.table, "UpsertMultiple", targets)
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.rows.iter().filter_map(|(key, _)| key.id()).collect()
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Deletes many rows of one elastic table. Standard tables have no such message.
///
/// Shape: `POST sensors/Microsoft.Dynamics.CRM.DeleteMultiple` with `{"Targets":[…]}`.
/// Source: Microsoft Learn, "Use bulk operation messages", section "DeleteMultiple".
pub struct DeleteMultiple<E> {
    table: TableName,
    /// With the partition each is in.
    rows: Vec<(Id<E>, Option<String>)>,
}

impl<E: Entity> DeleteMultiple<E> {
    /// Deletes these rows, each in the partition of its own id.
    pub fn new(rows: impl IntoIterator<Item = Id<E>>) -> Self {
        DeleteMultiple {
            table: TableName::of::<E>(),
            rows: rows.into_iter().map(|id| (id, None)).collect(),
        }
    }

    /// Deletes these rows, each in its partition.
    pub fn in_partitions(rows: impl IntoIterator<Item = (Id<E>, String)>) -> Self {
        DeleteMultiple {
            table: TableName::of::<E>(),
            rows: rows
                .into_iter()
                .map(|(id, partition)| (id, Some(partition)))
                .collect(),
        }
    }
}

impl DeleteMultiple<AnyTable> {
    /// Deletes rows of a table that is only known at run time, each in its partition if that is not
    /// the one of its own id.
    pub fn from_table(
        table: TableName,
        rows: impl IntoIterator<Item = (Uuid, Option<String>)>,
    ) -> Self {
        let rows = rows
            .into_iter()
            .map(|(id, partition)| (Id::new(id), partition));
        DeleteMultiple {
            table,
            rows: rows.collect(),
        }
    }
}

impl<E: 'static> Operation for DeleteMultiple<E> {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let column = primary_id(&self.table)?;
        let targets = self.rows.iter().map(|(id, partition)| {
            let mut first = format!("\"{column}\":\"{id}\"");
            if let Some(partition) = partition {
                first.push_str(",\"partitionid\":");
                write_string(partition, &mut first);
            }
            target(&self.table, Some(&first), &BodyMembers::default(), scope)
        });
        request(&self.table, "DeleteMultiple", targets)
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.rows.iter().map(|(id, _)| id.uuid()).collect()
    }

    fn replay(&self) -> Replay {
        Replay::Confirm
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        // One row that is missing says nothing of the others.
        match self.rows.len() {
            1 => AfterDoubt::of_delete(refusal),
            _ => AfterDoubt::Unknown,
        }
    }
}

macro_rules! debug {
    ($($name:ident),+) => {
        $(impl<E> std::fmt::Debug for $name<E> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("table", &self.table)
                    .field("rows", &self.rows.len())
                    .finish()
            }
        })+
    };
}

debug!(
    CreateMultiple,
    UpdateMultiple, UpsertMultiple, DeleteMultiple
);

pub(super) fn primary_id(table: &TableName) -> Result<&str> {
    table.known_primary_id().ok_or_else(|| {
        Error::input(format!(
            "rows of `{}` cannot be named: the name of the primary key is not known; say it with \
             `TableName::primary_id`",
            table.shown()
        ))
    })
}

/// Errors: a column of an alternate key stands among the columns of its row.
pub(super) fn check_key_columns(
    table: &TableName,
    key: &KeyKind,
    members: &BodyMembers,
) -> Result<()> {
    let KeyKind::Alternate(parts) = key else {
        return Ok(());
    };
    match parts.iter().find(|(name, _)| members.has(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Error::input(format!(
            "a row of `{}` has the column `{name}` of its alternate key among its columns, which \
             the service refuses; the key says it",
            table.shown()
        ))),
    }
}

#[cold]
fn twice(table: &TableName, key: &str) -> Error {
    Error::input(format!(
        "the row `{}({key})` stands twice among the rows: give each once",
        table.entity_set()
    ))
}

/// One row, with its type.
fn target(
    table: &TableName,
    first: Option<&str>,
    members: &BodyMembers,
    scope: &Scope<'_>,
) -> Result<String> {
    let mut all = type_member(table)?;
    if let Some(first) = first {
        all.push(',');
        all.push_str(first);
    }
    write_object(&all, members, scope)
}

fn request(
    table: &TableName,
    message: &str,
    targets: impl IntoIterator<Item = Result<String>>,
) -> Result<Request> {
    bulk_request(table, message, 0, targets.into_iter(), |target, body| {
        body.push_str(&target?);
        Ok(())
    })
}

/// A bulk message, of about `room` bytes; `append` writes the JSON of one target.
pub(super) fn bulk_request<T>(
    table: &TableName,
    message: &str,
    room: usize,
    targets: impl Iterator<Item = T>,
    mut append: impl FnMut(T, &mut String) -> Result<()>,
) -> Result<Request> {
    let mut body = String::with_capacity(room + 16);
    body.push_str("{\"Targets\":[");
    let start = body.len();
    for target in targets {
        if body.len() > start {
            body.push(',');
        }
        append(target, &mut body)?;
    }
    if body.len() == start {
        return Err(Error::input(format!(
            "{message} of `{}` without a row: do not send it",
            table.shown()
        )));
    }
    body.push_str("]}");
    let set = entity_set(table.entity_set())?;
    let path = format!("{set}/Microsoft.Dynamics.CRM.{message}");
    let request = Request::new(Method::POST, path).json(body);
    // An error says which rows of an elastic table failed only if it is asked to.
    let all = HeaderValue::from_static("odata.include-annotations=\"*\"");
    Ok(request.header(PREFER, all))
}
