//! The tables that a document declares, as the emulator needs them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dataverse_codegen::model::{ColumnType, ItemType, Model};

use crate::cascade::Cascades;
use crate::domain::Domain;
use crate::elastic::PARTITION;
use crate::format::Display;
use crate::managed;
use crate::state::States;

/// The lookup of a row's currency.
pub(crate) const CURRENCY: &str = "transactioncurrencyid";

/// Columns that hold a row's primary name, in the order in which they are looked for. A document
/// does not tell which it is.
const PRIMARY_NAMES: &[&str] = &[
    "name",
    "fullname",
    "subject",
    "title",
    "domainname",
    "currencyname",
    "friendlyname",
];

/// The longest text of columns that come with the product, by table or base table. A document
/// does not tell it.
const MAX_LENGTHS: &[(&str, &str, usize)] = &[
    ("account", "name", 160),
    ("activitypointer", "subject", 200),
    ("contact", "firstname", 50),
    ("contact", "lastname", 50),
];

/// Whether a column is money: then it has a twin in the currency of the org, and the row a currency.
/// Other decimals have neither.
fn is_money(table: &dataverse_codegen::model::Table, column: &str) -> bool {
    let has = |name: &str| {
        let mut columns = table.columns.iter();
        columns.any(|column| column.logical_name == name)
    };
    let own = column.strip_suffix("_base");
    has(CURRENCY) && (has(&format!("{column}_base")) || own.is_some_and(has))
}

fn max_length(table: &dataverse_codegen::model::Table, column: &str) -> Option<usize> {
    let of = |owner: &str| owner == table.logical_name || table.base.as_deref() == Some(owner);
    let mut lengths = MAX_LENGTHS.iter();
    let found = lengths.find(|(owner, name, _)| *name == column && of(owner));
    found.map(|(_, _, length)| *length)
}

/// Tables by entity set and by logical name. Clones share tables until one changes them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Catalog {
    tables: Vec<Arc<Table>>,
    by_set: Arc<HashMap<String, usize>>,
    by_name: Arc<HashMap<String, usize>>,
    pub(crate) has_elastic: bool,
    pub(crate) cascades: Cascades,
}

/// One table with rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) logical_name: String,
    pub(crate) entity_set: String,
    pub(crate) primary_id: String,
    /// Where the primary name is.
    pub(crate) primary_name: Option<usize>,
    pub(crate) columns: Vec<Column>,
    by_wire_name: HashMap<String, usize>,
    /// Single-valued navigation properties that belong to a lookup column.
    pub(crate) navigations: HashMap<String, Navigation>,
    /// Those that lead from a column through a base table's navigation property, for reading:
    /// `owninguser` of a task, which is written through `owninguser_task`.
    inherited: HashMap<String, Navigation>,
    /// Navigation properties to many rows.
    pub(crate) collections: HashMap<String, Collection>,
    /// Places of the columns of each alternate key.
    pub(crate) alternate_keys: Vec<Vec<usize>>,
    /// Whether a write may be only for one version of a row.
    pub(crate) has_optimistic_concurrency: bool,
    pub(crate) states: States,
    /// Places of columns in which two rows are the same.
    pub(crate) duplicate_rules: Vec<Vec<usize>>,
    /// Whether its rows are pairs of a many-to-many relationship.
    pub(crate) is_intersect: bool,
    /// Of an elastic table, the place of the column that holds the partition.
    partition: Option<usize>,
    /// The lookup to the row above, if the table is hierarchical.
    parent: Option<usize>,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) logical_name: String,
    pub(crate) wire_name: String,
    pub(crate) kind: Kind,
    /// The longest text, in UTF-16 units.
    pub(crate) max_length: Option<usize>,
    pub(crate) domain: Domain,
    pub(crate) display: Display,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Boolean,
    Int,
    BigInt,
    Double,
    Decimal,
    Guid,
    DateTime,
    Date,
    Binary,
    /// Logical names of the targets; none for a lookup that cannot be bound.
    Lookup(Vec<String>),
    /// A managed property, with the name of the column.
    Managed(String),
    /// A type that is not stored.
    Other,
}

/// A navigation property of a lookup.
#[derive(Debug, Clone)]
pub(crate) struct Navigation {
    /// Place of the lookup column.
    pub(crate) column: usize,
    /// Logical names of the tables it may lead to.
    pub(crate) targets: Vec<String>,
}

