//! Readers against input that nobody thought of.
//!
//! The cases are the same in every run. For a long run say how many:
//! `PROPTEST_CASES=1000000 cargo test --release -p dataverse-tests fuzz::csdl`, or for how long:
//! `FUZZ_MINUTES=10`.

mod answers;
mod batches;
mod bodies;
mod csdl;
mod fetchxml;
mod names;
mod pfx;
mod requests;
mod rows;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Checks `property` on what `strategy` makes: on 64 cases, or as many as the environment names.
fn check<S: Strategy>(strategy: S, property: impl Fn(S::Value)) {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let config = ProptestConfig {
        cases: cases.map_or(64, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        // A long run makes many values that a filter drops.
        max_local_rejects: u32::MAX,
        ..ProptestConfig::default()
    };
    let property = |value| {
        property(value);
        Ok(())
    };
    let time = LongRun::asked();
    for round in 0_u64.. {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&round.to_le_bytes());
        // A runner stops for good after its cases.
        let rng = match round {
            0 => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
            _ => TestRng::from_seed(RngAlgorithm::ChaCha, &seed),
        };
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        if let Err(failure) = runner.run(&strategy, property) {
            panic!("{failure}");
        }
        if time.as_ref().is_none_or(LongRun::is_over) {
            return;
        }
    }
}

/// The time that a long run may take.
struct LongRun(std::time::Instant, std::time::Duration);

impl LongRun {
    /// If the environment says so.
    fn asked() -> Option<Self> {
        let minutes: u64 = std::env::var("FUZZ_MINUTES").ok()?.parse().unwrap();
        let length = std::time::Duration::from_secs(60 * minutes);
        #[allow(
            clippy::disallowed_methods,
            reason = "a long run is of the machine's time"
        )]
        let now = std::time::Instant::now();
        Some(LongRun(now, length))
    }

    fn is_over(&self) -> bool {
        self.0.elapsed() >= self.1
    }
}

/// What is done to a document, at places given as shares of its length.
#[derive(Debug, Clone)]
enum Change {
    Insert(f64, Vec<u8>),
    Delete(f64, usize),
    Repeat(f64, usize),
    Move(f64, f64, usize),
    Replace(f64, u8),
    Cut(f64),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |share: f64| ((length as f64 * share) as usize).min(length);
        let range = |share: f64, count: usize| place(share)..(place(share) + count).min(length);
        match self {
            Change::Insert(at, new) => {
                let at = place(*at);
                bytes.splice(at..at, new.iter().copied());
            }
            Change::Delete(at, count) => drop(bytes.drain(range(*at, *count))),
            Change::Repeat(at, count) => {
                let copy = bytes[range(*at, *count)].to_vec();
                let at = place(*at);
                bytes.splice(at..at, copy);
            }
            Change::Move(from, to, count) => {
                let moved: Vec<u8> = bytes.drain(range(*from, *count)).collect();
                let to = place(*to).min(bytes.len());
                bytes.splice(to..to, moved);
            }
            Change::Replace(at, byte) => {
                if let Some(old) = bytes.get_mut(place(*at)) {
                    *old = *byte;
                }
            }
            Change::Cut(at) => bytes.truncate(place(*at)),
        }
    }
}

/// Some changes that use the words of a format.
fn changes(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Change>> {
    let word = prop_oneof![
        4 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
    ];
    let place = || 0.0..=1.0;
    let change = prop_oneof![
        4 => (place(), word).prop_map(|(at, word)| Change::Insert(at, word)),
        2 => (place(), 1..60_usize).prop_map(|(at, count)| Change::Delete(at, count)),
        2 => (place(), 1..200_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        1 => (place(), place(), 1..200_usize).prop_map(|(a, b, n)| Change::Move(a, b, n)),
        2 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        1 => place().prop_map(Change::Cut),
    ];
    vec(change, 1..6)
}

fn changed(document: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for change in changes {
        change.apply(&mut bytes);
    }
    bytes
}
