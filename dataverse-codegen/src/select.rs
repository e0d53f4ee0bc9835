//! What is generated: the tables and operations that were asked for, and stubs for what they point
//! at. Nothing else is drawn in, however much is related.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::error::Error;
use crate::glob;
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
    /// Logical names of tables, or patterns with `*` and `?`; empty for all that have an entity set.
    pub tables: Vec<String>,
    /// Names or patterns of tables that are left out, whatever else is said.
    pub exclude_tables: Vec<String>,
    /// How many steps along lookups tables are drawn in; with 0 they are stubs.
    pub depth: usize,
    /// Columns of tables: of a table that a pattern names, only those. The primary key and columns
    /// of alternate keys always stay.
    pub columns: Vec<ColumnPattern>,
    /// Columns that are left out, whatever else is said but for primary and alternate keys.
    pub exclude_columns: Vec<ColumnPattern>,
    /// Names or patterns of actions and functions, `all` for all, `bound` for those that are
    /// called on the tables; none if empty; None for `WhoAmI`, `WinOpportunity` and `Merge`, as
    /// far as the document has them. Overloads come together.
    pub operations: Option<Vec<String>>,
    /// Parameters that may be left out although the document says otherwise: `Merge.UpdateContent`.
    pub optional_parameters: Vec<String>,
    /// Leaves out the constants of navigation properties.
    pub no_navigations: bool,
    /// Leaves choices as numbers.
    pub no_choices: bool,
    /// A pattern that fits nothing is an error.
    pub strict: bool,
    /// How much the comments say.
    pub docs: Docs,
    /// Where the generated code finds the client: `crate::sdk`; `dataverse_client` if None.
    pub client_path: Option<String>,
    /// The first line of each file says the version of the generator.
    pub version_header: bool,
    /// What files there are.
    pub layout: Layout,
    /// How things are called.
    pub names: NameOptions,
    /// Names that were chosen before, and stay.
    pub lock: NameLock,
}

/// Columns of tables: `account:name`, `*:*_base`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPattern {
    /// Name or pattern of tables.
    pub table: String,
    /// Logical name or pattern of columns.
    pub column: String,
}

/// How much the comments say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Docs {
    /// Names, kinds, labels and descriptions.
    #[default]
    Full,
    /// No descriptions.
    Short,
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
    pub(crate) client_path: &'m str,
    pub(crate) has_version: bool,
    pub(crate) layout: &'m Layout,
    pub(crate) names: &'m NameOptions,
    pub(crate) lock: &'m NameLock,
}

/// The path to the client, if it is one.
fn client_path(options: &Options) -> Result<&str, Error> {
    let path = options.client_path.as_deref().unwrap_or("dataverse_client");
    let is_word = |word: &str| {
        matches!(word, "crate" | "self" | "super") || crate::naming::identifier(word) == word
    };
    match path
        .strip_prefix("::")
        .unwrap_or(path)
        .split("::")
        .all(is_word)
    {
        true => Ok(path),
        false => Err(Error::Selection(vec![format!(
            "`{path}` is no path to the client; write `crate::sdk` or `my_sdk`"
        )])),
    }
}

