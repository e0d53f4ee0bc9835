//! One table: struct, constants, names, cells, targets of its lookups, navigation properties.

use super::layout::Text;
use super::names::{ColumnName, Names};
use super::text::{plain, push_literal};
use super::{column_type, entity_table, scalar_type, targets};
use crate::model::{Access, AlternateKey, Column, ColumnType, Required, Table};
use crate::naming::{self, Taken};

/// Targets named in a column's doc comment.
const MAX_NAMED_TARGETS: usize = 6;

pub(super) fn emit(out: &mut Text, names: &Names<'_>, table: &Table) {
    out.line(0, &names.client);
    let name = names.type_of(&table.logical_name);
    let columns = names.columns_of(table);
    let types = table.columns.iter();
    let types: Vec<_> = types.map(|c| column_type(names, table, c)).collect();
    structure(out, table, name, columns, &types);
    constants(out, names, table, name, columns, &types);
    out.blank();
    out.line_of(0, &["impl dv::Entity for ", name, " {"]);
    entity_table(out, table, true);
    out.line(0, "}");
    out.blank();
    let fields: Vec<&str> = columns.iter().map(|column| &*column.field).collect();
    cells(out, names, name, &fields);
    out.blank();
    out.line_of(0, &["dv::table!(", name, ");"]);
    for column in &table.columns {
        if targets::has_type(column) && targets::group(column).is_none() {
            targets::declare(out, names, table, column);
        }
    }
    navigations(out, names, table, name);
}

fn structure(
    out: &mut Text,
    table: &Table,
    name: &str,
    columns: &[ColumnName<'_>],
    types: &[[&str; 3]],
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
        out.line_of(0, &["pub struct ", name, " {}"]);
        return;
    }
    out.line_of(0, &["pub struct ", name, " {"]);
    let named = table.columns.iter().zip(columns).zip(types);
    for ((column, ColumnName { field, .. }), column_type) in named {
        out.doc_with(1, |out| column_doc(out, column));
        deprecated(out, 1, column.definition.deprecated);
        out.field(1, field, ["Option<", ">"], column_type);
    }
    out.line(0, "}");
}

/// Name, label, kind, limits, access, description.
fn column_doc(out: &mut String, column: &Column) {
    let definition = &column.definition;
    out.push('`');
    out.push_str(&column.logical_name);
    out.push('`');
    let label = definition.label.as_deref().map(plain).unwrap_or_default();
    if !label.is_empty() {
        out.push_str(" (");
        out.push_str(&label);
        out.push(')');
    }
    out.push_str(": ");
    kind(out, column);
    out.push_str(match column.access {
        Access::ReadWrite => "",
        Access::ReadOnly => ", read-only",
        Access::CreateOnly => ", written only by a create",
        Access::UpdateOnly => ", written only by an update",
    });
    out.push_str(match definition.required {
        Required::No => "",
        Required::Recommended => ", recommended",
        Required::ByApplication => ", required by forms",
        Required::BySystem => ", required",
    });
    if definition.is_secured {
        out.push_str(", secured");
    }
    out.push('.');
    let description = column.description.as_deref().map(plain).unwrap_or_default();
    if !description.is_empty() {
        out.push(' ');
        out.push_str(&description);
    }
}

/// What a column holds, with its limits.
fn kind(out: &mut String, column: &Column) {
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
    let has_definition = definition.schema_name.is_some();
    match &column.column_type {
        ColumnType::Text => {
            out.push_str("text");
            if let Some(length) = definition.max_length {
                out.push_str(&format!(" of at most {length} characters"));
            }
        }
        ColumnType::Boolean => match &definition.boolean_labels {
            Some([no, yes]) => {
                out.push_str(&format!("yes ({}) or no ({})", plain(yes), plain(no)));
            }
            None => out.push_str("yes or no"),
        },
        ColumnType::Int if has_definition => {
            out.push_str("whole number");
            out.push_str(&range());
        }
        ColumnType::Int => out.push_str("whole number or choice"),
        ColumnType::BigInt => out.push_str("big integer"),
        ColumnType::Double => {
            out.push_str("floating-point number");
            out.push_str(&range());
        }
        ColumnType::Decimal if !has_definition => out.push_str("decimal or money"),
        ColumnType::Decimal | ColumnType::Money => {
            let is_money = column.column_type == ColumnType::Money;
            out.push_str(if is_money { "money" } else { "decimal" });
            out.push_str(&precision());
            out.push_str(&range());
        }
        ColumnType::Choice(key) => out.extend(["choice `", key, "`"]),
        ColumnType::Choices(key) => out.extend(["any number of choice `", key, "`"]),
        ColumnType::Guid if column.wire_name != column.logical_name => {
            out.push_str("lookup");
            if !definition.targets.is_empty() {
                out.push_str(" of ");
                named_targets(out, definition.targets.iter());
            }
            out.push_str(" without a navigation property");
        }
        ColumnType::Guid => out.push_str("unique identifier"),
        ColumnType::PrimaryId => out.push_str("primary key"),
        ColumnType::DateTime => out.push_str("date and time"),
        ColumnType::LocalDateTime => out.push_str("date and time without a time zone"),
        ColumnType::UserLocalDate => out.push_str("date, kept as the midnight of a user"),
        ColumnType::Date => out.push_str("date"),
        ColumnType::Binary => out.push_str("image or file"),
        ColumnType::Lookup(targets) => {
            out.push_str("lookup of ");
            named_targets(out, targets.iter().map(|target| &target.table));
        }
        ColumnType::Structured(type_ref) => {
            if type_ref.is_collection {
                out.push_str("a list of ");
            }
            out.extend(["`", super::operations::item_name(&type_ref.item), "`"]);
        }
        ColumnType::Other(name) => out.extend(["JSON of `", name, "`"]),
    }
}

