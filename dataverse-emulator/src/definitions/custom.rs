//! Changes of definitions: tables, columns, relationships, keys and choices that requests made.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::given::Given;
use super::{Members, csdl};
use crate::store::Store;

/// Where the changes are stored: one row.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS \"@definitions\" (json TEXT NOT NULL)";

/// One definition that a request wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    /// Whether the document does not have it.
    pub(super) is_new: bool,
    pub(super) members: Members,
}

/// What requests changed. The document is that of the builder and this.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Custom {
    /// By logical name.
    pub(super) tables: BTreeMap<String, Told>,
    /// By logical names of table and column.
    pub(super) columns: BTreeMap<String, BTreeMap<String, Told>>,
    /// By `MetadataId`.
    pub(super) relationships: BTreeMap<String, Told>,
    /// By logical names of table and key.
    pub(super) keys: BTreeMap<String, BTreeMap<String, Members>>,
    /// Global choices, by name.
    pub(super) choices: BTreeMap<String, Members>,
}

impl Custom {
    /// What is stored beside the rows.
    pub(crate) fn load(store: &Store) -> rusqlite::Result<Self> {
        store.connection.execute_batch(SCHEMA)?;
        let json: Option<String> = store
            .connection
            .query_row("SELECT json FROM \"@definitions\"", [], |row| row.get(0))
            .optional()?;
        json.map_or_else(
            || Ok(Custom::default()),
            |json| {
                serde_json::from_str(&json)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
            },
        )
    }

    pub(super) fn save(&self, store: &Store) -> crate::fault::Result<()> {
        let json = serde_json::to_string(self).map_err(crate::fault::Fault::internal)?;
        store.connection.execute_batch(SCHEMA)?;
        store
            .connection
            .execute_batch("DELETE FROM \"@definitions\"")?;
        store
            .connection
            .execute("INSERT INTO \"@definitions\" VALUES (?)", [json])?;
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
            && self.columns.is_empty()
            && self.relationships.is_empty()
            && self.keys.is_empty()
            && self.choices.is_empty()
    }

    /// The document with what was added.
    pub(crate) fn document(&self, base: &str) -> String {
        csdl::with(base, self)
    }

    /// Adds to what is told of the document.
    pub(crate) fn tell(&self, given: &mut Given) {
        for (name, choice) in &self.choices {
            given.tell_choice(name, choice);
        }
        for (name, table) in &self.tables {
            given.tell_table(name, &table.members);
        }
        for (table, columns) in &self.columns {
            for (name, column) in columns {
                given.tell_column(table, name, self.with_choice(&column.members));
            }
        }
        for relationship in self.relationships.values() {
            given.tell_relationship(&relationship.members);
        }
        for (table, keys) in &self.keys {
            for key in keys.values() {
                given.tell_key(table, key);
            }
        }
    }

    /// A column with a global choice shows the choice as it is now.
    fn with_choice(&self, column: &Members) -> Members {
        let mut column = column.clone();
        let name = column
            .get("GlobalOptionSet")
            .and_then(|choice| choice["Name"].as_str());
        if let Some(choice) = name.and_then(|name| self.choices.get(name)) {
            let choice = Value::Object(choice.clone());
            column.insert("OptionSet".to_owned(), choice.clone());
            column.insert("GlobalOptionSet".to_owned(), choice);
        }
        column
    }

    /// Tables with the columns of each key.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = (String, Vec<String>)> {
        self.keys.iter().flat_map(|(table, keys)| {
            keys.values()
                .map(|key| (table.clone(), columns_of_key(key)))
        })
    }

    /// Forgets a table and what belongs to it.
    pub(super) fn remove_table(&mut self, name: &str) {
        self.tables.remove(name);
        self.columns.remove(name);
        self.keys.remove(name);
        let gone: Vec<String> = self
            .relationships
            .iter()
            .filter(|(_, told)| tables_of(&told.members).contains(&name))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.remove_relationship(&id);
        }
    }

    /// Forgets a relationship, and the lookup column that only it had.
    pub(super) fn remove_relationship(&mut self, id: &str) -> Option<Members> {
        let gone = self.relationships.remove(id)?.members;
        if let (Some(table), Some(column)) = (
            text(&gone, "ReferencingEntity"),
            text(&gone, "ReferencingAttribute"),
        ) {
            let remains = self.relationships.values().any(|told| {
                text(&told.members, "ReferencingEntity") == Some(table)
                    && text(&told.members, "ReferencingAttribute") == Some(column)
            });
            if !remains && let Some(columns) = self.columns.get_mut(table) {
                columns.remove(column);
            }
        }
        Some(gone)
    }
}

/// Logical names of the tables of a relationship.
pub(super) fn tables_of(relationship: &Members) -> Vec<&str> {
    let names = [
        "ReferencedEntity",
        "ReferencingEntity",
        "Entity1LogicalName",
        "Entity2LogicalName",
    ];
    names
        .into_iter()
        .filter_map(|name| text(relationship, name))
        .collect()
}

/// Logical names of the columns of a key.
pub(super) fn columns_of_key(key: &Members) -> Vec<String> {
    let columns = key.get("KeyAttributes").and_then(Value::as_array);
    let columns = columns.into_iter().flatten().filter_map(Value::as_str);
    columns.map(str::to_owned).collect()
}

/// A member that is text.
pub(super) fn text<'m>(members: &'m Members, name: &str) -> Option<&'m str> {
    members.get(name)?.as_str()
}

/// Puts in what is missing.
pub(super) fn default(members: &mut Members, name: &str, value: Value) {
    if members.get(name).is_none_or(Value::is_null) {
        members.insert(name.to_owned(), value);
    }
}

/// A property that publishers may lock.
pub(super) fn managed(value: impl Into<Value>, name: &str) -> Value {
    json!({
        "Value": value.into(),
        "CanBeChanged": true,
        "ManagedPropertyLogicalName": name,
    })
}
