//! From elements to meaning. Takes any document: what it cannot place it leaves out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::{
    AlternateKey, Column, ColumnType, ComplexType, Defined, EnumType, ItemType, Model, Navigation,
    Operation, Parameter, Table, TypeRef, access, lookups, warnings,
};
use crate::csdl::{self, Csdl, EntityType, Property, Schema, Text, collection_item, lookup_name};
use crate::parallel;

/// The tables and operations of a document.
///
/// Nothing is an error here: a type that is not declared, a base that is its own base, a key
/// without a column are passed over, since every org's document holds some oddity;
/// [`Model::warnings`] lists them.
pub fn build(csdl: &Csdl<'_>) -> Model {
    let names = Names::of(csdl);
    let mut model = Model {
        namespace: csdl
            .schemas
            .first()
            .map_or_else(String::new, |schema| schema.namespace.to_string()),
        ..Model::default()
    };
    let entities: Vec<_> = names.entities.iter().collect();
    let tables = parallel::map(&entities, |(name, entity)| {
        ((**name).to_owned(), table(&names, name, entity))
    });
    model.tables = tables.into_iter().collect();
    for schema in by_precedence(csdl) {
        for complex in &schema.complex_types {
            let complex = ComplexType {
                name: complex.name.to_string(),
                members: members(&names, complex),
            };
            model.complex_types.insert(complex.name.clone(), complex);
        }
        for enum_type in &schema.enum_types {
            model
                .enum_types
                .insert(enum_type.name.to_string(), enum_of(schema, enum_type));
        }
    }
    model.operations = operations(&names, csdl);
    model.warnings = warnings::of(&names, csdl);
    model
}

/// The schemas, those that go before others last: where two declare one name, the shorter namespace
/// has it, whatever their order.
fn by_precedence<'a>(csdl: &'a Csdl<'a>) -> Vec<&'a Schema<'a>> {
    let mut schemas: Vec<_> = csdl.schemas.iter().collect();
    let rank = |schema: &Schema<'_>| (schema.namespace.len(), schema.namespace.to_string());
    schemas.sort_by_cached_key(|schema| Reverse(rank(schema)));
    schemas
}

/// The declarations of a document by unqualified name.
pub(super) struct Names<'a> {
    /// Namespaces and aliases, with their dot.
    prefixes: Vec<String>,
    pub(super) entities: BTreeMap<&'a str, &'a EntityType<'a>>,
    complexes: HashMap<&'a str, &'a csdl::ComplexType<'a>>,
    enums: HashMap<&'a str, ()>,
    /// Entity set by table.
    sets: HashMap<&'a str, &'a str>,
    /// By name of a type: the tables with rows that it is or is a base of, sorted.
    with_rows: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(csdl: &'a Csdl<'a>) -> Self {
        let mut prefixes: Vec<String> = csdl
            .schemas
            .iter()
            .flat_map(|schema| {
                let alias = schema.alias.as_deref();
                [Some(schema.namespace.as_ref()), alias]
            })
            .flatten()
            .map(|prefix| format!("{prefix}."))
            .collect();
        // One namespace can begin with another.
        prefixes.sort_by_key(|prefix| Reverse(prefix.len()));
        let mut names = Names {
            prefixes,
            entities: BTreeMap::new(),
            complexes: HashMap::default(),
            enums: HashMap::default(),
            sets: HashMap::default(),
            with_rows: HashMap::default(),
        };
        for schema in by_precedence(csdl) {
            let entities = schema.entity_types.iter();
            names
                .entities
                .extend(entities.map(|e| (e.name.as_ref(), e)));
            let complexes = schema.complex_types.iter();
            names
                .complexes
                .extend(complexes.map(|c| (c.name.as_ref(), c)));
            let enums = schema.enum_types.iter();
            names.enums.extend(enums.map(|e| (e.name.as_ref(), ())));
        }
        for set in csdl
            .schemas
            .iter()
            .flat_map(|schema| &schema.containers)
            .flat_map(|container| &container.sets)
        {
            let Some(table) = names.local(&set.entity_type) else {
                continue;
            };
            // Of several sets the one with the smallest name, whatever their order.
            let known = names.sets.entry(table).or_insert(&set.name);
            *known = (*known).min(&set.name);
        }
        names.with_rows = names.find_rows();
        names
    }

    fn find_rows(&self) -> HashMap<&'a str, Vec<&'a str>> {
        let mut found: HashMap<&str, Vec<&str>> = HashMap::default();
        for entity in self.entities.values() {
            let lineage = self.lineage(entity);
            let can_be_named = primary_id(&lineage).is_some();
            if !can_be_named || !self.sets.contains_key(entity.name.as_ref()) {
                continue;
            }
            // An abstract type may have a set; as a base it stands for others.
            let upto = if entity.is_abstract { 1 } else { lineage.len() };
            for base in &lineage[..upto] {
                found.entry(&base.name).or_default().push(&entity.name);
            }
        }
        found
    }

    /// `account` of `mscrm.account` or `Microsoft.Dynamics.CRM.account`.
    pub(super) fn local<'n>(&self, qualified: &'n str) -> Option<&'n str> {
        self.prefixes
            .iter()
            .find_map(|prefix| qualified.strip_prefix(prefix.as_str()))
    }

    pub(super) fn entity(&self, qualified: &str) -> Option<&'a EntityType<'a>> {
        self.entities.get(self.local(qualified)?).copied()
    }

    /// The tables with rows that the type is or is a base of, sorted.
    pub(super) fn with_rows(&self, entity: &EntityType<'_>) -> &[&'a str] {
        let found = self.with_rows.get(entity.name.as_ref());
        found.map_or(&[], Vec::as_slice)
    }

    /// The type and its bases, itself first. Ends where a base repeats or is not declared.
    pub(super) fn lineage(&self, entity: &'a EntityType<'a>) -> Vec<&'a EntityType<'a>> {
        let mut lineage = vec![entity];
        let mut current = entity;
        while let Some(base) = current.base_type.as_deref().and_then(|b| self.entity(b)) {
            if lineage.iter().any(|known| std::ptr::eq(*known, base)) {
                break;
            }
            lineage.push(base);
            current = base;
        }
        lineage
    }
}

