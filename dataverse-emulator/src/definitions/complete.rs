//! Definitions that a request wrote, with what the service puts in.

use serde_json::{Value, json};

use super::Members;
use super::custom::{default, managed, text};
use super::known::{id, no_label};
use crate::auto_number::AutoNumber;
use crate::fault::{Fault, Result};

/// What the values of options that nobody numbered begin with: the prefix of the default publisher.
const FIRST_OPTION: i64 = 100_000_000;

/// Types of columns that can be made: the name of the definition's type, of the type itself, and
/// the older code.
const TYPES: &[(&str, &str, &str)] = &[
    ("BigInt", "BigInt", "BigInt"),
    ("Boolean", "Boolean", "Boolean"),
    ("DateTime", "DateTime", "DateTime"),
    ("Decimal", "Decimal", "Decimal"),
    ("Double", "Double", "Double"),
    ("File", "File", "Virtual"),
    ("Image", "Image", "Virtual"),
    ("Integer", "Integer", "Integer"),
    ("Lookup", "Lookup", "Lookup"),
    ("Memo", "Memo", "Memo"),
    ("Money", "Money", "Money"),
    ("MultiSelectPicklist", "MultiSelectPicklist", "Virtual"),
    ("Picklist", "Picklist", "Picklist"),
    ("State", "State", "State"),
    ("Status", "Status", "Status"),
    ("String", "String", "String"),
    ("UniqueIdentifier", "Uniqueidentifier", "Uniqueidentifier"),
];

/// The name by which the service knows what a schema name names; errors for what is no name.
pub(super) fn logical_name(members: &Members) -> Result<String> {
    let schema_name = text(members, "SchemaName").unwrap_or_default();
    check_name(schema_name)?;
    Ok(schema_name.to_lowercase())
}

fn check_name(name: &str) -> Result<()> {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 128;
    match is_name {
        true => Ok(()),
        false => Err(Fault::invalid_argument(format!(
            "The schema name '{name}' is no name: letters, digits and underscores, beginning \
             with a letter."
        ))),
    }
}

/// Labels as the service gives them, and no types but that of the definition.
pub(super) fn tidy(members: &mut Members) {
    members.remove("@odata.context");
    for value in members.values_mut() {
        tidy_value(value);
    }
}

fn tidy_value(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy_value),
        Value::Object(members) => {
            members.remove("@odata.type");
            members.values_mut().for_each(tidy_value);
            if members.get("LocalizedLabels").is_some_and(Value::is_array) {
                complete_label(members);
            }
        }
        _ => {}
    }
}

fn complete_label(label: &mut Members) {
    let mut all = Vec::new();
    if let Some(Value::Array(labels)) = label.get_mut("LocalizedLabels") {
        for one in labels.iter_mut() {
            if let Value::Object(one) = one {
                default(one, "LanguageCode", 1033.into());
                default(one, "IsManaged", false.into());
                let of = format!(
                    "{}:{}",
                    one["LanguageCode"],
                    one.get("Label").unwrap_or(&Value::Null)
                );
                default(one, "MetadataId", id(&of).into());
                one.entry("HasChanged").or_insert(Value::Null);
            }
        }
        all = labels.clone();
    }
    let mine = all.iter().find(|one| one["LanguageCode"] == 1033);
    let mine = mine.or(all.first()).cloned().unwrap_or(Value::Null);
    label.insert("UserLocalizedLabel".to_owned(), mine);
}

/// Keeps the labels of `old` whose languages `new` does not have.
pub(super) fn merge_labels(old: &Value, new: &mut Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            if let (Some(Value::Array(had)), Some(Value::Array(has))) =
                (old.get("LocalizedLabels"), new.get_mut("LocalizedLabels"))
            {
                let has_language = |has: &[Value], one: &Value| {
                    has.iter()
                        .any(|known| known["LanguageCode"] == one["LanguageCode"])
                };
                for one in had {
                    if !has_language(has, one) {
                        has.push(one.clone());
                    }
                }
                return;
            }
            for (name, value) in new.iter_mut() {
                if let Some(old) = old.get(name) {
                    merge_labels(old, value);
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for value in new.iter_mut().filter(|value| !value["Value"].is_null()) {
                let old = old.iter().find(|old| old["Value"] == value["Value"]);
                if let Some(old) = old {
                    merge_labels(old, value);
                }
            }
        }
        _ => {}
    }
}

