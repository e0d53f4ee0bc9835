//! Sharing rows with users and teams. What was granted counts where there is security.

use http::StatusCode;
use rusqlite::{OptionalExtension, params};

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter;
use crate::security::Right;
use crate::service::{Call, USER};
use crate::url::Segment;
use crate::value::{Stored, write_string};
use crate::write::Members;

/// Rights and their bits, as `AccessRights` has them in a document.
const RIGHTS: &[(&str, i64)] = &[
    ("ReadAccess", 1),
    ("WriteAccess", 1 << 1),
    ("AppendAccess", 1 << 2),
    ("AppendToAccess", 1 << 4),
    ("CreateAccess", 1 << 5),
    ("DeleteAccess", 1 << 16),
    ("ShareAccess", 1 << 18),
    ("AssignAccess", 1 << 19),
];

/// Reads `"ReadAccess, WriteAccess"`.
fn mask(names: &str) -> Option<i64> {
    if names.trim() == "None" {
        return Some(0);
    }
    names.split(',').try_fold(0, |mask, name| {
        let mut rights = RIGHTS.iter();
        let (_, bit) = rights.find(|(known, _)| *known == name.trim())?;
        Some(mask | bit)
    })
}

fn names(mask: i64) -> String {
    let held = RIGHTS.iter().filter(|(_, bit)| mask & bit != 0);
    let names: Vec<_> = held.map(|(name, _)| *name).collect();
    match names.is_empty() {
        true => "None".to_owned(),
        false => names.join(", "),
    }
}

fn principal(call: &Call<'_>, row: &Members) -> Result<String> {
    let (table, id) = parameter::existing(call, row)?;
    match table.logical_name.as_str() {
        "systemuser" | "team" => Ok(id),
        other => Err(Fault::invalid_argument(format!(
            "A row of '{other}' is no principal: rows are shared with users and teams."
        ))),
    }
}

/// `GrantAccess` adds rights to those that a principal has been granted, `ModifyAccess` replaces
/// them.
pub(crate) fn grant(call: &Call<'_>, replaces: bool) -> Result<Answer> {
    let parameters = parameter::of_action(call)?;
    let (table, id) = parameter::existing(call, &parameter::object(&parameters, "Target")?)?;
    call.check(table, &id, Right::Share)?;
    let access = parameter::object(&parameters, "PrincipalAccess")?;
    let principal = principal(call, &parameter::object(&access, "Principal")?)?;
    let granted = access
        .get("AccessMask")
        .and_then(|json| serde_json::from_str::<String>(json.get()).ok())
        .and_then(|names| mask(&names))
        .ok_or_else(|| parameter::missing("AccessMask"))?;
    let held = match replaces {
        true => 0,
        false => shared(call, table, &id, &principal)?,
    };
    let sql = "INSERT OR REPLACE INTO \"@shared\" (name, id, principal, rights) \
               VALUES (?, ?, ?, ?)";
    let mut statement = call.store.connection.prepare_cached(sql)?;
    statement.execute(params![table.logical_name, id, principal, held | granted])?;
    Ok(Answer::no_content())
}

/// `RevokeAccess`: takes all rights away that were granted.
pub(crate) fn revoke(call: &Call<'_>) -> Result<Answer> {
    let parameters = parameter::of_action(call)?;
    let (table, id) = parameter::existing(call, &parameter::object(&parameters, "Target")?)?;
    call.check(table, &id, Right::Share)?;
    let principal = principal(call, &parameter::object(&parameters, "Revokee")?)?;
    let sql = "DELETE FROM \"@shared\" WHERE name = ? AND id = ? AND principal = ?";
    let mut statement = call.store.connection.prepare_cached(sql)?;
    statement.execute(params![table.logical_name, id, principal])?;
    Ok(Answer::no_content())
}

/// Forgets what was granted on a row, or to a principal, that is deleted.
pub(crate) fn forget(call: &Call<'_>, table: &Table, id: &str) -> Result<()> {
    let sql = "DELETE FROM \"@shared\" WHERE (name = ?1 AND id = ?2) OR principal = ?2";
    let mut statement = call.store.connection.prepare_cached(sql)?;
    statement.execute(params![table.logical_name, id])?;
    Ok(())
}

fn shared(call: &Call<'_>, table: &Table, id: &str, principal: &str) -> Result<i64> {
    let sql = "SELECT rights FROM \"@shared\" WHERE name = ? AND id = ? AND principal = ?";
    let mut statement = call.store.connection.prepare_cached(sql)?;
    let values = params![table.logical_name, id, principal];
    let rights = statement.query_row(values, |row| row.get(0)).optional()?;
    Ok(rights.unwrap_or_default())
}

/// `RetrievePrincipalAccess` of a user or a team: every right of the owner of the row and of the
/// emulator's own user, else those that were granted.
pub(crate) fn retrieve(call: &Call<'_>, principal: &str, segment: &Segment) -> Result<Answer> {
    let (table, id) = parameter::row(call, segment, "Target")?;
    if let Some(access) = &call.access {
        let rights = access.rights_of(call.store, table, &id, principal)?;
        return Ok(told(call, rights));
    }
    let owner = match table.column_named("ownerid") {
        Some((place, _)) => call.store.values(table, &id, &[place])?,
        None => None,
    };
    let is_owner = owner.is_some_and(|owner| owner == [Stored::Text(principal.to_owned())]);
    let rights = match is_owner || principal == USER {
        true => RIGHTS.iter().map(|(_, bit)| bit).sum(),
        false => shared(call, table, &id, principal)?,
    };
    Ok(told(call, rights))
}

fn told(call: &Call<'_>, rights: i64) -> Answer {
    let mut body = String::from("{\"@odata.context\":");
    let context = "$metadata#Microsoft.Dynamics.CRM.RetrievePrincipalAccessResponse";
    write_string(&format!("{}{context}", call.root()), &mut body);
    body.push_str(",\"AccessRights\":");
    write_string(&names(rights), &mut body);
    body.push('}');
    Answer::json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_and_told_by_name() {
        assert_eq!(mask("DeleteAccess,ReadAccess"), Some(65_537));
        assert_eq!(names(65_537), "ReadAccess, DeleteAccess");
        assert_eq!(mask("None"), Some(0));
        assert_eq!(names(0), "None");
        assert_eq!(mask("EveryAccess"), None);
    }
}
