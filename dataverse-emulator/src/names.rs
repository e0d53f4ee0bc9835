//! Names in `$filter`, `$orderby` and `$apply`: columns, paths through lookups, variables of lambdas.

use crate::catalog::{Catalog, Column, Kind, Table};
use crate::fault::{Fault, Result};
use crate::managed;
use crate::relation::Relation;
use crate::security::{Access, Right};
use crate::service::Call;
use crate::store::{Store, is_polymorphic, quoted, target_column, text_sql};

/// The type of users and teams.
const PRINCIPAL: &str = "principal";
/// Tables that a query may join.
const MAX_JOINS: usize = 15;

/// Names in scope, and the joins that paths need.
pub(crate) struct Names<'c> {
    pub(crate) call: &'c Call<'c>,
    catalog: &'c Catalog,
    store: &'c Store,
    access: Option<&'c Access>,
    /// Options of the URL: those that begin with `@` stand for values. None where they may not.
    parameters: Option<&'c [(String, String)]>,
    /// Paths of the columns that were named.
    pub(crate) read: Vec<String>,
    /// The table that is asked for, then those of lambdas that are open.
    scopes: Vec<Scope<'c>>,
    count: usize,
}

/// A table whose columns have names.
struct Scope<'c> {
    /// Empty for the table that is asked for.
    variable: String,
    alias: String,
    table: &'c Table,
    /// Path of navigation properties, alias, table.
    joins: Vec<(String, String, &'c Table)>,
    from: String,
}

/// A column as SQL.
#[derive(Debug, Clone)]
pub(crate) struct SqlColumn<'c> {
    pub(crate) sql: String,
    pub(crate) kind: &'c Kind,
    pub(crate) logical_name: &'c str,
    pub(crate) table: &'c Table,
    /// Place in the table.
    pub(crate) place: usize,
}

impl<'c> SqlColumn<'c> {
    /// The column at a place of the table `alias`.
    pub(crate) fn new(alias: &str, table: &'c Table, place: usize) -> Result<Self> {
        let column = &table.columns[place];
        if column.kind == Kind::Other {
            return Err(Fault::not_supported(format!(
                "the type of column `{}`",
                column.wire_name
            )));
        }
        Ok(SqlColumn {
            sql: format!("{alias}.{}", quoted(table.stored(column))),
            kind: &column.kind,
            logical_name: &column.logical_name,
            table,
            place,
        })
    }

    /// Whether it is one of the table that is asked for, which every query calls `t`.
    pub(crate) fn is_of_root(&self) -> bool {
        self.sql.starts_with("t.")
    }
}

impl<'c> Names<'c> {
    pub(crate) fn new(
        call: &'c Call<'_>,
        table: &'c Table,
        parameters: Option<&'c [(String, String)]>,
    ) -> Self {
        Names {
            call,
            catalog: call.catalog,
            store: call.store,
            access: call.access.as_ref(),
            parameters,
            read: Vec::new(),
            scopes: vec![Scope::new("", "t", table)],
            count: 0,
        }
    }

    /// The table that is asked for, and what paths of it join.
    pub(crate) fn from(&self) -> &str {
        self.scopes.first().map_or("", |scope| &scope.from)
    }

