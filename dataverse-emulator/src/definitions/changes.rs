//! `RetrieveMetadataChanges`.

use http::StatusCode;
use serde_json::{Value, json};

use super::condition::Condition;
use super::history::{self, ChangedTable, Since, What};
use super::known::Known;
use super::projection::keep_languages;
use super::{Definitions, Members};
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::service::Call;
use crate::url::{Segment, split_outside, text_literal};

const PARAMETERS: &[&str] = &[
    "Query",
    "ClientVersionStamp",
    "DeletedMetadataFilters",
    "AppModuleId",
    "RetrieveAllSettings",
];

/// Which definitions, and what of them.
struct Query {
    tables: Part,
    columns: Part,
    relationships: Part,
    keys: Part,
    languages: Vec<i64>,
}

/// Conditions and properties of one kind of definition.
struct Part {
    condition: Condition,
    /// None for all.
    properties: Option<Vec<String>>,
}

pub(super) fn answer(
    definitions: &Definitions,
    call: &Call<'_>,
    segment: &Segment,
) -> Result<Answer> {
    check_options(&call.address.options, &[])?;
    let mut query = Value::Null;
    let mut stamp = None;
    let mut deleted = 1;
    for (name, value) in parameters(call, segment)? {
        match name.as_str() {
            "Query" => {
                query = serde_json::from_str(&value).map_err(|error| {
                    Fault::bad_request(format!("The parameter 'Query' is no JSON: {error}"))
                })?;
            }
            "ClientVersionStamp" if value != "null" => {
                stamp = Some(text_literal(&value).ok_or_else(|| {
                    Fault::bad_request("The parameter 'ClientVersionStamp' is no text.")
                })?);
            }
            "DeletedMetadataFilters" if value != "null" => deleted = deleted_filters(&value)?,
            _ => {}
        }
    }
    let query = Query::read(&query)?;
    let known = definitions.known(call)?;
    let current = history::current(call.store, definitions.version)?;
    let since = match stamp {
        Some(stamp) => {
            let number = stamp.strip_suffix(STAMP_TIME).and_then(|n| n.parse().ok());
            let since = match number {
                Some(number) => history::since(call.store, definitions.version, number)?,
                None => None,
            };
            let expired = || {
                Fault::new(
                    StatusCode::BAD_REQUEST,
                    "0x80044352",
                    "Version stamp associated with the client has expired. Please perform a full \
                     sync.",
                )
            };
            Some(since.ok_or_else(expired)?)
        }
        None => None,
    };
    let tables = tables(definitions, known, call, &query, since.as_ref());
    let deleted = since.map(|since| since.deleted_as(deleted));
    let (keys, values): (Vec<_>, Vec<_>) = deleted.unwrap_or_default().into_iter().unzip();
    let body = json!({
        "@odata.context": format!(
            "{}$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse",
            call.root()
        ),
        "ServerVersionStamp": format!("{current}{STAMP_TIME}"),
        "DeletedMetadata": {
            "Count": keys.len(), "IsReadOnly": false, "Keys": keys, "Values": values,
        },
        "EntityMetadata": tables,
    });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}

/// Stands behind the number of a version, which says all.
const STAMP_TIME: &str = "!01/01/2026 00:00:00";

/// The bits of `Microsoft.Dynamics.CRM.DeletedMetadataFilters'Attribute,Relationship'`.
fn deleted_filters(literal: &str) -> Result<u8> {
    let text = literal.trim_start_matches("Microsoft.Dynamics.CRM.DeletedMetadataFilters");
    let bad = || {
        Fault::bad_request(format!(
            "'{literal}' is no value of DeletedMetadataFilters."
        ))
    };
    let names = text_literal(text).ok_or_else(bad)?;
    let mut bits = 0;
    for name in names.split(',') {
        let mut known = What::DELETED.iter();
        bits |= match name.trim() {
            "All" => 31,
            "Entity" => 1,
            // Labels are part of what they stand on.
            "Label" => 8,
            name => known
                .find(|one| one.1 == name)
                .map(|one| one.2)
                .ok_or_else(bad)?,
        };
    }
    Ok(bits)
}

impl Since {
    /// Ids of what is gone, by the members of `DeletedMetadataFilters` that were asked for.
    fn deleted_as(self, bits: u8) -> Vec<(&'static str, Value)> {
        let kinds = What::DELETED.iter().filter(|(_, _, bit)| bits & bit != 0);
        let found = kinds.filter_map(|(what, name, _)| {
            let ids = self.deleted.get(what).filter(|ids| !ids.is_empty())?;
            Some((*name, json!({ "Items": ids })))
        });
        found.collect()
    }
}

/// Names and literals of `Query=@p1,…`.
fn parameters(call: &Call<'_>, segment: &Segment) -> Result<Vec<(String, String)>> {
    let arguments = segment.arguments.as_deref().unwrap_or_default();
    let arguments = split_outside(arguments, ',');
    let arguments = arguments.into_iter().filter(|text| !text.trim().is_empty());
    let mut parameters = Vec::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        let name = name.trim();
        if !PARAMETERS.contains(&name) {
            return Err(Fault::bad_request(format!(
                "The operation 'RetrieveMetadataChanges' has no parameter '{name}'."
            )));
        }
        let value = match value.trim().strip_prefix('@') {
            Some(alias) => {
                let alias = format!("@{alias}");
                let told = call.address.option(&alias).ok_or_else(|| {
                    Fault::bad_request(format!("The parameter alias '{alias}' has no value."))
                })?;
                told.to_owned()
            }
            None => value.trim().to_owned(),
        };
        parameters.push((name.to_owned(), value));
    }
    Ok(parameters)
}

