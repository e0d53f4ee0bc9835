//! The end of a bulk write: what is left is shared out, so that all places end together.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use dataverse_client::http::VirtualClock;
use dataverse_client::{BulkMethod, BulkOutcomes, BulkRow, Id, New};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::Account;
use dataverse_tests::held::Held;
use dataverse_tests::limits::Scenario;
use futures_core::Stream;
use uuid::Uuid;

use super::{client_over, org, told};

/// Seconds from the beginning to the end, and from the first place without a request to the end.
#[test]
fn all_places_end_together() {
    let one = Scenario::ONE;
    let slow = Scenario { each: 0.04, ..one };
    let three = |scenario| Scenario {
        servers: 3,
        ..scenario
    };
    for (scenario, rows, took, idle) in [
        // With packs of one length it took 0.9 seconds.
        (one, 100, 0.4, 0.4),
        // 2.6, and 1.7 of them with idle places.
        (one, 1500, 1.8, 0.4),
        // 11.0 and 5.0; it cannot take less than 8.1.
        (one, 10_000, 9.2, 0.9),
        // 4.3
        (slow, 400, 2.4, 2.4),
        // 8.6 and 4.3
        (slow, 1500, 7.8, 1.2),
        // 43.5 and 4.0
        (slow, 10_000, 43.0, 1.6),
        // 2.6
        (three(one), 1500, 1.4, 1.4),
        // 12.7 and 4.7; the first server that answered got too many.
        (three(one), 30_000, 9.8, 1.0),
        // 20.5 and 1.7
        (three(slow), 10_000, 18.0, 0.8),
        // 49.9 and 1.7
        (three(slow), 30_000, 47.0, 1.2),
    ] {
        let job = scenario.job(rows).unwrap();
        assert_eq!((job.done.rows, job.done.refused), (rows, 0), "{job:?}");
        assert!(job.took < took, "{} rows: {job:?}", rows);
        assert!(job.idle < idle, "{} rows: {job:?}", rows);
        assert!(job.apart < 0.5, "{} rows: {job:?}", rows);
    }
}

/// Rows of each request, by the words that stand once for each row.
fn lengths(emulator: &Emulator, word: &str) -> Vec<usize> {
    let requests = emulator.requests();
    let texts = requests
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body));
    texts.map(|text| text.matches(word).count()).collect()
}

fn row(n: usize) -> New<Account> {
    New::new().set(Account::NAME, n.to_string())
}

#[tokio::test]
async fn few_rows_go_in_as_many_requests_as_are_worth_it() {
    for (rows, parallel, expected) in [
        (20, None, vec![20]),
        (49, None, vec![49]),
        (50, None, vec![25, 25]),
        (240, None, vec![30; 8]),
        (240, Some(1), vec![100, 140]),
        (240, Some(3), vec![80; 3]),
        (1000, Some(8), vec![100; 10]),
    ] {
        let (client, emulator) = org(super::builder());
        let mut job = client.bulk_write().method(BulkMethod::Multiple);
        if let Some(parallel) = parallel {
            job = job.parallel(parallel);
        }
        let told = told(job.rows((0..rows).map(row)).unwrap()).await.unwrap();
        assert_eq!(told.len(), rows);
        let sent: usize = lengths(&emulator, "accountid").iter().sum();
        assert_eq!(sent, rows);
        if rows < 1000 {
            assert_eq!(
                lengths(&emulator, "accountid"),
                expected,
                "{rows} {parallel:?}"
            );
        }
    }
}

