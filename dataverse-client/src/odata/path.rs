//! What can be compared in `$filter`: columns of the table, and of tables that lookups lead to.

use std::borrow::Cow;
use std::marker::PhantomData;

use crate::schema::{AnyTable, Column, Entity, Navigation, One};
use crate::value::AnyValue;

/// Something with a value in each row of `E`: a column, or a column of the row that a lookup points
/// at.
///
/// Columns have the same methods; a path is what a lookup leads to, or what is only known at run
/// time ([`column()`]).
pub struct Path<E, T> {
    text: Cow<'static, str>,
    /// The name that query functions take; None for what a lookup leads to.
    logical_name: Option<Cow<'static, str>>,
    types: PhantomData<fn() -> (E, T)>,
}

/// A column that is only known at run time, by its name in URLs: `name`, `_parentid_value`,
/// `primarycontactid/fullname`.
pub fn column(name: impl Into<Cow<'static, str>>) -> Path<AnyTable, AnyValue> {
    let text = name.into();
    let logical_name = match text
        .strip_prefix('_')
        .and_then(|name| name.strip_suffix("_value"))
    {
        Some(name) => Some(Cow::Owned(name.to_owned())),
        None if text.contains('/') => None,
        None => Some(text.clone()),
    };
    Path {
        text,
        logical_name,
        types: PhantomData,
    }
}

impl<E: Entity, T, A> Column<E, T, A> {
    /// The column as a path.
    pub fn path(self) -> Path<E, T> {
        Path {
            text: Cow::Borrowed(self.wire_name()),
            logical_name: Some(Cow::Borrowed(self.logical_name())),
            types: PhantomData,
        }
    }
}

impl<E: Entity, T, A> From<Column<E, T, A>> for Path<E, T> {
    fn from(column: Column<E, T, A>) -> Self {
        column.path()
    }
}

impl<E, T> Path<E, T> {
    /// Itself: columns have it, too.
    pub(crate) fn path(self) -> Self {
        self
    }

    pub(crate) fn into_text(self) -> Cow<'static, str> {
        self.text
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn known_logical_name(&self) -> Option<&str> {
        self.logical_name.as_deref()
    }
}

/// A way from `E` over one lookup or several.
pub struct Hops<E, F> {
    text: String,
    types: PhantomData<fn() -> (E, F)>,
}

impl<E, F: Entity> Navigation<E, One<F>> {
    /// A column of the row that the lookup points at.
    pub fn to<T, A>(self, column: Column<F, T, A>) -> Path<E, T> {
        self.hops().to(column)
    }

    /// The lookup behind this one.
    pub fn via<G: Entity>(self, next: Navigation<F, One<G>>) -> Hops<E, G> {
        self.hops().via(next)
    }

    fn hops(self) -> Hops<E, F> {
        Hops {
            text: self.name().to_owned(),
            types: PhantomData,
        }
    }
}

impl<E, F: Entity> Hops<E, F> {
    /// A column of the row at its end.
    pub fn to<T, A>(self, column: Column<F, T, A>) -> Path<E, T> {
        Path {
            text: Cow::Owned(format!("{}/{}", self.text, column.wire_name())),
            logical_name: None,
            types: PhantomData,
        }
    }

    /// The lookup behind the last one.
    pub fn via<G: Entity>(self, next: Navigation<F, One<G>>) -> Hops<E, G> {
        Hops {
            text: format!("{}/{}", self.text, next.name()),
            types: PhantomData,
        }
    }
}

impl<E, F> std::fmt::Debug for Hops<E, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E, T> Clone for Path<E, T> {
    fn clone(&self) -> Self {
        Path {
            text: self.text.clone(),
            logical_name: self.logical_name.clone(),
            types: PhantomData,
        }
    }
}

impl<E, T> std::fmt::Debug for Path<E, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
