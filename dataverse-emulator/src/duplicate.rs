//! Duplicate detection: rules that say which rows are the same.

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bulk_delete::job;
use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::fetch;
use crate::message::Answer;
use crate::parameter::{existing, missing, of_action, structured, text};
use crate::query;
use crate::reference;
use crate::security::Right;
use crate::service::Call;
use crate::store::{base, quoted};
use crate::url::Segment;
use crate::value::Stored;
use crate::write::{Members, Written, insert, read, told_type};

/// The header that switches detection on; its sense is inverted.
const SUPPRESS: &str = "mscrm.suppressduplicatedetection";

/// `BulkDetectDuplicates` among the types of jobs.
const BULK_DETECTION: i64 = 8;

/// Refuses a row whose values a rule finds in another one, if the request asks for that.
pub(crate) fn check(call: &Call<'_>, table: &Table, id: &str, written: &Written) -> Result<()> {
    let told = call.asked.header(SUPPRESS).unwrap_or_default();
    if !told.trim().eq_ignore_ascii_case("false") {
        return Ok(());
    }
    if found(call, table, id, written, true)?.is_empty() {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::PRECONDITION_FAILED,
        "0x80040333",
        "A record was not created or updated because a duplicate of the current record already \
         exists.",
    ))
}

/// Ids of other rows in which rules find the values of a row, with what is written into it. Only
/// rules that a change touches count, if it is one.
fn found(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    written: &Written,
    is_change: bool,
) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for rule in &table.duplicate_rules {
        if is_change && rule.iter().all(|place| written.value(*place).is_none()) {
            continue;
        }
        let old = call.store.values(table, id, rule)?;
        let old = old.unwrap_or_else(|| vec![Stored::Null; rule.len()]);
        let values: Vec<Stored> = rule
            .iter()
            .zip(old)
            .map(|(place, old)| written.value(*place).cloned().unwrap_or(old))
            .collect();
        // Blank values are not alike.
        if values.contains(&Stored::Null) {
            continue;
        }
        let columns = rule.iter().map(|place| &table.columns[*place].logical_name);
        let equal: Vec<_> = columns
            .map(|name| format!("{} = ?", quoted(name)))
            .collect();
        let primary_id = quoted(&table.primary_id);
        let sql = format!(
            "SELECT {primary_id} FROM {} WHERE {} AND {primary_id} <> ?",
            base(&table.logical_name),
            equal.join(" AND ")
        );
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let own = Stored::Text(id.to_owned());
        let values = rusqlite::params_from_iter(values.iter().chain([&own]));
        let rows = statement.query_map(values, |row| row.get(0))?;
        for row in rows {
            ids.insert(row?);
        }
    }
    Ok(ids)
}

/// Which of the rows that were found are told.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Paging {
    #[serde(default)]
    page_number: usize,
    #[serde(default)]
    count: usize,
}

/// `RetrieveDuplicates`: the rows that are the same as one that exists, or as one that could be made.
pub(crate) fn retrieve(call: &Call<'_>, segment: &Segment) -> Result<Answer> {
    let row: Members = structured(call, segment, "BusinessEntity")?;
    let matching = text(call, segment, "MatchingEntityName")?;
    let matching = call
        .catalog
        .by_name(&matching)
        .ok_or_else(|| Fault::unknown_entity(&matching))?;
    let paging: Option<Paging> = match segment.arguments.as_deref() {
        Some(told) if told.contains("PagingInfo") => Some(structured(call, segment, "PagingInfo")?),
        _ => None,
    };
    call.require(matching, Right::Read)?;
    let (table, id, written) = subject(call, &row)?;
    let mut ids = BTreeSet::new();
    // A rule compares rows of one table.
    if table.logical_name == matching.logical_name {
        for id in found(call, table, &id, &written, false)? {
            if call.check(table, &id, Right::Read).is_ok() {
                ids.insert(id);
            }
        }
    }
    let (skipped, count) = match paging {
        Some(Paging { page_number, count }) if count > 0 => {
            (page_number.saturating_sub(1).saturating_mul(count), count)
        }
        _ => (0, query::MAX_PAGE),
    };
    let told = ids.iter().skip(skipped).take(count.min(query::MAX_PAGE));
    query::rows(call, matching, told.map(String::as_str))
}

/// The row whose duplicates are asked for: its table, its id if it has one, and what it is given.
fn subject<'c>(call: &Call<'c>, row: &Members) -> Result<(&'c Table, String, Written)> {
    if let Some(json) = row.get("@odata.id") {
        let url: String =
            serde_json::from_str(json.get()).map_err(|_| missing("BusinessEntity"))?;
        let (table, id) = reference::existing(call, &url)?;
        return Ok((table, id, Written::default()));
    }
    let told = told_type(row).unwrap_or_default();
    let name = told.rsplit('.').next().unwrap_or_default();
    let table = call
        .catalog
        .by_name(name)
        .ok_or_else(|| missing("BusinessEntity"))?;
    let id = match row.contains_key(&table.primary_id) {
        true => existing(call, row)?.1,
        false => String::new(),
    };
    Ok((table, id, read(call, table, row)?))
}

/// `BulkDetectDuplicates`: a job that keeps the pairs of rows that are the same. Here it is done
/// when it is answered.
pub(crate) fn detect(call: &Call<'_>) -> Result<Answer> {
    let parameters = of_action(call)?;
    let json = |name: &str| -> Option<Value> {
        let json = parameters.get(name)?;
        serde_json::from_str(json.get()).ok()
    };
    let query = json("Query").ok_or_else(|| missing("Query"))?;
    let name = json("JobName").and_then(|name| name.as_str().map(str::to_owned));
    let name = name.ok_or_else(|| missing("JobName"))?;
    let job = call.store.atomically(|| {
        let (table, ids) = fetch::found(call, &query)?;
        let job = job(call, &name, BULK_DETECTION)?;
        for id in &ids {
            for other in found(call, table, id, &Written::default(), false)? {
                keep_pair(call, table, &job, id, &other)?;
            }
        }
        Ok(job)
    })?;
    let context = "$metadata#Microsoft.Dynamics.CRM.BulkDetectDuplicatesResponse";
    let body = json!({ "@odata.context": format!("{}{context}", call.root()), "JobId": job });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}

/// Keeps two rows that are the same as a row of `duplicaterecord`, if there is that table.
fn keep_pair(call: &Call<'_>, table: &Table, job: &str, id: &str, other: &str) -> Result<()> {
    let Some(pairs) = call.catalog.by_name("duplicaterecord") else {
        return Ok(());
    };
    let name = table.logical_name.as_str();
    let mut pair = Written::default();
    for (column, target, id) in [
        ("asyncoperationid", "asyncoperation", job),
        ("baserecordid", name, id),
        ("duplicaterecordid", name, other),
    ] {
        if let Some((place, _)) = pairs.column_named(column) {
            pair.point(pairs, place, Some((target, id)));
        }
    }
    insert(call, pairs, pair).map(drop)
}
