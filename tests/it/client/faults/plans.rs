//! Many faults in many orders: what was told is what is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{FixedToken, Reached, Transport, TransportError, VirtualClock};
use dataverse_client::{Changes, Client, Id, New};
use dataverse_tests::held::Held;
use dataverse_tests::tables::{Account, AccountCard};
use uuid::Uuid;

/// A service of one table that keeps a ledger, over a line that fails by a plan.
#[derive(Clone)]
struct Ledger {
    state: Arc<Mutex<State>>,
}

struct State {
    seed: u64,
    /// How often each row was created.
    rows: BTreeMap<Uuid, u32>,
}

impl Ledger {
    fn new(seed: u64) -> Self {
        Ledger {
            state: Arc::new(Mutex::new(State {
                seed,
                rows: BTreeMap::new(),
            })),
        }
    }
}

impl State {
    fn chance(&mut self, of: u64) -> u64 {
        let next = self.seed.wrapping_mul(6_364_136_223_846_793_005);
        self.seed = next.wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % of
    }

    fn execute(&mut self, request: &http::Request<Bytes>) -> (u16, String) {
        if request.method() == http::Method::GET {
            let text = request.uri().to_string();
            let id = text.split(['(', ')']).nth(1).unwrap_or_default();
            let id = Uuid::parse_str(id).unwrap_or_default();
            return match self.rows.contains_key(&id) {
                true => (200, format!("{{\"accountid\":\"{id}\"}}")),
                false => (404, error("0x80040217")),
            };
        }
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let named = body["accountid"].as_str();
        let id = named.map_or_else(Uuid::new_v4, |id| Uuid::parse_str(id).unwrap());
        if named.is_some() && self.rows.contains_key(&id) {
            return (412, error("0x80040237"));
        }
        *self.rows.entry(id).or_default() += 1;
        (204, id.to_string())
    }
}

fn error(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#)
}

#[async_trait]
impl Transport for Ledger {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut state = self.state.lock().unwrap();
        let answer = |status: u16, body: String| {
            let response = http::Response::builder().status(status);
            let response = match status {
                204 => response.header(
                    "odata-entityid",
                    format!("https://org.crm.dynamics.com/api/data/v9.2/accounts({body})"),
                ),
                429 => response.header("retry-after", "1"),
                _ => response,
            };
            Ok(response.body(body.into()).unwrap())
        };
        match state.chance(10) {
            0 => Err(TransportError::new(Reached::NotSent, "planned")),
            1 => answer(429, error("0x80072322")),
            2 => Err(TransportError::new(Reached::Unknown, "planned, before")),
            3 => {
                state.execute(&request);
                Err(TransportError::new(Reached::Unknown, "planned, after"))
            }
            4 => answer(503, String::new()),
            5 => {
                state.execute(&request);
                answer(502, "<html>".to_owned())
            }
            _ => {
                let (status, body) = state.execute(&request);
                answer(status, body)
            }
        }
    }
}

#[tokio::test]
async fn every_plan_of_faults_ends_in_a_ledger_without_a_lost_or_doubled_row() {
    let (mut done, mut unknown) = (0, 0);
    for seed in 0..100 {
        let ledger = Ledger::new(seed);
        let client = Client::builder("https://org.crm.dynamics.com")
            .unwrap()
            .credential(FixedToken::new("x"))
            .transport(ledger.clone())
            .clock(VirtualClock::default())
            .build()
            .unwrap();
        let (mut told, mut doubtful) = (Vec::new(), 0);
        for number in 0..50 {
            let create = client.create(New::new().set(Account::NAME, "a"));
            let (id, create) = match number % 2 {
                0 => {
                    let id = Id::generate();
                    (Some(id), create.with_id(id))
                }
                _ => (None, create.server_assigned_id()),
            };
            match create.await {
                Ok(id) => told.push(id.uuid()),
                Err(error) if error.is_outcome_unknown() => doubtful += 1,
                Err(_) => {
                    // Certainly not there.
                    let rows = &ledger.state.lock().unwrap().rows;
                    let is_there = id.is_some_and(|id| rows.contains_key(&id.uuid()));
                    assert!(!is_there, "plan {seed}, create {number}");
                }
            }
        }
        let rows = &ledger.state.lock().unwrap().rows;
        assert!(rows.values().all(|times| *times == 1), "plan {seed}");
        assert!(told.iter().all(|id| rows.contains_key(id)), "plan {seed}");
        let untold = rows.len() - told.len();
        assert!(
            untold <= doubtful,
            "plan {seed}: {untold} rows nobody knows of"
        );
        done += told.len();
        unknown += doubtful;
    }
    // The plans are bad enough to matter, and most is done all the same.
    assert!(
        done > 3000 && unknown > 200,
        "{done} done, {unknown} unknown"
    );
}

fn held_client(held: &Held) -> Client {
    Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(FixedToken::new("x"))
        .transport(held.clone())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

/// Drops a create after every number of polls.
#[test]
fn a_write_that_is_dropped_anywhere_leaves_nothing_behind() {
    let mut context = Context::from_waker(Waker::noop());
    for polls in 0..6 {
        let held = Held::new();
        let client = held_client(&held);
        let create = client.create(New::new().set(Account::NAME, "a"));
        let mut create = create.into_future();
        let mut is_done = false;
        for poll in 0..polls {
            is_done = create.as_mut().poll(&mut context).is_ready();
            match poll {
                0 => held.fail(0, Reached::Unknown),
                1 => held.answer(1, 412, &[], error("0x80040237")),
                2 => held.answer(2, 200, &[], r#"{"accountid":"x"}"#),
                _ => {}
            }
            if is_done {
                break;
            }
        }
        drop(create);
        assert_eq!(is_done, polls >= 4, "{polls}");
        let limits = client.limits();
        assert_eq!((limits.in_flight, limits.waiting), (0, 0), "{polls}");
        assert_eq!(held.open(), [0; 0], "{polls}");
        // The client goes on.
        let number = held.sent().len();
        let mut next = client.delete::<Account>(Id::generate()).into_future();
        assert!(next.as_mut().poll(&mut context).is_pending());
        held.no_content(number);
        assert!(next.as_mut().poll(&mut context).is_ready());
    }
}

#[tokio::test]
async fn a_panic_of_the_program_spoils_nothing_for_others() {
    let held = Held::new();
    let client = held_client(&held);
    let other = client.clone();
    let panicking = tokio::spawn(async move {
        let id = Id::<Account>::generate();
        other
            .retry_on_conflict(
                id,
                |row: &AccountCard| -> dataverse_client::Result<Changes<Account>> {
                    panic!("the program does not like `{}`", row.name)
                },
            )
            .await
            .map(drop)
    });
    while held.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    held.answer(0, 200, &[], r#"{"@odata.etag":"W/\"1\"","name":"a"}"#);
    assert!(panicking.await.unwrap_err().is_panic());
    let next = tokio::spawn(client.delete::<Account>(Id::generate()).into_future());
    while held.sent().len() < 2 {
        tokio::task::yield_now().await;
    }
    held.no_content(1);
    next.await.unwrap().unwrap();
    assert_eq!(client.limits().in_flight, 0);
}