    /// The text that stands for `@name`; one without a value is null.
    pub(crate) fn parameter(&self, name: &str) -> Result<&'c str> {
        let parameters = self.parameters.ok_or_else(|| {
            Fault::bad_request(format!(
                "The parameter alias '{name}' is not allowed inside $expand."
            ))
        })?;
        let found = parameters.iter().find(|(known, _)| known == name);
        Ok(found.map_or("null", |(_, value)| value.trim()))
    }

    /// The column at a path: `name`, `primarycontactid/fullname`, `t/subject`.
    pub(crate) fn column(&mut self, path: &str) -> Result<SqlColumn<'c>> {
        self.found(path, |table, name| table.column(name))
    }

    /// The column that a query function names: by logical name or as on the wire.
    pub(crate) fn property(&mut self, path: &str) -> Result<SqlColumn<'c>> {
        self.found(path, |table, name| {
            table.column(name).or_else(|| table.column_named(name))
        })
    }

    /// The column at a path whose last name `find` looks up.
    fn found(
        &mut self,
        path: &str,
        find: impl FnOnce(&'c Table, &str) -> Option<(usize, &'c Column)>,
    ) -> Result<SqlColumn<'c>> {
        self.read.push(path.to_owned());
        let (walk, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(column) = self.beyond(walk, name)? {
            return Ok(column);
        }
        let (_, alias, table) = self.walk(walk)?;
        let (place, _) =
            find(table, name).ok_or_else(|| Fault::unknown_property(name, &table.logical_name))?;
        SqlColumn::new(&alias, table, place)
    }

    /// What is no column of a row: a member of a managed property, or the key of an owner, whose type
    /// has nothing else; None if `walk` leads to a row.
    fn beyond(&mut self, walk: &str, name: &str) -> Result<Option<SqlColumn<'c>>> {
        let (before, last) = walk.rsplit_once('/').unwrap_or(("", walk));
        if last.is_empty() || self.is_variable(walk) {
            return Ok(None);
        }
        if self.beyond(before, last)?.is_some() {
            return Err(Fault::unknown_property(name, PRINCIPAL));
        }
        let (_, alias, table) = self.walk(before)?;
        if let Some((place, column)) = table.column(last)
            && let Kind::Managed(_) = column.kind
        {
            let column = SqlColumn::new(&alias, table, place)?;
            return match managed::member(column, name) {
                Some(member) => Ok(Some(member)),
                None => Err(Fault::unknown_property(name, managed::TYPE)),
            };
        }
        match table.navigation(last) {
            Some(navigation) if navigation.targets.len() > 1 => match name {
                "ownerid" => SqlColumn::new(&alias, table, navigation.column).map(Some),
                _ => Err(Fault::unknown_property(name, PRINCIPAL)),
            },
            _ => Ok(None),
        }
    }

    /// Whether a name is that of a lambda's variable.
    fn is_variable(&self, name: &str) -> bool {
        let mut scopes = self.scopes.iter();
        !name.is_empty() && scopes.any(|scope| scope.variable == name)
    }

    /// Gets ready to find or to sort many rows by a column.
    pub(crate) fn index(&self, column: &SqlColumn<'_>) -> Result<()> {
        let (table, place) = (column.table, column.place);
        self.store.index_values(table, place).map(drop)
    }

    /// Opens a lambda over the collection at `path`; gives the condition that joins its rows.
    pub(crate) fn enter(&mut self, path: &str, variable: &str) -> Result<String> {
        let (walk, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (is_owner, alias, table) = self.walk(walk)?;
        let relation = self
            .relation(table, name)?
            .filter(Relation::is_collection)
            .ok_or_else(|| Fault::unknown_property(name, &table.logical_name))?;
        if !is_owner {
            return Err(Fault::bad_request(format!(
                "The path '{path}' goes through a single-valued and then a collection-valued \
                 navigation property, which is not supported."
            )));
        }
        let is_taken = |scope: &Scope<'_>| !variable.is_empty() && scope.variable == variable;
        if self.scopes.iter().any(is_taken) {
            return Err(Fault::bad_request(format!(
                "The range variable '{variable}' has already been declared."
            )));
        }
        let inner = self.next_alias('l')?;
        let condition =
            relation.condition(&inner, &format!("{alias}.{}", quoted(&table.primary_id)));
        self.scopes
            .push(Scope::new(variable, &inner, relation.target));
        Ok(condition)
    }

    /// Closes the lambda that was opened last; gives its tables.
    pub(crate) fn leave(&mut self) -> String {
        self.scopes
            .pop()
            .map(|scope| scope.from)
            .unwrap_or_default()
    }

    /// A navigation property, whose rows must be readable.
    fn relation(&self, table: &'c Table, name: &str) -> Result<Option<Relation<'c>>> {
        let relation = Relation::find(self.catalog, self.store, table, name)?;
        if let (Some(access), Some(relation)) = (self.access, &relation) {
            access.require(relation.target, Right::Read)?;
        }
        Ok(relation)
    }

    fn next_alias(&mut self, letter: char) -> Result<String> {
        if self.count == MAX_JOINS {
            return Err(Fault::too_many_joins());
        }
        self.count += 1;
        Ok(format!("{letter}{}", self.count))
    }

    /// Follows navigation properties to one row; says whether there were none.
    fn walk(&mut self, path: &str) -> Result<(bool, String, &'c Table)> {
        let mut segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .peekable();
        let is_variable = |name: &&str| {
            self.scopes
                .iter()
                .rposition(|scope| !scope.variable.is_empty() && scope.variable == **name)
        };
        let at = segments.peek().and_then(is_variable);
        if at.is_some() {
            segments.next();
        }
        let at = at.unwrap_or_default();
        let Some(scope) = self.scopes.get(at) else {
            return Err(Fault::bad_request(format!("'{path}' is not in scope.")));
        };
        let (mut alias, mut table) = (scope.alias.clone(), scope.table);
        let mut is_owner = true;
        let mut walked = String::new();
        while let Some(name) = segments.next() {
            is_owner = false;
            let navigation = table.navigation(name);
            if navigation.is_some_and(|navigation| navigation.targets.len() > 1) {
                let next = segments.peek().copied().unwrap_or(name);
                return Err(Fault::unknown_property(next, PRINCIPAL));
            }
            if table.collections.contains_key(name) {
                return Err(Fault::bad_request(format!(
                    "The collection-valued navigation property '{name}' is only allowed with 'any' \
                     and 'all'."
                )));
            }
            let relation = self.relation(table, name)?;
            let (target, place) = relation
                .and_then(|relation| Some((relation.target, relation.lookup_place()?)))
                .ok_or_else(|| Fault::unknown_property(name, &table.logical_name))?;
            walked.push('/');
            walked.push_str(name);
            let mut joins = self.scopes[at].joins.iter();
            let known = joins
                .find(|(path, _, _)| *path == walked)
                .map(|(_, alias, _)| alias.clone());
            let next = match known {
                Some(alias) => alias,
                None => {
                    let next = self.next_alias('j')?;
                    let join = join(table, &alias, place, target, &next);
                    let scope = &mut self.scopes[at];
                    scope.from.push_str(&join);
                    scope.joins.push((walked.clone(), next.clone(), target));
                    next
                }
            };
            (alias, table) = (next, target);
        }
        Ok((is_owner, alias, table))
    }
}

impl<'c> Scope<'c> {
    fn new(variable: &str, alias: &str, table: &'c Table) -> Self {
        Scope {
            variable: variable.to_owned(),
            alias: alias.to_owned(),
            table,
            joins: Vec::new(),
            from: format!("{} {alias}", quoted(&table.logical_name)),
        }
    }
}

/// Joins the row of `target` that the lookup at `place` of `table` points at.
fn join(table: &Table, alias: &str, place: usize, target: &Table, next: &str) -> String {
    let column = &table.columns[place];
    let mut sql = format!(
        " LEFT JOIN {} {next} ON {next}.{} = {alias}.{}",
        quoted(&target.logical_name),
        quoted(&target.primary_id),
        quoted(&column.logical_name)
    );
    if is_polymorphic(column) {
        let is_table = text_sql(&target.logical_name);
        sql.push_str(&format!(
            " AND {alias}.{} = {is_table}",
            target_column(column)
        ));
    }
    sql
}
