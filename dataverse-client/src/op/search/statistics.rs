//! What the search index holds, and whether there is one.

use super::answer::{needed, read, value};
use crate::error::Result;
use crate::odata::{Request, Response};
use crate::op::{Operation, Replay, Scope};
use crate::schema::AnyRow;

/// Asks how large the search index is.
///
/// Shape: `GET searchstatistics`.
/// Errors: `is_search_disabled`.
/// Source: Microsoft Learn, "Dataverse Search statistics and status".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchStatistics;

/// How large a search index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchStorage {
    /// Its size.
    pub bytes: i64,
    /// Its size in megabytes, as the service rounds it.
    pub megabytes: i64,
    /// How many rows are in it.
    pub documents: i64,
}

impl Operation for SearchStatistics {
    type Output = SearchStorage;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        Ok(Request::get("searchstatistics"))
    }

    fn decode(&self, response: &Response) -> Result<SearchStorage> {
        let told: AnyRow = needed(&read(response)?, "value")?;
        Ok(SearchStorage {
            bytes: needed(&told, "storagesizeinbytes")?,
            megabytes: needed(&told, "storagesizeinmb")?,
            documents: needed(&told, "documentcount")?,
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Asks whether the org has a search index, and which tables are in it.
///
/// Shape: `GET searchstatus`.
/// Source: Microsoft Learn, "Dataverse Search statistics and status".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchStatus;

/// The state of a search index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchStatusReport {
    /// `provisioned` if search works; `notprovisioned` if it is switched off.
    pub status: String,
    /// The tables that are in it, or will be.
    pub tables: Vec<SearchTableStatus>,
}

impl SearchStatusReport {
    /// Whether search works.
    pub fn is_provisioned(&self) -> bool {
        self.status.eq_ignore_ascii_case("provisioned")
    }
}

/// The state of a table in a search index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchTableStatus {
    /// Logical name of the table.
    pub logical_name: String,
    /// Logical name of the column that holds the primary name.
    pub primary_name: Option<String>,
    /// `EntitySyncComplete` if the index is up to date.
    pub status: Option<String>,
    /// When rows were last taken over, as the service tells it.
    pub last_data_sync: Option<String>,
    /// The columns that can be searched, by logical name.
    pub columns: Vec<String>,
}

impl Operation for SearchStatus {
    type Output = SearchStatusReport;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        Ok(Request::get("searchstatus"))
    }

    fn decode(&self, response: &Response) -> Result<SearchStatusReport> {
        let told: AnyRow = needed(&read(response)?, "value")?;
        let tables: Vec<AnyRow> = value(&told, "entitystatusresults")?.unwrap_or_default();
        let tables: Result<_> = tables.iter().map(table).collect();
        Ok(SearchStatusReport {
            status: needed(&told, "status")?,
            tables: tables?,
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

fn table(row: &AnyRow) -> Result<SearchTableStatus> {
    let columns: AnyRow = value(row, "searchableindexedfieldinfomap")?.unwrap_or_default();
    Ok(SearchTableStatus {
        logical_name: needed(row, "entitylogicalname")?,
        primary_name: value(row, "primarynamefield")?,
        status: value(row, "entitystatus")?,
        last_data_sync: value(row, "lastdatasynctimestamp")?,
        columns: columns.members().map(|(name, _)| name.to_owned()).collect(),
    })
}
