//! Conditions on one column.

use std::borrow::Cow;
use std::marker::PhantomData;

use chrono::NaiveDate;
use uuid::Uuid;

use super::column::text;
use super::grammar::Tag;
use super::tree::Element;
use super::{FetchColumn, Filter};
use crate::odata::filter::without_wildcards;
use crate::odata::{Period, Unit, UserScope};
use crate::value::{AnyValue, Choice, Choices, Literal, Temporal, Textual};

/// A column that a condition is about; the methods say what of it.
///
/// The methods have the names that conditions of `$filter` have; the operators are all those of
/// Microsoft's reference.
/// Source: Microsoft Learn, "condition operator values", 2024.
#[must_use = "a condition needs its operator"]
pub struct On<E, T> {
    column: String,
    link: Option<String>,
    types: PhantomData<fn() -> (E, T)>,
}

/// A condition on this column: `on(Account::NAME).eq("Contoso")`.
pub fn on<E, C: FetchColumn<E>>(column: C) -> On<E, C::Value> {
    On {
        column: column.name().into_owned(),
        link: None,
        types: PhantomData,
    }
}

impl<E, T> On<E, T> {
    /// The column of the linked table with this alias: such a condition is met after the join, and
    /// stands in the filter of another table.
    pub fn of_link<O>(self, alias: &str) -> On<O, T> {
        On {
            column: self.column,
            link: Some(alias.to_owned()),
            types: PhantomData,
        }
    }

    pub(super) fn dotted(&self) -> Cow<'_, str> {
        match &self.link {
            Some(link) => Cow::Owned(format!("{link}.{}", self.column)),
            None => Cow::Borrowed(&self.column),
        }
    }

    fn condition(self, operator: &str) -> Element {
        let mut condition = Element::new(Tag::Condition);
        if let Some(link) = self.link {
            condition.set("entityname", link);
        }
        condition
            .with("attribute", self.column)
            .with("operator", operator)
    }

    fn nothing(self, operator: &str) -> Filter<E> {
        Filter::of_element(self.condition(operator))
    }

    fn one(self, operator: &str, value: String) -> Filter<E> {
        Filter::of_element(self.condition(operator).with("value", value))
    }

    fn many(self, operator: &str, values: impl IntoIterator<Item = String>) -> Filter<E> {
        let mut condition = self.condition(operator);
        condition.children = values
            .into_iter()
            .map(|text| {
                let mut value = Element::new(Tag::Value);
                value.text = text;
                value
            })
            .collect();
        Filter::of_element(condition)
    }

    /// The column holds nothing.
    pub fn is_null(self) -> Filter<E> {
        self.nothing("null")
    }

    /// The column holds something.
    pub fn is_not_null(self) -> Filter<E> {
        self.nothing("not-null")
    }

    /// The column points at the caller, or at those around the caller.
    pub fn is_user(self, scope: UserScope) -> Filter<E> {
        self.nothing(match scope {
            UserScope::Caller => "eq-userid",
            UserScope::NotCaller => "ne-userid",
            UserScope::Teams => "eq-userteams",
            UserScope::CallerOrTeams => "eq-useroruserteams",
            UserScope::Hierarchy => "eq-useroruserhierarchy",
            UserScope::HierarchyAndTeams => "eq-useroruserhierarchyandteams",
            UserScope::BusinessUnit => "eq-businessid",
            UserScope::NotBusinessUnit => "ne-businessid",
        })
    }

    /// The column holds the language of the caller.
    pub fn is_user_language(self) -> Filter<E> {
        self.nothing("eq-userlanguage")
    }

    fn column(self, operator: &str, other: impl FetchColumn<E>) -> Filter<E> {
        let condition = self.condition(operator).with("valueof", &*other.name());
        Filter::of_element(condition)
    }

    /// Two columns of a row hold the same. The columns must be of the same type; the other may be
    /// of a linked table: `on(Account::NAME).of_link("parent")`.
    pub fn eq_column(self, other: impl FetchColumn<E>) -> Filter<E> {
        self.column("eq", other)
    }

    /// Two columns of a row do not hold the same.
    pub fn ne_column(self, other: impl FetchColumn<E>) -> Filter<E> {
        self.column("ne", other)
    }

    /// The column holds more than another.
    pub fn gt_column(self, other: impl FetchColumn<E>) -> Filter<E> {
        self.column("gt", other)
    }

    /// The column holds as much as another, or more.
    pub fn ge_column(self, other: impl FetchColumn<E>) -> Filter<E> {
        self.column("ge", other)
    }

    /// The column holds less than another.
    pub fn lt_column(self, other: impl FetchColumn<E>) -> Filter<E> {
        self.column("lt", other)
    }

    /// The column holds as much as another, or less.
    pub fn le_column(self, other: impl FetchColumn<E>) -> Filter<E> {
        self.column("le", other)
    }
}

