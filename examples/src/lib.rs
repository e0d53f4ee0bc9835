//! What the examples share: an org to talk to.

use std::error::Error;
use std::path::{Path, PathBuf};

use dataverse_client::Client;
use dataverse_client::http::FixedToken;
use dataverse_emulator::Emulator;

/// The `$metadata` of a real org, which the repository carries.
pub fn metadata_file() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    tests.join("fixtures/csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz")
}

/// The `$metadata` of an online org, which has file columns.
pub fn online_metadata_file() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    tests.join("fixtures/csdl/dataverse-online-9.1-crm4-2020-09.csdl.xml.gz")
}

/// An emulator with the tables of the real org, and a client that talks to it in process.
pub fn emulated_org() -> Result<(Client, Emulator), Box<dyn Error>> {
    let emulator = Emulator::builder()
        .metadata(std::fs::read(metadata_file())?)
        .alternate_key("account", &["accountnumber"])
        .build()?;
    let client = Client::builder(Emulator::URL)?
        .credential(FixedToken::new("the emulator takes any"))
        .transport(emulator.clone())
        .build()?;
    Ok((client, emulator))
}
