//! Pages and rows of a query, one page after the other.

use std::collections::HashSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Client;
use crate::error::{Error, Result};
use crate::odata::RowCount;
use crate::op::Paged;

type Fetching<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// The pages of a query. Also a [`Stream`].
///
/// An error ends it. [`next_page`](Pages::next_page) tells where to go on after a stop.
#[must_use = "nothing is sent until a page is asked for"]
pub struct Pages<O: Paged> {
    client: Client,
    operation: O,
    state: State<O::Next, O::Output>,
    guard: LoopGuard,
    prefetches: bool,
}

enum State<N, T> {
    /// A page is to be fetched: the first, or the one at this place.
    Ready(Option<N>),
    /// With where it is.
    Fetching(Option<N>, Fetching<T>),
    Done,
}

/// Links and cookies that were followed, hashed twice: one that comes back would never end.
#[derive(Default)]
pub(super) struct LoopGuard {
    followed: HashSet<(u64, u64)>,
    hashers: (RandomState, RandomState),
}

impl LoopGuard {
    /// Errors: it was followed before.
    pub(super) fn follow(&mut self, mark: &str, asked: &str) -> Result<()> {
        let hash = (self.hashers.0.hash_one(mark), self.hashers.1.hash_one(mark));
        if self.followed.insert(hash) {
            return Ok(());
        }
        Err(Error::decode(format!(
            "query of `{asked}`: the service gave a next page that was followed before; following \
             it again would never end"
        )))
    }
}

impl<O: Paged> Pages<O> {
    pub(super) fn new(client: Client, operation: O) -> Self {
        Pages {
            client,
            operation: operation.for_all_pages(),
            state: State::Ready(None),
            guard: LoopGuard::default(),
            prefetches: false,
        }
    }

    /// Fetches the next page while the caller works on this one: two pages are in memory.
    ///
    /// It runs as a task of the tokio runtime in which pages are asked for, and ends with this
    /// value.
    pub fn prefetch(mut self) -> Self {
        self.prefetches = true;
        self
    }

    /// The next page; None after the last.
    ///
    /// Errors: those of its request. After an error there are no more pages.
    /// Dropped while it waits, nothing is lost: the next wait goes on with the same request.
    pub async fn try_next(&mut self) -> Result<Option<O::Output>> {
        poll_fn(|context| self.poll_page(context)).await.transpose()
    }

    /// Where the page after the current one is. With `from_page` a job can go on there, in another
    /// process, too; None before the first page and after the last.
    pub fn next_page(&self) -> Option<&O::Next> {
        match &self.state {
            State::Ready(next) | State::Fetching(next, _) => next.as_ref(),
            State::Done => None,
        }
    }

    fn fetch(&self, next: Option<O::Next>) -> Fetching<O::Output> {
        let mut operation = self.operation.clone();
        if let Some(next) = next {
            operation = operation.at_page(next);
        }
        let client = self.client.clone();
        Box::pin(async move { client.execute(&operation).await })
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<O::Output>>> {
        loop {
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Ready(next) => {
                    let next = next.take();
                    self.state = State::Fetching(next.clone(), self.fetch(next));
                }
                State::Fetching(_, page) => {
                    let page = ready!(page.as_mut().poll(context));
                    let page = page.and_then(|page| self.step(&page).map(|()| page));
                    if page.is_err() {
                        self.state = State::Done;
                    }
                    return Poll::Ready(Some(page));
                }
            }
        }
    }

    fn step(&mut self, page: &O::Output) -> Result<()> {
        let Some(next) = O::next_of(page) else {
            self.state = State::Done;
            return Ok(());
        };
        self.guard.follow(&O::mark(next), self.operation.shown())?;
        let next = Some(next.clone());
        self.state = match tokio::runtime::Handle::try_current() {
            Ok(runtime) if self.prefetches => {
                let fetching = runtime.spawn(self.fetch(next.clone()));
                State::Fetching(next, Box::pin(Prefetched(fetching)))
            }
            _ => State::Ready(next),
        };
        Ok(())
    }
}

/// A page that is fetched by a task, which ends with this value.
struct Prefetched<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> Future for Prefetched<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(page) => page,
            Err(error) => Err(
                Error::decode("the task that fetched the next page ended early").with_source(error),
            ),
        })
    }
}

impl<T> Drop for Prefetched<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<O: Paged> Stream for Pages<O> {
    type Item = Result<O::Output>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_page(context)
    }
}

// No field is pinned: the future in flight is boxed.
impl<O: Paged> Unpin for Pages<O> {}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("of", &self.operation.shown())
            .finish_non_exhaustive()
    }
}

/// The rows of a query, one page in memory at a time. Also a [`Stream`].
///
/// An error ends it. [`next_page`](Rows::next_page) tells where to go on after a stop.
#[must_use = "nothing is sent until rows are asked for"]
pub struct Rows<O: Paged> {
    pages: Pages<O>,
    rows: std::vec::IntoIter<O::Row>,
    count: Option<RowCount>,
    empty_pages: usize,
}

/// Pages without a row after each other: filters of the service's own leave a few, more are a
/// service that never ends.
const MAX_EMPTY_PAGES: usize = 1000;

impl<O: Paged> Rows<O> {
    pub(super) fn new(client: Client, operation: O) -> Self {
        Rows {
            pages: Pages::new(client, operation),
            rows: Vec::new().into_iter(),
            count: None,
            empty_pages: 0,
        }
    }

    /// Fetches the next page while the caller works on this one; see [`Pages::prefetch`].
    pub fn prefetch(mut self) -> Self {
        self.pages = self.pages.prefetch();
        self
    }

    /// The next row; None after the last.
    ///
    /// Errors: those of the page's request. After an error there are no more rows.
    /// Dropped while it waits, nothing is lost: the next wait goes on with the same request.
    pub async fn try_next(&mut self) -> Result<Option<O::Row>> {
        poll_fn(|context| self.poll_row(context)).await.transpose()
    }

    /// All rows that are left. Dropped while it waits, those that have come are lost.
    pub async fn collect(mut self) -> Result<Vec<O::Row>> {
        let mut all = Vec::new();
        while let Some(row) = self.try_next().await? {
            all.push(row);
        }
        Ok(all)
    }

    /// Where the page after the current one is; see [`Pages::next_page`].
    pub fn next_page(&self) -> Option<&O::Next> {
        self.pages.next_page()
    }

    /// How many rows there are, if the query asked for it and a page has come.
    pub fn count(&self) -> Option<RowCount> {
        self.count
    }

    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<O::Row>>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            // The memory of the page that is read, before the next one takes more.
            self.rows = Vec::new().into_iter();
            match ready!(self.pages.poll_page(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(page)) => {
                    let (rows, count) = O::split(page);
                    self.count = self.count.or(count);
                    self.empty_pages = match rows.is_empty() {
                        true => self.empty_pages + 1,
                        false => 0,
                    };
                    if self.empty_pages > MAX_EMPTY_PAGES {
                        self.pages.state = State::Done;
                        return Poll::Ready(Some(Err(Error::decode(format!(
                            "query of `{}`: {MAX_EMPTY_PAGES} pages after each other held no row",
                            self.pages.operation.shown()
                        )))));
                    }
                    self.rows = rows.into_iter();
                }
            }
        }
    }
}

impl<O: Paged> Stream for Rows<O> {
    type Item = Result<O::Row>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_row(context)
    }
}

// No field is pinned.
impl<O: Paged> Unpin for Rows<O> {}

impl<O: Paged> fmt::Debug for Rows<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("pages", &self.pages)
            .field("in_memory", &self.rows.len())
            .finish()
    }
}
