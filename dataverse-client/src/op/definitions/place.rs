//! Where definitions are: `EntityDefinitions(LogicalName='account')/Attributes`.

use std::fmt::Write;

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::odata::url::encode;

/// What identifies a definition: its name, or its `MetadataId`.
///
/// The name is the logical name of a table, column or key, the schema name of a relationship, or
/// the name of a global choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionKey(Key);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Name(String),
    Id(Uuid),
}

impl From<&str> for DefinitionKey {
    fn from(name: &str) -> Self {
        DefinitionKey(Key::Name(name.to_owned()))
    }
}

impl From<&String> for DefinitionKey {
    fn from(name: &String) -> Self {
        DefinitionKey(Key::Name(name.clone()))
    }
}

impl From<String> for DefinitionKey {
    fn from(name: String) -> Self {
        DefinitionKey(Key::Name(name))
    }
}

impl From<Uuid> for DefinitionKey {
    fn from(id: Uuid) -> Self {
        DefinitionKey(Key::Id(id))
    }
}

/// Where a definition is, or a collection of them.
///
/// ```
/// use dataverse_client::definitions::DefinitionPath;
///
/// let column = DefinitionPath::column("account", "name");
/// let columns = DefinitionPath::columns("account");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionPath(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    name: &'static str,
    /// What a name of its members is called in keys.
    named_by: &'static str,
    key: Option<DefinitionKey>,
}

const TABLES: Segment = Segment::of("EntityDefinitions", "LogicalName");
const COLUMNS: Segment = Segment::of("Attributes", "LogicalName");
const KEYS: Segment = Segment::of("Keys", "LogicalName");
const RELATIONSHIPS: Segment = Segment::of("RelationshipDefinitions", "SchemaName");
const CHOICES: Segment = Segment::of("GlobalOptionSetDefinitions", "Name");

impl Segment {
    const fn of(name: &'static str, named_by: &'static str) -> Self {
        Segment {
            name,
            named_by,
            key: None,
        }
    }

    fn at(mut self, key: impl Into<DefinitionKey>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl DefinitionPath {
    /// All tables.
    pub fn tables() -> Self {
        DefinitionPath(vec![TABLES])
    }

    /// A table.
    pub fn table(table: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![TABLES.at(table)])
    }

    /// The columns of a table.
    pub fn columns(table: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![TABLES.at(table), COLUMNS])
    }

    /// A column.
    pub fn column(table: impl Into<DefinitionKey>, column: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![TABLES.at(table), COLUMNS.at(column)])
    }

    /// The alternate keys of a table.
    pub fn keys(table: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![TABLES.at(table), KEYS])
    }

    /// An alternate key.
    pub fn key(table: impl Into<DefinitionKey>, key: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![TABLES.at(table), KEYS.at(key)])
    }

    /// All relationships.
    pub fn relationships() -> Self {
        DefinitionPath(vec![RELATIONSHIPS])
    }

    /// A relationship, by its schema name or id.
    pub fn relationship(relationship: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![RELATIONSHIPS.at(relationship)])
    }

    /// Relationships in which a table is the one.
    pub fn one_to_many(table: impl Into<DefinitionKey>) -> Self {
        let segment = Segment::of("OneToManyRelationships", "SchemaName");
        DefinitionPath(vec![TABLES.at(table), segment])
    }

    /// Relationships in which a table is the many.
    pub fn many_to_one(table: impl Into<DefinitionKey>) -> Self {
        let segment = Segment::of("ManyToOneRelationships", "SchemaName");
        DefinitionPath(vec![TABLES.at(table), segment])
    }

    /// Relationships of many rows of a table to many.
    pub fn many_to_many(table: impl Into<DefinitionKey>) -> Self {
        let segment = Segment::of("ManyToManyRelationships", "SchemaName");
        DefinitionPath(vec![TABLES.at(table), segment])
    }

    /// All global choices.
    pub fn choices() -> Self {
        DefinitionPath(vec![CHOICES])
    }

    /// A global choice, by its name or id.
    pub fn choice(choice: impl Into<DefinitionKey>) -> Self {
        DefinitionPath(vec![CHOICES.at(choice)])
    }

    /// Whether it is one definition, and not a collection.
    pub(super) fn is_one(&self) -> bool {
        self.0.last().is_some_and(|segment| segment.key.is_some())
    }

    /// The path below the service root, percent-encoded.
    pub(super) fn path(&self) -> Result<String> {
        let mut path = String::new();
        for segment in &self.0 {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(segment.name);
            match &segment.key {
                None => {}
                // Writing to a String does not fail.
                Some(DefinitionKey(Key::Id(id))) => drop(write!(path, "({id})")),
                Some(DefinitionKey(Key::Name(name))) => {
                    check_name(name)?;
                    path.push('(');
                    path.push_str(segment.named_by);
                    path.push_str("='");
                    encode(name, &mut path);
                    path.push_str("')");
                }
            }
        }
        Ok(path)
    }
}

/// Names of definitions are identifiers; what is none would be read as another request.
fn check_name(name: &str) -> Result<()> {
    let is_bad = |char: char| !(char.is_alphanumeric() || matches!(char, '_' | '.' | '-'));
    match name.chars().find(|char| is_bad(*char)) {
        None if !name.is_empty() => Ok(()),
        None => Err(Error::input("the name of a definition is empty")),
        Some(bad) => Err(Error::input(format!(
            "`{name}` holds `{bad}` and is no name of a definition; give a logical name like \
             `new_bankaccount`"
        ))),
    }
}
