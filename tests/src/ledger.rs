//! Mixed writes over a way with faults, killed and gone on with: what was lost, what is there twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dataverse_client::http::{FixedToken, Transport, VirtualClock};
use dataverse_client::uuid::Uuid;
use dataverse_client::{BulkMethod, BulkRow, Changes, Client, Entity, Id, New, Result};

#[derive(Entity, Default)]
#[dataverse(table = "account", set = "accounts", id = "accountid")]
struct Account {
    accountid: Option<Id<Account>>,
    name: Option<String>,
    accountnumber: Option<String>,
}

/// What is written, and how it is stopped.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Creates, updates, upserts by both kinds of keys, and deletes, in turns.
    pub rows: u64,
    /// How rows go to the service.
    pub method: BulkMethod,
    /// At most so many in one request.
    pub pack_rows: usize,
    /// After so many outcomes of each run the job is killed.
    pub kills: Vec<usize>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balance {
    /// Rows that should be there, and are not.
    pub lost: u64,
    /// Rows that are there more than once, or should not be there.
    pub doubled: u64,
    /// Outcomes that are errors, although nothing is wrong with any row.
    pub refused: Vec<String>,
    /// Rows without an outcome.
    pub untold: u64,
    /// How often the job was begun.
    pub runs: u32,
    /// How often it ended with an error, and was gone on with.
    pub stops: u32,
}

type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The client of an org in this process.
///
/// Errors: the address of the org is none.
pub fn client(org: &str, transport: impl Transport, clock: &VirtualClock) -> Result<Client> {
    Client::builder(org)?
        .credential(FixedToken::new("any"))
        .transport(transport)
        .clock(clock.clone())
        .build()
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

impl Ledger {
    /// Rows of `account` that must be there before: those to be changed and deleted, and half of
    /// those to be upserted.
    pub fn seed(&self) -> impl Iterator<Item = String> {
        let is_there = |index: &u64| match index % 6 {
            2 | 5 => true,
            3 => index % 4 < 2,
            _ => false,
        };
        let rows = (0..self.rows).filter(is_there);
        rows.map(|index| format!(r#"{{"accountid":"{}","name":"before"}}"#, seeded(index)))
    }

    /// Writes everything, each run with a client of its own, as a new process has; then reads by
    /// `reader`, which has no faults.
    ///
    /// Errors: the job ends again and again; or reading.
    pub async fn keep(
        &self,
        client: impl Fn() -> Result<Client>,
        reader: &Client,
    ) -> Outcome<Balance> {
        let mut balance = Balance::default();
        let mut seen = vec![false; self.rows as usize];
        let mut stored = None;
        let mut kills = self.kills.iter().copied();
        loop {
            let kill = kills.next();
            balance.runs += 1;
            let outcomes = kill.unwrap_or(usize::MAX);
            let (is_over, store) = self
                .run(&client()?, stored, outcomes, &mut seen, &mut balance)
                .await?;
            stored = Some(store);
            if is_over {
                break;
            }
        }
        balance.untold = seen.iter().filter(|seen| !**seen).count() as u64;
        self.compare(reader, &mut balance).await?;
        Ok(balance)
    }

    /// Runs until so many outcomes have come, or to the end; gives what was stored last.
    async fn run(
        &self,
        client: &Client,
        from: Option<String>,
        outcomes_to_take: usize,
        seen: &mut [bool],
        balance: &mut Balance,
    ) -> Outcome<(bool, String)> {
        let stored = Arc::new(Mutex::new(from.clone().unwrap_or_default()));
        let store = Arc::clone(&stored);
        let mut job = client
            .bulk_write::<Account>()
            .method(self.method)
            .pack_rows(self.pack_rows)
            .on_checkpoint(move |checkpoint| {
                let mut stored = store.lock().unwrap_or_else(PoisonError::into_inner);
                *stored = serde_json::to_string(checkpoint)?;
                Ok(())
            });
        if let Some(from) = from {
            let checkpoint = serde_json::from_str(&from);
            job = job.resume(checkpoint?);
        }
        let mut outcomes = job.rows((0..self.rows).map(row))?;
        let mut is_over = false;
        for _ in 0..outcomes_to_take {
            match outcomes.try_next().await {
                Ok(Some(outcome)) => {
                    let is_settled = outcomes.checkpoint().is_settled(outcome.index);
                    if let Some(seen) = seen.get_mut(outcome.index as usize) {
                        *seen |= is_settled;
                    }
                    if let (Err(error), true) = (&outcome.result, is_settled) {
                        let error = format!("row {}: {error}", outcome.index);
                        balance.refused.push(error);
                    }
                }
                Ok(None) => {
                    is_over = true;
                    break;
                }
                Err(error) if balance.stops > 100 => return Err(error.into()),
                Err(_) => {
                    balance.stops += 1;
                    break;
                }
            }
        }
        drop(outcomes);
        let stored = stored.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((is_over, stored.clone()))
    }

    async fn compare(&self, reader: &Client, balance: &mut Balance) -> Result<()> {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        let mut rows = reader.query::<Account>().rows();
        while let Some(row) = rows.try_next().await? {
            *found
                .entry(row.name.clone().unwrap_or_default())
                .or_default() += 1;
        }
        for index in (0..self.rows).filter(|index| index % 6 != 5) {
            match found.remove(&format!("written {index}")) {
                None => balance.lost += 1,
                Some(times) => balance.doubled += times - 1,
            }
        }
        balance.doubled += found.values().sum::<u64>();
        Ok(())
    }
}
