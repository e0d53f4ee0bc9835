//! What of a document was passed over: every org's holds some oddity, and none of them is worth
//! refusing the rest.

use rustc_hash::{FxBuildHasher, FxHashSet as HashSet};

use super::build::Names;
use crate::csdl::{Csdl, EntityType, Schema, Text};
use crate::parallel;

/// One sentence for each oddity, with the name it is about; sorted, no two alike.
pub(super) fn of(names: &Names<'_>, csdl: &Csdl<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    for schema in &csdl.schemas {
        repeated_types(schema, &mut warnings);
        let of_entities = parallel::map(&schema.entity_types, |entity| {
            let mut warnings = Vec::new();
            base(names, entity, &mut warnings);
            members(names, entity, &mut warnings);
            warnings
        });
        warnings.extend(of_entities.into_iter().flatten());
        for complex in &schema.complex_types {
            let properties = complex.properties.iter().map(|p| &p.name);
            for name in repeated(properties) {
                warnings.push(repeats("property", name, &complex.name));
            }
        }
        for set in schema.containers.iter().flat_map(|c| &c.sets) {
            if names.entity(&set.entity_type).is_none() {
                warnings.push(format!(
                    "entity set `{}` is passed over: its type `{}` is not declared",
                    set.name, set.entity_type
                ));
            }
        }
    }
    warnings.sort();
    warnings.dedup();
    warnings
}

fn repeated_types(schema: &Schema<'_>, warnings: &mut Vec<String>) {
    let entities = repeated(schema.entity_types.iter().map(|e| &e.name));
    let complexes = repeated(schema.complex_types.iter().map(|c| &c.name));
    let enums = repeated(schema.enum_types.iter().map(|e| &e.name));
    for (kind, names) in [
        ("entity", entities),
        ("complex", complexes),
        ("enum", enums),
    ] {
        warnings.extend(names.into_iter().map(|name| {
            format!("{kind} type `{name}` is declared more than once; the last declaration counts")
        }));
    }
}

fn base(names: &Names<'_>, entity: &EntityType<'_>, warnings: &mut Vec<String>) {
    let mut seen = HashSet::default();
    let mut current = entity;
    while let Some(base) = current.base_type.as_deref() {
        if !seen.insert(current.name.as_ref()) {
            // Told at those alone that are in the circle, not at those that lead into it.
            if current.name == entity.name {
                warnings.push(format!(
                    "entity type `{}` is its own base, by way of `{base}`: each column is taken \
                     once",
                    entity.name
                ));
            }
            return;
        }
        let Some(next) = names.entity(base) else {
            if std::ptr::eq(current, entity) {
                warnings.push(format!(
                    "base `{base}` of entity type `{}` is not declared: its columns are missing",
                    entity.name
                ));
            }
            return;
        };
        if seen.contains(next.name.as_ref()) && next.name != entity.name {
            return;
        }
        current = next;
    }
}

fn members(names: &Names<'_>, entity: &EntityType<'_>, warnings: &mut Vec<String>) {
    for name in repeated(entity.properties.iter().map(|p| &p.name)) {
        warnings.push(repeats("property", name, &entity.name));
    }
    for name in repeated(entity.navigations.iter().map(|n| &n.name)) {
        warnings.push(repeats("navigation property", name, &entity.name));
    }
    let Some(declared) = names.entities.get(entity.name.as_ref()) else {
        return;
    };
    let lineage = names.lineage(declared);
    let has = |name: &Text<'_>| {
        let mut properties = lineage.iter().flat_map(|entity| &entity.properties);
        properties.any(|property| property.name == *name)
    };
    for part in entity.key.iter().filter(|part| !has(part)) {
        warnings.push(format!(
            "the key of entity type `{}` names `{part}`, which is none of its properties",
            entity.name
        ));
    }
}

fn repeats(kind: &str, name: &str, of: &str) -> String {
    format!("{kind} `{name}` of `{of}` is declared more than once; the last declaration counts")
}

/// The names that come more than once.
fn repeated<'a>(names: impl ExactSizeIterator<Item = &'a Text<'a>>) -> Vec<&'a str> {
    let mut seen = HashSet::with_capacity_and_hasher(names.len(), FxBuildHasher);
    let names = names.map(AsRef::as_ref);
    names.filter(|name: &&str| !seen.insert(*name)).collect()
}
