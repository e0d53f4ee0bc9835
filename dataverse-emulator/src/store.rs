//! Rows in SQLite: a table for each table, made when it is first used.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::aggregate;
use crate::catalog::{Catalog, Column, Intersect, Kind, Table};
use crate::fault::Result;
use crate::full_text::Sought;
use crate::ledger::{Committed, CommittedChange};
use crate::like::Like;
use crate::security::{Access, Reader, Security};
use crate::text;
use crate::value::{Stored, compare_decimals};

/// Name of the column that holds a row's version.
pub(crate) const VERSION: &str = "@version";

/// From how many rows on a table has indexes for what is looked for and sorted by.
const MANY_ROWS: usize = 10_000;

/// How much of a file is mapped into memory, at most: what SQLite allows.
const MAPPED_BYTES: i64 = 0x7fff_0000;

/// How much memory SQLite takes for itself, at most.
const CACHE_KIB: i64 = 64 * 1024;

/// The rows of an org.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connection: Connection,
    /// Tables that are known to exist.
    made: RefCell<HashSet<String>>,
    /// Whether nothing was stored before.
    pub(crate) is_new: bool,
    /// Tables that are known to have many rows.
    large: RefCell<HashSet<String>>,
    /// What was written since it was last taken.
    written: RefCell<Vec<Committed>>,
    /// Keeps out of queries what a request may not read.
    reader: Option<Reader>,
}

