//! Creating, changing and deleting definitions.

use http::{HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{DefinitionKey, DefinitionPath};
use crate::definition::{
    ColumnDefinition, KeyDefinition, OptionSetDefinition, RelationshipDefinition, TableDefinition,
};
use crate::error::{Error, Result};
use crate::odata::headers::ODATA_ENTITY_ID;
use crate::odata::key::id_in;
use crate::odata::{Request, Response};
use crate::op::{AfterDoubt, Operation, Replay, Scope};

const MERGE_LABELS: HeaderName = HeaderName::from_static("mscrm.mergelabels");
const SOLUTION: HeaderName = HeaderName::from_static("mscrm.solutionuniquename");

/// Creates a definition; gives its `MetadataId`.
///
/// Shape: `POST EntityDefinitions(LogicalName='account')/Attributes` with the definition as body;
/// `MSCRM.SolutionUniqueName` if a solution is given.
/// Units: seconds to a minute; the service does one at a time.
/// Errors: the service refuses a name that is taken. An attempt without an answer is not repeated.
/// Source: Microsoft Learn, "Create and update table definitions using the Web API" and the pages
/// for columns, relationships, keys and choices.
#[derive(Debug, Clone)]
pub struct CreateDefinition {
    path: DefinitionPath,
    body: Result<String, String>,
    solution: Option<String>,
}

impl CreateDefinition {
    /// A table, with the column that names its rows.
    pub fn table(table: &TableDefinition) -> Self {
        CreateDefinition::new(DefinitionPath::tables(), table)
    }

    /// A column of a table. A lookup is created with its relationship instead.
    pub fn column(table: impl Into<DefinitionKey>, column: &ColumnDefinition) -> Self {
        CreateDefinition::new(DefinitionPath::columns(table), column)
    }

    /// An alternate key of a table; its index is built later.
    pub fn key(table: impl Into<DefinitionKey>, key: &KeyDefinition) -> Self {
        CreateDefinition::new(DefinitionPath::keys(table), key)
    }

    /// A relationship; of one to many, with its lookup.
    pub fn relationship(relationship: impl Into<RelationshipDefinition>) -> Self {
        CreateDefinition::new(DefinitionPath::relationships(), &relationship.into())
    }

    /// A global choice.
    pub fn choice(choice: &OptionSetDefinition) -> Self {
        CreateDefinition::new(DefinitionPath::choices(), choice)
    }

    /// As a component of the unmanaged solution with this unique name.
    #[must_use]
    pub fn in_solution(mut self, unique_name: impl Into<String>) -> Self {
        self.solution = Some(unique_name.into());
        self
    }

    fn new(path: DefinitionPath, definition: &impl Serialize) -> Self {
        CreateDefinition {
            path,
            body: body(definition),
            solution: None,
        }
    }
}

impl Operation for CreateDefinition {
    type Output = Uuid;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let request = Request::new(Method::POST, self.path.path()?);
        let request = with_solution(request, self.solution.as_deref())?;
        Ok(request.json(written(&self.body)?))
    }

    fn decode(&self, response: &Response) -> Result<Uuid> {
        let url = response.success()?.text_of(&ODATA_ENTITY_ID);
        let id = url.and_then(|url| id_in(url.as_bytes()));
        id.ok_or_else(|| {
            Error::decode("the definition was created, but the answer does not tell its id")
        })
    }

    fn replay(&self) -> Replay {
        Replay::IfRefused
    }
}

/// Changes a definition: sends the whole of it, as it was read and then changed.
///
/// Shape: `PUT EntityDefinitions(LogicalName='account')` with the complete definition and
/// `MSCRM.MergeLabels: true`. What is left out falls back to its default, so read first, without
/// a selection; [`Definitions::change_table`] and its like do both.
/// Errors: `is_not_found`.
/// Source: Microsoft Learn, "Create and update table definitions using the Web API".
///
/// [`Definitions::change_table`]: crate::definitions::Definitions::change_table
#[derive(Debug, Clone)]
pub struct UpdateDefinition {
    path: DefinitionPath,
    body: Result<String, String>,
    solution: Option<String>,
    replaces_labels: bool,
}

impl UpdateDefinition {
    /// A table.
    pub fn table(key: impl Into<DefinitionKey>, table: &TableDefinition) -> Self {
        UpdateDefinition::new(DefinitionPath::table(key), table)
    }

