//! What was deleted since.

use serde_json::{Value, json};
use uuid::Uuid;

use super::members::Item;

/// Ids of definitions that were deleted, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeletedMetadata {
    /// Tables.
    pub tables: Vec<Uuid>,
    /// Columns.
    pub columns: Vec<Uuid>,
    /// Relationships.
    pub relationships: Vec<Uuid>,
    /// Labels.
    pub labels: Vec<Uuid>,
    /// Choices.
    pub option_sets: Vec<Uuid>,
}

impl DeletedMetadata {
    /// Whether nothing was deleted, or nobody asked.
    pub fn is_empty(&self) -> bool {
        *self == DeletedMetadata::default()
    }
}

/// `{"Keys":["Attribute"],"Values":[{"Items":["…"]}]}`.
impl Item for DeletedMetadata {
    fn read(value: &Value) -> Option<Self> {
        let mut deleted = DeletedMetadata::default();
        let kinds = value["Keys"].as_array()?;
        let lists = value["Values"].as_array()?;
        for (kind, list) in kinds.iter().zip(lists) {
            let ids = match kind.as_str() {
                Some("Default" | "Entity") => &mut deleted.tables,
                Some("Attribute") => &mut deleted.columns,
                Some("Relationship") => &mut deleted.relationships,
                Some("Label") => &mut deleted.labels,
                Some("OptionSet") => &mut deleted.option_sets,
                _ => continue,
            };
            let items = list["Items"].as_array().or_else(|| list.as_array());
            ids.extend(items.into_iter().flatten().filter_map(Uuid::read));
        }
        Some(deleted)
    }

    fn write(&self) -> Value {
        let kinds = [
            ("Default", &self.tables),
            ("Attribute", &self.columns),
            ("Relationship", &self.relationships),
            ("Label", &self.labels),
            ("OptionSet", &self.option_sets),
        ];
        let told: Vec<_> = kinds.iter().filter(|(_, ids)| !ids.is_empty()).collect();
        let keys: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
        let values = told.iter().map(|(_, ids)| {
            let items: Vec<Value> = ids.iter().map(Item::write).collect();
            json!({ "Items": items })
        });
        let values: Vec<Value> = values.collect();
        json!({ "Count": keys.len(), "IsReadOnly": false, "Keys": keys, "Values": values })
    }
}
