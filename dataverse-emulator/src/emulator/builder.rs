//! Setting an emulator up.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dataverse_client::http::{Clock, SystemClock};
use dataverse_codegen::csdl;

use super::{Emulator, Inner};
use crate::definitions::{Custom, Given, product};
use crate::document::Document;
use crate::limits::{Gate, ProtectionLimits};
use crate::org::Setup;
use crate::security::Security;
use crate::seed::Rows;
use crate::service::Service;
use crate::store::Store;
use crate::{sign_in, standard};

/// How long an org lets delta links be followed (`Organization.ExpireChangeTrackingInDays`).
const DELTA_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Why an emulator cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The document is not CSDL.
    #[error("the $metadata document: {0}")]
    Metadata(#[from] csdl::Error),
    /// An alternate key names what the document does not have.
    #[error("{0}")]
    AlternateKey(String),
    /// A maximum length names what the document does not have.
    #[error("{0}")]
    MaxLength(String),
    /// A setting is for a table that the document does not have, or that cannot be set so.
    #[error("{0}")]
    Table(String),
    /// The definitions are not those of an org.
    #[error("the definitions: {0}")]
    Definitions(String),
    /// The rows that there shall be from the start are not as they should be.
    #[error("the rows to begin with: {0}")]
    Seed(String),
    /// An operation is answered that the document does not declare.
    #[error("the document declares no action or function `{0}`")]
    Operation(String),
    /// Users, teams and roles do not fit together, or not to the document.
    #[error("{0}")]
    Security(String),
    /// The rows cannot be stored.
    #[error("the store: {0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
}

/// Sets up an [`Emulator`].
#[derive(Default)]
pub struct EmulatorBuilder {
    metadata: Option<Vec<u8>>,
    document: Option<Document>,
    definitions: Option<Vec<u8>>,
    data_file: Option<PathBuf>,
    alternate_keys: Vec<(String, Vec<String>)>,
    max_lengths: Vec<(String, String, usize)>,
    without_optimistic_concurrency: Vec<String>,
    elastic_tables: Vec<String>,
    duplicate_rules: Vec<(String, Vec<String>)>,
    delta_lifetime: Option<Duration>,
    clock: Option<Arc<dyn Clock>>,
    seeds: Vec<String>,
    security: Option<Security>,
    limits: Option<ProtectionLimits>,
    tenant: Option<String>,
    token_lifetime: Option<Duration>,
}

impl EmulatorBuilder {
    /// The `$metadata` document whose tables there are: text, gzip or UTF-16. Without one they are
    /// the built-in ones: `account`, `contact`, `lead`, `task`, `systemuser` and about eighty more,
    /// from captured documents.
    #[must_use]
    pub fn metadata(mut self, document: impl Into<Vec<u8>>) -> Self {
        self.metadata = Some(document.into());
        self.document = None;
        self
    }

    /// A `$metadata` document that was read before, in place of [`metadata`](Self::metadata).
    #[must_use]
    pub fn document(mut self, document: Document) -> Self {
        self.document = Some(document);
        self
    }

    /// What the document does not tell: labels, choices, lengths, names of rows, from an answer of
    /// `RetrieveMetadataChanges` or `EntityDefinitions`; plain or gzip. A value that a column cannot
    /// hold by its definition is refused from then on: a number that is no option, a reason of
    /// another state, a text that is too long.
    #[must_use]
    pub fn definitions(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.definitions = Some(json.into());
        self
    }

