//! Tables.

use uuid::Uuid;

use super::{
    ColumnDefinition, KeyDefinition, Label, ManagedProperty, ManyToManyRelationship,
    OneToManyRelationship, Ownership,
};

definition! {
    /// A table.
    ///
    /// ```
    /// use dataverse_client::definitions::{ColumnDefinition, Ownership, TableDefinition};
    ///
    /// let name = ColumnDefinition::text("new_AccountName", 100).label("Account Name");
    /// let table = TableDefinition::new("new_BankAccount", Ownership::USER_OWNED, name)
    ///     .label("Bank Account", "Bank Accounts");
    /// ```
    ///
    /// Source: Microsoft Learn, "Create and update table definitions using the Web API".
    struct TableDefinition {
        /// The id of the definition.
        metadata_id: Option<Uuid> = "MetadataId",
        /// `new_bankaccount`.
        logical_name: Option<String> = "LogicalName",
        /// `new_BankAccount`.
        schema_name: Option<String> = "SchemaName",
        /// The name in URLs: `new_bankaccounts`.
        entity_set: Option<String> = "EntitySetName",
        /// `new_bankaccounts`.
        logical_collection_name: Option<String> = "LogicalCollectionName",
        /// The name people see.
        display_name: Option<Label> = "DisplayName",
        /// The name people see for many rows.
        display_collection_name: Option<Label> = "DisplayCollectionName",
        /// What it is for.
        description: Option<Label> = "Description",
        /// The column that identifies a row.
        primary_id: Option<String> = "PrimaryIdAttribute",
        /// The column that names a row to people.
        primary_name: Option<String> = "PrimaryNameAttribute",
        /// The column with the image of a row.
        primary_image: Option<String> = "PrimaryImageAttribute",
        /// A number; of tables that an org added, another one in each org.
        object_type_code: Option<i32> = "ObjectTypeCode",
        /// Who owns rows.
        ownership: Option<Ownership> = "OwnershipType",
        /// `Standard`, `Elastic`, `Virtual`, `Activity`.
        table_type: Option<String> = "TableType",
        /// Whether rows are activities.
        is_activity: Option<bool> = "IsActivity",
        /// Whether rows can have activities.
        has_activities: Option<bool> = "HasActivities",
        /// Whether rows can have notes.
        has_notes: Option<bool> = "HasNotes",
        /// Whether it holds the pairs of a many-to-many relationship.
        is_intersect: Option<bool> = "IsIntersect",
        /// Whether it is for the service's own use.
        is_private: Option<bool> = "IsPrivate",
        /// Whether an org added it.
        is_custom: Option<bool> = "IsCustomEntity",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether it can be changed.
        is_customizable: Option<ManagedProperty<bool>> = "IsCustomizable",
        /// Whether changes are written to the audit log.
        is_audit_enabled: Option<ManagedProperty<bool>> = "IsAuditEnabled",
        /// Whether changes of rows can be asked for.
        change_tracking_enabled: Option<bool> = "ChangeTrackingEnabled",
        /// Whether rows have ETags.
        is_optimistic_concurrency_enabled: Option<bool> = "IsOptimisticConcurrencyEnabled",
        /// Whether it has changed itself, and not only its columns: only in changes.
        has_changed: Option<bool> = "HasChanged",
        /// Columns; only if they were expanded.
        columns: Vec<ColumnDefinition> = "Attributes",
        /// Alternate keys; only if they were expanded.
        keys: Vec<KeyDefinition> = "Keys",
        /// Relationships in which it is the one; only if they were expanded.
        one_to_many: Vec<OneToManyRelationship> = "OneToManyRelationships",
        /// Relationships in which it is the many; only if they were expanded.
        many_to_one: Vec<OneToManyRelationship> = "ManyToOneRelationships",
        /// Relationships of many to many; only if they were expanded.
        many_to_many: Vec<ManyToManyRelationship> = "ManyToManyRelationships",
    }
}

impl TableDefinition {
    /// A table to be created, with the column that names its rows.
    pub fn new(
        schema_name: impl Into<String>,
        ownership: Ownership,
        primary_name: ColumnDefinition,
    ) -> Self {
        let mut table = TableDefinition {
            schema_name: Some(schema_name.into()),
            ownership: Some(ownership),
            is_activity: Some(false),
            has_activities: Some(false),
            has_notes: Some(false),
            columns: vec![primary_name.primary_name()],
            ..TableDefinition::default()
        };
        table.other.0.insert(
            "@odata.type".to_owned(),
            "Microsoft.Dynamics.CRM.EntityMetadata".into(),
        );
        table
    }

    /// With these names for people, for one row and for many.
    #[must_use]
    pub fn label(mut self, one: impl Into<Label>, many: impl Into<Label>) -> Self {
        self.display_name = Some(one.into());
        self.display_collection_name = Some(many.into());
        self
    }

    /// With this text of what it is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<Label>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The column with this logical name.
    pub fn column(&self, logical_name: &str) -> Option<&ColumnDefinition> {
        let mut columns = self.columns.iter();
        columns.find(|column| column.logical_name.as_deref() == Some(logical_name))
    }
}
