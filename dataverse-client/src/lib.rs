//! A typed client for the Microsoft Dataverse Web API.

// Generated code and derives name this crate by one path; in its own tests and docs, too.
#[allow(unused_extern_crates)]
extern crate self as dataverse_client;

mod client;
pub mod codegen;
mod error;
pub mod http;
mod odata;
mod op;
pub mod schema;
pub mod value;

#[cfg(feature = "derive")]
pub use dataverse_derive::{Entity, Record};

pub use client::{Call, Client, ClientBuilder, Rows};
pub use error::{Error, Result, ServiceError};
pub use odata::{Filter, NextLink, Order, Request, Response, Target};
pub use op::{
    AfterDoubt, Answer, Arguments, Batch, ChangeSet, Complex, Create, Delete, Handle, Invoke,
    Message, MessageKind, Operation, Optional, Page, Query, Replay, Replies, Retrieve, RowArgument,
    Scope, Update, Upsert, Write,
};
pub use schema::{
    AlternateKey, Body, Changes, Column, Entity, Key, Navigation, New, Record, Row, ToKey,
};
pub use value::{AnyLookup, Binary, ETag, Id, Json, Lookup};
