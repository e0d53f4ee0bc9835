//! Definitions of a client's org.

use serde::de::DeserializeOwned;

use super::{Call, Client};
use crate::definition::{
    AttributeType, ColumnDefinition, KeyDefinition, ManyToManyRelationship, MetadataQuery,
    OneToManyRelationship, OptionSetDefinition, RelationshipDefinition, Schema, TableDefinition,
};
use crate::error::Result;
use crate::op::definitions::{
    CreateDefinition, DefinitionExpand, DefinitionKey, DefinitionPath, DeleteDefinition,
    QueryDefinitions, RetrieveDefinition, RetrieveMetadataChanges, UpdateDefinition,
};
use crate::op::{Invoke, Optional};

/// Tables, columns, relationships, keys and choices of an org; see
/// [`definitions`](crate::definitions).
///
/// Where a definition is named, its logical name will do, and its `MetadataId`. Changes are shown
/// to people after [`Publish`](crate::definitions::Publish).
#[derive(Debug, Clone)]
pub struct Definitions {
    client: Client,
}

impl Definitions {
    pub(super) fn new(client: &Client) -> Self {
        Definitions {
            client: client.clone(),
        }
    }

    /// Reads a table.
    pub fn table(
        &self,
        table: impl Into<DefinitionKey>,
    ) -> Call<RetrieveDefinition<TableDefinition>> {
        self.client.call(RetrieveDefinition::table(table))
    }

    /// Reads all tables; better with a selection: the answer is large.
    pub fn tables(&self) -> Call<QueryDefinitions<TableDefinition>> {
        self.client.call(QueryDefinitions::tables())
    }

    /// Reads a column.
    pub fn column(
        &self,
        table: impl Into<DefinitionKey>,
        column: impl Into<DefinitionKey>,
    ) -> Call<RetrieveDefinition<ColumnDefinition>> {
        self.client.call(RetrieveDefinition::column(table, column))
    }

    /// Reads the columns of a table. Options come only with
    /// [`of_type`](Call::of_type) and [`expand`](Call::expand).
    pub fn columns(
        &self,
        table: impl Into<DefinitionKey>,
    ) -> Call<QueryDefinitions<ColumnDefinition>> {
        self.client.call(QueryDefinitions::columns(table))
    }

    /// Reads the alternate keys of a table.
    pub fn keys(&self, table: impl Into<DefinitionKey>) -> Call<QueryDefinitions<KeyDefinition>> {
        self.client.call(QueryDefinitions::keys(table))
    }

    /// Reads an alternate key.
    pub fn key(
        &self,
        table: impl Into<DefinitionKey>,
        key: impl Into<DefinitionKey>,
    ) -> Call<RetrieveDefinition<KeyDefinition>> {
        self.client.call(RetrieveDefinition::key(table, key))
    }

    /// Reads a relationship, by its schema name or id.
    pub fn relationship(
        &self,
        relationship: impl Into<DefinitionKey>,
    ) -> Call<RetrieveDefinition<RelationshipDefinition>> {
        let operation = RetrieveDefinition::relationship(relationship);
        self.client.call(operation)
    }

    /// Reads the relationships in which a table is the one.
    pub fn one_to_many(
        &self,
        table: impl Into<DefinitionKey>,
    ) -> Call<QueryDefinitions<OneToManyRelationship>> {
        self.client.call(QueryDefinitions::one_to_many(table))
    }

    /// Reads the relationships in which a table is the many.
    pub fn many_to_one(
        &self,
        table: impl Into<DefinitionKey>,
    ) -> Call<QueryDefinitions<OneToManyRelationship>> {
        self.client.call(QueryDefinitions::many_to_one(table))
    }

    /// Reads the relationships of many rows of a table to many.
    pub fn many_to_many(
        &self,
        table: impl Into<DefinitionKey>,
    ) -> Call<QueryDefinitions<ManyToManyRelationship>> {
        self.client.call(QueryDefinitions::many_to_many(table))
    }

    /// Reads a global choice, by its name or id.
    pub fn choice(
        &self,
        choice: impl Into<DefinitionKey>,
    ) -> Call<RetrieveDefinition<OptionSetDefinition>> {
        self.client.call(RetrieveDefinition::choice(choice))
    }

    /// Reads all global choices.
    pub fn choices(&self) -> Call<QueryDefinitions<OptionSetDefinition>> {
        self.client.call(QueryDefinitions::choices())
    }

    /// Reads what fits a query, in one request; see [`RetrieveMetadataChanges`].
    pub fn changes(&self, query: &MetadataQuery) -> Call<Invoke<RetrieveMetadataChanges>> {
        self.client.invoke(RetrieveMetadataChanges::new(query))
    }

    /// Brings a schema up to date: everything the first time, then what changed. If the service
    /// does not remember as far back, everything again.
    pub async fn refresh(&self, schema: &mut Schema) -> Result<()> {
        let request = || self.client.invoke(RetrieveMetadataChanges::of(schema));
        let changes = match request().await {
            Err(error) if error.is_token_expired() && schema.version_stamp().is_some() => {
                let mut empty = schema.clone();
                empty.clear();
                let changes = self.client.invoke(RetrieveMetadataChanges::of(&empty));
                let changes = changes.await?;
                *schema = empty;
                changes
            }
            result => result?,
        };
        schema.apply(changes);
        Ok(())
    }

    /// Creates a table.
    pub fn create_table(&self, table: &TableDefinition) -> Call<CreateDefinition> {
        self.client.call(CreateDefinition::table(table))
    }

