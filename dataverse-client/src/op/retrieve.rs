//! Reading one row.

use std::marker::PhantomData;

use http::Method;

use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::headers::Prefer;
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{Request, Response, page};
use crate::schema::{Entity, Expand, Key, Record, Row, Table, ToKey};

/// Reads one row.
///
/// Shape: `GET accounts(<id>)?$select=…&$expand=…`; columns and related rows are those of the
/// record type.
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

/// At most so many tables are joined, however deep.
/// Source: Microsoft Learn, "Join tables using OData", 2024.
const MAX_EXPANDS: usize = 15;

/// `$select` and `$expand` for a record.
pub(super) fn read_options<R: Record>(query: &mut Query) -> Result<()> {
    let table = R::Entity::TABLE;
    if let Some(select) = select(table, R::FIELDS, R::LABELS) {
        query.option("$select", &select);
    }
    if R::EXPANDS.is_empty() {
        return Ok(());
    }
    let count = count(R::EXPANDS);
    if count > MAX_EXPANDS {
        return Err(Error::input(format!(
            "reading `{}` with {count} navigation properties: the service joins at most \
             {MAX_EXPANDS} tables; read some of them with queries of their own",
            table.logical_name()
        )));
    }
    query.option("$expand", &expand(R::EXPANDS));
    Ok(())
}

/// Whether the record, or a related one, needs formatted values.
pub(super) fn needs_labels<R: Record>() -> bool {
    fn any(expands: &[Expand]) -> bool {
        let needs = |expand: &Expand| !expand.labels.is_empty() || any(expand.expands);
        expands.iter().any(needs)
    }
    !R::LABELS.is_empty() || any(R::EXPANDS)
}

/// The value of `$select`; None for all columns.
fn select(table: &Table, fields: Option<&[u16]>, labels: &[u16]) -> Option<String> {
    let fields = fields?;
    let more = labels.iter().filter(|label| !fields.contains(label));
    let mut ordinals: Vec<u16> = fields.to_vec();
    for label in more {
        if !ordinals.contains(label) {
            ordinals.push(*label);
        }
    }
    // With no column at all the service would send every one.
    if ordinals.is_empty() {
        return Some(table.primary_id().to_owned());
    }
    let columns = table.columns();
    let names: Vec<_> = ordinals
        .iter()
        .filter_map(|ordinal| columns.get(usize::from(*ordinal)))
        .map(|column| column.wire_name())
        .collect();
    Some(names.join(","))
}

fn count(expands: &[Expand]) -> usize {
    expands.iter().map(|expand| 1 + count(expand.expands)).sum()
}

/// `primarycontactid($select=fullname;$expand=…),…`.
fn expand(expands: &[Expand]) -> String {
    let one = |of: &Expand| {
        let select =
            select(of.table, of.fields, of.labels).map(|select| format!("$select={select}"));
        let nested = (!of.expands.is_empty()).then(|| format!("$expand={}", expand(of.expands)));
        let options: Vec<String> = select.into_iter().chain(nested).collect();
        match options.is_empty() {
            true => of.navigation.to_owned(),
            false => format!("{}({})", of.navigation, options.join(";")),
        }
    };
    expands.iter().map(one).collect::<Vec<_>>().join(",")
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
        read_options::<R>(&mut query)?;
        let mut request = Request::new(Method::GET, query.into_string());
        let mut prefer = Prefer::default();
        if self.annotations || needs_labels::<R>() {
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
