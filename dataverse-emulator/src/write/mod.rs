//! Writing rows.

mod body;

use http::StatusCode;
use http::header::LOCATION;
use rusqlite::{params, params_from_iter};
use serde_json::value::RawValue;

use self::body::assignments;
pub(crate) use self::body::{Members, Written, body_members, members, read, read_at, told_type};
use crate::catalog::{Catalog, Kind, Table};
use crate::elastic;
use crate::fault::{Fault, Result};
use crate::file;
use crate::guard;
use crate::ledger::CommittedChange;
use crate::message::{Answer, ENTITY_ID};
use crate::nested;
use crate::query::{check_options, check_single, single};
use crate::row_key::RowKey;
use crate::security::Right;
use crate::service::Call;
use crate::sharing;
use crate::state;
use crate::store::{VERSION, base, is_polymorphic, quoted, target_column};
use crate::value::{Stored, format_time};
use crate::{activity, associate, auto_number, cascade, computed, domain, duplicate, money};

/// `POST accounts`.
pub(crate) fn create(call: &Call<'_>, table: &Table) -> Result<Answer> {
    check_options(&call.address.options, &["$select", "$expand"])?;
    check_single(call, table, call.address.option("$expand"))?;
    let written = read(call, table, &body_members(call, table)?)?;
    let id = call.store.atomically(|| insert(call, table, written))?;
    call.created(table, &id);
    if call.asked.preferences().representation {
        let answer = single(
            call,
            table,
            &id,
            StatusCode::CREATED,
            call.address.option("$expand"),
        )?;
        let answer = answer.applied(&["return=representation".to_owned()]);
        return elastic::with_session(call, table, answer);
    }
    elastic::with_session(call, table, located(call, table, &id))
}

fn located(call: &Call<'_>, table: &Table, key: &str) -> Answer {
    let url = format!("{}{}({key})", call.root(), table.entity_set);
    Answer::no_content()
        .with(ENTITY_ID, &url)
        .with(LOCATION, &url)
}

/// Inserts a row; gives its id.
pub(crate) fn insert(call: &Call<'_>, table: &Table, mut written: Written) -> Result<String> {
    call.store.make(table)?;
    guard::check_new_values(call, table, &written)?;
    domain::check(table, &mut written)?;
    file::check_new(table, &written)?;
    auto_number::fill(call, table, &mut written)?;
    let place = table.primary_id_place();
    let id = match written.value(place) {
        Some(Stored::Text(id)) => id.clone(),
        _ => uuid::Uuid::new_v4().to_string(),
    };
    if call.store.version(table, &id)?.is_some() {
        elastic::check_partition(call, table, &id, &written)?;
        return Err(Fault::exists());
    }
    written.set(place, Stored::Text(id.clone()));
    elastic::complete(table, &id, &mut written)?;
    nested::insert_lookups(call, table, &mut written)?;
    let collections = std::mem::take(&mut written.collections);
    let now = Stored::Text(format_time(call.now));
    computed::created_on(table, &mut written, &now);
    computed::full_name(call, table, None, &mut written)?;
    money::convert(call, table, None, &mut written)?;
    written.set_default(table, "createdon", now.clone());
    written.set_default(table, "modifiedon", now);
    state::begin(table, &mut written)?;
    for column in ["ownerid", "owninguser", "createdby", "modifiedby"] {
        written.point_default(table, column, "systemuser", call.user());
    }
    if call.on_behalf_of.is_some() {
        for column in ["createdonbehalfby", "modifiedonbehalfby"] {
            written.point_default(table, column, "systemuser", &call.signed_in);
        }
    }
    let unit = guard::check_new_row(call, table, &id, &written)?;
    written.point_default(table, "owningbusinessunit", "businessunit", &unit);
    check_keys(call, table, &id, &written)?;
    duplicate::check(call, table, &id, &written)?;
    let version = stamp(call, table, &mut written)?;
    let mut names = vec![quoted(VERSION)];
    let mut values = vec![Stored::Integer(version)];
    for (name, value) in assignments(table, written) {
        names.push(name);
        values.push(value);
    }
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({marks})",
        base(&table.logical_name),
        names.join(", ")
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    statement.execute(params_from_iter(values))?;
    call.store.note(CommittedChange::Created, table, &id);
    activity::keep(call, table, &id)?;
    nested::insert_collections(call, table, &id, collections)?;
    Ok(id)
}

