//! A local Dataverse: the Web API over SQLite, with built-in tables or those of any `$metadata`
//! document, and those that requests make.
//!
//! In process, as the transport of a client:
//!
//! ```
//! use dataverse_client::http::FixedToken;
//! use dataverse_client::{Client, Entity, Id, New};
//! use dataverse_emulator::Emulator;
//!
//! #[derive(Entity, Default)]
//! #[dataverse(table = "account", set = "accounts", id = "accountid")]
//! struct Account {
//!     accountid: Option<Id<Account>>,
//!     name: Option<String>,
//! }
//!
//! # async fn program(document: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::builder().metadata(document).build()?;
//! let client = Client::builder(Emulator::URL)?
//!     .credential(FixedToken::new("any"))
//!     .transport(emulator.clone())
//!     .build()?;
//!
//! let id = client.create(New::new().set(Account::NAME, "Contoso")).await?;
//! let account = client.retrieve::<Account>(id).await?;
//! assert_eq!(account.name.as_deref(), Some("Contoso"));
//! assert_eq!(emulator.requests().len(), 2);
//! # Ok(()) }
//! ```
//!
//! On a port, for anything that speaks HTTP: [`Emulator::listen`], or the program:
//!
//! ```sh
//! dataverse-emulator --port 5000 --data org.sqlite
//! ```
//!
//! Without `--metadata` there are built-in tables with a few rows. `POST /emulator/reset`,
//! `/emulator/snapshot`, `/emulator/restore` (`{"name": "…"}`) and `/emulator/faults` do what
//! [`Emulator::reset`], [`snapshot`](Emulator::snapshot), [`restore`](Emulator::restore) and
//! [`inject_when`](Emulator::inject_when) do; `GET /emulator/ledger?id=…` tells what
//! [`committed`](Emulator::committed) does. Clients sign in at `/{tenant}/oauth2/v2.0/token`,
//! `/authorize` and `/devicecode`.
//!
//! It answers as the service does, or with 501 and the name of what it does not support:
//! `NOT_SUPPORTED.md` lists that. Any bearer token is taken; a request without one is answered
//! with 401, which tells where to sign in.
//!
//! From a request to its answer: `listen`, `tls`, `paced` (sockets), `emulator` (log, token),
//! `injected` (faults on demand), `sign_in`, `limits`, `security`, `control`, `ledger`, `snapshot`, `org` (what is declared), `service` (who
//! answers), `url`, `row_key` (what is asked about); reads: `query`, `related`, `row`, `expand`,
//! `apply`, `fetch`, `output`, `delta`; writes: `write`, `nested`, `associate`, `bulk`, `elastic`,
//! `file`, what they may hold and get (`domain`, `state`, `computed`, `money`, `auto_number`, `solution`); the
//! rest: `operation`, `handler`, `background`, `bound`, `batch`, `definitions`, `search`,
//! `discovery`. Below them `filter`, `query_function`, `operator` (with `caller`, `hierarchy`,
//! `full_text`), `span`, `order`, `path`, `label`, `managed`, `names`, `relation`, `aggregate`, `cookie`,
//! `store` (SQL), `catalog` (tables of the document).

mod activity;
mod address;
mod aggregate;
mod apply;
mod associate;
mod auto_number;
mod background;
mod batch;
mod bound;
mod bulk;
mod bulk_delete;
mod caller;
mod cascade;
mod catalog;
mod closing;
mod computed;
mod control;
mod cookie;
mod definitions;
mod delta;
mod discovery;
mod document;
mod domain;
mod duplicate;
mod elastic;
mod emulator;
mod expand;
mod fault;
mod fetch;
mod file;
mod filter;
mod format;
mod full_text;
mod guard;
mod handler;
mod hierarchy;
mod initialize;
mod injected;
mod label;
mod ledger;
mod like;
mod limits;
mod listen;
mod managed;
mod message;
mod metadata;
mod money;
mod names;
mod nested;
mod operation;
mod operator;
mod order;
mod org;
mod organization;
mod output;
mod paced;
mod parameter;
mod path;
mod qualify;
mod query;
mod query_function;
mod queue;
mod reference;
mod related;
mod relation;
mod row;
mod row_key;
mod search;
mod security;
mod seed;
mod service;
mod sharing;
mod sign_in;
mod snapshot;
mod solution;
mod span;
mod spelling;
mod standard;
mod state;
mod store;
mod text;
mod tls;
mod url;
mod value;
mod write;

pub use document::Document;
pub use emulator::{BuildError, Emulator, EmulatorBuilder, Recorded, SeedError};
pub use handler::{ActionCall, ActionError};
pub use injected::InjectedFault;
pub use ledger::{Committed, CommittedChange};
pub use limits::ProtectionLimits;
pub use listen::Listening;
pub use security::{
    BusinessUnit, ColumnPermission, ColumnProfile, Depth, Right, Role, Security, Team, User,
};
pub use snapshot::SnapshotError;
