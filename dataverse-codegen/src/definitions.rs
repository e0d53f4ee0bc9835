//! What CSDL lacks: schema names, labels, choices, lengths, from the JSON of `EntityDefinitions`
//! and `RetrieveMetadataChanges`.
//!
//! ```
//! use dataverse_codegen::{csdl, definitions::Definitions, model};
//!
//! # fn build(metadata: &str, json: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! let mut model = model::build(&csdl::parse(metadata)?);
//! let definitions = Definitions::parse("definitions.json", json)?;
//! let warnings = model::enrich(&mut model, &definitions, None)?;
//! # Ok(()) }
//! ```
//!
//! Everything in it is optional: what a request did not ask for comes as null, and null says
//! nothing. A member of another type than expected is passed over.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::csdl;
use crate::error::Error;

/// Definitions of tables and global choices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// By logical name.
    pub(crate) tables: BTreeMap<String, TableDefinition>,
    /// Global choices by name.
    pub(crate) choices: BTreeMap<String, OptionSet>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableDefinition {
    pub(crate) schema_name: Option<String>,
    pub(crate) label: Label,
    pub(crate) description: Label,
    pub(crate) primary_name: Option<String>,
    pub(crate) is_deprecated: bool,
    /// By logical name.
    pub(crate) columns: BTreeMap<String, Attribute>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) schema_name: Option<String>,
    /// `PicklistType`.
    pub(crate) type_name: Option<String>,
    /// The column whose shadow this is: it is not on the wire.
    pub(crate) attribute_of: Option<String>,
    pub(crate) label: Label,
    pub(crate) description: Label,
    pub(crate) required: Option<String>,
    pub(crate) max_length: Option<u32>,
    pub(crate) minimum: Option<String>,
    pub(crate) maximum: Option<String>,
    pub(crate) precision: Option<u32>,
    pub(crate) format: Option<String>,
    pub(crate) behavior: Option<String>,
    pub(crate) is_valid_for_create: Option<bool>,
    pub(crate) is_valid_for_update: Option<bool>,
    pub(crate) is_secured: Option<bool>,
    pub(crate) is_deprecated: bool,
    pub(crate) targets: Vec<String>,
    pub(crate) options: Option<OptionSet>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OptionSet {
    pub(crate) name: Option<String>,
    pub(crate) is_global: bool,
    pub(crate) label: Label,
    pub(crate) description: Label,
    pub(crate) options: Vec<OptionDefinition>,
    /// Labels of no and yes.
    pub(crate) boolean: Option<[Label; 2]>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OptionDefinition {
    pub(crate) value: i32,
    pub(crate) label: Label,
    pub(crate) description: Label,
    pub(crate) state: Option<i32>,
}

/// One text in several languages.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Label {
    /// By language code.
    localized: BTreeMap<u32, String>,
    /// In the language of whoever asked: only if there is nothing else.
    of_user: Option<String>,
}

impl Label {
    fn of(value: &Value) -> Self {
        let localized = value["LocalizedLabels"].as_array();
        let localized = localized.into_iter().flatten().filter_map(|label| {
            let text = label["Label"].as_str()?.trim();
            // Without a code it is the one language that was asked for.
            let language = label["LanguageCode"].as_u64().unwrap_or(0);
            let language = u32::try_from(language).ok()?;
            (!text.is_empty()).then(|| (language, text.to_owned()))
        });
        let of_user = value["UserLocalizedLabel"]["Label"].as_str();
        Label {
            localized: localized.collect(),
            of_user: of_user
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        }
    }

    /// The text in `language`, else in English, else in the language with the smallest code.
    pub(crate) fn text(&self, language: Option<u32>) -> Option<&str> {
        const ENGLISH: u32 = 1033;
        let wanted = language.and_then(|language| self.localized.get(&language));
        wanted
            .or_else(|| self.localized.get(&ENGLISH))
            .or_else(|| self.localized.values().next())
            .or(self.of_user.as_ref())
            .map(String::as_str)
    }

    /// Whether a maker wrote "(Deprecated)" into it, in any language that is there.
    pub(crate) fn is_deprecated(&self) -> bool {
        let mut texts = self.localized.values().chain(&self.of_user);
        texts.any(|text| text.to_lowercase().contains("(deprecated)"))
    }

    fn merge(&mut self, other: Label) {
        self.localized.extend(other.localized);
        if other.of_user.is_some() {
            self.of_user = other.of_user;
        }
    }
}

