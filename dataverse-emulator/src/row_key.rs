//! Which row a URL names: by primary key or by alternate key.

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::filter::typed_literal;
use crate::store::Store;
use crate::url::split_outside;
use crate::value::{Stored, guid};

/// A row as a URL names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowKey {
    Id(String),
    /// Places and values, and the text as it was asked.
    Alternate(Vec<(usize, Stored)>, String),
}

impl RowKey {
    /// Reads what stands in the parentheses.
    pub(crate) fn parse(table: &Table, arguments: &str) -> Result<Self> {
        let undefined = || Fault::undefined_key(&table.logical_name);
        let arguments = arguments.trim();
        if let Some(id) = guid(arguments) {
            return Ok(RowKey::Id(id));
        }
        let mut parts = Vec::new();
        for part in split_outside(arguments, ',') {
            let (name, literal) = part.split_once('=').ok_or_else(undefined)?;
            let (place, column) = table.column(name.trim()).ok_or_else(undefined)?;
            let value = typed_literal(&column.kind, literal.trim()).ok_or_else(undefined)?;
            parts.push((place, value));
        }
        if let [(place, Stored::Text(id))] = &parts[..]
            && *place == table.primary_id_place()
            // Users and teams inherit their key, `ownerid`; their own column is none.
            && table.column("ownerid").is_none()
        {
            return Ok(RowKey::Id(id.clone()));
        }
        let is_key = table.alternate_keys.iter().any(|key| {
            key.len() == parts.len() && key.iter().all(|at| parts.iter().any(|(p, _)| p == at))
        });
        if is_key {
            Ok(RowKey::Alternate(parts, arguments.to_owned()))
        } else {
            Err(undefined())
        }
    }

    /// Places and values of an alternate key.
    pub(crate) fn parts(&self) -> &[(usize, Stored)] {
        match self {
            RowKey::Id(_) => &[],
            RowKey::Alternate(parts, _) => parts,
        }
    }

    /// The id of the row, if it exists.
    pub(crate) fn find(&self, store: &Store, table: &Table) -> Result<Option<String>> {
        match self {
            RowKey::Id(id) => Ok(store.version(table, id)?.map(|_| id.clone())),
            RowKey::Alternate(parts, _) => {
                let columns: Vec<_> = parts
                    .iter()
                    .map(|(place, value)| (&table.columns[*place], value.clone()))
                    .collect();
                store.find(table, &columns)
            }
        }
    }

    /// The id of the row, which must exist.
    pub(crate) fn require(&self, store: &Store, table: &Table) -> Result<String> {
        self.find(store, table)?.ok_or_else(|| self.missing(table))
    }

    /// The refusal for a row that does not exist.
    pub(crate) fn missing(&self, table: &Table) -> Fault {
        match self {
            RowKey::Id(id) => Fault::missing_row(&table.logical_name, id),
            RowKey::Alternate(..) => Fault::missing_row_by_key(&table.logical_name),
        }
    }
}
