//! Whether a document makes sense: what the service would refuse is refused here, before anything
//! is sent.

use std::collections::HashSet;
use std::fmt::Display;

use super::grammar::{FILTER_LINKS, LINKS_WITHOUT_COLUMNS, Tag};
use super::operator::{Takes, takes};
use super::tree::{Element, Position, is_xml};
use crate::error::{Error, Result};

/// Tables that a query may join.
/// Source: Microsoft Learn, "Join tables using FetchXml", 2024: error `0x8004430D`.
const MAX_LINKS: usize = 15;

/// Conditions and joined tables together.
/// Source: Microsoft Learn, "Filter rows using FetchXml", 2024: error `0x8004430C`.
const MAX_CONDITIONS: usize = 500;

/// An error about a place in a text, or about a document that was not read from one.
#[cold]
pub(super) fn wrong_at(position: Option<Position>, what: impl Display) -> Error {
    match position {
        Some(Position { line, column }) => {
            Error::input(format!("FetchXML, line {line}, column {column}: {what}"))
        }
        None => Error::input(format!("FetchXML: {what}")),
    }
}

#[cold]
fn wrong(element: &Element, what: impl Display) -> Error {
    wrong_at(element.position, what)
}

/// Checks a document: `entity` is the child of `fetch`.
pub(super) fn check(fetch: &Element, entity: &Element) -> Result<()> {
    check_paging(fetch)?;
    check_attributes(fetch)?;
    let mut result = Ok(());
    let mut links = 0;
    let mut conditions = 0;
    let mut aliases = HashSet::new();
    let aggregate = fetch.is("aggregate");
    entity.visit(&mut |element| {
        links += usize::from(element.tag == Tag::LinkEntity);
        conditions += usize::from(matches!(element.tag, Tag::LinkEntity | Tag::Condition));
        if result.is_ok() {
            result = check_element(element, aggregate, &mut aliases);
        }
    });
    result?;
    if links > MAX_LINKS {
        let what =
            format!("{links} tables are linked; the service joins at most {MAX_LINKS} to a query");
        return Err(wrong(fetch, what));
    }
    if conditions > MAX_CONDITIONS {
        let what = format!(
            "there are {conditions} conditions and linked tables; the service takes at most \
             {MAX_CONDITIONS}: put values of one column into one `in`"
        );
        return Err(wrong(fetch, what));
    }
    Ok(())
}

fn check_paging(fetch: &Element) -> Result<()> {
    if fetch.get("top").is_some() {
        for other in ["page", "count", "paging-cookie"] {
            if fetch.get(other).is_some() {
                let what = format!("`top` and `{other}` exclude each other");
                return Err(wrong(fetch, what));
            }
        }
        if fetch.is("returntotalrecordcount") {
            let what = "`top` and `returntotalrecordcount` exclude each other";
            return Err(wrong(fetch, what));
        }
    }
    if fetch.get("paging-cookie").is_some() && fetch.get("page").is_none() {
        return Err(wrong(
            fetch,
            "a `paging-cookie` needs the `page` it leads to",
        ));
    }
    Ok(())
}

/// Names and kinds of attributes, and characters.
fn check_attributes(element: &Element) -> Result<()> {
    let rule = element.tag.rule();
    let name = rule.name;
    for required in rule.required {
        if element.get(required).is_none_or(str::is_empty) {
            return Err(wrong(element, format!("`{name}` needs its `{required}`")));
        }
    }
    for (attribute, value) in element.attributes() {
        if let Some((_, kind)) = rule.attribute(attribute)
            && let Some(wanted) = kind.refuses(value)
        {
            let what = format!("`{attribute}` of `{name}` is not {wanted}");
            return Err(wrong(element, what));
        }
        if !value.chars().all(is_xml) {
            let what = format!("`{attribute}` of `{name}` holds a character that XML cannot hold");
            return Err(wrong(element, what));
        }
    }
    if !element.text.chars().all(is_xml) {
        let what = format!("a `{name}` holds a character that XML cannot hold");
        return Err(wrong(element, what));
    }
    Ok(())
}

