//! Floor 5: the client. Joins operations and the wire.

mod attempts;
mod base;
mod builder;
mod bulk;
mod call;
mod changes;
mod conflict;
mod definitions;
mod discovery;
mod export;
mod limits;
#[cfg(feature = "parquet")]
mod parquet;
mod partition;
mod rows;
mod search;
mod send;
mod table;
mod trace;
mod transfer;

pub use builder::ClientBuilder;
pub use bulk::{BulkCheckpoint, BulkMethod, BulkOutcome, BulkOutcomes, BulkProgress, BulkWrite};
pub use call::Call;
pub use changes::ChangeStream;
pub use definitions::Definitions;
pub use discovery::{Discovery, DiscoveryBuilder};
pub use export::RowFormat;
#[cfg(feature = "parquet")]
pub use parquet::ParquetFormat;
pub use rows::{Pages, Rows};
pub use table::NamedTable;
pub use transfer::{Download, DownloadState, Upload, UploadState};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::http::Credential as _;
use crate::odata::CallOptions;
use crate::odata::fetchxml::FetchXml;
use crate::op::{
    Aggregate, Answer, Associate, BackgroundOperation, BackgroundState, BackgroundStatus, Batch,
    CancelBackground, Count, CountChanges, Create, CreateMultiple, Delete, DeleteMultiple,
    DeltaToken, Disassociate, Fetch, FetchRow, GetColumn, GetText, Invoke, InvokeNamed, Message,
    Operation, Query, References, Retrieve, RetrieveRelated, SetColumn, TotalRowCounts,
    TrackChanges, Update, UpdateMultiple, Upsert, UpsertMultiple,
};
use crate::schema::{
    BindTarget, Body, Changes, Column, Entity, Many, Navigation, New, OnUpdate, One, Record,
    TableName, ToKey, WritableIn,
};
use crate::value::{Id, Value};

/// A client of one org. Cheap to clone; clones share their connections.
///
/// Every method gives a [`Call`], which is sent when it is awaited.
#[derive(Clone)]
pub struct Client {
    inner: Arc<send::Inner>,
    options: Arc<CallOptions>,
}

impl Client {
    /// Sets up a client of the org at `org`: `https://contoso.crm4.dynamics.com`.
    ///
    /// Errors: `is_invalid_input` if it is not https (loopback excepted), or holds more than a
    /// host and a port.
    pub fn builder(org: &str) -> Result<ClientBuilder> {
        ClientBuilder::new(org)
    }

    /// Reads one row; see [`Retrieve`].
    pub fn retrieve<R: Record>(&self, key: impl ToKey<Entity = R::Entity>) -> Call<Retrieve<R>> {
        self.call(Retrieve::new(key))
    }

    /// Reads many rows; see [`Query`]. Awaited it gives one page; [`Call::rows`] gives them all.
    pub fn query<R: Record>(&self) -> Call<Query<R>> {
        self.call(Query::new())
    }

    /// Reads the rows that a navigation property of one row leads to; see [`Query::related`].
    pub fn query_related<R: Record, P: Entity>(
        &self,
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<R::Entity>>,
    ) -> Call<Query<R>> {
        self.call(Query::related(key, navigation))
    }

    /// Reads the row that a lookup points at; see [`RetrieveRelated`].
    pub fn retrieve_related<R: Record, P: Entity>(
        &self,
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, One<R::Entity>>,
    ) -> Call<RetrieveRelated<R>> {
        self.call(RetrieveRelated::new(key, navigation))
    }

