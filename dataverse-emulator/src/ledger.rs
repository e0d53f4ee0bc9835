//! What was done to rows, by the id that the client gave its request.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

/// How many ids are remembered.
const MAX_IDS: usize = 10_000;

/// What was done to one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CommittedChange {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// A row that a request wrote, and whose change was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Committed {
    /// What was done.
    pub change: CommittedChange,
    /// Logical name of the table.
    pub table: String,
    /// Id of the row.
    pub id: String,
}

/// Changes by `x-ms-client-request-id`.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    changes: HashMap<String, Vec<Committed>>,
    /// Ids as they came.
    ids: VecDeque<String>,
}

impl Ledger {
    /// Adds what a request did, after what requests of the same id did before.
    pub(crate) fn add(&mut self, id: &str, written: Vec<Committed>) {
        if let Some(known) = self.changes.get_mut(id) {
            known.extend(written);
            return;
        }
        if self.ids.len() == MAX_IDS
            && let Some(oldest) = self.ids.pop_front()
        {
            self.changes.remove(&oldest);
        }
        self.ids.push_back(id.to_owned());
        self.changes.insert(id.to_owned(), written);
    }

    pub(crate) fn get(&self, id: &str) -> Vec<Committed> {
        self.changes.get(id).cloned().unwrap_or_default()
    }
}
