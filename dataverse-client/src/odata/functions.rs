//! Dataverse's own query functions in `$filter`: dates relative to now, sets, ranges, hierarchies,
//! the current user.

use std::fmt::Write;

use super::filter::Filter;
use super::path::Path;
use crate::schema::{Column, Entity};
use crate::value::json::write_string;
use crate::value::{
    AnyLookup, AnyValue, Choice, Choices, Id, Literal, Lookup, Temporal, plain_text, text_literal,
};

/// A span of time around now, in the caller's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Period {
    Today,
    Tomorrow,
    Yesterday,
    ThisWeek,
    ThisMonth,
    ThisYear,
    ThisFiscalPeriod,
    ThisFiscalYear,
    LastWeek,
    LastMonth,
    LastYear,
    LastFiscalPeriod,
    LastFiscalYear,
    Last7Days,
    NextWeek,
    NextMonth,
    NextYear,
    NextFiscalPeriod,
    NextFiscalYear,
    Next7Days,
}

/// What [`Column::last`], [`next`](Column::next) and [`older_than`](Column::older_than) count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Unit {
    /// Only of `older_than`.
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    /// Not of `older_than`.
    FiscalPeriods,
    Years,
    /// Not of `older_than`.
    FiscalYears,
}

/// Users and teams around the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserScope {
    /// The caller.
    Caller,
    /// Anybody but the caller.
    NotCaller,
    /// The caller's teams.
    Teams,
    /// The caller, and the caller's teams.
    CallerOrTeams,
    /// The caller, and those who report to the caller.
    Hierarchy,
    /// The same, and their teams.
    HierarchyAndTeams,
    /// The caller's business unit; of columns that point at one.
    BusinessUnit,
    /// Any other business unit.
    NotBusinessUnit,
}

impl UserScope {
    const fn function(self) -> &'static str {
        match self {
            UserScope::Caller => "EqualUserId",
            UserScope::NotCaller => "NotEqualUserId",
            UserScope::Teams => "EqualUserTeams",
            UserScope::CallerOrTeams => "EqualUserOrUserTeams",
            UserScope::Hierarchy => "EqualUserOrUserHierarchy",
            UserScope::HierarchyAndTeams => "EqualUserOrUserHierarchyAndTeams",
            UserScope::BusinessUnit => "EqualBusinessId",
            UserScope::NotBusinessUnit => "NotEqualBusinessId",
        }
    }

    const fn opposite(self) -> Option<&'static str> {
        match self {
            UserScope::Caller => Some("NotEqualUserId"),
            UserScope::NotCaller => Some("EqualUserId"),
            UserScope::BusinessUnit => Some("NotEqualBusinessId"),
            UserScope::NotBusinessUnit => Some("EqualBusinessId"),
            _ => None,
        }
    }
}

/// A column that points at rows.
pub trait Pointing: Literal {}
impl<E> Pointing for Lookup<E> where Lookup<E>: Literal {}
impl<L> Pointing for AnyLookup<L> where AnyLookup<L>: Literal {}
impl<E> Pointing for Id<E> where Id<E>: Literal {}
impl Pointing for AnyValue {}

impl<E, T> Path<E, T> {
    /// `Microsoft.Dynamics.CRM.Name(PropertyName='…'…)`.
    fn function(&self, name: &str, opposite: Option<&str>, arguments: &str) -> Filter<E> {
        let Some(column) = self.known_logical_name() else {
            return Filter::of_mistake(format!(
                "the query function `{name}` takes columns of the table itself, not `{}`",
                self.text()
            ));
        };
        let call = |name: &str| {
            format!("Microsoft.Dynamics.CRM.{name}(PropertyName='{column}'{arguments})")
        };
        Filter::of_function(call(name), opposite.map(call))
    }

    fn numbered(&self, name: &str, number: u32) -> Filter<E> {
        self.function(name, None, &format!(",PropertyValue={number}"))
    }

    fn numbered_twice(&self, name: &str, first: u32, second: u32) -> Filter<E> {
        let arguments = format!(",PropertyValue1={first},PropertyValue2={second}");
        self.function(name, None, &arguments)
    }

