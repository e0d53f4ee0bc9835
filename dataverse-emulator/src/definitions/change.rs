//! Requests that change definitions.

use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::complete::{self, logical_name, merge_labels};
use super::custom::{Custom, Told, columns_of_key, text};
use super::known::{CHOICE, COLUMN, KEY, TABLE, id};
use super::{Members, Place, Source};
use crate::auto_number;
use crate::catalog::Catalog;
use crate::fault::{Fault, Result};
use crate::message::{Answer, ENTITY_ID};
use crate::service::Call;
use crate::store::{Store, quoted, text_sql};
use crate::url::{Segment, encode_value, text_literal};
use crate::value::guid;

/// Properties by which a definition is known: a change keeps them.
const IDENTITY: &[&str] = &[
    "MetadataId",
    "LogicalName",
    "SchemaName",
    "EntitySetName",
    "LogicalCollectionName",
    "EntityLogicalName",
    "PrimaryIdAttribute",
    "PrimaryNameAttribute",
    "ObjectTypeCode",
    "OwnershipType",
    "IsCustomEntity",
    "IsActivity",
    "IsIntersect",
    "Name",
    "IsGlobal",
    "RelationshipType",
    "ReferencedEntity",
    "ReferencedAttribute",
    "ReferencingEntity",
    "ReferencingAttribute",
    "ReferencedEntityNavigationPropertyName",
    "ReferencingEntityNavigationPropertyName",
    "Entity1LogicalName",
    "Entity2LogicalName",
    "Entity1NavigationPropertyName",
    "Entity2NavigationPropertyName",
    "IntersectEntityName",
];

/// What a request changes.
pub(crate) struct Change {
    pub(crate) custom: Custom,
    /// What of the store goes with it.
    drops: Vec<Dropped>,
    pub(crate) answer: Answer,
}

/// A table or a column without rows from now on.
enum Dropped {
    Table(String),
    Column(String, String),
    /// Table and column of a lookup of several tables, and the one that it does not lead to any more.
    Target(String, String, String),
}

impl Change {
    /// Stores the change; `catalog` is that of the definitions from now on.
    pub(crate) fn keep(&self, store: &Store, catalog: &Catalog) -> Result<()> {
        for dropped in &self.drops {
            match dropped {
                Dropped::Table(name) => {
                    let sql = format!("DROP TABLE IF EXISTS {}", quoted(name));
                    store.connection.execute_batch(&sql)?;
                    auto_number::forget(store, name, None)?;
                }
                Dropped::Column(table, column) => drop_column(store, catalog, table, column)?,
                Dropped::Target(table, column, target) => {
                    drop_target(store, table, column, target)?;
                }
            }
        }
        self.custom.save(store)
    }
}

/// Clears lookups that lead to a table.
fn drop_target(store: &Store, table: &str, column: &str, target: &str) -> Result<()> {
    let told = format!("{column}@table");
    if !stored_columns(store, table)?.contains(&told) {
        return Ok(());
    }
    let (column, told) = (quoted(column), quoted(&told));
    let sql = format!(
        "UPDATE {} SET {column} = NULL, {told} = NULL WHERE {told} = ?",
        quoted(table)
    );
    store.connection.execute(&sql, [target])?;
    Ok(())
}

fn names(store: &Store, sql: &str) -> Result<Vec<String>> {
    let mut statement = store.connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn stored_columns(store: &Store, table: &str) -> Result<Vec<String>> {
    let sql = format!("SELECT name FROM pragma_table_info({})", text_sql(table));
    names(store, &sql)
}

fn drop_column(store: &Store, catalog: &Catalog, table: &str, column: &str) -> Result<()> {
    auto_number::forget(store, table, Some(column))?;
    let sql = format!(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = {}",
        text_sql(table)
    );
    // Those of other columns come again when they are needed.
    for index in names(store, &sql)? {
        let sql = format!("DROP INDEX {}", quoted(&index));
        store.connection.execute_batch(&sql)?;
    }
    // A column of its own may be called like one that stands beside another.
    let remains = |name: &str| {
        let table = catalog.by_name(table);
        table.is_some_and(|table| table.column_named(name).is_some())
    };
    let beside = ["_base", "_url", "_timestamp", "id", "_name", "@table", ""];
    let gone: Vec<String> = beside
        .iter()
        .map(|suffix| format!("{column}{suffix}"))
        .filter(|name| !remains(name))
        .collect();
    let stored = stored_columns(store, table)?;
    for name in stored.iter().filter(|name| gone.contains(name)) {
        let sql = format!("ALTER TABLE {} DROP COLUMN {}", quoted(table), quoted(name));
        store.connection.execute_batch(&sql)?;
    }
    Ok(())
}

/// Makes a change of what requests changed before.
pub(super) struct Changer<'s> {
    pub(super) source: &'s Source<'s>,
    pub(super) custom: Custom,
    drops: Vec<Dropped>,
}

