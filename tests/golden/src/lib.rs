//! Generated tables of a real org, from `tests/fixtures/csdl`. `tests/it/generate.rs` says how to
//! write them anew.

pub mod crm;
