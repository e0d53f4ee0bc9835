//! Actions and functions: a struct for each. Unbound ones are in `operations.rs`, bound ones in
//! `bound.rs`, in a module for each table they are bound to.

use std::collections::BTreeMap;

use super::layout::Text;
use super::names::Names;
use super::text::literal;
use super::value_type;
use crate::csdl::OperationKind;
use crate::model::{ItemType, Operation, Parameter, TypeRef};
use crate::naming::{self, Taken};
use crate::select::Selection;

/// A parameter as a field.
struct Argument<'m> {
    parameter: &'m Parameter,
    field: String,
    rust_type: String,
    /// How it is handed over: `value`, `row` or `rows`.
    method: &'static str,
}

/// Of more parameters than this a call does not show which is which: a struct literal does.
const MAX_REQUIRED: usize = 7;

/// What a bound operation is called on.
struct Binding {
    /// Of the field.
    rust_type: String,
    doc: String,
    called: Called,
}

enum Called {
    /// The field that says which row.
    OnField(String),
    /// A table's type: it is called on all its rows.
    OnRowsOf(String),
}

impl Binding {
    fn field(&self) -> Option<&str> {
        match &self.called {
            Called::OnField(field) => Some(field),
            Called::OnRowsOf(_) => None,
        }
    }
}

/// Operations that are called on one type.
struct Module<'m> {
    bound_to: &'m str,
    /// With their Rust names.
    operations: Vec<(&'m str, &'m Operation)>,
}

/// `operations.rs`.
pub(super) fn emit(out: &mut Text, selection: &Selection<'_>, names: &Names<'_>) {
    out.line(0, &names.client);
    for (place, operation) in selection.operations.iter().enumerate() {
        if operation.binding.is_none() {
            request(
                out,
                0,
                selection,
                names,
                (names.operation(place), operation),
            );
        }
    }
}

/// `bound.rs`.
pub(super) fn emit_bound(out: &mut Text, selection: &Selection<'_>, names: &Names<'_>) {
    let mut modules: BTreeMap<String, Module<'_>> = BTreeMap::new();
    for (place, operation) in selection.operations.iter().enumerate() {
        if let Some(bound_to) = binding_name(operation) {
            let module = match names.module_of(bound_to) {
                "" => naming::module_name(bound_to),
                module => module.to_owned(),
            };
            let module = modules.entry(module).or_insert(Module {
                bound_to,
                operations: Vec::new(),
            });
            module.operations.push((names.operation(place), operation));
        }
    }
    for (index, (name, module)) in modules.into_iter().enumerate() {
        if index > 0 {
            out.blank();
        }
        out.doc(0, format_args!("Called on `{}`.", module.bound_to));
        out.line(0, &format!("pub mod {name} {{"));
        out.line(1, &names.client);
        for operation in module.operations {
            request(out, 1, selection, names, operation);
        }
        out.line(0, "}");
    }
}

/// The type that a bound operation is called on.
pub(super) fn binding_name(operation: &Operation) -> Option<&str> {
    operation
        .binding
        .as_ref()
        .map(|binding| item_name(&binding.item))
}

/// The unqualified name of a type.
pub(crate) fn item_name(item: &ItemType) -> &str {
    match item {
        ItemType::Scalar(_) => "scalar",
        ItemType::Row(name)
        | ItemType::AnyRow(name)
        | ItemType::Complex(name)
        | ItemType::Enum(name) => name,
        ItemType::Other(name) => name.rsplit('.').next().unwrap_or(name),
    }
}

fn output(
    selection: &Selection<'_>,
    names: &Names<'_>,
    operation: &Operation,
    root: &str,
) -> String {
    let Some(returns) = &operation.returns else {
        return "()".to_owned();
    };
    let types = format!("{root}types::");
    let item = match &returns.item {
        ItemType::Row(table) if selection.has_struct(table) => {
            format!("dv::Row<{root}{}>", names.type_of(table))
        }
        item => value_type(names, item, &types),
    };
    match returns.is_collection {
        true => format!("Vec<{item}>"),
        false => item,
    }
}

