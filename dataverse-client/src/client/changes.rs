//! Changes of a table, page after page.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Client;
use super::rows::LoopGuard;
use crate::error::Result;
use crate::op::{Change, ChangeOf, ChangePage, DeltaToken, Read, TrackChanges};

/// The changes of a table, one page in memory at a time. Also a [`Stream`].
///
/// An error ends it. The token is there when the last change has been taken, and not before: a
/// token that was stored earlier would lose what was not read.
///
/// ```no_run
/// # use dataverse_client::{Change, Client, DeltaToken, Record, Result};
/// # async fn program<R: Record>(client: Client, stored: Option<DeltaToken>) -> Result<()> {
/// let mut changes = client.changes::<R>().since(stored).resync_if_expired();
/// while let Some(change) = changes.try_next().await? {
///     match change {
///         Change::Upserted(row) => { /* store it under row.id() */ }
///         Change::Deleted(id) => { /* forget it */ }
///         Change::Resync => { /* mark all that is stored; what is not read again is gone */ }
///         _ => {}
///     }
/// }
/// let token = changes.into_token();
/// # let _ = token;
/// # Ok(()) }
/// ```
#[must_use = "nothing is sent until a change is asked for"]
pub struct ChangeStream<R: Read> {
    client: Client,
    operation: TrackChanges<R>,
    changes: VecDeque<ChangeOf<R>>,
    state: State<R>,
    guard: LoopGuard,
    resyncs: bool,
    token: Option<DeltaToken>,
}

enum State<R: Read> {
    Ready,
    Fetching(Pin<Box<dyn Future<Output = Result<ChangePage<R>>> + Send>>),
    Done,
}

impl<R: Read> ChangeStream<R> {
    pub(super) fn new(client: Client, operation: TrackChanges<R>) -> Self {
        ChangeStream {
            client,
            operation,
            changes: VecDeque::new(),
            state: State::Ready,
            guard: LoopGuard::default(),
            resyncs: false,
            token: None,
        }
    }

    pub(super) fn resync_if_expired(mut self) -> Self {
        self.resyncs = true;
        self
    }

    /// The next change; None after the last.
    ///
    /// Errors: those of the page's request; `is_token_expired`. After an error there are no more.
    /// Dropped while it waits, nothing is lost: the next wait goes on with the same request.
    pub async fn try_next(&mut self) -> Result<Option<ChangeOf<R>>> {
        poll_fn(|context| self.poll_change(context))
            .await
            .transpose()
    }

    /// Where to go on the next time; None unless every change has been taken.
    pub fn into_token(self) -> Option<DeltaToken> {
        match self.state {
            State::Done if self.changes.is_empty() => self.token,
            _ => None,
        }
    }

    fn poll_change(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<ChangeOf<R>>>> {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return Poll::Ready(Some(Ok(change)));
            }
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Ready => {
                    let client = self.client.clone();
                    let operation = self.operation.clone();
                    let page = async move { client.execute(&operation).await };
                    self.state = State::Fetching(Box::pin(page));
                }
                State::Fetching(page) => {
                    let page = ready!(page.as_mut().poll(context));
                    match page.and_then(|page| self.take(page)) {
                        Ok(()) => {}
                        Err(error)
                            if self.resyncs
                                && self.operation.has_token()
                                && error.is_token_expired() =>
                        {
                            self.operation = self.operation.clone().restarted();
                            self.state = State::Ready;
                            self.changes.push_back(Change::Resync);
                        }
                        Err(error) => {
                            self.state = State::Done;
                            self.token = None;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, page: ChangePage<R>) -> Result<()> {
        self.state = match page.next {
            Some(next) => {
                self.guard.follow(&next.0, self.operation.shown())?;
                self.operation = self.operation.clone().from_page(next);
                State::Ready
            }
            None => {
                self.token = page.token;
                State::Done
            }
        };
        self.changes.extend(page.changes);
        Ok(())
    }
}

impl<R: Read> Stream for ChangeStream<R> {
    type Item = Result<ChangeOf<R>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_change(context)
    }
}

// No field is pinned: the future in flight is boxed.
impl<R: Read> Unpin for ChangeStream<R> {}

impl<R: Read> fmt::Debug for ChangeStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeStream")
            .field("operation", &self.operation)
            .field("in_memory", &self.changes.len())
            .finish_non_exhaustive()
    }
}
