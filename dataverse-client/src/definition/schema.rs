//! What a program needs of definitions to work with tables that it does not know at compile time.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    AttributeType, ColumnDefinition, ColumnKind, DateTimeBehavior, MetadataChanges, MetadataFilter,
    MetadataQuery, OneToManyRelationship, TableDefinition,
};

/// Tables and columns of an org: names in URLs and bodies, types, targets of lookups. A cache: it
/// is filled by `RetrieveMetadataChanges`, and later told only what changed.
///
/// ```no_run
/// # async fn f(client: dataverse_client::Client) -> dataverse_client::Result<()> {
/// use dataverse_client::definitions::Schema;
///
/// let mut schema = Schema::of(["account", "task"]);
/// client.definitions().refresh(&mut schema).await?;
/// if let Some(task) = schema.table("task") {
///     // "regardingobjectid_account_task"
///     let through = task.navigation("regardingobjectid", "account");
/// }
/// # Ok(()) }
/// ```
///
/// It does no IO: [`query`](Self::query) says what to ask for, [`apply`](Self::apply) reads the
/// answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// Logical names of the wanted tables; None for all.
    wanted: Option<Vec<String>>,
    version_stamp: Option<String>,
    tables: BTreeMap<String, TableSchema>,
}

/// A table in a [`Schema`].
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TableSchema {
    /// `account`.
    pub logical_name: String,
    /// The name in URLs: `accounts`.
    pub entity_set: Option<String>,
    /// The column that identifies a row.
    pub primary_id: Option<String>,
    /// The column that names a row to people.
    pub primary_name: Option<String>,
    metadata_id: Option<Uuid>,
    columns: BTreeMap<String, ColumnSchema>,
    /// By id.
    relationships: BTreeMap<Uuid, Lookup>,
}

/// A column in a [`Schema`].
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ColumnSchema {
    /// `primarycontactid`.
    pub logical_name: String,
    /// What it holds; None if that is not known here.
    pub attribute_type: Option<AttributeType>,
    /// `OwnerType`.
    pub type_name: Option<String>,
    /// The column whose shadow this is: it is not on the wire.
    pub attribute_of: Option<String>,
    /// Logical names of the tables a lookup points at.
    pub targets: Vec<String>,
    /// What a date means: a day, a moment, or a time that is the same in every zone.
    pub date_time_behavior: Option<DateTimeBehavior>,
    metadata_id: Option<Uuid>,
}

/// A relationship through which a lookup is set.
#[derive(Debug, Clone, PartialEq)]
struct Lookup {
    column: String,
    target: String,
    navigation: String,
}

/// The table that stands for users and teams in the relationship of an owner.
const OWNER: &str = "owner";

impl Schema {
    /// Of all tables of the org: an answer of tens of megabytes.
    pub fn new() -> Self {
        Schema::default()
    }

    /// Of these tables, by logical name.
    pub fn of<T: Into<String>>(tables: impl IntoIterator<Item = T>) -> Self {
        Schema {
            wanted: Some(tables.into_iter().map(Into::into).collect()),
            ..Schema::default()
        }
    }

    /// A table by its logical name.
    pub fn table(&self, logical_name: &str) -> Option<&TableSchema> {
        self.tables.get(logical_name)
    }

    /// A table by its name in URLs.
    pub fn table_of_set(&self, entity_set: &str) -> Option<&TableSchema> {
        let mut tables = self.tables();
        tables.find(|table| table.entity_set.as_deref() == Some(entity_set))
    }

    /// All tables, sorted by logical name.
    pub fn tables(&self) -> impl Iterator<Item = &TableSchema> {
        self.tables.values()
    }

    /// What the last answer was good for; None before the first.
    pub fn version_stamp(&self) -> Option<&str> {
        self.version_stamp.as_deref()
    }

    /// Forgets everything but the wanted tables: needed when the stamp has expired.
    pub fn clear(&mut self) {
        self.version_stamp = None;
        self.tables.clear();
    }

    /// What to ask for.
    pub fn query(&self) -> MetadataQuery {
        let query = MetadataQuery::new()
            .table_properties([
                "LogicalName",
                "EntitySetName",
                "PrimaryIdAttribute",
                "PrimaryNameAttribute",
                "Attributes",
                "ManyToOneRelationships",
            ])
            .column_properties([
                "LogicalName",
                "AttributeType",
                "AttributeTypeName",
                "AttributeOf",
                "Targets",
                "DateTimeBehavior",
            ])
            .relationship_properties([
                "ReferencingAttribute",
                "ReferencedEntity",
                "ReferencingEntityNavigationPropertyName",
            ]);
        match &self.wanted {
            Some(names) => query.tables(MetadataFilter::is_in("LogicalName", names)),
            None => query,
        }
    }