/// Comparisons. Text is compared without regard to case.
impl<E, T: Literal> On<E, T> {
    /// The column holds `value`.
    pub fn eq(self, value: impl Into<T>) -> Filter<E> {
        self.one("eq", text(&value.into()))
    }

    /// The column does not hold `value`.
    pub fn ne(self, value: impl Into<T>) -> Filter<E> {
        self.one("ne", text(&value.into()))
    }

    /// The column holds more than `value`.
    pub fn gt(self, value: impl Into<T>) -> Filter<E> {
        self.one("gt", text(&value.into()))
    }

    /// The column holds `value` or more.
    pub fn ge(self, value: impl Into<T>) -> Filter<E> {
        self.one("ge", text(&value.into()))
    }

    /// The column holds less than `value`.
    pub fn lt(self, value: impl Into<T>) -> Filter<E> {
        self.one("lt", text(&value.into()))
    }

    /// The column holds `value` or less.
    pub fn le(self, value: impl Into<T>) -> Filter<E> {
        self.one("le", text(&value.into()))
    }

    /// The column holds one of `values`; at least one must be given.
    pub fn is_in<V: Into<T>>(self, values: impl IntoIterator<Item = V>) -> Filter<E> {
        self.many("in", values.into_iter().map(|value| text(&value.into())))
    }

    /// The column holds none of `values`; at least one must be given.
    pub fn is_not_in<V: Into<T>>(self, values: impl IntoIterator<Item = V>) -> Filter<E> {
        self.many(
            "not-in",
            values.into_iter().map(|value| text(&value.into())),
        )
    }

    /// The column holds `low`, `high`, or something between.
    pub fn between(self, low: impl Into<T>, high: impl Into<T>) -> Filter<E> {
        self.many("between", [text(&low.into()), text(&high.into())])
    }

    /// The column holds less than `low`, or more than `high`.
    pub fn not_between(self, low: impl Into<T>, high: impl Into<T>) -> Filter<E> {
        self.many("not-between", [text(&low.into()), text(&high.into())])
    }

    /// The row stands above `row` in the table's hierarchy. This and the next four need a
    /// hierarchical relationship; the column is the primary key, or the lookup of that
    /// relationship. Hierarchies end after 100 levels.
    pub fn above(self, row: impl Into<Uuid>) -> Filter<E> {
        self.one("above", row.into().to_string())
    }

    /// The row is `row`, or stands above it.
    pub fn above_or_equal(self, row: impl Into<Uuid>) -> Filter<E> {
        self.one("eq-or-above", row.into().to_string())
    }

    /// The row stands under `row`.
    pub fn under(self, row: impl Into<Uuid>) -> Filter<E> {
        self.one("under", row.into().to_string())
    }

    /// The row is `row`, or stands under it.
    pub fn under_or_equal(self, row: impl Into<Uuid>) -> Filter<E> {
        self.one("eq-or-under", row.into().to_string())
    }

    /// The row does not stand under `row`.
    pub fn not_under(self, row: impl Into<Uuid>) -> Filter<E> {
        self.one("not-under", row.into().to_string())
    }
}

/// Conditions on text. Only [`like`](On::like) and [`not_like`](On::not_like) have wildcards.
impl<E, T: Textual> On<E, T> {
    /// The text meets a pattern: `%` stands for any text, `_` for one character, `[a-c]` for one
    /// of these.
    pub fn like(self, pattern: &str) -> Filter<E> {
        self.one("like", pattern.to_owned())
    }

    /// The text does not meet a pattern.
    pub fn not_like(self, pattern: &str) -> Filter<E> {
        self.one("not-like", pattern.to_owned())
    }

    /// The text holds `value` somewhere. Slow on large tables.
    pub fn contains(self, value: &str) -> Filter<E> {
        self.one("like", format!("%{}%", without_wildcards(value)))
    }

    /// The text begins with `value`.
    pub fn starts_with(self, value: &str) -> Filter<E> {
        self.one("begins-with", without_wildcards(value))
    }

    /// The text does not begin with `value`.
    pub fn not_starts_with(self, value: &str) -> Filter<E> {
        self.one("not-begin-with", without_wildcards(value))
    }

