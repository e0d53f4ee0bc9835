//! What the three search requests share.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use http::Method;

use crate::error::{Error, Result};
use crate::odata::Request;
use crate::schema::{AnyTable, Column, Entity};
use crate::value::Value;
use crate::value::json::write_string;

/// Longest text to search for, in characters.
/// Source: Microsoft Learn, "Dataverse Search query", 2023.
const MAX_TERM: usize = 100;

/// Most results of one request.
/// Source: Microsoft Learn, "Dataverse Search query", section "skip and top parameters", 2023.
const MAX_TOP: u32 = 100;

/// A table to search in, with the columns to look at and to give.
///
/// ```
/// # use dataverse_client::{Entity, Id, SearchTable};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account { accountid: Option<Id<Account>>, name: Option<String>, telephone1: Option<String> }
/// let accounts = SearchTable::of::<Account>()
///     .search_in(Account::NAME)
///     .select(Account::NAME)
///     .select(Account::TELEPHONE1)
///     .filter("statecode eq 0");
/// let contacts = SearchTable::named("contact").select_named("fullname");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTable<E = AnyTable> {
    name: Cow<'static, str>,
    select: Vec<Cow<'static, str>>,
    search: Vec<Cow<'static, str>>,
    filter: Option<String>,
    entity: PhantomData<fn() -> E>,
}

impl SearchTable {
    /// The table of `E`.
    pub fn of<E: Entity>() -> SearchTable<E> {
        SearchTable::new(E::TABLE.logical_name().into())
    }

    /// A table that is only known at run time, by its logical name.
    pub fn named(name: impl Into<Cow<'static, str>>) -> SearchTable {
        SearchTable::new(name.into())
    }
}

impl<E> SearchTable<E> {
    fn new(name: Cow<'static, str>) -> Self {
        SearchTable {
            name,
            select: Vec::new(),
            search: Vec::new(),
            filter: None,
            entity: PhantomData,
        }
    }

    /// Gives this column, by its logical name; without any, the primary name.
    #[must_use]
    pub fn select_named(mut self, column: impl Into<Cow<'static, str>>) -> Self {
        self.select.push(column.into());
        self
    }

    /// Looks in this column, by its logical name; without any, in the primary name.
    #[must_use]
    pub fn search_in_named(mut self, column: impl Into<Cow<'static, str>>) -> Self {
        self.search.push(column.into());
        self
    }

    /// Only rows that meet this condition, in the language of search: `statecode eq 0`,
    /// `modifiedon ge 2018-01-01T00:00:00Z`.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// The same, whatever the table.
    pub(super) fn erased(self) -> SearchTable {
        SearchTable {
            name: self.name,
            select: self.select,
            search: self.search,
            filter: self.filter,
            entity: PhantomData,
        }
    }

    fn write(&self, out: &mut String) {
        out.push_str("{\"Name\":");
        write_string(&self.name, out);
        for (member, columns) in [
            ("SelectColumns", &self.select),
            ("SearchColumns", &self.search),
        ] {
            if !columns.is_empty() {
                out.push_str(&format!(",\"{member}\":"));
                write_list(columns, out);
            }
        }
        if let Some(filter) = &self.filter {
            out.push_str(",\"Filter\":");
            write_string(filter, out);
        }
        out.push('}');
    }
}

impl<E: Entity> SearchTable<E> {
    /// Gives this column; without any, the primary name.
    #[must_use]
    pub fn select<T, A>(self, column: Column<E, T, A>) -> Self {
        self.select_named(column.logical_name())
    }

    /// Looks in this column; without any, in the primary name.
    #[must_use]
    pub fn search_in<T, A>(self, column: Column<E, T, A>) -> Self {
        self.search_in_named(column.logical_name())
    }
}

/// `["a","b"]`.
fn write_list(items: &[impl AsRef<str>], out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(item.as_ref(), out);
    }
    out.push(']');
}

/// The body of a search while it is written.
pub(super) struct SearchBody(String);

impl SearchBody {
    /// Checks the text to search for.
    pub(super) fn new(search: &str, characters: RangeInclusive<usize>) -> Result<Self> {
        let count = search.chars().count();
        if !characters.contains(&count) {
            return Err(Error::input(format!(
                "a text of {count} characters to search for: {} to {} are possible",
                characters.start(),
                characters.end()
            )));
        }
        let mut body = SearchBody("{".to_owned());
        body.0.push_str("\"search\":");
        write_string(search, &mut body.0);
        Ok(body)
    }

    pub(super) fn value(&mut self, name: &str, value: Option<&impl Value>) {
        if let Some(value) = value {
            self.0.push_str(&format!(",\"{name}\":"));
            value.write_json(&mut self.0);
        }
    }

    /// A member that is text with JSON in it.
    fn json_text(&mut self, name: &str, json: &str) {
        self.0.push_str(&format!(",\"{name}\":"));
        write_string(json, &mut self.0);
    }

    pub(super) fn tables(&mut self, tables: &[SearchTable]) {
        if tables.is_empty() {
            return;
        }
        let mut json = String::from("[");
        for (index, table) in tables.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            table.write(&mut json);
        }
        json.push(']');
        self.json_text("entities", &json);
    }

    pub(super) fn list(&mut self, name: &str, items: &[String]) {
        if !items.is_empty() {
            let mut json = String::new();
            write_list(items, &mut json);
            self.json_text(name, &json);
        }
    }

    pub(super) fn options(&mut self, options: &[(String, String)]) {
        if options.is_empty() {
            return;
        }
        let mut json = String::new();
        for (name, value) in options {
            json.push(if json.is_empty() { '{' } else { ',' });
            write_string(name, &mut json);
            json.push(':');
            write_string(value, &mut json);
        }
        json.push('}');
        self.json_text("options", &json);
    }

    pub(super) fn top(&mut self, top: Option<u32>) -> Result<()> {
        if top.is_some_and(|top| !(1..=MAX_TOP).contains(&top)) {
            return Err(Error::input(format!(
                "a search for {} results: 1 to {MAX_TOP} are possible; `skip` goes on",
                top.unwrap_or_default()
            )));
        }
        self.value("top", top.map(i64::from).as_ref());
        Ok(())
    }

    pub(super) fn post(mut self, operation: &str) -> Request {
        self.0.push('}');
        Request::new(Method::POST, operation).json(self.0)
    }
}

/// Characters of a query or a completion.
pub(super) const ANY_TERM: RangeInclusive<usize> = 1..=MAX_TERM;
/// Characters of a suggestion.
/// Source: Microsoft Learn, "Dataverse Search suggest", 2023.
pub(super) const SUGGEST_TERM: RangeInclusive<usize> = 3..=MAX_TERM;
