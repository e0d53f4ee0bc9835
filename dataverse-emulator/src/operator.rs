//! Condition operators: those of FetchXML, which the query functions of `$filter` share.

use chrono::{DateTime, Utc};

use crate::caller;
use crate::catalog::Kind;
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::hierarchy;
use crate::names::SqlColumn;
use crate::service::Call;
use crate::span::{self, Span};
use crate::value::{self, Stored};

/// `column operator values` as SQL.
pub(crate) fn condition(
    operator: &str,
    column: &SqlColumn<'_>,
    values: &[String],
    call: &Call<'_>,
) -> Result<Condition> {
    let sql = &column.sql;
    let one = || match values {
        [value] => Ok(value.as_str()),
        _ => Err(wrong_count(operator, column, values)),
    };
    let none = || match values {
        [] => Ok(()),
        _ => Err(wrong_count(operator, column, values)),
    };
    let compare = |comparison: &str| {
        Ok(Condition {
            sql: format!("{sql} {comparison} ?"),
            values: vec![typed(column, one()?)?],
        })
    };
    match operator {
        "eq" => compare("="),
        "ne" | "neq" => Ok(or_null(column, compare("<>")?)),
        "gt" => compare(">"),
        "ge" => compare(">="),
        "lt" => compare("<"),
        "le" => compare("<="),
        "null" => none().map(|()| plain(format!("{sql} IS NULL"))),
        "not-null" => none().map(|()| plain(format!("{sql} IS NOT NULL"))),
        "like" => like(column, one()?, true),
        "not-like" => like(column, one()?, false),
        "begins-with" => like(column, &format!("{}%", one()?), true),
        "not-begin-with" => like(column, &format!("{}%", one()?), false),
        "ends-with" => like(column, &format!("%{}", one()?), true),
        "not-end-with" => like(column, &format!("%{}", one()?), false),
        "in" | "not-in" => among(operator == "in", column, values),
        "between" | "not-between" => {
            let [low, high] = values else {
                return Err(wrong_count(operator, column, values));
            };
            let not = if operator == "between" { "" } else { "NOT " };
            Ok(Condition {
                sql: format!("{sql} {not}BETWEEN ? AND ?"),
                values: vec![typed(column, low)?, typed(column, high)?],
            })
        }
        "contain-values" | "not-contain-values" => {
            contains(operator == "contain-values", column, values)
        }
        "eq-userid"
        | "ne-userid"
        | "eq-businessid"
        | "ne-businessid"
        | "eq-userlanguage"
        | "eq-userteams"
        | "eq-useroruserteams"
        | "eq-useroruserhierarchy"
        | "eq-useroruserhierarchyandteams" => {
            none().and_then(|()| caller::condition(operator, column, call))
        }
        "above" | "eq-or-above" | "under" | "eq-or-under" | "not-under" => {
            let id = value::guid(one()?).ok_or_else(|| wrong_value(column, &values.join(",")))?;
            hierarchy::condition(operator, column, Stored::Text(id), call)
        }
        "in-fiscal-period" => {
            let period = number(operator, column, one()?)?;
            check_is_date(operator, column)?;
            Ok(Condition {
                sql: format!("(CAST(substr({sql}, 6, 2) AS INTEGER) + 2) / 3 = ?"),
                values: vec![Stored::Integer(period)],
            })
        }
        _ => dates(operator, column, values, call.now),
    }
}

/// Whether an index can answer an operator: those that compare with values, or name a span of time.
pub(crate) fn is_bound(operator: &str) -> bool {
    let compares = [
        "eq",
        "gt",
        "ge",
        "lt",
        "le",
        "in",
        "between",
        "null",
        "eq-userid",
        "eq-businessid",
    ];
    compares.contains(&operator) || span::arguments(operator).is_some()
}

/// Operators that name a span of time.
fn dates(
    operator: &str,
    column: &SqlColumn<'_>,
    values: &[String],
    now: DateTime<Utc>,
) -> Result<Condition> {
    let Some(count) = span::arguments(operator) else {
        return Err(Fault::invalid_argument(format!(
            "Invalid condition operator '{operator}'."
        )));
    };
    check_is_date(operator, column)?;
    if values.len() != count {
        return Err(wrong_count(operator, column, values));
    }
    let is_of_day = operator.ends_with("-hours") || operator.ends_with("-minutes");
    if *column.kind == Kind::Date && is_of_day {
        return Err(Fault::invalid_argument(format!(
            "The condition operator '{operator}' is not supported for the date only column '{}'.",
            column.logical_name
        )));
    }
    let span = if operator.starts_with("on") && !values.is_empty() {
        let day = values.first().and_then(|value| value::date_time(value));
        day.and_then(|day| span::on(operator, &day))
    } else {
        let numbers = values
            .iter()
            .map(|value| number(operator, column, value))
            .collect::<Result<Vec<_>>>()?;
        span::named(operator, &numbers, now)
    };
    let span = span.ok_or_else(|| wrong_value(column, &values.join(",")))?;
    Ok(within(column, &span))
}

