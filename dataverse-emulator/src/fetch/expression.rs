//! Queries as JSON, `QueryExpression` and `FetchExpression`: rows that actions work on.

use rusqlite::params_from_iter;
use serde_json::Value;

use super::query::{Condition, Entity, Fetch, Part};
use super::sql::{Tables, column};
use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::service::Call;

/// Names of operators, and what they are in FetchXML.
const OPERATORS: &[(&str, &str)] = &[
    ("Equal", "eq"),
    ("NotEqual", "ne"),
    ("GreaterThan", "gt"),
    ("LessThan", "lt"),
    ("GreaterEqual", "ge"),
    ("LessEqual", "le"),
    ("Like", "like"),
    ("NotLike", "not-like"),
    ("In", "in"),
    ("NotIn", "not-in"),
    ("Between", "between"),
    ("NotBetween", "not-between"),
    ("Null", "null"),
    ("NotNull", "not-null"),
    ("BeginsWith", "begins-with"),
    ("DoesNotBeginWith", "not-begin-with"),
    ("EndsWith", "ends-with"),
    ("DoesNotEndWith", "not-end-with"),
    ("On", "on"),
    ("OnOrBefore", "on-or-before"),
    ("OnOrAfter", "on-or-after"),
];

/// Deeper filters are refused.
const MAX_DEPTH: usize = 64;

/// The rows that a query finds.
pub(crate) fn found<'c>(call: &'c Call<'c>, query: &Value) -> Result<(&'c Table, Vec<String>)> {
    let entity = match query["Query"].as_str() {
        Some(xml) => Fetch::parse(xml)?.entity,
        None => entity(query)?,
    };
    let table = call.catalog.by_name(&entity.name);
    let table = table.ok_or_else(|| Fault::unknown_entity(&entity.name))?;
    let tables = Tables::new(call, table, &entity)?;
    let id = column("t", table, &table.primary_id)?;
    let sql = format!(
        "SELECT DISTINCT {} FROM {}{}",
        id.sql,
        tables.from.sql,
        tables.condition.clause()
    );
    let values = [tables.from.values.clone(), tables.condition.values.clone()].concat();
    let mut statement = call.store.connection.prepare(&sql)?;
    let ids = statement.query_map(params_from_iter(&values), |row| row.get(0))?;
    Ok((table, ids.collect::<rusqlite::Result<_>>()?))
}

fn wrong(what: &str) -> Fault {
    Fault::invalid_argument(format!("The query is no QueryExpression: {what}."))
}

fn entity(query: &Value) -> Result<Entity> {
    let links = query["LinkEntities"].as_array();
    if links.is_some_and(|links| !links.is_empty()) {
        return Err(Fault::not_supported("LinkEntities of a QueryExpression"));
    }
    let name = query["EntityName"]
        .as_str()
        .ok_or_else(|| wrong("it has no EntityName"))?;
    let mut entity = Entity {
        name: name.to_owned(),
        ..Entity::default()
    };
    if query["Criteria"].is_object() {
        entity.filters.push(filter(&query["Criteria"], 0)?);
    }
    Ok(entity)
}

fn filter(json: &Value, depth: usize) -> Result<Part> {
    if depth > MAX_DEPTH {
        return Err(Fault::too_many_conditions());
    }
    let list = |name: &str| json[name].as_array().cloned().unwrap_or_default();
    let mut parts = Vec::new();
    for one in list("Conditions") {
        parts.push(Part::Condition(condition(&one)?));
    }
    for one in list("Filters") {
        parts.push(filter(&one, depth + 1)?);
    }
    Ok(Part::Filter {
        is_or: json["FilterOperator"] == "Or",
        parts,
    })
}

fn condition(json: &Value) -> Result<Condition> {
    let told = json["Operator"].as_str().unwrap_or("Equal");
    let operator = OPERATORS.iter().find(|(name, _)| *name == told);
    let (_, operator) = operator.ok_or_else(|| {
        Fault::not_supported(format!("the operator `{told}` of a QueryExpression"))
    })?;
    let attribute = json["AttributeName"].as_str();
    let values = json["Values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|value| {
            // An object that tells its type, or the value itself.
            let value = value.get("Value").unwrap_or(value);
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        });
    Ok(Condition {
        entity: None,
        attribute: attribute
            .ok_or_else(|| wrong("a condition has no AttributeName"))?
            .to_owned(),
        operator: (*operator).to_owned(),
        values: values.collect(),
        value_of: None,
    })
}
