//! Relationships, as definitions.

use std::collections::BTreeSet;

use dataverse_codegen::model::{ColumnType, Model};
use serde_json::json;

use super::Members;
use super::known::id;
use super::table::object;

/// The table that stands for users and teams.
const OWNER: &str = "owner";

/// A relationship of the document.
#[derive(Debug)]
pub(super) enum Relationship {
    OneToMany {
        schema_name: String,
        referenced: String,
        referenced_column: Option<String>,
        referenced_navigation: Option<String>,
        referencing: String,
        referencing_column: String,
        referencing_navigation: String,
    },
    ManyToMany {
        schema_name: String,
        /// Tables and their navigation properties.
        tables: [String; 2],
        /// The table of the pairs, if the document has it.
        intersect: Option<String>,
    },
}

/// The relationships of tables that have rows.
pub(super) fn relationships(model: &Model, has_rows: impl Fn(&str) -> bool) -> Vec<Relationship> {
    let mut all = Vec::new();
    let mut pairs = BTreeSet::new();
    let tables = model.tables.values();
    for table in tables.filter(|table| has_rows(&table.logical_name)) {
        let name = table.logical_name.as_str();
        for column in &table.columns {
            let ColumnType::Lookup(targets) = &column.column_type else {
                continue;
            };
            let mut has_owner = false;
            for target in targets {
                let is_owner = target.through.is_some();
                // Users and teams are one relationship.
                if is_owner && std::mem::replace(&mut has_owner, true) {
                    continue;
                }
                let navigation = table.navigations.iter();
                let mut navigation = navigation.filter(|n| n.name == target.navigation);
                let partner = navigation.next().and_then(|n| n.partner.clone());
                let referenced = if is_owner { OWNER } else { &target.table };
                let primary_id = model.tables.get(&target.table);
                let primary_id = primary_id.and_then(|table| table.primary_id.clone());
                all.push(Relationship::OneToMany {
                    // The navigation property of the one mostly has the relationship's name.
                    schema_name: partner
                        .clone()
                        .unwrap_or_else(|| format!("{name}_{}_{referenced}", column.logical_name)),
                    referenced: referenced.to_owned(),
                    referenced_column: if is_owner {
                        Some("ownerid".to_owned())
                    } else {
                        primary_id
                    },
                    referenced_navigation: partner,
                    referencing: name.to_owned(),
                    referencing_column: column.logical_name.clone(),
                    referencing_navigation: target.navigation.clone(),
                });
            }
        }
        for navigation in table.navigations.iter().filter(|n| n.is_collection) {
            // Many to many have one name on both sides.
            if navigation.partner.as_deref() != Some(&navigation.name)
                || !has_rows(&navigation.target)
                || !pairs.insert(navigation.name.clone())
            {
                continue;
            }
            let mut tables = [name.to_owned(), navigation.target.clone()];
            tables.sort();
            let pairs_table = navigation.name.to_lowercase();
            all.push(Relationship::ManyToMany {
                schema_name: navigation.name.clone(),
                tables,
                intersect: model
                    .tables
                    .contains_key(&pairs_table)
                    .then_some(pairs_table),
            });
        }
    }
    all
}

impl Relationship {
    pub(super) fn is_many_to_many(&self) -> bool {
        matches!(self, Relationship::ManyToMany { .. })
    }

    /// Tables of the one, and the table of the many; of many to many both and none.
    pub(super) fn tables(&self) -> (Vec<&String>, Option<&String>) {
        match self {
            Relationship::OneToMany {
                referenced,
                referencing,
                ..
            } => (vec![referenced], Some(referencing)),
            Relationship::ManyToMany { tables, .. } => {
                let [one, other] = tables;
                let both = if one == other {
                    vec![one]
                } else {
                    vec![one, other]
                };
                (both, None)
            }
        }
    }

    pub(super) fn definition(&self) -> Members {
        match self {
            Relationship::OneToMany {
                schema_name,
                referenced,
                referenced_column,
                referenced_navigation,
                referencing,
                referencing_column,
                referencing_navigation,
            } => object(json!({
                "MetadataId": id(&format!("{referencing}.{referencing_column}>{referenced}")),
                "HasChanged": null,
                "SchemaName": schema_name,
                "RelationshipType": "OneToManyRelationship",
                "ReferencedEntity": referenced,
                "ReferencedAttribute": referenced_column,
                "ReferencedEntityNavigationPropertyName": referenced_navigation,
                "ReferencingEntity": referencing,
                "ReferencingAttribute": referencing_column,
                "ReferencingEntityNavigationPropertyName": referencing_navigation,
                "IsCustomRelationship": null,
                "IsManaged": null,
                "CascadeConfiguration": null,
                "AssociatedMenuConfiguration": null,
            })),
            Relationship::ManyToMany {
                schema_name,
                tables: [one, other],
                intersect,
            } => object(json!({
                "MetadataId": id(&format!("{one}*{other}*{schema_name}")),
                "HasChanged": null,
                "SchemaName": schema_name,
                "RelationshipType": "ManyToManyRelationship",
                "Entity1LogicalName": one,
                "Entity1NavigationPropertyName": schema_name,
                "Entity1IntersectAttribute": null,
                "Entity2LogicalName": other,
                "Entity2NavigationPropertyName": schema_name,
                "Entity2IntersectAttribute": null,
                "IntersectEntityName": intersect,
                "IsCustomRelationship": null,
                "IsManaged": null,
            })),
        }
    }
}
