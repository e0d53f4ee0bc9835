//! States of rows and their reasons.

use std::collections::BTreeMap;

use http::StatusCode;

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::service::Call;
use crate::value::Stored;
use crate::write::Written;

/// What definitions tell of states: which there are, the reasons of each, and the one that it has
/// unless another is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct States {
    pub(crate) states: Vec<i64>,
    pub(crate) default_reasons: BTreeMap<i64, i64>,
    /// The state of each reason.
    pub(crate) reasons: BTreeMap<i64, i64>,
}

/// Reasons of tables that come with the product: state and its default reason. A document does not
/// tell them.
const DEFAULTS: &[(&str, &[(i64, i64)])] = &[
    ("account", &[(0, 1), (1, 2)]),
    ("contact", &[(0, 1), (1, 2)]),
    ("incident", &[(0, 1), (1, 5), (2, 6)]),
    ("lead", &[(0, 1), (1, 3), (2, 4)]),
    ("opportunity", &[(0, 1), (1, 3), (2, 4)]),
    ("task", &[(0, 2), (1, 5), (2, 6)]),
];

impl States {
    /// Whether the table has this state, as far as definitions tell.
    fn has(&self, state: i64) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// Whether a reason is one of this state, as far as definitions tell.
    fn fits(&self, state: i64, reason: i64) -> bool {
        self.reasons.is_empty() || self.reasons.get(&reason) == Some(&state)
    }
}

/// Where a table has its states and their reasons.
fn place(table: &Table, column: &str) -> Option<usize> {
    table.column(column).map(|(place, _)| place)
}

fn number(value: Option<&Stored>) -> Option<i64> {
    match value {
        Some(Stored::Integer(number)) => Some(*number),
        _ => None,
    }
}

/// The reason that a state has unless another is said.
fn usual_reason(table: &Table, state: i64) -> Option<i64> {
    let states = &table.states;
    let told = states.default_reasons.get(&state).copied();
    let mut reasons = states.reasons.iter();
    let first = || {
        reasons
            .find(|(_, of)| **of == state)
            .map(|(reason, _)| *reason)
    };
    let known = || {
        let mut known = DEFAULTS.iter();
        let (_, defaults) = known.find(|(name, _)| *name == table.logical_name)?;
        let mut defaults = defaults.iter();
        defaults
            .find(|(of, _)| *of == state)
            .map(|(_, reason)| *reason)
    };
    told.or_else(first).or_else(known)
}

/// A reason that asks for the usual one.
const USUAL: i64 = -1;

/// Gives a new row its state and its reason, or refuses those that it is given.
pub(crate) fn begin(table: &Table, written: &mut Written) -> Result<()> {
    for place in [place(table, "statecode"), place(table, "statuscode")] {
        if let Some(place) = place
            && written.value(place) == Some(&Stored::Null)
        {
            written.forget(place);
        }
    }
    forget_usual(table, written);
    let states = &table.states;
    let mut state = 0;
    if let Some(place) = place(table, "statecode") {
        if written.value(place).is_none() {
            let first = states.states.first().copied();
            state = first.filter(|_| !states.has(0)).unwrap_or(0);
            written.set(place, Stored::Integer(state));
        } else if let Some(told) = number(written.value(place)) {
            state = told;
        }
    }
    let Some(place) = place(table, "statuscode") else {
        return Ok(());
    };
    let reason = match written.value(place) {
        None => {
            let usual = usual_reason(table, state).unwrap_or(1);
            written.set(place, Stored::Integer(usual));
            usual
        }
        told => match number(told) {
            Some(reason) => reason,
            None => return Ok(()),
        },
    };
    match states.has(state) && states.fits(state, reason) {
        true => Ok(()),
        false => Err(invalid(table, state, reason)),
    }
}

/// Completes a change of state, or refuses one that has a reason of another state.
pub(crate) fn complete(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    written: &mut Written,
) -> Result<()> {
    let (Some(state_place), Some(reason_place)) =
        (place(table, "statecode"), place(table, "statuscode"))
    else {
        return Ok(());
    };
    forget_usual(table, written);
    let states = &table.states;
    let told = number(written.value(state_place));
    let reason = number(written.value(reason_place));
    let state = match (told, reason) {
        (Some(state), _) => state,
        // A reason without a state is one of the state that the row has.
        (None, Some(reason)) if !states.reasons.is_empty() => {
            let row = call.store.values(table, id, &[state_place])?;
            let state = row.as_ref().and_then(|row| number(row.first()));
            match state {
                Some(state) if !states.fits(state, reason) => {
                    return Err(invalid(table, state, reason));
                }
                _ => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    if let (None, Some(usual)) = (written.value(reason_place), usual_reason(table, state)) {
        written.set(reason_place, Stored::Integer(usual));
    }
    let reason = number(written.value(reason_place));
    match states.has(state) && reason.is_none_or(|reason| states.fits(state, reason)) {
        true => Ok(()),
        false => Err(invalid(table, state, reason.unwrap_or(-1))),
    }
}

/// The usual reason is what a body without one gets.
fn forget_usual(table: &Table, written: &mut Written) {
    if let Some(place) = place(table, "statuscode")
        && number(written.value(place)) == Some(USUAL)
    {
        written.forget(place);
    }
}

fn invalid(table: &Table, state: i64, reason: i64) -> Fault {
    Fault::new(
        StatusCode::BAD_REQUEST,
        "0x80048408",
        format!(
            "State code is invalid or state code is valid but status code is invalid for a \
             specified state code. ({}: statecode {state}, statuscode {reason})",
            table.logical_name
        ),
    )
}
