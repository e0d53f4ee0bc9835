//! Rows that there are from the start, as JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::security::Security;

/// The member of a seed that is no table.
const SECURITY: &str = "@security";

/// Tables with their rows, in the order in which they are written; and who may do what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) tables: Vec<(String, Vec<Box<RawValue>>)>,
    pub(crate) security: Option<Security>,
}

impl Rows {
    /// Reads `{"account": [{"name": "Contoso"}], "contact": […]}`.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let json = json.trim_start_matches('\u{feff}');
        serde_json::from_str(json).map_err(|error| {
            format!("{error}; expected an object with a list of rows for each table: {{\"account\": [{{…}}]}}")
        })
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

/// Keeps tables as they stand: a row may point at one of an earlier table.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Rows;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with rows by table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
        let mut rows = Rows::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == SECURITY {
                rows.security = Some(map.next_value()?);
            } else {
                rows.tables.push((name, map.next_value()?));
            }
        }
        Ok(rows)
    }
}
