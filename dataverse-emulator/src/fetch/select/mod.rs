//! `sql=SELECT …`: one statement, read as the query that FetchXML would be.

mod condition;
mod token;

use self::token::{Token, tokens, wrong};
use super::query::{Attribute, Entity, Fetch, Link, LinkType, Order, Part};
use super::xml::whole;
use crate::fault::{Fault, Result};
use crate::label::Sorting;
use crate::query::MAX_PAGE;
use crate::service::Call;

/// Words that end a list or a name: they are no aliases.
const KEYWORDS: &[&str] = &[
    "FROM", "WHERE", "GROUP", "ORDER", "INNER", "LEFT", "JOIN", "ON", "AND", "OR", "NOT", "AS",
    "IN", "IS", "LIKE", "BETWEEN", "HAVING", "UNION", "CROSS", "RIGHT", "FULL", "OFFSET",
];

/// A column as it stands in a statement: the alias of its table, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    table: Option<String>,
    column: String,
}

/// What is selected.
struct Item {
    function: Option<String>,
    is_distinct: bool,
    /// None for `*`.
    name: Option<Name>,
    alias: Option<String>,
}

/// A table and where it hangs: which one before it, by which columns.
struct Joined {
    alias: String,
    entity: Entity,
    parent: usize,
    from: String,
    to: String,
    link_type: LinkType,
}

struct Parser<'c> {
    call: &'c Call<'c>,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Whether an odd number of `NOT` stands before what is read.
    is_negated: bool,
    tables: Vec<Joined>,
}

/// Reads a statement.
pub(super) fn parse(call: &Call<'_>, sql: &str) -> Result<Fetch> {
    let mut parser = Parser {
        call,
        tokens: tokens(sql)?,
        at: 0,
        depth: 0,
        is_negated: false,
        tables: Vec::new(),
    };
    parser.statement()
}

