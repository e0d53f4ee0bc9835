//! Rows of the users, teams and business units that were configured.

use super::config::{Security, Team, User};
use crate::associate;
use crate::catalog::Table;
use crate::fault::Result;
use crate::service::{BUSINESS_UNIT, Call, USER};
use crate::value::Stored;
use crate::write::{self, Written};

/// The collection of a team in which its users are.
const MEMBERS: &str = "teammembership_association";

impl Security {
    /// Inserts rows that are not there, as far as the document has their tables.
    pub(crate) fn insert_rows(&self, call: &Call<'_>) -> Result<()> {
        for unit in &self.businessunits {
            let above = unit.parent.as_deref().unwrap_or(BUSINESS_UNIT);
            let row = Row::new("businessunit", &unit.id)
                .text("name", unit.name.as_deref())
                .lookup("parentbusinessunitid", "businessunit", above);
            row.insert(call)?;
        }
        for user in &self.users {
            user.row().insert(call)?;
        }
        for team in &self.teams {
            if team.row().insert(call)? {
                team.join(call)?;
            }
        }
        Ok(())
    }
}

impl User {
    fn row(&self) -> Row<'_> {
        let unit = self.businessunit.as_deref().unwrap_or(BUSINESS_UNIT);
        Row::new("systemuser", &self.id)
            .text("fullname", self.name.as_deref())
            .text("applicationid", self.applicationid.as_deref())
            .text(
                "azureactivedirectoryobjectid",
                self.azureactivedirectoryobjectid.as_deref(),
            )
            .lookup("businessunitid", "businessunit", unit)
    }
}

impl Team {
    fn row(&self) -> Row<'_> {
        let unit = self.businessunit.as_deref().unwrap_or(BUSINESS_UNIT);
        Row::new("team", &self.id)
            .text("name", self.name.as_deref())
            .lookup("businessunitid", "businessunit", unit)
            .lookup("administratorid", "systemuser", USER)
    }

    /// Puts the members into the collection of the team.
    fn join(&self, call: &Call<'_>) -> Result<()> {
        let (Some(teams), Some(users)) = (
            call.catalog.by_name("team"),
            call.catalog.by_name("systemuser"),
        ) else {
            return Ok(());
        };
        if !teams.collections.contains_key(MEMBERS) {
            return Ok(());
        }
        for member in &self.members {
            associate::add(call, teams, &self.id, MEMBERS, users, member)?;
        }
        Ok(())
    }
}

/// Columns of a row and their values, as far as the table has them.
struct Row<'a> {
    table: &'a str,
    id: &'a str,
    texts: Vec<(&'a str, &'a str)>,
    lookups: Vec<(&'a str, &'a str, &'a str)>,
}

impl<'a> Row<'a> {
    fn new(table: &'a str, id: &'a str) -> Self {
        Row {
            table,
            id,
            texts: Vec::new(),
            lookups: Vec::new(),
        }
    }

    fn text(mut self, column: &'a str, text: Option<&'a str>) -> Self {
        self.texts.extend(text.map(|text| (column, text)));
        self
    }

    fn lookup(mut self, column: &'a str, target: &'a str, id: &'a str) -> Self {
        self.lookups.push((column, target, id));
        self
    }

    /// Inserts the row; false if there is one, or no such table.
    fn insert(&self, call: &Call<'_>) -> Result<bool> {
        let Some(table) = call.catalog.by_name(self.table) else {
            return Ok(false);
        };
        if call.store.version(table, self.id)?.is_some() {
            return Ok(false);
        }
        write::insert(call, table, self.written(table))?;
        Ok(true)
    }

    fn written(&self, table: &Table) -> Written {
        let mut written = Written::default();
        written.set(table.primary_id_place(), Stored::Text(self.id.to_owned()));
        for (column, text) in &self.texts {
            if let Some((place, _)) = table.column_named(column) {
                written.set(place, Stored::Text((*text).to_owned()));
            }
        }
        for (column, target, id) in &self.lookups {
            if let Some((place, _)) = table.column_named(column) {
                written.point(table, place, Some((target, id)));
            }
        }
        written
    }
}
