//! Elastic tables: rows in partitions, which may end by themselves.

use http::{HeaderName, Method};

use crate::catalog::{Catalog, Table};
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::row_key::RowKey;
use crate::service::Call;
use crate::store::{base, quoted};
use crate::url::text_literal;
use crate::value::Stored;
use crate::write::{self, Written};

/// The column that holds the partition of a row.
pub(crate) const PARTITION: &str = "partitionid";
/// The column that holds for how many seconds a row lives.
const LIFETIME: &str = "ttlinseconds";
/// What a client sends back to read its own writes.
const SESSION: HeaderName = HeaderName::from_static("x-ms-session-token");

/// Takes `partitionId` off the options of a request to an elastic table: it narrows a read of rows,
/// and names a row together with its id. Writes other than a delete pass over it.
pub(crate) fn take_partition(call: &mut Call<'_>) -> Result<()> {
    let mut segments = call.address.segments.iter();
    let Some(first) = segments.next() else {
        return Ok(());
    };
    let Some(table) = call.catalog.by_set(&first.name) else {
        return Ok(());
    };
    if !table.is_elastic() {
        return Ok(());
    }
    let options = &mut call.address.options;
    if options.iter().any(|(name, _)| name == "$expand") {
        return Err(Fault::no_links());
    }
    let Some(place) = options.iter().position(|(name, _)| name == "partitionId") else {
        return Ok(());
    };
    let (_, told) = options.remove(place);
    // Documents write the value with double quotes, with single quotes and without.
    let partition = text_literal(&told).unwrap_or_else(|| told.trim_matches('"').to_owned());
    if first.arguments.is_some() {
        call.partition = Some(partition);
    } else if call.asked.method == Method::GET {
        let is_in = format!("{PARTITION} eq '{}'", partition.replace('\'', "''"));
        match options.iter_mut().find(|(name, _)| name == "$filter") {
            Some((_, filter)) => *filter = format!("{is_in} and ({filter})"),
            None => options.push(("$filter".to_owned(), is_in)),
        }
    }
    Ok(())
}

/// The key with the partition of the row: that of the request or of the body, else the id.
pub(crate) fn key(
    call: &Call<'_>,
    table: &Table,
    key: RowKey,
    written: Option<&Written>,
) -> RowKey {
    let (Some((partition, _)), RowKey::Id(id)) = (table.partition(), &key) else {
        return key;
    };
    let told = match &call.asked.method {
        &Method::GET | &Method::DELETE => call.partition.clone().map(Stored::Text),
        _ => written.and_then(|written| written.value(partition).cloned()),
    };
    let told = match told {
        Some(Stored::Text(text)) => Stored::Text(text),
        _ => Stored::Text(id.clone()),
    };
    let parts = vec![
        (table.primary_id_place(), Stored::Text(id.clone())),
        (partition, told),
    ];
    RowKey::Alternate(parts, id.clone())
}

/// A row of one id in another partition is another row, which the store cannot hold.
pub(crate) fn check_partition(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    written: &Written,
) -> Result<()> {
    let Some((partition, _)) = table.partition() else {
        return Ok(());
    };
    let own = Stored::Text(id.to_owned());
    let told = match written.value(partition) {
        None | Some(Stored::Null) => &own,
        Some(told) => told,
    };
    match call.store.values(table, id, &[partition])? {
        Some(stored) if stored.first() != Some(told) => Err(Fault::not_supported(
            "rows of one id in several partitions of an elastic table",
        )),
        _ => Ok(()),
    }
}

/// Gives a new row its partition.
pub(crate) fn complete(table: &Table, id: &str, written: &mut Written) -> Result<()> {
    let Some((partition, _)) = table.partition() else {
        return Ok(());
    };
    if !written.lookups.is_empty() || !written.collections.is_empty() {
        return Err(Fault::bad_request(format!(
            "Related rows cannot be written together with a row of the elastic table '{}'.",
            table.logical_name
        )));
    }
    if !matches!(written.value(partition), Some(Stored::Text(_))) {
        written.set(partition, Stored::Text(id.to_owned()));
    }
    Ok(())
}

/// Adds the session token to the answer to a write.
pub(crate) fn with_session(call: &Call<'_>, table: &Table, answer: Answer) -> Result<Answer> {
    if !table.is_elastic() {
        return Ok(answer);
    }
    let version = call.store.current_version()?;
    Ok(answer.with(SESSION, &format!("240:8#{version}#7=-1")))
}

/// Deletes rows whose time has come.
pub(crate) fn end_rows(call: &Call<'_>, catalog: &Catalog) -> Result<()> {
    for table in catalog.tables().filter(|table| table.is_elastic()) {
        if table.column_named(LIFETIME).is_none() || table.column_named("modifiedon").is_none() {
            continue;
        }
        call.store.make(table)?;
        let sql = format!(
            "SELECT {} FROM {} WHERE {LIFETIME} IS NOT NULL \
             AND unixepoch(modifiedon) + {LIFETIME} <= ?",
            quoted(&table.primary_id),
            base(&table.logical_name)
        );
        let ended: Vec<String> = call
            .store
            .connection
            .prepare_cached(&sql)?
            .query_map([call.now.timestamp()], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in ended {
            write::delete_row(call, table, &id)?;
        }
    }
    Ok(())
}
