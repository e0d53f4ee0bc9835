//! Disjoint ranges of a column that together hold every row.

use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::{Filter, Path};
use crate::error::{Error, Result};
use crate::value::Literal;

/// Conditions that divide the rows of a table: each row meets exactly one of them. With a query for
/// each, a large table is read by several streams at once; see
/// [`Call::in_ranges`](crate::Call::in_ranges).
///
/// Rows where the column is null are in the first range; what lies beyond the given limits is in the
/// first and in the last. Take a column whose values do not change while rows are read: a row whose
/// value moves from one range to another may come twice or not at all. A row that is added while
/// others are read comes once or not at all, as with a single stream.
///
/// ```
/// use dataverse_client::{Ranges, column};
///
/// let ranges = Ranges::at(column("numberofemployees"), [10, 1000])?;
/// let filters: Vec<_> = ranges.filters().iter().map(|filter| filter.as_str()).collect();
/// assert_eq!(filters, [
///     "(numberofemployees lt 10 or numberofemployees eq null)",
///     "(numberofemployees ge 10 and numberofemployees lt 1000)",
///     "numberofemployees ge 1000",
/// ]);
/// # Ok::<(), dataverse_client::Error>(())
/// ```
pub struct Ranges<E> {
    filters: Vec<Filter<E>>,
}

/// Ranges of ids: their limits repeat one byte.
const MAX_ID_RANGES: usize = 256;

impl<E> Ranges<E> {
    /// Ranges that begin at these values, and one before the first.
    ///
    /// Text and ids are compared as only the service does, by the language of the org without regard to
    /// case, and by the last six bytes: give them in any order, each row is in one range. In the
    /// service's own order, every range can hold rows.
    ///
    /// Errors: no value; other values than text and ids that are not in rising order.
    pub fn at<T, V>(
        column: impl Into<Path<E, T>>,
        starts: impl IntoIterator<Item = V>,
    ) -> Result<Self>
    where
        T: Literal + Clone,
        V: Into<T> + PartialOrd + Clone,
    {
        let values: Vec<V> = starts.into_iter().collect();
        let is_rising = values.is_sorted_by(|left, right| left < right);
        let starts: Vec<T> = values.into_iter().map(Into::into).collect();
        let of_service = starts.iter().any(has_order_of_service);
        if starts.is_empty() || !(is_rising || of_service) {
            return Err(Error::input(
                "ranges begin at one value or more, each greater than the one before",
            ));
        }
        let column = column.into();
        let mut ranges = Ranges::of(&column, starts.clone());
        if of_service {
            // Behind all limits before its own, no range can hold rows of an earlier one.
            for (range, filter) in ranges.filters.iter_mut().enumerate() {
                let before = starts.iter().take(range.saturating_sub(1));
                *filter = before.fold(filter.clone(), |filter, start| {
                    filter.and(column.clone().ge(start.clone()))
                });
            }
        }
        Ok(ranges)
    }

    /// So many ranges of ids, 1 to 256, alike in length.
    ///
    /// SQL Server compares the last six bytes of an id first, other stores the first ones. The
    /// limits of these ranges (`40404040-4040-…`) are in the same order by either. Ranges are alike
    /// in rows too if ids are random in the bytes that are compared first: those that the service
    /// made end with the address of a server, so that [times](Ranges::of_times) of `createdon` divide
    /// them better.
    ///
    /// Errors: too many ranges, or none.
    pub fn of_ids<T>(column: impl Into<Path<E, T>>, ranges: usize) -> Result<Self>
    where
        T: Literal + Clone + From<Uuid>,
    {
        if !(1..=MAX_ID_RANGES).contains(&ranges) {
            return Err(Error::input(format!(
                "{ranges} ranges of ids: 1 to {MAX_ID_RANGES} can be told apart"
            )));
        }
        let starts =
            (1..ranges).filter_map(|range| u8::try_from(range * MAX_ID_RANGES / ranges).ok());
        let starts = starts.map(|byte| Uuid::from_bytes([byte; 16]).into());
        Ok(Ranges::of(&column.into(), starts.collect()))
    }

