//! Queries in FetchXML.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use http::Method;
use serde::{Deserialize, Serialize};

use super::fetch_row::{FetchRow, RecordPlan};
use super::read::ANNOTATIONS;
use super::{Operation, Paged, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::fetchxml::FetchXml;
use crate::odata::fetchxml::cookie::read_cookie;
use crate::odata::headers::Prefer;
use crate::odata::page::FetchAnnotations;
use crate::odata::{Request, Response, RowCount, url};
use crate::schema::TableName;

/// Without these nothing tells that there are more rows.
/// Source: Microsoft Learn, "Page results using FetchXml", 2024.
const PAGING: &[&str] = &[
    "Microsoft.Dynamics.CRM.fetchxmlpagingcookie",
    "Microsoft.Dynamics.CRM.morerecords",
];

const COUNTING: &[&str] = &[
    "Microsoft.Dynamics.CRM.totalrecordcount",
    "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded",
];

/// Rows that pages without a cookie reach.
/// Source: Microsoft Learn, "Page results using FetchXml", section "Simple paging", 2024.
const MAX_SIMPLE_ROWS: u64 = 50_000;

/// Reads the rows that a FetchXML document asks for, page by page.
///
/// Shape: `GET accounts?fetchXml=…`; where the document names no attribute, the columns are those
/// of the record type. Null columns are missing from the answer.
/// Units: one request is one page of at most 5,000 rows.
/// Errors: `is_invalid_input` if the service would refuse the document; see
/// [`FetchXml::check`].
/// Source: Microsoft Learn, "Retrieve data using FetchXml", 2024.
pub struct Fetch<R: FetchRow> {
    document: FetchXml,
    table: Option<TableName>,
    next: Option<NextPage>,
    count: bool,
    annotations: bool,
    all_pages: bool,
    row: PhantomData<fn() -> R>,
}

/// One page of rows of a FetchXML query.
#[derive(Debug)]
#[non_exhaustive]
pub struct FetchPage<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page is; None on the last.
    pub next: Option<NextPage>,
    /// How many rows meet the conditions, if asked for.
    pub count: Option<RowCount>,
}

/// Where the next page of a FetchXML query is, for [`Fetch::from_page`] with the same document.
///
/// Through serde it can be kept, and another process can go on: `{"page":2,"rows":5000,"cookie":"…"}`.
/// It holds values of rows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPage {
    page: u32,
    /// How many rows came before it.
    rows: u64,
    cookie: Option<String>,
}

impl NextPage {
    /// The number of the page, from 1.
    pub fn page(&self) -> u32 {
        self.page
    }

    /// Whether the service has given a paging cookie. Without one the pages end at 50,000 rows.
    pub fn has_cookie(&self) -> bool {
        self.cookie.is_some()
    }
}

impl fmt::Debug for NextPage {
    /// Without the cookie: it holds values of rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextPage")
            .field("page", &self.page)
            .field("has_cookie", &self.has_cookie())
            .finish()
    }
}

impl<R: FetchRow> Fetch<R> {
    /// The rows that `document` asks for.
    pub fn new(document: FetchXml<impl Sized>) -> Self {
        Fetch {
            document: document.retyped(),
            table: None,
            next: None,
            count: false,
            annotations: false,
            all_pages: false,
            row: PhantomData,
        }
    }

