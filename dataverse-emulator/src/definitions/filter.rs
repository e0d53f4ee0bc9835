//! `$filter` over definitions: comparisons, `and`, `or`, `not`.

use std::cmp::Ordering;

use serde_json::Value;

use super::Members;
use crate::fault::{Fault, Result};
use crate::url::text_literal;
use crate::value::guid;

/// Deeper filters are refused.
const MAX_DEPTH: usize = 64;

/// A condition on definitions.
#[derive(Debug)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare {
        /// `RequiredLevel`, `Value`.
        path: Vec<String>,
        operator: Operator,
        literal: Literal,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    /// Text, and the name of a member of an enum type.
    Text(String),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser {
            text,
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
        };
        let filter = parser.or()?;
        match parser.next() {
            None => Ok(filter),
            Some(_) => Err(parser.error()),
        }
    }

    /// Names of the properties that are compared.
    pub(super) fn properties(&self) -> Vec<&str> {
        match self {
            Filter::And(left, right) | Filter::Or(left, right) => {
                let mut properties = left.properties();
                properties.extend(right.properties());
                properties
            }
            Filter::Not(inner) => inner.properties(),
            Filter::Compare { path, .. } => path.first().map(String::as_str).into_iter().collect(),
        }
    }

    pub(super) fn fits(&self, item: &Members) -> bool {
        match self {
            Filter::And(left, right) => left.fits(item) && right.fits(item),
            Filter::Or(left, right) => left.fits(item) || right.fits(item),
            Filter::Not(inner) => !inner.fits(item),
            Filter::Compare {
                path,
                operator,
                literal,
            } => {
                let mut names = path.iter();
                let first = names.next().and_then(|name| item.get(name));
                let value = names.fold(first, |value, name| value?.get(name));
                compare(value.unwrap_or(&Value::Null), *operator, literal)
            }
        }
    }
}

fn compare(value: &Value, operator: Operator, literal: &Literal) -> bool {
    let order = match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Bool(value), Literal::Bool(literal)) => Some(value.cmp(literal)),
        (Value::Number(value), Literal::Number(literal)) => {
            value.as_f64().and_then(|value| value.partial_cmp(literal))
        }
        (Value::String(value), Literal::Text(literal)) => Some(value.as_str().cmp(literal)),
        _ => None,
    };
    match (operator, order) {
        (Operator::NotEqual, order) => order != Some(Ordering::Equal),
        (_, None) => false,
        (Operator::Equal, Some(order)) => order == Ordering::Equal,
        (Operator::Greater, Some(order)) => order == Ordering::Greater,
        (Operator::GreaterOrEqual, Some(order)) => order != Ordering::Less,
        (Operator::Less, Some(order)) => order == Ordering::Less,
        (Operator::LessOrEqual, Some(order)) => order != Ordering::Greater,
    }
}

/// Splits at blanks and parentheses outside text.
fn tokens(text: &str) -> Result<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut start = None;
    let mut in_text = false;
    for (at, char) in text.char_indices() {
        let is_end = !in_text && (char.is_whitespace() || matches!(char, '(' | ')'));
        if char == '\'' {
            in_text = !in_text;
        }
        if is_end {
            if let Some(start) = start.take() {
                tokens.push(&text[start..at]);
            }
            if !char.is_whitespace() {
                tokens.push(&text[at..at + 1]);
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    if in_text {
        return Err(Fault::bad_request(format!(
            "There is an unterminated literal in '{text}'."
        )));
    }
    tokens.extend(start.map(|start| &text[start..]));
    Ok(tokens)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<&'t str>,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn skip(&mut self, token: &str) -> bool {
        let is_it = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(is_it);
        is_it
    }

    fn error(&self) -> Fault {
        Fault::bad_request(format!("Syntax error in '{}'.", self.text))
    }

    fn or(&mut self) -> Result<Filter> {
        let mut left = self.and()?;
        while self.skip("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter> {
        let mut left = self.one()?;
        while self.skip("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error());
        }
        let one = self.operand();
        self.depth -= 1;
        one
    }

    fn operand(&mut self) -> Result<Filter> {
        if self.skip("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.skip("(") {
            let inner = self.or()?;
            return if self.skip(")") {
                Ok(inner)
            } else {
                Err(self.error())
            };
        }
        let path = self.next().ok_or_else(|| self.error())?;
        if self.tokens.get(self.at) == Some(&"(") {
            return Err(Fault::function_of_definitions(path));
        }
        let operator = match self.next() {
            Some("eq") => Operator::Equal,
            Some("ne") => Operator::NotEqual,
            Some("gt") => Operator::Greater,
            Some("ge") => Operator::GreaterOrEqual,
            Some("lt") => Operator::Less,
            Some("le") => Operator::LessOrEqual,
            _ => return Err(self.error()),
        };
        let literal = self.next().and_then(literal);
        Ok(Filter::Compare {
            path: path.split('/').map(str::to_owned).collect(),
            operator,
            literal: literal.ok_or_else(|| self.error())?,
        })
    }
}

fn literal(text: &str) -> Option<Literal> {
    match text {
        "null" => return Some(Literal::Null),
        "true" => return Some(Literal::Bool(true)),
        "false" => return Some(Literal::Bool(false)),
        _ => {}
    }
    // `Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'` stands for its name.
    let quoted = match text.find('\'') {
        Some(at) if text.starts_with("Microsoft.Dynamics.CRM.") => &text[at..],
        _ => text,
    };
    if let Some(text) = text_literal(quoted) {
        return Some(Literal::Text(text));
    }
    if let Some(id) = guid(text) {
        return Some(Literal::Text(id));
    }
    text.parse().ok().map(Literal::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(filter: &str) -> bool {
        let item = serde_json::json!({
            "LogicalName": "o'neill", "IsManaged": true, "ColumnNumber": 5, "Label": null,
            "AttributeType": "Picklist", "RequiredLevel": { "Value": "None" },
            "MetadataId": "00000000-0000-0000-0000-00000000000a",
        });
        let Value::Object(item) = item else {
            return false;
        };
        Filter::parse(filter).unwrap().fits(&item)
    }

    #[test]
    fn filters_are_read_and_applied() {
        for filter in [
            "LogicalName eq 'o''neill'",
            "IsManaged eq true and ColumnNumber gt 4",
            "ColumnNumber le 5 and not (ColumnNumber lt 5)",
            "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'",
            "RequiredLevel/Value ne 'x' and Label eq null",
            "MetadataId eq 00000000-0000-0000-0000-00000000000A",
            "IsManaged eq false or LogicalName ne null",
            "LogicalName eq 'x' or IsManaged eq true and ColumnNumber eq 5",
        ] {
            assert!(fits(filter), "{filter}");
        }
        for filter in ["Label gt 'a'", "Missing eq 1", "ColumnNumber eq 'five'"] {
            assert!(!fits(filter), "{filter}");
        }
        for filter in ["", "a", "a eq", "a eq 1)", "(a eq 1", "a eq 'x", "a is 1"] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
        assert!(Filter::parse(&"not ".repeat(100_000)).is_err());
        let supported = Filter::parse("startswith(LogicalName,'a')").unwrap_err();
        assert_eq!(supported.status, http::StatusCode::NOT_IMPLEMENTED);
    }
}