fn table(names: &Names<'_>, name: &str, entity: &EntityType<'_>) -> Table {
    let Some(entity) = names.entities.get(entity.name.as_ref()).copied() else {
        return Table::default();
    };
    let lineage = names.lineage(entity);
    let primary_id = primary_id(&lineage);
    let declared = lineage.iter().rev().flat_map(|entity| &entity.properties);
    let declared = declared.map(|property| {
        let lookup = lookup_name(&property.name);
        (lookup.unwrap_or(&property.name), lookup.is_some(), property)
    });
    let mut properties: Vec<(&str, bool, &Property<'_>)> = declared.collect();
    // Bases first: what a derived type declares again replaces theirs. `x` beside `_x_value` is the
    // same column.
    properties.sort_by_key(|(logical_name, is_lookup, _)| (*logical_name, *is_lookup));
    keep_last(&mut properties, |(logical_name, ..)| *logical_name);
    let columns = properties
        .into_iter()
        .map(|(logical_name, is_lookup, property)| {
            let column_type = match column_type(&property.type_name) {
                // Its targets come later.
                _ if is_lookup => ColumnType::Lookup(Vec::new()),
                _ if Some(logical_name) == primary_id => ColumnType::PrimaryId,
                ColumnType::Other(name) => structured(names, name),
                scalar => scalar,
            };
            Column {
                logical_name: logical_name.to_owned(),
                wire_name: property.name.to_string(),
                column_type,
                access: access::of_property(property),
                description: property.description.as_deref().map(str::to_owned),
                definition: Defined::default(),
            }
        });
    let mut columns: Vec<_> = columns.collect();
    let declared = lineage.iter().rev().flat_map(|entity| &entity.navigations);
    let declared = declared.filter_map(|navigation| {
        let item = collection_item(&navigation.type_name);
        let target = names.local(item.unwrap_or(&navigation.type_name))?;
        Some((navigation, target, item.is_some()))
    });
    let mut declared: Vec<_> = declared.collect();
    declared.sort_by_key(|(navigation, ..)| navigation.name.as_ref());
    keep_last(&mut declared, |(navigation, ..)| navigation.name.as_ref());
    let navigations = declared.into_iter();
    let navigations = navigations.map(|(navigation, target, is_collection)| Navigation {
        name: navigation.name.to_string(),
        target: target.to_owned(),
        is_collection,
        partner: navigation.partner.as_deref().map(str::to_owned),
        lookup: None,
    });
    let mut navigations: Vec<_> = navigations.collect();
    lookups::join(names, &lineage, &mut columns, &mut navigations);
    access::apply_known_columns(&mut columns);
    Table {
        logical_name: name.to_owned(),
        entity_set: names.sets.get(name).map(|set| (*set).to_owned()),
        is_abstract: entity.is_abstract,
        base: entity
            .base_type
            .as_deref()
            .and_then(|base| names.local(base))
            .map(str::to_owned),
        alternate_keys: alternate_keys(&lineage, &columns, primary_id),
        primary_id: primary_id.map(str::to_owned),
        columns,
        navigations,
        description: entity.description.as_deref().map(str::to_owned),
        ..Table::default()
    }
}

/// Of neighbours with one key, the last.
fn keep_last<T, K: PartialEq>(sorted: &mut Vec<T>, key: impl Fn(&T) -> K) {
    // `dedup` keeps the first.
    sorted.dedup_by(|later, kept| {
        let is_same = key(later) == key(kept);
        if is_same {
            std::mem::swap(later, kept);
        }
        is_same
    });
}

/// The column that identifies a row. A table whose key is a column of an abstract base has one of
/// its own if that is named after it: `systemuserid`, although the key is `ownerid`.
fn primary_id<'a>(lineage: &[&'a EntityType<'a>]) -> Option<&'a str> {
    let key = &lineage.iter().find(|entity| !entity.key.is_empty())?.key;
    let [declared] = &key[..] else {
        return None;
    };
    let (entity, bases) = lineage.split_first()?;
    let has =
        |entity: &EntityType<'_>, name: &str| entity.properties.iter().any(|p| p.name == name);
    if bases
        .iter()
        .any(|base| base.is_abstract && has(base, declared))
    {
        let own = entity.properties.iter().find(|property| {
            property.type_name == "Edm.Guid"
                && property
                    .name
                    .strip_suffix("id")
                    .is_some_and(|name| name == entity.name)
        });
        if let Some(own) = own {
            return Some(&own.name);
        }
    }
    Some(declared)
}

fn alternate_keys(
    lineage: &[&EntityType<'_>],
    columns: &[Column],
    primary_id: Option<&str>,
) -> Vec<AlternateKey> {
    let mut keys: Vec<AlternateKey> = Vec::new();
    for key in lineage.iter().flat_map(|entity| &entity.alternate_keys) {
        let names: Vec<String> = key.iter().map(Text::to_string).collect();
        let is_primary = names.len() == 1 && Some(names[0].as_str()) == primary_id;
        let is_known = |name: &String| columns.iter().any(|column| column.wire_name == *name);
        let is_new = !keys.iter().any(|known| known.columns == names);
        if !names.is_empty() && !is_primary && names.iter().all(is_known) && is_new {
            keys.push(AlternateKey { columns: names });
        }
    }
    keys.sort();
    keys
}

fn column_type(type_name: &str) -> ColumnType {
    match type_name {
        "Edm.String" => ColumnType::Text,
        "Edm.Boolean" => ColumnType::Boolean,
        "Edm.Byte" | "Edm.SByte" | "Edm.Int16" | "Edm.Int32" => ColumnType::Int,
        "Edm.Int64" => ColumnType::BigInt,
        "Edm.Double" | "Edm.Single" => ColumnType::Double,
        "Edm.Decimal" => ColumnType::Decimal,
        "Edm.Guid" => ColumnType::Guid,
        "Edm.DateTimeOffset" => ColumnType::DateTime,
        "Edm.Date" => ColumnType::Date,
        "Edm.Binary" => ColumnType::Binary,
        other => ColumnType::Other(other.to_owned()),
    }
}

/// What is not a scalar.
fn structured(names: &Names<'_>, name: String) -> ColumnType {
    let type_ref = type_ref(names, &name);
    match type_ref.item {
        ItemType::Complex(_) | ItemType::Enum(_) => ColumnType::Structured(Box::new(type_ref)),
        ItemType::Scalar(_) if type_ref.is_collection => ColumnType::Structured(Box::new(type_ref)),
        _ => ColumnType::Other(name),
    }
}

fn type_ref(names: &Names<'_>, type_name: &str) -> TypeRef {
    let item_name = collection_item(type_name);
    let name = item_name.unwrap_or(type_name);
    let item = match names.local(name) {
        None => match column_type(name) {
            ColumnType::Other(other) => ItemType::Other(other),
            scalar => ItemType::Scalar(scalar),
        },
        Some(local) => {
            let owned = local.to_owned();
            if let Some(entity) = names.entities.get(local) {
                if entity.is_abstract {
                    ItemType::AnyRow(owned)
                } else {
                    ItemType::Row(owned)
                }
            } else if names.complexes.contains_key(local) {
                ItemType::Complex(owned)
            } else if names.enums.contains_key(local) {
                ItemType::Enum(owned)
            } else {
                ItemType::Other(name.to_owned())
            }
        }
    };
    TypeRef {
        is_collection: item_name.is_some(),
        item,
    }
}

/// Members of a complex type, those of its bases first.
fn members(names: &Names<'_>, complex: &csdl::ComplexType<'_>) -> Vec<(String, TypeRef)> {
    let mut lineage = vec![complex];
    let mut current = complex;
    while let Some(base) = current
        .base_type
        .as_deref()
        .and_then(|base| names.complexes.get(names.local(base)?).copied())
    {
        if lineage.iter().any(|known| known.name == base.name) {
            break;
        }
        lineage.push(base);
        current = base;
    }
    let mut members: Vec<(String, TypeRef)> = Vec::new();
    for complex in lineage.into_iter().rev() {
        let properties = complex.properties.iter().map(|p| (&p.name, &p.type_name));
        let rows = complex.navigations.iter().map(|n| (&n.name, &n.type_name));
        for (name, type_name) in properties.chain(rows) {
            let member = (name.to_string(), type_ref(names, type_name));
            match members.iter_mut().find(|known| known.0 == member.0) {
                Some(known) => *known = member,
                None => members.push(member),
            }
        }
    }
    members
}

fn enum_of(schema: &Schema<'_>, enum_type: &csdl::EnumType<'_>) -> EnumType {
    let mut next = 0;
    let members = enum_type.members.iter().map(|(name, value)| {
        // Without a value a member follows the one before.
        let value = value.unwrap_or(next);
        next = value.saturating_add(1);
        (name.to_string(), value)
    });
    EnumType {
        namespace: schema.namespace.to_string(),
        name: enum_type.name.to_string(),
        is_flags: enum_type.is_flags,
        members: members.collect(),
    }
}

fn operations(names: &Names<'_>, csdl: &Csdl<'_>) -> Vec<Operation> {
    let imports: Vec<&str> = csdl
        .schemas
        .iter()
        .flat_map(|schema| &schema.containers)
        .flat_map(|container| {
            container
                .action_imports
                .iter()
                .chain(&container.function_imports)
        })
        .map(Text::as_ref)
        .collect();
    let imports: HashSet<&str> = imports.into_iter().collect();
    let mut operations: Vec<Operation> = csdl
        .schemas
        .iter()
        .flat_map(|schema| schema.operations.iter().map(move |o| (schema, o)))
        .map(|(schema, operation)| {
            let (binding, parameters) = match &operation.parameters[..] {
                [first, rest @ ..] if operation.is_bound => (Some(first), rest),
                all => (None, all),
            };
            Operation {
                kind: operation.kind,
                namespace: schema.namespace.to_string(),
                name: operation.name.to_string(),
                binding: binding.map(|first| type_ref(names, &first.type_name)),
                is_callable: operation.is_bound || imports.contains(operation.name.as_ref()),
                parameters: parameters
                    .iter()
                    .map(|parameter| Parameter {
                        name: parameter.name.to_string(),
                        type_ref: type_ref(names, &parameter.type_name),
                        required: parameter.required,
                    })
                    .collect(),
                returns: operation
                    .return_type
                    .as_deref()
                    .map(|type_name| type_ref(names, type_name)),
            }
        })
        .collect();
    // What tells overloads apart is needed for few.
    let overload = |operation: &Operation| {
        let binding = format!("{:?}", operation.binding);
        (binding, format!("{:?}", operation.parameters))
    };
    operations.sort_by(|left, right| {
        let names = left.name.cmp(&right.name);
        names.then_with(|| overload(left).cmp(&overload(right)))
    });
    operations
}
