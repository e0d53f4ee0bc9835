//! Reading many rows.

use std::marker::PhantomData;

use http::Method;

use super::retrieve::{ANNOTATIONS, needs_labels, read_options};
use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::headers::Prefer;
use crate::odata::{Filter, NextLink, Order, Request, Response, Target, page, url};
use crate::schema::{Entity, Record, Row};

/// Rows per page: the service gives no more.
/// Source: Microsoft Learn, "Page results using OData", 2024.
const MAX_PAGE_SIZE: u32 = 5000;

/// Reads the rows of a table that meet a condition, page by page.
///
/// Shape: `GET accounts?$select=…&$filter=…&$orderby=…`; the columns are those of the record type,
/// and so are the related rows that come with each (`$expand`).
/// Units: one request is one page of at most 5,000 rows.
/// Source: Microsoft Learn, "Query data using the Web API".
#[derive(Debug)]
pub struct Query<R: Record> {
    filter: Option<Filter<R::Entity>>,
    order: Vec<Order<R::Entity>>,
    page_size: Option<u32>,
    top: Option<u32>,
    count: bool,
    annotations: bool,
    next: Option<NextLink>,
    record: PhantomData<fn() -> R>,
}

/// One page of rows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<R: Record> {
    /// The rows.
    pub rows: Vec<Row<R>>,
    /// Where the next page is; None on the last.
    pub next: Option<NextLink>,
    /// How many rows meet the condition, if asked for; never more than 5,000.
    pub count: Option<u64>,
}

impl<R: Record> Query<R> {
    /// All rows of the table.
    pub fn new() -> Self {
        Query {
            filter: None,
            order: Vec::new(),
            page_size: None,
            top: None,
            count: false,
            annotations: false,
            next: None,
            record: PhantomData,
        }
    }

    /// Only rows that meet `filter`, and every filter given before.
    #[must_use]
    pub fn filter(mut self, filter: Filter<R::Entity>) -> Self {
        self.filter = Some(match self.filter {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }

    /// Sorted by this column, after those given before.
    #[must_use]
    pub fn order_by(mut self, order: Order<R::Entity>) -> Self {
        self.order.push(order);
        self
    }

    /// At most `rows` rows in a page; 1 to 5,000.
    #[must_use]
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_size = Some(rows);
        self
    }

    /// At most `rows` rows in all; 1 to 5,000. Not together with a page size.
    #[must_use]
    pub fn top(mut self, rows: u32) -> Self {
        self.top = Some(rows);
        self
    }

    /// Asks for the number of rows, too.
    #[must_use]
    pub fn with_count(mut self) -> Self {
        self.count = true;
        self
    }

    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.annotations = true;
        self
    }

    /// The same query, from the page at `next` on.
    #[must_use]
    pub fn from_page(mut self, next: NextLink) -> Self {
        self.next = Some(next);
        self
    }

    fn target(&self) -> Result<Target> {
        if let Some(next) = &self.next {
            return Ok(Target::Link(next.0.clone()));
        }
        let set = R::Entity::TABLE.entity_set();
        let mut query = url::Query::of(set);
        read_options::<R>(&mut query)?;
        if let Some(filter) = &self.filter {
            query.option("$filter", filter.as_str());
        }
        if !self.order.is_empty() {
            let mut text = String::new();
            for (index, order) in self.order.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                order.write(&mut text);
            }
            query.option("$orderby", &text);
        }
        if let Some(top) = self.top {
            query.option("$top", &top.to_string());
        }
        if self.count {
            query.option("$count", "true");
        }
        Ok(Target::Path(query.into_string()))
    }

    fn check(&self) -> Result<()> {
        let table = R::Entity::TABLE.logical_name();
        for (name, rows) in [("page size", self.page_size), ("top", self.top)] {
            if let Some(rows) = rows
                && !(1..=MAX_PAGE_SIZE).contains(&rows)
            {
                return Err(Error::input(format!(
                    "query of `{table}`: a {name} of {rows} is not between 1 and {MAX_PAGE_SIZE}"
                )));
            }
        }
        if self.page_size.is_some() && self.top.is_some() {
            return Err(Error::input(format!(
                "query of `{table}`: the service ignores `top` when a page size is given; use one"
            )));
        }
        Ok(())
    }
}

impl<R: Record> Default for Query<R> {
    fn default() -> Self {
        Query::new()
    }
}

impl<R: Record> Clone for Query<R> {
    fn clone(&self) -> Self {
        Query {
            filter: self.filter.clone(),
            order: self.order.clone(),
            next: self.next.clone(),
            ..*self
        }
    }
}

impl<R: Record> Operation for Query<R> {
    type Output = Page<R>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        self.check()?;
        let mut request = Request::new(Method::GET, String::new());
        request.target = self.target()?;
        // Repeated on every page: the service forgets them, and pages would change their shape.
        let mut prefer = Prefer::default();
        if let Some(rows) = self.page_size {
            prefer.max_page_size(rows);
        }
        if self.annotations || needs_labels::<R>() {
            prefer.annotations(ANNOTATIONS);
        }
        prefer.apply(&mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<Page<R>> {
        let envelope = page::read_page(&response.success()?.body)?;
        Ok(Page {
            rows: envelope.rows,
            next: envelope.next,
            count: envelope.count,
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
