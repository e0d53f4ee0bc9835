//! Rows as Parquet files, typed.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float64Builder,
    Int32Builder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::extension::Uuid as UuidExtension;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use rust_decimal::Decimal;
use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use super::Rows;
use super::export::{cells, not_written, to_json};
use crate::definitions::{ColumnSchema, DateTimeBehavior, TableSchema};
use crate::error::{Error, Result};
use crate::op::Paged;
use crate::schema::{Columns, Entity, column_kinds};
use crate::value::{Scalar, Value, ValueError, ValueKind};

/// Digits of a decimal column, and how many of them stand after the point. Exchange rates have 12
/// there; amounts of money have up to 15 before it.
const PRECISION: u8 = 38;
const SCALE: i8 = 12;

/// Rows that go into the columns at once.
const BATCH: usize = 1024;

/// A row group ends when it has so many bytes in memory.
const GROUP_BYTES: usize = 32 << 20;

/// The columns of a Parquet file, by their names on the wire, and what they hold.
///
/// | column | type in the file |
/// |---|---|
/// | yes or no | boolean |
/// | whole number, choice | 32-bit integer |
/// | big number | 64-bit integer |
/// | decimal, money | decimal of 38 digits, 12 after the point |
/// | floating-point number | double |
/// | date and time | timestamp in microseconds, UTC; without a zone where the column has none |
/// | date | date |
/// | GUID, lookup | UUID |
/// | choices | list of 32-bit integers |
/// | everything else | text |
///
/// ```
/// # use dataverse_client::{Client, Entity, Id, ParquetFormat, Result};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account { accountid: Option<Id<Account>>, name: Option<String> }
/// # async fn f(client: &Client, file: impl tokio::io::AsyncWrite + Unpin) -> Result<()> {
/// let format = ParquetFormat::of::<Account>().only(["accountid", "name"])?;
/// let rows = client.query::<Account>().rows();
/// let count = rows.export_parquet(&format, file).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParquetFormat {
    columns: Vec<(String, ValueKind)>,
}

impl ParquetFormat {
    /// No column yet.
    pub fn new() -> Self {
        ParquetFormat::default()
    }

    /// The columns of a generated table.
    pub fn of<E: Entity + Columns>() -> Self {
        let names = E::TABLE.columns().iter().map(|column| column.wire_name());
        let columns = names.zip(column_kinds::<E>());
        ParquetFormat {
            columns: columns
                .map(|(name, kind)| (name.to_owned(), kind))
                .collect(),
        }
    }

    /// The columns of a table whose definition was read.
    pub fn of_table(table: &TableSchema) -> Self {
        let columns = table.columns().filter_map(|column| {
            // A shadow is not on the wire, nor is a column whose type nobody knows.
            let kind = kind_of(column)?;
            let is_list = column.type_name.as_deref() == Some("PartyListType");
            (column.attribute_of.is_none() && !is_list).then(|| (column.wire_name(), kind))
        });
        ParquetFormat {
            columns: columns.collect(),
        }
    }

    /// Adds a column, or says anew what it holds.
    #[must_use]
    pub fn column(mut self, wire_name: impl Into<String>, kind: ValueKind) -> Self {
        let wire_name = wire_name.into();
        let mut columns = self.columns.iter_mut();
        match columns.find(|(name, _)| *name == wire_name) {
            Some(known) => known.1 = kind,
            None => self.columns.push((wire_name, kind)),
        }
        self
    }

    /// Only these columns, in this order.
    ///
    /// Errors: a column that is not there.
    pub fn only<S: AsRef<str>>(self, wire_names: impl IntoIterator<Item = S>) -> Result<Self> {
        let find = |wire_name: S| {
            let wire_name = wire_name.as_ref();
            let mut columns = self.columns.iter();
            let found = columns.find(|(name, _)| name == wire_name).cloned();
            found.ok_or_else(|| {
                Error::input(format!(
                    "there is no column `{wire_name}` to export; a lookup is read as \
                     `_<column>_value`"
                ))
            })
        };
        let columns = wire_names.into_iter().map(find).collect::<Result<_>>()?;
        Ok(ParquetFormat { columns })
    }

