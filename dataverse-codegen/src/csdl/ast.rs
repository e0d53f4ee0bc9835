//! What a CSDL document says, element by element, in document order.
//!
//! Nothing is resolved here: names keep the qualifier they were written with
//! (`mscrm.account`), and inheritance is not applied. [`crate::model`] does both.

use std::borrow::Cow;

/// Text borrowed from the document, or owned when it held an XML entity.
pub type Text<'a> = Cow<'a, str>;

/// One `$metadata` document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Csdl<'a> {
    /// The schemas; Dataverse has one, Microsoft Graph eleven.
    pub schemas: Vec<Schema<'a>>,
}

/// A `Schema` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema<'a> {
    /// `Microsoft.Dynamics.CRM` for Dataverse.
    pub namespace: Text<'a>,
    /// `mscrm` for Dataverse.
    pub alias: Option<Text<'a>>,
    /// Tables, and the types that describe definitions.
    pub entity_types: Vec<EntityType<'a>>,
    /// Complex types.
    pub complex_types: Vec<ComplexType<'a>>,
    /// Enum types of the API. Choices are not among them: they are `Edm.Int32` columns.
    pub enum_types: Vec<EnumType<'a>>,
    /// Actions and functions.
    pub operations: Vec<Operation<'a>>,
    /// Sets, bindings and imports.
    pub containers: Vec<EntityContainer<'a>>,
}

/// An `EntityType` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityType<'a> {
    /// Logical name of the table, unqualified.
    pub name: Text<'a>,
    /// Qualified name of the base type.
    pub base_type: Option<Text<'a>>,
    /// Abstract types have no rows of their own.
    pub is_abstract: bool,
    /// Open types take members that are not declared.
    pub is_open: bool,
    /// Names of the key properties, possibly declared only in a base type.
    pub key: Vec<Text<'a>>,
    /// Columns declared by this type itself.
    pub properties: Vec<Property<'a>>,
    /// Navigation properties declared by this type itself.
    pub navigations: Vec<NavigationProperty<'a>>,
    /// Alternate keys: the property names of each.
    pub alternate_keys: Vec<Vec<Text<'a>>>,
    /// `Org.OData.Core.V1.Description`.
    pub description: Option<Text<'a>>,
}

/// A `ComplexType` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComplexType<'a> {
    /// Unqualified name.
    pub name: Text<'a>,
    /// Qualified name of the base type.
    pub base_type: Option<Text<'a>>,
    /// Members declared by this type itself.
    pub properties: Vec<Property<'a>>,
    /// Members that hold rows; they arrive inline.
    pub navigations: Vec<NavigationProperty<'a>>,
}

/// A `Property` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Property<'a> {
    /// Wire name; a lookup's is `_x_value`.
    pub name: Text<'a>,
    /// Qualified type, possibly `Collection(…)`.
    pub type_name: Text<'a>,
    /// `Org.OData.Core.V1.Description`.
    pub description: Option<Text<'a>>,
    /// `Org.OData.Core.V1.Computed`: the service fills it.
    pub computed: bool,
    /// `Org.OData.Core.V1.Permissions` is `Read` and nothing else.
    pub read_only: bool,
}

/// A `NavigationProperty` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NavigationProperty<'a> {
    /// Wire name, case-sensitive.
    pub name: Text<'a>,
    /// Qualified target type, possibly `Collection(…)`.
    pub type_name: Text<'a>,
    /// The navigation property of the target that leads back.
    pub partner: Option<Text<'a>>,
    /// (dependent property, referenced property).
    pub constraints: Vec<(Text<'a>, Text<'a>)>,
}

/// An `EnumType` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnumType<'a> {
    /// Unqualified name.
    pub name: Text<'a>,
    /// Members combine as bits.
    pub is_flags: bool,
    /// Names and values, in document order.
    pub members: Vec<(Text<'a>, Option<i64>)>,
}

/// Whether an operation changes data (POST) or reads it (GET).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperationKind {
    /// An `Action` element: POST.
    #[default]
    Action,
    /// A `Function` element: GET.
    Function,
}

