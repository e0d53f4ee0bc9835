//! Reading rows.

use http::StatusCode;
use http::header::ETAG;
use rusqlite::{OptionalExtension, Row, params_from_iter};

use crate::catalog::{Kind, Table};
use crate::cookie::Cookie;
use crate::fault::{Fault, Result};
use crate::filter::{Condition, Names, SqlColumn, filter};
use crate::message::{Answer, JSON};
use crate::row::{Annotator, Selection, write_row};
use crate::service::Call;
use crate::store::quoted;
use crate::url::split_outside;
use crate::value::{Stored, write_json, write_string};

/// Rows in a page, and the highest count that is told.
pub(crate) const MAX_PAGE: usize = 5000;

/// System query options; others that begin with `$` are refused.
const OPTIONS: &[&str] = &[
    "$select",
    "$filter",
    "$orderby",
    "$top",
    "$count",
    "$skiptoken",
];

/// Options of Dataverse that change nothing here.
const IGNORED: &[&str] = &["tag", "api-version"];

/// Refuses what would otherwise be passed over.
pub(crate) fn check_options(options: &[(String, String)], allowed: &[&str]) -> Result<()> {
    for (name, _) in options {
        let name = name.as_str();
        if allowed.contains(&name) || IGNORED.contains(&name) || name.starts_with('@') {
            continue;
        }
        return Err(match name {
            "$skip" => Fault::bad_request("Skip Clause is not supported in CRM"),
            _ if OPTIONS.contains(&name) => {
                Fault::bad_request(format!("The query option '{name}' is not allowed here."))
            }
            _ => Fault::not_supported(format!("the query option `{name}`")),
        });
    }
    Ok(())
}

/// `GET accounts`.
pub(crate) fn collection(call: &Call<'_>, table: &Table) -> Result<Answer> {
    let address = &call.address;
    check_options(&address.options, OPTIONS)?;
    let preferences = call.asked.preferences();
    let catalog = call.catalog;
    call.store.make(table)?;
    let selection = Selection::new(table, address.option("$select"))?;
    let mut names = Names::new(catalog, table);
    let condition = match address.option("$filter") {
        Some(text) => filter(text, &mut names)?,
        None => Condition::default(),
    };
    let order = order(
        address.option("$orderby").unwrap_or_default(),
        table,
        &mut names,
    )?;
    for joined in names.joined() {
        call.store.make(joined)?;
    }
    let cookie = address
        .option("$skiptoken")
        .map(Cookie::parse)
        .transpose()?;
    let limit = Limit::new(address.option("$top"), preferences.page_size)?;

    let mut sql = format!("SELECT {}", selection.sql());
    for term in &order {
        sql.push_str(&format!(", {}", term.column.sql));
    }
    sql.push_str(&format!(" FROM {}", names.from));
    let mut conditions = Vec::new();
    let mut values = condition.values;
    if !condition.sql.is_empty() {
        conditions.push(condition.sql.clone());
    }
    let counted = (conditions.clone(), values.clone());
    if let Some(cookie) = &cookie {
        conditions.push(behind(&order, cookie, &mut values)?);
    }
    if !conditions.is_empty() {
        sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    let terms: Vec<_> = order
        .iter()
        .map(|term| {
            format!(
                "{} {}",
                term.column.sql,
                if term.descending { "DESC" } else { "ASC" }
            )
        })
        .collect();
    sql.push_str(&format!(
        " ORDER BY {} LIMIT {}",
        terms.join(", "),
        limit.rows + 1
    ));

    let mut annotator = Annotator::new(catalog, call.store, &preferences);
    let mut out = String::with_capacity(64 * limit.rows.min(1000));
    let width = selection.width();
    let mut first: Vec<Stored> = Vec::new();
    let mut last: Vec<Stored> = Vec::new();
    let mut has_more = false;
    {
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut count = 0;
        let order_values = |row: &Row<'_>| -> Result<Vec<Stored>> {
            (0..order.len())
                .map(|index| Ok(Stored::of_ref(row.get_ref(width + index)?)))
                .collect()
        };
        while let Some(row) = rows.next()? {
            if count == limit.rows {
                has_more = true;
                break;
            }
            out.push_str(if count == 0 { "{" } else { ",{" });
            write_row(&selection, row, &mut annotator, &mut out)?;
            out.push('}');
            if count == 0 {
                first = order_values(row)?;
            }
            count += 1;
            if count == limit.rows {
                last = order_values(row)?;
            }
        }
    }
    let mut body = String::with_capacity(out.len() + 512);
    body.push_str("{\"@odata.context\":");
    write_string(
        &format!("{}$metadata#{}", call.root(), selection.context()),
        &mut body,
    );
    let total = match address.option("$count") {
        Some("true") => Some(count(call, &names.from, &counted.0, &counted.1)?),
        Some("false") | None => None,
        Some(other) => {
            return Err(Fault::bad_request(format!(
                "Invalid value '{other}' for $count."
            )));
        }
    };
    if let Some((total, _)) = total {
        body.push_str(&format!(",\"@odata.count\":{total}"));
    }
    if preferences.wants("Microsoft.Dynamics.CRM.totalrecordcount") {
        let (count, exceeded) = total.map_or((-1, false), |(count, more)| (count as i64, more));
        body.push_str(&format!(
            ",\"@Microsoft.Dynamics.CRM.totalrecordcount\":{count},\
             \"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded\":{exceeded}"
        ));
    }
    body.push_str(",\"value\":[");
    body.push_str(&out);
    body.push(']');
    if has_more && limit.has_next {
        let cookie = Cookie {
            page: cookie.map_or(2, |cookie| cookie.page + 1),
            last: order
                .iter()
                .zip(last)
                .map(|(term, value)| (term.column.logical_name.to_owned(), value))
                .collect(),
        };
        body.push_str(",\"@odata.nextLink\":");
        write_string(&call.next_link(&cookie.encode(&first)), &mut body);
    }
    body.push('}');
    let mut applied = Vec::new();
    if let Some(rows) = preferences.page_size {
        applied.push(format!("odata.maxpagesize={rows}"));
    }
    if let Some(terms) = &preferences.annotations {
        applied.push(format!("odata.include-annotations=\"{terms}\""));
    }
    Ok(Answer::json(StatusCode::OK, body).applied(&applied))
}