    /// Names on the wire: what a query of a table that is only known at run time selects.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|(name, kind)| field(name, *kind));
        Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// None if nobody knows what the column holds.
fn kind_of(column: &ColumnSchema) -> Option<ValueKind> {
    let behavior = column.date_time_behavior.as_ref();
    Some(match column.attribute_type.as_ref()?.as_str() {
        "Boolean" => ValueKind::Boolean,
        "Integer" | "Picklist" | "State" | "Status" => ValueKind::Integer,
        "BigInt" => ValueKind::BigInt,
        "Decimal" | "Money" => ValueKind::Decimal,
        "Double" => ValueKind::Double,
        "DateTime" if behavior == Some(&DateTimeBehavior::DATE_ONLY) => ValueKind::Date,
        "DateTime" if behavior == Some(&DateTimeBehavior::TIME_ZONE_INDEPENDENT) => {
            ValueKind::LocalDateTime
        }
        "DateTime" => ValueKind::DateTime,
        "UniqueIdentifier" | "Lookup" | "File" => ValueKind::Guid,
        "MultiSelectPicklist" => ValueKind::Choices,
        _ => ValueKind::Text,
    })
}

fn field(name: &str, kind: ValueKind) -> Field {
    let time =
        |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    let data_type = match kind {
        ValueKind::Boolean => DataType::Boolean,
        ValueKind::Integer => DataType::Int32,
        ValueKind::BigInt => DataType::Int64,
        ValueKind::Decimal => DataType::Decimal128(PRECISION, SCALE),
        ValueKind::Double => DataType::Float64,
        ValueKind::DateTime => time(Some("UTC")),
        ValueKind::LocalDateTime => time(None),
        ValueKind::Date => DataType::Date32,
        ValueKind::Guid => {
            let field = Field::new(name, DataType::FixedSizeBinary(16), true);
            return field.with_extension_type(UuidExtension);
        }
        ValueKind::Choices => {
            let item = Field::new_list_field(DataType::Int32, true);
            DataType::List(Arc::new(item))
        }
        _ => DataType::Utf8,
    };
    Field::new(name, data_type, true)
}

/// The values of a column that wait to be written.
enum Builder {
    Boolean(BooleanBuilder),
    Integer(Int32Builder),
    BigInt(Int64Builder),
    Decimal(Decimal128Builder),
    Double(Float64Builder),
    DateTime(TimestampMicrosecondBuilder),
    LocalDateTime(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Guid(FixedSizeBinaryBuilder),
    Choices(ListBuilder<Int32Builder>),
    Text(StringBuilder),
}

impl Builder {
    fn new(kind: ValueKind) -> Result<Self, ArrowError> {
        Ok(match kind {
            ValueKind::Boolean => Builder::Boolean(BooleanBuilder::new()),
            ValueKind::Integer => Builder::Integer(Int32Builder::new()),
            ValueKind::BigInt => Builder::BigInt(Int64Builder::new()),
            ValueKind::Decimal => {
                let builder = Decimal128Builder::new();
                Builder::Decimal(builder.with_precision_and_scale(PRECISION, SCALE)?)
            }
            ValueKind::Double => Builder::Double(Float64Builder::new()),
            ValueKind::DateTime => {
                let builder = TimestampMicrosecondBuilder::new();
                Builder::DateTime(builder.with_timezone("UTC"))
            }
            ValueKind::LocalDateTime => Builder::LocalDateTime(TimestampMicrosecondBuilder::new()),
            ValueKind::Date => Builder::Date(Date32Builder::new()),
            ValueKind::Guid => Builder::Guid(FixedSizeBinaryBuilder::new(16)),
            ValueKind::Choices => Builder::Choices(ListBuilder::new(Int32Builder::new())),
            _ => Builder::Text(StringBuilder::new()),
        })
    }

