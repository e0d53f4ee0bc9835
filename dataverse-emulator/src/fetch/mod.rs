//! FetchXML: `GET accounts?fetchXml=…`; and SQL, which is read as such a query.

mod aggregate;
mod cookie;
mod expression;
mod query;
mod select;
mod sql;
mod xml;

pub(crate) use self::expression::found;

use http::StatusCode;
use rusqlite::{Row, params_from_iter};

use self::query::Fetch;
use self::sql::{Tables, column};
use crate::aggregate::check_rows;
use crate::catalog::{CURRENCY, Table};
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::label;
use crate::message::Answer;
use crate::names::SqlColumn;
use crate::order::{self, Term, behind, order_sql};
use crate::output::{self, Output};
use crate::path::Path;
use crate::query::{self as rows, MAX_PAGE, Rows};
use crate::row::Annotator;
use crate::service::Call;
use crate::store::{VERSION, collation, quoted};
use crate::value::{Stored, guid, write_string};

const PAGING_COOKIE: &str = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie";
const MORE_RECORDS: &str = "Microsoft.Dynamics.CRM.morerecords";

/// What a document comes to.
struct Plan<'c> {
    outputs: Vec<Output<'c>>,
    /// Rows come with their version and key.
    has_key: bool,
    groups: Vec<String>,
    /// What is sorted by, in SQL.
    order_sql: String,
    /// What a cookie is made of; None if the query can only be paged by numbers.
    order: Option<Vec<Term<'c>>>,
    /// As they stand in the context; None for all.
    named: Option<Vec<String>>,
}

/// `fetchXml=…`: the rows that a document asks for, of those of `of`.
pub(crate) fn inline(call: &Call<'_>, of: &Rows<'_>, xml: &str) -> Result<Answer> {
    answer(call, of, Fetch::parse(xml)?, false)
}

/// `savedQuery=…` and `userQuery=…`: the rows that the document of a view asks for. Its pages are
/// those of the preference, and followed by links.
pub(crate) fn saved(call: &Call<'_>, of: &Rows<'_>, views: &str, id: &str) -> Result<Answer> {
    let table = call
        .catalog
        .by_name(views)
        .ok_or_else(|| Fault::not_supported(format!("views without the table `{views}`")))?;
    let (place, _) = table
        .column_named("fetchxml")
        .ok_or_else(|| Fault::unknown_attribute(views, "fetchxml"))?;
    let id = guid(id.trim_matches('\'')).ok_or_else(|| {
        Fault::bad_request(format!("'{id}' is not the id of a row of '{views}'."))
    })?;
    let values = call.store.values(table, &id, &[place])?;
    let xml = match values.as_deref() {
        Some([Stored::Text(xml)]) => xml,
        Some(_) => return Err(xml::malformed(&"the view holds no fetchxml")),
        None => return Err(Fault::missing_row(views, &id)),
    };
    let mut fetch = Fetch::parse(xml)?;
    if fetch.top.is_none() {
        let size = call.asked.preferences().page_size;
        fetch.count = size.map(|size| size.min(MAX_PAGE)).or(fetch.count);
    }
    (fetch.page, fetch.cookie) = match call.address.option("$skiptoken") {
        Some(token) => cookie::read_token(token)?,
        None => (1, None),
    };
    answer(call, of, fetch, true)
}

/// `sql=…`: the rows that a statement asks for. Its pages are those of the preference, and followed
/// by links.
pub(crate) fn statement(call: &Call<'_>, of: &Rows<'_>, sql: &str) -> Result<Answer> {
    let mut fetch = select::parse(call, sql)?;
    if let Some(token) = call.address.option("$skiptoken") {
        (fetch.page, fetch.cookie) = cookie::read_token(token)?;
    }
    answer(call, of, fetch, true)
}

