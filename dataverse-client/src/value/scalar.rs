//! How each Rust type is read from JSON and written as JSON and as an OData literal.

use std::fmt::{Debug, Write};
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::digits::{write_date, write_short_decimal, write_time, write_uuid, write_whole};
use super::json::{Scalar, write_string};

/// A type that a column can hold.
pub trait Value: Sized + Clone + PartialEq + Debug + Send + Sync + 'static {
    /// Reads a JSON value that is not null.
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError>;

    /// Appends the value as JSON.
    ///
    /// `out` may hold what was written before; leave that alone. A value that takes it away, or
    /// writes nothing, spoils its row, and sending the row is an error.
    fn write_json(&self, out: &mut String);

    /// Appends the value as it stands in `$filter` and in keys, not percent-encoded.
    fn write_literal(&self, out: &mut String);

    /// What the type holds, for whoever writes columns of one type: files of tables.
    fn kind() -> ValueKind {
        ValueKind::Text
    }

    /// Takes what the service says about the value beside it. Most types have no use for it.
    fn annotate(&mut self, annotation: Annotation, text: &str) {
        let _ = (annotation, text);
    }

    /// What the service said about the value beside it, as far as the type keeps it.
    fn annotation(&self, annotation: Annotation) -> Option<&str> {
        let _ = annotation;
        None
    }

    /// How the value is written if it is a lookup that knows its table.
    fn binding(&self) -> Option<Binding> {
        None
    }

    /// For a lookup of several tables, a navigation property to clear it through.
    fn any_navigation() -> Option<&'static str> {
        None
    }
}

/// What a type holds, by how a column of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueKind {
    /// Yes or no.
    Boolean,
    /// A whole number of 32 bits; an option of a choice is one.
    Integer,
    /// A whole number of 64 bits.
    BigInt,
    /// A floating-point number.
    Double,
    /// An exact number; money is one.
    Decimal,
    /// A date and time, in UTC.
    DateTime,
    /// A date and time without a time zone.
    LocalDateTime,
    /// A date.
    Date,
    /// A GUID; a lookup is one.
    Guid,
    /// Any number of options of a choice.
    Choices,
    /// Text, and everything else.
    Text,
}

/// The row a lookup points at, as a body names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// Entity set of the row.
    pub entity_set: &'static str,
    /// Primary key of the row.
    pub id: Uuid,
    /// The navigation property to bind through; None for the column's own.
    pub navigation: Option<&'static str>,
}

/// What an annotation of a value tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Annotation {
    /// `OData.Community.Display.V1.FormattedValue`: the value in the caller's language.
    FormattedValue,
    /// `Microsoft.Dynamics.CRM.lookuplogicalname`: the table a lookup points at.
    LookupLogicalName,
}

/// A value is not what the column holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct ValueError {
    /// What the Rust type takes.
    pub expected: &'static str,
    /// What came, by kind: errors never carry a row's data.
    pub found: &'static str,
}

impl ValueError {
    /// `scalar` is not what the type takes.
    pub fn new(expected: &'static str, scalar: &Scalar<'_>) -> Self {
        ValueError {
            expected,
            found: scalar.kind(),
        }
    }
}

impl Value for String {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        match scalar {
            Scalar::Text(text) => Ok(text.into_owned()),
            other => Err(ValueError::new("text", &other)),
        }
    }

    fn write_json(&self, out: &mut String) {
        write_string(self, out);
    }

    fn write_literal(&self, out: &mut String) {
        write_text_literal(self, out);
    }
}

/// Appends `'O''Bryan'`.
pub(crate) fn write_text_literal(text: &str, out: &mut String) {
    out.push('\'');
    for (index, piece) in text.split('\'').enumerate() {
        if index > 0 {
            out.push_str("''");
        }
        out.push_str(piece);
    }
    out.push('\'');
}

impl Value for bool {
    fn kind() -> ValueKind {
        ValueKind::Boolean
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        match scalar {
            Scalar::Bool(value) => Ok(value),
            other => Err(ValueError::new("true or false", &other)),
        }
    }

    fn write_json(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }

    fn write_literal(&self, out: &mut String) {
        self.write_json(out);
    }
}

/// Reads a number, or text that holds one (`IEEE754Compatible` answers quote 64-bit numbers).
fn number<T: FromStr>(scalar: Scalar<'_>, expected: &'static str) -> Result<T, ValueError> {
    let digits: &str = match &scalar {
        Scalar::Number(digits) => digits,
        Scalar::Text(text) => text,
        _ => return Err(ValueError::new(expected, &scalar)),
    };
    digits
        .parse()
        .map_err(|_| ValueError::new(expected, &scalar))
}

