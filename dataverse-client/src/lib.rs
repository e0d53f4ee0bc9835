//! A typed client for the Microsoft Dataverse Web API.
//!
//! ```no_run
//! use dataverse_client::auth::{ClientSecret, Secret};
//! use dataverse_client::{Changes, Client, Entity, Id, New, Record};
//!
//! // `dataverse-codegen generate` writes such tables from your org's `$metadata`.
//! #[derive(Entity, Default)]
//! #[dataverse(table = "account", set = "accounts", id = "accountid")]
//! struct Account {
//!     accountid: Option<Id<Account>>,
//!     name: Option<String>,
//!     fax: Option<String>,
//! }
//!
//! /// The columns this program needs: they are also the `$select`.
//! #[derive(Record)]
//! #[dataverse(entity = Account)]
//! struct AccountCard {
//!     name: String,
//!     fax: Option<String>,
//! }
//!
//! # async fn program(secret: Secret) -> dataverse_client::Result<()> {
//! let client = Client::builder("https://contoso.crm4.dynamics.com")?
//!     .credential(ClientSecret::new("contoso.onmicrosoft.com", "APPLICATION-ID", secret))
//!     .build()?;
//!
//! let id = client.create(New::new().set(Account::NAME, "Contoso")).await?;
//! client.update(id, Changes::new().clear(Account::FAX)).await?;
//!
//! let mut rows = client
//!     .query::<AccountCard>()
//!     .filter(Account::NAME.starts_with("Con"))
//!     .order_by(Account::NAME.asc())
//!     .rows();
//! while let Some(account) = rows.try_next().await? {
//!     println!("{}: {:?}", account.name, account.fax);
//! }
//!
//! match client.delete(id).await {
//!     Err(error) if error.is_not_found() => {}
//!     other => other?,
//! }
//! # Ok(()) }
//! ```
//!
//! # Where things are
//!
//! - [`Client`]: `retrieve`, `query`, `fetch`, `create`, `update`, `upsert`, `delete`, `associate`,
//!   `changes`, `aggregate`, `invoke`, `batch` …. Each gives a [`Call`], sent when awaited.
//! - [`Client::table`]: the same for a table that is only known at run time, with rows as
//!   [`AnyRow`]; [`Client::definitions`] tells the names.
//! - [`Column`], [`Navigation`]: conditions ([`Filter`]), orders and groups, from generated
//!   constants; [`column()`] from names.
//! - [`CallOptions`]: who calls, what logic is left out, what annotations come.
//! - The operations themselves ([`Retrieve`], [`Query`], [`Create`] …) are values: the same one is
//!   sent, put in a [`Batch`] or [`ChangeSet`], or looked at in a test ([`Operation::request`]).
//! - [`FetchXml`]: what to ask for in Dataverse's own query language, from text or from typed
//!   columns; [`fetchxml`] holds its parts.
//! - [`Client::bulk_write`]: any number of rows ([`BulkRow`]) in few requests, with an outcome for
//!   each and a checkpoint ([`BulkCheckpoint`]) to go on from.
//! - [`Ranges`]: a large table by several streams. [`Rows::export`]: rows as JSON lines or CSV;
//!   with the feature `parquet`, `Rows::export_parquet`.
//! - [`Client::upload`], [`Client::download`]: files of any size in columns ([`FileColumn`]), notes
//!   and attachments ([`NoteFile`]), a chunk in memory at a time.
//! - [`Client::search`]: relevance search ([`SearchQuery`]), suggestions ([`SearchSuggest`]).
//! - [`Discovery`]: the orgs of a user. [`http::Cloud`], [`http::Region`]: where they run.
//! - [`New`] and [`Changes`]: what to write. [`Row`]: what was read, with its [`ETag`].
//! - [`Error`]: one type; its `is_…` methods are the decisions a program can take.
//! - [`auth`]: every way to sign in, in one table.
//! - [`http`]: transport, clock, retries. [`schema`], [`value`]: what generated code
//!   and the derives are made of.
//!
//! # Delivery
//!
//! No write is lost silently, and none is done twice silently. Every write ends as `Ok`, as an
//! error that says it was not executed, or as one with
//! [`is_outcome_unknown`](Error::is_outcome_unknown).
//!
//! | what happened | what the client does |
//! |---|---|
//! | 429, or no connection | it was not executed: waits (exactly `Retry-After` if given, and with it all calls of the same user) and sends again |
//! | 429 in a part of a batch | sends that part again, and those that were not executed because of it |
//! | 500 without a code, or of the database | sends a read, `update`, `upsert` once more |
//! | the answer got lost, or 408, 502, 503, 504 and those of other gateways | sends again what a second execution does not change: reads, functions, `update` and `upsert` without a condition, `delete`, `create` with its client-made key. Anything else ends with `is_outcome_unknown` |
//! | a repeated `create` is refused, because its key is taken or for another reason | asks for the row; if it is there, the first attempt made it |
//! | a repeated `delete` finds no row | the first attempt deleted it |
//! | another repeat is refused | `is_outcome_unknown`: the first attempt may have been executed |
//! | a success that holds a web page or an error | somebody else answered: an error, of a write with `is_outcome_unknown` |
//!
//! A `create` carries a primary key made by the client. A repeated `update` or `upsert` runs the
//! org's plug-ins a second time, and can overwrite what another wrote between; with
//! [`Update::if_match`] it is not repeated, and with [`CallOptions::at_most_once`] nothing is that may
//! have been executed; [`Client::retry_on_conflict`] reads, changes and writes
//! until nobody else was faster.
//!
//! The clones of a client share what they learn of the service: one pause, one window of requests
//! on their way ([`Client::limits`]) and one budget for repeats, so that a service in trouble is not
//! asked ever more. [`Call::deadline`] ends a call. A future that is dropped ends where it waits.
//!
//! # Watching
//!
//! With the feature `tracing` each call is a span `dataverse.call` (target `dataverse_client`, level
//! info) from the first attempt to the end of the last, with the names that OpenTelemetry has for HTTP
//! clients: `otel.name` (`PATCH accounts(…)`), `http.request.method`, `url.template`,
//! `server.address`, `server.port`, `http.response.status_code`, `http.request.resend_count`,
//! `error.type`, and `dataverse.client_request_id`, which the service's own logs know. An event
//! `sends again` within it tells of each repeat, with `wait_ms` and `why`. No query, key, token or
//! value of a row is in them.
//!
//! [`Client::counters`] counts calls, attempts, repeats and refusals; [`Client::limits`] tells what the
//! client waits for now.
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `derive`, unless switched off | [`Record`], [`Entity`] and the other derives |
//! | `tracing`, unless switched off | a span for each call |
//! | `certificate` | `auth::ClientCertificate`, with a certificate in PEM |
//! | `pfx` | the same, with `auth::Certificate::from_pfx` |
//! | `azure-core` | `auth::AzureCore`: any credential of the Azure SDK for Rust |
//! | `http2` | HTTP/2 where the server speaks it: many requests on one connection |
//! | `parquet` | `Rows::export_parquet` and `ParquetFormat` |

