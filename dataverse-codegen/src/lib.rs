//! Generates typed Rust for Dataverse tables from a `$metadata` document.

pub mod csdl;
pub mod model;
