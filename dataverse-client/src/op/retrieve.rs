//! Reading one row.

use std::marker::PhantomData;

use http::Method;

use super::{Operation, Replay, Scope};
use crate::error::Result;
use crate::odata::headers::Prefer;
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{Request, Response, page};
use crate::schema::{Entity, Key, Record, Row, ToKey};

/// Reads one row.
///
/// Shape: `GET accounts(<id>)?$select=…`; the columns are those of the record type.
/// Errors: `is_not_found` if there is no such row.
/// Source: Microsoft Learn, "Retrieve a table row using the Web API".
#[derive(Debug, Clone)]
pub struct Retrieve<R: Record> {
    key: Key<R::Entity>,
    annotations: bool,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Retrieve<R> {
    /// Reads the row that `key` identifies.
    pub fn new(key: impl ToKey<Entity = R::Entity>) -> Self {
        Retrieve {
            key: key.to_key(),
            annotations: false,
            record: PhantomData,
        }
    }

    /// Asks for labels, and for names and tables of lookups, too.
    #[must_use]
    pub fn with_annotations(mut self) -> Self {
        self.annotations = true;
        self
    }
}

/// The value of `$select` for a record; None for all columns.
pub(super) fn select<R: Record>() -> Option<String> {
    let columns = R::Entity::TABLE.columns();
    R::FIELDS.map(|fields| {
        let names: Vec<_> = fields
            .iter()
            .filter_map(|ordinal| columns.get(usize::from(*ordinal)))
            .map(|column| column.wire_name())
            .collect();
        names.join(",")
    })
}

/// The annotations that a [`Row`] keeps.
pub(super) const ANNOTATIONS: &[&str] = &[
    "OData.Community.Display.V1.FormattedValue",
    "Microsoft.Dynamics.CRM.lookuplogicalname",
];

impl<R: Record> Operation for Retrieve<R> {
    type Output = Row<R>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut query = Query::of(row_path(R::Entity::TABLE.entity_set(), self.key.kind())?);
        if let Some(select) = select::<R>() {
            query.option("$select", &select);
        }
        let mut request = Request::new(Method::GET, query.into_string());
        let mut prefer = Prefer::default();
        if self.annotations {
            prefer.annotations(ANNOTATIONS);
        }
        prefer.apply(&mut request.headers);
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<Row<R>> {
        page::read_row(&response.success()?.body)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
