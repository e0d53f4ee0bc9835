//! `$filter` and `$orderby`, typed by table and column.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use super::path::Path;
use crate::error::{Error, Result};
use crate::schema::{Column, Entity, Many, Navigation};
use crate::value::{Literal, Textual, write_text_literal};

/// A condition on rows of `E`.
pub struct Filter<E> {
    text: String,
    /// Where names of columns begin: a condition on related rows names the row before each.
    names: Vec<usize>,
    /// The sibling that says the opposite, where `not` must not stand before this one.
    opposite: Option<String>,
    /// Whether a query function is in it: `not` must not stand before one.
    has_function: bool,
    /// How deep conditions on related rows stand in it.
    depth: usize,
    /// Told when a request is to be sent.
    mistake: Option<String>,
    entity: PhantomData<fn() -> E>,
}

impl<E> Filter<E> {
    fn of_text(text: String) -> Self {
        Filter {
            text,
            names: Vec::new(),
            opposite: None,
            has_function: false,
            depth: 0,
            mistake: None,
            entity: PhantomData,
        }
    }

    /// A condition that begins with the name of a column.
    fn of_column(text: String) -> Self {
        Filter {
            names: vec![0],
            ..Filter::of_text(text)
        }
    }

    /// `function(column,literal)`.
    fn of_call(function: &str, arguments: &str) -> Self {
        Filter {
            names: vec![function.len() + 1],
            ..Filter::of_text(format!("{function}({arguments})"))
        }
    }

    /// A query function, and its sibling that says the opposite.
    pub(crate) fn of_function(text: String, opposite: Option<String>) -> Self {
        Filter {
            opposite,
            has_function: true,
            ..Filter::of_text(text)
        }
    }

