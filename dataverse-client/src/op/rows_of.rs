//! Rows that are counted or summed.

use std::borrow::Cow;

use crate::error::Result;
use crate::odata::key::row_path;
use crate::odata::url::entity_set;
use crate::schema::{Entity, Many, Navigation, RowRef, TableName, ToKey};

/// All rows of a table, or those that belong to a row.
#[derive(Debug, Clone)]
pub(super) enum RowsOf {
    Table(TableName),
    Related(RowRef, Cow<'static, str>),
}

impl RowsOf {
    pub(super) fn related<P: Entity, E>(
        key: impl ToKey<Entity = P>,
        navigation: Navigation<P, Many<E>>,
    ) -> Self {
        RowsOf::Related(RowRef::of(key), Cow::Borrowed(navigation.name()))
    }

    /// Their path below the service root.
    pub(super) fn path(&self) -> Result<String> {
        Ok(match self {
            RowsOf::Table(table) => entity_set(table.entity_set())?.to_owned(),
            RowsOf::Related(row, navigation) => {
                let row = row_path(row.table.entity_set(), &row.key)?;
                format!("{row}/{navigation}")
            }
        })
    }

    /// What they are, for people.
    pub(super) fn shown(&self) -> &str {
        match self {
            RowsOf::Table(table) => table.shown(),
            RowsOf::Related(_, navigation) => navigation,
        }
    }
}
