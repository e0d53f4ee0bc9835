//! Definitions of tables, columns, relationships, keys and choices: what the document tells, and
//! what definitions that were given add.
//!
//! They are made when they are first asked for: most programs ask for rows only.

mod change;
mod changes;
mod column;
mod complete;
mod condition;
mod csdl;
mod custom;
mod filter;
mod given;
mod history;
mod known;
mod lookups;
mod options;
pub(crate) mod product;
mod projection;
mod relate;
mod relationship;
mod table;

use std::sync::OnceLock;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

pub(crate) use change::Change;
pub(crate) use custom::Custom;
pub(crate) use given::Given;
pub(crate) use history::note;
pub(crate) use known::{id as stable_id, version_of};

use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::service::Call;
use crate::url::{Segment, text_literal};
use crate::value::guid;
use change::Changer;
use filter::Filter;
use known::{CHOICE, COLUMN, Known, MANAGED, RELATIONSHIP, TABLE};
use projection::Projection;

/// A JSON object.
pub(crate) type Members = Map<String, Value>;

/// The set of managed properties.
const MANAGED_PROPERTIES: &str = "ManagedPropertyDefinitions";

/// Options that are read, and one that the service passes over.
const OPTIONS: &[&str] = &[
    "$select",
    "$filter",
    "$expand",
    "$top",
    "LabelLanguages",
    "RetrieveAllSettings",
];

/// Definitions of the emulator's document.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    given: Given,
    known: OnceLock<Known>,
    /// Of the document without what requests changed.
    version: u64,
}

impl Definitions {
    pub(crate) fn new(given: Given, version: u64) -> Self {
        Definitions {
            given,
            version,
            known: OnceLock::new(),
        }
    }

    fn known(&self, call: &Call<'_>) -> Result<&Known> {
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let made = Known::new(call.document, call.catalog)?;
        Ok(self.known.get_or_init(|| made))
    }
}

/// Whether a request that begins with this segment is about definitions.
pub(crate) fn is_asked(first: &Segment) -> bool {
    matches!(
        first.name.as_str(),
        "EntityDefinitions"
            | "RelationshipDefinitions"
            | "GlobalOptionSetDefinitions"
            | MANAGED_PROPERTIES
            | "RetrieveMetadataChanges"
    )
}

/// What a request changes in definitions; None if it changes none.
pub(crate) fn change(
    definitions: &Definitions,
    custom: &Custom,
    call: &Call<'_>,
    first: &Segment,
    rest: &[Segment],
) -> Result<Option<Change>> {
    let is_read_only =
        ["RetrieveMetadataChanges", MANAGED_PROPERTIES].contains(&first.name.as_str());
    let is_definition = is_asked(first) && !is_read_only;
    let is_action = options::is_asked(first) && rest.is_empty();
    if !is_action && (!is_definition || call.asked.method == Method::GET) {
        return Ok(None);
    }
    let source = Source {
        known: definitions.known(call)?,
        given: &definitions.given,
        call,
    };
    let changer = Changer::new(&source, custom);
    let change = if is_action {
        options::answer(changer, first)?
    } else {
        check_options(&call.address.options, &[])?;
        changer.answer(first, rest)?
    };
    Ok(Some(change))
}

/// Answers a request that reads definitions.
pub(crate) fn answer(
    definitions: &Definitions,
    call: &Call<'_>,
    first: &Segment,
    rest: &[Segment],
) -> Result<Answer> {
    if first.name == "RetrieveMetadataChanges" {
        if call.asked.method != Method::GET {
            return Err(Fault::wrong_verb(&call.asked.target));
        }
        return changes::answer(definitions, call, first);
    }
    if call.asked.method != Method::GET {
        return Err(Fault::method_not_allowed(&call.asked.method));
    }
    check_options(&call.address.options, OPTIONS)?;
    let source = Source {
        known: definitions.known(call)?,
        given: &definitions.given,
        call,
    };
    let mut place = source.root(first)?;
    for segment in rest {
        place = source.below(place, segment)?;
    }
    source.write(place)
}

