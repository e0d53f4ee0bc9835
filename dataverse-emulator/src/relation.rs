//! From a row to the rows behind one of its navigation properties.

use rusqlite::OptionalExtension;

use crate::catalog::{Catalog, Collection, Navigation, Table, Way};
use crate::fault::{Fault, Result};
use crate::store::{Store, is_polymorphic, quoted, target_column, text_sql};

/// A navigation property that rows are read through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relation<'c> {
    owner: &'c Table,
    pub(crate) target: &'c Table,
    by: By<'c>,
}

#[derive(Debug, Clone, Copy)]
enum By<'c> {
    Lookup(&'c Navigation),
    Collection(&'c Collection),
}

impl<'c> Relation<'c> {
    /// The navigation property `name` of `owner`, to one table; None if there is none.
    pub(crate) fn find(
        catalog: &'c Catalog,
        store: &Store,
        owner: &'c Table,
        name: &str,
    ) -> Result<Option<Self>> {
        let (target, by) = if let Some(navigation) = owner.navigation(name) {
            let [target] = &navigation.targets[..] else {
                return Err(Fault::not_supported(format!(
                    "paths through `{name}`, which leads to several tables"
                )));
            };
            (target, By::Lookup(navigation))
        } else if let Some(collection) = owner.collections.get(name) {
            (&collection.target, By::Collection(collection))
        } else {
            return Ok(None);
        };
        let Some(target) = catalog.by_name(target) else {
            return Ok(None);
        };
        store.make(owner)?;
        store.make(target)?;
        if let By::Collection(collection) = by {
            match &collection.way {
                Way::OneToMany(place) => {
                    store.index("lookup", target, &[&target.columns[*place]])?
                }
                Way::ManyToMany(intersect) => store.make_intersect(catalog, intersect)?,
            }
        }
        Ok(Some(Relation { owner, target, by }))
    }

    /// Whether the row `id` is related to the row `owner`.
    pub(crate) fn holds(&self, store: &Store, owner: &str, id: &str) -> Result<bool> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} t WHERE {} AND t.{} = ?)",
            quoted(&self.target.logical_name),
            self.condition("t", "?"),
            quoted(&self.target.primary_id)
        );
        let mut statement = store.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([owner, id], |row| row.get(0))?)
    }

    pub(crate) fn is_collection(&self) -> bool {
        matches!(self.by, By::Collection(_))
    }

    pub(crate) fn is_many_to_many(&self) -> bool {
        matches!(self.by, By::Collection(collection) if matches!(collection.way, Way::ManyToMany(_)))
    }

    /// Place of the column that holds the relation: of the owner for a lookup, of the target for
    /// the rows that point at it.
    pub(crate) fn lookup_place(&self) -> Option<usize> {
        match self.by {
            By::Lookup(navigation) => Some(navigation.column),
            By::Collection(collection) => match collection.way {
                Way::OneToMany(place) => Some(place),
                Way::ManyToMany(_) => None,
            },
        }
    }

    /// Holds for the rows `alias` that are related to the row whose id is the SQL `id`.
    pub(crate) fn condition(&self, alias: &str, id: &str) -> String {
        let (owner, target) = (self.owner, self.target);
        let primary_id = quoted(&target.primary_id);
        match self.by {
            By::Lookup(navigation) => {
                let column = &owner.columns[navigation.column];
                let mut sql = format!(
                    "{alias}.{primary_id} = (SELECT {} FROM {} WHERE {} = {id}",
                    quoted(&column.logical_name),
                    quoted(&owner.logical_name),
                    quoted(&owner.primary_id)
                );
                if is_polymorphic(column) {
                    let is_table = text_sql(&target.logical_name);
                    sql.push_str(&format!(" AND {} = {is_table}", target_column(column)));
                }
                sql.push(')');
                sql
            }
            By::Collection(collection) => match &collection.way {
                Way::OneToMany(place) => {
                    let column = &target.columns[*place];
                    let mut sql = format!("{alias}.{} = {id}", quoted(&column.logical_name));
                    if is_polymorphic(column) {
                        let is_table = text_sql(&owner.logical_name);
                        let told = target_column(column);
                        sql.push_str(&format!(" AND {alias}.{told} = {is_table}"));
                    }
                    sql
                }
                Way::ManyToMany(intersect) => format!(
                    "{alias}.{primary_id} IN (SELECT {} FROM {} WHERE {} = {id})",
                    quoted(&intersect.far),
                    quoted(&intersect.table),
                    quoted(&intersect.near)
                ),
            },
        }
    }
}

/// Where a lookup of the row `id` points: table and id; None for null.
pub(crate) fn lookup_of(
    store: &Store,
    owner: &Table,
    navigation: &Navigation,
    id: &str,
) -> Result<Option<(String, String)>> {
    let column = &owner.columns[navigation.column];
    let told = match is_polymorphic(column) {
        true => target_column(column),
        false => "NULL".to_owned(),
    };
    let sql = format!(
        "SELECT {}, {told} FROM {} WHERE {} = ?",
        quoted(&column.logical_name),
        quoted(&owner.logical_name),
        quoted(&owner.primary_id)
    );
    let mut statement = store.connection.prepare_cached(&sql)?;
    let found: Option<(Option<String>, Option<String>)> = statement
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (Some(id), told) = found.unwrap_or_default() else {
        return Ok(None);
    };
    let mut targets = navigation.targets.iter();
    let table = match told {
        Some(told) => targets.find(|target| **target == told),
        None => targets.next(),
    };
    Ok(table.map(|table| (table.clone(), id)))
}
