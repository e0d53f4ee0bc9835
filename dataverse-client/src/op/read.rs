//! What rows can be read into.

use http::header::ETAG;
use http::{HeaderMap, Method};
use uuid::Uuid;

use crate::error::Result;
use crate::odata::expansion::{self, ExpandOptions};
use crate::odata::headers::Prefer;
use crate::odata::page::{self, Page};
use crate::odata::url::Query;
use crate::odata::{Request, Response, Target};
use crate::schema::{AnyRow, AnyTable, Entity, Expand, Record, Row};

/// What rows can be read into: a [`Record`] of a known table, or [`AnyRow`] of a table that is only
/// known at run time.
pub trait Read: Sized + Send + 'static + sealed::Sealed {
    /// The table.
    type Entity: 'static;

    /// A row: `Row<R>`, or `AnyRow`.
    type Row: Send + 'static;

    /// `$select` and `$expand`.
    #[doc(hidden)]
    fn options(wanted: &Wanted) -> Result<[Option<String>; 2]>;

    /// Whether the type has fields for labels.
    #[doc(hidden)]
    fn needs_labels() -> bool {
        false
    }

    /// Reads one row. Its version may stand in the head of the answer.
    #[doc(hidden)]
    fn read_row(response: &Response) -> Result<Self::Row>;

    /// Reads a page; if asked for, the ids of deleted rows among it.
    #[doc(hidden)]
    fn read_page(body: &[u8], deleted: Option<&mut Vec<Uuid>>) -> Result<Page<Self::Row>>;
}

mod sealed {
    pub trait Sealed {}
    impl<R: crate::schema::Record> Sealed for R {}
    impl Sealed for crate::schema::AnyRow {}
}

impl<R: Record> Read for R {
    type Entity = R::Entity;
    type Row = Row<R>;

    fn options(wanted: &Wanted) -> Result<[Option<String>; 2]> {
        let select = expansion::select(R::Entity::TABLE, R::FIELDS, R::LABELS);
        Ok([select, expansion::of_record(R::EXPANDS, &wanted.expand)?])
    }

    fn needs_labels() -> bool {
        fn any(expands: &[Expand]) -> bool {
            let needs = |expand: &Expand| !expand.labels.is_empty() || any(expand.expands);
            expands.iter().any(needs)
        }
        !R::LABELS.is_empty() || any(R::EXPANDS)
    }

    fn read_row(response: &Response) -> Result<Row<R>> {
        let row: Row<R> = page::read_row(&response.body)?;
        Ok(row.or_etag(response.text_of(&ETAG)))
    }

    fn read_page(body: &[u8], deleted: Option<&mut Vec<Uuid>>) -> Result<Page<Row<R>>> {
        Ok(Page::new(page::read_rows::<R>(body, deleted)?))
    }
}

impl Read for AnyRow {
    type Entity = AnyTable;
    type Row = AnyRow;

    fn options(wanted: &Wanted) -> Result<[Option<String>; 2]> {
        Ok([wanted.select.clone(), expansion::write_all(&wanted.expand)?])
    }

    fn read_row(response: &Response) -> Result<AnyRow> {
        let row: AnyRow = super::Answer::read(&response.body)?;
        Ok(row.or_etag(response.text_of(&ETAG)))
    }

    fn read_page(body: &[u8], deleted: Option<&mut Vec<Uuid>>) -> Result<Page<AnyRow>> {
        Ok(Page::new(page::read_any_rows(body, deleted)?))
    }
}

/// What is read of each row, beside what its type says.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of a table that is only known at run time.
    pub(super) select: Option<String>,
    pub(super) expand: Vec<ExpandOptions>,
    pub(super) annotations: bool,
}

/// The annotations that a [`Row`] keeps.
pub(super) const ANNOTATIONS: &[&str] = &[
    "OData.Community.Display.V1.FormattedValue",
    "Microsoft.Dynamics.CRM.lookuplogicalname",
];

impl Wanted {
    /// Adds `$select` and `$expand`.
    pub(super) fn add_to<R: Read>(&self, query: &mut Query) -> Result<()> {
        let [select, expand] = R::options(self)?;
        if let Some(select) = select {
            query.option("$select", &select);
        }
        if let Some(expand) = expand {
            query.option("$expand", &expand);
        }
        Ok(())
    }

    /// The request for a write that gives the row back.
    pub(super) fn represented<R: Read>(&self, mut request: Request) -> Result<Request> {
        if let Target::Path(path) = &mut request.target {
            let mut query = Query::of(std::mem::take(path));
            self.add_to::<R>(&mut query)?;
            *path = query.into_string();
        }
        let mut prefer = Prefer::default();
        if request.method != Method::GET {
            prefer.representation();
        }
        self.prefer::<R>(prefer, &mut request.headers);
        Ok(request)
    }

    /// Asks for the annotations, beside what `prefer` says already.
    pub(super) fn prefer<R: Read>(&self, mut prefer: Prefer, headers: &mut HeaderMap) {
        if self.annotations || R::needs_labels() {
            prefer.annotations(ANNOTATIONS);
        }
        prefer.apply(headers);
    }
}
