//! Search over the text columns of rows: words, no relevance worth the name.

pub(crate) mod words;

use std::cmp::Ordering;

use http::{HeaderName, Method, StatusCode};
use rusqlite::params_from_iter;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::catalog::{Kind, Table};
use crate::fault::{Fault, Result};
use crate::filter::filter;
use crate::message::{Answer, Asked};
use crate::names::Names;
use crate::query::check_options;
use crate::service::Call;
use crate::store::quoted;
use crate::url::Segment;
use crate::value::{Stored, write_json, write_string};
use crate::write::{Members, members};
use words::{Term, highlighted, terms, typed, words};

/// Who answered.
const SERVICE: HeaderName = HeaderName::from_static("crm.serviceid");

/// Longest text to search for.
const MAX_TERM: usize = 100;
/// Most results of one request.
const MAX_TOP: usize = 100;

/// The message that a request to the endpoint of search means: `/api/search/v2.0/query` is
/// `searchquery`. None if it is no such request.
pub(crate) fn as_message(asked: &Asked) -> Option<Asked> {
    let name = asked.target.strip_prefix("/api/search/v2.0/")?;
    Some(Asked {
        target: format!("/api/data/v9.2/search{name}"),
        ..asked.clone()
    })
}

/// Answers a message of search; None if it is none.
pub(crate) fn answer(call: &Call<'_>, segment: &Segment) -> Result<Option<Answer>> {
    let name = segment.name.as_str();
    let method = match name {
        "searchquery" | "searchsuggest" | "searchautocomplete" => Method::POST,
        "searchstatistics" | "searchstatus" => Method::GET,
        _ => return Ok(None),
    };
    if call.asked.method != method {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    let response = match name {
        "searchstatistics" => statistics(call)?,
        "searchstatus" => status(call)?,
        _ => {
            let body = members(&call.asked.body, "")?;
            match name {
                "searchquery" => query(call, &body)?,
                "searchsuggest" => suggest(call, &body)?,
                _ => autocomplete(call, &body)?,
            }
        }
    };
    let mut body = String::from("{\"@odata.context\":");
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.{name}Response",
        call.root()
    );
    write_string(&context, &mut body);
    body.push_str(",\"response\":");
    write_string(&response, &mut body);
    body.push('}');
    Ok(Some(
        Answer::json(StatusCode::OK, body).with(SERVICE, "framework"),
    ))
}

/// A parameter; None if it is left out or null.
fn parameter<T: DeserializeOwned>(body: &Members, name: &str) -> Result<Option<T>> {
    match body.get(name) {
        None => Ok(None),
        Some(json) => serde_json::from_str(json.get())
            .map_err(|_| Fault::invalid_argument(format!("The parameter '{name}' is malformed."))),
    }
}

/// A parameter that is text with JSON in it; None also if that is `null`.
fn inner<T: DeserializeOwned>(body: &Members, name: &str) -> Result<Option<T>> {
    match parameter::<String>(body, name)? {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text)
            .map_err(|_| Fault::invalid_argument(format!("'{name}' is not JSON as text."))),
    }
}

fn search_text(body: &Members, least: usize) -> Result<String> {
    let text: Option<String> = parameter(body, "search")?;
    let text = text.unwrap_or_default();
    match text.chars().count() {
        count if (least..=MAX_TERM).contains(&count) => Ok(text),
        _ => Err(Fault::invalid_argument(format!(
            "The search text must have {least} to {MAX_TERM} characters."
        ))),
    }
}

fn top(body: &Members, default: usize) -> Result<usize> {
    match parameter::<usize>(body, "top")? {
        None => Ok(default),
        Some(top) if (1..=MAX_TOP).contains(&top) => Ok(top),
        Some(_) => Err(Fault::invalid_argument(format!(
            "'top' must be from 1 to {MAX_TOP}."
        ))),
    }
}

/// A table, and what is done with its columns: places.
struct Scope<'c> {
    table: &'c Table,
    select: Vec<usize>,
    search: Vec<usize>,
    filter: Option<String>,
}

/// The tables to look in: those that were named, or all that have rows and a primary name.
fn scopes<'c>(call: &Call<'c>, body: &Members) -> Result<Vec<Scope<'c>>> {
    let Some(entities) = inner::<Vec<Value>>(body, "entities")? else {
        let tables = indexed(call)?.into_iter();
        let scope = |(table, name)| Scope {
            table,
            select: vec![name],
            search: vec![name],
            filter: None,
        };
        return Ok(tables.map(scope).collect());
    };
    entities.iter().map(|entity| scope(call, entity)).collect()
}

