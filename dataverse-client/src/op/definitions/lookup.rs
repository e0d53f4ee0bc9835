//! Lookups of several tables.

use serde_json::{Value, json};
use uuid::Uuid;

use super::read::json as read_json;
use crate::definition::{ColumnDefinition, OneToManyRelationship};
use crate::error::{Error, Result};
use crate::op::{Answer, Arguments, Message, MessageKind};
use crate::value::Json;

/// Creates a lookup that points at rows of several tables, with a relationship for each.
///
/// ```no_run
/// # async fn f(client: dataverse_client::Client) -> dataverse_client::Result<()> {
/// use dataverse_client::definitions::{
///     ColumnDefinition, CreatePolymorphicLookup, OneToManyRelationship,
/// };
///
/// let lookup = ColumnDefinition::lookup("new_MediaItem").label("Media Item");
/// let created = client
///     .invoke(
///         CreatePolymorphicLookup::new(&lookup)
///             .to(&OneToManyRelationship::between("new_media_book", "new_book", "new_media"))
///             .to(&OneToManyRelationship::between("new_media_video", "new_video", "new_media")),
///     )
///     .await?;
/// # Ok(()) }
/// ```
///
/// Shape: `POST CreatePolymorphicLookupAttribute`; sent with
/// [`Client::invoke`](crate::Client::invoke).
/// Source: Microsoft Learn, "Use multi-table lookup columns".
#[derive(Debug, Clone)]
#[must_use]
pub struct CreatePolymorphicLookup(Lookup);

/// Creates a lookup that points at accounts and contacts, with a relationship for each.
///
/// Shape: `POST CreateCustomerRelationships`; sent with [`Client::invoke`](crate::Client::invoke).
/// Source: Microsoft Learn, "Create and update table definitions using the Web API".
#[derive(Debug, Clone)]
#[must_use]
pub struct CreateCustomerRelationships(Lookup);

/// What both send.
#[derive(Debug, Clone)]
struct Lookup {
    column: Value,
    relationships: Vec<Value>,
    solution: Option<String>,
}

/// A lookup that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedLookup {
    /// The id of the column.
    pub column: Uuid,
    /// The ids of the relationships.
    pub relationships: Vec<Uuid>,
}

impl Lookup {
    fn arguments(&self, out: &mut Arguments<'_>) {
        let relationships = Value::Array(self.relationships.clone());
        out.optional_value(
            "OneToManyRelationships",
            &Json::new(relationships.to_string()).ok(),
        );
        out.optional_value("Lookup", &Json::new(self.column.to_string()).ok());
        out.optional_value("SolutionUniqueName", &self.solution);
    }
}

macro_rules! lookup {
    ($name:ident, $message:literal) => {
        impl $name {
            /// The column: [`ColumnDefinition::lookup`].
            pub fn new(lookup: &ColumnDefinition) -> Self {
                $name(Lookup {
                    column: lookup.as_complex_lookup(),
                    relationships: Vec::new(),
                    solution: None,
                })
            }

            /// One of its relationships: [`OneToManyRelationship::between`].
            pub fn to(mut self, relationship: &OneToManyRelationship) -> Self {
                self.0.relationships.push(json!(relationship));
                self
            }

            /// As components of the unmanaged solution with this unique name.
            pub fn in_solution(mut self, unique_name: impl Into<String>) -> Self {
                self.0.solution = Some(unique_name.into());
                self
            }
        }

        impl Message for $name {
            type Output = CreatedLookup;

            const NAME: &'static str = $message;
            const KIND: MessageKind = MessageKind::Action;

            fn arguments(&self, out: &mut Arguments<'_>) {
                self.0.arguments(out);
            }
        }
    };
}

lookup!(CreatePolymorphicLookup, "CreatePolymorphicLookupAttribute");
lookup!(CreateCustomerRelationships, "CreateCustomerRelationships");

impl Answer for CreatedLookup {
    fn read(body: &[u8]) -> Result<Self> {
        let json = read_json(body)?;
        let id = |value: &Value| Uuid::try_parse(value.as_str()?).ok();
        let column = id(&json["AttributeId"]).ok_or_else(|| {
            Error::decode("the lookup was created, but the answer does not tell its id")
        })?;
        let relationships = json["RelationshipIds"].as_array();
        Ok(CreatedLookup {
            column,
            relationships: relationships.into_iter().flatten().filter_map(id).collect(),
        })
    }
}
