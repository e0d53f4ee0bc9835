//! What a column can hold beside what its type says: options of a choice, a range, a length.
//!
//! Every write of a row comes through here. What definitions do not tell is not checked.

use http::StatusCode;

use crate::auto_number::AutoNumber;
use crate::catalog::{Column, Kind, Table};
use crate::fault::{Fault, Result};
use crate::value::Stored;
use crate::write::Written;

/// The first day that there is, at which the service's times begin.
const FIRST_DAY: &str = "1753-01-01";

/// How many options a column of several can hold.
///
/// Source: Microsoft Learn, "Work with multi-select choice columns".
const MAX_SELECTED: usize = 150;

/// What definitions tell of the values of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Domain {
    /// The values of a choice, in the order of its options.
    pub(crate) options: Option<Vec<i64>>,
    /// The least and the greatest number.
    pub(crate) range: Option<(f64, f64)>,
    /// Digits behind the point to which a double is rounded.
    pub(crate) digits: Option<usize>,
    /// The most that a file or an image may have, in units of 1,024 bytes.
    pub(crate) max_kilobytes: Option<u64>,
    /// Whether it holds the image that stands for the row.
    pub(crate) is_primary_image: bool,
    /// Whether the service needs a value.
    pub(crate) is_required: bool,
    /// What a new row gets that is not given a value.
    pub(crate) auto_number: Option<AutoNumber>,
}

/// Refuses values that their columns cannot hold, and writes others as they are kept.
pub(crate) fn check(table: &Table, written: &mut Written) -> Result<()> {
    let mut kept = Vec::new();
    for (place, value) in written.values() {
        let column = &table.columns[*place];
        if let Some(value) = kept_as(table, column, value)? {
            kept.push((*place, value));
        }
    }
    for (place, value) in kept {
        written.set(place, value);
    }
    Ok(())
}

/// Refuses to clear columns that the service needs.
pub(crate) fn check_cleared(table: &Table, written: &Written) -> Result<()> {
    let mut columns = written.values().iter();
    let cleared = columns.find(|(place, value)| {
        *value == Stored::Null
            && *place != table.primary_id_place()
            && table.columns[*place].domain.is_required
    });
    match cleared {
        Some((place, _)) => Err(Fault::invalid_argument(format!(
            "The attribute '{}' of '{}' is required by the system and cannot be null.",
            table.columns[*place].logical_name, table.logical_name
        ))),
        None => Ok(()),
    }
}

/// Refuses a file or an image that is larger than its column takes.
pub(crate) fn check_size(column: &Column, bytes: usize) -> Result<()> {
    let size = u64::try_from(bytes).unwrap_or(u64::MAX);
    match column.domain.max_kilobytes {
        Some(limit) if size > limit.saturating_mul(1024) => Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80044a02",
            format!(
                "The file has {size} bytes; the column '{}' takes at most {limit} KB.",
                column.logical_name
            ),
        )),
        _ => Ok(()),
    }
}

/// How a value is kept, if it is not kept as it came.
fn kept_as(table: &Table, column: &Column, value: &Stored) -> Result<Option<Stored>> {
    let domain = &column.domain;
    match (&column.kind, value) {
        // States and reasons belong together, and are looked at together.
        (Kind::Int, _) if is_state(column) => Ok(None),
        (Kind::Int, Stored::Integer(number)) => {
            if let Some(options) = &domain.options {
                check_option(table, column, options, *number)?;
            }
            // Every whole number of this size is one of a double, too.
            check_range(table, column, *number as f64, &number.to_string())?;
            Ok(None)
        }
        (Kind::Decimal, Stored::Text(digits)) if domain.range.is_some() => {
            if let Ok(number) = digits.parse() {
                check_range(table, column, number, digits)?;
            }
            Ok(None)
        }
        (Kind::Double, Stored::Real(number)) => {
            check_range(table, column, *number, &number.to_string())?;
            Ok(domain.digits.and_then(|digits| {
                let rounded = format!("{number:.digits$}").parse().ok()?;
                Some(Stored::Real(rounded))
            }))
        }
        (Kind::Text, Stored::Text(text)) => {
            if let Some(options) = &domain.options {
                return selected(table, column, options, text).map(Some);
            }
            check_length(table, column, text)?;
            Ok(None)
        }
        // Four characters of base64 are three bytes.
        (Kind::Binary, Stored::Text(text)) => {
            let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
            check_size(column, (text.len() / 4 * 3).saturating_sub(padding))?;
            Ok(None)
        }
        (Kind::DateTime | Kind::Date, Stored::Text(time)) if time.as_str() < FIRST_DAY => {
            Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "0x80040239",
                format!(
                    "DateTime is less than minumum value supported by CrmDateTime. Actual value: \
                     {time}, Minimum value supported: 01/01/1753 00:00:00"
                ),
            ))
        }
        _ => Ok(None),
    }
}

fn is_state(column: &Column) -> bool {
    matches!(column.logical_name.as_str(), "statecode" | "statuscode")
}

/// The text of a column of several options: without blanks, in the order of the numbers.
fn selected(table: &Table, column: &Column, options: &[i64], text: &str) -> Result<Stored> {
    let name = &column.logical_name;
    let mut numbers = Vec::new();
    for part in text.split(',').filter(|_| !text.trim().is_empty()) {
        let number = part.trim().parse().map_err(|_| {
            Fault::payload(
                &table.entity_set,
                format!("The value '{text}' of '{name}' is no list of options such as '1,2'."),
            )
        })?;
        check_option(table, column, options, number)?;
        numbers.push(number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() > MAX_SELECTED {
        return Err(Fault::invalid_argument(format!(
            "The column '{name}' holds at most {MAX_SELECTED} options."
        )));
    }
    if numbers.is_empty() {
        return Ok(Stored::Null);
    }
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(Stored::Text(numbers.join(",")))
}

fn check_option(table: &Table, column: &Column, options: &[i64], number: i64) -> Result<()> {
    if options.contains(&number) {
        return Ok(());
    }
    let accepted: Vec<String> = options.iter().map(i64::to_string).collect();
    Err(Fault::new(
        StatusCode::BAD_REQUEST,
        "0x8004431A",
        format!(
            "A validation error occurred. The value {number} of '{}' on record of type '{}' is \
             outside the valid range. Accepted Values: {}",
            column.logical_name,
            table.logical_name,
            accepted.join(",")
        ),
    ))
}

fn check_range(table: &Table, column: &Column, number: f64, told: &str) -> Result<()> {
    let Some((least, greatest)) = column.domain.range else {
        return Ok(());
    };
    if (least..=greatest).contains(&number) {
        return Ok(());
    }
    let (code, type_name) = match &column.kind {
        Kind::Int => ("0x8004432F", "System.Int32"),
        Kind::Double => ("0x80044330", "System.Double"),
        _ if column.display.is_money => ("0x80044330", "Microsoft.Xrm.Sdk.Money"),
        _ => ("0x80044330", "System.Decimal"),
    };
    Err(Fault::new(
        StatusCode::BAD_REQUEST,
        code,
        format!(
            "A validation error occurred for {}.{}. The value {told} of type {type_name} is \
             outside the valid range({least} to {greatest}).",
            table.logical_name, column.logical_name
        ),
    ))
}

fn check_length(table: &Table, column: &Column, text: &str) -> Result<()> {
    match column.max_length {
        Some(limit) if text.encode_utf16().count() > limit => Err(Fault::too_long(
            &table.logical_name,
            &column.logical_name,
            limit,
        )),
        _ => Ok(()),
    }
}
