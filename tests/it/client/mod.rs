//! The client against scripts and recorded answers; never against the emulator's own ideas.

mod auth;
mod batch;
mod bulk;
mod changes;
mod conflict;
mod deadline;
mod definitions;
mod delivery;
mod derived;
mod discovery;
mod fetchxml;
mod files;
mod foreign;
mod operations;
mod paging;
mod query;
mod recorded;
mod refused_parts;
mod replay;
mod requests;
mod rows;
mod search;
mod security;
mod throttle;
mod transport;
mod wire;
