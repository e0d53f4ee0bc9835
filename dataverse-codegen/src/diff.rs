//! What changed between two documents.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Access, Choice, Column, ColumnType, Model, Operation, Table};

/// A change, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// `account.fax: removed`.
    pub text: String,
    /// Whether code that was generated from the old document and used may not compile, or may not
    /// work, with what is generated from the new one.
    pub is_breaking: bool,
}

/// What changed from `old` to `new`, sorted by name.
pub fn diff(old: &Model, new: &Model) -> Vec<Difference> {
    let mut report = Report::default();
    let usable = |model: &'_ Model| -> BTreeMap<String, Table> {
        let tables = model.tables.iter();
        let usable = tables.filter(|(_, t)| t.entity_set.is_some() && t.primary_id.is_some());
        usable
            .map(|(name, table)| (name.clone(), table.clone()))
            .collect()
    };
    let (old_tables, new_tables) = (usable(old), usable(new));
    report.pairs("", &old_tables, &new_tables, table);
    report.pairs("choice ", &old.choices, &new.choices, choice);
    report.pairs("operation ", &operations(old), &operations(new), operation);
    report.0
}

#[derive(Default)]
struct Report(Vec<Difference>);

impl Report {
    fn add(&mut self, is_breaking: bool, text: String) {
        self.0.push(Difference { text, is_breaking });
    }

    /// What is in one only, and what differs in both.
    fn pairs<T>(
        &mut self,
        kind: &str,
        old: &BTreeMap<String, T>,
        new: &BTreeMap<String, T>,
        compare: fn(&mut Self, &str, &T, &T),
    ) {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let place = format!("{kind}{name}");
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => compare(self, &place, old, new),
                (Some(_), None) => self.add(true, format!("{place}: removed")),
                (None, _) => self.add(false, format!("{place}: added")),
            }
        }
    }
}

fn table(report: &mut Report, place: &str, old: &Table, new: &Table) {
    for (what, old, new) in [
        ("entity set", &old.entity_set, &new.entity_set),
        ("primary key", &old.primary_id, &new.primary_id),
    ] {
        if old != new {
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            let text = format!("{place}: {what} was `{}`, is `{}`", name(old), name(new));
            report.add(true, text);
        }
    }
    let columns = |table: &Table| -> BTreeMap<String, Column> {
        let columns = table.columns.iter();
        columns
            .map(|column| (column.logical_name.clone(), column.clone()))
            .collect()
    };
    report.pairs(&format!("{place}."), &columns(old), &columns(new), column);
    let navigations = |table: &Table| -> BTreeMap<String, (String, bool)> {
        let navigations = table.navigations.iter();
        navigations
            .map(|n| (n.name.clone(), (n.target.clone(), n.is_collection)))
            .collect()
    };
    let compare = |report: &mut Report, place: &str, old: &(String, bool), new: &(String, bool)| {
        if old != new {
            report.add(
                true,
                format!("{place}: led to `{}`, leads to `{}`", old.0, new.0),
            );
        }
    };
    let (old_navigations, new_navigations) = (navigations(old), navigations(new));
    report.pairs(
        &format!("{place} navigation "),
        &old_navigations,
        &new_navigations,
        compare,
    );
    let keys = |table: &Table| -> BTreeMap<String, ()> {
        let keys = table.alternate_keys.iter();
        keys.map(|key| (key.columns.join(","), ())).collect()
    };
    report.pairs(
        &format!("{place} key "),
        &keys(old),
        &keys(new),
        |_, _, (), ()| {},
    );
}

fn column(report: &mut Report, place: &str, old: &Column, new: &Column) {
    if let (ColumnType::Lookup(old), ColumnType::Lookup(new)) = (&old.column_type, &new.column_type)
    {
        let bindings = |targets: &[crate::model::LookupTarget]| -> BTreeMap<String, String> {
            let targets = targets.iter();
            targets
                .map(|target| (target.table.clone(), target.navigation.clone()))
                .collect()
        };
        // From one table to several, and back, its type is another.
        if (old.len() == 1) != (new.len() == 1) {
            let text = format!(
                "{place}: pointed at {} tables, points at {}",
                old.len(),
                new.len()
            );
            report.add(true, text);
        }
        let compare = |report: &mut Report, place: &str, old: &String, new: &String| {
            if old != new {
                report.add(
                    true,
                    format!("{place}: bound through `{old}`, is through `{new}`"),
                );
            }
        };
        report.pairs(
            &format!("{place} -> "),
            &bindings(old),
            &bindings(new),
            compare,
        );
    } else if old.column_type != new.column_type {
        let text = format!(
            "{place}: held {}, holds {}",
            type_name(&old.column_type),
            type_name(&new.column_type)
        );
        report.add(true, text);
    }
    if old.access != new.access {
        let is_wider = new.access == Access::ReadWrite || old.access == Access::ReadOnly;
        let text = format!(
            "{place}: was {}, is {}",
            access_name(old.access),
            access_name(new.access)
        );
        report.add(!is_wider, text);
    }
}

fn type_name(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::Lookup(targets) => format!("a lookup of {} tables", targets.len()),
        ColumnType::Choice(key) => format!("choice `{key}`"),
        ColumnType::Choices(key) => format!("choices `{key}`"),
        ColumnType::Structured(type_ref) => {
            format!("`{}`", crate::emit::item_name(&type_ref.item))
        }
        ColumnType::Other(name) => format!("`{name}`"),
        plain => format!("{plain:?}").to_lowercase(),
    }
}

fn access_name(access: Access) -> &'static str {
    match access {
        Access::ReadWrite => "writable",
        Access::ReadOnly => "read-only",
        Access::CreateOnly => "written only by a create",
        Access::UpdateOnly => "written only by an update",
    }
}

fn choice(report: &mut Report, place: &str, old: &Choice, new: &Choice) {
    let options = |choice: &Choice| -> BTreeMap<String, Option<String>> {
        let options = choice.options.iter();
        options
            .map(|option| (option.value.to_string(), option.label.clone()))
            .collect()
    };
    let compare = |report: &mut Report, place: &str, old: &Option<String>, new: &Option<String>| {
        if old != new {
            let label = |label: &Option<String>| label.clone().unwrap_or_default();
            // The lock keeps the name.
            let text = format!("{place}: label was `{}`, is `{}`", label(old), label(new));
            report.add(false, text);
        }
    };
    report.pairs(
        &format!("{place} option "),
        &options(old),
        &options(new),
        compare,
    );
}

fn operations(model: &Model) -> BTreeMap<String, Operation> {
    let callable = model
        .operations
        .iter()
        .filter(|operation| operation.is_callable);
    let named = callable.map(|operation| {
        let binding = operation.binding.as_ref();
        let on = binding.map(|binding| format!("{}.", crate::emit::item_name(&binding.item)));
        let key = format!("{}{}", on.unwrap_or_default(), operation.name);
        (key, operation.clone())
    });
    named.collect()
}

fn operation(report: &mut Report, place: &str, old: &Operation, new: &Operation) {
    if old.parameters != new.parameters {
        report.add(true, format!("{place}: other parameters"));
    }
    if old.returns != new.returns {
        report.add(true, format!("{place}: another result"));
    }
    if old.kind != new.kind {
        report.add(
            true,
            format!("{place}: was {:?}, is {:?}", old.kind, new.kind),
        );
    }
}
