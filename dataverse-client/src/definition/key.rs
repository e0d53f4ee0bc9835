//! Alternate keys.

use uuid::Uuid;

use super::{IndexStatus, Label, ManagedProperty};

definition! {
    /// An alternate key of a table.
    struct KeyDefinition {
        /// The id of the definition.
        metadata_id: Option<Uuid> = "MetadataId",
        /// `new_accountnumber`.
        logical_name: Option<String> = "LogicalName",
        /// `new_AccountNumber`.
        schema_name: Option<String> = "SchemaName",
        /// The table.
        table: Option<String> = "EntityLogicalName",
        /// The name people see.
        display_name: Option<Label> = "DisplayName",
        /// Logical names of its columns.
        columns: Vec<String> = "KeyAttributes",
        /// How far its index is.
        index_status: Option<IndexStatus> = "EntityKeyIndexStatus",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether it can be changed.
        is_customizable: Option<ManagedProperty<bool>> = "IsCustomizable",
    }
}

impl KeyDefinition {
    /// A key over these columns, by logical name, to be created.
    pub fn new<C: Into<String>>(
        schema_name: impl Into<String>,
        display_name: impl Into<Label>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        KeyDefinition {
            schema_name: Some(schema_name.into()),
            display_name: Some(display_name.into()),
            columns: columns.into_iter().map(Into::into).collect(),
            ..KeyDefinition::default()
        }
    }
}
