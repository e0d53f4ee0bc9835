//! Pages, rows, changes, exports and bulk writes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use dataverse_client::schema::TableName;
use dataverse_client::value::ValueKind;
use dataverse_client::{BulkOutcomes, BulkWrite, Call, Change, ParquetFormat, Query, RowFormat};
use dataverse_tests::tables::{Account, AccountCard};
use futures_core::Stream;
use tokio::io::AsyncWrite;

use super::{World, account, finish, finish_by_dropping, poll_times};

const ROWS: usize = 7;

/// An org with seven rows of one name.
fn world() -> World {
    let world = World::new();
    world.create("row", ROWS);
    world
}

fn query(world: &World) -> Call<Query<AccountCard>> {
    let query = world.client.query::<AccountCard>();
    query.filter(Account::NAME.eq("row")).page_size(3)
}

/// How many requests were sent for pages of accounts.
fn requests(world: &World) -> usize {
    let all = world.emulator.requests();
    let pages = all.iter().filter(|sent| sent.target.contains("/accounts?"));
    pages.count()
}

/// The next of a stream.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// Takes all of a stream by waits each of which is dropped after one poll.
fn all_by_dropping<S, T, E: std::fmt::Debug>(
    stream: &mut S,
    mut wait: impl FnMut(&mut S) -> Option<Result<Option<T>, E>>,
) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(one) = finish_by_dropping(|| wait(stream)).unwrap() {
        all.push(one);
    }
    all
}

#[test]
fn a_dropped_wait_for_rows_loses_none_and_asks_for_nothing_twice() {
    let world = world();
    let mut rows = query(&world).rows();
    let all = all_by_dropping(&mut rows, |rows| poll_times(rows.try_next(), 1));
    assert_eq!((all.len(), requests(&world)), (ROWS, 3));
    let mut pages = query(&world).pages();
    let all = all_by_dropping(&mut pages, |pages| poll_times(pages.try_next(), 1));
    assert_eq!((all.len(), requests(&world)), (3, 6));
    let mut rows = query(&world).rows();
    let all = all_by_dropping(&mut rows, |rows| {
        poll_times(next(rows), 1).map(Option::transpose)
    });
    assert_eq!((all.len(), requests(&world)), (ROWS, 9));
}

#[test]
fn rows_that_are_dropped_leave_no_request() {
    let world = world();
    world.drop_everywhere(|polls| {
        let rows = query(&world).rows().collect();
        let done = poll_times(rows, polls).map(Result::unwrap);
        assert!(done.as_ref().is_none_or(|rows| rows.len() == ROWS));
        done.is_some()
    });
    world.drop_everywhere(|polls| {
        let mut pages = query(&world).pages();
        let all = async { while next(&mut pages).await.transpose().unwrap().is_some() {} };
        poll_times(all, polls).is_some()
    });
}

#[test]
fn a_dropped_wait_for_changes_loses_none_and_gives_the_token_at_the_end() {
    let world = world();
    let changes = || world.client.changes::<AccountCard>().page_size(3).stream();
    let mut stream = changes();
    let all = all_by_dropping(&mut stream, |changes| poll_times(changes.try_next(), 1));
    assert!(
        all.iter()
            .all(|change| matches!(change, Change::Upserted(_)))
    );
    let count = all.len();
    assert!(count >= ROWS && stream.into_token().is_some());
    world.drop_everywhere(|polls| {
        let mut stream = changes();
        let mut taken = 0;
        let all = async {
            while next(&mut stream).await.transpose().unwrap().is_some() {
                taken += 1;
            }
        };
        let done = poll_times(all, polls).is_some();
        assert_eq!(stream.into_token().is_some(), done);
        assert_eq!(taken == count, done);
        done
    });
}

/// A file that takes a few bytes at a time, and waits before each.
#[derive(Default)]
struct Slow {
    bytes: Vec<u8>,
    is_ready: bool,
}

impl AsyncWrite for Slow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let taken = bytes.len().min(100);
        self.bytes.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn an_export_that_was_dropped_is_a_beginning() {
    let world = world();
    let table = world
        .client
        .table(TableName::new("accounts").primary_id("accountid"));
    let rows = || {
        table
            .query()
            .select(["accountid", "name"])
            .page_size(3)
            .rows()
    };
    let mut whole = Vec::new();
    finish(rows().export(&mut RowFormat::csv(["accountid", "name"]), &mut whole)).unwrap();
    world.drop_everywhere(|polls| {
        let mut file = Slow::default();
        let mut format = RowFormat::csv(["accountid", "name"]);
        let done = poll_times(rows().export(&mut format, &mut file), polls).is_some();
        assert!(whole.starts_with(&file.bytes));
        assert_eq!(file.bytes.len() == whole.len(), done);
        done
    });
    let format = ParquetFormat::new().column("name", ValueKind::Text);
    world.drop_everywhere(|polls| {
        let mut file = Slow::default();
        let done = poll_times(rows().export_parquet(&format, &mut file), polls).is_some();
        // The mark at the end says that the file is whole.
        assert_eq!(file.bytes.len() > 4 && file.bytes.ends_with(b"PAR1"), done);
        done
    });
}

#[test]
fn a_bulk_write_that_was_dropped_goes_on_with_nothing_doubled() {
    let world = World::new();
    let job = |world: &World| -> BulkWrite<Account> {
        world
            .client
            .bulk_write::<Account>()
            .pack_rows(2)
            .parallel(2)
    };
    let begin = |job: BulkWrite<Account>, name: &str| -> BulkOutcomes<Account> {
        let name = name.to_owned();
        job.rows((0..5).map(move |_| account(&name))).unwrap()
    };
    world.drop_everywhere(|polls| {
        let name = format!("bulk {polls}");
        let mut outcomes = begin(job(&world), &name);
        let done = poll_times(outcomes.failures(), polls);
        assert!(
            done.as_ref()
                .is_none_or(|failures| failures.as_ref().unwrap().is_empty())
        );
        let checkpoint = outcomes.checkpoint().clone();
        drop(outcomes);
        let mut rest = begin(job(&world).resume(checkpoint), &name);
        assert!(finish(rest.failures()).unwrap().is_empty(), "{polls}");
        drop(rest);
        assert_eq!(world.count(&name), 5, "{polls}");
        done.is_some()
    });
    // One wait after the other is dropped, of the same job.
    for name in ["one after the other", "as a stream"] {
        let mut outcomes = begin(job(&world), name);
        let all = all_by_dropping(&mut outcomes, |outcomes| match name {
            "as a stream" => poll_times(next(outcomes), 1).map(Option::transpose),
            _ => poll_times(outcomes.try_next(), 1),
        });
        assert!(all.len() == 5 && all.iter().all(|outcome| outcome.result.is_ok()));
        assert_eq!(world.count(name), 5);
    }
}
