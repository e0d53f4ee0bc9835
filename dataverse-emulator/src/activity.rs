//! Activities of every kind are rows of `activitypointer`, too.

use rusqlite::params;

use crate::catalog::Table;
use crate::fault::Result;
use crate::service::Call;
use crate::store::{VERSION, base, is_polymorphic, quoted, target_column};

const POINTER: &str = "activitypointer";
const TYPE: &str = "activitytypecode";

/// The table of all activities, for a row of one kind of them.
fn pointers<'c>(call: &Call<'c>, table: &Table) -> Option<&'c Table> {
    let pointers = call.catalog.by_name(POINTER)?;
    let is_kind = table.logical_name != POINTER && table.primary_id == pointers.primary_id;
    is_kind.then_some(pointers)
}

/// Keeps the row of all activities as that of its kind is.
pub(crate) fn keep(call: &Call<'_>, table: &Table, id: &str) -> Result<()> {
    let Some(pointers) = pointers(call, table) else {
        return Ok(());
    };
    call.store.make(pointers)?;
    let mut names = vec![quoted(VERSION)];
    for column in &pointers.columns {
        let Some((_, own)) = table.column_named(&column.logical_name) else {
            continue;
        };
        if column.logical_name == TYPE {
            continue;
        }
        names.push(quoted(&column.logical_name));
        if is_polymorphic(column) && is_polymorphic(own) {
            names.push(target_column(column));
        }
    }
    let names = names.join(", ");
    let mut sql = (names.clone(), names);
    let has_type = pointers.column_named(TYPE).is_some();
    if has_type {
        sql.0.push_str(&format!(", {}", quoted(TYPE)));
        sql.1.push_str(", ?2");
    }
    let sql = format!(
        "INSERT OR REPLACE INTO {} ({}) SELECT {} FROM {} WHERE {} = ?1",
        base(POINTER),
        sql.0,
        sql.1,
        base(&table.logical_name),
        quoted(&table.primary_id)
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    match has_type {
        true => statement.execute(params![id, table.logical_name])?,
        false => statement.execute(params![id])?,
    };
    Ok(())
}

/// The table of all activities, if a row that is deleted is also one of it.
pub(crate) fn also_in<'c>(call: &Call<'c>, table: &Table, id: &str) -> Result<Option<&'c Table>> {
    let Some(pointers) = pointers(call, table) else {
        return Ok(None);
    };
    let found = call.store.version(pointers, id)?;
    Ok(found.map(|_| pointers))
}