impl Definitions {
    /// Reads an answer of `RetrieveMetadataChanges`, of `EntityDefinitions` (all, one, or the
    /// `Attributes` of one), or of `GlobalOptionSetDefinitions`; plain or gzip. `name` is for
    /// errors.
    ///
    /// Errors: it is no JSON, or holds none of these.
    pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let text = csdl::text(bytes).map_err(|error| {
            let csdl::Error {
                position,
                found,
                expected,
            } = error;
            Error::Definitions(format!(
                "{name}: byte {position}: found {found}, expected {expected}"
            ))
        })?;
        let json: Value = serde_json::from_str(&text).map_err(|error| {
            Error::Definitions(format!(
                "{name}: not JSON: {error}; expected the answer of RetrieveMetadataChanges or \
                 EntityDefinitions"
            ))
        })?;
        let mut definitions = Definitions::default();
        definitions.document(&json);
        if definitions.tables.is_empty() && definitions.choices.is_empty() {
            return Err(Error::Definitions(format!(
                "{name}: no table, column or choice is defined in it; expected the answer of \
                 RetrieveMetadataChanges or EntityDefinitions"
            )));
        }
        Ok(definitions)
    }

    /// Adds another document's definitions; where both tell something, the other's holds.
    pub fn merge(&mut self, other: Definitions) {
        for (name, table) in other.tables {
            self.tables.entry(name).or_default().merge(table);
        }
        self.choices.extend(other.choices);
    }

    /// How many tables are defined.
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    fn document(&mut self, json: &Value) {
        let context = json["@odata.context"].as_str().unwrap_or_default();
        if let Some(tables) = json["EntityMetadata"].as_array() {
            tables.iter().for_each(|table| self.table(table));
        } else if let Some(items) = json["value"].as_array() {
            items.iter().for_each(|item| self.item(item, context));
        } else if let Some(items) = json.as_array() {
            items.iter().for_each(|item| self.item(item, context));
        } else {
            self.item(json, context);
        }
    }

    /// A table, a column or a global choice.
    fn item(&mut self, item: &Value, context: &str) {
        let of_table = context
            .split_once("EntityDefinitions('")
            .and_then(|(_, rest)| rest.split_once('\''))
            .map(|(table, _)| table);
        let of_table = item["EntityLogicalName"].as_str().or(of_table);
        let is_column = context.contains("/Attributes") || !item["AttributeTypeName"].is_null();
        match of_table {
            Some(table) if is_column => {
                let table = self.tables.entry(table.to_owned()).or_default();
                table.column(item, cast_of(context));
            }
            _ if item["Options"].is_array() && item["Name"].is_string() => {
                let mut options = OptionSet::of(item);
                options.is_global = true;
                if let Some(name) = &options.name {
                    self.choices.insert(name.clone(), options);
                }
            }
            _ if !is_column => self.table(item),
            _ => {}
        }
    }

    fn table(&mut self, json: &Value) {
        let Some(name) = text(json, "LogicalName") else {
            return;
        };
        let label = Label::of(&json["DisplayName"]);
        let mut table = TableDefinition {
            schema_name: text(json, "SchemaName"),
            primary_name: text(json, "PrimaryNameAttribute"),
            is_deprecated: label.is_deprecated(),
            label,
            description: Label::of(&json["Description"]),
            columns: BTreeMap::new(),
        };
        for column in json["Attributes"].as_array().into_iter().flatten() {
            table.column(column, None);
        }
        self.tables.entry(name).or_default().merge(table);
    }
}

impl TableDefinition {
    fn column(&mut self, json: &Value, cast: Option<&str>) {
        if let Some(name) = text(json, "LogicalName") {
            let attribute = Attribute::of(json, cast);
            self.columns.entry(name).or_default().merge(attribute);
        }
    }

    fn merge(&mut self, other: TableDefinition) {
        keep(&mut self.schema_name, other.schema_name);
        keep(&mut self.primary_name, other.primary_name);
        self.label.merge(other.label);
        self.description.merge(other.description);
        self.is_deprecated |= other.is_deprecated;
        for (name, column) in other.columns {
            self.columns.entry(name).or_default().merge(column);
        }
    }
}