fn complete_texts(members: &mut Members) {
    for name in ["DisplayName", "Description"] {
        default(members, name, no_label());
    }
    members.entry("HasChanged").or_insert(Value::Null);
    default(members, "IsManaged", false.into());
    default(members, "IntroducedVersion", "1.0.0.0".into());
    default(members, "IsCustomizable", managed(true, "iscustomizable"));
    default(members, "IsRenameable", managed(true, "isrenameable"));
}

/// A table that is made; `columns` are its own.
pub(super) fn table(members: &mut Members, name: &str) -> Result<()> {
    tidy(members);
    members.remove("@odata.type");
    if members.get("IsActivity") == Some(&Value::Bool(true)) {
        return Err(Fault::not_supported("activity tables that are made"));
    }
    complete_texts(members);
    let set = match text(members, "EntitySetName") {
        Some(set) => {
            check_name(set)?;
            set.to_owned()
        }
        None => entity_set(name),
    };
    for (name, value) in [
        ("MetadataId", json!(id(name))),
        ("LogicalName", json!(name)),
        ("LogicalCollectionName", json!(set)),
        ("EntitySetName", json!(set)),
        ("PrimaryIdAttribute", json!(format!("{name}id"))),
        ("IsCustomEntity", json!(true)),
    ] {
        members.insert(name.to_owned(), value);
    }
    let schema_name = text(members, "SchemaName").unwrap_or(name).to_owned();
    for (name, value) in [
        ("CollectionSchemaName", json!(entity_set(&schema_name))),
        ("DisplayCollectionName", no_label()),
        ("OwnershipType", json!("UserOwned")),
        ("TableType", json!("Standard")),
        ("IsActivity", json!(false)),
        ("IsActivityParty", json!(false)),
        ("IsIntersect", json!(false)),
        ("IsPrivate", json!(false)),
        ("IsImportable", json!(true)),
        ("IsLogicalEntity", json!(false)),
        ("IsValidForAdvancedFind", json!(true)),
        ("IsEnabledForCharts", json!(true)),
        ("IsOptimisticConcurrencyEnabled", json!(true)),
        ("ChangeTrackingEnabled", json!(false)),
        ("HasActivities", json!(false)),
        ("HasNotes", json!(false)),
        ("IsAuditEnabled", managed(false, "canmodifyauditsettings")),
    ] {
        default(members, name, value);
    }
    Ok(())
}

/// The name of a table's entity set: an English plural, which is what the service makes.
fn entity_set(name: &str) -> String {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    match name.strip_suffix('y') {
        Some(stem) if !ends(&["ay", "ey", "iy", "oy", "uy"]) => format!("{stem}ies"),
        _ if ends(&["s", "x", "z", "ch", "sh"]) => format!("{name}es"),
        _ => format!("{name}s"),
    }
}

/// The type of a column's definition, from `@odata.type` or from the type it says.
fn type_of(members: &Members) -> Result<&'static (&'static str, &'static str, &'static str)> {
    let told = text(members, "@odata.type").unwrap_or_default();
    let told = told.trim_start_matches('#');
    let told = told.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(told);
    let told = told.strip_prefix("Complex").unwrap_or(told);
    let told = told.strip_suffix("AttributeMetadata").unwrap_or(told);
    let named = members
        .get("AttributeTypeName")
        .and_then(|name| name["Value"].as_str());
    let named = named.and_then(|name| name.strip_suffix("Type"));
    let code = text(members, "AttributeType");
    let mut types = TYPES.iter();
    let found = types.find(|(definition, name, older)| {
        if told.is_empty() {
            named == Some(*name) || named.is_none() && code == Some(*older)
        } else {
            told == *definition
        }
    });
    found.ok_or_else(|| {
        Fault::invalid_argument(format!(
            "The type '{told}' is none of a column that can be made: say it with '@odata.type', \
             as in 'Microsoft.Dynamics.CRM.StringAttributeMetadata'."
        ))
    })
}