    /// The table: for documents and rows of one that is only known at run time. Its name in URLs
    /// cannot be told from that in the document.
    #[must_use]
    pub fn of_table(mut self, table: TableName) -> Self {
        self.table = Some(table);
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
    pub fn from_page(mut self, next: NextPage) -> Self {
        self.next = Some(next);
        self
    }

    fn wrong(&self, what: impl fmt::Display) -> Error {
        let table = self.document.logical_name();
        Error::input(format!("FetchXML query of `{table}`: {what}"))
    }

    /// The name in the URL.
    fn entity_set(&self, record: Option<&RecordPlan>) -> Result<&str> {
        let known = record.map(|record| record.table).or(self.document.table());
        let set = match (&self.table, known) {
            (Some(table), _) => {
                let document = self.document.logical_name();
                if let Some(name) = table.known_logical_name().filter(|name| *name != document) {
                    return Err(self.wrong(format!("it is sent to the table `{name}`")));
                }
                table.entity_set()
            }
            (None, Some(table)) => table.entity_set(),
            (None, None) => {
                return Err(self.wrong(
                    "the entity set is not known; give it with `of_table`, or fetch from a \
                     `Client::table`",
                ));
            }
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if set.is_empty() || !set.bytes().all(is_name) {
            return Err(self.wrong("the entity set is no name; give it like `accounts`"));
        }
        Ok(set)
    }

    /// The document with the columns of the record, of the page that is asked for.
    fn document(&self, record: Option<&RecordPlan>) -> Result<FetchXml> {
        let mut document = self.document.clone();
        if let Some(record) = record {
            let named = document.columns();
            record.check(document.logical_name(), named.as_deref())?;
            if named.is_some_and(|named| named.is_empty()) && !document.is_aggregate() {
                document = match &record.columns {
                    None => document.all_attributes(),
                    Some(columns) if columns.is_empty() => {
                        document.attribute(record.table.primary_id())
                    }
                    Some(columns) => columns
                        .iter()
                        .fold(document, |document, name| document.attribute(*name)),
                };
            }
        }
        if self.all_pages {
            self.check_all_pages()?;
        }
        if let Some(next) = &self.next {
            self.check_next(next)?;
            document = document.at_page(next.page, next.cookie.as_deref());
        }
        document.check()?;
        Ok(document)
    }

    fn check_all_pages(&self) -> Result<()> {
        let document = &self.document;
        let number = document.page_number().unwrap_or(1);
        if document.has_paging_cookie() || number != 1 {
            return Err(self.wrong(
                "the document asks for one page, but all are wanted; leave out `page` and \
                 `paging-cookie`, and give `from_page` where to begin",
            ));
        }
        if document.is_distinct() && !document.has_top() && !document.has_order() {
            return Err(self.wrong(
                "the pages of a `distinct` query need an `order`: rows would be lost or repeated",
            ));
        }
        Ok(())
    }

    fn check_next(&self, next: &NextPage) -> Result<()> {
        if self.document.has_top() {
            return Err(self.wrong("a query with `top` has one page only"));
        }
        if next.cookie.is_none() && next.rows >= MAX_SIMPLE_ROWS {
            return Err(self.wrong(format!(
                "the service gives no paging cookie for this query, and without one no more than \
                 {MAX_SIMPLE_ROWS} rows; there are more: order by columns of the table itself, or \
                 narrow the filter"
            )));
        }
        Ok(())
    }

    /// The number of the page that is asked for.
    fn page_number(&self) -> u32 {
        let next = self.next.as_ref().map(NextPage::page);
        next.or(self.document.page_number()).unwrap_or(1)
    }

    /// Where the page behind one of `rows` rows is.
    fn next_page(&self, said: &FetchAnnotations, rows: usize) -> Result<Option<NextPage>> {
        if self.document.has_top() {
            return Ok(None);
        }
        let table = self.document.logical_name();
        let wrong = |what: &str| {
            Err(Error::decode(format!(
                "FetchXML query of `{table}`: {what}"
            )))
        };
        // On the last page both are missing.
        if !said.more_records.unwrap_or(said.cookie.is_some()) {
            return Ok(None);
        }
        let asked = self.page_number();
        let Some(page) = asked.checked_add(1) else {
            return wrong("there are more pages than can be counted");
        };
        // What is aggregated has no rows that a cookie could name.
        let cookie = match &said.cookie {
            Some(_) if self.document.is_aggregate() => None,
            None => None,
            Some(annotation) => match read_cookie(annotation) {
                Some(cookie) => Some(cookie),
                None => return wrong("the service gave a paging cookie that cannot be read"),
            },
        };
        if cookie
            .as_ref()
            .is_some_and(|cookie| cookie.page.is_some_and(|given| given < asked))
        {
            return wrong("the service gave an earlier page again; following it would never end");
        }
        if cookie.is_none() && rows == 0 {
            return wrong(
                "the service says that there are more rows, but gave neither a row nor a paging \
                 cookie; following it would never end",
            );
        }
        let before = self.next.as_ref().map_or(0, |next| next.rows);
        Ok(Some(NextPage {
            page,
            rows: before.saturating_add(rows as u64),
            cookie: cookie.map(|cookie| cookie.text),
        }))
    }
}

impl<R: FetchRow> Clone for Fetch<R> {
    fn clone(&self) -> Self {
        Fetch {
            document: self.document.clone(),
            table: self.table.clone(),
            next: self.next.clone(),
            ..*self
        }
    }
}

impl<R: FetchRow> fmt::Debug for Fetch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("document", &self.document)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<R: FetchRow> Operation for Fetch<R> {
    type Output = FetchPage<R::Row>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let plan = R::plan();
        let record = plan.record.as_ref();
        let document = self.document(record)?;
        let mut query = url::Query::of(self.entity_set(record)?);
        query.option("fetchXml", &document.to_string());
        if self.count {
            query.option("$count", "true");
        }
        let mut request = Request::new(Method::GET, query.into_string());
        let mut terms = PAGING.to_vec();
        if self.count {
            terms.extend(COUNTING);
        }
        if self.annotations || record.is_some_and(|record| record.has_labels) {
            terms.extend(ANNOTATIONS);
        }
        let mut prefer = Prefer::default();
        prefer.annotations(&terms);
        prefer.apply(&mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<FetchPage<R::Row>> {
        let (rows, envelope) = (R::plan().read)(&response.success()?.body)?;
        let next = self.next_page(&envelope.fetch, rows.len())?;
        if next.is_none() && envelope.next.is_some() {
            return Err(Error::decode(format!(
                "FetchXML query of `{}`: the service gave a next link, which is not its way to \
                 page this; rows would be missing",
                self.document.logical_name()
            )));
        }
        Ok(FetchPage {
            rows,
            next,
            count: envelope.count,
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

impl<R: FetchRow> Paged for Fetch<R> {
    type Row = R::Row;
    type Next = NextPage;

    fn next_of(page: &FetchPage<R::Row>) -> Option<&NextPage> {
        page.next.as_ref()
    }

    fn split(page: FetchPage<R::Row>) -> (Vec<R::Row>, Option<RowCount>) {
        (page.rows, page.count)
    }

    fn at_page(self, next: NextPage) -> Self {
        self.from_page(next)
    }

    /// The number is counted here and says nothing of what the service does.
    fn mark(next: &NextPage) -> Cow<'_, str> {
        match &next.cookie {
            Some(cookie) => Cow::Borrowed(cookie),
            None => Cow::Owned(next.page.to_string()),
        }
    }

    fn shown(&self) -> &str {
        self.document.logical_name()
    }

    fn for_all_pages(mut self) -> Self {
        self.all_pages = true;
        self
    }
}
