//! How the rows of a large table are reached.
//!
//! SQLite knows neither how many rows a condition leaves nor that a page may be full long before all
//! rows were seen. So what narrows a query is counted, as far as it matters, and SQLite is told which
//! index to use.

use rusqlite::params_from_iter;

use crate::catalog::Table;
use crate::fault::Result;
use crate::filter::Condition;
use crate::names::SqlColumn;
use crate::order::Term;
use crate::store::{Store, quoted};

/// What it costs to go on in an index and to look whether a list has the row, where reading a row
/// costs 1.
const STEP: f64 = 0.15;
/// What it costs to make the list, for each row.
const LIST: f64 = 0.5;

/// A condition on columns of the table that is asked for.
#[derive(Debug, Clone)]
struct Bound {
    /// Places in the table.
    columns: Vec<usize>,
    condition: Condition,
}

/// Conditions that an index can answer, and that all rows of an answer satisfy: they are part of the
/// whole condition, which is checked as well.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds(Vec<Bound>);

impl Bounds {
    /// Adds a comparison of a column with values.
    pub(crate) fn add(&mut self, column: &SqlColumn<'_>, condition: &Condition) {
        if column.is_of_root() {
            self.push(Bound {
                columns: vec![column.place],
                condition: condition.clone(),
            });
        }
    }

    /// Adds what holds as well.
    pub(crate) fn extend(&mut self, others: Bounds) {
        for bound in others.0 {
            self.push(bound);
        }
    }

    /// What is known of rows that satisfy one of several conditions; nothing if there are none.
    pub(crate) fn either(mut alternatives: Vec<Bounds>) -> Bounds {
        if alternatives.len() < 2 {
            return alternatives.pop().unwrap_or_default();
        }
        let mut whole = Bound {
            columns: Vec::new(),
            condition: Condition::default(),
        };
        let mut sql = Vec::new();
        for alternative in alternatives {
            let Some(bound) = alternative.0.into_iter().next() else {
                return Bounds::default();
            };
            whole.columns.extend(bound.columns);
            whole.condition.values.extend(bound.condition.values);
            sql.push(bound.condition.sql);
        }
        whole.columns.sort_unstable();
        whole.columns.dedup();
        whole.condition.sql = format!("({})", sql.join(" OR "));
        Bounds(vec![whole])
    }

    /// Two ends of a range are one bound.
    fn push(&mut self, bound: Bound) {
        let mut known = self.0.iter_mut();
        let known = known.find(|known| bound.columns.len() == 1 && known.columns == bound.columns);
        match known {
            Some(known) => known.condition.and(bound.condition),
            None => self.0.push(bound),
        }
    }
}

/// What a query says of its way to the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    /// Behind the name of the table that is asked for.
    hint: String,
    /// Which rows to look at; empty for those that the hint leads to.
    pub(crate) condition: Condition,
}

impl Path {
    /// The way to the first rows of `table` in an order, so many of them; to all, if it is None.
    pub(crate) fn choose(
        store: &Store,
        table: &Table,
        bounds: &Bounds,
        order: Option<(&Term<'_>, usize)>,
    ) -> Result<Self> {
        let order = order.filter(|(term, _)| term.column.is_of_root());
        if table.is_intersect || !store.is_large(table)? {
            return Ok(Path::default());
        }
        if store.is_secured() {
            // Nothing can be said of a view: SQLite chooses among the indexes there are.
            let sorted_by = order.map(|(term, _)| &term.column.place);
            let places = bounds.0.iter().flat_map(|bound| &bound.columns);
            for place in places.chain(sorted_by) {
                store.index_values(table, *place)?;
            }
            return Ok(Path::default());
        }
        let all = store.rows_at_most(table)?;
        // A list of more than these gains nothing.
        let mut limit = match order {
            Some((_, rows)) => ((1.0 - STEP) * all * rows as f64 / LIST).sqrt().floor(),
            None => (all / 4.0).floor(),
        };
        let mut narrowest: Option<(f64, Condition)> = None;
        for bound in &bounds.0 {
            let found = Narrowed::new(store, table, bound)?;
            let count = found.count(store, limit)?;
            if count < limit {
                limit = count;
                narrowest = Some((count, found.rows()));
            }
        }
        let (count, condition) = narrowest.unwrap_or((f64::INFINITY, Condition::default()));
        let walks = order.is_some_and(|(_, rows)| {
            let rows = rows as f64;
            let steps = all * rows / count.max(1.0);
            LIST * count + STEP * steps + rows < count || count.is_infinite()
        });
        let mut hint = NO_OTHER_INDEX.to_owned();
        if let (Some((term, _)), true) = (order, walks)
            && let Some(index) = store.index_values(table, term.column.place)?
        {
            hint = along(&index);
        }
        Ok(Path { hint, condition })
    }

    /// The way if other tables may lead to the rows: told only where few rows are left.
    pub(crate) fn unless_others_lead(self, others: bool) -> Self {
        match others && self.condition.sql.is_empty() {
            true => Path::default(),
            false => self,
        }
    }

    /// `from`, which begins with the table, with the hint.
    pub(crate) fn from(&self, table: &Table, from: &str) -> String {
        let name = format!("{} t", quoted(&table.logical_name));
        match from.strip_prefix(&name) {
            Some(joined) => format!("{name}{}{joined}", self.hint),
            None => from.to_owned(),
        }
    }
}

/// Rows are still found by their place, and so by a condition on it.
const NO_OTHER_INDEX: &str = " NOT INDEXED";

fn along(index: &str) -> String {
    format!(" INDEXED BY {}", quoted(index))
}

/// Rows that a bound leaves, by an index.
struct Narrowed<'b> {
    from: String,
    condition: &'b Condition,
}

impl<'b> Narrowed<'b> {
    fn new(store: &Store, table: &Table, bound: &'b Bound) -> Result<Self> {
        let mut from = format!("{} t", quoted(&table.logical_name));
        let mut indexes = Vec::new();
        for place in &bound.columns {
            indexes.extend(store.index_values(table, *place)?);
        }
        if let [index] = &*indexes
            && bound.columns.len() == 1
        {
            from.push_str(&along(index));
        }
        Ok(Narrowed {
            from,
            condition: &bound.condition,
        })
    }

    /// How many there are, up to a limit.
    fn count(&self, store: &Store, limit: f64) -> Result<f64> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {})",
            self.from, self.condition.sql, limit as u64
        );
        let mut statement = store.connection.prepare(&sql)?;
        let values = params_from_iter(&self.condition.values);
        let count: i64 = statement.query_row(values, |row| row.get(0))?;
        Ok(count as f64)
    }

    fn rows(&self) -> Condition {
        Condition {
            sql: format!(
                "t.rowid IN (SELECT t.rowid FROM {} WHERE {})",
                self.from, self.condition.sql
            ),
            values: self.condition.values.clone(),
        }
    }
}
