//! What generated code names, and nothing else: `dataverse-codegen` writes these paths.
//!
//! A generated table is data and declarations. Reading, writing, comparing and printing rows
//! happens in shared code behind [`Columns`].

use std::fmt;

use crate::schema;

pub use chrono::NaiveDate as Date;
pub use rust_decimal::Decimal;
pub use uuid::Uuid;

pub use crate::op::{Answer, Arguments, BoundTo, Message, MessageKind, RowArgument};
#[doc(hidden)]
pub use crate::op::{CalledOn, Given, RowTable, deserialize_message, serialize_message};
pub use crate::schema::{
    Access, AlternateKey, AnyRow, AnyTable, Cell, Column, ColumnInfo, Columns, Complex, CreateOnly,
    Entity, HasTarget, Key, Many, Navigation, NullColumn, One, ReadAs, ReadOnly, ReadWrite, Record,
    Row, Table, UpdateOnly,
};
pub use crate::value::{
    AnyLookup, ApiEnum, Binary, Choice, ChoiceOption, Choices, Id, Json, Lookup, Members, Nested,
    Scalar, Target, TargetList, Targets, UserLocalDate, Value, ValueError,
};
pub use crate::{
    __api_enum as api_enum, __choice as choice, __complex as complex, __message as message,
    __table as table, __targets as targets,
};

/// What the macros need of serde; the whole crate here would give `Option` a second name, which
/// compilers then write out in messages.
#[doc(hidden)]
pub mod serde {
    pub use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
}

/// A date and time, in UTC.
pub type DateTime = chrono::DateTime<chrono::Utc>;

/// A date and time without a time zone.
pub type LocalDateTime = chrono::NaiveDateTime;

/// The column with this ordinal.
///
/// Free functions, here and below: the compiler finds an associated one by searching, once for each
/// of ten thousand constants.
#[doc(hidden)]
pub const fn column<E, T, A>(ordinal: u16) -> Column<E, T, A> {
    Column::new(ordinal)
}

/// The navigation property with this exact name.
#[doc(hidden)]
pub const fn navigation<E, T>(name: &'static str) -> Navigation<E, T> {
    Navigation::new(name)
}

/// Declares a choice: `pub enum Name { Variant = 1 "Label", }`. The variant for other numbers is `Unknown`.
#[macro_export]
#[doc(hidden)]
macro_rules! __choice {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$of_option:meta])* $option:ident = $value:literal $label:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy)]
        #[non_exhaustive]
        $visibility enum $name {
            $($(#[$of_option])* $option,)*
            /// A number that was not known when this was generated.
            Unknown(i32),
        }

        #[allow(deprecated)]
        impl $crate::codegen::Choice for $name {
            const OPTIONS: &'static [$crate::codegen::ChoiceOption] = &[
                $($crate::codegen::ChoiceOption::new($value, ::std::stringify!($option), $label),)*
            ];

            fn from_value(value: i32) -> Self {
                match value {
                    $($value => Self::$option,)*
                    other => Self::Unknown(other),
                }
            }

            fn value(self) -> i32 {
                match self {
                    $(Self::$option => $value,)*
                    Self::Unknown(value) => value,
                }
            }
        }

        $crate::__choice_traits!($name);
    };
}

/// What every choice can do, whatever its values.
#[macro_export]
#[doc(hidden)]
macro_rules! __choice_traits {
    ($name:ident) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::codegen::debug_choice(*self, f)
            }
        }

        // By number: `Unknown(1)` is the variant for 1.
        impl ::std::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::codegen::Choice::value(*self) == $crate::codegen::Choice::value(*other)
            }
        }

        impl ::std::cmp::Eq for $name {}

        impl ::std::hash::Hash for $name {
            fn hash<H: ::std::hash::Hasher>(&self, state: &mut H) {
                ::std::hash::Hash::hash(&$crate::codegen::Choice::value(*self), state);
            }
        }

        // Here, not for all choices at once: that would make choices of whatever does not fit, in
        // the compiler's messages.
        impl $crate::codegen::ReadAs<$name> for i32 {}
        impl $crate::codegen::ReadAs<i32> for $name {}

        impl ::std::convert::From<i32> for $name {
            fn from(value: i32) -> Self {
                $crate::codegen::Choice::from_value(value)
            }
        }

        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_i32($crate::codegen::Choice::value(*self))
            }
        }

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                <i32 as $crate::codegen::serde::Deserialize>::deserialize(deserializer)
                    .map($crate::codegen::Choice::from_value)
            }
        }
    };
}