/// An `Action` or `Function` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation<'a> {
    /// Action or function.
    pub kind: OperationKind,
    /// Unqualified name. Overloads by binding type share it.
    pub name: Text<'a>,
    /// The first parameter is the row or set it is called on.
    pub is_bound: bool,
    /// Query options may follow the call.
    pub is_composable: bool,
    /// Parameters in order, the binding parameter first.
    pub parameters: Vec<Parameter<'a>>,
    /// Qualified type of the result.
    pub return_type: Option<Text<'a>>,
}

/// A `Parameter` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter<'a> {
    /// Wire name.
    pub name: Text<'a>,
    /// Qualified type, possibly `Collection(…)`.
    pub type_name: Text<'a>,
    /// `Nullable="false"` was given and no `OptionalParameter` annotation.
    pub required: bool,
}

/// An `EntityContainer` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityContainer<'a> {
    /// `System` for Dataverse.
    pub name: Text<'a>,
    /// Entity sets.
    pub sets: Vec<EntitySet<'a>>,
    /// Names of singletons.
    pub singletons: Vec<Text<'a>>,
    /// Names of unbound actions that can be called.
    pub action_imports: Vec<Text<'a>>,
    /// Names of unbound functions that can be called.
    pub function_imports: Vec<Text<'a>>,
}

/// An `EntitySet` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntitySet<'a> {
    /// The name in URLs. It cannot be derived from the table name.
    pub name: Text<'a>,
    /// Qualified entity type.
    pub entity_type: Text<'a>,
    /// (path of the navigation property, target set).
    pub bindings: Vec<(Text<'a>, Text<'a>)>,
}

/// How much a document holds, as `spec` tables and progress lines count it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counts {
    pub entity_types: usize,
    pub entity_sets: usize,
    pub complex_types: usize,
    pub enum_types: usize,
    pub bound_actions: usize,
    pub unbound_actions: usize,
    pub bound_functions: usize,
    pub unbound_functions: usize,
    /// Properties of entity types.
    pub properties: usize,
    /// Those named `_x_value`.
    pub lookup_properties: usize,
    pub collection_navigations: usize,
    pub single_navigations: usize,
    pub referential_constraints: usize,
    pub bindings: usize,
}

impl Csdl<'_> {
    /// Counts the elements of the document.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for schema in &self.schemas {
            counts.entity_types += schema.entity_types.len();
            counts.complex_types += schema.complex_types.len();
            counts.enum_types += schema.enum_types.len();
            for entity in &schema.entity_types {
                counts.properties += entity.properties.len();
                counts.lookup_properties += entity
                    .properties
                    .iter()
                    .filter(|property| lookup_name(&property.name).is_some())
                    .count();
                for navigation in &entity.navigations {
                    if collection_item(&navigation.type_name).is_some() {
                        counts.collection_navigations += 1;
                    } else {
                        counts.single_navigations += 1;
                    }
                    counts.referential_constraints += navigation.constraints.len();
                }
            }
            for operation in &schema.operations {
                *match (operation.kind, operation.is_bound) {
                    (OperationKind::Action, true) => &mut counts.bound_actions,
                    (OperationKind::Action, false) => &mut counts.unbound_actions,
                    (OperationKind::Function, true) => &mut counts.bound_functions,
                    (OperationKind::Function, false) => &mut counts.unbound_functions,
                } += 1;
            }
            for set in schema
                .containers
                .iter()
                .flat_map(|container| &container.sets)
            {
                counts.entity_sets += 1;
                counts.bindings += set.bindings.len();
            }
        }
        counts
    }
}

/// `x` of `Collection(x)`.
pub fn collection_item(type_name: &str) -> Option<&str> {
    type_name.strip_prefix("Collection(")?.strip_suffix(')')
}

/// `x` of `_x_value`, the column a lookup is read through.
pub fn lookup_name(property: &str) -> Option<&str> {
    let name = property.strip_prefix('_')?.strip_suffix("_value")?;
    (!name.is_empty()).then_some(name)
}
