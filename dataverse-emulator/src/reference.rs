//! Rows that bodies and query options name by URL.

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::row_key::RowKey;
use crate::service::Call;
use crate::url::Address;

/// The row that a URL or `$1` names; it must exist.
pub(crate) fn existing<'c>(call: &Call<'c>, url: &str) -> Result<(&'c Table, String)> {
    let (table, key) = named(call, url)?;
    let id = key.require(call.store, table)?;
    Ok((table, id))
}

/// The key that a URL or `$1` names.
pub(crate) fn named<'c>(call: &Call<'c>, url: &str) -> Result<(&'c Table, RowKey)> {
    if url.starts_with('$') {
        let (table, id) = call.content(url)?;
        return Ok((table, RowKey::Id(id)));
    }
    let url = match url.contains("://") || url.starts_with("/api/data/") {
        true => url.to_owned(),
        false => format!("/api/data/v9.2/{}", url.trim_start_matches('/')),
    };
    let not_a_row = || Fault::bad_request(format!("'{url}' is not the URL of a row."));
    let address = Address::parse(&url)?;
    let [segment] = &address.segments[..] else {
        return Err(not_a_row());
    };
    let table = call
        .catalog
        .by_set(&segment.name)
        .ok_or_else(|| Fault::unknown_segment(&segment.name))?;
    let arguments = segment.arguments.as_deref().ok_or_else(not_a_row)?;
    Ok((table, RowKey::parse(table, arguments)?))
}
