//! The Rust name of every item, given in one pass before anything is written.
//!
//! What lies in one namespace is named together: tables, stubs, operations and answers are all
//! re-exported by `mod.rs`; the targets of lookups live in the file of their table, or share
//! `lookups.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{operations, targets};
use crate::model::{Column, LookupTarget, Table};
use crate::naming::{self, Taken};
use crate::select::Selection;

/// What each item is called.
pub(super) struct Names<'m> {
    /// Structs of tables and stubs, by logical name.
    types: HashMap<&'m str, String>,
    modules: HashMap<&'m str, String>,
    /// By name in the document: none of those that are generated is overloaded.
    operations: HashMap<&'m str, String>,
    /// Answers of operations by complex type, sorted.
    pub(super) answers: BTreeMap<&'m str, String>,
    /// Types of targets by table and column.
    targets: HashMap<&'m str, HashMap<&'m str, String>>,
    /// What is in `lookups.rs`, sorted by name.
    pub(super) shared: BTreeMap<String, &'m [LookupTarget]>,
}

impl<'m> Names<'m> {
    pub(super) fn of(selection: &Selection<'m>) -> Self {
        let mut names = Names {
            types: HashMap::new(),
            modules: HashMap::new(),
            operations: HashMap::new(),
            answers: BTreeMap::new(),
            targets: HashMap::new(),
            shared: BTreeMap::new(),
        };
        names.name_items(selection);
        names.name_targets(selection);
        names
    }

    /// Tables go before operations: a table keeps its name whatever else is generated.
    fn name_items(&mut self, selection: &Selection<'m>) {
        let mut all: Vec<&Table> = selection.tables.clone();
        all.extend(&selection.stubs);
        all.sort_by(|left, right| left.logical_name.cmp(&right.logical_name));
        let (mut items, mut modules) = (Taken::default(), Taken::default());
        for table in all {
            let name = table.logical_name.as_str();
            self.types.insert(name, items.give(naming::type_name(name)));
            if selection.has_struct(name) {
                let module = modules.give(naming::module_name(name));
                self.modules.insert(name, module);
            }
        }
        for operation in &selection.operations {
            let name = operation.name.as_str();
            self.operations
                .insert(name, items.give(naming::item_name(name)));
        }
        let answers: BTreeSet<&str> = selection
            .operations
            .iter()
            .filter_map(|operation| operations::complex_answer(selection, operation))
            .map(|complex| complex.name.as_str())
            .collect();
        for name in answers {
            self.answers
                .insert(name, items.give(naming::item_name(name)));
        }
    }

    fn name_targets(&mut self, selection: &Selection<'m>) {
        let type_name = |column: &str| format!("{}Target", naming::pascal(column));
        let mut shared = BTreeMap::new();
        let mut own: HashMap<&str, HashMap<&str, String>> = HashMap::new();
        for table in &selection.tables {
            let table_name = table.logical_name.as_str();
            let mut taken = Taken::default();
            taken.give(self.type_of(table_name).to_owned());
            for column in &table.columns {
                let column_name = column.logical_name.as_str();
                if let Some(group) = targets::group(column) {
                    let columns = shared.entry(group.key).or_insert((group.targets, vec![]));
                    columns.1.push((table_name, column_name));
                } else if targets::has_type(column) {
                    let name = taken.give(type_name(column_name));
                    own.entry(table_name).or_default().insert(column_name, name);
                }
            }
        }
        let mut taken = Taken::default();
        for ((navigation, _), (targets, columns)) in shared {
            let name = taken.give(type_name(navigation));
            for (table, column) in columns {
                let names = own.entry(table).or_default();
                names.insert(column, name.clone());
            }
            self.shared.insert(name, targets);
        }
        self.targets = own;
    }

    /// The struct of a table or stub.
    pub(super) fn type_of(&self, table: &str) -> &str {
        self.types.get(table).map_or("Self", String::as_str)
    }

    pub(super) fn module_of(&self, table: &str) -> &str {
        self.modules.get(table).map_or("", String::as_str)
    }

    /// The request of an operation.
    pub(super) fn operation(&self, name: &str) -> &str {
        self.operations.get(name).map_or("Self", String::as_str)
    }

    /// The type of a lookup's targets, without the path to it.
    pub(super) fn targets_of(&self, table: &Table, column: &Column) -> &str {
        let of_table = self.targets.get(table.logical_name.as_str());
        of_table
            .and_then(|names| names.get(column.logical_name.as_str()))
            .map_or("Self", String::as_str)
    }

    /// Whether the compiler would rather have another type name: a number stands after `_`.
    pub(super) fn has_odd_types(&self) -> bool {
        self.types
            .values()
            .chain(self.operations.values())
            .chain(self.answers.values())
            .chain(self.targets.values().flat_map(HashMap::values))
            .any(|name| name.trim_matches('_').contains('_'))
    }
}
