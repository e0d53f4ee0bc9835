//! What a body says of a row.

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::value::RawValue;

use crate::catalog::{Kind, Navigation, Table};
use crate::fault::{Fault, Result};
use crate::nested::{self, Related};
use crate::service::Call;
use crate::store::{is_polymorphic, quoted, target_column};
use crate::value::{Stored, from_json};
use crate::{file, reference};

/// Columns that the service fills; what a body says of them is passed over.
const FILLED: &[&str] = &["createdon", "modifiedon", "versionnumber"];

/// The members of a JSON object, numbers with their digits.
pub(crate) type Members = BTreeMap<String, Box<RawValue>>;

/// Columns and values of a body.
#[derive(Debug, Default)]
pub(crate) struct Written {
    values: Vec<(usize, Stored)>,
    /// Lookups of several tables: the table.
    targets: Vec<(usize, Option<String>)>,
    /// New rows that lookups shall point at, by navigation property.
    pub(crate) lookups: Vec<(String, Related)>,
    /// Rows of its collections, by navigation property.
    pub(crate) collections: Vec<(String, Related)>,
}

impl Written {
    pub(crate) fn value(&self, place: usize) -> Option<&Stored> {
        let found = self.values.iter().rev().find(|(at, _)| *at == place);
        found.map(|(_, value)| value)
    }

    /// Places and values, in the order in which they were written.
    pub(crate) fn values(&self) -> &[(usize, Stored)] {
        &self.values
    }

    /// The table that a lookup of several points at.
    pub(crate) fn target(&self, place: usize) -> Option<&str> {
        let found = self.targets.iter().find(|(at, _)| *at == place);
        found.and_then(|(_, target)| target.as_deref())
    }

    pub(crate) fn set(&mut self, place: usize, value: Stored) {
        self.values.retain(|(at, _)| *at != place);
        self.values.push((place, value));
    }

    /// Leaves a column as if the body did not tell it.
    pub(crate) fn forget(&mut self, place: usize) {
        self.values.retain(|(at, _)| *at != place);
    }

    /// Points a lookup at a row, or at nothing.
    pub(crate) fn point(&mut self, table: &Table, place: usize, row: Option<(&str, &str)>) {
        let id = row.map_or(Stored::Null, |(_, id)| Stored::Text(id.to_owned()));
        self.set(place, id);
        if is_polymorphic(&table.columns[place]) {
            self.targets.retain(|(at, _)| *at != place);
            self.targets
                .push((place, row.map(|(target, _)| target.to_owned())));
        }
    }

    /// Points a lookup at a row; an owner is a user or a team, and stands there, too.
    pub(crate) fn own(&mut self, table: &Table, place: usize, target: &str, id: &str) {
        self.point(table, place, Some((target, id)));
        if table.column_named("ownerid").map(|(owner, _)| owner) != Some(place) {
            return;
        }
        let is_user = target == "systemuser";
        for (column, owns) in [("owninguser", is_user), ("owningteam", !is_user)] {
            if let Some((place, found)) = table.column_named(column)
                && matches!(found.kind, Kind::Lookup(_))
            {
                self.point(table, place, owns.then_some((target, id)));
            }
        }
    }

    /// Points the lookup of a navigation property at a row that it may point at.
    pub(crate) fn relate(
        &mut self,
        table: &Table,
        name: &str,
        target: &Table,
        id: &str,
    ) -> Result<()> {
        let navigation = navigation(table, name)?;
        if !navigation.targets.contains(&target.logical_name) {
            return Err(Fault::payload(
                &table.entity_set,
                format!(
                    "'{name}': a row of '{}' cannot stand here",
                    target.logical_name
                ),
            ));
        }
        self.own(table, navigation.column, &target.logical_name, id);
        Ok(())
    }

    /// Points the lookup of a navigation property at nothing.
    pub(crate) fn unrelate(&mut self, table: &Table, name: &str) -> Result<()> {
        self.point(table, navigation(table, name)?.column, None);
        Ok(())
    }

    /// Sets a column if the table has it and the body does not set it.
    pub(super) fn set_default(&mut self, table: &Table, column: &str, value: Stored) {
        if let Some((place, _)) = table.column_named(column)
            && self.value(place).is_none()
        {
            self.set(place, value);
        }
    }

    pub(super) fn point_default(&mut self, table: &Table, column: &str, target: &str, id: &str) {
        if let Some((place, found)) = table.column_named(column)
            && matches!(found.kind, Kind::Lookup(_))
            && self.value(place).is_none()
        {
            self.point(table, place, Some((target, id)));
        }
    }
}

fn navigation<'t>(table: &'t Table, name: &str) -> Result<&'t Navigation> {
    let found = table.navigations.get(name);
    found.ok_or_else(|| Fault::undeclared_bind(&table.entity_set, name))
}

/// Reads a JSON object.
pub(crate) fn members(body: &[u8], set: &str) -> Result<Members> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| Fault::payload(set, error.to_string()))
}

