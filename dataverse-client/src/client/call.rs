//! Operations bound to a client: awaiting one sends it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use super::Client;
use super::rows::Rows;
use crate::error::Result;
use crate::odata::{Filter, NextLink, Order};
use crate::op::{
    Batch, ChangeSet, Create, Delete, Handle, Operation, Optional, Query, Replies, Retrieve,
    Update, Upsert,
};
use crate::schema::{Entity, Record};
use crate::value::{ETag, Id};

/// An operation that is sent when it is awaited.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Call<O> {
    client: Client,
    operation: O,
}

impl<O> Call<O> {
    pub(super) fn new(client: &Client, operation: O) -> Self {
        Call {
            client: client.clone(),
            operation,
        }
    }

    fn map<P>(self, change: impl FnOnce(O) -> P) -> Call<P> {
        Call {
            client: self.client,
            operation: change(self.operation),
        }
    }

    /// The operation.
    pub fn operation(&self) -> &O {
        &self.operation
    }
}

impl<O: Operation + 'static> IntoFuture for Call<O> {
    type Output = Result<O::Output>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.inner.execute(&self.operation).await })
    }
}

impl<R: Record> Call<Retrieve<R>> {
    /// A missing row is None and no error.
    pub fn optional(self) -> Call<Optional<Retrieve<R>>> {
        self.map(Optional)
    }

    /// Asks for labels, and for names and tables of lookups, too.
    pub fn with_annotations(self) -> Self {
        self.map(Retrieve::with_annotations)
    }
}

impl<R: Record> Call<Query<R>> {
    /// Only rows that meet `filter`, and every filter given before.
    pub fn filter(self, filter: Filter<R::Entity>) -> Self {
        self.map(|query| query.filter(filter))
    }

    /// Sorted by this column, after those given before.
    pub fn order_by(self, order: Order<R::Entity>) -> Self {
        self.map(|query| query.order_by(order))
    }

    /// At most `rows` rows in a page; 1 to 5,000.
    pub fn page_size(self, rows: u32) -> Self {
        self.map(|query| query.page_size(rows))
    }

    /// At most `rows` rows in all; 1 to 5,000. Not together with a page size.
    pub fn top(self, rows: u32) -> Self {
        self.map(|query| query.top(rows))
    }

    /// Asks for the number of rows, too; see [`Page::count`](crate::Page::count).
    pub fn with_count(self) -> Self {
        self.map(Query::with_count)
    }

    /// Asks for labels, and for names and tables of lookups, too.
    pub fn with_annotations(self) -> Self {
        self.map(Query::with_annotations)
    }

    /// The same query, from the page at `next` on: to go on after a stop.
    pub fn from_page(self, next: NextLink) -> Self {
        self.map(|query| query.from_page(next))
    }

    /// All rows, page after page.
    pub fn rows(self) -> Rows<R> {
        Rows::new(self.client, self.operation)
    }
}

impl<E: Entity> Call<Create<E>> {
    /// Creates the row under this primary key.
    pub fn with_id(self, id: Id<E>) -> Self {
        self.map(|create| create.with_id(id))
    }

    /// Leaves the primary key to the service; see [`Create::server_assigned_id`].
    pub fn server_assigned_id(self) -> Self {
        self.map(Create::server_assigned_id)
    }
}

impl<E: Entity> Call<Update<E>> {
    /// Only if the row still has this version.
    pub fn if_match(self, etag: ETag) -> Self {
        self.map(|update| update.if_match(etag))
    }
}

impl<E: Entity> Call<Upsert<E>> {
    /// Fails if the row exists.
    pub fn create_only(self) -> Self {
        self.map(Upsert::create_only)
    }

    /// Fails if the row does not exist.
    pub fn update_only(self) -> Self {
        self.map(Upsert::update_only)
    }
}

impl<E: Entity> Call<Delete<E>> {
    /// Only if the row still has this version.
    pub fn if_match(self, etag: ETag) -> Self {
        self.map(|delete| delete.if_match(etag))
    }
}

impl Call<Batch> {
    /// Adds an operation on its own.
    pub fn add<O>(&mut self, operation: O) -> Handle<O::Output>
    where
        O: Operation<Output: 'static> + 'static,
    {
        self.operation.add(operation)
    }

    /// Adds a change set.
    pub fn push(&mut self, set: ChangeSet) {
        self.operation.push(set);
    }

    /// Executes what follows a failed operation, too.
    pub fn continue_on_error(self) -> Self {
        self.map(Batch::continue_on_error)
    }

    /// Sends the batch. The same as awaiting it.
    pub async fn send(self) -> Result<Replies> {
        self.await
    }
}
