//! Options of choices: added, changed, deleted and put in order one by one.
//!
//! Each is sent with [`Client::invoke`](crate::Client::invoke).
//! Source: Microsoft Learn, "Create and update choices (option sets) using the Web API".

use super::read::json;
use crate::definition::Label;
use crate::error::{Error, Result};
use crate::op::{Answer, Arguments, Message, MessageKind};
use crate::value::Json;

/// Whose options: a global choice, or a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceOf(Owner);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Global(String),
    Column { table: String, column: String },
}

impl ChoiceOf {
    /// The global choice with this name.
    pub fn global(name: impl Into<String>) -> Self {
        ChoiceOf(Owner::Global(name.into()))
    }

    /// The choice of this column.
    pub fn column(table: impl Into<String>, column: impl Into<String>) -> Self {
        ChoiceOf(Owner::Column {
            table: table.into(),
            column: column.into(),
        })
    }

    fn arguments(&self, out: &mut Arguments<'_>) {
        match &self.0 {
            Owner::Global(name) => out.value("OptionSetName", name),
            Owner::Column { table, column } => {
                out.value("EntityLogicalName", table);
                out.value("AttributeLogicalName", column);
            }
        }
    }
}

/// What writes of options have in common.
#[derive(Debug, Clone, Default)]
struct Content {
    value: Option<i32>,
    label: Option<Json>,
    description: Option<Json>,
    color: Option<String>,
    solution: Option<String>,
}

impl Content {
    fn arguments(&self, out: &mut Arguments<'_>) {
        out.optional_value("Value", &self.value);
        out.optional_value("Label", &self.label);
        out.optional_value("Description", &self.description);
        out.optional_value("Color", &self.color);
        out.optional_value("SolutionUniqueName", &self.solution);
    }
}

fn label_json(label: impl Into<Label>) -> Option<Json> {
    let json = serde_json::to_string(&label.into()).ok()?;
    Json::new(json).ok()
}

macro_rules! content {
    ($name:ident: $($with:ident)*) => {
        impl $name {
            $(content!(@ $with);)*

            /// As a component of the unmanaged solution with this unique name.
            pub fn in_solution(mut self, unique_name: impl Into<String>) -> Self {
                self.content.solution = Some(unique_name.into());
                self
            }
        }
    };
    (@ value) => {
        /// With this number; otherwise the service takes the next.
        pub fn value(mut self, value: i32) -> Self {
            self.content.value = Some(value);
            self
        }
    };
    (@ label) => {
        /// With this name for people.
        pub fn label(mut self, label: impl Into<Label>) -> Self {
            self.content.label = label_json(label);
            self
        }
    };
    (@ description) => {
        /// With this text of what it means.
        pub fn description(mut self, description: impl Into<Label>) -> Self {
            self.content.description = label_json(description);
            self
        }
    };
    (@ color) => {
        /// With this colour: `#0000ff`.
        pub fn color(mut self, color: impl Into<String>) -> Self {
            self.content.color = Some(color.into());
            self
        }
    };
}

/// Adds an option; gives its number. Shape: `POST InsertOptionValue`.
///
/// ```no_run
/// # async fn f(client: dataverse_client::Client) -> dataverse_client::Result<()> {
/// use dataverse_client::definitions::{ChoiceOf, InsertOptionValue};
///
/// let blue = InsertOptionValue::new(ChoiceOf::global("new_colour"), "Blue");
/// let number = client.invoke(blue).await?.0;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct InsertOptionValue {
    of: ChoiceOf,
    content: Content,
}

content!(InsertOptionValue: value description color);

impl InsertOptionValue {
    /// An option with this name for people.
    pub fn new(of: ChoiceOf, label: impl Into<Label>) -> Self {
        let content = Content {
            label: label_json(label),
            ..Content::default()
        };
        InsertOptionValue { of, content }
    }
}

impl Message for InsertOptionValue {
    type Output = NewOptionValue;

    const NAME: &'static str = "InsertOptionValue";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.of.arguments(out);
        self.content.arguments(out);
    }
}

/// Adds an option to the `statuscode` of a table; gives its number. Shape:
/// `POST InsertStatusValue`.
#[derive(Debug, Clone)]
#[must_use]
pub struct InsertStatusValue {
    of: ChoiceOf,
    state: i32,
    content: Content,
}

content!(InsertStatusValue: value description);

