//! The real documents, each read once for all tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use dataverse_emulator::Document;
use dataverse_tests::fixture;

/// Sales and Service.
pub(crate) const ON_PREMISES: &str = "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz";
/// An online org.
pub(crate) const ONLINE: &str = "dataverse-online-9.1-crm4-2020-09.csdl.xml.gz";

type Cell = Arc<OnceLock<Document>>;

static READ: Mutex<Option<HashMap<&'static str, Cell>>> = Mutex::new(None);

/// A document of `tests/fixtures/csdl`.
pub(crate) fn document(file: &'static str) -> Document {
    let cell = READ
        .lock()
        .unwrap()
        .get_or_insert_default()
        .entry(file)
        .or_default()
        .clone();
    let read = || {
        let bytes = std::fs::read(fixture("csdl").join(file)).unwrap();
        Document::read(bytes).unwrap()
    };
    cell.get_or_init(read).clone()
}