/// Makes a generated struct a [`Record`] that can be printed, copied and compared.
#[macro_export]
#[doc(hidden)]
macro_rules! __table {
    ($name:ident) => {
        $crate::__columns!($name);

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::codegen::debug_row(self, f)
            }
        }

        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::codegen::serialize_row(self, serializer)
            }
        }

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::codegen::deserialize_row(deserializer)
            }
        }

        impl $crate::codegen::Record for $name {
            type Entity = Self;
            type Parts = Self;
            const FIELDS: ::std::option::Option<&'static [u16]> = ::std::option::Option::None;

            fn from_parts(parts: Self) -> ::std::result::Result<Self, $crate::codegen::NullColumn> {
                ::std::result::Result::Ok(parts)
            }
        }
    };
}

/// Makes a generated struct an answer of an operation that can be printed, copied and compared.
#[macro_export]
#[doc(hidden)]
macro_rules! __complex {
    ($name:ident) => {
        $crate::__columns!($name);

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::codegen::debug_complex(::std::stringify!($name), self, f)
            }
        }

        impl $crate::codegen::Answer for $name {
            fn read(body: &[u8]) -> $crate::Result<Self> {
                $crate::codegen::read_complex(body)
            }
        }

        impl $crate::codegen::Value for $name {
            fn from_scalar(
                scalar: $crate::codegen::Scalar<'_>,
            ) -> ::std::result::Result<Self, $crate::codegen::ValueError> {
                $crate::codegen::complex_from_scalar(scalar)
            }

            fn write_json(&self, out: &mut ::std::string::String) {
                $crate::codegen::write_complex(self, out);
            }

            fn write_literal(&self, out: &mut ::std::string::String) {
                $crate::codegen::write_complex(self, out);
            }
        }

        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::codegen::serialize_complex(self, serializer)
            }
        }

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::codegen::deserialize_value(deserializer)
            }
        }
    };
}

/// Declares an enum type of the API: `pub enum Name("Qualified.Name", is_flags) { A = 1 "A", }`.
/// It is a struct with a constant for each member, since the service may know more.
#[macro_export]
#[doc(hidden)]
macro_rules! __api_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident($qualified:literal, $is_flags:literal) {
            $($(#[$of_member:meta])* $member:ident = $value:literal $text:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
        $visibility struct $name($crate::codegen::Members);

        impl $name {
            $(
                $(#[$of_member])*
                $visibility const $member: Self = Self($crate::codegen::Members::new($value));
            )*
        }

        impl ::std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0.union(other.0))
            }
        }

        impl $crate::codegen::ApiEnum for $name {
            const NAME: &'static str = $qualified;
            const MEMBERS: &'static [(&'static str, i64)] = &[$(($text, $value)),*];
            const IS_FLAGS: bool = $is_flags;

            fn from_members(members: $crate::codegen::Members) -> Self {
                Self(members)
            }

            fn members(&self) -> &$crate::codegen::Members {
                &self.0
            }
        }

        impl $crate::codegen::Value for $name {
            fn from_scalar(
                scalar: $crate::codegen::Scalar<'_>,
            ) -> ::std::result::Result<Self, $crate::codegen::ValueError> {
                $crate::codegen::read_enum(scalar)
            }

            fn write_json(&self, out: &mut ::std::string::String) {
                $crate::codegen::write_enum_json(self, out);
            }

            fn write_literal(&self, out: &mut ::std::string::String) {
                $crate::codegen::write_enum_literal(self, out);
            }
        }

        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::codegen::serialize_value(self, serializer)
            }
        }

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::codegen::deserialize_value(deserializer)
            }
        }

        impl $crate::codegen::Answer for $name {
            fn read(body: &[u8]) -> $crate::Result<Self> {
                $crate::codegen::read_value(body)
            }
        }
    };
}

