//! Floor 1: tables, columns, rows and the changes to them. Knows no URLs and no HTTP.

mod any_row;
mod body;
mod cell;
mod column;
mod complex;
mod decode;
mod edit;
mod entity;
mod key;
mod lookup;
mod members;
mod navigation;
mod record;
mod row;
mod serde;
mod table_name;

pub use any_row::AnyRow;
pub use body::{Body, Changes, New};
#[cfg(feature = "parquet")]
pub(crate) use cell::column_kinds;
pub use cell::{Cell, Columns};
pub(crate) use cell::{clone_columns, columns_equal, debug_columns};
pub use column::{
    Column, CreateOnly, OnCreate, OnUpdate, ReadOnly, ReadWrite, UpdateOnly, WritableIn,
};
pub use complex::Complex;
pub(crate) use complex::{ComplexError, complex_from_scalar, read_complex, write_complex};
pub use decode::{ExpandedError, ExpandedReading};
pub(crate) use decode::{FORMATTED_VALUE, LOOKUP_LOGICAL_NAME, RowError, Shape, decode_row};
pub use edit::{Edit, EditLookup};
pub use entity::{Access, AnyTable, ColumnInfo, Entity, Table};
pub(crate) use key::KeyKind;
pub use key::{AlternateKey, Key, KeyValues, ToKey};
pub use lookup::{Accepts, BindTarget, HasTarget, LookupColumn, Reference};
pub(crate) use lookup::{ContentRef, ReferenceKind};
pub use lookup::{assert_lookup, assert_points_at};
pub(crate) use members::{BodyMembers, Written};
pub use navigation::{Many, Navigation, One};
pub use record::{
    Expand, ExpandInto, Expanded, Field, FieldColumn, FieldNavigation, NullColumn, Parts, ReadAs,
    Record, expand, field,
};
pub use row::Row;
pub(crate) use serde::{deserialize_row, serialize_members, serialize_row};
pub use table_name::{RowRef, TableName};
