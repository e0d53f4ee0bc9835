//! One column of one row.

use std::marker::PhantomData;

use http::header::ACCEPT;
use http::{HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::answer::read_optional_value;
use super::{Operation, Replay, Scope};
use crate::error::Result;
use crate::odata::body::reference_url;
use crate::odata::key::row_path;
use crate::odata::url::encode;
use crate::odata::{Request, Response};
use crate::schema::{BindTarget, Column, Entity, OnUpdate, Reference, RowRef, ToKey, WritableIn};
use crate::value::{AnyValue, Value};

/// Reads one column of one row.
///
/// Shape: `GET accounts(<id>)/name`; None if it is null.
/// Errors: `is_not_found` if there is no such row.
/// Source: Microsoft Learn, "Retrieve a table row using the Web API", section "Retrieve a single
/// property value".
#[derive(Debug, Clone)]
pub struct GetColumn<T> {
    row: RowRef,
    column: String,
    value: PhantomData<fn() -> T>,
}

impl<T: Value> GetColumn<T> {
    /// Reads `column` of the row that `key` identifies.
    pub fn new<E: Entity, A>(key: impl ToKey<Entity = E>, column: Column<E, T, A>) -> Self {
        GetColumn::named(RowRef::of(key), column.wire_name())
    }

    /// Reads a column that is only known at run time, by its name in URLs.
    pub fn named(row: RowRef, column: impl Into<String>) -> Self {
        GetColumn {
            row,
            column: column.into(),
            value: PhantomData,
        }
    }
}

impl<T: Value> Operation for GetColumn<T> {
    type Output = Option<T>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        Ok(Request::get(column_path(&self.row, &self.column)?))
    }

    fn decode(&self, response: &Response) -> Result<Option<T>> {
        let response = response.success()?;
        if response.status == StatusCode::NO_CONTENT || response.body.is_empty() {
            return Ok(None);
        }
        read_optional_value(&response.body)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Reads one column of one row as plain text.
///
/// Shape: `GET accounts(<id>)/name/$value`, `text/plain`.
#[derive(Debug, Clone)]
pub struct GetText {
    row: RowRef,
    column: String,
}

impl GetText {
    /// Reads `column` of the row that `key` identifies.
    pub fn new<E: Entity, T, A>(key: impl ToKey<Entity = E>, column: Column<E, T, A>) -> Self {
        GetText::named(RowRef::of(key), column.wire_name())
    }

    /// Reads a column that is only known at run time, by its name in URLs.
    pub fn named(row: RowRef, column: impl Into<String>) -> Self {
        GetText {
            row,
            column: column.into(),
        }
    }
}

impl Operation for GetText {
    type Output = Option<String>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let path = format!("{}/$value", column_path(&self.row, &self.column)?);
        Ok(Request::get(path).header(ACCEPT, HeaderValue::from_static("text/plain")))
    }

    fn decode(&self, response: &Response) -> Result<Option<String>> {
        let response = response.success()?;
        if response.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&response.body);
        Ok(Some(text.trim_start_matches('\u{feff}').to_owned()))
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Writes one column of one row, or clears it.
///
/// Shape: `PUT accounts(<id>)/name` with `{"value":…}`; `DELETE accounts(<id>)/name` clears it.
/// Not for lookups: see [`Associate`](super::Associate).
/// Errors: `is_not_found` if there is no such row.
/// Source: Microsoft Learn, "Update and delete table rows using the Web API", section "Update a
/// single property value".
#[derive(Clone)]
pub struct SetColumn {
    row: Reference,
    column: String,
    /// None to clear it.
    json: Option<String>,
}

impl SetColumn {
    /// Writes `value` into `column` of a row. One that the same change set creates is given by the
    /// handle of its create.
    pub fn new<E: Entity, T: Value, A: WritableIn<OnUpdate>>(
        row: impl BindTarget<Entity = E>,
        column: Column<E, T, A>,
        value: impl Into<T>,
    ) -> Self {
        let value: T = value.into();
        SetColumn::named(row, column.logical_name(), value)
    }

    /// Clears `column` of a row.
    pub fn clear<E: Entity, T: Value, A: WritableIn<OnUpdate>>(
        row: impl BindTarget<Entity = E>,
        column: Column<E, T, A>,
    ) -> Self {
        SetColumn::clear_named(row, column.logical_name())
    }

    /// Writes a column that is only known at run time, by its logical name.
    pub fn named(
        row: impl BindTarget,
        column: impl Into<String>,
        value: impl Into<AnyValue>,
    ) -> Self {
        let value: AnyValue = value.into();
        SetColumn {
            row: row.reference(),
            column: column.into(),
            json: Some(value.into_json()),
        }
    }

    /// Clears a column that is only known at run time, by its logical name.
    pub fn clear_named(row: impl BindTarget, column: impl Into<String>) -> Self {
        SetColumn {
            row: row.reference(),
            column: column.into(),
            json: None,
        }
    }
}

impl std::fmt::Debug for SetColumn {
    /// Names the column, not its value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SetColumn({:?}/{})", self.row, self.column)
    }
}

impl Operation for SetColumn {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let mut path = reference_url(&self.row, scope)?;
        path.push('/');
        encode(&self.column, &mut path);
        Ok(match &self.json {
            Some(json) => Request::new(Method::PUT, path).json(format!("{{\"value\":{json}}}")),
            None => Request::new(Method::DELETE, path),
        })
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.row.id().into_iter().collect()
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

fn column_path(row: &RowRef, column: &str) -> Result<String> {
    let mut path = row_path(row.table.entity_set(), &row.key)?;
    path.push('/');
    encode(column, &mut path);
    Ok(path)
}