/// Changes a row that exists.
pub(crate) fn update(call: &Call<'_>, table: &Table, id: &str, mut written: Written) -> Result<()> {
    nested::refuse(table, &written)?;
    guard::check_change(call, table, id, &mut written)?;
    domain::check(table, &mut written)?;
    domain::check_cleared(table, &written)?;
    computed::full_name(call, table, Some(id), &mut written)?;
    money::convert(call, table, Some(id), &mut written)?;
    state::complete(call, table, id, &mut written)?;
    let place = table.primary_id_place();
    written.forget(place);
    written.set_default(table, "modifiedon", Stored::Text(format_time(call.now)));
    written.point_default(table, "modifiedby", "systemuser", call.user());
    if let Some((place, _)) = table.column_named("modifiedonbehalfby") {
        let deputy = call
            .on_behalf_of
            .is_some()
            .then_some(("systemuser", &*call.signed_in));
        written.point(table, place, deputy);
    }
    check_keys(call, table, id, &written)?;
    duplicate::check(call, table, id, &written)?;
    let assigned = new_owner(call, table, id, &written)?;
    let version = stamp(call, table, &mut written)?;
    let mut sets = vec![format!("{} = ?", quoted(VERSION))];
    let mut values = vec![Stored::Integer(version)];
    for (name, value) in assignments(table, written) {
        sets.push(format!("{name} = ?"));
        values.push(value);
    }
    values.push(Stored::Text(id.to_owned()));
    let sql = format!(
        "UPDATE {} SET {} WHERE {} = ?",
        base(&table.logical_name),
        sets.join(", "),
        quoted(&table.primary_id)
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    statement.execute(params_from_iter(values))?;
    call.store.note(CommittedChange::Updated, table, id);
    activity::keep(call, table, id)?;
    match assigned {
        Some((old, target, new)) => cascade::assign(call, table, id, &old, (&target, &new)),
        None => Ok(()),
    }
}

/// The owner of a row, and the table and the id of the one that it is given to.
fn new_owner(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    written: &Written,
) -> Result<Option<(String, String, String)>> {
    let place = table.column_named("ownerid").map(|(place, _)| place);
    let Some((place, Some(Stored::Text(new)))) = place.map(|place| (place, written.value(place)))
    else {
        return Ok(None);
    };
    let target = written.target(place).unwrap_or("systemuser").to_owned();
    let old = cascade::owner(call, table, id)?;
    let changed = old.filter(|old| old != new);
    Ok(changed.map(|old| (old, target, new.clone())))
}

/// Takes the next version, and writes it into `versionnumber`.
fn stamp(call: &Call<'_>, table: &Table, written: &mut Written) -> Result<i64> {
    let version = call.store.next_version()?;
    if let Some((place, _)) = table.column_named("versionnumber") {
        written.set(place, Stored::Integer(version));
    }
    Ok(version)
}

/// No two rows may hold the same values in an alternate key; null is not compared.
fn check_keys(call: &Call<'_>, table: &Table, id: &str, written: &Written) -> Result<()> {
    for key in &table.alternate_keys {
        if !key.iter().any(|place| written.value(*place).is_some()) {
            continue;
        }
        let old = call.store.values(table, id, key)?;
        let old = old.unwrap_or_else(|| vec![Stored::Null; key.len()]);
        let parts: Vec<_> = key
            .iter()
            .zip(old)
            .map(|(place, old)| {
                let value = written.value(*place).cloned().unwrap_or(old);
                (&table.columns[*place], value)
            })
            .collect();
        if parts.iter().any(|(_, value)| *value == Stored::Null) {
            continue;
        }
        if call
            .store
            .find(table, &parts)?
            .is_some_and(|found| found != id)
        {
            return Err(Fault::key_exists());
        }
    }
    Ok(())
}

/// What `If-Match` and `If-None-Match` ask of a write.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions<'a> {
    /// `If-Match`: `*` or an ETag.
    if_match: Option<&'a str>,
    /// `If-None-Match: *`; `null` is a word for caches.
    create_only: bool,
}

