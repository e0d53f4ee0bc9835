//! A row as JSON: the columns that were asked for, and what is said of them.

use std::collections::HashMap;

use rusqlite::Row;

use crate::catalog::{Catalog, Column, Kind, Table};
use crate::fault::{Fault, Result};
use crate::message::Preferences;
use crate::store::{Store, VERSION, is_polymorphic, quoted, target_column};
use crate::value::{Stored, write_json, write_string};

const FORMATTED_VALUE: &str = "OData.Community.Display.V1.FormattedValue";
const LOGICAL_NAME: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";
const NAVIGATION: &str = "Microsoft.Dynamics.CRM.associatednavigationproperty";

/// The columns that an answer holds.
pub(crate) struct Selection<'c> {
    table: &'c Table,
    /// Places, in the order of the answer.
    places: Vec<usize>,
    /// As they stand in the context; None for all.
    named: Option<String>,
}

impl<'c> Selection<'c> {
    pub(crate) fn new(table: &'c Table, select: Option<&str>) -> Result<Self> {
        let Some(select) = select else {
            let stored = |(_, column): &(usize, &Column)| column.kind != Kind::Other;
            let all = table.columns.iter().enumerate().filter(stored);
            return Ok(Selection {
                table,
                places: all.map(|(place, _)| place).collect(),
                named: None,
            });
        };
        let mut places = Vec::new();
        let mut named = Vec::new();
        for name in select
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let (place, column) = table
                .column(name)
                .ok_or_else(|| Fault::unknown_property(name, &table.logical_name))?;
            if column.kind == Kind::Other {
                return Err(Fault::not_supported(format!("the type of column `{name}`")));
            }
            if !places.contains(&place) {
                places.push(place);
                named.push(name);
            }
        }
        let primary_id = table.primary_id_place();
        if !places.contains(&primary_id) {
            places.push(primary_id);
        }
        Ok(Selection {
            table,
            places,
            named: Some(named.join(",")),
        })
    }

    /// `accounts(name)`.
    pub(crate) fn context(&self) -> String {
        match &self.named {
            Some(named) => format!("{}({named})", self.table.entity_set),
            None => self.table.entity_set.clone(),
        }
    }

    /// SQL for version and columns, then the tables that lookups point at.
    pub(crate) fn sql(&self) -> String {
        let mut sql = format!("t.{}", quoted(VERSION));
        for place in &self.places {
            let column = &self.table.columns[*place];
            sql.push_str(&format!(", t.{}", quoted(&column.logical_name)));
        }
        for column in self.polymorphic() {
            sql.push_str(&format!(", t.{column}"));
        }
        sql
    }

    fn polymorphic(&self) -> impl Iterator<Item = String> {
        let columns = self.places.iter().map(|place| &self.table.columns[*place]);
        columns
            .filter(|column| is_polymorphic(column))
            .map(target_column)
    }

    /// How many values [`sql`](Self::sql) gives.
    pub(crate) fn width(&self) -> usize {
        1 + self.places.len() + self.polymorphic().count()
    }
}

/// Names of rows that lookups point at, as far as they were looked up.
pub(crate) struct Annotator<'c> {
    catalog: &'c Catalog,
    store: &'c Store,
    preferences: &'c Preferences,
    names: HashMap<(String, String), Option<String>>,
}

impl<'c> Annotator<'c> {
    pub(crate) fn new(
        catalog: &'c Catalog,
        store: &'c Store,
        preferences: &'c Preferences,
    ) -> Self {
        Annotator {
            catalog,
            store,
            preferences,
            names: HashMap::new(),
        }
    }

    fn annotate(
        &mut self,
        table: &Table,
        place: usize,
        id: &str,
        target: Option<&str>,
        out: &mut String,
    ) -> Result<()> {
        let column = &table.columns[place];
        let target = match (&column.kind, target) {
            (_, Some(target)) => target,
            (Kind::Lookup(targets), None) if targets.len() == 1 => &targets[0],
            _ => return Ok(()),
        };
        let mut member = |term: &str, value: &str| {
            write_string(&format!("{}@{term}", column.wire_name), out);
            out.push(':');
            write_string(value, out);
            out.push(',');
        };
        if self.preferences.wants(NAVIGATION) {
            let navigation = table.navigations.iter().find(|(_, navigation)| {
                navigation.column == place && navigation.targets.iter().any(|name| name == target)
            });
            if let Some((navigation, _)) = navigation {
                member(NAVIGATION, navigation);
            }
        }
        if self.preferences.wants(LOGICAL_NAME) {
            member(LOGICAL_NAME, target);
        }
        if self.preferences.wants(FORMATTED_VALUE)
            && let Some(name) = self.name_of(target, id)?
        {
            member(FORMATTED_VALUE, &name);
        }
        Ok(())
    }

    fn name_of(&mut self, table: &str, id: &str) -> Result<Option<String>> {
        let key = (table.to_owned(), id.to_owned());
        if let Some(name) = self.names.get(&key) {
            return Ok(name.clone());
        }
        let mut name = None;
        if let Some(table) = self.catalog.by_name(table)
            && let Some(place) = table.primary_name
            && let Some(values) = self.store.values(table, id, &[place])?
            && let [Stored::Text(text)] = &values[..]
        {
            name = Some(text.clone());
        }
        self.names.insert(key, name.clone());
        Ok(name)
    }
}

/// Appends a row without its closing brace.
pub(crate) fn write_row(
    selection: &Selection<'_>,
    row: &Row<'_>,
    annotator: &mut Annotator<'_>,
    out: &mut String,
) -> Result<()> {
    use std::fmt::Write;
    let version: i64 = row.get(0)?;
    // Writing to a String does not fail.
    let _ = write!(out, "\"@odata.etag\":\"W/\\\"{version}\\\"\"");
    let annotated = annotator.preferences.annotations.is_some();
    let mut target = 1 + selection.places.len();
    for (index, place) in selection.places.iter().enumerate() {
        let column = &selection.table.columns[*place];
        let value = row.get_ref(index + 1)?;
        out.push(',');
        if let Kind::Lookup(_) = column.kind {
            let mut told = None;
            if is_polymorphic(column) {
                told = row.get::<_, Option<String>>(target)?;
                target += 1;
            }
            if annotated && let rusqlite::types::ValueRef::Text(id) = value {
                let id = String::from_utf8_lossy(id);
                annotator.annotate(selection.table, *place, &id, told.as_deref(), out)?;
            }
        }
        out.push('"');
        out.push_str(&column.wire_name);
        out.push_str("\":");
        write_json(&column.kind, value, out);
    }
    Ok(())
}
