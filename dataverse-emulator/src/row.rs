//! A row as JSON: the columns that were asked for, and what is said of them.

use std::collections::HashMap;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::catalog::{CURRENCY, Catalog, Column, Kind, Table};
use crate::fault::{Fault, Result};
use crate::format::{self, DOLLAR};
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
    named: Option<Vec<String>>,
    /// Rows begin with their ETag.
    pub(crate) has_etag: bool,
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
                has_etag: true,
            });
        };
        let mut places = Vec::new();
        let mut named = Vec::new();
        let mut has_money = false;
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
                named.push(name.to_owned());
            }
            has_money |= column.display.is_money;
        }
        let mut selection = Selection {
            table,
            places,
            named: Some(named),
            has_etag: true,
        };
        selection.add(table.primary_id_place());
        // An amount comes with its currency.
        if let Some((currency, _)) = table.column_named(CURRENCY).filter(|_| has_money) {
            selection.add(currency);
        }
        // Users and teams come with the key that they inherit.
        if let Some((inherited, _)) = table.column("ownerid") {
            selection.add(inherited);
        }
        Ok(selection)
    }

    /// Adds a column that was not asked for by name.
    pub(crate) fn add(&mut self, place: usize) {
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    /// `accounts(name)`.
    pub(crate) fn context(&self) -> String {
        self.context_of(&self.named())
    }

    /// `accounts(name,primarycontactid(fullname))`.
    pub(crate) fn context_of(&self, named: &[String]) -> String {
        let set = &self.table.entity_set;
        match named.is_empty() {
            true => set.clone(),
            false => format!("{set}({})", named.join(",")),
        }
    }

    pub(crate) fn table(&self) -> &'c Table {
        self.table
    }

    /// `name`: what was asked for by name, for the context.
    pub(crate) fn named(&self) -> Vec<String> {
        self.named.clone().unwrap_or_default()
    }

    /// Where the primary key is in a row that [`sql`](Self::sql) gives.
    pub(crate) fn id_index(&self) -> usize {
        let id = self.table.primary_id_place();
        let place = self.places.iter().position(|place| *place == id);
        1 + place.unwrap_or_default()
    }

    /// The statement for one row, by its id.
    pub(crate) fn sql_of_one(&self) -> String {
        format!(
            "SELECT {} FROM {} t WHERE t.{} = ?",
            self.sql(),
            quoted(&self.table.logical_name),
            quoted(&self.table.primary_id)
        )
    }

    /// SQL for version and columns, then the tables that lookups point at.
    pub(crate) fn sql(&self) -> String {
        let mut sql = format!("t.{}", quoted(VERSION));
        for place in &self.places {
            let column = &self.table.columns[*place];
            sql.push_str(&format!(", t.{}", quoted(self.table.stored(column))));
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
    symbols: HashMap<String, String>,
    /// Which annotations are asked for.
    wants_formatted: bool,
    wants_logical_name: bool,
    wants_navigation: bool,
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
            symbols: HashMap::new(),
            wants_formatted: preferences.wants(FORMATTED_VALUE),
            wants_logical_name: preferences.wants(LOGICAL_NAME),
            wants_navigation: preferences.wants(NAVIGATION),
        }
    }

    /// Appends what is said of the lookup at `place`, which stands in the answer as `name`, each
    /// before a comma.
    pub(crate) fn annotate(
        &mut self,
        table: &Table,
        place: usize,
        name: &str,
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
            write_string(&format!("{name}@{term}"), out);
            out.push(':');
            write_string(value, out);
            out.push(',');
        };
        if self.wants_navigation {
            let navigation = table.navigations.iter().find(|(_, navigation)| {
                navigation.column == place && navigation.targets.iter().any(|name| name == target)
            });
            if let Some((navigation, _)) = navigation {
                member(NAVIGATION, navigation);
            }
        }
        if self.wants_logical_name {
            member(LOGICAL_NAME, target);
        }
        if self.wants_formatted
            && let Some(name) = self.name_of(target, id)?
        {
            member(FORMATTED_VALUE, &name);
        }
        Ok(())
    }

    /// Appends how the value of a column is read, before a comma: of the column itself, or of what is
    /// computed from it.
    pub(crate) fn format(
        &self,
        column: &Column,
        kind: &Kind,
        name: &str,
        value: ValueRef<'_>,
        symbol: &str,
        out: &mut String,
    ) {
        if !self.wants_formatted || value == ValueRef::Null {
            return;
        }
        let formatted = match *kind == column.kind {
            true => format::formatted(column, value, symbol),
            false => format::plain(kind, value),
        };
        if let Some(formatted) = formatted {
            write_string(&format!("{name}@{FORMATTED_VALUE}"), out);
            out.push(':');
            write_string(&formatted, out);
            out.push(',');
        }
    }

    /// The symbol of a currency; that of the org's own if it has none.
    pub(crate) fn symbol(&mut self, currency: Option<&str>) -> Result<&str> {
        let Some(id) = currency else {
            return Ok(DOLLAR);
        };
        if !self.symbols.contains_key(id) {
            let mut symbol = DOLLAR.to_owned();
            if let Some(table) = self.catalog.by_name("transactioncurrency")
                && let Some((place, _)) = table.column_named("currencysymbol")
                && let Some(values) = self.store.values(table, id, &[place])?
                && let [Stored::Text(text)] = &values[..]
            {
                symbol.clone_from(text);
            }
            self.symbols.insert(id.to_owned(), symbol);
        }
        Ok(self.symbols.get(id).map_or(DOLLAR, String::as_str))
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
    if selection.has_etag {
        // Writing to a String does not fail.
        let _ = write!(out, "\"@odata.etag\":\"W/\\\"{version}\\\"\",");
    }
    let annotated = annotator.preferences.annotations.is_some();
    let mut symbol = DOLLAR.to_owned();
    if annotator.wants_formatted
        && let Some((currency, _)) = selection.table.column_named(CURRENCY)
        && let Some(at) = selection.places.iter().position(|place| *place == currency)
    {
        let currency: Option<String> = row.get(at + 1)?;
        annotator
            .symbol(currency.as_deref())?
            .clone_into(&mut symbol);
    }
    let mut target = 1 + selection.places.len();
    for (index, place) in selection.places.iter().enumerate() {
        let column = &selection.table.columns[*place];
        let value = row.get_ref(index + 1)?;
        if index > 0 {
            out.push(',');
        }
        if let Kind::Lookup(_) = column.kind {
            let mut told = None;
            if is_polymorphic(column) {
                told = row.get::<_, Option<String>>(target)?;
                target += 1;
            }
            if annotated && let ValueRef::Text(id) = value {
                let id = String::from_utf8_lossy(id);
                let (table, name) = (selection.table, &column.wire_name);
                annotator.annotate(table, *place, name, &id, told.as_deref(), out)?;
            }
        }
        // A twin is in the currency of the org.
        let symbol = match column.logical_name.ends_with("_base") {
            true => DOLLAR,
            false => &symbol,
        };
        annotator.format(column, &column.kind, &column.wire_name, value, symbol, out);
        out.push('"');
        out.push_str(&column.wire_name);
        out.push_str("\":");
        write_json(&column.kind, value, out);
    }
    Ok(())
}
