//! What generated code names, and nothing else: `dataverse-codegen` writes these paths.
//!
//! A generated table is data and declarations. Reading, writing, comparing and printing rows
//! happens in shared code behind [`Columns`].

use std::fmt;

use crate::schema;

pub use chrono::NaiveDate as Date;
pub use rust_decimal::Decimal;
pub use uuid::Uuid;

pub use crate::op::{Answer, Arguments, Complex, Message, MessageKind, RowArgument};
pub use crate::schema::{
    AlternateKey, AnyTable, Cell, Column, ColumnInfo, Columns, CreateOnly, Entity, HasTarget, Many,
    Navigation, NullColumn, One, ReadOnly, ReadWrite, Record, Table, UpdateOnly,
};
pub use crate::value::{AnyLookup, Binary, Id, Json, Lookup, Targets};
pub use crate::{__complex as complex, __table as table};

/// A date and time, in UTC.
pub type DateTime = chrono::DateTime<chrono::Utc>;

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
    crate::op::read_complex(body)
}
