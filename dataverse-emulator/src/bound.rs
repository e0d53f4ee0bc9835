//! Operations that are bound to a table or to a row.

use http::Method;

use crate::bulk;
use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter;
use crate::query::check_options;
use crate::row_key::RowKey;
use crate::security::{Right, retrieve_user_privileges};
use crate::service::Call;
use crate::url::Segment;
use crate::value::{Stored, guid};
use crate::write::{Written, update};
use crate::{associate, handler, qualify, queue, sharing};

/// What the names of bound operations begin with.
const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";

/// The name of a bound operation, if the segment is one.
pub(crate) fn name(segment: &Segment) -> Option<&str> {
    segment.name.strip_prefix(NAMESPACE)
}

/// Answers an operation that is bound to a table: `POST accounts/Microsoft.Dynamics.CRM.{name}`.
pub(crate) fn on_table(call: &Call<'_>, table: &Table, segment: &Segment) -> Result<Answer> {
    let name = name(segment).unwrap_or_default();
    if let Some(answer) = handler::answer(call, name, segment, None)? {
        return Ok(answer);
    }
    let Some(message) = bulk::Message::named(name) else {
        return Err(Fault::not_supported(format!(
            "the bound operation `{NAMESPACE}{name}`"
        )));
    };
    if call.asked.method != Method::POST {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    bulk::answer(call, table, message)
}

/// Answers an operation that is bound to a row: `accounts(…)/Microsoft.Dynamics.CRM.{name}`.
pub(crate) fn on_row(
    call: &Call<'_>,
    table: &Table,
    key: &RowKey,
    segment: &Segment,
) -> Result<Answer> {
    let name = name(segment).unwrap_or_default();
    if call.handlers.has(name) {
        let id = key.require(call.store, table)?;
        call.check(table, &id, Right::Read)?;
        if let Some(answer) = handler::answer(call, name, segment, Some((table, id)))? {
            return Ok(answer);
        }
    }
    let method = match (table.logical_name.as_str(), name) {
        ("systemuser" | "team", "RetrievePrincipalAccess")
        | ("systemuser", "RetrieveUserPrivileges") => Method::GET,
        ("queue", "AddToQueue") | ("lead", "QualifyLead") | ("role", "AddPrivilegesRole") => {
            Method::POST
        }
        _ => {
            return Err(Fault::not_supported(format!(
                "the bound operation `{NAMESPACE}{name}`"
            )));
        }
    };
    if call.asked.method != method {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    let id = key.require(call.store, table)?;
    match name {
        "RetrieveUserPrivileges" => retrieve_user_privileges(call, &id),
        "RetrievePrincipalAccess" => sharing::retrieve(call, &id, segment),
        "QualifyLead" => qualify::answer(call, table, &id),
        "AddPrivilegesRole" => add_privileges(call, table, &id),
        _ => queue::add(call, table, &id),
    }
}

/// How far a privilege reaches, and how `roleprivileges` tells it.
const REACHES: &[(&str, i64)] = &[("Basic", 1), ("Local", 2), ("Deep", 4), ("Global", 8)];

/// Tells how far a privilege of a role reaches; false if the role does not have it, or no table tells.
fn reach_anew(call: &Call<'_>, role: &str, privilege: &str, reach: i64) -> Result<bool> {
    let Some(pairs) = call.catalog.by_name("roleprivileges") else {
        return Ok(false);
    };
    let column = |name: &str| pairs.column_named(name);
    let (Some((_, of_role)), Some((_, of_privilege)), Some((place, _))) = (
        column("roleid"),
        column("privilegeid"),
        column("privilegedepthmask"),
    ) else {
        return Ok(false);
    };
    let text = |id: &str| Stored::Text(id.to_owned());
    let pair = [(of_role, text(role)), (of_privilege, text(privilege))];
    let Some(id) = call.store.find(pairs, &pair)? else {
        return Ok(false);
    };
    let mut written = Written::default();
    written.set(place, Stored::Integer(reach));
    update(call, pairs, &id, written)?;
    Ok(true)
}

/// Puts privileges into a role; one that the role has reaches as far as is told now.
fn add_privileges(call: &Call<'_>, roles: &Table, role: &str) -> Result<Answer> {
    /// A member of `Privileges`.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Held {
        privilege_id: String,
        depth: String,
    }
    let parameters = parameter::of_action(call)?;
    let held = parameters.get("Privileges");
    let held: Option<Vec<Held>> = held.and_then(|json| serde_json::from_str(json.get()).ok());
    let held = held.ok_or_else(|| parameter::missing("Privileges"))?;
    let privileges = call
        .catalog
        .by_name("privilege")
        .ok_or_else(|| Fault::unknown_segment("AddPrivilegesRole"))?;
    call.check(roles, role, Right::Write)?;
    call.store.atomically(|| {
        for Held {
            privilege_id,
            depth,
        } in &held
        {
            let reach = REACHES.iter().find(|(name, _)| name == depth);
            let (_, reach) = reach.ok_or_else(|| parameter::missing("Depth"))?;
            let id = guid(privilege_id).ok_or_else(|| parameter::missing("PrivilegeId"))?;
            if call.store.version(privileges, &id)?.is_none() {
                return Err(Fault::missing_row(&privileges.logical_name, &id));
            }
            if !reach_anew(call, role, &id, *reach)? {
                let collection = "roleprivileges_association";
                associate::add(call, roles, role, collection, privileges, &id)?;
                reach_anew(call, role, &id, *reach)?;
            }
        }
        Ok(())
    })?;
    Ok(Answer::no_content())
}

/// The refusal for a segment behind a table that is nothing: possibly an operation without its
/// namespace.
pub(crate) fn unknown(segment: &Segment) -> Fault {
    match bulk::Message::named(&segment.name) {
        Some(_) => Fault::bad_request("Request message has unresolved parameters."),
        None => Fault::unknown_segment(&segment.name),
    }
}