/// Makes a generated struct an operation that can be called, and kept as JSON:
/// `Name: Action "Name" -> Output, row on { value subject = "Subject", }`.
#[macro_export]
#[doc(hidden)]
macro_rules! __message {
    (
        $name:ident: $kind:ident $wire_name:literal -> $output:ty
        $(, row $on:ident)? $(, rows_of $table:ty)?
        { $($method:ident $field:ident = $parameter:literal,)* }
    ) => {
        impl $crate::codegen::Message for $name {
            type Output = $output;
            const NAME: &'static str = $wire_name;
            const KIND: $crate::codegen::MessageKind = $crate::codegen::MessageKind::$kind;

            fn arguments(&self, out: &mut $crate::codegen::Arguments<'_>) {
                $(out.$method($parameter, &self.$field);)*
                let _ = out;
            }

            $(fn bound_to(&self) -> ::std::option::Option<$crate::codegen::BoundTo> {
                ::std::option::Option::Some($crate::codegen::CalledOn::bound_to(&self.$on))
            })?

            $(fn bound_to(&self) -> ::std::option::Option<$crate::codegen::BoundTo> {
                ::std::option::Option::Some($crate::codegen::BoundTo::rows_of::<$table>())
            })?
        }

        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::codegen::serialize_message(self, serializer)
            }
        }

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::codegen::deserialize_message(deserializer, |given| {
                    let _ = &given;
                    ::std::result::Result::Ok(Self {
                        $($on: given.on()?,)?
                        // `?` would have the compiler look up a conversion of the error for each.
                        $($field: match given.$method($parameter) {
                            ::std::result::Result::Ok(value) => value,
                            ::std::result::Result::Err(error) => {
                                return ::std::result::Result::Err(error)
                            }
                        },)*
                    })
                })
            }
        }
    };
}

/// Says where a lookup of several tables may point: `Name { super::Account = "customerid_account", }`.
/// After `enum`, the name is that of [`Targets`](crate::value::Targets).
#[macro_export]
#[doc(hidden)]
macro_rules! __targets {
    (enum $name:ident { $($list:tt)* }) => {
        $crate::__targets!($name { $($list)* });

        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::codegen::serialize_target(self, serializer)
            }
        }

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::codegen::deserialize_target(deserializer)
            }
        }
    };
    ($name:ident { $($table:ty = $navigation:literal,)* }) => {
        impl $crate::codegen::TargetList for $name {
            const TARGETS: &'static [$crate::codegen::Target] = &[$(
                $crate::codegen::Target::new(
                    <$table as $crate::codegen::Entity>::TABLE.logical_name(),
                    <$table as $crate::codegen::Entity>::TABLE.entity_set(),
                    $navigation,
                )
            ),*];
        }

        $(
            impl $crate::codegen::HasTarget<$table> for $name {
                const NAVIGATION: &'static str = $navigation;
            }
        )*
    };
}

#[macro_export]
#[doc(hidden)]
macro_rules! __columns {
    ($name:ident) => {
        impl ::std::clone::Clone for $name {
            fn clone(&self) -> Self {
                $crate::codegen::clone_columns(self)
            }
        }

        impl ::std::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::codegen::columns_equal(self, other)
            }
        }
    };
}

/// A member of a row that has to hold a value.
#[doc(hidden)]
pub fn present<T: Value>(row: &crate::AnyRow, name: &str) -> crate::Result<T> {
    row.get(name)?.ok_or_else(|| {
        crate::Error::decode(format!(
            "`{name}` is null or was not sent; make the field an `Option`"
        ))
    })
}

/// Prints the variant of a choice.
#[doc(hidden)]
pub fn debug_choice<C: Choice>(choice: C, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    crate::value::debug_choice(choice, f)
}

