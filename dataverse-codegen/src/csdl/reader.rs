//! One pass over the XML, into the [`ast`](super::ast).
//!
//! Unknown elements and attributes are skipped. A document type declaration is refused: no service
//! sends one, and it is how entity-expansion attacks begin.

use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Error;
use super::ast::{
    ComplexType, Csdl, EntityContainer, EntitySet, EntityType, EnumType, NavigationProperty,
    Operation, OperationKind, Parameter, Property, Schema, Text,
};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Reads a CSDL document.
///
/// Errors: the byte position, what stands there and what was expected. An HTML page, JSON and a
/// truncated document are told apart.
pub fn parse(text: &str) -> Result<Csdl<'_>> {
    // XML forbids it, and a name that holds one would go wrong later.
    if let Some(position) = text.find('\0') {
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
    let mut parser = Parser {
        reader: Reader::from_str(text),
        text,
    };
    let root = parser.root()?;
    let mut csdl = Csdl::default();
    parser.children(&root, |parser, services| {
        if services.name != "DataServices" {
            return Ok(Content::Unread);
        }
        parser.children(services, |parser, schema| match schema.name {
            "Schema" => push(&mut csdl.schemas, parser.schema(schema)?),
            _ => Ok(Content::Unread),
        })?;
        Ok(Content::Read)
    })?;
    parser.nothing_more()?;
    if csdl.schemas.is_empty() {
        return Err(Error::new(
            root.position,
            "<edmx:Edmx> without a <Schema>",
            "a CSDL schema",
        ));
    }
    Ok(csdl)
}

struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
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

impl<'a> Parser<'a> {
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
        let name = name.rsplit_once(':').map_or(name, |(_, local)| local);
        Element {
            name,
            tag,
            name_len,
            position: begin as u64 - 1,
            empty,
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
        self.children(element, |parser, child| match child.name {
            "EntityType" => push(&mut schema.entity_types, parser.entity_type(child)?),
            "ComplexType" => push(&mut schema.complex_types, parser.complex_type(child)?),
            "EnumType" => push(&mut schema.enum_types, parser.enum_type(child)?),
            "Action" => push(
                &mut schema.operations,
                parser.operation(child, OperationKind::Action)?,
            ),
            "Function" => push(
                &mut schema.operations,
                parser.operation(child, OperationKind::Function)?,
            ),
            "EntityContainer" => push(&mut schema.containers, parser.container(child)?),
            _ => Ok(Content::Unread),
        })?;
        Ok(schema)
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

impl<'a> Element<'a> {
    fn attribute(&self, name: &str) -> Result<Option<Text<'a>>> {
        let mut attributes = Attributes::new(self.tag, self.name_len);
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
