//! One table, read by several streams.

use super::Call;
use crate::odata::Ranges;
use crate::op::{Query, Read};

impl<R: Read> Call<Query<R>> {
    /// The same query for each range: together they give the rows of the query, each row once.
    ///
    /// Each is a stream of its own; run as many at a time as the org takes. More ranges than streams
    /// keep all of them busy where ranges differ in length.
    ///
    /// ```
    /// # use dataverse_client::{Client, Ranges, Record, Result, column, AnyRow};
    /// # async fn f(client: &Client, accounts: dataverse_client::NamedTable) -> Result<()> {
    /// let ranges = Ranges::of_ids(column("accountid"), 4)?;
    /// for part in accounts.query().select(["name"]).in_ranges(ranges) {
    ///     let mut rows = part.rows();
    ///     tokio::spawn(async move {
    ///         while let Some(row) = rows.try_next().await? { /* … */ }
    ///         Ok::<_, dataverse_client::Error>(())
    ///     });
    /// }
    /// # Ok(()) }
    /// ```
    pub fn in_ranges(self, ranges: Ranges<R::Entity>) -> Vec<Self> {
        let filters = ranges.into_filters().into_iter();
        filters.map(|range| self.clone().filter(range)).collect()
    }
}
