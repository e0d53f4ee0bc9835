//! What is the same for every operation that reads page by page.

use std::borrow::Cow;

use super::Operation;
use crate::odata::RowCount;

/// An operation that answers with a page of rows, and can be asked for the page behind it:
/// [`Query`](crate::Query), [`Fetch`](crate::Fetch).
pub trait Paged: Operation + Clone + 'static {
    /// What is in a page.
    type Row: Send;

    /// Where the next page is.
    type Next: Clone + Send + Sync;

    /// Where the page behind this one is; None on the last.
    fn next_of(page: &Self::Output) -> Option<&Self::Next>;

    /// The rows of a page, and how many there are in all, if asked for.
    fn split(page: Self::Output) -> (Vec<Self::Row>, Option<RowCount>);

    /// The same operation, for the page at `next`.
    #[must_use]
    fn at_page(self, next: Self::Next) -> Self;

    /// What tells one `next` from another: one that comes back would never end.
    fn mark(next: &Self::Next) -> Cow<'_, str>;

    /// The table that is read, for errors.
    fn shown(&self) -> &str;

    /// The operation as it is sent where all pages are asked for.
    #[must_use]
    fn for_all_pages(self) -> Self {
        self
    }
}