impl Parser<'_> {
    fn error(&self) -> Fault {
        match self.tokens.get(self.at) {
            None => wrong("the end"),
            Some(Token::Word(word) | Token::Name(word) | Token::Number(word)) => {
                wrong(&format!("'{word}'"))
            }
            Some(Token::Text(text)) => wrong(&format!("'{text}'")),
            Some(Token::Sign(sign)) => wrong(&format!("'{sign}'")),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let is_it = self.is_word(word);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect_sign(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    /// A name that is no keyword.
    fn maybe_identifier(&mut self) -> Option<String> {
        let name = match self.tokens.get(self.at)? {
            Token::Name(name) => name.clone(),
            Token::Word(word)
                if !KEYWORDS
                    .iter()
                    .any(|keyword| word.eq_ignore_ascii_case(keyword)) =>
            {
                word.clone()
            }
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    fn identifier(&mut self) -> Result<String> {
        self.maybe_identifier().ok_or_else(|| self.error())
    }

    fn number(&mut self) -> Result<usize> {
        match self.tokens.get(self.at) {
            Some(Token::Number(text)) => {
                let number = whole(text).ok_or_else(|| self.error())?;
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.error()),
        }
    }

    /// `name`, `alias.name`.
    fn name(&mut self) -> Result<Name> {
        let first = self.identifier()?;
        Ok(if self.sign(".") {
            Name {
                table: Some(first),
                column: self.identifier()?.to_lowercase(),
            }
        } else {
            Name {
                table: None,
                column: first.to_lowercase(),
            }
        })
    }

    fn statement(&mut self) -> Result<Fetch> {
        self.expect_word("SELECT")?;
        let is_distinct = self.word("DISTINCT");
        let mut top = None;
        if self.word("TOP") {
            let is_in_brackets = self.sign("(");
            top = Some(self.number()?);
            if is_in_brackets {
                self.expect_sign(")")?;
            }
        }
        let mut items = vec![self.item()?];
        while self.sign(",") {
            items.push(self.item()?);
        }
        self.expect_word("FROM")?;
        self.table(None)?;
        loop {
            let link_type = if self.word("LEFT") {
                self.word("OUTER");
                LinkType::Outer
            } else if self.word("INNER") || self.is_word("JOIN") {
                LinkType::Inner
            } else {
                break;
            };
            self.expect_word("JOIN")?;
            self.table(Some(link_type))?;
        }
        let condition = if self.word("WHERE") {
            Some(self.or()?)
        } else {
            None
        };
        let mut groups = Vec::new();
        if self.word("GROUP") {
            self.expect_word("BY")?;
            groups.push(self.name()?);
            while self.sign(",") {
                groups.push(self.name()?);
            }
        }
        let mut orders = Vec::new();
        if self.word("ORDER") {
            self.expect_word("BY")?;
            loop {
                let name = self.name()?;
                let descending = self.word("DESC");
                if !descending {
                    self.word("ASC");
                }
                orders.push((name, descending));
                if !self.sign(",") {
                    break;
                }
            }
        }
        let mut skip = 0;
        if self.word("OFFSET") {
            if orders.is_empty() || top.is_some() {
                return Err(Fault::bad_request(
                    "OFFSET stands behind ORDER BY, in a statement without TOP.",
                ));
            }
            (skip, top) = self.offset()?;
        }
        if self.is_word("HAVING") || self.is_word("UNION") {
            return Err(Fault::not_supported("HAVING and UNION in `sql`"));
        }
        if self.at < self.tokens.len() {
            return Err(self.error());
        }
        let is_aggregate = !groups.is_empty() || items.iter().any(|item| item.function.is_some());
        for item in items {
            self.select(item, &groups, is_aggregate)?;
        }
        for (name, descending) in orders {
            self.order(&name, descending, is_aggregate)?;
        }
        let entity = self.assemble(condition)?;
        let count = self.call.asked.preferences().page_size;
        Ok(Fetch {
            count: count
                .map(|count| count.min(MAX_PAGE))
                .filter(|_| top.is_none()),
            top: top.map(|top| top.min(MAX_PAGE)),
            page: 1,
            skip,
            cookie: None,
            is_distinct: is_distinct && !is_aggregate,
            is_aggregate,
            wants_total: false,
            sorting: Sorting::Values,
            is_retained: false,
            aggregate_limit: None,
            entity,
        })
    }

    /// `6 ROWS FETCH NEXT 3 ROWS ONLY`: rows to leave out, and rows to give.
    fn offset(&mut self) -> Result<(usize, Option<usize>)> {
        let rows = |parser: &mut Self| match parser.word("ROWS") || parser.word("ROW") {
            true => Ok(()),
            false => Err(parser.error()),
        };
        let skip = self.number()?;
        rows(self)?;
        if !self.word("FETCH") {
            return Ok((skip, None));
        }
        if !self.word("NEXT") {
            self.expect_word("FIRST")?;
        }
        let count = self.number()?;
        rows(self)?;
        self.expect_word("ONLY")?;
        Ok((skip, Some(count)))
    }

    fn item(&mut self) -> Result<Item> {
        if self.sign("*") {
            return Err(Fault::bad_request(
                "SELECT * is not supported: name the columns.",
            ));
        }
        let mut item = Item {
            function: None,
            is_distinct: false,
            name: None,
            alias: None,
        };
        let is_call = matches!(self.tokens.get(self.at + 1), Some(Token::Sign("(")));
        if is_call {
            let function = self.identifier()?.to_lowercase();
            if !["count", "sum", "avg", "min", "max"].contains(&function.as_str()) {
                return Err(Fault::not_supported(format!(
                    "the function `{function}` in `sql`"
                )));
            }
            self.expect_sign("(")?;
            item.is_distinct = self.word("DISTINCT");
            if !(function == "count" && self.sign("*")) {
                item.name = Some(self.name()?);
            }
            self.expect_sign(")")?;
            item.function = Some(function);
        } else {
            item.name = Some(self.name()?);
        }
        if self.word("AS") {
            item.alias = Some(self.identifier()?);
        } else {
            item.alias = self.maybe_identifier();
        }
        Ok(item)
    }

    /// A table of the statement; `JOIN` has a condition.
    fn table(&mut self, link_type: Option<LinkType>) -> Result<()> {
        let mut name = self.identifier()?;
        if name.eq_ignore_ascii_case("dbo") && self.sign(".") {
            name = self.identifier()?;
        }
        let name = name.to_lowercase();
        if self.call.catalog.by_name(&name).is_none() {
            return Err(Fault::unknown_entity(&name));
        }
        let alias = if self.word("AS") {
            Some(self.identifier()?)
        } else {
            self.maybe_identifier()
        };
        let joined = Joined {
            alias: alias.unwrap_or_else(|| name.clone()),
            entity: Entity {
                name,
                no_attributes: true,
                ..Entity::default()
            },
            parent: 0,
            from: String::new(),
            to: String::new(),
            link_type: link_type.unwrap_or(LinkType::Inner),
        };
        let own = self.tables.len();
        self.tables.push(joined);
        if link_type.is_none() {
            return Ok(());
        }
        self.expect_word("ON")?;
        let left = self.name()?;
        self.expect_sign("=")?;
        let right = self.name()?;
        let (left_table, right_table) = (self.find(&left)?, self.find(&right)?);
        let (from, (parent, to)) = match (left_table == own, right_table == own) {
            (true, false) => (left, (right_table, right)),
            (false, true) => (right, (left_table, left)),
            _ => {
                return Err(Fault::bad_request(
                    "A JOIN compares a column of its table with one of a table before it.",
                ));
            }
        };
        let joined = &mut self.tables[own];
        joined.parent = parent;
        joined.from = from.column;
        joined.to = to.column;
        Ok(())
    }

    /// The table that a column belongs to.
    fn find(&self, name: &Name) -> Result<usize> {
        let place = match &name.table {
            Some(alias) => self
                .tables
                .iter()
                .position(|table| table.alias.eq_ignore_ascii_case(alias)),
            None => self.tables.iter().position(|table| {
                let known = self.call.catalog.by_name(&table.entity.name);
                known.is_some_and(|known| known.column_named(&name.column).is_some())
            }),
        };
        place.ok_or_else(|| {
            let table = self.tables.first().map_or("", |table| &table.entity.name);
            Fault::unknown_attribute(name.table.as_deref().unwrap_or(table), &name.column)
        })
    }

    fn select(&mut self, item: Item, groups: &[Name], is_aggregate: bool) -> Result<()> {
        let (at, column) = match &item.name {
            Some(name) => (self.find(name)?, name.column.clone()),
            None => {
                let name = self.tables.first().map_or("", |table| &table.entity.name);
                let table = self.call.catalog.by_name(name);
                (
                    0,
                    table.map_or(String::new(), |table| table.primary_id.clone()),
                )
            }
        };
        let is_group = match &item.name {
            Some(name) => groups.iter().any(|group| {
                group.column == name.column && self.find(group).is_ok_and(|place| place == at)
            }),
            None => false,
        };
        if is_aggregate && item.function.is_none() && !is_group {
            return Err(Fault::bad_request(format!(
                "Column '{column}' is neither in an aggregate function nor in the GROUP BY clause."
            )));
        }
        let aggregate = item.function.as_ref().map(|function| {
            let is_column = function == "count" && item.name.is_some();
            if is_column {
                "countcolumn".to_owned()
            } else {
                function.clone()
            }
        });
        // Columns of joined tables go by their own names, unless another has that name.
        let known = self
            .tables
            .iter()
            .flat_map(|table| &table.entity.attributes);
        let is_taken = |name: &str| {
            let mut known = known.clone();
            known.any(|one| one.alias.as_deref().unwrap_or(&one.name) == name)
        };
        let alias = item.alias.clone().or_else(|| match &item.function {
            Some(function) if is_taken(function) => Some(format!("{function}_{column}")),
            Some(function) => Some(function.clone()),
            None if is_group || (at > 0 && !is_taken(&column)) => Some(column.clone()),
            None => None,
        });
        self.tables[at].entity.attributes.push(Attribute {
            name: column,
            alias,
            groups: is_group && item.function.is_none(),
            date_grouping: None,
            aggregate,
            row_aggregate: None,
            is_distinct: item.is_distinct,
        });
        Ok(())
    }

    fn order(&mut self, name: &Name, descending: bool, is_aggregate: bool) -> Result<()> {
        let mut attributes = self.tables.iter().enumerate().flat_map(|(at, table)| {
            table
                .entity
                .attributes
                .iter()
                .map(move |attribute| (at, attribute))
        });
        let selected = attributes.find(|(_, attribute)| {
            name.table.is_none() && attribute.alias.as_deref() == Some(&name.column)
                || is_aggregate && attribute.name == name.column
        });
        let (at, attribute, alias) = match selected {
            Some((at, selected)) if is_aggregate => (at, None, selected.alias.clone()),
            Some((at, selected)) => (at, Some(selected.name.clone()), None),
            None => (self.find(name)?, Some(name.column.clone()), None),
        };
        self.tables[at].entity.orders.push(Order {
            attribute,
            alias,
            entity: None,
            descending,
        });
        Ok(())
    }

    /// The tables as links in each other.
    fn assemble(&mut self, condition: Option<Part>) -> Result<Entity> {
        let mut tables = std::mem::take(&mut self.tables);
        while tables.len() > 1 {
            let Some(last) = tables.pop() else { break };
            let link = Link {
                entity: last.entity,
                from: last.from,
                to: last.to,
                alias: last.alias,
                link_type: last.link_type,
            };
            if let Some(parent) = tables.get_mut(last.parent) {
                parent.entity.links.insert(0, link);
            }
        }
        let mut root = tables.pop().ok_or_else(|| self.error())?.entity;
        root.filters.extend(condition);
        Ok(root)
    }
}
