//! `$filter` to SQL. Values are always bound, never written into the text.

use crate::catalog::Kind;
use crate::fault::{Fault, Result};
use crate::names::{Names, SqlColumn};
use crate::path::Bounds;
use crate::query_function;
use crate::url::{quoted_end, text_literal};
use crate::value::{self, Stored};

/// How deep conditions may nest.
const MAX_DEPTH: usize = 100;
/// How many comparisons, and how many values, a filter may hold: SQLite takes expressions about twice
/// as deep.
const MAX_VALUES: usize = 500;

/// A condition as SQL, its values in the order of its question marks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Condition {
    /// Empty if it holds always.
    pub(crate) sql: String,
    pub(crate) values: Vec<Stored>,
}

impl Condition {
    /// Both.
    pub(crate) fn and(&mut self, other: Condition) {
        if !self.sql.is_empty() && !other.sql.is_empty() {
            self.sql.push_str(" AND ");
        }
        self.sql.push_str(&other.sql);
        self.values.extend(other.values);
    }

    /// ` WHERE …`, or nothing.
    pub(crate) fn clause(&self) -> String {
        match self.sql.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.sql),
        }
    }
}

/// Reads `$filter`.
pub(crate) fn filter(text: &str, names: &mut Names<'_>) -> Result<Condition> {
    bounded(text, names).map(|(condition, _)| condition)
}