    fn valued<V: Literal>(&self, name: &str, opposite: Option<&str>, value: &V) -> Filter<E> {
        let mut literal = String::new();
        value.append_literal(&mut literal);
        let arguments = format!(",PropertyValue={}", text_literal(&literal));
        self.function(name, opposite, &arguments)
    }

    fn listed<V: Literal>(
        &self,
        [name, opposite]: [&str; 2],
        values: impl IntoIterator<Item = V>,
    ) -> Filter<E> {
        let mut arguments = String::from(",PropertyValues=[");
        let start = arguments.len();
        for value in values {
            if arguments.len() > start {
                arguments.push(',');
            }
            let mut literal = String::new();
            value.append_literal(&mut literal);
            // In double quotes, since single ones cannot hold an apostrophe.
            write_string(&plain_text(&literal), &mut arguments);
        }
        if arguments.len() == start {
            return Filter::of_mistake(format!(
                "`{name}` of `{}` without a value: give at least one",
                self.text()
            ));
        }
        arguments.push(']');
        self.function(name, Some(opposite), &arguments)
    }

    fn counted(&self, prefix: &str, number: u32, unit: Unit) -> Filter<E> {
        let is_older = prefix == "OlderThan";
        let unit_fits = match unit {
            Unit::Minutes => is_older,
            Unit::FiscalPeriods | Unit::FiscalYears => !is_older,
            _ => true,
        };
        if !unit_fits || number == 0 {
            let mut mistake = format!("the service has no `{prefix}X{unit:?}`");
            if number == 0 {
                mistake = format!("`{prefix}X{unit:?}` counts from 1");
            }
            return Filter::of_mistake(mistake);
        }
        self.numbered(&format!("{prefix}X{unit:?}"), number)
    }

    fn in_period(&self, period: Period) -> Filter<E> {
        let mut name = String::new();
        // Writing to a String does not fail.
        let _ = write!(name, "{period:?}");
        self.function(&name, None, "")
    }
}

/// What paths and columns of dates have in common.
macro_rules! date_functions {
    ([$($generics:tt)*] $type:ty) => {
        /// Query functions of dates. `now`, days and years are those of the caller's time zone and
        /// of the org's fiscal settings.
        impl<$($generics)*> $type {
            /// In a span of time around now.
            pub fn within(self, period: Period) -> Filter<E> {
                self.path().in_period(period)
            }

            /// In the last `number` hours, days, ….
            pub fn last(self, number: u32, unit: Unit) -> Filter<E> {
                self.path().counted("Last", number, unit)
            }

            /// In the next `number` hours, days, ….
            pub fn next(self, number: u32, unit: Unit) -> Filter<E> {
                self.path().counted("Next", number, unit)
            }

            /// Longer ago than `number` minutes, days, ….
            pub fn older_than(self, number: u32, unit: Unit) -> Filter<E> {
                self.path().counted("OlderThan", number, unit)
            }

            /// On this day.
            pub fn on(self, day: chrono::NaiveDate) -> Filter<E> {
                self.path().valued("On", None, &day)
            }

            /// On this day or later.
            pub fn on_or_after(self, day: chrono::NaiveDate) -> Filter<E> {
                self.path().valued("OnOrAfter", None, &day)
            }

            /// On this day or before.
            pub fn on_or_before(self, day: chrono::NaiveDate) -> Filter<E> {
                self.path().valued("OnOrBefore", None, &day)
            }

            /// In this fiscal period of any year.
            pub fn in_fiscal_period(self, period: u32) -> Filter<E> {
                self.path().numbered("InFiscalPeriod", period)
            }

            /// In this fiscal year.
            pub fn in_fiscal_year(self, year: u32) -> Filter<E> {
                self.path().numbered("InFiscalYear", year)
            }

            /// In this fiscal period of this year.
            pub fn in_fiscal_period_and_year(self, period: u32, year: u32) -> Filter<E> {
                let name = "InFiscalPeriodAndYear";
                self.path().numbered_twice(name, period, year)
            }

            /// In this fiscal period of this year, or later.
            pub fn in_or_after_fiscal_period_and_year(self, period: u32, year: u32) -> Filter<E> {
                let name = "InOrAfterFiscalPeriodAndYear";
                self.path().numbered_twice(name, period, year)
            }

            /// In this fiscal period of this year, or before.
            pub fn in_or_before_fiscal_period_and_year(self, period: u32, year: u32) -> Filter<E> {
                let name = "InOrBeforeFiscalPeriodAndYear";
                self.path().numbered_twice(name, period, year)
            }
        }
    };
}

