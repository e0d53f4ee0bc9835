//! An org of the emulator with a clock of its own, and a client for it.

use dataverse_client::Client;
use dataverse_client::http::{FixedToken, VirtualClock};
use dataverse_emulator::Emulator;

use crate::documents::{ON_PREMISES, document};

pub(crate) fn org() -> (Client, Emulator, VirtualClock) {
    let clock = VirtualClock::default();
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
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
