//! `$filter` and `$orderby`, typed by table and column.

use std::fmt;
use std::marker::PhantomData;

use crate::schema::{Column, Entity};
use crate::value::{Choice, Choices, Value};

/// A condition on rows of `E`.
pub struct Filter<E> {
    text: String,
    entity: PhantomData<fn() -> E>,
}

impl<E> Filter<E> {
    fn of_text(text: String) -> Self {
        Filter {
            text,
            entity: PhantomData,
        }
    }

    /// A condition in OData's own words, sent as it is (percent-encoded). Values in it must be
    /// literals: prefer the methods of [`Column`].
    pub fn raw(text: impl Into<String>) -> Self {
        Filter::of_text(text.into())
    }

    /// The condition as it stands in `$filter`, not percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Both hold. The service's documents disagree about precedence, so parentheses always say it.
    #[must_use]
    pub fn and(self, other: Filter<E>) -> Self {
        Filter::of_text(format!("({} and {})", self.text, other.text))
    }

    /// One of them holds, or both.
    #[must_use]
    pub fn or(self, other: Filter<E>) -> Self {
        Filter::of_text(format!("({} or {})", self.text, other.text))
    }
}

impl<E> std::ops::Not for Filter<E> {
    type Output = Self;

    /// It does not hold.
    fn not(self) -> Self {
        Filter::of_text(format!("not ({})", self.text))
    }
}

impl<E> Clone for Filter<E> {
    fn clone(&self) -> Self {
        Filter::of_text(self.text.clone())
    }
}

impl<E: Entity> fmt::Debug for Filter<E> {
    /// Names the table only: values in a filter are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({})", E::TABLE.logical_name())
    }
}

/// A column to sort by.
pub struct Order<E> {
    column: &'static str,
    descending: bool,
    entity: PhantomData<fn() -> E>,
}

impl<E> Order<E> {
    /// Appends `name desc`.
    pub(crate) fn write(&self, out: &mut String) {
        out.push_str(self.column);
        out.push_str(if self.descending { " desc" } else { " asc" });
    }
}

impl<E> Clone for Order<E> {
    fn clone(&self) -> Self {
        Order {
            column: self.column,
            descending: self.descending,
            entity: PhantomData,
        }
    }
}

impl<E> fmt::Debug for Order<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// Conditions and orders. `$filter` compares text without regard to case.
impl<E: Entity, T: Value, A> Column<E, T, A> {
    fn compare(self, operator: &str, value: impl Into<T>) -> Filter<E> {
        let mut text = format!("{} {operator} ", self.wire_name());
        value.into().write_literal(&mut text);
        Filter::of_text(text)
    }

    /// The column holds `value`.
    pub fn eq(self, value: impl Into<T>) -> Filter<E> {
        self.compare("eq", value)
    }

    /// The column does not hold `value`.
    pub fn ne(self, value: impl Into<T>) -> Filter<E> {
        self.compare("ne", value)
    }

    /// The column holds more than `value`.
    pub fn gt(self, value: impl Into<T>) -> Filter<E> {
        self.compare("gt", value)
    }

    /// The column holds `value` or more.
    pub fn ge(self, value: impl Into<T>) -> Filter<E> {
        self.compare("ge", value)
    }

    /// The column holds less than `value`.
    pub fn lt(self, value: impl Into<T>) -> Filter<E> {
        self.compare("lt", value)
    }

    /// The column holds `value` or less.
    pub fn le(self, value: impl Into<T>) -> Filter<E> {
        self.compare("le", value)
    }

    /// The column holds nothing.
    pub fn is_null(self) -> Filter<E> {
        Filter::of_text(format!("{} eq null", self.wire_name()))
    }

    /// The column holds something.
    pub fn is_not_null(self) -> Filter<E> {
        Filter::of_text(format!("{} ne null", self.wire_name()))
    }

    /// Smallest first. Rows that are equal come in no set order: end with the primary key where
    /// that matters.
    pub fn asc(self) -> Order<E> {
        self.order(false)
    }

    /// Largest first.
    pub fn desc(self) -> Order<E> {
        self.order(true)
    }