date_functions!([E, T: Temporal] Path<E, T>);
date_functions!([E: Entity, T: Temporal, A] Column<E, T, A>);

/// What all paths and columns have in common.
macro_rules! set_functions {
    ([$($generics:tt)*] $type:ty) => {
        /// Query functions of sets and ranges.
        impl<$($generics)*> $type {
            /// It holds one of `values`; at least one must be given.
            pub fn is_in<V: Into<T>>(self, values: impl IntoIterator<Item = V>) -> Filter<E> {
                let values = values.into_iter().map(Into::into);
                self.path().listed::<T>(["In", "NotIn"], values)
            }

            /// It holds none of `values`; at least one must be given.
            pub fn is_not_in<V: Into<T>>(self, values: impl IntoIterator<Item = V>) -> Filter<E> {
                let values = values.into_iter().map(Into::into);
                self.path().listed::<T>(["NotIn", "In"], values)
            }

            /// It holds `least`, `most`, or something between.
            pub fn between(self, least: impl Into<T>, most: impl Into<T>) -> Filter<E> {
                let names = ["Between", "NotBetween"];
                self.path().listed::<T>(names, [least.into(), most.into()])
            }

            /// It holds less than `least` or more than `most`.
            pub fn not_between(self, least: impl Into<T>, most: impl Into<T>) -> Filter<E> {
                let names = ["NotBetween", "Between"];
                self.path().listed::<T>(names, [least.into(), most.into()])
            }
        }
    };
}

set_functions!([E, T: Literal] Path<E, T>);
set_functions!([E: Entity, T: Literal, A] Column<E, T, A>);

/// What paths and columns that point at rows have in common.
macro_rules! row_functions {
    ([$($generics:tt)*] $type:ty) => {
        /// Query functions of columns that point at rows. Hierarchies end after 100 levels.
        impl<$($generics)*> $type {
            /// It points at the caller, or at those around the caller.
            pub fn is_user(self, scope: UserScope) -> Filter<E> {
                self.path().function(scope.function(), scope.opposite(), "")
            }

            /// The row stands above `row` in the table's hierarchy.
            pub fn above(self, row: impl Into<uuid::Uuid>) -> Filter<E> {
                self.path().valued("Above", None, &row.into())
            }

            /// The row is `row`, or stands above it.
            pub fn above_or_equal(self, row: impl Into<uuid::Uuid>) -> Filter<E> {
                self.path().valued("AboveOrEqual", None, &row.into())
            }

            /// The row stands under `row`.
            pub fn under(self, row: impl Into<uuid::Uuid>) -> Filter<E> {
                self.path().valued("Under", Some("NotUnder"), &row.into())
            }

            /// The row is `row`, or stands under it.
            pub fn under_or_equal(self, row: impl Into<uuid::Uuid>) -> Filter<E> {
                self.path().valued("UnderOrEqual", None, &row.into())
            }

            /// The row does not stand under `row`.
            pub fn not_under(self, row: impl Into<uuid::Uuid>) -> Filter<E> {
                self.path().valued("NotUnder", Some("Under"), &row.into())
            }
        }
    };
}

row_functions!([E, T: Pointing] Path<E, T>);
row_functions!([E: Entity, T: Pointing, A] Column<E, T, A>);

/// Conditions on choices columns. The service finds them through a full-text index: what was
/// written a few seconds ago may not be found yet.
impl<E: Entity, C: Choice, A> Column<E, Choices<C>, A> {
    /// The column holds at least one of `choices`; at least one must be given.
    pub fn contains_any(self, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        let values = choices.into_iter().map(|choice| choice.value());
        self.path()
            .listed(["ContainValues", "DoesNotContainValues"], values)
    }

