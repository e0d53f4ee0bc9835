//! `BulkDelete`: a job that deletes what queries find. Here it is done when it is answered.

use http::StatusCode;
use serde_json::{Value, json};

use crate::fault::Result;
use crate::fetch;
use crate::message::Answer;
use crate::parameter::{missing, of_action};
use crate::service::Call;
use crate::value::Stored;
use crate::write::{Written, delete_row, insert};

/// `BulkDelete` among the types of jobs.
const BULK_DELETE: i64 = 13;
/// Codes of a job that ended well.
const COMPLETED: i64 = 3;
const SUCCEEDED: i64 = 30;

/// Answers the action.
pub(crate) fn answer(call: &Call<'_>) -> Result<Answer> {
    let parameters = of_action(call)?;
    let json = |name: &str| -> Option<Value> {
        let json = parameters.get(name)?;
        serde_json::from_str(json.get()).ok()
    };
    let Some(Value::Array(queries)) = json("QuerySet") else {
        return Err(missing("QuerySet"));
    };
    let name = json("JobName").and_then(|name| name.as_str().map(str::to_owned));
    let name = name.ok_or_else(|| missing("JobName"))?;
    let job = call.store.atomically(|| {
        for query in &queries {
            let (table, ids) = fetch::found(call, query)?;
            for id in ids {
                delete_row(call, table, &id)?;
            }
        }
        job(call, &name, BULK_DELETE)
    })?;
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse",
        call.root()
    );
    let body = json!({ "@odata.context": context, "JobId": job });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}

/// The row of a job of this type, which has ended; gives its id.
pub(crate) fn job(call: &Call<'_>, name: &str, kind: i64) -> Result<String> {
    let Some(table) = call.catalog.by_name("asyncoperation") else {
        return Ok(uuid::Uuid::new_v4().to_string());
    };
    let mut job = Written::default();
    for (column, value) in [
        ("name", Stored::Text(name.to_owned())),
        ("operationtype", Stored::Integer(kind)),
        ("statecode", Stored::Integer(COMPLETED)),
        ("statuscode", Stored::Integer(SUCCEEDED)),
    ] {
        if let Some((place, _)) = table.column_named(column) {
            job.set(place, value);
        }
    }
    insert(call, table, job)
}
