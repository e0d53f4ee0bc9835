//! States of rows and their reasons.

use std::collections::BTreeMap;

use http::StatusCode;

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::value::Stored;
use crate::write::Written;

/// What definitions tell of states: the reasons of each, and the one that it has unless another is
/// said.
#[derive(Debug, Clone, Default)]
pub(crate) struct States {
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

/// Completes a change of state, or refuses one that has a reason of another state.
pub(crate) fn complete(table: &Table, written: &mut Written) -> Result<()> {
    let place = |name: &str| table.column_named(name).map(|(place, _)| place);
    let (Some(state_place), Some(reason_place)) = (place("statecode"), place("statuscode")) else {
        return Ok(());
    };
    let Some(Stored::Integer(state)) = written.value(state_place).cloned() else {
        return Ok(());
    };
    let states = &table.states;
    match written.value(reason_place) {
        Some(Stored::Integer(reason)) if !states.reasons.is_empty() => {
            match states.reasons.get(reason) {
                Some(of) if *of == state => Ok(()),
                _ => Err(invalid(table, state, *reason)),
            }
        }
        Some(_) => Ok(()),
        None => {
            let mut known = DEFAULTS.iter();
            let known = known.find(|(name, _)| *name == table.logical_name);
            let known = known.and_then(|(_, defaults)| {
                let mut defaults = defaults.iter();
                defaults
                    .find(|(of, _)| *of == state)
                    .map(|(_, reason)| *reason)
            });
            let reason = states.default_reasons.get(&state).copied().or(known);
            if let Some(reason) = reason {
                written.set(reason_place, Stored::Integer(reason));
            }
            Ok(())
        }
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
