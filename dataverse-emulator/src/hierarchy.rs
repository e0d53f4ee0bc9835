//! Rows above and below others: each row of a hierarchical table points at the one above it.

use crate::catalog::{Column, Kind, Table};
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::names::SqlColumn;
use crate::service::Call;
use crate::store::{base, quoted};
use crate::value::Stored;

/// The service looks no further up or down.
const MAX_LEVELS: usize = 100;

/// Which way from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// `column operator id`: whether the row that the column tells is above or below another one.
pub(crate) fn condition(
    operator: &str,
    column: &SqlColumn<'_>,
    id: Stored,
    call: &Call<'_>,
) -> Result<Condition> {
    let (way, with_itself) = match operator {
        "above" => (Way::Up, false),
        "eq-or-above" => (Way::Up, true),
        "eq-or-under" => (Way::Down, true),
        _ => (Way::Down, false),
    };
    let mut parts = Vec::new();
    let mut values = Vec::new();
    for (table, parent) in tables(column, call) {
        call.store.make(table)?;
        call.store.index("lookup", table, &[parent])?;
        let reached = reached(table, parent, way, with_itself);
        parts.push(format!("{} IN ({reached})", column.sql));
        values.push(id.clone());
    }
    if parts.is_empty() {
        return Err(Fault::invalid_argument(format!(
            "The condition operator '{operator}' needs a hierarchy: neither the table of '{}' nor \
             one that it points at has a hierarchical relationship.",
            column.logical_name
        )));
    }
    let any = parts.join(" OR ");
    Ok(Condition {
        sql: match operator {
            "not-under" => format!("NOT coalesce({any}, 0)"),
            _ => format!("({any})"),
        },
        values,
    })
}

/// SQL for the ids of a user, which stands for the question mark, and of all below.
pub(crate) fn users(call: &Call<'_>) -> Result<Option<String>> {
    let Some(table) = call.catalog.by_name("systemuser") else {
        return Ok(None);
    };
    let Some(parent) = table.parent() else {
        return Ok(None);
    };
    call.store.make(table)?;
    call.store.index("lookup", table, &[parent])?;
    Ok(Some(reached(table, parent, Way::Down, true)))
}

/// The hierarchical tables whose rows a column tells: its own if it is the key, else those that it
/// points at.
fn tables<'c>(column: &SqlColumn<'c>, call: &'c Call<'_>) -> Vec<(&'c Table, &'c Column)> {
    let own = column.table;
    let is_key = own.stored(&own.columns[column.place]) == own.primary_id;
    let found: Vec<&Table> = match column.kind {
        _ if is_key => vec![own],
        Kind::Lookup(targets) => {
            let targets = targets.iter();
            targets
                .filter_map(|target| call.catalog.by_name(target))
                .collect()
        }
        _ => Vec::new(),
    };
    found
        .into_iter()
        .filter_map(|table| Some((table, table.parent()?)))
        .collect()
}

/// SQL for the ids of rows on the way from the row whose id stands for the question mark.
fn reached(table: &Table, parent: &Column, way: Way, with_itself: bool) -> String {
    let (id, parent) = (quoted(&table.primary_id), quoted(&parent.logical_name));
    let rows = base(&table.logical_name);
    let (next, from) = match way {
        Way::Down => (id, parent),
        Way::Up => (parent, id),
    };
    let least = usize::from(!with_itself);
    format!(
        "WITH RECURSIVE \"@way\"(id, level) AS (SELECT ?, 0 UNION ALL SELECT r.{next}, w.level + 1 \
         FROM \"@way\" w JOIN {rows} r ON r.{from} = w.id \
         WHERE w.level < {MAX_LEVELS} AND r.{next} IS NOT NULL) \
         SELECT id FROM \"@way\" WHERE level >= {least}"
    )
}
