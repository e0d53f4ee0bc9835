//! Calling actions and functions.

use std::fmt;
use std::marker::PhantomData;

use http::Method;

use super::{Answer, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::write_object;
use crate::odata::key::row_path;
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::{AnyTable, Body, Entity, Entry, Key, KeyKind, Table, ToKey};
use crate::value::json::write_string;
use crate::value::{Id, Value};

/// An action or function: a generated struct whose fields are its parameters.
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
/// Made from an [`Id`] or a [`Key`] where the operation takes rows of several tables.
#[derive(Clone)]
pub struct BoundTo {
    table: &'static Table,
    key: Option<KeyKind>,
}

impl BoundTo {
    /// One row.
    pub fn row<E: Entity>(key: impl ToKey<Entity = E>) -> Self {
        BoundTo {
            table: E::TABLE,
            key: Some(key.to_key().into_kind()),
        }
    }

    /// The rows of a table.
    pub fn rows_of<E: Entity>() -> Self {
        BoundTo {
            table: E::TABLE,
            key: None,
        }
    }

    fn path(&self) -> Result<String> {
        let set = self.table.entity_set();
        match &self.key {
            Some(key) => row_path(set, key),
            None => Ok(set.to_owned()),
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
    scope: &'a Scope<'a>,
    /// Name and JSON or literal.
    written: Vec<(&'static str, String)>,
    error: Option<Error>,
}

impl Arguments<'_> {
    /// A parameter with a value.
    pub fn value<T: Value>(&mut self, name: &'static str, value: &T) {
        let mut text = String::new();
        match self.kind {
            MessageKind::Action => value.write_json(&mut text),
            MessageKind::Function => value.write_literal(&mut text),
        }
        self.written.push((name, text));
    }

    /// A parameter that may be left out.
    pub fn optional_value<T: Value>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }

    /// A parameter that is a row.
    pub fn row<E>(&mut self, name: &'static str, row: &RowArgument<E>) {
        let text = match self.kind {
            MessageKind::Action => row.write_body(self.scope),
            MessageKind::Function => row.write_reference(),
        };
        match text {
            Ok(text) => self.written.push((name, text)),
            Err(error) => self.error = Some(error),
        }
    }

    /// A parameter that is a list of rows.
    pub fn rows<E>(&mut self, name: &'static str, rows: &[RowArgument<E>]) {
        let texts: Result<Vec<_>> = rows
            .iter()
            .map(|row| match self.kind {
                MessageKind::Action => row.write_body(self.scope),
                MessageKind::Function => row.write_reference(),
            })
            .collect();
        match texts {
            Ok(texts) => self.written.push((name, format!("[{}]", texts.join(",")))),
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

/// A row as an argument: a row that exists, or columns.
///
/// Made from an [`Id`], from [`New`](crate::New) or from [`Changes`](crate::Changes). `E` is
/// [`AnyTable`] where the operation takes rows of any table.
pub struct RowArgument<E = AnyTable> {
    table: &'static Table,
    content: Content,
    entity: PhantomData<fn() -> E>,
}

#[derive(Debug, Clone)]
enum Content {
    Existing(uuid::Uuid),
    Columns(Vec<Entry>),
}

impl<E> RowArgument<E> {
    fn existing<T: Entity>(id: Id<T>) -> Self {
        RowArgument {
            table: T::TABLE,
            content: Content::Existing(id.uuid()),
            entity: PhantomData,
        }
    }

    fn columns<T: Entity, M>(body: &Body<T, M>) -> Self {
        RowArgument {
            table: T::TABLE,
            content: Content::Columns(body.entries().to_vec()),
            entity: PhantomData,
        }
    }

    fn write_body(&self, scope: &Scope<'_>) -> Result<String> {
        let mut first = format!(
            "\"@odata.type\":\"Microsoft.Dynamics.CRM.{}\"",
            self.table.logical_name()
        );
        match &self.content {
            Content::Existing(id) => {
                first.push_str(&format!(",\"{}\":\"{id}\"", self.table.primary_id()));
                write_object(&first, &[], scope)
            }
            Content::Columns(entries) => write_object(&first, entries, scope),
        }
    }

    fn write_reference(&self) -> Result<String> {
        match &self.content {
            Content::Existing(id) => {
                let path = row_path(self.table.entity_set(), &KeyKind::Id(*id))?;
                Ok(format!("{{'@odata.id':'{path}'}}"))
            }
            Content::Columns(_) => Err(Error::input(format!(
                "a function takes rows of `{}` that exist: give an id, not columns",
                self.table.logical_name()
            ))),
        }
    }
}

impl<E> Clone for RowArgument<E> {
    fn clone(&self) -> Self {
        RowArgument {
            table: self.table,
            content: self.content.clone(),
            entity: PhantomData,
        }
    }
}

impl<E> fmt::Debug for RowArgument<E> {
    /// Names the table and columns, not values: those are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.table.logical_name();
        match &self.content {
            Content::Existing(id) => write!(f, "{name}({id})"),
            Content::Columns(entries) => {
                write!(f, "{name} ")?;
                f.debug_set()
                    .entries(entries.iter().map(|entry| &entry.name))
                    .finish()
            }
        }
    }
}

impl<E: Entity> From<Id<E>> for RowArgument<E> {
    fn from(id: Id<E>) -> Self {
        RowArgument::existing(id)
    }
}

impl<E: Entity> From<Id<E>> for RowArgument<AnyTable> {
    fn from(id: Id<E>) -> Self {
        RowArgument::existing(id)
    }
}

impl<E: Entity, M> From<Body<E, M>> for RowArgument<E> {
    fn from(body: Body<E, M>) -> Self {
        RowArgument::columns(&body)
    }
}

impl<E: Entity, M> From<Body<E, M>> for RowArgument<AnyTable> {
    fn from(body: Body<E, M>) -> Self {
        RowArgument::columns(&body)
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
        let mut arguments = Arguments {
            kind: M::KIND,
            scope,
            written: Vec::new(),
            error: None,
        };
        self.0.arguments(&mut arguments);
        if let Some(error) = arguments.error {
            return Err(error);
        }
        let path = match self.0.bound_to() {
            Some(bound_to) => format!("{}/{}", bound_to.path()?, M::NAME),
            None => M::NAME.to_owned(),
        };
        Ok(match M::KIND {
            MessageKind::Action => action(path, &arguments.written),
            MessageKind::Function => function(&path, &arguments.written),
        })
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

fn action(path: String, arguments: &[(&'static str, String)]) -> Request {
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
    Request::new(Method::POST, path).json(body)
}

fn function(path: &str, arguments: &[(&'static str, String)]) -> Request {
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
