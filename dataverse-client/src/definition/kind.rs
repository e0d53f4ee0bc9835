//! What a column's definition says because of its type.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::members::Part;
use super::{
    AttributeType, DateTimeBehavior, DateTimeFormat, IntegerFormat, OptionSetDefinition,
    StringFormat,
};

definition! {
    /// Text of one line.
    part StringColumn {
        /// The longest text, in UTF-16 units.
        max_length: Option<i32> = "MaxLength",
        /// How it is shown and entered.
        format: Option<StringFormat> = "FormatName",
        /// `WID-{SEQNUM:5}`: the service makes the text of new rows.
        auto_number_format: Option<String> = "AutoNumberFormat",
        /// The formula of a calculated column.
        formula: Option<String> = "FormulaDefinition",
    }
}

definition! {
    /// Long text.
    part MemoColumn {
        /// The longest text, in UTF-16 units.
        max_length: Option<i32> = "MaxLength",
        /// How it is shown and entered.
        format: Option<StringFormat> = "FormatName",
    }
}

definition! {
    /// A whole number of 32 bits.
    part IntegerColumn {
        /// The smallest number.
        min_value: Option<i32> = "MinValue",
        /// The greatest number.
        max_value: Option<i32> = "MaxValue",
        /// How it is shown and entered.
        format: Option<IntegerFormat> = "Format",
        /// The formula of a calculated column.
        formula: Option<String> = "FormulaDefinition",
    }
}

definition! {
    /// A whole number of 64 bits.
    part BigIntColumn {
        /// The smallest number.
        min_value: Option<i64> = "MinValue",
        /// The greatest number.
        max_value: Option<i64> = "MaxValue",
    }
}

definition! {
    /// A number: decimal or floating point. Bounds have 15 digits.
    part DecimalColumn {
        /// The smallest number.
        min_value: Option<Decimal> = "MinValue",
        /// The greatest number.
        max_value: Option<Decimal> = "MaxValue",
        /// Digits after the point.
        precision: Option<i32> = "Precision",
        /// The formula of a calculated column.
        formula: Option<String> = "FormulaDefinition",
    }
}

definition! {
    /// An amount in a currency. Bounds have 15 digits.
    part MoneyColumn {
        /// The smallest amount.
        min_value: Option<Decimal> = "MinValue",
        /// The greatest amount.
        max_value: Option<Decimal> = "MaxValue",
        /// Digits after the point.
        precision: Option<i32> = "Precision",
        /// What tells the digits: 0 this column, 1 the org, 2 the currency.
        precision_source: Option<i32> = "PrecisionSource",
        /// Whether it is the amount in the org's currency.
        is_base_currency: Option<bool> = "IsBaseCurrency",
        /// For that, the column whose amount it is.
        calculation_of: Option<String> = "CalculationOf",
        /// The formula of a calculated column.
        formula: Option<String> = "FormulaDefinition",
    }
}

definition! {
    /// A date, possibly with a time.
    part DateTimeColumn {
        /// How it is shown and entered.
        format: Option<DateTimeFormat> = "Format",
        /// What it means.
        behavior: Option<DateTimeBehavior> = "DateTimeBehavior",
        /// The formula of a calculated column.
        formula: Option<String> = "FormulaDefinition",
    }
}

definition! {
    /// Yes or no.
    part BooleanColumn {
        /// What new rows get.
        default_value: Option<bool> = "DefaultValue",
        /// Labels of yes and no; only if it was expanded.
        option_set: Option<Box<OptionSetDefinition>> = "OptionSet",
        /// The global choice it uses; only if it was expanded.
        global_option_set: Option<Box<OptionSetDefinition>> = "GlobalOptionSet",
    }
}

definition! {
    /// An option of a choice, or several.
    part ChoiceColumn {
        /// What new rows get; -1 for nothing.
        default_value: Option<i32> = "DefaultFormValue",
        /// The options; only if it was expanded.
        option_set: Option<Box<OptionSetDefinition>> = "OptionSet",
        /// The global choice it uses; only if it was expanded.
        global_option_set: Option<Box<OptionSetDefinition>> = "GlobalOptionSet",
    }
}

