//! Reading definitions.

use std::marker::PhantomData;

use http::{HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{DefinitionKey, DefinitionPath};
use crate::definition::{
    AttributeType, ColumnDefinition, KeyDefinition, ManyToManyRelationship, OneToManyRelationship,
    OptionSetDefinition, RelationshipDefinition, TableDefinition,
};
use crate::error::{Error, Result};
use crate::odata::url::Query;
use crate::odata::{Request, Response};
use crate::op::{Operation, Replay, Scope};

const CONSISTENCY: HeaderName = HeaderName::from_static("consistency");

/// What else is read with a definition: `Attributes($select=LogicalName)`.
///
/// ```
/// use dataverse_client::definitions::DefinitionExpand;
///
/// let picklists = DefinitionExpand::new("Attributes").select(["LogicalName"]).filter(
///     "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionExpand {
    name: String,
    options: Vec<String>,
}

impl DefinitionExpand {
    /// `Attributes`, `Keys`, `OneToManyRelationships`, `OptionSet` …
    pub fn new(name: impl Into<String>) -> Self {
        DefinitionExpand {
            name: name.into(),
            options: Vec::new(),
        }
    }

    /// Only these properties of each.
    #[must_use]
    pub fn select<T: AsRef<str>>(mut self, properties: impl IntoIterator<Item = T>) -> Self {
        self.options.push(format!("$select={}", joined(properties)));
        self
    }

    /// Only those that meet this OData condition.
    #[must_use]
    pub fn filter(mut self, condition: impl AsRef<str>) -> Self {
        self.options.push(format!("$filter={}", condition.as_ref()));
        self
    }
}

impl From<&str> for DefinitionExpand {
    fn from(name: &str) -> Self {
        DefinitionExpand::new(name)
    }
}

/// What a read of definitions has beside its path.
#[derive(Debug, Clone, Default)]
struct Options {
    select: String,
    filter: Option<String>,
    expand: Vec<DefinitionExpand>,
    languages: Vec<i32>,
    cast: Option<String>,
    is_strong: bool,
}

impl Options {
    fn request(&self, path: &DefinitionPath) -> Result<Request> {
        if self.filter.is_some() && *path == DefinitionPath::choices() {
            return Err(Error::input(
                "the service cannot filter global choices; read them all, or one by its name",
            ));
        }
        let mut path = path.path()?;
        if let Some(cast) = &self.cast {
            path.push('/');
            path.push_str(cast);
        }
        let mut query = Query::of(path);
        if !self.select.is_empty() {
            query.option("$select", &self.select);
        }
        if let Some(filter) = &self.filter {
            query.option("$filter", filter);
        }
        if !self.expand.is_empty() {
            let written = self.expand.iter().map(|expand| {
                if expand.options.is_empty() {
                    expand.name.clone()
                } else {
                    format!("{}({})", expand.name, expand.options.join(";"))
                }
            });
            query.option("$expand", &written.collect::<Vec<_>>().join(","));
        }
        if !self.languages.is_empty() {
            let codes = self.languages.iter().map(i32::to_string);
            query.option("LabelLanguages", &codes.collect::<Vec<_>>().join(","));
        }
        let request = Request::new(Method::GET, query.into_string());
        Ok(if self.is_strong {
            request.header(CONSISTENCY, HeaderValue::from_static("Strong"))
        } else {
            request
        })
    }

    fn add_select<T: AsRef<str>>(&mut self, properties: impl IntoIterator<Item = T>) {
        let added = joined(properties);
        if !self.select.is_empty() && !added.is_empty() {
            self.select.push(',');
        }
        self.select.push_str(&added);
    }

    /// Reads one definition; in the answer to a cast stands no type.
    fn read<T: DeserializeOwned>(&self, mut json: Value) -> Result<T> {
        if let Some(cast) = self.cast.as_deref().and_then(AttributeType::parse) {
            ColumnDefinition::told(&mut json, &cast);
        }
        serde_json::from_value(json).map_err(|error| {
            Error::decode(format!("the answer is no definition: {error}")).with_source(error)
        })
    }
}

fn joined<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let mut joined = String::new();
    for name in names {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(name.as_ref());
    }
    joined
}

/// The body as JSON.
pub(super) fn json(body: &[u8]) -> Result<Value> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(text).map_err(|error| {
        Error::decode(format!("the answer is no JSON: {error}")).with_source(error)
    })
}

macro_rules! options {
    ($name:ident) => {
        impl<T> $name<T> {
            /// Only these properties, and the id.
            #[must_use]
            pub fn select<N: AsRef<str>>(
                mut self,
                properties: impl IntoIterator<Item = N>,
            ) -> Self {
                self.options.add_select(properties);
                self
            }

            /// With these, too: `Attributes`, `Keys`, `OptionSet` …
            #[must_use]
            pub fn expand(mut self, expand: impl Into<DefinitionExpand>) -> Self {
                self.options.expand.push(expand.into());
                self
            }

            /// Labels only in these languages, as locale ids.
            #[must_use]
            pub fn languages(mut self, language_codes: impl IntoIterator<Item = i32>) -> Self {
                self.options.languages.extend(language_codes);
                self
            }

            /// From the database: what is read otherwise may be half a minute old.
            #[must_use]
            pub fn strong(mut self) -> Self {
                self.options.is_strong = true;
                self
            }

            fn at(path: DefinitionPath) -> Self {
                $name {
                    path,
                    options: Options::default(),
                    definition: PhantomData,
                }
            }
        }

        impl $name<ColumnDefinition> {
            /// With the properties that only columns of this type have; for many columns, only
            /// those of this type.
            #[must_use]
            pub fn of_type(mut self, attribute_type: AttributeType) -> Self {
                self.options.cast = Some(attribute_type.definition_name());
                self
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                $name {
                    path: self.path.clone(),
                    options: self.options.clone(),
                    definition: PhantomData,
                }
            }
        }
    };
}

