//! Privileges by name, as messages and refusals tell them.

use http::StatusCode;
use serde_json::json;

use super::config::{Depth, Right, Role, is_activity};
use crate::catalog::Table;
use crate::definitions::stable_id;
use crate::fault::Result;
use crate::message::Answer;
use crate::service::{BUSINESS_UNIT, Call};

/// Tables whose privileges have names of their own.
const NAMES: &[(&str, &str)] = &[
    ("annotation", "Note"),
    ("businessunit", "BusinessUnit"),
    ("queueitem", "QueueItem"),
    ("systemuser", "User"),
];

/// Type codes of tables that every org has. Source: `ObjectTypeCode` of recorded definitions.
const TYPE_CODES: &[(&str, u32)] = &[
    ("account", 1),
    ("contact", 2),
    ("opportunity", 3),
    ("lead", 4),
    ("annotation", 5),
    ("systemuser", 8),
    ("team", 9),
    ("businessunit", 10),
    ("incident", 112),
    ("activitypointer", 4200),
];

/// The first code of tables that an org has made.
const FIRST_CUSTOM_CODE: u32 = 10_000;

/// `prvReadAccount`. Tables with a prefix keep their logical name behind it.
pub(super) fn name(table: &Table, right: Right) -> String {
    let logical = table.logical_name.as_str();
    let known = NAMES.iter().find(|(name, _)| *name == logical);
    let of = match known {
        Some((_, name)) => (*name).to_owned(),
        None if is_activity(table) => "Activity".to_owned(),
        None if logical.contains('_') => logical.to_owned(),
        None => {
            let mut chars = logical.chars();
            let first = chars.next().map(|first| first.to_uppercase().to_string());
            format!("{}{}", first.unwrap_or_default(), chars.as_str())
        }
    };
    format!("prv{right}{of}")
}

/// The id of a privilege: the same in every run.
pub(super) fn id(name: &str) -> String {
    stable_id(&format!("privilege/{name}"))
}

/// The type code of a table: its own, or one that is the same in every run.
pub(super) fn type_code(table: &Table) -> u32 {
    let name = match is_activity(table) {
        true => "activitypointer",
        false => table.logical_name.as_str(),
    };
    let known = TYPE_CODES.iter().find(|(known, _)| *known == name);
    known.map_or_else(
        || {
            let sum = name.bytes().fold(0u32, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(byte.into())
            });
            FIRST_CUSTOM_CODE + sum % 10_000
        },
        |(_, code)| *code,
    )
}

/// How many privileges roles name.
pub(super) fn count<'r>(roles: impl Iterator<Item = &'r Role>) -> usize {
    roles.map(Role::count).sum()
}

/// `RetrieveUserPrivileges` of a user: each privilege with the depth of each role that gives it.
pub(crate) fn retrieve_user_privileges(call: &Call<'_>, user: &str) -> Result<Answer> {
    let mut held = Vec::new();
    let mut tell = |table: &Table, right: Right, depth: Depth, unit: &str| {
        let name = name(table, right);
        held.push(json!({
            "Depth": depth.wire_name(),
            "PrivilegeId": id(&name),
            "BusinessUnitId": unit,
            "PrivilegeName": name,
            "RecordFilterId": uuid::Uuid::nil(),
            "RecordFilterUniqueName": "",
        }));
    };
    // Activities of all kinds share their privileges, which are told once.
    let tables = call
        .catalog
        .tables()
        .filter(|table| !is_activity(table) || table.logical_name == "activitypointer");
    let holder = call.access.as_ref().map(|access| access.holder_of(user));
    for table in tables.filter(|table| !table.is_intersect) {
        for right in Right::ALL {
            match &holder {
                None => tell(table, right, Depth::Organization, BUSINESS_UNIT),
                Some(holder) => {
                    for (role, unit) in holder.roles() {
                        if let Some(depth) = role.depth(table, right) {
                            tell(table, right, depth, unit);
                        }
                    }
                }
            }
        }
    }
    let context = "$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse";
    let body = json!({
        "@odata.context": format!("{}{context}", call.root()),
        "RolePrivileges": held,
    });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}
