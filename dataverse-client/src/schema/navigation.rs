//! Typed navigation properties.

use std::fmt;
use std::marker::PhantomData;

/// Navigation property of the table `E`, to [`One`] or [`Many`] rows.
pub struct Navigation<E, T> {
    name: &'static str,
    types: PhantomData<fn() -> (E, T)>,
}

/// To one row of `E`, or none.
#[derive(Debug)]
pub struct One<E>(PhantomData<fn() -> E>);

/// To any number of rows of `E`.
#[derive(Debug)]
pub struct Many<E>(PhantomData<fn() -> E>);

impl<E, T> Navigation<E, T> {
    /// The navigation property with this exact name.
    pub const fn new(name: &'static str) -> Self {
        Navigation {
            name,
            types: PhantomData,
        }
    }

    /// The exact name; case matters.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<E, T> Clone for Navigation<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T> Copy for Navigation<E, T> {}

impl<E, T> fmt::Debug for Navigation<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
