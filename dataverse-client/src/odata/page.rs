//! The envelope of a collection.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::schema::{AnyRow, Record, Row, RowError, Shape, decode_row};
use crate::value::json::Reader;
use crate::value::{JsonError, Scalar};

/// A link the service gave to the next page. Opaque: it is used byte for byte, and on the org it
/// came from alone.
///
/// It can be stored, and a job gone on with in another process; see
/// [`Query::from_page`](crate::Query::from_page).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NextLink(pub(crate) String);

/// One page of rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page is; None on the last.
    pub next: Option<NextLink>,
    /// How many rows meet the condition, if asked for.
    pub count: Option<RowCount>,
    /// Where the changes after these are.
    pub(crate) delta: Option<String>,
}

/// How many rows there are, as far as the service counts.
///
/// Units: rows; the service stops counting at 5,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCount {
    rows: u64,
    is_limit_exceeded: Option<bool>,
}

/// Where the service stops counting.
/// Source: Microsoft Learn, "Count number of rows", 2024.
const COUNT_LIMIT: u64 = 5000;

impl RowCount {
    pub(crate) const fn new(rows: u64, is_limit_exceeded: Option<bool>) -> Self {
        RowCount {
            rows,
            is_limit_exceeded,
        }
    }

    /// The rows that were counted.
    pub const fn rows(self) -> u64 {
        self.rows
    }

    /// Whether these are all. At 5,000 there may be more: ask
    /// [`TotalRowCounts`](crate::TotalRowCounts), or for an aggregate.
    pub const fn is_exact(self) -> bool {
        match self.is_limit_exceeded {
            Some(is_limit_exceeded) => !is_limit_exceeded,
            None => self.rows < COUNT_LIMIT,
        }
    }
}

/// More rows are not in a page, so that no more are made room for.
/// Source: Microsoft Learn, "Page results using OData", 2024.
const MAX_ROWS: usize = 5000;

/// What stands around the rows of an answer.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) next: Option<NextLink>,
    pub(crate) delta: Option<String>,
    pub(crate) count: Option<RowCount>,
    pub(crate) fetch: FetchAnnotations,
}

/// What answers to FetchXML say about the next page.
#[derive(Debug, Default)]
pub(crate) struct FetchAnnotations {
    /// `@Microsoft.Dynamics.CRM.fetchxmlpagingcookie`, as it came.
    pub(crate) cookie: Option<String>,
    pub(crate) more_records: Option<bool>,
}

/// Reads `{"@odata.context":…,"value":[…],"@odata.nextLink":…}`; `item` reads each member of
/// `value`.
pub(crate) fn read_collection<'a>(
    body: &'a [u8],
    mut item: impl FnMut(&mut Reader<'a>) -> Result<(), RowError>,
) -> Result<Envelope> {
    let mut envelope = Envelope::default();
    let mut has_value = false;
    let mut rows = None;
    let mut total = None;
    let mut is_limit_exceeded = None;
    let mut reader = Reader::from_bytes(body).map_err(row_error)?;
    let text = |reader: &mut Reader<'a>| -> Result<Option<String>, RowError> {
        match reader.scalar()? {
            Scalar::Text(text) => Ok(Some(text.into_owned())),
            _ => Ok(None),
        }
    };
    reader
        .object(|reader, key| -> Result<(), RowError> {
            match key {
                "value" => {
                    has_value = true;
                    return reader.array(&mut item);
                }
                "@odata.nextLink" => envelope.next = text(reader)?.map(NextLink),
                "@odata.deltaLink" => envelope.delta = text(reader)?,
                "@odata.count" => {
                    if let Scalar::Number(digits) = reader.scalar()? {
                        rows = digits.parse().ok();
                    }
                }
                "@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded" => {
                    if let Scalar::Bool(is) = reader.scalar()? {
                        is_limit_exceeded = Some(is);
                    }
                }
                "@Microsoft.Dynamics.CRM.totalrecordcount" => {
                    // -1 where nobody asked, which is no u64.
                    if let Scalar::Number(digits) = reader.scalar()? {
                        total = digits.parse().ok();
                    }
                }
                "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie" => {
                    envelope.fetch.cookie = text(reader)?;
                }
                "@Microsoft.Dynamics.CRM.morerecords" => {
                    if let Scalar::Bool(more) = reader.scalar()? {
                        envelope.fetch.more_records = Some(more);
                    }
                }
                _ => reader.skip()?,
            }
            Ok(())
        })
        .and_then(|()| Ok(reader.end()?))
        .map_err(row_error)?;
    if !has_value {
        return Err(Error::decode(
            "the answer is no collection: it has no `value`",
        ));
    }
    let rows: Option<u64> = rows.or(total);
    envelope.count = rows.map(|rows| RowCount::new(rows, is_limit_exceeded));
    Ok(envelope)
}

