//! What happens to the rows that point at one that is deleted or given to another owner.

use std::collections::HashMap;

use http::StatusCode;
use rusqlite::params_from_iter;

use crate::catalog::{Column, Kind, Table};
use crate::fault::{Fault, Result};
use crate::service::Call;
use crate::store::{base, is_polymorphic, quoted, target_column};
use crate::value::Stored;
use crate::write::{self, Written};

/// What a relationship does, as definitions have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cascade {
    /// The rows that point at it share its fate.
    All,
    /// Those of them that are active.
    Active,
    /// Those of them that have the same owner.
    UserOwned,
    /// They point at nothing then.
    RemoveLink,
    /// They keep it from happening.
    Restrict,
    None,
}

impl Cascade {
    /// A member of `CascadeConfiguration`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Cascade" => Cascade::All,
            "Active" => Cascade::Active,
            "UserOwned" => Cascade::UserOwned,
            "RemoveLink" => Cascade::RemoveLink,
            "Restrict" => Cascade::Restrict,
            "NoCascade" => Cascade::None,
            _ => return None,
        })
    }
}

/// Relationships of which definitions tell what they do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cascades {
    by_lookup: HashMap<Lookup, Behaviour>,
}

/// A lookup, and one of the tables that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lookup {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) target: String,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Behaviour {
    pub(crate) delete: Option<Cascade>,
    pub(crate) assign: Option<Cascade>,
}

impl Cascades {
    pub(crate) fn add(&mut self, lookup: Lookup, behaviour: Behaviour) {
        self.by_lookup.insert(lookup, behaviour);
    }

    fn of(&self, table: &Table, column: &Column, target: &Table) -> Option<Behaviour> {
        if self.by_lookup.is_empty() {
            return None;
        }
        let lookup = Lookup {
            table: table.logical_name.clone(),
            column: column.logical_name.clone(),
            target: target.logical_name.clone(),
        };
        self.by_lookup.get(&lookup).copied()
    }
}

/// The rows of a table whose lookup points at this row.
fn pointing(
    call: &Call<'_>,
    table: &Table,
    column: &Column,
    target: &Table,
    id: &str,
) -> Result<Vec<String>> {
    let mut sql = format!(
        "SELECT {} FROM {} WHERE {} = ?",
        quoted(&table.primary_id),
        base(&table.logical_name),
        quoted(&column.logical_name)
    );
    let mut values = vec![id];
    if is_polymorphic(column) {
        sql.push_str(&format!(" AND {} = ?", target_column(column)));
        values.push(&target.logical_name);
    }
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the rows whose lookup points at a row that is deleted, or refuses to; else leaves them.
pub(crate) fn delete(
    call: &Call<'_>,
    table: &Table,
    column: &Column,
    gone: &Table,
    id: &str,
) -> Result<()> {
    let behaviour = call.catalog.cascades.of(table, column, gone);
    let delete = behaviour.and_then(|behaviour| behaviour.delete);
    if !matches!(delete, Some(Cascade::All | Cascade::Restrict)) {
        return Ok(());
    }
    let rows = pointing(call, table, column, gone, id)?;
    if delete == Some(Cascade::Restrict) && !rows.is_empty() {
        return Err(Fault::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "0x80040227",
            "The object you tried to delete is associated with another object and cannot be \
             deleted.",
        ));
    }
    for row in rows {
        // Rows that point at each other are met again.
        if call.store.version(table, &row)?.is_some() {
            write::delete_row(call, table, &row)?;
        }
    }
    Ok(())
}

/// The owner of a row, if it has one.
pub(crate) fn owner(call: &Call<'_>, table: &Table, id: &str) -> Result<Option<String>> {
    let Some((place, _)) = table.column_named("ownerid") else {
        return Ok(None);
    };
    let values = call.store.values(table, id, &[place])?;
    Ok(match values.as_deref() {
        Some([Stored::Text(owner)]) => Some(owner.clone()),
        _ => None,
    })
}

/// Gives the rows that point at one to its new owner.
pub(crate) fn assign(
    call: &Call<'_>,
    given: &Table,
    id: &str,
    old: &str,
    new: (&str, &str),
) -> Result<()> {
    for table in call.catalog.tables() {
        for column in &table.columns {
            let Kind::Lookup(targets) = &column.kind else {
                continue;
            };
            if !targets.contains(&given.logical_name) {
                continue;
            }
            let behaviour = call.catalog.cascades.of(table, column, given);
            let Some(assign) = behaviour.and_then(|behaviour| behaviour.assign) else {
                continue;
            };
            if !matches!(assign, Cascade::All | Cascade::Active | Cascade::UserOwned) {
                continue;
            }
            let Some((place, _)) = table.column_named("ownerid") else {
                continue;
            };
            call.store.make(table)?;
            for row in pointing(call, table, column, given, id)? {
                let held = owner(call, table, &row)?;
                let takes = match assign {
                    Cascade::Active => is_active(call, table, &row)?,
                    Cascade::UserOwned => held.as_deref() == Some(old),
                    _ => true,
                };
                // What has the new owner already ends a circle.
                if takes && held.as_deref() != Some(new.1) {
                    let mut written = Written::default();
                    written.own(table, place, new.0, new.1);
                    write::update(call, table, &row, written)?;
                }
            }
        }
    }
    Ok(())
}

fn is_active(call: &Call<'_>, table: &Table, id: &str) -> Result<bool> {
    let Some((place, _)) = table.column_named("statecode") else {
        return Ok(true);
    };
    let values = call.store.values(table, id, &[place])?;
    Ok(values == Some(vec![Stored::Integer(0)]))
}