macro_rules! whole_number {
    ($type:ty, $kind:ident, $expected:literal) => {
        impl Value for $type {
            fn kind() -> ValueKind {
                ValueKind::$kind
            }

            fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
                number(scalar, $expected)
            }

            fn write_json(&self, out: &mut String) {
                write_whole(i64::from(*self), out);
            }

            fn write_literal(&self, out: &mut String) {
                self.write_json(out);
            }
        }
    };
}

whole_number!(i32, Integer, "a whole number of 32 bits");
whole_number!(i64, BigInt, "a whole number of 64 bits");

impl Value for f64 {
    fn kind() -> ValueKind {
        ValueKind::Double
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        match &scalar {
            Scalar::Text(text) if text == "INF" => Ok(f64::INFINITY),
            Scalar::Text(text) if text == "-INF" => Ok(f64::NEG_INFINITY),
            _ => number(scalar, "a number"),
        }
    }

    fn write_json(&self, out: &mut String) {
        if self.is_finite() {
            let _ = write!(out, "{self}");
        } else {
            out.push('"');
            self.write_literal(out);
            out.push('"');
        }
    }

    fn write_literal(&self, out: &mut String) {
        // Names from the OData JSON format.
        match *self {
            value if value.is_nan() => out.push_str("NaN"),
            f64::INFINITY => out.push_str("INF"),
            f64::NEG_INFINITY => out.push_str("-INF"),
            value => drop(write!(out, "{value}")),
        }
    }
}

impl Value for Decimal {
    fn kind() -> ValueKind {
        ValueKind::Decimal
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        const EXPECTED: &str = "a decimal number of at most 28 digits";
        let digits: &str = match &scalar {
            Scalar::Number(digits) => digits,
            Scalar::Text(text) => text,
            _ => return Err(ValueError::new(EXPECTED, &scalar)),
        };
        if let Some(decimal) = short_decimal(digits.as_bytes()) {
            return Ok(decimal);
        }
        // Exact or not at all: a rounded amount is worse than an error.
        Decimal::from_str_exact(digits)
            .or_else(|error| {
                if digits.contains(['e', 'E']) {
                    Decimal::from_scientific(digits)
                } else {
                    Err(error)
                }
            })
            .map_err(|_| ValueError::new(EXPECTED, &scalar))
    }

    fn write_json(&self, out: &mut String) {
        if !write_short_decimal(self, out) {
            // Writing to a String does not fail.
            let _ = write!(out, "{self}");
        }
    }

    fn write_literal(&self, out: &mut String) {
        self.write_json(out);
    }
}

/// A decimal of at most 18 digits, as nearly all are: one pass in a machine word. None says
/// nothing but that the general way has to look.
fn short_decimal(text: &[u8]) -> Option<Decimal> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.len() > 19 {
        return None;
    }
    let mut value = 0_i64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?,
            b'.' if point.is_none() && at > 0 => point = Some(at),
            _ => return None,
        }
    }
    let scale = match point {
        Some(at) => digits.len() - at - 1,
        None => 0,
    };
    if value == 0 || (point.is_some() && scale == 0) {
        return None;
    }
    let signed = if digits.len() == text.len() {
        value
    } else {
        -value
    };
    Decimal::try_new(signed, u32::try_from(scale).ok()?).ok()
}

/// `2024-01-31T23:59:59Z`, as the service writes nearly every time. None says nothing but that the
/// general way has to look.
fn whole_seconds(text: &[u8]) -> Option<DateTime<Utc>> {
    let &[
        ..,
        b'-',
        _,
        _,
        b'-',
        _,
        _,
        b'T',
        _,
        _,
        b':',
        _,
        _,
        b':',
        _,
        _,
        b'Z',
    ] = text
    else {
        return None;
    };
    let number = |from: usize, to: usize| {
        text.get(from..to)?.iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u32::from(byte - b'0'))
        })
    };
    if text.len() != 20 {
        return None;
    }
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    let time = date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    Some(time.and_utc())
}

/// Reads text through `parse`.
fn parsed<T>(
    scalar: Scalar<'_>,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ValueError> {
    let value = match &scalar {
        Scalar::Text(text) => parse(text),
        _ => None,
    };
    value.ok_or_else(|| ValueError::new(expected, &scalar))
}

impl Value for Uuid {
    fn kind() -> ValueKind {
        ValueKind::Guid
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        parsed(scalar, "a GUID", |text| Uuid::try_parse(text).ok())
    }

    fn write_json(&self, out: &mut String) {
        out.push('"');
        write_uuid(self, out);
        out.push('"');
    }

    fn write_literal(&self, out: &mut String) {
        write_uuid(self, out);
    }
}

impl Value for DateTime<Utc> {
    fn kind() -> ValueKind {
        ValueKind::DateTime
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        parsed(scalar, "a date and time", |text| {
            whole_seconds(text.as_bytes()).or_else(|| {
                DateTime::parse_from_rfc3339(text)
                    .ok()
                    .map(|time| time.with_timezone(&Utc))
            })
        })
    }

