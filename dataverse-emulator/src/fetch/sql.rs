//! FetchXML to SQL: tables, joins, conditions.

use super::query::{Condition as Asked, Entity, Link, LinkType, Part};
use super::xml::malformed;
use crate::catalog::{Kind, Table};
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::managed;
use crate::names::SqlColumn;
use crate::operator;
use crate::path::Bounds;
use crate::security::Right;
use crate::service::Call;
use crate::store::quoted;

/// How many conditions a query may hold.
const MAX_CONDITIONS: usize = 500;

/// How many values they may hold: SQLite takes twice as many, and large tables are asked for each
/// twice.
const MAX_VALUES: usize = 16_000;

/// The tables of a query and how they are joined.
pub(crate) struct Tables<'c, 'f> {
    pub(crate) call: &'c Call<'c>,
    pub(crate) sources: Vec<Source<'c, 'f>>,
    /// The tables, and values in their conditions.
    pub(crate) from: Condition,
    /// What the joined rows must hold.
    pub(crate) condition: Condition,
    /// Whether a row of the first table can come more than once.
    pub(crate) repeats_rows: bool,
    count: usize,
    conditions: usize,
    values: usize,
}

/// A table that columns are read from.
pub(crate) struct Source<'c, 'f> {
    /// In SQL.
    pub(crate) alias: String,
    /// In the document; empty for the first table.
    pub(crate) name: String,
    pub(crate) table: &'c Table,
    pub(crate) entity: &'f Entity,
}

impl<'c, 'f> Tables<'c, 'f> {
    /// Joins the tables of `entity`, whose table is `table`.
    pub(crate) fn new(call: &'c Call<'c>, table: &'c Table, entity: &'f Entity) -> Result<Self> {
        call.require(table, Right::Read)?;
        call.store.make(table)?;
        let mut tables = Tables {
            call,
            sources: vec![Source {
                alias: "t".to_owned(),
                name: String::new(),
                table,
                entity,
            }],
            from: Condition {
                sql: format!("{} t", quoted(&table.logical_name)),
                values: Vec::new(),
            },
            condition: Condition::default(),
            repeats_rows: false,
            count: 0,
            conditions: 0,
            values: 0,
        };
        let (mut from, mut condition) = (tables.from.clone(), Condition::default());
        tables.links(0, &entity.links, &mut from, &mut condition)?;
        condition.and(tables.filters(0, &entity.filters)?);
        (tables.from, tables.condition) = (from, condition);
        Ok(tables)
    }

