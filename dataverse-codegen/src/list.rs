//! What a document has, in short.

use serde::Serialize;

use crate::glob;
use crate::model::{Model, Table};

/// Seconds of `cargo check` for a thousand columns, measured (benches/BASELINE.md).
const SECONDS_PER_1000_COLUMNS: f64 = 0.45;

/// A table in short.
#[derive(Debug, Serialize)]
struct Entry<'m> {
    logical_name: &'m str,
    entity_set: &'m str,
    label: Option<&'m str>,
    columns: usize,
    lookups: usize,
    navigations: usize,
    alternate_keys: usize,
    operations: usize,
}

/// Tables that fit one of `patterns`, all if there is none; as a table of text, or as JSON.
pub(crate) fn list(model: &Model, patterns: &[String], as_json: bool) -> String {
    let is_wanted = |table: &&Table| {
        let name = &table.logical_name;
        patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, name))
    };
    let tables = model.tables.values().filter(is_wanted);
    let entries: Vec<Entry<'_>> = tables.filter_map(|table| entry(model, table)).collect();
    if as_json {
        // Strings and numbers only.
        return serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n";
    }
    let width = entries
        .iter()
        .map(|entry| entry.logical_name.len())
        .max()
        .unwrap_or(0);
    let mut out = format!(
        "{:width$} {:>8} {:>8} {:>8} {:>5} {:>11}  entity set\n",
        "table", "columns", "lookups", "navs", "keys", "operations"
    );
    for entry in &entries {
        out.push_str(&format!(
            "{:width$} {:>8} {:>8} {:>8} {:>5} {:>11}  {}\n",
            entry.logical_name,
            entry.columns,
            entry.lookups,
            entry.navigations,
            entry.alternate_keys,
            entry.operations,
            entry.entity_set
        ));
    }
    let columns: usize = entries.iter().map(|entry| entry.columns).sum();
    let unbound = model.operations.iter();
    let unbound = unbound
        .filter(|o| o.binding.is_none() && o.is_callable)
        .count();
    out.push_str(&format!(
        "{} tables, {columns} columns, {unbound} unbound operations; generated, they take about \
         {:.1} s of `cargo check`\n",
        entries.len(),
        columns as f64 / 1000.0 * SECONDS_PER_1000_COLUMNS
    ));
    out
}

fn entry<'m>(model: &'m Model, table: &'m Table) -> Option<Entry<'m>> {
    table.primary_id.as_ref()?;
    let lookups = table
        .columns
        .iter()
        .filter(|c| c.wire_name != c.logical_name);
    let is_bound_here = |operation: &&crate::model::Operation| {
        let binding = operation.binding.as_ref();
        binding.is_some_and(|binding| match &binding.item {
            crate::model::ItemType::Row(name) => *name == table.logical_name,
            _ => false,
        })
    };
    Some(Entry {
        logical_name: &table.logical_name,
        entity_set: table.entity_set.as_deref()?,
        label: table.label.as_deref(),
        columns: table.columns.len(),
        lookups: lookups.count(),
        navigations: table.navigations.len(),
        alternate_keys: table.alternate_keys.len(),
        operations: model.operations.iter().filter(is_bound_here).count(),
    })
}
