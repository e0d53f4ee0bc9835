//! The way of one pack of rows to the service, until it is known what became of each.

use std::collections::HashSet;
use std::time::Duration;

use http::StatusCode;
use uuid::Uuid;

use super::super::Client;
use super::super::send::Directed;
use super::pace::Pace;
use crate::error::{Error, Result};
use crate::op::{ExistingRows, PackForm, PackedRow, RowPack, RowWrite};
use crate::schema::TableName;
use crate::value::chance::random_part;

/// How often rows are sent again that got no answer, or were throttled by themselves; each time
/// after the retry policy has done what it may.
const MAX_ROUNDS: u32 = 8;

/// Writes packs.
pub(super) struct Writer {
    pub(super) client: Client,
    pub(super) table: TableName,
    pub(super) pace: Pace,
}

/// What became of a pack.
pub(super) struct Written<E> {
    pub(super) rows: Vec<(PackedRow<E>, Ended)>,
    /// Why the job cannot go on.
    pub(super) stop: Option<Error>,
}

/// What became of a row.
pub(super) enum Ended {
    /// For good.
    Settled(Result<()>),
    /// The job stopped: a later run has to look at it.
    Open(Error),
}

/// What an error says of the rows of its request.
enum Meaning {
    /// It is about a row.
    Refused,
    /// They were not executed, and may be sent after this wait.
    Throttled(Duration),
    /// They may have been executed.
    Doubt,
    /// No further request would fare better.
    Stop,
}

impl Meaning {
    fn of(error: &Error) -> Self {
        if error.is_invalid_input() {
            return Meaning::Refused;
        }
        if error.is_outcome_unknown() || error.is_decode() {
            return Meaning::Doubt;
        }
        match error.status() {
            Some(StatusCode::UNAUTHORIZED) | None => Meaning::Stop,
            // The table or message is not there, whatever the row.
            Some(StatusCode::NOT_FOUND) if !error.is_not_found() => Meaning::Stop,
            Some(StatusCode::TOO_MANY_REQUESTS) => {
                Meaning::Throttled(error.retry_after().unwrap_or(Duration::from_secs(1)))
            }
            Some(
                StatusCode::REQUEST_TIMEOUT
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT,
            ) => Meaning::Doubt,
            // The service tells a code with its own failures: this is of something before it.
            Some(StatusCode::INTERNAL_SERVER_ERROR) if error.code().is_none() => Meaning::Doubt,
            Some(_) => Meaning::Refused,
        }
    }
}

/// A pack on its way.
struct Way<'a, E> {
    writer: &'a Writer,
    form: PackForm,
    /// Rows to send, the next pack last.
    todo: Vec<Vec<PackedRow<E>>>,
    ended: Vec<(PackedRow<E>, Ended)>,
    rounds: u32,
}

impl Writer {
    /// Sends rows until it is known what became of each, or nothing more can be done.
    pub(super) async fn write<E: 'static>(
        &self,
        rows: Vec<PackedRow<E>>,
        form: PackForm,
    ) -> Written<E> {
        let mut way = Way {
            writer: self,
            form,
            todo: vec![rows],
            ended: Vec::new(),
            rounds: 0,
        };
        let mut stop = None;
        while let Some(rows) = way.todo.pop() {
            if let Err((rows, error)) = way.send(rows).await {
                way.give_up(rows, &error);
                stop = Some(error);
                break;
            }
        }
        Written {
            rows: way.ended,
            stop,
        }
    }

    /// Sends a pack when a server can take it; to another one if that refuses it for the time being.
    async fn send<E: 'static>(&self, pack: &RowPack<E>) -> Result<Vec<Result<()>>> {
        let inner = &self.client.inner;
        let mut refusals = 0;
        loop {
            let turn = self.pace.turn(&*inner.clock, pack.rows.len()).await;
            let mut directed = Directed {
                cookie: turn.cookie(),
                seen: None,
            };
            let sent = inner
                .execute_directed(pack, &self.client.options, &mut directed)
                .await;
            let refusal = sent.as_ref().err().filter(|error| {
                error.status() == Some(StatusCode::TOO_MANY_REQUESTS) && !error.is_outcome_unknown()
            });
            let Some(refusal) = refusal else {
                turn.end(directed.seen, sent.is_ok());
                return sent;
            };
            refusals += 1;
            let told = refusal.retry_after();
            let wait = told.unwrap_or_else(|| inner.retry.delay(refusals, random_part()));
            turn.refuse(directed.seen, wait);
            if refusals >= inner.retry.max_attempts || wait > inner.retry.time_limit {
                return sent;
            }
        }
    }

    /// Which of these rows exist.
    async fn existing(&self, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        let mut existing = HashSet::new();
        for ids in ids.chunks(ExistingRows::MAX_ASKED) {
            let question = ExistingRows {
                table: self.table.clone(),
                ids: ids.to_vec(),
            };
            existing.extend(self.client.execute(&question).await?);
        }
        Ok(existing)
    }
}