impl Store {
    /// Rows in `file`, or in memory.
    pub(crate) fn open(file: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        connection.create_collation("dv_text", text::compare)?;
        connection.create_collation("dv_time", text::compare_times)?;
        connection.create_collation("dv_decimal", compare_decimals)?;
        connection.create_scalar_function(
            "dv_like",
            2,
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
            |context| {
                // A pattern that is the same for all rows is read once.
                let pattern =
                    context.get_or_create_aux(1, |pattern| pattern.as_str().map(Like::parse))?;
                let text = context.get_raw(0).as_str_or_null()?;
                Ok(text.is_some_and(|text| pattern.matches(text)))
            },
        )?;
        connection.create_scalar_function(
            "dv_has_words",
            2,
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
            |context| {
                let sought =
                    context.get_or_create_aux(1, |sought| sought.as_str().map(Sought::parse))?;
                let text = context.get_raw(0).as_str_or_null()?;
                Ok(text.is_some_and(|text| sought.is_in(text)))
            },
        )?;
        aggregate::register(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // Rows that an index finds lie anywhere: none is copied from the file's cache to be read.
        connection.pragma_update(None, "mmap_size", MAPPED_BYTES)?;
        // An index of many rows is sorted in memory.
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(256);
        let sql = "SELECT count(*) = 0 FROM sqlite_master";
        let is_new = connection.query_row(sql, [], |row| row.get(0))?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS \"@counter\" (version INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS \"@deleted\" (
                 name TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
                 PRIMARY KEY (name, id)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS \"@shared\" (
                 name TEXT NOT NULL, id TEXT NOT NULL, principal TEXT NOT NULL,
                 rights INTEGER NOT NULL, PRIMARY KEY (name, id, principal)) WITHOUT ROWID;
             INSERT INTO \"@counter\" SELECT 1000000 WHERE NOT EXISTS (SELECT 1 FROM \"@counter\");",
        )?;
        connection.execute_batch(crate::file::SCHEMA)?;
        connection.execute_batch(crate::auto_number::SCHEMA)?;
        Ok(Store {
            connection,
            made: RefCell::default(),
            large: RefCell::default(),
            written: RefCell::default(),
            reader: None,
            is_new,
        })
    }

    /// Looks for each table again: they may have changed.
    pub(crate) fn forget(&self) -> rusqlite::Result<()> {
        self.made.borrow_mut().clear();
        self.large.borrow_mut().clear();
        match &self.reader {
            Some(reader) => reader.forget(&self.connection),
            None => Ok(()),
        }
    }

    /// From here on queries read what a request may.
    pub(crate) fn secure(&mut self, security: &Arc<Security>) -> rusqlite::Result<()> {
        self.reader = Some(Reader::new(&self.connection, security.clone())?);
        Ok(())
    }

    /// Whose rows queries read; None for all.
    pub(crate) fn read_as(&self, access: Option<&Access>) {
        if let Some(reader) = &self.reader {
            reader.read_as(access.cloned());
        }
    }

    /// Notes what is done to a row; forgotten again if it is not kept.
    pub(crate) fn note(&self, change: CommittedChange, table: &Table, id: &str) {
        self.written.borrow_mut().push(Committed {
            change,
            table: table.logical_name.clone(),
            id: id.to_owned(),
        });
    }

    /// What was done to rows since this was last asked.
    pub(crate) fn take_written(&self) -> Vec<Committed> {
        self.written.take()
    }

    /// A version greater than every one before.
    pub(crate) fn next_version(&self) -> Result<i64> {
        let mut statement = self
            .connection
            .prepare_cached("UPDATE \"@counter\" SET version = version + 1 RETURNING version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The last version that was given.
    pub(crate) fn current_version(&self) -> Result<i64> {
        let sql = "SELECT version FROM \"@counter\"";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Makes the table if it is missing.
    pub(crate) fn make(&self, table: &Table) -> Result<()> {
        if self.made.borrow().contains(&table.logical_name) {
            return Ok(());
        }
        let name = base(&table.logical_name);
        let mut columns = vec![(VERSION.to_owned(), "INTEGER NOT NULL")];
        for column in &table.columns {
            let kind = match column.logical_name == table.primary_id {
                true => "TEXT PRIMARY KEY NOT NULL",
                false => declared(&column.kind),
            };
            columns.push((column.logical_name.clone(), kind));
            if is_polymorphic(column) {
                columns.push((target_name(column), "TEXT"));
            }
        }
        let existing = self.columns_of(&table.logical_name)?;
        let clause = |(column, kind): &(String, &str)| format!("{} {kind}", quoted(column));
        if existing.is_empty() {
            let columns: Vec<_> = columns.iter().map(clause).collect();
            let columns = columns.join(", ");
            self.connection
                .execute_batch(&format!("CREATE TABLE {name} ({columns})"))?;
        } else {
            // A file from an earlier run, whose document did not have them.
            for column in columns
                .iter()
                .filter(|(column, _)| !existing.contains(column))
            {
                let column = clause(column);
                self.connection
                    .execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {column}"))?;
            }
        }
        for key in &table.alternate_keys {
            let columns: Vec<_> = key.iter().map(|at| &table.columns[*at]).collect();
            self.index("key", table, &columns)?;
        }
        if let Some(reader) = &self.reader {
            let columns = columns.into_iter().map(|(column, _)| column);
            let all = existing.into_iter().chain(columns).collect();
            reader.shadow(&self.connection, table, &all)?;
        }
        self.made.borrow_mut().insert(table.logical_name.clone());
        Ok(())
    }

    /// Makes the table of a many-to-many relationship if it is missing.
    pub(crate) fn make_intersect(&self, catalog: &Catalog, intersect: &Intersect) -> Result<()> {
        if let Some(table) = catalog.by_name(&intersect.table) {
            return self.make(table);
        }
        if self.made.borrow().contains(&intersect.table) {
            return Ok(());
        }
        let name = quoted(&intersect.table);
        self.connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS {name} (one TEXT NOT NULL, two TEXT NOT NULL, \
             PRIMARY KEY (one, two)) WITHOUT ROWID"
        ))?;
        self.made.borrow_mut().insert(intersect.table.clone());
        Ok(())
    }

    /// Names of the columns that are stored; none if the table does not exist.
    fn columns_of(&self, table: &str) -> Result<HashSet<String>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT name FROM pragma_table_info(?, 'main')")?;
        let names = statement.query_map([table], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// Makes finding rows by these columns fast; rows without the first are not looked for.
    pub(crate) fn index(&self, purpose: &str, table: &Table, columns: &[&Column]) -> Result<()> {
        let names: Vec<_> = columns.iter().map(|column| &*column.logical_name).collect();
        let name = format!("{}@{purpose}@{}", table.logical_name, names.join(","));
        let names: Vec<_> = names.into_iter().map(quoted).collect();
        let Some(first) = names.first() else {
            return Ok(());
        };
        let sql = format!(
            "CREATE INDEX IF NOT EXISTS main.{} ON {} ({}) WHERE {first} IS NOT NULL",
            quoted(&name),
            quoted(&table.logical_name),
            names.join(", ")
        );
        self.connection.prepare_cached(&sql)?.execute([])?;
        Ok(())
    }

    /// Makes finding and sorting by the column at a place fast, where there are many rows; gives the
    /// name of the index.
    pub(crate) fn index_values(&self, table: &Table, place: usize) -> Result<Option<String>> {
        if table.is_intersect || !self.is_large(table)? {
            return Ok(None);
        }
        let name = table.stored(&table.columns[place]);
        if name == table.primary_id {
            // SQLite makes and names this one.
            return Ok(Some(format!("sqlite_autoindex_{}_1", table.logical_name)));
        }
        let index = format!("{}@values@{name}", table.logical_name);
        let sql = format!(
            "CREATE INDEX IF NOT EXISTS main.{} ON {} ({}, {})",
            quoted(&index),
            quoted(&table.logical_name),
            quoted(name),
            quoted(&table.primary_id)
        );
        self.connection.prepare_cached(&sql)?.execute([])?;
        Ok(Some(index))
    }

    /// Whether queries read views, which keep out what a request may not read.
    pub(crate) fn is_secured(&self) -> bool {
        self.reader.is_some()
    }

    /// How many rows a table has, and had.
    pub(crate) fn rows_at_most(&self, table: &Table) -> Result<f64> {
        let sql = format!("SELECT max(rowid) FROM {}", base(&table.logical_name));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let last: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(last.unwrap_or_default() as f64)
    }

    /// Whether reading all rows of a table takes long.
    pub(crate) fn is_large(&self, table: &Table) -> Result<bool> {
        let name = &table.logical_name;
        if self.large.borrow().contains(name) {
            return Ok(true);
        }
        self.make(table)?;
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} LIMIT 1 OFFSET {MANY_ROWS})",
            base(name)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let is_large = statement.query_row([], |row| row.get(0))?;
        if is_large {
            self.large.borrow_mut().insert(name.clone());
        }
        Ok(is_large)
    }

    /// The version of a row; None if there is no such row.
    pub(crate) fn version(&self, table: &Table, id: &str) -> Result<Option<i64>> {
        self.make(table)?;
        let sql = format!(
            "SELECT {} FROM {} WHERE {} = ?",
            quoted(VERSION),
            base(&table.logical_name),
            quoted(&table.primary_id)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }

    /// The id of the row in which these columns hold these values.
    pub(crate) fn find(&self, table: &Table, key: &[(&Column, Stored)]) -> Result<Option<String>> {
        self.make(table)?;
        let conditions: Vec<_> = key
            .iter()
            .map(|(column, _)| format!("{} = ?", quoted(&column.logical_name)))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            quoted(&table.primary_id),
            base(&table.logical_name),
            conditions.join(" AND ")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let values = params_from_iter(key.iter().map(|(_, value)| value));
        Ok(statement.query_row(values, |row| row.get(0)).optional()?)
    }

    /// The values of a row's columns; None if there is no such row.
    pub(crate) fn values(
        &self,
        table: &Table,
        id: &str,
        columns: &[usize],
    ) -> Result<Option<Vec<Stored>>> {
        self.make(table)?;
        let names: Vec<_> = columns
            .iter()
            .map(|at| quoted(&table.columns[*at].logical_name))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} = ?",
            names.join(", "),
            base(&table.logical_name),
            quoted(&table.primary_id)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let read = |row: &rusqlite::Row<'_>| {
            (0..columns.len())
                .map(|at| Ok(Stored::of_ref(row.get_ref(at)?)))
                .collect()
        };
        Ok(statement.query_row([id], read).optional()?)
    }

    /// Runs `work` so that all of it is kept, or nothing.
    pub(crate) fn atomically<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.connection.execute_batch("SAVEPOINT work")?;
        let noted = self.written.borrow().len();
        match work() {
            Ok(done) => {
                self.connection.execute_batch("RELEASE work")?;
                Ok(done)
            }
            Err(fault) => {
                self.connection
                    .execute_batch("ROLLBACK TO work; RELEASE work")?;
                // Tables that were made since are gone again.
                self.made.borrow_mut().clear();
                self.written.borrow_mut().truncate(noted);
                Err(fault)
            }
        }
    }
}

