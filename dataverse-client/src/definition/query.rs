//! Which definitions, and what of them: `EntityQueryExpression`.

use serde_json::{Map, Value, json};

/// Which tables, columns, relationships and keys are wanted, and which of their properties.
///
/// ```
/// use dataverse_client::definitions::{MetadataFilter, MetadataQuery};
///
/// let query = MetadataQuery::new()
///     .tables(MetadataFilter::is_in("LogicalName", ["account", "contact"]))
///     .table_properties(["EntitySetName"])
///     .column_properties(["AttributeTypeName", "DisplayName"])
///     .languages([1033]);
/// ```
///
/// Without properties only names and ids come. What has conditions or properties of its own is
/// asked for: columns with [`columns`](Self::columns) or [`column_properties`](Self::column_properties).
/// Source: Microsoft Learn, "Query schema definitions".
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct MetadataQuery {
    tables: Part,
    columns: Part,
    relationships: Part,
    keys: Part,
    languages: Vec<i32>,
}

/// Conditions and properties of one kind of definition.
#[derive(Debug, Clone, Default, PartialEq)]
struct Part {
    filter: Option<MetadataFilter>,
    properties: Option<Properties>,
}

#[derive(Debug, Clone, PartialEq)]
enum Properties {
    All,
    Named(Vec<String>),
}

/// A condition on definitions.
///
/// ```
/// use dataverse_client::definitions::MetadataFilter;
///
/// let filter = MetadataFilter::equals("IsCustomEntity", true)
///     .and(MetadataFilter::not_equals("LogicalName", "new_bankaccount"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct MetadataFilter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Condition {
        property: String,
        operator: &'static str,
        value: MetadataValue,
    },
    Group {
        operator: &'static str,
        members: Vec<MetadataFilter>,
    },
}

/// A value with the name of its .NET type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataValue {
    type_name: String,
    value: String,
}

impl MetadataValue {
    /// A value of another type than text, number and truth:
    /// `Microsoft.Xrm.Sdk.Metadata.AttributeTypeCode`, `Picklist`.
    pub fn typed(type_name: impl Into<String>, value: impl Into<String>) -> Self {
        MetadataValue {
            type_name: type_name.into(),
            value: value.into(),
        }
    }
}

impl From<&str> for MetadataValue {
    fn from(text: &str) -> Self {
        MetadataValue::typed("System.String", text)
    }
}

impl From<String> for MetadataValue {
    fn from(text: String) -> Self {
        MetadataValue::typed("System.String", text)
    }
}

impl From<bool> for MetadataValue {
    fn from(value: bool) -> Self {
        MetadataValue::typed("System.Boolean", value.to_string())
    }
}

impl From<i32> for MetadataValue {
    fn from(number: i32) -> Self {
        MetadataValue::typed("System.Int32", number.to_string())
    }
}

impl MetadataFilter {
    /// The property has this value.
    pub fn equals(property: impl Into<String>, value: impl Into<MetadataValue>) -> Self {
        MetadataFilter::condition(property, "Equals", value.into())
    }

    /// The property has another value.
    pub fn not_equals(property: impl Into<String>, value: impl Into<MetadataValue>) -> Self {
        MetadataFilter::condition(property, "NotEquals", value.into())
    }

    /// The property is greater.
    pub fn greater_than(property: impl Into<String>, value: impl Into<MetadataValue>) -> Self {
        MetadataFilter::condition(property, "GreaterThan", value.into())
    }

    /// The property is smaller.
    pub fn less_than(property: impl Into<String>, value: impl Into<MetadataValue>) -> Self {
        MetadataFilter::condition(property, "LessThan", value.into())
    }

    /// The property is one of these texts.
    pub fn is_in<T: AsRef<str>>(
        property: impl Into<String>,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        MetadataFilter::condition(property, "In", list(texts))
    }

    /// The property is none of these texts.
    pub fn not_in<T: AsRef<str>>(
        property: impl Into<String>,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        MetadataFilter::condition(property, "NotIn", list(texts))
    }

    /// Both.
    pub fn and(self, other: MetadataFilter) -> Self {
        self.joined("And", other)
    }

    /// At least one of them.
    pub fn or(self, other: MetadataFilter) -> Self {
        self.joined("Or", other)
    }

    fn condition(
        property: impl Into<String>,
        operator: &'static str,
        value: MetadataValue,
    ) -> Self {
        MetadataFilter(Node::Condition {
            property: property.into(),
            operator,
            value,
        })
    }

    fn joined(self, with: &'static str, other: MetadataFilter) -> Self {
        match self.0 {
            Node::Group {
                operator,
                mut members,
            } if operator == with => {
                members.push(other);
                MetadataFilter(Node::Group { operator, members })
            }
            node => MetadataFilter(Node::Group {
                operator: with,
                members: vec![MetadataFilter(node), other],
            }),
        }
    }

