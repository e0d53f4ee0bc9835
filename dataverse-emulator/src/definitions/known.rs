//! What the document tells of definitions.

use std::collections::{BTreeMap, BTreeSet};

use dataverse_codegen::csdl;
use dataverse_codegen::model::{self, ColumnType, Model};
use serde_json::Value;

use super::given::type_of;
use super::projection::NAVIGATIONS;
use super::relationship::{Relationship, relationships};
use super::{Given, Members, column, table};
use crate::catalog::{Catalog, Kind};
use crate::fault::{Fault, Result};

pub(super) const TABLE: &str = "EntityMetadata";
pub(super) const COLUMN: &str = "AttributeMetadata";
pub(super) const KEY: &str = "EntityKeyMetadata";
pub(super) const RELATIONSHIP: &str = "RelationshipMetadataBase";
pub(super) const ONE_TO_MANY: &str = "OneToManyRelationshipMetadata";
pub(super) const MANY_TO_MANY: &str = "ManyToManyRelationshipMetadata";
pub(super) const CHOICE: &str = "OptionSetMetadataBase";
pub(super) const MANAGED: &str = "ManagedPropertyMetadata";

/// The root of all types of definitions.
const ROOT: &str = "crmmodelbaseentity";

/// The document as a model, and its relationships.
#[derive(Debug)]
pub(super) struct Known {
    model: Model,
    relationships: Vec<Relationship>,
    /// Places in `relationships`, by the table of the many.
    by_referencing: BTreeMap<String, Vec<usize>>,
    /// Places in `relationships`, by the table of the one; both tables of many to many.
    by_referenced: BTreeMap<String, Vec<usize>>,
}

