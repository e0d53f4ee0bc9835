//! Definitions by a query, or what changed of them.

use std::borrow::Cow;

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
            Some(stamp) => all.since(stamp).deleted(DeletedMetadataFilters::ALL),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedMetadataFilters(Cow<'static, str>);

impl DeletedMetadataFilters {
    /// Tables.
    pub const DEFAULT: Self = Self(Cow::Borrowed("Default"));
    /// Columns.
    pub const ATTRIBUTE: Self = Self(Cow::Borrowed("Attribute"));
    /// Relationships.
    pub const RELATIONSHIP: Self = Self(Cow::Borrowed("Relationship"));
    /// Labels.
    pub const LABEL: Self = Self(Cow::Borrowed("Label"));
    /// Choices.
    pub const OPTION_SET: Self = Self(Cow::Borrowed("OptionSet"));
    /// All of them.
    pub const ALL: Self = Self(Cow::Borrowed("All"));
}

impl Value for DeletedMetadataFilters {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        match scalar {
            Scalar::Text(name) => Ok(DeletedMetadataFilters(Cow::Owned(name.into_owned()))),
            other => Err(ValueError::new("kinds of definitions", &other)),
        }
    }

    fn write_json(&self, out: &mut String) {
        self.0.clone().into_owned().write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        out.push_str("Microsoft.Dynamics.CRM.DeletedMetadataFilters");
        self.0.clone().into_owned().write_literal(out);
    }
}