    /// The column holds none of `choices`; at least one must be given.
    pub fn contains_none(self, choices: impl IntoIterator<Item = C>) -> Filter<E> {
        let values = choices.into_iter().map(|choice| choice.value());
        self.path()
            .listed(["DoesNotContainValues", "ContainValues"], values)
    }
}

/// Further query functions of columns that are only known at run time.
impl Path<crate::schema::AnyTable, AnyValue> {
    /// The choices column holds at least one of `choices`.
    pub fn contains_any(
        self,
        choices: impl IntoIterator<Item = i32>,
    ) -> Filter<crate::schema::AnyTable> {
        self.listed(["ContainValues", "DoesNotContainValues"], choices)
    }

    /// The choices column holds none of `choices`.
    pub fn contains_none(
        self,
        choices: impl IntoIterator<Item = i32>,
    ) -> Filter<crate::schema::AnyTable> {
        self.listed(["DoesNotContainValues", "ContainValues"], choices)
    }

    /// The full-text index finds `text`; of tables of knowledge articles.
    pub fn matches_text(self, text: &str) -> Filter<crate::schema::AnyTable> {
        self.valued("Contains", None, &text.to_owned())
    }

    /// It holds the caller's language.
    pub fn is_user_language(self) -> Filter<crate::schema::AnyTable> {
        self.function("EqualUserLanguage", None, "")
    }
}

#[cfg(test)]
mod tests {
    use super::super::column;
    use super::*;

    #[test]
    fn functions_are_qualified_and_their_parameters_named() {
        let column = |name: &'static str| column(name);
        for (filter, text) in [
            (
                column("modifiedon").last(12, Unit::Hours),
                "LastXHours(PropertyName='modifiedon',PropertyValue=12)",
            ),
            (
                column("createdon").within(Period::Last7Days),
                "Last7Days(PropertyName='createdon')",
            ),
            (
                column("createdon").older_than(3, Unit::Minutes),
                "OlderThanXMinutes(PropertyName='createdon',PropertyValue=3)",
            ),
            (
                column("name").is_in(["O'Bryan", "\"x\""]),
                "In(PropertyName='name',PropertyValues=[\"O'Bryan\",\"\\\"x\\\"\"])",
            ),
            (
                column("numberofemployees").between(5, 2000),
                "Between(PropertyName='numberofemployees',PropertyValues=[\"5\",\"2000\"])",
            ),
            (
                column("_ownerid_value").is_user(UserScope::CallerOrTeams),
                "EqualUserOrUserTeams(PropertyName='ownerid')",
            ),
            (
                column("accountid").under(uuid::Uuid::nil()),
                "Under(PropertyName='accountid',PropertyValue='00000000-0000-0000-0000-000000000000')",
            ),
            (
                column("createdon").in_fiscal_period_and_year(2, 2026),
                "InFiscalPeriodAndYear(PropertyName='createdon',PropertyValue1=2,PropertyValue2=2026)",
            ),
        ] {
            assert_eq!(
                filter.checked().unwrap(),
                format!("Microsoft.Dynamics.CRM.{text}")
            );
        }
    }

    #[test]
    fn not_before_a_function_is_its_opposite_or_an_error() {
        let opposite = !column("name").is_in(["a"]);
        assert_eq!(
            opposite.checked().unwrap(),
            "Microsoft.Dynamics.CRM.NotIn(PropertyName='name',PropertyValues=[\"a\"])"
        );
        assert!((!opposite).checked().unwrap().contains("CRM.In("));
        let none = !column("createdon").within(Period::Today);
        assert!(none.checked().unwrap_err().is_invalid_input());
        let deep = !column("createdon")
            .within(Period::Today)
            .or(column("name").eq("x"));
        assert!(deep.and(column("name").eq("y")).checked().is_err());
    }

    #[test]
    fn what_the_service_does_not_know_is_an_error() {
        for filter in [
            column("createdon").last(1, Unit::Minutes),
            column("createdon").older_than(1, Unit::FiscalYears),
            column("createdon").last(0, Unit::Days),
            column("name").is_in(Vec::<&str>::new()),
            column("primarycontactid/fullname").is_in(["x"]),
            Filter::any("Account_Tasks", column("createdon").within(Period::Today)),
        ] {
            assert!(filter.checked().unwrap_err().is_invalid_input());
        }
    }
}
