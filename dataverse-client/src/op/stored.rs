//! Operations through serde: their parameters as one JSON object, to be logged or kept in a queue.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::invoke::{CALLED_ON, Message, NAMESPACE, stored_text};
use super::row_argument::Content;
use super::{BoundTo, RowArgument};
use crate::error::{Error, Result};
use crate::odata::page::json_error;
use crate::odata::url::decode;
use crate::schema::{AnyTable, BodyMembers, Entity, Key, KeyKind, TableName};
use crate::value::json::Reader;
use crate::value::{Json, JsonError, Scalar, Value};

/// Writes the parameters of an operation as JSON text, so that no digit of a number gets lost: the
/// serializer must be one of `serde_json`.
pub fn serialize_message<M: Message, S: Serializer>(
    message: &M,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = stored_text(message).map_err(S::Error::custom)?;
    let text = RawValue::from_string(text).map_err(S::Error::custom)?;
    text.serialize(serializer)
}

/// Reads what [`serialize_message`] wrote: `read` takes the parameters.
pub fn deserialize_message<'de, M, D: Deserializer<'de>>(
    deserializer: D,
    read: impl FnOnce(&mut Given<'_>) -> Result<M>,
) -> Result<M, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    let read = Given::of(text.get()).and_then(|mut given| {
        let message = read(&mut given)?;
        given.end()?;
        Ok(message)
    });
    read.map_err(D::Error::custom)
}

/// The parameters of an operation while they are read. Its methods are those of
/// [`Arguments`](super::Arguments), the other way round.
#[derive(Debug)]
pub struct Given<'a> {
    members: Vec<(String, Scalar<'a>)>,
}

impl<'a> Given<'a> {
    fn of(text: &'a str) -> Result<Self> {
        let mut members = Vec::new();
        Reader::new(text)
            .object(|reader, name| -> Result<(), JsonError> {
                members.push((name.to_owned(), reader.scalar()?));
                Ok(())
            })
            .map_err(json_error)?;
        Ok(Given { members })
    }

    fn take(&mut self, name: &str) -> Option<Scalar<'a>> {
        let place = self.members.iter().position(|(given, _)| given == name)?;
        Some(self.members.swap_remove(place).1)
    }

    fn required(&mut self, name: &str) -> Result<Scalar<'a>> {
        self.take(name)
            .ok_or_else(|| Error::decode(format!("the parameter `{name}` is missing")))
    }

    /// None if it was left out, or is null.
    fn optional(&mut self, name: &str) -> Option<Scalar<'a>> {
        self.take(name).filter(|scalar| *scalar != Scalar::Null)
    }

    /// What is not known would be left out when the operation is called.
    fn end(self) -> Result<()> {
        let mut names = self.members.iter().map(|(name, _)| name);
        match names.find(|name| *name != CALLED_ON) {
            Some(name) => Err(Error::decode(format!(
                "the operation has no parameter `{name}`"
            ))),
            None => Ok(()),
        }
    }

    /// What it is called on.
    pub fn on<T: CalledOn>(&mut self) -> Result<T> {
        let called_on = match self.required(CALLED_ON)? {
            Scalar::Text(path) => read_path(&path).and_then(T::from_bound),
            _ => None,
        };
        called_on.ok_or_else(|| {
            Error::decode(format!(
                "`{CALLED_ON}` names nothing that the operation can be called on"
            ))
        })
    }

    /// A parameter with a value.
    pub fn value<T: Value>(&mut self, name: &str) -> Result<T> {
        let scalar = self.required(name)?;
        read_value(name, scalar)
    }

    /// A parameter that may be left out.
    pub fn optional_value<T: Value>(&mut self, name: &str) -> Result<Option<T>> {
        self.optional(name)
            .map(|scalar| read_value(name, scalar))
            .transpose()
    }

    /// A parameter that is a row.
    pub fn row<E: RowTable>(&mut self, name: &str) -> Result<RowArgument<E>> {
        let scalar = self.required(name)?;
        read_row(name, &scalar)
    }

    /// A row that may be left out.
    pub fn optional_row<E: RowTable>(&mut self, name: &str) -> Result<Option<RowArgument<E>>> {
        self.optional(name)
            .map(|scalar| read_row(name, &scalar))
            .transpose()
    }

    /// A parameter that is a list of rows.
    pub fn rows<E: RowTable>(&mut self, name: &str) -> Result<Vec<RowArgument<E>>> {
        let scalar = self.required(name)?;
        read_rows(name, &scalar)
    }

    /// A list of rows that may be left out.
    pub fn optional_rows<E: RowTable>(
        &mut self,
        name: &str,
    ) -> Result<Option<Vec<RowArgument<E>>>> {
        self.optional(name)
            .map(|scalar| read_rows(name, &scalar))
            .transpose()
    }
}

/// What a bound operation of a certain type can be called on.
pub trait CalledOn: Sized {
    /// As a call takes it.
    fn bound_to(&self) -> BoundTo;

    /// None if it is of another table, or rows where one is needed.
    fn from_bound(bound_to: BoundTo) -> Option<Self>;
}

impl<E: Entity> CalledOn for Key<E> {
    fn bound_to(&self) -> BoundTo {
        BoundTo::row(self)
    }

    fn from_bound(bound_to: BoundTo) -> Option<Self> {
        let is_of_table = bound_to.table.entity_set() == E::TABLE.entity_set();
        bound_to.key.filter(|_| is_of_table).map(Key::of_kind)
    }
}

impl CalledOn for BoundTo {
    fn bound_to(&self) -> BoundTo {
        self.clone()
    }