/// A navigation property to many rows.
#[derive(Debug, Clone)]
pub(crate) struct Collection {
    /// Logical name of the table of those rows.
    pub(crate) target: String,
    pub(crate) way: Way,
}

/// How the rows of a collection are found.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// Their lookup column at this place leads back.
    OneToMany(usize),
    ManyToMany(Intersect),
}

/// Where pairs of rows of a many-to-many relationship are kept.
#[derive(Debug, Clone)]
pub(crate) struct Intersect {
    /// A table of the document (`teammembership`), or one that only the store has (`@…`).
    pub(crate) table: String,
    /// The column with the id of the row that has the collection.
    pub(crate) near: String,
    /// The column with the id of the row in the collection.
    pub(crate) far: String,
}

impl Catalog {
    pub(crate) fn new(model: &Model) -> Self {
        let mut tables: Vec<Arc<Table>> = Vec::new();
        let (mut by_set, mut by_name) = (HashMap::new(), HashMap::new());
        for table in model.tables.values() {
            let (Some(set), Some(primary_id)) = (&table.entity_set, &table.primary_id) else {
                continue;
            };
            let table = Table::new(model, table, set, primary_id);
            let index = tables.len();
            by_set.insert(table.entity_set.clone(), index);
            by_name.insert(table.logical_name.clone(), index);
            tables.push(Arc::new(table));
        }
        let collections = tables.iter().flat_map(|table| table.collections.values());
        let intersects = collections.filter_map(|collection| match &collection.way {
            Way::ManyToMany(intersect) => Some(intersect.table.clone()),
            Way::OneToMany(_) => None,
        });
        let intersects: HashSet<String> = intersects.collect();
        for name in &intersects {
            let table = by_name.get(name).and_then(|at: &usize| tables.get_mut(*at));
            if let Some(table) = table.map(Arc::make_mut) {
                table.is_intersect = true;
            }
        }
        Catalog {
            tables,
            by_set: Arc::new(by_set),
            by_name: Arc::new(by_name),
            has_elastic: false,
            cascades: Cascades::default(),
        }
    }

    /// Adds an alternate key; the document often does not have those of an org.
    pub(crate) fn add_key(&mut self, table: &str, columns: &[&str]) -> Result<(), String> {
        let table = self
            .change(table)
            .ok_or_else(|| format!("an alternate key for `{table}`: there is no such table"))?;
        let key: Option<Vec<usize>> = columns
            .iter()
            .map(|column| table.columns.iter().position(|c| c.logical_name == *column))
            .collect();
        match key {
            Some(key) if !key.is_empty() => {
                if !table.alternate_keys.contains(&key) {
                    table.alternate_keys.push(key);
                }
                Ok(())
            }
            _ => Err(format!(
                "an alternate key over {columns:?}: `{}` does not have all of them",
                table.logical_name
            )),
        }
    }

    /// Adds a rule by which rows are found that are the same.
    pub(crate) fn add_duplicate_rule(
        &mut self,
        table: &str,
        columns: &[String],
    ) -> Result<(), String> {
        let refused =
            || format!("a duplicate rule for `{table}` over {columns:?}: no such columns");
        let table = self.change(table).ok_or_else(refused)?;
        let places: Option<Vec<usize>> = columns
            .iter()
            .map(|column| table.column_named(column).map(|(place, _)| place))
            .collect();
        match places {
            Some(places) if !places.is_empty() => {
                table.duplicate_rules.push(places);
                Ok(())
            }
            _ => Err(refused()),
        }
    }

    /// Refuses writes that are only for one version of a row.
    pub(crate) fn end_optimistic_concurrency(&mut self, table: &str) -> Result<(), String> {
        let found = self
            .change(table)
            .ok_or_else(|| format!("no optimistic concurrency for `{table}`: no such table"))?;
        found.has_optimistic_concurrency = false;
        Ok(())
    }

    /// Makes a table elastic, which one with a column for partitions can be.
    pub(crate) fn make_elastic(&mut self, table: &str) -> Result<(), String> {
        let refused = |why: &str| format!("an elastic table `{table}`: {why}");
        let found = self
            .change(table)
            .ok_or_else(|| refused("there is no such table"))?;
        let (partition, _) = found
            .column_named(PARTITION)
            .ok_or_else(|| refused("it has no column `partitionid`"))?;
        let key = vec![found.primary_id_place(), partition];
        found.partition = Some(partition);
        found.alternate_keys = vec![key];
        self.has_elastic = true;
        Ok(())
    }

