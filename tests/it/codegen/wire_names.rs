//! Every name that the service knows stands once in the output, where it belongs. What is expected
//! is read off the document's elements here, not by the generator's own model.

use std::collections::{BTreeMap, BTreeSet};

use dataverse_codegen::csdl::{self, Csdl, EntityType, collection_item, lookup_name};
use dataverse_codegen::{File, Options, generate};
use dataverse_tests::fixture;

/// The elements of a document by unqualified name. Where two namespaces have one name, the shorter
/// namespace goes before.
struct Document<'a> {
    entities: BTreeMap<&'a str, &'a EntityType<'a>>,
    with_set: BTreeSet<&'a str>,
    csdl: &'a Csdl<'a>,
}

impl<'a> Document<'a> {
    fn of(csdl: &'a Csdl<'a>) -> Self {
        let mut schemas: Vec<_> = csdl.schemas.iter().collect();
        schemas
            .sort_by_key(|schema| std::cmp::Reverse((schema.namespace.len(), &schema.namespace)));
        let entities = schemas.iter().flat_map(|schema| &schema.entity_types);
        let containers = csdl.schemas.iter().flat_map(|schema| &schema.containers);
        let sets = containers.flat_map(|container| &container.sets);
        Document {
            entities: entities.map(|e| (e.name.as_ref(), e)).collect(),
            with_set: sets.map(|set| local(&set.entity_type)).collect(),
            csdl,
        }
    }

    fn lineage(&self, name: &str) -> Vec<&'a EntityType<'a>> {
        let mut lineage: Vec<&EntityType<'_>> = Vec::new();
        let mut next = self.entities.get(name).copied();
        while let Some(entity) = next
            && !lineage.iter().any(|known| known.name == entity.name)
        {
            lineage.push(entity);
            let base = entity.base_type.as_deref();
            next = base.and_then(|base| self.entities.get(local(base)).copied());
        }
        lineage
    }

    /// Tables that have rows: a set, and a key of one column.
    fn tables(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.with_set
            .iter()
            .copied()
            .filter(|name| self.is_table(name))
    }

    fn is_table(&self, name: &str) -> bool {
        let lineage = self.lineage(name);
        let key = lineage.iter().find(|entity| !entity.key.is_empty());
        self.with_set.contains(name) && key.is_some_and(|entity| entity.key.len() == 1)
    }
}

fn local(qualified: &str) -> &str {
    let item = collection_item(qualified).unwrap_or(qualified);
    item.rsplit('.').next().unwrap_or(item)
}

/// String literals of the tokens, in order.
fn literals(tokens: impl quote::ToTokens) -> Vec<String> {
    fn walk(tokens: proc_macro2::TokenStream, out: &mut Vec<String>) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => walk(group.stream(), out),
                proc_macro2::TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        out.push(text.value());
                    }
                }
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(tokens.into_token_stream(), &mut out);
    out
}

/// Logical name, and wire names of the columns, of a table's file.
fn columns(items: &[syn::Item]) -> Option<(String, Vec<String>)> {
    let table = items.iter().find_map(|item| match item {
        syn::Item::Impl(item) => item.items.iter().find_map(|item| match item {
            syn::ImplItem::Const(item) if item.ident == "TABLE" => Some(&item.expr),
            _ => None,
        }),
        _ => None,
    })?;
    let syn::Expr::Reference(reference) = table else {
        return None;
    };
    let syn::Expr::Call(call) = &*reference.expr else {
        return None;
    };
    let syn::Expr::Reference(list) = call.args.last()? else {
        return None;
    };
    let syn::Expr::Array(list) = &*list.expr else {
        return None;
    };
    // `new("x")`, `lookup("x", "_x_value", …)`: the second name is the wire's, if there is one.
    let wire_name = |column: &syn::Expr| {
        let names = literals(column);
        names.get(1).or(names.first()).cloned()
    };
    let name = literals(call.args.first()?).pop()?;
    Some((name, list.elems.iter().filter_map(wire_name).collect()))
}

fn module<'i>(items: &'i [syn::Item], name: &str) -> &'i [syn::Item] {
    let found = items.iter().find_map(|item| match item {
        syn::Item::Mod(item) if item.ident == name => item.content.as_ref(),
        _ => None,
    });
    found.map_or(&[], |(_, items)| items)
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

