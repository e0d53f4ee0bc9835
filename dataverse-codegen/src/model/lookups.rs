//! Lookup columns and the navigation properties they are bound through.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap as HashMap;

use super::build::Names;
use super::{Access, Column, ColumnType, LookupTarget, Navigation};
use crate::csdl::{EntityType, NavigationProperty, collection_item, lookup_name};

/// How sure it is that a navigation property belongs to a lookup column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sureness {
    /// Its name begins with the column's.
    Prefix,
    /// Its name is the column's, but for case.
    SameName,
    /// A referential constraint says so.
    Constraint,
}

/// The name of a lookup column, also in lower case.
struct Lookup {
    name: String,
    lower_case: String,
}

/// A navigation property that leads a column to a table.
struct Way<'a> {
    /// 0 for the base-most type: what a derived type declares goes before.
    depth: usize,
    sureness: Sureness,
    navigation: &'a str,
    through: Option<&'a str>,
}

/// Gives lookup columns their targets, and navigation properties their columns.
///
/// The document names the column only where both are declared by one type; activities inherit
/// their columns, so for them the name decides: the longest column name that the navigation
/// property's name is, or begins with before `_`, whatever the case.
pub(super) fn join(
    names: &Names<'_>,
    lineage: &[&EntityType<'_>],
    columns: &mut [Column],
    navigations: &mut [Navigation],
) {
    let lookups: Vec<Lookup> = columns
        .iter()
        .filter(|column| matches!(column.column_type, ColumnType::Lookup(_)))
        .map(|column| Lookup {
            name: column.logical_name.clone(),
            lower_case: column.logical_name.to_lowercase(),
        })
        .collect();
    let mut ways: HashMap<&str, BTreeMap<&str, Way<'_>>> = HashMap::default();
    for (depth, entity) in lineage.iter().rev().enumerate() {
        for navigation in &entity.navigations {
            if collection_item(&navigation.type_name).is_some() {
                continue;
            }
            let Some((column, sureness)) = column_of(navigation, &lookups)
                .or_else(|| column_of_twin(navigation, entity, lineage, navigations, &lookups))
            else {
                continue;
            };
            if let Some(at) = place(navigations, &navigation.name) {
                navigations[at].lookup = Some(column.to_owned());
            }
            for (table, through) in targets(names, &navigation.type_name) {
                let way = Way {
                    depth,
                    sureness,
                    navigation: &navigation.name,
                    through,
                };
                let tables = ways.entry(column).or_default();
                match tables.get(table) {
                    Some(known) if !way.goes_before(known) => {}
                    _ => drop(tables.insert(table, way)),
                }
            }
        }
    }
    for column in columns {
        if !matches!(column.column_type, ColumnType::Lookup(_)) {
            continue;
        }
        match ways.get(column.logical_name.as_str()) {
            Some(tables) => {
                let targets = tables.iter().map(|(table, way)| LookupTarget {
                    table: (*table).to_owned(),
                    navigation: way.navigation.to_owned(),
                    through: way.through.map(str::to_owned),
                });
                column.column_type = ColumnType::Lookup(targets.collect());
            }
            // Nothing to bind it through.
            None => {
                column.column_type = ColumnType::Guid;
                column.access = Access::ReadOnly;
            }
        }
    }
}

/// Where the navigation property stands: they are sorted.
fn place(navigations: &[Navigation], name: &str) -> Option<usize> {
    navigations
        .binary_search_by(|known| known.name.as_str().cmp(name))
        .ok()
}

impl Way<'_> {
    fn goes_before(&self, other: &Self) -> bool {
        let rank = |way: &Self| (way.depth, way.sureness);
        match rank(self).cmp(&rank(other)) {
            std::cmp::Ordering::Equal => self.navigation < other.navigation,
            order => order.is_gt(),
        }
    }
}

fn column_of<'l>(
    navigation: &NavigationProperty<'_>,
    lookups: &'l [Lookup],
) -> Option<(&'l str, Sureness)> {
    let find = |name: &str| lookups.iter().find(|lookup| lookup.lower_case == name);
    let exact = |name: &str| lookups.iter().find(|lookup| lookup.name == name);
    for (dependent, _) in &navigation.constraints {
        if let Some(lookup) = lookup_name(dependent).and_then(exact) {
            return Some((&lookup.name, Sureness::Constraint));
        }
    }
    if !navigation.constraints.is_empty() {
        // Tied to a column that is no lookup.
        return None;
    }
    let name = navigation.name.to_lowercase();
    if let Some(lookup) = find(&name) {
        return Some((&lookup.name, Sureness::SameName));
    }
    let begins = |lookup: &&Lookup| {
        name.strip_prefix(lookup.lower_case.as_str())
            .is_some_and(|rest| rest.starts_with('_'))
    };
    lookups
        .iter()
        .filter(begins)
        .max_by_key(|lookup| lookup.name.len())
        .map(|lookup| (lookup.name.as_str(), Sureness::Prefix))
}

/// The column of the navigation property that a base has for the same purpose: `sla_task_sla` of
/// `task` stands for `sla_activitypointer_sla` of `activitypointer`.
fn column_of_twin<'l>(
    navigation: &NavigationProperty<'_>,
    entity: &EntityType<'_>,
    lineage: &[&EntityType<'_>],
    navigations: &[Navigation],
    lookups: &'l [Lookup],
) -> Option<(&'l str, Sureness)> {
    if !navigation.constraints.is_empty() {
        return None;
    }
    lineage.iter().find_map(|base| {
        let twin = navigation.name.replace(entity.name.as_ref(), &base.name);
        if twin == navigation.name {
            return None;
        }
        let lookup = navigations[place(navigations, &twin)?].lookup.as_ref()?;
        let column = lookups.iter().find(|column| column.name == *lookup)?;
        Some((column.name.as_str(), Sureness::Prefix))
    })
}

/// The tables with rows that a navigation property leads to, and the abstract type it names.
fn targets<'a>(names: &Names<'a>, type_name: &'a str) -> Vec<(&'a str, Option<&'a str>)> {
    let Some(declared) = names.entity(type_name) else {
        return Vec::new();
    };
    let name = declared.name.as_ref();
    let tables = names.with_rows(declared);
    if tables.contains(&name) {
        return vec![(name, None)];
    }
    tables.iter().map(|table| (*table, Some(name))).collect()
}
