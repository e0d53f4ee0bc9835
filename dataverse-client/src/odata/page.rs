//! The envelope of a collection.

use crate::error::{Error, Result};
use crate::schema::{Record, Row, RowError, Shape, decode_row};
use crate::value::json::Reader;
use crate::value::{JsonError, Scalar};

/// A link the service gave to the next page. Opaque: it is used byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextLink(pub(crate) String);

/// More rows are not in a page, so that no more are made room for.
/// Source: Microsoft Learn, "Page results using OData", 2024.
const MAX_ROWS: usize = 5000;

/// One page of rows.
#[derive(Debug)]
pub(crate) struct Envelope<R: Record> {
    pub(crate) rows: Vec<Row<R>>,
    pub(crate) next: Option<NextLink>,
    pub(crate) count: Option<u64>,
}

/// Reads `{"@odata.context":…,"value":[…],"@odata.nextLink":…}`.
pub(crate) fn read_page<R: Record>(body: &[u8]) -> Result<Envelope<R>> {
    let mut shape = Shape::of::<R>();
    let mut page = Envelope {
        rows: Vec::new(),
        next: None,
        count: None,
    };
    let mut has_value = false;
    let mut reader = Reader::from_bytes(body).map_err(row_error)?;
    reader
        .object(|reader, key| -> Result<(), RowError> {
            match key {
                "value" => {
                    has_value = true;
                    reader.array(|reader| -> Result<(), RowError> {
                        let start = reader.position();
                        let row = decode_row(reader, &mut shape)?;
                        if page.rows.is_empty() {
                            let alike = reader.remaining() / (reader.position() - start).max(1);
                            page.rows.reserve(alike.min(MAX_ROWS) + 1);
                        }
                        page.rows.push(row);
                        Ok(())
                    })
                }
                "@odata.nextLink" => {
                    if let Scalar::Text(link) = reader.scalar()? {
                        page.next = Some(NextLink(link.into_owned()));
                    }
                    Ok(())
                }
                "@odata.count" => {
                    if let Scalar::Number(digits) = reader.scalar()? {
                        page.count = digits.parse().ok();
                    }
                    Ok(())
                }
                _ => Ok(reader.skip()?),
            }
        })
        .and_then(|()| Ok(reader.end()?))
        .map_err(row_error)?;
    if !has_value {
        return Err(Error::decode(
            "the answer is no collection: it has no `value`",
        ));
    }
    Ok(page)
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
