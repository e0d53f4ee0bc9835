//! What a schema holds.

use super::xml::{Content, Element};
use super::{Parser, Result};
use crate::csdl::Error;
use crate::csdl::ast::{
    ComplexType, EntityContainer, EntitySet, EntityType, EnumType, NavigationProperty, Operation,
    OperationKind, Parameter, Property, Schema, Text,
};

impl<'a> Parser<'a, '_> {
    pub(super) fn schema(&mut self, element: &Element<'a>) -> Result<Schema<'a>> {
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
    pub(super) fn part(&mut self, child: &Element<'a>, schema: &mut Schema<'a>) -> Result<()> {
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

pub(super) fn push<T>(list: &mut Vec<T>, item: T) -> Result<Content> {
    list.push(item);
    Ok(Content::Read)
}
