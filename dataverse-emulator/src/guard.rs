//! What a user may not write: rows, owners, lookups, secured columns.

use crate::catalog::{Kind, Table};
use crate::fault::Result;
use crate::security::Right;
use crate::service::{BUSINESS_UNIT, Call};
use crate::value::Stored;
use crate::write::Written;

/// Lookups that say to whom a row belongs, which is not appending it.
const BELONGING: &[&str] = &["ownerid", "owninguser", "owningteam", "owningbusinessunit"];

/// Refuses values that a body gives to a new row.
pub(crate) fn check_new_values(call: &Call<'_>, table: &Table, written: &Written) -> Result<()> {
    if call.access.is_none() || table.is_intersect {
        return Ok(());
    }
    call.require(table, Right::Create)?;
    check_columns(call, table, written, true)?;
    if check_lookups(call, table, written)? {
        call.require(table, Right::Append)?;
    }
    Ok(())
}

/// Refuses a new row that is out of reach; gives the business unit that it belongs to.
pub(crate) fn check_new_row(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    written: &Written,
) -> Result<String> {
    let owner = text(table, written, "ownerid");
    let unit = match (text(table, written, "owningbusinessunit"), owner) {
        (Some(unit), _) => unit,
        (None, Some(owner)) => call.business_unit_of(owner),
        (None, None) => BUSINESS_UNIT,
    };
    if let Some(access) = call.access.as_ref().filter(|_| !table.is_intersect) {
        access.check_new(table, id, owner, Some(unit))?;
    }
    Ok(unit.to_owned())
}

/// Refuses a change of a row; the business unit goes with a new owner.
pub(crate) fn check_change(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    written: &mut Written,
) -> Result<()> {
    if call.access.is_none() || table.is_intersect {
        return Ok(());
    }
    let owner = text(table, written, "ownerid").map(str::to_owned);
    let mut values = written.values().iter();
    let only_owner =
        values.all(|(place, _)| BELONGING.contains(&table.columns[*place].logical_name.as_str()));
    if owner.is_none() || !only_owner {
        call.check(table, id, Right::Write)?;
    }
    if let Some(owner) = owner {
        let place = table.column_named("ownerid").map(|(place, _)| place);
        let old = match place {
            Some(place) => call.store.values(table, id, &[place])?,
            None => None,
        };
        if old != Some(vec![Stored::Text(owner.clone())]) {
            call.check(table, id, Right::Assign)?;
        }
        let unit = call.business_unit_of(&owner).to_owned();
        if let Some((place, column)) = table.column_named("owningbusinessunit")
            && matches!(column.kind, Kind::Lookup(_))
            && written.value(place).is_none()
        {
            written.point(table, place, Some(("businessunit", &unit)));
        }
    }
    check_columns(call, table, written, false)?;
    if check_lookups(call, table, written)? {
        call.check(table, id, Right::Append)?;
    }
    Ok(())
}

fn check_columns(call: &Call<'_>, table: &Table, written: &Written, is_new: bool) -> Result<()> {
    let Some(access) = &call.access else {
        return Ok(());
    };
    for (place, _) in written.values() {
        access.check_column(table, &table.columns[*place].logical_name, is_new)?;
    }
    Ok(())
}

/// Refuses to point lookups at rows that may not be appended to; says whether there are any.
fn check_lookups(call: &Call<'_>, table: &Table, written: &Written) -> Result<bool> {
    let mut any = false;
    for (place, value) in written.values() {
        let column = &table.columns[*place];
        let (Kind::Lookup(targets), Stored::Text(id)) = (&column.kind, value) else {
            continue;
        };
        if BELONGING.contains(&column.logical_name.as_str()) {
            continue;
        }
        let single = match &targets[..] {
            [target] => Some(target.as_str()),
            _ => None,
        };
        let target = written.target(*place).or(single);
        if let Some(target) = target.and_then(|name| call.catalog.by_name(name)) {
            call.check(target, id, Right::AppendTo)?;
            any = true;
        }
    }
    Ok(any)
}

fn text<'w>(table: &Table, written: &'w Written, column: &str) -> Option<&'w str> {
    let (place, _) = table.column_named(column)?;
    match written.value(place) {
        Some(Stored::Text(text)) => Some(text),
        _ => None,
    }
}
