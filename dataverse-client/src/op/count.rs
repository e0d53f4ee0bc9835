//! Counting rows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderValue;
use http::header::ACCEPT;

use super::rows_of::RowsOf;
use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::page::json_error;
use crate::odata::url::Query;
use crate::odata::{Filter, Request, Response, RowCount};
use crate::schema::{AnyTable, Entity, Many, Navigation, RowRef, TableName, ToKey};
use crate::value::json::{Reader, write_string};
use crate::value::{JsonError, Scalar};

/// Counts the rows of a table, or those that belong to a row.
///
/// Shape: `GET accounts/$count?$filter=…`, `GET accounts(<id>)/Account_Tasks/$count`; plain text.
/// Units: rows, at most 5,000: see [`RowCount::is_exact`].
/// Source: Microsoft Learn, "Count number of rows".
#[derive(Clone)]
pub struct Count<E> {
    of: RowsOf,
    filter: Option<Filter<E>>,
}

impl<E: Entity> Count<E> {
    /// Counts all rows of the table.
    pub fn new() -> Self {
        Count {
            of: RowsOf::Table(TableName::of::<E>()),
            filter: None,
        }
    }

    /// Counts the rows that a navigation property of one row leads to.
    pub fn related<P: Entity>(
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<E>>,
    ) -> Self {
        Count {
            of: RowsOf::related(key, navigation),
            filter: None,
        }
    }
}

impl Count<AnyTable> {
    /// Counts all rows of a table that is only known at run time.
    pub fn of_table(table: TableName) -> Self {
        Count {
            of: RowsOf::Table(table),
            filter: None,
        }
    }

    /// Counts the rows that a navigation property leads to, by its exact name.
    pub fn related_to(row: RowRef, navigation: impl Into<Cow<'static, str>>) -> Self {
        Count {
            of: RowsOf::Related(row, navigation.into()),
            filter: None,
        }
    }
}

impl<E: Entity> Default for Count<E> {
    fn default() -> Self {
        Count::new()
    }
}

impl<E> Count<E> {
    /// Only rows that meet `filter`, and every filter given before.
    #[must_use]
    pub fn filter(mut self, filter: Filter<E>) -> Self {
        self.filter = Some(match self.filter {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }
}

impl<E> std::fmt::Debug for Count<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Count")
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}

impl<E: 'static> Operation for Count<E> {
    type Output = RowCount;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut query = Query::of(format!("{}/$count", self.of.path()?));
        if let Some(filter) = &self.filter {
            query.option("$filter", filter.checked()?);
        }
        let request = Request::get(query.into_string());
        Ok(request.header(ACCEPT, HeaderValue::from_static("text/plain")))
    }

    fn decode(&self, response: &Response) -> Result<RowCount> {
        let body = &response.success()?.body;
        read_count(body).map(|rows| RowCount::new(rows, None))
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Digits, behind a byte order mark.
pub(super) fn read_count(body: &[u8]) -> Result<u64> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    text.parse().map_err(|error| {
        Error::decode("the answer should be a number of rows, and is not").with_source(error)
    })
}

/// How many rows whole tables have, however many: a snapshot that may be 24 hours old.
///
/// Shape: `GET RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["account","contact"]`.
/// Source: Microsoft Learn, "Count number of rows", section "RetrieveTotalRecordCount".
#[derive(Debug, Clone, Default)]
pub struct TotalRowCounts {
    tables: Vec<String>,
}

impl TotalRowCounts {
    /// Counts the rows of these tables, by their logical names.
    pub fn new<S: Into<String>>(tables: impl IntoIterator<Item = S>) -> Self {
        TotalRowCounts {
            tables: tables.into_iter().map(Into::into).collect(),
        }
    }

    /// Counts the rows of one table.
    pub fn of<E: Entity>() -> Self {
        TotalRowCounts::new([E::TABLE.logical_name()])
    }
}

impl Operation for TotalRowCounts {
    type Output = BTreeMap<String, u64>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        if self.tables.is_empty() {
            return Err(Error::input("counting the rows of no table: name one"));
        }
        let mut names = String::from("[");
        for (index, table) in self.tables.iter().enumerate() {
            if index > 0 {
                names.push(',');
            }
            write_string(table, &mut names);
        }
        names.push(']');
        let mut query = Query::of("RetrieveTotalRecordCount(EntityNames=@p1)");
        query.option("@p1", &names);
        Ok(Request::get(query.into_string()))
    }

    fn decode(&self, response: &Response) -> Result<BTreeMap<String, u64>> {
        let mut keys = Vec::new();
        let mut values = Vec::new();
        let mut reader = Reader::from_bytes(&response.success()?.body).map_err(json_error)?;
        reader
            .object(|reader, key| -> Result<(), JsonError> {
                if key != "EntityRecordCountCollection" {
                    return reader.skip();
                }
                reader.object(|reader, key| match key {
                    "Keys" => reader.array(|reader| {
                        if let Scalar::Text(name) = reader.scalar()? {
                            keys.push(name.into_owned());
                        }
                        Ok(())
                    }),
                    "Values" => reader.array(|reader| {
                        if let Scalar::Number(digits) = reader.scalar()? {
                            values.extend(digits.parse::<u64>());
                        }
                        Ok(())
                    }),
                    _ => reader.skip(),
                })
            })
            .map_err(json_error)?;
        if keys.len() != values.len() {
            return Err(Error::decode(
                "the answer names another number of tables than it counts",
            ));
        }
        Ok(keys.into_iter().zip(values).collect())
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
