//! Complex types and enum types of the API, as far as tables and operations use them.

use std::collections::BTreeSet;

use super::layout::Text;
use super::names::Names;
use super::table::cells;
use super::text::literal;
use super::value_type;
use crate::model::{ColumnType, ComplexType, EnumType, ItemType, TypeRef};
use crate::naming::{self, Taken};
use crate::select::Selection;

/// What is used.
#[derive(Default)]
pub(super) struct Used<'m> {
    pub(super) complex_types: BTreeSet<&'m str>,
    pub(super) enum_types: BTreeSet<&'m str>,
}

/// Everything that can be reached from columns and operations.
pub(super) fn used<'m>(selection: &Selection<'m>) -> Used<'m> {
    let columns = selection.tables.iter().flat_map(|table| &table.columns);
    let of_columns = columns.filter_map(|column| match &column.column_type {
        ColumnType::Structured(type_ref) => Some(&type_ref.item),
        _ => None,
    });
    let of_operations = selection.operations.iter().flat_map(|operation| {
        let parameters = operation.parameters.iter().map(|p| &p.type_ref.item);
        parameters.chain(operation.returns.iter().map(|returns| &returns.item))
    });
    let mut used = Used::default();
    let mut waiting: Vec<&ItemType> = of_columns.chain(of_operations).collect();
    while let Some(item) = waiting.pop() {
        match item {
            ItemType::Enum(name) if selection.model.enum_types.contains_key(name) => {
                used.enum_types.insert(name);
            }
            ItemType::Complex(name) => {
                if let Some(complex) = selection.model.complex_types.get(name)
                    && used.complex_types.insert(name)
                {
                    waiting.extend(complex.members.iter().map(|(_, member)| &member.item));
                }
            }
            _ => {}
        }
    }
    used
}

/// `types.rs`.
pub(super) fn emit(out: &mut Text, selection: &Selection<'_>, names: &Names<'_>) {
    out.line(0, &names.client);
    for (complex, name) in &names.complex_types {
        if let Some(complex) = selection.model.complex_types.get(*complex) {
            complex_type(out, names, complex, name);
        }
    }
    for (enum_type, name) in &names.enum_types {
        if let Some(enum_type) = selection.model.enum_types.get(*enum_type) {
            self::enum_type(out, enum_type, name);
        }
    }
}

struct Member<'m> {
    field: String,
    name: &'m str,
    rust_type: String,
}

fn complex_type(out: &mut Text, names: &Names<'_>, complex: &ComplexType, name: &str) {
    let mut taken = Taken::default();
    let mut members: Vec<_> = complex.members.iter().collect();
    members.sort_by_key(|(member, _)| member);
    let members: Vec<Member<'_>> = members
        .into_iter()
        .map(|(member, type_ref)| Member {
            field: taken.give(naming::snake(member)),
            name: member,
            rust_type: member_type(names, type_ref),
        })
        .collect();
    out.blank();
    out.doc(0, format_args!("Complex type `{}`.", complex.name));
    out.line(0, "#[derive(Default)]");
    out.line(0, "#[non_exhaustive]");
    if members.is_empty() {
        out.line(0, &format!("pub struct {name} {{}}"));
    } else {
        out.line(0, &format!("pub struct {name} {{"));
        for Member {
            field,
            name,
            rust_type,
        } in &members
        {
            out.doc(1, format_args!("`{name}`."));
            out.field(1, field, ["Option<", ">"], &["", rust_type, ""]);
        }
        out.line(0, "}");
    }
    out.blank();
    out.implementation(0, "dv::Complex", name);
    let wire_names: Vec<_> = members.iter().map(|member| literal(member.name)).collect();
    out.array(1, "const MEMBERS: &'static [&'static str]", &wire_names);
    out.line(0, "}");
    out.blank();
    let fields: Vec<&str> = members.iter().map(|member| &*member.field).collect();
    cells(out, names, name, &fields);
    out.blank();
    out.line(0, &format!("dv::complex!({name});"));
}

/// A complex value may hold one of its own type: that lies behind a pointer.
fn member_type(names: &Names<'_>, type_ref: &TypeRef) -> String {
    let item = value_type(names, &type_ref.item, "");
    match (&type_ref.item, type_ref.is_collection) {
        (_, true) => format!("Vec<{item}>"),
        (ItemType::Complex(_), false) if item != "dv::Json" => format!("dv::Nested<{item}>"),
        _ => item,
    }
}

fn enum_type(out: &mut Text, enum_type: &EnumType, name: &str) {
    let mut taken = Taken::default();
    out.blank();
    out.line(0, "dv::api_enum! {");
    let combine = if enum_type.is_flags {
        "; members combine with `|`"
    } else {
        ""
    };
    out.doc(1, format_args!("Enum type `{}`{combine}.", enum_type.name));
    let qualified = literal(&format!("{}.{}", enum_type.namespace, enum_type.name));
    let is_flags = enum_type.is_flags;
    out.line(1, &format!("pub enum {name}({qualified}, {is_flags}) {{"));
    for (member, value) in &enum_type.members {
        let constant = taken.give(naming::constant_name(&naming::snake(member)));
        out.doc(2, format_args!("`{member}`."));
        out.line(2, &format!("{constant} = {value} {},", literal(member)));
    }
    out.line(1, "}");
    out.line(0, "}");
}
