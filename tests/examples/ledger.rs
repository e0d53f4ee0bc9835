//! A bulk write of many rows over a way with faults, killed three times and gone on with, and then
//! counted: `cargo run --release -p dataverse-tests --example ledger -- 100000 50`, rows and faults
//! in a thousand requests.

#![allow(clippy::print_stdout, reason = "it tells what it found")]

use std::error::Error;

use dataverse_client::BulkMethod;
use dataverse_client::http::VirtualClock;
use dataverse_emulator::Emulator;
use dataverse_tests::faulty::Faulty;
use dataverse_tests::fixture;
use dataverse_tests::ledger::{Ledger, client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual| arguments.next().map_or(Ok(usual), |text| text.parse());
    let (rows, share) = (number(6000)?, number(50)?);
    let document = std::fs::read(fixture("csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz"))?;
    for (method, seed) in [(BulkMethod::Multiple, 7), (BulkMethod::Batch, 11)] {
        let clock = VirtualClock::default();
        let emulator = Emulator::builder()
            .metadata(&*document)
            .alternate_key("account", &["accountnumber"])
            .clock(clock.clone())
            .build()?;
        let part = rows as usize / 4;
        let ledger = Ledger {
            rows,
            method,
            pack_rows: 100,
            kills: vec![part, part, part],
        };
        emulator.seed("account", ledger.seed())?;
        let way = Faulty::new(emulator.clone(), share, seed);
        let reader = client(Emulator::URL, emulator, &clock)?;
        let begin = || client(Emulator::URL, way.clone(), &clock);
        let balance = ledger.keep(begin, &reader).await?;
        let (requests, faults) = way.told();
        println!("{method:?}: {rows} rows, {requests} requests: {balance:#?}");
        println!("faults: {faults:?}");
        if (balance.lost, balance.doubled, balance.untold) != (0, 0, 0) {
            return Err("rows were lost or doubled".into());
        }
    }
    Ok(())
}
