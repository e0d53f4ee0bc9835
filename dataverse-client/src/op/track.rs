//! Change tracking: what was created, changed and deleted since the last time.

use std::marker::PhantomData;

use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::count::read_count;
use super::read::{Read, Wanted};
use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::expansion::names;
use crate::odata::headers::Prefer;
use crate::odata::url::{Query, entity_set};
use crate::odata::{NextLink, Request, Response, Target};
use crate::schema::{AnyRow, Entity, Record, TableName};
use crate::value::Id;

/// Up to where changes were read. Opaque; it can be stored, and used on the org it came from.
///
/// There is one only when all changes up to it have been read. It lasts as long as the org keeps
/// changes: seven days unless the org says otherwise.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeltaToken(String);

impl DeltaToken {
    /// Its `$deltatoken=…`.
    ///
    /// Errors: it is no link of the service, or one of another table: its rows would be taken for
    /// rows of this one.
    fn option(&self, table: &TableName) -> Result<&str> {
        let (path, options) = self.0.split_once('?').unwrap_or_default();
        let is_token = |option: &&str| {
            let name = option.split('=').next().unwrap_or_default();
            name.eq_ignore_ascii_case("$deltatoken") || name.eq_ignore_ascii_case("%24deltatoken")
        };
        let option = options.split('&').find(is_token).ok_or_else(|| {
            Error::input(
                "this delta token is no link of the service: it holds no `$deltatoken`; begin \
                 without one",
            )
        })?;
        let of = path.rsplit('/').next().unwrap_or_default();
        match of == table.entity_set() {
            true => Ok(option),
            false => Err(Error::input(format!(
                "the delta token is of `{of}`, not of `{}`: go on with the table that it was given \
                 for, or begin without a token",
                table.entity_set()
            ))),
        }
    }
}

impl std::fmt::Debug for DeltaToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeltaToken(…)")
    }
}

/// One change of a row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change<T, E> {
    /// The row was created or changed; it is as it is now.
    Upserted(T),
    /// The row was deleted. It may never have been read: created and deleted in between.
    Deleted(Id<E>),
    /// The token had expired, and every row follows: what is kept from before and does not come
    /// now is gone. Only if asked for; see
    /// [`resync_if_expired`](crate::Call::resync_if_expired).
    Resync,
}

/// Changes of rows read as `R`.
pub type ChangeOf<R> = Change<<R as Read>::Row, <R as Read>::Entity>;

/// One page of changes.
pub struct ChangePage<R: Read> {
    /// Created and changed rows, then deleted ones.
    pub changes: Vec<ChangeOf<R>>,
    /// Where the next page is; None on the last.
    pub next: Option<NextLink>,
    /// Where to go on the next time; only on the last page.
    pub token: Option<DeltaToken>,
}

impl<R: Read> std::fmt::Debug for ChangePage<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangePage")
            .field("changes", &self.changes.len())
            .field("next", &self.next)
            .field("token", &self.token)
            .finish()
    }
}

/// Reads what changed in a table: without a token every row, and a token to begin with.
///
/// Shape: `GET accounts?$select=…` with `Prefer: odata.track-changes`; then the delta link of the
/// last answer. The service takes no filter, order or related rows.
/// Units: one request is one page of at most 5,000 changes.
/// Errors: `is_token_expired` if the org no longer has the changes since the token;
/// `is_invalid_input` if it is the token of another table.
/// Source: Microsoft Learn, "Use change tracking to synchronize data with external systems".
pub struct TrackChanges<R: Read> {
    table: TableName,
    wanted: Wanted,
    page_size: Option<u32>,
    since: Option<DeltaToken>,
    next: Option<NextLink>,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> TrackChanges<R> {
    /// Every row of the table, to begin with.
    pub fn new() -> Self {
        TrackChanges::of_table(TableName::of::<R::Entity>())
    }
}

impl<R: Record> Default for TrackChanges<R> {
    fn default() -> Self {
        TrackChanges::new()
    }
}

impl TrackChanges<AnyRow> {
    /// Every row of a table that is only known at run time, to begin with.
    pub fn from_table(table: TableName) -> Self {
        TrackChanges::of_table(table)
    }

    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(names(columns));
        self
    }
}

