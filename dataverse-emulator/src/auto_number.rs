//! Auto-number columns: the text that a new row gets.
//!
//! Source: Microsoft Learn, "Create auto-number columns".

use http::StatusCode;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter::{missing, of_action};
use crate::service::Call;
use crate::store::Store;
use crate::value::Stored;
use crate::write::Written;

/// The next number of each column, and the one that it began with.
pub(crate) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS \"@autonumber\" (
    name TEXT NOT NULL, place TEXT NOT NULL, seed INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (name, place)) WITHOUT ROWID;";

/// The first number of a column that nobody gave another.
const FIRST: i64 = 1000;

/// More digits and letters than this are not asked for.
const MAX_DIGITS: usize = 100;
const MAX_LETTERS: usize = 6;

/// What the random text is made of.
const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The format of an auto-number column: `WID-{SEQNUM:5}-{RANDSTRING:6}-{DATETIMEUTC:yyyyMMdd}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AutoNumber(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The next number, with at least so many digits.
    Sequence(usize),
    /// So many random letters and digits.
    Random(usize),
    /// The time, in the notation of `chrono`.
    Time(String),
    /// What is not understood.
    Unknown(String),
}

impl AutoNumber {
    pub(crate) fn parse(format: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = format;
        while let Some((before, behind)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let Some((token, behind)) = behind.split_once('}') else {
                parts.push(Part::Unknown(format!("{{{behind}")));
                return AutoNumber(parts);
            };
            parts.push(Part::parse(token));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        AutoNumber(parts)
    }

    /// What of the format is not understood.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.0.iter().find_map(|part| match part {
            Part::Unknown(token) => Some(token.as_str()),
            _ => None,
        })
    }

    /// The text of the next row.
    fn next(&self, call: &Call<'_>, table: &str, column: &str) -> Result<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Sequence(digits) => {
                    let number = take(call.store, table, column)?;
                    text.push_str(&format!("{number:0digits$}"));
                }
                Part::Random(length) => {
                    let mut random = uuid::Uuid::new_v4().as_u128();
                    for _ in 0..*length {
                        // The remainder is less than 36.
                        text.push(char::from(LETTERS[(random % 36) as usize]));
                        random /= 36;
                    }
                }
                Part::Time(format) => text.push_str(&call.now.format(format).to_string()),
                Part::Unknown(token) => {
                    return Err(Fault::not_supported(format!(
                        "'{token}' in the auto-number format of `{table}.{column}`"
                    )));
                }
            }
        }
        Ok(text)
    }
}

impl Part {
    fn parse(token: &str) -> Self {
        let unknown = || Part::Unknown(format!("{{{token}}}"));
        let (name, told) = token.split_once(':').unwrap_or((token, ""));
        let number = |most: usize| {
            let number: usize = told.trim().parse().ok()?;
            (1..=most).contains(&number).then_some(number)
        };
        let part = match name.trim() {
            "SEQNUM" => number(MAX_DIGITS).map(Part::Sequence),
            "RANDSTRING" => number(MAX_LETTERS).map(Part::Random),
            "DATETIMEUTC" => time_format(told).map(Part::Time),
            _ => None,
        };
        part.unwrap_or_else(unknown)
    }
}

/// A format of .NET (`yyyyMMddhhmmss`) in the notation of `chrono`.
fn time_format(format: &str) -> Option<String> {
    let mut made = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let count = rest.chars().take_while(|char| *char == first).count();
        let (run, behind) = rest.split_at_checked(count * first.len_utf8())?;
        rest = behind;
        made.push_str(match run {
            "yyyy" => "%Y",
            "yy" => "%y",
            "MMMM" => "%B",
            "MMM" => "%b",
            "MM" => "%m",
            "M" => "%-m",
            "dddd" => "%A",
            "ddd" => "%a",
            "dd" => "%d",
            "d" => "%-d",
            "HH" => "%H",
            "H" => "%-H",
            "hh" => "%I",
            "h" => "%-I",
            "mm" => "%M",
            "m" => "%-M",
            "ss" => "%S",
            "s" => "%-S",
            "tt" => "%p",
            _ if first.is_ascii_alphabetic() || "%\\'\"".contains(first) => return None,
            plain => plain,
        });
    }
    (!made.is_empty()).then_some(made)
}

/// Gives a new row its auto-numbers; those that a body gives stay.
pub(crate) fn fill(call: &Call<'_>, table: &Table, written: &mut Written) -> Result<()> {
    for (place, column) in table.columns.iter().enumerate() {
        if let Some(format) = &column.domain.auto_number
            && written.value(place).is_none()
        {
            let text = format.next(call, &table.logical_name, &column.logical_name)?;
            written.set(place, Stored::Text(text));
        }
    }
    Ok(())
}

/// Takes the next number of a column.
fn take(store: &Store, table: &str, column: &str) -> Result<i64> {
    let sql = "INSERT INTO \"@autonumber\" VALUES (?1, ?2, ?3, ?3 + 1) \
               ON CONFLICT DO UPDATE SET next = next + 1 WHERE next < ?4 RETURNING next - 1";
    let mut statement = store.connection.prepare_cached(sql)?;
    let values = params![table, column, FIRST, i64::MAX];
    let number = statement.query_row(values, |row| row.get(0)).optional()?;
    number.ok_or_else(|| {
        Fault::invalid_argument(format!(
            "The attribute '{column}' of '{table}' has no more numbers: set a lower seed with \
             SetAutoNumberSeed."
        ))
    })
}

/// The number that a column began with, and its next one.
fn numbers(store: &Store, table: &str, column: &str) -> Result<(i64, i64)> {
    let sql = "SELECT seed, next FROM \"@autonumber\" WHERE name = ? AND place = ?";
    let mut statement = store.connection.prepare_cached(sql)?;
    let found = statement.query_row([table, column], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?.unwrap_or((FIRST, FIRST)))
}

/// Forgets the numbers of a column that is gone; without one, those of all columns of a table.
pub(crate) fn forget(store: &Store, table: &str, column: Option<&str>) -> Result<()> {
    let sql = "DELETE FROM \"@autonumber\" WHERE name = ?1 AND (?2 IS NULL OR place = ?2)";
    store.connection.execute(sql, params![table, column])?;
    Ok(())
}

/// Whether a message is about the numbers of a column.
pub(crate) fn is_one(name: &str) -> bool {
    matches!(
        name,
        "SetAutoNumberSeed" | "GetAutoNumberSeed" | "GetNextAutoNumberValue"
    )
}

/// Answers such a message.
pub(crate) fn answer(call: &Call<'_>, name: &str) -> Result<Answer> {
    let parameters = of_action(call)?;
    let told = |name: &str| -> Result<String> {
        let json = parameters.get(name).ok_or_else(|| missing(name))?;
        let told: String = serde_json::from_str(json.get()).map_err(|_| missing(name))?;
        // Schema names are understood, too.
        Ok(told.to_lowercase())
    };
    let (table, column) = (told("EntityName")?, told("AttributeName")?);
    let found = call.catalog.by_name(&table);
    let found = found.ok_or_else(|| Fault::unknown_entity(&table))?;
    let (_, of_table) = found
        .column_named(&column)
        .ok_or_else(|| Fault::unknown_attribute(&table, &column))?;
    if of_table.domain.auto_number.is_none() {
        return Err(Fault::invalid_argument(format!(
            "The attribute '{column}' of '{table}' is no auto-number column: its definition has no \
             'AutoNumberFormat'."
        )));
    }
    let (seed, next) = numbers(call.store, &table, &column)?;
    let body = |member: &str, value: i64| {
        let context = format!(
            "{}$metadata#Microsoft.Dynamics.CRM.{name}Response",
            call.root()
        );
        let body: Value = json!({ "@odata.context": context, member: value });
        Answer::json(StatusCode::OK, body.to_string())
    };
    match name {
        "GetAutoNumberSeed" => Ok(body("AutoNumberSeedValue", seed)),
        "GetNextAutoNumberValue" => Ok(body("NextAutoNumberValue", next)),
        _ => {
            let value = parameters.get("Value");
            let value: Option<i64> = value.and_then(|json| json.get().parse().ok());
            let value = value.filter(|value| (0..i64::MAX).contains(value));
            let value = value.ok_or_else(|| missing("Value"))?;
            let sql = "INSERT OR REPLACE INTO \"@autonumber\" VALUES (?1, ?2, ?3, ?3)";
            let mut statement = call.store.connection.prepare_cached(sql)?;
            statement.execute(params![table, column, value])?;
            Ok(Answer::no_content())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read() {
        let text = |text: &str| Part::Text(text.to_owned());
        for (format, expected) in [
            (
                "WID-{SEQNUM:5}-{RANDSTRING:6}-{DATETIMEUTC:yyyyMMddhhmmss}",
                vec![
                    text("WID-"),
                    Part::Sequence(5),
                    text("-"),
                    Part::Random(6),
                    text("-"),
                    Part::Time("%Y%m%d%I%M%S".to_owned()),
                ],
            ),
            ("plain", vec![text("plain")]),
            (
                "{RANDSTRING:7}",
                vec![Part::Unknown("{RANDSTRING:7}".to_owned())],
            ),
            (
                "{DATETIMEUTC:fff}",
                vec![Part::Unknown("{DATETIMEUTC:fff}".to_owned())],
            ),
            (
                "a{SEQNUM:",
                vec![text("a"), Part::Unknown("{SEQNUM:".to_owned())],
            ),
        ] {
            assert_eq!(AutoNumber::parse(format).0, expected, "{format}");
        }
    }
}
