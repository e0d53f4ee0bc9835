//! One table: struct, constants, names, cells, targets of its lookups, navigation properties.

use std::borrow::Cow;

use super::layout::{Text, literal, plain};
use super::names::{ColumnName, Names};
use super::{CLIENT, column_type, entity_table, scalar_type, targets};
use crate::model::{Access, AlternateKey, Column, ColumnType, Required, Table};
use crate::naming::{self, Taken};
use crate::select::Selection;

/// Targets named in a column's doc comment.
const MAX_NAMED_TARGETS: usize = 6;

pub(super) fn emit(out: &mut Text, selection: &Selection<'_>, names: &Names<'_>, table: &Table) {
    out.line(0, CLIENT);
    let name = names.type_of(&table.logical_name);
    let columns = names.columns_of(table);
    let types = table.columns.iter();
    let types: Vec<_> = types.map(|c| column_type(names, table, c)).collect();
    structure(out, table, name, columns, &types);
    constants(out, table, name, columns, &types);
    out.blank();
    out.line(0, &format!("impl dv::Entity for {name} {{"));
    entity_table(out, table, true);
    out.line(0, "}");
    out.blank();
    let fields: Vec<&str> = columns.iter().map(|column| &*column.field).collect();
    cells(out, name, &fields);
    out.blank();
    out.line(0, &format!("dv::table!({name});"));
    for column in &table.columns {
        if targets::has_type(column) && targets::group(column).is_none() {
            targets::declare(out, selection, names, table, column);
        }
    }
    navigations(out, selection, names, table, name);
}

fn structure(
    out: &mut Text,
    table: &Table,
    name: &str,
    columns: &[ColumnName],
    types: &[Cow<'_, str>],
) {
    out.blank();
    let set = table.entity_set.as_deref().unwrap_or_default();
    let label = table.label.as_deref().map(plain).unwrap_or_default();
    let label = match label.is_empty() {
        true => String::new(),
        false => format!(" ({label})"),
    };
    out.doc(
        0,
        format_args!(
            "A row of `{}`{label}, entity set `{set}`.",
            table.logical_name
        ),
    );
    let description = table.description.as_deref().map(plain).unwrap_or_default();
    if !description.is_empty() {
        out.line(0, "///");
        out.doc(0, &description);
    }
    deprecated(out, 0, table.deprecated);
    out.line(0, "#[derive(Default)]");
    out.line(0, "#[non_exhaustive]");
    if columns.is_empty() {
        out.line(0, &format!("pub struct {name} {{}}"));
        return;
    }
    out.line(0, &format!("pub struct {name} {{"));
    let named = table.columns.iter().zip(columns).zip(types);
    for ((column, ColumnName { field, .. }), column_type) in named {
        column_doc(out, column);
        deprecated(out, 1, column.definition.deprecated);
        out.field(1, field, ["Option<", column_type, ">"]);
    }
    out.line(0, "}");
}

/// Name, label, kind, limits, access, description.
fn column_doc(out: &mut Text, column: &Column) {
    let definition = &column.definition;
    let label = definition.label.as_deref().map(plain).unwrap_or_default();
    let (before, behind) = match label.is_empty() {
        true => ("`", ": "),
        false => ("` (", "): "),
    };
    let access = match column.access {
        Access::ReadWrite => "",
        Access::ReadOnly => ", read-only",
        Access::CreateOnly => ", written only by a create",
        Access::UpdateOnly => ", written only by an update",
    };
    let required = match definition.required {
        Required::No => "",
        Required::Recommended => ", recommended",
        Required::ByApplication => ", required by forms",
        Required::BySystem => ", required",
    };
    let secured = if definition.is_secured {
        ", secured"
    } else {
        ""
    };
    let description = column.description.as_deref().map(plain).unwrap_or_default();
    let space = if description.is_empty() { "" } else { " " };
    let name = column.logical_name.as_str();
    let kind = kind(column);
    out.doc_of(
        1,
        &[
            "`",
            name,
            before,
            &label,
            behind,
            &kind,
            access,
            required,
            secured,
            ".",
            space,
            &description,
        ],
    );
}

/// What a column holds, with its limits.
fn kind(column: &Column) -> Cow<'static, str> {
    let definition = &column.definition;
    let range = || match (&definition.minimum, &definition.maximum) {
        (Some(minimum), Some(maximum)) => {
            let whole = |number: &str| number.strip_suffix(".0").unwrap_or(number).to_owned();
            format!(" from {} to {}", whole(minimum), whole(maximum))
        }
        _ => String::new(),
    };
    let precision = || match definition.precision {
        Some(digits) => format!(" with {digits} decimals"),
        None => String::new(),
    };
    let composed = match &column.column_type {
        ColumnType::Text => match definition.max_length {
            Some(length) => format!("text of at most {length} characters"),
            None => return Cow::Borrowed("text"),
        },
        ColumnType::Boolean => match &definition.boolean_labels {
            Some([no, yes]) => format!("yes ({}) or no ({})", plain(yes), plain(no)),
            None => return Cow::Borrowed("yes or no"),
        },
        ColumnType::Int if definition.schema_name.is_some() => format!("whole number{}", range()),
        ColumnType::Int => return Cow::Borrowed("whole number or choice"),
        ColumnType::BigInt => return Cow::Borrowed("big integer"),
        ColumnType::Double => format!("floating-point number{}", range()),
        ColumnType::Decimal if definition.schema_name.is_some() => {
            format!("decimal{}{}", precision(), range())
        }
        ColumnType::Decimal => return Cow::Borrowed("decimal or money"),
        ColumnType::Money => format!("money{}{}", precision(), range()),
        ColumnType::Choice(key) => format!("choice `{key}`"),
        ColumnType::Choices(key) => format!("any number of choice `{key}`"),
        ColumnType::Guid if column.wire_name != column.logical_name => {
            let targets = named_targets(definition.targets.iter());
            let of = if targets.is_empty() { "" } else { " of " };
            format!("lookup{of}{targets} without a navigation property")
        }
        ColumnType::Guid => return Cow::Borrowed("unique identifier"),
        ColumnType::PrimaryId => return Cow::Borrowed("primary key"),
        ColumnType::DateTime => return Cow::Borrowed("date and time"),
        ColumnType::LocalDateTime => return Cow::Borrowed("date and time without a time zone"),
        ColumnType::Date => return Cow::Borrowed("date"),
        ColumnType::Binary => return Cow::Borrowed("image or file"),
        ColumnType::Lookup(targets) => {
            let targets = named_targets(targets.iter().map(|target| &target.table));
            format!("lookup of {targets}")
        }
        ColumnType::Structured(type_ref) => {
            let many = if type_ref.is_collection {
                "a list of "
            } else {
                ""
            };
            format!("{many}`{}`", super::operations::item_name(&type_ref.item))
        }
        ColumnType::Other(name) => format!("JSON of `{name}`"),
    };
    Cow::Owned(composed)
}