/// Where a path has led so far.
enum Place {
    Many(Items),
    One {
        item: Members,
        type_name: String,
        /// The table, if it is one or belongs to one.
        table: Option<String>,
        context: String,
        is_cast: bool,
    },
    Property {
        value: Value,
        context: String,
        is_raw: bool,
    },
}

/// A collection of definitions.
struct Items {
    items: Vec<Members>,
    type_name: String,
    table: Option<String>,
    context: String,
    is_cast: bool,
}

/// What answers are made from.
struct Source<'s> {
    known: &'s Known,
    given: &'s Given,
    call: &'s Call<'s>,
}

impl Source<'_> {
    fn root(&self, first: &Segment) -> Result<Place> {
        let name = first.name.as_str();
        let (items, type_name) = match name {
            "EntityDefinitions" => (self.tables(), TABLE),
            "RelationshipDefinitions" => (self.known.all_relationships(self.given), RELATIONSHIP),
            MANAGED_PROPERTIES => {
                let catalog = self.call.catalog;
                (self.known.managed_properties(catalog, self.given), MANAGED)
            }
            _ => (self.given.choices(), CHOICE),
        };
        let items = Items {
            items,
            type_name: type_name.to_owned(),
            table: None,
            context: format!("#{name}"),
            is_cast: false,
        };
        one_of(items, first)
    }

    fn tables(&self) -> Vec<Members> {
        let names = self.known.table_names();
        names.map(|name| self.table(name)).collect()
    }

    /// A table without its columns and relationships.
    fn table(&self, name: &str) -> Members {
        self.known.table(self.call.catalog, self.given, name)
    }

    /// What is in a table, by the name of its navigation property.
    fn part(&self, table: &str, navigation: &str) -> Option<(Vec<Members>, &'static str)> {
        self.known
            .part(self.call.catalog, self.given, table, navigation)
    }

    /// The key of a table in a context: its id if that was asked for, else its name.
    fn key(&self, table: &str) -> String {
        let asked = self.call.address.segments.first();
        let id = asked.and_then(|segment| guid(segment.arguments.as_deref()?));
        id.unwrap_or_else(|| format!("'{table}'"))
    }

    fn below(&self, place: Place, segment: &Segment) -> Result<Place> {
        let unknown = || Fault::unknown_segment(&segment.name);
        if let Some(type_name) = segment.name.strip_prefix("Microsoft.Dynamics.CRM.") {
            return self.cast(place, type_name);
        }
        match place {
            Place::One {
                item,
                type_name,
                table,
                context,
                ..
            } => {
                if type_name == TABLE
                    && let Some(table) = table
                    && let Some((items, item_type)) = self.part(&table, &segment.name)
                {
                    let items = Items {
                        items,
                        type_name: item_type.to_owned(),
                        context: format!(
                            "#EntityDefinitions({})/{}",
                            self.key(&table),
                            segment.name
                        ),
                        table: Some(table),
                        is_cast: false,
                    };
                    return one_of(items, segment);
                }
                if segment.arguments.is_some() {
                    return Err(unknown());
                }
                let value = item.get(&segment.name).cloned();
                if projection::NAVIGATIONS.contains(&segment.name.as_str()) {
                    let Some(Value::Object(item)) = value else {
                        return Err(Fault::new(
                            StatusCode::NOT_FOUND,
                            "0x80040217",
                            format!("There is no {} of this definition.", segment.name),
                        ));
                    };
                    return Ok(Place::One {
                        item,
                        type_name: CHOICE.to_owned(),
                        table: None,
                        context: format!("{context}/{}", segment.name),
                        is_cast: true,
                    });
                }
                let value = match value {
                    Some(value) => value,
                    None if self.known.has_property(&type_name, &segment.name) => Value::Null,
                    None => return Err(unknown()),
                };
                Ok(Place::Property {
                    value,
                    context: format!("{context}/{}", segment.name),
                    is_raw: false,
                })
            }
            Place::Property { value, context, .. } if segment.name == "$value" => {
                Ok(Place::Property {
                    value,
                    context,
                    is_raw: true,
                })
            }
            _ => Err(unknown()),
        }
    }

    /// Only those of a type, with its own properties.
    fn cast(&self, place: Place, to: &str) -> Result<Place> {
        let fits = |item: &Members, declared: &str| {
            let own = item.get("@odata.type").and_then(Value::as_str);
            let own = own.and_then(|name| name.rsplit('.').next());
            self.known.is_a(own.unwrap_or(declared), to)
        };
        let qualified = format!("Microsoft.Dynamics.CRM.{to}");
        Ok(match place {
            Place::Many(mut many) if self.known.is_a(to, &many.type_name) => {
                many.items.retain(|item| fits(item, &many.type_name));
                Place::Many(Items {
                    items: many.items,
                    table: many.table,
                    context: format!("{}/{qualified}", many.context),
                    type_name: to.to_owned(),
                    is_cast: true,
                })
            }
            Place::One {
                item,
                type_name,
                table,
                context,
                ..
            } if fits(&item, &type_name) => Place::One {
                item,
                type_name: to.to_owned(),
                table,
                context: format!("{context}/{qualified}"),
                is_cast: true,
            },
            Place::One { .. } => {
                return Err(Fault::new(
                    StatusCode::NOT_FOUND,
                    "0x80040217",
                    format!("The definition is no {qualified}."),
                ));
            }
            _ => return Err(Fault::unknown_segment(&qualified)),
        })
    }

    fn write(&self, place: Place) -> Result<Answer> {
        let address = &self.call.address;
        let options = Projection::read(
            address.option("$select"),
            address.option("$expand"),
            address.option("LabelLanguages"),
        )?;
        let root = format!("{}$metadata", self.call.root());
        let selected = options.context();
        let body = match place {
            Place::Many(many) => {
                let filter = address.option("$filter");
                if filter.is_some() && many.type_name == CHOICE {
                    return Err(Fault::bad_request(
                        "The query parameter $filter is not supported",
                    ));
                }
                let filter = filter.map(Filter::parse).transpose()?;
                let mut written = Vec::new();
                self.check(&options, filter.as_ref(), &many)?;
                for item in many.items {
                    if filter.as_ref().is_none_or(|filter| filter.fits(&item)) {
                        let table = self.table_of(&many.table, &item);
                        let item =
                            self.project(item, &many.type_name, table, many.is_cast, &options)?;
                        written.push(Value::Object(item));
                    }
                }
                json!({
                    "@odata.context": format!("{root}{}{selected}", many.context),
                    "value": written,
                })
            }
            Place::One {
                item,
                type_name,
                table,
                context,
                is_cast,
            } => {
                let items = Items {
                    items: vec![item.clone()],
                    type_name: type_name.clone(),
                    table: None,
                    context: String::new(),
                    is_cast,
                };
                self.check(&options, None, &items)?;
                let table = self.table_of(&table, &item);
                let mut item = self.project(item, &type_name, table, is_cast, &options)?;
                let context = format!("{root}{context}{selected}/$entity");
                item.insert("@odata.context".to_owned(), context.into());
                Value::Object(item)
            }
            Place::Property {
                value,
                context,
                is_raw,
            } => match (is_raw, value) {
                (_, Value::Null) => return Ok(Answer::no_content()),
                (true, Value::String(text)) => {
                    return Ok(Answer::new(StatusCode::OK).with_body("text/plain", text));
                }
                (true, value) => {
                    let text = value.to_string();
                    return Ok(Answer::new(StatusCode::OK).with_body("text/plain", text));
                }
                (false, value) => {
                    json!({ "@odata.context": format!("{root}{context}"), "value": value })
                }
            },
        };
        Ok(Answer::json(StatusCode::OK, body.to_string()))
    }

    fn table_of(&self, table: &Option<String>, item: &Members) -> Option<String> {
        let own = || item.get("LogicalName")?.as_str().map(str::to_owned);
        table.clone().or_else(own)
    }

    /// Refuses properties that definitions of this type do not have.
    fn check(&self, options: &Projection, filter: Option<&Filter>, of: &Items) -> Result<()> {
        let filtered = filter.map(Filter::properties).unwrap_or_default();
        for name in options.selected().chain(filtered) {
            let is_known = self.known.has_property(&of.type_name, name)
                // Definitions that were given may be of a newer service than the document.
                || of.items.iter().any(|item| item.contains_key(name));
            if !is_known {
                return Err(Fault::unknown_property(name, &of.type_name));
            }
        }
        Ok(())
    }

    /// A definition as it was asked for.
    fn project(
        &self,
        item: Members,
        type_name: &str,
        table: Option<String>,
        is_cast: bool,
        options: &Projection,
    ) -> Result<Members> {
        let mut projected = options.project(&item, type_name, is_cast);
        for expand in options.expands() {
            let name = expand.name();
            let value = if type_name == TABLE
                && let Some(table) = &table
                && let Some((items, item_type)) = self.part(table, name)
            {
                let many = Items {
                    items,
                    type_name: item_type.to_owned(),
                    table: Some(table.clone()),
                    context: String::new(),
                    is_cast: false,
                };
                self.check(expand.options(), expand.filter(), &many)?;
                let kept = many.items.iter();
                let kept = kept.filter(|item| expand.filter().is_none_or(|f| f.fits(item)));
                let items = kept.map(|item| expand.options().project(item, item_type, false));
                Value::Array(items.map(Value::Object).collect())
            } else if projection::NAVIGATIONS.contains(&name)
                && self.known.is_a(type_name, COLUMN)
                && type_name != COLUMN
            {
                match item.get(name) {
                    Some(Value::Object(choice)) => {
                        Value::Object(expand.options().project(choice, CHOICE, true))
                    }
                    _ => Value::Null,
                }
            } else {
                return Err(Fault::unknown_property(name, type_name));
            };
            projected.insert(name.to_owned(), value);
        }
        options.keep_languages(&mut projected);
        Ok(projected)
    }
}

