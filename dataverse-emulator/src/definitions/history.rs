//! Which definitions requests changed, one change behind the other: what a client that keeps
//! definitions asks for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::custom::{tables_of, text};
use super::known::{hash, id};
use super::{Custom, Members};
use crate::fault::{Fault, Result};
use crate::store::Store;

/// Where the changes are stored: one row for each, the first one for the document itself.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS \"@history\" (
    revision INTEGER PRIMARY KEY, stamp INTEGER NOT NULL, json TEXT NOT NULL)";

/// What a definition is of; also the name of those that are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum What {
    Table,
    Column,
    Relationship,
    Choice,
    Key,
}

impl What {
    /// The member of `DeletedMetadataFilters`, and its bit; keys have none.
    pub(super) const DELETED: [(What, &str, u8); 4] = [
        (What::Table, "Default", 1),
        (What::Column, "Attribute", 2),
        (What::Relationship, "Relationship", 4),
        (What::Choice, "OptionSet", 16),
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Done {
    Created,
    Changed,
    Deleted,
}

/// What happened to one definition.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    what: What,
    done: Done,
    id: String,
    /// Logical names of the tables that it belongs to.
    tables: Vec<String>,
}

/// What is different since a version.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Tables that changed, or hold what did.
    pub(super) tables: BTreeMap<String, ChangedTable>,
    /// Ids of definitions that are gone.
    pub(super) deleted: BTreeMap<What, BTreeSet<String>>,
}

#[derive(Debug, Default)]
pub(super) struct ChangedTable {
    /// Whether the table was made: all of it is new.
    pub(super) is_new: bool,
    pub(super) is_changed: bool,
    /// Ids of its columns, relationships and keys.
    pub(super) parts: BTreeSet<String>,
}

/// The version of the definitions now. `base` is that of the document.
pub(super) fn current(store: &Store, base: u64) -> Result<u64> {
    let stamps = stamps(store, base)?;
    Ok(stamps.last().copied().unwrap_or(base))
}

/// What is different since a version; None if the version is not known.
pub(super) fn since(store: &Store, base: u64, stamp: u64) -> Result<Option<Since>> {
    let mut stamps = stamps(store, base)?;
    if stamps.is_empty() {
        stamps.push(base);
    }
    let Some(revision) = stamps.iter().position(|known| *known == stamp) else {
        return Ok(None);
    };
    let mut found = Since::default();
    if stamps.len() == revision + 1 {
        return Ok(Some(found));
    }
    let sql = "SELECT json FROM \"@history\" WHERE revision > ? ORDER BY revision";
    let mut statement = store.connection.prepare(sql)?;
    let revision = i64::try_from(revision).map_err(Fault::internal)?;
    let rows = statement.query_map([revision], |row| row.get::<_, String>(0))?;
    for json in rows {
        let entries: Vec<Entry> = serde_json::from_str(&json?).map_err(Fault::internal)?;
        for entry in entries {
            found.add(entry);
        }
    }
    Ok(Some(found))
}

impl Since {
    fn add(&mut self, entry: Entry) {
        let is_deleted = entry.done == Done::Deleted;
        let deleted = self.deleted.entry(entry.what).or_default();
        match is_deleted {
            true => deleted.insert(entry.id.clone()),
            false => deleted.remove(&entry.id),
        };
        for name in entry.tables {
            if entry.what == What::Table && is_deleted {
                self.tables.remove(&name);
                continue;
            }
            let table = self.tables.entry(name).or_default();
            match (entry.what, is_deleted) {
                (What::Table, _) => {
                    table.is_new |= entry.done == Done::Created;
                    table.is_changed = true;
                }
                (_, true) => drop(table.parts.remove(&entry.id)),
                (_, false) => drop(table.parts.insert(entry.id.clone())),
            }
        }
    }
}

/// Notes what a change does.
pub(crate) fn note(store: &Store, base: u64, old: &Custom, new: &Custom) -> Result<()> {
    let entries = differences(old, new);
    if entries.is_empty() {
        return Ok(());
    }
    let mut known = stamps(store, base)?;
    store.connection.execute_batch(SCHEMA)?;
    let insert = |revision: usize, stamp: u64, json: &str| -> Result<()> {
        let revision = i64::try_from(revision).map_err(Fault::internal)?;
        let sql = "INSERT INTO \"@history\" VALUES (?, ?, ?)";
        let mut statement = store.connection.prepare_cached(sql)?;
        statement.execute((revision, stamp.cast_signed(), json))?;
        Ok(())
    };
    if known.is_empty() {
        // What was noted of another document says nothing of this one.
        store.connection.execute_batch("DELETE FROM \"@history\"")?;
        insert(0, base, "[]")?;
        known.push(base);
    }
    let json = serde_json::to_string(&entries).map_err(Fault::internal)?;
    // Of all that came before, so that two orgs that part ways do not share versions.
    let whole = serde_json::to_string(new).map_err(Fault::internal)?;
    let before = known.last().copied().unwrap_or(base);
    insert(known.len(), hash(before, whole.as_bytes()), &json)
}

