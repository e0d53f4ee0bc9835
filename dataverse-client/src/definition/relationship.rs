//! Relationships.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::members::{OtherMembers, Part};
use super::{CascadeType, ColumnDefinition, Label, ManagedProperty, MenuBehavior};

definition! {
    /// A relationship of one row to many: seen from the other side, many to one.
    ///
    /// ```
    /// use dataverse_client::definitions::{ColumnDefinition, OneToManyRelationship};
    ///
    /// let owner = ColumnDefinition::lookup("new_AccountOwner").label("Account Owner");
    /// let relationship = OneToManyRelationship::new(
    ///     "new_contact_new_bankaccount",
    ///     ("contact", "contactid"),
    ///     "new_bankaccount",
    ///     owner,
    /// );
    /// ```
    ///
    /// Source: Microsoft Learn, "Create and update table relationships using the Web API".
    struct OneToManyRelationship {
        /// The id of the definition.
        metadata_id: Option<Uuid> = "MetadataId",
        /// `account_primary_contact`.
        schema_name: Option<String> = "SchemaName",
        /// The table of the one row.
        referenced_table: Option<String> = "ReferencedEntity",
        /// The column of that table that is pointed at.
        referenced_column: Option<String> = "ReferencedAttribute",
        /// The table of the many rows.
        referencing_table: Option<String> = "ReferencingEntity",
        /// The lookup in that table.
        referencing_column: Option<String> = "ReferencingAttribute",
        /// The navigation property of the one row, to the many.
        referenced_navigation: Option<String> = "ReferencedEntityNavigationPropertyName",
        /// The navigation property of the many rows, to the one: a lookup is set through it.
        referencing_navigation: Option<String> = "ReferencingEntityNavigationPropertyName",
        /// The lookup, to be created with the relationship.
        lookup: Option<Box<ColumnDefinition>> = "Lookup",
        /// What happens to the many when something happens to the one.
        cascade: Option<CascadeConfiguration> = "CascadeConfiguration",
        /// How the many are shown with the one.
        menu: Option<AssociatedMenu> = "AssociatedMenuConfiguration",
        /// Whether it makes a tree of the rows of one table.
        is_hierarchical: Option<bool> = "IsHierarchical",
        /// Whether an org added it.
        is_custom: Option<bool> = "IsCustomRelationship",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether it can be changed.
        is_customizable: Option<ManagedProperty<bool>> = "IsCustomizable",
        /// Whether it has changed: only in changes.
        has_changed: Option<bool> = "HasChanged",
    }
}

definition! {
    /// A relationship of many rows to many.
    struct ManyToManyRelationship {
        /// The id of the definition.
        metadata_id: Option<Uuid> = "MetadataId",
        /// `accountleads_association`.
        schema_name: Option<String> = "SchemaName",
        /// The one table.
        table1: Option<String> = "Entity1LogicalName",
        /// The other table.
        table2: Option<String> = "Entity2LogicalName",
        /// The table of the pairs.
        intersect_table: Option<String> = "IntersectEntityName",
        /// The column of that table for the one.
        column1: Option<String> = "Entity1IntersectAttribute",
        /// The column of that table for the other.
        column2: Option<String> = "Entity2IntersectAttribute",
        /// The navigation property of the one, to the other.
        navigation1: Option<String> = "Entity1NavigationPropertyName",
        /// The navigation property of the other, to the one.
        navigation2: Option<String> = "Entity2NavigationPropertyName",
        /// How the others are shown with the one.
        menu1: Option<AssociatedMenu> = "Entity1AssociatedMenuConfiguration",
        /// How the ones are shown with the other.
        menu2: Option<AssociatedMenu> = "Entity2AssociatedMenuConfiguration",
        /// Whether an org added it.
        is_custom: Option<bool> = "IsCustomRelationship",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether it can be changed.
        is_customizable: Option<ManagedProperty<bool>> = "IsCustomizable",
        /// Whether it has changed: only in changes.
        has_changed: Option<bool> = "HasChanged",
    }
}

definition! {
    /// What happens to the many rows when something happens to the one.
    struct CascadeConfiguration {
        /// It gets another owner.
        assign: Option<CascadeType> = "Assign",
        /// It is deleted.
        delete: Option<CascadeType> = "Delete",
        /// It is merged into another.
        merge: Option<CascadeType> = "Merge",
        /// It gets another parent.
        reparent: Option<CascadeType> = "Reparent",
        /// It is shared.
        share: Option<CascadeType> = "Share",
        /// It is no longer shared.
        unshare: Option<CascadeType> = "Unshare",
        /// Its activities are shown with those of the many.
        rollup_view: Option<CascadeType> = "RollupView",
    }
}

definition! {
    /// How related rows are shown in forms.
    struct AssociatedMenu {
        /// Under which name.
        behavior: Option<MenuBehavior> = "Behavior",
        /// `Details`, `Sales`, `Service`, `Marketing`.
        group: Option<String> = "Group",
        /// The name, if it is not the table's.
        label: Option<Label> = "Label",
        /// The place among others; smaller is first.
        order: Option<i32> = "Order",
    }
}

/// A relationship of either kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are of the first kind"
)]
pub enum RelationshipDefinition {
    /// One row to many.
    OneToMany(OneToManyRelationship),
    /// Many rows to many.
    ManyToMany(ManyToManyRelationship),
    /// Of a kind that is not known here.
    Other(OtherMembers),
}