/// A column that is made or changed.
pub(super) fn column(members: &mut Members, table: &str, name: &str) -> Result<()> {
    let (definition, type_name, code) = type_of(members)?;
    tidy(members);
    complete_texts(members);
    for (name, value) in [
        (
            "@odata.type",
            json!(format!(
                "#Microsoft.Dynamics.CRM.{definition}AttributeMetadata"
            )),
        ),
        ("MetadataId", json!(id(&format!("{table}.{name}")))),
        ("LogicalName", json!(name)),
        ("EntityLogicalName", json!(table)),
        ("AttributeType", json!(code)),
        (
            "AttributeTypeName",
            json!({ "Value": format!("{type_name}Type") }),
        ),
    ] {
        members.insert(name.to_owned(), value);
    }
    let level = members
        .get("RequiredLevel")
        .map(|level| level["Value"].clone());
    let level = level
        .filter(Value::is_string)
        .unwrap_or_else(|| "None".into());
    let level = managed(level, "canmodifyrequirementlevelsettings");
    members.insert("RequiredLevel".to_owned(), level);
    for (name, value) in [
        ("IsCustomAttribute", json!(true)),
        ("IsPrimaryId", json!(false)),
        ("IsPrimaryName", json!(false)),
        ("IsValidODataAttribute", json!(true)),
        ("IsValidForCreate", json!(true)),
        ("IsValidForRead", json!(true)),
        ("IsValidForUpdate", json!(true)),
        ("IsValidForForm", json!(true)),
        ("IsValidForGrid", json!(true)),
        ("IsSecured", json!(false)),
        ("IsLogical", json!(false)),
        ("IsFilterable", json!(false)),
        ("IsSearchable", json!(false)),
        ("IsRetrievable", json!(true)),
        ("SourceType", json!(0)),
        ("IsAuditEnabled", managed(true, "canmodifyauditsettings")),
        (
            "IsValidForAdvancedFind",
            managed(true, "canmodifysearchsettings"),
        ),
    ] {
        default(members, name, value);
    }
    members.entry("AttributeOf").or_insert(Value::Null);
    for (name, value) in own_defaults(definition) {
        default(members, name, value);
    }
    let format = text(members, "AutoNumberFormat").unwrap_or_default();
    let format = AutoNumber::parse(format);
    if let Some(token) = format.unknown() {
        return Err(Fault::invalid_argument(format!(
            "The auto-number format of '{name}' holds '{token}', which is none of {{SEQNUM:5}}, \
             {{RANDSTRING:6}} and {{DATETIMEUTC:yyyyMMddhhmmss}}."
        )));
    }
    match *definition {
        "Picklist" | "MultiSelectPicklist" => {
            let options = members
                .entry("OptionSet")
                .or_insert_with(|| json!({ "Options": [] }));
            if let Value::Object(options) = options {
                default(options, "IsGlobal", false.into());
                if options["IsGlobal"] == false {
                    default(options, "Name", json!(format!("{table}_{name}")));
                }
                choice(options)?;
            }
        }
        "Boolean" => {
            if let Some(Value::Object(options)) = members.get_mut("OptionSet") {
                default(options, "Name", json!(format!("{table}_{name}")));
                default(options, "IsGlobal", false.into());
                choice(options)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// What columns of a type have that only they have.
fn own_defaults(definition: &str) -> Vec<(&'static str, Value)> {
    match definition {
        "String" => vec![
            ("MaxLength", json!(100)),
            ("DatabaseLength", json!(200)),
            ("Format", json!("Text")),
            ("FormatName", json!({ "Value": "Text" })),
            ("ImeMode", json!("Auto")),
        ],
        "Memo" => vec![
            ("MaxLength", json!(2000)),
            ("Format", json!("TextArea")),
            ("FormatName", json!({ "Value": "TextArea" })),
            ("ImeMode", json!("Auto")),
        ],
        "Integer" => vec![
            ("MinValue", json!(i32::MIN)),
            ("MaxValue", json!(i32::MAX)),
            ("Format", json!("None")),
        ],
        "Decimal" | "Double" => vec![
            ("MinValue", json!(-100_000_000_000.0)),
            ("MaxValue", json!(100_000_000_000.0)),
            ("Precision", json!(2)),
        ],
        "Money" => vec![
            ("MinValue", json!(-922_337_203_685_477.0)),
            ("MaxValue", json!(922_337_203_685_477.0)),
            ("Precision", json!(2)),
            ("PrecisionSource", json!(2)),
        ],
        "DateTime" => vec![
            ("Format", json!("DateAndTime")),
            ("DateTimeBehavior", json!({ "Value": "UserLocal" })),
            (
                "CanChangeDateTimeBehavior",
                managed(true, "canchangedatetimebehavior"),
            ),
        ],
        "Boolean" => vec![
            ("DefaultValue", json!(false)),
            (
                "OptionSet",
                json!({
                    "TrueOption": { "Value": 1, "Label": super::known::label(Some("Yes")) },
                    "FalseOption": { "Value": 0, "Label": super::known::label(Some("No")) },
                }),
            ),
        ],
        "Picklist" | "MultiSelectPicklist" => vec![("DefaultFormValue", json!(-1))],
        "Lookup" => vec![("Targets", json!([])), ("Format", json!("None"))],
        "File" => vec![("MaxSizeInKB", json!(32_768))],
        "Image" => vec![
            ("MaxSizeInKB", json!(10_240)),
            ("MaxHeight", json!(144)),
            ("MaxWidth", json!(144)),
            ("CanStoreFullImage", json!(false)),
            ("IsPrimaryImage", json!(false)),
        ],
        _ => Vec::new(),
    }
}

/// A choice that is made or changed.
pub(super) fn choice(members: &mut Members) -> Result<()> {
    tidy(members);
    complete_texts(members);
    let name = text(members, "Name").unwrap_or_default().to_owned();
    members.insert(
        "MetadataId".to_owned(),
        json!(id(&format!("choice {name}"))),
    );
    let is_boolean = members.contains_key("TrueOption");
    default(
        members,
        "OptionSetType",
        json!(if is_boolean { "Boolean" } else { "Picklist" }),
    );
    default(members, "IsCustomOptionSet", true.into());
    for option in ["TrueOption", "FalseOption"] {
        if let Some(Value::Object(option)) = members.get_mut(option) {
            complete_option(option);
        }
    }
    if is_boolean {
        return Ok(());
    }
    let options = members.entry("Options").or_insert_with(|| json!([]));
    let Value::Array(options) = options else {
        return Err(Fault::invalid_argument(
            "The options of a choice are no list.",
        ));
    };
    let mut values = Vec::new();
    for option in options.iter_mut() {
        let Value::Object(option) = option else {
            return Err(Fault::invalid_argument(
                "An option of a choice is no object.",
            ));
        };
        default(option, "Value", json!(next_value(&values)));
        let value = option["Value"]
            .as_i64()
            .and_then(|value| i32::try_from(value).ok());
        let value = value.ok_or_else(|| {
            Fault::invalid_argument(format!(
                "The value '{}' of an option is no number.",
                option["Value"]
            ))
        })?;
        if values.contains(&i64::from(value)) {
            return Err(Fault::invalid_argument(format!(
                "Two options of the choice '{name}' have the value {value}."
            )));
        }
        values.push(i64::from(value));
        complete_option(option);
    }
    Ok(())
}

/// The value of an option that nobody numbered.
pub(super) fn next_value(values: &[i64]) -> i64 {
    let greatest = values
        .iter()
        .copied()
        .filter(|value| *value >= FIRST_OPTION)
        .max();
    greatest.map_or(FIRST_OPTION, |greatest| greatest + 1)
}

pub(super) fn complete_option(option: &mut Members) {
    default(option, "Label", no_label());
    default(option, "Description", no_label());
    default(option, "IsManaged", false.into());
    default(option, "IsHidden", false.into());
    default(option, "ParentValues", json!([]));
    for name in ["Color", "ExternalValue", "Tag", "MetadataId", "HasChanged"] {
        option.entry(name).or_insert(Value::Null);
    }
}
