//! Duplicate detection: rules that say which rows are the same.

use http::StatusCode;

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::service::Call;
use crate::store::{base, quoted};
use crate::value::Stored;
use crate::write::Written;

/// The header that switches detection on; its sense is inverted.
const SUPPRESS: &str = "mscrm.suppressduplicatedetection";

/// Refuses a row whose values a rule finds in another one, if the request asks for that.
pub(crate) fn check(call: &Call<'_>, table: &Table, id: &str, written: &Written) -> Result<()> {
    let told = call.asked.header(SUPPRESS).unwrap_or_default();
    if !told.trim().eq_ignore_ascii_case("false") {
        return Ok(());
    }
    for rule in &table.duplicate_rules {
        if rule.iter().all(|place| written.value(*place).is_none()) {
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
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {} AND {primary_id} <> ?)",
            base(&table.logical_name),
            equal.join(" AND ")
        );
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let own = Stored::Text(id.to_owned());
        let values = rusqlite::params_from_iter(values.iter().chain([&own]));
        if statement.query_row(values, |row| row.get(0))? {
            return Err(Fault::new(
                StatusCode::PRECONDITION_FAILED,
                "0x80040333",
                "A record was not created or updated because a duplicate of the current record \
                 already exists.",
            ));
        }
    }
    Ok(())
}
