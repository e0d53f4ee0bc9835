//! How many rows go in one request.

use std::time::Duration;

/// Learns from each request how many rows keep the next below the wanted time.
#[derive(Debug)]
pub(super) struct PackSize {
    rows: usize,
    max: usize,
    wanted: Duration,
}

/// Rows in the first requests: what Microsoft recommends to begin with.
/// Source: Microsoft Learn, "Use bulk operation messages", section "Number of records".
const FIRST: usize = 100;

impl PackSize {
    pub(super) fn new(max: usize, wanted: Duration) -> Self {
        PackSize {
            rows: FIRST.min(max),
            max,
            wanted,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// A request of `rows` took so long.
    pub(super) fn learn(&mut self, rows: usize, took: Duration) {
        let share = self.wanted.as_secs_f64() / took.as_secs_f64().max(f64::MIN_POSITIVE);
        let fitting = (rows as f64 * share).min(self.max as f64) as usize;
        if took > self.wanted {
            self.rows = fitting.clamp(1, self.rows);
        } else if rows >= self.rows && share > 2.0 {
            // Not faster: one quick answer says little.
            self.rows = fitting.min(self.rows * 2).max(self.rows).min(self.max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_grow_while_answers_are_quick_and_shrink_at_once() {
        let mut size = PackSize::new(1000, Duration::from_secs(5));
        assert_eq!(size.rows(), 100);
        size.learn(100, Duration::from_millis(100));
        assert_eq!(size.rows(), 200);
        size.learn(50, Duration::ZERO);
        assert_eq!(size.rows(), 200, "a pack that was not full says nothing");
        for _ in 0..5 {
            size.learn(size.rows(), Duration::ZERO);
        }
        assert_eq!(size.rows(), 1000);
        size.learn(1000, Duration::from_secs(20));
        assert_eq!(size.rows(), 250);
        size.learn(250, Duration::from_secs(4));
        assert_eq!(size.rows(), 250, "long enough");
        size.learn(250, Duration::from_secs(100_000));
        assert_eq!(size.rows(), 1);
        assert_eq!(PackSize::new(10, Duration::from_secs(5)).rows(), 10);
    }
}