/// Reads `$filter`, and what of it an index can answer.
pub(crate) fn bounded(text: &str, names: &mut Names<'_>) -> Result<(Condition, Bounds)> {
    let mut parser = Parser {
        text,
        at: 0,
        names,
        condition: Condition::default(),
        comparisons: 0,
        bounds: Bounds::default(),
    };
    parser.either(0)?;
    match parser.next()? {
        None if parser.condition.values.len().max(parser.comparisons) > MAX_VALUES => {
            Err(Fault::bad_request(format!(
                "The filter compares with more than {MAX_VALUES} values."
            )))
        }
        None => Ok((parser.condition, parser.bounds)),
        Some(token) => Err(parser.unexpected(&token)),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'t> {
    Open,
    Close,
    Comma,
    /// A path, keyword, function or bare literal.
    Word(&'t str),
    /// With its quotes.
    Text(&'t str),
}

struct Parser<'t, 'n, 'c> {
    text: &'t str,
    at: usize,
    names: &'n mut Names<'c>,
    condition: Condition,
    comparisons: usize,
    /// What holds as far as it was read, of what is read just now.
    bounds: Bounds,
}

/// One side of a comparison.
enum Side<'c, 't> {
    Column(SqlColumn<'c>),
    Literal(Token<'t>),
}

impl<'t, 'c: 't> Parser<'t, '_, 'c> {
    /// The next token; `@p1` is what it stands for.
    fn next(&mut self) -> Result<Option<Token<'t>>> {
        Ok(match self.token()? {
            Some(Token::Word(name)) if name.starts_with('@') => {
                Some(match self.names.parameter(name)? {
                    text if text.starts_with('\'') => Token::Text(text),
                    word => Token::Word(word),
                })
            }
            token => token,
        })
    }

    fn token(&mut self) -> Result<Option<Token<'t>>> {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' => {
                let end = self.text_end(rest)?;
                (Token::Text(&rest[..end]), end)
            }
            _ => {
                let end = rest
                    .find([' ', '(', ')', ',', '\'', '\t'])
                    .unwrap_or(rest.len());
                (Token::Word(&rest[..end]), end)
            }
        };
        self.at += length;
        Ok(Some(token))
    }

    /// Where the text that begins `rest` ends.
    fn text_end(&self, rest: &str) -> Result<usize> {
        quoted_end(rest).ok_or_else(|| {
            Fault::bad_request(format!(
                "There is an unterminated string literal at position {} in '{}'.",
                self.text.len(),
                self.text
            ))
        })
    }

    fn peek(&mut self) -> Result<Option<Token<'t>>> {
        let at = self.at;
        let token = self.next();
        self.at = at;
        token
    }

    fn is_next(&mut self, word: &str) -> Result<bool> {
        let is_word = self.peek()? == Some(Token::Word(word));
        if is_word {
            self.next()?;
        }
        Ok(is_word)
    }

    fn unexpected(&self, token: &Token<'_>) -> Fault {
        Fault::bad_request(format!(
            "Syntax error at position {} in '{}': {token:?} was not expected.",
            self.at, self.text
        ))
    }

    fn ended(&self) -> Fault {
        Fault::bad_request(format!(
            "Syntax error at position {} in '{}'.",
            self.text.len(),
            self.text
        ))
    }

    fn expect(&mut self, token: Token<'_>) -> Result<()> {
        match self.next()? {
            Some(found) if found == token => Ok(()),
            Some(found) => Err(self.unexpected(&found)),
            None => Err(self.ended()),
        }
    }

    fn sql(&mut self, sql: &str) {
        self.condition.sql.push_str(sql);
    }

    fn either(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Fault::bad_request("The filter is nested too deeply."));
        }
        let outer = std::mem::take(&mut self.bounds);
        let mut alternatives = Vec::new();
        self.sql("(");
        self.both(depth)?;
        alternatives.push(std::mem::take(&mut self.bounds));
        while self.is_next("or")? {
            self.sql(" OR ");
            self.both(depth)?;
            alternatives.push(std::mem::take(&mut self.bounds));
        }
        self.sql(")");
        self.bounds = outer;
        self.bounds.extend(Bounds::either(alternatives));
        Ok(())
    }

    fn both(&mut self, depth: usize) -> Result<()> {
        self.not(depth)?;
        while self.is_next("and")? {
            self.sql(" AND ");
            self.not(depth)?;
        }
        Ok(())
    }

    fn not(&mut self, depth: usize) -> Result<()> {
        if self.is_next("not")? {
            if let Some(Token::Word(word)) = self.peek()?
                && word.starts_with(query_function::NAMESPACE)
            {
                return Err(Fault::bad_request(
                    "Not operator along with the Custom Named Condition operators is not allowed",
                ));
            }
            // A comparison with null is neither true nor false; its negation counts as true.
            let outer = self.bounds.clone();
            self.sql("NOT coalesce(");
            self.primary(depth)?;
            self.sql(", 0)");
            self.bounds = outer;
            return Ok(());
        }
        self.primary(depth)
    }

    fn primary(&mut self, depth: usize) -> Result<()> {
        if self.peek()? == Some(Token::Open) {
            self.next()?;
            self.either(depth + 1)?;
            return self.expect(Token::Close);
        }
        self.comparisons += 1;
        let start = self.at;
        if let Some(Token::Word(word)) = self.next()?
            && self.peek()? == Some(Token::Open)
        {
            return self.function(word, depth);
        }
        self.at = start;
        self.comparison()
    }

    /// `Account_Tasks/any(t:t/subject eq 'x')`: whether rows of a collection are such.
    fn lambda(&mut self, path: &str, is_all: bool, depth: usize) -> Result<()> {
        self.expect(Token::Open)?;
        let mut variable = "";
        if !is_all && self.peek()? == Some(Token::Close) {
            // Whether there is any row.
        } else {
            let rest = self.text[self.at..].trim_start();
            let is_name = |name: &&str| {
                let name = name.trim();
                !name.is_empty()
                    && name
                        .chars()
                        .all(|char| char.is_alphanumeric() || char == '_')
            };
            let (name, _) = rest.split_once(':').ok_or_else(|| self.ended())?;
            variable = Some(name).filter(is_name).ok_or_else(|| self.ended())?;
            self.at = self.text.len() - rest.len() + variable.len() + 1;
            variable = variable.trim();
        }
        let joined = self.names.enter(path, variable)?;
        let before = std::mem::take(&mut self.condition.sql);
        let bounds = self.bounds.clone();
        if !variable.is_empty() {
            self.either(depth + 1)?;
        }
        self.bounds = bounds;
        let inner = std::mem::replace(&mut self.condition.sql, before);
        let from = self.names.leave();
        self.expect(Token::Close)?;
        self.sql(&match (is_all, inner.is_empty()) {
            (false, true) => format!("EXISTS (SELECT 1 FROM {from} WHERE {joined})"),
            (false, false) => format!("EXISTS (SELECT 1 FROM {from} WHERE {joined} AND {inner})"),
            // No row violates it.
            (true, _) => format!(
                "NOT EXISTS (SELECT 1 FROM {from} WHERE {joined} AND NOT coalesce({inner}, 0))"
            ),
        });
        Ok(())
    }

    fn function(&mut self, name: &str, depth: usize) -> Result<()> {
        if let Some((path, lambda @ ("any" | "all"))) = name.rsplit_once('/') {
            return self.lambda(path, lambda == "all", depth);
        }
        if let Some(name) = name.strip_prefix(query_function::NAMESPACE) {
            self.expect(Token::Open)?;
            let rest = &self.text[self.at..];
            let (condition, length) = query_function::condition(name, rest, self.names)?;
            self.at += length;
            self.condition.sql.push_str(&condition.sql);
            self.condition.values.extend(condition.values);
            return Ok(());
        }
        let (before, behind) = match name {
            "contains" => ("%", "%"),
            "startswith" => ("", "%"),
            "endswith" => ("%", ""),
            _ => {
                return Err(Fault::bad_request(format!(
                    "An unknown function with name '{name}' was found."
                )));
            }
        };
        self.expect(Token::Open)?;
        let Some(Token::Word(path)) = self.next()? else {
            return Err(self.ended());
        };
        let column = self.names.column(path)?;
        if *column.kind != Kind::Text {
            return Err(Fault::bad_request(format!(
                "No function signature for the function with name '{name}' matches the type of \
                 '{path}'."
            )));
        }
        self.expect(Token::Comma)?;
        let literal = match self.next()? {
            Some(Token::Text(literal)) => text_literal(literal),
            _ => None,
        };
        let literal = literal.ok_or_else(|| self.ended())?;
        self.expect(Token::Close)?;
        let expected = if self.is_next("eq")? {
            match self.next()? {
                Some(Token::Word("true")) => true,
                Some(Token::Word("false")) => false,
                _ => return Err(self.ended()),
            }
        } else {
            true
        };
        self.sql(&format!(
            "dv_like({}, ?) = {}",
            column.sql,
            u8::from(expected)
        ));
        let pattern = format!("{before}{literal}{behind}");
        self.condition.values.push(Stored::Text(pattern));
        Ok(())
    }

    fn side(&mut self) -> Result<Side<'c, 't>> {
        match self.next()? {
            Some(Token::Word(word)) if is_path(word) => Ok(Side::Column(self.names.column(word)?)),
            Some(literal @ (Token::Word(_) | Token::Text(_))) => Ok(Side::Literal(literal)),
            Some(token) => Err(self.unexpected(&token)),
            None => Err(self.ended()),
        }
    }

    fn comparison(&mut self) -> Result<()> {
        let left = self.side()?;
        let operator = match self.next()? {
            Some(Token::Word("eq")) => "=",
            Some(Token::Word("ne")) => "<>",
            Some(Token::Word("gt")) => ">",
            Some(Token::Word("ge")) => ">=",
            Some(Token::Word("lt")) => "<",
            Some(Token::Word("le")) => "<=",
            Some(Token::Word("in")) => return Err(Fault::not_implemented()),
            Some(token) => return Err(self.unexpected(&token)),
            None => return Err(self.ended()),
        };
        match (left, self.side()?) {
            (Side::Column(left), Side::Column(right)) => {
                if left.kind != right.kind {
                    return Err(mismatch(left.kind, right.kind));
                }
                let sql = format!("{} {operator} {}", left.sql, right.sql);
                self.sql(&sql);
                Ok(())
            }
            (Side::Column(column), Side::Literal(literal)) => {
                self.compare(&column, operator, &literal)
            }
            (Side::Literal(literal), Side::Column(column)) => {
                let turned = match operator {
                    ">" => "<",
                    ">=" => "<=",
                    "<" => ">",
                    "<=" => ">=",
                    same => same,
                };
                self.compare(&column, turned, &literal)
            }
            (Side::Literal(literal), Side::Literal(_)) => Err(self.unexpected(&literal)),
        }
    }

    fn compare(
        &mut self,
        column: &SqlColumn<'_>,
        operator: &str,
        literal: &Token<'_>,
    ) -> Result<()> {
        let sql = &column.sql;
        if *literal == Token::Word("null") {
            let sql = match operator {
                "=" => {
                    let sql = format!("{sql} IS NULL");
                    self.bound(column, sql.clone(), None);
                    sql
                }
                "<>" => format!("{sql} IS NOT NULL"),
                // Nothing is more or less than null.
                _ => "0".to_owned(),
            };
            self.sql(&sql);
            return Ok(());
        }
        let value = literal_value(column, literal)?;
        if operator == "=" && !column.is_of_root() {
            self.names.index(column)?;
        }
        let sql = match operator {
            "<>" => format!("({sql} IS NULL OR {sql} <> ?)"),
            _ => format!("{sql} {operator} ?"),
        };
        if operator != "<>" {
            self.bound(column, sql.clone(), Some(value.clone()));
        }
        self.sql(&sql);
        self.condition.values.push(value);
        Ok(())
    }

    fn bound(&mut self, column: &SqlColumn<'_>, sql: String, value: Option<Stored>) {
        let values = value.into_iter().collect();
        self.bounds.add(column, &Condition { sql, values });
    }
}

