//! Reading many rows.

use std::borrow::Cow;
use std::marker::PhantomData;

use http::Method;
use uuid::Uuid;

use super::read::{Read, Wanted};
use super::{Operation, Paged, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::expansion::{Expansion, names};
use crate::odata::headers::{self, Prefer};
use crate::odata::key::row_path;
use crate::odata::url::{Query as Url, entity_set};
use crate::odata::{Filter, NextLink, Order, Page, Request, Response, RowCount, Target};
use crate::schema::{AnyRow, Many, Navigation, Record, RowRef, TableName, ToKey};
use crate::value::{AnyValue, Literal};

/// Reads the rows of a table that meet a condition, page by page.
///
/// Shape: `GET accounts?$select=…&$filter=…&$orderby=…`; the columns are those of the record type,
/// and so are the related rows that come with each (`$expand`).
/// Units: one request is one page of at most 5,000 rows.
///
/// There is no `skip`, which the service refuses; a page says where the next one is
/// ([`Page::next`]), and [`Call::rows`](crate::Call::rows) follows:
///
/// ```compile_fail,E0599
/// # use dataverse_client::schema::TableName;
/// # use dataverse_client::Query;
/// let query = Query::from_table(TableName::new("accounts")).top(10).skip(10);
/// ```
///
/// Source: Microsoft Learn, "Query data using the Web API".
pub struct Query<R: Read> {
    source: Source,
    filter: Option<Filter<R::Entity>>,
    order: Vec<Order<R::Entity>>,
    wanted: Wanted,
    page_size: Option<u32>,
    top: Option<u32>,
    count: bool,
    partition_id: Option<String>,
    parameters: Vec<(String, String)>,
    next: Option<NextLink>,
    record: PhantomData<fn() -> R>,
}

/// Where rows come from.
#[derive(Debug, Clone)]
struct Source {
    table: TableName,
    /// The row whose related rows these are, and the navigation property that leads to them.
    related_to: Option<(RowRef, Cow<'static, str>)>,
    view: Option<View>,
}

/// A query that stands somewhere else than in the request.
#[derive(Clone)]
enum View {
    Saved(Uuid),
    User(Uuid),
    Sql(String),
}

impl View {
    fn option(&self) -> (&'static str, String) {
        match self {
            View::Saved(id) => ("savedQuery", id.to_string()),
            View::User(id) => ("userQuery", id.to_string()),
            View::Sql(text) => ("sql", text.clone()),
        }
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SQL holds values.
        f.write_str(self.option().0)
    }
}

impl Source {
    fn path(&self) -> Result<String> {
        match &self.related_to {
            None => Ok(entity_set(self.table.entity_set())?.to_owned()),
            Some((row, navigation)) => {
                let row = row_path(row.table.entity_set(), &row.key)?;
                Ok(format!("{row}/{navigation}"))
            }
        }
    }

    fn shown(&self) -> &str {
        match &self.related_to {
            None => self.table.shown(),
            Some((_, navigation)) => navigation,
        }
    }
}

impl<R: Record> Query<R> {
    /// All rows of the table.
    pub fn new() -> Self {
        Query::of_table(TableName::of::<R::Entity>())
    }

    /// The rows that a navigation property of one row leads to: `accounts(…)/Account_Tasks`.
    pub fn related<P: crate::schema::Entity>(
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<R::Entity>>,
    ) -> Self {
        let mut query = Query::new();
        let row = RowRef::of(key);
        query.source.related_to = Some((row, Cow::Borrowed(navigation.name())));
        query
    }

    /// Says which of the related rows are read with each row.
    #[must_use]
    pub fn expanding<F>(
        mut self,
        navigation: Navigation<R::Entity, Many<F>>,
        options: impl FnOnce(Expansion<F>) -> Expansion<F>,
    ) -> Self {
        let expansion = options(Expansion::of(navigation));
        self.wanted.expand.push(expansion.into_options());
        self
    }
}

impl Query<AnyRow> {
    /// All rows of `table`, with all columns unless some are selected.
    pub fn from_table(table: TableName) -> Self {
        Query::of_table(table)
    }

    /// The rows that the navigation property of one row leads to, by its exact name.
    pub fn related_to(row: RowRef, navigation: impl Into<Cow<'static, str>>) -> Self {
        let mut query = Query::of_table(row.table.clone());
        query.source.related_to = Some((row, navigation.into()));
        query
    }

    /// Only these columns, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.wanted.select = Some(names(columns));
        self
    }

    /// With rows related to each.
    #[must_use]
    pub fn expand(mut self, expansion: Expansion) -> Self {
        self.wanted.expand.push(expansion.into_options());
        self
    }
}

impl<R: Read> Query<R> {
    fn of_table(table: TableName) -> Self {
        Query {
            source: Source {
                table,
                related_to: None,
                view: None,
            },
            filter: None,
            order: Vec::new(),
            wanted: Wanted::default(),
            page_size: None,
            top: None,
            count: false,
            partition_id: None,
            parameters: Vec::new(),
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
        self.wanted.annotations = true;
        self
    }

    /// A value for `@name` in a [raw](Filter::raw) filter: it cannot be read as anything but a
    /// value, whatever it holds.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<AnyValue>) -> Self {
        let value: AnyValue = value.into();
        let mut literal = String::new();
        value.append_literal(&mut literal);
        self.parameters.push((name.into(), literal));
        self
    }

    /// Only the rows of this partition of an elastic table.
    #[must_use]
    pub fn partition_id(mut self, id: impl Into<String>) -> Self {
        self.partition_id = Some(id.into());
        self
    }

    /// What the system view with this `savedqueryid` shows. The view says which columns and rows:
    /// columns that it does not have are null.
    #[must_use]
    pub fn saved_query(mut self, id: impl Into<Uuid>) -> Self {
        self.source.view = Some(View::Saved(id.into()));
        self
    }

    /// What the personal view with this `userqueryid` shows.
    #[must_use]
    pub fn user_query(mut self, id: impl Into<Uuid>) -> Self {
        self.source.view = Some(View::User(id.into()));
        self
    }

    /// What a `SELECT` in the service's SQL gives (preview). Values in it must be literals.
    #[must_use]
    pub fn sql(mut self, select: impl Into<String>) -> Self {
        self.source.view = Some(View::Sql(select.into()));
        self
    }

    /// The same query, from the page at `next` on. It must ask for the same as before: the link
    /// says which rows, and this query how they are read.
    #[must_use]
    pub fn from_page(mut self, next: NextLink) -> Self {
        self.next = Some(next);
        self
    }

    fn target(&self) -> Result<Target> {
        if let Some(next) = &self.next {
            return Ok(Target::Link(next.0.clone()));
        }
        let mut url = Url::of(self.source.path()?);
        if let Some(view) = &self.source.view {
            let (name, value) = view.option();
            url.option(name, &value);
            return Ok(Target::Path(url.into_string()));
        }
        self.wanted.add_to::<R>(&mut url)?;
        if let Some(filter) = &self.filter {
            url.option("$filter", filter.checked()?);
        }
        if !self.order.is_empty() {
            let mut text = String::new();
            for (index, order) in self.order.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                order.write(&mut text);
            }
            url.option("$orderby", &text);
        }
        if let Some(top) = self.top {
            url.option("$top", &top.to_string());
        }
        if self.count {
            url.option("$count", "true");
        }
        for (name, literal) in &self.parameters {
            url.option(&format!("@{name}"), literal);
        }
        if let Some(id) = &self.partition_id {
            url.option("partitionId", id);
        }
        Ok(Target::Path(url.into_string()))
    }

    fn check(&self) -> Result<()> {
        let table = self.shown();
        if let Some(rows) = self.top {
            headers::check_rows(table, "top", rows)?;
        }
        if self.page_size.is_some() && self.top.is_some() {
            return Err(Error::input(format!(
                "query of `{table}`: the service ignores `top` when a page size is given; use one"
            )));
        }
        let says_more = self.filter.is_some()
            || !self.order.is_empty()
            || self.top.is_some()
            || self.count
            || !self.wanted.expand.is_empty();
        if let Some(view) = &self.source.view
            && says_more
        {
            return Err(Error::input(format!(
                "query of `{table}`: `{}` says which rows and in which order; the service takes no \
                 filter, order, top, count or related rows beside it",
                view.option().0
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

impl<R: Read> Clone for Query<R> {
    fn clone(&self) -> Self {
        Query {
            source: self.source.clone(),
            filter: self.filter.clone(),
            order: self.order.clone(),
            wanted: self.wanted.clone(),
            partition_id: self.partition_id.clone(),
            parameters: self.parameters.clone(),
            next: self.next.clone(),
            ..*self
        }
    }
}

impl<R: Read> std::fmt::Debug for Query<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("source", &self.source)
            .field("filter", &self.filter)
            .field("order", &self.order)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Operation for Query<R> {
    type Output = Page<R::Row>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        self.check()?;
        let mut request = Request::new(Method::GET, String::new());
        request.target = self.target()?;
        // Repeated on every page: the service forgets them, and pages would change their shape.
        let mut prefer = Prefer::default();
        if let Some(rows) = self.page_size {
            prefer.max_page_size(self.shown(), rows)?;
        }
        self.wanted.prefer::<R>(prefer, &mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<Page<R::Row>> {
        R::read_page(&response.success()?.body, None)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

impl<R: Read> Paged for Query<R> {
    type Row = R::Row;
    type Next = NextLink;

    fn next_of(page: &Page<R::Row>) -> Option<&NextLink> {
        page.next.as_ref()
    }

    fn split(page: Page<R::Row>) -> (Vec<R::Row>, Option<RowCount>) {
        (page.rows, page.count)
    }

    fn at_page(self, next: NextLink) -> Self {
        self.from_page(next)
    }

    fn mark(next: &NextLink) -> Cow<'_, str> {
        Cow::Borrowed(&next.0)
    }

    fn shown(&self) -> &str {
        self.source.shown()
    }
}
