//! Columns, as definitions.

use dataverse_codegen::model::{self, Access, Column, ColumnType};
use serde_json::{Value, json};

use super::Members;
use super::known::{id, label, typed};
use super::table::object;
use crate::catalog::Table;

/// What a column is called by its type: the name of its definition's type and of the type itself,
/// and the older code. A definition without a type of its own has no properties of its own.
struct Type {
    definition: Option<&'static str>,
    name: &'static str,
    code: &'static str,
}

const fn plain(definition: &'static str, name: &'static str) -> Type {
    Type {
        definition: Some(definition),
        name,
        code: name,
    }
}

/// A column. What the document does not tell is null.
pub(super) fn definition(table: &model::Table, column: &Column, known: Option<&Table>) -> Members {
    let name = column.logical_name.as_str();
    let known = known.and_then(|table| Some((table, table.column_named(name)?)));
    let is_primary_id = table.primary_id.as_deref() == Some(name);
    let is_primary_name =
        known.is_some_and(|(table, (place, _))| table.primary_name == Some(place));
    let (create, update) = match column.access {
        Access::ReadWrite => (true, true),
        Access::ReadOnly => (false, false),
        Access::CreateOnly => (true, false),
        Access::UpdateOnly => (false, true),
    };
    let what = type_of(table, column);
    let required = if is_primary_id {
        "SystemRequired"
    } else {
        "None"
    };
    let mut members = object(json!({
        "MetadataId": id(&format!("{}.{name}", table.logical_name)),
        "HasChanged": null,
        "LogicalName": name,
        "SchemaName": column.definition.schema_name.as_deref().unwrap_or(name),
        "EntityLogicalName": table.logical_name,
        "AttributeOf": null,
        "AttributeType": what.code,
        "AttributeTypeName": { "Value": format!("{}Type", what.name) },
        "DisplayName": label(column.definition.label.as_deref()),
        "Description": label(column.description.as_deref()),
        "RequiredLevel": {
            "Value": required,
            "CanBeChanged": !is_primary_id,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        "IsPrimaryId": is_primary_id,
        "IsPrimaryName": is_primary_name,
        "IsValidForCreate": create && !is_computed(name),
        "IsValidForRead": true,
        "IsValidForUpdate": update && !is_primary_id && !is_computed(name),
        "IsValidODataAttribute": true,
        "IsCustomAttribute": null,
        "IsManaged": null,
        "IsSecured": null,
        "IsLogical": null,
        "DeprecatedVersion": null,
        "SourceType": null,
    }));
    let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    match what.name {
        "String" => {
            let length = known.and_then(|(_, (_, column))| column.max_length);
            add("MaxLength", length.into());
            add("FormatName", Value::Null);
        }
        "DateTime" => {
            let is_date = column.column_type == ColumnType::Date;
            add("Format", is_date.then_some("DateOnly").into());
            let behavior = if is_date { "DateOnly" } else { "UserLocal" };
            add("DateTimeBehavior", json!({ "Value": behavior }));
        }
        "Lookup" | "Owner" | "Customer" => add("Targets", targets(column).into()),
        "Integer" | "BigInt" | "Decimal" | "Double" => {
            add("MinValue", Value::Null);
            add("MaxValue", Value::Null);
        }
        "State" | "Status" => {
            add("OptionSet", Value::Null);
            add("GlobalOptionSet", Value::Null);
        }
        "Boolean" => {
            add("DefaultValue", Value::Null);
            add("OptionSet", Value::Null);
            add("GlobalOptionSet", Value::Null);
        }
        _ => {}
    }
    match what.definition {
        Some(definition) => typed(members, &format!("{definition}AttributeMetadata")),
        None => members,
    }
}

/// Columns that the service fills, and the emulator with it.
fn is_computed(name: &str) -> bool {
    matches!(name, "createdon" | "modifiedon" | "versionnumber")
}

fn targets(column: &Column) -> Vec<&str> {
    match &column.column_type {
        ColumnType::Lookup(targets) => targets.iter().map(|t| t.table.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn type_of(table: &model::Table, column: &Column) -> Type {
    let name = column.logical_name.as_str();
    let has = |other: String| table.columns.iter().any(|c| c.logical_name == other);
    let is_lookup = column.wire_name != column.logical_name;
    match &column.column_type {
        ColumnType::Text => plain("String", "String"),
        ColumnType::Boolean => plain("Boolean", "Boolean"),
        ColumnType::Int if name == "statecode" => plain("State", "State"),
        ColumnType::Int if name == "statuscode" => plain("Status", "Status"),
        ColumnType::Int => plain("Integer", "Integer"),
        ColumnType::BigInt => plain("BigInt", "BigInt"),
        ColumnType::Double => plain("Double", "Double"),
        ColumnType::Decimal => plain("Decimal", "Decimal"),
        ColumnType::DateTime
        | ColumnType::LocalDateTime
        | ColumnType::UserLocalDate
        | ColumnType::Date => plain("DateTime", "DateTime"),
        ColumnType::Guid if is_lookup => plain("Lookup", "Lookup"),
        ColumnType::Guid | ColumnType::PrimaryId => plain("UniqueIdentifier", "Uniqueidentifier"),
        ColumnType::Lookup(to) if to.iter().any(|t| t.through.is_some()) => {
            plain("Lookup", "Owner")
        }
        ColumnType::Lookup(_) if targets(column) == ["account", "contact"] => {
            plain("Lookup", "Customer")
        }
        ColumnType::Lookup(_) => plain("Lookup", "Lookup"),
        ColumnType::Binary if has(format!("{name}_url")) => Type {
            definition: Some("Image"),
            name: "Image",
            code: "Virtual",
        },
        ColumnType::Binary if has(format!("{name}_name")) => Type {
            definition: Some("File"),
            name: "File",
            code: "Virtual",
        },
        ColumnType::Structured(_) => plain("ManagedProperty", "ManagedProperty"),
        _ => Type {
            definition: None,
            name: "Virtual",
            code: "Virtual",
        },
    }
}