impl Known {
    pub(super) fn new(document: &str, catalog: &Catalog) -> Result<Self> {
        let model = model::build(&csdl::parse(document).map_err(Fault::internal)?);
        let relationships = relationships(&model, |name| catalog.by_name(name).is_some());
        let mut by_referencing: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_referenced: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, relationship) in relationships.iter().enumerate() {
            let (referenced, referencing) = relationship.tables();
            for table in referenced {
                by_referenced.entry(table.clone()).or_default().push(place);
            }
            if let Some(table) = referencing {
                let places = by_referencing.entry(table.clone()).or_default();
                places.push(place);
            }
        }
        Ok(Known {
            model,
            relationships,
            by_referencing,
            by_referenced,
        })
    }

    /// Logical names of the tables that have definitions.
    pub(super) fn table_names(&self) -> impl Iterator<Item = &str> {
        let tables = self.model.tables.values().filter(|table| {
            table.entity_set.is_some()
                && table.primary_id.is_some()
                && !self.is_a(&table.logical_name, ROOT)
        });
        tables.map(|table| table.logical_name.as_str())
    }

    /// Whether a type is another, or derives from it.
    pub(super) fn is_a(&self, name: &str, base: &str) -> bool {
        let mut current = Some(name);
        // Longer chains than there are types go in a circle.
        for _ in 0..=self.model.tables.len() {
            match current {
                Some(name) if name == base => return true,
                Some(name) => {
                    let found = self.model.tables.get(name);
                    current = found.and_then(|table| table.base.as_deref());
                }
                None => return false,
            }
        }
        false
    }

    /// Whether definitions of this type have a property.
    pub(super) fn has_property(&self, type_name: &str, property: &str) -> bool {
        let Some(table) = self.model.tables.get(type_name) else {
            // A document without types of definitions cannot tell.
            return true;
        };
        let mut columns = table.columns.iter();
        columns.any(|column| column.wire_name == property)
    }

    /// A table, without its columns and relationships.
    pub(super) fn table(&self, catalog: &Catalog, given: &Given, name: &str) -> Members {
        let Some(found) = self.model.tables.get(name) else {
            return Members::new();
        };
        let is_activity = self.is_a(name, "activitypointer");
        let mut members = table::definition(found, catalog.by_name(name), is_activity);
        given.add_to_table(name, &mut members);
        self.complete(&mut members, TABLE);
        members
    }

    /// What a table holds, by the navigation property that leads there; and the type of each.
    pub(super) fn part(
        &self,
        catalog: &Catalog,
        given: &Given,
        table: &str,
        navigation: &str,
    ) -> Option<(Vec<Members>, &'static str)> {
        let found = self.model.tables.get(table)?;
        let known = catalog.by_name(table);
        let (mut items, type_name) = match navigation {
            "Attributes" => {
                let columns = found.columns.iter();
                let mut columns: Vec<Members> = columns
                    .map(|one| column::definition(found, one, known))
                    .collect();
                given.add_to_columns(table, &mut columns, |of, name| {
                    NAVIGATIONS.contains(&name) || self.has_property(of, name)
                });
                (columns, COLUMN)
            }
            "Keys" => {
                let mut keys = known.map(table::keys).unwrap_or_default();
                given.add_to_keys(table, &mut keys);
                (keys, KEY)
            }
            "ManyToOneRelationships" => {
                let own = self.related(&self.by_referencing, table, false);
                (given.relationships(table, navigation, own), ONE_TO_MANY)
            }
            "OneToManyRelationships" => {
                let own = self.related(&self.by_referenced, table, false);
                (given.relationships(table, navigation, own), ONE_TO_MANY)
            }
            "ManyToManyRelationships" => {
                let own = self.related(&self.by_referenced, table, true);
                (given.relationships(table, navigation, own), MANY_TO_MANY)
            }
            _ => return None,
        };
        for item in &mut items {
            self.complete(item, type_name);
        }
        Some((items, type_name))
    }

    /// Managed properties that columns of rows are, or that definitions name.
    pub(super) fn managed_properties(&self, catalog: &Catalog, given: &Given) -> Vec<Members> {
        let columns = catalog.tables().flat_map(|table| &table.columns);
        let of_rows = columns.filter_map(|column| match &column.kind {
            Kind::Managed(name) => Some(name.clone()),
            _ => None,
        });
        let names: BTreeSet<String> = of_rows.chain(given.managed_properties()).collect();
        let properties = names.into_iter().map(|name| {
            let mut members = Members::new();
            members.insert(
                "MetadataId".to_owned(),
                id(&format!("managed/{name}")).into(),
            );
            members.insert("LogicalName".to_owned(), name.into());
            self.complete(&mut members, MANAGED);
            members
        });
        properties.collect()
    }

    /// Adds the properties that definitions of this type have, and of which nothing is told.
    pub(super) fn complete(&self, members: &mut Members, declared: &str) {
        let own = type_of(members).unwrap_or(declared);
        let Some(found) = self.model.tables.get(own) else {
            return;
        };
        for column in &found.columns {
            let missing = match &column.column_type {
                ColumnType::Structured(of) if of.is_collection => Value::Array(Vec::new()),
                _ => Value::Null,
            };
            members.entry(&column.wire_name).or_insert(missing);
        }
    }

    fn related(
        &self,
        places: &BTreeMap<String, Vec<usize>>,
        table: &str,
        many_to_many: bool,
    ) -> Vec<Members> {
        let places = places.get(table).into_iter().flatten();
        let found = places.filter_map(|place| self.relationships.get(*place));
        let found = found.filter(|found| found.is_many_to_many() == many_to_many);
        found.map(Relationship::definition).collect()
    }

    /// All relationships, each with its type.
    pub(super) fn all_relationships(&self, given: &Given) -> Vec<Members> {
        let own = self.relationships.iter().map(|relationship| {
            let type_name = if relationship.is_many_to_many() {
                MANY_TO_MANY
            } else {
                ONE_TO_MANY
            };
            typed(relationship.definition(), type_name)
        });
        let mut all = given.all_relationships(own.collect());
        for one in &mut all {
            self.complete(one, RELATIONSHIP);
        }
        all
    }
}

/// Adds the type.
pub(super) fn typed(mut members: Members, type_name: &str) -> Members {
    let qualified = format!("#Microsoft.Dynamics.CRM.{type_name}");
    members.insert("@odata.type".to_owned(), qualified.into());
    members
}

/// A text in no language.
pub(super) fn no_label() -> Value {
    serde_json::json!({ "LocalizedLabels": [], "UserLocalizedLabel": null })
}

/// A text of the document, whose language it does not tell: English.
pub(super) fn label(text: Option<&str>) -> Value {
    let Some(text) = text else {
        return no_label();
    };
    let label = serde_json::json!({
        "Label": text, "LanguageCode": 1033, "IsManaged": true, "HasChanged": null,
    });
    serde_json::json!({ "LocalizedLabels": [label.clone()], "UserLocalizedLabel": label })
}

/// The id of a definition: the same in every run.
pub(crate) fn id(of: &str) -> String {
    let [high, low] = SEEDS.map(|seed| hash(seed, of.as_bytes()));
    uuid::Builder::from_u128(u128::from(high) << 64 | u128::from(low))
        .with_version(uuid::Version::Custom)
        .into_uuid()
        .to_string()
}

const SEEDS: [u64; 2] = [0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15];

/// A number that is another one for another document.
pub(crate) fn version_of(document: &str) -> u64 {
    hash(SEEDS[0], document.as_bytes())
}

/// FNV-1a.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    bytes.iter().fold(seed, step)
}
