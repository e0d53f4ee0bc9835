//! The built-in tables.

/// A reduced copy of a captured document, gzip; `standard/SOURCES.md` tells from where.
pub(crate) const DOCUMENT: &[u8] = include_bytes!("../standard/standard.csdl.xml.gz");

/// A few rows, as [`EmulatorBuilder::seed`](crate::EmulatorBuilder::seed) reads them.
pub(crate) const ROWS: &str = include_str!("../standard/rows.json");
