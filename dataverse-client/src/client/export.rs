//! Rows as text: JSON lines and CSV.

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Rows;
use crate::error::{Error, Result};
use crate::op::Paged;
use crate::value::json::{Reader, write_string};
use crate::value::{JsonError, Scalar};

/// Writes rows as lines of text. It does no IO: what it appends goes to any
/// [`Write`](std::io::Write); [`Rows::export`] writes to any [`AsyncWrite`].
///
/// Rows are generated tables, [`AnyRow`](crate::AnyRow)s, or anything that serializes as an object.
///
/// ```
/// use dataverse_client::{AnyRow, RowFormat};
///
/// let row = AnyRow::default().set("name", "A \"quoted\" name".to_owned()).set("revenue", 5);
/// let mut text = Vec::new();
/// let mut csv = RowFormat::csv(["name", "revenue", "fax"]);
/// csv.append(&row, &mut text)?;
/// assert_eq!(text, b"name,revenue,fax\r\n\"A \"\"quoted\"\" name\",5,\r\n");
///
/// text.clear();
/// RowFormat::json_lines().append(&row, &mut text)?;
/// assert_eq!(text, b"{\"name\":\"A \\\"quoted\\\" name\",\"revenue\":5}\n");
/// # Ok::<(), dataverse_client::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RowFormat {
    kind: Kind,
    columns: Option<Vec<String>>,
    line: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    JsonLines,
    Csv { has_head: bool },
}

impl RowFormat {
    /// One JSON object a line (NDJSON), with every member of the row.
    pub fn json_lines() -> Self {
        RowFormat {
            kind: Kind::JsonLines,
            columns: None,
            line: String::new(),
        }
    }

    /// One JSON object a line, with these members in this order; null for those that the row does
    /// not have.
    pub fn json_lines_of<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        RowFormat {
            columns: Some(columns.into_iter().map(Into::into).collect()),
            ..RowFormat::json_lines()
        }
    }

    /// CSV with these columns, by their names on the wire, below a line of their names. Null is
    /// empty, and so is a column that the row does not hold: give the query the same list. Text
    /// stands in quotes where it must.
    ///
    /// Source: RFC 4180. Programs that calculate take text that begins with `=` for a formula: give
    /// them columns that others cannot fill.
    pub fn csv<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        RowFormat {
            kind: Kind::Csv { has_head: false },
            columns: Some(columns.into_iter().map(Into::into).collect()),
            line: String::new(),
        }
    }

    /// Appends a row; the first of a CSV after the line of names.
    ///
    /// Errors: the row does not serialize as an object.
    pub fn append(&mut self, row: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
        let json = to_json(row)?;
        self.line.clear();
        match (&self.columns, &mut self.kind) {
            (None, _) => self.line.push_str(&json),
            (Some(columns), Kind::JsonLines) => {
                let cells = cells(&json, columns)?;
                self.line.push('{');
                for (index, (name, cell)) in columns.iter().zip(cells).enumerate() {
                    if index > 0 {
                        self.line.push(',');
                    }
                    write_string(name, &mut self.line);
                    self.line.push(':');
                    append_json(&cell, &mut self.line);
                }
                self.line.push('}');
            }
            (Some(columns), Kind::Csv { has_head }) => {
                if !*has_head {
                    *has_head = true;
                    append_record(columns.iter().map(String::as_str), &mut self.line);
                }
                let cells = cells(&json, columns)?;
                append_record(cells.iter().map(cell_text), &mut self.line);
            }
        }
        if self.kind == Kind::JsonLines {
            self.line.push('\n');
        }
        out.extend_from_slice(self.line.as_bytes());
        Ok(())
    }
}

/// The row as a JSON object.
pub(super) fn to_json(row: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(row)
        .map_err(|error| Error::input("the row does not serialize").with_source(error))?;
    match json.starts_with('{') {
        true => Ok(json),
        false => Err(Error::input("a row to export is an object")),
    }
}

/// The values of these members; null where there is none.
pub(super) fn cells<'j>(json: &'j str, columns: &[String]) -> Result<Vec<Scalar<'j>>> {
    let mut cells = vec![Scalar::Null; columns.len()];
    // Members mostly come in the order of the columns.
    let mut next = 0;
    Reader::new(json)
        .object(|reader, key| -> Result<(), JsonError> {
            let behind = columns.iter().enumerate().skip(next);
            let mut places = behind.chain(columns.iter().enumerate().take(next));
            let found = places.find(|(_, column)| **column == *key);
            match found.and_then(|(place, _)| Some((place, cells.get_mut(place)?))) {
                Some((place, cell)) => {
                    *cell = reader.scalar()?;
                    next = place + 1;
                }
                None => reader.skip()?,
            }
            Ok(())
        })
        .map_err(crate::odata::page::json_error)?;
    Ok(cells)
}

fn append_json(cell: &Scalar<'_>, out: &mut String) {
    match cell {
        Scalar::Null => out.push_str("null"),
        Scalar::Text(text) => write_string(text, out),
        other => out.push_str(cell_text(other)),
    }
}

pub(super) fn cell_text<'a>(cell: &'a Scalar<'_>) -> &'a str {
    match cell {
        Scalar::Null => "",
        Scalar::Bool(true) => "true",
        Scalar::Bool(false) => "false",
        Scalar::Number(digits) => digits,
        Scalar::Nested(json) => json,
        Scalar::Text(text) => text,
    }
}

fn append_record<'a>(cells: impl Iterator<Item = &'a str>, out: &mut String) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\r', '\n']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push_str("\r\n");
}

pub(super) fn not_written(error: std::io::Error) -> Error {
    Error::io(
        "rows could not be written where they are exported to",
        error,
    )
}

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;

impl<O: Paged> Rows<O>
where
    O::Row: Serialize,
{
    /// Writes all rows that are left; gives their number.
    ///
    /// Units: one page of rows in memory, and 64 kB of text.
    /// Errors: those of the requests; `is_io` if the writer fails.
    pub async fn export(
        mut self,
        format: &mut RowFormat,
        mut writer: impl AsyncWrite + Unpin,
    ) -> Result<u64> {
        let mut text = Vec::with_capacity(BUFFER);
        let mut count = 0;
        while let Some(row) = self.try_next().await? {
            format.append(&row, &mut text)?;
            count += 1;
            if text.len() >= BUFFER {
                writer.write_all(&text).await.map_err(not_written)?;
                text.clear();
            }
        }
        writer.write_all(&text).await.map_err(not_written)?;
        writer.flush().await.map_err(not_written)?;
        Ok(count)
    }
}
