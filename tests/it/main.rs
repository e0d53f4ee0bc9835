//! One test binary: linking is most of what a test run on two cores waits for.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod bulk;
mod client;
mod codegen;
mod conformance;
mod conformance_background;
mod conformance_reads;
mod conformance_writes;
mod csdl;
mod definitions;
mod documents;
mod dropped;
mod emulator;
mod fetch;
mod fetchxml;
mod fuzz;
mod generate;
mod model;
mod operations;
mod org;
mod parquet;
mod partition;
mod readme;
mod schema;
mod supply;
mod transfers;
