//! Calling actions and functions.

use std::borrow::Cow;
use std::fmt;

use http::Method;

use super::{Answer, Operation, Replay, RowArgument, Scope};
use crate::error::{Error, Result};
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::{AnyRow, Entity, Key, KeyKind, RowRef, TableName, ToKey};
use crate::value::json::write_string;
use crate::value::{AnyValue, Id, Json, Literal, Value};

/// The namespace of everything in Dataverse.
pub(super) const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";

/// The member of a request that is kept that says what it is called on.
pub(super) const CALLED_ON: &str = "@odata.id";

/// An action or function: a generated struct whose fields are its parameters.
///
/// Generated ones go through serde, to be logged or kept in a queue: one object of the parameters
/// by their names, as an action sends them, with `@odata.id` for what it is called on and for rows
/// that exist. The name of the operation is not in it. It is text of JSON, so that no digit gets
/// lost: serializer and deserializer must be those of `serde_json`, and a `serde_json::Value` in
/// between rounds numbers to floats.
///
/// Errors of serializing: what could not be sent, and a handle of a change set, which means nothing
/// outside of it. Errors of deserializing: a parameter that is missing, unknown or of another type.
pub trait Message: Send + Sync {
    /// What it answers.
    type Output: Answer + 'static;

    /// The exact name: `WinOpportunity`; qualified if it is bound:
    /// `Microsoft.Dynamics.CRM.AddToQueue`.
    const NAME: &'static str;

    /// Action or function.
    const KIND: MessageKind;

    /// Hands over the parameters.
    fn arguments(&self, out: &mut Arguments<'_>);

    /// What it is called on; None if it is unbound.
    fn bound_to(&self) -> Option<BoundTo> {
        None
    }
}

/// What a bound operation is called on: a row, or the rows of a table.
///
/// Made from an [`Id`], a [`Key`] or a [`RowRef`] where the operation takes rows of several tables.
#[derive(Clone)]
pub struct BoundTo {
    pub(super) table: TableName,
    pub(super) key: Option<KeyKind>,
}

impl PartialEq for BoundTo {
    /// Whether they stand at the same place in URLs.
    fn eq(&self, other: &Self) -> bool {
        self.table.entity_set() == other.table.entity_set() && self.key == other.key
    }
}

impl BoundTo {
    /// One row.
    pub fn row<E: Entity>(key: impl ToKey<Entity = E>) -> Self {
        RowRef::of(key).into()
    }

    /// The rows of a table.
    pub fn rows_of<E: Entity>() -> Self {
        BoundTo::rows_of_table(TableName::of::<E>())
    }

    /// The rows of a table that is only known at run time.
    pub fn rows_of_table(table: TableName) -> Self {
        BoundTo { table, key: None }
    }

    fn path(&self) -> Result<String> {
        let set = self.table.entity_set();
        match &self.key {
            Some(key) => row_path(set, key),
            None => Ok(set.to_owned()),
        }
    }
}

impl From<RowRef> for BoundTo {
    fn from(row: RowRef) -> Self {
        BoundTo {
            table: row.table,
            key: Some(row.key),
        }
    }
}

impl<E: Entity> From<Id<E>> for BoundTo {
    fn from(id: Id<E>) -> Self {
        BoundTo::row(id)
    }
}

impl<E: Entity> From<Key<E>> for BoundTo {
    fn from(key: Key<E>) -> Self {
        BoundTo::row(key)
    }
}

impl fmt::Debug for BoundTo {
    /// Names the table, and a primary key: values of alternate keys are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table.entity_set())?;
        match &self.key {
            Some(KeyKind::Id(id)) => write!(f, "({id})"),
            Some(KeyKind::Alternate(_)) => f.write_str("(…)"),
            None => Ok(()),
        }
    }
}

/// How an operation is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// `POST`, parameters in the body. It may change rows.
    Action,
    /// `GET`, parameters in the URL. It changes nothing.
    Function,
}

/// The parameters of a call while they are collected.
#[derive(Debug)]
pub struct Arguments<'a> {
    kind: MessageKind,
    /// Whether they are written to be kept, not to be sent.
    is_stored: bool,
    scope: &'a Scope<'a>,
    /// Name and JSON or literal.
    written: Vec<(Cow<'static, str>, String)>,
    error: Option<Error>,
}

impl<'a> Arguments<'a> {
    fn of(kind: MessageKind, scope: &'a Scope<'a>) -> Self {
        Arguments {
            kind,
            is_stored: false,
            scope,
            written: Vec::new(),
            error: None,
        }
    }
}

