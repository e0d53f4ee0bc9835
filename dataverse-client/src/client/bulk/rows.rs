//! The input of a bulk write.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::op::BulkRow;

/// An iterator as a stream that never waits.
pub(super) struct Ready<I>(pub(super) I);

// Nothing in it is pinned.
impl<I> Unpin for Ready<I> {}

impl<I: Iterator> Stream for Ready<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

/// What becomes rows of a bulk write, as such.
pub(super) struct IntoRows<S, E> {
    inner: Pin<Box<S>>,
    entity: PhantomData<fn() -> E>,
}

impl<S, E> IntoRows<S, E> {
    pub(super) fn new(rows: S) -> Self {
        IntoRows {
            inner: Box::pin(rows),
            entity: PhantomData,
        }
    }
}

impl<S: Stream<Item: Into<BulkRow<E>>>, E> Stream for IntoRows<S, E> {
    type Item = BulkRow<E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<BulkRow<E>>> {
        let row = ready!(self.inner.as_mut().poll_next(context));
        Poll::Ready(row.map(Into::into))
    }
}
