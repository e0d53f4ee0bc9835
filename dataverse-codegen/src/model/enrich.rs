//! Definitions applied to what CSDL says. CSDL alone decides what exists.

use crate::definitions::{Attribute, Definitions, OptionSet, TableDefinition};
use crate::error::Error;

use super::{
    Access, Choice, ChoiceKind, ChoiceOption, Column, ColumnDefinition, ColumnType, Model,
    Required, Table,
};

/// Adds what `definitions` tell: schema names, labels in the language with the code `lcid`
/// (English if it is None or missing), choices, lengths, access.
///
/// Gives one sentence for each kind of thing that did not fit, to show.
///
/// Errors: not one of the tables is in the document; the definitions are of another org.
pub fn enrich(
    model: &mut Model,
    definitions: &Definitions,
    lcid: Option<u32>,
) -> Result<Vec<String>, Error> {
    let known = |name: &&String| model.tables.contains_key(*name);
    let in_common = definitions.tables.keys().filter(known).count();
    if in_common == 0 && !definitions.tables.is_empty() {
        return Err(Error::Definitions(format!(
            "the definitions are of {} tables, and not one of them is in the document; take both \
             from the same org",
            definitions.tables.len()
        )));
    }
    let mut misfits = Misfits {
        tables: definitions.tables.len() - in_common,
        ..Misfits::default()
    };
    let mut choices = Choices {
        model: &mut model.choices,
        definitions,
        lcid,
    };
    for (name, definition) in &definitions.tables {
        if let Some(table) = model.tables.get_mut(name) {
            enrich_table(table, definition, lcid, &mut choices, &mut misfits);
        }
    }
    Ok(misfits.sentences())
}

/// What did not fit, counted, with the first of each.
#[derive(Default)]
struct Misfits {
    tables: usize,
    columns: usize,
    first_column: Option<String>,
    types: usize,
    first_type: Option<String>,
}

impl Misfits {
    fn sentences(self) -> Vec<String> {
        let mut sentences = Vec::new();
        let first = |name: Option<String>| name.unwrap_or_default();
        if self.tables > 0 {
            sentences.push(format!(
                "{} defined tables are not in the document and were left out",
                self.tables
            ));
        }
        if self.columns > 0 {
            sentences.push(format!(
                "{} defined columns are not in the document and were left out, `{}` first; is the \
                 document older than the definitions?",
                self.columns,
                first(self.first_column)
            ));
        }
        if self.types > 0 {
            sentences.push(format!(
                "{} columns are of another type in the document than in the definitions, `{}` \
                 first; the document was followed",
                self.types,
                first(self.first_type)
            ));
        }
        sentences
    }
}

fn enrich_table(
    table: &mut Table,
    definition: &TableDefinition,
    lcid: Option<u32>,
    choices: &mut Choices<'_>,
    misfits: &mut Misfits,
) {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    table.schema_name.clone_from(&definition.schema_name);
    table.label = owned(definition.label.text(lcid));
    table.primary_name.clone_from(&definition.primary_name);
    table.deprecated = definition.is_deprecated;
    if let Some(description) = definition.description.text(lcid) {
        table.description = Some(description.to_owned());
    }
    let table_name = table.logical_name.clone();
    for (name, attribute) in &definition.columns {
        let place = table
            .columns
            .binary_search_by(|column| column.logical_name.as_str().cmp(name));
        match place {
            Ok(place) => {
                let column = &mut table.columns[place];
                enrich_column(&table_name, column, attribute, choices, misfits);
            }
            // Shadows of other columns, and what has no value of its own, are not on the wire.
            Err(_) if attribute.attribute_of.is_some() || is_virtual(attribute) => {}
            Err(_) => {
                misfits.columns += 1;
                let place = || format!("{table_name}.{name}");
                misfits.first_column.get_or_insert_with(place);
            }
        }
    }
}

fn is_virtual(attribute: &Attribute) -> bool {
    let types = [
        "CalendarRulesType",
        "EntityNameType",
        "ManagedPropertyType",
        "PartyListType",
        "VirtualType",
    ];
    match &attribute.type_name {
        Some(name) => types.contains(&name.as_str()),
        None => true,
    }
}

fn enrich_column(
    table: &str,
    column: &mut Column,
    attribute: &Attribute,
    choices: &mut Choices<'_>,
    misfits: &mut Misfits,
) {
    let lcid = choices.lcid;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let boolean = attribute
        .options
        .as_ref()
        .and_then(|options| options.boolean.as_ref());
    let boolean_labels =
        boolean.and_then(|[no, yes]| Some([no.text(lcid)?.to_owned(), yes.text(lcid)?.to_owned()]));
    column.definition = ColumnDefinition {
        schema_name: attribute.schema_name.clone(),
        label: owned(attribute.label.text(lcid)),
        required: match attribute.required.as_deref() {
            Some("Recommended") => Required::Recommended,
            Some("ApplicationRequired") => Required::ByApplication,
            Some("SystemRequired") => Required::BySystem,
            _ => Required::No,
        },
        max_length: attribute.max_length,
        minimum: attribute.minimum.clone(),
        maximum: attribute.maximum.clone(),
        precision: attribute.precision,
        format: attribute.format.clone(),
        boolean_labels,
        is_secured: attribute.is_secured.unwrap_or_default(),
        deprecated: attribute.is_deprecated,
        targets: attribute.targets.clone(),
    }
    .into();
    if let Some(description) = attribute.description.text(lcid) {
        column.description = Some(description.to_owned());
    }
    access(column, attribute);
    let type_name = attribute.type_name.as_deref().unwrap_or_default();
    let refined = match (&column.column_type, type_name) {
        (ColumnType::Int, "PicklistType" | "StateType" | "StatusType") => choices
            .key(table, &column.logical_name, attribute)
            .map(ColumnType::Choice),
        (ColumnType::Text, "MultiSelectPicklistType") => choices
            .key(table, &column.logical_name, attribute)
            .map(ColumnType::Choices),
        (ColumnType::Decimal, "MoneyType") => Some(ColumnType::Money),
        (ColumnType::DateTime, "DateTimeType")
            if attribute.behavior.as_deref() == Some("TimeZoneIndependent") =>
        {
            Some(ColumnType::LocalDateTime)
        }
        (ColumnType::DateTime, "DateTimeType")
            if attribute.behavior.as_deref() == Some("UserLocal")
                && attribute.format.as_deref() == Some("DateOnly") =>
        {
            Some(ColumnType::UserLocalDate)
        }
        (column_type, name) => {
            if !agree(column_type, name) {
                misfits.types += 1;
                let place = || format!("{table}.{}", column.logical_name);
                misfits.first_type.get_or_insert_with(place);
            }
            None
        }
    };
    if let Some(refined) = refined {
        column.column_type = refined;
    }
}

