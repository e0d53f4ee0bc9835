//! A bulk write on its way.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::Stream;

use super::route::Route;
use super::writer::{Ended, Writer, Written};
use super::{BulkCheckpoint, BulkMethod, BulkProgress, OnCheckpoint, OnProgress};
use crate::error::{Error, Result};
use crate::op::{BulkRow, PackForm, PackedRow, RowWrite};
use crate::schema::{Key, KeyKind};
use crate::value::json::Reader;
use crate::value::{Id, Scalar};

/// What became of one row.
#[derive(Debug)]
#[non_exhaustive]
pub struct BulkOutcome<E> {
    /// Its place in the input, from 0.
    pub index: u64,
    /// What identifies it: of a row that was created, its primary key.
    pub key: Key<E>,
    /// Whether it was written. An error is final unless the job ends with it;
    /// [`is_outcome_unknown`](Error::is_outcome_unknown) says whether the row may have been written
    /// nevertheless.
    pub result: Result<()>,
}

/// How a bulk write works.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) method: BulkMethod,
    pub(super) is_elastic: bool,
    pub(super) pack_rows: usize,
    pub(super) pack_bytes: usize,
    pub(super) pack_time: Duration,
    /// As many as the service recommends, unless said.
    pub(super) parallel: Option<usize>,
    pub(super) in_order: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            method: BulkMethod::Ask,
            is_elastic: false,
            pack_rows: 1000,
            pack_bytes: 8 << 20,
            pack_time: Duration::from_secs(5),
            parallel: None,
            in_order: false,
        }
    }
}

/// The outcomes of a bulk write. Also a [`Stream`].
///
/// Requests are sent while an outcome is waited for. Dropping it stops the job: what was sent may
/// still be executed.
#[must_use = "nothing is sent until outcomes are asked for"]
pub struct BulkOutcomes<E> {
    writer: Arc<Writer>,
    settings: Settings,
    input: Option<Pin<Box<dyn Stream<Item = BulkRow<E>> + Send>>>,
    /// Place of the next row of the input.
    next_index: u64,
    /// Rows of the input that wait for a pack, the next one first.
    ahead: VecDeque<PackedRow<E>>,
    /// About how long they are.
    ahead_bytes: usize,
    /// Packs that are being filled.
    open: Vec<OpenPack<E>>,
    in_flight: Vec<Pin<Box<dyn Future<Output = Written<E>> + Send>>>,
    /// Keys of rows that are packed and not ended.
    busy: HashSet<KeyKind>,
    ready: Finished<E>,
    route: Route,
    checkpoint: BulkCheckpoint,
    progress: BulkProgress,
    started: Option<SystemTime>,
    on_progress: Option<OnProgress>,
    on_checkpoint: Option<OnCheckpoint>,
    /// Why nothing more is sent.
    stop: Option<Error>,
    is_over: bool,
}

struct OpenPack<E> {
    form: PackForm,
    rows: Vec<PackedRow<E>>,
    bytes: usize,
}

impl<E: 'static> OpenPack<E> {
    /// What is more than so many rows.
    fn split_off(&mut self, rows: usize) -> Option<Self> {
        if self.rows.len() <= rows {
            return None;
        }
        let rest = self.rows.split_off(rows);
        let bytes = rest.iter().map(|row| row.write.approximate_len()).sum();
        self.bytes -= bytes;
        Some(OpenPack {
            form: self.form,
            rows: rest,
            bytes,
        })
    }
}

/// Outcomes to hand out.
struct Finished<E> {
    in_order: bool,
    /// The next place to hand out, if in order.
    next: u64,
    queue: VecDeque<(BulkOutcome<E>, bool)>,
    waiting: BTreeMap<u64, (BulkOutcome<E>, bool)>,
}

/// Outcomes that may wait for a slow one before it, in packs.
const MAX_WAITING: usize = 32;

/// How many bytes of rows may wait for a pack, in packs.
const MAX_AHEAD: usize = 4;