/// The versions so far, the first one of the document; none if nothing is noted of this document.
fn stamps(store: &Store, base: u64) -> Result<Vec<u64>> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '@history')";
    let exists: bool = store.connection.query_row(sql, [], |row| row.get(0))?;
    if !exists {
        return Ok(Vec::new());
    }
    let sql = "SELECT stamp FROM \"@history\" ORDER BY revision";
    let mut statement = store.connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, i64>(0))?;
    let stamps: Vec<u64> = rows
        .map(|stamp| Ok(stamp?.cast_unsigned()))
        .collect::<rusqlite::Result<_>>()?;
    Ok(match stamps.first() {
        Some(first) if *first == base => stamps,
        _ => Vec::new(),
    })
}

/// A definition as requests wrote it.
struct One<'c> {
    members: &'c Members,
    /// Whether the document has it, too.
    is_of_document: bool,
    tables: Vec<String>,
    /// What its id is made of if it has none.
    key: String,
}

fn all(custom: &Custom) -> BTreeMap<(What, String), One<'_>> {
    let mut all = BTreeMap::new();
    let mut add = |what: What, key: String, members, is_new: bool, tables: Vec<String>| {
        let one = One {
            members,
            is_of_document: !is_new,
            tables,
            key: key.clone(),
        };
        all.insert((what, key), one);
    };
    for (name, told) in &custom.tables {
        let tables = vec![name.clone()];
        add(
            What::Table,
            name.clone(),
            &told.members,
            told.is_new,
            tables,
        );
    }
    for (table, columns) in &custom.columns {
        for (name, told) in columns {
            let key = format!("{table}.{name}");
            let tables = vec![table.clone()];
            add(What::Column, key, &told.members, told.is_new, tables);
        }
    }
    for (id, told) in &custom.relationships {
        let tables = tables_of(&told.members);
        let tables = tables.into_iter().map(str::to_owned).collect();
        add(
            What::Relationship,
            id.clone(),
            &told.members,
            told.is_new,
            tables,
        );
    }
    for (table, keys) in &custom.keys {
        for (name, members) in keys {
            let key = format!("{table}/{name}");
            add(What::Key, key, members, true, vec![table.clone()]);
        }
    }
    for (name, members) in &custom.choices {
        add(What::Choice, name.clone(), members, true, Vec::new());
    }
    all
}

fn differences(old: &Custom, new: &Custom) -> Vec<Entry> {
    let (before, after) = (all(old), all(new));
    let mut entries = Vec::new();
    let mut choices = BTreeSet::new();
    let mut add = |what: What, done: Done, one: &One<'_>| {
        let own = text(one.members, "MetadataId").map(str::to_owned);
        entries.push(Entry {
            what,
            done,
            id: own.unwrap_or_else(|| id(&one.key)),
            tables: one.tables.clone(),
        });
    };
    for ((what, key), one) in &after {
        let done = match before.get(&(*what, key.clone())) {
            None if one.is_of_document => Done::Changed,
            None => Done::Created,
            Some(known) if known.members != one.members => Done::Changed,
            Some(_) => continue,
        };
        if *what == What::Choice {
            choices.insert(key.as_str());
        }
        add(*what, done, one);
    }
    for ((what, key), one) in &before {
        if !after.contains_key(&(*what, key.clone())) {
            let done = match one.is_of_document {
                true => Done::Changed,
                false => Done::Deleted,
            };
            add(*what, done, one);
        }
    }
    // A global choice is told with the columns that have it.
    for ((what, _), one) in &after {
        let choice = one.members.get("GlobalOptionSet");
        let name = choice.and_then(|choice| choice.get("Name").and_then(Value::as_str));
        if *what == What::Column && name.is_some_and(|name| choices.contains(name)) {
            add(*what, Done::Changed, one);
        }
    }
    entries
}
