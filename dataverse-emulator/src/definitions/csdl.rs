//! The document with tables, columns and relationships that requests made.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use quick_xml::events::Event;

use super::Members;
use super::custom::{Custom, text};

/// Columns that every table has which is made.
const COLUMNS: &[(&str, &str)] = &[
    ("createdon", "Edm.DateTimeOffset"),
    ("modifiedon", "Edm.DateTimeOffset"),
    ("overriddencreatedon", "Edm.DateTimeOffset"),
    ("versionnumber", "Edm.Int64"),
    ("importsequencenumber", "Edm.Int32"),
    ("timezoneruleversionnumber", "Edm.Int32"),
    ("utcconversiontimezonecode", "Edm.Int32"),
    ("statecode", "Edm.Int32"),
    ("statuscode", "Edm.Int32"),
];

/// Lookups that every such table has: the column, where it leads, what the way back begins and ends
/// with.
const LOOKUPS: &[(&str, &str, &str, &str)] = &[
    ("createdby", "systemuser", "lk_", "_createdby"),
    ("modifiedby", "systemuser", "lk_", "_modifiedby"),
    (
        "createdonbehalfby",
        "systemuser",
        "lk_",
        "_createdonbehalfby",
    ),
    (
        "modifiedonbehalfby",
        "systemuser",
        "lk_",
        "_modifiedonbehalfby",
    ),
];

/// Those of a table whose rows have owners.
const OWNED: &[(&str, &str, &str, &str)] = &[
    ("ownerid", "principal", "owner_", ""),
    ("owninguser", "systemuser", "user_", ""),
    ("owningteam", "team", "team_", ""),
    ("owningbusinessunit", "businessunit", "business_unit_", ""),
];

const ORGANIZATION_OWNED: &[(&str, &str, &str, &str)] =
    &[("organizationid", "organization", "organization_", "")];

/// Where in the document something can be put.
#[derive(Default)]
struct Places {
    /// What names of types begin with.
    alias: String,
    /// Before the end of each entity type; None for one that has no inside.
    types: HashMap<String, Option<usize>>,
    /// The key of each entity type that has one.
    keys: HashMap<String, String>,
    /// Before the entity container.
    container: Option<usize>,
    /// Before its end.
    sets: Option<usize>,
}

/// What is put where, in the order of places.
struct Insertions<'p> {
    places: &'p Places,
    /// Bodies of types that are made.
    made: BTreeMap<&'p str, String>,
    at: BTreeMap<usize, String>,
}

impl Insertions<'_> {
    /// Adds to a type.
    fn add(&mut self, table: &str, xml: &str) {
        if let Some(body) = self.made.get_mut(table) {
            body.push_str(xml);
        } else if let Some(Some(place)) = self.places.types.get(table) {
            self.at.entry(*place).or_default().push_str(xml);
        }
    }

    fn has(&self, table: &str) -> bool {
        self.made.contains_key(table) || self.places.types.contains_key(table)
    }

    fn key(&self, table: &str) -> String {
        let own = self.places.keys.get(table).cloned();
        own.unwrap_or_else(|| format!("{table}id"))
    }

    /// Both sides of a lookup; its column, too.
    fn lookup(&mut self, table: &str, column: &str, navigation: &str, to: &str, back: &str) {
        self.add(
            table,
            &format!("<Property Name=\"_{column}_value\" Type=\"Edm.Guid\"/>"),
        );
        self.one_to_many(table, column, navigation, to, back);
    }

    fn one_to_many(&mut self, table: &str, column: &str, navigation: &str, to: &str, back: &str) {
        let alias = &self.places.alias;
        let key = self.key(to);
        let one = format!(
            "<NavigationProperty Name=\"{navigation}\" Type=\"{alias}.{to}\" Nullable=\"false\" \
             Partner=\"{back}\"><ReferentialConstraint Property=\"_{column}_value\" \
             ReferencedProperty=\"{key}\"/></NavigationProperty>"
        );
        let many = format!(
            "<NavigationProperty Name=\"{back}\" Type=\"Collection({alias}.{table})\" \
             Partner=\"{navigation}\"/>"
        );
        self.add(table, &one);
        self.add(to, &many);
    }
}

/// Whether every table that is made has this column.
pub(super) fn is_system(column: &str) -> bool {
    let mut columns = COLUMNS.iter();
    let lookups = LOOKUPS.iter().chain(OWNED).chain(ORGANIZATION_OWNED);
    columns.any(|(name, _)| *name == column) || lookups.into_iter().any(|lookup| lookup.0 == column)
}

