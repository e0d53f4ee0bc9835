//! The client against scripts and recorded answers; never against the emulator's own ideas.

mod batch;
mod delivery;
mod derived;
mod operations;
mod paging;
mod requests;
mod security;
mod transport;
mod wire;
