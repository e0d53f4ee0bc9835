//! Writes that are executed together, and handles of what they will give.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::operation::{AnyOperation, Write};
use crate::schema::{BindTarget, ContentRef, Reference, ReferenceKind};
use crate::value::Id;

/// Where the answer to an operation of a batch will be, and what it will be.
///
/// A reference to the handle of a [`Create`](crate::Create) in a change set can be bound to: the row it creates
/// is `$1`.
pub struct Handle<T> {
    pub(super) at: ContentRef,
    output: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(super) fn new(scope: u64, index: usize) -> Self {
        Handle {
            at: ContentRef { scope, index },
            output: PhantomData,
        }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.at.index)
    }
}

impl<E: 'static> BindTarget for &Handle<Id<E>> {
    type Entity = E;

    fn reference(self) -> Reference {
        Reference(ReferenceKind::Content(self.at))
    }
}

/// Tells change sets and batches apart, so that a handle of one does not fit another.
pub(super) fn next_scope() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Writes that are executed all or not at all.
pub struct ChangeSet {
    pub(super) scope: u64,
    pub(super) members: Vec<Arc<dyn AnyOperation>>,
}

impl ChangeSet {
    /// No writes yet.
    pub fn new() -> Self {
        ChangeSet {
            scope: next_scope(),
            members: Vec::new(),
        }
    }

    /// Adds a write.
    pub fn add<O>(&mut self, operation: O) -> Handle<O::Output>
    where
        O: Write<Output: 'static> + 'static,
    {
        self.members.push(Arc::new(operation));
        Handle::new(self.scope, self.members.len() - 1)
    }
}

impl Default for ChangeSet {
    fn default() -> Self {
        ChangeSet::new()
    }
}

impl fmt::Debug for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangeSet({} operations)", self.members.len())
    }
}