fn scope<'c>(call: &Call<'c>, entity: &Value) -> Result<Scope<'c>> {
    let members = entity.as_object();
    // Both cases are documented.
    let member = |name: &str| {
        let found = members?
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    };
    let name = member("name").and_then(Value::as_str).unwrap_or_default();
    let table = call.catalog.by_name(name).ok_or_else(|| {
        Fault::invalid_argument(format!("The table '{name}' is not enabled for search."))
    })?;
    let columns = |list: &str| -> Result<Vec<usize>> {
        let names = member(list).and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        let places: Vec<usize> = names
            .map(|name| {
                let found = table.column_named(name).map(|(place, _)| place);
                found.ok_or_else(|| Fault::unknown_property(name, &table.logical_name))
            })
            .collect::<Result<_>>()?;
        Ok(match places.is_empty() {
            true => table.primary_name.into_iter().collect(),
            false => places,
        })
    };
    let scope = Scope {
        table,
        select: columns("selectcolumns")?,
        search: columns("searchcolumns")?,
        filter: member("filter").and_then(Value::as_str).map(str::to_owned),
    };
    let is_text = |place: &usize| table.columns[*place].kind == Kind::Text;
    if !scope.search.iter().all(is_text) {
        return Err(Fault::not_supported(
            "searching in columns that hold no text",
        ));
    }
    Ok(scope)
}

