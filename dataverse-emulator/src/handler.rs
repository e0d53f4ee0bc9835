//! Actions and functions that a program answers itself.

use std::collections::HashMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::{Answer, Asked};
use crate::parameter;
use crate::query::{check_options, single};
use crate::service::Call;
use crate::url::{Segment, split_outside, text_literal};
use crate::value::write_string;
use crate::write;

type Handler = dyn Fn(&ActionCall<'_>) -> Result<Option<String>, ActionError> + Send + Sync;

/// Operations that programs answer, by name.
#[derive(Default, Clone)]
pub(crate) struct Handlers {
    by_name: HashMap<String, (Method, Arc<Handler>)>,
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// A call of an action or a function that a program answers.
///
/// What it writes is kept if the answer is one, and undone if it is an error. It is the user's
/// request: what the user may not do is refused.
pub struct ActionCall<'c> {
    call: &'c Call<'c>,
    name: &'c str,
    row: Option<(&'c Table, String)>,
    parameters: String,
}

/// Why an action is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.code, .0.message)]
pub struct ActionError(Fault);

impl ActionError {
    /// A refusal as that of a plug-in that throws: 400 with code 0x80040265.
    pub fn new(message: impl Into<String>) -> Self {
        ActionError::with_code(400, "0x80040265", message)
    }

    /// A refusal with a status and a code. A status that there is not is 500.
    pub fn with_code(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        ActionError(Fault::new(status, code, message))
    }
}

impl From<Fault> for ActionError {
    fn from(fault: Fault) -> Self {
        ActionError(fault)
    }
}

impl ActionCall<'_> {
    /// The name of the operation, without a namespace.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The row that the operation is bound to: logical name of the table, and id.
    pub fn row(&self) -> Option<(&str, &str)> {
        let (table, id) = self.row.as_ref()?;
        Some((&table.logical_name, id))
    }

    /// The parameters as a JSON object; those of a function as they would stand in a body.
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    /// The id of the user who calls.
    pub fn user(&self) -> &str {
        self.call.user()
    }

    /// A row as JSON, as a read without `$select` has it.
    ///
    /// Errors: there is no such row, or the user may not read it.
    pub fn retrieve(&self, table: &str, id: &str) -> Result<String, ActionError> {
        let table = self.table(table)?;
        self.call.store.make(table)?;
        let answer = single(self.call, table, id, StatusCode::OK, None)?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Creates a row from a JSON object, as a create has it; gives its id.
    ///
    /// Errors: what a create would be refused for.
    pub fn create(&self, table: &str, json: &str) -> Result<String, ActionError> {
        let table = self.table(table)?;
        let members = write::members(json.as_bytes(), &table.entity_set)?;
        let written = write::read(self.call, table, &members)?;
        Ok(write::insert(self.call, table, written)?)
    }

    /// Changes a row by a JSON object, as an update has it.
    ///
    /// Errors: what an update would be refused for.
    pub fn update(&self, table: &str, id: &str, json: &str) -> Result<(), ActionError> {
        let table = self.table(table)?;
        if self.call.store.version(table, id)?.is_none() {
            return Err(Fault::missing_row(&table.logical_name, id).into());
        }
        let members = write::members(json.as_bytes(), &table.entity_set)?;
        let written = write::read(self.call, table, &members)?;
        Ok(write::update(self.call, table, id, written)?)
    }

    fn table(&self, name: &str) -> Result<&Table> {
        let found = self.call.catalog.by_name(name);
        found.ok_or_else(|| Fault::unknown_entity(name))
    }
}

impl Handlers {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether one of them answers a request of this verb with this path.
    pub(crate) fn answers(&self, asked: &Asked) -> bool {
        let path = asked.target.split('?').next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let name = last.split('(').next().unwrap_or_default();
        let name = name.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(name);
        let found = self.by_name.get(name);
        found.is_some_and(|(method, _)| asked.method == *method)
    }

    /// Adds one; false if the document does not declare the operation.
    pub(crate) fn add(&mut self, document: &str, name: &str, handler: Arc<Handler>) -> bool {
        let declares = |kind: &str| document.contains(&format!("<{kind} Name=\"{name}\""));
        let method = if declares("Action") {
            Method::POST
        } else if declares("Function") {
            Method::GET
        } else {
            return false;
        };
        self.by_name.insert(name.to_owned(), (method, handler));
        true
    }
}

/// Answers an operation that a program has taken over; None if it has not.
pub(crate) fn answer(
    call: &Call<'_>,
    name: &str,
    segment: &Segment,
    row: Option<(&Table, String)>,
) -> Result<Option<Answer>> {
    let Some((method, handler)) = call.handlers.by_name.get(name) else {
        return Ok(None);
    };
    if call.asked.method != *method {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    let parameters = match *method {
        Method::GET => of_function(call, segment)?,
        _ if call.asked.body.is_empty() => "{}".to_owned(),
        _ => {
            // What is no JSON object is refused here, and nobody else has to.
            parameter::of_action(call)?;
            String::from_utf8_lossy(&call.asked.body).into_owned()
        }
    };
    let action = ActionCall {
        call,
        name,
        row,
        parameters,
    };
    let told = call
        .store
        .atomically(|| handler(&action).map_err(|ActionError(fault)| fault))?;
    let Some(told) = told else {
        return Ok(Some(Answer::no_content()));
    };
    let is_no_object = |fault: Fault| {
        Fault::internal(format!(
            "the answer of `{name}` is no JSON object: {}",
            fault.message
        ))
    };
    let members = write::members(told.as_bytes(), "").map_err(is_no_object)?;
    let mut body = String::from("{\"@odata.context\":");
    let context = match returned_table(call, name) {
        Some(table) => format!("{}$metadata#{}/$entity", call.root(), table.entity_set),
        None => format!(
            "{}$metadata#Microsoft.Dynamics.CRM.{name}Response",
            call.root()
        ),
    };
    write_string(&context, &mut body);
    // Numbers keep their digits, and members their order.
    let inside = told.trim().strip_prefix('{').unwrap_or("}");
    body.push_str(if members.is_empty() { "" } else { "," });
    body.push_str(inside);
    Ok(Some(Answer::json(StatusCode::OK, body)))
}

/// The table of which an operation returns a row.
fn returned_table<'c>(call: &Call<'c>, name: &str) -> Option<&'c Table> {
    let kinds = ["Action", "Function"];
    let mut declared = kinds.iter().filter_map(|kind| {
        let (_, behind) = call
            .document
            .split_once(&format!("<{kind} Name=\"{name}\""))?;
        behind.split(&format!("</{kind}>")).next()
    });
    let (_, returned) = declared.next()?.split_once("<ReturnType Type=\"")?;
    let returned = returned.split('"').next()?;
    call.catalog.by_name(returned.rsplit('.').next()?)
}

/// The parameters in the URL of a function, as they would stand in a body.
fn of_function(call: &Call<'_>, segment: &Segment) -> Result<String> {
    let mut parameters = Map::new();
    let arguments = segment.arguments.as_deref().unwrap_or_default();
    for part in split_outside(arguments, ',') {
        if part.trim().is_empty() {
            continue;
        }
        let (name, told) = part.split_once('=').ok_or_else(|| {
            Fault::bad_request(format!("'{part}' is no parameter of a function."))
        })?;
        let told = told.trim();
        let told = match told.starts_with('@') {
            true => call.address.option(told).unwrap_or("null"),
            false => told,
        };
        parameters.insert(name.trim().to_owned(), literal(told));
    }
    Ok(Value::Object(parameters).to_string())
}

/// A value of a URL as JSON: members of enum types and GUIDs are text.
fn literal(told: &str) -> Value {
    if let Some(text) = text_literal(told) {
        return text.into();
    }
    let json = serde_json::from_str(told);
    json.or_else(|_| serde_json::from_str(&told.replace('\'', "\"")))
        .unwrap_or_else(|_| {
            // `Microsoft.Dynamics.CRM.EntityFilters'Entity'`.
            let member = told
                .split_once('\'')
                .map(|(_, rest)| rest.trim_end_matches('\''));
            member.unwrap_or(told).into()
        })
}