// Generated code and derives name this crate by one path; in its own tests and docs, too.
#[allow(unused_extern_crates)]
extern crate self as dataverse_client;

mod client;
pub mod codegen;
mod definition;
pub mod definitions;
mod error;
pub mod http;
mod odata;
mod op;
pub mod schema;
pub mod value;

#[cfg(feature = "derive")]
pub use dataverse_derive::{Action, Choice, Entity, FetchRow, Function, Record, Targets, Write};

// Many rows at once.
#[cfg(feature = "parquet")]
pub use client::ParquetFormat;
pub use client::RowFormat;
pub use client::{BulkCheckpoint, BulkMethod, BulkOutcome, BulkOutcomes, BulkProgress, BulkWrite};
pub use client::{Call, ChangeStream, Client, ClientBuilder, NamedTable, Pages, Rows};
pub use client::{Discovery, DiscoveryBuilder, Download, DownloadState, Upload, UploadState};
pub use http::auth;

pub use error::{BulkFailure, Error, Result, ServiceError, Throttle};
pub use odata::Ranges;
pub use odata::fetchxml::{self, FetchXml};
pub use odata::{
    Bypass, CallOptions, Expansion, Filter, Hops, NextLink, Order, Page, Path, Period, Request,
    Response, RowCount, Session, Target, Unit, UserScope, column,
};
pub use op::BulkRow;
pub use op::{
    AfterDoubt, Aggregate, Answer, Arguments, Associate, BackgroundOperation, BackgroundState,
    BackgroundStatus, Batch, BoundTo, CancelBackground, Change, ChangeOf, ChangePage, ChangeSet,
    Count, CountChanges, Create, CreateMultiple, CreateReturning, Delete, DeleteMultiple,
    DeltaToken, Disassociate, Fetch, FetchPage, FetchRow, GetColumn, GetText, Handle, IfChanged,
    InBackground, Invocation, Invoke, InvokeNamed, Message, MessageKind, NextPage, Operation,
    Optional, Paged, Query, Read, Reading, References, Refused, Replay, Replies, Retrieve,
    RetrieveRelated, RowArgument, Scope, SetColumn, TotalRowCounts, TrackChanges, Update,
    UpdateMultiple, UpdateReturning, Upsert, UpsertMultiple, UpsertReturning, Upserted, Write,
};
// Files, search, discovery.
pub use op::{
    BlockDownload, BlockId, BlockToken, ChunkOutcome, CommitBlocksUpload, DeleteFile,
    DownloadBlock, DownloadBody, DownloadFile, Facet, FileColumn, FileContent, FileInfo,
    FileTarget, InitializeBlocksDownload, InitializeBlocksUpload, Instance, Instances, MAX_BLOCK,
    NoteFile, SearchAutocomplete, SearchHit, SearchQuery, SearchResults, SearchStatistics,
    SearchStatus, SearchStatusReport, SearchStorage, SearchSuggest, SearchTable, SearchTableStatus,
    StartUpload, StoredFile, Suggestion, UploadBlock, UploadChunk, UploadFile, UploadSession,
};
pub use schema::{
    AlternateKey, AnyRow, AnyTable, Body, Changes, Column, Complex, Edit, Entity, Key, Navigation,
    New, Record, Row, ToKey,
};
/// The crates whose types stand in rows, in the versions used here.
#[doc(no_inline)]
pub use {chrono, rust_decimal, uuid};

pub use value::{AnyLookup, AnyValue, Binary, Choice, Choices, ETag, Id, Json, Lookup};
