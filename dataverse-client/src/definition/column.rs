//! Columns.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kind::{ColumnKind, type_of};
use super::{
    AttributeType, BooleanColumn, ChoiceColumn, DateTimeBehavior, DateTimeColumn, DateTimeFormat,
    DecimalColumn, FileColumn, ImageColumn, IntegerColumn, Label, LookupColumn, ManagedProperty,
    MemoColumn, MoneyColumn, OptionSetDefinition, RequiredLevel, StringColumn, StringFormat,
};

definition! {
    /// A column of a table.
    ///
    /// ```
    /// use dataverse_client::definitions::ColumnDefinition;
    ///
    /// let column = ColumnDefinition::text("new_BankName", 100)
    ///     .label("Bank Name")
    ///     .description("Type the name of the bank");
    /// ```
    ///
    /// Source: Microsoft Learn, "Create and update column definitions using the Web API".
    struct ColumnDefinition {
        /// The id of the definition.
        metadata_id: Option<Uuid> = "MetadataId",
        /// `new_bankname`.
        logical_name: Option<String> = "LogicalName",
        /// `new_BankName`.
        schema_name: Option<String> = "SchemaName",
        /// The table.
        table: Option<String> = "EntityLogicalName",
        /// The name people see.
        display_name: Option<Label> = "DisplayName",
        /// What it is for.
        description: Option<Label> = "Description",
        /// Who insists on a value.
        required_level: Option<ManagedProperty<RequiredLevel>> = "RequiredLevel",
        /// The column whose shadow this is: it is not on the wire.
        attribute_of: Option<String> = "AttributeOf",
        /// Whether it identifies the rows of the table.
        is_primary_id: Option<bool> = "IsPrimaryId",
        /// Whether it names the rows of the table to people.
        is_primary_name: Option<bool> = "IsPrimaryName",
        /// Whether a create may set it.
        is_valid_for_create: Option<bool> = "IsValidForCreate",
        /// Whether it can be read.
        is_valid_for_read: Option<bool> = "IsValidForRead",
        /// Whether an update may set it.
        is_valid_for_update: Option<bool> = "IsValidForUpdate",
        /// Column security: without a permission the service sends null.
        is_secured: Option<bool> = "IsSecured",
        /// Whether an org added it.
        is_custom: Option<bool> = "IsCustomAttribute",
        /// Whether it comes with a managed solution.
        is_managed: Option<bool> = "IsManaged",
        /// Whether changes are written to the audit log.
        is_audit_enabled: Option<ManagedProperty<bool>> = "IsAuditEnabled",
        /// 0 for a plain column, 1 calculated, 2 a rollup, 3 a formula.
        source_type: Option<i32> = "SourceType",
        /// Whether it has changed: only in changes.
        has_changed: Option<bool> = "HasChanged",
        ..
        /// What it holds, with what only such columns have.
        kind: ColumnKind,
    }
}

impl ColumnDefinition {
    /// A column to be created; `schema_name` begins with the publisher's prefix: `new_BankName`.
    pub fn new(schema_name: impl Into<String>, kind: ColumnKind) -> Self {
        ColumnDefinition {
            schema_name: Some(schema_name.into()),
            kind,
            ..ColumnDefinition::default()
        }
        .required(RequiredLevel::NONE)
    }

    /// Text of one line, at most `max_length` UTF-16 units long (the service takes up to 4,000).
    pub fn text(schema_name: impl Into<String>, max_length: i32) -> Self {
        let column = StringColumn {
            max_length: Some(max_length),
            format: Some(StringFormat::TEXT),
            ..StringColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::Text(column))
    }

    /// Text that the service makes for new rows: `WID-{SEQNUM:5}-{DATETIMEUTC:yyyyMMdd}`.
    pub fn auto_number(
        schema_name: impl Into<String>,
        max_length: i32,
        format: impl Into<String>,
    ) -> Self {
        let column = StringColumn {
            max_length: Some(max_length),
            format: Some(StringFormat::TEXT),
            auto_number_format: Some(format.into()),
            ..StringColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::Text(column))
    }

    /// Long text, at most `max_length` UTF-16 units long (the service takes up to 1,048,576).
    pub fn memo(schema_name: impl Into<String>, max_length: i32) -> Self {
        let column = MemoColumn {
            max_length: Some(max_length),
            format: Some(StringFormat::TEXT_AREA),
        };
        ColumnDefinition::new(schema_name, ColumnKind::Memo(column))
    }

    /// A whole number within these bounds.
    pub fn integer(schema_name: impl Into<String>, bounds: (i32, i32)) -> Self {
        let column = IntegerColumn {
            min_value: Some(bounds.0),
            max_value: Some(bounds.1),
            ..IntegerColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::Integer(column))
    }

    /// An exact number within these bounds, with so many digits after the point.
    pub fn decimal(
        schema_name: impl Into<String>,
        bounds: (Decimal, Decimal),
        precision: i32,
    ) -> Self {
        let column = DecimalColumn {
            min_value: Some(bounds.0),
            max_value: Some(bounds.1),
            precision: Some(precision),
            formula: None,
        };
        ColumnDefinition::new(schema_name, ColumnKind::DecimalNumber(column))
    }

    /// An amount, with as many digits as its currency has.
    pub fn money(schema_name: impl Into<String>) -> Self {
        const BY_CURRENCY: i32 = 2;
        let column = MoneyColumn {
            precision_source: Some(BY_CURRENCY),
            ..MoneyColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::Money(column))
    }

