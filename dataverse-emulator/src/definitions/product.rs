//! What comes with the product: names and choices of its tables, and the states of those that
//! requests make.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::known::label;
use super::table::object;
use super::{Given, Members, complete};
use crate::fault::Result;

/// By table and column: the shown name, and options. Of a state, the third value of an option is its
/// usual reason; of a reason, its state.
const CHOICES: &str = include_str!("../../standard/choices.json");

/// By table: schema name, shown name, shown name of several, type code.
const TABLES: &str = include_str!("../../standard/tables.json");

/// Which tables of [`CHOICES`] those are like that requests make.
const NEW_TABLE: &str = "*";

type Choices = BTreeMap<String, BTreeMap<String, Vec<Value>>>;

fn choices() -> Choices {
    serde_json::from_str(CHOICES).unwrap_or_default()
}

fn tables() -> BTreeMap<String, (String, String, String, u32)> {
    serde_json::from_str(TABLES).unwrap_or_default()
}

/// What the tables of the product declare.
pub(crate) fn given() -> Result<Given> {
    let mut given = Given::default();
    for (table, (schema, shown, plural, code)) in tables() {
        let members = object(json!({
            "SchemaName": schema,
            "DisplayName": label(Some(&shown)),
            "DisplayCollectionName": label(Some(&plural)),
            "ObjectTypeCode": code,
        }));
        given.tell_table(&table, &members);
    }
    for (table, columns) in choices() {
        for (name, options) in columns.iter().filter(|_| table != NEW_TABLE) {
            given.tell_column(&table, name, column(&table, name, options)?);
        }
    }
    Ok(given)
}

/// The columns of states and reasons of a table that is made, with their names.
pub(super) fn states(table: &str) -> Result<Vec<(String, Members)>> {
    let columns = choices().remove(NEW_TABLE).unwrap_or_default();
    let columns = columns.into_iter();
    columns
        .map(|(name, options)| {
            let members = column(table, &name, &options)?;
            Ok((name, members))
        })
        .collect()
}

/// The definition of a column of a choice.
fn column(table: &str, name: &str, choice: &[Value]) -> Result<Members> {
    let kind = match name {
        "statecode" => "State",
        "statuscode" => "Status",
        _ => "Picklist",
    };
    let mut options = Vec::new();
    for told in choice.iter().skip(1) {
        let mut option = json!({ "Value": told[0], "Label": label(told[1].as_str()) });
        match kind {
            "State" => {
                option["DefaultStatus"] = told[2].clone();
                option["InvariantName"] = told[1].clone();
            }
            "Status" => option["State"] = told[2].clone(),
            _ => {}
        }
        options.push(option);
    }
    let mut choice_set = object(json!({
        "Name": format!("{table}_{name}"),
        "IsGlobal": false,
        "OptionSetType": kind,
        "Options": options,
    }));
    complete::choice(&mut choice_set)?;
    let shown = choice.first().and_then(Value::as_str);
    let mut members = object(json!({
        "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
        "SchemaName": name,
        "DisplayName": label(shown),
        "IsCustomAttribute": false,
        "OptionSet": choice_set,
        "GlobalOptionSet": null,
    }));
    complete::column(&mut members, table, name)?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_usual_reason_and_every_reason_its_state() {
        assert!(tables().contains_key("account"));
        let choices = choices();
        assert!(choices.contains_key(NEW_TABLE));
        for (table, columns) in choices {
            let pairs = |column: &str| -> Vec<(i64, i64)> {
                let options = columns.get(column).into_iter().flatten().skip(1);
                let pair = |option: &Value| Some((option[0].as_i64()?, option[2].as_i64()?));
                options.filter_map(pair).collect()
            };
            let (states, reasons) = (pairs("statecode"), pairs("statuscode"));
            assert!(!states.is_empty() && !reasons.is_empty(), "{table}");
            for (state, reason) in &states {
                assert!(reasons.contains(&(*reason, *state)), "{table} {state}");
            }
            for (reason, state) in &reasons {
                let known = states.iter().any(|(known, _)| known == state);
                assert!(known, "{table} {reason}");
            }
        }
    }
}
