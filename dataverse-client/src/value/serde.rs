//! JSON text through serde.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use super::json::Reader;
use super::{Json, Scalar};

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

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_json(self.as_str(), serializer)
    }
}
