//! Definitions by a query, or what changed of them.

use uuid::Uuid;

use super::read::json;
use crate::definition::{MetadataChanges, MetadataQuery, Schema};
use crate::error::{Error, Result};
use crate::op::{Answer, Arguments, Message, MessageKind};
use crate::value::{Json, Scalar, Value, ValueError};

/// Reads definitions that fit a query, or those that changed since an earlier answer.
///
/// Shape: `GET RetrieveMetadataChanges(Query=@Query,…)?@Query={…}`; sent with
/// [`Client::invoke`](crate::Client::invoke).
/// Errors: [`is_token_expired`](crate::Error::is_token_expired): ask again without a stamp, and
/// forget what is known.
/// Source: Microsoft Learn, "Query schema definitions", "Cache schema data".
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RetrieveMetadataChanges {
    query: Option<Json>,
    version_stamp: Option<String>,
    deleted: Option<DeletedMetadataFilters>,
    app_module: Option<Uuid>,
}

impl RetrieveMetadataChanges {
    /// What fits `query`.
    pub fn new(query: &MetadataQuery) -> Self {
        RetrieveMetadataChanges {
            query: Json::new(query.to_json().to_string()).ok(),
            ..RetrieveMetadataChanges::default()
        }
    }

    /// What `schema` needs: all of it, or what changed, and what was deleted.
    pub fn of(schema: &Schema) -> Self {
        let all = RetrieveMetadataChanges::new(&schema.query());
        match schema.version_stamp() {
            Some(stamp) => all.since(stamp).deleted(DeletedMetadataFilters::All),
            None => all,
        }
    }

    /// Only what changed after the answer with this stamp.
    pub fn since(mut self, version_stamp: impl Into<String>) -> Self {
        self.version_stamp = Some(version_stamp.into());
        self
    }

    /// With the ids of such definitions that were deleted since.
    pub fn deleted(mut self, which: DeletedMetadataFilters) -> Self {
        self.deleted = Some(which);
        self
    }

    /// Only what this app uses.
    pub fn app_module(mut self, id: Uuid) -> Self {
        self.app_module = Some(id);
        self
    }
}

impl Message for RetrieveMetadataChanges {
    type Output = MetadataChanges;

    const NAME: &'static str = "RetrieveMetadataChanges";
    const KIND: MessageKind = MessageKind::Function;

    fn arguments(&self, out: &mut Arguments<'_>) {
        out.optional_value("Query", &self.query);
        out.optional_value("ClientVersionStamp", &self.version_stamp);
        out.optional_value("DeletedMetadataFilters", &self.deleted);
        out.optional_value("AppModuleId", &self.app_module);
    }
}

impl Answer for MetadataChanges {
    fn read(body: &[u8]) -> Result<Self> {
        let json = json(body)?;
        if json.get("EntityMetadata").is_none() {
            return Err(Error::decode(
                "the answer of RetrieveMetadataChanges has no `EntityMetadata`",
            ));
        }
        serde_json::from_value(json).map_err(|error| {
            Error::decode(format!("the answer of RetrieveMetadataChanges: {error}"))
                .with_source(error)
        })
    }
}

/// Kinds of definitions whose deletion is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletedMetadataFilters {
    /// Tables.
    Default,
    /// Columns.
    Attribute,
    /// Relationships.
    Relationship,
    /// Labels.
    Label,
    /// Choices.
    OptionSet,
    /// All of them.
    All,
}

impl Value for DeletedMetadataFilters {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        use DeletedMetadataFilters::*;
        let all = [Default, Attribute, Relationship, Label, OptionSet, All];
        let found = all.into_iter().find(|filter| match &scalar {
            Scalar::Text(name) => *name == format!("{filter:?}"),
            _ => false,
        });
        found.ok_or_else(|| ValueError::new("a kind of definition", &scalar))
    }

    fn write_json(&self, out: &mut String) {
        out.push_str(&format!("\"{self:?}\""));
    }

    fn write_literal(&self, out: &mut String) {
        out.push_str(&format!(
            "Microsoft.Dynamics.CRM.DeletedMetadataFilters'{self:?}'"
        ));
    }
}
