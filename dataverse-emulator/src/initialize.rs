//! `InitializeFrom`: the values that a new row takes over from another.
//!
//! An org maps columns of one table to columns of another. Which, neither a document nor definitions
//! tell; between rows of one table it maps none, and only the lookup is set that leads to the other
//! row.

use http::StatusCode;
use serde_json::{Value, json};

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter::{missing, of_function, row, text};
use crate::security::Right;
use crate::service::Call;
use crate::url::Segment;

/// Lookups that the service fills.
const FILLED: &[&str] = &[
    "createdby",
    "createdonbehalfby",
    "masterid",
    "modifiedby",
    "modifiedonbehalfby",
    "ownerid",
    "owningteam",
    "owninguser",
];

/// What the values shall be for.
const TYPES: &[&str] = &["All", "ValidForCreate", "ValidForUpdate", "ValidForRead"];

/// Answers the function.
pub(crate) fn answer(call: &Call<'_>, segment: &Segment) -> Result<Answer> {
    let (source, id) = row(call, segment, "EntityMoniker")?;
    let target = text(call, segment, "TargetEntityName")?;
    let target = call
        .catalog
        .by_name(&target)
        .ok_or_else(|| Fault::unknown_entity(&target))?;
    let told = of_function(call, segment, "TargetFieldType");
    let told = told.and_then(|told| told.strip_prefix("Microsoft.Dynamics.CRM.TargetFieldType'"));
    let told = told.and_then(|told| told.strip_suffix('\''));
    if !told.is_some_and(|told| TYPES.contains(&told)) {
        return Err(missing("TargetFieldType"));
    }
    call.check(source, &id, Right::Read)?;
    if source.logical_name != target.logical_name {
        return Err(Fault::not_supported(format!(
            "InitializeFrom from '{}' to '{}', between which an org maps columns",
            source.logical_name, target.logical_name
        )));
    }
    let mut body = json!({
        "@odata.context": format!("{}$metadata#{}/$entity", call.root(), target.entity_set),
        "@odata.type": format!("#Microsoft.Dynamics.CRM.{}", target.logical_name),
    });
    if let Some(navigation) = back(source, target)? {
        let bound = format!("{}({id})", source.entity_set);
        body[format!("{navigation}@odata.bind")] = Value::String(bound);
    }
    let answer = Answer::json(StatusCode::OK, body.to_string());
    Ok(answer.applied(&["return=representation".to_owned()]))
}

/// The navigation property of a new row that leads to the row that it comes from.
fn back<'t>(source: &Table, target: &'t Table) -> Result<Option<&'t str>> {
    let leads = target.navigations.iter().filter(|(_, navigation)| {
        let column = &target.columns[navigation.column].logical_name;
        navigation.targets.contains(&source.logical_name) && !FILLED.contains(&column.as_str())
    });
    let mut names: Vec<&str> = leads.map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names[..] {
        [] => Ok(None),
        [name] => Ok(Some(name)),
        _ => Err(Fault::not_supported(format!(
            "InitializeFrom to '{}', of which several lookups lead there: {}",
            target.logical_name,
            names.join(", ")
        ))),
    }
}