impl<R: Read> TrackChanges<R> {
    fn of_table(table: TableName) -> Self {
        TrackChanges {
            table,
            wanted: Wanted::default(),
            page_size: None,
            since: None,
            next: None,
            record: PhantomData,
        }
    }

    /// Only what changed since `token` was given. The columns are those of the time before: the
    /// token says them.
    #[must_use]
    pub fn since(mut self, token: impl Into<Option<DeltaToken>>) -> Self {
        self.since = token.into();
        self
    }

    /// At most so many changes in a page; 1 to 5,000.
    #[must_use]
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_size = Some(rows);
        self
    }

    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.wanted.annotations = true;
        self
    }

    /// The same, from the page at `next` on.
    #[must_use]
    pub fn from_page(mut self, next: NextLink) -> Self {
        self.next = Some(next);
        self
    }

    pub(crate) fn restarted(self) -> Self {
        TrackChanges {
            since: None,
            next: None,
            ..self
        }
    }

    pub(crate) fn shown(&self) -> &str {
        self.table.shown()
    }

    pub(crate) fn has_token(&self) -> bool {
        self.since.is_some()
    }

    fn target(&self) -> Result<Target> {
        if let Some(next) = &self.next {
            return Ok(Target::Link(next.0.clone()));
        }
        if let Some(token) = &self.since {
            token.option(&self.table)?;
            return Ok(Target::Link(token.0.clone()));
        }
        let mut query = Query::of(entity_set(self.table.entity_set())?);
        let [select, expand] = R::options(&self.wanted)?;
        if expand.is_some() {
            return Err(Error::input(format!(
                "changes of `{}`: the service takes no related rows here; read them by themselves",
                self.shown()
            )));
        }
        if let Some(select) = select {
            query.option("$select", &select);
        }
        Ok(Target::Path(query.into_string()))
    }
}

impl<R: Read> Clone for TrackChanges<R> {
    fn clone(&self) -> Self {
        TrackChanges {
            table: self.table.clone(),
            wanted: self.wanted.clone(),
            since: self.since.clone(),
            next: self.next.clone(),
            ..*self
        }
    }
}

impl<R: Read> std::fmt::Debug for TrackChanges<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrackChanges")
            .field("table", &self.table)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Operation for TrackChanges<R> {
    type Output = ChangePage<R>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut request = Request::new(Method::GET, String::new());
        request.target = self.target()?;
        let mut prefer = Prefer::default();
        prefer.track_changes();
        if let Some(rows) = self.page_size {
            prefer.max_page_size(self.shown(), rows)?;
        }
        self.wanted.prefer::<R>(prefer, &mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<ChangePage<R>> {
        let body = &response.success()?.body;
        let mut deleted = Vec::new();
        let page = R::read_page(body, Some(&mut deleted))?;
        if page.next.is_none() && page.delta.is_none() {
            return Err(Error::decode(format!(
                "changes of `{}`: the answer has neither a next page nor a token; is change \
                 tracking switched on for the table?",
                self.shown()
            )));
        }
        let upserted = page.rows.into_iter().map(Change::Upserted);
        let deleted = deleted.into_iter().map(|id| Change::Deleted(Id::new(id)));
        Ok(ChangePage {
            changes: upserted.chain(deleted).collect(),
            token: page.delta.map(DeltaToken),
            next: page.next,
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Counts the changes since a token.
///
/// Shape: `GET accounts/$count?$deltatoken=…`.
/// Units: changed rows.
#[derive(Debug, Clone)]
pub struct CountChanges {
    table: TableName,
    since: DeltaToken,
}

impl CountChanges {
    /// Counts the changes of `E` since `token` was given.
    pub fn of<E: Entity>(token: DeltaToken) -> Self {
        CountChanges::of_table(TableName::of::<E>(), token)
    }

    /// The same of a table that is only known at run time.
    pub fn of_table(table: TableName, token: DeltaToken) -> Self {
        CountChanges {
            table,
            since: token,
        }
    }
}

impl Operation for CountChanges {
    type Output = u64;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let token = self.since.option(&self.table)?;
        let path = format!("{}/$count?{token}", entity_set(self.table.entity_set())?);
        Ok(Request::get(path).header(ACCEPT, HeaderValue::from_static("text/plain")))
    }

    fn decode(&self, response: &Response) -> Result<u64> {
        read_count(&response.success()?.body)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
