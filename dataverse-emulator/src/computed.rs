//! Columns that the service fills from others of the row.

use crate::catalog::Table;
use crate::fault::Result;
use crate::service::Call;
use crate::value::Stored;
use crate::write::Written;

/// The name of a person: first and last name, as orgs in English begin with. A body that tells the
/// name itself is taken at its word.
pub(crate) fn full_name(
    call: &Call<'_>,
    table: &Table,
    id: Option<&str>,
    written: &mut Written,
) -> Result<()> {
    let place = |name: &str| table.column(name).map(|(place, _)| place);
    let (Some(full), Some(first), Some(last)) =
        (place("fullname"), place("firstname"), place("lastname"))
    else {
        return Ok(());
    };
    let parts = [first, last];
    if written.value(full).is_some() || parts.iter().all(|part| written.value(*part).is_none()) {
        return Ok(());
    }
    let old = match id {
        Some(id) => call.store.values(table, id, &parts)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let mut name = String::new();
    for (at, part) in parts.iter().enumerate() {
        if let Some(Stored::Text(part)) = written.value(*part).or(old.get(at))
            && !part.is_empty()
        {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(part);
        }
    }
    let name = match name.is_empty() {
        true => Stored::Null,
        false => Stored::Text(name),
    };
    written.set(full, name);
    Ok(())
}

/// When a row was created that comes from elsewhere: `createdon` is what the body tells, and
/// `overriddencreatedon` becomes the time at which it came.
pub(crate) fn created_on(table: &Table, written: &mut Written, now: &Stored) {
    let place = |name: &str| table.column(name).map(|(place, _)| place);
    if let (Some(overridden), Some(created)) = (place("overriddencreatedon"), place("createdon"))
        && let Some(told @ Stored::Text(_)) = written.value(overridden).cloned()
    {
        written.set(created, told);
        written.set(overridden, now.clone());
    }
}