/// Reads one definition.
///
/// Shape: `GET EntityDefinitions(LogicalName='account')?$select=…&$expand=…`.
/// Errors: `is_not_found`.
/// Source: Microsoft Learn, "Query table definitions using the Web API".
#[derive(Debug)]
pub struct RetrieveDefinition<T> {
    path: DefinitionPath,
    options: Options,
    definition: PhantomData<fn() -> T>,
}

options!(RetrieveDefinition);

/// Reads many definitions, all at once: the service does not page them.
///
/// Shape: `GET EntityDefinitions?$select=…&$filter=…&$expand=…`.
/// Source: Microsoft Learn, "Query table definitions using the Web API".
#[derive(Debug)]
pub struct QueryDefinitions<T> {
    path: DefinitionPath,
    options: Options,
    definition: PhantomData<fn() -> T>,
}

options!(QueryDefinitions);

impl<T> QueryDefinitions<T> {
    /// Only those that meet this OData condition:
    /// `OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'`. Global choices cannot
    /// be filtered.
    #[must_use]
    pub fn filter(mut self, condition: impl Into<String>) -> Self {
        self.options.filter = Some(condition.into());
        self
    }
}

impl RetrieveDefinition<TableDefinition> {
    /// A table.
    pub fn table(table: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::table(table))
    }
}

impl RetrieveDefinition<ColumnDefinition> {
    /// A column of a table.
    pub fn column(table: impl Into<DefinitionKey>, column: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::column(table, column))
    }
}

impl RetrieveDefinition<KeyDefinition> {
    /// An alternate key of a table.
    pub fn key(table: impl Into<DefinitionKey>, key: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::key(table, key))
    }
}

impl RetrieveDefinition<RelationshipDefinition> {
    /// A relationship, by its schema name or id.
    pub fn relationship(relationship: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::relationship(relationship))
    }
}

impl RetrieveDefinition<OptionSetDefinition> {
    /// A global choice, by its name or id.
    pub fn choice(choice: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::choice(choice))
    }
}

impl QueryDefinitions<TableDefinition> {
    /// All tables.
    pub fn tables() -> Self {
        Self::at(DefinitionPath::tables())
    }
}

impl QueryDefinitions<ColumnDefinition> {
    /// The columns of a table.
    pub fn columns(table: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::columns(table))
    }
}

impl QueryDefinitions<KeyDefinition> {
    /// The alternate keys of a table.
    pub fn keys(table: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::keys(table))
    }
}

impl QueryDefinitions<RelationshipDefinition> {
    /// All relationships.
    pub fn relationships() -> Self {
        Self::at(DefinitionPath::relationships())
    }
}

impl QueryDefinitions<OneToManyRelationship> {
    /// All relationships of one to many.
    pub fn all_one_to_many() -> Self {
        let mut query = Self::at(DefinitionPath::relationships());
        let cast = "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata";
        query.options.cast = Some(cast.to_owned());
        query
    }

    /// Those in which a table is the one.
    pub fn one_to_many(table: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::one_to_many(table))
    }

    /// Those in which a table is the many.
    pub fn many_to_one(table: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::many_to_one(table))
    }
}

impl QueryDefinitions<ManyToManyRelationship> {
    /// All relationships of many to many.
    pub fn all_many_to_many() -> Self {
        let mut query = Self::at(DefinitionPath::relationships());
        let cast = "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata";
        query.options.cast = Some(cast.to_owned());
        query
    }

    /// Those of a table.
    pub fn many_to_many(table: impl Into<DefinitionKey>) -> Self {
        Self::at(DefinitionPath::many_to_many(table))
    }
}

impl QueryDefinitions<OptionSetDefinition> {
    /// All global choices.
    pub fn choices() -> Self {
        Self::at(DefinitionPath::choices())
    }
}

impl<T: DeserializeOwned + Send + 'static> Operation for RetrieveDefinition<T> {
    type Output = T;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        self.options.request(&self.path)
    }

    fn decode(&self, response: &Response) -> Result<T> {
        self.options.read(json(&response.success()?.body)?)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

impl<T: DeserializeOwned + Send + 'static> Operation for QueryDefinitions<T> {
    type Output = Vec<T>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        self.options.request(&self.path)
    }

    fn decode(&self, response: &Response) -> Result<Vec<T>> {
        let mut json = json(&response.success()?.body)?;
        // An answer that were silently short would be a lie.
        if json.get("@odata.nextLink").is_some() {
            return Err(Error::decode(
                "the service gave a part of the definitions; ask for fewer with a filter",
            ));
        }
        match json.get_mut("value").map(Value::take) {
            Some(Value::Array(items)) => {
                let read = items.into_iter().map(|item| self.options.read(item));
                read.collect()
            }
            _ => Err(Error::decode(
                "the answer is no collection: it has no `value`",
            )),
        }
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
