//! What the tests share: where the fixtures are, transports that play a script or go wrong, and a few
//! tables.

pub mod clock;
pub mod faulty;
pub mod held;
pub mod ledger;
pub mod limits;
pub mod script;
pub mod tables;

use std::path::{Path, PathBuf};

/// A file below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}
