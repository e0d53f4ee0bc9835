//! The operators of conditions, and how many values each takes.

/// The values of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    One,
    /// One value, or another column (`valueof`).
    OneOrColumn,
    /// A whole number.
    Number,
    Two,
    /// At least one.
    Many,
}

/// Every operator.
/// Source: Microsoft Learn, "condition operator values", 2024. `neq` is an old name of `ne`.
const OPERATORS: &[(Takes, &[&str])] = &[
    (
        Takes::OneOrColumn,
        &["eq", "ne", "neq", "gt", "ge", "lt", "le"],
    ),
    (
        Takes::One,
        &[
            "like",
            "not-like",
            "begins-with",
            "not-begin-with",
            "ends-with",
            "not-end-with",
            "on",
            "on-or-after",
            "on-or-before",
            "above",
            "eq-or-above",
            "under",
            "eq-or-under",
            "not-under",
        ],
    ),
    (
        Takes::Number,
        &[
            "last-x-hours",
            "last-x-days",
            "last-x-weeks",
            "last-x-months",
            "last-x-years",
            "last-x-fiscal-periods",
            "last-x-fiscal-years",
            "next-x-hours",
            "next-x-days",
            "next-x-weeks",
            "next-x-months",
            "next-x-years",
            "next-x-fiscal-periods",
            "next-x-fiscal-years",
            "olderthan-x-minutes",
            "olderthan-x-hours",
            "olderthan-x-days",
            "olderthan-x-weeks",
            "olderthan-x-months",
            "olderthan-x-years",
            "in-fiscal-period",
            "in-fiscal-year",
        ],
    ),
    (
        Takes::Two,
        &[
            "between",
            "not-between",
            "in-fiscal-period-and-year",
            "in-or-after-fiscal-period-and-year",
            "in-or-before-fiscal-period-and-year",
        ],
    ),
    (
        Takes::Many,
        &["in", "not-in", "contain-values", "not-contain-values"],
    ),
    (
        Takes::Nothing,
        &[
            "null",
            "not-null",
            "yesterday",
            "today",
            "tomorrow",
            "last-seven-days",
            "next-seven-days",
            "last-week",
            "this-week",
            "next-week",
            "last-month",
            "this-month",
            "next-month",
            "last-year",
            "this-year",
            "next-year",
            "last-fiscal-period",
            "this-fiscal-period",
            "next-fiscal-period",
            "last-fiscal-year",
            "this-fiscal-year",
            "next-fiscal-year",
            "eq-userid",
            "ne-userid",
            "eq-userteams",
            "eq-useroruserteams",
            "eq-useroruserhierarchy",
            "eq-useroruserhierarchyandteams",
            "eq-businessid",
            "ne-businessid",
            "eq-userlanguage",
        ],
    ),
];

/// What an operator takes; None if there is none of this name.
pub(super) fn takes(operator: &str) -> Option<Takes> {
    let (takes, _) = OPERATORS
        .iter()
        .find(|(_, names)| names.contains(&operator))?;
    Some(*takes)
}

impl Takes {
    /// What is wanted, if so many values are not.
    pub(super) fn refuses(self, values: usize) -> Option<&'static str> {
        let (fits, wanted) = match self {
            Takes::Nothing => (values == 0, "no value"),
            Takes::One => (values == 1, "one value"),
            Takes::OneOrColumn => (values == 1, "one value, or a column in `valueof`"),
            Takes::Number => (values == 1, "a whole number"),
            Takes::Two => (values == 2, "two values, each in a `value` element"),
            Takes::Many => (values > 0, "at least one value"),
        };
        (!fits).then_some(wanted)
    }
}
