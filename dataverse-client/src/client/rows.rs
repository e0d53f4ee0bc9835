//! Rows of a query, page after page.

use std::collections::HashSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Client;
use crate::error::{Error, Result};
use crate::odata::NextLink;
use crate::op::{Page, Query};
use crate::schema::{Entity, Record, Row};

/// The rows of a query, one page in memory at a time. Also a [`Stream`].
///
/// An error ends it. [`next_page`](Rows::next_page) tells where to go on after a stop.
#[must_use = "nothing is sent until rows are asked for"]
pub struct Rows<R: Record> {
    client: Client,
    query: Query<R>,
    rows: std::vec::IntoIter<Row<R>>,
    state: State<R>,
    /// Links that were followed, hashed twice: a link that comes back would never end.
    followed: HashSet<(u64, u64)>,
    hashers: (RandomState, RandomState),
    count: Option<u64>,
}

enum State<R: Record> {
    /// A page is to be fetched: the first, or the one behind this link.
    Ready(Option<NextLink>),
    Fetching(Pin<Box<dyn Future<Output = Result<Page<R>>> + Send>>),
    Done,
}

impl<R: Record> Rows<R> {
    pub(super) fn new(client: Client, query: Query<R>) -> Self {
        Rows {
            client,
            query,
            rows: Vec::new().into_iter(),
            state: State::Ready(None),
            followed: HashSet::new(),
            hashers: Default::default(),
            count: None,
        }
    }

    /// The next row; None after the last.
    ///
    /// Errors: those of the page's request. After an error there are no more rows.
    pub async fn try_next(&mut self) -> Result<Option<Row<R>>> {
        poll_fn(|context| self.poll_row(context)).await.transpose()
    }

    /// All rows that are left.
    pub async fn collect(mut self) -> Result<Vec<Row<R>>> {
        let mut all = Vec::new();
        while let Some(row) = self.try_next().await? {
            all.push(row);
        }
        Ok(all)
    }

    /// Where the page after the current one is. With [`Call::from_page`](crate::Call::from_page)
    /// a job can go on there; None before the first page and after the last.
    pub fn next_page(&self) -> Option<&NextLink> {
        match &self.state {
            State::Ready(next) => next.as_ref(),
            _ => None,
        }
    }

    /// How many rows there are, if the query asked for it and a page has come.
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row<R>>>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Ready(next) => {
                    let mut query = self.query.clone();
                    if let Some(next) = next.take() {
                        query = query.from_page(next);
                    }
                    let client = self.client.clone();
                    self.state =
                        State::Fetching(Box::pin(
                            async move { client.inner.execute(&query).await },
                        ));
                }
                State::Fetching(page) => {
                    let page = ready!(page.as_mut().poll(context));
                    if let Err(error) = page.and_then(|page| self.take(page)) {
                        self.state = State::Done;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
    }

    fn take(&mut self, page: Page<R>) -> Result<()> {
        self.state = match page.next {
            None => State::Done,
            Some(next) => {
                let hash = (
                    self.hashers.0.hash_one(&next.0),
                    self.hashers.1.hash_one(&next.0),
                );
                if !self.followed.insert(hash) {
                    return Err(Error::decode(format!(
                        "query of `{}`: the service gave a next link that was followed before; \
                         following it again would never end",
                        R::Entity::TABLE.logical_name()
                    )));
                }
                State::Ready(Some(next))
            }
        };
        self.count = self.count.or(page.count);
        self.rows = page.rows.into_iter();
        Ok(())
    }
}

impl<R: Record> Stream for Rows<R> {
    type Item = Result<Row<R>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_row(context)
    }
}

// No field is pinned: the future in flight is boxed.
impl<R: Record> Unpin for Rows<R> {}

impl<R: Record> fmt::Debug for Rows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("table", &R::Entity::TABLE.logical_name())
            .field("in_memory", &self.rows.len())
            .finish_non_exhaustive()
    }
}
