//! Generates typed Rust for Dataverse tables from a `$metadata` document.
//!
//! The program `dataverse-codegen` is what most need. This library is for build scripts:
//!
//! ```
//! use dataverse_codegen::{Options, csdl, generate, model};
//!
//! # fn build(document: Vec<u8>, folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let text = csdl::text(document)?; // plain, gzip or UTF-16
//! let model = model::build(&csdl::parse(&text)?);
//! let mut options = Options::default();
//! options.tables = vec!["account".into(), "contact".into()];
//! let generated = generate(&model, &options)?;
//! dataverse_codegen::write(folder, &generated.files)?;
//! # Ok(()) }
//! ```
//!
//! The way of a document: [`csdl`] reads elements, [`model`] finds what they mean, then tables are
//! selected, named and written as text. Output is the same, byte for byte, whatever the order of
//! the document.

#[cfg(feature = "cli")]
pub mod cli;
pub mod csdl;
pub mod definitions;
mod emit;
mod error;
mod lock;
pub mod model;
mod naming;
mod select;
mod write;

pub use emit::File;
pub use error::Error;
pub use lock::NameLock;
pub use naming::NameOptions;
pub use select::{Layout, Options};
pub use write::{Written, write};

/// What was generated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The files, sorted by name.
    pub files: Vec<File>,
    /// The names that were given, those of [`Options::lock`] included.
    pub lock: NameLock,
}

/// The files for what `options` names. Nothing is written.
///
/// Errors: [`Error::Selection`] if the document does not have it, with names that are near.
pub fn generate(model: &model::Model, options: &Options) -> Result<Generated, Error> {
    let (files, lock) = emit::emit(&select::Selection::new(model, options)?);
    Ok(Generated { files, lock })
}
