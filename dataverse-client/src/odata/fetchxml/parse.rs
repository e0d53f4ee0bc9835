//! Reading a document from text.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::check::wrong_at;
use super::grammar::Tag;
use super::tree::{Element, Position};
use crate::error::{Error, Result};

/// Nothing that the service takes is deeper: it joins 15 tables.
const MAX_DEPTH: usize = 64;

/// Reads the root element. Comments and the XML declaration are left out.
///
/// Errors: the text is no XML, or holds an element or attribute that FetchXML does not know; with
/// line and column. Whether it makes sense, [`check`](super::check) says.
pub(super) fn parse(text: &str) -> Result<Element> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(offset) = text.find(|char| !super::tree::is_xml(char)) {
        let position = Some(Places::new(text).at(offset));
        return Err(wrong_at(position, "a character that XML cannot hold"));
    }
    let mut reader = Reader::from_str(text);
    let mut places = Places::new(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let position = places.at(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        let event = reader.read_event().map_err(|error| {
            wrong_at(Some(position), "the text is no well-formed XML").with_source(error)
        })?;
        let closed = match event {
            Event::Start(start) => {
                let element = element(&start, position, open.last(), root.is_some())?;
                if open.len() == MAX_DEPTH {
                    let what = format!("elements are nested more than {MAX_DEPTH} deep");
                    return Err(wrong_at(Some(position), what));
                }
                open.push(element);
                None
            }
            Event::Empty(start) => Some(element(&start, position, open.last(), root.is_some())?),
            Event::End(_) => open.pop(),
            Event::Text(text) => {
                add_text(&text.xml10_content(), position, open.last_mut())?;
                None
            }
            Event::CData(text) => {
                add_text(&text.xml10_content(), position, open.last_mut())?;
                None
            }
            Event::GeneralRef(reference) => {
                let text = resolve(&reference).ok_or_else(|| entity_refused(position))?;
                add_text(&text, position, open.last_mut())?;
                None
            }
            Event::DocType(_) => return Err(entity_refused(position)),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => None,
            Event::Eof => break,
        };
        if let Some(element) = closed {
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => root = Some(element),
            }
        }
    }
    let end = || Some(Places::new(text).at(text.len()));
    if let Some(element) = open.last() {
        let what = format!("the text ends inside `{}`", element.tag.rule().name);
        return Err(wrong_at(end(), what));
    }
    root.ok_or_else(|| wrong_at(end(), "there is no `fetch` element"))
}

/// An opening tag, which must be known where it stands.
fn element(
    start: &BytesStart<'_>,
    position: Position,
    parent: Option<&Element>,
    root_is_read: bool,
) -> Result<Element> {
    let at = Some(position);
    let name = start.name();
    let name: &str = name.as_ref();
    let (inside, allowed) = match parent {
        Some(parent) => {
            let rule = parent.tag.rule();
            (format!("`{}`", rule.name), rule.children)
        }
        None if root_is_read => return Err(wrong_at(at, "there is a second root element")),
        None => ("the document".to_owned(), &[Tag::Fetch][..]),
    };
    let tag = Tag::of_name(name).filter(|tag| allowed.contains(tag));
    let Some(tag) = tag else {
        let names: Vec<_> = allowed.iter().map(|tag| tag.rule().name).collect();
        let may = match names.is_empty() {
            true => "it holds no element".to_owned(),
            false => format!("it holds `{}`", names.join("`, `")),
        };
        let what = format!("{inside} holds no element `{name}`; {may}");
        return Err(wrong_at(at, what));
    };
    let mut element = Element::new(tag);
    element.position = at;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| {
            let what = format!("the attributes of `{name}` are no well-formed XML");
            wrong_at(at, what).with_source(error)
        })?;
        let key: &str = attribute.key.as_ref();
        let rule = tag.rule();
        let Some((key, _)) = rule.attribute(key) else {
            let known: Vec<_> = rule.attributes.iter().map(|(name, _)| *name).collect();
            let what = match known.is_empty() {
                true => format!("`{name}` has no attribute `{key}`, nor any other"),
                false => format!(
                    "`{name}` has no attribute `{key}`; it has `{}`",
                    known.join("`, `")
                ),
            };
            return Err(wrong_at(at, what));
        };
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| {
                let what = format!("the value of `{key}` of `{name}` is no well-formed XML");
                wrong_at(at, what).with_source(error)
            })?;
        element.set(key, value);
    }
    Ok(element)
}

/// Only the value of a condition is text; elsewhere only blanks stand between elements.
fn add_text(text: &str, position: Position, inside: Option<&mut Element>) -> Result<()> {
    match inside {
        Some(element) if element.tag == Tag::Value => element.text.push_str(text),
        _ if text.trim().is_empty() => {}
        _ => return Err(wrong_at(Some(position), "text stands between elements")),
    }
    Ok(())
}

/// `&amp;` and the like, and `&#228;`.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    if reference.is_char_ref() {
        let char = reference.resolve_char_ref().ok()??;
        return super::tree::is_xml(char).then(|| char.to_string());
    }
    resolve_predefined_entity(reference).map(str::to_owned)
}

#[cold]
fn entity_refused(position: Position) -> Error {
    let what = "there is a document type, or an entity that only one could declare; FetchXML has \
                neither";
    wrong_at(Some(position), what)
}

/// Places in a text, found in one pass from its beginning to its end.
struct Places<'a> {
    text: &'a str,
    offset: usize,
    position: Position,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let position = Position { line: 1, column: 1 };
        Places {
            text,
            offset: 0,
            position,
        }
    }

    /// The place of a byte at or behind the last one asked for.
    fn at(&mut self, offset: usize) -> Position {
        let passed = self.text.get(self.offset..offset).unwrap_or_default();
        for char in passed.chars() {
            if char == '\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.offset += passed.len();
        self.position
    }
}