    /// The text ends with `value`. Slow on large tables.
    pub fn ends_with(self, value: &str) -> Filter<E> {
        self.one("ends-with", without_wildcards(value))
    }

    /// The text does not end with `value`.
    pub fn not_ends_with(self, value: &str) -> Filter<E> {
        self.one("not-end-with", without_wildcards(value))
    }
}

/// Conditions on dates. `now`, days and years are those of the caller's time zone and of the org's
/// fiscal settings.
impl<E, T: Temporal> On<E, T> {
    /// In a span of time around now.
    pub fn within(self, period: Period) -> Filter<E> {
        let operator = match period {
            Period::Last7Days => "last-seven-days".to_owned(),
            Period::Next7Days => "next-seven-days".to_owned(),
            other => hyphenated(&format!("{other:?}")),
        };
        self.nothing(&operator)
    }

    fn counted(self, prefix: &str, number: u32, unit: Unit) -> Filter<E> {
        let unit = hyphenated(&format!("{unit:?}"));
        self.one(&format!("{prefix}-x-{unit}"), number.to_string())
    }

    /// In the last `number` hours, days, ….
    pub fn last(self, number: u32, unit: Unit) -> Filter<E> {
        self.counted("last", number, unit)
    }

    /// In the next `number` hours, days, ….
    pub fn next(self, number: u32, unit: Unit) -> Filter<E> {
        self.counted("next", number, unit)
    }

    /// Longer ago than `number` minutes, days, ….
    pub fn older_than(self, number: u32, unit: Unit) -> Filter<E> {
        self.counted("olderthan", number, unit)
    }

    /// On this day.
    pub fn on(self, day: NaiveDate) -> Filter<E> {
        self.one("on", text(&day))
    }

    /// On this day or later.
    pub fn on_or_after(self, day: NaiveDate) -> Filter<E> {
        self.one("on-or-after", text(&day))
    }

    /// On this day or before.
    pub fn on_or_before(self, day: NaiveDate) -> Filter<E> {
        self.one("on-or-before", text(&day))
    }

    /// In this fiscal period of any year.
    pub fn in_fiscal_period(self, period: u32) -> Filter<E> {
        self.one("in-fiscal-period", period.to_string())
    }

    /// In this fiscal year.
    pub fn in_fiscal_year(self, year: u32) -> Filter<E> {
        self.one("in-fiscal-year", year.to_string())
    }

    /// In this fiscal period of this year.
    pub fn in_fiscal_period_and_year(self, period: u32, year: u32) -> Filter<E> {
        let numbers = [period, year].map(|number| number.to_string());
        self.many("in-fiscal-period-and-year", numbers)
    }

    /// In this fiscal period of this year, or later.
    pub fn in_or_after_fiscal_period_and_year(self, period: u32, year: u32) -> Filter<E> {
        let numbers = [period, year].map(|number| number.to_string());
        self.many("in-or-after-fiscal-period-and-year", numbers)
    }

    /// In this fiscal period of this year, or before.
    pub fn in_or_before_fiscal_period_and_year(self, period: u32, year: u32) -> Filter<E> {
        let numbers = [period, year].map(|number| number.to_string());
        self.many("in-or-before-fiscal-period-and-year", numbers)
    }
}

/// `ThisFiscalYear` as `this-fiscal-year`.
fn hyphenated(name: &str) -> String {
    let mut out = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(char.to_ascii_lowercase());
    }
    out
}

/// Conditions on choices columns. The service finds them through a full-text index: what was
/// written a few seconds ago may not be found yet.
impl<E, C: Choice> On<E, Choices<C>> {
    /// The column holds at least one of `choices`; at least one must be given.
    pub fn contains_any(self, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        let values = choices.into_iter().map(|choice| choice.value().to_string());
        self.many("contain-values", values)
    }

    /// The column holds none of `choices`; at least one must be given.
    pub fn contains_none(self, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        let values = choices.into_iter().map(|choice| choice.value().to_string());
        self.many("not-contain-values", values)
    }
}

impl<E> On<E, AnyValue> {
    /// The choices column holds at least one of these; at least one must be given.
    pub fn contains_any(self, choices: impl IntoIterator<Item = i32>) -> Filter<E> {
        let values = choices.into_iter().map(|choice| choice.to_string());
        self.many("contain-values", values)
    }

    /// The choices column holds none of these; at least one must be given.
    pub fn contains_none(self, choices: impl IntoIterator<Item = i32>) -> Filter<E> {
        let values = choices.into_iter().map(|choice| choice.to_string());
        self.many("not-contain-values", values)
    }
}
