//! What a FetchXML document asks for.

use super::xml::{Element, malformed};
use crate::fault::{Fault, Result};
use crate::label::Sorting;
use crate::query::MAX_PAGE;

/// Tables that a query may join.
const MAX_LINKS: usize = 15;

#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) top: Option<usize>,
    pub(crate) count: Option<usize>,
    /// From 1.
    pub(crate) page: usize,
    /// Rows before the first page that are left out.
    pub(crate) skip: usize,
    pub(crate) cookie: Option<String>,
    pub(crate) is_distinct: bool,
    pub(crate) is_aggregate: bool,
    pub(crate) wants_total: bool,
    pub(crate) sorting: Sorting,
    /// Rows that were moved to long-term retention are asked for, and no others.
    pub(crate) is_retained: bool,
    /// Rows that an aggregate may be made of, fewer than the service allows.
    pub(crate) aggregate_limit: Option<usize>,
    pub(crate) entity: Entity,
}

/// A table and what is asked of it.
#[derive(Debug, Default)]
pub(crate) struct Entity {
    pub(crate) name: String,
    pub(crate) all_attributes: bool,
    pub(crate) no_attributes: bool,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) orders: Vec<Order>,
    pub(crate) filters: Vec<Part>,
    pub(crate) links: Vec<Link>,
}

#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) groups: bool,
    pub(crate) date_grouping: Option<String>,
    pub(crate) aggregate: Option<String>,
    pub(crate) row_aggregate: Option<String>,
    pub(crate) is_distinct: bool,
}

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) attribute: Option<String>,
    pub(crate) alias: Option<String>,
    pub(crate) entity: Option<String>,
    pub(crate) descending: bool,
}

/// A part of a filter.
#[derive(Debug)]
pub(crate) enum Part {
    Filter {
        is_or: bool,
        parts: Vec<Part>,
    },
    Condition(Condition),
    /// `any`, `not any`, `all`, `not all`.
    Link(Link),
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) entity: Option<String>,
    pub(crate) attribute: String,
    pub(crate) operator: String,
    pub(crate) values: Vec<String>,
    /// The column that is compared with, instead of a value.
    pub(crate) value_of: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) entity: Entity,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) alias: String,
    pub(crate) link_type: LinkType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkType {
    Inner,
    Outer,
    Exists,
    In,
    FirstRow,
    Any,
    NotAny,
    All,
    NotAll,
}

impl Fetch {
    /// Reads a document.
    pub(crate) fn parse(xml: &str) -> Result<Self> {
        let root = Element::parse(xml)?;
        if root.name != "fetch" {
            return Err(malformed(&format!("'{}' is not 'fetch'", root.name)));
        }
        let mut links = 0;
        let mut entity = None;
        for child in &root.children {
            match child.name.as_str() {
                "entity" if entity.is_none() => {
                    entity = Some(Entity::read(child, &mut links)?);
                }
                other => return Err(unknown(other, "fetch")),
            }
        }
        let is_retained = match root.attribute("datasource").unwrap_or_default() {
            "" => false,
            "retained" => true,
            "bin" => return Err(Fault::not_supported("`datasource='bin'` in FetchXML")),
            other => return Err(malformed(&format!("'{other}' is not a datasource"))),
        };
        let (top, count, page) = (
            root.number("top")?,
            root.number("count")?,
            root.number("page")?,
        );
        if top.is_some() && (count.is_some() || page.is_some()) {
            return Err(Fault::invalid_argument(
                "The top attribute can't be specified with paging attribute page.",
            ));
        }
        let fetch = Fetch {
            top: top.map(|top| top.min(MAX_PAGE)),
            count: count.map(|count| count.min(MAX_PAGE)),
            page: page.unwrap_or(1),
            skip: 0,
            cookie: root
                .attribute("paging-cookie")
                .filter(|cookie| !cookie.is_empty())
                .map(str::to_owned),
            is_distinct: root.is("distinct"),
            is_aggregate: root.is("aggregate"),
            wants_total: root.is("returntotalrecordcount"),
            sorting: match root.is("useraworderby") {
                true => Sorting::Names,
                false => Sorting::Labels,
            },
            is_retained,
            aggregate_limit: root.number("aggregatelimit")?,
            entity: entity.ok_or_else(|| malformed(&"'fetch' holds no 'entity'"))?,
        };
        fetch.entity.check_aggregates(fetch.is_aggregate)?;
        Ok(fetch)
    }
}

