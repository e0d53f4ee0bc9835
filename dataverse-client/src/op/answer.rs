//! What actions and functions answer.

use crate::error::{Error, Result};
use crate::odata::page::{self, json_error};
use crate::schema::{AnyRow, Complex, ComplexError, Record, Row, read_complex};
use crate::value::json::Reader;
use crate::value::{Binary, Json, JsonError, Scalar, Value};

/// What an operation can answer.
pub trait Answer: Sized + Send {
    /// Reads the body of a success; it may be empty.
    fn read(body: &[u8]) -> Result<Self>;
}

impl Answer for () {
    fn read(_: &[u8]) -> Result<Self> {
        Ok(())
    }
}

/// The whole body, `@odata.context` included.
impl Answer for Json {
    fn read(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Json::new("null").map_err(json_error);
        }
        let text = String::from_utf8_lossy(body);
        Json::new(text.trim_start_matches('\u{feff}')).map_err(json_error)
    }
}

macro_rules! scalar_answers {
    ($($type:ty),+) => {
        $(impl Answer for $type {
            fn read(body: &[u8]) -> Result<Self> {
                read_value(body)
            }
        })+
    };
}

scalar_answers!(
    String,
    bool,
    i32,
    i64,
    f64,
    rust_decimal::Decimal,
    uuid::Uuid,
    chrono::DateTime<chrono::Utc>,
    chrono::NaiveDate,
    Binary
);

/// Reads `{"@odata.context":…,"value":…}`.
pub(crate) fn read_value<T: Value>(body: &[u8]) -> Result<T> {
    read_optional_value(body)?.ok_or_else(|| Error::decode("the answer's `value` is null"))
}

/// The same, where the value may be null.
pub(super) fn read_optional_value<T: Value>(body: &[u8]) -> Result<Option<T>> {
    let mut value = None;
    Reader::from_bytes(body)
        .and_then(|mut reader| {
            reader.object(|reader, key| -> Result<(), JsonError> {
                if key == "value" {
                    value = Some(match reader.scalar()? {
                        Scalar::Null => Ok(None),
                        scalar => T::from_scalar(scalar).map(Some),
                    });
                    return Ok(());
                }
                reader.skip()
            })
        })
        .map_err(json_error)?;
    match value {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => {
            Err(Error::decode(format!("the answer's `value`: {error}")).with_source(error))
        }
        None => Err(Error::decode("the answer has no `value`")),
    }
}

/// A row of a known table.
impl<R: Record> Answer for Row<R> {
    fn read(body: &[u8]) -> Result<Self> {
        page::read_row(body)
    }
}

/// Rows of a known table.
impl<R: Record> Answer for Vec<Row<R>> {
    fn read(body: &[u8]) -> Result<Self> {
        page::read_rows::<R>(body, None).map(|(rows, _)| rows)
    }
}

/// A row of any table.
impl Answer for AnyRow {
    fn read(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Ok(AnyRow::default());
        }
        Reader::from_bytes(body)
            .and_then(|mut reader| AnyRow::read(&mut reader))
            .map_err(json_error)
    }
}

/// A collection of anything else.
impl<T: Value> Answer for Vec<T> {
    fn read(body: &[u8]) -> Result<Self> {
        read_value(body)
    }
}

/// Reads a complex type.
pub(crate) fn read_complex_answer<T: Complex>(body: &[u8]) -> Result<T> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let read = Reader::from_bytes(body)
        .map_err(ComplexError::from)
        .and_then(|mut reader| read_complex(&mut reader));
    read.map_err(|error| Error::decode(format!("the answer: {error}")).with_source(error))
}
