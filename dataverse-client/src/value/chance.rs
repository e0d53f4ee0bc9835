//! Random numbers for keys and waits, without a question to the system for each.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A random number: the hash of a counter, by keys that the system gave at random. For what must
/// differ, not for secrets.
pub(crate) fn random() -> u64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    KEYS.get_or_init(RandomState::new).hash_one(count)
}

/// 16 random bytes.
pub(crate) fn random_bytes() -> [u8; 16] {
    (u128::from(random()) << 64 | u128::from(random())).to_be_bytes()
}

/// A random number from 0 to 1.
pub(crate) fn random_part() -> f64 {
    (random() >> 32) as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_differ_and_parts_are_from_0_to_1() {
        let numbers: HashSet<_> = (0..10_000).map(|_| random_bytes()).collect();
        assert_eq!(numbers.len(), 10_000);
        let parts: Vec<_> = (0..1000).map(|_| random_part()).collect();
        assert!(parts.iter().all(|part| (0.0..=1.0).contains(part)));
        assert!(parts.iter().any(|part| *part < 0.2) && parts.iter().any(|part| *part > 0.8));
    }
}
