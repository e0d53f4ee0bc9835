//! Related rows in the body of a create: new ones (deep insert), and existing ones that are bound
//! to a collection.

use serde_json::value::RawValue;

use crate::associate::{add, collection};
use crate::catalog::{Table, Way};
use crate::fault::{Fault, Result};
use crate::reference;
use crate::service::Call;
use crate::write::{self, Members, Written};

/// How deep rows may stand in one another.
const MAX_DEPTH: usize = 100;

/// A row that stands in the body of another.
#[derive(Debug)]
pub(crate) enum Related {
    /// Table and id of a row that exists.
    Existing(String, String),
    /// Table and content of a new row.
    New(String, Written),
}

/// Reads an object at a single-valued navigation property, or one of an array at a collection.
fn new_row(
    call: &Call<'_>,
    set: &str,
    name: &str,
    targets: &[String],
    json: &str,
    depth: usize,
) -> Result<Related> {
    let wrong = |why: String| Fault::payload(set, format!("'{name}': {why}"));
    if depth >= MAX_DEPTH {
        return Err(wrong(format!(
            "rows stand in one another more than {MAX_DEPTH} deep."
        )));
    }
    let members: Members =
        serde_json::from_str(json).map_err(|_| wrong("a new row is a JSON object.".to_owned()))?;
    let told = write::told_type(&members);
    let told = told
        .as_deref()
        .map(|told| told.trim_start_matches("Microsoft.Dynamics.CRM."));
    let target = match (targets, told) {
        ([only], _) => Some(only.as_str()),
        (several, Some(told)) => several
            .iter()
            .map(String::as_str)
            .find(|name| *name == told),
        (_, None) => None,
    };
    let target = target.ok_or_else(|| {
        wrong(format!(
            "'@odata.type' says which of {} the new row is.",
            targets.join(", ")
        ))
    })?;
    let target = call
        .catalog
        .by_name(target)
        .ok_or_else(|| Fault::internal(format!("there is no table `{target}`")))?;
    let written = write::read_at(call, target, &members, depth + 1)?;
    Ok(Related::New(target.logical_name.clone(), written))
}

/// Reads the new row at a lookup's navigation property.
pub(crate) fn read_lookup(
    call: &Call<'_>,
    table: &Table,
    name: &str,
    json: &str,
    depth: usize,
    written: &mut Written,
) -> Result<()> {
    let targets = table
        .navigations
        .get(name)
        .map_or(&[][..], |navigation| &navigation.targets);
    let row = new_row(call, &table.entity_set, name, targets, json, depth)?;
    written.lookups.push((name.to_owned(), row));
    Ok(())
}

/// Reads the new rows at a collection.
pub(crate) fn read_collection(
    call: &Call<'_>,
    table: &Table,
    name: &str,
    json: &str,
    depth: usize,
    written: &mut Written,
) -> Result<()> {
    let rows: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| {
        Fault::payload(
            &table.entity_set,
            format!("'{name}': an array of new rows was expected."),
        )
    })?;
    let target = collection(table, name)?.target.clone();
    let targets = [target];
    for row in rows {
        let row = new_row(call, &table.entity_set, name, &targets, row.get(), depth)?;
        written.collections.push((name.to_owned(), row));
    }
    Ok(())
}

/// Reads `nav@odata.bind` with an array of URLs.
pub(crate) fn bind_collection(
    call: &Call<'_>,
    table: &Table,
    name: &str,
    json: &str,
    written: &mut Written,
) -> Result<()> {
    let urls: Vec<String> = serde_json::from_str(json).map_err(|_| {
        Fault::payload(
            &table.entity_set,
            format!("'{name}@odata.bind': an array of URLs was expected."),
        )
    })?;
    for url in urls {
        let (target, id) = reference::existing(call, &url)?;
        let row = Related::Existing(target.logical_name.clone(), id);
        written.collections.push((name.to_owned(), row));
    }
    Ok(())
}

/// Refuses related rows in the body of an update.
pub(crate) fn refuse(table: &Table, written: &Written) -> Result<()> {
    let mut rows = written.lookups.iter().chain(&written.collections);
    match rows.next() {
        None => Ok(()),
        Some((name, Related::New(..))) => Err(Fault::payload(
            &table.entity_set,
            format!(
                "'{name}': related rows cannot be written together with a row that is updated."
            ),
        )),
        Some((name, Related::Existing(..))) => Err(Fault::not_supported(format!(
            "binding rows to the collection `{name}` in an update"
        ))),
    }
}

/// Inserts the new rows that lookups point at, and points them there.
pub(crate) fn insert_lookups(call: &Call<'_>, table: &Table, written: &mut Written) -> Result<()> {
    for (name, row) in std::mem::take(&mut written.lookups) {
        let (target, id) = match row {
            Related::Existing(target, id) => (table_named(call, &target)?, id),
            Related::New(target, row) => {
                let target = table_named(call, &target)?;
                (target, write::insert(call, target, row)?)
            }
        };
        written.relate(table, &name, target, &id)?;
    }
    Ok(())
}

/// Puts rows into the collections of a row that was inserted.
pub(crate) fn insert_collections(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    collections: Vec<(String, Related)>,
) -> Result<()> {
    for (name, row) in collections {
        match (row, &collection(table, &name)?.way) {
            (Related::Existing(target, other), _) => {
                add(call, table, id, &name, table_named(call, &target)?, &other)?;
            }
            (Related::New(target, mut row), Way::OneToMany(lookup)) => {
                let target = table_named(call, &target)?;
                row.own(target, *lookup, &table.logical_name, id);
                write::insert(call, target, row)?;
            }
            (Related::New(target, row), Way::ManyToMany(_)) => {
                let target = table_named(call, &target)?;
                let other = write::insert(call, target, row)?;
                add(call, table, id, &name, target, &other)?;
            }
        }
    }
    Ok(())
}

fn table_named<'c>(call: &Call<'c>, name: &str) -> Result<&'c Table> {
    let found = call.catalog.by_name(name);
    found.ok_or_else(|| Fault::internal(format!("there is no table `{name}`")))
}