impl Query {
    fn read(json: &Value) -> Result<Self> {
        if !(json.is_object() || json.is_null()) {
            return Err(Fault::bad_request(
                "The parameter 'Query' is no EntityQueryExpression.",
            ));
        }
        let all = json.is_null();
        let part = |json: &Value| -> Result<Part> {
            Ok(Part {
                condition: Condition::read(&json["Criteria"])?,
                properties: properties(&json["Properties"], all),
            })
        };
        let languages = json["LabelQuery"]["FilterLanguages"].as_array();
        let languages = languages.into_iter().flatten();
        Ok(Query {
            tables: part(json)?,
            columns: part(&json["AttributeQuery"])?,
            relationships: part(&json["RelationshipQuery"])?,
            keys: part(&json["KeyQuery"])?,
            languages: languages.filter_map(Value::as_i64).collect(),
        })
    }
}

/// None for all.
fn properties(json: &Value, all: bool) -> Option<Vec<String>> {
    if all || json["AllProperties"] == true {
        return None;
    }
    let names = json["PropertyNames"].as_array().into_iter().flatten();
    Some(names.filter_map(Value::as_str).map(str::to_owned).collect())
}

impl Part {
    fn wants(&self, name: &str) -> bool {
        // These come with everything.
        matches!(
            name,
            "MetadataId" | "HasChanged" | "LogicalName" | "SchemaName"
        ) || self
            .properties
            .as_ref()
            .is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }

    /// What is not wanted is null, as the service has it.
    fn project(&self, mut item: Members) -> Members {
        for (name, value) in &mut item {
            if name != "@odata.type" && !self.wants(name) {
                *value = Value::Null;
            }
        }
        item
    }

    fn all(&self, items: Vec<Members>) -> Value {
        let kept = items.into_iter().filter(|item| self.condition.fits(item));
        Value::Array(kept.map(|item| Value::Object(self.project(item))).collect())
    }
}

fn tables(
    definitions: &Definitions,
    known: &Known,
    call: &Call<'_>,
    query: &Query,
    since: Option<&Since>,
) -> Vec<Value> {
    let mut tables = Vec::new();
    for name in known.table_names() {
        let changed = since.map(|since| since.tables.get(name));
        if matches!(changed, Some(None)) {
            continue;
        }
        let changed = changed.flatten();
        let table = known.table(call.catalog, &definitions.given, name);
        if !query.tables.condition.fits(&table) {
            continue;
        }
        let mut table = query.tables.project(table);
        let is_changed = changed.map(|changed| changed.is_changed);
        table.insert("HasChanged".to_owned(), is_changed.into());
        let mut holds_changed = false;
        for (navigation, part) in [
            ("Attributes", &query.columns),
            ("Keys", &query.keys),
            ("OneToManyRelationships", &query.relationships),
            ("ManyToOneRelationships", &query.relationships),
            ("ManyToManyRelationships", &query.relationships),
        ] {
            let wanted = query.tables.wants(navigation);
            let found = wanted.then(|| {
                let found = known.part(call.catalog, &definitions.given, name, navigation);
                let mut items = found.map(|(items, _)| items).unwrap_or_default();
                if let Some(changed) = changed {
                    items.retain(|item| changed.holds(item));
                    for item in &mut items {
                        item.insert("HasChanged".to_owned(), true.into());
                    }
                }
                part.all(items.into_iter().map(complex).collect())
            });
            let found = found.unwrap_or_else(|| Value::Array(Vec::new()));
            holds_changed |= found.as_array().is_some_and(|found| !found.is_empty());
            table.insert(navigation.to_owned(), found);
        }
        if is_changed == Some(false) && !holds_changed {
            continue;
        }
        let mut table = Value::Object(table);
        if !query.languages.is_empty() {
            keep_languages(&mut table, &query.languages);
        }
        tables.push(table);
    }
    tables
}

impl ChangedTable {
    /// Whether a column, relationship or key is among what changed.
    fn holds(&self, item: &Members) -> bool {
        let id = item.get("MetadataId").and_then(Value::as_str);
        self.is_new || id.is_some_and(|id| self.parts.contains(id))
    }
}

/// What definitions have as entity types, and not as the complex types that stand here.
const OF_ENTITY_TYPES: &[&str] = &["GlobalOptionSet", "MaxSupportedValue", "MinSupportedValue"];

/// A column has another type here; two have none.
fn complex(mut item: Members) -> Members {
    for name in OF_ENTITY_TYPES {
        item.remove(*name);
    }
    if let Some(Value::String(name)) = item.get_mut("@odata.type") {
        if name.ends_with(".UniqueIdentifierAttributeMetadata") {
            item.remove("@odata.type");
        } else {
            *name = name.replace(".CRM.", ".CRM.Complex");
        }
    }
    item
}