type Failed<E> = (Vec<PackedRow<E>>, Error);

impl<E: 'static> Way<'_, E> {
    /// Sends rows once. What became of them is in `ended`, or they are among `todo` again.
    ///
    /// Errors: nothing can be done; with the rows for which nothing is known.
    async fn send(&mut self, rows: Vec<PackedRow<E>>) -> Result<(), Failed<E>> {
        let rows = self.without_existing(rows).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let pack = RowPack {
            table: self.writer.table.clone(),
            form: self.form,
            boundary: Uuid::new_v4(),
            rows,
        };
        let sent = self.writer.send(&pack).await;
        let mut rows = pack.rows;
        let error = match sent {
            Ok(results) => return self.each(rows, results).await,
            Err(error) => error,
        };
        match Meaning::of(&error) {
            Meaning::Stop | Meaning::Throttled(_) => Err((rows, error)),
            Meaning::Doubt => {
                rows.iter_mut().for_each(doubt);
                self.again(rows, Duration::ZERO, error).await
            }
            Meaning::Refused if rows.len() == 1 => self.each(rows, vec![Err(error)]).await,
            Meaning::Refused => {
                self.isolate(rows, error);
                Ok(())
            }
        }
    }

    /// Settles the rows to create that an earlier request has created.
    async fn without_existing(
        &mut self,
        mut rows: Vec<PackedRow<E>>,
    ) -> Result<Vec<PackedRow<E>>, Failed<E>> {
        let ids: Vec<_> = rows
            .iter()
            .filter(|row| row.ask_first)
            .filter_map(created_id)
            .collect();
        if ids.is_empty() {
            return Ok(rows);
        }
        let existing = match self.writer.existing(&ids).await {
            Ok(existing) => existing,
            Err(error) => return Err((rows, error)),
        };
        let is_done = |row: &mut PackedRow<E>| {
            let asked = std::mem::take(&mut row.ask_first);
            asked && created_id(row).is_some_and(|id| existing.contains(&id))
        };
        let done: Vec<_> = rows.extract_if(.., is_done).collect();
        self.settle(done);
        Ok(rows)
    }

    /// Each row has a result of its own.
    async fn each(
        &mut self,
        rows: Vec<PackedRow<E>>,
        results: Vec<Result<()>>,
    ) -> Result<(), Failed<E>> {
        let mut again = Vec::new();
        let mut wait = Duration::ZERO;
        let mut last_error = None;
        for (mut row, result) in rows.into_iter().zip(results) {
            let Err(error) = result else {
                self.ended.push((row, Ended::Settled(Ok(()))));
                continue;
            };
            match Meaning::of(&error) {
                Meaning::Throttled(after) => wait = wait.max(after),
                Meaning::Doubt => {
                    wait = wait.max(error.retry_after().unwrap_or_default());
                    doubt(&mut row);
                }
                Meaning::Refused | Meaning::Stop => {
                    let result = self.refused(&row, error).await;
                    self.ended.push((row, result));
                    continue;
                }
            }
            again.push(row);
            last_error = Some(error);
        }
        match last_error {
            Some(error) => self.again(again, wait, error).await,
            None => Ok(()),
        }
    }

