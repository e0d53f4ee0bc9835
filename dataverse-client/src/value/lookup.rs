//! A lookup that always points at one table.

use std::fmt;

use super::{Annotation, Binding, Id, Scalar, Value, ValueError, ValueKind};

/// A reference to a row of `E`.
///
/// Two lookups are equal when they point at the same row, whatever is known of its name.
pub struct Lookup<E> {
    id: Id<E>,
    name: Option<Box<str>>,
}

impl<E> Lookup<E> {
    /// A reference to the row `id`.
    pub fn new(id: Id<E>) -> Self {
        Lookup { id, name: None }
    }

    /// The row it points at.
    pub fn id(&self) -> Id<E> {
        self.id
    }

    /// The primary name of that row, if annotations were asked for.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

// By hand: a derive would ask the same of `E`.
impl<E> Clone for Lookup<E> {
    fn clone(&self) -> Self {
        Lookup {
            id: self.id,
            name: self.name.clone(),
        }
    }
}

impl<E> PartialEq for Lookup<E> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<E> Eq for Lookup<E> {}

impl<E> fmt::Debug for Lookup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish()
    }
}

impl<E> From<Id<E>> for Lookup<E> {
    fn from(id: Id<E>) -> Self {
        Lookup::new(id)
    }
}

/// A table, as far as values know tables. Every `Entity` is one.
pub trait LookupTarget: 'static {
    /// The name in URLs: `contacts`.
    const ENTITY_SET: &'static str;
}

impl<E: LookupTarget> Value for Lookup<E> {
    fn kind() -> ValueKind {
        ValueKind::Guid
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        Id::from_scalar(scalar).map(Lookup::new)
    }

    fn write_json(&self, out: &mut String) {
        self.id.write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.id.write_literal(out);
    }

    fn annotate(&mut self, annotation: Annotation, text: &str) {
        if annotation == Annotation::FormattedValue {
            self.name = Some(text.into());
        }
    }

    fn annotation(&self, annotation: Annotation) -> Option<&str> {
        match annotation {
            Annotation::FormattedValue => self.name(),
            Annotation::LookupLogicalName => None,
        }
    }

    fn binding(&self) -> Option<Binding> {
        Some(Binding {
            entity_set: E::ENTITY_SET,
            id: self.id.uuid(),
            navigation: None,
        })
    }
}
