//! The elements of a document, and how they are written.

use super::grammar::Tag;

/// An element: what it may hold is in the [grammar](super::grammar).
#[derive(Clone)]
pub(crate) struct Element {
    pub(super) tag: Tag,
    attributes: Vec<(&'static str, Box<str>)>,
    pub(super) children: Vec<Element>,
    /// Of a `value`; empty elsewhere.
    pub(super) text: String,
    /// Where it stands in the text it was read from.
    pub(super) position: Option<Position>,
}

/// A place in a text, counted from one; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Element {
    pub(super) fn new(tag: Tag) -> Self {
        Element {
            tag,
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
            position: None,
        }
    }

    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(known, _)| *known == name)?;
        Some(value)
    }

    /// Whether an attribute is `true` or `1`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Box<str>>) {
        let value = value.into();
        let mut attributes = self.attributes.iter_mut();
        match attributes.find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name, value)),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Box<str>>) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.attributes
            .iter()
            .map(|(name, value)| (*name, &**value))
    }

    pub(super) fn children_of(&self, tag: Tag) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.tag == tag)
    }

    /// The element and all below it.
    pub(super) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Element)) {
        see(self);
        for child in &self.children {
            child.visit(see);
        }
    }

    /// Appends the element as XML. Apostrophes around values: they need no encoding in a URL.
    pub(super) fn write(&self, out: &mut String) {
        self.write_around(&self.children, out);
    }

    /// Appends the element with these children instead of its own.
    pub(super) fn write_around(&self, children: &[Element], out: &mut String) {
        let name = self.tag.rule().name;
        out.push('<');
        out.push_str(name);
        for (name, value) in self.attributes() {
            out.push(' ');
            out.push_str(name);
            out.push_str("='");
            escape(value, out);
            out.push('\'');
        }
        if children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        escape(&self.text, out);
        for child in children {
            child.write(out);
        }
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
}

/// Appends text so that a reader gets back exactly this: line ends and tabs in attributes would
/// become blanks.
fn escape(text: &str, out: &mut String) {
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(char),
        }
    }
}

/// Whether XML can hold the character, in whatever spelling.
/// Source: W3C, "Extensible Markup Language (XML) 1.0", section 2.2.
pub(super) fn is_xml(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
