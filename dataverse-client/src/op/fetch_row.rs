//! What the rows of a FetchXML query are read into.

use crate::error::{Error, Result};
use crate::odata::page::{self, Envelope};
use crate::schema::{AnyRow, Entity, Record, Row, Table};
use crate::value::Value;

/// A type that rows of a FetchXML query are read into: every [`Record`], which gives [`Row`]s;
/// [`AnyRow`]; and types of your own, for aliases.
///
/// ```
/// use dataverse_client::FetchRow;
/// use dataverse_client::rust_decimal::Decimal;
///
/// /// `<attribute name='revenue' aggregate='sum' alias='total'/>` of each `city`.
/// #[derive(FetchRow)]
/// struct CityTotal {
///     city: Option<String>,
///     total: Option<Decimal>,
/// }
/// ```
pub trait FetchRow: Sized + Send + 'static {
    /// What a row becomes.
    type Row: Send + 'static;

    /// Reads a row. The service leaves out columns that are null.
    ///
    /// Errors: a member is not what the type takes.
    fn from_any_row(row: AnyRow) -> Result<Self::Row>;

    /// How rows are read and what they need; only records know more than the default.
    #[doc(hidden)]
    fn plan() -> FetchPlan<Self::Row> {
        FetchPlan {
            record: None,
            read: |body| {
                let (rows, envelope) = page::read_any_rows(body, None)?;
                let rows = rows.into_iter().map(Self::from_any_row);
                Ok((rows.collect::<Result<_>>()?, envelope))
            },
        }
    }
}

/// How rows are read.
#[derive(Debug)]
pub struct FetchPlan<T> {
    pub(super) record: Option<RecordPlan>,
    pub(super) read: ReadRows<T>,
}

/// Reads the rows of an answer, and what stands around them.
type ReadRows<T> = fn(&[u8]) -> Result<(Vec<T>, Envelope)>;

/// What a record needs.
#[derive(Debug)]
pub(super) struct RecordPlan {
    pub(super) table: &'static Table,
    /// Logical names; None for all columns.
    pub(super) columns: Option<Vec<&'static str>>,
    pub(super) has_related_rows: bool,
    pub(super) has_labels: bool,
}

impl FetchRow for AnyRow {
    type Row = AnyRow;

    fn from_any_row(row: AnyRow) -> Result<AnyRow> {
        Ok(row)
    }
}

impl<R: Record> FetchRow for R {
    type Row = Row<R>;

    fn from_any_row(row: AnyRow) -> Result<Row<R>> {
        let mut text = String::new();
        row.write_json(&mut text);
        page::read_row(text.as_bytes())
    }

    fn plan() -> FetchPlan<Row<R>> {
        let table = R::Entity::TABLE;
        let columns = R::FIELDS.map(|fields| {
            let mut ordinals = fields.to_vec();
            ordinals.extend(R::LABELS.iter().filter(|label| !fields.contains(label)));
            let columns = ordinals.iter().filter_map(|ordinal| {
                let column = table.columns().get(usize::from(*ordinal))?;
                Some(column.logical_name())
            });
            columns.collect()
        });
        FetchPlan {
            record: Some(RecordPlan {
                table,
                columns,
                has_related_rows: !R::EXPANDS.is_empty(),
                has_labels: !R::LABELS.is_empty(),
            }),
            read: |body| page::read_rows::<R>(body, None),
        }
    }
}

impl RecordPlan {
    /// Checks that a document of `table` gives what the record needs. `named` are the columns that
    /// it names; None for all.
    pub(super) fn check(&self, table: &str, named: Option<&[&str]>) -> Result<()> {
        let own = self.table.logical_name();
        if table != own {
            return Err(Error::input(format!(
                "a FetchXML query of `{table}` cannot be read into a record of `{own}`"
            )));
        }
        if self.has_related_rows {
            return Err(Error::input(format!(
                "FetchXML query of `{own}`: the record reads related rows, which FetchXML gives \
                 as columns of a `link-entity`; read those into an `AnyRow`, or use a query"
            )));
        }
        let columns = self.columns.iter().flatten();
        let mut missing = columns.filter(|column| {
            **column != self.table.primary_id()
                && named.is_some_and(|named| !named.is_empty() && !named.contains(column))
        });
        match missing.next() {
            None => Ok(()),
            Some(column) => Err(Error::input(format!(
                "FetchXML query of `{own}`: the record reads `{column}`, which is not among the \
                 attributes of the document; add it, or name no attribute at all"
            ))),
        }
    }
}
