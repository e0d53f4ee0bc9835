//! Where lookups of several tables may point: an enum for each, or a bare marker for very many.
//!
//! Lookups whose navigation property names an abstract type (`ownerid` to `principal`) are the same
//! in every table; those share one enum in `lookups.rs`.

use super::is_enum;
use super::layout::Text;
use super::names::Names;
use super::text::{literal, push_literal};
use crate::model::{Column, ColumnType, LookupTarget, Table};
use crate::naming::Taken;

/// Lookups that may point at the same tables, through one navigation property.
pub(super) struct Group<'m> {
    /// Name of the navigation property, and the abstract type it names.
    pub(super) key: (&'m str, &'m str),
    pub(super) targets: &'m [LookupTarget],
}

/// Whether the lookup's targets are a type of their own.
pub(super) fn has_type(column: &Column) -> bool {
    matches!(&column.column_type, ColumnType::Lookup(targets) if targets.len() > 1)
}

/// The group of a lookup whose targets stand in `lookups.rs`.
pub(super) fn group(column: &Column) -> Option<Group<'_>> {
    let ColumnType::Lookup(targets) = &column.column_type else {
        return None;
    };
    let first = targets.first()?;
    let is_like_first = |target: &LookupTarget| {
        target.through == first.through && target.navigation == first.navigation
    };
    let is_shared = has_type(column) && is_enum(targets.len()) && targets.iter().all(is_like_first);
    let through = first.through.as_deref()?;
    is_shared.then_some(Group {
        key: (&first.navigation, through),
        targets,
    })
}

/// `lookups.rs`.
pub(super) fn emit(out: &mut Text, names: &Names<'_>) {
    out.line(0, &names.client);
    for (name, targets) in &names.shared {
        let doc = format!(
            "Where lookups through `{}` may point.",
            targets[0].navigation
        );
        declaration(out, names, name, &doc, targets);
    }
}

/// The targets of one table's lookup.
pub(super) fn declare(out: &mut Text, names: &Names<'_>, table: &Table, column: &Column) {
    let ColumnType::Lookup(targets) = &column.column_type else {
        return;
    };
    let doc = format!(
        "Where `{}.{}` may point.",
        table.logical_name, column.logical_name
    );
    let name = names.targets_of(table, column);
    declaration(out, names, name, &doc, targets);
}

fn declaration(out: &mut Text, names: &Names<'_>, name: &str, doc: &str, targets: &[LookupTarget]) {
    out.blank();
    if is_enum(targets.len()) {
        let known: Vec<&LookupTarget> = targets
            .iter()
            .filter(|target| names.type_and_struct(&target.table).is_some())
            .collect();
        enumeration(out, names, name, doc, &known);
        list(out, names, &format!("enum {name}"), &known);
    } else {
        let known: Vec<&LookupTarget> = targets
            .iter()
            .filter(|target| matches!(names.type_and_struct(&target.table), Some((_, true))))
            .collect();
        out.doc(
            0,
            format_args!(
                "{doc} One of {} tables; only those generated here are named.",
                targets.len()
            ),
        );
        out.line(0, "#[derive(Debug, Clone, Copy, PartialEq, Eq)]");
        out.line(0, &format!("pub enum {name} {{}}"));
        list(out, names, name, &known);
    }
}

fn enumeration(
    out: &mut Text,
    names: &Names<'_>,
    name: &str,
    doc: &str,
    targets: &[&LookupTarget],
) {
    // A table's type may be called like the last variant.
    let mut taken = Taken::default();
    for target in targets {
        taken.give(names.type_of(&target.table).to_owned());
    }
    let other = taken.give("Other".to_owned());
    out.doc(0, doc);
    out.line(0, "#[derive(Debug, Clone, PartialEq, Eq)]");
    out.line(0, "#[non_exhaustive]");
    out.line(0, &format!("pub enum {name} {{"));
    for target in targets {
        let variant = names.type_of(&target.table);
        out.doc(1, format_args!("A row of `{}`.", target.table));
        out.variant(1, variant, &format!("dv::Id<super::{variant}>"));
    }
    out.doc(
        1,
        "A row of another table, or of one that the service did not tell.",
    );
    out.line(1, &format!("{other} {{"));
    out.doc(
        2,
        "Its logical name, if the service told it: ask for annotations.",
    );
    out.line(2, "table: Option<Box<str>>,");
    out.doc(2, "Its primary key.");
    out.line(2, "id: dv::Uuid,");
    out.line(1, "},");
    out.line(0, "}");
    out.blank();
    out.implementation(0, "dv::Targets", name);
    out.line(1, "fn new(table: Option<&str>, id: dv::Uuid) -> Self {");
    out.line(2, "match table {");
    for target in targets {
        let variant = names.type_of(&target.table);
        out.arm(
            3,
            &format!("Some({})", literal(&target.table)),
            ["Self::", &format!("{variant}(dv::Id::new(id))")],
        );
    }
    out.line(3, &format!("other => Self::{other} {{"));
    out.line(4, "table: other.map(Box::from),");
    out.line(4, "id,");
    out.line(3, "},");
    out.line(2, "}");
    out.line(1, "}");
    out.blank();
    out.line(1, "fn row(&self) -> (Option<&str>, dv::Uuid) {");
    out.line(2, "match self {");
    for target in targets {
        let variant = names.type_of(&target.table);
        out.arm(
            3,
            &format!("Self::{variant}(id)"),
            [
                "",
                &format!("(Some({}), id.uuid())", literal(&target.table)),
            ],
        );
    }
    out.line(
        3,
        &format!("Self::{other} {{ table, id }} => (table.as_deref(), *id),"),
    );
    out.line(2, "}");
    out.line(1, "}");
    out.line(0, "}");
}

/// Names of the tables, for binding; the name of an enum of them stands after `enum`.
fn list(out: &mut Text, names: &Names<'_>, name: &str, targets: &[&LookupTarget]) {
    out.blank();
    if targets.is_empty() {
        out.line(0, &format!("dv::targets! {{ {name} {{}} }}"));
        return;
    }
    out.line(0, "dv::targets! {");
    out.line(1, &format!("{name} {{"));
    let mut navigation = String::new();
    for target in targets {
        navigation.clear();
        push_literal(&mut navigation, &target.navigation);
        let table = names.type_of(&target.table);
        out.line_of(2, &["super::", table, " = ", &navigation, ","]);
    }
    out.line(1, "}");
    out.line(0, "}");
}