impl InsertStatusValue {
    /// A status for rows in this state.
    pub fn new(table: impl Into<String>, state: i32, label: impl Into<Label>) -> Self {
        let content = Content {
            label: label_json(label),
            ..Content::default()
        };
        InsertStatusValue {
            of: ChoiceOf::column(table, "statuscode"),
            state,
            content,
        }
    }
}

impl Message for InsertStatusValue {
    type Output = NewOptionValue;

    const NAME: &'static str = "InsertStatusValue";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.of.arguments(out);
        out.value("StateCode", &self.state);
        self.content.arguments(out);
    }
}

/// Changes an option. Labels in other languages stay. Shape: `POST UpdateOptionValue`.
#[derive(Debug, Clone)]
#[must_use]
pub struct UpdateOptionValue {
    of: ChoiceOf,
    content: Content,
}

content!(UpdateOptionValue: label description color);

impl UpdateOptionValue {
    /// The option with this number.
    pub fn new(of: ChoiceOf, value: i32) -> Self {
        let content = Content {
            value: Some(value),
            ..Content::default()
        };
        UpdateOptionValue { of, content }
    }
}

impl Message for UpdateOptionValue {
    type Output = ();

    const NAME: &'static str = "UpdateOptionValue";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.of.arguments(out);
        self.content.arguments(out);
        out.value("MergeLabels", &true);
    }
}

/// Changes a state. Labels in other languages stay. Shape: `POST UpdateStateValue`.
#[derive(Debug, Clone)]
#[must_use]
pub struct UpdateStateValue {
    of: ChoiceOf,
    default_status: Option<i32>,
    content: Content,
}

impl UpdateStateValue {
    /// The state of a table with this number.
    pub fn new(table: impl Into<String>, value: i32) -> Self {
        let content = Content {
            value: Some(value),
            ..Content::default()
        };
        UpdateStateValue {
            of: ChoiceOf::column(table, "statecode"),
            default_status: None,
            content,
        }
    }

    content!(@ label);
    content!(@ description);

    /// With this status for rows that get the state.
    pub fn default_status(mut self, value: i32) -> Self {
        self.default_status = Some(value);
        self
    }
}

impl Message for UpdateStateValue {
    type Output = ();

    const NAME: &'static str = "UpdateStateValue";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.of.arguments(out);
        self.content.arguments(out);
        out.value("MergeLabels", &true);
        out.optional_value("DefaultStatusCode", &self.default_status);
    }
}

/// Deletes an option. Rows keep its number. Shape: `POST DeleteOptionValue`.
#[derive(Debug, Clone)]
#[must_use]
pub struct DeleteOptionValue {
    of: ChoiceOf,
    content: Content,
}

content!(DeleteOptionValue:);

impl DeleteOptionValue {
    /// The option with this number.
    pub fn new(of: ChoiceOf, value: i32) -> Self {
        let content = Content {
            value: Some(value),
            ..Content::default()
        };
        DeleteOptionValue { of, content }
    }
}

impl Message for DeleteOptionValue {
    type Output = ();

    const NAME: &'static str = "DeleteOptionValue";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.of.arguments(out);
        self.content.arguments(out);
    }
}

/// Puts options in order. Shape: `POST OrderOption`.
#[derive(Debug, Clone)]
#[must_use]
pub struct OrderOption {
    of: ChoiceOf,
    values: Vec<i32>,
    content: Content,
}

content!(OrderOption:);

impl OrderOption {
    /// The options in the order of these numbers.
    pub fn new(of: ChoiceOf, values: impl IntoIterator<Item = i32>) -> Self {
        OrderOption {
            of,
            values: values.into_iter().collect(),
            content: Content::default(),
        }
    }
}

impl Message for OrderOption {
    type Output = ();

    const NAME: &'static str = "OrderOption";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.of.arguments(out);
        out.value("Values", &self.values);
        self.content.arguments(out);
    }
}

/// The number of an option that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOptionValue(pub i32);

impl Answer for NewOptionValue {
    fn read(body: &[u8]) -> Result<Self> {
        let json = json(body)?;
        let number = json["NewOptionValue"].as_i64();
        let number = number.and_then(|number| i32::try_from(number).ok());
        number.map(NewOptionValue).ok_or_else(|| {
            Error::decode("the option was added, but the answer does not tell its number")
        })
    }
}
