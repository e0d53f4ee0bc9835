//! Related rows to read with each row: `$expand`.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::{Filter, Order};
use crate::error::{Error, Result};
use crate::schema::{AnyTable, Expand, Many, Navigation, Table};

/// At most so many tables are joined, however deep.
/// Source: Microsoft Learn, "Join tables using OData", 2024.
const MAX_EXPANDS: usize = 15;

/// Related rows to read with each row, and which of them.
///
/// For a [`Record`](crate::Record) with a field of related rows it says which rows; of a table that
/// is only known at run time it says what is read of them, too.
///
/// ```
/// use dataverse_client::{Expansion, column};
///
/// let tasks = Expansion::named("Account_Tasks")
///     .select(["subject", "scheduledend"])
///     .filter(column("statecode").eq(0))
///     .order_by(column("scheduledend").asc())
///     .top(5);
/// # let _ = tasks;
/// ```
pub struct Expansion<E = AnyTable> {
    options: ExpandOptions,
    entity: PhantomData<fn() -> E>,
}

/// The text of an expansion, whatever its table.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExpandOptions {
    navigation: Cow<'static, str>,
    select: Option<String>,
    filter: Option<String>,
    order: String,
    top: Option<u32>,
    nested: Vec<ExpandOptions>,
    is_reference: bool,
    /// Told when a request is to be sent.
    mistake: Option<String>,
}

impl<E> Expansion<E> {
    fn of_navigation(navigation: Cow<'static, str>) -> Self {
        Expansion {
            options: ExpandOptions {
                navigation,
                ..ExpandOptions::default()
            },
            entity: PhantomData,
        }
    }

    /// Only rows that meet `filter`.
    #[must_use]
    pub fn filter(mut self, filter: Filter<E>) -> Self {
        self.options.mistake = filter.mistake().map(str::to_owned);
        self.options.filter = Some(filter.as_str().to_owned());
        self
    }

    /// Sorted by this column, after those given before. Not where related rows have related rows.
    #[must_use]
    pub fn order_by(mut self, order: Order<E>) -> Self {
        if !self.options.order.is_empty() {
            self.options.order.push(',');
        }
        order.write(&mut self.options.order);
        self
    }

    /// At most so many. Not where related rows have related rows.
    #[must_use]
    pub fn top(mut self, rows: u32) -> Self {
        self.options.top = Some(rows);
        self
    }

    pub(crate) fn into_options(self) -> ExpandOptions {
        self.options
    }
}

impl<E> Expansion<E> {
    /// The rows that this navigation property leads to.
    pub fn of<P>(navigation: Navigation<P, Many<E>>) -> Self {
        Expansion::of_navigation(Cow::Borrowed(navigation.name()))
    }
}

impl Expansion<AnyTable> {
    /// The rows that the navigation property with this exact name leads to.
    pub fn named(navigation: impl Into<Cow<'static, str>>) -> Self {
        Expansion::of_navigation(navigation.into())
    }

    /// With these columns only, by their names in URLs.
    #[must_use]
    pub fn select<S: AsRef<str>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.options.select = Some(names(columns));
        self
    }

    /// Which row it is, and nothing of it: for lookups.
    #[must_use]
    pub fn as_reference(mut self) -> Self {
        self.options.is_reference = true;
        self
    }

    /// With rows related to them.
    #[must_use]
    pub fn expand(mut self, nested: Expansion<AnyTable>) -> Self {
        self.options.nested.push(nested.options);
        self
    }
}

impl<E> Clone for Expansion<E> {
    fn clone(&self) -> Self {
        Expansion {
            options: self.options.clone(),
            entity: PhantomData,
        }
    }
}

impl<E> std::fmt::Debug for Expansion<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it filters by is a row's data.
        write!(f, "Expansion({})", self.options.navigation)
    }
}

/// Column names, joined by commas.
pub(crate) fn names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name.as_ref());
    }
    text
}

