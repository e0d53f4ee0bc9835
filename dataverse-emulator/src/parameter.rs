//! What functions and actions are given.

use http::HeaderMap;

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::reference;
use crate::service::Call;
use crate::url::{Segment, split_outside, text_literal};
use crate::value::{Stored, guid};
use crate::write::{self, Members};

/// The parameters in the body of an action.
pub(crate) fn of_action(call: &Call<'_>) -> Result<Members> {
    write::members(&call.asked.body, "")
}

/// A parameter is missing or not as it should be.
pub(crate) fn missing(name: &str) -> Fault {
    Fault::invalid_argument(format!(
        "Required field '{name}' is missing or of another type."
    ))
}

/// The members of a parameter that is a row or a complex value.
pub(crate) fn object(parameters: &Members, name: &str) -> Result<Members> {
    let json = parameters.get(name).ok_or_else(|| missing(name))?;
    serde_json::from_str(json.get()).map_err(|_| missing(name))
}

fn keyless() -> Fault {
    Fault::bad_request("EdmEntityObject passed should have the key property value set.")
}

/// The row that a parameter names by `@odata.type` and primary key; it must exist.
pub(crate) fn existing<'c>(call: &Call<'c>, row: &Members) -> Result<(&'c Table, String)> {
    let told = write::told_type(row).ok_or_else(keyless)?;
    let name = told.strip_prefix("Microsoft.Dynamics.CRM.");
    let table = name
        .and_then(|name| call.catalog.by_name(name))
        .ok_or_else(keyless)?;
    // The key of users and teams is also known as that of the principal they are.
    let key = row.get(&table.primary_id).or_else(|| row.get("ownerid"));
    let id = key
        .and_then(|json| serde_json::from_str::<String>(json.get()).ok())
        .and_then(|id| guid(&id))
        .ok_or_else(keyless)?;
    match call.store.version(table, &id)? {
        Some(_) => Ok((table, id)),
        None => Err(Fault::missing_row(&table.logical_name, &id)),
    }
}

/// What the URL of a function says of a parameter: `F(A=1)`, or `F(A=@p)?@p=1`.
pub(crate) fn of_function<'c>(
    call: &'c Call<'_>,
    segment: &'c Segment,
    name: &str,
) -> Option<&'c str> {
    let arguments = segment.arguments.as_deref()?;
    let told = split_outside(arguments, ',').into_iter().find_map(|part| {
        let (known, told) = part.split_once('=')?;
        (known.trim() == name).then(|| told.trim())
    })?;
    match told.starts_with('@') {
        true => call.address.option(told),
        false => Some(told),
    }
}

/// A parameter of a function that is text.
pub(crate) fn text(call: &Call<'_>, segment: &Segment, name: &str) -> Result<String> {
    let told = of_function(call, segment, name).ok_or_else(|| missing(name))?;
    text_literal(told.trim()).ok_or_else(|| missing(name))
}

/// A parameter of a function that is an array or an object, with quotes of either kind.
pub(crate) fn structured<T: serde::de::DeserializeOwned>(
    call: &Call<'_>,
    segment: &Segment,
    name: &str,
) -> Result<T> {
    let told = of_function(call, segment, name).ok_or_else(|| missing(name))?;
    serde_json::from_str(told)
        .or_else(|_| serde_json::from_str(&told.replace('\'', "\"")))
        .map_err(|_| missing(name))
}

/// The row that a function is given, by URL or by type and key.
pub(crate) fn row<'c>(
    call: &Call<'c>,
    segment: &Segment,
    name: &str,
) -> Result<(&'c Table, String)> {
    let row: Members = structured(call, segment, name)?;
    let Some(json) = row.get("@odata.id") else {
        return existing(call, &row);
    };
    let url: String = serde_json::from_str(json.get()).map_err(|_| missing(name))?;
    reference::existing(call, &url)
}

/// Who a request is done as: the user that a header names, if one does.
pub(crate) fn caller(call: &Call<'_>) -> Result<Option<String>> {
    let headers: &HeaderMap = &call.asked.headers;
    let told = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        Some(text.trim().to_owned())
    };
    let (told, column) = match (told("callerobjectid"), told("mscrmcallerid")) {
        (Some(id), _) => (id, "azureactivedirectoryobjectid"),
        (None, Some(id)) => (id, "systemuserid"),
        (None, None) => return Ok(None),
    };
    let refused = || {
        Fault::cannot_act(format!(
            "There is no user whose `{column}` is '{told}' to act on behalf of."
        ))
    };
    let id = guid(&told).ok_or_else(refused)?;
    let users = call.catalog.by_name("systemuser").ok_or_else(refused)?;
    let (_, column) = users.column_named(column).ok_or_else(refused)?;
    let found = call.store.find(users, &[(column, Stored::Text(id))])?;
    let found = found.ok_or_else(refused)?;
    Ok((found != call.signed_in).then_some(found))
}
