//! Values between JSON, URLs and SQLite.
//!
//! Decimals are stored as their digits, GUIDs in lower case, times in UTC: what was written is what
//! is read, and sorting by the stored text (decimals aside) is sorting by value.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use uuid::Uuid;

use crate::catalog::Kind;
use crate::managed;

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

impl rusqlite::ToSql for Stored {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Stored::Null => ToSqlOutput::Owned(Value::Null),
            Stored::Integer(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Stored::Real(value) => ToSqlOutput::Owned(Value::Real(*value)),
            Stored::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl Stored {
    pub(crate) fn of_ref(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Stored::Null,
            ValueRef::Integer(value) => Stored::Integer(value),
            ValueRef::Real(value) => Stored::Real(value),
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                Stored::Text(String::from_utf8_lossy(text).into_owned())
            }
        }
    }
}

/// Reads a JSON value for a column; the error says what the column takes.
pub(crate) fn from_json(kind: &Kind, json: &str) -> Result<Stored, &'static str> {
    let json = json.trim();
    if json == "null" {
        return Ok(Stored::Null);
    }
    let text = || serde_json::from_str::<String>(json).ok();
    // Small numbers as text are taken, as the service takes them; large and exact ones are not.
    let digits = || text().unwrap_or_else(|| json.to_owned());
    match kind {
        Kind::Text => text().map(Stored::Text).ok_or("Edm.String"),
        Kind::Binary => text().map(Stored::Text).ok_or("Edm.Binary"),
        Kind::Boolean => match json {
            "true" => Ok(Stored::Integer(1)),
            "false" => Ok(Stored::Integer(0)),
            _ => Err("Edm.Boolean"),
        },
        Kind::Int => match digits().parse::<i32>() {
            Ok(value) => Ok(Stored::Integer(value.into())),
            Err(_) => Err("Edm.Int32"),
        },
        Kind::BigInt => json.parse().map(Stored::Integer).map_err(|_| "Edm.Int64"),
        Kind::Double => match digits().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Stored::Real(value)),
            _ => Err("Edm.Double"),
        },
        Kind::Decimal => match parse_decimal(json) {
            Some(_) => Ok(Stored::Text(json.to_owned())),
            None => Err("Edm.Decimal"),
        },
        Kind::Guid | Kind::Lookup(_) => text()
            .and_then(|text| guid(&text))
            .map(Stored::Text)
            .ok_or("Edm.Guid"),
        Kind::DateTime => text()
            .and_then(|text| date_time(&text))
            .map(Stored::Text)
            .ok_or("Edm.DateTimeOffset"),
        Kind::Date => text()
            .and_then(|text| date(&text))
            .map(Stored::Text)
            .ok_or("Edm.Date"),
        Kind::Managed(column) => managed::read(column, json)
            .map(Stored::Text)
            .ok_or("Microsoft.Dynamics.CRM.BooleanManagedProperty"),
        Kind::Other => Err("a type that the emulator does not store"),
    }
}

/// Appends a stored value as JSON.
pub(crate) fn write_json(kind: &Kind, value: ValueRef<'_>, out: &mut String) {
    use std::fmt::Write;
    match (kind, value) {
        (Kind::Managed(column), ValueRef::Null) => out.push_str(&managed::usual(column)),
        (Kind::Managed(_), ValueRef::Text(json)) => out.push_str(&String::from_utf8_lossy(json)),
        (_, ValueRef::Null) => out.push_str("null"),
        (Kind::Boolean, ValueRef::Integer(value)) => {
            out.push_str(if value == 0 { "false" } else { "true" });
        }
        // Writing to a String does not fail.
        (_, ValueRef::Integer(value)) => drop(write!(out, "{value}")),
        (_, ValueRef::Real(value)) => drop(write!(out, "{value:?}")),
        (Kind::Decimal, ValueRef::Text(digits)) => out.push_str(&String::from_utf8_lossy(digits)),
        (_, ValueRef::Text(text) | ValueRef::Blob(text)) => {
            write_string(&String::from_utf8_lossy(text), out);
        }
    }
}

/// Appends text as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut String) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
        return;
    }
    // Text always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// A GUID of any case, with or without braces, in lower case.
pub(crate) fn guid(text: &str) -> Option<String> {
    Uuid::try_parse(text).ok().map(|id| id.to_string())
}

/// A time with an offset, or without one in UTC.
pub(crate) fn date_time(text: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")))
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")))
        .ok()?;
    Some(format_time(time.with_timezone(&Utc)))
}

pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(crate) fn date(text: &str) -> Option<String> {
    let date: NaiveDate = text.parse().ok()?;
    Some(date.to_string())
}

/// Sign, digits before the point without leading zeros, digits behind it without trailing ones.
pub(crate) fn parse_decimal(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
        return None;
    }
    Some((
        negative,
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    ))
}

/// Compares decimals by value, whatever their zeros.
pub(crate) fn compare_decimals(left: &str, right: &str) -> std::cmp::Ordering {
    let (Some(left), Some(right)) = (parse_decimal(left), parse_decimal(right)) else {
        return left.cmp(right);
    };
    let magnitude = (left.1.len(), left.1, left.2).cmp(&(right.1.len(), right.1, right.2));
    let is_zero = |number: (bool, &str, &str)| number.1.is_empty() && number.2.is_empty();
    let is_negative = |number: (bool, &str, &str)| number.0 && !is_zero(number);
    match (is_negative(left), is_negative(right)) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn decimals_compare_by_value() {
        for (left, right, order) in [
            ("5000000.0000", "5000000", Ordering::Equal),
            ("-0.0", "0", Ordering::Equal),
            ("10", "9.99", Ordering::Greater),
            ("0.1000000001", "0.1", Ordering::Greater),
            ("-2", "1", Ordering::Less),
            ("-2", "-1", Ordering::Less),
            ("007", "10", Ordering::Less),
        ] {
            assert_eq!(compare_decimals(left, right), order, "{left} {right}");
        }
    }

    #[test]
    fn values_are_checked_and_normalised() {
        let stored = |text: &str| Ok(Stored::Text(text.to_owned()));
        assert_eq!(from_json(&Kind::Decimal, "1.500"), stored("1.500"));
        assert_eq!(
            from_json(&Kind::DateTime, "\"2023-04-19T03:00:00+07:00\""),
            stored("2023-04-18T20:00:00Z")
        );
        assert_eq!(from_json(&Kind::Int, "\"200\""), Ok(Stored::Integer(200)));
        assert_eq!(from_json(&Kind::Decimal, "\"1.5\""), Err("Edm.Decimal"));
        assert_eq!(from_json(&Kind::BigInt, "\"15\""), Err("Edm.Int64"));
        assert_eq!(from_json(&Kind::Int, "2147483648"), Err("Edm.Int32"));
        assert_eq!(from_json(&Kind::Text, "5"), Err("Edm.String"));
        assert_eq!(from_json(&Kind::Guid, "\"x\""), Err("Edm.Guid"));
        assert_eq!(from_json(&Kind::Date, "null"), Ok(Stored::Null));
    }
}