impl<E: 'static> BulkOutcomes<E> {
    pub(super) fn new(
        writer: Arc<Writer>,
        settings: Settings,
        input: Pin<Box<dyn Stream<Item = BulkRow<E>> + Send>>,
        first_index: u64,
        checkpoint: BulkCheckpoint,
        (on_progress, on_checkpoint): (Option<OnProgress>, Option<OnCheckpoint>),
    ) -> Self {
        let route = Route::new(
            &writer.client,
            &writer.table,
            settings.method,
            settings.is_elastic,
        );
        BulkOutcomes {
            ready: Finished {
                in_order: settings.in_order,
                next: checkpoint.first_open(),
                queue: VecDeque::new(),
                waiting: BTreeMap::new(),
            },
            writer,
            settings,
            input: Some(input),
            next_index: first_index,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            open: Vec::new(),
            in_flight: Vec::new(),
            busy: HashSet::new(),
            route,
            checkpoint,
            progress: BulkProgress::default(),
            started: None,
            on_progress,
            on_checkpoint,
            stop: None,
            is_over: false,
        }
    }

    /// The next outcome; None after the last.
    ///
    /// Errors: the job cannot go on. Every row that was taken from the input has got its outcome
    /// then.
    pub async fn try_next(&mut self) -> Result<Option<BulkOutcome<E>>> {
        poll_fn(|context| self.poll_outcome(context))
            .await
            .transpose()
    }

    /// Waits for the end; gives the outcomes of the rows that failed.
    ///
    /// Errors: the job cannot go on.
    pub async fn failures(&mut self) -> Result<Vec<BulkOutcome<E>>> {
        let mut failures = Vec::new();
        while let Some(outcome) = self.try_next().await? {
            if outcome.result.is_err() {
                failures.push(outcome);
            }
        }
        Ok(failures)
    }

    /// How far it is: what a later run needs to go on after the outcomes that were taken so far.
    pub fn checkpoint(&self) -> &BulkCheckpoint {
        &self.checkpoint
    }

    /// How it is getting on.
    pub fn progress(&self) -> BulkProgress {
        let elapsed = self.started.map(|started| {
            let now = self.writer.client.inner.clock.now();
            now.duration_since(started).unwrap_or_default()
        });
        BulkProgress {
            elapsed: elapsed.unwrap_or_default(),
            ..self.progress
        }
    }

    fn poll_outcome(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<BulkOutcome<E>>>> {
        if self.started.is_none() {
            self.started = Some(self.writer.client.inner.clock.now());
        }
        loop {
            if let Some((outcome, is_settled)) = self.ready.pop() {
                if is_settled {
                    let is_failure = outcome.result.is_err();
                    self.checkpoint.settle(outcome.index, is_failure);
                }
                return Poll::Ready(Some(Ok(outcome)));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            if self.poll_in_flight(context) {
                continue;
            }
            if self.stop.is_none()
                && let Err(error) = self.fill(context)
            {
                self.stop = Some(error);
            }
            if !self.in_flight.is_empty() {
                if self.poll_in_flight(context) {
                    continue;
                }
                return Poll::Pending;
            }
            if self.stop.is_some() {
                self.drop_unsent();
                if !self.ready.is_empty() {
                    self.ready.flush();
                    continue;
                }
            } else if self.input.is_some() || !self.ahead.is_empty() {
                return Poll::Pending;
            }
            return Poll::Ready(self.end().map(Err));
        }
    }

    /// Nothing is left to send.
    fn end(&mut self) -> Option<Error> {
        self.is_over = true;
        let saved = self.save();
        self.stop.take().or(saved.err())
    }

    fn save(&mut self) -> Result<()> {
        match &mut self.on_checkpoint {
            Some(save) => save(&self.checkpoint)
                .map_err(|error| Error::io("the checkpoint of a bulk write was not stored", error)),
            None => Ok(()),
        }
    }

    fn tell(&mut self) {
        let progress = self.progress();
        if let Some(tell) = &mut self.on_progress {
            tell(&progress);
        }
    }

    /// Whether a pack has ended.
    fn poll_in_flight(&mut self, context: &mut Context<'_>) -> bool {
        let mut written = Vec::new();
        self.in_flight
            .retain_mut(|pack| match pack.as_mut().poll(context) {
                Poll::Ready(pack) => {
                    written.push(pack);
                    false
                }
                Poll::Pending => true,
            });
        let has_ended = !written.is_empty();
        for pack in written {
            self.take_in(pack);
        }
        if has_ended {
            self.tell();
        }
        has_ended
    }

    fn take_in(&mut self, pack: Written<E>) {
        let rows = pack.rows.len() as u64;
        self.progress.in_flight = self.progress.in_flight.saturating_sub(rows);
        for (row, ended) in pack.rows {
            let key = row.key();
            if !row.has_own_key {
                self.busy.remove(key.kind());
            }
            let (result, is_settled) = match ended {
                Ended::Settled(result) => (result, true),
                Ended::Open(error) => (Err(error), false),
            };
            match (&result, is_settled) {
                (Ok(()), _) => self.progress.written += 1,
                (Err(_), true) => self.progress.failed += 1,
                (Err(_), false) => {}
            }
            let index = row.index;
            let outcome = BulkOutcome { index, key, result };
            self.ready.push(outcome, is_settled, &self.checkpoint);
        }
        if self.stop.is_none() {
            self.stop = pack.stop;
        }
    }

    /// Takes rows and sends packs, as far as there is room.
    ///
    /// Errors: the job cannot go on.
    fn fill(&mut self, context: &mut Context<'_>) -> Result<()> {
        match self.route.poll_known(context) {
            Poll::Pending => return Ok(()),
            Poll::Ready(known) => known?,
        }
        loop {
            let now = self.writer.client.inner.clock.now();
            let plan = self.writer.pace.plan(now, self.progress.in_flight);
            // There is a place for one at least.
            if !self.in_flight.is_empty() && self.in_flight.len() >= plan.places {
                return Ok(());
            }
            if !self.ready.has_room(plan.full) {
                // The outcome that all wait for may be of a row in an open pack.
                match self.oldest() {
                    Some(place) => {
                        self.send(place, plan.full)?;
                        continue;
                    }
                    None if self.in_flight.is_empty() => {}
                    None => return Ok(()),
                }
            }
            let is_waiting = self.look_ahead(plan.ahead(), context)?.is_pending();
            let rows = match self.input {
                Some(_) => plan.full,
                None => plan.share(self.unsent()),
            };
            if let Some(place) = self.next_pack(rows) {
                self.writer.pace.packed();
                self.send(place, rows)?;
                continue;
            }
            if !self.ahead.is_empty() {
                // After the row that has the same key.
                return Ok(());
            }
            if self.input.is_some() && !is_waiting {
                continue;
            }
            // Rows that are here need not wait for those that are not.
            match self.oldest() {
                Some(place) if self.input.is_none() || self.in_flight.is_empty() => {
                    self.send(place, rows)?;
                }
                _ => return Ok(()),
            }
            if is_waiting {
                return Ok(());
            }
        }
    }

    /// Takes rows from the input until so many are known; pending if the next one is not there yet.
    fn look_ahead(&mut self, rows: usize, context: &mut Context<'_>) -> Result<Poll<()>> {
        let most = MAX_AHEAD.saturating_mul(self.settings.pack_bytes);
        while self.ahead.is_empty() || (self.ahead.len() < rows && self.ahead_bytes < most) {
            match self.poll_row(context)? {
                Poll::Ready(Some(row)) => {
                    self.ahead_bytes += row.write.approximate_len();
                    self.ahead.push_back(row);
                }
                Poll::Ready(None) => break,
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Rows that were taken from the input, and not sent.
    fn unsent(&self) -> usize {
        let open = self.open.iter().map(|pack| pack.rows.len());
        self.ahead.len() + open.sum::<usize>()
    }

    /// Puts rows into the packs for their kinds until one is full, which has so many rows, or must go
    /// before the next row.
    fn next_pack(&mut self, rows: usize) -> Option<usize> {
        let is_full = |pack: &OpenPack<E>| pack.rows.len() >= rows;
        if let Some(place) = self.open.iter().position(is_full) {
            return Some(place);
        }
        while let Some(row) = self.ahead.front() {
            // No other row can have the key that was made for this one.
            if !row.has_own_key && self.busy.contains(row.key().kind()) {
                return self.oldest();
            }
            let form = self.route.form(row.write.kind());
            let bytes = row.write.approximate_len();
            let place = match self.open.iter().position(|pack| pack.form == form) {
                Some(place) => place,
                None => {
                    self.open.push(OpenPack {
                        form,
                        rows: Vec::new(),
                        bytes: 0,
                    });
                    self.open.len() - 1
                }
            };
            let pack = self.open.get_mut(place)?;
            if !pack.rows.is_empty() && pack.bytes + bytes > self.settings.pack_bytes {
                return Some(place);
            }
            let row = self.ahead.pop_front()?;
            self.ahead_bytes = self.ahead_bytes.saturating_sub(bytes);
            if !row.has_own_key {
                self.busy.insert(row.key().into_kind());
            }
            pack.rows.push(row);
            pack.bytes += bytes;
            if pack.rows.len() >= rows {
                return Some(place);
            }
        }
        None
    }

    /// The open pack that has waited longest.
    fn oldest(&self) -> Option<usize> {
        let packs = self.open.iter().enumerate();
        let oldest = packs.min_by_key(|(_, pack)| pack.rows.first().map(|row| row.index));
        oldest.map(|(place, _)| place)
    }

    /// Sends the first rows of a pack, at most so many. What may be on its way is stored first.
    fn send(&mut self, place: usize, rows: usize) -> Result<()> {
        let pack = self.open.get_mut(place);
        if let Some(rest) = pack.and_then(|pack| pack.split_off(rows)) {
            self.open.push(rest);
        }
        for row in self
            .open
            .iter()
            .skip(place)
            .take(1)
            .flat_map(|pack| &pack.rows)
        {
            self.checkpoint.take(row.index);
        }
        self.save()?;
        let pack = self.open.swap_remove(place);
        self.progress.in_flight += pack.rows.len() as u64;
        let writer = Arc::clone(&self.writer);
        let written = async move { writer.write(pack.rows, pack.form).await };
        self.in_flight.push(Box::pin(written));
        self.tell();
        Ok(())
    }

    /// The next row of the input that has no outcome yet.
    fn poll_row(&mut self, context: &mut Context<'_>) -> Result<Poll<Option<PackedRow<E>>>> {
        loop {
            let Some(input) = &mut self.input else {
                return Ok(Poll::Ready(None));
            };
            let row = match input.as_mut().poll_next(context) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Some(row)) => row,
                Poll::Ready(None) => {
                    self.input = None;
                    return Ok(Poll::Ready(None));
                }
            };
            let index = self.next_index;
            self.next_index += 1;
            if self.checkpoint.is_settled(index) {
                self.progress.skipped += 1;
                continue;
            }
            return self.packed(index, row).map(|row| Poll::Ready(Some(row)));
        }
    }

    fn packed(&self, index: u64, row: BulkRow<E>) -> Result<PackedRow<E>> {
        let in_doubt = self.checkpoint.may_have_been_sent(index);
        let mut has_own_key = false;
        let write = match row.write {
            RowWrite::Create(id, columns) => {
                let primary_id = self.writer.table.known_primary_id();
                let own = primary_id.and_then(|column| columns.members().json_of(column));
                let id = match own.and_then(id_in).or(id) {
                    Some(id) => id,
                    None => {
                        has_own_key = true;
                        Id::new(self.checkpoint.key_of(index)?)
                    }
                };
                RowWrite::Create(Some(id), columns)
            }
            other => other,
        };
        Ok(PackedRow {
            index,
            write,
            in_doubt,
            ask_first: in_doubt,
            has_own_key,
        })
    }

    /// Rows that were taken and not sent, after a stop: a later run sends them.
    fn drop_unsent(&mut self) {
        self.input = None;
        let open = std::mem::take(&mut self.open);
        let rows = open.into_iter().flat_map(|pack| pack.rows);
        let rows: Vec<_> = rows.chain(std::mem::take(&mut self.ahead)).collect();
        for row in rows {
            let outcome = BulkOutcome {
                index: row.index,
                key: row.key(),
                result: Err(Error::not_run(
                    "not sent: the bulk write stopped before this row",
                )),
            };
            self.ready.push(outcome, false, &self.checkpoint);
        }
    }
}

/// A primary key as it stands among the columns.
fn id_in<E>(json: &str) -> Option<Id<E>> {
    match Reader::new(json).scalar().ok()? {
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

impl<E: 'static> Finished<E> {
    fn push(&mut self, outcome: BulkOutcome<E>, is_settled: bool, checkpoint: &BulkCheckpoint) {
        if !self.in_order {
            self.queue.push_back((outcome, is_settled));
            return;
        }
        self.waiting.insert(outcome.index, (outcome, is_settled));
        while let Some(outcome) = self.waiting.remove(&self.next) {
            self.queue.push_back(outcome);
            self.next = checkpoint.next_open(self.next + 1);
        }
    }

    fn pop(&mut self) -> Option<(BulkOutcome<E>, bool)> {
        self.queue.pop_front()
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.waiting.is_empty()
    }

    /// Rows before these have no outcome and will not get one.
    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.queue.extend(waiting.into_values());
    }

    fn has_room(&self, pack_rows: usize) -> bool {
        self.waiting.len() < MAX_WAITING * pack_rows
    }
}

impl<E: 'static> Stream for BulkOutcomes<E> {
    type Item = Result<BulkOutcome<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_outcome(context)
    }
}

// No field is pinned: input and requests are boxed.
impl<E> Unpin for BulkOutcomes<E> {}

impl<E> fmt::Debug for BulkOutcomes<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkOutcomes")
            .field("table", &self.writer.table)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
