//! What a client has done so far, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of a client and its clones, from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls that were begun: operations, pages, questions after a doubt.
    pub calls: u64,
    /// Requests that were sent.
    pub attempts: u64,
    /// Of these: sent again.
    pub repeats: u64,
    /// Answers 429.
    pub throttled: u64,
    /// Attempts without an answer of the service: lost answers, gateways, stalls.
    pub doubts: u64,
    /// Attempts that found no connection, or that the server refused to look at.
    pub not_sent: u64,
    /// Repeats that were not made because the retry budget was used up.
    pub over_budget: u64,
    /// Calls whose deadline passed.
    pub timed_out: u64,
}

/// The same, counting.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    pub(crate) calls: Count,
    pub(crate) attempts: Count,
    pub(crate) repeats: Count,
    pub(crate) throttled: Count,
    pub(crate) doubts: Count,
    pub(crate) not_sent: Count,
    pub(crate) over_budget: Count,
    pub(crate) timed_out: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counting {
    pub(crate) fn now(&self) -> Counters {
        Counters {
            calls: self.calls.get(),
            attempts: self.attempts.get(),
            repeats: self.repeats.get(),
            throttled: self.throttled.get(),
            doubts: self.doubts.get(),
            not_sent: self.not_sent.get(),
            over_budget: self.over_budget.get(),
            timed_out: self.timed_out.get(),
        }
    }
}
