//! How much a client may repeat in all: when the service is down, repeats only add to its load.

use std::sync::atomic::{AtomicU32, Ordering};

use super::retry::Failure;

/// Tokens of a full budget.
pub(crate) const DEFAULT_BUDGET: u32 = 500;

/// Tokens, shared by the clones of a client. A repeat takes some, which come back when the call
/// succeeds after all; a success without a repeat adds one.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    full: u32,
    tokens: AtomicU32,
}

impl RetryBudget {
    pub(crate) fn new(full: u32) -> Self {
        RetryBudget {
            full,
            tokens: AtomicU32::new(full),
        }
    }

    /// What a repeat after `failure` costs.
    pub(crate) fn cost(failure: Failure) -> u32 {
        match failure {
            Failure::Throttled { .. } => 5,
            Failure::NotSent | Failure::Doubt { .. } | Failure::Failed { .. } => 14,
        }
    }

    /// Takes tokens for a repeat; false if there are too few.
    pub(crate) fn spend(&self, cost: u32) -> bool {
        let spent = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                tokens.checked_sub(cost)
            });
        spent.is_ok()
    }

    /// Adds tokens, up to a full budget.
    pub(crate) fn give(&self, tokens: u32) {
        // A full budget is the common case, and needs no write that all processors see.
        if self.left() >= self.full {
            return;
        }
        let _ = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                Some(now.saturating_add(tokens).min(self.full))
            });
    }

    pub(crate) fn left(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spent_and_filled_up_to_its_limit() {
        let budget = RetryBudget::new(20);
        assert!(budget.spend(14) && !budget.spend(14) && budget.spend(5));
        assert_eq!(budget.left(), 1);
        budget.give(1);
        assert_eq!(budget.left(), 2);
        budget.give(u32::MAX);
        assert_eq!(budget.left(), 20);
    }
}
