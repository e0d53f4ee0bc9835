//! Messages that close a row and keep the closing activity.

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter::{missing, object, of_action};
use crate::service::Call;
use crate::value::Stored;
use crate::write::{Written, insert, read, update};

/// A message that closes rows of a table.
struct Closing {
    name: &'static str,
    /// The parameter with the activity.
    parameter: &'static str,
    activity: &'static str,
    table: &'static str,
    /// The lookup of the activity that leads to the row.
    lookup: &'static str,
    state: i64,
    /// The reason that `-1` stands for.
    reason: i64,
}

const CLOSINGS: &[Closing] = &[
    Closing {
        name: "WinOpportunity",
        parameter: "OpportunityClose",
        activity: "opportunityclose",
        table: "opportunity",
        lookup: "opportunityid",
        state: 1,
        reason: 3,
    },
    Closing {
        name: "LoseOpportunity",
        parameter: "OpportunityClose",
        activity: "opportunityclose",
        table: "opportunity",
        lookup: "opportunityid",
        state: 2,
        reason: 4,
    },
    Closing {
        name: "CloseIncident",
        parameter: "IncidentResolution",
        activity: "incidentresolution",
        table: "incident",
        lookup: "incidentid",
        state: 1,
        reason: 5,
    },
];

/// Whether a message closes rows.
pub(crate) fn is_one(name: &str) -> bool {
    CLOSINGS.iter().any(|closing| closing.name == name)
}

/// Closes the row that the activity in the body leads to.
pub(crate) fn answer(call: &Call<'_>, name: &str) -> Result<Answer> {
    let unknown = || Fault::unknown_segment(name);
    let mut closings = CLOSINGS.iter();
    let closing = closings.find(|closing| closing.name == name);
    let closing = closing.ok_or_else(unknown)?;
    let parameters = of_action(call)?;
    let status: i64 = parameters
        .get("Status")
        .and_then(|json| json.get().parse().ok())
        .ok_or_else(|| missing("Status"))?;
    let activity_row = object(&parameters, closing.parameter)?;
    let (Some(table), Some(activity)) = (
        call.catalog.by_name(closing.table),
        call.catalog.by_name(closing.activity),
    ) else {
        return Err(unknown());
    };
    let activity_row = read(call, activity, &activity_row)?;
    let id = activity
        .column_named(closing.lookup)
        .and_then(|(place, _)| activity_row.value(place).cloned());
    let Some(Stored::Text(id)) = id else {
        return Err(missing(closing.lookup));
    };
    let mut closed = Written::default();
    let reason = match status {
        -1 => closing.reason,
        reason => reason,
    };
    set(&mut closed, table, "statecode", closing.state);
    set(&mut closed, table, "statuscode", reason);
    call.store.atomically(|| {
        insert(call, activity, activity_row)?;
        update(call, table, &id, closed)
    })?;
    Ok(Answer::no_content())
}

/// Sets a column, if the table has it.
fn set(written: &mut Written, table: &Table, column: &str, value: i64) {
    if let Some((place, _)) = table.column_named(column) {
        written.set(place, Stored::Integer(value));
    }
}