    /// `MetadataFilterExpression`: conditions, and groups of their own operator.
    fn to_json(&self) -> Value {
        let (operator, members) = match &self.0 {
            Node::Group { operator, members } => (*operator, &members[..]),
            Node::Condition { .. } => ("And", std::slice::from_ref(self)),
        };
        let (mut conditions, mut filters) = (Vec::new(), Vec::new());
        for member in members {
            match &member.0 {
                Node::Condition {
                    property,
                    operator,
                    value,
                } => conditions.push(json!({
                    "PropertyName": property,
                    "ConditionOperator": operator,
                    "Value": { "Type": value.type_name, "Value": value.value },
                })),
                Node::Group { .. } => filters.push(member.to_json()),
            }
        }
        let mut json = json!({ "FilterOperator": operator, "Conditions": conditions });
        if !filters.is_empty() {
            json["Filters"] = filters.into();
        }
        json
    }
}

/// `['account','contact']`.
fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> MetadataValue {
    let quoted = texts
        .into_iter()
        .map(|text| format!("'{}'", text.as_ref().replace('\'', "''")));
    let quoted: Vec<String> = quoted.collect();
    MetadataValue::typed("System.String[]", format!("[{}]", quoted.join(",")))
}

impl MetadataQuery {
    /// Names and ids of all tables.
    pub fn new() -> Self {
        MetadataQuery::default()
    }

    /// Only tables that meet `filter`.
    pub fn tables(mut self, filter: MetadataFilter) -> Self {
        self.tables.filter = Some(filter);
        self
    }

    /// With these properties of tables.
    pub fn table_properties<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.with(|query| &mut query.tables, names)
    }

    /// With all properties of tables.
    pub fn all_table_properties(mut self) -> Self {
        self.tables.properties = Some(Properties::All);
        self
    }

    /// With columns that meet `filter`.
    pub fn columns(mut self, filter: MetadataFilter) -> Self {
        self.columns.filter = Some(filter);
        self
    }

    /// With these properties of columns.
    pub fn column_properties<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.with(|query| &mut query.columns, names)
    }

    /// With all properties of columns.
    pub fn all_column_properties(mut self) -> Self {
        self.columns.properties = Some(Properties::All);
        self
    }

    /// With relationships that meet `filter`.
    pub fn relationships(mut self, filter: MetadataFilter) -> Self {
        self.relationships.filter = Some(filter);
        self
    }

    /// With these properties of relationships.
    pub fn relationship_properties<T: Into<String>>(
        self,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.with(|query| &mut query.relationships, names)
    }

    /// With these properties of alternate keys.
    pub fn key_properties<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.with(|query| &mut query.keys, names)
    }

    /// Labels only in these languages, as locale ids; otherwise in all that the org has.
    pub fn languages(mut self, language_codes: impl IntoIterator<Item = i32>) -> Self {
        self.languages.extend(language_codes);
        self
    }

    fn with<T: Into<String>>(
        mut self,
        part: impl FnOnce(&mut Self) -> &mut Part,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        let names = names.into_iter().map(Into::into);
        let properties = &mut part(&mut self).properties;
        match properties {
            Some(Properties::Named(known)) => known.extend(names),
            Some(Properties::All) => {}
            None => *properties = Some(Properties::Named(names.collect())),
        }
        self
    }

    /// The expression that the service reads.
    pub(crate) fn to_json(&self) -> Value {
        let mut json = Map::new();
        let mut tables = self.tables.clone();
        for (part, properties) in [
            (&self.columns, &["Attributes"][..]),
            (
                &self.relationships,
                &[
                    "OneToManyRelationships",
                    "ManyToOneRelationships",
                    "ManyToManyRelationships",
                ],
            ),
            (&self.keys, &["Keys"]),
        ] {
            // The service refuses a query for columns of tables whose columns are not wanted.
            if *part != Part::default() {
                tables.want(properties);
            }
        }
        tables.put(&mut json);
        for (name, part) in [
            ("AttributeQuery", &self.columns),
            ("RelationshipQuery", &self.relationships),
            ("KeyQuery", &self.keys),
        ] {
            if *part != Part::default() {
                let mut members = Map::new();
                part.put(&mut members);
                json.insert(name.to_owned(), Value::Object(members));
            }
        }
        if !self.languages.is_empty() {
            let languages = json!({ "FilterLanguages": self.languages });
            json.insert("LabelQuery".to_owned(), languages);
        }
        Value::Object(json)
    }
}

impl Part {
    /// Adds properties, unless they are wanted already, or one of them is: then that is enough.
    fn want(&mut self, names: &[&str]) {
        let wanted = self
            .properties
            .get_or_insert_with(|| Properties::Named(Vec::new()));
        if let Properties::Named(wanted) = wanted
            && !wanted.iter().any(|known| names.contains(&known.as_str()))
        {
            wanted.extend(names.iter().map(|name| (*name).to_owned()));
        }
    }

    fn put(&self, json: &mut Map<String, Value>) {
        if let Some(filter) = &self.filter {
            json.insert("Criteria".to_owned(), filter.to_json());
        }
        let properties = match &self.properties {
            Some(Properties::All) => json!({ "AllProperties": true }),
            Some(Properties::Named(names)) => {
                json!({ "AllProperties": false, "PropertyNames": names })
            }
            None => return,
        };
        json.insert("Properties".to_owned(), properties);
    }
}
