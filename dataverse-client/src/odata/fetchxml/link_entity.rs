//! Tables that are joined.

use std::marker::PhantomData;

use super::grammar::Tag;
use super::parts::parts_of_an_entity;
use super::tree::Element;
use super::{Attribute, FetchColumn, Filter, Order};
use crate::schema::{AnyTable, Column, Entity};

/// A join of the table `L` to the table `P`.
///
/// Its columns come with each row under `alias.column`; see
/// [`AnyRow::linked`](crate::AnyRow::linked). A query joins at most 15 tables.
/// Source: Microsoft Learn, "Join tables using FetchXml", 2024.
#[must_use = "a join does nothing until it is given to a document"]
pub struct LinkEntity<P, L> {
    pub(super) element: Element,
    tables: PhantomData<fn() -> (P, L)>,
}

impl<P, L: Entity> LinkEntity<P, L> {
    /// Joins the table of the column `from`, where it holds what `to` of the outer table holds.
    pub fn new<T, A>(from: Column<L, T, A>, to: impl FetchColumn<P>) -> Self {
        LinkEntity::of_names(L::TABLE.logical_name(), from.logical_name(), &to.name())
    }
}

impl<P> LinkEntity<P, AnyTable> {
    /// Joins the table of this logical name, where its column `from` holds what the column `to` of
    /// the outer table holds.
    pub fn of_table(table: &str, from: &str, to: &str) -> Self {
        LinkEntity::of_names(table, from, to)
    }
}

impl<P, L> LinkEntity<P, L> {
    fn of_names(table: &str, from: &str, to: &str) -> Self {
        let element = Element::new(Tag::LinkEntity)
            .with("name", table)
            .with("from", from)
            .with("to", to);
        LinkEntity {
            element,
            tables: PhantomData,
        }
    }

    /// How the tables are joined; [`LinkType::Inner`] unless given.
    pub fn link_type(mut self, kind: LinkType) -> Self {
        self.element.set("link-type", kind.word());
        self
    }

    /// The name that the joined table has in the document and in the answer.
    pub fn alias(mut self, alias: &str) -> Self {
        self.element.set("alias", alias);
        self
    }

    /// The table only connects two others, in a relationship of many to many.
    pub fn intersect(mut self) -> Self {
        self.element.set("intersect", "true");
        self
    }

    fn with_part(mut self, part: Element) -> Self {
        self.element.children.push(part);
        self
    }
}

parts_of_an_entity!(LinkEntity<P, L>, L, P, L);

/// How tables are joined.
///
/// Source: Microsoft Learn, "link-entity element", 2024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkType {
    /// Rows of the outer table that have a match, once for each.
    Inner,
    /// All rows of the outer table, with their matches.
    Outer,
    /// In a [filter](Filter::related): rows that have a match.
    Any,
    /// In a [filter](Filter::related): rows that have no match.
    NotAny,
    /// In a [filter](Filter::related): rows that have related rows, none of which meets the link's
    /// filter. The name says otherwise; this is what the service does.
    All,
    /// In a [filter](Filter::related): the same as `Any`.
    NotAll,
    /// Rows that have a match, once each, without its columns.
    Exists,
    /// The same, asked in other words of the database.
    In,
    /// All rows of the outer table, once each, with one match.
    MatchFirstRowUsingCrossApply,
}

impl LinkType {
    fn word(self) -> &'static str {
        match self {
            LinkType::Inner => "inner",
            LinkType::Outer => "outer",
            LinkType::Any => "any",
            LinkType::NotAny => "not any",
            LinkType::All => "all",
            LinkType::NotAll => "not all",
            LinkType::Exists => "exists",
            LinkType::In => "in",
            LinkType::MatchFirstRowUsingCrossApply => "matchfirstrowusingcrossapply",
        }
    }
}