fn answer(call: &Call<'_>, of: &Rows<'_>, fetch: Fetch, has_link: bool) -> Result<Answer> {
    let table = of.table;
    if fetch.entity.name != table.logical_name {
        if call.catalog.by_name(&fetch.entity.name).is_none() {
            return Err(Fault::unknown_entity(&fetch.entity.name));
        }
        return Err(Fault::bad_request(format!(
            "The entity name '{}' of the FetchXML does not match the entity set '{}'.",
            fetch.entity.name, table.entity_set
        )));
    }
    let preferences = call.asked.preferences();
    let tables = Tables::new(call, table, &fetch.entity)?;
    let plan = Plan::new(&fetch, &tables)?;
    let mut condition = tables.condition.clone();
    if let Some((relation, id)) = &of.of {
        condition.and(Condition {
            sql: relation.condition("t", "?"),
            values: vec![Stored::Text(id.clone())],
        });
    }
    if fetch.is_retained {
        // No policy has moved rows out of the tables.
        condition.and(Condition {
            sql: "0".to_owned(),
            values: Vec::new(),
        });
    }
    let total = match call.address.option("$count") {
        Some("true") => true,
        Some("false") | None => fetch.wants_total,
        Some(other) => return Err(Fault::invalid_count(other)),
    };

    let mut offset = 0;
    let size = fetch.top.or(fetch.count).unwrap_or(MAX_PAGE);
    let first = plan.order.iter().flatten().next();
    let pages = if fetch.cookie.is_some() {
        1
    } else {
        fetch.page
    };
    let first = first.map(|term| (term, pages.saturating_mul(size).saturating_add(1)));
    let path = match of.of {
        // Its own index is the one to use.
        Some(_) => Path::default(),
        None => Path::choose(call.store, table, &tables.bounds()?, first)?,
    };
    let path = path.unless_others_lead(tables.others_lead());
    condition.and(path.condition.clone());
    let mut page = condition.clone();
    match (&fetch.cookie, &plan.order) {
        (Some(text), Some(order)) if fetch.page > 1 => {
            page.and(behind(order, &cookie::parse(text, fetch.page, order)?)?);
        }
        _ => {
            offset = (fetch.page - 1)
                .saturating_mul(size)
                .saturating_add(fetch.skip)
        }
    }
    let group = match plan.groups.is_empty() {
        true => String::new(),
        false => format!(" GROUP BY {}", plan.groups.join(", ")),
    };
    let from = path.from(table, &tables.from.sql);
    let found = format!("{from}{}", condition.clause());
    let found_values = [tables.from.values.clone(), condition.values.clone()].concat();
    if fetch.is_aggregate {
        check_rows(call, &found, &found_values, fetch.aggregate_limit)?;
    }
    let distinct = if fetch.is_distinct && !fetch.is_aggregate {
        "DISTINCT "
    } else {
        ""
    };
    let mut list = output::list_sql(&plan.outputs);
    let width = output::width(&plan.outputs);
    if plan.has_key {
        list.push_str(&format!(", t.{}", quoted(VERSION)));
    }
    for term in plan.order.iter().flatten() {
        list.push_str(&format!(", {}", term.column.sql));
    }
    let sql = format!(
        "SELECT {distinct}{list} FROM {from}{}{group}{} LIMIT {} OFFSET {offset}",
        page.clause(),
        plan.order_sql,
        size + 1
    );
    let values = [tables.from.values.clone(), page.values].concat();

    let mut annotator = Annotator::new(call.catalog, call.store, &preferences);
    let mut out = String::new();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let mut has_more = false;
    {
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut count = 0;
        let order_values = |row: &Row<'_>| -> Result<Vec<Stored>> {
            let begin = width + usize::from(plan.has_key);
            (0..plan.order.iter().flatten().count())
                .map(|at| Ok(Stored::of_ref(row.get_ref(begin + at)?)))
                .collect()
        };
        while let Some(row) = rows.next()? {
            if count == size {
                has_more = fetch.top.is_none();
                break;
            }
            out.push_str(if count == 0 { "{" } else { ",{" });
            let mut separator = "";
            if plan.has_key {
                let version: i64 = row.get(width)?;
                out.push_str(&format!("\"@odata.etag\":\"W/\\\"{version}\\\"\""));
                separator = ",";
            }
            output::write(
                &plan.outputs,
                row,
                &preferences,
                &mut annotator,
                separator,
                &mut out,
            )?;
            out.push('}');
            if count == 0 {
                first = order_values(row)?;
            }
            count += 1;
            if count == size {
                last = order_values(row)?;
            }
        }
    }

    let mut body = String::from("{\"@odata.context\":");
    let mut context = format!("{}$metadata#{}", call.root(), table.entity_set);
    if let Some(named) = &plan.named {
        context.push_str(&format!("({})", named.join(",")));
    }
    write_string(&context, &mut body);
    let total = match total {
        true => Some(count(call, &plan, &fetch, &found, &group, &found_values)?),
        false => None,
    };
    rows::write_total(call, total, &preferences, &mut body);
    if has_more {
        if let Some(order) = &plan.order
            && preferences.wants(PAGING_COOKIE)
        {
            body.push_str(&format!(",\"@{PAGING_COOKIE}\":"));
            write_string(
                &cookie::annotation(fetch.page, order, &first, &last),
                &mut body,
            );
        }
        if preferences.wants(MORE_RECORDS) {
            body.push_str(&format!(",\"@{MORE_RECORDS}\":true"));
        }
    }
    body.push_str(",\"value\":[");
    body.push_str(&out);
    body.push(']');
    if has_more && has_link {
        let token = cookie::token(fetch.page, plan.order.as_deref(), &first, &last);
        body.push_str(",\"@odata.nextLink\":");
        write_string(&call.next_link(&token), &mut body);
    }
    body.push('}');
    let mut applied = Vec::new();
    if let Some(rows) = preferences.page_size.filter(|_| has_link) {
        applied.push(format!("odata.maxpagesize={rows}"));
    }
    if let Some(terms) = &preferences.annotations {
        applied.push(format!("odata.include-annotations=\"{terms}\""));
    }
    Ok(Answer::json(StatusCode::OK, body).applied(&applied))
}

