//! The Rust name of every item, given in one pass before anything is written.
//!
//! What lies in one namespace is named together: tables, stubs, operations and choices are all
//! re-exported by `mod.rs`; types of the API share `types.rs`; the targets of lookups live in the
//! file of their table, or share `lookups.rs`. A name that `names.lock` holds is never given to
//! anything else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap as HashMap;

use super::{targets, types};
use crate::lock::NameLock;
use crate::model::{Choice, Column, LookupTarget, Operation, Table};
use crate::naming::{self, NameOptions, Taken};
use crate::parallel;
use crate::select::Selection;

/// What each item is called.
pub(super) struct Names<'m> {
    /// Structs of tables and stubs, by logical name.
    types: HashMap<&'m str, TypeName>,
    modules: HashMap<&'m str, String>,
    /// Fields and constants by table.
    columns: HashMap<&'m str, ColumnNames<'m>>,
    /// By place in the selection.
    operations: Vec<String>,
    /// Complex types and enum types that are used, sorted.
    pub(super) complex_types: BTreeMap<&'m str, String>,
    pub(super) enum_types: BTreeMap<&'m str, String>,
    /// Choices that are used, by key.
    pub(super) choices: BTreeMap<&'m str, ChoiceName<'m>>,
    /// Types of targets by table and column.
    targets: HashMap<&'m str, HashMap<&'m str, String>>,
    /// What is in `lookups.rs`, sorted by name.
    pub(super) shared: BTreeMap<String, &'m [LookupTarget]>,
    /// How a file names the client.
    pub(super) client: String,
    /// The numbers of columns and members as text, from 0 to the highest.
    pub(super) ordinals: Vec<String>,
    /// All names that must stay.
    pub(super) lock: NameLock,
}

/// A table in Rust.
struct TypeName {
    name: String,
    has_struct: bool,
}

/// The columns of a table in Rust, by ordinal.
struct ColumnNames<'m> {
    names: Vec<ColumnName<'m>>,
    /// Whether the compiler takes all fields for snake case.
    is_snake: bool,
}

/// A column in Rust.
pub(super) struct ColumnName<'m> {
    pub(super) field: Cow<'m, str>,
    pub(super) constant: String,
}

/// A choice in Rust.
pub(super) struct ChoiceName<'m> {
    pub(super) choice: &'m Choice,
    /// The table it is of, if it is of one only.
    pub(super) table: Option<&'m str>,
    pub(super) name: String,
    /// Variants by place of the option.
    pub(super) options: Vec<String>,
}

impl<'m> Names<'m> {
    pub(super) fn of(selection: &Selection<'m>) -> Self {
        let mut giver = Giver {
            options: selection.names,
            lock: selection.lock.clone(),
        };
        let mut names = Names {
            types: HashMap::default(),
            modules: HashMap::default(),
            columns: HashMap::default(),
            operations: Vec::new(),
            complex_types: BTreeMap::new(),
            enum_types: BTreeMap::new(),
            choices: BTreeMap::new(),
            targets: HashMap::default(),
            shared: BTreeMap::new(),
            client: format!("use {}::codegen as dv;", selection.client_path),
            ordinals: ordinals(selection),
            lock: NameLock::default(),
        };
        names.name_root(selection, &mut giver);
        names.name_types(selection, &mut giver);
        let columns = parallel::map(&selection.tables, |table| {
            let mut giver = giver.of_columns(&table.logical_name);
            let names = names_of_columns(table, &mut giver);
            let is_snake = names.iter().all(|name| naming::is_snake(&name.field));
            (ColumnNames { names, is_snake }, giver.lock)
        });
        for (table, (columns, lock)) in selection.tables.iter().zip(columns) {
            names.columns.insert(&table.logical_name, columns);
            giver.lock.extend(lock);
        }
        names.name_targets(selection);
        names.lock = giver.lock;
        names
    }

