//! One pass over the XML, into the [`ast`](super::ast).
//!
//! Unknown elements and attributes are skipped. A document type declaration is refused: no service
//! sends one, and it is how entity-expansion attacks begin.
//!
//! A second reader begins at an entity type in the middle. Only if the first one arrives there as at
//! a child of a schema is that what stands there, and not the content of a comment; then it takes
//! what the second has read, to the end of the schema, and goes on behind.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::BufRead;
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Error;
use super::ast::{
    ComplexType, Csdl, EntityContainer, EntitySet, EntityType, EnumType, NavigationProperty,
    Operation, OperationKind, Parameter, Property, Schema, Text,
};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Shorter documents than this are not worth a second reader.
const WORTH_IT: usize = 1 << 18;

/// Reads a CSDL document.
///
/// Errors: the byte position, what stands there and what was expected. An HTML page, JSON and a
/// truncated document are told apart.
pub fn parse(text: &str) -> Result<Csdl<'_>> {
    // XML forbids it, and a name that holds one would go wrong later.
    if let Some(position) = memchr::memchr(0, text.as_bytes()) {
        return Err(Error::new(position as u64, "a zero byte", "XML text"));
    }
    // quick-xml steps over a byte order mark without counting it: positions would be off.
    let body = text.trim_start_matches('\u{feff}');
    parse_body(body).map_err(|mut error| {
        error.position += (text.len() - body.len()) as u64;
        error
    })
}

fn parse_body(text: &str) -> Result<Csdl<'_>> {
    let Some(at) = middle(text) else {
        return Parser::of(text).document();
    };
    thread::scope(|scope| {
        let mut parser = Parser::of(text);
        parser.second = Some((at as u64, scope.spawn(move || second_half(&text[at..]))));
        parser.document()
    })
}

/// Where the entity type begins that is next to the middle.
fn middle(text: &str) -> Option<usize> {
    if text.len() < WORTH_IT {
        return None;
    }
    let middle = (text.len() / 2..).find(|at| text.is_char_boundary(*at))?;
    let (before, behind) = text.split_at(middle);
    const START: &str = "<EntityType ";
    let next = behind.find(START).map(|at| middle + at);
    next.or_else(|| before.rfind(START))
}

/// What a schema holds from some entity type on.
struct SecondHalf<'a> {
    schema: Schema<'a>,
    /// Where the entity type ends that it begins with.
    first_end: u64,
    /// Where its last element ends.
    end: u64,
}

/// Reads to the end of the schema, as far as `text` is that; what is wrong with it the first reader
/// will tell.
fn second_half(text: &str) -> Option<SecondHalf<'_>> {
    let mut parser = Parser::of(text);
    // That of the schema.
    parser.reader.config_mut().allow_unmatched_ends = true;
    let schema = Element {
        name: "Schema",
        tag: "",
        name_len: 0,
        position: 0,
        empty: false,
        next: Cell::new(0),
    };
    let mut half = SecondHalf {
        schema: Schema::default(),
        first_end: 0,
        end: 0,
    };
    let read = parser.children(&schema, |parser, child| {
        parser.part(child, &mut half.schema)?;
        half.end = parser.reader.buffer_position();
        if half.first_end == 0 {
            // The first reader reads it, too.
            half.schema = Schema::default();
            half.first_end = half.end;
        }
        Ok(Content::Read)
    });
    read.ok().map(|()| half)
}

impl<'a> Parser<'a, '_> {
    fn of(text: &'a str) -> Self {
        Parser {
            reader: Reader::from_str(text),
            text,
            second: None,
        }
    }

    fn document(mut self) -> Result<Csdl<'a>> {
        let root = self.root()?;
        let mut csdl = Csdl::default();
        self.children(&root, |parser, services| {
            if services.name != "DataServices" {
                return Ok(Content::Unread);
            }
            parser.children(services, |parser, schema| match schema.name {
                "Schema" => push(&mut csdl.schemas, parser.schema(schema)?),
                _ => Ok(Content::Unread),
            })?;
            Ok(Content::Read)
        })?;
        self.nothing_more()?;
        if csdl.schemas.is_empty() {
            return Err(Error::new(
                root.position,
                "<edmx:Edmx> without a <Schema>",
                "a CSDL schema",
            ));
        }
        Ok(csdl)
    }
}

