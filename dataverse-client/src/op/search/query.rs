//! Searching rows.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::answer::{needed, read, value};
use super::request::{ANY_TERM, SearchBody, SearchTable};
use crate::error::Result;
use crate::odata::{Request, Response};
use crate::op::{Operation, Replay, Scope};
use crate::schema::AnyRow;
use crate::value::Json;

/// Searches rows of several tables by relevance.
///
/// ```
/// # use dataverse_client::{Client, SearchQuery, SearchTable};
/// # async fn f(client: &Client) -> dataverse_client::Result<()> {
/// let query = SearchQuery::new("Contoso")
///     .table(SearchTable::named("account").select_named("name"))
///     .top(10)
///     .with_count();
/// let results = client.search(query).await?;
/// for hit in &results.hits {
///     let name: Option<String> = hit.attributes.get("name")?;
///     println!("{} {} {name:?}", hit.entity_name, hit.id);
/// }
/// # Ok(()) }
/// ```
///
/// Shape: `POST searchquery`.
/// Units: text of 1 to 100 characters; 50 hits unless [`top`](SearchQuery::top) says otherwise, at
/// most 100. One request per second for each user, and 150 per minute for the org.
/// Errors: `is_search_disabled`; `is_throttled` beyond those limits, after the retries.
/// Source: Microsoft Learn, "Dataverse Search query".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    search: String,
    tables: Vec<SearchTable>,
    filter: Option<String>,
    order_by: Vec<String>,
    facets: Vec<String>,
    options: Vec<(String, String)>,
    count: Option<bool>,
    top: Option<u32>,
    skip: Option<u32>,
}

impl SearchQuery {
    /// Searches for this text, in simple syntax: `"exact words"`, `Alp*`, `hotel+(wifi|luxury)`.
    pub fn new(search: impl Into<String>) -> Self {
        SearchQuery {
            search: search.into(),
            tables: Vec::new(),
            filter: None,
            order_by: Vec::new(),
            facets: Vec::new(),
            options: Vec::new(),
            count: None,
            top: None,
            skip: None,
        }
    }

    /// In this table, and those given before; without any, in all that are indexed.
    #[must_use]
    pub fn table<E>(mut self, table: SearchTable<E>) -> Self {
        self.tables.push(table.erased());
        self
    }

    /// Only rows that meet this condition, over columns that all the tables have:
    /// `createdon gt 2022-08-15`.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Sorted by `createdon desc`, `@search.score desc`, after what was given before. The service
    /// takes it with Lucene syntax and wildcards only.
    #[must_use]
    pub fn order_by(mut self, order: impl Into<String>) -> Self {
        self.order_by.push(order.into());
        self
    }

    /// Counts the hits by a column: `entityname,count:100`.
    #[must_use]
    pub fn facet(mut self, facet: impl Into<String>) -> Self {
        self.facets.push(facet.into());
        self
    }

    /// Reads the text in Lucene syntax: `Uniersty~`, `Rock^2 electronic`, `/[mh]otel/`.
    #[must_use]
    pub fn lucene(self) -> Self {
        self.option("querytype", "lucene")
    }

    /// Rows must hold all the words, and not only one of them.
    #[must_use]
    pub fn all_words(self) -> Self {
        self.option("searchmode", "all")
    }

    /// Gives what is likely where nothing matches well.
    #[must_use]
    pub fn best_effort(self) -> Self {
        self.option("besteffortsearchenabled", "true")
    }

