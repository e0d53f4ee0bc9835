//! Lookups of several tables that requests make, with a relationship for each.

use http::StatusCode;
use serde_json::Value;

use super::Members;
use super::change::{Changer, required};
use super::complete::logical_name;
use crate::fault::{Fault, Result};

/// The tables that a customer is a row of.
const CUSTOMERS: [&str; 2] = ["account", "contact"];

/// A lookup that was made.
pub(super) struct Made {
    /// The id of the column.
    pub(super) column: String,
    /// The ids of the relationships.
    pub(super) relationships: Vec<String>,
}

impl Changer<'_> {
    /// Makes the lookup of `CreatePolymorphicLookupAttribute` and `CreateCustomerRelationships`.
    pub(super) fn create_lookup_of_several(
        &mut self,
        is_customer: bool,
        parameters: &Members,
    ) -> Result<Made> {
        let Some(Value::Object(lookup)) = parameters.get("Lookup") else {
            return Err(missing("Lookup"));
        };
        let Some(Value::Array(relationships)) = parameters.get("OneToManyRelationships") else {
            return Err(missing("OneToManyRelationships"));
        };
        let mut members = Vec::new();
        let mut targets = Vec::new();
        for relationship in relationships {
            let Value::Object(relationship) = relationship else {
                return Err(missing("OneToManyRelationships"));
            };
            let target = required(relationship, "ReferencedEntity")?;
            self.table(&target)?;
            if targets.contains(&target) {
                return Err(Fault::invalid_argument(format!(
                    "Two relationships of the lookup lead to '{target}'."
                )));
            }
            if is_customer && !CUSTOMERS.contains(&target.as_str()) {
                return Err(Fault::invalid_argument(format!(
                    "A customer is a row of {}, not of '{target}'.",
                    CUSTOMERS.join(" or ")
                )));
            }
            targets.push(target);
            members.push(relationship.clone());
        }
        let schema_name = required(lookup, "SchemaName")?;
        let Some(first) = members.first() else {
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "0x80090421",
                format!(
                    "The OneToManyRelationships property must contain at least one relationship. \
                     Lookup attribute name '{schema_name}', Relationships count '0'."
                ),
            ));
        };
        let table = required(first, "ReferencingEntity")?;
        for relationship in &members {
            let other = required(relationship, "ReferencingEntity")?;
            if other != table {
                return Err(Fault::new(
                    StatusCode::BAD_REQUEST,
                    "0x80090422",
                    format!(
                        "Relationships on the OneToManyRelationships property must use the same \
                         entity. The referencing entity '{table}' and '{other}' should be the same \
                         entities."
                    ),
                ));
            }
        }
        let kind = if is_customer { "Customer" } else { "Lookup" };
        let names: Vec<&str> = targets.iter().map(String::as_str).collect();
        let column = self.create_lookup(&table, lookup.clone(), &names, kind)?;
        let mut made = Vec::new();
        for (members, target) in members.into_iter().zip(&targets) {
            let name = required(&members, "SchemaName")?;
            logical_name(&members)?;
            // Each table has a navigation property of its own.
            let navigation = format!("{schema_name}_{target}");
            made.push(self.relate(members, &name, &column, &navigation)?);
        }
        Ok(Made {
            column: super::known::id(&format!("{table}.{column}")),
            relationships: made,
        })
    }
}

fn missing(name: &str) -> Fault {
    Fault::invalid_argument(format!(
        "Required field '{name}' is missing or of another type."
    ))
}