/// The first few of them.
fn named_targets<'t>(out: &mut String, tables: impl ExactSizeIterator<Item = &'t String>) {
    let more = tables.len().saturating_sub(MAX_NAMED_TARGETS);
    for (at, table) in tables.take(MAX_NAMED_TARGETS).enumerate() {
        out.push_str(if at > 0 { ", `" } else { "`" });
        out.push_str(table);
        out.push('`');
    }
    if more > 0 {
        out.push_str(&format!(" and {more} more"));
    }
}

fn constants(
    out: &mut Text,
    names: &Names<'_>,
    table: &Table,
    name: &str,
    columns: &[ColumnName<'_>],
    types: &[[&str; 3]],
) {
    if table.columns.is_empty() {
        return;
    }
    out.blank();
    out.line_of(0, &["impl ", name, " {"]);
    let named = table.columns.iter().zip(columns).zip(types);
    for (((column, ColumnName { constant, .. }), column_type), ordinal) in
        named.zip(&names.ordinals)
    {
        let access = match column.access {
            Access::ReadWrite => "",
            Access::ReadOnly => "dv::ReadOnly",
            Access::CreateOnly => "dv::CreateOnly",
            Access::UpdateOnly => "dv::UpdateOnly",
        };
        let parameters = [["Self", "", ""], *column_type, [access, "", ""]];
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
            ordinal,
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
    let comma = if types.len() == 1 { ",)" } else { ")" };
    out.doc(
        1,
        format_args!("Alternate key over `{}`.", joined.join("`, `")),
    );
    out.constant(
        1,
        &taken.give(format!("KEY_{}", naming::constant_name(&joined.join("_")))),
        (
            "dv::AlternateKey",
            &[["Self", "", ""], ["(", &types.join(", "), comma]],
        ),
        "dv::AlternateKey::new",
        &format!("&[{}]", ordinals.join(", ")),
    );
}

/// Hands out fields by number.
pub(super) fn cells(out: &mut Text, names: &Names<'_>, name: &str, fields: &[&str]) {
    out.line_of(0, &["impl dv::Columns for ", name, " {"]);
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
        for (ordinal, field) in names.ordinals.iter().zip(fields) {
            out.arm(3, ordinal, [this, field]);
        }
        out.line(3, "_ => return None,");
        out.line(2, "};");
        out.line(2, "Some(cell)");
        out.line(1, "}");
    }
    out.line(0, "}");
}

fn navigations(out: &mut Text, names: &Names<'_>, table: &Table, name: &str) {
    let wanted = table.navigations.iter().filter_map(|navigation| {
        let (target, has_struct) = names.type_and_struct(&navigation.target)?;
        (has_struct || !navigation.is_collection).then_some((navigation, target))
    });
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return;
    }
    let constants = wanted.iter();
    let constants = constants.map(|(navigation, _)| naming::constant_name(&navigation.name));
    let constants = naming::each_once(constants.collect());
    out.blank();
    out.doc(
        0,
        format_args!("Navigation properties of `{}`.", table.logical_name),
    );
    out.line(0, "pub mod nav {");
    out.line(1, &names.client);
    let mut argument = String::new();
    for ((navigation, target), constant) in wanted.into_iter().zip(&constants) {
        let is_self = navigation.target == table.logical_name;
        let (count, before) = match (navigation.is_collection, is_self) {
            (true, true) => ("any number of rows", "dv::Many<super::"),
            (true, false) => ("any number of rows", "dv::Many<super::super::"),
            (false, true) => ("one row", "dv::One<super::"),
            (false, false) => ("one row", "dv::One<super::super::"),
        };
        out.blank();
        out.doc_with(1, |out| {
            out.extend(["To ", count, " of `", &navigation.target, "`."]);
        });
        argument.clear();
        push_literal(&mut argument, &navigation.name);
        out.constant(
            1,
            constant,
            (
                "dv::Navigation",
                &[["super::", name, ""], [before, target, ">"]],
            ),
            "dv::navigation",
            &argument,
        );
    }
    out.line(0, "}");
}

/// What a maker has marked as deprecated.
pub(super) fn deprecated(out: &mut Text, depth: usize, is_deprecated: bool) {
    if is_deprecated {
        out.line(depth, "#[deprecated]");
    }
}
