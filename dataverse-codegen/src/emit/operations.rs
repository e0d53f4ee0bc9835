//! Actions and functions: a struct for each, and for what it answers.

use super::layout::{Text, literal};
use super::names::Names;
use super::table::cells;
use super::{scalar_type, start_with_client};
use crate::csdl::OperationKind;
use crate::model::{ComplexType, ItemType, Operation, Parameter, TypeRef};
use crate::naming::{self, Taken};
use crate::select::Selection;

/// A parameter as a field.
struct Argument<'m> {
    parameter: &'m Parameter,
    field: String,
    rust_type: String,
    is_row: bool,
}

pub(super) fn emit(selection: &Selection<'_>, names: &Names<'_>) -> String {
    let mut out = start_with_client("Actions and functions.");
    for operation in &selection.operations {
        request(&mut out, selection, names, operation);
    }
    for (complex, name) in &names.answers {
        if let Some(complex) = selection.model.complex_types.get(*complex) {
            answer(&mut out, complex, name);
        }
    }
    out.0
}

/// The complex type that an operation answers.
pub(super) fn complex_answer<'m>(
    selection: &Selection<'m>,
    operation: &Operation,
) -> Option<&'m ComplexType> {
    match &operation.returns {
        Some(TypeRef {
            is_collection: false,
            item: ItemType::Complex(name),
        }) => selection.model.complex_types.get(name),
        _ => None,
    }
}

fn output(selection: &Selection<'_>, names: &Names<'_>, operation: &Operation) -> String {
    if let Some(complex) = complex_answer(selection, operation)
        && let Some(name) = names.answers.get(complex.name.as_str())
    {
        return name.clone();
    }
    match &operation.returns {
        None => "()".to_owned(),
        Some(TypeRef {
            is_collection: false,
            item: ItemType::Scalar(scalar),
        }) => scalar_type(scalar).to_owned(),
        Some(_) => "dv::Json".to_owned(),
    }
}

fn arguments<'m>(
    selection: &Selection<'_>,
    names: &Names<'_>,
    operation: &'m Operation,
) -> Vec<Argument<'m>> {
    let mut taken = Taken::default();
    operation
        .parameters
        .iter()
        .map(|parameter| {
            let (rust_type, is_row) = match &parameter.type_ref {
                TypeRef {
                    is_collection: false,
                    item,
                } => match item {
                    ItemType::Scalar(scalar) => (scalar_type(scalar).to_owned(), false),
                    ItemType::Row(table) if selection.has_type(table) => {
                        let table = names.type_of(table);
                        (format!("dv::RowArgument<super::{table}>"), true)
                    }
                    ItemType::Row(_) | ItemType::AnyRow(_) => ("dv::RowArgument".to_owned(), true),
                    _ => ("dv::Json".to_owned(), false),
                },
                _ => ("dv::Json".to_owned(), false),
            };
            Argument {
                parameter,
                field: taken.give(naming::snake(&parameter.name)),
                rust_type,
                is_row,
            }
        })
        .collect()
}

fn request(out: &mut Text, selection: &Selection<'_>, names: &Names<'_>, operation: &Operation) {
    let name = names.operation(&operation.name);
    let output = output(selection, names, operation);
    let arguments = arguments(selection, names, operation);
    let kind = match operation.kind {
        OperationKind::Action => "Action",
        OperationKind::Function => "Function",
    };
    out.blank();
    out.doc(0, &format!("{kind} `{}`.", operation.name));
    out.line(0, "#[derive(Debug, Clone)]");
    if arguments.is_empty() {
        out.line(0, &format!("pub struct {name};"));
    } else {
        out.line(0, &format!("pub struct {name} {{"));
        for argument in &arguments {
            out.doc(1, &argument_doc(argument.parameter));
            let rust_type = if argument.parameter.required {
                argument.rust_type.clone()
            } else {
                format!("Option<{}>", argument.rust_type)
            };
            out.field(1, &format!("pub {}", argument.field), &rust_type);
        }
        out.line(0, "}");
    }
    out.blank();
    out.implementation("dv::Message", name);
    out.line(1, &format!("type Output = {output};"));
    out.line(
        1,
        &format!("const NAME: &'static str = {};", literal(&operation.name)),
    );
    out.line(
        1,
        &format!("const KIND: dv::MessageKind = dv::MessageKind::{kind};"),
    );
    out.blank();
    if arguments.is_empty() {
        out.line(1, "fn arguments(&self, _: &mut dv::Arguments<'_>) {}");
    } else {
        out.line(1, "fn arguments(&self, out: &mut dv::Arguments<'_>) {");
        for argument in &arguments {
            let method = match (argument.parameter.required, argument.is_row) {
                (true, true) => "row",
                (true, false) => "value",
                (false, true) => "optional_row",
                (false, false) => "optional_value",
            };
            let values = [
                literal(&argument.parameter.name),
                format!("&self.{}", argument.field),
            ];
            out.call(2, &format!("out.{method}"), &values, ";");
        }
        out.line(1, "}");
    }
    out.line(0, "}");
}

