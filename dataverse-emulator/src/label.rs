//! What a sort compares where the value itself says nothing: names of rows, labels of choices.

use crate::catalog::{Column, Kind, Table};
use crate::fault::Result;
use crate::names::SqlColumn;
use crate::service::Call;
use crate::store::{base, collation, is_polymorphic, quoted, target_column, text_sql};

/// A name or a label.
const TEXT: &Kind = &Kind::Text;

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sorting {
    /// Lookups by the names of rows, choices by their labels: FetchXML.
    Labels,
    /// Lookups by the names of rows, choices by their numbers: `$orderby`.
    Names,
    /// All by what is stored: SQL.
    Values,
}

/// The column as it is compared; itself if nothing else is told of its values.
pub(crate) fn sorted<'c>(
    column: SqlColumn<'c>,
    sorting: Sorting,
    call: &Call<'_>,
) -> Result<SqlColumn<'c>> {
    let told = match column.kind {
        Kind::Lookup(targets) if sorting != Sorting::Values => name(&column, targets, call)?,
        Kind::Int if sorting == Sorting::Labels => label(&column),
        _ => None,
    };
    Ok(match told {
        Some(sql) => SqlColumn {
            sql: format!("{sql}{}", collation(TEXT)),
            kind: TEXT,
            ..column
        },
        None => column,
    })
}

/// SQL for the name of the row that a lookup points at; None if no such row has one.
fn name(column: &SqlColumn<'_>, targets: &[String], call: &Call<'_>) -> Result<Option<String>> {
    let mut named = Vec::new();
    for target in targets {
        let table = call.catalog.by_name(target);
        if let Some(table) = table
            && let Some(place) = table.primary_name
        {
            call.store.make(table)?;
            named.push((table, name_of(table, &table.columns[place], &column.sql)));
        }
    }
    let found = &column.table.columns[column.place];
    if !is_polymorphic(found) {
        return Ok(named.pop().map(|(_, sql)| sql));
    }
    let alias = column.sql.split('.').next().unwrap_or_default();
    let told = target_column(found);
    let cases: String = named
        .iter()
        .map(|(table, sql)| format!(" WHEN {} THEN {sql}", text_sql(&table.logical_name)))
        .collect();
    Ok((!cases.is_empty()).then(|| format!("(CASE {alias}.{told}{cases} END)")))
}

/// Names of rows that are out of reach are told, too.
fn name_of(table: &Table, name: &Column, id: &str) -> String {
    format!(
        "(SELECT n.{} FROM {} n WHERE n.{} = {id})",
        quoted(&name.logical_name),
        base(&table.logical_name),
        quoted(&table.primary_id)
    )
}

/// SQL for the label of a choice; None if it has no labels.
fn label(column: &SqlColumn<'_>) -> Option<String> {
    let labels = &column.table.columns[column.place].display.labels;
    let cases: String = labels
        .iter()
        .map(|(value, label)| format!(" WHEN {value} THEN {}", text_sql(label)))
        .collect();
    (!cases.is_empty()).then(|| format!("(CASE {}{cases} END)", column.sql))
}
