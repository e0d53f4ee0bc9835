//! `MetadataFilterExpression`: conditions in a query of `RetrieveMetadataChanges`.

use serde_json::Value;

use super::Members;
use crate::fault::{Fault, Result};

/// Deeper expressions are refused.
const MAX_DEPTH: usize = 32;

/// A condition on definitions.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    One {
        property: String,
        operator: String,
        value: String,
    },
}

impl Condition {
    /// Reads an expression; a missing one is met by everything.
    pub(super) fn read(expression: &Value) -> Result<Self> {
        read(expression, 0)
    }

    pub(super) fn fits(&self, item: &Members) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|condition| condition.fits(item)),
            Condition::Any(any) => any.iter().any(|condition| condition.fits(item)),
            Condition::One {
                property,
                operator,
                value,
            } => is_met(item.get(property).unwrap_or(&Value::Null), operator, value),
        }
    }
}

fn read(expression: &Value, depth: usize) -> Result<Condition> {
    if expression.is_null() {
        return Ok(Condition::All(Vec::new()));
    }
    if depth > MAX_DEPTH {
        return Err(Fault::invalid_argument("The expression is too deep."));
    }
    let list = |name: &str| expression[name].as_array().into_iter().flatten();
    let mut members = Vec::new();
    for condition in list("Conditions") {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        members.push(Condition::One {
            property: text(&condition["PropertyName"]),
            operator: text(&condition["ConditionOperator"]),
            value: text(&condition["Value"]["Value"]),
        });
    }
    for filter in list("Filters") {
        members.push(read(filter, depth + 1)?);
    }
    for condition in &members {
        if let Condition::One { operator, .. } = condition
            && !OPERATORS.contains(&operator.as_str())
        {
            return Err(Fault::invalid_argument(format!(
                "'{operator}' is no MetadataConditionOperator."
            )));
        }
    }
    match expression["FilterOperator"].as_str() {
        // With nothing to meet, everything does.
        Some("Or") if !members.is_empty() => Ok(Condition::Any(members)),
        Some("And" | "Or") | None => Ok(Condition::All(members)),
        Some(other) => Err(Fault::invalid_argument(format!(
            "'{other}' is no LogicalOperator."
        ))),
    }
}

const OPERATORS: &[&str] = &[
    "Equals",
    "NotEquals",
    "In",
    "NotIn",
    "GreaterThan",
    "LessThan",
];

fn is_met(found: &Value, operator: &str, wanted: &str) -> bool {
    let equals = |wanted: &str| match found {
        Value::String(text) => text == wanted,
        Value::Bool(value) => wanted.eq_ignore_ascii_case(&value.to_string()),
        Value::Number(number) => number.to_string() == wanted,
        // A managed property, the name of a type.
        Value::Object(_) => match &found["Value"] {
            Value::String(text) => text == wanted,
            Value::Bool(value) => wanted.eq_ignore_ascii_case(&value.to_string()),
            _ => false,
        },
        _ => wanted.is_empty() || wanted == "null",
    };
    let is_in = || list(wanted).iter().any(|wanted| equals(wanted));
    let order = || {
        let number = wanted.parse::<f64>().ok()?;
        found.as_f64()?.partial_cmp(&number)
    };
    match operator {
        "Equals" => equals(wanted),
        "NotEquals" => !equals(wanted),
        "In" => is_in(),
        "NotIn" => !is_in(),
        "GreaterThan" => order().is_some_and(std::cmp::Ordering::is_gt),
        _ => order().is_some_and(std::cmp::Ordering::is_lt),
    }
}

/// `['a','b']`, or the same in double quotes.
fn list(text: &str) -> Vec<String> {
    let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
    let items = crate::url::split_outside(inside, ',');
    let plain = |item: &str| {
        let item = item.trim();
        let bare = item.trim_matches('"').to_owned();
        crate::url::text_literal(item).unwrap_or(bare)
    };
    items.into_iter().map(plain).collect()
}
