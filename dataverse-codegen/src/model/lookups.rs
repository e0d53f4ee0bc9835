//! Lookup columns and the navigation properties they are bound through.

use std::borrow::Cow;

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
struct Lookup<'c> {
    /// Its place among the columns.
    at: usize,
    name: &'c str,
    lower_case: Cow<'c, str>,
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
    let lookups = columns.iter().enumerate();
    let lookups = lookups.filter(|(_, column)| matches!(column.column_type, ColumnType::Lookup(_)));
    let lookups: Vec<Lookup<'_>> = lookups
        .map(|(at, column)| Lookup {
            at,
            name: &column.logical_name,
            lower_case: lower_case(&column.logical_name),
        })
        .collect();
    // By column and table.
    let mut ways: Vec<(usize, &str, Way<'_>)> = Vec::new();
    for (depth, entity) in lineage.iter().rev().enumerate() {
        for navigation in &entity.navigations {
            if collection_item(&navigation.type_name).is_some() {
                continue;
            }
            let Some((lookup, sureness)) = column_of(navigation, &lookups)
                .or_else(|| column_of_twin(navigation, entity, lineage, navigations, &lookups))
            else {
                continue;
            };
            if let Some(at) = place(navigations, &navigation.name) {
                navigations[at].lookup = Some(lookup.name.to_owned());
            }
            targets(names, &navigation.type_name, |table, through| {
                let way = Way {
                    depth,
                    sureness,
                    navigation: &navigation.name,
                    through,
                };
                ways.push((lookup.at, table, way));
            });
        }
    }
    let lookups: Vec<usize> = lookups.iter().map(|lookup| lookup.at).collect();
    ways.sort_by_key(|(at, table, _)| (*at, *table));
    let mut ways = ways.into_iter().peekable();
    for at in lookups {
        let mut targets: Vec<LookupTarget> = Vec::new();
        while let Some((_, table, mut way)) = ways.next_if(|(of, ..)| *of == at) {
            while let Some((.., other)) = ways.next_if(|(of, to, _)| (*of, *to) == (at, table)) {
                if other.goes_before(&way) {
                    way = other;
                }
            }
            targets.push(LookupTarget {
                table: table.to_owned(),
                navigation: way.navigation.to_owned(),
                through: way.through.map(str::to_owned),
            });
        }
        let column = &mut columns[at];
        if targets.is_empty() {
            // Nothing to bind it through.
            column.column_type = ColumnType::Guid;
            column.access = Access::ReadOnly;
        } else {
            column.column_type = ColumnType::Lookup(targets);
        }
    }
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.to_lowercase())
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

fn column_of<'l, 'c>(
    navigation: &NavigationProperty<'_>,
    lookups: &'l [Lookup<'c>],
) -> Option<(&'l Lookup<'c>, Sureness)> {
    let find = |name: &str| lookups.iter().find(|lookup| lookup.lower_case == name);
    for (dependent, _) in &navigation.constraints {
        if let Some(lookup) = lookup_name(dependent).and_then(|name| named(lookups, name)) {
            return Some((lookup, Sureness::Constraint));
        }
    }
    if !navigation.constraints.is_empty() {
        // Tied to a column that is no lookup.
        return None;
    }
    let name = lower_case(&navigation.name);
    if let Some(lookup) = find(&name) {
        return Some((lookup, Sureness::SameName));
    }
    let begins = |lookup: &&Lookup<'_>| {
        name.strip_prefix(&*lookup.lower_case)
            .is_some_and(|rest| rest.starts_with('_'))
    };
    lookups
        .iter()
        .filter(begins)
        .max_by_key(|lookup| lookup.name.len())
        .map(|lookup| (lookup, Sureness::Prefix))
}

/// The lookup of this name: they are sorted.
fn named<'l, 'c>(lookups: &'l [Lookup<'c>], name: &str) -> Option<&'l Lookup<'c>> {
    let at = lookups.binary_search_by(|lookup| lookup.name.cmp(name));
    lookups.get(at.ok()?)
}

/// The column of the navigation property that a base has for the same purpose: `sla_task_sla` of
/// `task` stands for `sla_activitypointer_sla` of `activitypointer`.
fn column_of_twin<'l, 'c>(
    navigation: &NavigationProperty<'_>,
    entity: &EntityType<'_>,
    lineage: &[&EntityType<'_>],
    navigations: &[Navigation],
    lookups: &'l [Lookup<'c>],
) -> Option<(&'l Lookup<'c>, Sureness)> {
    if !navigation.constraints.is_empty() {
        return None;
    }
    lineage.iter().find_map(|base| {
        let twin = navigation.name.replace(entity.name.as_ref(), &base.name);
        if twin == navigation.name {
            return None;
        }
        let lookup = navigations[place(navigations, &twin)?].lookup.as_ref()?;
        Some((named(lookups, lookup)?, Sureness::Prefix))
    })
}

/// The tables with rows that a navigation property leads to, and the abstract type it names.
fn targets<'a>(
    names: &Names<'a>,
    type_name: &'a str,
    mut add: impl FnMut(&'a str, Option<&'a str>),
) {
    let Some(declared) = names.entity(type_name) else {
        return;
    };
    let name = declared.name.as_ref();
    let tables = names.with_rows(declared);
    if tables.binary_search(&name).is_ok() {
        return add(name, None);
    }
    tables.iter().for_each(|table| add(table, Some(name)));
}
