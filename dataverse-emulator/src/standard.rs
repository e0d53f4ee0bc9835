//! The built-in tables.

use std::sync::OnceLock;

use crate::document::Document;
use crate::emulator::BuildError;

/// A reduced copy of a captured document, gzip; `standard/SOURCES.md` tells from where.
const DOCUMENT: &[u8] = include_bytes!("../standard/standard.csdl.xml.gz");

/// The same, read once.
///
/// Errors: it is no CSDL.
pub(crate) fn document() -> Result<Document, BuildError> {
    static READ: OnceLock<Document> = OnceLock::new();
    if let Some(read) = READ.get() {
        return Ok(read.clone());
    }
    let read = Document::read(DOCUMENT)?;
    Ok(READ.get_or_init(|| read).clone())
}

/// A few rows, as [`EmulatorBuilder::seed`](crate::EmulatorBuilder::seed) reads them.
pub(crate) const ROWS: &str = include_str!("../standard/rows.json");
