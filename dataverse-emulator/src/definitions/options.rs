//! Actions that change definitions: tables in one go, lookups of several tables, options of choices,
//! publishing.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Members;
use super::change::{Change, Changer, body};
use super::complete;
use super::custom::{Told, text};
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::service::Call;
use crate::solution;
use crate::url::Segment;

const ACTIONS: &[&str] = &[
    "CreateEntities",
    "CreateCustomerRelationships",
    "CreatePolymorphicLookupAttribute",
    "PublishXml",
    "PublishAllXml",
    "InsertOptionValue",
    "InsertStatusValue",
    "UpdateOptionValue",
    "UpdateStateValue",
    "DeleteOptionValue",
    "OrderOption",
];

/// Whether the segment is such an action.
pub(super) fn is_asked(first: &Segment) -> bool {
    ACTIONS.contains(&first.name.as_str()) && first.arguments.is_none()
}

/// Answers such an action.
pub(super) fn answer(mut changer: Changer<'_>, first: &Segment) -> Result<Change> {
    let call = changer.source.call;
    if call.asked.method != Method::POST {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.{}Response",
        call.root(),
        first.name
    );
    let answer = match first.name.as_str() {
        // What is written is in force at once.
        "PublishXml" | "PublishAllXml" => Answer::no_content(),
        "CreateEntities" => {
            let mut parameters = body(call)?;
            let Some(Value::Array(tables)) = parameters.remove("Entities") else {
                return Err(missing("Entities"));
            };
            for table in tables {
                let Value::Object(table) = table else {
                    return Err(missing("Entities"));
                };
                changer.create_table(table)?;
            }
            Answer::json(
                StatusCode::OK,
                json!({ "@odata.context": context }).to_string(),
            )
        }
        name @ ("CreateCustomerRelationships" | "CreatePolymorphicLookupAttribute") => {
            let parameters = body(call)?;
            check_solution(call, &parameters)?;
            let is_customer = name == "CreateCustomerRelationships";
            let made = changer.create_lookup_of_several(is_customer, &parameters)?;
            let body = json!({
                "@odata.context": context,
                "RelationshipIds": made.relationships,
                "AttributeId": made.column,
            });
            Answer::json(StatusCode::OK, body.to_string())
        }
        name => {
            let parameters = body(call)?;
            check_solution(call, &parameters)?;
            let value = options(&mut changer, name, &parameters)?;
            match value {
                Some(value) => {
                    let body = json!({ "@odata.context": context, "NewOptionValue": value });
                    Answer::json(StatusCode::OK, body.to_string())
                }
                None => Answer::no_content(),
            }
        }
    };
    Ok(changer.done(answer))
}

/// Refuses a parameter that names a solution that there is not.
fn check_solution(call: &Call<'_>, parameters: &Members) -> Result<()> {
    match text(parameters, solution::PARAMETER) {
        Some(name) => solution::check_name(call, name),
        None => Ok(()),
    }
}

fn missing(name: &str) -> Fault {
    Fault::invalid_argument(format!(
        "Required field '{name}' is missing or of another type."
    ))
}

/// Changes the options of a choice; gives the value of a new one.
fn options(changer: &mut Changer<'_>, action: &str, parameters: &Members) -> Result<Option<i64>> {
    if let Some(name) = text(parameters, "OptionSetName") {
        let choice = changer.custom.choices.get(name).cloned();
        let mut choice = choice
            .or_else(|| changer.source.given.choice(name).cloned())
            .ok_or_else(|| {
                Fault::invalid_argument(format!("There is no global choice '{name}'."))
            })?;
        let value = change(&mut choice, action, parameters)?;
        complete::choice(&mut choice)?;
        changer.custom.choices.insert(name.to_owned(), choice);
        return Ok(value);
    }
    let table =
        text(parameters, "EntityLogicalName").ok_or_else(|| missing("EntityLogicalName"))?;
    let name = text(parameters, "AttributeLogicalName");
    let name = name.unwrap_or(match action {
        "InsertStatusValue" => "statuscode",
        "UpdateStateValue" => "statecode",
        _ => "",
    });
    let columns = changer.source.part(table, "Attributes");
    let columns = columns.map(|(columns, _)| columns).unwrap_or_default();
    let mut columns = columns.into_iter();
    let column = columns.find(|column| text(column, "LogicalName") == Some(name));
    let mut column = column.ok_or_else(|| Fault::unknown_attribute(table, name))?;
    let Some(Value::Object(choice)) = column.get_mut("OptionSet") else {
        return Err(Fault::invalid_argument(format!(
            "The attribute '{name}' of '{table}' has no options that are known."
        )));
    };
    let value = change(choice, action, parameters)?;
    complete::column(&mut column, table, name)?;
    let known = changer.custom.columns.entry(table.to_owned()).or_default();
    let is_new = known.get(name).is_some_and(|told| told.is_new);
    let told = Told {
        is_new,
        members: column,
    };
    known.insert(name.to_owned(), told);
    Ok(value)
}

fn change(choice: &mut Members, action: &str, parameters: &Members) -> Result<Option<i64>> {
    let Some(Value::Array(options)) = choice.get_mut("Options") else {
        return Err(Fault::invalid_argument("The choice has no options."));
    };
    let values: Vec<i64> = options
        .iter()
        .filter_map(|option| option["Value"].as_i64())
        .collect();
    let value = parameters.get("Value").and_then(Value::as_i64);
    let place = |value: Option<i64>| {
        let value = value.ok_or_else(|| missing("Value"))?;
        let place = values.iter().position(|known| *known == value);
        place.ok_or_else(|| Fault::invalid_argument(format!("The choice has no option {value}.")))
    };
    match action {
        "InsertOptionValue" | "InsertStatusValue" => {
            let value = value.unwrap_or_else(|| complete::next_value(&values));
            if values.contains(&value) {
                return Err(Fault::invalid_argument(format!(
                    "The choice has an option {value} already."
                )));
            }
            if action == "InsertStatusValue" && !parameters.contains_key("StateCode") {
                return Err(missing("StateCode"));
            }
            let mut option = Members::new();
            option.insert("Value".to_owned(), value.into());
            for (name, told) in [
                ("Label", "Label"),
                ("Description", "Description"),
                ("Color", "Color"),
                ("ExternalValue", "ExternalValue"),
                ("State", "StateCode"),
            ] {
                if let Some(told) = parameters.get(told) {
                    option.insert(name.to_owned(), told.clone());
                }
            }
            options.push(Value::Object(option));
            Ok(Some(value))
        }
        "UpdateOptionValue" | "UpdateStateValue" => {
            let place = place(value)?;
            if let Some(reason) = parameters.get("DefaultStatusCode") {
                options[place]["DefaultStatus"] = reason.clone();
            }
            let merge = parameters.get("MergeLabels") == Some(&Value::Bool(true));
            for name in ["Label", "Description", "Color", "ExternalValue"] {
                if let Some(told) = parameters.get(name) {
                    let mut told = told.clone();
                    if merge {
                        complete::merge_labels(&options[place][name], &mut told);
                    }
                    options[place][name] = told;
                }
            }
            Ok(None)
        }
        "DeleteOptionValue" => {
            options.remove(place(value)?);
            Ok(None)
        }
        _ => {
            let wanted = parameters.get("Values").and_then(Value::as_array);
            let wanted = wanted.ok_or_else(|| missing("Values"))?;
            options.sort_by_key(|option| {
                let place = wanted.iter().position(|value| *value == option["Value"]);
                place.unwrap_or(wanted.len())
            });
            Ok(None)
        }
    }
}