impl<'a> Conditions<'a> {
    fn of(call: &Call<'a>) -> Self {
        Conditions {
            if_match: call.asked.header("if-match"),
            create_only: call.asked.header("if-none-match") == Some("*"),
        }
    }

    /// Checks a row that exists.
    fn check(&self, call: &Call<'_>, table: &Table, id: &str) -> Result<()> {
        if self.create_only {
            return Err(Fault::exists());
        }
        match self.if_match {
            None | Some("*") => Ok(()),
            Some(_) if !table.has_optimistic_concurrency => {
                Err(Fault::no_optimistic_concurrency(&table.logical_name))
            }
            Some(etag) => {
                let version = call.store.version(table, id)?;
                match version.map(|version| format!("W/\"{version}\"")) {
                    Some(current) if current == etag.trim() => Ok(()),
                    _ => Err(Fault::version_mismatch()),
                }
            }
        }
    }
}

/// Changes the row of a key, or creates it; gives its id, and whether it was created.
pub(crate) fn upsert(
    call: &Call<'_>,
    table: &Table,
    key: &RowKey,
    mut written: Written,
    conditions: &Conditions<'_>,
) -> Result<(String, bool)> {
    nested::refuse(table, &written)?;
    let found = key.find(call.store, table)?;
    if let Some(id) = &found {
        conditions.check(call, table, id)?;
        // Columns of the key are not changed through it.
        for (place, _) in key.parts() {
            written.forget(*place);
        }
        if !table.is_elastic() || conditions.if_match.is_some() {
            update(call, table, id, written)?;
            return Ok((id.clone(), false));
        }
        // A row of an elastic table is replaced: what is not told is cleared.
        delete_only(call, table, id)?;
    } else if conditions.if_match.is_some() {
        return Err(key.missing(table));
    }
    match key {
        RowKey::Id(id) => written.set(table.primary_id_place(), Stored::Text(id.clone())),
        RowKey::Alternate(parts, _) => {
            for (place, value) in parts {
                if written.value(*place).is_some() {
                    continue;
                }
                match (&table.columns[*place].kind, value) {
                    (Kind::Lookup(targets), Stored::Text(id)) if !targets.is_empty() => {
                        written.point(table, *place, Some((&targets[0], id)));
                    }
                    _ => written.set(*place, value.clone()),
                }
            }
        }
    }
    Ok((insert(call, table, written)?, found.is_none()))
}

/// `PATCH accounts(…)`: changes the row, or creates it.
pub(crate) fn patch(call: &Call<'_>, table: &Table, key: &RowKey) -> Result<Answer> {
    // The service passes over `$expand` in an update.
    check_options(&call.address.options, &["$select", "$expand"])?;
    check_single(call, table, None)?;
    let written = read(call, table, &body_members(call, table)?)?;
    let conditions = Conditions::of(call);
    let key = elastic::key(call, table, key.clone(), Some(&written));
    let (id, created) = call
        .store
        .atomically(|| upsert(call, table, &key, written, &conditions))?;
    call.created(table, &id);
    if call.asked.preferences().representation {
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let answer = single(call, table, &id, status, None)?;
        let answer = answer.applied(&["return=representation".to_owned()]);
        return elastic::with_session(call, table, answer);
    }
    let answer = match key {
        RowKey::Id(id) => located(call, table, &id),
        RowKey::Alternate(_, text) => located(call, table, &text),
    };
    elastic::with_session(call, table, answer)
}

/// `DELETE accounts(…)`.
pub(crate) fn delete(call: &Call<'_>, table: &Table, key: &RowKey) -> Result<Answer> {
    check_options(&call.address.options, &[])?;
    let conditions = Conditions::of(call);
    call.store.atomically(|| {
        let id = key.require(call.store, table)?;
        conditions.check(call, table, &id)?;
        delete_row(call, table, &id)
    })?;
    Ok(Answer::no_content())
}