    /// A column.
    pub fn column(
        table: impl Into<DefinitionKey>,
        key: impl Into<DefinitionKey>,
        column: &ColumnDefinition,
    ) -> Self {
        UpdateDefinition::new(DefinitionPath::column(table, key), column)
    }

    /// A relationship.
    pub fn relationship(
        key: impl Into<DefinitionKey>,
        relationship: impl Into<RelationshipDefinition>,
    ) -> Self {
        UpdateDefinition::new(DefinitionPath::relationship(key), &relationship.into())
    }

    /// A global choice: its labels. Options are changed on their own, with
    /// [`InsertOptionValue`](super::InsertOptionValue) and its like.
    pub fn choice(key: impl Into<DefinitionKey>, choice: &OptionSetDefinition) -> Self {
        let mut choice = choice.clone();
        let is_boolean = choice.true_option.is_some();
        choice.typed(if is_boolean {
            "BooleanOptionSetMetadata"
        } else {
            "OptionSetMetadata"
        });
        UpdateDefinition::new(DefinitionPath::choice(key), &choice)
    }

    /// As a component of the unmanaged solution with this unique name.
    #[must_use]
    pub fn in_solution(mut self, unique_name: impl Into<String>) -> Self {
        self.solution = Some(unique_name.into());
        self
    }

    /// Deletes labels in languages that the definition does not hold.
    #[must_use]
    pub fn replace_labels(mut self) -> Self {
        self.replaces_labels = true;
        self
    }

    fn new(path: DefinitionPath, definition: &impl Serialize) -> Self {
        UpdateDefinition {
            path,
            body: body(definition),
            solution: None,
            replaces_labels: false,
        }
    }
}

impl Operation for UpdateDefinition {
    type Output = ();

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let merge = if self.replaces_labels {
            "false"
        } else {
            "true"
        };
        let request = Request::new(Method::PUT, self.path.path()?)
            .header(MERGE_LABELS, HeaderValue::from_static(merge));
        let request = with_solution(request, self.solution.as_deref())?;
        Ok(request.json(written(&self.body)?))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// Deletes a definition, and with a table or column all that its rows hold.
///
/// Shape: `DELETE EntityDefinitions(LogicalName='new_bankaccount')`.
/// Errors: `is_not_found`; the service refuses while something depends on it.
/// Source: Microsoft Learn, "Create and update table definitions using the Web API".
#[derive(Debug, Clone)]
pub struct DeleteDefinition {
    path: DefinitionPath,
}

impl DeleteDefinition {
    /// The definition at `path`: [`DefinitionPath::column`] and its like.
    pub fn new(path: DefinitionPath) -> Self {
        DeleteDefinition { path }
    }
}

impl Operation for DeleteDefinition {
    type Output = ();

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        if !self.path.is_one() {
            return Err(Error::input(
                "definitions are deleted one by one: name the one to delete",
            ));
        }
        Ok(Request::new(Method::DELETE, self.path.path()?))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Confirm
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        AfterDoubt::of_delete(refusal)
    }
}

/// The JSON to send; the error's text if there is none.
fn body(definition: &impl Serialize) -> Result<String, String> {
    let mut json = serde_json::to_value(definition).map_err(|error| error.to_string())?;
    without_contexts(&mut json);
    Ok(json.to_string())
}

/// Removes what only belongs in answers: `@odata.context`, `OptionSet@odata.context`.
fn without_contexts(json: &mut Value) {
    match json {
        Value::Object(members) => {
            members.retain(|name, _| !name.ends_with("@odata.context"));
            members.values_mut().for_each(without_contexts);
        }
        Value::Array(items) => items.iter_mut().for_each(without_contexts),
        _ => {}
    }
}

fn written(body: &Result<String, String>) -> Result<String> {
    let refused = |error: &String| Error::input(format!("the definition is no JSON: {error}"));
    body.clone().map_err(|error| refused(&error))
}

fn with_solution(request: Request, unique_name: Option<&str>) -> Result<Request> {
    let Some(unique_name) = unique_name else {
        return Ok(request);
    };
    let value = HeaderValue::from_str(unique_name).map_err(|error| {
        Error::input(format!(
            "the solution name `{unique_name}` cannot stand in a header; give its unique name"
        ))
        .with_source(error)
    })?;
    Ok(request.header(SOLUTION, value))
}
