//! Dataverse search: relevance search over the tables that an org has indexed.
//!
//! On the wire, lists and objects are text that holds JSON, in both directions; here they are not.

mod answer;
mod complete;
mod query;
mod request;
mod statistics;

pub use complete::{SearchAutocomplete, SearchSuggest, Suggestion};
pub use query::{Facet, SearchHit, SearchQuery, SearchResults};
pub use request::SearchTable;
pub use statistics::{
    SearchStatistics, SearchStatus, SearchStatusReport, SearchStorage, SearchTableStatus,
};
