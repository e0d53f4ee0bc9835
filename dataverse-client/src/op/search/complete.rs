//! Helping somebody who types: rows and words that fit what stands there.

use uuid::Uuid;

use super::answer::{needed, read, value};
use super::request::{ANY_TERM, SUGGEST_TERM, SearchBody, SearchTable};
use crate::error::Result;
use crate::odata::{Request, Response};
use crate::op::{Operation, Replay, Scope};
use crate::schema::AnyRow;

/// Suggests rows whose primary name begins like what was typed.
///
/// Shape: `POST searchsuggest`.
/// Units: text of 3 to 100 characters; 5 suggestions unless [`top`](SearchSuggest::top) says
/// otherwise.
/// Errors: as those of [`SearchQuery`](super::SearchQuery).
/// Source: Microsoft Learn, "Dataverse Search suggest".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchSuggest {
    search: String,
    tables: Vec<SearchTable>,
    filter: Option<String>,
    order_by: Vec<String>,
    fuzzy: Option<bool>,
    top: Option<u32>,
}

impl SearchSuggest {
    /// Suggests for this text.
    pub fn new(search: impl Into<String>) -> Self {
        SearchSuggest {
            search: search.into(),
            tables: Vec::new(),
            filter: None,
            order_by: Vec::new(),
            fuzzy: None,
            top: None,
        }
    }

    /// In this table, and those given before; without any, in all that are indexed.
    #[must_use]
    pub fn table<E>(mut self, table: SearchTable<E>) -> Self {
        self.tables.push(table.erased());
        self
    }

    /// Only rows that meet this condition: `createdon gt 2022-08-15`.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Sorted by `createdon desc`, after what was given before.
    #[must_use]
    pub fn order_by(mut self, order: impl Into<String>) -> Self {
        self.order_by.push(order.into());
        self
    }

    /// Passes over a letter that is wrong or missing.
    #[must_use]
    pub fn fuzzy(mut self) -> Self {
        self.fuzzy = Some(true);
        self
    }

    /// At most `suggestions` suggestions; 1 to 100.
    #[must_use]
    pub fn top(mut self, suggestions: u32) -> Self {
        self.top = Some(suggestions);
        self
    }
}

/// A row that is suggested.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Suggestion {
    /// What fits, with `{crmhit}` and `{/crmhit}` around it.
    pub text: String,
    /// The primary key.
    pub id: Option<Uuid>,
    /// Logical name of the table.
    pub entity_name: Option<String>,
    /// The columns that were selected, and what search says of the row (`@search.objectid`).
    pub document: AnyRow,
}

impl Operation for SearchSuggest {
    type Output = Vec<Suggestion>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut body = SearchBody::new(&self.search, SUGGEST_TERM)?;
        body.tables(&self.tables);
        body.value("filter", self.filter.as_ref());
        body.list("orderby", &self.order_by);
        body.value("fuzzy", self.fuzzy.as_ref());
        body.top(self.top)?;
        Ok(body.post("searchsuggest"))
    }

    fn decode(&self, response: &Response) -> Result<Vec<Suggestion>> {
        let answer = read(response)?;
        let rows: Vec<AnyRow> = value(&answer, "Value")?.unwrap_or_default();
        let suggestion = |row: &AnyRow| {
            let document: AnyRow = value(row, "Document")?.unwrap_or_default();
            Ok(Suggestion {
                text: needed(row, "Text")?,
                id: document.get("@search.objectid")?,
                entity_name: document.get("@search.entityname")?,
                document,
            })
        };
        rows.iter().map(suggestion).collect()
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }

    fn only_reads(&self) -> bool {
        true
    }
}

/// Completes the word that was typed. None if nothing fits.
///
/// Shape: `POST searchautocomplete`.
/// Units: text of 1 to 100 characters.
/// Errors: as those of [`SearchQuery`](super::SearchQuery).
/// Source: Microsoft Learn, "Dataverse Search autocomplete".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchAutocomplete {
    search: String,
    tables: Vec<SearchTable>,
    filter: Option<String>,
    fuzzy: Option<bool>,
}

impl SearchAutocomplete {
    /// Completes this text.
    pub fn new(search: impl Into<String>) -> Self {
        SearchAutocomplete {
            search: search.into(),
            tables: Vec::new(),
            filter: None,
            fuzzy: None,
        }
    }

    /// With words of this table, and those given before; without any, of all that are indexed.
    #[must_use]
    pub fn table<E>(mut self, table: SearchTable<E>) -> Self {
        self.tables.push(table.erased());
        self
    }

    /// Only of rows that meet this condition: `createdon gt 2022-08-15`.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Passes over a letter that is wrong or missing.
    #[must_use]
    pub fn fuzzy(mut self) -> Self {
        self.fuzzy = Some(true);
        self
    }
}

impl Operation for SearchAutocomplete {
    type Output = Option<String>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut body = SearchBody::new(&self.search, ANY_TERM)?;
        body.tables(&self.tables);
        body.value("filter", self.filter.as_ref());
        body.value("fuzzy", self.fuzzy.as_ref());
        Ok(body.post("searchautocomplete"))
    }

    fn decode(&self, response: &Response) -> Result<Option<String>> {
        let completed: Option<String> = value(&read(response)?, "Value")?;
        Ok(completed.filter(|text| !text.is_empty()))
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }

    fn only_reads(&self) -> bool {
        true
    }
}
