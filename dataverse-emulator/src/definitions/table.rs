//! Tables and their keys, as definitions.

use dataverse_codegen::model;
use serde_json::{Value, json};

use super::Members;
use super::known::{id, label, no_label};
use crate::catalog::Table;

/// A table. What the document does not tell is null.
pub(super) fn definition(
    table: &model::Table,
    known: Option<&Table>,
    is_activity: bool,
) -> Members {
    let name = table.logical_name.as_str();
    let has = |column: &str| table.columns.iter().any(|c| c.logical_name == column);
    let ownership = if has("ownerid") {
        "UserOwned"
    } else if has("organizationid") {
        "OrganizationOwned"
    } else {
        "None"
    };
    let primary_name = known.and_then(|known| {
        let column = known.columns.get(known.primary_name?)?;
        Some(column.logical_name.as_str())
    });
    let json = json!({
        "MetadataId": id(name),
        "HasChanged": null,
        "LogicalName": name,
        "SchemaName": table.schema_name.as_deref().unwrap_or(name),
        "EntitySetName": table.entity_set,
        "LogicalCollectionName": table.entity_set,
        "CollectionSchemaName": null,
        "DisplayName": label(table.label.as_deref()),
        "DisplayCollectionName": no_label(),
        "Description": label(table.description.as_deref()),
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": primary_name,
        "PrimaryImageAttribute": has("entityimage").then_some("entityimage"),
        "ObjectTypeCode": null,
        "OwnershipType": ownership,
        "IsActivity": is_activity,
        // Names that an org adds begin with a publisher's prefix.
        "IsCustomEntity": name.contains('_'),
        "IsOptimisticConcurrencyEnabled": has("versionnumber"),
        "IsIntersect": null,
        "IsManaged": null,
        "IsPrivate": false,
        "ChangeTrackingEnabled": null,
        "HasActivities": null,
        "HasNotes": null,
    });
    object(json)
}

/// The alternate keys of a table.
pub(super) fn keys(table: &Table) -> Vec<Members> {
    let keys = table.alternate_keys.iter().map(|places| {
        let columns = places.iter().filter_map(|place| table.columns.get(*place));
        let columns: Vec<&str> = columns.map(|c| c.logical_name.as_str()).collect();
        let name = format!("key_{}", columns.join("_"));
        object(json!({
            "MetadataId": id(&format!("{}/{name}", table.logical_name)),
            "HasChanged": null,
            "LogicalName": name,
            "SchemaName": name,
            "EntityLogicalName": table.logical_name,
            "DisplayName": no_label(),
            "KeyAttributes": columns,
            "EntityKeyIndexStatus": "Active",
            "AsyncJob": null,
            "IsManaged": null,
        }))
    });
    keys.collect()
}

/// The members of an object.
pub(super) fn object(json: Value) -> Members {
    match json {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}
