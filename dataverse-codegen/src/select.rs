//! What is generated: the tables and operations that were asked for, and stubs for what they point
//! at. Nothing else is drawn in, however much is related.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::lock::NameLock;
use crate::model::{ColumnType, ItemType, Model, Operation, Table};
use crate::naming::NameOptions;

/// Lookups of more tables than this become a plain reference instead of an enum.
pub(crate) const MAX_ENUM_TARGETS: usize = 16;

/// Operations that are generated when none are named, if the document has them.
const DEFAULT_OPERATIONS: &[&str] = &["Merge", "WhoAmI", "WinOpportunity"];

/// What to generate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Logical names of tables; empty for all that have an entity set.
    pub tables: Vec<String>,
    /// Names of actions and functions, `all` for all, none if empty; None for `WhoAmI`,
    /// `WinOpportunity` and `Merge`, as far as the document has them. Overloads come together.
    pub operations: Option<Vec<String>>,
    /// What files there are.
    pub layout: Layout,
    /// How things are called.
    pub names: NameOptions,
    /// Names that were chosen before, and stay.
    pub lock: NameLock,
}

/// What files there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// A file for each table, and `mod.rs`.
    #[default]
    Folder,
    /// One file, which can be included.
    SingleFile,
    /// A crate with a feature for each table.
    Crate {
        /// The name of the crate.
        name: String,
        /// The dependency on `dataverse-client`, in TOML: `"0.1"` or `{ path = "…" }`.
        client: String,
    },
}

/// What was asked for, all sorted by name.
#[derive(Debug)]
pub(crate) struct Selection<'m> {
    pub(crate) model: &'m Model,
    pub(crate) tables: Vec<&'m Table>,
    pub(crate) stubs: Vec<&'m Table>,
    pub(crate) operations: Vec<&'m Operation>,
    pub(crate) layout: &'m Layout,
    pub(crate) names: &'m NameOptions,
    pub(crate) lock: &'m NameLock,
}

impl<'m> Selection<'m> {
    /// Finds what `options` names.
    pub(crate) fn new(model: &'m Model, options: &'m Options) -> Result<Self, Error> {
        let tables = tables(model, &options.tables)?;
        let operations = operations(model, options.operations.as_deref())?;
        let stubs = stubs(model, &tables, &operations);
        Ok(Selection {
            model,
            tables,
            stubs,
            operations,
            layout: &options.layout,
            names: &options.names,
            lock: &options.lock,
        })
    }

    /// Whether the table has a struct of its own.
    pub(crate) fn has_struct(&self, table: &str) -> bool {
        position(&self.tables, table).is_some()
    }

    /// Whether the table has a type: a struct or a stub.
    pub(crate) fn has_type(&self, table: &str) -> bool {
        self.has_struct(table) || position(&self.stubs, table).is_some()
    }
}

fn position(tables: &[&Table], name: &str) -> Option<usize> {
    tables
        .binary_search_by(|table| table.logical_name.as_str().cmp(name))
        .ok()
}

/// Whether rows of the table can be named in a URL.
fn is_usable(table: &Table) -> bool {
    table.entity_set.is_some() && table.primary_id.is_some()
}

fn tables<'m>(model: &'m Model, wanted: &[String]) -> Result<Vec<&'m Table>, Error> {
    if wanted.is_empty() {
        let all: Vec<&Table> = model.tables.values().filter(|t| is_usable(t)).collect();
        // To go on would remove what an earlier run has written.
        return match all.is_empty() {
            true => Err(Error::Selection(vec![
                "the document declares no table with an entity set and a key".to_owned(),
            ])),
            false => Ok(all),
        };
    }
    let wanted: BTreeSet<&str> = wanted.iter().map(|name| name.trim()).collect();
    let mut found = Vec::new();
    let mut mistakes = Vec::new();
    for name in wanted {
        if name.is_empty() {
            mistakes.push("the name of a table is empty".to_owned());
            continue;
        }
        match model.tables.get(name) {
            Some(table) if is_usable(table) => found.push(table),
            Some(_) => mistakes.push(format!(
                "`{name}` has no rows of its own: the document declares no entity set or no key \
                 for it"
            )),
            None => mistakes.push(unknown_table(model, name)),
        }
    }
    if mistakes.is_empty() {
        Ok(found)
    } else {
        Err(Error::Selection(mistakes))
    }
}

