//! Thousands of mixed writes with every kind of fault, killed three times: nothing is lost, nothing
//! is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{Transport, TransportError, VirtualClock};
use dataverse_client::{BulkCheckpoint, BulkMethod, BulkRow, Changes, Client, Id, New};
use dataverse_emulator::{Emulator, InjectedFault};
use dataverse_golden::crm::Account;
use http::StatusCode;
use uuid::Uuid;

use super::{builder, client_over};

const ROWS: u64 = 2400;
const KILLS: [usize; 3] = [400, 600, 300];

/// Lets one request in three go wrong, and takes a while before and after each, so that a job can
/// be killed between a request and its answer.
#[derive(Clone)]
struct Faulty {
    emulator: Emulator,
    random: Arc<Mutex<u64>>,
}

impl Faulty {
    /// Below `end`; the same sequence in every run.
    fn random(&self, end: u64) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % end
    }
}

#[async_trait]
impl Transport for Faulty {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        for _ in 0..self.random(4) {
            tokio::task::yield_now().await;
        }
        let wait = Duration::from_secs(self.random(30));
        let fault = match self.random(15) {
            0 => Some(InjectedFault::Throttled { retry_after: wait }),
            1 => Some(InjectedFault::Status(StatusCode::SERVICE_UNAVAILABLE)),
            2 => Some(InjectedFault::Status(StatusCode::GATEWAY_TIMEOUT)),
            3 => Some(InjectedFault::ConnectionRefused),
            4 => Some(InjectedFault::AnswerLost),
            _ => None,
        };
        if let Some(fault) = fault {
            self.emulator.inject(fault, 1);
        }
        let answer = self.emulator.send(request).await;
        for _ in 0..self.random(4) {
            tokio::task::yield_now().await;
        }
        answer
    }
}

fn seeded(index: u64) -> Id<Account> {
    Uuid::from_u128(u128::from(index) + 1).into()
}

fn named(index: u64) -> Changes<Account> {
    Changes::new().set(Account::NAME, format!("written {index}"))
}

/// What is done to the row at this place.
fn row(index: u64) -> BulkRow<Account> {
    match index % 6 {
        0 | 1 => BulkRow::create(New::from(named(index))),
        2 => BulkRow::update(seeded(index), named(index)),
        3 => BulkRow::upsert(seeded(index), named(index)),
        4 => BulkRow::upsert(
            Account::ACCOUNTNUMBER.key(format!("N-{index}")),
            named(index),
        ),
        _ => BulkRow::delete(seeded(index)),
    }
}

/// Rows that are there before: those to be changed and deleted, and half of those to be upserted.
fn seed(emulator: &Emulator) {
    let is_there = |index: &u64| match index % 6 {
        2 | 5 => true,
        3 => index % 4 < 2,
        _ => false,
    };
    let rows = (0..ROWS).filter(is_there);
    let rows = rows.map(|index| format!(r#"{{"accountid":"{}","name":"before"}}"#, seeded(index)));
    emulator.seed("account", rows).unwrap();
}

/// Runs until so many outcomes have come, or to the end; gives what was stored last.
async fn run(
    client: &Client,
    method: BulkMethod,
    from: Option<String>,
    outcomes_to_take: usize,
    seen: &mut BTreeSet<u64>,
) -> String {
    let stored = Arc::new(Mutex::new(from.clone().unwrap_or_default()));
    let store = Arc::clone(&stored);
    let mut job = client
        .bulk_write::<Account>()
        .method(method)
        .pack_rows(37)
        .parallel(6)
        .on_checkpoint(move |checkpoint| {
            *store.lock().unwrap() = serde_json::to_string(checkpoint)?;
            Ok(())
        });
    if let Some(from) = from {
        let checkpoint: BulkCheckpoint = serde_json::from_str(&from).unwrap();
        job = job.resume(checkpoint);
    }
    let mut outcomes = job.rows((0..ROWS).map(row)).unwrap();
    for _ in 0..outcomes_to_take {
        match outcomes.try_next().await.unwrap() {
            Some(outcome) => {
                outcome.result.unwrap();
                seen.insert(outcome.index);
            }
            None => {
                assert_eq!(outcomes.checkpoint().settled(), ROWS);
                break;
            }
        }
    }
    drop(outcomes);
    stored.lock().unwrap().clone()
}

async fn nothing_is_lost_or_doubled(method: BulkMethod, seed_of_faults: u64) {
    let clock = VirtualClock::default();
    let emulator = builder().clock(clock.clone()).build().unwrap();
    seed(&emulator);
    let transport = Faulty {
        emulator: emulator.clone(),
        random: Arc::new(Mutex::new(seed_of_faults)),
    };
    let client = client_over(transport, &clock);
    let mut seen = BTreeSet::new();
    let mut stored = None;
    for kill in KILLS {
        stored = Some(run(&client, method, stored, kill, &mut seen).await);
    }
    let end = run(&client, method, stored, usize::MAX, &mut seen).await;
    let end: BulkCheckpoint = serde_json::from_str(&end).unwrap();
    assert_eq!((end.settled(), end.failed()), (ROWS, 0));
    assert_eq!(seen.len() as u64, ROWS, "every row has an outcome");

    let rows = client_over(emulator.clone(), &clock)
        .query::<Account>()
        .rows();
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows.collect().await.unwrap() {
        *found.entry(row.name.clone().unwrap()).or_default() += 1;
    }
    let expected = (0..ROWS).filter(|index| index % 6 != 5);
    let expected = expected
        .map(|index| (format!("written {index}"), 1))
        .collect();
    assert_eq!(found, expected);
    let faults = emulator
        .requests()
        .iter()
        .filter(|request| request.status.is_none_or(|status| !status.is_success()))
        .count();
    assert!(faults > 20, "{faults} faults are too few to show anything");
}

#[tokio::test]
async fn a_ledger_of_bulk_messages() {
    nothing_is_lost_or_doubled(BulkMethod::Multiple, 7).await;
}

#[tokio::test]
async fn a_ledger_of_batches() {
    nothing_is_lost_or_doubled(BulkMethod::Batch, 11).await;
}