pub(super) fn exists(what: &str, name: &str) -> Fault {
    Fault::invalid_argument(format!("{what} with the name '{name}' already exists."))
}

pub(super) fn required(members: &Members, name: &str) -> Result<String> {
    text(members, name).map(str::to_owned).ok_or_else(|| {
        Fault::invalid_argument(format!(
            "Required field '{name}' is missing or of another type."
        ))
    })
}

/// The members of the body.
pub(super) fn body(call: &Call<'_>) -> Result<Members> {
    let body = &call.asked.body;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| Fault::payload("", error.to_string()))
}

impl<'s> Changer<'s> {
    pub(super) fn new(source: &'s Source<'s>, custom: &Custom) -> Self {
        Changer {
            source,
            custom: custom.clone(),
            drops: Vec::new(),
        }
    }

    pub(super) fn done(self, answer: Answer) -> Change {
        Change {
            custom: self.custom,
            drops: self.drops,
            answer,
        }
    }

    /// Answers `POST`, `PUT` and `DELETE` of a definition.
    pub(super) fn answer(mut self, first: &Segment, rest: &[Segment]) -> Result<Change> {
        let call = self.source.call;
        let mut place = self.source.root(first)?;
        for segment in rest {
            place = self.source.below(place, segment)?;
        }
        let answer = match (&call.asked.method, place) {
            (&Method::POST, Place::Many(many)) => {
                let id = self.create(&many.type_name, many.table.as_deref(), body(call)?)?;
                created(call, first, rest, &id)
            }
            (
                &Method::PUT,
                Place::One {
                    item,
                    type_name,
                    table,
                    ..
                },
            ) => {
                self.replace(&item, &type_name, table.as_deref(), body(call)?)?;
                Answer::no_content()
            }
            (
                &Method::DELETE,
                Place::One {
                    item,
                    type_name,
                    table,
                    ..
                },
            ) => {
                self.delete(&item, &type_name, table.as_deref())?;
                Answer::no_content()
            }
            (method, _) => return Err(Fault::method_not_allowed(method)),
        };
        Ok(self.done(answer))
    }

    /// Makes a definition in a collection; gives its id.
    fn create(&mut self, kind: &str, table: Option<&str>, members: Members) -> Result<String> {
        match (kind, table) {
            (TABLE, _) => self.create_table(members),
            (KEY, Some(table)) => self.create_key(table, members),
            (CHOICE, _) => self.create_choice(members),
            (kind, Some(table)) if self.source.known.is_a(kind, COLUMN) => {
                if text(&members, "@odata.type")
                    .is_some_and(|name| name.ends_with("LookupAttributeMetadata"))
                {
                    return Err(Fault::invalid_argument(
                        "A lookup column comes with its relationship: POST RelationshipDefinitions.",
                    ));
                }
                self.create_column(table, members)
            }
            (_, None) => self.create_relationship(members),
            _ => Err(Fault::method_not_allowed(&Method::POST)),
        }
    }

    pub(super) fn table(&self, name: &str) -> Result<Members> {
        let table = self.source.table(name);
        if table.is_empty() || self.source.call.catalog.by_name(name).is_none() {
            return Err(Fault::unknown_entity(name));
        }
        Ok(table)
    }