/// Prints the columns of a row that hold a value.
#[doc(hidden)]
pub fn debug_row<E: Entity + Columns>(row: &E, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let table = E::TABLE;
    let column = |ordinal: u16| match table.columns().get(usize::from(ordinal)) {
        Some(column) => column.logical_name(),
        None => "?",
    };
    schema::debug_columns(table.logical_name(), row, column, f)
}

/// Prints the members of a complex type that hold a value.
#[doc(hidden)]
pub fn debug_complex<T: Complex>(
    name: &str,
    complex: &T,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let member = |ordinal: u16| match T::MEMBERS.get(usize::from(ordinal)) {
        Some(member) => *member,
        None => "?",
    };
    schema::debug_columns(name, complex, member, f)
}

/// A copy, column by column.
#[doc(hidden)]
pub fn clone_columns<T: Columns>(columns: &T) -> T {
    schema::clone_columns(columns)
}

/// Whether all columns are equal.
#[doc(hidden)]
pub fn columns_equal<T: Columns>(left: &T, right: &T) -> bool {
    schema::columns_equal(left, right)
}

/// Reads a complex type.
#[doc(hidden)]
pub fn read_complex<T: Complex>(body: &[u8]) -> crate::Result<T> {
    crate::op::read_complex_answer(body)
}

/// Reads `{"value":…}`.
#[doc(hidden)]
pub fn read_value<T: Value>(body: &[u8]) -> crate::Result<T> {
    crate::op::read_value(body)
}

/// Reads a complex type inside another value.
#[doc(hidden)]
pub fn complex_from_scalar<T: Complex>(scalar: Scalar<'_>) -> Result<T, ValueError> {
    schema::complex_from_scalar(scalar)
}

/// Appends a complex type as JSON.
#[doc(hidden)]
pub fn write_complex<T: Complex>(complex: &T, out: &mut String) {
    schema::write_complex(complex, out);
}

/// Writes a complex type for serde.
#[doc(hidden)]
pub fn serialize_complex<T: Complex, S: ::serde::Serializer>(
    complex: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    schema::serialize_members(T::MEMBERS, complex, serializer)
}

/// Writes a value for serde.
#[doc(hidden)]
pub fn serialize_value<T: Value, S: ::serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut text = String::new();
    value.write_json(&mut text);
    crate::value::serialize_json(&text, serializer)
}

/// Reads a value for serde, through the text of the document.
#[doc(hidden)]
pub fn deserialize_value<'de, T: Value, D: ::serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    crate::value::deserialize_value(deserializer)
}

/// Writes where a lookup points, for serde.
#[doc(hidden)]
pub fn serialize_target<T: Targets, S: ::serde::Serializer>(
    target: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    crate::value::serialize_target(target, serializer)
}

/// Reads where a lookup points, for serde.
#[doc(hidden)]
pub fn deserialize_target<'de, T: Targets, D: ::serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    crate::value::deserialize_target(deserializer)
}

/// Writes a row for serde.
#[doc(hidden)]
pub fn serialize_row<E: Entity + Columns, S: ::serde::Serializer>(
    row: &E,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    schema::serialize_row(row, serializer)
}

/// Reads a row for serde.
#[doc(hidden)]
pub fn deserialize_row<'de, R: Record, D: ::serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<R, D::Error> {
    schema::deserialize_row(deserializer)
}

/// Reads an enum type of the API.
#[doc(hidden)]
pub fn read_enum<T: ApiEnum>(scalar: Scalar<'_>) -> Result<T, ValueError> {
    crate::value::read_enum(scalar)
}

/// Appends an enum type as JSON.
#[doc(hidden)]
pub fn write_enum_json<T: ApiEnum>(value: &T, out: &mut String) {
    crate::value::write_enum_json(value, out);
}

/// Appends an enum type as a literal.
#[doc(hidden)]
pub fn write_enum_literal<T: ApiEnum>(value: &T, out: &mut String) {
    crate::value::write_enum_literal(value, out);
}
