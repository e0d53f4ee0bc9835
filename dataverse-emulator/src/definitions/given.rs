//! Definitions that were given: the JSON of an org, where the document tells less.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Members;
use crate::auto_number::AutoNumber;
use crate::cascade::{Behaviour, Cascade, Lookup};
use crate::domain::Domain;
use crate::format::Display;
use crate::state::States;

/// Tables and choices of an org.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    tables: BTreeMap<String, Table>,
    /// Global ones, by name.
    choices: BTreeMap<String, Members>,
    /// Relationships that requests made, by id.
    made: BTreeMap<String, Members>,
}

#[derive(Debug, Clone, Default)]
struct Table {
    members: Members,
    /// By logical name.
    columns: BTreeMap<String, Members>,
    /// By navigation property.
    relationships: BTreeMap<&'static str, Vec<Members>>,
    /// Keys that requests made.
    keys: Vec<Members>,
}

/// The most digits behind the point that a number can have.
///
/// Source: Microsoft Learn, "Work with column definitions".
const MAX_DIGITS: usize = 10;

const RELATIONSHIPS: [&str; 3] = [
    "OneToManyRelationships",
    "ManyToOneRelationships",
    "ManyToManyRelationships",
];

impl Given {
    /// Reads answers of `RetrieveMetadataChanges`, `EntityDefinitions` or
    /// `GlobalOptionSetDefinitions`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let items = match (&json["EntityMetadata"], &json["value"], &json) {
            (Value::Array(items), _, _)
            | (_, Value::Array(items), _)
            | (_, _, Value::Array(items)) => items.clone(),
            _ => vec![json],
        };
        let mut given = Given::default();
        for item in items {
            if let Value::Object(mut item) = item {
                without_nulls(&mut item);
                given.add(item);
            }
        }
        if given.tables.is_empty() && given.choices.is_empty() {
            return Err(
                "no table or choice is defined in it; expected an answer of \
                        RetrieveMetadataChanges, EntityDefinitions or GlobalOptionSetDefinitions"
                    .to_owned(),
            );
        }
        Ok(given)
    }

    /// Takes from another one what this one does not tell.
    pub(crate) fn complete(&mut self, other: Given) {
        for (name, table) in other.tables {
            let own = self.tables.entry(name).or_default();
            for (column, members) in table.columns {
                own.columns.entry(column).or_insert(members);
            }
            for (name, value) in table.members {
                own.members.entry(name).or_insert(value);
            }
        }
    }

    fn add(&mut self, mut item: Members) {
        item.remove("@odata.context");
        if item.contains_key("Options") {
            self.add_choice(&item, true);
            return;
        }
        let Some(name) = text(&item, "LogicalName") else {
            return;
        };
        let mut table = Table::default();
        if let Some(Value::Array(columns)) = item.remove("Attributes") {
            for column in columns {
                let Value::Object(mut column) = column else {
                    continue;
                };
                simple_type(&mut column);
                for choice in ["OptionSet", "GlobalOptionSet"] {
                    if let Some(Value::Object(choice)) = column.get(choice) {
                        self.add_choice(&choice.clone(), false);
                    }
                }
                share_choice(&mut column);
                if let Some(name) = text(&column, "LogicalName") {
                    table.columns.insert(name, column);
                }
            }
        }
        for navigation in RELATIONSHIPS {
            let Some(Value::Array(found)) = item.remove(navigation) else {
                continue;
            };
            let found = found.into_iter().filter_map(|one| match one {
                Value::Object(members) => Some(members),
                _ => None,
            });
            table.relationships.insert(navigation, found.collect());
        }
        // Keys are those by which rows can be found: the document's and the builder's.
        item.remove("Keys");
        table.members = item;
        self.tables.insert(name, table);
    }

    /// Keeps a global choice; `untold` is whether one is that does not say so.
    fn add_choice(&mut self, choice: &Members, untold: bool) {
        let told = choice.get("IsGlobal").and_then(Value::as_bool);
        let is_global = told.unwrap_or(untold);
        if let Some(name) = text(choice, "Name").filter(|_| is_global) {
            self.choices.entry(name).or_insert_with(|| choice.clone());
        }
    }

    /// Names of columns with the longest text each, and of columns that name rows: what the
    /// catalog can use.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.tables.iter().flat_map(|(table, given)| {
            given.columns.iter().filter_map(move |(column, members)| {
                let length = members.get("MaxLength")?.as_u64()?;
                Some((
                    table.as_str(),
                    column.as_str(),
                    usize::try_from(length).ok()?,
                ))
            })
        })
    }

    /// How columns are shown: labels of choices, digits of numbers.
    pub(crate) fn displays(&self) -> impl Iterator<Item = (&str, &str, Display)> {
        self.tables.iter().flat_map(|(table, given)| {
            let columns = given.columns.iter();
            columns
                .map(move |(column, members)| (table.as_str(), column.as_str(), display(members)))
        })
    }

    /// What columns can hold.
    pub(crate) fn domains(&self) -> impl Iterator<Item = (&str, &str, Domain)> {
        self.tables.iter().flat_map(|(table, given)| {
            let columns = given.columns.iter();
            let domains = columns.map(|(name, members)| (name.as_str(), domain(members)));
            let told = domains.filter(|(_, domain)| *domain != Domain::default());
            told.map(move |(column, domain)| (table.as_str(), column, domain))
        })
    }

    /// What relationships do.
    pub(crate) fn cascades(&self) -> impl Iterator<Item = (Lookup, Behaviour)> {
        let found = self.tables.values().flat_map(|table| &table.relationships);
        let found = found.flat_map(|(_, found)| found);
        found.chain(self.made.values()).filter_map(|members| {
            let lookup = Lookup {
                table: text(members, "ReferencingEntity")?,
                column: text(members, "ReferencingAttribute")?,
                target: text(members, "ReferencedEntity")?,
            };
            let told = members.get("CascadeConfiguration")?;
            let cascade = |name: &str| told[name].as_str().and_then(Cascade::named);
            let behaviour = Behaviour {
                delete: cascade("Delete"),
                assign: cascade("Assign"),
            };
            Some((lookup, behaviour))
        })
    }

    /// Tables with the lookup to the row above.
    pub(crate) fn hierarchies(&self) -> impl Iterator<Item = (String, String)> {
        let found = self.tables.values().flat_map(|table| &table.relationships);
        let found = found.flat_map(|(_, found)| found);
        found.chain(self.made.values()).filter_map(|members| {
            let is_one = members.get("IsHierarchical").and_then(Value::as_bool) == Some(true);
            let table = text(members, "ReferencingEntity").filter(|_| is_one)?;
            let is_own = text(members, "ReferencedEntity").as_ref() == Some(&table);
            let lookup = text(members, "ReferencingAttribute").filter(|_| is_own)?;
            Some((table, lookup))
        })
    }

    /// States and reasons of tables.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&str, States)> {
        self.tables.iter().map(|(table, given)| {
            let options = |column: &str| {
                let column = given.columns.get(column);
                let options = column.and_then(|column| column.get("OptionSet")?.get("Options"));
                options.and_then(Value::as_array).into_iter().flatten()
            };
            let pairs = |column: &str, member: &str| {
                let pair =
                    |option: &Value| Some((option["Value"].as_i64()?, option[member].as_i64()?));
                options(column).filter_map(pair).collect()
            };
            let states = States {
                states: options("statecode")
                    .filter_map(|option| option["Value"].as_i64())
                    .collect(),
                default_reasons: pairs("statecode", "DefaultStatus"),
                reasons: pairs("statuscode", "State"),
            };
            (table.as_str(), states)
        })
    }

    /// Tables with the column that names their rows.
    pub(crate) fn primary_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tables.iter().filter_map(|(table, given)| {
            let name = given.members.get("PrimaryNameAttribute")?.as_str()?;
            Some((table.as_str(), name))
        })
    }

    /// Logical names of the managed properties that definitions have.
    pub(super) fn managed_properties(&self) -> impl Iterator<Item = String> {
        let tables = self.tables.values();
        let columns = tables.clone().flat_map(|table| table.columns.values());
        let all = tables.map(|table| &table.members).chain(columns);
        all.flat_map(Members::values).filter_map(|value| {
            let name = value.get("ManagedPropertyLogicalName")?.as_str()?;
            (!name.is_empty()).then(|| name.to_owned())
        })
    }

    pub(super) fn tell_table(&mut self, name: &str, members: &Members) {
        let table = self.tables.entry(name.to_owned()).or_default();
        table.members.extend(members.clone());
    }

    pub(super) fn tell_column(&mut self, table: &str, name: &str, members: Members) {
        let table = self.tables.entry(table.to_owned()).or_default();
        table.columns.insert(name.to_owned(), members);
    }

    pub(super) fn tell_relationship(&mut self, members: &Members) {
        if let Some(id) = text(members, "MetadataId") {
            self.made.insert(id, members.clone());
        }
    }

    pub(super) fn tell_key(&mut self, table: &str, key: &Members) {
        let table = self.tables.entry(table.to_owned()).or_default();
        table.keys.push(key.clone());
    }

    pub(super) fn tell_choice(&mut self, name: &str, choice: &Members) {
        self.choices.insert(name.to_owned(), choice.clone());
        let columns = self
            .tables
            .values_mut()
            .flat_map(|table| &mut table.columns);
        for (_, column) in columns {
            for property in ["OptionSet", "GlobalOptionSet"] {
                if let Some(own) = column.get_mut(property)
                    && own["IsGlobal"] == true
                    && own["Name"] == name
                {
                    *own = Value::Object(choice.clone());
                }
            }
        }
    }

    /// A global choice by its name or id.
    pub(super) fn choice(&self, name_or_id: &str) -> Option<&Members> {
        let is_it = |choice: &&Members| {
            ["Name", "MetadataId"]
                .iter()
                .any(|property| text(choice, property).as_deref() == Some(name_or_id))
        };
        self.choices.values().find(is_it)
    }

    /// Names keys as the requests did that made them.
    pub(super) fn add_to_keys(&self, table: &str, keys: &mut [Members]) {
        let told = self.tables.get(table).map(|table| table.keys.as_slice());
        for key in keys {
            let columns = key.get("KeyAttributes");
            let mut told = told.unwrap_or_default().iter();
            if let Some(told) = told.find(|told| told.get("KeyAttributes") == columns) {
                key.extend(told.clone());
            }
        }
    }

    /// Tells of those relationships that requests made what they told.
    fn add_to_relationships(&self, all: &mut [Members]) {
        for one in all {
            let id = text(one, "MetadataId");
            if let Some(told) = id.and_then(|id| self.made.get(&id)) {
                one.extend(told.clone());
            }
        }
    }

    pub(super) fn add_to_table(&self, name: &str, members: &mut Members) {
        if let Some(given) = self.tables.get(name) {
            members.extend(given.members.clone());
        }
    }

    /// Adds what was given of columns. `is_declared` tells whether definitions of a type have a
    /// property: a document does not tell choices from numbers.
    pub(super) fn add_to_columns(
        &self,
        table: &str,
        columns: &mut Vec<Members>,
        is_declared: impl Fn(&str, &str) -> bool,
    ) {
        let Some(given) = self.tables.get(table) else {
            return;
        };
        let mut rest = given.columns.clone();
        for column in columns.iter_mut() {
            let own = text(column, "LogicalName").and_then(|name| rest.remove(&name));
            let Some(own) = own else {
                continue;
            };
            if own.contains_key("AttributeTypeName") {
                // A definition without a type of its own is said by having none.
                column.remove("@odata.type");
            }
            if let Some(told) = type_of(&own).map(str::to_owned) {
                column.retain(|name, _| name.starts_with('@') || is_declared(&told, name));
            }
            column.extend(own);
        }
        // What is not in the document has no values on the wire: labels of lookups, for one.
        columns.extend(rest.into_values().map(|mut column| {
            column.insert("EntityLogicalName".to_owned(), table.into());
            column
        }));
    }

    /// Relationships of a table: those that were given, if there are any.
    pub(super) fn relationships(
        &self,
        table: &str,
        navigation: &str,
        mut own: Vec<Members>,
    ) -> Vec<Members> {
        self.add_to_relationships(&mut own);
        let given = self.tables.get(table);
        match given.and_then(|given| given.relationships.get(navigation)) {
            Some(given) if !given.is_empty() => {
                let is_made = |one: &Members| {
                    text(one, "MetadataId").is_some_and(|id| self.made.contains_key(&id))
                };
                own.retain(is_made);
                given.iter().cloned().chain(own).collect()
            }
            _ => own,
        }
    }

    /// All relationships: what was given goes before what has the same schema name.
    pub(super) fn all_relationships(&self, mut own: Vec<Members>) -> Vec<Members> {
        self.add_to_relationships(&mut own);
        let mut by_name: BTreeMap<String, Members> = BTreeMap::new();
        for table in self.tables.values() {
            for (navigation, found) in &table.relationships {
                let type_name = if *navigation == "ManyToManyRelationships" {
                    super::known::MANY_TO_MANY
                } else {
                    super::known::ONE_TO_MANY
                };
                for members in found {
                    if let Some(name) = text(members, "SchemaName") {
                        by_name.insert(name, super::known::typed(members.clone(), type_name));
                    }
                }
            }
        }
        let is_given = |one: &Members| {
            let name = text(one, "SchemaName");
            name.is_some_and(|name| by_name.contains_key(&name))
        };
        let rest: Vec<Members> = own.into_iter().filter(|one| !is_given(one)).collect();
        by_name.into_values().chain(rest).collect()
    }

    /// Global choices, by name.
    pub(super) fn choices(&self) -> Vec<Members> {
        let choices = self.choices.values().map(|choice| {
            let is_boolean = choice.contains_key("TrueOption");
            let type_name = if is_boolean {
                "BooleanOptionSetMetadata"
            } else {
                "OptionSetMetadata"
            };
            super::known::typed(choice.clone(), type_name)
        });
        choices.collect()
    }
}