    pub(super) fn create_table(&mut self, mut members: Members) -> Result<String> {
        let name = logical_name(&members)?;
        if !name.contains('_') {
            return Err(Fault::invalid_argument(format!(
                "The name '{name}' must begin with a publisher's prefix, as in 'new_{name}'."
            )));
        }
        if self.custom.tables.contains_key(&name)
            || self.source.call.catalog.by_name(&name).is_some()
        {
            return Err(exists("An entity", &name));
        }
        let columns = match members.remove("Attributes") {
            Some(Value::Array(columns)) => columns,
            _ => Vec::new(),
        };
        complete::table(&mut members, &name)?;
        let set = text(&members, "EntitySetName").unwrap_or_default();
        if self.source.call.catalog.by_set(set).is_some() {
            return Err(exists("An entity set", set));
        }
        let is_primary = |column: &Value| column["IsPrimaryName"] == true;
        let primary = columns.iter().find(|column| is_primary(column));
        let primary = primary.and_then(Value::as_object).ok_or_else(|| {
            Fault::invalid_argument(
                "The primary name column is missing: a string column in 'Attributes' with \
                 'IsPrimaryName' true.",
            )
        })?;
        let primary = logical_name(primary)?;
        members.insert("PrimaryNameAttribute".to_owned(), primary.clone().into());
        let table = Told {
            is_new: true,
            members,
        };
        self.custom.tables.insert(name.clone(), table);
        for (column, members) in super::product::states(&name)? {
            self.tell_column(&name, &column, members, false);
        }
        for column in columns {
            let is_primary = is_primary(&column);
            let Value::Object(column) = column else {
                return Err(Fault::invalid_argument("A column is no object."));
            };
            // Published clients name the primary column among the others once more.
            if is_primary || logical_name(&column)? != primary {
                self.create_column(&name, column)?;
            }
        }
        Ok(id(&name))
    }

    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        let made = self.custom.columns.get(table);
        let catalog = self.source.call.catalog.by_name(table);
        made.is_some_and(|columns| columns.contains_key(column))
            || catalog.is_some_and(|table| table.column_named(column).is_some())
            || super::csdl::is_system(column)
            || column == format!("{table}id")
    }

    fn create_column(&mut self, table: &str, mut members: Members) -> Result<String> {
        let name = logical_name(&members)?;
        if self.has_column(table, &name) {
            return Err(exists("An attribute", &name));
        }
        self.bind_choice(&mut members)?;
        complete::column(&mut members, table, &name)?;
        self.tell_column(table, &name, members, true);
        Ok(id(&format!("{table}.{name}")))
    }

    pub(super) fn tell_column(&mut self, table: &str, name: &str, members: Members, is_new: bool) {
        let columns = self.custom.columns.entry(table.to_owned()).or_default();
        columns.insert(name.to_owned(), Told { is_new, members });
    }

    /// Puts the global choice into the column that is bound to it.
    fn bind_choice(&self, members: &mut Members) -> Result<()> {
        let Some(bound) = members.remove("GlobalOptionSet@odata.bind") else {
            return Ok(());
        };
        let bound = bound.as_str().unwrap_or_default();
        let key = bound
            .split_once('(')
            .map(|(_, key)| key.trim_end_matches(')'));
        let key = key.map(|key| key.strip_prefix("Name=").unwrap_or(key));
        let key = key.and_then(|key| guid(key).or_else(|| text_literal(key)));
        let choice = key.and_then(|key| self.choice(&key)).ok_or_else(|| {
            Fault::invalid_argument(format!("There is no global choice '{bound}'."))
        })?;
        let choice = Value::Object(choice.clone());
        members.insert("OptionSet".to_owned(), choice.clone());
        members.insert("GlobalOptionSet".to_owned(), choice);
        Ok(())
    }

    fn choice(&self, name_or_id: &str) -> Option<&Members> {
        let made = self.custom.choices.values().find(|choice| {
            [text(choice, "Name"), text(choice, "MetadataId")].contains(&Some(name_or_id))
        });
        made.or_else(|| self.source.given.choice(name_or_id))
    }

    fn create_choice(&mut self, mut members: Members) -> Result<String> {
        let name = required(&members, "Name")?;
        if self.choice(&name).is_some() {
            return Err(exists("An option set", &name));
        }
        members.insert("IsGlobal".to_owned(), true.into());
        complete::choice(&mut members)?;
        let made = text(&members, "MetadataId").unwrap_or_default().to_owned();
        self.custom.choices.insert(name, members);
        Ok(made)
    }

    fn create_key(&mut self, table: &str, mut members: Members) -> Result<String> {
        let name = logical_name(&members)?;
        let columns = columns_of_key(&members);
        let missing = columns
            .iter()
            .find(|column| !self.has_column(table, column));
        if let Some(missing) = missing {
            return Err(Fault::unknown_attribute(table, missing));
        }
        if columns.is_empty() {
            return Err(Fault::invalid_argument(
                "The key has no columns: 'KeyAttributes'.",
            ));
        }
        let keys = self.custom.keys.entry(table.to_owned()).or_default();
        let has_columns = keys.values().any(|key| columns_of_key(key) == columns);
        if has_columns || keys.contains_key(&name) {
            return Err(exists("A key of these columns or", &name));
        }
        complete::tidy(&mut members);
        members.remove("@odata.type");
        let made = id(&format!("{table}/{name}"));
        for (property, value) in [
            ("MetadataId", json!(made)),
            ("LogicalName", json!(name)),
            ("EntityLogicalName", json!(table)),
            ("EntityKeyIndexStatus", json!("Active")),
            ("IsManaged", json!(false)),
        ] {
            members.insert(property.to_owned(), value);
        }
        keys.insert(name, members);
        Ok(made)
    }

    /// Takes another definition in place of one.
    fn replace(
        &mut self,
        old: &Members,
        kind: &str,
        table: Option<&str>,
        mut new: Members,
    ) -> Result<()> {
        if self.source.call.asked.header("mscrm.mergelabels") == Some("true") {
            for (name, value) in &mut new {
                if let Some(old) = old.get(name) {
                    merge_labels(old, value);
                }
            }
        }
        for name in IDENTITY {
            if let Some(value) = old.get(*name) {
                new.insert((*name).to_owned(), value.clone());
            }
        }
        match (kind, table) {
            (TABLE, Some(name)) => {
                complete::tidy(&mut new);
                new.remove("@odata.type");
                new.remove("Attributes");
                let is_new = self.custom.tables.get(name).is_some_and(|told| told.is_new);
                let told = Told {
                    is_new,
                    members: new,
                };
                self.custom.tables.insert(name.to_owned(), told);
            }
            (CHOICE, _) => {
                complete::choice(&mut new)?;
                let name = required(&new, "Name")?;
                self.custom.choices.insert(name, new);
            }
            (kind, Some(table)) if self.source.known.is_a(kind, COLUMN) => {
                let name = required(&new, "LogicalName")?;
                let own = |members: &Members| {
                    let name = text(members, "@odata.type").unwrap_or_default();
                    name.trim_start_matches('#').to_owned()
                };
                if !own(&new).is_empty() && own(&new) != own(old) {
                    return Err(Fault::invalid_argument(format!(
                        "The type of the attribute '{name}' cannot be changed."
                    )));
                }
                new.insert("@odata.type".to_owned(), own(old).into());
                for property in ["OptionSet", "GlobalOptionSet", "IsPrimaryName", "Targets"] {
                    if let Some(value) = old.get(property)
                        && new.get(property).is_none_or(Value::is_null)
                    {
                        new.insert(property.to_owned(), value.clone());
                    }
                }
                complete::column(&mut new, table, &name)?;
                let made = self.custom.columns.get(table);
                let made = made.and_then(|columns| columns.get(&name));
                let is_new = made.is_some_and(|told| told.is_new);
                self.tell_column(table, &name, new, is_new);
            }
            (KEY, _) => return Err(Fault::method_not_allowed(&Method::PUT)),
            _ => {
                let made = required(&new, "MetadataId")?;
                complete::tidy(&mut new);
                new.remove("@odata.type");
                let told = self.custom.relationships.get(&made);
                let is_new = told.is_some_and(|told| told.is_new);
                let told = Told {
                    is_new,
                    members: new,
                };
                self.custom.relationships.insert(made, told);
            }
        }
        Ok(())
    }

    fn delete(&mut self, item: &Members, kind: &str, table: Option<&str>) -> Result<()> {
        let name = text(item, "LogicalName").unwrap_or_default();
        let system = |what: &str, name: &str| {
            Fault::invalid_argument(format!(
                "The {what} '{name}' is part of the system and cannot be deleted."
            ))
        };
        match (kind, table) {
            (TABLE, _) => {
                let told = self.custom.tables.get(name).filter(|told| told.is_new);
                told.ok_or_else(|| system("entity", name))?;
                let mut made = self.custom.relationships.values();
                let lookup = made.find(|told| {
                    text(&told.members, "ReferencedEntity") == Some(name)
                        && text(&told.members, "ReferencingEntity") != Some(name)
                });
                if let Some(lookup) = lookup {
                    return Err(in_use("Entity", name, text(&lookup.members, "SchemaName")));
                }
                for told in self.custom.relationships.values() {
                    if super::custom::tables_of(&told.members).contains(&name)
                        && let Some(intersect) = text(&told.members, "IntersectEntityName")
                    {
                        self.drops.push(Dropped::Table(intersect.to_owned()));
                    }
                }
                self.drops.push(Dropped::Table(name.to_owned()));
                self.custom.remove_table(name);
            }
            (KEY, Some(table)) => {
                let keys = self.custom.keys.get_mut(table);
                let gone = keys.and_then(|keys| keys.remove(name));
                gone.ok_or_else(|| system("key", name))?;
            }
            (CHOICE, _) => {
                let name = required(item, "Name")?;
                let gone = self.custom.choices.remove(&name);
                gone.ok_or_else(|| system("option set", &name))?;
                let mut columns = self.custom.columns.values().flatten();
                let user = columns.find(|(_, told)| {
                    let choice = told.members.get("GlobalOptionSet");
                    choice.is_some_and(|choice| choice["Name"] == name.as_str())
                });
                if let Some((column, _)) = user {
                    return Err(in_use("OptionSet", &name, Some(column)));
                }
            }
            (kind, Some(table)) if self.source.known.is_a(kind, COLUMN) => {
                self.delete_column(table, name)
                    .ok_or_else(|| system("attribute", name))??;
            }
            _ => {
                let made = required(item, "MetadataId")?;
                let is_new = self
                    .custom
                    .relationships
                    .get(&made)
                    .is_some_and(|told| told.is_new);
                if !is_new {
                    let name = text(item, "SchemaName").unwrap_or_default();
                    return Err(system("relationship", name));
                }
                self.delete_relationship(&made);
            }
        }
        Ok(())
    }

    /// Deletes a column; None if it is not one that was made.
    fn delete_column(&mut self, table: &str, name: &str) -> Option<Result<()>> {
        let told = self.custom.columns.get(table)?.get(name)?;
        if !told.is_new || told.members.get("IsPrimaryName") == Some(&Value::Bool(true)) {
            return None;
        }
        let keys = self.custom.keys.get(table);
        let mut keys = keys.into_iter().flatten();
        let key = keys.find(|(_, key)| columns_of_key(key).iter().any(|column| column == name));
        if let Some((key, _)) = key {
            return Some(Err(in_use("Attribute", name, Some(key))));
        }
        let leads = |told: &Told| {
            text(&told.members, "ReferencingEntity") == Some(table)
                && text(&told.members, "ReferencingAttribute") == Some(name)
        };
        let relationships: Vec<String> = self
            .custom
            .relationships
            .iter()
            .filter(|(_, told)| leads(told))
            .map(|(id, _)| id.clone())
            .collect();
        for relationship in &relationships {
            self.delete_relationship(relationship);
        }
        if relationships.is_empty() {
            if let Some(columns) = self.custom.columns.get_mut(table) {
                columns.remove(name);
            }
            let gone = Dropped::Column(table.to_owned(), name.to_owned());
            self.drops.push(gone);
        }
        Some(Ok(()))
    }

    fn delete_relationship(&mut self, made: &str) {
        let Some(gone) = self.custom.remove_relationship(made) else {
            return;
        };
        if let (Some(table), Some(column)) = (
            text(&gone, "ReferencingEntity"),
            text(&gone, "ReferencingAttribute"),
        ) {
            let columns = self.custom.columns.get_mut(table);
            let remaining = columns.and_then(|columns| columns.get_mut(column));
            let (table, column) = (table.to_owned(), column.to_owned());
            self.drops
                .push(match (remaining, text(&gone, "ReferencedEntity")) {
                    // Other relationships have the lookup.
                    (Some(lookup), Some(target)) => {
                        if let Some(Value::Array(targets)) = lookup.members.get_mut("Targets") {
                            targets.retain(|known| known != target);
                        }
                        Dropped::Target(table, column, target.to_owned())
                    }
                    _ => Dropped::Column(table, column),
                });
        }
        if let Some(intersect) = text(&gone, "IntersectEntityName") {
            self.drops.push(Dropped::Table(intersect.to_owned()));
        }
    }
}

/// Something else needs what shall be deleted.
fn in_use(what: &str, name: &str, by: Option<&str>) -> Fault {
    Fault::new(
        StatusCode::BAD_REQUEST,
        "0x8004f01f",
        format!(
            "The {what}({name}) component cannot be deleted because it is referenced by 1 other \
             components, one of them {}.",
            by.unwrap_or_default()
        ),
    )
}

/// The answer that tells where a new definition is.
fn created(call: &Call<'_>, first: &Segment, rest: &[Segment], id: &str) -> Answer {
    let mut url = call.root();
    let is_cast = |segment: &&Segment| !segment.name.starts_with("Microsoft.Dynamics.CRM.");
    for segment in std::iter::once(first).chain(rest).filter(is_cast) {
        if !url.ends_with('/') {
            url.push('/');
        }
        url.push_str(&segment.name);
        if let Some(arguments) = &segment.arguments {
            url.push_str(&format!("({})", encode_value(arguments)));
        }
    }
    let url = format!("{url}({id})");
    Answer::no_content()
        .with(ENTITY_ID, &url)
        .with(LOCATION, &url)
}