    /// Limits the text of a column.
    pub(crate) fn set_max_length(
        &mut self,
        table: &str,
        column: &str,
        length: usize,
    ) -> Result<(), String> {
        let found = self.change(table).and_then(|table| {
            let is_it = |found: &&mut Column| found.logical_name == column;
            table.columns.iter_mut().find(is_it)
        });
        match found {
            Some(found) if found.kind == Kind::Text => {
                found.max_length = Some(length);
                Ok(())
            }
            _ => Err(format!(
                "the length of `{column}`: there is no such text column"
            )),
        }
    }

    /// Takes another column as the one that names the rows of a table; without such a column the
    /// table keeps its own.
    pub(crate) fn set_primary_name(&mut self, table: &str, column: &str) {
        let Some(table) = self.change(table) else {
            return;
        };
        if let Some((place, _)) = table.column_named(column) {
            table.primary_name = Some(place);
        }
    }

    /// A table, to change it for this catalog alone.
    fn change(&mut self, table: &str) -> Option<&mut Table> {
        let index = *self.by_name.get(table)?;
        self.tables.get_mut(index).map(Arc::make_mut)
    }

    /// Takes another lookup as the one to the row above; without it the table keeps its own.
    pub(crate) fn set_parent(&mut self, table: &str, lookup: &str) {
        let Some(table) = self.change(table) else {
            return;
        };
        if let Some((place, _)) = table.column_named(lookup) {
            table.parent = Some(place);
        }
    }

    /// Keeps the states of a table; without such a table nothing is kept.
    pub(crate) fn set_states(&mut self, table: &str, states: States) {
        if let Some(table) = self.change(table) {
            table.states = states;
        }
    }

    /// Shows the values of a column in a certain way; without such a column nothing is shown.
    pub(crate) fn set_display(&mut self, table: &str, column: &str, display: Display) {
        let found = self.change(table).and_then(|table| {
            let is_it = |found: &&mut Column| found.logical_name == column;
            table.columns.iter_mut().find(is_it)
        });
        if let Some(found) = found {
            found.display = Display {
                is_money: display.is_money || found.display.is_money,
                ..display
            };
        }
    }

    /// Lets a column hold only certain values; without such a column nothing is kept.
    pub(crate) fn set_domain(&mut self, table: &str, column: &str, domain: Domain) {
        let found = self.change(table).and_then(|table| {
            let is_it = |found: &&mut Column| found.logical_name == column;
            table.columns.iter_mut().find(is_it)
        });
        if let Some(found) = found {
            found.domain = domain;
        }
    }

    pub(crate) fn tables(&self) -> impl ExactSizeIterator<Item = &Table> {
        self.tables.iter().map(Arc::as_ref)
    }

    pub(crate) fn by_set(&self, entity_set: &str) -> Option<&Table> {
        self.by_set
            .get(entity_set)
            .map(|index| &*self.tables[*index])
    }

    pub(crate) fn by_name(&self, logical_name: &str) -> Option<&Table> {
        self.by_name
            .get(logical_name)
            .map(|index| &*self.tables[*index])
    }
}