    /// Reads which rows a navigation property leads to; see [`References`].
    pub fn references<P: Entity, F: 'static>(
        &self,
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<F>>,
    ) -> Call<References<F>> {
        self.call(References::new(key, navigation))
    }

    /// Counts rows, up to 5,000; see [`Count`].
    pub fn count<E: Entity>(&self) -> Call<Count<E>> {
        self.call(Count::new())
    }

    /// Counts the rows that a navigation property of one row leads to; see [`Count::related`].
    pub fn count_related<P: Entity, E: Entity>(
        &self,
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<E>>,
    ) -> Call<Count<E>> {
        self.call(Count::related(key, navigation))
    }

    /// Counts all rows of whole tables, as they were within a day; see [`TotalRowCounts`].
    pub fn total_row_counts<S: Into<String>>(
        &self,
        tables: impl IntoIterator<Item = S>,
    ) -> Call<TotalRowCounts> {
        self.call(TotalRowCounts::new(tables))
    }

    /// Reads what changed in a table; see [`TrackChanges`]. [`Call::stream`] gives all of it.
    pub fn changes<R: Record>(&self) -> Call<TrackChanges<R>> {
        self.call(TrackChanges::new())
    }

    /// Counts the changes since a token; see [`CountChanges`].
    pub fn count_changes<E: Entity>(&self, since: DeltaToken) -> Call<CountChanges> {
        self.call(CountChanges::of::<E>(since))
    }

    /// Reads the rows that a FetchXML document asks for; see [`Fetch`]. Awaited it gives one page;
    /// [`Call::rows`] gives them all.
    pub fn fetch<R: FetchRow>(&self, document: FetchXml<impl Sized>) -> Call<Fetch<R>> {
        self.call(Fetch::new(document))
    }

    /// Creates a row, from [`New`] or from [`Changes`]; see [`Create`].
    pub fn create<E: Entity, M>(&self, body: Body<E, M>) -> Call<Create<E>>
    where
        Body<E, M>: Into<New<E>>,
    {
        self.call(Create::new(body))
    }

    /// Changes a row that exists; see [`Update`].
    pub fn update<E: Entity>(
        &self,
        row: impl BindTarget<Entity = E>,
        changes: impl Into<Changes<E>>,
    ) -> Call<Update<E>> {
        self.call(Update::new(row, changes))
    }

    /// Changes a row, or creates it; see [`Upsert`].
    pub fn upsert<E: Entity>(
        &self,
        key: impl ToKey<Entity = E>,
        changes: impl Into<Changes<E>>,
    ) -> Call<Upsert<E>> {
        self.call(Upsert::new(key, changes))
    }

    /// Deletes a row; see [`Delete`].
    pub fn delete<E: Entity>(&self, key: impl ToKey<Entity = E>) -> Call<Delete<E>> {
        self.call(Delete::new(key))
    }

    /// Reads one column of one row; see [`GetColumn`].
    pub fn get_column<E: Entity, T: Value, A>(
        &self,
        key: impl ToKey<Entity = E>,
        column: Column<E, T, A>,
    ) -> Call<GetColumn<T>> {
        self.call(GetColumn::new(key, column))
    }

    /// Reads one column of one row as text, without JSON; see [`GetText`].
    pub fn get_text<E: Entity, T, A>(
        &self,
        key: impl ToKey<Entity = E>,
        column: Column<E, T, A>,
    ) -> Call<GetText> {
        self.call(GetText::new(key, column))
    }

    /// Writes one column of one row; see [`SetColumn`].
    pub fn set_column<E: Entity, T: Value, A: WritableIn<OnUpdate>>(
        &self,
        row: impl BindTarget<Entity = E>,
        column: Column<E, T, A>,
        value: impl Into<T>,
    ) -> Call<SetColumn> {
        self.call(SetColumn::new(row, column, value))
    }

    /// Clears one column of one row; see [`SetColumn`].
    pub fn clear_column<E: Entity, T: Value, A: WritableIn<OnUpdate>>(
        &self,
        row: impl BindTarget<Entity = E>,
        column: Column<E, T, A>,
    ) -> Call<SetColumn> {
        self.call(SetColumn::clear(row, column))
    }

    /// Points a lookup at a row; see [`Associate`].
    pub fn associate<E: Entity, F>(
        &self,
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, One<F>>,
        target: impl BindTarget<Entity = F>,
    ) -> Call<Associate> {
        self.call(Associate::one(from, navigation, target))
    }

    /// Adds a row to those that a navigation property leads to; see [`Associate`].
    pub fn associate_many<E: Entity, F>(
        &self,
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, Many<F>>,
        target: impl BindTarget<Entity = F>,
    ) -> Call<Associate> {
        self.call(Associate::many(from, navigation, target))
    }

    /// Points a lookup at nothing; see [`Disassociate`].
    pub fn disassociate<E: Entity, F>(
        &self,
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, One<F>>,
    ) -> Call<Disassociate> {
        self.call(Disassociate::one(from, navigation))
    }

    /// Takes a row out of those that a navigation property leads to; see [`Disassociate`].
    pub fn disassociate_many<E: Entity, F>(
        &self,
        from: impl BindTarget<Entity = E>,
        navigation: Navigation<E, Many<F>>,
        target: impl BindTarget<Entity = F>,
    ) -> Call<Disassociate> {
        self.call(Disassociate::many(from, navigation, target))
    }

    /// Calls an action or function; see [`Invoke`].
    pub fn invoke<M: Message>(&self, message: M) -> Call<Invoke<M>> {
        self.call(Invoke::new(message))
    }

    /// Calls an action or function that is only known at run time; see [`InvokeNamed`].
    pub fn invoke_named(&self, message: InvokeNamed) -> Call<InvokeNamed> {
        self.call(message)
    }

    /// Asks how far a background operation is; see [`BackgroundStatus`].
    pub fn background_status<T: Answer + 'static>(
        &self,
        operation: &BackgroundOperation<T>,
    ) -> Call<BackgroundStatus<T>> {
        self.call(BackgroundStatus::of(operation))
    }

    /// Cancels a background operation that has not begun; see [`CancelBackground`].
    pub fn cancel_background<T>(
        &self,
        operation: &BackgroundOperation<T>,
    ) -> Call<CancelBackground> {
        self.call(CancelBackground::of(operation))
    }

    /// Asks for a background operation again and again, `every` so long, until it has ended: it is
    /// `Succeeded`, `Failed` or `Canceled` then. Microsoft recommends a minute or more.
    ///
    /// Errors: those of a question; the operation goes on, and can be asked for again.
    /// Dropped while it waits, it asks no more; the operation goes on.
    pub async fn background_end<T: Answer + 'static>(
        &self,
        operation: &BackgroundOperation<T>,
        every: Duration,
    ) -> Result<BackgroundState<T>> {
        loop {
            let state = self.background_status(operation).await?;
            if state.is_final() {
                return Ok(state);
            }
            self.inner.clock.sleep(every).await;
        }
    }

    /// Creates many rows of one table in one message; see [`CreateMultiple`].
    pub fn create_multiple<E: Entity>(
        &self,
        rows: impl IntoIterator<Item = New<E>>,
    ) -> Call<CreateMultiple<E>> {
        self.call(CreateMultiple::new(rows))
    }

    /// Changes many rows of one table in one message; see [`UpdateMultiple`].
    pub fn update_multiple<E: Entity>(
        &self,
        rows: impl IntoIterator<Item = (Id<E>, Changes<E>)>,
    ) -> Call<UpdateMultiple<E>> {
        self.call(UpdateMultiple::new(rows))
    }

    /// Changes or creates many rows of one table in one message; see [`UpsertMultiple`].
    pub fn upsert_multiple<E: Entity, K: ToKey<Entity = E>>(
        &self,
        rows: impl IntoIterator<Item = (K, Changes<E>)>,
    ) -> Call<UpsertMultiple<E>> {
        self.call(UpsertMultiple::new(rows))
    }

    /// Deletes many rows of one elastic table in one message; see [`DeleteMultiple`].
    pub fn delete_multiple<E: Entity>(
        &self,
        rows: impl IntoIterator<Item = Id<E>>,
    ) -> Call<DeleteMultiple<E>> {
        self.call(DeleteMultiple::new(rows))
    }

    /// Sums, averages and groups; see [`Aggregate`].
    pub fn aggregate<E: Entity>(&self) -> Call<Aggregate<E>> {
        self.call(Aggregate::new())
    }

    /// Sends many operations in one request; see [`Batch`].
    pub fn batch(&self) -> Call<Batch> {
        self.call(Batch::new())
    }

    /// A table that is only known at run time; see [`NamedTable`].
    pub fn table(&self, name: TableName) -> NamedTable {
        NamedTable::new(self, name)
    }

    /// The same client, with these options for every call. What it said itself before stands where
    /// they say nothing.
    pub fn with(&self, options: CallOptions) -> Client {
        Client {
            inner: Arc::clone(&self.inner),
            options: Arc::new(options.over(&self.options)),
        }
    }

    /// Tables, columns, relationships, keys and choices themselves; see
    /// [`definitions`](crate::definitions).
    pub fn definitions(&self) -> Definitions {
        Definitions::new(self)
    }

    /// Forgets the user: drops every token, and whatever the credential keeps in files.
    ///
    /// Errors: a file cannot be deleted.
    pub async fn sign_out(&self) -> Result<()> {
        self.inner.credential.sign_out().await
    }

    /// Any operation.
    pub fn call<O: Operation>(&self, operation: O) -> Call<O> {
        Call::new(self, operation)
    }
}

impl Client {
    async fn execute<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.inner.execute(operation, &self.options).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("org", &self.inner.base.origin())
            .finish_non_exhaustive()
    }
}
