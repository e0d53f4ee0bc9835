//! What a CSDL document means: inheritance applied, lookups joined with their navigation
//! properties, abstract targets replaced by the tables that have rows.

mod access;
mod build;
mod enrich;
mod lookups;
mod warnings;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

pub use crate::csdl::OperationKind;
pub use build::build;
pub use enrich::enrich;

/// The tables and operations of one document, by logical name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    /// `Microsoft.Dynamics.CRM` for Dataverse.
    pub namespace: String,
    /// Every entity type, abstract ones and those without a set included.
    pub tables: BTreeMap<String, Table>,
    /// Complex types, by name.
    pub complex_types: BTreeMap<String, ComplexType>,
    /// Enum types of the API, by name.
    pub enum_types: BTreeMap<String, EnumType>,
    /// Actions and functions, sorted by name, binding type and parameters.
    pub operations: Vec<Operation>,
    /// Choices, by name of a global one, else by `table.column`. CSDL does not have them; empty
    /// without definitions.
    pub choices: BTreeMap<String, Choice>,
    /// What of the document was passed over: one sentence each, with the name; sorted.
    pub warnings: Vec<String>,
}

/// One table, with the columns and navigation properties it inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table {
    /// Singular name: `account`.
    pub logical_name: String,
    /// The name in URLs: `accounts`. None for types that have no rows of their own.
    pub entity_set: Option<String>,
    /// Abstract types only serve as bases and as targets of lookups.
    pub is_abstract: bool,
    /// Logical name of the base type.
    pub base: Option<String>,
    /// The column that identifies a row: `accountid`; `activityid` for activities; `systemuserid`
    /// although the declared key of `systemuser` is the inherited `ownerid`. None without a key.
    pub primary_id: Option<String>,
    /// Sorted by logical name, no two alike.
    pub columns: Vec<Column>,
    /// Sorted by name, no two alike.
    pub navigations: Vec<Navigation>,
    /// Alternate keys, sorted by their columns, without those that repeat the primary key.
    pub alternate_keys: Vec<AlternateKey>,
    /// What the service says about the table.
    pub description: Option<String>,
    /// `Account`. Only definitions tell it.
    pub schema_name: Option<String>,
    /// Display name. Only definitions tell it.
    pub label: Option<String>,
    /// The column that names a row to people: `fullname`. Only definitions tell it.
    pub primary_name: Option<String>,
    /// Its label says so.
    pub deprecated: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// `primarycontactid`.
    pub logical_name: String,
    /// The name when read and in `$select`: `_primarycontactid_value`; else the logical name.
    pub wire_name: String,
    /// What it holds.
    pub column_type: ColumnType,
    /// Who may write it, as far as CSDL tells.
    pub access: Access,
    /// What the service says about the column.
    pub description: Option<String>,
    /// What only definitions tell.
    pub definition: Defined,
}

/// The definition of a column, empty and without room of its own as long as nothing is told: most
/// documents come without definitions, and have tens of thousands of columns.
#[derive(Debug, Clone, Default)]
pub struct Defined(Option<Box<ColumnDefinition>>);

impl From<ColumnDefinition> for Defined {
    fn from(definition: ColumnDefinition) -> Self {
        Defined(Some(Box::new(definition)))
    }
}

impl Deref for Defined {
    type Target = ColumnDefinition;

    fn deref(&self) -> &ColumnDefinition {
        self.0.as_deref().unwrap_or(ColumnDefinition::EMPTY)
    }
}

impl DerefMut for Defined {
    fn deref_mut(&mut self) -> &mut ColumnDefinition {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Defined {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Defined {}

/// What definitions tell about a column, and CSDL does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnDefinition {
    /// `PrimaryContactId`.
    pub schema_name: Option<String>,
    /// Display name.
    pub label: Option<String>,
    /// Who insists on a value.
    pub required: Required,
    /// The longest text, in UTF-16 units.
    pub max_length: Option<u32>,
    /// The smallest number, as the service wrote it.
    pub minimum: Option<String>,
    /// The greatest number, as the service wrote it.
    pub maximum: Option<String>,
    /// Digits after the decimal point.
    pub precision: Option<u32>,
    /// `Email`, `Url`, `DateOnly` …: how applications show it.
    pub format: Option<String>,
    /// Labels of no and yes.
    pub boolean_labels: Option<[String; 2]>,
    /// Column security: without a permission the service sends null.
    pub is_secured: bool,
    /// Its label says so, or a version is given.
    pub deprecated: bool,
    /// Logical names of the tables a lookup points at, also where the document has no navigation
    /// property for it.
    pub targets: Vec<String>,
}

impl ColumnDefinition {
    const EMPTY: &'static ColumnDefinition = &ColumnDefinition {
        schema_name: None,
        label: None,
        required: Required::No,
        max_length: None,
        minimum: None,
        maximum: None,
        precision: None,
        format: None,
        boolean_labels: None,
        is_secured: false,
        deprecated: false,
        targets: Vec::new(),
    };
}

/// Who insists on a value in a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Required {
    /// Nobody.
    #[default]
    No,
    /// Forms recommend one.
    Recommended,
    /// Forms do; the Web API does not.
    ByApplication,
    /// The service does.
    BySystem,
}

/// A choice: numbers with labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// `account_industrycode`; for a global choice its key.
    pub name: String,
    /// Whether columns of several tables share it.
    pub is_global: bool,
    /// What it is for.
    pub kind: ChoiceKind,
    /// Display name.
    pub label: Option<String>,
    /// What the service says about it.
    pub description: Option<String>,
    /// Sorted by value, no two alike.
    pub options: Vec<ChoiceOption>,
}

