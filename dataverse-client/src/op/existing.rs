//! Which rows exist.

use std::collections::HashSet;

use uuid::Uuid;

use super::bulk::primary_id;
use super::{Operation, Replay, Scope};
use crate::error::Result;
use crate::odata::page::read_any_rows;
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::schema::TableName;

/// Asks which of these rows exist.
///
/// Shape: `GET accounts?$select=accountid&$filter=Microsoft.Dynamics.CRM.In(…)`.
pub(crate) struct ExistingRows {
    pub(crate) table: TableName,
    /// At most [`MAX_ASKED`](ExistingRows::MAX_ASKED).
    pub(crate) ids: Vec<Uuid>,
}

impl ExistingRows {
    /// Ids in one question: the URL stays below the 32,768 characters that the service takes.
    pub(crate) const MAX_ASKED: usize = 500;
}

impl Operation for ExistingRows {
    type Output = HashSet<Uuid>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let column = primary_id(&self.table)?;
        let ids: Vec<_> = self.ids.iter().map(|id| format!("'{id}'")).collect();
        let mut query = Query::of(self.table.entity_set());
        query.option("$select", column);
        let ids = ids.join(",");
        let condition =
            format!("Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{ids}])");
        query.option("$filter", &condition);
        Ok(Request::get(query.into_string()))
    }

    fn decode(&self, response: &Response) -> Result<HashSet<Uuid>> {
        let column = primary_id(&self.table)?;
        let (rows, _) = read_any_rows(&response.success()?.body, None)?;
        let mut ids = HashSet::with_capacity(rows.len());
        for row in rows {
            ids.extend(row.get::<Uuid>(column)?);
        }
        Ok(ids)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_may_be_asked_again() {
        let question = ExistingRows {
            table: TableName::new("accounts"),
            ids: vec![Uuid::nil()],
        };
        assert_eq!(question.replay(), Replay::Safe);
    }
}