/// What the definitions say goes before what was guessed. A lookup without a navigation property
/// cannot be written whatever they say.
fn access(column: &mut Column, attribute: &Attribute) {
    let is_unbindable =
        column.column_type == ColumnType::Guid && column.wire_name != column.logical_name;
    if is_unbindable || column.column_type == ColumnType::PrimaryId {
        return;
    }
    let guess = column.access;
    let create = matches!(guess, Access::ReadWrite | Access::CreateOnly);
    let update = matches!(guess, Access::ReadWrite | Access::UpdateOnly);
    let told = (
        attribute.is_valid_for_create.unwrap_or(create),
        attribute.is_valid_for_update.unwrap_or(update),
    );
    column.access = match told {
        (true, true) => Access::ReadWrite,
        (true, false) => Access::CreateOnly,
        (false, true) => Access::UpdateOnly,
        (false, false) => Access::ReadOnly,
    };
}

/// Whether a column of the document can be what the definitions call it.
fn agree(column_type: &ColumnType, type_name: &str) -> bool {
    match type_name {
        "StringType" | "MemoType" | "EntityNameType" => *column_type == ColumnType::Text,
        "BooleanType" => *column_type == ColumnType::Boolean,
        "IntegerType" => *column_type == ColumnType::Int,
        "BigIntType" => *column_type == ColumnType::BigInt,
        "DoubleType" => *column_type == ColumnType::Double,
        "DecimalType" | "MoneyType" => *column_type == ColumnType::Decimal,
        "DateTimeType" => matches!(column_type, ColumnType::DateTime | ColumnType::Date),
        "PicklistType" | "StateType" | "StatusType" => {
            matches!(column_type, ColumnType::Int | ColumnType::Choice(_))
        }
        "MultiSelectPicklistType" => {
            matches!(column_type, ColumnType::Text | ColumnType::Choices(_))
        }
        "LookupType" | "CustomerType" | "OwnerType" | "UniqueidentifierType" => matches!(
            column_type,
            ColumnType::Guid | ColumnType::PrimaryId | ColumnType::Lookup(_)
        ),
        _ => true,
    }
}

/// The choices of the model while they are collected.
struct Choices<'a> {
    model: &'a mut std::collections::BTreeMap<String, Choice>,
    definitions: &'a Definitions,
    lcid: Option<u32>,
}

impl Choices<'_> {
    /// The key of a column's choice, which is added; None if its options are not told.
    fn key(&mut self, table: &str, column: &str, attribute: &Attribute) -> Option<String> {
        let own = attribute.options.as_ref()?;
        let global = own
            .name
            .as_ref()
            .and_then(|name| self.definitions.choices.get(name));
        let is_global = own.is_global && own.name.is_some();
        let options = global.filter(|_| own.options.is_empty()).unwrap_or(own);
        if options.options.is_empty() {
            return None;
        }
        let key = match &own.name {
            Some(name) if is_global => name.clone(),
            _ => format!("{table}.{column}"),
        };
        if !self.model.contains_key(&key) {
            let kind = match attribute.type_name.as_deref() {
                Some("StateType") => ChoiceKind::State,
                Some("StatusType") => ChoiceKind::Status {
                    states: self.states_of(table),
                },
                _ => ChoiceKind::Plain,
            };
            let choice = self.choice(options, kind, is_global);
            self.model.insert(key.clone(), choice);
        }
        Some(key)
    }

    /// The key of the choice of a table's states, if that is told.
    fn states_of(&self, table: &str) -> Option<String> {
        let columns = &self.definitions.tables.get(table)?.columns;
        let (name, states) = columns
            .iter()
            .find(|(_, attribute)| attribute.type_name.as_deref() == Some("StateType"))?;
        let options = states.options.as_ref()?;
        (!options.options.is_empty()).then(|| format!("{table}.{name}"))
    }

    fn choice(&self, options: &OptionSet, kind: ChoiceKind, is_global: bool) -> Choice {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Choice {
            name: options.name.clone().unwrap_or_default(),
            is_global,
            kind,
            label: owned(options.label.text(self.lcid)),
            description: owned(options.description.text(self.lcid)),
            options: options
                .options
                .iter()
                .map(|option| ChoiceOption {
                    value: option.value,
                    label: owned(option.label.text(self.lcid)),
                    description: owned(option.description.text(self.lcid)),
                    state: option.state,
                    deprecated: option.label.is_deprecated(),
                })
                .collect(),
        }
    }
}
