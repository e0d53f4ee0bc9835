//! Conditions joined.

use std::fmt;
use std::marker::PhantomData;

use super::LinkEntity;
use super::grammar::Tag;
use super::tree::Element;

/// A condition on rows of `E`, or several: made by [`on`](super::on).
#[must_use = "a filter does nothing until it is given to a document"]
pub struct Filter<E> {
    /// A `condition`, a `filter`, or a `link-entity` that stands for a condition.
    element: Element,
    entity: PhantomData<fn() -> E>,
}

impl<E> Filter<E> {
    pub(super) fn of_element(element: Element) -> Self {
        Filter {
            element,
            entity: PhantomData,
        }
    }

    /// Rows by their related rows: `link` is of type [`Any`](super::LinkType::Any),
    /// [`NotAny`](super::LinkType::NotAny), [`All`](super::LinkType::All) or
    /// [`NotAll`](super::LinkType::NotAll).
    pub fn related<L>(link: LinkEntity<E, L>) -> Self {
        Filter::of_element(link.element)
    }

    /// Both hold.
    pub fn and(self, other: Filter<E>) -> Self {
        self.join("and", other)
    }

    /// One of them holds, or both.
    pub fn or(self, other: Filter<E>) -> Self {
        self.join("or", other)
    }

    /// Adds to the element if it is joined by the same word: a chain stays flat.
    fn join(self, word: &str, other: Filter<E>) -> Self {
        let mut element = self.element;
        if !is_joined_by(&element, word) {
            let mut outer = Element::new(Tag::Filter).with("type", word);
            outer.children.push(element);
            element = outer;
        }
        element.children.push(other.element);
        Filter::of_element(element)
    }

    /// A `filter` element.
    fn into_filter(self) -> Element {
        if self.element.tag == Tag::Filter {
            return self.element;
        }
        let mut filter = Element::new(Tag::Filter).with("type", "and");
        filter.children.push(self.element);
        filter
    }

    /// Makes `entity` hold this filter and every one that it holds already.
    pub(super) fn add_to(self, entity: &mut Element) {
        let mut children = entity.children.iter_mut();
        match children.find(|child| child.tag == Tag::Filter) {
            None => entity.children.push(self.into_filter()),
            Some(earlier) => {
                let joined = Filter::<E>::of_element(earlier.clone()).and(self);
                *earlier = joined.element;
            }
        }
    }
}

/// Whether it is a filter of this word and nothing else: a hint is about its own conditions.
fn is_joined_by(element: &Element, word: &str) -> bool {
    element.tag == Tag::Filter
        && element
            .attributes()
            .all(|(name, value)| name == "type" && value.eq_ignore_ascii_case(word))
        && (word == "and" || element.get("type").is_some())
}

impl<E> Clone for Filter<E> {
    fn clone(&self) -> Self {
        Filter::of_element(self.element.clone())
    }
}

impl<E> fmt::Debug for Filter<E> {
    /// Tells how many conditions there are: values in a filter are a row's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut conditions = 0;
        self.element
            .visit(&mut |element| conditions += usize::from(element.tag == Tag::Condition));
        write!(f, "Filter({conditions} conditions)")
    }
}
