//! Changing a row from what it holds, whoever else changes it.

use super::Client;
use crate::error::{Error, Result};
use crate::op::{Retrieve, Update};
use crate::schema::{Changes, Record, Row, ToKey};
use crate::value::chance::random_part;

impl Client {
    /// Reads a row, lets `change` say what to write, and writes it only if nobody else has written
    /// in between; otherwise begins again. Gives the row as it was before the write.
    ///
    /// ```
    /// # use dataverse_client::{Changes, Client, Entity, Id, Record, Result};
    /// # #[derive(Entity, Default)]
    /// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
    /// # struct Account { accountid: Option<Id<Account>>, numberofemployees: Option<i32> }
    /// #[derive(Record)]
    /// #[dataverse(entity = Account)]
    /// struct Staff {
    ///     numberofemployees: Option<i32>,
    /// }
    ///
    /// # async fn f(client: Client, id: Id<Account>) -> Result<()> {
    /// client
    ///     .retry_on_conflict(id, |row: &Staff| {
    ///         let now = row.numberofemployees.unwrap_or_default();
    ///         Ok(Changes::new().set(Account::NUMBEROFEMPLOYEES, now + 1))
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Shape: `GET`, then `PATCH` with `If-Match` and the version that was read. Without a change
    /// nothing is written.
    /// Units: two requests a round, as many rounds as the retry policy has attempts, with its
    /// waits between them.
    /// Errors: those of `change`, which end it; `is_not_found`; `is_precondition_failed` if somebody
    /// else was faster in every round; `is_outcome_unknown` if the answer to a write got lost: it is
    /// not begun again then, because the change may have been made.
    /// Dropped, it may have written, or may still.
    /// Source: Microsoft Learn, "Perform conditional operations using the Web API", section "Apply
    /// optimistic concurrency".
    pub async fn retry_on_conflict<R: Record>(
        &self,
        key: impl ToKey<Entity = R::Entity>,
        mut change: impl FnMut(&R) -> Result<Changes<R::Entity>>,
    ) -> Result<Row<R>> {
        let key = key.to_key();
        let mut rounds = 0;
        loop {
            let row = self.execute(&Retrieve::<R>::new(key.clone())).await?;
            let changes = change(&row)?;
            if changes.is_empty() {
                return Ok(row);
            }
            let etag = row.etag().cloned().ok_or_else(|| {
                Error::decode("the row came without a version: its table has none to compare")
            })?;
            rounds += 1;
            let update = Update::new(key.clone(), changes).if_match(etag);
            match self.execute(&update).await {
                Ok(()) => return Ok(row),
                Err(error) if is_conflict(&error) && rounds < self.inner.retry.max_attempts => {
                    let wait = self.inner.retry.delay(rounds, random_part());
                    self.inner.clock.sleep(wait).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Another row in the way is answered with 412, too.
fn is_conflict(error: &Error) -> bool {
    error.is_precondition_failed() && !error.is_duplicate() && !error.is_outcome_unknown()
}