/// How many rows an answer holds.
struct Limit {
    rows: usize,
    /// A page is followed by others; what `$top` cuts is not.
    has_next: bool,
}

impl Limit {
    /// A page size makes the service forget `$top`.
    fn new(top: Option<&str>, page_size: Option<usize>) -> Result<Self> {
        let top = match top {
            Some(text) => Some(text.parse::<usize>().map_err(|_| {
                Fault::bad_request(format!(
                    "Invalid value '{text}' for $top query option found."
                ))
            })?),
            None => None,
        };
        Ok(match (page_size, top) {
            (Some(rows), _) => Limit {
                rows: rows.min(MAX_PAGE),
                has_next: true,
            },
            (None, Some(rows)) => Limit {
                rows: rows.min(MAX_PAGE),
                has_next: false,
            },
            (None, None) => Limit {
                rows: MAX_PAGE,
                has_next: true,
            },
        })
    }
}

/// A column that is sorted by.
struct Term<'c> {
    column: SqlColumn<'c>,
    descending: bool,
}

/// Reads `$orderby`; the primary key comes last, so that no two rows are equal.
fn order<'c>(text: &str, table: &'c Table, names: &mut Names<'c>) -> Result<Vec<Term<'c>>> {
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
        let column = names.column(path)?;
        if !terms.iter().any(|term| term.column.sql == column.sql) {
            terms.push(Term { column, descending });
        }
    }
    let id = names.column(&table.primary_id)?;
    // Behind a unique column nothing decides any more.
    match terms.iter().position(|term| term.column.sql == id.sql) {
        Some(place) => terms.truncate(place + 1),
        None => terms.push(Term {
            column: id,
            descending: false,
        }),
    }
    Ok(terms)
}

