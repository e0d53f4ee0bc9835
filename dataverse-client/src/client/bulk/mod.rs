//! Bulk writes: any number of rows of one table, packed into few requests.

mod checkpoint;
mod outcomes;
mod pace;
mod pack_size;
mod progress;
mod route;
mod rows;
mod writer;

pub use checkpoint::BulkCheckpoint;
pub use outcomes::{BulkOutcome, BulkOutcomes};
pub use progress::BulkProgress;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;

use super::Client;
use crate::error::{Error, Result};
use crate::odata::CallOptions;
use crate::op::BulkRow;
use crate::schema::{AnyTable, Entity, TableName};
use outcomes::Settings;
use pace::Pace;
use rows::{IntoRows, Ready};
use writer::Writer;

type OnProgress = Box<dyn FnMut(&BulkProgress) + Send>;
type OnCheckpoint = Box<dyn FnMut(&BulkCheckpoint) -> std::io::Result<()> + Send>;

/// How rows go to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BulkMethod {
    /// In `CreateMultiple`, `UpdateMultiple` and `UpsertMultiple` where the table has them, which
    /// one query of `sdkmessagefilters` tells, and in `$batch` otherwise.
    #[default]
    Ask,
    /// In the `Multiple` messages, without asking. Deletes of standard tables go in `$batch`: they
    /// have no `DeleteMultiple`.
    Multiple,
    /// In `$batch`.
    Batch,
}

/// Creates, changes, upserts and deletes any number of rows of one table.
///
/// Rows are packed by number and bytes; several packs are on their way at once. Each row has an
/// outcome of its own: where one bad row fails a whole message, the message is split in halves until
/// the row is alone. What may have been executed is asked for before it is sent again, so that no
/// row is lost and none is there twice; rows to create get primary keys here.
///
/// Writes to one key are done in the order of the input; others in any order. (An upsert by an
/// alternate key and a write by the primary key are two keys.)
///
/// ```
/// # use dataverse_client::{Client, Entity, Id, New, Result};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account { accountid: Option<Id<Account>>, name: Option<String> }
/// # async fn f(client: &Client, names: Vec<String>) -> Result<()> {
/// let rows = names.into_iter().map(|name| New::new().set(Account::NAME, name));
/// let mut outcomes = client.bulk_write::<Account>().rows(rows)?;
/// while let Some(outcome) = outcomes.try_next().await? {
///     if let Err(error) = outcome.result {
///         eprintln!("row {}: {error}", outcome.index);
///     }
/// }
/// # Ok(()) }
/// ```
///
/// Shape: `POST accounts/Microsoft.Dynamics.CRM.CreateMultiple` and the like, or `POST $batch` with
/// `Prefer: odata.continue-on-error`.
/// Units: 100 rows in the first requests, then as many as make what a request itself takes 2 % of
/// its time, but at most 1,000, 8 MB, and 5 seconds; 8 requests at a time, then as many as the
/// service recommends, at most 52 to each of its web servers. The last rows are shared out so that
/// all requests end together: in shorter packs, as long as a request itself takes no more than
/// about a quarter of its time, of 25 rows before that is known. To see the end in time, rows are
/// read ahead, as many as the requests at a time have to do and at most 4 times the bytes of a
/// pack; a row that is not there yet is not waited for. Requests go to each of the service's web
/// servers for itself, recognised by its cookie, as far as that one's limits reach: 6,000 requests
/// and 20 minutes of execution within 5 minutes. One that refuses is left alone for as long as it
/// says.
/// Errors: a row's own is in its outcome. The whole job ends with an error if no further request
/// would fare better (no connection, no valid token, throttled for longer than the retry policy
/// waits); a [checkpoint](BulkOutcomes::checkpoint) then tells where to go on.
/// Source: Microsoft Learn, "Use bulk operation messages", "Execute batch operations using the Web
/// API", "Optimize performance for bulk operations".
#[must_use = "nothing is sent before rows are given"]
pub struct BulkWrite<E> {
    writer: Writer,
    settings: Settings,
    first_index: u64,
    checkpoint: Option<BulkCheckpoint>,
    on_progress: Option<OnProgress>,
    on_checkpoint: Option<OnCheckpoint>,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: 'static> BulkWrite<E> {
    pub(super) fn new(client: &Client, table: TableName) -> Self {
        let settings = Settings::default();
        BulkWrite {
            writer: Writer {
                client: client.clone(),
                table,
                pace: Pace::new(&settings),
            },
            settings,
            first_index: 0,
            checkpoint: None,
            on_progress: None,
            on_checkpoint: None,
            entity: std::marker::PhantomData,
        }
    }

    /// How rows go to the service.
    pub fn method(mut self, method: BulkMethod) -> Self {
        self.settings.method = method;
        self
    }

    /// Options of every request; see [`CallOptions`].
    pub fn with(mut self, options: CallOptions) -> Self {
        self.writer.client = self.writer.client.with(options);
        self
    }

    /// The table is elastic: packs of at most 100 rows, some of which may fail without the others,
    /// and deletes in `DeleteMultiple`.
    pub fn elastic(mut self) -> Self {
        self.settings.is_elastic = true;
        self.pack_rows(100)
    }

