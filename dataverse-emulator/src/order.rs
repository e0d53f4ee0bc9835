//! `$orderby`, and where a page begins.

use crate::catalog::Table;
use crate::cookie::Cookie;
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::label::{self, Sorting};
use crate::names::{Names, SqlColumn};
use crate::url::split_outside;
use crate::value::Stored;

/// A column that is sorted by.
pub(crate) struct Term<'c> {
    pub(crate) column: SqlColumn<'c>,
    pub(crate) descending: bool,
}

/// Reads `$orderby`; the primary key comes last, so that no two rows are equal.
pub(crate) fn order<'c>(
    text: &str,
    table: &'c Table,
    names: &mut Names<'c>,
) -> Result<Vec<Term<'c>>> {
    let mut terms: Vec<Term<'c>> = Vec::new();
    for part in split_outside(text, ',') {
        let mut words = part.split_whitespace();
        let Some(path) = words.next() else {
            continue;
        };
        let descending = match (words.next(), words.next()) {
            (None | Some("asc"), None) => false,
            (Some("desc"), None) => true,
            _ => {
                return Err(Fault::bad_request(format!(
                    "Syntax error in '$orderby={text}'."
                )));
            }
        };
        let path = match path.starts_with('@') {
            true => names.parameter(path)?,
            false => path,
        };
        let column = names.column(path)?;
        let sorted = label::sorted(column.clone(), Sorting::Names, names.call)?;
        // A large table is walked by an index of its own column: see `Path`.
        if terms.is_empty() && sorted.sql == column.sql && !column.is_of_root() {
            names.index(&column)?;
        }
        add(&mut terms, sorted, descending);
    }
    let id = SqlColumn::new("t", table, table.primary_id_place())?;
    end_with(&mut terms, id);
    Ok(terms)
}

/// Adds a column, unless it is sorted by already.
pub(crate) fn add<'c>(terms: &mut Vec<Term<'c>>, column: SqlColumn<'c>, descending: bool) {
    if !terms.iter().any(|term| term.column.sql == column.sql) {
        terms.push(Term { column, descending });
    }
}

/// Sorts by a unique column last, the way of the column before it: an index of the two serves both
/// ways.
pub(crate) fn end_with<'c>(terms: &mut Vec<Term<'c>>, id: SqlColumn<'c>) {
    // Behind a unique column nothing decides any more.
    match terms.iter().position(|term| term.column.sql == id.sql) {
        Some(place) => terms.truncate(place + 1),
        None => {
            let descending = terms.last().is_some_and(|term| term.descending);
            terms.push(Term {
                column: id,
                descending,
            });
        }
    }
}

/// `a ASC, b DESC`.
pub(crate) fn order_sql(order: &[Term<'_>]) -> String {
    let terms: Vec<_> = order
        .iter()
        .map(|term| {
            let way = if term.descending { "DESC" } else { "ASC" };
            format!("{} {way}", term.column.sql)
        })
        .collect();
    terms.join(", ")
}

/// Rows behind the last one of the page before. Null is less than everything.
pub(crate) fn behind(order: &[Term<'_>], cookie: &Cookie) -> Result<Condition> {
    let fits = order.len() == cookie.last.len()
        && order
            .iter()
            .zip(&cookie.last)
            .all(|(term, (name, _))| term.column.logical_name == name);
    if !fits {
        return Err(Fault::bad_request(
            "The paging cookie does not belong to this query: a next link is used unchanged.",
        ));
    }
    let mut alternatives = Vec::new();
    let mut values = Vec::new();
    for (place, term) in order.iter().enumerate() {
        let mut parts = Vec::new();
        let mut part_values = Vec::new();
        for (earlier, (_, value)) in order.iter().zip(&cookie.last).take(place) {
            parts.push(format!("{} IS ?", earlier.column.sql));
            part_values.push(value.clone());
        }
        let sql = &term.column.sql;
        let value = &cookie.last[place].1;
        match (term.descending, value) {
            (false, Stored::Null) => parts.push(format!("{sql} IS NOT NULL")),
            (true, Stored::Null) => continue,
            (false, value) => {
                parts.push(format!("{sql} > ?"));
                part_values.push(value.clone());
            }
            (true, value) => {
                parts.push(format!("({sql} < ? OR {sql} IS NULL)"));
                part_values.push(value.clone());
            }
        }
        alternatives.push(format!("({})", parts.join(" AND ")));
        values.extend(part_values);
    }
    let mut sql = match alternatives.is_empty() {
        true => "0".to_owned(),
        false => format!("({})", alternatives.join(" OR ")),
    };
    // Says nothing new, and lets the database begin where the page does.
    if let (Some(term), Some((_, value))) = (order.first(), cookie.last.first())
        && !term.descending
        && *value != Stored::Null
        && order.len() > 1
    {
        sql = format!("{} >= ? AND {sql}", term.column.sql);
        values.insert(0, value.clone());
    }
    Ok(Condition { sql, values })
}
