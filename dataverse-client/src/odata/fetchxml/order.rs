//! Columns to sort by.

use std::marker::PhantomData;

use super::FetchColumn;
use super::grammar::Tag;
use super::tree::Element;

/// A column to sort by, smallest first.
///
/// Rows that are equal come in no set order, and pages may then lose or repeat rows: end with the
/// primary key. Lookups are sorted by the name of the row they point at, choices by their labels
/// unless the document says [`use_raw_order_by`](super::FetchXml::use_raw_order_by).
/// Source: Microsoft Learn, "Order rows using FetchXml", 2024.
#[must_use = "an order does nothing until it is given to a document"]
pub struct Order<E> {
    pub(super) element: Element,
    entity: PhantomData<fn() -> E>,
}

impl<E> Order<E> {
    fn of_element(element: Element) -> Self {
        Order {
            element,
            entity: PhantomData,
        }
    }

    /// By this column.
    pub fn by(column: impl FetchColumn<E>) -> Self {
        Order::of_element(Element::new(Tag::Order).with("attribute", &*column.name()))
    }

    /// By the column with this alias: for queries that aggregate.
    pub fn by_alias(alias: &str) -> Self {
        Order::of_element(Element::new(Tag::Order).with("alias", alias))
    }

    /// Largest first.
    pub fn descending(self) -> Self {
        Order::of_element(self.element.with("descending", "true"))
    }

    /// The column is of the linked table with this alias. The service then often gives no paging
    /// cookie, and no more than 50,000 rows.
    pub fn of_link<O>(self, alias: &str) -> Order<O> {
        Order::of_element(self.element.with("entityname", alias))
    }
}