impl Arguments<'_> {
    fn push(&mut self, name: impl Into<Cow<'static, str>>, text: String) {
        self.written.push((name.into(), text));
    }

    /// A parameter with a value.
    pub fn value<T: Value>(&mut self, name: &'static str, value: &T) {
        let mut text = String::new();
        match self.kind {
            MessageKind::Function if !self.is_stored => value.write_literal(&mut text),
            _ => value.write_json(&mut text),
        }
        self.written.push((Cow::Borrowed(name), text));
    }

    /// A parameter that may be left out.
    pub fn optional_value<T: Value>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }

    fn text_of<E>(&self, row: &RowArgument<E>) -> Result<String> {
        match self.kind {
            _ if self.is_stored => row.write_stored(),
            MessageKind::Action => row.write_body(self.scope),
            MessageKind::Function => row.write_reference(),
        }
    }

    /// A parameter that is a row.
    pub fn row<E>(&mut self, name: &'static str, row: &RowArgument<E>) {
        match self.text_of(row) {
            Ok(text) => self.written.push((Cow::Borrowed(name), text)),
            Err(error) => self.error = Some(error),
        }
    }

    /// A parameter that is a list of rows.
    pub fn rows<E>(&mut self, name: &'static str, rows: &[RowArgument<E>]) {
        let texts: Result<Vec<_>> = rows.iter().map(|row| self.text_of(row)).collect();
        match texts {
            Ok(texts) => self.push(name, format!("[{}]", texts.join(","))),
            Err(error) => self.error = Some(error),
        }
    }

    /// A list of rows that may be left out.
    pub fn optional_rows<E>(&mut self, name: &'static str, rows: &Option<Vec<RowArgument<E>>>) {
        if let Some(rows) = rows {
            self.rows(name, rows);
        }
    }

    /// A row that may be left out.
    pub fn optional_row<E>(&mut self, name: &'static str, row: &Option<RowArgument<E>>) {
        if let Some(row) = row {
            self.row(name, row);
        }
    }
}

/// Calls an action or function.
///
/// Shape: `POST WinOpportunity` with the parameters as body; `GET WhoAmI()`, parameters as
/// aliases: `F(A=@A)?@A='x'`; bound: `POST queues(…)/Microsoft.Dynamics.CRM.AddToQueue`.
/// Source: Microsoft Learn, "Use Web API actions", "Use Web API functions".
#[derive(Debug, Clone)]
pub struct Invoke<M>(M);

impl<M: Message> Invoke<M> {
    /// Calls `message`.
    pub fn new(message: M) -> Self {
        Invoke(message)
    }
}

impl<M: Message> Operation for Invoke<M> {
    type Output = M::Output;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let mut arguments = Arguments::of(M::KIND, scope);
        self.0.arguments(&mut arguments);
        request(M::NAME, self.0.bound_to().as_ref(), arguments)
    }

    fn decode(&self, response: &Response) -> Result<M::Output> {
        M::Output::read(&response.success()?.body)
    }

    fn replay(&self) -> Replay {
        match M::KIND {
            MessageKind::Action => Replay::IfRefused,
            MessageKind::Function => Replay::Safe,
        }
    }
}

fn request(name: &str, bound_to: Option<&BoundTo>, arguments: Arguments<'_>) -> Result<Request> {
    if let Some(error) = arguments.error {
        return Err(error);
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(Error::input(format!("`{name}` is no name of an operation")));
    }
    // The service wants the namespace where an operation is bound, and refuses it elsewhere.
    let path = match bound_to {
        Some(bound_to) if !name.contains('.') => {
            format!("{}/{NAMESPACE}{name}", bound_to.path()?)
        }
        Some(bound_to) => format!("{}/{name}", bound_to.path()?),
        None => name.strip_prefix(NAMESPACE).unwrap_or(name).to_owned(),
    };
    Ok(match arguments.kind {
        MessageKind::Action => action(path, &arguments.written),
        MessageKind::Function => function(&path, &arguments.written),
    })
}

/// The parameters as they are kept, and what it is called on: one JSON object.
///
/// Errors: a row or key that cannot be sent outside a change set, or not at all.
pub(super) fn stored_text<M: Message>(message: &M) -> Result<String> {
    let scope = Scope::alone("");
    let mut arguments = Arguments::of(M::KIND, &scope);
    arguments.is_stored = true;
    if let Some(bound_to) = message.bound_to() {
        let mut path = String::new();
        write_string(&bound_to.path()?, &mut path);
        arguments.push(CALLED_ON, path);
    }
    message.arguments(&mut arguments);
    match arguments.error {
        Some(error) => Err(error),
        None => Ok(object(&arguments.written)),
    }
}