    /// So many ranges between two times, alike in length; fewer if there are not that many seconds.
    ///
    /// The least and the greatest are what `order_by` with `top(1)` gives, ascending and descending.
    ///
    /// Errors: no range at all, or a greatest time before the least.
    pub fn of_times<T>(
        column: impl Into<Path<E, T>>,
        least: DateTime<Utc>,
        greatest: DateTime<Utc>,
        ranges: usize,
    ) -> Result<Self>
    where
        T: Literal + Clone + From<DateTime<Utc>>,
    {
        let starts = starts(0, (greatest - least).num_seconds(), ranges)?;
        let starts = starts.filter_map(|start| {
            let second = least.checked_add_signed(TimeDelta::try_seconds(start)?)?;
            Some(second.into())
        });
        Ok(Ranges::of(&column.into(), starts.collect()))
    }

    /// So many ranges between two dates, alike in length; fewer if there are not that many days.
    ///
    /// Errors: no range at all, or a greatest date before the least.
    pub fn of_dates<T>(
        column: impl Into<Path<E, T>>,
        least: NaiveDate,
        greatest: NaiveDate,
        ranges: usize,
    ) -> Result<Self>
    where
        T: Literal + Clone + From<NaiveDate>,
    {
        let starts = starts(0, (greatest - least).num_days(), ranges)?;
        let starts = starts.filter_map(|start| {
            let day = least.checked_add_signed(TimeDelta::try_days(start)?)?;
            Some(day.into())
        });
        Ok(Ranges::of(&column.into(), starts.collect()))
    }

    /// So many ranges between two whole numbers, alike in length; fewer if there are not that many
    /// numbers.
    ///
    /// Errors: no range at all, or a greatest number below the least.
    pub fn of_integers<T>(
        column: impl Into<Path<E, T>>,
        least: i64,
        greatest: i64,
        ranges: usize,
    ) -> Result<Self>
    where
        T: Literal + Clone + TryFrom<i64>,
    {
        let starts = starts(least, greatest, ranges)?;
        let starts = starts.filter_map(|start| T::try_from(start).ok());
        Ok(Ranges::of(&column.into(), starts.collect()))
    }

    fn of<T: Literal + Clone>(column: &Path<E, T>, starts: Vec<T>) -> Self {
        let column = || column.clone();
        let Some(first) = starts.first() else {
            // One range: every row, also those without a value.
            let all = column().is_null().or(column().is_not_null());
            return Ranges { filters: vec![all] };
        };
        let mut filters = vec![column().lt(first.clone()).or(column().is_null())];
        for (index, start) in starts.iter().enumerate() {
            let from = column().ge(start.clone());
            filters.push(match starts.get(index + 1) {
                Some(end) => from.and(column().lt(end.clone())),
                None => from,
            });
        }
        Ranges { filters }
    }

    /// The conditions.
    pub fn filters(&self) -> &[Filter<E>] {
        &self.filters
    }

    pub(crate) fn into_filters(self) -> Vec<Filter<E>> {
        self.filters
    }
}

/// Whether it is text or an id.
fn has_order_of_service(value: &impl Literal) -> bool {
    let mut literal = String::new();
    value.append_literal(&mut literal);
    literal.starts_with('\'') || Uuid::try_parse(&literal).is_ok()
}

/// Where the second range begins, and each after it.
fn starts(least: i64, greatest: i64, ranges: usize) -> Result<impl Iterator<Item = i64>> {
    let length = i128::from(greatest) - i128::from(least);
    if ranges == 0 || length < 0 {
        return Err(Error::input(
            "ranges need a least value, a greatest that is not below it, and to be one or more",
        ));
    }
    let ranges = i128::try_from(ranges).unwrap_or(i128::MAX).min(length + 1);
    Ok((1..ranges).filter_map(move |range| {
        let offset = (length + 1).checked_mul(range)? / ranges;
        i64::try_from(i128::from(least) + offset).ok()
    }))
}

impl<E> fmt::Debug for Ranges<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ranges({})", self.filters.len())
    }
}