definition! {
    /// A row of another table.
    part LookupColumn {
        /// Logical names of the tables.
        targets: Vec<String> = "Targets",
    }
}

definition! {
    /// A file.
    part FileColumn {
        /// The largest file, in KiB.
        max_size: Option<i32> = "MaxSizeInKB",
    }
}

definition! {
    /// An image.
    part ImageColumn {
        /// Whether it is the image of the row.
        is_primary: Option<bool> = "IsPrimaryImage",
        /// Whether more than a thumbnail is kept.
        can_store_full_image: Option<bool> = "CanStoreFullImage",
        /// The largest image, in KiB.
        max_size: Option<i32> = "MaxSizeInKB",
        /// The height of the thumbnail, in pixels.
        max_height: Option<i32> = "MaxHeight",
        /// The width of the thumbnail, in pixels.
        max_width: Option<i32> = "MaxWidth",
    }
}

/// What a column holds, with what its definition says because of that.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Text of one line.
    Text(StringColumn),
    /// Long text.
    Memo(MemoColumn),
    /// A whole number of 32 bits.
    Integer(IntegerColumn),
    /// A whole number of 64 bits.
    BigInt(BigIntColumn),
    /// An exact number.
    DecimalNumber(DecimalColumn),
    /// A floating-point number.
    Double(DecimalColumn),
    /// An amount in a currency.
    Money(MoneyColumn),
    /// A date, possibly with a time.
    DateAndTime(DateTimeColumn),
    /// Yes or no.
    Boolean(BooleanColumn),
    /// An option of a choice.
    Picklist(ChoiceColumn),
    /// Several options of a choice.
    MultiSelectPicklist(ChoiceColumn),
    /// `statecode`.
    State(ChoiceColumn),
    /// `statuscode`.
    Status(ChoiceColumn),
    /// The table of a lookup.
    EntityName(ChoiceColumn),
    /// A row of another table; owners and customers, too.
    LookupTo(LookupColumn),
    /// A GUID.
    UniqueIdentifier,
    /// A file.
    StoredFile(FileColumn),
    /// An image.
    StoredImage(ImageColumn),
    /// Anything else: what its definition says is in [`ColumnDefinition::other`].
    ///
    /// [`ColumnDefinition::other`]: super::ColumnDefinition::other
    #[default]
    Other,
}

impl ColumnKind {
    /// The type; None if it is not known here.
    pub fn attribute_type(&self) -> Option<AttributeType> {
        Some(match self {
            ColumnKind::Text(_) => AttributeType::STRING,
            ColumnKind::Memo(_) => AttributeType::MEMO,
            ColumnKind::Integer(_) => AttributeType::INTEGER,
            ColumnKind::BigInt(_) => AttributeType::BIG_INT,
            ColumnKind::DecimalNumber(_) => AttributeType::DECIMAL,
            ColumnKind::Double(_) => AttributeType::DOUBLE,
            ColumnKind::Money(_) => AttributeType::MONEY,
            ColumnKind::DateAndTime(_) => AttributeType::DATE_TIME,
            ColumnKind::Boolean(_) => AttributeType::BOOLEAN,
            ColumnKind::Picklist(_) => AttributeType::PICKLIST,
            ColumnKind::MultiSelectPicklist(_) => AttributeType::MULTI_SELECT_PICKLIST,
            ColumnKind::State(_) => AttributeType::STATE,
            ColumnKind::Status(_) => AttributeType::STATUS,
            ColumnKind::EntityName(_) => AttributeType::ENTITY_NAME,
            ColumnKind::LookupTo(_) => AttributeType::LOOKUP,
            ColumnKind::UniqueIdentifier => AttributeType::UNIQUE_IDENTIFIER,
            ColumnKind::StoredFile(_) => AttributeType::FILE,
            ColumnKind::StoredImage(_) => AttributeType::IMAGE,
            ColumnKind::Other => return None,
        })
    }

    /// The options that came with the column: its own, else those of its global choice.
    pub fn option_set(&self) -> Option<&OptionSetDefinition> {
        let (own, global) = match self {
            ColumnKind::Boolean(column) => (&column.option_set, &column.global_option_set),
            ColumnKind::Picklist(column)
            | ColumnKind::MultiSelectPicklist(column)
            | ColumnKind::State(column)
            | ColumnKind::Status(column)
            | ColumnKind::EntityName(column) => (&column.option_set, &column.global_option_set),
            _ => return None,
        };
        own.as_deref().or(global.as_deref())
    }
}

