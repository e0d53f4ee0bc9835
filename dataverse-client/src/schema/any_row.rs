//! A row whose table is only known at run time.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Entity;
use crate::error::{Error, Result};
use crate::value::json::{Reader, write_string};
use crate::value::{ETag, Id, Json, JsonError, Scalar, Value, ValueError};

/// The members of a row as they came, annotations included: what an operation answers that gives
/// rows of any table.
#[derive(Clone, Default, PartialEq)]
pub struct AnyRow {
    members: Vec<(Box<str>, Json)>,
}

impl AnyRow {
    /// The logical name of the table, if the answer tells it (`@odata.type`).
    pub fn logical_name(&self) -> Option<String> {
        let qualified: String = self.get("@odata.type").ok()??;
        let name = qualified.rsplit(['.', '#']).next()?;
        Some(name.to_owned())
    }

    /// The version of the row.
    pub fn etag(&self) -> Option<ETag> {
        let text: String = self.get("@odata.etag").ok()??;
        Some(ETag::new(text))
    }

    /// The value of a member, by its name on the wire; None if it is null or was not sent. A name
    /// that no row has is never sent, either: a lookup is `_ownerid_value`, and a label
    /// `statecode@OData.Community.Display.V1.FormattedValue`.
    ///
    /// Errors: it is not a `T`.
    pub fn get<T: Value>(&self, name: &str) -> Result<Option<T>> {
        let Some(json) = self.json(name) else {
            return Ok(None);
        };
        let mut reader = Reader::new(json.as_str());
        let read = match reader.scalar() {
            Ok(Scalar::Null) => return Ok(None),
            Ok(scalar) => T::from_scalar(scalar),
            Err(_) => Err(ValueError {
                expected: "JSON",
                found: "something else",
            }),
        };
        read.map(Some)
            .map_err(|error| Error::decode(format!("member `{name}`: {error}")).with_source(error))
    }

    /// A member as JSON.
    pub fn json(&self, name: &str) -> Option<&Json> {
        let mut members = self.members.iter();
        let (_, json) = members.find(|(known, _)| **known == *name)?;
        Some(json)
    }

    /// With the version that stands beside the row, if the row has none.
    pub(crate) fn or_etag(self, beside: Option<&str>) -> Self {
        match beside {
            Some(beside) if self.etag().is_none() => self.set("@odata.etag", beside.to_owned()),
            _ => self,
        }
    }

    /// Names and values, in the order of the answer.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members.iter().map(|(name, json)| (&**name, json))
    }

    /// Writes a member: for rows inside complex types, which operations take as parameters.
    ///
    /// What a type of the program itself writes that is no JSON stands in the request as it is, and
    /// the service refuses it.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Value) -> Self {
        let mut text = String::new();
        value.write_json(&mut text);
        self.members.retain(|(known, _)| **known != *name);
        self.members.push((name.into(), Json::written(text)));
        self
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut members: Vec<(Box<str>, Json)> = Vec::new();
        reader.object(|reader, key| -> Result<(), JsonError> {
            // Whatever it is, it is JSON.
            if let Ok(json) = Json::from_scalar(reader.scalar()?) {
                members.push((key.into(), json));
            }
            Ok(())
        })?;
        Ok(AnyRow { members })
    }
}

/// A row that exists, by its primary key: what operations take where they want a reference.
impl<E: Entity> From<Id<E>> for AnyRow {
    fn from(id: Id<E>) -> Self {
        let table = E::TABLE.logical_name();
        AnyRow::default()
            .set("@odata.type", format!("Microsoft.Dynamics.CRM.{table}"))
            .set(E::TABLE.primary_id(), id)
    }
}

impl fmt::Debug for AnyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members().map(|(name, json)| (name, json.as_str()));
        f.debug_map().entries(members).finish()
    }
}

impl Value for AnyRow {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        let row = match &scalar {
            Scalar::Nested(text) => AnyRow::read(&mut Reader::new(text)).ok(),
            _ => None,
        };
        row.ok_or_else(|| ValueError::new("an object", &scalar))
    }

    fn write_json(&self, out: &mut String) {
        out.push('{');
        for (index, (name, json)) in self.members().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_string(name, out);
            out.push(':');
            out.push_str(json.as_str());
        }
        out.push('}');
    }

    fn write_literal(&self, out: &mut String) {
        self.write_json(out);
    }
}

impl Serialize for AnyRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, json) in self.members() {
            map.serialize_entry(name, json)?;
        }
        map.end()
    }
}