struct Parser<'a, 's> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// Who reads from a byte on, if anybody does.
    second: Option<(u64, ScopedJoinHandle<'s, Option<SecondHalf<'a>>>)>,
}

/// An opening tag.
struct Element<'a> {
    /// Without its namespace prefix.
    name: &'a str,
    /// What stands between `<` and `>`.
    tag: &'a str,
    name_len: usize,
    position: u64,
    empty: bool,
    /// Where in the tag the search for the next attribute begins: they are asked for in the order
    /// in which services write them.
    next: Cell<usize>,
}

/// Whether the visitor of an element has read its content, end tag included.
enum Content {
    Read,
    Unread,
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<Content> {
    list.push(item);
    Ok(Content::Read)
}

impl<'a> Parser<'a, '_> {
    fn root(&mut self) -> Result<Element<'a>> {
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
    fn children(
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

    fn skip(&mut self, element: &Element<'a>) -> Result<()> {
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

    fn content(&mut self, element: &Element<'a>) -> Result<String> {
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

    fn nothing_more(&mut self) -> Result<()> {
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
    fn element(&self, start: &BytesStart<'_>, empty: bool) -> Element<'a> {
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

    fn truncated(&self, inside: &Element<'_>) -> Error {
        Error::new(
            self.text.len() as u64,
            format!(
                "the end of the document inside <{}> of byte {}",
                inside.name, inside.position
            ),
            "the rest of it: it is cut off",
        )
    }

    fn schema(&mut self, element: &Element<'a>) -> Result<Schema<'a>> {
        let mut schema = Schema {
            namespace: element.required("Namespace")?,
            ..Schema::default()
        };
        schema.alias = element.attribute("Alias")?;
        self.children(element, |parser, child| {
            parser.part(child, &mut schema)?;
            parser.take_second(child.position, &mut schema);
            Ok(Content::Read)
        })?;
        Ok(schema)
    }

    /// A child of a schema, to its end.
    fn part(&mut self, child: &Element<'a>, schema: &mut Schema<'a>) -> Result<()> {
        match child.name {
            "EntityType" => schema.entity_types.push(self.entity_type(child)?),
            "ComplexType" => schema.complex_types.push(self.complex_type(child)?),
            "EnumType" => schema.enum_types.push(self.enum_type(child)?),
            "Action" => {
                let action = self.operation(child, OperationKind::Action)?;
                schema.operations.push(action);
            }
            "Function" => {
                let function = self.operation(child, OperationKind::Function)?;
                schema.operations.push(function);
            }
            "EntityContainer" => schema.containers.push(self.container(child)?),
            _ => self.skip(child)?,
        }
        Ok(())
    }

    /// Takes what the second reader has read, if it began at the child that was read last.
    fn take_second(&mut self, position: u64, schema: &mut Schema<'a>) {
        let Some((at, second)) = self.second.take_if(|(at, _)| *at == position) else {
            return;
        };
        let half = second.join().unwrap_or_else(|panic| resume_unwind(panic));
        let here = self.reader.buffer_position();
        let Some(half) = half.filter(|half| at + half.first_end == here) else {
            return;
        };
        schema.entity_types.extend(half.schema.entity_types);
        schema.complex_types.extend(half.schema.complex_types);
        schema.enum_types.extend(half.schema.enum_types);
        schema.operations.extend(half.schema.operations);
        schema.containers.extend(half.schema.containers);
        self.reader
            .stream()
            .consume((at + half.end - here) as usize);
    }

    fn entity_type(&mut self, element: &Element<'a>) -> Result<EntityType<'a>> {
        let mut entity = EntityType {
            name: element.required("Name")?,
            ..EntityType::default()
        };
        entity.base_type = element.attribute("BaseType")?;
        entity.is_abstract = element.flag("Abstract")?;
        entity.is_open = element.flag("OpenType")?;
        self.children(element, |parser, child| match child.name {
            "Key" => {
                parser.children(child, |_, part| {
                    entity.key.push(part.required("Name")?);
                    Ok(Content::Unread)
                })?;
                Ok(Content::Read)
            }
            "Property" => push(&mut entity.properties, parser.property(child)?),
            "NavigationProperty" => push(&mut entity.navigations, parser.navigation(child)?),
            "Annotation" => match term(child)? {
                Term::AlternateKeys => {
                    parser.alternate_keys(child, &mut entity.alternate_keys)?;
                    Ok(Content::Read)
                }
                Term::Description => {
                    entity.description = child.attribute("String")?;
                    Ok(Content::Unread)
                }
                _ => Ok(Content::Unread),
            },
            _ => Ok(Content::Unread),
        })?;
        Ok(entity)
    }

    fn complex_type(&mut self, element: &Element<'a>) -> Result<ComplexType<'a>> {
        let mut complex = ComplexType {
            name: element.required("Name")?,
            ..ComplexType::default()
        };
        complex.base_type = element.attribute("BaseType")?;
        self.children(element, |parser, child| match child.name {
            "Property" => push(&mut complex.properties, parser.property(child)?),
            "NavigationProperty" => push(&mut complex.navigations, parser.navigation(child)?),
            _ => Ok(Content::Unread),
        })?;
        Ok(complex)
    }

    fn property(&mut self, element: &Element<'a>) -> Result<Property<'a>> {
        let mut property = Property {
            name: element.required("Name")?,
            ..Property::default()
        };
        property.type_name = element.required("Type")?;
        self.children(element, |parser, child| {
            if child.name != "Annotation" {
                return Ok(Content::Unread);
            }
            match term(child)? {
                Term::Description => property.description = child.attribute("String")?,
                Term::Computed => {
                    property.computed = child.attribute("Bool")?.as_deref() != Some("false")
                }
                Term::Permissions => {
                    let mut members = child
                        .attribute("EnumMember")?
                        .unwrap_or_default()
                        .into_owned();
                    parser.children(child, |parser, value| {
                        members.push_str(&parser.content(value)?);
                        Ok(Content::Read)
                    })?;
                    property.read_only = members
                        .split_whitespace()
                        .eq(["Org.OData.Core.V1.PermissionType/Read"]);
                    return Ok(Content::Read);
                }
                _ => {}
            }
            Ok(Content::Unread)
        })?;
        Ok(property)
    }

    fn navigation(&mut self, element: &Element<'a>) -> Result<NavigationProperty<'a>> {
        let mut navigation = NavigationProperty {
            name: element.required("Name")?,
            ..NavigationProperty::default()
        };
        navigation.type_name = element.required("Type")?;
        navigation.partner = element.attribute("Partner")?;
        self.children(element, |_, child| {
            if child.name == "ReferentialConstraint" {
                let dependent = child.required("Property")?;
                navigation
                    .constraints
                    .push((dependent, child.required("ReferencedProperty")?));
            }
            Ok(Content::Unread)
        })?;
        Ok(navigation)
    }

    fn alternate_keys(
        &mut self,
        annotation: &Element<'a>,
        keys: &mut Vec<Vec<Text<'a>>>,
    ) -> Result<()> {
        self.children(annotation, |parser, collection| {
            parser.children(collection, |parser, record| {
                let mut key = Vec::new();
                parser.key_parts(record, &mut key)?;
                if !key.is_empty() {
                    keys.push(key);
                }
                Ok(Content::Read)
            })?;
            Ok(Content::Read)
        })
    }

    /// `Record > PropertyValue Property="Key" > Collection > Record > PropertyValue Property="Name"`.
    fn key_parts(&mut self, record: &Element<'a>, key: &mut Vec<Text<'a>>) -> Result<()> {
        self.children(record, |parser, value| {
            if value.attribute("Property")?.as_deref() != Some("Key") {
                return Ok(Content::Unread);
            }
            parser.children(value, |parser, collection| {
                parser.children(collection, |parser, part| {
                    parser.children(part, |_, value| {
                        if value.attribute("Property")?.as_deref() == Some("Name") {
                            key.extend(value.attribute("PropertyPath")?);
                        }
                        Ok(Content::Unread)
                    })?;
                    Ok(Content::Read)
                })?;
                Ok(Content::Read)
            })?;
            Ok(Content::Read)
        })
    }

    fn enum_type(&mut self, element: &Element<'a>) -> Result<EnumType<'a>> {
        let mut enum_type = EnumType {
            name: element.required("Name")?,
            ..EnumType::default()
        };
        enum_type.is_flags = element.flag("IsFlags")?;
        self.children(element, |_, member| {
            if member.name == "Member" {
                let value = member.attribute("Value")?;
                let value = value.map(|value| {
                    value.parse().map_err(|_| {
                        Error::new(
                            member.position,
                            format!("Value=\"{value}\""),
                            "a whole number",
                        )
                    })
                });
                enum_type
                    .members
                    .push((member.required("Name")?, value.transpose()?));
            }
            Ok(Content::Unread)
        })?;
        Ok(enum_type)
    }

    fn operation(&mut self, element: &Element<'a>, kind: OperationKind) -> Result<Operation<'a>> {
        let mut operation = Operation {
            kind,
            name: element.required("Name")?,
            ..Operation::default()
        };
        operation.is_bound = element.flag("IsBound")?;
        operation.is_composable = element.flag("IsComposable")?;
        self.children(element, |parser, child| match child.name {
            "Parameter" => push(&mut operation.parameters, parser.parameter(child)?),
            "ReturnType" => {
                operation.return_type = Some(child.required("Type")?);
                Ok(Content::Unread)
            }
            _ => Ok(Content::Unread),
        })?;
        Ok(operation)
    }

    fn parameter(&mut self, element: &Element<'a>) -> Result<Parameter<'a>> {
        let mut parameter = Parameter {
            name: element.required("Name")?,
            ..Parameter::default()
        };
        parameter.type_name = element.required("Type")?;
        parameter.required = element.attribute("Nullable")?.as_deref() == Some("false");
        self.children(element, |_, child| {
            if child.name == "Annotation" && term(child)? == Term::OptionalParameter {
                parameter.required = false;
            }
            Ok(Content::Unread)
        })?;
        Ok(parameter)
    }

    fn container(&mut self, element: &Element<'a>) -> Result<EntityContainer<'a>> {
        let mut container = EntityContainer {
            name: element.required("Name")?,
            ..EntityContainer::default()
        };
        self.children(element, |parser, child| {
            match child.name {
                "EntitySet" => return push(&mut container.sets, parser.entity_set(child)?),
                "Singleton" => container.singletons.push(child.required("Name")?),
                "ActionImport" => container.action_imports.push(child.required("Name")?),
                "FunctionImport" => container.function_imports.push(child.required("Name")?),
                _ => {}
            }
            Ok(Content::Unread)
        })?;
        Ok(container)
    }

    fn entity_set(&mut self, element: &Element<'a>) -> Result<EntitySet<'a>> {
        let mut set = EntitySet {
            name: element.required("Name")?,
            ..EntitySet::default()
        };
        set.entity_type = element.required("EntityType")?;
        self.children(element, |_, child| {
            if child.name == "NavigationPropertyBinding" {
                set.bindings
                    .push((child.required("Path")?, child.required("Target")?));
            }
            Ok(Content::Unread)
        })?;
        Ok(set)
    }
}

const EDMX: &str = "a CSDL document (<edmx:Edmx>)";

fn doctype(position: u64) -> Error {
    Error::new(
        position,
        "a document type declaration",
        "CSDL, which has none",
    )
}

#[derive(PartialEq, Eq)]
enum Term {
    AlternateKeys,
    Computed,
    Description,
    OptionalParameter,
    Permissions,
    Other,
}

fn term(annotation: &Element<'_>) -> Result<Term> {
    Ok(match annotation.attribute("Term")?.as_deref() {
        Some("OData.Community.Keys.V1.AlternateKeys") => Term::AlternateKeys,
        Some("Org.OData.Core.V1.Computed") => Term::Computed,
        Some("Org.OData.Core.V1.Description") => Term::Description,
        Some("Org.OData.Core.V1.OptionalParameter") => Term::OptionalParameter,
        Some("Org.OData.Core.V1.Permissions") => Term::Permissions,
        _ => Term::Other,
    })
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

impl<'a> Element<'a> {
    fn attribute(&self, name: &str) -> Result<Option<Text<'a>>> {
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

    fn required(&self, name: &str) -> Result<Text<'a>> {
        let value = self.attribute(name)?;
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            Error::new(
                self.position,
                format!("<{}> without {name}", self.name),
                format!("{name}=\"…\""),
            )
        })
    }

    fn flag(&self, name: &str) -> Result<bool> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A document of two halves, each long enough, with `middle` between them.
    fn document(middle: &str, end: &str) -> String {
        let types = |half: &str| -> String {
            let one = |at| {
                format!(
                    "<EntityType Name=\"{half}{at}\"><Key><PropertyRef Name=\"id\"/></Key>\
                     <Property Type=\"Edm.Guid\" Name=\"id\"/></EntityType>\n"
                )
            };
            (0..2000).map(one).collect()
        };
        format!(
            "<Edmx><DataServices><Schema Namespace=\"n\">{}<Action Name=\"a\"/>{middle}{}\
             <EnumType Name=\"e\"/>{end}",
            types("first"),
            types("second")
        )
    }

    const END: &str = "<EntityContainer Name=\"c\"/> </Schema><Schema Namespace=\"o\"/>\
                       </DataServices></Edmx>";

    #[test]
    fn two_readers_find_what_one_finds() {
        let types = |csdl: &Csdl<'_>| csdl.schemas[0].entity_types.len();
        let comment = format!("<!--{}-->", "<EntityType Name=\"no\"/>".repeat(10_000));
        let data = comment.replace("<!--", "<![CDATA[").replace("-->", "]]>");
        for middle in ["", "<Function Name=\"é\"/>", &comment, &data] {
            let text = document(middle, END);
            assert!(middle_is_inside(&text));
            let read = parse(&text).unwrap();
            assert_eq!(types(&read), 4000);
            assert_eq!(read.schemas.len(), 2);
            assert_eq!(Ok(read), Parser::of(&text).document());
        }
    }

    #[test]
    fn two_readers_refuse_what_one_refuses() {
        let ends = [
            "",
            "</Schema>",
            "</EntityType>",
            "<EntityType/>",
            "<!DOCTYPE a>",
            "<Property Name='",
        ];
        for end in ends {
            let text = document("", &format!("{end}{}", &END[..20]));
            assert!(middle_is_inside(&text));
            let refused = Parser::of(&text).document();
            assert!(refused.is_err(), "{end}");
            assert_eq!(parse(&text), refused, "{end}");
        }
    }

    fn middle_is_inside(text: &str) -> bool {
        middle(text).is_some_and(|at| text[at..].starts_with("<EntityType "))
    }

    #[test]
    fn attributes_may_be_written_in_any_way() {
        let ways = [
            "Name=\"t\" Abstract=\"true\" BaseType=\"n.b\"",
            "Name='t' BaseType = \"n.b\" Abstract='true'",
            "Abstract=\"true\"\n\t Name=\"&#116;\" x:y=\"Name\"  BaseType=\"n.b\" ",
            "x=\">\" BaseType=\"n&#46;b\" Name=\"t\" Abstract=\"true\"",
        ];
        for way in ways {
            let text = format!(
                "<Edmx><DataServices><Schema Namespace=\"n\"><EntityType {way}/></Schema>\
                 </DataServices></Edmx>"
            );
            let csdl = parse(&text).unwrap();
            let entity = &csdl.schemas[0].entity_types[0];
            let read = (
                &*entity.name,
                entity.base_type.as_deref(),
                entity.is_abstract,
            );
            assert_eq!(read, ("t", Some("n.b"), true), "{way}");
        }
        let broken = "<Edmx><DataServices><Schema Namespace=\"n\" Alias></Schema>";
        assert!(parse(broken).is_err());
    }

    #[test]
    fn attributes_may_come_in_any_order() {
        let text = "<Edmx><DataServices><Schema Alias='a' Namespace='n'><EntityType OpenType='true' \
                    BaseType=\"n.b\" Name='t'/></Schema></DataServices></Edmx>";
        let csdl = parse(text).unwrap();
        let entity = &csdl.schemas[0].entity_types[0];
        assert_eq!(
            (&*entity.name, entity.base_type.as_deref()),
            ("t", Some("n.b"))
        );
        assert!(entity.is_open && !entity.is_abstract);
        assert_eq!(csdl.schemas[0].alias.as_deref(), Some("a"));
    }
}
