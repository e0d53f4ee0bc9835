//! Relationships that requests make.

use serde_json::{Value, json};

use super::Members;
use super::change::{Changer, exists, required};
use super::complete::{self, logical_name};
use super::custom::{Told, default, text};
use super::known::id;
use crate::fault::{Fault, Result};

impl Changer<'_> {
    pub(super) fn create_relationship(&mut self, members: Members) -> Result<String> {
        let schema_name = required(&members, "SchemaName")?;
        logical_name(&members)?;
        let known = self.source.known.all_relationships(self.source.given);
        let is_taken = |one: &Members| text(one, "SchemaName") == Some(&schema_name);
        if known.iter().any(is_taken)
            || self
                .custom
                .relationships
                .values()
                .any(|told| is_taken(&told.members))
        {
            return Err(exists("A relationship", &schema_name));
        }
        if members.contains_key("Entity1LogicalName") {
            self.create_many_to_many(members, &schema_name)
        } else {
            self.create_one_to_many(members, &schema_name)
        }
    }

    fn create_one_to_many(&mut self, mut members: Members, schema_name: &str) -> Result<String> {
        let referenced = required(&members, "ReferencedEntity")?;
        let referencing = required(&members, "ReferencingEntity")?;
        self.table(&referenced)?;
        let Some(Value::Object(lookup)) = members.remove("Lookup") else {
            return Err(Fault::invalid_argument(
                "Required field 'Lookup' is missing or of another type.",
            ));
        };
        let navigation = required(&lookup, "SchemaName")?;
        let column = self.create_lookup(&referencing, lookup, &[&referenced], "Lookup")?;
        self.relate(members, schema_name, &column, &navigation)
    }

    /// Makes the column of a lookup; gives its logical name.
    pub(super) fn create_lookup(
        &mut self,
        table: &str,
        mut lookup: Members,
        targets: &[&str],
        kind: &str,
    ) -> Result<String> {
        self.table(table)?;
        let column = logical_name(&lookup)?;
        if self.has_column(table, &column) {
            return Err(exists("An attribute", &column));
        }
        let type_name = "Microsoft.Dynamics.CRM.LookupAttributeMetadata";
        lookup.insert("@odata.type".to_owned(), type_name.into());
        lookup.insert("Targets".to_owned(), json!(targets));
        complete::column(&mut lookup, table, &column)?;
        lookup.insert("AttributeType".to_owned(), json!(kind));
        let type_name = json!({ "Value": format!("{kind}Type") });
        lookup.insert("AttributeTypeName".to_owned(), type_name);
        self.tell_column(table, &column, lookup, true);
        Ok(column)
    }

    /// Makes the relationship of a lookup with one of its tables; gives its id.
    pub(super) fn relate(
        &mut self,
        mut members: Members,
        schema_name: &str,
        column: &str,
        navigation: &str,
    ) -> Result<String> {
        let referenced = required(&members, "ReferencedEntity")?;
        let referencing = required(&members, "ReferencingEntity")?;
        let table = self.table(&referenced)?;
        let made = id(&format!("{referencing}.{column}>{referenced}"));
        complete::tidy(&mut members);
        members.remove("@odata.type");
        for (name, value) in [
            ("MetadataId", json!(made)),
            ("RelationshipType", json!("OneToManyRelationship")),
            ("ReferencingAttribute", json!(column)),
            ("ReferencedAttribute", table["PrimaryIdAttribute"].clone()),
        ] {
            members.insert(name.to_owned(), value);
        }
        default(
            &mut members,
            "ReferencedEntityNavigationPropertyName",
            json!(schema_name),
        );
        default(
            &mut members,
            "ReferencingEntityNavigationPropertyName",
            json!(navigation),
        );
        let cascade = members
            .entry("CascadeConfiguration")
            .or_insert_with(|| json!({}));
        if let Value::Object(cascade) = cascade {
            for (name, value) in [
                ("Assign", "NoCascade"),
                ("Delete", "RemoveLink"),
                ("Archive", "RemoveLink"),
                ("Merge", "NoCascade"),
                ("Reparent", "NoCascade"),
                ("Share", "NoCascade"),
                ("Unshare", "NoCascade"),
                ("RollupView", "NoCascade"),
            ] {
                default(cascade, name, value.into());
            }
        }
        self.tell_relationship(&made, members);
        Ok(made)
    }

    fn create_many_to_many(&mut self, mut members: Members, schema_name: &str) -> Result<String> {
        let mut tables = [
            required(&members, "Entity1LogicalName")?,
            required(&members, "Entity2LogicalName")?,
        ];
        let [one, two] = [self.table(&tables[0])?, self.table(&tables[1])?];
        if tables[0] == tables[1] {
            return Err(Fault::not_supported(
                "many-to-many relationships that are made of a table with itself",
            ));
        }
        for name in [
            "Entity1NavigationPropertyName",
            "Entity2NavigationPropertyName",
        ] {
            default(&mut members, name, json!(schema_name));
        }
        let navigation = members["Entity1NavigationPropertyName"].clone();
        if navigation != members["Entity2NavigationPropertyName"] {
            return Err(Fault::not_supported(
                "many-to-many relationships that are made with two names of navigation properties",
            ));
        }
        let intersect = navigation.as_str().unwrap_or(schema_name).to_lowercase();
        if self.source.call.catalog.by_name(&intersect).is_some() {
            return Err(exists("An entity", &intersect));
        }
        tables.sort();
        let [first, second] = &tables;
        let made = id(&format!(
            "{first}*{second}*{}",
            navigation.as_str().unwrap_or_default()
        ));
        complete::tidy(&mut members);
        members.remove("@odata.type");
        for (name, value) in [
            ("MetadataId", json!(made)),
            ("RelationshipType", json!("ManyToManyRelationship")),
            ("IntersectEntityName", json!(intersect)),
            (
                "Entity1IntersectAttribute",
                one["PrimaryIdAttribute"].clone(),
            ),
            (
                "Entity2IntersectAttribute",
                two["PrimaryIdAttribute"].clone(),
            ),
        ] {
            members.insert(name.to_owned(), value);
        }
        self.tell_relationship(&made, members);
        Ok(made)
    }

    fn tell_relationship(&mut self, made: &str, mut members: Members) {
        for (name, value) in [
            ("IsCustomRelationship", json!(true)),
            ("IsManaged", json!(false)),
            ("IsValidForAdvancedFind", json!(true)),
            ("SecurityTypes", json!("Append")),
            ("IntroducedVersion", json!("1.0.0.0")),
        ] {
            default(&mut members, name, value);
        }
        let told = Told {
            is_new: true,
            members,
        };
        self.custom.relationships.insert(made.to_owned(), told);
    }
}
