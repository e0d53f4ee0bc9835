//! Rows of tables that are only known at run time.

use std::borrow::Cow;

use uuid::Uuid;

use super::{Call, Client};
use crate::definition::TableSchema;
use crate::odata::fetchxml::FetchXml;
use crate::op::{
    Aggregate, Associate, Count, CountChanges, Create, CreateMultiple, Delete, DeleteMultiple,
    DeltaToken, Disassociate, Fetch, GetColumn, GetText, Query, References, Retrieve,
    RetrieveRelated, SetColumn, TrackChanges, Update, UpdateMultiple, Upsert, UpsertMultiple,
};
use crate::schema::{AnyRow, AnyTable, BindTarget, Changes, New, TableName, ToKey};
use crate::value::{AnyValue, Value};

/// A table that is only known at run time: what a [`Client`] does with generated tables, by names.
///
/// ```no_run
/// # async fn program(client: dataverse_client::Client) -> dataverse_client::Result<()> {
/// use dataverse_client::schema::TableName;
/// use dataverse_client::{New, column};
///
/// let accounts = client.table(TableName::new("accounts").primary_id("accountid"));
/// let id = accounts.create(New::new().set_named("name", "Contoso")).await?;
/// let row = accounts.retrieve(id).select(["name", "revenue"]).await?;
/// let name: Option<String> = row.get("name")?;
///
/// let mut large = accounts.query().filter(column("revenue").gt(1_000_000)).rows();
/// while let Some(row) = large.try_next().await? {
///     println!("{:?}", row.get::<String>("name")?);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct NamedTable {
    client: Client,
    name: TableName,
}

impl TableSchema {
    /// Its names, for [`Client::table`]; None if its entity set is not known.
    pub fn name(&self) -> Option<TableName> {
        let mut name =
            TableName::new(self.entity_set.clone()?).logical_name(self.logical_name.clone());
        if let Some(column) = &self.primary_id {
            name = name.primary_id(column.clone());
        }
        Some(name)
    }
}