fn binding(
    selection: &Selection<'_>,
    names: &Names<'_>,
    binding: &TypeRef,
    root: &str,
    taken: &mut Taken,
) -> Binding {
    let name = item_name(&binding.item);
    let table = match &binding.item {
        ItemType::Row(table) if selection.has_type(table) => {
            Some(format!("{root}{}", names.type_of(table)))
        }
        _ => None,
    };
    match (table, binding.is_collection) {
        (Some(table), false) => Binding {
            rust_type: format!("dv::Key<{table}>"),
            doc: format!("The row of `{name}` it is called on."),
            called: Called::OnField(taken.give("on".to_owned())),
        },
        (Some(table), true) => Binding {
            rust_type: String::new(),
            doc: String::new(),
            called: Called::OnRowsOf(table),
        },
        (None, is_collection) => {
            let what = if is_collection { "rows" } else { "row" };
            Binding {
                rust_type: "dv::BoundTo".to_owned(),
                doc: format!("The {what} of `{name}`, or of a table below it, it is called on."),
                called: Called::OnField(taken.give("on".to_owned())),
            }
        }
    }
}

fn arguments<'m>(
    selection: &Selection<'_>,
    names: &Names<'_>,
    operation: &'m Operation,
    root: &str,
    taken: &mut Taken,
) -> Vec<Argument<'m>> {
    let types = format!("{root}types::");
    operation
        .parameters
        .iter()
        .map(|parameter| {
            let type_ref = &parameter.type_ref;
            let (item, is_row) = match &type_ref.item {
                ItemType::Row(table) if selection.has_type(table) => {
                    let table = names.type_of(table);
                    (format!("dv::RowArgument<{root}{table}>"), true)
                }
                ItemType::Row(_) | ItemType::AnyRow(_) => ("dv::RowArgument".to_owned(), true),
                item => (value_type(names, item, &types), false),
            };
            let (rust_type, method) = match (type_ref.is_collection, is_row) {
                (false, false) => (item, "value"),
                (true, false) => (format!("Vec<{item}>"), "value"),
                (false, true) => (item, "row"),
                (true, true) => (format!("Vec<{item}>"), "rows"),
            };
            Argument {
                parameter,
                field: taken.give(naming::snake(&parameter.name)),
                rust_type,
                method,
            }
        })
        .collect()
}

/// The struct of an operation, `depth` modules below the file.
fn request(
    out: &mut Text,
    depth: usize,
    selection: &Selection<'_>,
    names: &Names<'_>,
    (name, operation): (&str, &Operation),
) {
    let root = "super::".repeat(depth + 1);
    let mut taken = Taken::default();
    let bound = operation
        .binding
        .as_ref()
        .map(|of| binding(selection, names, of, &root, &mut taken));
    let arguments = arguments(selection, names, operation, &root, &mut taken);
    let kind = match operation.kind {
        OperationKind::Action => "Action",
        OperationKind::Function => "Function",
    };
    out.blank();
    // Its answer is a struct that may be left out.
    let feature = match &operation.returns {
        Some(returns) => match &returns.item {
            ItemType::Row(table) if selection.has_struct(table) => selection.feature(names, table),
            _ => None,
        },
        None => None,
    };
    out.doc(depth, format_args!("{kind} `{}`.", operation.name));
    out.only_with(depth, feature.as_deref());
    let bound_field = bound
        .as_ref()
        .and_then(|bound| Some((bound, bound.field()?)));
    let given = arguments
        .iter()
        .filter(|argument| argument.parameter.required);
    let given = given.map(|argument| (argument.field.as_str(), argument.rust_type.as_str()));
    let on = bound_field.map(|(bound, field)| (field, bound.rust_type.as_str()));
    let required: Vec<(&str, &str)> = on.into_iter().chain(given).collect();
    let is_default = required.is_empty() && !arguments.is_empty();
    out.line(
        depth,
        match is_default {
            true => "#[derive(Debug, Clone, Default, PartialEq)]",
            false => "#[derive(Debug, Clone, PartialEq)]",
        },
    );
    if arguments.is_empty() && bound_field.is_none() {
        out.line(depth, &format!("pub struct {name};"));
    } else {
        out.line(depth, &format!("pub struct {name} {{"));
        if let Some((bound, field)) = bound_field {
            out.doc(depth + 1, &bound.doc);
            out.field(depth + 1, field, ["", ""], &["", &bound.rust_type, ""]);
        }
        for argument in &arguments {
            out.doc(depth + 1, argument_doc(argument.parameter));
            let around = match argument.parameter.required {
                true => ["", ""],
                false => ["Option<", ">"],
            };
            let rust_type = ["", argument.rust_type.as_str(), ""];
            out.field(depth + 1, &argument.field, around, &rust_type);
        }
        out.line(depth, "}");
    }
    if (1..=MAX_REQUIRED).contains(&required.len()) {
        let others = arguments.iter();
        let others = others.filter(|argument| !argument.parameter.required);
        let others: Vec<&str> = others.map(|argument| argument.field.as_str()).collect();
        constructor(out, depth, (name, feature.as_deref()), &required, &others);
    }
    out.blank();
    out.only_with(depth, feature.as_deref());
    out.line(depth, "dv::message! {");
    let wire_name = match operation.binding {
        None => operation.name.clone(),
        Some(_) => format!("{}.{}", operation.namespace, operation.name),
    };
    let output = output(selection, names, operation, &root);
    let called_on = match bound.map(|bound| bound.called) {
        None => String::new(),
        Some(Called::OnField(field)) => format!(", row {field}"),
        Some(Called::OnRowsOf(table)) => format!(", rows_of {table}"),
    };
    let end = if arguments.is_empty() { "{}" } else { "{" };
    out.line(
        depth + 1,
        &format!(
            "{name}: {kind} {} -> {output}{called_on} {end}",
            literal(&wire_name)
        ),
    );
    for argument in &arguments {
        let optional = if argument.parameter.required {
            ""
        } else {
            "optional_"
        };
        let parameter = literal(&argument.parameter.name);
        let (method, field) = (argument.method, &argument.field);
        out.line(
            depth + 2,
            &format!("{optional}{method} {field} = {parameter},"),
        );
    }
    if !arguments.is_empty() {
        out.line(depth + 1, "}");
    }
    out.line(depth, "}");
}

