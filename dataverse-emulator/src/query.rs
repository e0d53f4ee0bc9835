//! Reading rows.

use http::StatusCode;
use http::header::ETAG;
use rusqlite::{OptionalExtension, Row, params_from_iter};

use crate::apply;
use crate::catalog::{Kind, Table};
use crate::cookie::Cookie;
use crate::expand::Expands;
use crate::fault::{Fault, Result};
use crate::fetch;
use crate::filter::{Condition, bounded};
use crate::message::{Answer, JSON, Preferences};
use crate::names::Names;
use crate::order::{Term, behind, order, order_sql};
use crate::path::{Bounds, Path};
use crate::relation::Relation;
use crate::row::{Annotator, Selection, write_row};
use crate::security::Right;
use crate::service::Call;
use crate::store::quoted;
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
    "$expand",
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

/// The rows that are asked for: all of a table, or those behind a navigation property of a row.
#[derive(Clone)]
pub(crate) struct Rows<'c> {
    pub(crate) table: &'c Table,
    pub(crate) of: Option<(Relation<'c>, String)>,
}

/// Which rows they are, as SQL.
pub(crate) struct Found<'c> {
    pub(crate) names: Names<'c>,
    pub(crate) condition: Condition,
    /// What of the condition an index can answer; nothing for rows behind a lookup, whose index is
    /// the one to use.
    bounds: Bounds,
}

impl Found<'_> {
    /// Leaves those that `text`, another `$filter`, leaves as well.
    pub(crate) fn filter(&mut self, text: &str) -> Result<()> {
        let (condition, bounds) = bounded(text, &mut self.names)?;
        self.condition.and(condition);
        self.bounds.extend(bounds);
        Ok(())
    }

    /// The way to the first rows in an order, or to all of them.
    pub(crate) fn path(
        &self,
        call: &Call<'_>,
        rows: &Rows<'_>,
        order: Option<(&Term<'_>, usize)>,
    ) -> Result<Path> {
        match rows.of {
            Some(_) => Ok(Path::default()),
            None => Path::choose(call.store, rows.table, &self.bounds, order),
        }
    }
}

impl<'c> Rows<'c> {
    /// All rows of a table.
    pub(crate) fn all(table: &'c Table) -> Self {
        Rows { table, of: None }
    }

    /// Those that `$filter` leaves.
    pub(crate) fn filtered(&self, call: &'c Call<'_>) -> Result<Found<'c>> {
        call.require(self.table, Right::Read)?;
        call.store.make(self.table)?;
        let mut found = Found {
            names: Names::new(call, self.table, Some(&call.address.options)),
            condition: Condition::default(),
            bounds: Bounds::default(),
        };
        if let Some((relation, id)) = &self.of {
            found.condition.and(Condition {
                sql: relation.condition("t", "?"),
                values: vec![Stored::Text(id.clone())],
            });
        }
        if let Some(text) = call.address.option("$filter") {
            found.filter(text)?;
        }
        Ok(found)
    }
}