impl NamedTable {
    pub(super) fn new(client: &Client, name: TableName) -> Self {
        NamedTable {
            client: client.clone(),
            name,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Its names.
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// Reads one row; see [`Retrieve`].
    pub fn retrieve(&self, key: impl ToKey<Entity = AnyTable>) -> Call<Retrieve<AnyRow>> {
        self.client
            .call(Retrieve::from_table(self.name.clone(), key))
    }

    /// Reads many rows; see [`Query`].
    pub fn query(&self) -> Call<Query<AnyRow>> {
        self.client.call(Query::from_table(self.name.clone()))
    }

    /// Reads the rows that a FetchXML document asks for; see [`Fetch`].
    pub fn fetch(&self, document: FetchXml<impl Sized>) -> Call<Fetch<AnyRow>> {
        let fetch = Fetch::new(document);
        self.client.call(fetch.of_table(self.name.clone()))
    }

    /// Reads the rows that a navigation property of one row leads to, by its exact name.
    pub fn query_related(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
    ) -> Call<Query<AnyRow>> {
        let row = self.name.row(key);
        self.client.call(Query::related_to(row, navigation))
    }

    /// Reads the row that a lookup points at, by the exact name of its navigation property.
    pub fn retrieve_related(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
    ) -> Call<RetrieveRelated<AnyRow>> {
        let row = self.name.row(key);
        self.client.call(RetrieveRelated::named(row, navigation))
    }

    /// Reads which rows a navigation property leads to; see [`References`].
    pub fn references(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
    ) -> Call<References<AnyTable>> {
        let row = self.name.row(key);
        self.client.call(References::named(row, navigation))
    }

    /// Counts rows; see [`Count`].
    pub fn count(&self) -> Call<Count<AnyTable>> {
        self.client.call(Count::of_table(self.name.clone()))
    }

    /// Counts the rows that a navigation property of one row leads to; see [`Count::related_to`].
    pub fn count_related(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
    ) -> Call<Count<AnyTable>> {
        let row = self.name.row(key);
        self.client.call(Count::related_to(row, navigation))
    }

    /// Reads what changed; see [`TrackChanges`].
    pub fn changes(&self) -> Call<TrackChanges<AnyRow>> {
        self.client
            .call(TrackChanges::from_table(self.name.clone()))
    }

    /// Counts the changes since a token; see [`CountChanges`].
    pub fn count_changes(&self, since: DeltaToken) -> Call<CountChanges> {
        let count = CountChanges::of_table(self.name.clone(), since);
        self.client.call(count)
    }

    /// Creates a row; see [`Create`].
    pub fn create(&self, body: New<AnyTable>) -> Call<Create<AnyTable>> {
        self.client.call(Create::in_table(self.name.clone(), body))
    }

    /// Changes a row that exists; see [`Update`].
    pub fn update(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        changes: impl Into<Changes<AnyTable>>,
    ) -> Call<Update<AnyTable>> {
        self.client
            .call(Update::in_table(self.name.clone(), key, changes))
    }

    /// Changes a row, or creates it; see [`Upsert`].
    pub fn upsert(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        changes: impl Into<Changes<AnyTable>>,
    ) -> Call<Upsert<AnyTable>> {
        self.client
            .call(Upsert::in_table(self.name.clone(), key, changes))
    }

    /// Creates many rows in one message; see [`CreateMultiple`].
    pub fn create_multiple(
        &self,
        rows: impl IntoIterator<Item = New<AnyTable>>,
    ) -> Call<CreateMultiple<AnyTable>> {
        self.client
            .call(CreateMultiple::in_table(self.name.clone(), rows))
    }

    /// Changes many rows in one message; see [`UpdateMultiple`].
    pub fn update_multiple(
        &self,
        rows: impl IntoIterator<Item = (Uuid, Changes<AnyTable>)>,
    ) -> Call<UpdateMultiple<AnyTable>> {
        self.client
            .call(UpdateMultiple::in_table(self.name.clone(), rows))
    }

    /// Changes or creates many rows in one message; see [`UpsertMultiple`].
    pub fn upsert_multiple<K: ToKey<Entity = AnyTable>>(
        &self,
        rows: impl IntoIterator<Item = (K, Changes<AnyTable>)>,
    ) -> Call<UpsertMultiple<AnyTable>> {
        self.client
            .call(UpsertMultiple::in_table(self.name.clone(), rows))
    }

    /// Deletes many rows of an elastic table in one message; see [`DeleteMultiple`].
    pub fn delete_multiple(
        &self,
        rows: impl IntoIterator<Item = (Uuid, Option<String>)>,
    ) -> Call<DeleteMultiple<AnyTable>> {
        self.client
            .call(DeleteMultiple::from_table(self.name.clone(), rows))
    }

    /// Sums, averages and groups; see [`Aggregate`].
    pub fn aggregate(&self) -> Call<Aggregate<AnyTable>> {
        self.client.call(Aggregate::of_table(self.name.clone()))
    }

    /// Deletes a row; see [`Delete`].
    pub fn delete(&self, key: impl ToKey<Entity = AnyTable>) -> Call<Delete<AnyTable>> {
        self.client.call(Delete::from_table(self.name.clone(), key))
    }

    /// Reads one column of one row; see [`GetColumn`].
    pub fn get_column<T: Value>(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        column: impl Into<String>,
    ) -> Call<GetColumn<T>> {
        self.client
            .call(GetColumn::named(self.name.row(key), column))
    }

    /// Reads one column of one row as text, without JSON; see [`GetText`].
    pub fn get_text(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        column: impl Into<String>,
    ) -> Call<GetText> {
        self.client.call(GetText::named(self.name.row(key), column))
    }

    /// Writes one column of one row; see [`SetColumn`].
    pub fn set_column(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        column: impl Into<String>,
        value: impl Into<AnyValue>,
    ) -> Call<SetColumn> {
        self.client
            .call(SetColumn::named(self.name.row(key), column, value))
    }

    /// Clears one column of one row; see [`SetColumn`].
    pub fn clear_column(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        column: impl Into<String>,
    ) -> Call<SetColumn> {
        self.client
            .call(SetColumn::clear_named(self.name.row(key), column))
    }

    /// Points a lookup at a row, by the exact name of its navigation property; see [`Associate`].
    pub fn associate(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Call<Associate> {
        let row = self.name.row(key);
        self.client
            .call(Associate::one_named(row, navigation, target))
    }

    /// Adds a row to a collection, by the exact name of its navigation property.
    pub fn associate_many(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Call<Associate> {
        let row = self.name.row(key);
        self.client
            .call(Associate::many_named(row, navigation, target))
    }

    /// Points a lookup at nothing, by the exact name of its navigation property; see
    /// [`Disassociate`].
    pub fn disassociate(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
    ) -> Call<Disassociate> {
        let row = self.name.row(key);
        self.client.call(Disassociate::one_named(row, navigation))
    }

    /// Takes a row out of a collection, by the exact name of its navigation property.
    pub fn disassociate_many(
        &self,
        key: impl ToKey<Entity = AnyTable>,
        navigation: impl Into<Cow<'static, str>>,
        target: impl BindTarget,
    ) -> Call<Disassociate> {
        let row = self.name.row(key);
        self.client
            .call(Disassociate::many_named(row, navigation, target))
    }
}
