//! Floor 5: the client. Joins operations and the wire.

mod base;
mod builder;
mod call;
mod rows;
mod send;

pub use builder::ClientBuilder;
pub use call::Call;
pub use rows::Rows;

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::op::{
    Batch, Create, Delete, Invoke, Message, Operation, Query, Retrieve, Update, Upsert,
};
use crate::schema::{Body, Changes, Entity, New, Record, ToKey};

/// A client of one org. Cheap to clone; clones share their connections.
///
/// Every method gives a [`Call`], which is sent when it is awaited.
#[derive(Clone)]
pub struct Client {
    inner: Arc<send::Inner>,
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
        key: impl ToKey<Entity = E>,
        changes: impl Into<Changes<E>>,
    ) -> Call<Update<E>> {
        self.call(Update::new(key, changes))
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

    /// Calls an action or function; see [`Invoke`].
    pub fn invoke<M: Message>(&self, message: M) -> Call<Invoke<M>> {
        self.call(Invoke::new(message))
    }

    /// Sends many operations in one request; see [`Batch`].
    pub fn batch(&self) -> Call<Batch> {
        self.call(Batch::new())
    }

    /// Any operation.
    pub fn call<O: Operation>(&self, operation: O) -> Call<O> {
        Call::new(self, operation)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("org", &self.inner.base.origin())
            .finish_non_exhaustive()
    }
}
