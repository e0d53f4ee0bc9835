//! Solutions that requests name: what is written becomes a component of one.
//!
//! Components are not kept. A solution that there is not is refused, so that a mistyped name is seen.

use http::Method;

use crate::fault::{Fault, Result};
use crate::service::Call;
use crate::value::Stored;

/// The header that names one.
const HEADER: &str = "mscrm.solutionuniquename";
/// The option and the parameter of actions that do.
pub(crate) const PARAMETER: &str = "SolutionUniqueName";
/// Those that every org has.
const SYSTEM: &[&str] = &["active", "basic", "default", "system"];

/// Refuses a request that writes into a solution that there is not.
pub(crate) fn check(call: &Call<'_>) -> Result<()> {
    let first = call.address.segments.first();
    // The parts of a batch have headers of their own.
    if call.asked.method == Method::GET || first.is_some_and(|first| first.name == "$batch") {
        return Ok(());
    }
    let told = [call.asked.header(HEADER), call.address.option(PARAMETER)];
    told.into_iter()
        .flatten()
        .try_for_each(|name| check_name(call, name))
}

/// Refuses a name that no row of `solution` has, or only one that is managed.
pub(crate) fn check_name(call: &Call<'_>, name: &str) -> Result<()> {
    let name = name.trim();
    let lower = name.to_lowercase();
    // Without the table nobody could have made one.
    let Some(table) = call.catalog.by_name("solution") else {
        return Ok(());
    };
    let Some((_, column)) = table.column_named("uniquename") else {
        return Ok(());
    };
    if name.is_empty() || SYSTEM.contains(&lower.as_str()) {
        return Ok(());
    }
    let found = call
        .store
        .find(table, &[(column, Stored::Text(name.to_owned()))])?;
    let Some(id) = found else {
        return Err(Fault::invalid_argument(format!(
            "The solution unique name '{name}' is not valid: there is no such solution. Create a \
             row of 'solutions' with this 'uniquename' first."
        )));
    };
    let managed = table.column_named("ismanaged").map(|(place, _)| place);
    let managed = match managed {
        Some(place) => call.store.values(table, &id, &[place])?,
        None => None,
    };
    if managed == Some(vec![Stored::Integer(1)]) {
        return Err(Fault::invalid_argument(format!(
            "The solution '{name}' is managed; components are added to unmanaged ones."
        )));
    }
    Ok(())
}