fn unknown_table(model: &Model, name: &str) -> String {
    let by_set = model
        .tables
        .values()
        .find(|table| table.entity_set.as_deref() == Some(name));
    if let Some(table) = by_set {
        return format!(
            "`{name}` is an entity set; its table is `{}`",
            table.logical_name
        );
    }
    let names = model.tables.values().filter(|table| is_usable(table));
    let names = names.map(|table| table.logical_name.as_str());
    format!("no table `{name}`{}", near(name, names))
}

fn operations<'m>(
    model: &'m Model,
    wanted: Option<&[String]>,
) -> Result<Vec<&'m Operation>, Error> {
    let callable = || model.operations.iter().filter(|o| o.is_callable);
    let Some(wanted) = wanted else {
        let is_default =
            |o: &&Operation| o.binding.is_none() && DEFAULT_OPERATIONS.contains(&o.name.as_str());
        return Ok(callable().filter(is_default).collect());
    };
    let names = wanted.iter().map(|name| name.trim());
    let wanted: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    let mut mistakes = Vec::new();
    for &name in wanted.iter().filter(|name| **name != "all") {
        if callable().any(|operation| operation.name == name) {
            continue;
        }
        let is_declared = model.operations.iter().any(|o| o.name == name);
        mistakes.push(if is_declared {
            format!("`{name}` is a function of `$filter`; it cannot be called")
        } else {
            let names = callable().map(|operation| operation.name.as_str());
            format!("no operation `{name}`{}", near(name, names))
        });
    }
    if !mistakes.is_empty() {
        return Err(Error::Selection(mistakes));
    }
    // In the model's order, overloads together.
    let is_wanted = |o: &&Operation| wanted.contains("all") || wanted.contains(o.name.as_str());
    Ok(callable().filter(is_wanted).collect())
}

fn stubs<'m>(
    model: &'m Model,
    tables: &[&'m Table],
    operations: &[&'m Operation],
) -> Vec<&'m Table> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for column in tables.iter().flat_map(|table| &table.columns) {
        if let ColumnType::Lookup(targets) = &column.column_type
            && targets.len() <= MAX_ENUM_TARGETS
        {
            names.extend(targets.iter().map(|target| target.table.as_str()));
        }
    }
    for parameter in operations
        .iter()
        .flat_map(|operation| &operation.parameters)
    {
        if let ItemType::Row(table) = &parameter.type_ref.item {
            names.insert(table);
        }
    }
    for binding in operations.iter().filter_map(|o| o.binding.as_ref()) {
        if let ItemType::Row(table) = &binding.item {
            names.insert(table);
        }
    }
    names
        .into_iter()
        .filter(|name| position(tables, name).is_none())
        .filter_map(|name| model.tables.get(name))
        .filter(|table| is_usable(table))
        .collect()
}

/// `; near: …` with up to five names like `name`, or nothing.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let lower = name.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = names
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let distance = distance(&lower, &other);
            let holds = other.contains(&lower) || lower.contains(&other);
            (distance <= 1 + lower.len() / 4 || holds).then_some((distance, candidate))
        })
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    let near: Vec<_> = ranked
        .iter()
        .take(5)
        .map(|(_, candidate)| format!("`{candidate}`"))
        .collect();
    if near.is_empty() {
        String::new()
    } else {
        format!("; near: {}", near.join(", "))
    }
}

/// How many single-character edits lead from one to the other; a swap of neighbours counts as one.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous_char = None;
    for (row, left_char) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (index, &right_char) in right.iter().enumerate() {
            let replaced = last[index] + usize::from(left_char != right_char);
            let mut best = replaced.min(last[index + 1] + 1).min(current[index] + 1);
            let swapped =
                index > 0 && previous_char == Some(right_char) && right[index - 1] == left_char;
            if swapped {
                best = best.min(before_last[index - 1] + 1);
            }
            current.push(best);
        }
        previous_char = Some(left_char);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_closest_first() {
        let names = ["account", "accountleads", "contact", "acount_x", "team"];
        assert_eq!(
            near("acount", names.into_iter()),
            "; near: `account`, `acount_x`"
        );
        assert_eq!(near("contcat", names.into_iter()), "; near: `contact`");
        assert_eq!(near("zzz", names.into_iter()), "");
    }
}