/// What a choice is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ChoiceKind {
    /// Anything.
    #[default]
    Plain,
    /// `statecode`.
    State,
    /// `statuscode`, whose options belong to states: the key of the choice of the states.
    Status {
        /// Key in [`Model::choices`]; None if the definitions lack it.
        states: Option<String>,
    },
}

/// An option of a choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChoiceOption {
    /// The number that is sent.
    pub value: i32,
    /// In the language that was asked for; never in the user's.
    pub label: Option<String>,
    /// What the service says about it.
    pub description: Option<String>,
    /// For an option of a status, the state it belongs to.
    pub state: Option<i32>,
    /// Its label says so.
    pub deprecated: bool,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnType {
    /// `Edm.String`: text, and choices (multi-select) as `"1,9"`.
    Text,
    /// `Edm.Boolean`.
    Boolean,
    /// `Edm.Byte`, `Edm.SByte`, `Edm.Int16`, `Edm.Int32`: whole numbers and choices.
    Int,
    /// `Edm.Int64`.
    BigInt,
    /// `Edm.Double`, `Edm.Single`.
    Double,
    /// `Edm.Decimal`: decimal, and money where definitions are missing.
    Decimal,
    /// `Edm.Decimal` that definitions call money.
    Money,
    /// `Edm.Int32` with options: a key in [`Model::choices`].
    Choice(String),
    /// `Edm.String` with options, any number of them: a key in [`Model::choices`].
    Choices(String),
    /// `Edm.Guid` that is neither the primary id nor a lookup with a target.
    Guid,
    /// The primary id of this table.
    PrimaryId,
    /// `Edm.DateTimeOffset`.
    DateTime,
    /// `Edm.DateTimeOffset` without a time zone (behaviour `TimeZoneIndependent`): sent with `Z`,
    /// meant as it stands.
    LocalDateTime,
    /// `Edm.DateTimeOffset` that shows a date (behaviour `UserLocal`, format `DateOnly`): the midnight
    /// of whoever wrote it.
    UserLocalDate,
    /// `Edm.Date`.
    Date,
    /// `Edm.Binary`: image thumbnails and file ids.
    Binary,
    /// A lookup and its targets, sorted by table; never empty.
    Lookup(Vec<LookupTarget>),
    /// A complex type, an enum type, or a collection.
    Structured(Box<TypeRef>),
    /// Anything else, by its qualified name.
    Other(String),
}

/// One table a lookup may point at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LookupTarget {
    /// Logical name of a table that has a set and a primary id.
    pub table: String,
    /// The navigation property to bind through, in its exact case.
    pub navigation: String,
    /// The abstract type that the navigation property declares, if this table is one of its
    /// subtypes: `principal` for an owner.
    pub through: Option<String>,
}

/// Who may write a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// In create and update.
    #[default]
    ReadWrite,
    /// Never: the service fills it.
    ReadOnly,
    /// Only in create.
    CreateOnly,
    /// Only in update.
    UpdateOnly,
}

/// A navigation property.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Navigation {
    /// Exact name, case-sensitive.
    pub name: String,
    /// Logical name of the target table; possibly abstract.
    pub target: String,
    /// One-to-many and many-to-many.
    pub is_collection: bool,
    /// The navigation property of the target that leads back.
    pub partner: Option<String>,
    /// For a single-valued one, the logical name of the lookup column it belongs to.
    pub lookup: Option<String>,
}

/// An alternate key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AlternateKey {
    /// Wire names of its columns, in document order.
    pub columns: Vec<String>,
}

/// A complex type, members of its base types included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComplexType {
    /// Unqualified name.
    pub name: String,
    /// (name, type), in document order; rows it holds inline are among them.
    pub members: Vec<(String, TypeRef)>,
}

/// An enum type of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnumType {
    /// The namespace of the name.
    pub namespace: String,
    /// Unqualified name.
    pub name: String,
    /// Members combine as bits.
    pub is_flags: bool,
    /// (name, value), in document order.
    pub members: Vec<(String, i64)>,
}

/// An action or function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Action or function.
    pub kind: OperationKind,
    /// The namespace of the name.
    pub namespace: String,
    /// Unqualified name.
    pub name: String,
    /// What it is called on; None when it is unbound.
    pub binding: Option<TypeRef>,
    /// Whether a URL can name it. The query functions of `$filter` cannot be called.
    pub is_callable: bool,
    /// Parameters in order, without the binding parameter.
    pub parameters: Vec<Parameter>,
    /// The result; None for an action that returns nothing.
    pub returns: Option<TypeRef>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// Wire name.
    pub name: String,
    /// What it takes.
    pub type_ref: TypeRef,
    /// `Nullable="false"` and not marked optional.
    pub required: bool,
}

/// The type of a parameter, result or member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeRef {
    /// One or many.
    pub is_collection: bool,
    /// What each is.
    pub item: ItemType,
}

/// The type of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemType {
    /// A scalar.
    Scalar(ColumnType),
    /// A row of that table.
    Row(String),
    /// A row of any table (`crmbaseentity`), or of any subtype of an abstract one.
    AnyRow(String),
    /// A complex type.
    Complex(String),
    /// An enum type.
    Enum(String),
    /// A type the document does not declare, or `Edm` types without a Rust counterpart.
    Other(String),
}