/// Tables that have been used and have a primary name, and where it is.
fn indexed<'c>(call: &Call<'c>) -> Result<Vec<(&'c Table, usize)>> {
    let mut statement = call
        .store
        .connection
        .prepare_cached("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let tables = names.iter().filter_map(|name| call.catalog.by_name(name));
    Ok(tables
        .filter_map(|table| Some((table, table.primary_name?)))
        .filter(|(table, name)| table.columns[*name].kind == Kind::Text)
        .collect())
}

/// A row as search sees it.
struct Found {
    id: String,
    /// Texts of the columns to search in.
    texts: Vec<Option<String>>,
    /// Members of the columns to give, as JSON without braces.
    attributes: String,
    /// Values of the columns to sort by.
    sorted_by: Vec<Stored>,
}

/// The rows of a table that meet its filter and the common one.
fn rows(
    call: &Call<'_>,
    scope: &Scope<'_>,
    common: Option<&str>,
    order: &[Order],
) -> Result<Vec<Found>> {
    let table = scope.table;
    call.store.make(table)?;
    let mut names = Names::new(call, table, None);
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    for text in [scope.filter.as_deref(), common].into_iter().flatten() {
        let condition = filter(text, &mut names)?;
        conditions.push(format!("({})", condition.sql));
        values.extend(condition.values);
    }
    let order: Vec<_> = order
        .iter()
        .map(|order| table.column_named(&order.column).map(|(place, _)| place))
        .collect();
    let id = table.primary_id_place();
    let places: Vec<usize> = [id]
        .into_iter()
        .chain(scope.search.iter().copied())
        .chain(scope.select.iter().copied())
        .chain(order.iter().map(|place| place.unwrap_or(id)))
        .collect();
    let columns: Vec<_> = places
        .iter()
        .map(|place| format!("t.{}", quoted(&table.columns[*place].logical_name)))
        .collect();
    let mut sql = format!("SELECT {} FROM {}", columns.join(", "), names.from());
    if !conditions.is_empty() {
        sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let selected = 1 + scope.search.len();
        let sorted = selected + scope.select.len();
        let mut attributes = String::new();
        for (at, place) in scope.select.iter().enumerate() {
            let column = &table.columns[*place];
            attributes.push_str(if at == 0 { "" } else { "," });
            write_string(&column.logical_name, &mut attributes);
            attributes.push(':');
            write_json(&column.kind, row.get_ref(selected + at)?, &mut attributes);
        }
        let texts = (1..selected).map(|at| row.get(at));
        let sorted_by = order.iter().enumerate().map(|(at, place)| {
            let value = Stored::of_ref(row.get_ref(sorted + at)?);
            Ok(place.map_or(Stored::Null, |_| value))
        });
        found.push(Found {
            id: row.get(0)?,
            texts: texts.collect::<rusqlite::Result<_>>()?,
            attributes,
            sorted_by: sorted_by.collect::<Result<_>>()?,
        });
    }
    Ok(found)
}

/// A term to sort by.
struct Order {
    column: String,
    descending: bool,
}

fn order(body: &Members) -> Result<Vec<Order>> {
    let terms: Vec<String> = inner(body, "orderby")?.unwrap_or_default();
    terms
        .iter()
        .map(|term| {
            let (column, direction) = term.trim().split_once(' ').unwrap_or((term, "asc"));
            match direction.trim() {
                "asc" | "desc" => Ok(Order {
                    column: column.trim().to_owned(),
                    descending: direction.trim() == "desc",
                }),
                _ => Err(Fault::invalid_argument(format!(
                    "The order '{term}' is malformed."
                ))),
            }
        })
        .collect()
}

/// Nulls first, then numbers, then text whatever its case.
fn compare(left: &Stored, right: &Stored) -> Ordering {
    let number = |value: &Stored| match value {
        Stored::Integer(value) => Some(*value as f64),
        Stored::Real(value) => Some(*value),
        _ => None,
    };
    match (left, right) {
        (Stored::Text(left), Stored::Text(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
        (Stored::Null, Stored::Null) => Ordering::Equal,
        (Stored::Null, _) => Ordering::Less,
        (_, Stored::Null) => Ordering::Greater,
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        },
    }
}

const SCORE: &str = "@search.score";

fn query(call: &Call<'_>, body: &Members) -> Result<String> {
    let search = search_text(body, 1)?;
    let terms = terms(&search)?;
    if inner::<Vec<String>>(body, "facets")?.is_some_and(|facets| !facets.is_empty()) {
        return Err(Fault::not_supported("facets of a search"));
    }
    let options: Option<Value> = inner(body, "options")?;
    let option = |name: &str| options.as_ref()?.get(name)?.as_str();
    let all_words = option("searchmode").is_some_and(|mode| mode.eq_ignore_ascii_case("all"));
    let common: Option<String> = parameter(body, "filter")?;
    let order = order(body)?;
    let mut hits: Vec<(f64, Vec<Stored>, String)> = Vec::new();
    for scope in scopes(call, body)? {
        for found in rows(call, &scope, common.as_deref(), &order)? {
            let is_hit = |term: &&Term| {
                let mut texts = found.texts.iter().flatten();
                texts.any(|text| term.is_in(text))
            };
            let count = terms.iter().filter(is_hit).count();
            if count == 0 || (all_words && count < terms.len()) {
                continue;
            }
            let score = score(&found, &terms);
            let json = hit(&scope, &found, &terms, score);
            hits.push((score, found.sorted_by, json));
        }
    }
    hits.sort_by(|left, right| {
        for (at, order) in order.iter().enumerate() {
            let by = match order.column == SCORE {
                true => left.0.total_cmp(&right.0),
                false => compare(&left.1[at], &right.1[at]),
            };
            let by = if order.descending { by.reverse() } else { by };
            if by != Ordering::Equal {
                return by;
            }
        }
        right.0.total_cmp(&left.0)
    });
    let counts = parameter::<bool>(body, "count")?.unwrap_or_default();
    let count = if counts {
        hits.len().to_string()
    } else {
        "-1".to_owned()
    };
    let skip: usize = parameter(body, "skip")?.unwrap_or_default();
    let page: Vec<_> = hits
        .into_iter()
        .skip(skip)
        .take(top(body, 50)?)
        .map(|(_, _, json)| json)
        .collect();
    Ok(format!(
        "{{\"Error\":null,\"Value\":[{}],\"Facets\":{{}},\"QueryContext\":null,\"Count\":{count}}}",
        page.join(",")
    ))
}

/// The part of the words that fit.
fn score(found: &Found, terms: &[Term]) -> f64 {
    let (mut all, mut fitting) = (0u32, 0u32);
    for text in found.texts.iter().flatten() {
        for (_, word) in words(text) {
            all += 1;
            fitting += u32::from(terms.iter().any(|term| term.is_in(&word)));
        }
    }
    f64::from(fitting) / f64::from(all.max(1))
}

fn hit(scope: &Scope<'_>, found: &Found, terms: &[Term], score: f64) -> String {
    let columns = scope.search.iter().zip(&found.texts);
    let highlights: Vec<String> = columns
        .filter_map(|(place, text)| {
            let marked = highlighted(text.as_deref()?, terms, true)?;
            let name = &scope.table.columns[*place].logical_name;
            Some(format!("{}:[{}]", json!(name), json!(marked)))
        })
        .collect();
    format!(
        "{{\"Id\":{},\"EntityName\":{},\"ObjectTypeCode\":0,\"Attributes\":{{{}}},\
         \"Highlights\":{{{}}},\"Score\":{score:?}}}",
        json!(found.id),
        json!(scope.table.logical_name),
        found.attributes,
        highlights.join(",")
    )
}

fn refuse_fuzzy(body: &Members) -> Result<()> {
    match parameter::<bool>(body, "fuzzy")? {
        Some(true) => Err(Fault::not_supported("fuzzy search")),
        _ => Ok(()),
    }
}

fn suggest(call: &Call<'_>, body: &Members) -> Result<String> {
    let terms = typed(&search_text(body, 3)?);
    refuse_fuzzy(body)?;
    let common: Option<String> = parameter(body, "filter")?;
    let order = order(body)?;
    let top = top(body, 5)?;
    let mut suggestions: Vec<(Vec<Stored>, String)> = Vec::new();
    for scope in scopes(call, body)? {
        for found in rows(call, &scope, common.as_deref(), &order)? {
            let fits = |text: &&String| terms.iter().all(|term| term.is_in(text));
            let Some(text) = found.texts.iter().flatten().find(fits) else {
                continue;
            };
            let Some(marked) = highlighted(text, &terms, false) else {
                continue;
            };
            let comma = if found.attributes.is_empty() { "" } else { "," };
            let json = format!(
                "{{\"Text\":{},\"Document\":{{\"@search.objectid\":{},\
                 \"@search.entityname\":{}{comma}{}}}}}",
                json!(marked),
                json!(found.id),
                json!(scope.table.logical_name),
                found.attributes
            );
            suggestions.push((found.sorted_by, json));
        }
    }
    suggestions.sort_by(|left, right| {
        let mut by = order.iter().enumerate().map(|(at, order)| {
            let by = compare(&left.0[at], &right.0[at]);
            if order.descending { by.reverse() } else { by }
        });
        by.find(|by| *by != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    let page: Vec<_> = suggestions
        .into_iter()
        .take(top)
        .map(|(_, json)| json)
        .collect();
    Ok(format!(
        "{{\"Error\":null,\"Value\":[{}],\"QueryContext\":null}}",
        page.join(",")
    ))
}

fn autocomplete(call: &Call<'_>, body: &Members) -> Result<String> {
    let search = search_text(body, 1)?;
    refuse_fuzzy(body)?;
    let common: Option<String> = parameter(body, "filter")?;
    let typed = typed(&search);
    let mut best: Option<String> = None;
    if let Some(last) = typed.last() {
        for scope in scopes(call, body)? {
            for found in rows(call, &scope, common.as_deref(), &[])? {
                let texts = found.texts.iter().flatten();
                let all = texts.flat_map(|text| words(text).map(|(_, word)| word));
                let fitting = all.filter(|word| word.starts_with(last.text()));
                // The shortest, then the first: the same whatever the order of the rows.
                let key = |word: &String| (word.chars().count(), word.clone());
                best = best.into_iter().chain(fitting).min_by_key(key);
            }
        }
    }
    let value = best.map(|word| {
        let before = typed[..typed.len().saturating_sub(1)]
            .iter()
            .map(Term::text);
        let marked = highlighted(&word, &typed[typed.len() - 1..], false);
        let mut parts: Vec<String> = before.map(str::to_owned).collect();
        parts.push(marked.unwrap_or(word));
        parts.join(" ")
    });
    let value = json!(value.unwrap_or_default());
    Ok(format!(
        "{{\"Error\":null,\"Value\":{value},\"QueryContext\":null}}"
    ))
}

fn statistics(call: &Call<'_>) -> Result<String> {
    let (mut bytes, mut documents) = (0i64, 0i64);
    for (table, name) in indexed(call)? {
        let sql = format!(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(CAST({} AS BLOB))), 0) FROM {}",
            quoted(&table.columns[name].logical_name),
            quoted(&table.logical_name)
        );
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let (rows, length): (i64, i64) =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        documents += rows;
        bytes += length;
    }
    let value = json!({
        "storagesizeinbytes": bytes,
        "storagesizeinmb": bytes / (1 << 20),
        "documentcount": documents,
    });
    Ok(json!({ "value": value }).to_string())
}

fn status(call: &Call<'_>) -> Result<String> {
    let tables: Vec<Value> = indexed(call)?
        .into_iter()
        .map(|(table, name)| {
            let texts = table
                .columns
                .iter()
                .filter(|column| column.kind == Kind::Text);
            let fields: serde_json::Map<String, Value> = texts
                .map(|column| {
                    let name = &column.logical_name;
                    (name.clone(), json!({ "indexfieldname": name }))
                })
                .collect();
            json!({
                "entitylogicalname": table.logical_name,
                "objecttypecode": 0,
                "primarynamefield": table.columns[name].logical_name,
                "entitystatus": "EntitySyncComplete",
                "searchableindexedfieldinfomap": fields,
            })
        })
        .collect();
    let value = json!({
        "status": "provisioned",
        "lockboxstatus": "Disabled",
        "cmkstatus": "Disabled",
        "entitystatusresults": tables,
    });
    Ok(json!({ "value": value }).to_string())
}
