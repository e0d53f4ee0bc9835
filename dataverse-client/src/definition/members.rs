//! JSON objects as structs that lose nothing: a field for each known member, and the rest.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use crate::value::Json;

/// OtherMembers of a definition that have no field of their own, as they came.
#[derive(Clone, Default, PartialEq)]
pub struct OtherMembers(pub(crate) Map<String, Value>);

impl OtherMembers {
    /// A member's value; None if there is no such member.
    pub fn get(&self, name: &str) -> Option<Json> {
        Json::new(self.0.get(name)?.to_string()).ok()
    }

    /// A member that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Sets a member, to be sent with a write.
    pub fn set(&mut self, name: impl Into<String>, value: &Json) {
        // `Json` holds nothing but JSON.
        if let Ok(value) = serde_json::from_str(value.as_str()) {
            self.0.insert(name.into(), value);
        }
    }

    /// Names of the members, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for OtherMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A value that a member can hold.
pub(crate) trait Item: Sized {
    /// The value; None if it is another type than expected.
    fn read(value: &Value) -> Option<Self>;

    fn write(&self) -> Value;
}

/// A struct made of members.
pub(crate) trait Part: Sized {
    /// Takes what it knows; leaves what it does not, and nulls.
    fn take(members: &mut Map<String, Value>) -> Self;

    /// Adds what it has.
    fn put(&self, members: &mut Map<String, Value>);
}

/// A field of such a struct.
pub(crate) trait Field: Sized {
    fn take(members: &mut Map<String, Value>, name: &str) -> Self;
    fn put(&self, members: &mut Map<String, Value>, name: &str);
}

impl<T: Item> Field for Option<T> {
    fn take(members: &mut Map<String, Value>, name: &str) -> Self {
        let read = members.get(name).and_then(T::read)?;
        members.remove(name);
        Some(read)
    }

    fn put(&self, members: &mut Map<String, Value>, name: &str) {
        if let Some(value) = self {
            members.insert(name.to_owned(), value.write());
        }
    }
}

impl<T: Item> Field for Vec<T> {
    fn take(members: &mut Map<String, Value>, name: &str) -> Self {
        let Some(Value::Array(items)) = members.get(name) else {
            return Vec::new();
        };
        let read: Option<Vec<T>> = items.iter().map(T::read).collect();
        let read = read.unwrap_or_default();
        if !read.is_empty() {
            members.remove(name);
        }
        read
    }

    fn put(&self, members: &mut Map<String, Value>, name: &str) {
        if !self.is_empty() {
            let items = self.iter().map(Item::write).collect();
            members.insert(name.to_owned(), Value::Array(items));
        }
    }
}

impl<T: Item> Item for Box<T> {
    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Box::new)
    }

    fn write(&self) -> Value {
        T::write(self)
    }
}

