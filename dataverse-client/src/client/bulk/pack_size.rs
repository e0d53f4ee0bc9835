//! How many rows go in one request.

use std::time::Duration;

/// Learns from each request how many rows make the next one long enough, and not too long.
#[derive(Debug)]
pub(super) struct PackSize {
    rows: usize,
    max: usize,
    wanted: Duration,
    line: Line,
    /// Of those that were asked for.
    packs: u64,
}

/// Rows in the first requests: what Microsoft recommends to begin with.
/// Source: Microsoft Learn, "Use bulk operation messages", section "Number of records".
const FIRST: usize = 100;

/// The share of a request's time that is not spent on its rows.
const OVERHEAD: f64 = 0.02;

/// Rows for less time than this are hardly worth a request, in seconds.
const LEAST: f64 = 1.0;

/// The same share at the end, where places would have nothing to do.
const LAST_OVERHEAD: f64 = 0.25;

/// Rows that are worth a request at the end, before it is known what a request itself takes.
const FIRST_LEAST: usize = 25;

impl PackSize {
    pub(super) fn new(max: usize, wanted: Duration) -> Self {
        PackSize {
            rows: FIRST.min(max),
            max,
            wanted,
            line: Line::default(),
            packs: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        // Packs of one length would not tell what a row takes and what the request.
        match self.packs % 2 == 1 && self.line.fit().is_some() && self.rows < self.max {
            true => (self.rows * 4 / 5).max(1),
            false => self.rows,
        }
    }

    /// Rows that are worth a request where places would have nothing to do.
    pub(super) fn least(&self) -> usize {
        let least = match self.line.fit() {
            Some((fixed, each)) => {
                let lean = fixed * (1.0 - LAST_OVERHEAD) / (LAST_OVERHEAD * each);
                // A line through packs of much the same length may lead anywhere.
                (lean.ceil() as usize).min(self.rows / 4)
            }
            None => FIRST_LEAST.min(self.rows),
        };
        least.max(1)
    }

    /// A pack of [`rows`](Self::rows) was made.
    pub(super) fn next(&mut self) {
        self.packs += 1;
    }

    /// Seconds that a request of so many rows will take, as far as is known.
    pub(super) fn seconds(&self, rows: usize) -> f64 {
        self.line.at(rows as f64)
    }

    /// A request of `rows` took so long.
    pub(super) fn learn(&mut self, rows: usize, took: Duration) {
        let (rows, seconds) = (rows as f64, took.as_secs_f64());
        self.line.add(rows, seconds);
        let (wanted, max) = (self.wanted.as_secs_f64(), self.max as f64);
        let current = self.rows as f64;
        if seconds > wanted {
            let fitting = (rows * wanted / seconds).clamp(1.0, current);
            self.rows = (fitting as usize).max(1);
            return;
        }
        let target = match self.line.fit() {
            Some((fixed, each)) if each > 0.0 => {
                let lean = fixed * (1.0 - OVERHEAD) / (OVERHEAD * each);
                let longest = (wanted - fixed).max(0.0) / each;
                lean.max(LEAST / each).min(longest)
            }
            // Nothing is known of rows alone yet: one quick answer says little.
            None if current >= 2.0 * FIRST as f64 => return,
            Some(_) | None => rows * wanted / seconds.max(f64::MIN_POSITIVE),
        };
        // A little longer is not worth another guess.
        if target > current * 1.3 && rows >= (current * 0.8).floor() {
            self.rows = target.min(current * 2.0).min(max) as usize;
        }
    }
}

/// The line through (rows, seconds) of the last requests; older ones count less and less.
#[derive(Debug, Default)]
struct Line {
    weight: f64,
    rows: f64,
    seconds: f64,
    rows_squared: f64,
    product: f64,
}

/// What is left of a request's weight when another one follows.
const KEPT: f64 = 0.995;

impl Line {
    fn add(&mut self, rows: f64, seconds: f64) {
        let sums = [
            (&mut self.weight, 1.0),
            (&mut self.rows, rows),
            (&mut self.seconds, seconds),
            (&mut self.rows_squared, rows * rows),
            (&mut self.product, rows * seconds),
        ];
        for (sum, value) in sums {
            *sum = *sum * KEPT + value;
        }
    }

    /// Seconds for a request, and for each row; None before packs of several lengths tell them
    /// apart.
    fn fit(&self) -> Option<(f64, f64)> {
        if self.weight < 3.0 {
            return None;
        }
        let (rows, seconds) = (self.rows / self.weight, self.seconds / self.weight);
        let spread = self.rows_squared / self.weight - rows * rows;
        if spread < rows * rows * 0.005 {
            return None;
        }
        let each = (self.product / self.weight - rows * seconds) / spread;
        // No request takes less than nothing, and no row does.
        let each = each.clamp(0.0, seconds / rows);
        Some((seconds - each * rows, each))
    }

    fn at(&self, rows: f64) -> f64 {
        match self.fit() {
            Some((fixed, each)) => fixed + each * rows,
            None if self.rows > 0.0 => self.seconds * rows / self.rows,
            None => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn packs_grow_while_answers_are_quick_and_shrink_at_once() {
        let mut size = PackSize::new(1000, seconds(5.0));
        assert_eq!(size.rows(), 100);
        size.learn(100, seconds(0.1));
        assert_eq!(size.rows(), 200);
        size.learn(50, Duration::ZERO);
        assert_eq!(size.rows(), 200, "a pack that was not full says nothing");
        for _ in 0..5 {
            size.learn(size.rows(), Duration::ZERO);
        }
        assert_eq!(size.rows(), 1000);
        size.learn(1000, seconds(20.0));
        assert_eq!(size.rows(), 250);
        size.learn(250, seconds(100_000.0));
        assert_eq!(size.rows(), 1);
        assert_eq!(PackSize::new(10, seconds(5.0)).rows(), 10);
    }

    #[test]
    fn what_a_request_takes_is_told_from_what_a_row_takes() {
        for (fixed, each, expected) in [
            // 2 % of it is overhead.
            (0.04, 0.008, 200..=300),
            (0.1, 0.008, 480..=640),
            // No longer than wanted.
            (1.0, 0.008, 400..=500),
            (0.1, 0.04, 95..=130),
            (0.1, 2.0, 1..=2),
            // No more than may be.
            (0.1, 0.0001, 1000..=1000),
        ] {
            let mut size = PackSize::new(1000, seconds(5.0));
            for _ in 0..100 {
                let rows = size.rows();
                size.next();
                size.learn(rows, seconds(fixed + each * rows as f64));
            }
            size.packs = 0;
            let rows = size.rows();
            assert!(expected.contains(&rows), "{fixed} {each}: {rows}");
            let said = size.seconds(rows);
            let right = fixed + each * rows as f64;
            assert!((said / right - 1.0).abs() < 0.1, "{said} {right}");
        }
    }
}