/// How many rows there are on all pages, up to 5,000.
fn count(
    call: &Call<'_>,
    plan: &Plan<'_>,
    fetch: &Fetch,
    found: &str,
    group: &str,
    values: &[Stored],
) -> Result<(usize, bool)> {
    let distinct = if fetch.is_distinct { "DISTINCT " } else { "" };
    // Names of columns repeat in a list of several tables.
    let list: Vec<_> = plan
        .outputs
        .iter()
        .enumerate()
        .map(|(at, output)| format!("{} AS c{at}", output.sql))
        .collect();
    let sql = format!(
        "SELECT count(*) FROM (SELECT {distinct}{} FROM {found}{group} LIMIT {})",
        list.join(", "),
        MAX_PAGE + 1
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let found: i64 = statement.query_row(params_from_iter(values), |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or_default();
    Ok((found.min(MAX_PAGE), found > MAX_PAGE))
}

impl<'c> Plan<'c> {
    fn new(fetch: &Fetch, tables: &Tables<'c, '_>) -> Result<Self> {
        if fetch.is_aggregate {
            return Plan::aggregate(fetch, tables);
        }
        let (mut outputs, mut named) = columns(tables)?;
        let has_key = !fetch.is_distinct;
        if has_key {
            let table = tables.sources[0].table;
            let id = SqlColumn::new("t", table, table.primary_id_place())?;
            if !outputs.iter().any(|output| output.name == table.primary_id) {
                outputs.push(Output::column(table.primary_id.clone(), &id));
                named
                    .iter_mut()
                    .for_each(|named| named.push(table.primary_id.clone()));
            }
        }
        // The context names a lookup that came with an amount once more.
        if let Some(named) = &mut named
            && named.iter().any(|name| name == CURRENCY)
        {
            named.push(format!("{CURRENCY}()"));
        }
        let mut terms: Vec<Term<'c>> = Vec::new();
        let mut is_of_root = true;
        for (at, source) in tables.sources.iter().enumerate() {
            for asked in &source.entity.orders {
                let at = match &asked.entity {
                    Some(name) => tables.find(Some(name))?,
                    None => at,
                };
                let name = asked.attribute.as_deref().or(asked.alias.as_deref());
                let name =
                    name.ok_or_else(|| Fault::invalid_argument("An order needs an attribute."))?;
                is_of_root &= at == 0;
                let column = tables.column(at, name)?;
                let column = label::sorted(column, fetch.sorting, tables.call)?;
                order::add(&mut terms, column, asked.descending);
            }
        }
        let mut order = None;
        if has_key {
            let table = tables.sources[0].table;
            let id = SqlColumn::new("t", table, table.primary_id_place())?;
            order::end_with(&mut terms, id);
        }
        let mut sql = order_sql(&terms);
        if has_key && is_of_root && !tables.repeats_rows {
            order = Some(terms);
        } else {
            // Rows that repeat are told apart by the rows they are joined with.
            for source in tables.sources.iter().skip(1).filter(|_| has_key) {
                let table = source.table;
                sql.push_str(&format!(", {}.{}", source.alias, quoted(&table.primary_id)));
            }
        }
        Ok(Plan {
            outputs,
            has_key,
            groups: Vec::new(),
            order_sql: clause(&sql),
            order,
            named,
        })
    }

    fn aggregate(fetch: &Fetch, tables: &Tables<'c, '_>) -> Result<Self> {
        let (outputs, groups) = aggregate::outputs(tables)?;
        let mut terms = Vec::new();
        for source in &tables.sources {
            for asked in &source.entity.orders {
                let alias = asked.alias.as_deref().unwrap_or_default();
                let output = outputs.iter().find(|output| output.name == alias);
                let output = output.ok_or_else(|| {
                    Fault::invalid_argument(
                        "An attribute can not be requested when an aggregate operation has been \
                         specified and its neither groupby not aggregate: order by an alias.",
                    )
                })?;
                let way = if asked.descending { "DESC" } else { "ASC" };
                if let Some(column) = tables.grouped(alias)? {
                    let column = label::sorted(column, fetch.sorting, tables.call)?;
                    terms.push(format!("{} {way}", column.sql));
                    continue;
                }
                // What is computed from a column is not compared like it by itself.
                let collation = collation(&output.kind);
                terms.push(format!("{}{collation} {way}", output.sql));
            }
        }
        // Pages by number need an order; groups are unlike each other.
        terms.extend(groups.iter().cloned());
        Ok(Plan {
            outputs,
            has_key: false,
            groups,
            order_sql: clause(&terms.join(", ")),
            order: None,
            named: None,
        })
    }
}

fn clause(order: &str) -> String {
    match order.is_empty() {
        true => String::new(),
        false => format!(" ORDER BY {order}"),
    }
}

/// The columns that are asked for, and their names in the context; None there for all.
fn columns<'c>(tables: &Tables<'c, '_>) -> Result<(Vec<Output<'c>>, Option<Vec<String>>)> {
    let mut outputs: Vec<Output<'c>> = Vec::new();
    let mut named = Some(Vec::new());
    let mut has_currency = false;
    for (at, source) in tables.sources.iter().enumerate() {
        let (table, entity) = (source.table, source.entity);
        let wants_all = entity.all_attributes
            || (at == 0 && entity.attributes.is_empty() && !entity.no_attributes);
        if wants_all {
            for (place, found) in table.columns.iter().enumerate() {
                let Ok(column) = SqlColumn::new(&source.alias, table, place) else {
                    continue;
                };
                let name = match at {
                    0 => found.wire_name.clone(),
                    _ => format!("{}.{}", source.name, found.logical_name),
                };
                outputs.push(Output::column(name, &column));
            }
            if at == 0 {
                named = None;
            }
            continue;
        }
        for attribute in &entity.attributes {
            let column = column(&source.alias, table, &attribute.name)?;
            let wire_name = &table.columns[column.place].wire_name;
            let name = match (&attribute.alias, at) {
                (Some(alias), _) => alias.clone(),
                (None, 0) => wire_name.clone(),
                (None, _) => format!("{}.{}", source.name, attribute.name),
            };
            if outputs.iter().any(|known| known.name == name) {
                continue;
            }
            if at == 0 {
                named.iter_mut().for_each(|named| named.push(name.clone()));
            }
            if let Some(function) = &attribute.row_aggregate {
                outputs.push(aggregate::of_row(name, function, &column)?);
                continue;
            }
            outputs.push(Output::column(name, &column));
            let is_money = table.columns[column.place].display.is_money;
            if at == 0 && is_money && !has_currency {
                // An amount comes with its currency.
                has_currency = add_currency(table, &source.alias, &mut outputs, &mut named)?;
            }
        }
    }
    Ok((outputs, named))
}

/// Adds the lookup of the currency; false if the table has none.
fn add_currency<'c>(
    table: &'c Table,
    alias: &str,
    outputs: &mut Vec<Output<'c>>,
    named: &mut Option<Vec<String>>,
) -> Result<bool> {
    let Some((place, found)) = table.column_named(CURRENCY) else {
        return Ok(false);
    };
    let column = SqlColumn::new(alias, table, place)?;
    if !outputs.iter().any(|known| known.name == found.wire_name) {
        outputs.push(Output::column(found.wire_name.clone(), &column));
    }
    if let Some(named) = named {
        if !named.contains(&found.wire_name) {
            named.push(found.wire_name.clone());
        }
        named.push(CURRENCY.to_owned());
    }
    Ok(true)
}
