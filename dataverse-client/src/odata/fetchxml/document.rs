//! The document.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use super::check::{check, wrong_at};
use super::grammar::Tag;
use super::parse::parse;
use super::parts::parts_of_an_entity;
use super::tree::Element;
use super::{Attribute, Filter, LinkEntity, Order};
use crate::error::{Error, Result};
use crate::schema::{AnyTable, Entity, Table};

/// A FetchXML document about the table `E`; see the [module](crate::fetchxml).
///
/// Printed, it is the text of the document.
#[derive(Clone)]
#[must_use = "a document does nothing until it is sent"]
pub struct FetchXml<E = AnyTable> {
    /// Without its child.
    fetch: Element,
    /// `entity`, the child.
    element: Element,
    table: Option<&'static Table>,
    of: PhantomData<fn() -> E>,
}

impl FetchXml<AnyTable> {
    /// All rows of the table of `E`.
    pub fn of<E: Entity>() -> FetchXml<E> {
        let mut document = FetchXml::of_name(E::TABLE.logical_name());
        document.table = Some(E::TABLE);
        document
    }

    /// All rows of the table of this logical name.
    pub fn of_table(table: &str) -> Self {
        FetchXml::of_name(table)
    }

    /// Reads a document. Comments are left out.
    ///
    /// Errors: `is_invalid_input`, with line and column, if the text is no XML, holds what FetchXML
    /// does not know, or what the service would refuse; entities and document types are refused.
    pub fn parse(text: &str) -> Result<Self> {
        let mut fetch = parse(text)?;
        let children = std::mem::take(&mut fetch.children);
        let [element] = <[Element; 1]>::try_from(children).map_err(|children| {
            let what = format!(
                "`fetch` holds one `entity`; here it holds {}",
                children.len()
            );
            wrong_at(fetch.position, what)
        })?;
        check(&fetch, &element)?;
        Ok(FetchXml {
            fetch,
            element,
            table: None,
            of: PhantomData,
        })
    }

    /// The same document, to be built further with the columns of `E`.
    ///
    /// Errors: `is_invalid_input` if it is about another table.
    pub fn typed<E: Entity>(self) -> Result<FetchXml<E>> {
        let wanted = E::TABLE.logical_name();
        if self.logical_name() != wanted {
            return Err(Error::input(format!(
                "a FetchXML document of `{}` is not one of `{wanted}`",
                self.logical_name()
            )));
        }
        let mut document = self.retyped();
        document.table = Some(E::TABLE);
        Ok(document)
    }
}

impl FromStr for FetchXml<AnyTable> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        FetchXml::parse(text)
    }
}

impl<E> FetchXml<E> {
    fn of_name(table: &str) -> Self {
        FetchXml {
            fetch: Element::new(Tag::Fetch),
            element: Element::new(Tag::Entity).with("name", table),
            table: None,
            of: PhantomData,
        }
    }

    pub(crate) fn retyped<O>(self) -> FetchXml<O> {
        FetchXml {
            fetch: self.fetch,
            element: self.element,
            table: self.table,
            of: PhantomData,
        }
    }

    /// The logical name of the table.
    pub fn logical_name(&self) -> &str {
        self.element.get("name").unwrap_or_default()
    }