/// Rows behind the last one of the page before. Null is less than everything.
fn behind(order: &[Term<'_>], cookie: &Cookie, values: &mut Vec<Stored>) -> Result<String> {
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
    Ok(match alternatives.is_empty() {
        true => "0".to_owned(),
        false => format!("({})", alternatives.join(" OR ")),
    })
}

/// How many rows there are, up to 5,000, and whether there are more.
fn count(
    call: &Call<'_>,
    from: &str,
    conditions: &[String],
    values: &[Stored],
) -> Result<(usize, bool)> {
    let condition = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {from}{condition} LIMIT {})",
        MAX_PAGE + 1
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let found: i64 = statement.query_row(params_from_iter(values), |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or_default();
    Ok((found.min(MAX_PAGE), found > MAX_PAGE))
}

/// `GET accounts/$count`.
pub(crate) fn count_only(call: &Call<'_>, table: &Table) -> Result<Answer> {
    check_options(&call.address.options, &["$filter"])?;
    call.store.make(table)?;
    let mut names = Names::new(call.catalog, table);
    let condition = match call.address.option("$filter") {
        Some(text) => filter(text, &mut names)?,
        None => Condition::default(),
    };
    for joined in names.joined() {
        call.store.make(joined)?;
    }
    let conditions: Vec<String> = match condition.sql.is_empty() {
        true => Vec::new(),
        false => vec![condition.sql],
    };
    let (count, _) = count(call, &names.from, &conditions, &condition.values)?;
    // The service begins the digits with a byte order mark.
    Ok(Answer::new(StatusCode::OK).with_body("text/plain", format!("\u{feff}{count}")))
}

/// `GET accounts(…)`, and the representation of a row that was written.
pub(crate) fn single(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    status: StatusCode,
) -> Result<Answer> {
    let preferences = call.asked.preferences();
    let selection = Selection::new(table, call.address.option("$select"))?;
    call.store.make(table)?;
    let sql = format!(
        "SELECT {} FROM {} t WHERE t.{} = ?",
        selection.sql(),
        quoted(&table.logical_name),
        quoted(&table.primary_id)
    );
    let mut body = String::from("{\"@odata.context\":");
    let context = format!("{}$metadata#{}/$entity", call.root(), selection.context());
    write_string(&context, &mut body);
    body.push(',');
    let mut annotator = Annotator::new(call.catalog, call.store, &preferences);
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id])?;
    let row = rows
        .next()?
        .ok_or_else(|| Fault::missing_row(&table.logical_name, id))?;
    let version: i64 = row.get(0)?;
    write_row(&selection, row, &mut annotator, &mut body)?;
    body.push('}');
    let mut answer = Answer::json(status, body).with(ETAG, &format!("W/\"{version}\""));
    if let Some(terms) = &preferences.annotations {
        answer = answer.applied(&[format!("odata.include-annotations=\"{terms}\"")]);
    }
    Ok(answer)
}

/// `GET accounts(…)/name` and `GET accounts(…)/name/$value`.
pub(crate) fn property(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    wire_name: &str,
    is_raw: bool,
) -> Result<Answer> {
    check_options(&call.address.options, &[])?;
    let (place, column) = table
        .column(wire_name)
        .ok_or_else(|| Fault::unknown_segment(wire_name))?;
    if column.kind == Kind::Other {
        return Err(Fault::not_supported(format!(
            "the type of column `{wire_name}`"
        )));
    }
    let sql = format!(
        "SELECT {} FROM {} WHERE {} = ?",
        quoted(&table.columns[place].logical_name),
        quoted(&table.logical_name),
        quoted(&table.primary_id)
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let value = statement
        .query_row([id], |row| {
            let mut json = String::new();
            write_json(&column.kind, row.get_ref(0)?, &mut json);
            Ok(json)
        })
        .optional()?
        .ok_or_else(|| Fault::missing_row(&table.logical_name, id))?;
    if value == "null" {
        return Ok(Answer::no_content());
    }
    if is_raw {
        let raw = serde_json::from_str::<String>(&value).unwrap_or(value);
        return Ok(Answer::new(StatusCode::OK).with_body("text/plain", raw));
    }
    let mut body = String::from("{\"@odata.context\":");
    let context = format!(
        "{}$metadata#{}({id})/{wire_name}",
        call.root(),
        table.entity_set
    );
    write_string(&context, &mut body);
    body.push_str(&format!(",\"value\":{value}}}"));
    Ok(Answer::new(StatusCode::OK).with_body(JSON, body))
}