impl Attribute {
    /// `cast` is the type that the request cast the columns to: the answer does not repeat it.
    fn of(json: &Value, cast: Option<&str>) -> Self {
        let label = Label::of(&json["DisplayName"]);
        let options = [&json["OptionSet"], &json["GlobalOptionSet"]];
        let options = options.into_iter().filter(|options| options.is_object());
        let mut options = options.map(OptionSet::of);
        let own = options.next();
        let options = match own {
            Some(own) if own.options.is_empty() && own.boolean.is_none() => {
                options.next().or(Some(own))
            }
            own => own,
        };
        let targets = json["Targets"].as_array().into_iter().flatten();
        // Older services say it only through the type.
        let by_type = json["@odata.type"].as_str().or(cast).and_then(type_of);
        Attribute {
            schema_name: text(json, "SchemaName"),
            type_name: text(&json["AttributeTypeName"], "Value").or(by_type),
            attribute_of: text(json, "AttributeOf"),
            required: text(&json["RequiredLevel"], "Value"),
            max_length: number(json, "MaxLength"),
            minimum: digits(json, "MinValue"),
            maximum: digits(json, "MaxValue"),
            precision: number(json, "Precision"),
            format: text(&json["FormatName"], "Value").or_else(|| text(json, "Format")),
            behavior: text(&json["DateTimeBehavior"], "Value"),
            is_valid_for_create: json["IsValidForCreate"].as_bool(),
            is_valid_for_update: json["IsValidForUpdate"].as_bool(),
            is_secured: json["IsSecured"].as_bool(),
            is_deprecated: label.is_deprecated() || text(json, "DeprecatedVersion").is_some(),
            label,
            description: Label::of(&json["Description"]),
            targets: targets
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            options,
        }
    }

    fn merge(&mut self, other: Attribute) {
        keep(&mut self.schema_name, other.schema_name);
        keep(&mut self.type_name, other.type_name);
        keep(&mut self.attribute_of, other.attribute_of);
        keep(&mut self.required, other.required);
        keep(&mut self.max_length, other.max_length);
        keep(&mut self.minimum, other.minimum);
        keep(&mut self.maximum, other.maximum);
        keep(&mut self.precision, other.precision);
        keep(&mut self.format, other.format);
        keep(&mut self.behavior, other.behavior);
        keep(&mut self.is_valid_for_create, other.is_valid_for_create);
        keep(&mut self.is_valid_for_update, other.is_valid_for_update);
        keep(&mut self.is_secured, other.is_secured);
        keep(&mut self.options, other.options);
        self.is_deprecated |= other.is_deprecated;
        self.label.merge(other.label);
        self.description.merge(other.description);
        if !other.targets.is_empty() {
            self.targets = other.targets;
        }
    }
}

impl OptionSet {
    fn of(json: &Value) -> Self {
        let mut options: Vec<OptionDefinition> = json["Options"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(OptionDefinition::of)
            .collect();
        options.sort_by_key(|option| option.value);
        options.dedup_by_key(|option| option.value);
        let label_of = |option: &str| {
            let option = &json[option];
            option.is_object().then(|| Label::of(&option["Label"]))
        };
        let boolean = label_of("FalseOption").zip(label_of("TrueOption"));
        OptionSet {
            name: text(json, "Name"),
            is_global: json["IsGlobal"].as_bool().unwrap_or_default(),
            label: Label::of(&json["DisplayName"]),
            description: Label::of(&json["Description"]),
            options,
            boolean: boolean.map(|(no, yes)| [no, yes]),
        }
    }
}

impl OptionDefinition {
    fn of(json: &Value) -> Option<Self> {
        Some(OptionDefinition {
            value: i32::try_from(json["Value"].as_i64()?).ok()?,
            label: Label::of(&json["Label"]),
            description: Label::of(&json["Description"]),
            state: json["State"]
                .as_i64()
                .and_then(|state| i32::try_from(state).ok()),
        })
    }
}

/// `Microsoft.Dynamics.CRM.PicklistAttributeMetadata` of
/// `…#EntityDefinitions('contact')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata(…)`.
fn cast_of(context: &str) -> Option<&str> {
    let (_, rest) = context.split_once("/Attributes/")?;
    rest.split(['(', '/']).next()
}

/// `PicklistType` of `#Microsoft.Dynamics.CRM.ComplexPicklistAttributeMetadata`.
fn type_of(odata_type: &str) -> Option<String> {
    let name = odata_type.rsplit(['.', '#']).next()?;
    let name = name.strip_prefix("Complex").unwrap_or(name);
    let name = name.strip_suffix("AttributeMetadata")?;
    // These two are bases of others.
    (!matches!(name, "" | "Enum")).then(|| format!("{name}Type"))
}

fn member<'v>(json: &'v Value, name: &str) -> Option<&'v Value> {
    json.as_object()
        .and_then(|object: &Map<String, Value>| object.get(name))
}

fn text(json: &Value, name: &str) -> Option<String> {
    let text = member(json, name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn number(json: &Value, name: &str) -> Option<u32> {
    u32::try_from(member(json, name)?.as_u64()?).ok()
}

fn digits(json: &Value, name: &str) -> Option<String> {
    let number = member(json, name)?;
    number.is_number().then(|| number.to_string())
}

fn keep<T>(known: &mut Option<T>, told: Option<T>) {
    if told.is_some() {
        *known = told;
    }
}