/// The members of the request's body, which must be JSON.
pub(crate) fn body_members(call: &Call<'_>, table: &Table) -> Result<Members> {
    let content_type = call
        .asked
        .header(CONTENT_TYPE.as_str())
        .unwrap_or("application/json");
    if !content_type
        .trim_start()
        .to_lowercase()
        .starts_with("application/json")
    {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "",
            format!("The content type '{content_type}' is not supported; send application/json."),
        ));
    }
    members(&call.asked.body, &table.entity_set)
}

/// Reads a body for `table`.
pub(crate) fn read(call: &Call<'_>, table: &Table, members: &Members) -> Result<Written> {
    read_at(call, table, members, 0)
}

/// Reads a body that stands this deep in another.
pub(crate) fn read_at(
    call: &Call<'_>,
    table: &Table,
    members: &Members,
    depth: usize,
) -> Result<Written> {
    let mut written = Written::default();
    for (name, json) in members {
        let json = json.get();
        if let Some((name, term)) = name.split_once('@') {
            match (name, term) {
                ("", "odata.type") => check_type(table, json)?,
                (navigation, "odata.bind") => bind(call, table, navigation, json, &mut written)?,
                // Annotations that came with a row that was read.
                _ => {}
            }
        } else if table.navigations.contains_key(name.as_str()) {
            match json {
                "null" => written.unrelate(table, name)?,
                row => nested::read_lookup(call, table, name, row, depth, &mut written)?,
            }
        } else if table.collections.contains_key(name) {
            nested::read_collection(call, table, name, json, depth, &mut written)?;
        } else {
            let (place, column) = table
                .column(name)
                .ok_or_else(|| Fault::unknown_member(name, &table.logical_name))?;
            if FILLED.contains(&name.as_str()) {
                continue;
            }
            match &column.kind {
                Kind::Lookup(_) => {
                    return Err(Fault::payload(
                        &table.entity_set,
                        format!(
                            "The property '{name}' is read-only: a lookup is written through its \
                             navigation property with @odata.bind."
                        ),
                    ));
                }
                Kind::Other => {
                    return Err(Fault::not_supported(format!("the type of column `{name}`")));
                }
                Kind::Binary if file::content(table, name) == Some(file::Content::File) => {
                    return Err(Fault::payload(
                        &table.entity_set,
                        format!("The file column '{name}' cannot be set in the body of a row."),
                    ));
                }
                kind => {
                    let value = from_json(kind, json).map_err(|expected| {
                        let is_quoted = json.trim_start().starts_with('"');
                        let why = match kind {
                            Kind::Decimal | Kind::BigInt if is_quoted => format!(
                                "Cannot convert a value to target type '{expected}' because of \
                                 conflict between input format string/number and parameter \
                                 'IEEE754Compatible' false/true. ('{name}')"
                            ),
                            _ => format!(
                                "Cannot convert the value of '{name}' to the expected type \
                                 '{expected}'."
                            ),
                        };
                        Fault::payload(&table.entity_set, why)
                    })?;
                    written.set(place, value);
                }
            }
        }
    }
    Ok(written)
}

/// The type that a row says it has, without the mark of a fragment.
pub(crate) fn told_type(members: &Members) -> Option<String> {
    let json = members.get("@odata.type")?;
    let told: String = serde_json::from_str(json.get()).ok()?;
    Some(told.trim_start_matches('#').to_owned())
}

fn check_type(table: &Table, json: &str) -> Result<()> {
    let told: String = serde_json::from_str(json).unwrap_or_default();
    let name = told.trim_start_matches('#');
    if name.strip_prefix("Microsoft.Dynamics.CRM.") == Some(&table.logical_name) {
        return Ok(());
    }
    Err(Fault::payload(
        &table.entity_set,
        format!(
            "A type named '{told}' is not compatible with '{}'.",
            table.logical_name
        ),
    ))
}

fn bind(
    call: &Call<'_>,
    table: &Table,
    name: &str,
    json: &str,
    written: &mut Written,
) -> Result<()> {
    if table.collections.contains_key(name) {
        return nested::bind_collection(call, table, name, json, written);
    }
    if json.trim() == "null" {
        return written.unrelate(table, name);
    }
    navigation(table, name)?;
    let url: String = serde_json::from_str(json).map_err(|_| {
        Fault::payload(
            &table.entity_set,
            format!("'{name}@odata.bind': a URL was expected"),
        )
    })?;
    let (target, id) = reference::existing(call, &url)?;
    written.relate(table, name, target, &id)
}

pub(super) fn assignments(
    table: &Table,
    written: Written,
) -> impl Iterator<Item = (String, Stored)> {
    let values = written
        .values
        .into_iter()
        .map(|(place, value)| (quoted(&table.columns[place].logical_name), value));
    let targets = written.targets.into_iter().map(|(place, target)| {
        let value = target.map_or(Stored::Null, Stored::Text);
        (target_column(&table.columns[place]), value)
    });
    values.chain(targets)
}