impl Table {
    fn new(
        model: &Model,
        table: &dataverse_codegen::model::Table,
        set: &str,
        primary_id: &str,
    ) -> Self {
        let columns: Vec<Column> = table
            .columns
            .iter()
            .map(|column| Column {
                logical_name: column.logical_name.clone(),
                wire_name: column.wire_name.clone(),
                max_length: max_length(table, &column.logical_name),
                domain: Domain::default(),
                display: Display {
                    is_money: is_money(table, &column.logical_name),
                    ..Display::default()
                },
                kind: kind(column),
            })
            .collect();
        let place = |name: &str| {
            columns
                .iter()
                .position(|column| column.logical_name == name)
        };
        let mut navigations: HashMap<String, Navigation> = HashMap::new();
        for (index, column) in table.columns.iter().enumerate() {
            let ColumnType::Lookup(targets) = &column.column_type else {
                continue;
            };
            for target in targets {
                let navigation =
                    navigations
                        .entry(target.navigation.clone())
                        .or_insert_with(|| Navigation {
                            column: index,
                            targets: Vec::new(),
                        });
                navigation.targets.push(target.table.clone());
            }
        }
        Table {
            logical_name: table.logical_name.clone(),
            entity_set: set.to_owned(),
            primary_id: primary_id.to_owned(),
            primary_name: PRIMARY_NAMES.iter().find_map(|name| place(name)),
            by_wire_name: columns
                .iter()
                .enumerate()
                .map(|(index, column)| (column.wire_name.clone(), index))
                .collect(),
            inherited: inherited(model, table, &navigations),
            navigations,
            collections: table
                .navigations
                .iter()
                .filter_map(|navigation| {
                    Some((
                        navigation.name.clone(),
                        collection(model, table, navigation)?,
                    ))
                })
                .collect(),
            alternate_keys: table
                .alternate_keys
                .iter()
                .filter_map(|key| {
                    let place = |name: &String| columns.iter().position(|c| c.wire_name == *name);
                    key.columns.iter().map(place).collect()
                })
                .collect(),
            has_optimistic_concurrency: true,
            states: States::default(),
            duplicate_rules: Vec::new(),
            is_intersect: false,
            partition: None,
            parent: parent(&table.logical_name, &columns),
            columns,
        }
    }

    /// The navigation property to one row that is read by this name.
    pub(crate) fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigations
            .get(name)
            .or_else(|| self.inherited.get(name))
    }

    /// The column with this name on the wire, and its place.
    pub(crate) fn column(&self, wire_name: &str) -> Option<(usize, &Column)> {
        let index = *self.by_wire_name.get(wire_name)?;
        Some((index, &self.columns[index]))
    }

    /// The column with this logical name, and its place.
    pub(crate) fn column_named(&self, logical_name: &str) -> Option<(usize, &Column)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find(|(_, column)| column.logical_name == logical_name)
    }

    pub(crate) fn is_elastic(&self) -> bool {
        self.partition.is_some()
    }

    /// Of an elastic table, the column that holds the partition, and its place.
    pub(crate) fn partition(&self) -> Option<(usize, &Column)> {
        let place = self.partition?;
        Some((place, &self.columns[place]))
    }

    /// The stored column that holds a column: users and teams inherit their key, `ownerid`, which
    /// is the same as their own.
    pub(crate) fn stored<'t>(&'t self, column: &'t Column) -> &'t str {
        if column.wire_name == "ownerid" {
            &self.primary_id
        } else {
            &column.logical_name
        }
    }

    /// The lookup to the row above, if the table is hierarchical.
    pub(crate) fn parent(&self) -> Option<&Column> {
        self.parent.map(|place| &self.columns[place])
    }

    /// The place of the primary key.
    pub(crate) fn primary_id_place(&self) -> usize {
        self.by_wire_name
            .get(&self.primary_id)
            .copied()
            .unwrap_or_default()
    }
}

/// The lookup of a hierarchy, which a document does not tell: `parentaccountid` of an account, else
/// the only lookup to the table itself that is named after a parent.
fn parent(table: &str, columns: &[Column]) -> Option<usize> {
    let leads_here = |column: &Column| {
        column.logical_name.contains("parent")
            && matches!(&column.kind, Kind::Lookup(targets) if *targets == [table])
    };
    let mut own = columns.iter().enumerate();
    let usual = format!("parent{table}id");
    let named = own.find(|(_, column)| column.logical_name == usual && leads_here(column));
    let mut others = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| leads_here(column));
    match (named, others.next(), others.next()) {
        (Some((place, _)), ..) | (None, Some((place, _)), None) => Some(place),
        _ => None,
    }
}