    /// A day.
    pub fn date(schema_name: impl Into<String>) -> Self {
        let column = DateTimeColumn {
            format: Some(DateTimeFormat::DATE_ONLY),
            behavior: Some(DateTimeBehavior::DATE_ONLY),
            formula: None,
        };
        ColumnDefinition::new(schema_name, ColumnKind::DateAndTime(column))
    }

    /// A date and time.
    pub fn date_time(schema_name: impl Into<String>, behavior: DateTimeBehavior) -> Self {
        let column = DateTimeColumn {
            format: Some(DateTimeFormat::DATE_AND_TIME),
            behavior: Some(behavior),
            formula: None,
        };
        ColumnDefinition::new(schema_name, ColumnKind::DateAndTime(column))
    }

    /// Yes or no, with these labels.
    pub fn boolean(
        schema_name: impl Into<String>,
        yes: impl Into<Label>,
        no: impl Into<Label>,
    ) -> Self {
        let column = BooleanColumn {
            default_value: Some(false),
            option_set: Some(Box::new(OptionSetDefinition::boolean(yes, no))),
            global_option_set: None,
        };
        ColumnDefinition::new(schema_name, ColumnKind::Boolean(column))
    }

    /// An option of a choice of its own: [`OptionSetDefinition::local`].
    pub fn choice(schema_name: impl Into<String>, options: OptionSetDefinition) -> Self {
        let column = ChoiceColumn {
            option_set: Some(Box::new(options)),
            ..ChoiceColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::Picklist(column))
    }

    /// An option of the global choice with this id.
    pub fn global_choice(schema_name: impl Into<String>, choice: Uuid) -> Self {
        let kind = ColumnKind::Picklist(ChoiceColumn::default());
        ColumnDefinition::new(schema_name, kind).bound_to(choice)
    }

    /// Several options of a choice of its own: [`OptionSetDefinition::local`].
    pub fn choices(schema_name: impl Into<String>, options: OptionSetDefinition) -> Self {
        let column = ChoiceColumn {
            option_set: Some(Box::new(options)),
            ..ChoiceColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::MultiSelectPicklist(column))
    }

    /// Several options of the global choice with this id.
    pub fn global_choices(schema_name: impl Into<String>, choice: Uuid) -> Self {
        let kind = ColumnKind::MultiSelectPicklist(ChoiceColumn::default());
        ColumnDefinition::new(schema_name, kind).bound_to(choice)
    }

    /// A lookup: created as a part of a [`OneToManyRelationship`], or of several.
    ///
    /// [`OneToManyRelationship`]: super::OneToManyRelationship
    pub fn lookup(schema_name: impl Into<String>) -> Self {
        ColumnDefinition::new(schema_name, ColumnKind::LookupTo(LookupColumn::default()))
    }

    /// A file of at most so many KiB (the service takes up to 10,485,760).
    pub fn file(schema_name: impl Into<String>, max_size: i32) -> Self {
        let column = FileColumn {
            max_size: Some(max_size),
        };
        ColumnDefinition::new(schema_name, ColumnKind::StoredFile(column))
    }

    /// An image of at most so many KiB (the service takes up to 30,720), kept in full.
    pub fn image(schema_name: impl Into<String>, max_size: i32) -> Self {
        let column = ImageColumn {
            max_size: Some(max_size),
            can_store_full_image: Some(true),
            ..ImageColumn::default()
        };
        ColumnDefinition::new(schema_name, ColumnKind::StoredImage(column))
    }

    /// With this name for people.
    #[must_use]
    pub fn label(mut self, label: impl Into<Label>) -> Self {
        self.display_name = Some(label.into());
        self
    }

    /// With this text of what it is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<Label>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// With these insisting on a value.
    #[must_use]
    pub fn required(mut self, level: RequiredLevel) -> Self {
        const MANAGED_PROPERTY: &str = "canmodifyrequirementlevelsettings";
        self.required_level = Some(ManagedProperty::new(level, MANAGED_PROPERTY));
        self
    }

    /// As the column that names the rows of a new table.
    #[must_use]
    pub fn primary_name(mut self) -> Self {
        self.is_primary_name = Some(true);
        self
    }

    /// The type, as the service calls it: `PicklistType`, `OwnerType`, `VirtualType`.
    pub fn type_name(&self) -> Option<String> {
        let told = self.other.0.get("AttributeTypeName");
        if let Some(name) = told.and_then(|name| name["Value"].as_str()) {
            return Some(name.to_owned());
        }
        let code = self.other.text("AttributeType").map(str::to_owned);
        let known = || Some(self.kind.attribute_type()?.as_str().to_owned());
        code.or_else(known).map(|name| name + "Type")
    }

    fn bound_to(mut self, choice: Uuid) -> Self {
        let path = format!("/GlobalOptionSetDefinitions({choice})");
        self.other
            .0
            .insert("GlobalOptionSet@odata.bind".to_owned(), path.into());
        self
    }

    /// The name on the wire where a column stands inside another value.
    pub(crate) fn as_complex_lookup(&self) -> Value {
        use super::members::Item;
        let mut json = self.write();
        json["@odata.type"] = json!("Microsoft.Dynamics.CRM.ComplexLookupAttributeMetadata");
        json
    }

    /// Adds the type to the JSON of a column, where it does not tell it.
    pub(crate) fn told(json: &mut Value, cast: &AttributeType) {
        if let Some(members) = json.as_object_mut()
            && type_of(members).is_none()
        {
            members.insert("@odata.type".to_owned(), cast.definition_name().into());
        }
    }
}
