//! Aggregate queries of FetchXML.

use super::query::Attribute;
use super::sql::Tables;
use crate::aggregate::{self, Function};
use crate::catalog::Kind;
use crate::fault::{Fault, Result};
use crate::names::SqlColumn;
use crate::output::Output;
use crate::store::quoted;

/// What an aggregate query gives, and the SQL of what it groups by.
pub(crate) fn outputs<'c>(tables: &Tables<'c, '_>) -> Result<(Vec<Output<'c>>, Vec<String>)> {
    let mut outputs: Vec<Output<'c>> = Vec::new();
    let mut groups = Vec::new();
    for (at, source) in tables.sources.iter().enumerate() {
        for attribute in &source.entity.attributes {
            let column = tables.column(at, &attribute.name)?;
            let alias = attribute.alias.clone().unwrap_or_default();
            if outputs.iter().any(|known| known.name == alias) {
                return Err(Fault::invalid_argument(format!(
                    "Alias '{alias}' is used more than once."
                )));
            }
            let output = match &attribute.aggregate {
                Some(name) => {
                    let (sql, kind) = aggregate::sql(function(name, attribute)?, &column)?;
                    Output::computed(alias, sql, kind, &column)
                }
                None => match &attribute.date_grouping {
                    Some(part) => {
                        let sql = date_part(part, &column)?;
                        Output::computed(alias, sql, Kind::Int, &column)
                    }
                    None => Output::column(alias, &column),
                },
            };
            if attribute.aggregate.is_none() {
                groups.push(output.sql.clone());
                groups.extend(output.told().map(str::to_owned));
            }
            outputs.push(output);
        }
    }
    match outputs.is_empty() {
        true => Err(Fault::invalid_argument(
            "An aggregate query needs an attribute that is aggregated or grouped by.",
        )),
        false => Ok((outputs, groups)),
    }
}

/// What is counted for each row: those directly below it in the hierarchy of its table.
pub(crate) fn of_row<'c>(
    name: String,
    function: &str,
    column: &SqlColumn<'c>,
) -> Result<Output<'c>> {
    let table = column.table;
    let is_key = column.place == table.primary_id_place();
    let Some(parent) = table
        .parent()
        .filter(|_| is_key && function == "CountChildren")
    else {
        return Err(Fault::invalid_argument(format!(
            "rowaggregate='{function}' on '{}.{}': only CountChildren is known, on the primary key \
             of a table with a hierarchical relationship.",
            table.logical_name, column.logical_name
        )));
    };
    let sql = format!(
        "(SELECT count(*) FROM {} c WHERE c.{} = {})",
        quoted(&table.logical_name),
        quoted(&parent.logical_name),
        column.sql
    );
    Ok(Output::computed(name, sql, Kind::Int, column))
}

fn function(name: &str, attribute: &Attribute) -> Result<Function> {
    Ok(match name {
        "count" => Function::Count,
        "countcolumn" if attribute.is_distinct => Function::CountDistinct,
        "countcolumn" => Function::CountColumn,
        "sum" => Function::Sum,
        "avg" => Function::Average,
        "min" => Function::Min,
        "max" => Function::Max,
        other => {
            return Err(Fault::invalid_argument(format!(
                "'{other}' is not an aggregate function."
            )));
        }
    })
}

/// A part of a date as a number.
fn date_part(part: &str, column: &SqlColumn<'_>) -> Result<String> {
    if !matches!(column.kind, Kind::Date | Kind::DateTime) {
        return Err(Fault::invalid_argument(format!(
            "'{}' is not a date column: it has no dategrouping.",
            column.logical_name
        )));
    }
    let sql = &column.sql;
    let number = |format: &str| format!("CAST(strftime('{format}', {sql}) AS INTEGER)");
    Ok(match part {
        "day" => number("%d"),
        "month" => number("%m"),
        // The fiscal year is the calendar year, and its periods are quarters.
        "quarter" | "fiscal-period" => format!("({} + 2) / 3", number("%m")),
        "year" | "fiscal-year" => number("%Y"),
        // The week of the first of January is the first one; weeks begin on Sunday.
        "week" => format!(
            "({} - 1 + CAST(strftime('%w', {sql}, 'start of year') AS INTEGER)) / 7 + 1",
            number("%j")
        ),
        other => {
            return Err(Fault::invalid_argument(format!(
                "'{other}' is not a dategrouping."
            )));
        }
    })
}