/// The type that a definition tells: exactly by the type of its JSON, else by its members.
pub(super) fn type_of(members: &Map<String, Value>) -> Option<AttributeType> {
    let told = [
        members.get("@odata.type").and_then(Value::as_str),
        members
            .get("AttributeTypeName")
            .and_then(|name| name["Value"].as_str()),
        members.get("AttributeType").and_then(Value::as_str),
    ];
    told.into_iter().flatten().find_map(AttributeType::parse)
}

impl Part for ColumnKind {
    fn take(members: &mut Map<String, Value>) -> Self {
        match type_of(members).as_ref().map(AttributeType::as_str) {
            Some("String") => ColumnKind::Text(Part::take(members)),
            Some("Memo") => ColumnKind::Memo(Part::take(members)),
            Some("Integer") => ColumnKind::Integer(Part::take(members)),
            Some("BigInt") => ColumnKind::BigInt(Part::take(members)),
            Some("Decimal") => ColumnKind::DecimalNumber(Part::take(members)),
            Some("Double") => ColumnKind::Double(Part::take(members)),
            Some("Money") => ColumnKind::Money(Part::take(members)),
            Some("DateTime") => ColumnKind::DateAndTime(Part::take(members)),
            Some("Boolean") => ColumnKind::Boolean(Part::take(members)),
            Some("Picklist") => ColumnKind::Picklist(Part::take(members)),
            Some("MultiSelectPicklist") => ColumnKind::MultiSelectPicklist(Part::take(members)),
            Some("State") => ColumnKind::State(Part::take(members)),
            Some("Status") => ColumnKind::Status(Part::take(members)),
            Some("EntityName") => ColumnKind::EntityName(Part::take(members)),
            Some("Lookup") => ColumnKind::LookupTo(Part::take(members)),
            Some("UniqueIdentifier") => ColumnKind::UniqueIdentifier,
            Some("File") => ColumnKind::StoredFile(Part::take(members)),
            Some("Image") => ColumnKind::StoredImage(Part::take(members)),
            _ => ColumnKind::Other,
        }
    }

    fn put(&self, members: &mut Map<String, Value>) {
        match self {
            ColumnKind::Text(column) => column.put(members),
            ColumnKind::Memo(column) => column.put(members),
            ColumnKind::Integer(column) => column.put(members),
            ColumnKind::BigInt(column) => column.put(members),
            ColumnKind::DecimalNumber(column) | ColumnKind::Double(column) => column.put(members),
            ColumnKind::Money(column) => column.put(members),
            ColumnKind::DateAndTime(column) => column.put(members),
            ColumnKind::Boolean(column) => column.put(members),
            ColumnKind::Picklist(column)
            | ColumnKind::MultiSelectPicklist(column)
            | ColumnKind::State(column)
            | ColumnKind::Status(column)
            | ColumnKind::EntityName(column) => column.put(members),
            ColumnKind::LookupTo(column) => column.put(members),
            ColumnKind::StoredFile(column) => column.put(members),
            ColumnKind::StoredImage(column) => column.put(members),
            ColumnKind::UniqueIdentifier | ColumnKind::Other => {}
        }
        let Some(known) = self.attribute_type() else {
            return;
        };
        // An answer calls it `#…ComplexStringAttributeMetadata`, or does not repeat a cast.
        members.insert("@odata.type".to_owned(), known.definition_name().into());
        let name = match known.as_str() {
            "UniqueIdentifier" => "Uniqueidentifier",
            name => name,
        };
        // Of these there are finer ones for the same kind: `Owner`, `Customer`.
        members
            .entry("AttributeTypeName")
            .or_insert_with(|| json!({ "Value": format!("{name}Type") }));
        let code = match name {
            "File" | "Image" | "MultiSelectPicklist" => "Virtual",
            name => name,
        };
        members
            .entry("AttributeType")
            .or_insert_with(|| code.into());
    }
}