/// The collection, or the one of it that the segment names.
fn one_of(items: Items, segment: &Segment) -> Result<Place> {
    let Some(arguments) = &segment.arguments else {
        return Ok(Place::Many(items));
    };
    let bad_key = || Fault::undefined_key(&items.type_name);
    let (property, wanted) = match arguments.split_once('=') {
        Some((property, literal)) => {
            let wanted = text_literal(literal).or_else(|| guid(literal));
            (property, wanted.ok_or_else(bad_key)?)
        }
        None => ("MetadataId", guid(arguments).ok_or_else(bad_key)?),
    };
    if !["MetadataId", "LogicalName", "SchemaName", "Name"].contains(&property) {
        return Err(bad_key());
    }
    let fits = |item: &Members| item.get(property).and_then(Value::as_str) == Some(&wanted);
    let what = match items.type_name.as_str() {
        TABLE => "entity",
        COLUMN => "attribute",
        RELATIONSHIP => "relationship",
        CHOICE => "option set",
        _ => "definition",
    };
    let missing = || {
        Fault::new(
            StatusCode::NOT_FOUND,
            "0x80040217",
            format!("Could not find an {what} with {property} = {wanted}."),
        )
    };
    let found = items.items.iter().position(fits).ok_or_else(missing)?;
    let mut all = items.items;
    let item = all.swap_remove(found);
    let own = item.get("LogicalName").and_then(Value::as_str);
    Ok(Place::One {
        table: items.table.or_else(|| own.map(str::to_owned)),
        type_name: items.type_name,
        context: items.context,
        is_cast: items.is_cast,
        item,
    })
}
