//! The query functions of `$filter`: `Microsoft.Dynamics.CRM.Between(PropertyName=…,…)`.

use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::full_text;
use crate::names::Names;
use crate::operator;
use crate::url::{quoted_end, text_literal};

/// Before every name.
pub(crate) const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";

/// The one that is no condition operator.
const FULL_TEXT: &str = "Contains";

/// What a function takes beside the name of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    TwoValues,
    Values,
}

/// Name, condition operator, what it takes: as `$metadata` declares them.
const FUNCTIONS: &[(&str, &str, Takes)] = &[
    ("Above", "above", Takes::Value),
    ("AboveOrEqual", "eq-or-above", Takes::Value),
    ("Between", "between", Takes::Values),
    ("ContainValues", "contain-values", Takes::Values),
    (FULL_TEXT, "", Takes::Value),
    ("DoesNotContainValues", "not-contain-values", Takes::Values),
    ("EqualBusinessId", "eq-businessid", Takes::Nothing),
    ("EqualUserId", "eq-userid", Takes::Nothing),
    ("EqualUserLanguage", "eq-userlanguage", Takes::Nothing),
    (
        "EqualUserOrUserHierarchy",
        "eq-useroruserhierarchy",
        Takes::Nothing,
    ),
    (
        "EqualUserOrUserHierarchyAndTeams",
        "eq-useroruserhierarchyandteams",
        Takes::Nothing,
    ),
    ("EqualUserOrUserTeams", "eq-useroruserteams", Takes::Nothing),
    ("EqualUserTeams", "eq-userteams", Takes::Nothing),
    ("In", "in", Takes::Values),
    ("InFiscalPeriod", "in-fiscal-period", Takes::Value),
    (
        "InFiscalPeriodAndYear",
        "in-fiscal-period-and-year",
        Takes::TwoValues,
    ),
    ("InFiscalYear", "in-fiscal-year", Takes::Value),
    (
        "InOrAfterFiscalPeriodAndYear",
        "in-or-after-fiscal-period-and-year",
        Takes::TwoValues,
    ),
    (
        "InOrBeforeFiscalPeriodAndYear",
        "in-or-before-fiscal-period-and-year",
        Takes::TwoValues,
    ),
    ("Last7Days", "last-seven-days", Takes::Nothing),
    ("LastFiscalPeriod", "last-fiscal-period", Takes::Nothing),
    ("LastFiscalYear", "last-fiscal-year", Takes::Nothing),
    ("LastMonth", "last-month", Takes::Nothing),
    ("LastWeek", "last-week", Takes::Nothing),
    ("LastXDays", "last-x-days", Takes::Value),
    ("LastXFiscalPeriods", "last-x-fiscal-periods", Takes::Value),
    ("LastXFiscalYears", "last-x-fiscal-years", Takes::Value),
    ("LastXHours", "last-x-hours", Takes::Value),
    ("LastXMonths", "last-x-months", Takes::Value),
    ("LastXWeeks", "last-x-weeks", Takes::Value),
    ("LastXYears", "last-x-years", Takes::Value),
    ("LastYear", "last-year", Takes::Nothing),
    ("Next7Days", "next-seven-days", Takes::Nothing),
    ("NextFiscalPeriod", "next-fiscal-period", Takes::Nothing),
    ("NextFiscalYear", "next-fiscal-year", Takes::Nothing),
    ("NextMonth", "next-month", Takes::Nothing),
    ("NextWeek", "next-week", Takes::Nothing),
    ("NextXDays", "next-x-days", Takes::Value),
    ("NextXFiscalPeriods", "next-x-fiscal-periods", Takes::Value),
    ("NextXFiscalYears", "next-x-fiscal-years", Takes::Value),
    ("NextXHours", "next-x-hours", Takes::Value),
    ("NextXMonths", "next-x-months", Takes::Value),
    ("NextXWeeks", "next-x-weeks", Takes::Value),
    ("NextXYears", "next-x-years", Takes::Value),
    ("NextYear", "next-year", Takes::Nothing),
    ("NotBetween", "not-between", Takes::Values),
    ("NotEqualBusinessId", "ne-businessid", Takes::Nothing),
    ("NotEqualUserId", "ne-userid", Takes::Nothing),
    ("NotIn", "not-in", Takes::Values),
    ("NotUnder", "not-under", Takes::Value),
    ("OlderThanXDays", "olderthan-x-days", Takes::Value),
    ("OlderThanXHours", "olderthan-x-hours", Takes::Value),
    ("OlderThanXMinutes", "olderthan-x-minutes", Takes::Value),
    ("OlderThanXMonths", "olderthan-x-months", Takes::Value),
    ("OlderThanXWeeks", "olderthan-x-weeks", Takes::Value),
    ("OlderThanXYears", "olderthan-x-years", Takes::Value),
    ("On", "on", Takes::Value),
    ("OnOrAfter", "on-or-after", Takes::Value),
    ("OnOrBefore", "on-or-before", Takes::Value),
    ("ThisFiscalPeriod", "this-fiscal-period", Takes::Nothing),
    ("ThisFiscalYear", "this-fiscal-year", Takes::Nothing),
    ("ThisMonth", "this-month", Takes::Nothing),
    ("ThisWeek", "this-week", Takes::Nothing),
    ("ThisYear", "this-year", Takes::Nothing),
    ("Today", "today", Takes::Nothing),
    ("Tomorrow", "tomorrow", Takes::Nothing),
    ("Under", "under", Takes::Value),
    ("UnderOrEqual", "eq-or-under", Takes::Value),
    ("Yesterday", "yesterday", Takes::Nothing),
];

