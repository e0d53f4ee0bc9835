//! XML as a tree: FetchXML is small.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::fault::{Fault, Result};

/// How deep elements may nest.
const MAX_DEPTH: usize = 50;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    /// Reads a document; gives its root.
    pub(crate) fn parse(xml: &str) -> Result<Element> {
        let mut reader = Reader::from_str(xml.trim());
        let mut open: Vec<Element> = vec![Element::default()];
        loop {
            let event = reader.read_event().map_err(|error| malformed(&error))?;
            match event {
                Event::Start(start) => {
                    if open.len() > MAX_DEPTH {
                        return Err(malformed(&"elements are nested too deeply"));
                    }
                    open.push(element(&start)?);
                }
                Event::Empty(start) => {
                    let element = element(&start)?;
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(element);
                    }
                }
                Event::End(_) => {
                    if let (Some(element), Some(parent)) = (open.pop(), open.last_mut()) {
                        parent.children.push(element);
                    }
                }
                Event::Text(text) => push(&mut open, &text.xml10_content()),
                Event::CData(text) => push(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let entity = format!("&{};", reference.xml10_content());
                    let text =
                        quick_xml::escape::unescape(&entity).map_err(|error| malformed(&error))?;
                    push(&mut open, &text);
                }
                Event::DocType(_) => return Err(malformed(&"a DTD is not allowed")),
                Event::Eof => break,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            }
        }
        match &mut open[..] {
            [document] if document.children.len() == 1 => document
                .children
                .pop()
                .ok_or_else(|| malformed(&"it is empty")),
            _ => Err(malformed(&"it is not one whole element")),
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// An attribute that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.attribute(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                malformed(&format!(
                    "the required attribute '{name}' of '{}' is missing",
                    self.name
                ))
            })
    }

    /// Whether an attribute says `true` or `1`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.attribute(name)
            .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    /// An attribute that is a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>> {
        let Some(text) = self.attribute(name) else {
            return Ok(None);
        };
        match whole(text.trim()) {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(malformed(&format!(
                "'{name}' is '{text}', not a number above zero"
            ))),
        }
    }
}

/// A number of rows or of a page: of 32 bits, as the service reads them, and not below zero.
pub(super) fn whole(text: &str) -> Option<usize> {
    let number: i32 = text.parse().ok()?;
    usize::try_from(number).ok()
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let value =
            quick_xml::escape::unescape(&attribute.value).map_err(|error| malformed(&error))?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element {
        name: start.name().as_ref().to_owned(),
        attributes,
        ..Element::default()
    })
}

/// What cannot be read as FetchXML.
pub(crate) fn malformed(why: &dyn std::fmt::Display) -> Fault {
    Fault::invalid_argument(format!("Invalid XML: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_attributes_and_children_are_read() {
        let root = Element::parse(
            "<?xml version='1.0'?><a b='1 &amp; 2'><!-- --><c/>x &lt;&#65; <![CDATA[<y>]]></a>",
        )
        .unwrap();
        assert_eq!(root.attribute("b"), Some("1 & 2"));
        assert_eq!(root.children[0].name, "c");
        assert_eq!(root.text, "x <A <y>");
        for wrong in [
            "",
            "x",
            "<a>",
            "<a/><b/>",
            "<a></b>",
            "<a b=1/>",
            "<a>&x;</a>",
            "<!DOCTYPE a><a/>",
        ] {
            assert!(Element::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Element::parse(&"<a>".repeat(1_000)).is_err());
    }
}
