//! Floor 1: what the service says of its tables, columns, relationships, keys and choices, as
//! data. Knows no URLs.
//!
//! A definition has a field for what programs look at, and keeps the rest: an update sends back
//! all that was read. What a request did not ask for is None, and so is what cannot be read.

#[macro_use]
mod members;
mod changes;
mod choice;
mod column;
mod deleted;
mod key;
mod kind;
mod label;
mod query;
mod relationship;
mod schema;
mod table;
mod words;

pub use changes::MetadataChanges;
pub use choice::{OptionDefinition, OptionSetDefinition};
pub use column::ColumnDefinition;
pub use deleted::DeletedMetadata;
pub use key::KeyDefinition;
pub use kind::{
    BigIntColumn, BooleanColumn, ChoiceColumn, ColumnKind, DateTimeColumn, DecimalColumn,
    FileColumn, ImageColumn, IntegerColumn, LookupColumn, MemoColumn, MoneyColumn, StringColumn,
};
pub use label::{Label, LocalizedLabel};
pub use members::{ManagedProperty, OtherMembers};
pub use query::{MetadataFilter, MetadataQuery, MetadataValue};
pub use relationship::{
    AssociatedMenu, CascadeConfiguration, ManyToManyRelationship, OneToManyRelationship,
    RelationshipDefinition,
};
pub use schema::{ColumnSchema, Schema, TableSchema};
pub use table::TableDefinition;
pub use words::{
    AttributeType, CascadeType, DateTimeBehavior, DateTimeFormat, IndexStatus, IntegerFormat,
    MenuBehavior, OptionSetType, Ownership, RequiredLevel, StringFormat,
};
