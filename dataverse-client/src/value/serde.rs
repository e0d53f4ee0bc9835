//! JSON text through serde.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::json::Reader;
use super::{Json, Scalar, Targets, Value};

/// Writes a JSON value in the serializer's own terms.
pub(crate) fn serialize_json<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match Reader::new(text).scalar().map_err(S::Error::custom)? {
        Scalar::Null => serializer.serialize_unit(),
        Scalar::Bool(value) => serializer.serialize_bool(value),
        Scalar::Text(text) => serializer.serialize_str(&text),
        Scalar::Number(digits) => serialize_number(digits, serializer),
        Scalar::Nested(text) => {
            let value: serde_json::Value = serde_json::from_str(text).map_err(S::Error::custom)?;
            value.serialize(serializer)
        }
    }
}

/// A number that a float would round is written as text, which is read back exactly.
fn serialize_number<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(whole) = digits.parse::<i64>() {
        return serializer.serialize_i64(whole);
    }
    let float = digits.parse::<f64>().ok();
    let decimal = |text: &str| text.parse::<rust_decimal::Decimal>().ok();
    match float {
        Some(float)
            if decimal(digits).is_none_or(|exact| decimal(&float.to_string()) == Some(exact)) =>
        {
            serializer.serialize_f64(float)
        }
        _ => serializer.serialize_str(digits),
    }
}

/// Reads a value from the text of the document, so that no digit gets lost: the deserializer must
/// be one of `serde_json`.
pub(crate) fn deserialize_value<'de, T: Value, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    let scalar = Reader::new(text.get()).scalar().map_err(D::Error::custom)?;
    T::from_scalar(scalar).map_err(D::Error::custom)
}

/// Where a lookup points, with the names of an `EntityReference`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoredTarget {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logical_name: Option<String>,
    id: uuid::Uuid,
}

/// Writes `{"LogicalName":"account","Id":"…"}`.
pub(crate) fn serialize_target<T: Targets, S: Serializer>(
    target: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (table, id) = target.row();
    let logical_name = table.map(str::to_owned);
    StoredTarget { logical_name, id }.serialize(serializer)
}

/// Reads what [`serialize_target`] wrote.
pub(crate) fn deserialize_target<'de, T: Targets, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let stored = StoredTarget::deserialize(deserializer)?;
    Ok(T::new(stored.logical_name.as_deref(), stored.id))
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_json(self.as_str(), serializer)
    }
}