    /// The place of a table by its name in the document; the first one without a name.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<usize> {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(0);
        };
        let mut sources = self.sources.iter();
        sources
            .rposition(|source| source.name == name)
            .ok_or_else(|| {
                Fault::invalid_argument(format!(
                    "LinkEntity with name or alias {name} not found in the query."
                ))
            })
    }

    /// A column by its logical name.
    pub(crate) fn column(&self, at: usize, name: &str) -> Result<SqlColumn<'c>> {
        let source = &self.sources[at];
        column(&source.alias, source.table, name)
    }

    /// The column that an aggregate query groups by under an alias; None for what is computed.
    pub(crate) fn grouped(&self, alias: &str) -> Result<Option<SqlColumn<'c>>> {
        for (at, source) in self.sources.iter().enumerate() {
            let mut attributes = source.entity.attributes.iter();
            let found = attributes.find(|attribute| {
                attribute.alias.as_deref() == Some(alias)
                    && attribute.aggregate.is_none()
                    && attribute.date_grouping.is_none()
            });
            if let Some(attribute) = found {
                return self.column(at, &attribute.name).map(Some);
            }
        }
        Ok(None)
    }

    /// Joins what hangs on the table at `parent`.
    fn links(
        &mut self,
        parent: usize,
        links: &'f [Link],
        from: &mut Condition,
        condition: &mut Condition,
    ) -> Result<()> {
        for link in links {
            let to = self.column(parent, &link.to)?;
            match link.link_type {
                LinkType::Inner | LinkType::Outer | LinkType::FirstRow => {
                    self.join(link, &to, from)?;
                }
                _ => {
                    let held = self.holds(link, &to)?;
                    condition.and(held);
                }
            }
        }
        Ok(())
    }

    fn join(&mut self, link: &'f Link, to: &SqlColumn<'c>, from: &mut Condition) -> Result<()> {
        let at = self.add(link)?;
        let on = self.column(at, &link.from)?;
        let source = &self.sources[at];
        let (alias, table) = (source.alias.clone(), source.table);
        let is_unique = on.place == table.primary_id_place();
        let joined = format!("{} {alias}", quoted(&table.logical_name));
        let mut own = Condition::default();
        // Links that only serve a condition hang on this table.
        let mut behind = Condition::default();
        let mut held = Condition {
            sql: format!("{} = {}", on.sql, to.sql),
            values: Vec::new(),
        };
        own.and(self.filters(at, &link.entity.filters)?);
        let (joins, conditions): (Vec<_>, Vec<_>) = link.entity.links.iter().partition(|link| {
            matches!(
                link.link_type,
                LinkType::Inner | LinkType::Outer | LinkType::FirstRow
            )
        });
        for link in conditions {
            let to = self.column(at, &link.to)?;
            own.and(self.holds(link, &to)?);
        }
        for link in joins {
            let to = self.column(at, &link.to)?;
            self.join(link, &to, &mut behind)?;
        }
        held.and(own);
        match link.link_type {
            LinkType::FirstRow => {
                let id = quoted(&table.primary_id);
                from.sql.push_str(&format!(
                    " LEFT JOIN {joined} ON {alias}.{id} = (SELECT {alias}.{id} FROM {joined} \
                     WHERE {} LIMIT 1)",
                    held.sql
                ));
            }
            link_type => {
                let join = if link_type == LinkType::Outer {
                    "LEFT JOIN"
                } else {
                    "JOIN"
                };
                from.sql
                    .push_str(&format!(" {join} {joined} ON {}", held.sql));
                self.repeats_rows |= !is_unique;
            }
        }
        from.values.extend(held.values);
        from.sql.push_str(&behind.sql);
        from.values.extend(behind.values);
        Ok(())
    }

    /// Whether there are rows that a link leads to.
    fn holds(&mut self, link: &'f Link, to: &SqlColumn<'c>) -> Result<Condition> {
        let at = self.add(link)?;
        let on = self.column(at, &link.from)?;
        let alias = self.sources[at].alias.clone();
        let mut from = Condition {
            sql: format!("{} {alias}", quoted(&self.sources[at].table.logical_name)),
            values: Vec::new(),
        };
        let mut own = Condition::default();
        let repeats = self.repeats_rows;
        self.links(at, &link.entity.links, &mut from, &mut own)?;
        self.repeats_rows = repeats;
        own.and(self.filters(at, &link.entity.filters)?);
        // What a condition reads is not seen outside.
        self.sources.truncate(at);
        let is_related = format!("{} = {}", on.sql, to.sql);
        let exists = |filter: &Condition| {
            let mut held = Condition {
                sql: is_related.clone(),
                values: Vec::new(),
            };
            held.and(filter.clone());
            Condition {
                sql: format!("EXISTS (SELECT 1 FROM {} WHERE {})", from.sql, held.sql),
                values: [from.values.clone(), held.values].concat(),
            }
        };
        let not = |condition: Condition| Condition {
            sql: format!("NOT {}", condition.sql),
            values: condition.values,
        };
        Ok(match link.link_type {
            LinkType::In => Condition {
                sql: format!(
                    "{} IN (SELECT {} FROM {}{})",
                    to.sql,
                    on.sql,
                    from.sql,
                    own.clause()
                ),
                values: [from.values, own.values].concat(),
            },
            // Rows that are related, none of which satisfies the filter: so the service has it.
            LinkType::All => {
                let mut all = exists(&Condition::default());
                all.and(not(exists(&own)));
                all
            }
            LinkType::NotAny => not(exists(&own)),
            _ => exists(&own),
        })
    }

    /// Adds the table of a link.
    fn add(&mut self, link: &'f Link) -> Result<usize> {
        let table = self
            .call
            .catalog
            .by_name(&link.entity.name)
            .ok_or_else(|| Fault::unknown_entity(&link.entity.name))?;
        if self.sources.iter().any(|source| source.name == link.alias) {
            return Err(Fault::invalid_argument(format!(
                "Link entity with name or alias {} already exists.",
                link.alias
            )));
        }
        self.call.require(table, Right::Read)?;
        self.call.store.make(table)?;
        if let Some((place, column)) = table.column_named(&link.from)
            && matches!(column.kind, Kind::Guid | Kind::Lookup(_))
            && place != table.primary_id_place()
        {
            self.call.store.index("lookup", table, &[column])?;
        }
        self.count += 1;
        self.sources.push(Source {
            alias: format!("l{}", self.count),
            name: link.alias.clone(),
            table,
            entity: &link.entity,
        });
        Ok(self.sources.len() - 1)
    }

    /// Parts that must all hold.
    fn filters(&mut self, at: usize, parts: &'f [Part]) -> Result<Condition> {
        let mut all = Condition::default();
        for part in parts {
            all.and(self.part(at, part)?);
        }
        Ok(all)
    }

    fn part(&mut self, at: usize, part: &'f Part) -> Result<Condition> {
        match part {
            Part::Condition(asked) => {
                self.conditions += 1;
                self.values += asked.values.len();
                if self.conditions > MAX_CONDITIONS || self.values > MAX_VALUES {
                    return Err(Fault::too_many_conditions());
                }
                self.condition(at, asked)
            }
            Part::Link(link) => {
                let to = self.column(at, &link.to)?;
                self.holds(link, &to)
            }
            Part::Filter { is_or, parts } => {
                let mut sql = Vec::new();
                let mut values = Vec::new();
                for part in parts {
                    let held = self.part(at, part)?;
                    if !held.sql.is_empty() {
                        sql.push(held.sql);
                        values.extend(held.values);
                    }
                }
                let joined = sql.join(if *is_or { ") OR (" } else { ") AND (" });
                Ok(match sql.is_empty() {
                    true => Condition::default(),
                    false => Condition {
                        sql: format!("(({joined}))"),
                        values,
                    },
                })
            }
        }
    }

    /// What of the conditions on the first table an index can answer.
    pub(crate) fn bounds(&self) -> Result<Bounds> {
        self.bounds_of(&self.sources[0].entity.filters, false)
    }

    /// Whether a joined table may be the one to begin with.
    pub(crate) fn others_lead(&self) -> bool {
        let mut links = self.sources[0].entity.links.iter();
        links.any(|link| link.link_type == LinkType::Inner)
    }

    fn bounds_of(&self, parts: &[Part], is_or: bool) -> Result<Bounds> {
        let mut alternatives = Vec::new();
        let mut all = Bounds::default();
        for part in parts {
            let mut bounds = Bounds::default();
            match part {
                Part::Filter { is_or, parts } => bounds = self.bounds_of(parts, *is_or)?,
                Part::Condition(asked) if asked.entity.is_none() && asked.value_of.is_none() => {
                    if operator::is_bound(&asked.operator) {
                        let column = self.column(0, &asked.attribute)?;
                        bounds.add(&column, &self.condition(0, asked)?);
                    }
                }
                Part::Condition(_) | Part::Link(_) => {}
            }
            match is_or {
                true => alternatives.push(bounds),
                false => all.extend(bounds),
            }
        }
        Ok(match is_or {
            true => Bounds::either(alternatives),
            false => all,
        })
    }

    fn condition(&self, at: usize, asked: &Asked) -> Result<Condition> {
        let at = match &asked.entity {
            Some(name) => self.find(Some(name))?,
            None => at,
        };
        let mut column = self.column(at, &asked.attribute)?;
        if let Some(value) = managed::member(column.clone(), "Value") {
            column = value;
        }
        let Some(value_of) = &asked.value_of else {
            return operator::condition(&asked.operator, &column, &asked.values, self.call);
        };
        let (at, name) = match value_of.split_once('.') {
            Some((table, name)) => (self.find(Some(table))?, name),
            None => (at, value_of.as_str()),
        };
        let other = self.column(at, name)?;
        let comparison = match asked.operator.as_str() {
            "eq" => "=",
            "ne" | "neq" => "<>",
            "gt" => ">",
            "ge" => ">=",
            "lt" => "<",
            "le" => "<=",
            operator => {
                return Err(malformed(&format!(
                    "the operator '{operator}' does not compare columns with valueof"
                )));
            }
        };
        if std::mem::discriminant(column.kind) != std::mem::discriminant(other.kind) {
            return Err(Fault::invalid_argument(format!(
                "The columns '{}' and '{}' are of different types.",
                column.logical_name, other.logical_name
            )));
        }
        Ok(Condition {
            sql: format!("{} {comparison} {}", column.sql, other.sql),
            values: Vec::new(),
        })
    }
}

/// A column by its logical name.
pub(crate) fn column<'c>(alias: &str, table: &'c Table, name: &str) -> Result<SqlColumn<'c>> {
    let (place, _) = table
        .column_named(name)
        .ok_or_else(|| Fault::unknown_attribute(&table.logical_name, name))?;
    SqlColumn::new(alias, table, place)
}