fn check_tables(document: &Document<'_>, files: &BTreeMap<&str, Vec<syn::Item>>, place: &str) {
    let mut found = BTreeMap::new();
    for items in files.values() {
        if let Some((table, columns)) = columns(items) {
            let navigations = module(items, "nav").iter().filter_map(|item| match item {
                syn::Item::Const(item) => literals(&item.expr).pop(),
                _ => None,
            });
            found.insert(table, (sorted(columns), sorted(navigations)));
        }
    }
    for table in document.tables() {
        let lineage = document.lineage(table);
        let properties: BTreeSet<&str> = lineage
            .iter()
            .flat_map(|entity| &entity.properties)
            .map(|property| property.name.as_ref())
            .collect();
        // `x` beside `_x_value` is the same column.
        let lookups: BTreeSet<&str> = properties.iter().filter_map(|p| lookup_name(p)).collect();
        let wanted = properties.iter().filter(|p| !lookups.contains(**p));
        let navigations: BTreeMap<&str, &str> = lineage
            .iter()
            .rev()
            .flat_map(|entity| &entity.navigations)
            .map(|navigation| (navigation.name.as_ref(), navigation.type_name.as_ref()))
            .collect();
        let leads_to_table = |(_, target): &(&&str, &&str)| document.is_table(local(target));
        let wanted_navigations = navigations.iter().filter(leads_to_table);
        let (columns, navigations) = found
            .remove(table)
            .unwrap_or_else(|| panic!("{place}: no file for `{table}`"));
        assert_eq!(
            columns,
            sorted(wanted.map(|p| (*p).to_owned())),
            "{place} {table}"
        );
        let wanted = wanted_navigations.map(|(name, _)| (*name).to_owned());
        assert_eq!(navigations, sorted(wanted), "{place} {table}");
    }
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "{place}"
    );
}

/// Name of the message, and its parameters in order.
fn messages(items: &[syn::Item]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for item in items {
        match item {
            syn::Item::Macro(item) if item.mac.path.segments.last().unwrap().ident == "message" => {
                let mut texts = literals(&item.mac.tokens).into_iter();
                found.extend(texts.next().map(|name| (name, texts.collect())));
            }
            syn::Item::Mod(item) => {
                if let Some((_, items)) = &item.content {
                    found.extend(messages(items));
                }
            }
            _ => {}
        }
    }
    sorted(found)
}

fn check_operations(document: &Document<'_>, files: &BTreeMap<&str, Vec<syn::Item>>, place: &str) {
    let containers = document
        .csdl
        .schemas
        .iter()
        .flat_map(|schema| &schema.containers);
    let imports: BTreeSet<&str> = containers
        .flat_map(|c| c.action_imports.iter().chain(&c.function_imports))
        .map(AsRef::as_ref)
        .collect();
    let (mut unbound, mut bound) = (Vec::new(), Vec::new());
    for schema in &document.csdl.schemas {
        for operation in &schema.operations {
            let parameters = operation.parameters.iter().map(|p| p.name.to_string());
            if operation.is_bound {
                let name = format!("{}.{}", schema.namespace, operation.name);
                bound.push((name, parameters.skip(1).collect::<Vec<_>>()));
            } else if imports.contains(operation.name.as_ref()) {
                unbound.push((operation.name.to_string(), parameters.collect()));
            }
        }
    }
    for (file, wanted) in [("operations.rs", unbound), ("bound.rs", bound)] {
        let items = files.get(file).map_or(&[][..], Vec::as_slice);
        assert_eq!(messages(items), sorted(wanted), "{place} {file}");
    }
}

#[test]
fn every_wire_name_stands_once_where_it_belongs() {
    for entry in std::fs::read_dir(fixture("csdl")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".gz") {
            continue;
        }
        let text = super::text(&name);
        let csdl = csdl::parse(&text).unwrap();
        let options = Options {
            operations: Some(vec!["all".into()]),
            ..Options::default()
        };
        let model = dataverse_codegen::model::build(&csdl);
        let files: Vec<File> = generate(&model, &options).unwrap().files;
        let parsed: BTreeMap<&str, Vec<syn::Item>> = files
            .iter()
            .map(|file| {
                (
                    file.name.as_str(),
                    syn::parse_file(&file.text).unwrap().items,
                )
            })
            .collect();
        let document = Document::of(&csdl);
        check_tables(&document, &parsed, &name);
        check_operations(&document, &parsed, &name);
        for (file, items) in &parsed {
            crate::generate::assert_distinct(items, &format!("{name} {file}"));
        }
        check_types(&model, &files, &name);
    }
}

/// Every complex type and enum type that something names is there, with its members.
fn check_types(model: &dataverse_codegen::model::Model, files: &[File], place: &str) {
    let Some(types) = files.iter().find(|file| file.name == "types.rs") else {
        return;
    };
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "";
    for line in types.text.lines() {
        let line = line.trim();
        if let Some(rest) = line
            .strip_prefix("/// Complex type `")
            .or(line.strip_prefix("/// Enum type `"))
        {
            current = rest.split('`').next().unwrap_or_default();
            assert!(
                found.insert(current, Vec::new()).is_none(),
                "{place}: two of {current}"
            );
        } else if let Some(rest) = line.strip_prefix("/// `") {
            let member = rest.split('`').next().unwrap_or_default();
            found.entry(current).or_default().push(member);
        }
    }
    for (name, mut members) in found {
        let complex = model.complex_types.get(name);
        let enumeration = model.enum_types.get(name);
        let complex = complex.map(|c| {
            c.members
                .iter()
                .map(|(m, _)| m.as_str())
                .collect::<Vec<_>>()
        });
        let enumeration = enumeration.map(|e| {
            e.members
                .iter()
                .map(|(m, _)| m.as_str())
                .collect::<Vec<_>>()
        });
        let mut wanted = complex.or(enumeration).unwrap_or_default();
        members.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(members, wanted, "{place} {name}");
    }
}