/// Deletes a row, and what points at it.
pub(crate) fn delete_row(call: &Call<'_>, table: &Table, id: &str) -> Result<()> {
    call.check(table, id, Right::Delete)?;
    delete_only(call, table, id)?;
    call.store.note(CommittedChange::Deleted, table, id);
    file::forget(call, table, id)?;
    let version = call.store.next_version()?;
    let sql = "INSERT OR REPLACE INTO \"@deleted\" (name, id, version) VALUES (?, ?, ?)";
    let mut statement = call.store.connection.prepare_cached(sql)?;
    statement.execute(params![table.logical_name, id, version])?;
    sharing::forget(call, table, id)?;
    if let Some(pointers) = activity::also_in(call, table, id)? {
        delete_only(call, pointers, id)?;
        statement.execute(params![pointers.logical_name, id, version])?;
        remove_links(call, call.catalog, pointers, id, version)?;
    }
    remove_links(call, call.catalog, table, id, version)
}

fn delete_only(call: &Call<'_>, table: &Table, id: &str) -> Result<()> {
    let sql = format!(
        "DELETE FROM {} WHERE {} = ?",
        base(&table.logical_name),
        quoted(&table.primary_id)
    );
    call.store.connection.prepare_cached(&sql)?.execute([id])?;
    Ok(())
}

/// Pairs with the row are gone, and lookups that pointed at it point at nothing: what relationships
/// do unless an org's own say otherwise, which the document does not tell.
fn remove_links(
    call: &Call<'_>,
    catalog: &Catalog,
    gone: &Table,
    id: &str,
    version: i64,
) -> Result<()> {
    associate::remove_pairs(call, gone, id)?;
    let connection = &call.store.connection;
    let mut statement =
        connection.prepare_cached("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let existing: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in existing.iter().filter_map(|name| catalog.by_name(name)) {
        let versions = match table.column_named("versionnumber") {
            Some(_) => ", versionnumber = ?2",
            None => "",
        };
        for column in &table.columns {
            let Kind::Lookup(targets) = &column.kind else {
                continue;
            };
            if !targets.contains(&gone.logical_name) {
                continue;
            }
            call.store.make(table)?;
            call.store.index("lookup", table, &[column])?;
            cascade::delete(call, table, column, gone, id)?;
            let name = quoted(&column.logical_name);
            let (also, only) = match is_polymorphic(column) {
                true => {
                    let target = target_column(column);
                    (format!(", {target} = NULL"), format!(" AND {target} = ?3"))
                }
                false => (String::new(), String::new()),
            };
            let sql = format!(
                "UPDATE {} SET {} = ?2{versions}, {name} = NULL{also} WHERE {name} = ?1{only}",
                base(&table.logical_name),
                quoted(VERSION)
            );
            let mut statement = connection.prepare_cached(&sql)?;
            match is_polymorphic(column) {
                true => statement.execute(params![id, version, gone.logical_name])?,
                false => statement.execute(params![id, version])?,
            };
        }
    }
    Ok(())
}

/// `PUT accounts(…)/name` and `DELETE accounts(…)/name`: writes one column, None to clear it.
pub(crate) fn property(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    wire_name: &str,
    clear: bool,
) -> Result<Answer> {
    check_options(&call.address.options, &[])?;
    if table.navigations.contains_key(wire_name) || table.collections.contains_key(wire_name) {
        return Err(Fault::method_not_allowed(&call.asked.method));
    }
    if table.column(wire_name).is_none() {
        return Err(Fault::unknown_segment(wire_name));
    }
    let value = if clear {
        RawValue::from_string("null".to_owned()).map_err(Fault::internal)?
    } else {
        body_members(call, table)?
            .remove("value")
            .ok_or_else(|| Fault::payload(&table.entity_set, "The body has no 'value'."))?
    };
    Conditions::of(call).check(call, table, id)?;
    let members = Members::from([(wire_name.to_owned(), value)]);
    let written = read(call, table, &members)?;
    call.store.atomically(|| update(call, table, id, written))?;
    Ok(Answer::no_content())
}
