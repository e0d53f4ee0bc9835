//! Actions and functions.

use http::{Method, StatusCode};

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::file;
use crate::message::Answer;
use crate::parameter::{existing, object, of_action, structured};
use crate::query::check_options;
use crate::search;
use crate::service::{Call, ORGANIZATION};
use crate::sharing;
use crate::store::base;
use crate::url::Segment;
use crate::value::{Stored, write_string};
use crate::write::{Written, read, update};
use crate::{
    address, auto_number, bulk_delete, closing, duplicate, handler, initialize, organization,
};

/// Answers an unbound operation.
pub(crate) fn answer(call: &Call<'_>, segment: &Segment) -> Result<Answer> {
    if let Some(answer) = handler::answer(call, &segment.name, segment, None)? {
        return Ok(answer);
    }
    if let Some(answer) = file::answer_message(call, segment)? {
        return Ok(answer);
    }
    if let Some(answer) = search::answer(call, segment)? {
        return Ok(answer);
    }
    let is_function = match segment.name.as_str() {
        "WhoAmI"
        | "RetrieveTotalRecordCount"
        | "RetrieveCurrentOrganization"
        | "FormatAddress"
        | "InitializeFrom"
        | "RetrieveDuplicates" => true,
        "Merge"
        | "GrantAccess"
        | "ModifyAccess"
        | "RevokeAccess"
        | "BulkDelete"
        | "BulkDetectDuplicates" => false,
        name if closing::is_one(name) || auto_number::is_one(name) => false,
        // A table is known in URLs by its entity set.
        name if call.catalog.by_name(name).is_some() => {
            return Err(Fault::unknown_segment(name));
        }
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
        "RetrieveCurrentOrganization" => Ok(organization::current(call)),
        "RetrieveTotalRecordCount" => total_record_count(call, segment),
        name if closing::is_one(name) => closing::answer(call, name),
        "GrantAccess" => sharing::grant(call, false),
        "ModifyAccess" => sharing::grant(call, true),
        "RevokeAccess" => sharing::revoke(call),
        "BulkDelete" => bulk_delete::answer(call),
        "BulkDetectDuplicates" => duplicate::detect(call),
        "RetrieveDuplicates" => duplicate::retrieve(call, segment),
        "FormatAddress" => address::answer(call, segment),
        "InitializeFrom" => initialize::answer(call, segment),
        name if auto_number::is_one(name) => auto_number::answer(call, name),
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
        ",\"BusinessUnitId\":\"{}\",\"UserId\":\"{}\",\
         \"OrganizationId\":\"{ORGANIZATION}\"}}",
        call.business_unit_of(call.user()),
        call.user()
    ));
    Answer::json(StatusCode::OK, body)
}

/// How many rows each of the named tables has.
fn total_record_count(call: &Call<'_>, segment: &Segment) -> Result<Answer> {
    let names: Vec<String> = structured(call, segment, "EntityNames")?;
    let mut counts = Vec::new();
    for name in &names {
        let table = call.catalog.by_name(name).ok_or_else(|| {
            Fault::invalid_argument(format!(
                "The entity with a name = '{name}' was not found in the MetadataCache."
            ))
        })?;
        call.store.make(table)?;
        let sql = format!("SELECT count(*) FROM {}", base(name));
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        counts.push(statement.query_row([], |row| row.get::<_, i64>(0))?);
    }
    let context = "$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse";
    let body = serde_json::json!({
        "@odata.context": format!("{}{context}", call.root()),
        "EntityRecordCountCollection": {
            "Count": names.len(),
            "IsReadOnly": false,
            "Keys": names,
            "Values": counts,
        },
    });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}

/// Sets a column, if the table has it.
fn set(written: &mut Written, table: &Table, column: &str, value: Stored) {
    if let Some((place, _)) = table.column_named(column) {
        written.set(place, value);
    }
}

/// Keeps the target, and makes the subordinate inactive.
fn merge(call: &Call<'_>) -> Result<Answer> {
    const INACTIVE: i64 = 1;
    const TABLES: &[&str] = &["account", "contact", "incident", "lead"];
    let parameters = of_action(call)?;
    let (table, target) = existing(call, &object(&parameters, "Target")?)?;
    let (other, subordinate) = existing(call, &object(&parameters, "Subordinate")?)?;
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
            read(call, table, &object(&parameters, "UpdateContent")?)?
        }
        _ => Written::default(),
    };
    call.store.atomically(|| {
        update(call, table, &target, content)?;
        let mut merged = Written::default();
        set(&mut merged, table, "merged", Stored::Integer(1));
        set(&mut merged, table, "masterid", Stored::Text(target.clone()));
        set(&mut merged, table, "statecode", Stored::Integer(INACTIVE));
        update(call, table, &subordinate, merged)
    })?;
    Ok(Answer::no_content())
}