/// An argument: one value, or those between brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Argument {
    One(String),
    Many(Vec<String>),
}

/// Reads what stands behind `Microsoft.Dynamics.CRM.{name}(`; gives the condition, and how much of
/// `text` it took.
pub(crate) fn condition(
    name: &str,
    text: &str,
    names: &mut Names<'_>,
) -> Result<(Condition, usize)> {
    let (_, operator, takes) = FUNCTIONS
        .iter()
        .find(|(known, _, _)| *known == name)
        .ok_or_else(|| {
            Fault::bad_request(format!(
                "An unknown function with name '{NAMESPACE}{name}' was found. This may also be a \
                 function import or a key lookup on a navigation property, which is not allowed."
            ))
        })?;
    let mut reader = Reader { text, at: 0 };
    let arguments = reader.arguments(names)?;
    let wanted: &[&str] = match takes {
        Takes::Nothing => &[],
        Takes::Value => &["PropertyValue"],
        Takes::TwoValues => &["PropertyValue1", "PropertyValue2"],
        Takes::Values => &["PropertyValues"],
    };
    let argument = |name: &str| {
        let mut arguments = arguments.iter();
        arguments
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let unknown = arguments
        .iter()
        .any(|(known, _)| *known != "PropertyName" && !wanted.contains(known));
    let Some(Argument::One(property)) = argument("PropertyName").filter(|_| !unknown) else {
        return Err(mismatch(name, wanted));
    };
    let mut values = Vec::new();
    for wanted_name in wanted {
        match (takes, argument(wanted_name)) {
            (Takes::Values, Some(Argument::Many(many))) => values.extend(many.iter().cloned()),
            (Takes::Value | Takes::TwoValues, Some(Argument::One(one))) => values.push(one.clone()),
            _ => return Err(mismatch(name, wanted)),
        }
    }
    let column = names.property(property)?;
    let condition = match &values[..] {
        [sought] if name == FULL_TEXT => full_text::condition(&column, sought)?,
        _ => operator::condition(operator, &column, &values, names.call)?,
    };
    Ok((condition, reader.at))
}

fn mismatch(name: &str, wanted: &[&str]) -> Fault {
    Fault::bad_request(format!(
        "The function '{NAMESPACE}{name}' takes the parameters PropertyName {}.",
        wanted.join(" ")
    ))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&mut self) -> &'t str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn malformed(&self) -> Fault {
        Fault::bad_request(format!(
            "Syntax error at position {} in '{}'.",
            self.at, self.text
        ))
    }

    fn takes(&mut self, char: char) -> bool {
        let is_next = self.rest().starts_with(char);
        self.at += if is_next { char.len_utf8() } else { 0 };
        is_next
    }

    /// `a=1,b='x')`.
    fn arguments(&mut self, names: &Names<'_>) -> Result<Vec<(&'t str, Argument)>> {
        let mut arguments = Vec::new();
        while !self.takes(')') {
            let rest = self.rest();
            let (name, _) = rest.split_once('=').ok_or_else(|| self.malformed())?;
            self.at += name.len() + 1;
            let name = name.trim();
            if self.rest().starts_with('@') {
                let alias = self.word();
                let text = names.parameter(alias)?;
                let mut value = Reader { text, at: 0 };
                arguments.push((name, value.argument()?));
            } else {
                let argument = self.argument()?;
                arguments.push((name, argument));
            }
            if !self.takes(',') && !self.rest().starts_with(')') {
                return Err(self.malformed());
            }
        }
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<Argument> {
        if !self.takes('[') {
            return self.value().map(Argument::One);
        }
        let mut values = Vec::new();
        while !self.takes(']') {
            values.push(self.value()?);
            if !self.takes(',') && !self.rest().starts_with(']') {
                return Err(self.malformed());
            }
        }
        Ok(Argument::Many(values))
    }

    /// `'x'`, `"x"` or a bare word.
    fn value(&mut self) -> Result<String> {
        let rest = self.rest();
        let (value, length) = match rest.chars().next() {
            Some('\'') => {
                let end = quoted_end(rest).ok_or_else(|| self.malformed())?;
                (text_literal(&rest[..end]), end)
            }
            Some('"') => {
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let value = values.next().and_then(Result::ok);
                (value, values.byte_offset())
            }
            _ => {
                let word = self.word();
                return match word.is_empty() {
                    true => Err(self.malformed()),
                    false => Ok(word.to_owned()),
                };
            }
        };
        self.at += length;
        value.ok_or_else(|| self.malformed())
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find([',', ')', ']', ' ']).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }
}
