//! Documents without order, and without what is of no use here.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::minimal_escape;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use crate::error::Error;

/// What is asked for of a table.
pub(super) const TABLE_PROPERTIES: &[&str] = &[
    "LogicalName",
    "SchemaName",
    "DisplayName",
    "Description",
    "PrimaryNameAttribute",
    "Attributes",
];

/// What is asked for of a column.
pub(super) const COLUMN_PROPERTIES: &[&str] = &[
    "LogicalName",
    "SchemaName",
    "DisplayName",
    "Description",
    "AttributeOf",
    "AttributeTypeName",
    "RequiredLevel",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "Precision",
    "Format",
    "FormatName",
    "DateTimeBehavior",
    "IsValidForCreate",
    "IsValidForUpdate",
    "IsSecured",
    "DeprecatedVersion",
    "Targets",
    "OptionSet",
    "GlobalOptionSet",
];

/// Members of what those hold.
const NESTED: &[&str] = &[
    "@odata.type",
    "FalseOption",
    "IsGlobal",
    "Label",
    "LanguageCode",
    "LocalizedLabels",
    "Name",
    "Options",
    "State",
    "TrueOption",
    "Value",
];

/// The tables of an answer by name, each with sorted columns and options.
pub(super) fn definitions(answer: &[u8]) -> Result<BTreeMap<String, Value>, Error> {
    let bad = |what: String| {
        Error::Definitions(format!(
            "the org's answer to RetrieveMetadataChanges: {what}; expected `EntityMetadata`"
        ))
    };
    let text = answer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer);
    let mut json: Value = serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
    let Value::Array(tables) = json["EntityMetadata"].take() else {
        return Err(bad("a document without tables".to_owned()));
    };
    let named = tables.into_iter().filter_map(|mut table| {
        let name = table["LogicalName"].as_str()?.to_owned();
        simplify(&mut table);
        Some((name, table))
    });
    Ok(named.collect())
}

/// Removes members that nobody reads, and nulls; sorts lists.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let is_known = |name: &str| {
                [TABLE_PROPERTIES, COLUMN_PROPERTIES, NESTED]
                    .iter()
                    .any(|names| names.contains(&name))
            };
            members.retain(|name, _| is_known(name));
            members.values_mut().for_each(simplify);
            let is_empty = |value: &Value| match value {
                Value::Null => true,
                Value::Object(members) => members.is_empty(),
                Value::Array(items) => items.is_empty(),
                _ => false,
            };
            let kept: Map<String, Value> = std::mem::take(members)
                .into_iter()
                .filter(|(_, value)| !is_empty(value))
                .collect();
            *members = kept;
        }
        Value::Array(items) => {
            items.iter_mut().for_each(simplify);
            items.sort_by_cached_key(|item| {
                let number = |name: &str| item[name].as_i64();
                let name = item["LogicalName"].as_str().map(str::to_owned);
                let text = item.as_str().map(str::to_owned);
                (name.or(text), number("Value").or(number("LanguageCode")))
            });
        }
        _ => {}
    }
}

/// An element, to be sorted: by name, then attributes, then content, which tells overloads apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Element {
    /// `EntityType`, without a prefix.
    name: String,
    /// Name and attributes, as they stood.
    head: String,
    children: Vec<Element>,
    /// As it stood, escaped.
    text: String,
}

/// Deeper documents are no CSDL.
const MAX_DEPTH: usize = 64;

/// A CSDL document with an element a line, sorted where order means nothing.
pub(super) fn document(text: &str) -> Result<String, Error> {
    let failed = |position: u64, found: String| Error::NotCsdl {
        name: "the org's $metadata".to_owned(),
        error: crate::csdl::Error {
            position,
            found,
            expected: "well-formed XML".to_owned(),
        },
    };
    let mut reader = Reader::from_str(text);
    let root = |name: &str| Element {
        head: String::new(),
        name: name.to_owned(),
        children: Vec::new(),
        text: String::new(),
    };
    let mut open = vec![root("")];
    loop {
        let event = reader.read_event();
        let position = reader.buffer_position();
        match event.map_err(|error| failed(position, error.to_string()))? {
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err(failed(position, "elements nested too deep".to_owned()));
                }
                let head = (*start).to_owned();
                let name = start.local_name().as_ref().to_owned();
                open.push(Element {
                    head,
                    ..root(&name)
                });
            }
            Event::Empty(start) => {
                let element = Element {
                    head: start.trim_end().to_owned(),
                    ..root(start.local_name().as_ref())
                };
                if let Some(parent) = open.last_mut() {
                    parent.children.push(element);
                }
            }
            Event::End(_) => {
                if let Some(mut element) = open.pop()
                    && let Some(parent) = open.last_mut()
                {
                    if UNORDERED.contains(&element.name.as_str()) {
                        element.children.sort();
                    }
                    parent.children.push(element);
                }
            }
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text);
                }
            }
            Event::CData(data) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&minimal_escape(&*data));
                }
            }
            Event::GeneralRef(name) => {
                if let Some(element) = open.last_mut() {
                    element.text.extend(["&", &name, ";"]);
                }
            }
            Event::Eof => break,
            // Declarations and comments.
            _ => {}
        }
    }
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    out.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    for element in open.iter().flat_map(|root| &root.children) {
        write(element, 0, &mut out);
    }
    Ok(out)
}

/// Elements whose children mean the same in any order. That of parameters, members of enums and
/// parts of keys means something.
const UNORDERED: &[&str] = &[
    "ComplexType",
    "EntityContainer",
    "EntitySet",
    "EntityType",
    "Schema",
];

fn write(element: &Element, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    out.push_str(&indent);
    out.push('<');
    out.push_str(&element.head);
    let text = element.text.trim();
    if element.children.is_empty() && text.is_empty() {
        out.push_str(" />\n");
        return;
    }
    out.push('>');
    out.push_str(text);
    if !element.children.is_empty() {
        out.push('\n');
        for child in &element.children {
            write(child, depth + 1, out);
        }
        out.push_str(&indent);
    }
    let name = element.head.split_whitespace().next().unwrap_or_default();
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}
