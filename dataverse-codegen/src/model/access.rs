//! Who may write a column, as far as a document tells.

use super::{Access, Column, ColumnType};
use crate::csdl::{Property, lookup_name};

/// Columns that the service fills in every table that has them. Documents without annotations say
/// nothing of it; the annotated one in `tests/fixtures/csdl` says `Read` for all that are no lookups.
const FILLED_BY_THE_SERVICE: &[&str] = &[
    "address1_composite",
    "address2_composite",
    "address3_composite",
    "billto_composite",
    "componentstate",
    "createdby",
    "createdbyexternalparty",
    "createdon",
    "createdonbehalfby",
    "fullname",
    "ismanaged",
    "modifiedby",
    "modifiedbyexternalparty",
    "modifiedon",
    "modifiedonbehalfby",
    "onholdtime",
    "overwritetime",
    "owningbusinessunit",
    "owningteam",
    "owninguser",
    "shipto_composite",
    "solutionid",
    "versionnumber",
    "yomifullname",
];

/// What the annotations of a property say.
///
/// Nothing of a lookup: `_x_value` is `Read` and mostly `Computed`, at `primarycontactid` as at
/// `createdby`, since it is written through its navigation property if at all.
pub(super) fn of_property(property: &Property<'_>) -> Access {
    let is_lookup = lookup_name(&property.name).is_some();
    if !is_lookup && (property.read_only || property.computed) {
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
    let has_currency = columns.iter().any(|column| {
        column.logical_name == "transactioncurrencyid"
            && column.column_type != ColumnType::PrimaryId
    });
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
            // Copied from the row's currency; the currency itself is where it is set.
            ColumnType::Decimal if name == "exchangerate" && has_currency => Access::ReadOnly,
            // The amount in the base currency, beside the amount.
            ColumnType::Decimal if is_of(&decimals, "_base") => Access::ReadOnly,
            // What comes with an image or a file.
            ColumnType::Text if is_of(&images, "_url") || is_of(&images, "_name") => {
                Access::ReadOnly
            }
            ColumnType::BigInt if is_of(&images, "_timestamp") => Access::ReadOnly,
            ColumnType::Guid if is_of(&images, "id") => Access::ReadOnly,
            ColumnType::DateTime if name == "overriddencreatedon" => Access::CreateOnly,
            ColumnType::Int if name == "statecode" => Access::UpdateOnly,
            _ => Access::ReadWrite,
        };
    }
}