/// Single-valued navigation properties of lookups that are not those that lookups are written
/// through.
fn inherited(
    model: &Model,
    table: &dataverse_codegen::model::Table,
    navigations: &HashMap<String, Navigation>,
) -> HashMap<String, Navigation> {
    let others = table.navigations.iter().filter(|navigation| {
        !navigation.is_collection && !navigations.contains_key(&navigation.name)
    });
    others
        .filter_map(|navigation| {
            let lookup = navigation.lookup.as_ref()?;
            let mut columns = table.columns.iter();
            let column = columns.position(|column| column.logical_name == *lookup)?;
            let target = model.tables.get(&navigation.target)?;
            let targets = match &table.columns[column].column_type {
                _ if target.entity_set.is_some() => vec![navigation.target.clone()],
                ColumnType::Lookup(targets) => targets
                    .iter()
                    .filter(|target| target.through.as_ref() == Some(&navigation.target))
                    .map(|target| target.table.clone())
                    .collect(),
                _ => return None,
            };
            Some((navigation.name.clone(), Navigation { column, targets }))
        })
        .collect()
}

/// The rows behind a navigation property; None if it leads to one row, or to rows that the document
/// does not have or does not join.
fn collection(
    model: &Model,
    table: &dataverse_codegen::model::Table,
    navigation: &dataverse_codegen::model::Navigation,
) -> Option<Collection> {
    if !navigation.is_collection {
        return None;
    }
    let target = model.tables.get(&navigation.target)?;
    let partner = navigation.partner.as_ref()?;
    let back = target.navigations.iter().find(|back| back.name == *partner);
    let way = match back.and_then(|back| back.lookup.as_ref()) {
        Some(lookup) => {
            let mut columns = target.columns.iter();
            Way::OneToMany(columns.position(|column| column.logical_name == *lookup)?)
        }
        // One-to-many relationships of other kinds are not joined.
        None if back.is_some_and(|back| !back.is_collection) => return None,
        None => Way::ManyToMany(intersect(model, table, target, navigation)?),
    };
    target.entity_set.as_ref()?;
    Some(Collection {
        target: target.logical_name.clone(),
        way,
    })
}

/// The table of a many-to-many relationship, which a document often names like the relationship.
fn intersect(
    model: &Model,
    table: &dataverse_codegen::model::Table,
    target: &dataverse_codegen::model::Table,
    navigation: &dataverse_codegen::model::Navigation,
) -> Option<Intersect> {
    let (near, far) = (table.primary_id.as_ref()?, target.primary_id.as_ref()?);
    let is_self = table.logical_name == target.logical_name;
    let name = navigation.name.trim_end_matches("_referenced");
    let has = |table: &&dataverse_codegen::model::Table| {
        let has = |id: &String| table.columns.iter().any(|column| column.wire_name == *id);
        table.entity_set.is_some() && has(near) && has(far)
    };
    let lower = name.to_lowercase();
    let named = [name.trim_end_matches("_association"), name, &lower];
    let mut named = named.iter().filter_map(|name| model.tables.get(*name));
    if let Some(found) = named.find(has).filter(|_| !is_self) {
        return Some(Intersect {
            table: found.logical_name.clone(),
            near: near.clone(),
            far: far.clone(),
        });
    }
    let is_first = if is_self {
        name == navigation.name
    } else {
        table.logical_name < target.logical_name
    };
    let (near, far) = if is_first {
        ("one", "two")
    } else {
        ("two", "one")
    };
    Some(Intersect {
        table: format!("@{name}"),
        near: near.to_owned(),
        far: far.to_owned(),
    })
}

fn kind(column: &dataverse_codegen::model::Column) -> Kind {
    let is_lookup = column.wire_name != column.logical_name;
    match &column.column_type {
        ColumnType::Text => Kind::Text,
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::Int => Kind::Int,
        ColumnType::BigInt => Kind::BigInt,
        ColumnType::Double => Kind::Double,
        ColumnType::Decimal => Kind::Decimal,
        ColumnType::Guid if is_lookup => Kind::Lookup(Vec::new()),
        ColumnType::Guid | ColumnType::PrimaryId => Kind::Guid,
        ColumnType::DateTime => Kind::DateTime,
        ColumnType::Date => Kind::Date,
        ColumnType::Binary => Kind::Binary,
        ColumnType::Lookup(targets) => {
            Kind::Lookup(targets.iter().map(|target| target.table.clone()).collect())
        }
        ColumnType::Structured(of) if !of.is_collection && is_managed(&of.item) => {
            Kind::Managed(column.logical_name.clone())
        }
        // `Other`, and what later versions of the model add.
        _ => Kind::Other,
    }
}

fn is_managed(item: &ItemType) -> bool {
    matches!(item, ItemType::Complex(name) if name.rsplit('.').next() == Some(managed::TYPE))
}