impl<T> Page<T> {
    pub(crate) fn new((rows, envelope): (Vec<T>, Envelope)) -> Self {
        Page {
            rows,
            next: envelope.next,
            count: envelope.count,
            delta: envelope.delta,
        }
    }
}

/// Reads the entry of a deleted row, if that is what comes next and `deleted` wants it.
pub(crate) fn take_deleted(
    reader: &mut Reader<'_>,
    deleted: &mut Option<&mut Vec<Uuid>>,
) -> Result<bool, RowError> {
    let Some(deleted) = deleted else {
        return Ok(false);
    };
    let mut probe = reader.clone();
    let mut is_deleted = false;
    let mut id = None;
    probe.object(|reader, key| -> Result<(), JsonError> {
        match (key, reader.scalar()?) {
            ("@odata.context" | "@context", Scalar::Text(context)) => {
                is_deleted |= context.ends_with("/$deletedEntity");
            }
            ("reason", Scalar::Text(reason)) => is_deleted |= reason == "deleted",
            ("id", Scalar::Text(text)) => id = Uuid::try_parse(&text).ok(),
            _ => {}
        }
        Ok(())
    })?;
    // A table may have columns of these names, and no deleted row without an id.
    let (true, Some(id)) = (is_deleted, id) else {
        return Ok(false);
    };
    deleted.push(id);
    *reader = probe;
    Ok(true)
}

/// Reads the rows of a known table, and what stands around them.
pub(crate) fn read_rows<R: Record>(
    body: &[u8],
    mut deleted: Option<&mut Vec<Uuid>>,
) -> Result<(Vec<Row<R>>, Envelope)> {
    let mut shape = Shape::of::<R>();
    let mut rows = Vec::new();
    let envelope = read_collection(body, |reader| {
        if take_deleted(reader, &mut deleted)? {
            return Ok(());
        }
        let start = reader.position();
        let row = decode_row(reader, &mut shape)?;
        if rows.is_empty() {
            let alike = reader.remaining() / (reader.position() - start).max(1);
            rows.reserve(alike.min(MAX_ROWS) + 1);
        }
        rows.push(row);
        Ok(())
    })?;
    Ok((rows, envelope))
}

/// Reads the rows of any table, and what stands around them.
pub(crate) fn read_any_rows(
    body: &[u8],
    mut deleted: Option<&mut Vec<Uuid>>,
) -> Result<(Vec<AnyRow>, Envelope)> {
    let mut rows = Vec::new();
    let envelope = read_collection(body, |reader| {
        if !take_deleted(reader, &mut deleted)? {
            rows.push(AnyRow::read(reader)?);
        }
        Ok(())
    })?;
    Ok((rows, envelope))
}

/// Reads a single row.
pub(crate) fn read_row<R: Record>(body: &[u8]) -> Result<Row<R>> {
    let mut reader = Reader::from_bytes(body).map_err(row_error)?;
    // A single row is an object at the top: its `@odata.context` is one more key to ignore.
    let row = decode_row(&mut reader, &mut Shape::of::<R>()).map_err(row_error)?;
    reader.end().map_err(row_error)?;
    Ok(row)
}

#[cold]
fn row_error(error: impl Into<RowError>) -> Error {
    let error = error.into();
    Error::decode(format!("the answer cannot be read: {error}")).with_source(error)
}

/// The answer is not the JSON that was expected.
#[cold]
pub(crate) fn json_error(error: JsonError) -> Error {
    row_error(error)
}
