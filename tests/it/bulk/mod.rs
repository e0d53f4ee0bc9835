//! Bulk writes: what is sent, and that no row is lost or doubled.

mod ledger;
mod limits;
mod pages;
mod protection;
mod requests;
mod rows;
mod tail;

use dataverse_client::http::{FixedToken, Transport, VirtualClock};
use dataverse_client::{BulkOutcomes, Client, Result};
use dataverse_emulator::{Emulator, EmulatorBuilder};
use dataverse_tests::fixture;

fn builder() -> EmulatorBuilder {
    let document = fixture("csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz");
    Emulator::builder()
        .metadata(std::fs::read(document).unwrap())
        .alternate_key("account", &["accountnumber"])
}

fn client_over(transport: impl Transport, clock: &VirtualClock) -> Client {
    Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(transport)
        .clock(clock.clone())
        .build()
        .unwrap()
}

fn org(builder: EmulatorBuilder) -> (Client, Emulator) {
    let clock = VirtualClock::default();
    let emulator = builder.clock(clock.clone()).build().unwrap();
    (client_over(emulator.clone(), &clock), emulator)
}

/// Place and text of error of each outcome, as they come.
async fn told<E: 'static>(mut outcomes: BulkOutcomes<E>) -> Result<Vec<(u64, Option<String>)>> {
    let mut told = Vec::new();
    while let Some(outcome) = outcomes.try_next().await? {
        let error = outcome.result.err().map(|error| error.to_string());
        told.push((outcome.index, error));
    }
    Ok(told)
}