    /// Creates a column. A lookup is created with its relationship instead.
    pub fn create_column(
        &self,
        table: impl Into<DefinitionKey>,
        column: &ColumnDefinition,
    ) -> Call<CreateDefinition> {
        self.client.call(CreateDefinition::column(table, column))
    }

    /// Creates an alternate key; its index is built later.
    pub fn create_key(
        &self,
        table: impl Into<DefinitionKey>,
        key: &KeyDefinition,
    ) -> Call<CreateDefinition> {
        self.client.call(CreateDefinition::key(table, key))
    }

    /// Creates a relationship: [`OneToManyRelationship`] or [`ManyToManyRelationship`].
    pub fn create_relationship(
        &self,
        relationship: impl Into<RelationshipDefinition>,
    ) -> Call<CreateDefinition> {
        let operation = CreateDefinition::relationship(relationship);
        self.client.call(operation)
    }

    /// Creates a global choice.
    pub fn create_choice(&self, choice: &OptionSetDefinition) -> Call<CreateDefinition> {
        self.client.call(CreateDefinition::choice(choice))
    }

    /// Reads a table, lets `change` change it, and sends the whole of it. What another changes in
    /// between is overwritten.
    pub async fn change_table(
        &self,
        table: impl Into<DefinitionKey>,
        change: impl FnOnce(&mut TableDefinition),
    ) -> Result<()> {
        let key = table.into();
        let mut definition = self.table(key.clone()).strong().await?;
        change(&mut definition);
        let update = UpdateDefinition::table(key, &definition);
        self.client.call(update).await
    }

    /// Reads a column, lets `change` change it, and sends the whole of it. What another changes in
    /// between is overwritten. The type says which properties there are.
    pub async fn change_column(
        &self,
        table: impl Into<DefinitionKey>,
        column: impl Into<DefinitionKey>,
        attribute_type: AttributeType,
        change: impl FnOnce(&mut ColumnDefinition),
    ) -> Result<()> {
        let (table, key) = (table.into(), column.into());
        let read = self.column(table.clone(), key.clone());
        let mut definition = read.of_type(attribute_type).strong().await?;
        change(&mut definition);
        let update = UpdateDefinition::column(table, key, &definition);
        self.client.call(update).await
    }

    /// Reads a relationship, lets `change` change it, and sends the whole of it. What another
    /// changes in between is overwritten.
    pub async fn change_relationship(
        &self,
        relationship: impl Into<DefinitionKey>,
        change: impl FnOnce(&mut RelationshipDefinition),
    ) -> Result<()> {
        let key = relationship.into();
        let mut definition = self.relationship(key.clone()).strong().await?;
        change(&mut definition);
        let update = UpdateDefinition::relationship(key, definition);
        self.client.call(update).await
    }

    /// Reads a global choice, lets `change` change it, and sends the whole of it. What another
    /// changes in between is overwritten.
    pub async fn change_choice(
        &self,
        choice: impl Into<DefinitionKey>,
        change: impl FnOnce(&mut OptionSetDefinition),
    ) -> Result<()> {
        let key = choice.into();
        let mut definition = self.choice(key.clone()).strong().await?;
        change(&mut definition);
        let update = UpdateDefinition::choice(key, &definition);
        self.client.call(update).await
    }

    /// Deletes a definition, and with a table or column all that its rows hold:
    /// `delete(DefinitionPath::column("new_bankaccount", "new_bankname"))`.
    pub fn delete(&self, path: DefinitionPath) -> Call<DeleteDefinition> {
        self.client.call(DeleteDefinition::new(path))
    }
}

impl<T: DeserializeOwned + Send> Call<RetrieveDefinition<T>> {
    /// A missing definition is None and no error.
    pub fn optional(self) -> Call<Optional<RetrieveDefinition<T>>> {
        self.map(Optional)
    }
}

macro_rules! options {
    ($name:ident) => {
        impl<T> Call<$name<T>> {
            /// Only these properties, and the id.
            pub fn select<N: AsRef<str>>(self, properties: impl IntoIterator<Item = N>) -> Self {
                self.map(|read| read.select(properties))
            }

            /// With these, too: `Attributes`, `Keys`, `OptionSet` …
            pub fn expand(self, expand: impl Into<DefinitionExpand>) -> Self {
                self.map(|read| read.expand(expand))
            }

            /// Labels only in these languages, as locale ids.
            pub fn languages(self, language_codes: impl IntoIterator<Item = i32>) -> Self {
                self.map(|read| read.languages(language_codes))
            }

            /// From the database: what is read otherwise may be half a minute old.
            pub fn strong(self) -> Self {
                self.map($name::strong)
            }
        }

        impl Call<$name<ColumnDefinition>> {
            /// With the properties that only columns of this type have; for many columns, only
            /// those of this type.
            pub fn of_type(self, attribute_type: AttributeType) -> Self {
                self.map(|read| read.of_type(attribute_type))
            }
        }
    };
}

options!(RetrieveDefinition);
options!(QueryDefinitions);

impl<T> Call<QueryDefinitions<T>> {
    /// Only those that meet this OData condition; see [`QueryDefinitions::filter`].
    pub fn filter(self, condition: impl Into<String>) -> Self {
        self.map(|query| query.filter(condition))
    }
}

impl Call<CreateDefinition> {
    /// As a component of the unmanaged solution with this unique name.
    pub fn in_solution(self, unique_name: impl Into<String>) -> Self {
        self.map(|create| create.in_solution(unique_name))
    }
}
