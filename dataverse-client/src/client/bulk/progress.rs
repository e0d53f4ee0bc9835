//! How a bulk write is getting on.

use std::time::Duration;

/// How a bulk write is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BulkProgress {
    /// Rows that were written, in this run.
    pub written: u64,
    /// Rows that were refused, in this run.
    pub failed: u64,
    /// Rows in requests that have no answer yet.
    pub in_flight: u64,
    /// Rows that an earlier run had settled, as far as the input has come.
    pub skipped: u64,
    /// Since this run began.
    pub elapsed: Duration,
}

impl BulkProgress {
    /// Rows that were written or refused in this run, each second; 0 in the first moment.
    pub fn rows_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            (self.written + self.failed) as f64 / seconds
        } else {
            0.0
        }
    }
}