    /// Keeps rows in this file; without one they are in memory.
    #[must_use]
    pub fn data_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.data_file = Some(file.into());
        self
    }

    /// Rows that there are from the start, and after each [`Emulator::reset`]: a JSON object with
    /// the rows of each table by its logical name, `{"account": [{"name": "Contoso"}]}`, as creates
    /// would have them. Tables and rows are written in the order in which they stand. A data file
    /// that has rows already keeps those. A member `@security` says what
    /// [`Security::from_json`] reads, unless [`security`](Self::security) says it.
    #[must_use]
    pub fn seed(mut self, json: impl Into<String>) -> Self {
        self.seeds.push(json.into());
        self
    }

    /// A few rows in the built-in tables: three accounts, two contacts, an opportunity, a task.
    #[must_use]
    pub fn sample_rows(self) -> Self {
        self.seed(standard::ROWS)
    }

    /// Adds an alternate key over columns, by logical name. Documents name few keys.
    #[must_use]
    pub fn alternate_key(mut self, table: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.alternate_keys.push((table.to_owned(), columns));
        self
    }

    /// Refuses longer text in a column, by logical name. Documents do not tell lengths.
    #[must_use]
    pub fn max_length(mut self, table: &str, column: &str, length: usize) -> Self {
        self.max_lengths
            .push((table.to_owned(), column.to_owned(), length));
        self
    }

    /// Switches optimistic concurrency off for a table, by logical name: an ETag in `If-Match` is
    /// refused, and a conditional read always answered with the row.
    #[must_use]
    pub fn without_optimistic_concurrency(mut self, table: &str) -> Self {
        self.without_optimistic_concurrency.push(table.to_owned());
        self
    }

    /// Makes a table elastic, by logical name; it has a column `partitionid`. Documents do not tell
    /// which tables are.
    #[must_use]
    pub fn elastic_table(mut self, table: &str) -> Self {
        self.elastic_tables.push(table.to_owned());
        self
    }

    /// Adds a duplicate detection rule: rows of a table are the same if these columns, by logical
    /// name, hold the same values, none of them null. It counts for creates and updates with the
    /// header `MSCRM.SuppressDuplicateDetection: false`, which are refused with 412 and 0x80040333.
    #[must_use]
    pub fn duplicate_rule(mut self, table: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.duplicate_rules.push((table.to_owned(), columns));
        self
    }

    /// How long a delta link of change tracking can be followed; without it, 7 days. An older one
    /// is refused with 0x80044352, and the client reads everything again.
    #[must_use]
    pub fn delta_lifetime(mut self, lifetime: Duration) -> Self {
        self.delta_lifetime = Some(lifetime);
        self
    }

    /// Users, teams, roles and secured columns; without them everybody may do everything. Users,
    /// teams and business units become rows. The emulator's own user, who is a system
    /// administrator, has every token that names nobody else.
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.security = Some(security);
        self
    }

    /// Limits how much each user may ask for; without it, nothing does.
    #[must_use]
    pub fn protection_limits(mut self, limits: ProtectionLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The Microsoft Entra tenant that challenges send clients to: an id or a domain name. Tokens are
    /// given for every tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// How long tokens last that the emulator gives; without it, an hour. A request with an older one
    /// is answered with 401.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// Tells the time; without one, the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The emulator.
    ///
    /// Errors: [`BuildError`], before a file is touched where the document is at fault.
    pub fn build(self) -> Result<Emulator, BuildError> {
        let mut given = Given::default();
        if let Some(json) = self.definitions {
            let json = csdl::text(json).map_err(|e| BuildError::Definitions(e.to_string()))?;
            given = Given::parse(&json).map_err(BuildError::Definitions)?;
        }
        let document = match (self.document, self.metadata) {
            (Some(document), _) => document,
            (None, Some(bytes)) => Document::read(bytes)?,
            (None, None) => {
                let product = product::given();
                given.complete(product.map_err(|fault| BuildError::Definitions(fault.message))?);
                standard::document()?
            }
        };
        let setup = Setup {
            document,
            given,
            alternate_keys: self.alternate_keys,
            max_lengths: self.max_lengths,
            without_optimistic_concurrency: self.without_optimistic_concurrency,
            elastic_tables: self.elastic_tables,
            duplicate_rules: self.duplicate_rules,
        };
        let seeds = self.seeds.iter().map(|json| Rows::parse(json));
        let seeds: Vec<Rows> = seeds.collect::<Result<_, _>>().map_err(BuildError::Seed)?;
        // What the builder was told is at fault before the file is touched.
        let org = setup.org(Custom::default())?;
        let in_seeds = seeds.iter().find_map(|seed| seed.security.clone());
        let security = self.security.or(in_seeds);
        let security = security.map(|security| security.checked(&org.catalog));
        let security = security.transpose().map_err(BuildError::Security)?;
        let security = security.map(Arc::new);
        let file = self.data_file.as_deref();
        let failed = |error: rusqlite::Error| {
            BuildError::Store(match file {
                Some(file) => format!("{}: {error}", file.display()).into(),
                None => Box::new(error),
            })
        };
        let mut store = Store::open(file).map_err(failed)?;
        if let Some(security) = &security {
            store.secure(security).map_err(failed)?;
        }
        let emulator = Emulator {
            inner: Arc::new(Inner {
                service: Mutex::new(Service::new(
                    setup,
                    org,
                    store,
                    security.clone(),
                    self.delta_lifetime.unwrap_or(DELTA_LIFETIME),
                )?),
                clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
                state: Mutex::default(),
                seeds,
                snapshots: Mutex::default(),
                security,
                tenant: self.tenant.unwrap_or_else(|| sign_in::TENANT.to_owned()),
                token_lifetime: self.token_lifetime.unwrap_or(sign_in::LIFETIME),
                gate: self.limits.map(Gate::new).map(Mutex::new),
            }),
        };
        emulator.begin()?;
        Ok(emulator)
    }
}

impl std::fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmulatorBuilder")
            .field("data_file", &self.data_file)
            .field("alternate_keys", &self.alternate_keys)
            .finish_non_exhaustive()
    }
}
