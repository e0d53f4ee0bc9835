//! Calling actions and functions.

use std::fmt;
use std::marker::PhantomData;

use http::Method;

use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::write_object;
use crate::odata::key::row_path;
use crate::odata::page::json_error;
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::{AnyTable, Body, Columns, Entity, Entry, KeyKind, Table};
use crate::value::json::{Reader, write_string};
use crate::value::{Id, Json, JsonError, Scalar, Value, ValueError};

/// An unbound action or function: a generated struct whose fields are its parameters.
pub trait Message: Send + Sync {
    /// What it answers.
    type Output: Answer;

    /// The exact name: `WinOpportunity`.
    const NAME: &'static str;

    /// Action or function.
    const KIND: MessageKind;

    /// Hands over the parameters.
    fn arguments(&self, out: &mut Arguments<'_>);
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

/// What an operation can answer.
pub trait Answer: Sized + Send {
    /// Reads the body of a success; it may be empty.
    fn read(body: &[u8]) -> Result<Self>;
}

impl Answer for () {
    fn read(_: &[u8]) -> Result<Self> {
        Ok(())
    }
}

/// The whole body, `@odata.context` included.
impl Answer for Json {
    fn read(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Json::new("null").map_err(json_error);
        }
        let text = String::from_utf8_lossy(body);
        Json::new(text.trim_start_matches('\u{feff}')).map_err(json_error)
    }
}

macro_rules! scalar_answers {
    ($($type:ty),+) => {
        $(impl Answer for $type {
            fn read(body: &[u8]) -> Result<Self> {
                read_value(body)
            }
        })+
    };
}

scalar_answers!(
    String,
    bool,
    i32,
    i64,
    f64,
    rust_decimal::Decimal,
    uuid::Uuid,
    chrono::DateTime<chrono::Utc>,
    chrono::NaiveDate
);

/// Reads `{"@odata.context":…,"value":…}`.
fn read_value<T: Value>(body: &[u8]) -> Result<T> {
    let mut value = None;
    Reader::from_bytes(body)
        .and_then(|mut reader| {
            reader.object(|reader, key| -> Result<(), JsonError> {
                if key == "value" {
                    value = Some(T::from_scalar(reader.scalar()?));
                    return Ok(());
                }
                reader.skip()
            })
        })
        .map_err(json_error)?;
    match value {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => {
            Err(Error::decode(format!("the answer's `value`: {error}")).with_source(error))
        }
        None => Err(Error::decode("the answer has no `value`")),
    }
}

/// A complex type: a generated struct with optional members.
pub trait Complex: Columns {
    /// Wire names of the members, in the order of their cells.
    const MEMBERS: &'static [&'static str];
}

/// Reads a complex type; members that are not known are passed over.
pub(crate) fn read_complex<T: Complex>(body: &[u8]) -> Result<T> {
    let mut complex = T::default();
    if body.is_empty() {
        return Ok(complex);
    }
    let mut bad: Option<(&'static str, ValueError)> = None;
    Reader::from_bytes(body)
        .and_then(|mut reader| {
            reader.object(|reader, key| -> Result<(), JsonError> {
                let known = (0u16..).zip(T::MEMBERS).find(|(_, member)| **member == key);
                let Some((ordinal, member)) = known else {
                    return reader.skip();
                };
                let scalar: Scalar<'_> = reader.scalar()?;
                if let Some(Err(error)) = complex.cell_mut(ordinal).map(|cell| cell.read(scalar)) {
                    bad = Some((member, error));
                }
                Ok(())
            })
        })
        .map_err(json_error)?;
    match bad {
        None => Ok(complex),
        Some((member, error)) => {
            Err(Error::decode(format!("the answer's `{member}`: {error}")).with_source(error))
        }
    }
}

/// Calls an unbound action or function.
///
/// Shape: `POST WinOpportunity` with the parameters as body; `GET WhoAmI()`, parameters as
/// aliases: `F(A=@A)?@A='x'`.
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
        Ok(match M::KIND {
            MessageKind::Action => action(M::NAME, &arguments.written),
            MessageKind::Function => function(M::NAME, &arguments.written),
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

fn action(name: &str, arguments: &[(&'static str, String)]) -> Request {
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
    Request::new(Method::POST, name).json(body)
}

fn function(name: &str, arguments: &[(&'static str, String)]) -> Request {
    let aliases: Vec<_> = arguments
        .iter()
        .map(|(name, _)| format!("{name}=@{name}"))
        .collect();
    let mut query = Query::of(format!("{name}({})", aliases.join(",")));
    for (name, literal) in arguments {
        query.option(&format!("@{name}"), literal);
    }
    Request::new(Method::GET, query.into_string())
}
