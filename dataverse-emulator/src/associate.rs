//! `$ref`: pointing lookups at rows, and putting rows into collections.

use http::Method;

use crate::catalog::{Collection, Intersect, Table, Way};
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::reference;
use crate::row_key::RowKey;
use crate::service::Call;
use crate::store::{base, is_polymorphic, quoted, target_column};
use crate::url::Segment;
use crate::value::Stored;
use crate::write::{self, Written};

/// Answers a write to `accounts(…)/{segment}/$ref`.
pub(crate) fn answer(
    call: &Call<'_>,
    table: &Table,
    key: &RowKey,
    segment: &Segment,
) -> Result<Answer> {
    let method = &call.asked.method;
    let is_collection = table.collections.contains_key(&segment.name);
    let allowed: &[&str] = match *method == Method::DELETE && is_collection {
        true => &["$id"],
        false => &[],
    };
    check_options(&call.address.options, allowed)?;
    if segment.arguments.is_some() && (!is_collection || *method != Method::DELETE) {
        return Err(Fault::method_not_allowed(method));
    }
    call.store.atomically(|| {
        let id = key.require(call.store, table)?;
        match (method, is_collection) {
            (&Method::PUT, false) => {
                let (target, other) = body_reference(call, table)?;
                let mut written = Written::default();
                written.relate(table, &segment.name, target, &other)?;
                write::update(call, table, &id, written)
            }
            (&Method::DELETE, false) => {
                let mut written = Written::default();
                written.unrelate(table, &segment.name)?;
                write::update(call, table, &id, written)
            }
            (&Method::POST, true) => {
                let (target, other) = body_reference(call, table)?;
                add(call, table, &id, &segment.name, target, &other)
            }
            (&Method::DELETE, true) => remove(call, table, &id, segment),
            _ => Err(Fault::method_not_allowed(method)),
        }
    })?;
    Ok(Answer::no_content())
}

/// The row that `{"@odata.id":"…"}` names. Outside a batch it is an absolute URL.
fn body_reference<'c>(call: &Call<'c>, table: &Table) -> Result<(&'c Table, String)> {
    let wrong = |why: &str| Fault::payload(&table.entity_set, why);
    let members = write::body_members(call, table)?;
    let url: String = members
        .get("@odata.id")
        .and_then(|json| serde_json::from_str(json.get()).ok())
        .ok_or_else(|| wrong("The body has no '@odata.id' with the URL of a row."))?;
    if call.contents.is_none() && !url.contains("://") {
        return Err(wrong(&format!(
            "The '@odata.id' '{url}' is not an absolute URL."
        )));
    }
    reference::existing(call, &url)
}

/// The collection-valued navigation property of a table.
pub(crate) fn collection<'t>(table: &'t Table, name: &str) -> Result<&'t Collection> {
    let found = table.collections.get(name);
    found.ok_or_else(|| Fault::unknown_property(name, &table.logical_name))
}

/// Puts a row into a collection.
pub(crate) fn add(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    name: &str,
    target: &Table,
    other: &str,
) -> Result<()> {
    let collection = collection(table, name)?;
    if target.logical_name != collection.target {
        return Err(wrong_table(table, name, target));
    }
    match &collection.way {
        Way::OneToMany(lookup) => {
            let mut written = Written::default();
            written.own(target, *lookup, &table.logical_name, id);
            write::update(call, target, other, written)
        }
        Way::ManyToMany(intersect) => pair(call, intersect, id, other),
    }
}

/// A row of `target` cannot stand in the collection.
fn wrong_table(table: &Table, collection: &str, target: &Table) -> Fault {
    Fault::payload(
        &table.entity_set,
        format!(
            "A row of '{}' cannot stand in '{collection}'.",
            target.logical_name
        ),
    )
}

/// `WHERE` of an intersect table: the pair of the first value here with the second there.
fn is_pair(intersect: &Intersect) -> String {
    format!(
        "{} WHERE {} = ?1 AND {} = ?2",
        quoted(&intersect.table),
        quoted(&intersect.near),
        quoted(&intersect.far)
    )
}

/// Makes the intersect table, in which pairs are found at once.
fn make(call: &Call<'_>, intersect: &Intersect) -> Result<()> {
    call.store.make_intersect(call.catalog, intersect)?;
    if let Some(table) = call.catalog.by_name(&intersect.table)
        && let Some((_, near)) = table.column(&intersect.near)
        && let Some((_, far)) = table.column(&intersect.far)
    {
        call.store.index("pair", table, &[near, far])?;
    }
    Ok(())
}