#[tokio::test]
async fn packs_that_were_begun_are_shared_out_too() {
    // Deletes come seldom: at the end of the input many of them wait for a full pack.
    let (client, emulator) = org(super::builder());
    let ids = (1..=60).map(|n| Id::<Account>::new(Uuid::from_u128(n)));
    for id in ids.clone() {
        let text = format!(r#"{{"accountid":"{id}","name":"a"}}"#);
        emulator.seed("account", [text]).unwrap();
    }
    let deletes = ids.map(BulkRow::delete);
    let creates = (0..60).map(|n| BulkRow::create(row(n)));
    let rows = deletes.zip(creates).flat_map(|(one, other)| [one, other]);
    let job = client.bulk_write().method(BulkMethod::Multiple).parallel(4);
    let told = told(job.rows(rows).unwrap()).await.unwrap();
    assert!(told.iter().all(|(_, error)| error.is_none()), "{told:?}");
    let mut deletes = lengths(&emulator, "DELETE ");
    deletes.sort();
    assert_eq!(deletes, [0, 0, 30, 30]);
    assert_eq!(client.count::<Account>().await.unwrap().rows(), 60);
}

/// Rows that come when the test gives them.
#[derive(Clone, Default)]
struct Given(Arc<Mutex<(VecDeque<New<Account>>, bool)>>);

impl Given {
    fn give(&self, rows: usize) {
        self.0.lock().unwrap().0.extend((0..rows).map(row));
    }

    fn end(&self) {
        self.0.lock().unwrap().1 = true;
    }
}

impl Stream for Given {
    type Item = New<Account>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<New<Account>>> {
        let mut state = self.0.lock().unwrap();
        match (state.0.pop_front(), state.1) {
            (Some(row), _) => Poll::Ready(Some(row)),
            (None, true) => Poll::Ready(None),
            (None, false) => Poll::Pending,
        }
    }
}

/// The outcomes that there are.
fn poll(outcomes: &mut BulkOutcomes<Account>) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut count = 0;
    while let Poll::Ready(outcome) = pin!(outcomes.try_next()).poll(&mut context) {
        let Some(outcome) = outcome.unwrap() else {
            break;
        };
        outcome.result.unwrap();
        count += 1;
    }
    count
}

fn rows_of(held: &Held) -> Vec<usize> {
    let sent = held.sent();
    let lengths = sent
        .iter()
        .map(|sent| sent.body.matches("accountid").count());
    lengths.collect()
}

#[test]
fn a_stream_that_waits_is_not_at_its_end() {
    let (held, given) = (Held::new(), Given::default());
    let client = client_over(held.clone(), &VirtualClock::default());
    let job = client.bulk_write().method(BulkMethod::Multiple);
    let mut outcomes = job.stream(given.clone()).unwrap();
    given.give(60);
    poll(&mut outcomes);
    // Nothing else is on its way: they need not wait for those to come.
    assert_eq!(rows_of(&held), [60]);
    given.give(60);
    poll(&mut outcomes);
    assert_eq!(rows_of(&held), [60], "a full pack may come of them");
    given.give(60);
    poll(&mut outcomes);
    assert_eq!(rows_of(&held), [60, 100]);
    given.give(60);
    poll(&mut outcomes);
    assert_eq!(rows_of(&held), [60, 100]);
    given.end();
    poll(&mut outcomes);
    assert_eq!(rows_of(&held), [60, 100, 30, 50]);
    (0..4).for_each(|number| held.no_content(number));
    assert_eq!(poll(&mut outcomes), 240);
}

#[test]
fn no_more_is_read_ahead_than_places_have_to_do() {
    let long = |length: usize| New::new().set(Account::DESCRIPTION, "x".repeat(length));
    for (parallel, length, pack_bytes, taken) in [
        (8, 1, 8 << 20, 8 * 100),
        (1, 1, 8 << 20, 100),
        // Three in a pack; four packs wait.
        (8, 1000, 4000, 8 * 3 + 12),
    ] {
        let held = Held::new();
        let client = client_over(held.clone(), &VirtualClock::default());
        let count = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&count);
        let rows = std::iter::repeat_with(move || {
            *counted.lock().unwrap() += 1;
            long(length)
        });
        let job = client.bulk_write::<Account>().method(BulkMethod::Batch);
        let job = job.parallel(parallel).pack_bytes(pack_bytes);
        let mut outcomes = job.rows(rows).unwrap();
        poll(&mut outcomes);
        assert_eq!(held.sent().len(), parallel);
        assert_eq!(*count.lock().unwrap(), taken);
    }
}

#[tokio::test]
async fn rows_that_were_read_ahead_are_told_when_the_job_stops() {
    let held = Held::new();
    let client = client_over(held.clone(), &VirtualClock::default());
    let job = client.bulk_write::<Account>().method(BulkMethod::Batch);
    let mut outcomes = job.parallel(2).rows((0..1000).map(row)).unwrap();
    assert_eq!(poll(&mut outcomes), 0);
    let refusal = r#"{"error":{"code":"0x80072560","message":"not a member"}}"#;
    (0..2).for_each(|number| held.answer(number, 401, &[], refusal));
    (2..4).for_each(|number| held.answer(number, 401, &[], refusal));
    let mut places = Vec::new();
    let error = loop {
        match outcomes.try_next().await {
            Ok(outcome) => {
                let outcome = outcome.unwrap();
                assert!(outcome.result.unwrap_err().is_not_run());
                places.push(outcome.index);
            }
            Err(error) => break error,
        }
    };
    assert!(error.is_unauthorized(), "{error}");
    places.sort();
    assert_eq!(places, (0..200).collect::<Vec<_>>());
}
