//! Rows of FetchXML and `$apply`: members under names of their own, without nulls.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::catalog::{Kind, Table};
use crate::fault::Result;
use crate::format::DOLLAR;
use crate::message::Preferences;
use crate::names::SqlColumn;
use crate::row::Annotator;
use crate::store::{is_polymorphic, target_column};
use crate::value::{write_json, write_string};

const ATTRIBUTE_NAME: &str = "OData.Community.Display.V1.AttributeName";

/// One member of the rows.
pub(crate) struct Output<'c> {
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) kind: Kind,
    table: &'c Table,
    place: usize,
    /// The name is not that of the column.
    is_renamed: bool,
    /// For a lookup to several tables: which one.
    told: Option<String>,
}

impl<'c> Output<'c> {
    /// A column under its own name or another one.
    pub(crate) fn column(name: String, column: &SqlColumn<'c>) -> Self {
        let (table, place) = (column.table, column.place);
        let found = &table.columns[place];
        let told = is_polymorphic(found).then(|| {
            let alias = column.sql.split('.').next().unwrap_or_default();
            format!("{alias}.{}", target_column(found))
        });
        Output {
            is_renamed: name != found.wire_name,
            name,
            sql: column.sql.clone(),
            kind: column.kind.clone(),
            table,
            place,
            told,
        }
    }

    /// What is computed from a column.
    pub(crate) fn computed(name: String, sql: String, kind: Kind, column: &SqlColumn<'c>) -> Self {
        Output {
            name,
            sql,
            // A number that is computed from a choice is none of its options.
            kind: match kind {
                Kind::Int => Kind::BigInt,
                kind => kind,
            },
            table: column.table,
            place: column.place,
            is_renamed: true,
            told: None,
        }
    }

    /// The SQL that tells the table of the lookup.
    pub(crate) fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }
}

/// SQL for the members, then for the tables that lookups lead to.
pub(crate) fn list_sql(outputs: &[Output<'_>]) -> String {
    let sql: Vec<_> = outputs
        .iter()
        .map(|output| output.sql.as_str())
        .chain(outputs.iter().filter_map(Output::told))
        .collect();
    sql.join(", ")
}

/// How many values [`list_sql`] gives.
pub(crate) fn width(outputs: &[Output<'_>]) -> usize {
    outputs.len() + outputs.iter().filter_map(Output::told).count()
}

/// Appends the members of a row that are not null; `separator` goes before the first one.
pub(crate) fn write(
    outputs: &[Output<'_>],
    row: &Row<'_>,
    preferences: &Preferences,
    annotator: &mut Annotator<'_>,
    mut separator: &str,
    out: &mut String,
) -> Result<()> {
    let mut told_at = outputs.len();
    for (at, output) in outputs.iter().enumerate() {
        let mut told: Option<String> = None;
        if output.told.is_some() {
            told = row.get(told_at)?;
            told_at += 1;
        }
        let value = row.get_ref(at)?;
        // A managed property always has a value.
        if value == ValueRef::Null && !matches!(output.kind, Kind::Managed(_)) {
            continue;
        }
        out.push_str(separator);
        separator = ",";
        if let (Kind::Lookup(_), ValueRef::Text(id)) = (&output.kind, value) {
            let id = String::from_utf8_lossy(id);
            let (table, place) = (output.table, output.place);
            annotator.annotate(table, place, &output.name, &id, told.as_deref(), out)?;
        }
        let column = &output.table.columns[output.place];
        annotator.format(column, &output.kind, &output.name, value, DOLLAR, out);
        if output.is_renamed && preferences.wants(ATTRIBUTE_NAME) {
            write_string(&format!("{}@{ATTRIBUTE_NAME}", output.name), out);
            out.push(':');
            write_string(&output.table.columns[output.place].logical_name, out);
            out.push(',');
        }
        write_string(&output.name, out);
        out.push(':');
        write_json(&output.kind, value, out);
    }
    Ok(())
}