    /// Tables go before operations, and those before choices: a table keeps its name whatever else
    /// is generated.
    fn name_root(&mut self, selection: &Selection<'m>, giver: &mut Giver<'_>) {
        let mut all: Vec<&Table> = selection.tables.clone();
        all.extend(&selection.stubs);
        all.sort_by_cached_key(|table| {
            let name = table.logical_name.as_str();
            (giver.without_prefix(name).is_some(), name)
        });
        let mut items = giver.taken(&["table ", "operation ", "choice "]);
        let mut modules = giver.taken(&["module "]);
        for table in all {
            let name = table.logical_name.as_str();
            let schema_name = table.schema_name.as_deref();
            let default = match schema_name.and_then(|schema| giver.without_prefix(schema)) {
                Some(stripped) => naming::item_name(stripped),
                None => match (giver.without_prefix(name), schema_name) {
                    (Some(stripped), _) => naming::type_name(stripped),
                    (None, Some(schema_name)) => naming::item_name(schema_name),
                    (None, None) => naming::type_name(name),
                },
            };
            let given = giver.give(&mut items, format!("table {name}"), default);
            let has_struct = selection.has_struct(name);
            let given = TypeName {
                name: given,
                has_struct,
            };
            self.types.insert(name, given);
            if has_struct {
                let stripped = giver.without_prefix(name).unwrap_or(name);
                let default = naming::module_name(stripped);
                let plain = naming::module_name(name);
                let what = format!("module {name}");
                let module = giver.give_unless(&mut modules, what, default, &plain);
                self.modules.insert(name, module);
            }
        }
        self.name_operations(selection, giver, &mut items);
        self.name_choices(selection, giver, &mut items);
    }

    /// Bound operations lie in the module of what they are bound to, and are named there.
    fn name_operations(
        &mut self,
        selection: &Selection<'m>,
        giver: &mut Giver<'_>,
        items: &mut Taken,
    ) {
        let mut modules: HashMap<&str, Taken> = HashMap::default();
        let keys: Vec<String> = selection.operations.iter().map(|o| key(o)).collect();
        let mut count: HashMap<&str, usize> = HashMap::default();
        for key in &keys {
            *count.entry(key).or_default() += 1;
        }
        for (operation, key) in selection.operations.iter().zip(&keys) {
            // Parameters tell the overloads of one binding apart.
            let parameters = match count.get(key.as_str()) {
                Some(1) => String::new(),
                _ => {
                    let names = operation.parameters.iter().map(|p| p.name.as_str());
                    format!("({})", names.collect::<Vec<_>>().join(","))
                }
            };
            let kind = match operation.binding {
                Some(_) => "bound",
                None => "operation",
            };
            let what = format!("{kind} {key}{parameters}");
            let taken = match super::operations::binding_name(operation) {
                Some(module) => modules.entry(module).or_insert_with(|| {
                    giver.taken(&[&format!("bound {module}."), &format!("bound {module}[].")])
                }),
                None => &mut *items,
            };
            let default = naming::item_name(&operation.name);
            self.operations.push(giver.give(taken, what, default));
        }
    }

    fn name_choices(
        &mut self,
        selection: &Selection<'m>,
        giver: &mut Giver<'_>,
        items: &mut Taken,
    ) {
        for (table, column, key, choice) in selection.choices() {
            if self.choices.contains_key(key) {
                continue;
            }
            let default = if choice.is_global {
                let name = giver.without_prefix(&choice.name).unwrap_or(&choice.name);
                naming::item_name(name)
            } else {
                let column_name = column.definition.schema_name.as_deref();
                let column_name = column_name.unwrap_or(&column.logical_name);
                let column_name = giver.without_prefix(column_name).unwrap_or(column_name);
                let (of_table, of_column) = (
                    self.type_of(&table.logical_name),
                    naming::pascal(column_name),
                );
                // `AccountCategoryCode`, not `AccountAccountCategoryCode`.
                match of_column.starts_with(of_table) {
                    true => of_column,
                    false => format!("{of_table}{of_column}"),
                }
            };
            let name = giver.give(items, format!("choice {key}"), default);
            let options = names_of_options(key, choice, giver);
            let named = ChoiceName {
                choice,
                table: (!choice.is_global).then_some(table.logical_name.as_str()),
                name,
                options,
            };
            self.choices.insert(key, named);
        }
    }

    fn name_types(&mut self, selection: &Selection<'m>, giver: &mut Giver<'_>) {
        let used = types::used(selection);
        let mut taken = giver.taken(&["complex ", "enum "]);
        for name in used.complex_types {
            let given = giver.give(
                &mut taken,
                format!("complex {name}"),
                naming::item_name(name),
            );
            self.complex_types.insert(name, given);
        }
        for name in used.enum_types {
            let given = giver.give(&mut taken, format!("enum {name}"), naming::item_name(name));
            self.enum_types.insert(name, given);
        }
    }