impl<'m> Selection<'m> {
    /// Finds what `options` name. Gives sentences about patterns that fit nothing, too.
    ///
    /// `whole` is the model before [`narrowed`].
    pub(crate) fn new(
        whole: &Model,
        model: &'m Model,
        options: &'m Options,
    ) -> Result<(Self, Vec<String>), Error> {
        let mut report = Report::default();
        unknown_columns(whole, options, &mut report);
        let tables = tables(model, options, &mut report);
        let operations = operations(model, options, &tables, &mut report);
        let warnings = report.finish(options.strict)?;
        let stubs = stubs(model, &tables, &operations);
        let selection = Selection {
            model,
            tables,
            stubs,
            operations,
            client_path: client_path(options)?,
            has_version: options.version_header,
            layout: &options.layout,
            names: &options.names,
            lock: &options.lock,
        };
        Ok((selection, warnings))
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

/// What was wrong with what was asked for.
#[derive(Default)]
struct Report {
    mistakes: Vec<String>,
    /// Patterns that fit nothing.
    idle: Vec<String>,
}

impl Report {
    fn finish(mut self, is_strict: bool) -> Result<Vec<String>, Error> {
        if is_strict {
            self.mistakes.append(&mut self.idle);
        }
        match self.mistakes.is_empty() {
            true => Ok(self.idle),
            false => Err(Error::Selection(self.mistakes)),
        }
    }
}

fn trimmed(names: &[String]) -> BTreeSet<&str> {
    names.iter().map(|name| name.trim()).collect()
}

fn tables<'m>(model: &'m Model, options: &Options, report: &mut Report) -> Vec<&'m Table> {
    let usable = || model.tables.values().filter(|table| is_usable(table));
    let mut found: BTreeSet<&str> = BTreeSet::new();
    if options.tables.is_empty() {
        found.extend(usable().map(|table| table.logical_name.as_str()));
        // To go on would remove what an earlier run has written.
        if found.is_empty() {
            let mistake = "the document declares no table with an entity set and a key";
            report.mistakes.push(mistake.to_owned());
        }
    }
    for name in trimmed(&options.tables) {
        if name.is_empty() {
            report
                .mistakes
                .push("the name of a table is empty".to_owned());
        } else if glob::is_glob(name) {
            let fitting = usable().filter(|table| glob::matches(name, &table.logical_name));
            let fitting: Vec<_> = fitting.map(|table| table.logical_name.as_str()).collect();
            if fitting.is_empty() {
                report.idle.push(format!("no table fits `{name}`"));
            }
            found.extend(fitting);
        } else {
            match model.tables.get(name) {
                Some(table) if is_usable(table) => drop(found.insert(&table.logical_name)),
                Some(_) => report.mistakes.push(format!(
                    "`{name}` has no rows of its own: the document declares no entity set or no \
                     key for it"
                )),
                None => report.mistakes.push(unknown_table(model, name)),
            }
        }
    }
    for _ in 0..options.depth {
        let tables = found.iter().filter_map(|name| model.tables.get(*name));
        let targets: Vec<&str> = lookup_targets(tables).collect();
        found.extend(targets);
    }
    for name in trimmed(&options.exclude_tables) {
        let before = found.len();
        found.retain(|table| !glob::matches(name, table));
        if before == found.len() && !glob::is_glob(name) && !model.tables.contains_key(name) {
            report.mistakes.push(unknown_table(model, name));
        }
    }
    if found.is_empty() && report.mistakes.is_empty() {
        let mistake = "no table is left: see the names and patterns of tables";
        report.mistakes.push(mistake.to_owned());
    }
    let tables = found.into_iter().filter_map(|name| model.tables.get(name));
    tables.filter(|table| is_usable(table)).collect()
}

/// Tables that lookups point at, but for those that may point at very many.
fn lookup_targets<'m>(tables: impl Iterator<Item = &'m Table>) -> impl Iterator<Item = &'m str> {
    tables
        .flat_map(|table| &table.columns)
        .filter_map(|column| match &column.column_type {
            ColumnType::Lookup(targets) if targets.len() <= MAX_ENUM_TARGETS => Some(targets),
            _ => None,
        })
        .flatten()
        .map(|target| target.table.as_str())
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
    options: &Options,
    tables: &[&'m Table],
    report: &mut Report,
) -> Vec<&'m Operation> {
    let callable = || model.operations.iter().filter(|o| o.is_callable);
    let Some(wanted) = &options.operations else {
        let is_default =
            |o: &&Operation| o.binding.is_none() && DEFAULT_OPERATIONS.contains(&o.name.as_str());
        return callable().filter(is_default).collect();
    };
    let wanted: BTreeSet<&str> = trimmed(wanted)
        .into_iter()
        .filter(|n| !n.is_empty())
        .collect();
    let is_keyword = |name: &str| name == "all" || name == "bound";
    for name in wanted.iter().filter(|name| !is_keyword(name)) {
        if callable().any(|operation| glob::matches(name, &operation.name)) {
            continue;
        }
        let is_declared = model.operations.iter().any(|o| o.name == *name);
        if glob::is_glob(name) {
            report
                .idle
                .push(format!("no action or function fits `{name}`"));
        } else if is_declared {
            report.mistakes.push(format!(
                "`{name}` is a function of `$filter`; it cannot be called"
            ));
        } else {
            let names = callable().map(|operation| operation.name.as_str());
            report
                .mistakes
                .push(format!("no operation `{name}`{}", near(name, names)));
        }
    }
    let is_bound_to_table = |operation: &Operation| match &operation.binding {
        Some(binding) => match &binding.item {
            ItemType::Row(table) => position(tables, table).is_some(),
            _ => false,
        },
        None => false,
    };
    // In the model's order, overloads together.
    let is_wanted = |operation: &&Operation| {
        wanted.contains("all")
            || (wanted.contains("bound") && is_bound_to_table(operation))
            || wanted
                .iter()
                .any(|name| !is_keyword(name) && glob::matches(name, &operation.name))
    };
    callable().filter(is_wanted).collect()
}

