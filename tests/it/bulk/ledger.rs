//! Thousands of mixed writes with every kind of fault, killed three times: nothing is lost, nothing
//! is there twice. `cargo run --release -p dataverse-tests --example ledger` writes more.

use dataverse_client::BulkMethod;
use dataverse_client::http::VirtualClock;
use dataverse_emulator::Emulator;
use dataverse_tests::faulty::Faulty;
use dataverse_tests::ledger::{Balance, Ledger, client};

use super::builder;

/// Rows go in packs of 37, so that there are requests enough for every kind of fault.
async fn nothing_is_lost_or_doubled(method: BulkMethod, share: u64, seed: u64) {
    let clock = VirtualClock::default();
    let emulator = builder().clock(clock.clone()).build().unwrap();
    let ledger = Ledger {
        rows: 2400,
        method,
        pack_rows: 37,
        kills: vec![400, 600, 300],
    };
    emulator.seed("account", ledger.seed()).unwrap();
    let way = Faulty::new(emulator.clone(), share, seed);
    let reader = client(Emulator::URL, emulator, &clock).unwrap();
    let begin = || client(Emulator::URL, way.clone(), &clock);
    let balance = ledger.keep(begin, &reader).await.unwrap();
    let expected = Balance {
        runs: balance.runs,
        stops: balance.stops,
        ..Balance::default()
    };
    assert_eq!(balance, expected);
    assert!(balance.runs >= 4);
    let (requests, faults) = way.told();
    let count: u64 = faults.iter().map(|(_, count)| count).sum();
    assert!(count * 2000 > requests * share, "{count} of {requests}");
    if share >= 300 {
        assert!(faults.iter().all(|(_, count)| *count > 0), "{faults:?}");
    }
}

#[tokio::test]
async fn a_ledger_of_bulk_messages() {
    nothing_is_lost_or_doubled(BulkMethod::Multiple, 50, 7).await;
}

#[tokio::test]
async fn a_ledger_of_batches() {
    nothing_is_lost_or_doubled(BulkMethod::Batch, 50, 11).await;
}

#[tokio::test]
async fn a_ledger_of_bulk_messages_when_half_of_all_requests_go_wrong() {
    nothing_is_lost_or_doubled(BulkMethod::Multiple, 500, 13).await;
}

#[tokio::test]
async fn a_ledger_of_batches_when_half_of_all_requests_go_wrong() {
    nothing_is_lost_or_doubled(BulkMethod::Batch, 500, 17).await;
}