/// `new`, with fields and types that must be given, and fields that need not. Operations with names
/// that fill a line have none.
fn constructor(
    out: &mut Text,
    depth: usize,
    (name, feature): (&str, Option<&str>),
    required: &[(&str, &str)],
    others: &[&str],
) {
    let is_converted = |rust_type: &str| {
        let converted = ["String", "dv::BoundTo", "dv::Key<", "dv::RowArgument"];
        converted.iter().any(|start| rust_type.starts_with(start))
    };
    let parameters = required.iter().map(|(field, rust_type)| {
        if is_converted(rust_type) {
            format!("{field}: impl Into<{rust_type}>")
        } else {
            format!("{field}: {rust_type}")
        }
    });
    let parameters: Vec<String> = parameters.collect();
    let fields = required.iter().map(|(field, rust_type)| {
        if is_converted(rust_type) {
            format!("{field}: {field}.into()")
        } else {
            (*field).to_owned()
        }
    });
    let fields = fields.chain(others.iter().map(|field| format!("{field}: None")));
    let fields: Vec<String> = fields.collect();
    let has_room = |depth, lines: &[String]| {
        lines
            .iter()
            .all(|line| out.fits(depth, &format!("{line},")))
    };
    if !has_room(depth + 2, &parameters) || !has_room(depth + 3, &fields) {
        return;
    }
    out.blank();
    out.only_with(depth, feature);
    out.line_of(depth, &["impl ", name, " {"]);
    out.doc(
        depth + 1,
        match others.is_empty() {
            true => "With its parameters.",
            false => "With the parameters that it requires, and none of the others.",
        },
    );
    out.function(depth + 1, "pub fn new", &parameters, " -> Self {");
    out.struct_literal(depth + 2, "Self", &fields);
    out.line(depth + 1, "}");
    out.line(depth, "}");
}

fn argument_doc(parameter: &Parameter) -> String {
    let is_collection = parameter.type_ref.is_collection;
    let what = match &parameter.type_ref.item {
        ItemType::Scalar(_) => return format!("`{}`.", parameter.name),
        ItemType::Row(table) => format!("of `{table}`"),
        ItemType::AnyRow(base) => format!("of any table below `{base}`"),
        ItemType::Complex(name) | ItemType::Enum(name) | ItemType::Other(name) => {
            return format!("`{}`: `{name}`.", parameter.name);
        }
    };
    let rows = if is_collection { "rows" } else { "a row" };
    format!("`{}`: {rows} {what}.", parameter.name)
}