/// The model without what `options` leave out; the same if they leave out nothing.
pub(crate) fn narrowed<'m>(model: &'m Model, options: &Options) -> Cow<'m, Model> {
    let is_whole = options.columns.is_empty()
        && options.exclude_columns.is_empty()
        && options.optional_parameters.is_empty()
        && !options.no_navigations
        && !options.no_choices
        && options.docs == Docs::Full;
    if is_whole {
        return Cow::Borrowed(model);
    }
    let mut model = model.clone();
    if options.no_choices {
        model.choices.clear();
    }
    for operation in &mut model.operations {
        for parameter in &mut operation.parameters {
            let name = format!("{}.{}", operation.name, parameter.name);
            parameter.required &= !options.optional_parameters.contains(&name);
        }
    }
    for table in model.tables.values_mut() {
        if options.no_navigations {
            table.navigations.clear();
        }
        if options.docs == Docs::Short {
            table.description = None;
        }
        let keys = table.alternate_keys.iter().flat_map(|key| &key.columns);
        let keys: BTreeSet<String> = keys.cloned().collect();
        let name = table.logical_name.clone();
        let of_table = |patterns: &[ColumnPattern]| -> Vec<String> {
            let patterns = patterns.iter();
            let fitting = patterns.filter(|pattern| glob::matches(&pattern.table, &name));
            fitting.map(|pattern| pattern.column.clone()).collect()
        };
        let (wanted, excluded) = (
            of_table(&options.columns),
            of_table(&options.exclude_columns),
        );
        let fits = |patterns: &[String], column: &str| {
            patterns
                .iter()
                .any(|pattern| glob::matches(pattern, column))
        };
        table.columns.retain_mut(|column| {
            if options.docs == Docs::Short {
                column.description = None;
            }
            let is_key =
                column.column_type == ColumnType::PrimaryId || keys.contains(&column.wire_name);
            let is_wanted = wanted.is_empty() || fits(&wanted, &column.logical_name);
            is_key || (is_wanted && !fits(&excluded, &column.logical_name))
        });
    }
    Cow::Owned(model)
}

/// Looks for columns that are asked for and not there.
fn unknown_columns(model: &Model, options: &Options, report: &mut Report) {
    for pattern in options.columns.iter().chain(&options.exclude_columns) {
        let ColumnPattern { table, column } = pattern;
        let tables = model.tables.values();
        let mut tables = tables.filter(|t| glob::matches(table, &t.logical_name));
        let has = |table: &Table| {
            let mut columns = table.columns.iter();
            columns.any(|known| glob::matches(column, &known.logical_name))
        };
        let Some(first) = tables.next() else {
            let mistake = format!("columns of `{table}`: no such table");
            report.mistakes.push(mistake);
            continue;
        };
        if has(first) || tables.any(has) {
            continue;
        }
        if glob::is_glob(column) || glob::is_glob(table) {
            report
                .idle
                .push(format!("no column of `{table}` fits `{column}`"));
        } else {
            let names = first.columns.iter().map(|c| c.logical_name.as_str());
            let near = near(column, names);
            let mistake = format!("`{table}` has no column `{column}`{near}");
            report.mistakes.push(mistake);
        }
    }
}

fn stubs<'m>(
    model: &'m Model,
    tables: &[&'m Table],
    operations: &[&'m Operation],
) -> Vec<&'m Table> {
    // Many lookups point at few tables.
    let mut names: FxHashSet<&str> = lookup_targets(tables.iter().copied()).collect();
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
    let names: BTreeSet<&str> = names.into_iter().collect();
    names
        .into_iter()
        .filter(|name| position(tables, name).is_none())
        .filter_map(|name| model.tables.get(name))
        .filter(|table| is_usable(table))
        .collect()
}

/// `; near: …` with up to five names like `name`, or nothing.
pub(crate) fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
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