/// The times of a span.
fn within(column: &SqlColumn<'_>, span: &Span) -> Condition {
    let mut condition = Condition::default();
    let mut bound = |comparison: &str, time: DateTime<Utc>| {
        let text = match column.kind {
            Kind::Date => time.date_naive().to_string(),
            _ => value::format_time(time),
        };
        condition.and(Condition {
            sql: format!("{} {comparison} ?", column.sql),
            values: vec![Stored::Text(text)],
        });
    };
    if let Some(from) = span.from {
        bound(">=", from);
    }
    if let Some(to) = span.to {
        bound(if span.includes_end { "<=" } else { "<" }, to);
    }
    condition
}

fn among(is_in: bool, column: &SqlColumn<'_>, values: &[String]) -> Result<Condition> {
    if values.is_empty() {
        return Err(wrong_count("in", column, values));
    }
    let marks = vec!["?"; values.len()].join(", ");
    let condition = Condition {
        sql: format!(
            "{} {}IN ({marks})",
            column.sql,
            if is_in { "" } else { "NOT " }
        ),
        values: values
            .iter()
            .map(|value| typed(column, value))
            .collect::<Result<_>>()?,
    };
    Ok(match is_in {
        true => condition,
        false => or_null(column, condition),
    })
}

/// Whether a column of choices (`1,9`) has one of the values.
fn contains(has: bool, column: &SqlColumn<'_>, values: &[String]) -> Result<Condition> {
    if *column.kind != Kind::Text || values.is_empty() {
        return Err(wrong_count("contain-values", column, values));
    }
    let any: Vec<_> = values
        .iter()
        .map(|_| {
            format!(
                "instr(',' || replace({}, ' ', '') || ',', ?) > 0",
                column.sql
            )
        })
        .collect();
    let any = any.join(" OR ");
    Ok(Condition {
        sql: match has {
            true => format!("({any})"),
            false => format!("NOT coalesce({any}, 0)"),
        },
        values: values
            .iter()
            .map(|value| Stored::Text(format!(",{},", value.trim())))
            .collect(),
    })
}

fn like(column: &SqlColumn<'_>, pattern: &str, matches: bool) -> Result<Condition> {
    if *column.kind != Kind::Text {
        return Err(Fault::invalid_argument(format!(
            "'{}' is not a text column: it cannot be compared with a pattern.",
            column.logical_name
        )));
    }
    Ok(Condition {
        sql: format!("dv_like({}, ?) = {}", column.sql, u8::from(matches)),
        values: vec![Stored::Text(pattern.to_owned())],
    })
}

fn plain(sql: String) -> Condition {
    Condition {
        sql,
        values: Vec::new(),
    }
}

/// What differs from a value may be null, too.
fn or_null(column: &SqlColumn<'_>, condition: Condition) -> Condition {
    Condition {
        sql: format!("({} IS NULL OR {})", column.sql, condition.sql),
        values: condition.values,
    }
}

fn check_is_date(operator: &str, column: &SqlColumn<'_>) -> Result<()> {
    match column.kind {
        Kind::Date | Kind::DateTime => Ok(()),
        _ => Err(Fault::invalid_argument(format!(
            "The condition operator '{operator}' needs a date column; '{}' is none.",
            column.logical_name
        ))),
    }
}

/// Text as a value of the column.
pub(crate) fn typed(column: &SqlColumn<'_>, text: &str) -> Result<Stored> {
    let stored = |value: Option<String>| value.map(Stored::Text);
    let found = match column.kind {
        Kind::Text | Kind::Binary => Some(Stored::Text(text.to_owned())),
        Kind::Boolean => match text {
            "1" | "true" => Some(Stored::Integer(1)),
            "0" | "false" => Some(Stored::Integer(0)),
            _ => None,
        },
        Kind::Int | Kind::BigInt | Kind::Double | Kind::Decimal if text != "null" => {
            value::from_json(column.kind, text).ok()
        }
        Kind::Guid | Kind::Lookup(_) => stored(value::guid(text)),
        Kind::DateTime => stored(value::date_time(text)),
        Kind::Date => stored(text.get(..10).and_then(value::date)),
        _ => None,
    };
    found.ok_or_else(|| wrong_value(column, text))
}

fn number(operator: &str, column: &SqlColumn<'_>, text: &str) -> Result<i64> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        Fault::invalid_argument(format!(
            "Condition for attribute '{}': the operator '{operator}' needs a number above zero, \
             not '{text}'.",
            column.logical_name
        ))
    })
}

fn wrong_value(column: &SqlColumn<'_>, text: &str) -> Fault {
    Fault::invalid_argument(format!(
        "Condition for attribute '{}.{}': '{text}' is not a value of its type.",
        column.table.logical_name, column.logical_name
    ))
}

fn wrong_count(operator: &str, column: &SqlColumn<'_>, values: &[String]) -> Fault {
    Fault::invalid_argument(format!(
        "Condition for attribute '{}': the operator '{operator}' does not take {} values.",
        column.logical_name,
        values.len()
    ))
}