    /// Takes over an answer: the first one, or what changed after the stamp that was given.
    pub fn apply(&mut self, changes: MetadataChanges) {
        if let Some(deleted) = &changes.deleted {
            let is_deleted =
                |ids: &[Uuid], id: Option<Uuid>| id.is_some_and(|id| ids.contains(&id));
            self.tables
                .retain(|_, table| !is_deleted(&deleted.tables, table.metadata_id));
            for table in self.tables.values_mut() {
                table
                    .columns
                    .retain(|_, column| !is_deleted(&deleted.columns, column.metadata_id));
                table
                    .relationships
                    .retain(|id, _| !deleted.relationships.contains(id));
            }
        }
        for table in changes.tables {
            self.apply_table(table);
        }
        if changes.server_version_stamp.is_some() {
            self.version_stamp = changes.server_version_stamp;
        }
    }

    fn apply_table(&mut self, told: TableDefinition) {
        // A table that did not change itself may come without its name.
        let known = |id: Uuid| {
            let mut tables = self.tables.values();
            tables.find(|table| table.metadata_id == Some(id))
        };
        let by_id = || Some(known(told.metadata_id?)?.logical_name.clone());
        let Some(name) = told.logical_name.clone().or_else(by_id) else {
            return;
        };
        let table = self.tables.entry(name.clone()).or_default();
        table.logical_name = name;
        keep(&mut table.metadata_id, told.metadata_id);
        keep(&mut table.entity_set, told.entity_set);
        keep(&mut table.primary_id, told.primary_id);
        keep(&mut table.primary_name, told.primary_name);
        for column in told.columns {
            table.apply_column(column);
        }
        for relationship in told.many_to_one {
            table.apply_relationship(relationship);
        }
    }
}

impl TableSchema {
    /// A column by its logical name.
    pub fn column(&self, logical_name: &str) -> Option<&ColumnSchema> {
        self.columns.get(logical_name)
    }

    /// All columns, sorted by logical name.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnSchema> {
        self.columns.values()
    }

    /// The navigation property through which the lookup `column` is set to a row of `target`:
    /// `regardingobjectid_account_task`. For a user or a team as owner it is that of owners.
    pub fn navigation(&self, column: &str, target: &str) -> Option<&str> {
        let of = |target: &str| {
            let mut lookups = self.relationships.values();
            lookups.find(|lookup| lookup.column == column && lookup.target == target)
        };
        let found = of(target).or_else(|| {
            let targets = &self.column(column)?.targets;
            let is_owner = targets.iter().any(|known| known == target);
            is_owner.then(|| of(OWNER)).flatten()
        });
        found.map(|lookup| lookup.navigation.as_str())
    }

    fn apply_column(&mut self, told: ColumnDefinition) {
        let Some(name) = told.logical_name.clone() else {
            return;
        };
        let column = self.columns.entry(name.clone()).or_default();
        column.logical_name = name;
        keep(&mut column.type_name, told.type_name());
        keep(&mut column.attribute_type, told.kind.attribute_type());
        match told.kind {
            ColumnKind::LookupTo(lookup) if !lookup.targets.is_empty() => {
                column.targets = lookup.targets;
            }
            ColumnKind::DateAndTime(date) => keep(&mut column.date_time_behavior, date.behavior),
            _ => {}
        }
        keep(&mut column.metadata_id, told.metadata_id);
        keep(&mut column.attribute_of, told.attribute_of);
    }

    fn apply_relationship(&mut self, told: OneToManyRelationship) {
        if let (Some(id), Some(column), Some(target), Some(navigation)) = (
            told.metadata_id,
            told.referencing_column,
            told.referenced_table,
            told.referencing_navigation,
        ) {
            let lookup = Lookup {
                column,
                target,
                navigation,
            };
            self.relationships.insert(id, lookup);
        }
    }
}

impl ColumnSchema {
    /// Whether it points at rows.
    pub fn is_lookup(&self) -> bool {
        self.attribute_type == Some(AttributeType::LOOKUP)
    }

    /// The name when read and in `$select`: `_primarycontactid_value`; else the logical name.
    pub fn wire_name(&self) -> String {
        if self.is_lookup() && self.type_name.as_deref() != Some("PartyListType") {
            format!("_{}_value", self.logical_name)
        } else {
            self.logical_name.clone()
        }
    }
}

fn keep<T>(known: &mut Option<T>, told: Option<T>) {
    if told.is_some() {
        *known = told;
    }
}