/// `GET accounts`, `GET accounts(…)/Account_Tasks`.
pub(crate) fn collection(call: &Call<'_>, rows: &Rows<'_>) -> Result<Answer> {
    let (address, table) = (&call.address, rows.table);
    if let Some((name, xml)) = address.option_of("fetchXml") {
        check_options(&address.options, &[name, "$count"])?;
        return fetch::inline(call, rows, xml);
    }
    if let Some(sql) = address.option("sql") {
        check_options(&address.options, &["sql", "$count", "$skiptoken"])?;
        return fetch::statement(call, rows, sql);
    }
    if let Some(text) = address.option("$apply") {
        return apply::answer(call, rows, text);
    }
    for (parameter, views) in [("savedQuery", "savedquery"), ("userQuery", "userquery")] {
        if let Some((name, id)) = address.option_of(parameter) {
            check_options(&address.options, &[name, "$count", "$skiptoken"])?;
            return fetch::saved(call, rows, views, id);
        }
    }
    check_options(&address.options, OPTIONS)?;
    let preferences = call.asked.preferences();
    let mut selection = Selection::new(table, address.option("$select"))?;
    let expands = Expands::parse(call, table, address.option("$expand"))?;
    expands.extend(&mut selection);
    let mut found = rows.filtered(call)?;
    let order = order(
        address.option("$orderby").unwrap_or_default(),
        table,
        &mut found.names,
    )?;
    let cookie = address
        .option("$skiptoken")
        .map(Cookie::parse)
        .transpose()?;
    let limit = Limit::new(address.option("$top"), preferences.page_size)?;
    let mut page = found.condition.clone();
    if let Some(cookie) = &cookie {
        page.and(behind(&order, cookie)?);
    }
    let first = order.first().map(|term| (term, limit.rows + 1));
    let path = found.path(call, rows, first)?;
    page.and(path.condition.clone());

    let mut sql = format!("SELECT {}", selection.sql());
    for term in &order {
        sql.push_str(&format!(", {}", term.column.sql));
    }
    sql.push_str(&format!(
        " FROM {}{} ORDER BY {} LIMIT {}",
        path.from(table, found.names.from()),
        page.clause(),
        order_sql(&order),
        limit.rows + 1
    ));

    let mut annotator = Annotator::new(call.catalog, call.store, &preferences);
    let mut out = String::with_capacity(64 * limit.rows.min(1000));
    let width = selection.width();
    let mut first: Vec<Stored> = Vec::new();
    let mut last: Vec<Stored> = Vec::new();
    let mut has_more = false;
    {
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&page.values))?;
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
            if !expands.is_empty() {
                let id: String = row.get(selection.id_index())?;
                expands.write(call, &id, &mut annotator, &mut out)?;
            }
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
    write_string(&context(call, &selection, &expands), &mut body);
    let total = match address.option("$count") {
        Some("true") => Some(count(call, rows, &found)?),
        Some("false") | None => None,
        Some(other) => return Err(Fault::invalid_count(other)),
    };
    write_total(call, total, &preferences, &mut body);
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

/// `…$metadata#accounts(name,primarycontactid(fullname))`.
fn context(call: &Call<'_>, selection: &Selection<'_>, expands: &Expands<'_>) -> String {
    let mut named = selection.named();
    expands.context(&mut named);
    format!("{}$metadata#{}", call.root(), selection.context_of(&named))
}

/// Appends the count, if it was asked for, and its annotations.
pub(crate) fn write_total(
    call: &Call<'_>,
    total: Option<(usize, bool)>,
    preferences: &Preferences,
    body: &mut String,
) {
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
    if preferences.wants("Microsoft.Dynamics.CRM.globalmetadataversion") {
        // A number that is another one when tables or columns come.
        let tables = call.catalog.tables();
        let version: usize = tables.map(|table| 1 + table.columns.len()).sum();
        body.push_str(&format!(
            ",\"@Microsoft.Dynamics.CRM.globalmetadataversion\":\"{version}\""
        ));
    }
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
            Some(text) => Some(parse_top(text)?),
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

pub(crate) fn parse_top(text: &str) -> Result<usize> {
    text.trim().parse().map_err(|_| {
        Fault::bad_request(format!(
            "Invalid value '{text}' for $top query option found."
        ))
    })
}

/// How many rows there are, up to 5,000, and whether there are more.
fn count(call: &Call<'_>, rows: &Rows<'_>, found: &Found<'_>) -> Result<(usize, bool)> {
    let path = found.path(call, rows, None)?;
    let from = path.from(rows.table, found.names.from());
    let mut condition = found.condition.clone();
    condition.and(path.condition);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {from}{} LIMIT {})",
        condition.clause(),
        MAX_PAGE + 1
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let found: i64 = statement.query_row(params_from_iter(&condition.values), |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or_default();
    Ok((found.min(MAX_PAGE), found > MAX_PAGE))
}

/// `GET accounts/$count`, `GET accounts(…)/Account_Tasks/$count`.
pub(crate) fn count_only(call: &Call<'_>, rows: &Rows<'_>) -> Result<Answer> {
    check_options(&call.address.options, &["$filter"])?;
    let found = rows.filtered(call)?;
    let (count, _) = count(call, rows, &found)?;
    // The service begins the digits with a byte order mark.
    Ok(Answer::new(StatusCode::OK).with_body("text/plain", format!("\u{feff}{count}")))
}

/// `GET accounts(…)/Account_Tasks/$ref`: the addresses of rows alone.
pub(crate) fn references(call: &Call<'_>, rows: &Rows<'_>) -> Result<Answer> {
    check_options(&call.address.options, &["$filter", "$top"])?;
    let Found {
        names, condition, ..
    } = rows.filtered(call)?;
    let limit = Limit::new(call.address.option("$top"), None)?;
    let id = quoted(&rows.table.primary_id);
    let sql = format!(
        "SELECT t.{id} FROM {}{} ORDER BY t.{id} LIMIT {}",
        names.from(),
        condition.clause(),
        limit.rows
    );
    let mut body = String::from("{\"@odata.context\":");
    write_string(
        &format!("{}$metadata#Collection($ref)", call.root()),
        &mut body,
    );
    body.push_str(",\"value\":[");
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&condition.values))?;
    let mut separator = "";
    while let Some(row) = found.next()? {
        let id: String = row.get(0)?;
        body.push_str(separator);
        separator = ",";
        body.push_str("{\"@odata.id\":");
        write_string(&call.address_of(&rows.table.logical_name, &id), &mut body);
        body.push('}');
    }
    body.push_str("]}");
    Ok(Answer::json(StatusCode::OK, body))
}

