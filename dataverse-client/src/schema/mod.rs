//! Floor 1: tables, columns, rows and the changes to them. Knows no URLs and no HTTP.

mod body;
mod cell;
mod column;
mod decode;
mod entity;
mod key;
mod lookup;
mod navigation;
mod record;
mod row;

pub use body::{Body, Changes, New};
pub(crate) use body::{Entry, Written};
pub use cell::{Cell, Columns};
pub(crate) use cell::{clone_columns, columns_equal, debug_columns};
pub use column::{
    Column, CreateOnly, OnCreate, OnUpdate, ReadOnly, ReadWrite, UpdateOnly, WritableIn,
};
pub(crate) use decode::{RowError, Shape, decode_row};
pub use entity::{AnyTable, ColumnInfo, Entity, Table};
pub(crate) use key::KeyKind;
pub use key::{AlternateKey, Key, KeyValues, ToKey};
pub use lookup::{Accepts, BindTarget, HasTarget, Reference, assert_lookup};
pub(crate) use lookup::{ContentRef, ReferenceKind};
pub use navigation::{Many, Navigation, One};
pub use record::{Field, FieldColumn, NullColumn, Parts, ReadAs, Record, field};
pub use row::Row;
