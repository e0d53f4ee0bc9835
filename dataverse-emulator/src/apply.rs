//! `$apply`: `filter(…)/groupby((…),aggregate(…))`.

use http::StatusCode;
use rusqlite::params_from_iter;

use crate::aggregate::{self, Function, check_rows};
use crate::catalog::Kind;
use crate::fault::{Fault, Result};
use crate::label::{self, Sorting};
use crate::message::Answer;
use crate::names::{Names, SqlColumn};
use crate::output::{self, Output};
use crate::query::{MAX_PAGE, Rows, check_options, parse_top};
use crate::row::Annotator;
use crate::service::Call;
use crate::url::split_outside;
use crate::value::write_string;

/// What a pipeline comes to.
#[derive(Default)]
struct Plan<'c> {
    outputs: Vec<Output<'c>>,
    groups: Vec<String>,
    /// What is grouped by, as it stands in the request.
    paths: Vec<(String, SqlColumn<'c>)>,
}

/// Answers with what `text` makes of the rows.
pub(crate) fn answer(call: &Call<'_>, rows: &Rows<'_>, text: &str) -> Result<Answer> {
    let address = &call.address;
    let allowed = ["$apply", "$filter", "$orderby", "$top"];
    check_options(&address.options, &allowed)?;
    let mut found = rows.filtered(call)?;
    let filtered = std::mem::take(&mut found.names.read);
    let mut plan = Plan::default();
    let steps = split_outside(text, '/');
    for (place, step) in steps.iter().enumerate() {
        let malformed = || malformed(text);
        let (name, inside) = step.trim().split_once('(').ok_or_else(malformed)?;
        let inside = inside.strip_suffix(')').ok_or_else(malformed)?;
        let is_last = place + 1 == steps.len();
        match name.trim() {
            "filter" if !is_last => found.filter(inside)?,
            "groupby" if is_last => plan.group_by(inside, rows, &mut found.names, text)?,
            "aggregate" if is_last => plan.aggregate(inside, rows, &mut found.names, text)?,
            "filter" | "groupby" | "aggregate" => {
                return Err(Fault::not_supported(format!(
                    "`$apply={text}`: this sequence"
                )));
            }
            other => {
                return Err(Fault::not_supported(format!(
                    "the transformation `{other}` in $apply"
                )));
            }
        }
    }

    // A filter beside the pipeline is of what comes out of it. One of groups finds the same groups
    // if it is of the rows that go in.
    if filtered.iter().any(|path| plan.group(path).is_none()) {
        return Err(Fault::not_supported(
            "`$filter` beside `$apply`, of columns that are not grouped by",
        ));
    }
    let order = address.option("$orderby").unwrap_or_default();
    let order = plan.order(order, &mut found.names)?;
    let path = found.path(call, rows, None)?;
    let from = path.from(rows.table, found.names.from());
    let mut condition = found.condition;
    condition.and(path.condition);
    let found = format!("{from}{}", condition.clause());
    check_rows(call, &found, &condition.values, None)?;
    let mut sql = format!("SELECT {} FROM {found}", output::list_sql(&plan.outputs));
    if !plan.groups.is_empty() {
        let groups = plan.groups.join(", ");
        sql.push_str(&format!(" GROUP BY {groups} ORDER BY {order}{groups}"));
    }
    let limit = match address.option("$top") {
        Some(top) => parse_top(top)?.min(MAX_PAGE),
        None => MAX_PAGE,
    };
    sql.push_str(&format!(" LIMIT {limit}"));

    let preferences = call.asked.preferences();
    let mut annotator = Annotator::new(call.catalog, call.store, &preferences);
    let mut body = String::from("{\"@odata.context\":");
    let context = format!("{}$metadata#{}", call.root(), rows.table.entity_set);
    write_string(&context, &mut body);
    body.push_str(",\"value\":[");
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(&condition.values))?;
    let mut separator = "{";
    while let Some(row) = found.next()? {
        body.push_str(separator);
        separator = ",{";
        output::write(
            &plan.outputs,
            row,
            &preferences,
            &mut annotator,
            "",
            &mut body,
        )?;
        body.push('}');
    }
    body.push_str("]}");
    let applied: Vec<_> = preferences
        .annotations
        .iter()
        .map(|terms| format!("odata.include-annotations=\"{terms}\""))
        .collect();
    Ok(Answer::json(StatusCode::OK, body).applied(&applied))
}