impl Entity {
    fn read(element: &Element, links: &mut usize) -> Result<Self> {
        let mut entity = Entity {
            name: element.required("name")?.to_owned(),
            ..Entity::default()
        };
        for child in &element.children {
            match child.name.as_str() {
                "all-attributes" => entity.all_attributes = true,
                "no-attrs" => entity.no_attributes = true,
                "attribute" => entity.attributes.push(Attribute {
                    name: child.required("name")?.to_owned(),
                    alias: child.attribute("alias").map(str::to_owned),
                    groups: child.is("groupby"),
                    date_grouping: child.attribute("dategrouping").map(str::to_owned),
                    aggregate: child.attribute("aggregate").map(str::to_owned),
                    row_aggregate: child.attribute("rowaggregate").map(str::to_owned),
                    is_distinct: child.is("distinct"),
                }),
                "order" => entity.orders.push(Order {
                    attribute: child.attribute("attribute").map(str::to_owned),
                    alias: child.attribute("alias").map(str::to_owned),
                    entity: child.attribute("entityname").map(str::to_owned),
                    descending: child.is("descending"),
                }),
                "filter" => entity.filters.push(filter(child, links)?),
                "link-entity" => {
                    let link = Link::read(child, links)?;
                    if link.link_type.is_of_filter() {
                        entity.filters.push(Part::Link(link));
                    } else {
                        entity.links.push(link);
                    }
                }
                other => return Err(unknown(other, "entity")),
            }
        }
        Ok(entity)
    }

    fn check_aggregates(&self, is_aggregate: bool) -> Result<()> {
        for attribute in &self.attributes {
            let is_part = attribute.groups || attribute.aggregate.is_some();
            if is_aggregate && !(is_part && attribute.alias.is_some()) {
                return Err(Fault::invalid_argument(format!(
                    "The attribute '{}' of an aggregate query needs an alias, and aggregate or \
                     groupby.",
                    attribute.name
                )));
            }
            if !is_aggregate && is_part {
                return Err(Fault::invalid_argument(format!(
                    "The attribute '{}' is aggregated or grouped by in a query without \
                     aggregate='true'.",
                    attribute.name
                )));
            }
        }
        self.links
            .iter()
            .try_for_each(|link| link.entity.check_aggregates(is_aggregate))
    }
}

impl Link {
    fn read(element: &Element, links: &mut usize) -> Result<Self> {
        *links += 1;
        if *links > MAX_LINKS {
            return Err(Fault::too_many_joins());
        }
        let name = element.required("name")?;
        let alias = match element.attribute("alias").filter(|alias| !alias.is_empty()) {
            Some(alias) => alias.to_owned(),
            None => format!("{name}{links}"),
        };
        let link_type = match element.attribute("link-type") {
            None | Some("" | "inner" | "natural") => LinkType::Inner,
            Some("outer") => LinkType::Outer,
            Some("exists") => LinkType::Exists,
            Some("in") => LinkType::In,
            Some("matchfirstrowusingcrossapply") => LinkType::FirstRow,
            Some("any") => LinkType::Any,
            Some("not any") => LinkType::NotAny,
            Some("all") => LinkType::All,
            Some("not all") => LinkType::NotAll,
            Some(other) => {
                return Err(malformed(&format!("'{other}' is not a link-type")));
            }
        };
        Ok(Link {
            from: element.required("from")?.to_owned(),
            to: element.required("to")?.to_owned(),
            alias,
            link_type,
            entity: Entity::read(element, links)?,
        })
    }
}

impl LinkType {
    fn is_of_filter(self) -> bool {
        matches!(
            self,
            LinkType::Any | LinkType::NotAny | LinkType::All | LinkType::NotAll
        )
    }
}

fn filter(element: &Element, links: &mut usize) -> Result<Part> {
    let is_or = match element.attribute("type") {
        None | Some("" | "and") => false,
        Some("or") => true,
        Some(other) => return Err(malformed(&format!("'{other}' is not a type of filter"))),
    };
    let mut parts = Vec::new();
    for child in &element.children {
        parts.push(match child.name.as_str() {
            "filter" => filter(child, links)?,
            "condition" => Part::Condition(condition(child)?),
            "link-entity" => {
                let link = Link::read(child, links)?;
                if !link.link_type.is_of_filter() {
                    return Err(malformed(
                        &"a link-entity inside a filter is of the type any, not any, all or not all",
                    ));
                }
                Part::Link(link)
            }
            other => return Err(unknown(other, "filter")),
        });
    }
    Ok(Part::Filter { is_or, parts })
}

fn condition(element: &Element) -> Result<Condition> {
    for name in ["aggregate", "rowaggregate", "alias", "column"] {
        // They stand in the schema, and nothing tells what they do.
        if element
            .attribute(name)
            .is_some_and(|value| !value.is_empty())
        {
            return Err(Fault::not_supported(format!(
                "`{name}` of a condition in FetchXML"
            )));
        }
    }
    let mut values: Vec<String> = element
        .attribute("value")
        .map(str::to_owned)
        .into_iter()
        .collect();
    for child in &element.children {
        match child.name.as_str() {
            "value" => values.push(child.text.trim().to_owned()),
            other => return Err(unknown(other, "condition")),
        }
    }
    Ok(Condition {
        entity: element.attribute("entityname").map(str::to_owned),
        attribute: element.required("attribute")?.to_owned(),
        operator: element.required("operator")?.to_owned(),
        values,
        value_of: element.attribute("valueof").map(str::to_owned),
    })
}

fn unknown(child: &str, parent: &str) -> Fault {
    malformed(&format!("'{child}' is not allowed in '{parent}'"))
}
