//! What an org declares: its document, the tables in it, and their definitions.

use crate::catalog::Catalog;
use crate::definitions::{Custom, Definitions, Given};
use crate::document::Document;
use crate::emulator::BuildError;

/// What an org declares. It never changes: a change of definitions makes another one.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) document: Document,
    pub(crate) catalog: Catalog,
    pub(crate) definitions: Definitions,
    /// What was changed by requests.
    pub(crate) custom: Custom,
}

/// From what an org is made: what the builder was told.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) document: Document,
    pub(crate) given: Given,
    pub(crate) alternate_keys: Vec<(String, Vec<String>)>,
    pub(crate) max_lengths: Vec<(String, String, usize)>,
    pub(crate) without_optimistic_concurrency: Vec<String>,
    pub(crate) elastic_tables: Vec<String>,
    pub(crate) duplicate_rules: Vec<(String, Vec<String>)>,
}

impl Setup {
    /// The org with these changes.
    ///
    /// Errors: the document is no CSDL, or a setting names what it does not have.
    pub(crate) fn org(&self, custom: Custom) -> Result<Org, BuildError> {
        let document = match custom.is_empty() {
            true => self.document.clone(),
            false => Document::read(custom.document(self.document.text()))?,
        };
        let mut catalog = document.catalog();
        let mut given = self.given.clone();
        custom.tell(&mut given);
        for (table, column) in given.primary_names() {
            catalog.set_primary_name(table, column);
        }
        for (table, column, length) in given.lengths() {
            // Of a column that is not in the document, or is no text there, nothing is stored.
            catalog.set_max_length(table, column, length).ok();
        }
        for (table, lookup) in given.hierarchies() {
            catalog.set_parent(&table, &lookup);
        }
        for (lookup, behaviour) in given.cascades() {
            catalog.cascades.add(lookup, behaviour);
        }
        for (table, states) in given.states() {
            catalog.set_states(table, states);
        }
        for (table, column, display) in given.displays() {
            catalog.set_display(table, column, display);
        }
        for (table, column, domain) in given.domains() {
            catalog.set_domain(table, column, domain);
        }
        let keys = self
            .alternate_keys
            .iter()
            .cloned()
            .chain(custom.key_columns());
        for (table, columns) in keys {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            catalog
                .add_key(&table, &columns)
                .map_err(BuildError::AlternateKey)?;
        }
        for (table, column, length) in &self.max_lengths {
            catalog
                .set_max_length(table, column, *length)
                .map_err(BuildError::MaxLength)?;
        }
        for table in &self.without_optimistic_concurrency {
            catalog
                .end_optimistic_concurrency(table)
                .map_err(BuildError::Table)?;
        }
        for (table, columns) in &self.duplicate_rules {
            catalog
                .add_duplicate_rule(table, columns)
                .map_err(BuildError::Table)?;
        }
        for table in &self.elastic_tables {
            catalog.make_elastic(table).map_err(BuildError::Table)?;
        }
        Ok(Org {
            document,
            catalog,
            definitions: Definitions::new(given, self.document.version()),
            custom,
        })
    }
}