    fn write_json(&self, out: &mut String) {
        out.push('"');
        self.write_literal(out);
        out.push('"');
    }

    fn write_literal(&self, out: &mut String) {
        if !write_time(self, out) {
            out.push_str(&self.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
    }
}

/// A date and time without a time zone: the service sends and takes it with `Z`, and means it as it
/// stands.
impl Value for NaiveDateTime {
    fn kind() -> ValueKind {
        ValueKind::LocalDateTime
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        DateTime::<Utc>::from_scalar(scalar).map(|time| time.naive_utc())
    }

    fn write_json(&self, out: &mut String) {
        self.and_utc().write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.and_utc().write_literal(out);
    }
}

impl Value for NaiveDate {
    fn kind() -> ValueKind {
        ValueKind::Date
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        parsed(scalar, "a date", |text| text.parse().ok())
    }

    fn write_json(&self, out: &mut String) {
        out.push('"');
        self.write_literal(out);
        out.push('"');
    }

    fn write_literal(&self, out: &mut String) {
        if !write_date(*self, out) {
            let _ = write!(out, "{self}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Value>(json: &str) -> Result<T, ValueError> {
        let mut reader = super::super::json::Reader::new(json);
        T::from_scalar(reader.scalar().unwrap())
    }

    fn json<T: Value>(value: T) -> String {
        let mut out = String::new();
        value.write_json(&mut out);
        out
    }

    #[test]
    fn decimals_keep_their_trailing_zeros() {
        for digits in ["5000000.0000", "0.1000000000", "1.000000000000", "-0.01"] {
            assert_eq!(json(read::<Decimal>(digits).unwrap()), digits);
        }
        assert_eq!(
            read::<Decimal>("1e-3").unwrap(),
            "0.001".parse::<Decimal>().unwrap()
        );
        assert!(read::<Decimal>("0.12345678901234567890123456789012345").is_err());
    }

    #[test]
    fn the_short_ways_agree_with_the_general_ones() {
        for digits in [
            "0",
            "-0",
            "0.00",
            "-0.00",
            "7",
            "-7.5",
            "00.5",
            "1.",
            ".5",
            "-",
            "",
            "1e3",
            "1.2.3",
            "999999999999999999",
            "0.000000000000000001",
            "9223372036854775807",
            "9223372036854775808",
            "123456789012345678.9",
        ] {
            if let Some(short) = short_decimal(digits.as_bytes()) {
                let long = Decimal::from_str_exact(digits).unwrap();
                assert_eq!(short.to_string(), long.to_string(), "{digits}");
            }
        }
        assert!(short_decimal(b"12345.6789").is_some());
        for text in [
            "2024-02-29T23:59:59Z",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-12-31T23:59:60Z",
            "2024-01-01T00:00:00.5Z",
            "+024-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "12024-01-01T00:00:00Z",
            "",
        ] {
            if let Some(short) = whole_seconds(text.as_bytes()) {
                assert_eq!(
                    Ok(short.fixed_offset()),
                    DateTime::parse_from_rfc3339(text),
                    "{text}"
                );
            }
        }
        assert!(whole_seconds(b"2024-02-29T23:59:59Z").is_some());
    }

    #[test]
    fn big_integers_stay_exact() {
        assert_eq!(
            read::<i64>("9223372036854775807"),
            Ok(9_223_372_036_854_775_807)
        );
        assert_eq!(
            read::<i64>("\"9007199254740993\""),
            Ok(9_007_199_254_740_993)
        );
        assert!(read::<i32>("2147483648").is_err());
        assert!(read::<i32>("1.5").is_err());
    }

    #[test]
    fn times_are_utc_and_written_with_z() {
        let time = read::<DateTime<Utc>>("\"2023-04-19T03:00:00+07:00\"").unwrap();
        assert_eq!(json(time), "\"2023-04-18T20:00:00Z\"");
        let local = read::<NaiveDateTime>("\"2023-04-19T03:00:00Z\"").unwrap();
        assert_eq!(local.to_string(), "2023-04-19 03:00:00");
        assert_eq!(json(local), "\"2023-04-19T03:00:00Z\"");
        assert_eq!(
            json(read::<NaiveDate>("\"1990-02-28\"").unwrap()),
            "\"1990-02-28\""
        );
    }

    #[test]
    fn errors_name_kinds_and_never_values() {
        assert_eq!(
            read::<Uuid>("\"secret\"").unwrap_err().to_string(),
            "expected a GUID, found text"
        );
        assert_eq!(
            read::<String>("[1]").unwrap_err().to_string(),
            "expected text, found an array"
        );
    }

    #[test]
    fn text_literals_double_the_quote() {
        let mut out = String::new();
        "O'Bryan".to_owned().write_literal(&mut out);
        assert_eq!(out, "'O''Bryan'");
    }
}