    fn order(self, descending: bool) -> Order<E> {
        Order {
            column: self.wire_name(),
            descending,
            entity: PhantomData,
        }
    }
}

/// Conditions on text. The service reads `%`, `_` and `[` as wildcards in these; here they stand
/// for themselves.
impl<E: Entity, A> Column<E, String, A> {
    fn matches(self, function: &str, value: &str) -> Filter<E> {
        let mut literal = String::new();
        without_wildcards(value).write_literal(&mut literal);
        Filter::of_text(format!("{function}({},{literal})", self.wire_name()))
    }

    /// The text holds `value` somewhere. Slow on large tables.
    pub fn contains(self, value: &str) -> Filter<E> {
        self.matches("contains", value)
    }

    /// The text begins with `value`.
    pub fn starts_with(self, value: &str) -> Filter<E> {
        self.matches("startswith", value)
    }

    /// The text ends with `value`. Slow on large tables.
    pub fn ends_with(self, value: &str) -> Filter<E> {
        self.matches("endswith", value)
    }
}

/// Conditions on choices columns. The service finds them through a full-text index: what was
/// written a few seconds ago may not be found yet.
impl<E: Entity, C: Choice, A> Column<E, Choices<C>, A> {
    /// The column holds at least one of `choices`; at least one must be given.
    pub fn contains_any(self, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        self.contain("ContainValues", choices)
    }

    /// The column holds none of `choices`.
    pub fn contains_none(self, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        self.contain("DoesNotContainValues", choices)
    }

    fn contain(self, function: &str, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        let values: Vec<_> = choices
            .into_iter()
            .map(|choice| format!("'{}'", choice.value()))
            .collect();
        Filter::of_text(format!(
            "Microsoft.Dynamics.CRM.{function}(PropertyName='{}',PropertyValues=[{}])",
            self.logical_name(),
            values.join(",")
        ))
    }
}

/// Puts wildcards in brackets, which makes them match themselves.
fn without_wildcards(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for char in value.chars() {
        match char {
            '%' | '_' | '[' => out.extend(['[', char, ']']),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ColumnInfo, Table};

    struct Account;

    impl Entity for Account {
        const TABLE: &'static Table = &Table::new(
            "account",
            "accounts",
            "accountid",
            &[
                ColumnInfo::Plain("name"),
                ColumnInfo::Plain("revenue"),
                ColumnInfo::ToOne("parentid", "_parentid_value", "ParentId"),
            ],
        );
    }

    const NAME: Column<Account, String> = Column::new(0);
    const REVENUE: Column<Account, rust_decimal::Decimal> = Column::new(1);
    const PARENT: Column<Account, crate::value::Lookup<Account>> = Column::new(2);

    #[test]
    fn conditions_are_always_in_parentheses() {
        let filter = NAME
            .eq("O'Bryan")
            .and(REVENUE.gt(1000))
            .or(!PARENT.is_null());
        assert_eq!(
            filter.as_str(),
            "((name eq 'O''Bryan' and revenue gt 1000) or not (_parentid_value eq null))"
        );
    }

    #[test]
    fn choices_are_found_by_their_numbers() {
        crate::__choice! {
            /// Sports.
            enum Activity {
                /// Swimming.
                Swimming = 1 "Swimming",
            }
        }
        const SPORTS: Column<Account, Choices<Activity>> = Column::new(0);
        assert_eq!(
            SPORTS
                .contains_any([Activity::Swimming, Activity::Unknown(9)])
                .as_str(),
            "Microsoft.Dynamics.CRM.ContainValues(PropertyName='name',PropertyValues=['1','9'])"
        );
    }

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(
            NAME.contains("50%_[a]").as_str(),
            "contains(name,'50[%][_][[]a]')"
        );
    }

    #[test]
    fn lookups_compare_with_bare_ids() {
        let id = crate::value::Id::<Account>::new(uuid::Uuid::nil());
        assert_eq!(
            PARENT.eq(id).as_str(),
            "_parentid_value eq 00000000-0000-0000-0000-000000000000"
        );
    }
}
