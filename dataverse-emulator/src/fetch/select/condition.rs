//! What `WHERE` says.

use chrono::{DateTime, Duration, Months, Utc};

use super::token::{Token, wrong};
use super::{Name, Parser};
use crate::fault::{Fault, Result};
use crate::fetch::query::{Condition, Part};
use crate::value::format_time;

/// Deeper conditions are refused.
const MAX_DEPTH: usize = 64;

impl Parser<'_> {
    pub(super) fn or(&mut self) -> Result<Part> {
        let mut parts = vec![self.and()?];
        while self.word("OR") {
            parts.push(self.and()?);
        }
        Ok(Part::Filter {
            is_or: !self.is_negated,
            parts,
        })
    }

    fn and(&mut self) -> Result<Part> {
        let mut parts = vec![self.comparison()?];
        while self.word("AND") {
            parts.push(self.comparison()?);
        }
        Ok(Part::Filter {
            is_or: self.is_negated,
            parts,
        })
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err(Fault::too_many_conditions()),
            false => Ok(()),
        }
    }

    fn comparison(&mut self) -> Result<Part> {
        if self.is_word("EXISTS") {
            return Err(Fault::not_supported("EXISTS in `sql`"));
        }
        let is_not = self.is_word("NOT");
        let is_bracket = self.sign("(");
        if is_not || is_bracket {
            self.deeper()?;
            let inner = if is_bracket {
                let inner = self.or()?;
                self.expect_sign(")")?;
                inner
            } else {
                self.at += 1;
                self.is_negated = !self.is_negated;
                let inner = self.comparison()?;
                self.is_negated = !self.is_negated;
                inner
            };
            self.depth -= 1;
            return Ok(inner);
        }
        let name = self.name()?;
        if self.word("IS") {
            let operator = if self.word("NOT") { "not-null" } else { "null" };
            self.expect_word("NULL")?;
            return self.condition(&name, operator, Vec::new(), None);
        }
        let is_not = self.word("NOT");
        if self.word("LIKE") {
            let operator = if is_not { "not-like" } else { "like" };
            let value = self.value()?;
            return self.condition(&name, operator, vec![value], None);
        }
        if self.word("IN") {
            self.expect_sign("(")?;
            if self.is_word("SELECT") {
                return Err(Fault::not_supported("subqueries in `sql`"));
            }
            let mut values = vec![self.value()?];
            while self.sign(",") {
                values.push(self.value()?);
            }
            self.expect_sign(")")?;
            let operator = if is_not { "not-in" } else { "in" };
            return self.condition(&name, operator, values, None);
        }
        if self.word("BETWEEN") {
            let low = self.value()?;
            self.expect_word("AND")?;
            let values = vec![low, self.value()?];
            let operator = if is_not { "not-between" } else { "between" };
            return self.condition(&name, operator, values, None);
        }
        let operators = [
            ("=", "eq"),
            ("<>", "ne"),
            ("!=", "ne"),
            ("<=", "le"),
            (">=", "ge"),
            ("<", "lt"),
            (">", "gt"),
        ];
        let mut operators = operators.iter();
        let found = operators.find(|(sign, _)| !is_not && self.sign(sign));
        let (_, operator) = found.ok_or_else(|| self.error())?;
        let is_column = matches!(
            self.tokens.get(self.at),
            Some(Token::Word(_) | Token::Name(_))
        ) && !matches!(self.tokens.get(self.at + 1), Some(Token::Sign("(")));
        if is_column {
            let other = self.name()?;
            return self.condition(&name, operator, Vec::new(), Some(other));
        }
        let value = self.value()?;
        self.condition(&name, operator, vec![value], None)
    }

    fn condition(
        &self,
        name: &Name,
        operator: &str,
        values: Vec<String>,
        with: Option<Name>,
    ) -> Result<Part> {
        let at = self.find(name)?;
        let operator = match self.is_negated {
            true => opposite(operator),
            false => operator,
        };
        let alias = |at: usize| match at {
            0 => None,
            at => self.tables.get(at).map(|table| table.alias.clone()),
        };
        let value_of = match with {
            None => None,
            Some(other) => {
                let other_at = self.find(&other)?;
                Some(match alias(other_at) {
                    Some(alias) => format!("{alias}.{}", other.column),
                    None => other.column,
                })
            }
        };
        let condition = |operator: &str, values, value_of| {
            Part::Condition(Condition {
                entity: alias(at),
                attribute: name.column.clone(),
                operator: operator.to_owned(),
                values,
                value_of,
            })
        };
        // Nothing is not unlike a value in SQL; in FetchXML it is.
        let is_unlike = operator == "ne" || operator.starts_with("not-") && operator != "not-null";
        let own = condition(operator, values, value_of);
        Ok(if is_unlike {
            Part::Filter {
                is_or: false,
                parts: vec![own, condition("not-null", Vec::new(), None)],
            }
        } else {
            own
        })
    }

    fn value(&mut self) -> Result<String> {
        if self.sign("-") {
            let number = match self.tokens.get(self.at) {
                Some(Token::Number(number)) => format!("-{number}"),
                _ => return Err(self.error()),
            };
            self.at += 1;
            return Ok(number);
        }
        match self.tokens.get(self.at).cloned() {
            Some(Token::Text(value) | Token::Number(value)) => {
                self.at += 1;
                Ok(value)
            }
            Some(Token::Word(_)) => self.time().map(format_time),
            _ => Err(self.error()),
        }
    }

    /// `GETUTCDATE()`, `DATEADD(day, -7, GETUTCDATE())`.
    fn time(&mut self) -> Result<DateTime<Utc>> {
        if self.word("GETUTCDATE") || self.word("GETDATE") {
            self.expect_sign("(")?;
            self.expect_sign(")")?;
            return Ok(self.call.now);
        }
        if let Some(Token::Text(text)) = self.tokens.get(self.at) {
            let time = crate::value::date_time(text);
            let time = time.and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
            let time = time.ok_or_else(|| self.error())?;
            self.at += 1;
            return Ok(time.with_timezone(&Utc));
        }
        self.expect_word("DATEADD")?;
        self.deeper()?;
        self.expect_sign("(")?;
        let part = self.identifier()?.to_lowercase();
        self.expect_sign(",")?;
        let is_negative = self.sign("-");
        let number = i64::try_from(self.number()?).map_err(|_| self.error())?;
        let number = if is_negative { -number } else { number };
        self.expect_sign(",")?;
        let time = self.time()?;
        self.expect_sign(")")?;
        self.depth -= 1;
        let months = |count: i64| {
            let size = u32::try_from(count.unsigned_abs()).ok().map(Months::new)?;
            if count < 0 {
                time.checked_sub_months(size)
            } else {
                time.checked_add_months(size)
            }
        };
        let moved = match part.as_str() {
            "year" | "yy" | "yyyy" => number.checked_mul(12).and_then(months),
            "quarter" | "qq" | "q" => number.checked_mul(3).and_then(months),
            "month" | "mm" | "m" => months(number),
            _ => {
                let duration = match part.as_str() {
                    "week" | "wk" | "ww" => Duration::try_weeks(number),
                    "day" | "dd" | "d" => Duration::try_days(number),
                    "hour" | "hh" => Duration::try_hours(number),
                    "minute" | "mi" | "n" => Duration::try_minutes(number),
                    "second" | "ss" | "s" => Duration::try_seconds(number),
                    _ => return Err(wrong(&format!("'{part}'"))),
                };
                duration.and_then(|duration| time.checked_add_signed(duration))
            }
        };
        moved.ok_or_else(|| Fault::bad_request("DATEADD leads to a time that does not exist."))
    }
}

/// The operator that holds where this one does not. No row with nothing in the column fits either.
fn opposite(operator: &str) -> &str {
    let pairs = [
        ("eq", "ne"),
        ("lt", "ge"),
        ("le", "gt"),
        ("null", "not-null"),
        ("like", "not-like"),
        ("in", "not-in"),
        ("between", "not-between"),
    ];
    let found = pairs.iter().find_map(|(one, other)| match operator {
        operator if operator == *one => Some(*other),
        operator if operator == *other => Some(*one),
        _ => None,
    });
    found.unwrap_or(operator)
}
