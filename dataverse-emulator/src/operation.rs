//! Actions and functions.

use http::{Method, StatusCode};

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::service::{BUSINESS_UNIT, Call, ORGANIZATION, USER};
use crate::url::Segment;
use crate::value::{Stored, guid, write_string};
use crate::write::{Members, Written, insert, members, read, update};

/// Answers an unbound operation.
pub(crate) fn answer(call: &Call<'_>, segment: &Segment) -> Result<Answer> {
    let is_function = match segment.name.as_str() {
        "WhoAmI" => true,
        "WinOpportunity" | "Merge" => false,
        name if call.document.contains(&format!(" Name=\"{name}\"")) => {
            return Err(Fault::not_supported(format!(
                "the operation or type `{name}`"
            )));
        }
        name => return Err(Fault::unknown_segment(name)),
    };
    let method = if is_function {
        Method::GET
    } else {
        Method::POST
    };
    if call.asked.method != method {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    match segment.name.as_str() {
        "WhoAmI" => Ok(who_am_i(call)),
        "WinOpportunity" => win_opportunity(call),
        _ => merge(call),
    }
}

fn who_am_i(call: &Call<'_>) -> Answer {
    let mut body = String::from("{\"@odata.context\":");
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
        call.root()
    );
    write_string(&context, &mut body);
    body.push_str(&format!(
        ",\"BusinessUnitId\":\"{BUSINESS_UNIT}\",\"UserId\":\"{USER}\",\
         \"OrganizationId\":\"{ORGANIZATION}\"}}"
    ));
    Answer::json(StatusCode::OK, body)
}

fn parameters(call: &Call<'_>) -> Result<Members> {
    members(&call.asked.body, "")
}

fn missing(name: &str) -> Fault {
    Fault::invalid_argument(format!(
        "Required field '{name}' is missing or of another type."
    ))
}

/// The members of a parameter that is a row.
fn row(parameters: &Members, name: &str) -> Result<Members> {
    let json = parameters.get(name).ok_or_else(|| missing(name))?;
    serde_json::from_str(json.get()).map_err(|_| missing(name))
}

/// The table that `@odata.type` names.
fn table_of<'c>(call: &Call<'c>, row: &Members) -> Result<&'c Table> {
    let told = row
        .get("@odata.type")
        .and_then(|json| serde_json::from_str::<String>(json.get()).ok());
    let table = told.as_deref().and_then(|name| {
        let name = name
            .trim_start_matches('#')
            .strip_prefix("Microsoft.Dynamics.CRM.")?;
        call.catalog.by_name(name)
    });
    table.ok_or_else(|| {
        Fault::bad_request("EdmEntityObject passed should have the key property value set.")
    })
}

/// The row that a parameter names by its primary key; it must exist.
fn existing<'c>(call: &Call<'c>, row: &Members) -> Result<(&'c Table, String)> {
    let table = table_of(call, row)?;
    let id = row
        .get(&table.primary_id)
        .and_then(|json| serde_json::from_str::<String>(json.get()).ok())
        .and_then(|id| guid(&id))
        .ok_or_else(|| {
            Fault::bad_request("EdmEntityObject passed should have the key property value set.")
        })?;
    match call.store.version(table, &id)? {
        Some(_) => Ok((table, id)),
        None => Err(Fault::missing_row(&table.logical_name, &id)),
    }
}

/// Sets a column, if the table has it.
fn set(written: &mut Written, table: &Table, column: &str, value: Stored) {
    if let Some((place, _)) = table.column_named(column) {
        written.set(place, value);
    }
}

/// Closes an opportunity as won, and keeps the closing activity.
fn win_opportunity(call: &Call<'_>) -> Result<Answer> {
    const WON: i64 = 1;
    const DEFAULT_REASON: i64 = 3;
    let parameters = parameters(call)?;
    let status: i64 = parameters
        .get("Status")
        .and_then(|json| json.get().parse().ok())
        .ok_or_else(|| missing("Status"))?;
    let close = row(&parameters, "OpportunityClose")?;
    let (Some(opportunity), Some(activity)) = (
        call.catalog.by_name("opportunity"),
        call.catalog.by_name("opportunityclose"),
    ) else {
        return Err(Fault::unknown_segment("WinOpportunity"));
    };
    let closing = read(call, activity, &close)?;
    let id = activity
        .column_named("opportunityid")
        .and_then(|(place, _)| closing.value(place).cloned());
    let Some(Stored::Text(id)) = id else {
        return Err(missing("opportunityid"));
    };
    call.store.atomically(|| {
        insert(call, activity, closing)?;
        let mut won = Written::default();
        set(&mut won, opportunity, "statecode", Stored::Integer(WON));
        let reason = if status == -1 { DEFAULT_REASON } else { status };
        set(&mut won, opportunity, "statuscode", Stored::Integer(reason));
        update(call, opportunity, &id, won)
    })?;
    Ok(Answer::no_content())
}

/// Keeps the target, and makes the subordinate inactive.
fn merge(call: &Call<'_>) -> Result<Answer> {
    const INACTIVE: i64 = 1;
    const INACTIVE_REASON: i64 = 2;
    const TABLES: &[&str] = &["account", "contact", "incident", "lead"];
    let parameters = parameters(call)?;
    let (table, target) = existing(call, &row(&parameters, "Target")?)?;
    let (other, subordinate) = existing(call, &row(&parameters, "Subordinate")?)?;
    if !TABLES.contains(&table.logical_name.as_str()) || table.logical_name != other.logical_name {
        return Err(Fault::invalid_argument(format!(
            "Merge takes two rows of one table out of {}.",
            TABLES.join(", ")
        )));
    }
    if target == subordinate {
        return Err(Fault::invalid_argument("Merge takes two different rows."));
    }
    let content = match parameters.get("UpdateContent") {
        Some(json) if json.get() != "null" => {
            read(call, table, &row(&parameters, "UpdateContent")?)?
        }
        _ => Written::default(),
    };
    call.store.atomically(|| {
        update(call, table, &target, content)?;
        let mut merged = Written::default();
        set(&mut merged, table, "merged", Stored::Integer(1));
        set(&mut merged, table, "masterid", Stored::Text(target.clone()));
        set(&mut merged, table, "statecode", Stored::Integer(INACTIVE));
        set(
            &mut merged,
            table,
            "statuscode",
            Stored::Integer(INACTIVE_REASON),
        );
        update(call, table, &subordinate, merged)
    })?;
    Ok(Answer::no_content())
}
