//! Derive macros of `dataverse-client`.