/// The type that a definition tells, without its namespace.
pub(super) fn type_of(members: &Members) -> Option<&str> {
    members.get("@odata.type")?.as_str()?.rsplit('.').next()
}

/// How a column is shown, by its definition.
fn display(column: &Members) -> Display {
    let label = |option: &Value| {
        let label = &option["Label"];
        let own = &label["UserLocalizedLabel"]["Label"];
        let first = &label["LocalizedLabels"][0]["Label"];
        Some((
            option["Value"].as_i64()?,
            own.as_str().or(first.as_str())?.to_owned(),
        ))
    };
    let choice = column.get("OptionSet").unwrap_or(&Value::Null);
    let options = choice["Options"].as_array().into_iter().flatten();
    let pair = [&choice["FalseOption"], &choice["TrueOption"]];
    Display {
        labels: options.chain(pair).filter_map(label).collect(),
        precision: column
            .get("Precision")
            .and_then(Value::as_u64)
            .and_then(|digits| usize::try_from(digits).ok()),
        is_day: text(column, "Format").as_deref() == Some("DateOnly"),
        is_money: text(column, "AttributeType").as_deref() == Some("Money"),
    }
}

/// What a column can hold, by its definition.
fn domain(column: &Members) -> Domain {
    let options = column.get("OptionSet").and_then(|choice| {
        let options = choice["Options"].as_array()?.iter();
        Some(
            options
                .filter_map(|option| option["Value"].as_i64())
                .collect(),
        )
    });
    let number = |name: &str| column.get(name).and_then(Value::as_f64);
    Domain {
        options,
        range: number("MinValue").zip(number("MaxValue")),
        digits: column
            .get("Precision")
            .and_then(Value::as_u64)
            .and_then(|digits| usize::try_from(digits).ok())
            .filter(|digits| *digits <= MAX_DIGITS),
        max_kilobytes: column.get("MaxSizeInKB").and_then(Value::as_u64),
        is_primary_image: column.get("IsPrimaryImage") == Some(&Value::Bool(true)),
        is_required: column
            .get("RequiredLevel")
            .is_some_and(|level| level["Value"] == "SystemRequired"),
        auto_number: text(column, "AutoNumberFormat")
            .filter(|format| !format.is_empty())
            .map(|format| AutoNumber::parse(&format)),
    }
}

fn text(members: &Members, name: &str) -> Option<String> {
    members.get(name)?.as_str().map(str::to_owned)
}

/// What was not asked for came as null, and null says nothing.
fn without_nulls(members: &mut Members) {
    members.retain(|_, value| !value.is_null());
    for value in members.values_mut() {
        if let Value::Array(items) = value {
            for item in items {
                if let Value::Object(item) = item {
                    item.retain(|_, value| !value.is_null());
                }
            }
        }
    }
}

/// `#…ComplexStringAttributeMetadata` is `#…StringAttributeMetadata` in another place.
fn simple_type(column: &mut Members) {
    if let Some(Value::String(name)) = column.get_mut("@odata.type") {
        *name = name.replace(".Complex", ".");
    }
}

/// A column with a global choice has it under both names.
fn share_choice(column: &mut Members) {
    let is_global = |choice: &Value| choice["IsGlobal"] == true;
    match (column.get("OptionSet"), column.get("GlobalOptionSet")) {
        (Some(own), None) if is_global(own) => {
            column.insert("GlobalOptionSet".to_owned(), own.clone());
        }
        (None, Some(global)) => {
            column.insert("OptionSet".to_owned(), global.clone());
        }
        _ => {}
    }
}