/// The first few of them.
fn named_targets<'t>(tables: impl ExactSizeIterator<Item = &'t String>) -> String {
    let more = match tables.len().saturating_sub(MAX_NAMED_TARGETS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named: Vec<_> = tables
        .take(MAX_NAMED_TARGETS)
        .map(|table| format!("`{table}`"))
        .collect();
    format!("{}{more}", named.join(", "))
}

fn constants(
    out: &mut Text,
    table: &Table,
    name: &str,
    columns: &[ColumnName],
    types: &[Cow<'_, str>],
) {
    if table.columns.is_empty() {
        return;
    }
    out.blank();
    out.line(0, &format!("impl {name} {{"));
    let named = table.columns.iter().zip(columns).zip(types);
    for (ordinal, ((column, ColumnName { constant, .. }), column_type)) in named.enumerate() {
        let access = match column.access {
            Access::ReadWrite => "",
            Access::ReadOnly => "dv::ReadOnly",
            Access::CreateOnly => "dv::CreateOnly",
            Access::UpdateOnly => "dv::UpdateOnly",
        };
        let parameters: [&str; 3] = ["Self", column_type, access];
        let parameters = if access.is_empty() {
            &parameters[..2]
        } else {
            &parameters
        };
        // The field has the words; the compiler takes every comment for an attribute.
        deprecated(out, 1, column.definition.deprecated);
        out.constant(
            1,
            constant,
            ("dv::Column", parameters),
            "dv::column",
            &ordinal.to_string(),
        );
    }
    let mut taken = Taken::default();
    if !table.alternate_keys.is_empty() {
        for column in columns {
            taken.reserve(&column.constant);
        }
    }
    for key in &table.alternate_keys {
        alternate_key(out, table, key, &mut taken);
    }
    out.line(0, "}");
}

fn alternate_key(out: &mut Text, table: &Table, key: &AlternateKey, taken: &mut Taken) {
    let of_key = |name: &String| table.columns.iter().position(|c| c.wire_name == *name);
    let ordinals: Vec<usize> = key.columns.iter().filter_map(of_key).collect();
    let columns: Vec<&Column> = ordinals.iter().map(|at| &table.columns[*at]).collect();
    let joined: Vec<_> = columns.iter().map(|c| c.logical_name.as_str()).collect();
    let types: Vec<_> = columns
        .iter()
        .map(|c| scalar_type(&c.column_type))
        .collect();
    let ordinals: Vec<_> = ordinals.iter().map(usize::to_string).collect();
    let comma = if types.len() == 1 { "," } else { "" };
    out.doc(
        1,
        format_args!("Alternate key over `{}`.", joined.join("`, `")),
    );
    out.constant(
        1,
        &taken.give(format!("KEY_{}", naming::constant_name(&joined.join("_")))),
        (
            "dv::AlternateKey",
            &["Self", &format!("({}{comma})", types.join(", "))],
        ),
        "dv::AlternateKey::new",
        &format!("&[{}]", ordinals.join(", ")),
    );
}

/// Hands out fields by number.
pub(super) fn cells(out: &mut Text, name: &str, fields: &[&str]) {
    let ordinals: Vec<String> = (0..fields.len()).map(|at| at.to_string()).collect();
    out.line(0, &format!("impl dv::Columns for {name} {{"));
    let heads = [
        (
            "fn cell(&self, ordinal: u16) -> Option<&dyn dv::Cell> {",
            "let cell: &dyn dv::Cell = match ordinal {",
            "&self.",
        ),
        (
            "fn cell_mut(&mut self, ordinal: u16) -> Option<&mut dyn dv::Cell> {",
            "let cell: &mut dyn dv::Cell = match ordinal {",
            "&mut self.",
        ),
    ];
    for (index, (head, start, this)) in heads.into_iter().enumerate() {
        if index > 0 {
            out.blank();
        }
        if fields.is_empty() {
            out.line(1, &head.replace("ordinal", "_"));
            out.line(2, "None");
            out.line(1, "}");
            continue;
        }
        out.line(1, head);
        // With its type said, the compiler need not find out what the arms have in common.
        out.line(2, start);
        let mut value = String::new();
        for (ordinal, field) in ordinals.iter().zip(fields) {
            value.clear();
            value.push_str(this);
            value.push_str(field);
            out.arm(3, ordinal, &value);
        }
        out.line(3, "_ => return None,");
        out.line(2, "};");
        out.line(2, "Some(cell)");
        out.line(1, "}");
    }
    out.line(0, "}");
}

fn navigations(
    out: &mut Text,
    selection: &Selection<'_>,
    names: &Names<'_>,
    table: &Table,
    name: &str,
) {
    let mut taken = Taken::default();
    let of = format!("super::{name}");
    let mut is_first = true;
    for navigation in &table.navigations {
        let is_wanted = if navigation.is_collection {
            selection.has_struct(&navigation.target)
        } else {
            selection.has_type(&navigation.target)
        };
        if !is_wanted {
            continue;
        }
        if std::mem::take(&mut is_first) {
            out.blank();
            out.doc(
                0,
                format_args!("Navigation properties of `{}`.", table.logical_name),
            );
            out.line(0, "pub mod nav {");
            out.line(1, CLIENT);
        }
        let (way, target) = match navigation.target == table.logical_name {
            true => ("super::", name),
            false => ("super::super::", names.type_of(&navigation.target)),
        };
        let (count, many) = match navigation.is_collection {
            true => ("any number of rows", "Many"),
            false => ("one row", "One"),
        };
        out.blank();
        out.doc_of(1, &["To ", count, " of `", &navigation.target, "`."]);
        let to = ["dv::", many, "<", way, target, ">"].concat();
        out.constant(
            1,
            &taken.give(naming::constant_name(&navigation.name)),
            ("dv::Navigation", &[&of, &to]),
            "dv::navigation",
            &literal(&navigation.name),
        );
    }
    if !is_first {
        out.line(0, "}");
    }
}

/// What a maker has marked as deprecated.
pub(super) fn deprecated(out: &mut Text, depth: usize, is_deprecated: bool) {
    if is_deprecated {
        out.line(depth, "#[deprecated]");
    }
}