impl<'c> Plan<'c> {
    /// The column at a path that is grouped by.
    fn group(&self, path: &str) -> Option<&SqlColumn<'c>> {
        let mut paths = self.paths.iter();
        let found = paths.find(|(known, _)| known == path);
        found.map(|(_, column)| column)
    }

    /// `$orderby` as SQL, with a comma behind it: by what is grouped by, and nothing else.
    fn order(&self, text: &str, names: &mut Names<'c>) -> Result<String> {
        let mut sql = String::new();
        for part in split_outside(text, ',') {
            let mut words = part.split_whitespace();
            let Some(path) = words.next() else {
                continue;
            };
            let way = match (words.next(), words.next()) {
                (None | Some("asc"), None) => "ASC",
                (Some("desc"), None) => "DESC",
                _ => {
                    return Err(Fault::bad_request(format!(
                        "Syntax error in '$orderby={text}'."
                    )));
                }
            };
            let Some(column) = self.group(path) else {
                return Err(
                    match self.outputs.iter().any(|output| output.name == path) {
                        true => Fault::bad_request(
                            "The query node SingleValueOpenPropertyAccess is not supported.",
                        ),
                        false => {
                            names.column(path)?;
                            Fault::bad_request(format!(
                                "'{path}' in $orderby is not grouped by in $apply."
                            ))
                        }
                    },
                );
            };
            let column = label::sorted(column.clone(), Sorting::Names, names.call)?;
            sql.push_str(&format!("{} {way}, ", column.sql));
        }
        Ok(sql)
    }

    /// `(a,b),aggregate(…)`.
    fn group_by(
        &mut self,
        inside: &str,
        rows: &Rows<'c>,
        names: &mut Names<'c>,
        text: &str,
    ) -> Result<()> {
        let mut parts = split_outside(inside, ',').into_iter();
        let columns = parts.next().unwrap_or_default().trim();
        let columns = columns
            .strip_prefix('(')
            .and_then(|columns| columns.strip_suffix(')'))
            .ok_or_else(|| malformed(text))?;
        for path in columns.split(',') {
            let path = path.trim();
            let column = names.column(path)?;
            // A column of another table is named after the table.
            let name = match path.contains('/') {
                true => format!("{}_{}", column.table.logical_name, column.logical_name),
                false => path.to_owned(),
            };
            if let Kind::DateTime | Kind::Date = column.kind {
                return Err(Fault::bad_request(format!(
                    "groupby with datetime values is not supported: '{path}'."
                )));
            }
            self.paths.push((path.to_owned(), column.clone()));
            let output = Output::column(name, &column);
            self.groups.push(output.sql.clone());
            self.groups.extend(output.told().map(str::to_owned));
            self.add(output)?;
        }
        match (parts.next(), parts.next()) {
            (None, _) => Ok(()),
            (Some(then), None) => {
                let inside = then
                    .trim()
                    .strip_prefix("aggregate(")
                    .and_then(|then| then.strip_suffix(')'))
                    .ok_or_else(|| malformed(text))?;
                self.aggregate(inside, rows, names, text)
            }
            _ => Err(malformed(text)),
        }
    }

    /// `revenue with sum as total,$count as count`.
    fn aggregate(
        &mut self,
        inside: &str,
        rows: &Rows<'c>,
        names: &mut Names<'c>,
        text: &str,
    ) -> Result<()> {
        for part in split_outside(inside, ',') {
            let words: Vec<_> = part.split_whitespace().collect();
            let (path, function, alias) = match words[..] {
                ["$count", "as", alias] => (None, Function::Count, alias),
                [path, "with", function, "as", alias] => {
                    (Some(path), function_named(function)?, alias)
                }
                _ => return Err(malformed(text)),
            };
            let is_name = |char: char| char.is_alphanumeric() || char == '_';
            if alias.is_empty() || !alias.chars().all(is_name) {
                return Err(malformed(text));
            }
            let table = rows.table;
            if table.column(alias).is_some() {
                return Err(Fault::bad_request(format!(
                    "The alias '{alias}' is the name of a column of '{}': choose another one.",
                    table.logical_name
                )));
            }
            let column = match path {
                Some(path) => names.column(path)?,
                None => SqlColumn::new("t", table, table.primary_id_place())?,
            };
            let (sql, kind): (String, Kind) = aggregate::sql(function, &column)?;
            self.add(Output::computed(alias.to_owned(), sql, kind, &column))?;
        }
        Ok(())
    }

    fn add(&mut self, output: Output<'c>) -> Result<()> {
        if self.outputs.iter().any(|known| known.name == output.name) {
            return Err(Fault::bad_request(format!(
                "'{}' is given more than once in $apply.",
                output.name
            )));
        }
        self.outputs.push(output);
        Ok(())
    }
}

fn function_named(name: &str) -> Result<Function> {
    Ok(match name {
        "sum" => Function::Sum,
        "average" => Function::Average,
        "min" => Function::Min,
        "max" => Function::Max,
        "countdistinct" => Function::CountDistinct,
        other => {
            return Err(Fault::bad_request(format!(
                "'{other}' is not an aggregation method of $apply."
            )));
        }
    })
}

fn malformed(text: &str) -> Fault {
    Fault::bad_request(format!("Syntax error in '$apply={text}'."))
}