/// The document with these changes.
pub(super) fn with(base: &str, custom: &Custom) -> String {
    let places = places(base);
    let mut insertions = Insertions {
        places: &places,
        made: BTreeMap::new(),
        at: BTreeMap::new(),
    };
    let made = custom.tables.iter().filter(|(_, told)| told.is_new);
    let mut sets = String::new();
    let entity_set = |set: &str, table: &str| {
        format!(
            "<EntitySet Name=\"{set}\" EntityType=\"{}.{table}\"/>",
            places.alias
        )
    };
    for (name, told) in made.clone() {
        insertions.made.insert(name, String::new());
        let set = text(&told.members, "EntitySetName").unwrap_or(name);
        sets.push_str(&entity_set(set, name));
    }
    for (name, told) in made.clone() {
        system_parts(&mut insertions, name, &told.members);
    }
    for (table, columns) in &custom.columns {
        for (name, told) in columns.iter().filter(|(_, told)| told.is_new) {
            for (property, type_name) in properties(name, &told.members) {
                let property = format!("<Property Name=\"{property}\" Type=\"{type_name}\"/>");
                insertions.add(table, &property);
            }
        }
    }
    let mut types = String::new();
    for told in custom.relationships.values().filter(|told| told.is_new) {
        relationship(&mut insertions, &told.members);
        if let Some(intersect) = intersect(&told.members, &insertions) {
            types.push_str(&intersect.0);
            sets.push_str(&entity_set(&format!("{}set", intersect.1), &intersect.1));
        }
    }
    let alias = &places.alias;
    for (name, body) in &insertions.made {
        let key = format!("{name}id");
        // Writing to a text does not fail.
        let _ = write!(
            types,
            "<EntityType Name=\"{name}\" BaseType=\"{alias}.crmbaseentity\"><Key>\
             <PropertyRef Name=\"{key}\"/></Key><Property Name=\"{key}\" Type=\"Edm.Guid\"/>\
             {body}</EntityType>"
        );
    }
    if !insertions.has("crmbaseentity") {
        types = types.replace(&format!(" BaseType=\"{alias}.crmbaseentity\""), "");
    }
    let mut at = insertions.at;
    if let Some(place) = places.container {
        at.entry(place).or_default().push_str(&types);
    }
    if let Some(place) = places.sets {
        at.entry(place).or_default().push_str(&sets);
    }
    let mut document = String::with_capacity(base.len() + 4096);
    let mut done = 0;
    for (place, xml) in at {
        document.push_str(base.get(done..place).unwrap_or_default());
        document.push_str(&xml);
        done = place;
    }
    document.push_str(base.get(done..).unwrap_or_default());
    document
}

/// What a table has that nobody asked for.
fn system_parts(insertions: &mut Insertions<'_>, name: &str, members: &Members) {
    for (column, type_name) in COLUMNS {
        let property = format!("<Property Name=\"{column}\" Type=\"{type_name}\"/>");
        insertions.add(name, &property);
    }
    let owned = if text(members, "OwnershipType") == Some("OrganizationOwned") {
        ORGANIZATION_OWNED
    } else {
        OWNED
    };
    for (column, to, before, after) in LOOKUPS.iter().chain(owned) {
        if insertions.has(to) {
            insertions.lookup(name, column, column, to, &format!("{before}{name}{after}"));
        }
    }
    let has_notes = members.get("HasNotes").is_some_and(|has| *has == true);
    if has_notes && insertions.has("annotation") {
        let navigation = format!("objectid_{name}");
        let back = format!("{name}_Annotations");
        insertions.one_to_many("annotation", "objectid", &navigation, name, &back);
    }
}

fn relationship(insertions: &mut Insertions<'_>, members: &Members) {
    let get = |name: &str| text(members, name).unwrap_or_default();
    if members.contains_key("Entity1LogicalName") {
        let alias = insertions.places.alias.clone();
        let (one, two) = (get("Entity1LogicalName"), get("Entity2LogicalName"));
        let navigation = get("Entity1NavigationPropertyName");
        for (table, other) in [(one, two), (two, one)] {
            let xml = format!(
                "<NavigationProperty Name=\"{navigation}\" Type=\"Collection({alias}.{other})\" \
                 Partner=\"{navigation}\"/>"
            );
            insertions.add(table, &xml);
        }
        return;
    }
    insertions.one_to_many(
        get("ReferencingEntity"),
        get("ReferencingAttribute"),
        get("ReferencingEntityNavigationPropertyName"),
        get("ReferencedEntity"),
        get("ReferencedEntityNavigationPropertyName"),
    );
}

