//! Reading one row.

use std::marker::PhantomData;

use http::header::IF_NONE_MATCH;
use http::{Method, StatusCode};

use super::read::{Read, Wanted};
use super::{Operation, Replay, Scope};
use crate::error::Result;
use crate::odata::expansion::{Expansion, names};
use crate::odata::headers::{self, Prefer};
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::{AnyRow, AnyTable, Key, Many, Navigation, Record, TableName, ToKey};
use crate::value::ETag;

/// Reads one row.
///
/// Shape: `GET accounts(<id>)?$select=…&$expand=…`; columns and related rows are those of the
/// record type.
/// Errors: `is_not_found` if there is no such row.
/// Source: Microsoft Learn, "Retrieve a table row using the Web API".
pub struct Retrieve<R: Read> {
    table: TableName,
    key: Key<R::Entity>,
    wanted: Wanted,
    partition_id: Option<String>,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Retrieve<R> {
    /// Reads the row that `key` identifies.
    pub fn new(key: impl ToKey<Entity = R::Entity>) -> Self {
        Retrieve::of_table(TableName::of::<R::Entity>(), key.to_key())
    }

    /// Says which of the related rows are read.
    #[must_use]
    pub fn expanding<F>(
        mut self,
        navigation: Navigation<R::Entity, Many<F>>,
        options: impl FnOnce(Expansion<F>) -> Expansion<F>,
    ) -> Self {
        let expansion = options(Expansion::of(navigation));
        self.wanted.expand.push(expansion.into_options());
        self
    }
}

impl Retrieve<AnyRow> {
    /// Reads the row of `table` that `key` identifies: all its columns, unless some are selected.
    pub fn from_table(table: TableName, key: impl ToKey<Entity = AnyTable>) -> Self {
        Retrieve::of_table(table, key.to_key())
    }

    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(names(columns));
        self
    }

    /// With rows related to it.
    #[must_use]
    pub fn expand(mut self, expansion: Expansion) -> Self {
        self.wanted.expand.push(expansion.into_options());
        self
    }
}

impl<R: Read> Retrieve<R> {
    fn of_table(table: TableName, key: Key<R::Entity>) -> Self {
        Retrieve {
            table,
            key,
            wanted: Wanted::default(),
            partition_id: None,
            record: PhantomData,
        }
    }

    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.wanted.annotations = true;
        self
    }

    /// Where the row of an elastic table is; without it the service looks in the partition that has
    /// the row's own id.
    #[must_use]
    pub fn partition_id(mut self, id: impl Into<String>) -> Self {
        self.partition_id = Some(id.into());
        self
    }

    /// Reads the row only if it no longer has this version.
    ///
    /// The service compares versions only of tables with optimistic concurrency, and reads the row
    /// anyway if related rows or annotations are asked for.
    #[must_use]
    pub fn if_changed(self, etag: ETag) -> IfChanged<R> {
        IfChanged {
            retrieve: self,
            etag,
        }
    }
}

impl<R: Read> Clone for Retrieve<R> {
    fn clone(&self) -> Self {
        Retrieve {
            table: self.table.clone(),
            key: self.key.clone(),
            wanted: self.wanted.clone(),
            partition_id: self.partition_id.clone(),
            record: PhantomData,
        }
    }
}

impl<R: Read> std::fmt::Debug for Retrieve<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retrieve")
            .field("table", &self.table)
            .field("key", &self.key)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Operation for Retrieve<R> {
    type Output = R::Row;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let path = row_path(self.table.entity_set(), self.key.kind())?;
        let mut query = Query::of(path);
        self.wanted.add_to::<R>(&mut query)?;
        if let Some(id) = &self.partition_id {
            query.option("partitionId", id);
        }
        let mut request = Request::new(Method::GET, query.into_string());
        self.wanted
            .prefer::<R>(Prefer::default(), &mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<R::Row> {
        R::read_row(response.success()?)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Reads a row if it was changed; None if it still has the version. See [`Retrieve::if_changed`].
///
/// Shape: `If-None-Match: W/"…"`; the answer to an unchanged row is 304.
/// Source: Microsoft Learn, "Perform conditional operations using the Web API".
#[derive(Debug)]
pub struct IfChanged<R: Read> {
    retrieve: Retrieve<R>,
    etag: ETag,
}

impl<R: Read> Clone for IfChanged<R> {
    fn clone(&self) -> Self {
        IfChanged {
            retrieve: self.retrieve.clone(),
            etag: self.etag.clone(),
        }
    }
}

impl<R: Read> Operation for IfChanged<R> {
    type Output = Option<R::Row>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let request = self.retrieve.request_in(scope)?;
        Ok(request.header(IF_NONE_MATCH, headers::etag(&self.etag)?))
    }

    fn decode(&self, response: &Response) -> Result<Option<R::Row>> {
        if response.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        self.retrieve.decode(response).map(Some)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