impl OneToManyRelationship {
    /// A relationship to be created with its lookup: `referenced` is the table of the one row and
    /// the column that identifies it.
    pub fn new(
        schema_name: impl Into<String>,
        referenced: (&str, &str),
        referencing_table: impl Into<String>,
        lookup: ColumnDefinition,
    ) -> Self {
        OneToManyRelationship {
            referenced_column: Some(referenced.1.to_owned()),
            lookup: Some(Box::new(lookup)),
            ..OneToManyRelationship::between(schema_name, referenced.0, referencing_table)
        }
    }

    /// One of several relationships that share a lookup: it is created with the lookup of several
    /// tables.
    pub fn between(
        schema_name: impl Into<String>,
        referenced_table: impl Into<String>,
        referencing_table: impl Into<String>,
    ) -> Self {
        OneToManyRelationship {
            schema_name: Some(schema_name.into()),
            referenced_table: Some(referenced_table.into()),
            referencing_table: Some(referencing_table.into()),
            ..OneToManyRelationship::default()
        }
    }

    /// With this happening to the many.
    #[must_use]
    pub fn cascade(mut self, cascade: CascadeConfiguration) -> Self {
        self.cascade = Some(cascade);
        self
    }

    /// With the many shown like this.
    #[must_use]
    pub fn menu(mut self, menu: AssociatedMenu) -> Self {
        self.menu = Some(menu);
        self
    }
}

impl ManyToManyRelationship {
    /// A relationship to be created; `schema_name` names the table of the pairs, too.
    pub fn new(
        schema_name: impl Into<String>,
        table1: impl Into<String>,
        table2: impl Into<String>,
    ) -> Self {
        let schema_name = schema_name.into();
        ManyToManyRelationship {
            intersect_table: Some(schema_name.to_lowercase()),
            schema_name: Some(schema_name),
            table1: Some(table1.into()),
            table2: Some(table2.into()),
            ..ManyToManyRelationship::default()
        }
    }
}

impl CascadeConfiguration {
    /// Deleting the one clears the lookups of the many; nothing else happens to them.
    pub fn referential() -> Self {
        let nothing = || Some(CascadeType::NO_CASCADE);
        CascadeConfiguration {
            assign: nothing(),
            delete: Some(CascadeType::REMOVE_LINK),
            merge: nothing(),
            reparent: nothing(),
            share: nothing(),
            unshare: nothing(),
            ..CascadeConfiguration::default()
        }
    }

    /// What happens to the one happens to the many.
    pub fn parental() -> Self {
        let the_same = || Some(CascadeType::CASCADE);
        CascadeConfiguration {
            assign: the_same(),
            delete: the_same(),
            merge: the_same(),
            reparent: the_same(),
            share: the_same(),
            unshare: the_same(),
            ..CascadeConfiguration::default()
        }
    }
}

impl AssociatedMenu {
    /// Among the details, at this place.
    pub fn new(behavior: MenuBehavior, order: i32) -> Self {
        AssociatedMenu {
            behavior: Some(behavior),
            group: Some("Details".to_owned()),
            label: None,
            order: Some(order),
            ..AssociatedMenu::default()
        }
    }
}

const ONE_TO_MANY: &str = "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata";
const MANY_TO_MANY: &str = "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata";

impl RelationshipDefinition {
    /// `account_primary_contact`.
    pub fn schema_name(&self) -> Option<&str> {
        match self {
            RelationshipDefinition::OneToMany(relationship) => relationship.schema_name.as_deref(),
            RelationshipDefinition::ManyToMany(relationship) => relationship.schema_name.as_deref(),
            RelationshipDefinition::Other(members) => members.text("SchemaName"),
        }
    }
}

impl Part for RelationshipDefinition {
    fn take(members: &mut Map<String, Value>) -> Self {
        let told = members
            .get("@odata.type")
            .or_else(|| members.get("RelationshipType"));
        let told = told.and_then(Value::as_str).unwrap_or_default();
        let is = |kind: &str, member: &str| told.contains(kind) || members.contains_key(member);
        if is("OneToMany", "ReferencedEntity") {
            RelationshipDefinition::OneToMany(Part::take(members))
        } else if is("ManyToMany", "Entity1LogicalName") {
            RelationshipDefinition::ManyToMany(Part::take(members))
        } else {
            RelationshipDefinition::Other(OtherMembers(std::mem::take(members)))
        }
    }

    fn put(&self, members: &mut Map<String, Value>) {
        let name = match self {
            RelationshipDefinition::OneToMany(relationship) => {
                relationship.put(members);
                ONE_TO_MANY
            }
            RelationshipDefinition::ManyToMany(relationship) => {
                relationship.put(members);
                MANY_TO_MANY
            }
            RelationshipDefinition::Other(other) => {
                members.extend(other.0.clone());
                return;
            }
        };
        members.insert("@odata.type".to_owned(), name.into());
    }
}

part_as_json!(RelationshipDefinition);

impl From<OneToManyRelationship> for RelationshipDefinition {
    fn from(relationship: OneToManyRelationship) -> Self {
        RelationshipDefinition::OneToMany(relationship)
    }
}

impl From<ManyToManyRelationship> for RelationshipDefinition {
    fn from(relationship: ManyToManyRelationship) -> Self {
        RelationshipDefinition::ManyToMany(relationship)
    }
}
