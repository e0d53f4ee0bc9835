//! Values as people read them: en-US, UTC.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use rusqlite::types::ValueRef;

use crate::catalog::{Column, Kind};

/// What definitions tell of how a column is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Display {
    /// Labels of choices; of a boolean, those of 0 and 1.
    pub(crate) labels: BTreeMap<i64, String>,
    /// Digits behind the point.
    pub(crate) precision: Option<usize>,
    /// A time of which only the day is shown.
    pub(crate) is_day: bool,
    pub(crate) is_money: bool,
}

/// The symbol of the currency of which nothing is known.
pub(crate) const DOLLAR: &str = "$";

/// A value as people read it; None for what is shown as it is.
pub(crate) fn formatted(column: &Column, value: ValueRef<'_>, symbol: &str) -> Option<String> {
    let display = &column.display;
    match (&column.kind, value) {
        (Kind::Boolean, ValueRef::Integer(value)) => {
            let usual = if value == 0 { "No" } else { "Yes" };
            let label = display.labels.get(&value);
            Some(label.map_or(usual, String::as_str).to_owned())
        }
        (Kind::Int, ValueRef::Integer(value)) if !display.labels.is_empty() => {
            display.labels.get(&value).cloned()
        }
        // A document does not tell choices from numbers. What is named so is a choice.
        (Kind::Int, _) if column.logical_name.ends_with("code") => None,
        (Kind::Text, ValueRef::Text(text)) if !display.labels.is_empty() => {
            let text = String::from_utf8_lossy(text);
            let labels = text.split(',').map(|value| {
                let value: i64 = value.trim().parse().ok()?;
                display.labels.get(&value).map(String::as_str)
            });
            Some(labels.collect::<Option<Vec<_>>>()?.join("; "))
        }
        (Kind::Decimal, ValueRef::Text(digits)) if display.is_money => {
            let digits = std::str::from_utf8(digits).ok()?;
            Some(money(digits, display.precision.unwrap_or(2), symbol))
        }
        (Kind::DateTime, ValueRef::Text(text)) if display.is_day => {
            let text = std::str::from_utf8(text).ok()?;
            day(text.get(..10)?)
        }
        (Kind::Decimal, ValueRef::Text(digits)) => {
            let digits = std::str::from_utf8(digits).ok()?;
            Some(number(digits, display.precision))
        }
        (Kind::Double, ValueRef::Real(value)) => {
            Some(number(&format!("{value}"), display.precision))
        }
        (kind, value) => plain(kind, value),
    }
}

/// The same where nothing is known but the kind: counts, parts of dates.
pub(crate) fn plain(kind: &Kind, value: ValueRef<'_>) -> Option<String> {
    match (kind, value) {
        (Kind::Int | Kind::BigInt, ValueRef::Integer(value)) => {
            Some(number(&value.to_string(), None))
        }
        (Kind::Double, ValueRef::Real(value)) => Some(number(&format!("{value}"), None)),
        (Kind::Decimal, ValueRef::Text(digits)) => {
            Some(number(std::str::from_utf8(digits).ok()?, None))
        }
        (Kind::DateTime, ValueRef::Text(text)) => time(std::str::from_utf8(text).ok()?),
        (Kind::Date, ValueRef::Text(text)) => day(std::str::from_utf8(text).ok()?),
        _ => None,
    }
}

/// `3/25/2023 10:42 AM`.
fn time(text: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.format("%-m/%-d/%Y %-I:%M %p").to_string())
}

/// `3/25/2023`.
fn day(text: &str) -> Option<String> {
    let day: NaiveDate = text.parse().ok()?;
    Some(day.format("%-m/%-d/%Y").to_string())
}

/// `$1,234.50`, `($1,234.50)`.
fn money(digits: &str, precision: usize, symbol: &str) -> String {
    let number = number(digits, Some(precision));
    match number.strip_prefix('-') {
        Some(number) => format!("({symbol}{number})"),
        None => format!("{symbol}{number}"),
    }
}

/// `-1,234.50`: so many digits behind the point, halves away from zero; without a precision as many
/// as there are, but for zeros at the end.
fn number(digits: &str, precision: Option<usize>) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        // A double in scientific notation.
        return format!("{sign}{digits}");
    }
    let mut whole = whole.trim_start_matches('0').as_bytes().to_vec();
    let mut fraction = fraction.trim_end_matches('0').as_bytes().to_vec();
    if let Some(precision) = precision {
        let rounds_up = fraction.get(precision).is_some_and(|digit| *digit >= b'5');
        fraction.resize(precision, b'0');
        if rounds_up && !add_one(&mut fraction) && !add_one(&mut whole) {
            whole.insert(0, b'1');
        }
    }
    let mut text = String::new();
    for (at, digit) in whole.iter().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(char::from(*digit));
    }
    if text.is_empty() {
        text.push('0');
    }
    if !fraction.is_empty() {
        text.push('.');
        text.extend(fraction.iter().map(|digit| char::from(*digit)));
    }
    let is_zero = !text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    match is_zero {
        true => text,
        false => format!("{sign}{text}"),
    }
}

/// Adds one at the last digit; false if it does not fit.
fn add_one(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return true;
        }
        *digit = b'0';
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded() {
        for (digits, precision, expected) in [
            ("9500", None, "9,500"),
            ("0", None, "0"),
            ("-1234567.5000", None, "-1,234,567.5"),
            ("440000.000000000", Some(2), "440,000.00"),
            ("0.005", Some(2), "0.01"),
            ("999.995", Some(2), "1,000.00"),
            ("-0.001", Some(2), "0.00"),
            ("0.1", Some(0), "0"),
            ("9.5", Some(0), "10"),
            ("1e300", None, "1e300"),
        ] {
            assert_eq!(number(digits, precision), expected, "{digits}");
        }
        assert_eq!(money("-12.5", 2, "€"), "(€12.50)");
    }

    #[test]
    fn times_and_days_are_american() {
        let text = |text: &str| ValueRef::Text(text.to_owned().leak().as_bytes());
        let formatted = |kind, value| plain(&kind, text(value));
        let time = formatted(Kind::DateTime, "2023-03-25T17:42:47Z");
        assert_eq!(time.as_deref(), Some("3/25/2023 5:42 PM"));
        let midnight = formatted(Kind::DateTime, "2023-12-01T00:05:00Z");
        assert_eq!(midnight.as_deref(), Some("12/1/2023 12:05 AM"));
        assert_eq!(
            formatted(Kind::Date, "2023-12-01").as_deref(),
            Some("12/1/2023")
        );
        assert_eq!(formatted(Kind::Guid, "x"), None);
    }
}