fn check_element<'a>(
    element: &'a Element,
    aggregate: bool,
    aliases: &mut HashSet<&'a str>,
) -> Result<()> {
    check_attributes(element)?;
    match element.tag {
        Tag::Attribute => {
            if let Some(alias) = element.get("alias")
                && !aliases.insert(alias)
            {
                let what = format!("two columns have the alias `{alias}`");
                return Err(wrong(element, what));
            }
            check_aggregate(element, aggregate)
        }
        Tag::AllAttributes if aggregate => Err(wrong(
            element,
            "an aggregate query has no `all-attributes`: name a column, its `aggregate` and an \
             `alias`",
        )),
        Tag::Order if element.get("attribute").or(element.get("alias")).is_none() => {
            Err(wrong(element, "`order` needs an `attribute` or an `alias`"))
        }
        Tag::Condition => check_condition(element),
        Tag::LinkEntity => check_link(element),
        Tag::Filter => check_links_of_filter(element),
        _ => Ok(()),
    }?;
    if matches!(element.tag, Tag::Entity | Tag::LinkEntity) {
        for link in element.children_of(Tag::LinkEntity) {
            if let Some(kind) = link_type(link, FILTER_LINKS) {
                let what = format!("a `link-entity` of type `{kind}` stands in a `filter`");
                return Err(wrong(link, what));
            }
        }
    }
    Ok(())
}

fn check_aggregate(element: &Element, aggregate: bool) -> Result<()> {
    let name = element.get("name").unwrap_or_default();
    let function = element.get("aggregate");
    let groups = element.is("groupby");
    if element.get("dategrouping").is_some() && !groups {
        let what = format!("`dategrouping` of column `{name}` needs `groupby='true'`");
        return Err(wrong(element, what));
    }
    if !aggregate {
        if function.is_some() || groups {
            let what = format!("column `{name}` aggregates, but `fetch` has no `aggregate='true'`");
            return Err(wrong(element, what));
        }
        return Ok(());
    }
    if element.get("rowaggregate").is_some() {
        return Ok(());
    }
    if function.is_some() == groups {
        let what = format!(
            "column `{name}` of an aggregate query needs either an `aggregate` or \
             `groupby='true'`"
        );
        return Err(wrong(element, what));
    }
    if element.get("alias").is_none_or(str::is_empty) {
        let what = format!("column `{name}` of an aggregate query needs an `alias`");
        return Err(wrong(element, what));
    }
    if element.is("distinct") && function.is_none_or(|function| function != "countcolumn") {
        let what = format!("`distinct` of column `{name}` needs the aggregate `countcolumn`");
        return Err(wrong(element, what));
    }
    Ok(())
}

fn check_condition(element: &Element) -> Result<()> {
    let operator = element.get("operator").unwrap_or_default();
    let Some(takes) = takes(operator) else {
        let what = format!("there is no operator `{operator}`");
        return Err(wrong(element, what));
    };
    let value = element.get("value");
    // Tools write an empty value beside operators that take none.
    let value = value.filter(|value| takes != Takes::Nothing || !value.is_empty());
    let values = usize::from(value.is_some()) + element.children.len();
    if element.get("valueof").is_some() {
        if takes == Takes::OneOrColumn && values == 0 {
            return Ok(());
        }
        let what = format!(
            "`valueof` stands with `eq`, `ne`, `gt`, `ge`, `lt` or `le`, and without a value; \
             not with `{operator}`"
        );
        return Err(wrong(element, what));
    }
    if let Some(wanted) = takes.refuses(values) {
        let what = format!("operator `{operator}` takes {wanted}; it has {values}");
        return Err(wrong(element, what));
    }
    let number = value.or(element.children.first().map(|value| &*value.text));
    if takes == Takes::Number && !number.is_some_and(is_count) {
        let what = format!("operator `{operator}` takes a whole number from 1");
        return Err(wrong(element, what));
    }
    Ok(())
}

fn is_count(text: &str) -> bool {
    text.trim().parse().is_ok_and(|count: u32| count > 0)
}

/// The type of a link, if it is among these.
fn link_type<'a>(link: &'a Element, types: &[&str]) -> Option<&'a str> {
    let kind = link.get("link-type")?;
    types
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known))
        .then_some(kind)
}

fn check_link(link: &Element) -> Result<()> {
    if let Some(kind) = link_type(link, LINKS_WITHOUT_COLUMNS) {
        let mut columns = link.children.iter();
        if columns.any(|child| matches!(child.tag, Tag::Attribute | Tag::AllAttributes)) {
            let what = format!("a `link-entity` of type `{kind}` gives no columns");
            return Err(wrong(link, what));
        }
    }
    Ok(())
}

fn check_links_of_filter(filter: &Element) -> Result<()> {
    for link in filter.children_of(Tag::LinkEntity) {
        if link_type(link, FILTER_LINKS).is_none() {
            let what = format!(
                "a `link-entity` in a `filter` is of type `{}`",
                FILTER_LINKS.join("`, `")
            );
            return Err(wrong(link, what));
        }
    }
    Ok(())
}
