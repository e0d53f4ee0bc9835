//! `$expand`: related rows inside a row.
//!
//! One level of it and several are answered in two ways. With one level a collection comes whole,
//! and its link is the address of the collection. As soon as an expand holds another one, the page
//! size holds for collections, too, their links hold a token, and rows have no ETag.

mod asked;

use rusqlite::params_from_iter;

use self::asked::{Asked, asked};
use crate::catalog::{Navigation, Table};
use crate::cookie::Cookie;
use crate::fault::{Fault, Result};
use crate::filter::{Condition, filter};
use crate::names::Names;
use crate::order::{order, order_sql};
use crate::query::{MAX_PAGE, parse_top};
use crate::relation::{Relation, lookup_of};
use crate::row::{Annotator, Selection, write_row};
use crate::security::Right;
use crate::service::Call;
use crate::url::encode_value;
use crate::value::{Stored, write_string};

/// The navigation properties that a row comes with.
#[derive(Default)]
pub(crate) struct Expands<'c> {
    items: Vec<Expand<'c>>,
}

struct Expand<'c> {
    name: String,
    owner: &'c Table,
    /// As a query of its own: `$select=subject&$filter=…`.
    query: String,
    rows: Rows<'c>,
}

enum Rows<'c> {
    /// The address of the row alone.
    Reference(&'c Navigation),
    /// A row of one of several tables: only its key.
    Principal(&'c Navigation),
    One(Box<Plan<'c>>),
    Many(Box<Plan<'c>>),
}

/// How related rows are read.
struct Plan<'c> {
    selection: Selection<'c>,
    sql: String,
    /// Behind the id of the owner.
    values: Vec<Stored>,
    limit: usize,
    /// Counts all of them.
    count: Option<String>,
    /// Whether `limit` is a page, and the link leads to the next one.
    is_paged: bool,
    expands: Expands<'c>,
}

impl<'c> Expands<'c> {
    /// Reads `$expand` of rows of `table`.
    pub(crate) fn parse(call: &Call<'c>, table: &'c Table, text: Option<&str>) -> Result<Self> {
        let Some(text) = text else {
            return Ok(Expands::default());
        };
        let asked = asked(text, &mut 0)?;
        let page = asked.iter().any(|asked| !asked.nested.is_empty()).then(|| {
            call.asked
                .preferences()
                .page_size
                .unwrap_or(MAX_PAGE)
                .min(MAX_PAGE)
        });
        if let Some(name) = many_to_many(call, table, &asked)?
            && nests_collections(call, table, &asked)?
        {
            return Err(Fault::bad_request(format!(
                "The many-to-many relationship '{name}' cannot be expanded together with nested \
                 $expand of collections."
            )));
        }
        Expands::compile(call, table, &asked, page)
    }

    fn compile(
        call: &Call<'c>,
        table: &'c Table,
        asked: &[Asked<'_>],
        page: Option<usize>,
    ) -> Result<Self> {
        let mut items = Vec::new();
        for asked in asked {
            let query: Vec<_> = asked
                .options
                .iter()
                .map(|(name, value)| format!("{name}={}", encode_value(value)))
                .collect();
            items.push(Expand {
                name: asked.name.to_owned(),
                owner: table,
                query: query.join("&"),
                rows: Rows::compile(call, table, asked, page)?,
            });
        }
        Ok(Expands { items })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Columns that a row needs so that a reference comes with its id.
    pub(crate) fn extend(&self, selection: &mut Selection<'c>) {
        for item in &self.items {
            if let Rows::Reference(navigation) = item.rows {
                selection.add(navigation.column);
            }
        }
    }

    /// Appends what stands in the context: `primarycontactid(fullname)`.
    pub(crate) fn context(&self, named: &mut Vec<String>) {
        for Expand { name, rows, .. } in &self.items {
            match rows {
                Rows::Reference(_) => {
                    named.push(name.clone());
                    named.push(format!("{name}/$ref()"));
                }
                Rows::Principal(_) => named.push(format!("{name}(ownerid)")),
                Rows::One(plan) | Rows::Many(plan) => {
                    let mut inner = plan.selection.named();
                    plan.expands.context(&mut inner);
                    named.push(format!("{name}({})", inner.join(",")));
                }
            }
        }
    }

    /// Appends the related rows of the row `id`, each after a comma.
    pub(crate) fn write(
        &self,
        call: &Call<'c>,
        id: &str,
        annotator: &mut Annotator<'c>,
        out: &mut String,
    ) -> Result<()> {
        for item in &self.items {
            out.push(',');
            write_string(&item.name, out);
            out.push(':');
            match &item.rows {
                Rows::Reference(navigation) => {
                    match lookup_of(call.store, item.owner, navigation, id)? {
                        Some((table, id)) => {
                            out.push_str("{\"@odata.id\":");
                            write_string(&call.address_of(&table, &id), out);
                            out.push('}');
                        }
                        None => out.push_str("null"),
                    }
                }
                Rows::Principal(navigation) => {
                    match lookup_of(call.store, item.owner, navigation, id)? {
                        Some((_, id)) => out.push_str(&format!("{{\"ownerid\":\"{id}\"}}")),
                        None => out.push_str("null"),
                    }
                }
                Rows::One(plan) => {
                    if plan.rows(call, id, annotator, out)?.is_empty() {
                        out.push_str("null");
                    }
                }
                Rows::Many(plan) => {
                    out.push('[');
                    let ids = plan.rows(call, id, annotator, out)?;
                    out.push(']');
                    item.finish(call, id, plan, &ids, out)?;
                }
            }
        }
        Ok(())
    }
}

impl Expand<'_> {
    /// `,"Account_Tasks@odata.count":`
    fn member(&self, term: &str, out: &mut String) {
        out.push(',');
        write_string(&format!("{}@odata.{term}", self.name), out);
        out.push(':');
    }

    /// What follows the rows of a collection: their count and their link.
    fn finish(
        &self,
        call: &Call<'_>,
        id: &str,
        plan: &Plan<'_>,
        ids: &[String],
        out: &mut String,
    ) -> Result<()> {
        if let Some(sql) = &plan.count {
            let mut statement = call.store.connection.prepare_cached(sql)?;
            let count: i64 =
                statement.query_row(params_from_iter(plan.values(id)), |row| row.get(0))?;
            self.member("count", out);
            out.push_str(&count.to_string());
        }
        let mut link = format!(
            "{}/{}",
            call.address_of(&self.owner.logical_name, id),
            self.name
        );
        let mut separator = '?';
        if !self.query.is_empty() {
            link.push(separator);
            link.push_str(&self.query);
            separator = '&';
        }
        if plan.is_paged {
            let (true, [first, .., last] | [first @ last]) = (ids.len() == plan.limit, ids) else {
                return Ok(());
            };
            let id = &plan.selection.table().primary_id;
            let cookie = Cookie {
                page: 2,
                last: vec![(id.clone(), Stored::Text(last.clone()))],
            };
            let token = cookie.encode_counted(&[Stored::Text(first.clone())], ids.len());
            link.push_str(&format!("{separator}$skiptoken={token}"));
        }
        self.member("nextLink", out);
        write_string(&link, out);
        Ok(())
    }
}

impl<'c> Rows<'c> {
    fn compile(
        call: &Call<'c>,
        table: &'c Table,
        asked: &Asked<'_>,
        page: Option<usize>,
    ) -> Result<Self> {
        let name = asked.name;
        let navigation = table.navigation(name);
        if asked.is_reference {
            let navigation = match navigation {
                Some(navigation) => navigation,
                None if table.collections.contains_key(name) => {
                    return Err(Fault::bad_request(
                        "Expand with $ref is only supported on lookup type navigation property.",
                    ));
                }
                None => return Err(Fault::unknown_property(name, &table.logical_name)),
            };
            call.store.make(table)?;
            return Ok(Rows::Reference(navigation));
        }
        if let Some(navigation) = navigation.filter(|navigation| navigation.targets.len() > 1) {
            call.store.make(table)?;
            return principal(navigation, asked);
        }
        let relation = Relation::find(call.catalog, call.store, table, name)?
            .ok_or_else(|| Fault::unknown_property(name, &table.logical_name))?;
        check_options(&relation, asked, page.is_some())?;
        let plan = Box::new(Plan::compile(call, &relation, asked, page)?);
        Ok(match relation.is_collection() {
            true => Rows::Many(plan),
            false => Rows::One(plan),
        })
    }
}

/// An owner is of an abstract type, which has nothing but its key.
fn principal<'c>(navigation: &'c Navigation, asked: &Asked<'_>) -> Result<Rows<'c>> {
    for (name, value) in &asked.options {
        match *name {
            "$select" if value.trim() == "ownerid" => {}
            "$select" => return Err(Fault::unknown_property(value.trim(), "principal")),
            "$expand" => return Err(Fault::unknown_property(value.trim(), "principal")),
            _ => return Err(Fault::narrow_expand()),
        }
    }
    Ok(Rows::Principal(navigation))
}

/// Refuses options that the navigation property does not take.
fn check_options(relation: &Relation<'_>, asked: &Asked<'_>, is_nested: bool) -> Result<()> {
    for (option, _) in &asked.options {
        let is_taken = match *option {
            "$select" | "$expand" => true,
            "$filter" => relation.is_collection(),
            _ => relation.is_collection() && !is_nested,
        };
        if !is_taken {
            return Err(match *option {
                "$filter" => Fault::bad_request(format!(
                    "The query option '$filter' is not allowed in $expand of the single-valued \
                     navigation property '{}'.",
                    asked.name
                )),
                _ => Fault::narrow_expand(),
            });
        }
    }
    Ok(())
}

impl<'c> Plan<'c> {
    fn compile(
        call: &Call<'c>,
        relation: &Relation<'c>,
        asked: &Asked<'_>,
        page: Option<usize>,
    ) -> Result<Self> {
        let table = relation.target;
        call.require(table, Right::Read)?;
        let option = |name: &str| {
            let mut options = asked.options.iter();
            options
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let mut selection = Selection::new(table, option("$select"))?;
        selection.has_etag = page.is_none();
        if page.is_none()
            && relation.is_collection()
            && let Some(back) = relation.lookup_place()
        {
            selection.add(back);
        }
        let expands = Expands::compile(call, table, &asked.nested, page)?;
        expands.extend(&mut selection);
        // Parameters of the URL do not reach into an expand.
        let mut names = Names::new(call, table, None);
        let condition = match option("$filter") {
            Some(text) => filter(text, &mut names)?,
            None => Condition::default(),
        };
        let order = order(option("$orderby").unwrap_or_default(), table, &mut names)?;
        let limit = match (page, option("$top")) {
            (Some(page), _) => page,
            (None, Some(top)) => parse_top(top)?.min(MAX_PAGE),
            (None, None) => MAX_PAGE,
        };
        let mut found = format!("{} WHERE {}", names.from(), relation.condition("t", "?"));
        if !condition.sql.is_empty() {
            found.push_str(&format!(" AND {}", condition.sql));
        }
        let count = match option("$count").map(str::trim) {
            Some("true") => Some(format!("SELECT count(*) FROM {found}")),
            Some("false") | None => None,
            Some(other) => return Err(Fault::invalid_count(other)),
        };
        let sql = format!(
            "SELECT {} FROM {found} ORDER BY {} LIMIT {limit}",
            selection.sql(),
            order_sql(&order)
        );
        Ok(Plan {
            selection,
            sql,
            values: condition.values,
            limit,
            count,
            is_paged: page.is_some(),
            expands,
        })
    }

    fn values(&self, id: &str) -> impl Iterator<Item = Stored> {
        let id = Stored::Text(id.to_owned());
        std::iter::once(id).chain(self.values.iter().cloned())
    }

    /// Appends the rows that belong to the row `owner`; gives their ids.
    fn rows(
        &self,
        call: &Call<'c>,
        owner: &str,
        annotator: &mut Annotator<'c>,
        out: &mut String,
    ) -> Result<Vec<String>> {
        let mut ids: Vec<String> = Vec::new();
        let mut statement = call.store.connection.prepare_cached(&self.sql)?;
        let mut rows = statement.query(params_from_iter(self.values(owner)))?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(self.selection.id_index())?;
            out.push_str(if ids.is_empty() { "{" } else { ",{" });
            write_row(&self.selection, row, annotator, out)?;
            self.expands.write(call, &id, annotator, out)?;
            out.push('}');
            ids.push(id);
        }
        Ok(ids)
    }
}

/// The first many-to-many relationship, at any level.
fn many_to_many<'t>(
    call: &Call<'_>,
    table: &Table,
    items: &[Asked<'t>],
) -> Result<Option<&'t str>> {
    for item in items {
        let Some(relation) = one_target(call, table, item)? else {
            continue;
        };
        if relation.is_many_to_many() {
            return Ok(Some(item.name));
        }
        if let Some(name) = many_to_many(call, relation.target, &item.nested)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether an expand holds another one, and one of the two is a collection.
fn nests_collections(call: &Call<'_>, table: &Table, items: &[Asked<'_>]) -> Result<bool> {
    for item in items {
        let Some(relation) = one_target(call, table, item)? else {
            continue;
        };
        if relation.is_collection() && !item.nested.is_empty() {
            return Ok(true);
        }
        let is_collection =
            |nested: &Asked<'_>| relation.target.collections.contains_key(nested.name);
        if item.nested.iter().any(is_collection)
            || nests_collections(call, relation.target, &item.nested)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn one_target<'t>(
    call: &'t Call<'_>,
    table: &'t Table,
    item: &Asked<'_>,
) -> Result<Option<Relation<'t>>> {
    match table.navigation(item.name) {
        Some(navigation) if navigation.targets.len() > 1 => Ok(None),
        _ => Relation::find(call.catalog, call.store, table, item.name),
    }
}
