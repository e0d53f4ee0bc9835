//! Fetching metadata from an org, as a snapshot that can be checked in: sorted, and without
//! anything that differs from one fetch to the next.

mod credential;
mod normal;

use std::collections::BTreeMap;
use std::path::Path;

use dataverse_client::{Client, Operation, Replay, Request, Response, Scope};
use serde_json::{Value, json};

pub use credential::{TokenCommand, from_environment};

use crate::error::Error;
use crate::{csdl, glob, model, write};

/// The names of a snapshot's files.
const METADATA: &str = "$metadata.xml";
const DEFINITIONS: &str = "definitions.json";

/// Tables whose definitions one request asks for: their names stand in the URL.
const TABLES_PER_REQUEST: usize = 40;

/// What to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// Names or patterns of the tables whose definitions are fetched; empty for all. The document
    /// always has all.
    pub tables: Vec<String>,
    /// Language of labels; English if None.
    pub lcid: Option<u32>,
    /// Fetches the document alone: CSDL without choices, labels and lengths.
    pub no_definitions: bool,
}

/// What an org says of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The CSDL document, sorted.
    pub metadata: String,
    /// What CSDL lacks, as [`Definitions`](crate::definitions::Definitions) reads it; None if it
    /// was not asked for.
    pub definitions: Option<String>,
}

impl Snapshot {
    /// Fetches from an org: `$metadata?annotations=true` once, and definitions for every 40 tables.
    /// `progress` is told how many requests of how many are done.
    ///
    /// Errors: those of the client; an answer that is no metadata; a table that the org does not
    /// have.
    pub async fn fetch(
        client: &Client,
        options: &FetchOptions,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, Error> {
        progress(0, 1);
        let document = client.call(Get::document()).await.map_err(Error::Fetch)?;
        let not_csdl = |error| Error::NotCsdl {
            name: "the org's $metadata".to_owned(),
            error,
        };
        let text = csdl::text(document).map_err(not_csdl)?;
        let parsed = csdl::parse(&text).map_err(not_csdl)?;
        let model = model::build(&parsed);
        let metadata = normal::document(&text)?;
        let tables = wanted_tables(&model, &options.tables)?;
        if options.no_definitions {
            progress(1, 1);
            return Ok(Snapshot {
                metadata,
                definitions: None,
            });
        }
        let requests: Vec<&[&str]> = tables.chunks(TABLES_PER_REQUEST).collect();
        let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
        for (done, names) in requests.iter().enumerate() {
            progress(done + 1, requests.len() + 1);
            let get = Get::definitions(names, options.lcid.unwrap_or(1033));
            let answer = client.call(get).await.map_err(Error::Fetch)?;
            definitions.extend(normal::definitions(&answer)?);
        }
        progress(requests.len() + 1, requests.len() + 1);
        let tables: Vec<Value> = definitions.into_values().collect();
        let definitions = serde_json::to_string_pretty(&json!({ "EntityMetadata": tables }));
        let definitions = definitions.map_err(|error| Error::Definitions(error.to_string()))?;
        Ok(Snapshot {
            metadata,
            definitions: Some(definitions + "\n"),
        })
    }

    /// Writes `$metadata.xml` and, if there are any, `definitions.json` into `folder`, where they
    /// differ; both or none. Gives how many changed.
    pub fn write(&self, folder: &Path) -> Result<usize, Error> {
        if folder.exists() && !folder.is_dir() {
            return Err(Error::NotAFolder(folder.to_owned()));
        }
        let definitions = self.definitions.as_deref();
        let files = [(METADATA, self.metadata.as_str())];
        let all = files
            .into_iter()
            .chain(definitions.map(|text| (DEFINITIONS, text)));
        write::replace_changed(folder, all)
    }
}

/// Names of the tables that have rows and fit.
fn wanted_tables<'m>(model: &'m model::Model, patterns: &[String]) -> Result<Vec<&'m str>, Error> {
    let usable = || {
        let tables = model.tables.values();
        let usable = tables.filter(|t| t.entity_set.is_some() && t.primary_id.is_some());
        usable.map(|table| table.logical_name.as_str())
    };
    let missing = patterns
        .iter()
        .filter(|p| !usable().any(|name| glob::matches(p, name)));
    let missing: Vec<String> = missing
        .map(|name| format!("the org has no table `{name}`"))
        .collect();
    if !missing.is_empty() {
        return Err(Error::Selection(missing));
    }
    let is_wanted = |name: &&str| {
        patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, name))
    };
    Ok(usable().filter(is_wanted).collect())
}

/// A read whose answer is kept as it came.
struct Get {
    path: String,
    accept: &'static str,
}

impl Get {
    fn document() -> Self {
        Get {
            path: "$metadata?annotations=true".to_owned(),
            accept: "application/xml",
        }
    }

    /// `RetrieveMetadataChanges` for these tables, with what [`crate::definitions`] reads.
    fn definitions(tables: &[&str], lcid: u32) -> Self {
        let condition = |name: &&str| {
            json!({
                "ConditionOperator": "Equals",
                "PropertyName": "LogicalName",
                "Value": { "Type": "System.String", "Value": name },
            })
        };
        let properties = |names: &[&str]| json!({ "AllProperties": false, "PropertyNames": names });
        let query = json!({
            "Criteria": {
                "FilterOperator": "Or",
                "Conditions": tables.iter().map(condition).collect::<Vec<_>>(),
            },
            "Properties": properties(normal::TABLE_PROPERTIES),
            "AttributeQuery": { "Properties": properties(normal::COLUMN_PROPERTIES) },
            "LabelQuery": { "FilterLanguages": [lcid] },
        });
        let encoded: String = url::form_urlencoded::byte_serialize(query.to_string().as_bytes())
            .collect::<String>()
            .replace('+', "%20");
        Get {
            path: format!("RetrieveMetadataChanges(Query=@q)?@q={encoded}"),
            accept: "application/json",
        }
    }
}

impl Operation for Get {
    type Output = Vec<u8>;

    fn request_in(&self, _: &Scope<'_>) -> dataverse_client::Result<Request> {
        Ok(Request::get(&self.path).accept(self.accept))
    }

    fn decode(&self, response: &Response) -> dataverse_client::Result<Vec<u8>> {
        Ok(response.success()?.body.to_vec())
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