    pub(crate) fn of_mistake(mistake: impl Into<String>) -> Self {
        Filter {
            mistake: Some(mistake.into()),
            ..Filter::of_text(String::new())
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

    /// Why it cannot be sent.
    pub(crate) fn mistake(&self) -> Option<&str> {
        self.mistake.as_deref()
    }

    /// The same, if it can be sent.
    pub(crate) fn checked(&self) -> Result<&str> {
        match &self.mistake {
            Some(mistake) => Err(Error::input(mistake.clone())),
            None => Ok(&self.text),
        }
    }

    /// Both hold. The service's documents disagree about precedence, so parentheses always say it.
    #[must_use]
    pub fn and(self, other: Filter<E>) -> Self {
        self.join(" and ", other)
    }

    /// One of them holds, or both.
    #[must_use]
    pub fn or(self, other: Filter<E>) -> Self {
        self.join(" or ", other)
    }

    fn join(self, operator: &str, other: Filter<E>) -> Self {
        let start = 1 + self.text.len() + operator.len();
        let own = self.names.iter().map(|at| at + 1);
        Filter {
            names: own.chain(other.names.iter().map(|at| at + start)).collect(),
            opposite: None,
            has_function: self.has_function || other.has_function,
            depth: self.depth.max(other.depth),
            text: format!("({}{operator}{})", self.text, other.text),
            mistake: self.mistake.or(other.mistake),
            entity: PhantomData,
        }
    }

    /// The same condition on rows that are called `row`.
    fn on(&self, row: &str) -> String {
        let mut out = String::with_capacity(self.text.len() + self.names.len() * 3);
        let mut from = 0;
        for &at in &self.names {
            out.push_str(self.text.get(from..at).unwrap_or_default());
            out.push_str(row);
            out.push('/');
            from = at;
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
    }

    fn under<P>(self, navigation: &str, quantifier: &str) -> Filter<P> {
        if self.has_function {
            return Filter::of_mistake(format!(
                "a query function (`Microsoft.Dynamics.CRM.…`) within `{navigation}/{quantifier}` \
                 is not something the service documents; filter the related table by itself"
            ));
        }
        let row = match self.depth {
            0 => "o".to_owned(),
            depth => format!("o{depth}"),
        };
        let condition = self.on(&row);
        Filter {
            depth: self.depth + 1,
            mistake: self.mistake,
            ..Filter::of_column(format!("{navigation}/{quantifier}({row}:{condition})"))
        }
    }
}

/// Conditions on related rows.
impl<E, F: Entity> Navigation<E, Many<F>> {
    /// At least one of the rows meets `filter`.
    pub fn any(self, filter: Filter<F>) -> Filter<E> {
        filter.under(self.name(), "any")
    }

    /// No row misses `filter`; also where there is none.
    pub fn all(self, filter: Filter<F>) -> Filter<E> {
        filter.under(self.name(), "all")
    }

    /// There is at least one row.
    pub fn exists(self) -> Filter<E> {
        Filter::of_column(format!("{}/any()", self.name()))
    }
}

/// Conditions on related rows of a table that is only known at run time.
impl Filter<crate::schema::AnyTable> {
    /// At least one of the rows that the navigation property leads to meets `filter`.
    pub fn any(navigation: &str, filter: Self) -> Self {
        filter.under(navigation, "any")
    }

    /// No row that the navigation property leads to misses `filter`; also where there is none.
    pub fn all(navigation: &str, filter: Self) -> Self {
        filter.under(navigation, "all")
    }
}

impl<E> std::ops::Not for Filter<E> {
    type Output = Self;

    /// It does not hold. Of a query function its opposite is taken: the service refuses `not`
    /// before one, so where there is none, sending the request is an error.
    fn not(self) -> Self {
        if let Some(opposite) = self.opposite {
            return Filter::of_function(opposite, Some(self.text));
        }
        if self.has_function {
            return Filter::of_mistake(
                "`not` before a query function (`Microsoft.Dynamics.CRM.…`) is refused by the \
                 service; say the opposite with another condition",
            );
        }
        Filter {
            names: self.names.iter().map(|at| at + "not (".len()).collect(),
            text: format!("not ({})", self.text),
            ..self
        }
    }
}

impl<E> Clone for Filter<E> {
    fn clone(&self) -> Self {
        Filter {
            text: self.text.clone(),
            names: self.names.clone(),
            opposite: self.opposite.clone(),
            mistake: self.mistake.clone(),
            ..*self
        }
    }
}

impl<E> fmt::Debug for Filter<E> {
    /// Says that there is one: values in a filter are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter(…)")
    }
}

/// A column to sort by.
pub struct Order<E> {
    column: Cow<'static, str>,
    descending: bool,
    entity: PhantomData<fn() -> E>,
}

impl<E> Order<E> {
    /// Appends `name desc`.
    pub(crate) fn write(&self, out: &mut String) {
        out.push_str(&self.column);
        out.push_str(if self.descending { " desc" } else { " asc" });
    }
}

impl<E> Clone for Order<E> {
    fn clone(&self) -> Self {
        Order {
            column: self.column.clone(),
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

impl<E, T: Literal> Path<E, T> {
    fn compare(&self, operator: &str, value: &T) -> Filter<E> {
        let mut text = format!("{} {operator} ", self.text());
        value.append_literal(&mut text);
        Filter::of_column(text)
    }

    fn compare_with(&self, operator: &str, other: &Path<E, T>) -> Filter<E> {
        let start = format!("{} {operator} ", self.text());
        Filter {
            names: vec![0, start.len()],
            ..Filter::of_text(start + other.text())
        }
    }

    fn is(&self, what: &str) -> Filter<E> {
        Filter::of_column(format!("{} {what}", self.text()))
    }
}

impl<E, T> Path<E, T> {
    fn order(self, descending: bool) -> Order<E> {
        Order {
            column: self.into_text(),
            descending,
            entity: PhantomData,
        }
    }
}

/// What paths and columns have in common.
macro_rules! comparisons {
    ([$($generics:tt)*] $type:ty) => {
        /// Conditions and orders. `$filter` compares text without regard to case.
        impl<$($generics)*> $type {
            /// It holds `value`.
            pub fn eq(self, value: impl Into<T>) -> Filter<E> {
                self.path().compare("eq", &value.into())
            }

            /// It does not hold `value`.
            pub fn ne(self, value: impl Into<T>) -> Filter<E> {
                self.path().compare("ne", &value.into())
            }

            /// It holds more than `value`.
            pub fn gt(self, value: impl Into<T>) -> Filter<E> {
                self.path().compare("gt", &value.into())
            }

            /// It holds `value` or more.
            pub fn ge(self, value: impl Into<T>) -> Filter<E> {
                self.path().compare("ge", &value.into())
            }

            /// It holds less than `value`.
            pub fn lt(self, value: impl Into<T>) -> Filter<E> {
                self.path().compare("lt", &value.into())
            }

            /// It holds `value` or less.
            pub fn le(self, value: impl Into<T>) -> Filter<E> {
                self.path().compare("le", &value.into())
            }

            /// It holds the same as another column of the same row.
            pub fn eq_column(self, other: impl Into<Path<E, T>>) -> Filter<E> {
                self.path().compare_with("eq", &other.into())
            }

            /// It holds something else than another column of the same row.
            pub fn ne_column(self, other: impl Into<Path<E, T>>) -> Filter<E> {
                self.path().compare_with("ne", &other.into())
            }

            /// It holds more than another column of the same row.
            pub fn gt_column(self, other: impl Into<Path<E, T>>) -> Filter<E> {
                self.path().compare_with("gt", &other.into())
            }

            /// It holds the same as another column of the same row, or more.
            pub fn ge_column(self, other: impl Into<Path<E, T>>) -> Filter<E> {
                self.path().compare_with("ge", &other.into())
            }

            /// It holds less than another column of the same row.
            pub fn lt_column(self, other: impl Into<Path<E, T>>) -> Filter<E> {
                self.path().compare_with("lt", &other.into())
            }

            /// It holds the same as another column of the same row, or less.
            pub fn le_column(self, other: impl Into<Path<E, T>>) -> Filter<E> {
                self.path().compare_with("le", &other.into())
            }

            /// It holds nothing.
            pub fn is_null(self) -> Filter<E> {
                self.path().is("eq null")
            }

            /// It holds something.
            pub fn is_not_null(self) -> Filter<E> {
                self.path().is("ne null")
            }

            /// Smallest first. Rows that are equal come in no set order: end with the primary key
            /// where that matters. A lookup sorts by the name of its row.
            pub fn asc(self) -> Order<E> {
                self.path().order(false)
            }

            /// Largest first.
            pub fn desc(self) -> Order<E> {
                self.path().order(true)
            }
        }
    };
}

comparisons!([E, T: Literal] Path<E, T>);
comparisons!([E: Entity, T: Literal, A] Column<E, T, A>);

impl<E, T: Textual> Path<E, T> {
    fn matches(&self, function: &str, value: &str) -> Filter<E> {
        let mut arguments = format!("{},", self.text());
        write_text_literal(&without_wildcards(value), &mut arguments);
        Filter::of_call(function, &arguments)
    }
}

/// What paths and columns of text have in common.
macro_rules! text_conditions {
    ([$($generics:tt)*] $type:ty) => {
        /// Conditions on text. The service reads `%`, `_` and `[` as wildcards in these; here they
        /// stand for themselves.
        impl<$($generics)*> $type {
            /// The text holds `value` somewhere. Slow on large tables.
            pub fn contains(self, value: &str) -> Filter<E> {
                self.path().matches("contains", value)
            }

            /// The text begins with `value`.
            pub fn starts_with(self, value: &str) -> Filter<E> {
                self.path().matches("startswith", value)
            }

            /// The text ends with `value`. Slow on large tables.
            pub fn ends_with(self, value: &str) -> Filter<E> {
                self.path().matches("endswith", value)
            }
        }
    };
}

text_conditions!([E, T: Textual] Path<E, T>);
text_conditions!([E: Entity, T: Textual, A] Column<E, T, A>);

/// Puts wildcards in brackets, which makes them match themselves.
pub(super) fn without_wildcards(value: &str) -> String {
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

    #[test]
    fn related_rows_are_named_at_every_column() {
        const CHILDREN: Navigation<Account, Many<Account>> = Navigation::new("Children");
        const PARENT_ROW: Navigation<Account, crate::schema::One<Account>> =
            Navigation::new("ParentId");
        let inner = NAME.eq("a").or(!NAME.contains("o/"));
        assert_eq!(
            CHILDREN.any(inner.clone()).as_str(),
            "Children/any(o:(o/name eq 'a' or not (contains(o/name,'o/'))))"
        );
        assert_eq!(
            CHILDREN
                .all(CHILDREN.any(inner).and(REVENUE.gt(5)))
                .as_str(),
            "Children/all(o1:(o1/Children/any(o:(o/name eq 'a' or not (contains(o/name,'o/')))) \
             and o1/revenue gt 5))"
        );
        assert_eq!(
            PARENT_ROW
                .via(PARENT_ROW)
                .to(NAME)
                .starts_with("x")
                .as_str(),
            "startswith(ParentId/ParentId/name,'x')"
        );
        assert_eq!((!CHILDREN.exists()).as_str(), "not (Children/any())");
        assert_eq!(NAME.eq_column(NAME).as_str(), "name eq name");
        assert_eq!(
            CHILDREN.any(NAME.eq_column(NAME)).as_str(),
            "Children/any(o:o/name eq o/name)"
        );
    }
}
