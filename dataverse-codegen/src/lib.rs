//! Generates typed Rust for Dataverse tables from a `$metadata` document.
//!
//! The program `dataverse-codegen` is what most need. This library is for build scripts, where
//! [`Generator`] is the whole way from files to files; without default features it has no HTTP, no
//! TLS and no command line. Step by step:
//!
//! ```
//! use dataverse_codegen::{Options, csdl, definitions::Definitions, generate, model};
//!
//! # fn build(document: Vec<u8>, json: Vec<u8>, folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let text = csdl::text(document)?; // plain, gzip or UTF-16
//! let mut model = model::build(&csdl::parse(&text)?);
//! let definitions = Definitions::parse("definitions.json", json)?;
//! model::enrich(&mut model, &definitions, None)?; // choices, labels: optional
//! let options = Options {
//!     tables: vec!["account".into(), "msdyn_*".into()],
//!     ..Options::default()
//! };
//! let generated = generate(&model, &options)?;
//! dataverse_codegen::write(folder, &generated.files)?;
//! # Ok(()) }
//! ```
//!
//! The way of a document: [`csdl`] reads elements, [`model`] finds what they mean, [`definitions`]
//! add what CSDL lacks, then tables are selected, named and written as text. Output is the same,
//! byte for byte, whatever the order of the document.

#[cfg(feature = "cli")]
pub mod cli;
mod config;
pub mod csdl;
pub mod definitions;
mod diff;
mod emit;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod generator;
mod glob;
#[cfg(feature = "cli")]
mod list;
mod lock;
pub mod model;
mod naming;
mod parallel;
mod select;
mod write;

pub use diff::{Difference, diff};
pub use emit::File;
pub use error::Error;
pub use generator::{Generator, Source};
pub use lock::NameLock;
pub use naming::NameOptions;
pub use select::{ColumnPattern, Docs, Layout, Options};
pub use write::{Written, write};

/// What was generated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The files, sorted by name.
    pub files: Vec<File>,
    /// The names that were given, those of [`Options::lock`] included.
    pub lock: NameLock,
    /// What was asked for and is not there, as far as that is no error.
    pub warnings: Vec<String>,
    /// How many tables.
    pub tables: usize,
    /// How many columns these have.
    pub columns: usize,
}

/// The files for what `options` name. Nothing is written.
///
/// Errors: [`Error::Selection`] if the document does not have it, with names that are near.
pub fn generate(model: &model::Model, options: &Options) -> Result<Generated, Error> {
    let narrowed = select::narrowed(model, options);
    let (selection, warnings) = select::Selection::new(model, &narrowed, options)?;
    let (files, lock) = emit::emit(&selection);
    Ok(Generated {
        files,
        lock,
        warnings,
        tables: selection.tables.len(),
        columns: selection
            .tables
            .iter()
            .map(|table| table.columns.len())
            .sum(),
    })
}