fn action(path: String, arguments: &[(Cow<'static, str>, String)]) -> Request {
    Request::new(Method::POST, path).json(object(arguments))
}

fn object(arguments: &[(Cow<'static, str>, String)]) -> String {
    let mut body = String::from("{");
    for (index, (name, json)) in arguments.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        write_string(name, &mut body);
        body.push(':');
        body.push_str(json);
    }
    body.push('}');
    body
}

fn function(path: &str, arguments: &[(Cow<'static, str>, String)]) -> Request {
    let aliases: Vec<_> = arguments
        .iter()
        .map(|(name, _)| format!("{name}=@{name}"))
        .collect();
    let mut query = Query::of(format!("{path}({})", aliases.join(",")));
    for (name, literal) in arguments {
        query.option(&format!("@{name}"), literal);
    }
    Request::new(Method::GET, query.into_string())
}

/// Calls an action or function that is only known at run time: one of Dataverse's, a custom API, a
/// custom process action.
///
/// ```
/// use dataverse_client::schema::TableName;
/// use dataverse_client::{InvokeNamed, Operation};
///
/// let queues = TableName::new("queues");
/// let letters = TableName::new("letters").logical_name("letter").primary_id("activityid");
/// # let (queue, letter) = (dataverse_client::uuid::Uuid::nil(), dataverse_client::uuid::Uuid::nil());
/// let add = InvokeNamed::action("Microsoft.Dynamics.CRM.AddToQueue")
///     .on(queues.row(queue))
///     .row("Target", letters.row(letter));
/// let request = add.request()?;
/// # assert_eq!(request.method, "POST");
/// # Ok::<_, dataverse_client::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct InvokeNamed {
    kind: MessageKind,
    name: String,
    bound_to: Option<BoundTo>,
    parameters: Vec<(String, Parameter)>,
}

#[derive(Debug, Clone)]
enum Parameter {
    Value(AnyValue),
    Row(RowArgument),
    Rows(Vec<RowArgument>),
}

impl InvokeNamed {
    /// Calls the action of this name: `AddToQueue`. Its namespace is added or left out as the service
    /// wants it.
    pub fn action(name: impl Into<String>) -> Self {
        InvokeNamed::new(MessageKind::Action, name.into())
    }

    /// Calls the function of this name: `WhoAmI`. Its namespace is added or left out as the service
    /// wants it.
    pub fn function(name: impl Into<String>) -> Self {
        InvokeNamed::new(MessageKind::Function, name.into())
    }

    fn new(kind: MessageKind, name: String) -> Self {
        InvokeNamed {
            kind,
            name,
            bound_to: None,
            parameters: Vec::new(),
        }
    }

    /// What it is called on: a row, or the rows of a table.
    #[must_use]
    pub fn on(mut self, bound_to: impl Into<BoundTo>) -> Self {
        self.bound_to = Some(bound_to.into());
        self
    }

    /// A parameter with a value. An enum is text (`"Basic"`) for an action, and a value of a
    /// generated enum for a function.
    #[must_use]
    pub fn value(self, name: impl Into<String>, value: impl Into<AnyValue>) -> Self {
        self.with(name, Parameter::Value(value.into()))
    }

    /// A parameter of a complex type or a collection, as JSON.
    #[must_use]
    pub fn json(self, name: impl Into<String>, json: Json) -> Self {
        self.with(name, Parameter::Value(json.into()))
    }

    /// A parameter that is a row.
    #[must_use]
    pub fn row(self, name: impl Into<String>, row: impl Into<RowArgument>) -> Self {
        self.with(name, Parameter::Row(row.into()))
    }

    /// A parameter that is a list of rows.
    #[must_use]
    pub fn rows<R: Into<RowArgument>>(
        self,
        name: impl Into<String>,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        let rows = rows.into_iter().map(Into::into).collect();
        self.with(name, Parameter::Rows(rows))
    }

    fn with(mut self, name: impl Into<String>, parameter: Parameter) -> Self {
        self.parameters.push((name.into(), parameter));
        self
    }
}

impl Operation for InvokeNamed {
    /// The members of the answer; none if it has no body.
    type Output = AnyRow;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        let kind = self.kind;
        let write = |row: &RowArgument| match kind {
            MessageKind::Action => row.write_body(scope),
            MessageKind::Function => row.write_reference(),
        };
        let mut arguments = Arguments::of(kind, scope);
        for (name, parameter) in &self.parameters {
            let text = match parameter {
                Parameter::Value(value) if kind == MessageKind::Action => value.clone().into_json(),
                Parameter::Value(value) => {
                    let mut literal = String::new();
                    value.append_literal(&mut literal);
                    literal
                }
                Parameter::Row(row) => write(row)?,
                Parameter::Rows(rows) => {
                    let rows: Result<Vec<_>> = rows.iter().map(write).collect();
                    format!("[{}]", rows?.join(","))
                }
            };
            arguments.push(name.clone(), text);
        }
        request(&self.name, self.bound_to.as_ref(), arguments)
    }

    fn decode(&self, response: &Response) -> Result<AnyRow> {
        Answer::read(&response.success()?.body)
    }

    fn replay(&self) -> Replay {
        match self.kind {
            MessageKind::Action => Replay::IfRefused,
            MessageKind::Function => Replay::Safe,
        }
    }
}