fn argument_doc(parameter: &Parameter) -> String {
    let many = if parameter.type_ref.is_collection {
        "a JSON array of "
    } else {
        ""
    };
    let what = match &parameter.type_ref.item {
        ItemType::Scalar(_) => return format!("`{}`.", parameter.name),
        ItemType::Row(table) => format!("rows of `{table}`"),
        ItemType::AnyRow(base) => format!("rows of any table below `{base}`"),
        ItemType::Complex(name) | ItemType::Enum(name) | ItemType::Other(name) => {
            format!("`{name}`")
        }
    };
    let what = match parameter.type_ref.is_collection {
        true => what,
        false => what.replacen("rows of", "a row of", 1),
    };
    format!("`{}`: {many}{what}.", parameter.name)
}

fn answer(out: &mut Text, complex: &ComplexType, name: &str) {
    let mut taken = Taken::default();
    let mut members: Vec<_> = complex.members.iter().collect();
    members.sort_by_key(|(member, _)| member);
    let members: Vec<(String, &str, &str)> = members
        .into_iter()
        .map(|(member, type_ref)| {
            let rust_type = match type_ref {
                TypeRef {
                    is_collection: false,
                    item: ItemType::Scalar(scalar),
                } => scalar_type(scalar),
                _ => "dv::Json",
            };
            (
                taken.give(naming::snake(member)),
                member.as_str(),
                rust_type,
            )
        })
        .collect();
    out.blank();
    out.doc(0, &format!("Complex type `{}`.", complex.name));
    out.line(0, "#[derive(Default)]");
    out.line(0, "#[non_exhaustive]");
    if members.is_empty() {
        out.line(0, &format!("pub struct {name} {{}}"));
    } else {
        out.line(0, &format!("pub struct {name} {{"));
        for (field, member, rust_type) in &members {
            out.doc(1, &format!("`{member}`."));
            out.field(1, &format!("pub {field}"), &format!("Option<{rust_type}>"));
        }
        out.line(0, "}");
    }
    out.blank();
    out.implementation("dv::Complex", name);
    let wire_names: Vec<_> = members
        .iter()
        .map(|(_, member, _)| literal(member))
        .collect();
    let joined = wire_names.join(", ");
    let line = format!("const MEMBERS: &'static [&'static str] = &[{joined}];");
    if joined.chars().count() <= 60 && line.chars().count() + 4 <= 100 {
        out.line(1, &line);
    } else if joined.chars().count() <= 60 {
        out.line(1, "const MEMBERS: &'static [&'static str] =");
        out.line(2, &format!("&[{joined}];"));
    } else {
        out.line(1, "const MEMBERS: &'static [&'static str] = &[");
        for member in wire_names {
            out.line(2, &format!("{member},"));
        }
        out.line(1, "];");
    }
    out.line(0, "}");
    out.blank();
    let fields: Vec<String> = members.into_iter().map(|(field, _, _)| field).collect();
    cells(out, name, &fields);
    out.blank();
    out.line(0, &format!("dv::complex!({name});"));
}
