//! Who may write a column, as far as a document tells.

use super::{Access, Column, ColumnType};
use crate::csdl::Property;

/// Columns that the service fills in every table that has them. Documents without annotations say
/// nothing of it.
const FILLED_BY_THE_SERVICE: &[&str] = &[
    "createdby",
    "createdbyexternalparty",
    "createdon",
    "createdonbehalfby",
    "exchangerate",
    "modifiedby",
    "modifiedbyexternalparty",
    "modifiedon",
    "modifiedonbehalfby",
    "owningbusinessunit",
    "owningteam",
    "owninguser",
    "versionnumber",
];

/// What the annotations of a property say.
pub(super) fn of_property(property: &Property<'_>) -> Access {
    if property.read_only || property.computed {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    }
}

/// What is known of columns by their names and types.
pub(super) fn apply_known_columns(columns: &mut [Column]) {
    let decimals: Vec<String> = columns
        .iter()
        .filter(|column| column.column_type == ColumnType::Decimal)
        .map(|column| column.logical_name.clone())
        .collect();
    let images: Vec<String> = columns
        .iter()
        .filter(|column| column.column_type == ColumnType::Binary)
        .map(|column| column.logical_name.clone())
        .collect();
    for column in columns {
        if column.access != Access::ReadWrite {
            continue;
        }
        let name = column.logical_name.as_str();
        let is_of = |owners: &[String], suffix: &str| {
            name.strip_suffix(suffix)
                .is_some_and(|owner| owners.iter().any(|known| known == owner))
        };
        column.access = match &column.column_type {
            ColumnType::PrimaryId => Access::CreateOnly,
            _ if FILLED_BY_THE_SERVICE.contains(&name) => Access::ReadOnly,
            // The amount in the base currency, beside the amount.
            ColumnType::Decimal if is_of(&decimals, "_base") => Access::ReadOnly,
            // What comes with an image.
            ColumnType::Text if is_of(&images, "_url") => Access::ReadOnly,
            ColumnType::BigInt if is_of(&images, "_timestamp") => Access::ReadOnly,
            ColumnType::Guid if is_of(&images, "id") => Access::ReadOnly,
            ColumnType::DateTime if name == "overriddencreatedon" => Access::CreateOnly,
            ColumnType::Int if name == "statecode" => Access::UpdateOnly,
            _ => Access::ReadWrite,
        };
    }
}