/// The type of the table that keeps a many-to-many relationship, and its name.
fn intersect(members: &Members, insertions: &Insertions<'_>) -> Option<(String, String)> {
    let one = text(members, "Entity1LogicalName")?;
    let two = text(members, "Entity2LogicalName")?;
    let name = text(members, "IntersectEntityName")?;
    let alias = &insertions.places.alias;
    let (one, two) = (insertions.key(one), insertions.key(two));
    let xml = format!(
        "<EntityType Name=\"{name}\" BaseType=\"{alias}.crmbaseentity\"><Key>\
         <PropertyRef Name=\"{name}id\"/></Key><Property Name=\"{name}id\" Type=\"Edm.Guid\"/>\
         <Property Name=\"{one}\" Type=\"Edm.Guid\"/><Property Name=\"{two}\" Type=\"Edm.Guid\"/>\
         <Property Name=\"versionnumber\" Type=\"Edm.Int64\"/></EntityType>"
    );
    Some((xml, name.to_owned()))
}

/// The properties that a column has in the document.
fn properties(name: &str, column: &Members) -> Vec<(String, &'static str)> {
    let type_name = column
        .get("AttributeTypeName")
        .and_then(|name| name["Value"].as_str());
    let is_date = column
        .get("DateTimeBehavior")
        .is_some_and(|behavior| behavior["Value"] == "DateOnly");
    let edm = match type_name.unwrap_or_default() {
        "LookupType" | "CustomerType" | "OwnerType" => {
            return vec![(format!("_{name}_value"), "Edm.Guid")];
        }
        "IntegerType" | "PicklistType" | "StateType" | "StatusType" => "Edm.Int32",
        "BigIntType" => "Edm.Int64",
        "BooleanType" => "Edm.Boolean",
        "DecimalType" | "MoneyType" => "Edm.Decimal",
        "DoubleType" => "Edm.Double",
        "DateTimeType" if is_date => "Edm.Date",
        "DateTimeType" => "Edm.DateTimeOffset",
        "UniqueidentifierType" => "Edm.Guid",
        "ImageType" | "FileType" => "Edm.Binary",
        _ => "Edm.String",
    };
    let mut all = vec![(name.to_owned(), edm)];
    let beside: &[(&str, &'static str)] = match type_name.unwrap_or_default() {
        "MoneyType" => &[("_base", "Edm.Decimal")],
        "ImageType" => &[
            ("_url", "Edm.String"),
            ("_timestamp", "Edm.Int64"),
            ("id", "Edm.Guid"),
        ],
        "FileType" => &[("_name", "Edm.String")],
        _ => &[],
    };
    all.extend(
        beside
            .iter()
            .map(|(suffix, edm)| (format!("{name}{suffix}"), *edm)),
    );
    all
}

fn places(base: &str) -> Places {
    let mut places = Places::default();
    let mut reader = quick_xml::Reader::from_str(base);
    let mut current: Option<String> = None;
    let mut before = 0;
    loop {
        let event = match reader.read_event() {
            Ok(Event::Eof) | Err(_) => return places,
            Ok(event) => event,
        };
        let after = usize::try_from(reader.buffer_position()).unwrap_or(before);
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let attribute = |name: &str| {
                    let found = element.try_get_attribute(name).ok().flatten()?;
                    Some(found.value.into_owned())
                };
                let name = attribute("Name");
                match element.local_name().as_ref() {
                    "Schema" if places.alias.is_empty() => {
                        let alias = attribute("Alias").or_else(|| attribute("Namespace"));
                        places.alias = alias.unwrap_or_default();
                    }
                    "EntityType" => current = name,
                    "EntityContainer" => places.container = places.container.or(Some(before)),
                    "PropertyRef" => {
                        if let (Some(table), Some(key)) = (&current, name) {
                            places.keys.entry(table.clone()).or_insert(key);
                        }
                    }
                    "Property" => {
                        // Users and teams have a key of their base, and one of their own.
                        if let (Some(table), Some(property)) = (&current, name)
                            && property.strip_suffix("id") == Some(table)
                        {
                            places.keys.insert(table.clone(), property);
                        }
                    }
                    _ => {}
                }
                if let (Event::Empty(_), "EntityType", Some(name)) =
                    (&event, element.local_name().as_ref(), &current)
                {
                    places.types.entry(name.clone()).or_insert(None);
                    current = None;
                }
            }
            Event::End(element) => match element.local_name().as_ref() {
                "EntityType" => {
                    if let Some(name) = current.take() {
                        places.types.insert(name, Some(before));
                    }
                }
                "EntityContainer" => places.sets = Some(before),
                _ => {}
            },
            _ => {}
        }
        before = after;
    }
}