/// Whether a word names a column, and is no literal.
fn is_path(word: &str) -> bool {
    let is_name = word.starts_with(|first: char| first.is_alphabetic() || first == '_');
    is_name && !matches!(word, "null" | "true" | "false") && value::guid(word).is_none()
}

/// A literal as the column stores it.
fn literal_value(column: &SqlColumn<'_>, literal: &Token<'_>) -> Result<Stored> {
    let (Token::Word(text) | Token::Text(text)) = literal else {
        return Err(Fault::bad_request("A literal was expected."));
    };
    typed_literal(column.kind, text).ok_or_else(|| {
        Fault::bad_request(format!(
            "A binary operator with incompatible types was detected: '{}' does not compare with \
             {text}.",
            column.logical_name
        ))
    })
}

/// Reads an OData literal as a value of `kind`.
pub(crate) fn typed_literal(kind: &Kind, literal: &str) -> Option<Stored> {
    if let Kind::Text | Kind::Binary = kind {
        return text_literal(literal).map(Stored::Text);
    }
    if literal.starts_with('\'') {
        return None;
    }
    let text = |text: String| Some(Stored::Text(text));
    match kind {
        Kind::Boolean | Kind::Int | Kind::BigInt | Kind::Double | Kind::Decimal => {
            value::from_json(kind, literal).ok()
        }
        Kind::Guid | Kind::Lookup(_) => value::guid(literal).and_then(text),
        Kind::DateTime => value::date_time(literal).and_then(text),
        Kind::Date => value::date(literal).and_then(text),
        Kind::Text | Kind::Binary | Kind::Managed(_) | Kind::Other => None,
    }
}

fn mismatch(left: &Kind, right: &Kind) -> Fault {
    Fault::bad_request(format!(
        "A binary operator with incompatible types was detected. Found operand types {left:?} and \
         {right:?}."
    ))
}