    fn from_bound(bound_to: BoundTo) -> Option<Self> {
        Some(bound_to)
    }
}

/// The table of a row that is a parameter.
pub trait RowTable {
    /// None if it is only known at run time.
    fn table() -> Option<TableName>;
}

impl<E: Entity> RowTable for E {
    fn table() -> Option<TableName> {
        Some(TableName::of::<E>())
    }
}

impl RowTable for AnyTable {
    fn table() -> Option<TableName> {
        None
    }
}

fn read_value<T: Value>(name: &str, scalar: Scalar<'_>) -> Result<T> {
    T::from_scalar(scalar).map_err(|error| {
        Error::decode(format!("the parameter `{name}`: {error}")).with_source(error)
    })
}

fn read_rows<E: RowTable>(name: &str, scalar: &Scalar<'_>) -> Result<Vec<RowArgument<E>>> {
    let Scalar::Nested(text) = scalar else {
        return Err(bad_row(name, "expected an array of rows"));
    };
    let mut rows = Vec::new();
    Reader::new(text)
        .array(|reader| -> Result<(), JsonError> {
            rows.push(reader.scalar()?);
            Ok(())
        })
        .map_err(json_error)?;
    rows.iter().map(|row| read_row(name, row)).collect()
}

/// Reads a row: one that exists has `@odata.id`, columns have the names that a body has.
fn read_row<E: RowTable>(name: &str, scalar: &Scalar<'_>) -> Result<RowArgument<E>> {
    let Scalar::Nested(text) = scalar else {
        return Err(bad_row(name, "expected a row"));
    };
    let mut logical_name = None;
    let mut existing = None;
    let mut entries = Vec::new();
    Reader::new(text)
        .object(|reader, member| -> Result<(), JsonError> {
            match (member, reader.scalar()?) {
                ("@odata.type", Scalar::Text(qualified)) => {
                    let own = qualified.trim_start_matches('#');
                    logical_name = Some(own.strip_prefix(NAMESPACE).unwrap_or(own).to_owned());
                }
                (CALLED_ON, Scalar::Text(path)) => existing = Some(path.into_owned()),
                (column, value) => entries.push((column.to_owned(), value)),
            }
            Ok(())
        })
        .map_err(json_error)?;
    let id = match existing.as_deref().map(read_path) {
        None => None,
        Some(Some(BoundTo {
            table,
            key: Some(KeyKind::Id(id)),
        })) => Some((table, id)),
        Some(_) => return Err(bad_row(name, "`@odata.id` names no row by its primary key")),
    };
    // They go into requests as they are.
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if logical_name.iter().any(|name| !name.bytes().all(is_name)) {
        return Err(bad_row(name, "`@odata.type` is no name of a table"));
    }
    let is_other = match (E::table(), &id, &logical_name) {
        (Some(table), Some((of_id, _)), _) => table.entity_set() != of_id.entity_set(),
        (Some(table), None, given) => table.known_logical_name() != given.as_deref(),
        (None, _, _) => false,
    };
    if is_other {
        return Err(bad_row(name, "the row is of another table"));
    }
    let Some((mut table, id)) = id else {
        let Some(logical_name) = logical_name else {
            return Err(bad_row(name, "the row has no `@odata.type`"));
        };
        // The name in URLs is not needed where columns are sent.
        let any = || TableName::new("").logical_name(logical_name);
        let table = E::table().unwrap_or_else(any);
        let mut members = BodyMembers::default();
        for (column, value) in entries {
            let json = read_value::<Json>(name, value)?;
            members.set(&column, |out| out.push_str(json.as_str()));
        }
        return Ok(RowArgument::of(table, Content::Columns(members)));
    };
    if let Some(logical_name) = logical_name {
        table = table.logical_name(logical_name);
    }
    for (column, value) in entries {
        let is_id = value == Scalar::Text(id.to_string().into());
        if !is_id || !column.bytes().all(is_name) {
            return Err(bad_row(
                name,
                "a row by `@odata.id` is sent without columns",
            ));
        }
        table = table.primary_id(column);
    }
    let table = E::table().unwrap_or(table);
    Ok(RowArgument::of(table, Content::Existing(id)))
}

fn bad_row(name: &str, why: &str) -> Error {
    Error::decode(format!("the parameter `{name}`: {why}"))
}

/// Reads `accounts`, `accounts(0000…)` or `accounts(accountnumber='AC-1')`; None if it is neither.
fn read_path(path: &str) -> Option<BoundTo> {
    let Some((entity_set, rest)) = path.split_once('(') else {
        return Some(BoundTo::rows_of_table(TableName::new(path.to_owned())));
    };
    let table = TableName::new(entity_set.to_owned());
    let text = decode(rest.strip_suffix(')')?)?;
    let key = match uuid::Uuid::try_parse(&text) {
        Ok(id) => KeyKind::Id(id),
        Err(_) => KeyKind::Alternate(key_parts(&text).collect::<Option<_>>()?),
    };
    Some(BoundTo {
        table,
        key: Some(key),
    })
}

type KeyPart = (std::borrow::Cow<'static, str>, String);

/// Name and literal of each part of an alternate key; a comma in quotes is data.
fn key_parts(text: &str) -> impl Iterator<Item = Option<KeyPart>> {
    let mut is_quoted = false;
    let parts = text.split(move |char| {
        is_quoted ^= char == '\'';
        char == ',' && !is_quoted
    });
    parts.map(|part| {
        let (name, literal) = part.split_once('=')?;
        Some((name.to_owned().into(), literal.to_owned()))
    })
}