fn pair(call: &Call<'_>, intersect: &Intersect, near: &str, far: &str) -> Result<()> {
    make(call, intersect)?;
    let connection = &call.store.connection;
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", is_pair(intersect));
    let mut statement = connection.prepare_cached(&sql)?;
    if statement.query_row([near, far], |row| row.get(0))? {
        return Err(Fault::duplicate_key());
    }
    let Some(table) = call.catalog.by_name(&intersect.table) else {
        let sql = format!(
            "INSERT INTO {} ({}, {}) VALUES (?, ?)",
            quoted(&intersect.table),
            quoted(&intersect.near),
            quoted(&intersect.far)
        );
        connection.prepare_cached(&sql)?.execute([near, far])?;
        return Ok(());
    };
    let mut written = Written::default();
    for (column, id) in [(&intersect.near, near), (&intersect.far, far)] {
        if let Some((place, _)) = table.column(column) {
            written.set(place, Stored::Text(id.to_owned()));
        }
    }
    write::insert(call, table, written).map(drop)
}

/// Takes a pair away; false if there was none.
fn unpair(call: &Call<'_>, intersect: &Intersect, near: &str, far: &str) -> Result<bool> {
    make(call, intersect)?;
    let sql = format!("DELETE FROM {}", is_pair(intersect));
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    Ok(statement.execute([near, far])? > 0)
}

/// Takes away every pair of a row that is deleted.
pub(crate) fn remove_pairs(call: &Call<'_>, table: &Table, id: &str) -> Result<()> {
    for collection in table.collections.values() {
        let Way::ManyToMany(intersect) = &collection.way else {
            continue;
        };
        make(call, intersect)?;
        let sql = format!(
            "DELETE FROM {} WHERE {} = ?",
            quoted(&intersect.table),
            quoted(&intersect.near)
        );
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        statement.execute([id])?;
    }
    Ok(())
}

/// Takes a row out of a collection: the one in parentheses, or that of `$id`.
fn remove(call: &Call<'_>, table: &Table, id: &str, segment: &Segment) -> Result<()> {
    let collection = collection(table, &segment.name)?;
    let name = &collection.target;
    let target = call
        .catalog
        .by_name(name)
        .ok_or_else(|| Fault::internal(format!("there is no table `{name}`")))?;
    let other = match (&segment.arguments, call.address.option("$id")) {
        (Some(arguments), None) => RowKey::parse(target, arguments)?.require(call.store, target)?,
        (None, Some(url)) => {
            let (named, other) = reference::existing(call, url)?;
            if named.logical_name != target.logical_name {
                return Err(wrong_table(table, &segment.name, named));
            }
            other
        }
        _ => {
            return Err(Fault::bad_request(format!(
                "Name the row to remove from '{0}': '{0}(…)/$ref' or '{0}/$ref?$id=…'.",
                segment.name
            )));
        }
    };
    let was_in = match &collection.way {
        Way::OneToMany(lookup) => {
            let points = points_at(call, target, &other, *lookup, table, id)?;
            if points {
                let mut written = Written::default();
                written.point(target, *lookup, None);
                write::update(call, target, &other, written)?;
            }
            points
        }
        Way::ManyToMany(intersect) => unpair(call, intersect, id, &other)?,
    };
    match was_in {
        true => Ok(()),
        false => Err(Fault::not_associated(&segment.name, &other)),
    }
}

/// Whether a lookup points at this row, and not at one of another table.
fn points_at(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    lookup: usize,
    target: &Table,
    target_id: &str,
) -> Result<bool> {
    let column = &table.columns[lookup];
    let mut sql = format!(
        "SELECT count(*) FROM {} WHERE {} = ?1 AND {} = ?2",
        base(&table.logical_name),
        quoted(&table.primary_id),
        quoted(&column.logical_name),
    );
    let mut values = vec![id, target_id];
    if is_polymorphic(column) {
        sql.push_str(&format!(" AND {} = ?3", target_column(column)));
        values.push(&target.logical_name);
    }
    call.store.make(table)?;
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let values = rusqlite::params_from_iter(values);
    let found: i64 = statement.query_row(values, |row| row.get(0))?;
    Ok(found > 0)
}
