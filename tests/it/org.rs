//! An org of the emulator with a clock of its own, and a client for it.

use dataverse_client::Client;
use dataverse_client::http::{FixedToken, VirtualClock};
use dataverse_emulator::Emulator;
use dataverse_tests::fixture;

pub(crate) fn org() -> (Client, Emulator, VirtualClock) {
    let document = fixture("csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz");
    let clock = VirtualClock::default();
    let emulator = Emulator::builder()
        .metadata(std::fs::read(document).unwrap())
        .alternate_key("account", &["accountnumber"])
        .clock(clock.clone())
        .build()
        .unwrap();
    let client = Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(emulator.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    (client, emulator, clock)
}
