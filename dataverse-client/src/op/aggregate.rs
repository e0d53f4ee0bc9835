//! Sums, averages and groups: `$apply`.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::rows_of::RowsOf;
use super::{FetchRow, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::headers::Prefer;
use crate::odata::page::read_collection;
use crate::odata::url::Query;
use crate::odata::{Filter, Path, Request, Response};
use crate::schema::{AnyRow, AnyTable, Entity, Many, Navigation, RowRef, TableName, ToKey};

/// Sums, averages, counts of the rows of a table, or of groups of them.
///
/// Each row of the answer holds the columns it is grouped by, under the names they have in URLs (a
/// column of another table as `contact_fullname`), and the results under their aliases. A group
/// whose column is null does not have it.
///
/// ```
/// # use dataverse_client::rust_decimal::Decimal;
/// # use dataverse_client::{Client, Entity, FetchRow, Id};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account {
/// #     accountid: Option<Id<Account>>,
/// #     revenue: Option<Decimal>,
/// #     statecode: Option<i32>,
/// # }
/// #[derive(FetchRow)]
/// struct StateTotal {
///     statecode: Option<i32>,
///     total: Option<Decimal>,
///     accounts: i64,
/// }
///
/// # async fn f(client: &Client) -> dataverse_client::Result<()> {
/// let totals: Vec<StateTotal> = client
///     .aggregate::<Account>()
///     .group_by(Account::STATECODE)
///     .sum(Account::REVENUE, "total")
///     .count("accounts")
///     .returning::<StateTotal>()
///     .await?;
/// # Ok(()) }
/// ```
///
/// Shape: `GET accounts?$apply=filter(…)/groupby((statecode),aggregate(revenue with sum as total))`,
/// or of `accounts(<id>)/opportunity_parent_account`.
/// Units: at most 50,000 rows are aggregated.
/// Errors: `is_aggregate_limit` if there are more.
/// Source: Microsoft Learn, "Aggregate data using OData".
pub struct Aggregate<E, R = AnyRow> {
    of: RowsOf,
    filter: Option<Filter<E>>,
    groups: Vec<String>,
    values: Vec<(String, String)>,
    annotations: bool,
    entity: PhantomData<fn() -> (E, R)>,
}

impl<E: Entity> Aggregate<E> {
    /// Nothing yet.
    pub fn new() -> Self {
        Aggregate::over(RowsOf::Table(TableName::of::<E>()))
    }

    /// Nothing yet, of the rows that a navigation property of one row leads to.
    pub fn related<P: Entity>(
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<E>>,
    ) -> Self {
        Aggregate::over(RowsOf::related(key, navigation))
    }
}

impl<E: Entity> Default for Aggregate<E> {
    fn default() -> Self {
        Aggregate::new()
    }
}

impl Aggregate<AnyTable> {
    /// Nothing yet, of a table that is only known at run time.
    pub fn of_table(table: TableName) -> Self {
        Aggregate::over(RowsOf::Table(table))
    }

    /// Nothing yet, of the rows that a navigation property leads to, by its exact name.
    pub fn related_to(row: RowRef, navigation: impl Into<Cow<'static, str>>) -> Self {
        Aggregate::over(RowsOf::Related(row, navigation.into()))
    }
}

impl<E> Aggregate<E> {
    fn over(of: RowsOf) -> Self {
        Aggregate {
            of,
            filter: None,
            groups: Vec::new(),
            values: Vec::new(),
            annotations: false,
            entity: PhantomData,
        }
    }

    /// Reads each row of the answer into a type of your own: one with `#[derive(FetchRow)]`, whose
    /// fields are the aliases and groups.
    #[must_use]
    pub fn returning<R: FetchRow>(self) -> Aggregate<E, R> {
        Aggregate {
            of: self.of,
            filter: self.filter,
            groups: self.groups,
            values: self.values,
            annotations: self.annotations,
            entity: PhantomData,
        }
    }
}

impl<E, R> Aggregate<E, R> {
    /// Only rows that meet `filter`, and every filter given before.
    #[must_use]
    pub fn filter(mut self, filter: Filter<E>) -> Self {
        self.filter = Some(match self.filter {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }

    /// One row for each value of the column, and of those given before.
    #[must_use]
    pub fn group_by<T>(mut self, column: impl Into<Path<E, T>>) -> Self {
        self.groups.push(column.into().into_text().into_owned());
        self
    }

    /// The sum of a column.
    #[must_use]
    pub fn sum<T>(self, column: impl Into<Path<E, T>>, alias: &str) -> Self {
        self.value(column, "sum", alias)
    }

    /// The average of a column.
    #[must_use]
    pub fn average<T>(self, column: impl Into<Path<E, T>>, alias: &str) -> Self {
        self.value(column, "average", alias)
    }

    /// The least value of a column.
    #[must_use]
    pub fn min<T>(self, column: impl Into<Path<E, T>>, alias: &str) -> Self {
        self.value(column, "min", alias)
    }

    /// The greatest value of a column.
    #[must_use]
    pub fn max<T>(self, column: impl Into<Path<E, T>>, alias: &str) -> Self {
        self.value(column, "max", alias)
    }

    /// How many values a column has, each counted once.
    #[must_use]
    pub fn count_distinct<T>(self, column: impl Into<Path<E, T>>, alias: &str) -> Self {
        self.value(column, "countdistinct", alias)
    }

    /// How many rows there are.
    #[must_use]
    pub fn count(mut self, alias: &str) -> Self {
        let value = format!("$count as {alias}");
        self.values.push((alias.to_owned(), value));
        self
    }

    fn value<T>(mut self, column: impl Into<Path<E, T>>, method: &str, alias: &str) -> Self {
        let column = column.into();
        let value = format!("{} with {method} as {alias}", column.text());
        self.values.push((alias.to_owned(), value));
        self
    }

    /// Asks for labels, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.annotations = true;
        self
    }

    fn check(&self) -> Result<()> {
        let wrong = |why: String| {
            Err(Error::input(format!(
                "sums of `{}`: {why}",
                self.of.shown()
            )))
        };
        if self.groups.is_empty() && self.values.is_empty() {
            return wrong("nothing is asked for; group or sum by a column".to_owned());
        }
        for (index, (alias, _)) in self.values.iter().enumerate() {
            let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
            if alias.is_empty()
                || alias.starts_with(|first: char| first.is_ascii_digit())
                || !alias.chars().all(is_name)
            {
                return wrong(format!("the alias `{alias}` is no name"));
            }
            let is_twice = self
                .values
                .iter()
                .take(index)
                .any(|(other, _)| other == alias);
            if is_twice || self.groups.contains(alias) {
                return wrong(format!("the alias `{alias}` stands for two things"));
            }
        }
        Ok(())
    }
}

impl<E, R> Clone for Aggregate<E, R> {
    fn clone(&self) -> Self {
        Aggregate {
            of: self.of.clone(),
            filter: self.filter.clone(),
            groups: self.groups.clone(),
            values: self.values.clone(),
            ..*self
        }
    }
}

impl<E, R> std::fmt::Debug for Aggregate<E, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aggregate")
            .field("of", &self.of)
            .field("groups", &self.groups)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

impl<E: 'static, R: FetchRow> Operation for Aggregate<E, R> {
    type Output = Vec<R::Row>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        self.check()?;
        let mut apply = String::new();
        if let Some(filter) = &self.filter {
            apply = format!("filter({})/", filter.checked()?);
        }
        let values: Vec<_> = self.values.iter().map(|(_, value)| &**value).collect();
        let aggregate = format!("aggregate({})", values.join(","));
        match (self.groups.is_empty(), values.is_empty()) {
            (true, _) => apply.push_str(&aggregate),
            (false, true) => apply.push_str(&format!("groupby(({}))", self.groups.join(","))),
            (false, false) => {
                let groups = self.groups.join(",");
                apply.push_str(&format!("groupby(({groups}),{aggregate})"));
            }
        }
        let mut query = Query::of(self.of.path()?);
        query.option("$apply", &apply);
        let mut request = Request::get(query.into_string());
        if self.annotations {
            let mut prefer = Prefer::default();
            prefer.annotations(&["OData.Community.Display.V1.FormattedValue"]);
            prefer.apply(&mut request.headers);
        }
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<Vec<R::Row>> {
        let mut rows = Vec::new();
        read_collection(&response.success()?.body, |reader| {
            rows.push(AnyRow::read(reader)?);
            Ok(())
        })?;
        rows.into_iter().map(R::from_any_row).collect()
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