fn declared(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean | Kind::Int | Kind::BigInt => "INTEGER",
        Kind::Double => "REAL",
        Kind::Decimal => "TEXT COLLATE dv_decimal",
        Kind::DateTime => "TEXT COLLATE dv_time",
        Kind::Text => "TEXT COLLATE dv_text",
        _ => "TEXT",
    }
}

/// What is compared in another way than SQLite would.
pub(crate) fn collation(kind: &Kind) -> &'static str {
    match kind {
        Kind::Decimal => " COLLATE dv_decimal",
        Kind::DateTime => " COLLATE dv_time",
        Kind::Text => " COLLATE dv_text",
        _ => "",
    }
}

/// A table as SQL, where a view of what a request may read does not stand before it: for writes, and
/// for what the service reads for itself.
pub(crate) fn base(table: &str) -> String {
    format!("main.{}", quoted(table))
}

/// A name as SQL; names come from the document, which holds whatever it holds.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text as SQL, for names that come from the document.
pub(crate) fn text_sql(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a lookup may point at several tables, so that the table is stored, too.
pub(crate) fn is_polymorphic(column: &Column) -> bool {
    matches!(&column.kind, Kind::Lookup(targets) if targets.len() > 1)
}

/// The column that holds which table a lookup points at.
pub(crate) fn target_column(column: &Column) -> String {
    quoted(&target_name(column))
}

fn target_name(column: &Column) -> String {
    format!("{}@table", column.logical_name)
}