/// Refuses a representation that cannot be given, before anything is written.
pub(crate) fn check_single(call: &Call<'_>, table: &Table, expand: Option<&str>) -> Result<()> {
    Selection::new(table, call.address.option("$select"))?;
    Expands::parse(call, table, expand).map(drop)
}

/// `GET accounts(…)`, and the representation of a row that was written.
pub(crate) fn single(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    status: StatusCode,
    expand: Option<&str>,
) -> Result<Answer> {
    call.check(table, id, Right::Read)?;
    let preferences = call.asked.preferences();
    let mut selection = Selection::new(table, call.address.option("$select"))?;
    let expands = Expands::parse(call, table, expand)?;
    expands.extend(&mut selection);
    call.store.make(table)?;
    let sql = selection.sql_of_one();
    let mut body = String::from("{\"@odata.context\":");
    let context = format!("{}/$entity", context(call, &selection, &expands));
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
    expands.write(call, id, &mut annotator, &mut body)?;
    body.push('}');
    let mut answer = Answer::json(status, body).with(ETAG, &format!("W/\"{version}\""));
    if let Some(terms) = &preferences.annotations {
        answer = answer.applied(&[format!("odata.include-annotations=\"{terms}\"")]);
    }
    Ok(answer)
}

/// Rows that a function found, by their ids, as a collection with all columns.
pub(crate) fn rows<'i>(
    call: &Call<'_>,
    table: &Table,
    ids: impl Iterator<Item = &'i str>,
) -> Result<Answer> {
    let preferences = call.asked.preferences();
    let selection = Selection::new(table, None)?;
    call.store.make(table)?;
    let sql = selection.sql_of_one();
    let mut annotator = Annotator::new(call.catalog, call.store, &preferences);
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let mut body = String::from("{\"@odata.context\":");
    let context = format!("{}$metadata#{}", call.root(), table.entity_set);
    write_string(&context, &mut body);
    body.push_str(",\"value\":[");
    let mut separator = "{";
    for id in ids {
        let mut rows = statement.query([id])?;
        if let Some(row) = rows.next()? {
            body.push_str(separator);
            write_row(&selection, row, &mut annotator, &mut body)?;
            body.push('}');
            separator = ",{";
        }
    }
    body.push_str("]}");
    Ok(Answer::json(StatusCode::OK, body))
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
        quoted(table.stored(&table.columns[place])),
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