    /// The table, if the document was made from one.
    pub(crate) fn table(&self) -> Option<&'static Table> {
        self.table
    }

    fn with(mut self, name: &'static str, value: impl Into<Box<str>>) -> Self {
        self.fetch.set(name, value);
        self
    }

    fn with_part(mut self, part: Element) -> Self {
        let mut aggregates = false;
        part.visit(&mut |part| {
            aggregates |= part.tag == Tag::Attribute
                && (part.get("aggregate").is_some() || part.is("groupby"));
        });
        if aggregates {
            self.fetch.set("aggregate", "true");
        }
        self.element.children.push(part);
        self
    }

    /// Each row once. Pages then need an order, which the service does not add here.
    pub fn distinct(self) -> Self {
        self.with("distinct", "true")
    }

    /// At most `rows` rows in all; 1 to 5,000. Not together with a page size.
    pub fn top(self, rows: u32) -> Self {
        self.with("top", rows.to_string())
    }

    /// At most `rows` rows in a page (`count`); 1 to 5,000.
    pub fn page_size(self, rows: u32) -> Self {
        self.with("count", rows.to_string())
    }

    /// This page (`page`), from 1: for paging by hand. [`Call::rows`](crate::Call::rows) does it
    /// otherwise.
    pub fn page(self, number: u32) -> Self {
        self.with("page", number.to_string())
    }

    /// Asks for the number of rows, too.
    pub fn return_total_record_count(self) -> Self {
        self.with("returntotalrecordcount", "true")
    }

    /// The service may read the rows in several steps: can be faster where a query is slow.
    pub fn late_materialize(self) -> Self {
        self.with("latematerialize", "true")
    }

    /// An aggregate fails if it has to look at more rows than this; 1 to 50,000.
    pub fn aggregate_limit(self, rows: u32) -> Self {
        self.with("aggregatelimit", rows.to_string())
    }

    /// Sorts choices by their numbers instead of by their labels.
    pub fn use_raw_order_by(self) -> Self {
        self.with("useraworderby", "true")
    }

    /// Reads rows that are elsewhere than the others.
    pub fn data_source(self, source: DataSource) -> Self {
        self.with("datasource", source.word())
    }

    /// Hints to the database: `OptimizeForUnknown`, `DisableRowGoal` and others that Microsoft's
    /// support names.
    pub fn options<'a>(self, options: impl IntoIterator<Item = &'a str>) -> Self {
        let options: Vec<_> = options.into_iter().collect();
        self.with("options", options.join(","))
    }

    /// Whether the service will accept it, as far as can be told without it.
    ///
    /// Errors: `is_invalid_input`. The same is said when the document is sent.
    pub fn check(&self) -> Result<()> {
        check(&self.fetch, &self.element)
    }
}

parts_of_an_entity!(FetchXml<E>, E, E);

/// What an operation asks of a document.
impl<E> FetchXml<E> {
    pub(crate) fn is_aggregate(&self) -> bool {
        self.fetch.is("aggregate")
    }

    pub(crate) fn is_distinct(&self) -> bool {
        self.fetch.is("distinct")
    }

    pub(crate) fn has_top(&self) -> bool {
        self.fetch.get("top").is_some()
    }

    pub(crate) fn has_order(&self) -> bool {
        let mut orders = 0;
        self.element
            .visit(&mut |part| orders += usize::from(part.tag == Tag::Order));
        orders > 0
    }

    pub(crate) fn page_number(&self) -> Option<u32> {
        self.fetch.get("page")?.trim().parse().ok()
    }

    pub(crate) fn has_paging_cookie(&self) -> bool {
        self.fetch.get("paging-cookie").is_some()
    }

    /// Names that the columns of the table itself have in the answer; None if all come.
    pub(crate) fn columns(&self) -> Option<Vec<&str>> {
        if self
            .element
            .children_of(Tag::AllAttributes)
            .next()
            .is_some()
        {
            return None;
        }
        let attributes = self.element.children_of(Tag::Attribute);
        let names = attributes.filter_map(|part| part.get("alias").or(part.get("name")));
        Some(names.collect())
    }

    /// The same document, of another page.
    pub(crate) fn at_page(&self, number: u32, cookie: Option<&str>) -> Self {
        let mut document = FetchXml {
            fetch: self.fetch.clone(),
            element: self.element.clone(),
            table: self.table,
            of: PhantomData,
        };
        document.fetch.set("page", number.to_string());
        if let Some(cookie) = cookie {
            document.fetch.set("paging-cookie", cookie);
        }
        document
    }
}

impl<E> fmt::Display for FetchXml<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.fetch
            .write_around(std::slice::from_ref(&self.element), &mut text);
        f.write_str(&text)
    }
}

impl<E> fmt::Debug for FetchXml<E> {
    /// Names the table only: values in a document are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FetchXml({})", self.logical_name())
    }
}

/// Where rows are that are not among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataSource {
    /// Long-term retention.
    Retained,
    /// The recycle bin.
    Bin,
}

impl DataSource {
    fn word(self) -> &'static str {
        match self {
            DataSource::Retained => "retained",
            DataSource::Bin => "bin",
        }
    }
}