impl Item for bool {
    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Item for i32 {
    fn read(value: &Value) -> Option<Self> {
        i32::try_from(value.as_i64()?).ok()
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Item for i64 {
    fn read(value: &Value) -> Option<Self> {
        value.as_i64()
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Item for Decimal {
    fn read(value: &Value) -> Option<Self> {
        let digits = value.as_number()?.to_string();
        let exact = digits.parse().ok();
        exact.or_else(|| Decimal::from_scientific(&digits).ok())
    }

    fn write(&self) -> Value {
        if self.scale() == 0
            && let Some(whole) = self.to_i64()
        {
            return Value::from(whole);
        }
        let number = self.to_f64().and_then(Number::from_f64);
        number.map_or(Value::Null, Value::Number)
    }
}

impl Item for String {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Item for Uuid {
    fn read(value: &Value) -> Option<Self> {
        Uuid::try_parse(value.as_str()?).ok()
    }

    fn write(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A setting, and whether a managed solution lets it be changed.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ManagedProperty<T> {
    /// The setting.
    pub value: Option<T>,
    /// Whether it can be changed.
    pub can_be_changed: Option<bool>,
    /// `canmodifyauditsettings`.
    pub logical_name: Option<String>,
    /// OtherMembers that have no field here, as they came.
    pub other: OtherMembers,
}

impl<T> ManagedProperty<T> {
    /// A setting that may be changed later; `logical_name` is the managed property's own:
    /// `canmodifyrequirementlevelsettings`.
    pub fn new(value: T, logical_name: impl Into<String>) -> Self {
        ManagedProperty {
            value: Some(value),
            can_be_changed: Some(true),
            logical_name: Some(logical_name.into()),
            other: OtherMembers::default(),
        }
    }
}

impl<T: Item> Item for ManagedProperty<T> {
    fn read(value: &Value) -> Option<Self> {
        let mut members = value.as_object()?.clone();
        Some(ManagedProperty {
            value: Field::take(&mut members, "Value"),
            can_be_changed: Field::take(&mut members, "CanBeChanged"),
            logical_name: Field::take(&mut members, "ManagedPropertyLogicalName"),
            other: OtherMembers(members),
        })
    }

    fn write(&self) -> Value {
        let mut members = self.other.0.clone();
        self.value.put(&mut members, "Value");
        self.can_be_changed.put(&mut members, "CanBeChanged");
        self.logical_name
            .put(&mut members, "ManagedPropertyLogicalName");
        Value::Object(members)
    }
}

/// Declares a struct whose fields are members of a JSON object: `field: Type = "Member",`. A
/// `part` is a piece of another object and keeps no rest.
macro_rules! definition {
    (
        $(#[$attribute:meta])*
        part $name:ident {
            $($(#[$of_field:meta])* $field:ident: $type:ty = $member:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$of_field])* pub $field: $type,)*
        }

        impl $crate::definition::members::Part for $name {
            fn take(members: &mut serde_json::Map<String, serde_json::Value>) -> Self {
                use $crate::definition::members::Field;
                $name { $($field: Field::take(members, $member),)* }
            }

            fn put(&self, members: &mut serde_json::Map<String, serde_json::Value>) {
                use $crate::definition::members::Field;
                $(Field::put(&self.$field, members, $member);)*
            }
        }
    };
    (
        $(#[$attribute:meta])*
        struct $name:ident {
            $($(#[$of_field:meta])* $field:ident: $type:ty = $member:literal,)*
            $(..$(#[$of_part:meta])* $part:ident: $part_type:ty,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$of_field])* pub $field: $type,)*
            $($(#[$of_part])* pub $part: $part_type,)?
            /// OtherMembers that have no field here, as they came; an update sends them back.
            pub other: $crate::definition::OtherMembers,
        }

        impl $crate::definition::members::Part for $name {
            fn take(members: &mut serde_json::Map<String, serde_json::Value>) -> Self {
                use $crate::definition::members::Field;
                // First, because it looks at members that the fields take.
                $(let $part = $crate::definition::members::Part::take(members);)?
                $name {
                    $($field: Field::take(members, $member),)*
                    $($part,)?
                    other: $crate::definition::OtherMembers(std::mem::take(members)),
                }
            }

            fn put(&self, members: &mut serde_json::Map<String, serde_json::Value>) {
                use $crate::definition::members::Field;
                members.extend(self.other.0.clone());
                $(Field::put(&self.$field, members, $member);)*
                $($crate::definition::members::Part::put(&self.$part, members);)?
            }
        }

        part_as_json!($name);
    };
}

/// A [`Part`] as a value of its own, and through serde.
macro_rules! part_as_json {
    ($name:ident) => {
        impl $crate::definition::members::Item for $name {
            fn read(value: &serde_json::Value) -> Option<Self> {
                let mut members = value.as_object()?.clone();
                Some($crate::definition::members::Part::take(&mut members))
            }

            fn write(&self) -> serde_json::Value {
                let mut members = serde_json::Map::new();
                $crate::definition::members::Part::put(self, &mut members);
                serde_json::Value::Object(members)
            }
        }

        /// The JSON that the service reads.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let json = $crate::definition::members::Item::write(self);
                serde::Serialize::serialize(&json, serializer)
            }
        }

        /// Reads any JSON object: what it does not know is kept.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                type Object = serde_json::Map<String, serde_json::Value>;
                let mut members: Object = serde::Deserialize::deserialize(deserializer)?;
                Ok($crate::definition::members::Part::take(&mut members))
            }
        }
    };
}
