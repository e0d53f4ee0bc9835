//! Aggregates: sums and averages of decimals are exact, as those of SQL Server are.

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, Error, Result as SqlResult};

use crate::catalog::Kind;
use crate::fault::{Fault, Result};
use crate::names::SqlColumn;
use crate::service::Call;
use crate::value::parse_decimal;

/// Rows that an aggregate may be made of.
const MAX_ROWS: usize = 50_000;

/// Digits behind the point while adding.
const SCALE: usize = 10;

/// A function of many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Sum,
    Average,
    Min,
    Max,
    /// Of rows.
    Count,
    /// Of values that are not null.
    CountColumn,
    CountDistinct,
}

/// A function of a column as SQL, and what it gives.
pub(crate) fn sql(function: Function, column: &SqlColumn<'_>) -> Result<(String, Kind)> {
    let of = &column.sql;
    let kind = column.kind;
    let refused = || {
        Fault::invalid_argument(format!(
            "The attribute '{}' of type {kind:?} cannot be aggregated by {function:?}.",
            column.logical_name
        ))
    };
    Ok(match (function, kind) {
        (Function::Count, _) => ("count(*)".to_owned(), Kind::Int),
        (Function::CountColumn, _) => (format!("count({of})"), Kind::Int),
        (Function::CountDistinct, _) => (format!("count(DISTINCT {of})"), Kind::Int),
        (Function::Sum, Kind::Int | Kind::BigInt) => (format!("sum({of})"), Kind::BigInt),
        (Function::Sum, Kind::Double) => (format!("sum({of})"), Kind::Double),
        (Function::Sum, Kind::Decimal) => (format!("dv_sum({of})"), Kind::Decimal),
        // The average of whole numbers is a whole number.
        (Function::Average, Kind::Int | Kind::BigInt) => {
            (format!("sum({of}) / count({of})"), kind.clone())
        }
        (Function::Average, Kind::Double) => (format!("avg({of})"), Kind::Double),
        (Function::Average, Kind::Decimal) => (format!("dv_average({of})"), Kind::Decimal),
        (
            Function::Min | Function::Max,
            Kind::Int | Kind::BigInt | Kind::Double | Kind::Decimal | Kind::DateTime | Kind::Date,
        ) => {
            let name = if function == Function::Min {
                "min"
            } else {
                "max"
            };
            (format!("{name}({of})"), kind.clone())
        }
        _ => return Err(refused()),
    })
}

/// Refuses to aggregate more rows than the service or the request allows. `found` begins behind `FROM`.
pub(crate) fn check_rows(
    call: &Call<'_>,
    found: &str,
    values: &[crate::value::Stored],
    limit: Option<usize>,
) -> Result<()> {
    let limit = limit.map_or(MAX_ROWS, |limit| MAX_ROWS.min(limit));
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {found} LIMIT {})",
        limit + 1
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let count: i64 = statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
    match usize::try_from(count).unwrap_or(usize::MAX) > limit {
        true => Err(Fault::too_many_rows_to_aggregate()),
        false => Ok(()),
    }
}

/// Teaches SQLite the functions of decimals.
pub(crate) fn register(connection: &Connection) -> SqlResult<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let sum = |is_average| DecimalSum { is_average };
    connection.create_aggregate_function("dv_sum", 1, flags, sum(false))?;
    connection.create_aggregate_function("dv_average", 1, flags, sum(true))
}

struct DecimalSum {
    is_average: bool,
}

/// The sum so far, in units of the last digit, and how many values it has.
#[derive(Default)]
struct Total {
    sum: i128,
    count: i128,
}

impl Aggregate<Total, Option<String>> for DecimalSum {
    fn init(&self, _: &mut Context<'_>) -> SqlResult<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> SqlResult<()> {
        let Some(text) = context.get::<Option<String>>(0)? else {
            return Ok(());
        };
        let sum = scaled(&text).and_then(|value| total.sum.checked_add(value));
        total.sum =
            sum.ok_or_else(|| Error::UserFunctionError("the sum is out of range".into()))?;
        total.count += 1;
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> SqlResult<Option<String>> {
        Ok(total.filter(|total| total.count > 0).map(|total| {
            let sum = match self.is_average {
                true => total.sum / total.count / 10 * 10,
                false => total.sum,
            };
            digits(sum)
        }))
    }
}

fn scaled(text: &str) -> Option<i128> {
    let (is_negative, whole, fraction) = parse_decimal(text)?;
    let fraction = fraction.get(..SCALE).unwrap_or(fraction);
    let value: i128 = format!("0{whole}{fraction:0<SCALE$}").parse().ok()?;
    Some(if is_negative { -value } else { value })
}

fn digits(sum: i128) -> String {
    let sign = if sum < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", sum.unsigned_abs(), width = SCALE + 1);
    let (whole, fraction) = text.split_at(text.len() - SCALE);
    let fraction = match fraction.strip_suffix('0') {
        Some(shorter) => shorter,
        None => fraction,
    };

    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_added_exactly() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let one = |sql: &str| -> Option<String> {
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let values = "(SELECT '0.1' AS v UNION ALL SELECT '-0.30' UNION ALL SELECT '440000.2' \
            UNION ALL SELECT NULL)";
        assert_eq!(
            one(&format!("SELECT dv_sum(v) FROM {values}")).unwrap(),
            "440000.000000000"
        );
        assert_eq!(
            one(&format!("SELECT dv_average(v) FROM {values}")).unwrap(),
            "146666.666666666"
        );
        assert_eq!(one("SELECT dv_sum(NULL)"), None);
        assert_eq!(
            one("SELECT dv_sum('-0.0000000001')").unwrap(),
            "-0.0000000001"
        );
    }
}
