//! Values made of values: members of complex types, parameters and answers of operations.

use std::ops::{Deref, DerefMut};

use super::json::Reader;
use super::{JsonError, Scalar, Value, ValueError};

/// `Collection(…)`: a JSON array.
impl<T: Value> Value for Vec<T> {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        const EXPECTED: &str = "an array";
        let Scalar::Nested(text) = &scalar else {
            return Err(ValueError::new(EXPECTED, &scalar));
        };
        let mut items = Vec::new();
        let mut bad = None;
        let read = Reader::new(text).array(|reader| -> Result<(), JsonError> {
            match T::from_scalar(reader.scalar()?) {
                Ok(item) => items.push(item),
                Err(error) => bad = Some(error),
            }
            Ok(())
        });
        match (read, bad) {
            (Ok(()), None) => Ok(items),
            (Ok(()), Some(error)) => Err(error),
            (Err(_), _) => Err(ValueError::new(EXPECTED, &scalar)),
        }
    }

    fn write_json(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.write_json(out);
        }
        out.push(']');
    }

    fn write_literal(&self, out: &mut String) {
        self.write_json(out);
    }
}

/// A complex value inside another, which may be of the same type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested<T>(Box<T>);

impl<T> Nested<T> {
    /// The value.
    pub fn new(value: T) -> Self {
        Nested(Box::new(value))
    }

    /// The value.
    pub fn into_inner(self) -> T {
        *self.0
    }
}

impl<T> From<T> for Nested<T> {
    fn from(value: T) -> Self {
        Nested::new(value)
    }
}

impl<T> Deref for Nested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Nested<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Value> Value for Nested<T> {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        T::from_scalar(scalar).map(Nested::new)
    }

    fn write_json(&self, out: &mut String) {
        self.0.write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.0.write_literal(out);
    }
}