    fn append(&mut self, cell: &Scalar<'_>) -> Result<(), ValueError> {
        match self {
            Builder::Boolean(builder) => builder.append_option(read(cell)?),
            Builder::Integer(builder) => builder.append_option(read(cell)?),
            Builder::BigInt(builder) => builder.append_option(read(cell)?),
            Builder::Double(builder) => builder.append_option(read(cell)?),
            Builder::Decimal(builder) => {
                let value = read::<Decimal>(cell)?;
                let too_long = || ValueError::new("38 digits, 12 of them after the point", cell);
                let scaled = value.map(|value| scaled(value).ok_or_else(too_long));
                builder.append_option(scaled.transpose()?);
            }
            Builder::DateTime(builder) => {
                let value = match read::<DateTime<Utc>>(cell) {
                    Ok(value) => value.map(|time| time.timestamp_micros()),
                    // A column of dates whose format does not say so.
                    Err(error) => {
                        let date = read::<NaiveDate>(cell).map_err(|_| error)?;
                        date.map(|date| micros(date.into()))
                    }
                };
                builder.append_option(value);
            }
            Builder::LocalDateTime(builder) => {
                builder.append_option(read::<NaiveDateTime>(cell)?.map(micros));
            }
            Builder::Date(builder) => {
                let date = read::<NaiveDate>(cell)?;
                let days = date.map(|date| (date - NaiveDate::default()).num_days());
                // Years have six digits at most.
                builder.append_option(days.and_then(|days| i32::try_from(days).ok()));
            }
            Builder::Guid(builder) => match read::<Uuid>(cell)? {
                // Sixteen bytes, as the column has.
                Some(value) => drop(builder.append_value(value.as_bytes())),
                None => builder.append_null(),
            },
            Builder::Choices(builder) => {
                let wrong = || ValueError::new("whole numbers separated by commas", cell);
                let text = match cell {
                    Scalar::Text(text) => text.as_ref(),
                    Scalar::Number(digits) => digits,
                    Scalar::Null => "",
                    _ => return Err(wrong()),
                };
                let numbers = text
                    .split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty());
                let numbers: Vec<i32> = numbers
                    .map(|number| number.parse().map_err(|_| wrong()))
                    .collect::<Result<_, _>>()?;
                builder.values().append_slice(&numbers);
                builder.append(!matches!(cell, Scalar::Null));
            }
            Builder::Text(builder) => match cell {
                Scalar::Null => builder.append_null(),
                other => builder.append_value(super::export::cell_text(other)),
            },
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Boolean(builder) => Arc::new(builder.finish()),
            Builder::Integer(builder) => Arc::new(builder.finish()),
            Builder::BigInt(builder) => Arc::new(builder.finish()),
            Builder::Decimal(builder) => Arc::new(builder.finish()),
            Builder::Double(builder) => Arc::new(builder.finish()),
            Builder::DateTime(builder) | Builder::LocalDateTime(builder) => {
                Arc::new(builder.finish())
            }
            Builder::Date(builder) => Arc::new(builder.finish()),
            Builder::Guid(builder) => Arc::new(builder.finish()),
            Builder::Choices(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

fn read<T: Value>(cell: &Scalar<'_>) -> Result<Option<T>, ValueError> {
    match cell {
        Scalar::Null => Ok(None),
        other => T::from_scalar(other.clone()).map(Some),
    }
}

fn micros(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp_micros()
}

/// The number in units of the last digit of the column; None if it has more digits.
fn scaled(value: Decimal) -> Option<i128> {
    let value = value.normalize();
    let digits = u32::try_from(SCALE).ok()?.checked_sub(value.scale())?;
    let scaled = value.mantissa().checked_mul(10i128.checked_pow(digits)?)?;
    (scaled.unsigned_abs() < 10u128.pow(u32::from(PRECISION))).then_some(scaled)
}

/// A file that is being written.
struct File {
    names: Vec<String>,
    builders: Vec<Builder>,
    /// Rows in the builders.
    rows: usize,
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl File {
    fn new(format: &ParquetFormat) -> Result<Self, ParquetError> {
        let schema = format.schema();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_bytes(Some(GROUP_BYTES));
        let kinds = format.columns.iter().map(|(_, kind)| Builder::new(*kind));
        Ok(File {
            names: format.names().map(str::to_owned).collect(),
            builders: kinds.collect::<Result<_, _>>()?,
            rows: 0,
            writer: ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties.build()))?,
            schema,
        })
    }

    fn append(&mut self, row: &impl Serialize) -> Result<()> {
        let json = to_json(row)?;
        let cells = cells(&json, &self.names)?;
        for ((builder, cell), name) in self.builders.iter_mut().zip(cells).zip(&self.names) {
            builder.append(&cell).map_err(|error| {
                Error::decode(format!(
                    "column `{name}` cannot be exported as the format says: {error}"
                ))
                .with_source(error)
            })?;
        }
        self.rows += 1;
        if self.rows >= BATCH {
            self.end_batch().map_err(failed)?;
        }
        Ok(())
    }

    fn end_batch(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)?;
        self.writer.write(&batch)
    }

    /// What is to be written now.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }
}

fn failed(error: ParquetError) -> Error {
    Error::io(
        "rows could not be written as Parquet",
        std::io::Error::other(error),
    )
}

impl<O: Paged> Rows<O>
where
    O::Row: Serialize,
{
    /// Writes all rows that are left as a Parquet file; gives their number. Columns are compressed
    /// with Snappy.
    ///
    /// Units: one page of rows in memory, and one row group: 32 MB of columns.
    /// Errors: those of the requests; `is_decode` if a value is not what the format says; `is_io` if
    /// the writer fails.
    /// Source: Apache Parquet, "File format".
    pub async fn export_parquet(
        mut self,
        format: &ParquetFormat,
        mut writer: impl AsyncWrite + Unpin,
    ) -> Result<u64> {
        if format.columns.is_empty() {
            return Err(Error::input("a Parquet file has one column or more"));
        }
        let mut file = File::new(format).map_err(failed)?;
        let mut count = 0;
        while let Some(row) = self.try_next().await? {
            file.append(&row)?;
            count += 1;
            let bytes = file.take();
            if !bytes.is_empty() {
                writer.write_all(&bytes).await.map_err(not_written)?;
            }
        }
        file.end_batch().map_err(failed)?;
        file.writer.finish().map_err(failed)?;
        let bytes = file.take();
        writer.write_all(&bytes).await.map_err(not_written)?;
        writer.flush().await.map_err(not_written)?;
        Ok(count)
    }
}
