//! Elements, attributes and text: XML, whatever it says.

use std::borrow::Cow;
use std::cell::Cell;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, Event};

use super::{Parser, Result};
use crate::csdl::Error;
use crate::csdl::ast::Text;

const EDMX: &str = "a CSDL document (<edmx:Edmx>)";

/// An opening tag.
pub(super) struct Element<'a> {
    /// Without its namespace prefix.
    pub(super) name: &'a str,
    /// What stands between `<` and `>`.
    pub(super) tag: &'a str,
    pub(super) name_len: usize,
    pub(super) position: u64,
    pub(super) empty: bool,
    /// Where in the tag the search for the next attribute begins: they are asked for in the order
    /// in which services write them.
    pub(super) next: Cell<usize>,
}

/// Whether the visitor of an element has read its content, end tag included.
pub(super) enum Content {
    Read,
    Unread,
}

impl<'a> Parser<'a, '_> {
    pub(super) fn root(&mut self) -> Result<Element<'a>> {
        loop {
            let position = self.reader.buffer_position();
            let element = match self.event()? {
                Event::Start(start) => self.element(&start, false),
                Event::Empty(start) => self.element(&start, true),
                Event::Text(text) if text.trim().is_empty() => continue,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => continue,
                Event::Text(text) if text.trim_start().starts_with(['{', '[']) => {
                    return Err(Error::new(position, "JSON (an error message?)", EDMX));
                }
                Event::Text(text) => {
                    let start: String = text.trim_start().chars().take(20).collect();
                    return Err(Error::new(position, format!("text `{start}`"), EDMX));
                }
                Event::DocType(_)
                    if self.text[position as usize..]
                        .to_ascii_lowercase()
                        .contains("<html") =>
                {
                    return Err(Error::new(position, "an HTML page (a sign-in page?)", EDMX));
                }
                Event::DocType(_) => return Err(doctype(position)),
                Event::Eof => return Err(Error::new(position, "the end of the document", EDMX)),
                _ => return Err(Error::new(position, "other content", EDMX)),
            };
            return match element.name {
                "Edmx" => Ok(element),
                name if name.eq_ignore_ascii_case("html") => Err(Error::new(
                    element.position,
                    "an HTML page (a sign-in page?)",
                    EDMX,
                )),
                name => Err(Error::new(element.position, format!("<{name}>"), EDMX)),
            };
        }
    }

    /// Visits each child element of `parent`; content that a visitor leaves unread is skipped.
    pub(super) fn children(
        &mut self,
        parent: &Element<'a>,
        mut visit: impl FnMut(&mut Self, &Element<'a>) -> Result<Content>,
    ) -> Result<()> {
        if parent.empty {
            return Ok(());
        }
        loop {
            let child = match self.event()? {
                Event::Start(start) => self.element(&start, false),
                Event::Empty(start) => self.element(&start, true),
                Event::End(_) => return Ok(()),
                Event::Eof => return Err(self.truncated(parent)),
                Event::DocType(_) => return Err(doctype(self.reader.buffer_position())),
                _ => continue,
            };
            if let Content::Unread = visit(self, &child)? {
                self.skip(&child)?;
            }
        }
    }

    pub(super) fn skip(&mut self, element: &Element<'a>) -> Result<()> {
        let mut depth = usize::from(!element.empty);
        while depth > 0 {
            match self.event()? {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(self.truncated(element)),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn content(&mut self, element: &Element<'a>) -> Result<String> {
        let mut content = String::new();
        if element.empty {
            return Ok(content);
        }
        loop {
            match self.event()? {
                Event::Text(text) => content.push_str(&text),
                Event::End(_) => return Ok(content),
                Event::Eof => return Err(self.truncated(element)),
                Event::Start(start) => {
                    let inner = self.element(&start, false);
                    self.skip(&inner)?;
                }
                _ => {}
            }
        }
    }

    pub(super) fn nothing_more(&mut self) -> Result<()> {
        loop {
            let position = self.reader.buffer_position();
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Start(_) | Event::Empty(_) => {
                    return Err(Error::new(
                        position,
                        "a second root element",
                        "the end of the document",
                    ));
                }
                _ => {}
            }
        }
    }

    fn event(&mut self) -> Result<Event<'a>> {
        self.reader.read_event().map_err(|error| {
            let position = self.reader.error_position().max(1);
            if position as usize >= self.text.len() {
                return Error::new(
                    position,
                    "the end of the document",
                    "the rest of it: it is cut off",
                );
            }
            Error::new(
                position,
                format!("XML that is not well formed ({error})"),
                "well-formed XML",
            )
        })
    }

    /// Borrows the tag from the document rather than from the event, so that names need no copy.
    pub(super) fn element(&self, start: &BytesStart<'_>, empty: bool) -> Element<'a> {
        let end = self.reader.buffer_position() as usize - if empty { 2 } else { 1 };
        let begin = end - start.len();
        let tag = &self.text[begin..end];
        let name_len = start.name().as_ref().len();
        let name = &tag[..name_len];
        let colon = name.bytes().rposition(|byte| byte == b':');
        let name = colon.map_or(name, |at| &name[at + 1..]);
        Element {
            name,
            tag,
            name_len,
            position: begin as u64 - 1,
            empty,
            next: Cell::new(name_len),
        }
    }

    pub(super) fn truncated(&self, inside: &Element<'_>) -> Error {
        Error::new(
            self.text.len() as u64,
            format!(
                "the end of the document inside <{}> of byte {}",
                inside.name, inside.position
            ),
            "the rest of it: it is cut off",
        )
    }
}

impl<'a> Element<'a> {
    pub(super) fn attribute(&self, name: &str) -> Result<Option<Text<'a>>> {
        let from = self.next.get();
        match self.attribute_from(from, name)? {
            None if from > self.name_len => self.attribute_from(self.name_len, name),
            found => Ok(found),
        }
    }

    fn attribute_from(&self, start: usize, name: &str) -> Result<Option<Text<'a>>> {
        let mut at = start;
        while let Some((key, value)) = plain_attribute(&self.tag[at..]) {
            at += key.len() + value.len() + r#" ="""#.len();
            if key == name {
                self.next.set(at);
                return Ok(Some(Cow::Borrowed(value)));
            }
        }
        let mut attributes = Attributes::new(self.tag, at);
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(&error))?;
            if attribute.key.as_ref() == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                return value.map(Some).map_err(|error| self.malformed(&error));
            }
        }
        Ok(None)
    }

    pub(super) fn required(&self, name: &str) -> Result<Text<'a>> {
        let value = self.attribute(name)?;
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            Error::new(
                self.position,
                format!("<{}> without {name}", self.name),
                format!("{name}=\"…\""),
            )
        })
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.attribute(name)?.as_deref() == Some("true"))
    }

    fn malformed(&self, error: &dyn std::fmt::Display) -> Error {
        Error::new(
            self.position,
            format!("<{}> with a broken attribute ({error})", self.name),
            "well-formed XML",
        )
    }
}

/// Key and value of the attribute that `text` begins with, if it is written as services write it:
/// ` key="value"` with nothing to replace.
fn plain_attribute(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(' ')?;
    let is_end = |byte: u8| !byte.is_ascii_alphanumeric();
    let (key, text) = text.split_at(text.bytes().position(is_end)?);
    let text = text.strip_prefix("=\"")?;
    let value = &text[..memchr::memchr(b'"', text.as_bytes())?];
    let is_special = |byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r');
    // Without an early end, so that many bytes are looked at together.
    let has_special = value
        .bytes()
        .fold(false, |any, byte| any | is_special(byte));
    (!has_special).then_some((key, value))
}

fn doctype(position: u64) -> Error {
    Error::new(
        position,
        "a document type declaration",
        "CSDL, which has none",
    )
}