    /// Any other option, by its name on the wire.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.options.retain(|(known, _)| *known != name);
        self.options.push((name, value.into()));
        self
    }

    /// Asks for the number of hits, too; see [`SearchResults::count`].
    #[must_use]
    pub fn with_count(mut self) -> Self {
        self.count = Some(true);
        self
    }

    /// At most `hits` hits; 1 to 100.
    #[must_use]
    pub fn top(mut self, hits: u32) -> Self {
        self.top = Some(hits);
        self
    }

    /// Passes over the first `hits` hits.
    #[must_use]
    pub fn skip(mut self, hits: u32) -> Self {
        self.skip = Some(hits);
        self
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResults {
    /// The rows, best first unless an order was asked for.
    pub hits: Vec<SearchHit>,
    /// How many there are in all, if it was asked for.
    pub count: Option<u64>,
    /// The counts that were asked for, by column.
    pub facets: BTreeMap<String, Vec<Facet>>,
}

/// A row that was found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchHit {
    /// The primary key.
    pub id: Uuid,
    /// Logical name of the table.
    pub entity_name: String,
    /// The columns that were selected, with annotations. Lookups and choices have the names of
    /// search (`ownerid`, not `_ownerid_value`).
    pub attributes: AnyRow,
    /// Pieces of columns around what matched, which stands between `{crmhit}` and `{/crmhit}`.
    pub highlights: BTreeMap<String, Vec<String>>,
    /// How well it fits: higher is better.
    pub score: f64,
}

/// How many hits have a value, or one within a range.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Facet {
    /// How many.
    pub count: Option<i64>,
    /// The value.
    pub value: Option<Json>,
    /// Another value, of lookups.
    pub optional_value: Option<Json>,
    /// From here on; None if the range has no lower bound.
    pub from: Option<Json>,
    /// Up to before this; None if the range has no upper bound.
    pub to: Option<Json>,
}

impl Operation for SearchQuery {
    type Output = SearchResults;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut body = SearchBody::new(&self.search, ANY_TERM)?;
        body.tables(&self.tables);
        body.value("filter", self.filter.as_ref());
        body.list("orderby", &self.order_by);
        body.list("facets", &self.facets);
        body.options(&self.options);
        body.value("count", self.count.as_ref());
        body.top(self.top)?;
        body.value("skip", self.skip.map(i64::from).as_ref());
        Ok(body.post("searchquery"))
    }

    fn decode(&self, response: &Response) -> Result<SearchResults> {
        let answer = read(response)?;
        let rows: Vec<AnyRow> = value(&answer, "Value")?.unwrap_or_default();
        let hits: Result<_> = rows.iter().map(hit).collect();
        let count: Option<i64> = value(&answer, "Count")?;
        let facets: AnyRow = value(&answer, "Facets")?.unwrap_or_default();
        Ok(SearchResults {
            hits: hits?,
            // -1 where it was not asked for.
            count: count.and_then(|count| u64::try_from(count).ok()),
            facets: lists(&facets, |row: AnyRow| facet(&row))?,
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }

    fn only_reads(&self) -> bool {
        true
    }
}

fn hit(row: &AnyRow) -> Result<SearchHit> {
    let highlights: AnyRow = value(row, "Highlights")?.unwrap_or_default();
    Ok(SearchHit {
        id: needed(row, "Id")?,
        entity_name: needed(row, "EntityName")?,
        attributes: value(row, "Attributes")?.unwrap_or_default(),
        highlights: lists(&highlights, Ok)?,
        score: value(row, "Score")?.unwrap_or_default(),
    })
}

fn facet(row: &AnyRow) -> Result<Facet> {
    Ok(Facet {
        count: value(row, "count")?,
        value: value(row, "value")?,
        optional_value: value(row, "optionalvalue")?,
        from: value(row, "from")?,
        to: value(row, "to")?,
    })
}

/// The members of an object whose values are lists.
fn lists<T: crate::value::Value, U>(
    row: &AnyRow,
    item: impl Fn(T) -> Result<U>,
) -> Result<BTreeMap<String, Vec<U>>> {
    let names = row.members().map(|(name, _)| name);
    names
        .map(|name| {
            let items: Vec<T> = row.get(name)?.unwrap_or_default();
            let items: Result<_> = items.into_iter().map(&item).collect();
            Ok((name.to_owned(), items?))
        })
        .collect()
}
