//! Searching.

use super::{Call, Client};
use crate::op::SearchQuery;

impl Client {
    /// Searches rows of several tables by relevance; see [`SearchQuery`].
    ///
    /// Suggestions, completions and the state of the index are operations for
    /// [`call`](Client::call): [`SearchSuggest`](crate::SearchSuggest),
    /// [`SearchAutocomplete`](crate::SearchAutocomplete),
    /// [`SearchStatistics`](crate::SearchStatistics), [`SearchStatus`](crate::SearchStatus).
    pub fn search(&self, query: SearchQuery) -> Call<SearchQuery> {
        self.call(query)
    }
}
