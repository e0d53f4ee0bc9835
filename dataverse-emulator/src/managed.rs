//! Managed properties: columns that say whether a publisher lets others change something.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::catalog::Kind;
use crate::names::SqlColumn;
use crate::store::text_sql;

/// The complex type in `$metadata`.
pub(crate) const TYPE: &str = "BooleanManagedProperty";

/// The only one that is usually false.
const HIDDEN: &str = "ishidden";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Property<'p> {
    value: bool,
    #[serde(default = "yes")]
    can_be_changed: bool,
    #[serde(default)]
    managed_property_logical_name: Cow<'p, str>,
}

fn yes() -> bool {
    true
}

/// The value of a row that was not told any.
pub(crate) fn usual(column: &str) -> String {
    json(&Property {
        value: column != HIDDEN,
        can_be_changed: true,
        managed_property_logical_name: column.into(),
    })
}

/// A value as it is stored; None if it is of another type.
pub(crate) fn read(column: &str, text: &str) -> Option<String> {
    let mut property: Property<'_> = serde_json::from_str(text).ok()?;
    property.managed_property_logical_name = column.into();
    Some(json(&property))
}

fn json(property: &Property<'_>) -> String {
    // Two booleans and a name always have a JSON form.
    serde_json::to_string(property).unwrap_or_default()
}

/// A member of the value as SQL: `iscustomizable/Value`; None if there is no such member.
pub(crate) fn member<'c>(column: SqlColumn<'c>, member: &str) -> Option<SqlColumn<'c>> {
    let Kind::Managed(name) = column.kind else {
        return None;
    };
    let kind = match member {
        "Value" | "CanBeChanged" => &Kind::Boolean,
        "ManagedPropertyLogicalName" => &Kind::Text,
        _ => return None,
    };
    let sql = format!(
        "json_extract(coalesce({}, {}), '$.{member}')",
        column.sql,
        text_sql(&usual(name))
    );
    Some(SqlColumn {
        sql,
        kind,
        ..column
    })
}