    /// What it means that a row was refused.
    async fn refused(&self, row: &PackedRow<E>, error: Error) -> Ended {
        let result = match &row.write {
            // Gone is what was asked for; an earlier request may have done it.
            RowWrite::Delete(_) if row.in_doubt && error.is_not_found() => Ok(()),
            RowWrite::Create(Some(id), _)
                if row.in_doubt || (row.has_own_key && error.is_duplicate()) =>
            {
                match self.writer.existing(&[id.uuid()]).await {
                    Ok(existing) if existing.is_empty() => Err(error),
                    Ok(_) => Ok(()),
                    Err(_) => return Ended::Open(error.with_outcome_unknown()),
                }
            }
            // Whatever is wrong with the repeat, the earlier request may have been executed.
            _ if row.in_doubt => Err(error.with_outcome_unknown()),
            _ => Err(error),
        };
        Ended::Settled(result)
    }

    /// One of the rows was refused, and with it all of them; of an elastic table some may have been
    /// written.
    fn isolate(&mut self, rows: Vec<PackedRow<E>>, error: Error) {
        let failures = error.bulk_failures();
        if !failures.is_empty() {
            let has_failed: HashSet<_> = failures
                .iter()
                .filter(|failure| failure.status.is_none_or(|status| status >= 400))
                .map(|failure| failure.index)
                .collect();
            let (mut failed, mut done) = (Vec::new(), Vec::new());
            for (place, row) in rows.into_iter().enumerate() {
                match has_failed.contains(&place) {
                    true => failed.push(row),
                    false => done.push(row),
                }
            }
            self.settle(done);
            // Alone, each tells its own reason.
            self.todo
                .extend(failed.into_iter().rev().map(|row| vec![row]));
            return;
        }
        let mut first = rows;
        if error.is_duplicate() {
            // Rows of a run that was killed before it could tell are among them.
            first
                .iter_mut()
                .for_each(|row| row.ask_first |= row.has_own_key);
        }
        let second = first.split_off(first.len() / 2);
        self.todo.push(second);
        self.todo.push(first);
    }

    async fn again(
        &mut self,
        rows: Vec<PackedRow<E>>,
        wait: Duration,
        error: Error,
    ) -> Result<(), Failed<E>> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return Err((rows, error));
        }
        if !wait.is_zero() {
            self.writer.client.inner.clock.sleep(wait).await;
        }
        self.todo.push(rows);
        Ok(())
    }

    fn settle(&mut self, rows: Vec<PackedRow<E>>) {
        let rows = rows.into_iter();
        self.ended
            .extend(rows.map(|row| (row, Ended::Settled(Ok(())))));
    }

    /// Nothing more can be done for these rows, and those that were to be sent after them.
    fn give_up(&mut self, rows: Vec<PackedRow<E>>, error: &Error) {
        let is_unknown = error.is_outcome_unknown();
        let current = rows.into_iter().map(|row| (row, is_unknown));
        let others = self.todo.drain(..).flatten().map(|row| (row, false));
        for (row, is_unknown) in current.chain(others) {
            let why = Error::not_run(format!("the bulk write stopped: {error}"));
            let why = match is_unknown || row.in_doubt {
                true => why.with_outcome_unknown(),
                false => why,
            };
            self.ended.push((row, Ended::Open(why)));
        }
    }
}

/// A request with the row may have been executed.
fn doubt<E>(row: &mut PackedRow<E>) {
    row.in_doubt = true;
    row.ask_first = true;
}

fn created_id<E>(row: &PackedRow<E>) -> Option<Uuid> {
    match &row.write {
        RowWrite::Create(id, _) => id.map(|id| id.uuid()),
        _ => None,
    }
}