/// The value of `$expand` for a record of a known table; `more` says which of the related rows.
///
/// Errors: more tables than the service joins; options for rows that the record does not read, or
/// that the service refuses.
pub(crate) fn of_record(expands: &[Expand], more: &[ExpandOptions]) -> Result<Option<String>> {
    let mut all: Vec<_> = expands.iter().map(ExpandOptions::of).collect();
    for options in more {
        let place = all
            .iter_mut()
            .find(|expand| expand.navigation == options.navigation);
        let Some(place) = place else {
            return Err(Error::input(format!(
                "`{}` is not among the related rows that the record reads; add a field for them",
                options.navigation
            )));
        };
        place.filter.clone_from(&options.filter);
        place.order.clone_from(&options.order);
        place.top = options.top;
        place.mistake.clone_from(&options.mistake);
    }
    write_all(&all)
}

/// The value of `$expand`; None if there is none.
pub(crate) fn write_all(expands: &[ExpandOptions]) -> Result<Option<String>> {
    if expands.is_empty() {
        return Ok(None);
    }
    let count = count(expands);
    if count > MAX_EXPANDS {
        return Err(Error::input(format!(
            "reading {count} navigation properties: the service joins at most {MAX_EXPANDS} \
             tables; read some of them with queries of their own"
        )));
    }
    // One second level anywhere, and the service takes no order and no top anywhere.
    let is_nested = expands.iter().any(|expand| !expand.nested.is_empty());
    if is_nested && let Some(bad) = sorted_or_cut(expands) {
        return Err(Error::input(format!(
            "related rows of `{}` cannot be sorted or limited where related rows have related rows",
            bad.navigation
        )));
    }
    if let Some(mistake) = mistake(expands) {
        return Err(Error::input(mistake));
    }
    let mut text = String::new();
    write_list(expands, &mut text);
    Ok(Some(text))
}

fn count(expands: &[ExpandOptions]) -> usize {
    let one = |expand: &ExpandOptions| 1 + count(&expand.nested);
    expands.iter().map(one).sum()
}

fn mistake(expands: &[ExpandOptions]) -> Option<&str> {
    let mut all = expands.iter();
    all.find_map(|expand| expand.mistake.as_deref().or(mistake(&expand.nested)))
}

fn sorted_or_cut(expands: &[ExpandOptions]) -> Option<&ExpandOptions> {
    expands.iter().find_map(|expand| {
        if expand.top.is_some() || !expand.order.is_empty() {
            return Some(expand);
        }
        sorted_or_cut(&expand.nested)
    })
}

/// `primarycontactid($select=fullname;$expand=…),…`.
fn write_list(expands: &[ExpandOptions], out: &mut String) {
    for (index, expand) in expands.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        expand.write(out);
    }
}

impl ExpandOptions {
    fn of(expand: &Expand) -> Self {
        ExpandOptions {
            navigation: Cow::Borrowed(expand.navigation),
            select: select(expand.table, expand.fields, expand.labels),
            nested: expand.expands.iter().map(ExpandOptions::of).collect(),
            ..ExpandOptions::default()
        }
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.navigation);
        if self.is_reference {
            out.push_str("/$ref");
        }
        let mut options = Vec::new();
        if let Some(select) = &self.select {
            options.push(format!("$select={select}"));
        }
        if let Some(filter) = &self.filter {
            options.push(format!("$filter={filter}"));
        }
        if !self.order.is_empty() {
            options.push(format!("$orderby={}", self.order));
        }
        if let Some(top) = self.top {
            options.push(format!("$top={top}"));
        }
        if !self.nested.is_empty() {
            let mut nested = String::from("$expand=");
            write_list(&self.nested, &mut nested);
            options.push(nested);
        }
        if !options.is_empty() {
            out.push('(');
            out.push_str(&options.join(";"));
            out.push(')');
        }
    }
}

/// The value of `$select` for a record; None for all columns.
pub(crate) fn select(table: &Table, fields: Option<&[u16]>, labels: &[u16]) -> Option<String> {
    let mut ordinals: Vec<u16> = fields?.to_vec();
    for label in labels {
        if !ordinals.contains(label) {
            ordinals.push(*label);
        }
    }
    // With no column at all the service would send every one.
    if ordinals.is_empty() {
        return Some(table.primary_id().to_owned());
    }
    let columns = table.columns();
    let known = ordinals
        .iter()
        .filter_map(|ordinal| columns.get(usize::from(*ordinal)));
    Some(names(known.map(|column| column.wire_name())))
}