    /// At most so many rows in one request; 1 to 1,000.
    pub fn pack_rows(mut self, rows: usize) -> Self {
        self.settings.pack_rows = rows;
        self
    }

    /// At most about so many bytes of rows in one request. A row that is longer goes alone.
    pub fn pack_bytes(mut self, bytes: usize) -> Self {
        self.settings.pack_bytes = bytes;
        self
    }

    /// How long one request should take: packs grow and shrink towards it. The service ends a
    /// message after two minutes.
    pub fn pack_time(mut self, time: Duration) -> Self {
        self.settings.pack_time = time;
        self
    }

    /// At most so many requests at a time; at least 1. Unless said, as many as the service
    /// recommends.
    pub fn parallel(mut self, requests: usize) -> Self {
        self.settings.parallel = Some(requests);
        self
    }

    /// Gives outcomes in the order of the input, not as they come. A slow request then holds up
    /// those after it.
    pub fn in_order(mut self) -> Self {
        self.settings.in_order = true;
        self
    }

    /// Goes on with a job that stopped: give it the same rows in the same order. Rows that are
    /// settled are passed over; those that may have been sent are looked for first.
    pub fn resume(mut self, checkpoint: BulkCheckpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// The place in the whole input of the first row that is given. For an input that can seek, to
    /// where the [first open row](BulkCheckpoint::first_open) of a checkpoint is.
    pub fn first_index(mut self, index: u64) -> Self {
        self.first_index = index;
        self
    }

    /// Calls `callback` when requests are sent, and when they are answered.
    pub fn on_progress(mut self, callback: impl FnMut(&BulkProgress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Calls `callback` before every request and at the end, to store how far the job is. A job that
    /// goes on from the last that was stored loses no row and doubles none, whenever it was killed;
    /// some outcomes may be told again.
    ///
    /// Nothing more is sent if it fails.
    pub fn on_checkpoint(
        mut self,
        callback: impl FnMut(&BulkCheckpoint) -> std::io::Result<()> + Send + 'static,
    ) -> Self {
        self.on_checkpoint = Some(Box::new(callback));
        self
    }

    /// Writes these rows. Nothing is sent until an outcome is asked for.
    ///
    /// Errors: settings that cannot be; a table without a known primary key; a checkpoint of another
    /// table.
    pub fn rows<R>(
        self,
        rows: impl IntoIterator<Item = R, IntoIter: Send + 'static>,
    ) -> Result<BulkOutcomes<E>>
    where
        R: Into<BulkRow<E>>,
    {
        self.stream(Ready(rows.into_iter()))
    }

    /// The same, of rows that come when they come.
    pub fn stream<R>(self, rows: impl Stream<Item = R> + Send + 'static) -> Result<BulkOutcomes<E>>
    where
        R: Into<BulkRow<E>>,
    {
        self.check()?;
        let table = &self.writer.table;
        let checkpoint = match self.checkpoint {
            Some(checkpoint) => {
                checkpoint.check(table)?;
                checkpoint
            }
            None => BulkCheckpoint::new(table, self.writer.client.inner.clock.now()),
        };
        if self.first_index > checkpoint.first_open() {
            return Err(Error::input(format!(
                "the rows are said to begin with row {}, but row {} has no outcome yet",
                self.first_index,
                checkpoint.first_open()
            )));
        }
        let mut writer = self.writer;
        writer.pace = Pace::new(&self.settings);
        Ok(BulkOutcomes::new(
            Arc::new(writer),
            self.settings,
            Box::pin(IntoRows::new(rows)),
            self.first_index,
            checkpoint,
            (self.on_progress, self.on_checkpoint),
        ))
    }

    fn check(&self) -> Result<()> {
        let settings = &self.settings;
        if !(1..=MAX_ROWS).contains(&settings.pack_rows) {
            return Err(Error::input(format!(
                "packs of {} rows: 1 to {MAX_ROWS} can be sent in one request",
                settings.pack_rows
            )));
        }
        if settings.parallel == Some(0) || settings.pack_time.is_zero() {
            return Err(Error::input(
                "a bulk write of 0 requests at a time, or of 0 seconds for each, would never end",
            ));
        }
        if self.writer.table.known_primary_id().is_none() {
            return Err(Error::input(format!(
                "a bulk write of `{}`: the name of the primary key is not known, so that nothing \
                 could tell which rows were written; say it with `TableName::primary_id`",
                self.writer.table.shown()
            )));
        }
        Ok(())
    }
}

/// Operations in a `$batch`; more rows in a bulk message would hardly be faster.
/// Source: Microsoft Learn, "Execute batch operations using the Web API".
const MAX_ROWS: usize = 1000;

impl Client {
    /// Creates, changes, upserts and deletes any number of rows; see [`BulkWrite`].
    pub fn bulk_write<E: Entity>(&self) -> BulkWrite<E> {
        BulkWrite::new(self, TableName::of::<E>())
    }
}

impl super::NamedTable {
    /// Creates, changes, upserts and deletes any number of rows; see [`BulkWrite`].
    pub fn bulk_write(&self) -> BulkWrite<AnyTable> {
        BulkWrite::new(self.client(), self.name().clone())
    }
}

impl<E> fmt::Debug for BulkWrite<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkWrite")
            .field("table", &self.writer.table)
            .field("settings", &self.settings)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}
