//! Rows and columns that a request may not read are left out of every query.
//!
//! Each table has a temporary view of its own name, which stands before the table wherever a
//! query names it. Writes, and what the service reads for itself, name the table through
//! [`base`](crate::store::base).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

use super::access::{Access, Belongs, Reach};
use super::config::{Right, Security};
use crate::catalog::Table;
use crate::store::{base, quoted, text_sql};

/// How many users a request can have: the one of the token, and the one it acts for.
const USERS: usize = 2;

/// Decides for the views.
#[derive(Debug)]
pub(crate) struct Reader {
    security: Arc<Security>,
    shared: Arc<Mutex<Shared>>,
}

/// What the functions in views know.
#[derive(Debug, Default)]
struct Shared {
    /// None for the emulator itself, which reads all.
    access: Option<Access>,
    /// Tables that have a view.
    tables: HashMap<String, Arc<Table>>,
    /// What the users of this request read, by table.
    reaches: HashMap<String, Vec<Arc<Reach>>>,
}

impl Reader {
    /// Adds the functions of views to a connection.
    pub(crate) fn new(connection: &Connection, security: Arc<Security>) -> rusqlite::Result<Self> {
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let add = |name: &str, arguments, decide: fn(&mut Shared, &Context<'_>) -> _| {
            let shared = shared.clone();
            connection.create_scalar_function(
                name,
                arguments,
                FunctionFlags::SQLITE_UTF8,
                move |context| {
                    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    decide(&mut shared, context)
                },
            )
        };
        add("dv_reads", 4, Shared::reads)?;
        add("dv_is_shared", 3, Shared::is_shared)?;
        add("dv_reads_column", 2, Shared::reads_column)?;
        Ok(Reader { security, shared })
    }

    /// From here on queries read what this request may.
    pub(crate) fn read_as(&self, access: Option<Access>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.access = access;
        shared.reaches.clear();
    }

    /// Puts a view before a table with these columns.
    pub(crate) fn shadow(
        &self,
        connection: &Connection,
        table: &Table,
        columns: &HashSet<String>,
    ) -> rusqlite::Result<()> {
        if table.is_intersect {
            return Ok(());
        }
        let name = &table.logical_name;
        {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let own = Arc::new(table.clone());
            shared.tables.insert(name.clone(), own);
            shared.reaches.clear();
        }
        let belongs = Belongs::of(table);
        let place = |column: Option<&str>| match column {
            Some(column) => format!("r.{}", quoted(column)),
            None => "NULL".to_owned(),
        };
        let (owner, unit) = (place(belongs.owner), place(belongs.unit));
        let (text, id) = (text_sql(name), quoted(&table.primary_id));
        let conditions: Vec<String> = (0..USERS)
            .map(|user| {
                format!(
                    "(dv_reads({user}, {text}, {owner}, {unit}) OR EXISTS (SELECT 1 FROM \
                     main.\"@shared\" s WHERE s.name = {text} AND s.id = r.{id} \
                     AND s.rights & {} <> 0 AND dv_is_shared({user}, {text}, s.principal)))",
                    Right::Read.bit()
                )
            })
            .collect();
        // A schema that changes has every statement prepared again: views stay if they can.
        let list = self.columns(table, columns);
        connection.execute_batch(&format!(
            "CREATE TEMP VIEW IF NOT EXISTS {} AS SELECT {list} FROM {} r WHERE {}",
            quoted(name),
            base(name),
            conditions.join(" AND ")
        ))
    }

    /// Takes all views away: tables may have changed.
    pub(crate) fn forget(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let drops = shared
            .tables
            .keys()
            .map(|name| format!("DROP VIEW IF EXISTS temp.{};", quoted(name)));
        let drops: String = drops.collect();
        shared.tables.clear();
        shared.reaches.clear();
        drop(shared);
        connection.execute_batch(&drops)
    }

    /// The columns of a view: a secured one is null where it may not be read.
    fn columns(&self, table: &Table, columns: &HashSet<String>) -> String {
        let Some(secured) = self.security.securedcolumns.get(&table.logical_name) else {
            return "r.*".to_owned();
        };
        // In one order, so that the same table always has the same view.
        let columns: BTreeSet<&String> = columns.iter().collect();
        let columns = columns.into_iter().map(|name| {
            let column = quoted(name);
            if !secured.contains(name) {
                return format!("r.{column}");
            }
            let kind = table.column_named(name).map(|(_, column)| &column.kind);
            let collation = kind.map_or("", crate::store::collation);
            format!(
                "CASE WHEN dv_reads_column({}, {}) THEN r.{column} END{collation} AS {column}",
                text_sql(&table.logical_name),
                text_sql(name)
            )
        });
        columns.collect::<Vec<_>>().join(", ")
    }
}

impl Shared {
    /// `dv_reads(user, table, owner, unit)`.
    fn reads(&mut self, context: &Context<'_>) -> rusqlite::Result<bool> {
        let Some(access) = &self.access else {
            return Ok(true);
        };
        let user = usize::try_from(context.get::<i64>(0)?).unwrap_or(USERS);
        let name = context.get_raw(1).as_str()?;
        let reaches = match self.reaches.get(name) {
            Some(reaches) => reaches,
            None => {
                let Some(table) = self.tables.get(name) else {
                    return Ok(false);
                };
                let holders = access.holders().iter();
                let reaches = holders.map(|holder| holder.reach(table, Right::Read));
                let reaches = reaches.collect();
                self.reaches.entry(name.to_owned()).or_insert(reaches)
            }
        };
        let owner = context.get_raw(2).as_str_or_null()?;
        let unit = context.get_raw(3).as_str_or_null()?;
        Ok(reaches
            .get(user)
            .is_none_or(|reach| reach.holds(owner, unit)))
    }

    /// `dv_is_shared(user, table, principal)`.
    fn is_shared(&mut self, context: &Context<'_>) -> rusqlite::Result<bool> {
        let user = usize::try_from(context.get::<i64>(0)?).unwrap_or(USERS);
        let table = self.tables.get(context.get_raw(1).as_str()?);
        let principal = context.get_raw(2).as_str()?;
        let holders = self.access.as_ref().map(Access::holders);
        let holder = holders.and_then(|holders| holders.get(user));
        let (Some(holder), Some(table)) = (holder, table) else {
            return Ok(false);
        };
        let is_held = holder.reach(table, Right::Read).is_held;
        Ok(is_held && holder.principals.iter().any(|id| id == principal))
    }

    /// `dv_reads_column(table, column)`.
    fn reads_column(&mut self, context: &Context<'_>) -> rusqlite::Result<bool> {
        let table = self.tables.get(context.get_raw(0).as_str()?);
        let column = context.get_raw(1).as_str()?;
        Ok(match (&self.access, table) {
            (None, _) => true,
            (Some(access), Some(table)) => access.reads_column(table, column),
            (Some(_), None) => false,
        })
    }
}
