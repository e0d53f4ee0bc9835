//! The states that every table has which is made: active and inactive, with one reason each.

use serde_json::{Value, json};

use super::Members;
use super::complete;
use super::known::label;
use super::table::object;
use crate::fault::Result;

/// State, its name, and its reason.
const STATES: &[(i64, &str, i64)] = &[(0, "Active", 1), (1, "Inactive", 2)];

/// The definitions of the columns of states and reasons of a table, with their names.
pub(super) fn columns(table: &str) -> Result<[(&'static str, Members); 2]> {
    let states = STATES.iter().map(|(state, name, reason)| {
        json!({
            "Value": state, "Label": label(Some(name)),
            "DefaultStatus": reason, "InvariantName": name,
        })
    });
    let reasons = STATES.iter().map(|(state, name, reason)| {
        json!({ "Value": reason, "Label": label(Some(name)), "State": state })
    });
    Ok([
        (
            "statecode",
            column(table, "State", "Status", states.collect())?,
        ),
        (
            "statuscode",
            column(table, "Status", "Status Reason", reasons.collect())?,
        ),
    ])
}

fn column(table: &str, kind: &str, shown: &str, options: Vec<Value>) -> Result<Members> {
    let name = format!("{}code", kind.to_lowercase());
    let mut choice = object(json!({
        "Name": format!("{table}_{name}"),
        "IsGlobal": false,
        "OptionSetType": kind,
        "Options": options,
    }));
    complete::choice(&mut choice)?;
    let mut members = object(json!({
        "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
        "SchemaName": name,
        "DisplayName": label(Some(shown)),
        "IsCustomAttribute": false,
        "OptionSet": choice,
        "GlobalOptionSet": null,
    }));
    complete::column(&mut members, table, &name)?;
    Ok(members)
}
