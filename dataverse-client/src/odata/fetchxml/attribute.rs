//! Columns to read, and what to make of them.

use std::marker::PhantomData;

use super::FetchColumn;
use super::grammar::Tag;
use super::tree::Element;
use crate::schema::{Column, Entity};
use crate::value::Value;

/// A column to read.
///
/// Source: Microsoft Learn, "attribute element", 2023.
#[must_use = "an attribute does nothing until it is given to a document"]
pub struct Attribute<E> {
    pub(super) element: Element,
    entity: PhantomData<fn() -> E>,
}

impl<E> Attribute<E> {
    /// This column.
    pub fn new(column: impl FetchColumn<E>) -> Self {
        Attribute {
            element: Element::new(Tag::Attribute).with("name", &*column.name()),
            entity: PhantomData,
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.element.set(name, value);
        self
    }

    /// The name of the column in the answer. Each column of a document has a name of its own.
    pub fn alias(self, alias: &str) -> Self {
        self.with("alias", alias)
    }

    /// Reads one number for all rows, or for each group. Needs an [`alias`](Attribute::alias).
    pub fn aggregate(self, aggregate: Aggregate) -> Self {
        let attribute = self.with("aggregate", aggregate.word());
        match aggregate {
            Aggregate::CountDistinct => attribute.with("distinct", "true"),
            _ => attribute,
        }
    }

    /// Groups rows by the column. Needs an [`alias`](Attribute::alias).
    pub fn group_by(self) -> Self {
        self.with("groupby", "true")
    }

    /// Groups rows by a part of the date in the column. Needs an [`alias`](Attribute::alias).
    pub fn group_by_date(self, part: DateGrouping) -> Self {
        self.group_by().with("dategrouping", part.word())
    }

    /// Whether dates are grouped in the time zone of the user who asks, or in UTC.
    pub fn user_time_zone(self, is_used: bool) -> Self {
        self.with("usertimezone", if is_used { "true" } else { "false" })
    }

    /// Reads how many rows are directly below each, instead of the column: for the primary key of
    /// a table with a hierarchical relationship.
    pub fn count_children(self) -> Self {
        self.with("rowaggregate", "CountChildren")
    }
}

impl<E: Entity, T: Value, A> From<Column<E, T, A>> for Attribute<E> {
    fn from(column: Column<E, T, A>) -> Self {
        Attribute::new(column)
    }
}

impl<E> From<&str> for Attribute<E> {
    fn from(name: &str) -> Self {
        Attribute::new(name)
    }
}

/// What to make of the values of a column; null counts for nothing, but for `Count`.
///
/// The service looks at no more than 50,000 rows: an error beyond.
/// Source: Microsoft Learn, "Aggregate data using FetchXml", 2023.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aggregate {
    /// How many rows there are.
    Count,
    /// How many values.
    CountColumn,
    /// How many different values.
    CountDistinct,
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Aggregate {
    fn word(self) -> &'static str {
        match self {
            Aggregate::Count => "count",
            Aggregate::CountColumn | Aggregate::CountDistinct => "countcolumn",
            Aggregate::Sum => "sum",
            Aggregate::Avg => "avg",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
        }
    }
}

/// A part of a date to group by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DateGrouping {
    /// The day of the month.
    Day,
    /// The week of the year.
    Week,
    /// The month of the year.
    Month,
    /// The quarter of the fiscal year.
    Quarter,
    /// The year.
    Year,
    /// The period of the fiscal year.
    FiscalPeriod,
    /// The fiscal year.
    FiscalYear,
}

impl DateGrouping {
    fn word(self) -> &'static str {
        match self {
            DateGrouping::Day => "day",
            DateGrouping::Week => "week",
            DateGrouping::Month => "month",
            DateGrouping::Quarter => "quarter",
            DateGrouping::Year => "year",
            DateGrouping::FiscalPeriod => "fiscal-period",
            DateGrouping::FiscalYear => "fiscal-year",
        }
    }
}