    fn name_targets(&mut self, selection: &Selection<'m>) {
        let type_name = |column: &str| format!("{}Target", naming::pascal(column));
        let mut shared = BTreeMap::new();
        let mut own: HashMap<&str, HashMap<&str, String>> = HashMap::default();
        for table in &selection.tables {
            let table_name = table.logical_name.as_str();
            let mut taken = None;
            for column in &table.columns {
                let column_name = column.logical_name.as_str();
                if let Some(group) = targets::group(column) {
                    let columns = shared.entry(group.key).or_insert((group.targets, vec![]));
                    columns.1.push((table_name, column_name));
                } else if targets::has_type(column) {
                    let taken = taken.get_or_insert_with(|| {
                        let mut taken = Taken::default();
                        taken.reserve(self.type_of(table_name));
                        taken
                    });
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
        let found = self.types.get(table);
        found.map_or("Self", |found| &found.name)
    }

    /// The type of a table or stub, and whether it is a table's struct.
    pub(super) fn type_and_struct(&self, table: &str) -> Option<(&str, bool)> {
        let found = self.types.get(table)?;
        Some((&found.name, found.has_struct))
    }

    pub(super) fn module_of(&self, table: &str) -> &str {
        self.modules.get(table).map_or("", String::as_str)
    }

    /// Names of the columns of a table that has a struct, by ordinal.
    pub(super) fn columns_of(&self, table: &Table) -> &[ColumnName<'m>] {
        let found = self.columns.get(table.logical_name.as_str());
        found.map_or(&[], |columns| &columns.names)
    }

    /// Whether the compiler takes all fields of a table for snake case.
    pub(super) fn has_snake_fields(&self, table: &Table) -> bool {
        let found = self.columns.get(table.logical_name.as_str());
        found.is_none_or(|columns| columns.is_snake)
    }

    /// The request of the operation at `place` in the selection.
    pub(super) fn operation(&self, place: usize) -> &str {
        self.operations.get(place).map_or("Self", String::as_str)
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
        let choices = self.choices.values();
        let types = self.types.values().map(|given| &given.name);
        types
            .chain(&self.operations)
            .chain(self.complex_types.values())
            .chain(self.enum_types.values())
            .chain(self.targets.values().flat_map(HashMap::values))
            .chain(choices.flat_map(|choice| std::iter::once(&choice.name).chain(&choice.options)))
            .any(|name| name.trim_matches('_').contains('_'))
    }
}

/// What tells an operation from its overloads.
fn key(operation: &Operation) -> String {
    match &operation.binding {
        None => operation.name.clone(),
        Some(binding) => {
            let item = super::operations::item_name(&binding.item);
            let many = if binding.is_collection { "[]" } else { "" };
            format!("{item}{many}.{}", operation.name)
        }
    }
}

fn names_of_columns<'m>(table: &'m Table, giver: &mut Giver<'_>) -> Vec<ColumnName<'m>> {
    // Nearly all tables: nobody has named a column otherwise, and nothing is in the way.
    let is_plain = |column: &Column| naming::is_plain_field(&column.logical_name);
    if giver.is_idle()
        && giver.options.strip_prefixes.is_empty()
        && table.columns.iter().all(is_plain)
        && table
            .columns
            .is_sorted_by(|a, b| a.logical_name < b.logical_name)
    {
        let names = table.columns.iter().map(|column| ColumnName {
            field: Cow::Borrowed(column.logical_name.as_str()),
            constant: column.logical_name.to_ascii_uppercase(),
        });
        return names.collect();
    }
    let table_name = table.logical_name.as_str();
    let mut fields = giver.taken(&[&format!("column {table_name}.")]);
    let mut constants = Taken::default();
    let mut order: Vec<usize> = (0..table.columns.len()).collect();
    let stripped = |giver: &Giver<'_>, column: &Column| {
        let name = giver.without_prefix(&column.logical_name)?;
        Some(name.to_owned())
    };
    // Columns that keep their names go before those that lose a prefix.
    order.sort_by_key(|at| stripped(giver, &table.columns[*at]).is_some());
    let mut names: Vec<(usize, ColumnName<'m>)> = Vec::with_capacity(order.len());
    for at in order {
        let column = &table.columns[at];
        let logical_name = column.logical_name.as_str();
        let plain = naming::identifier(logical_name);
        let short = stripped(giver, column);
        let what = format!("column {table_name}.{logical_name}");
        let default = short.as_deref().map(naming::identifier);
        let default = default.unwrap_or_else(|| plain.clone());
        let is_renamed = giver.is_named(&what) || short.is_some();
        let field = giver.give_unless(&mut fields, what, default, &plain);
        let constant = if is_renamed { &field } else { logical_name };
        let constant = constants.give(naming::constant_name(constant));
        let field = Cow::Owned(field);
        names.push((at, ColumnName { field, constant }));
    }
    names.sort_unstable_by_key(|(at, _)| *at);
    names.into_iter().map(|(_, name)| name).collect()
}

/// Numbers of as many columns as a table, and members as a complex type, has at most.
fn ordinals(selection: &Selection<'_>) -> Vec<String> {
    let tables = selection.tables.iter().map(|table| table.columns.len());
    let complex_types = selection.model.complex_types.values();
    let members = complex_types.map(|complex| complex.members.len());
    let most = tables.chain(members).max().unwrap_or_default();
    (0..most).map(|ordinal| ordinal.to_string()).collect()
}

/// Labels as variants; where two are alike, or say nothing, the value tells them apart.
fn names_of_options(key: &str, choice: &Choice, giver: &mut Giver<'_>) -> Vec<String> {
    let labels: Vec<Option<String>> = choice
        .options
        .iter()
        .map(|option| option.label.as_deref().and_then(naming::variant))
        .collect();
    let mut count: HashMap<&str, usize> = HashMap::default();
    for label in labels.iter().flatten() {
        *count.entry(label).or_default() += 1;
    }
    let mut taken = giver.taken(&[&format!("option {key}.")]);
    taken.give("Unknown".to_owned());
    let mut names = Vec::new();
    for (option, label) in choice.options.iter().zip(&labels) {
        let number = option.value.to_string().replace('-', "m");
        let default = match label {
            Some(label) if count.get(label.as_str()) == Some(&1) && label != "Unknown" => {
                label.clone()
            }
            Some(label) => format!("{label}_{number}"),
            None => format!("Option{number}"),
        };
        let what = format!("option {key}.{}", option.value);
        names.push(giver.give(&mut taken, what, default));
    }
    names
}

/// Gives names, renamed ones and locked ones as they are.
struct Giver<'o> {
    options: &'o NameOptions,
    lock: NameLock,
}

impl Giver<'_> {
    /// The names that the lock holds for a namespace.
    fn taken(&self, kinds: &[&str]) -> Taken {
        let mut taken = Taken::default();
        for (what, name) in self.lock.iter() {
            if kinds.iter().any(|kind| what.starts_with(kind)) {
                taken.reserve(name);
            }
        }
        taken
    }

    /// The same for the columns of one table.
    fn of_columns(&self, table: &str) -> Self {
        Giver {
            options: self.options,
            lock: self.lock.starting_with(&format!("column {table}.")),
        }
    }

    /// Whether a rename or the lock names it.
    fn is_named(&self, what: &str) -> bool {
        self.options.renames.contains_key(what) || self.lock.get(what).is_some()
    }

    /// Whether nothing is renamed or locked.
    fn is_idle(&self) -> bool {
        self.options.renames.is_empty() && self.lock.is_empty()
    }

    /// The name of `what`, which stays from now on.
    fn give(&mut self, taken: &mut Taken, what: String, default: String) -> String {
        let name = self.choose(taken, &what, default);
        self.lock.set(what, &name);
        name
    }

    /// The same, but a name that is the `plain` one needs no keeping.
    fn give_unless(
        &mut self,
        taken: &mut Taken,
        what: String,
        default: String,
        plain: &str,
    ) -> String {
        let name = self.choose(taken, &what, default);
        if name != plain || self.lock.get(&what).is_some() {
            self.lock.set(what, &name);
        }
        name
    }

    fn choose(&self, taken: &mut Taken, what: &str, default: String) -> String {
        let locked = self.lock.get(what);
        let renamed = self.options.renames.get(what);
        match (renamed, locked) {
            (Some(renamed), locked) => {
                let renamed = naming::identifier(renamed);
                match locked {
                    Some(locked) if locked == renamed => renamed,
                    _ => taken.give(renamed),
                }
            }
            (None, Some(locked)) => locked.to_owned(),
            (None, None) => taken.give(default),
        }
    }

    /// The name without a publisher's prefix; None if it has none that is to be left out.
    fn without_prefix<'n>(&self, name: &'n str) -> Option<&'n str> {
        let mut prefixes = self.options.strip_prefixes.iter();
        prefixes
            .find_map(|prefix| name.strip_prefix(prefix.as_str()))
            .filter(|rest| !rest.is_empty())
    }
}
