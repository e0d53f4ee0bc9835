//! A lookup that may point at several tables: customer, owner, regarding.

use std::fmt;
use std::marker::PhantomData;

use uuid::Uuid;

use super::{Annotation, Binding, Id, Scalar, Value, ValueError, ValueKind};

/// A reference to a row of one of the tables that `L` lists.
///
/// Two are equal when they point at the same row, whatever is known of its table and name.
pub struct AnyLookup<L> {
    id: Uuid,
    logical_name: Option<Box<str>>,
    name: Option<Box<str>>,
    targets: PhantomData<fn() -> L>,
}

/// The tables a lookup may point at, as an enum with one variant each.
pub trait Targets: Sized {
    /// The row `id` of the table with this logical name, if the service told it.
    fn new(table: Option<&str>, id: Uuid) -> Self;

    /// Logical name of the table, if it is known, and the row.
    fn row(&self) -> (Option<&str>, Uuid);
}

/// The tables a lookup may point at, by name: those that the program knows.
pub trait TargetList: 'static {
    /// One for each table.
    const TARGETS: &'static [Target];
}

/// A table a lookup may point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    logical_name: &'static str,
    entity_set: &'static str,
    navigation: &'static str,
}

impl Target {
    /// The table with these names, bound through `navigation`.
    pub const fn new(
        logical_name: &'static str,
        entity_set: &'static str,
        navigation: &'static str,
    ) -> Self {
        Target {
            logical_name,
            entity_set,
            navigation,
        }
    }
}

impl<L> AnyLookup<L> {
    /// A reference to the row `id` of a table that is not told.
    pub fn new(id: Uuid) -> Self {
        AnyLookup {
            id,
            logical_name: None,
            name: None,
            targets: PhantomData,
        }
    }

    /// The GUID of the row it points at.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Logical name of the table it points at, if annotations were asked for.
    pub fn logical_name(&self) -> Option<&str> {
        self.logical_name.as_deref()
    }

    /// The primary name of the row it points at, if annotations were asked for.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl<L: Targets> AnyLookup<L> {
    /// The row it points at, by table.
    pub fn target(&self) -> L {
        L::new(self.logical_name(), self.id)
    }
}

// By hand: a derive would ask the same of `L`.
impl<L> Clone for AnyLookup<L> {
    fn clone(&self) -> Self {
        AnyLookup {
            id: self.id,
            logical_name: self.logical_name.clone(),
            name: self.name.clone(),
            targets: PhantomData,
        }
    }
}

impl<L> PartialEq for AnyLookup<L> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<L> Eq for AnyLookup<L> {}

impl<L> fmt::Debug for AnyLookup<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyLookup")
            .field("id", &self.id)
            .field("logical_name", &self.logical_name)
            .field("name", &self.name)
            .finish()
    }
}

impl<L> From<Uuid> for AnyLookup<L> {
    fn from(id: Uuid) -> Self {
        AnyLookup::new(id)
    }
}

impl<L: Targets> From<L> for AnyLookup<L> {
    fn from(target: L) -> Self {
        let (table, id) = target.row();
        AnyLookup {
            logical_name: table.map(Box::from),
            ..AnyLookup::new(id)
        }
    }
}

impl<E, L> From<Id<E>> for AnyLookup<L> {
    fn from(id: Id<E>) -> Self {
        AnyLookup::new(id.uuid())
    }
}

impl<L: TargetList> Value for AnyLookup<L> {
    fn kind() -> ValueKind {
        ValueKind::Guid
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        Uuid::from_scalar(scalar).map(AnyLookup::new)
    }

    fn write_json(&self, out: &mut String) {
        self.id.write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.id.write_literal(out);
    }

    fn annotate(&mut self, annotation: Annotation, text: &str) {
        match annotation {
            Annotation::FormattedValue => self.name = Some(text.into()),
            Annotation::LookupLogicalName => self.logical_name = Some(text.into()),
        }
    }

    fn annotation(&self, annotation: Annotation) -> Option<&str> {
        match annotation {
            Annotation::FormattedValue => self.name(),
            Annotation::LookupLogicalName => self.logical_name(),
        }
    }

    fn binding(&self) -> Option<Binding> {
        let table = self.logical_name()?;
        let target = L::TARGETS.iter().find(|t| t.logical_name == table)?;
        Some(Binding {
            entity_set: target.entity_set,
            id: self.id,
            navigation: Some(target.navigation),
        })
    }

    fn any_navigation() -> Option<&'static str> {
        L::TARGETS.first().map(|target| target.navigation)
    }
}
