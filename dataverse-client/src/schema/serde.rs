//! Rows as JSON for programs: the shape the Web API answers, through serde.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::cell::{Cell, Columns, cells};
use super::decode::{FORMATTED_VALUE, LOOKUP_LOGICAL_NAME, Shape, decode_row};
use super::{Entity, Record};
use crate::value::json::Reader;
use crate::value::{Annotation, serialize_json};

/// Writes the columns that hold a value, under their wire names, with what is known of lookups.
pub(crate) fn serialize_row<E: Entity + Columns, S: Serializer>(
    row: &E,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    const ANNOTATIONS: [(Annotation, &str); 2] = [
        (Annotation::FormattedValue, FORMATTED_VALUE),
        (Annotation::LookupLogicalName, LOOKUP_LOGICAL_NAME),
    ];
    let mut map = serializer.serialize_map(None)?;
    for (column, cell) in E::TABLE.columns().iter().zip(cells(row)) {
        if cell.is_null() {
            continue;
        }
        for (annotation, term) in ANNOTATIONS {
            if let Some(text) = cell.annotation(annotation) {
                map.serialize_entry(&format!("{}@{term}", column.wire_name()), text)?;
            }
        }
        map.serialize_entry(column.wire_name(), &Written(cell))?;
    }
    map.end()
}

/// Writes the members that hold a value.
pub(crate) fn serialize_members<T: Columns, S: Serializer>(
    members: &'static [&'static str],
    complex: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (member, cell) in members.iter().zip(cells(complex)) {
        if !cell.is_null() {
            map.serialize_entry(member, &Written(cell))?;
        }
    }
    map.end()
}

/// Reads a row as the Web API answers it.
///
/// Through the text of the document, so that no digit of a decimal gets lost: the deserializer
/// must be one of `serde_json`.
pub(crate) fn deserialize_row<'de, R: Record, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<R, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    let mut reader = Reader::new(text.get());
    let row = decode_row::<R>(&mut reader, &mut Shape::of::<R>()).map_err(D::Error::custom)?;
    Ok(row.into_inner())
}

/// A value of a cell.
struct Written<'a>(&'a dyn Cell);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        self.0.write_json(&mut text);
        serialize_json(&text, serializer)
    }
}
