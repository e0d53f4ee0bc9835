//! The words, names, values and signs of a statement.

use crate::fault::{Fault, Result};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// `[name]` or `"name"`: never a keyword.
    Name(String),
    Number(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &[
    "<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", ".", "*", "-", "+",
];

pub(super) fn tokens(sql: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim().trim_end_matches(';').trim_end();
    while let Some(first) = rest.chars().next() {
        let is_word = |char: char| char.is_alphanumeric() || char == '_' || char == '@';
        let take = |rest: &str, is_in: &dyn Fn(char) -> bool| {
            rest.find(|char| !is_in(char)).unwrap_or(rest.len())
        };
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if first == '\'' || rest.starts_with("N'") {
            let quoted = rest.trim_start_matches('N');
            let end = crate::url::quoted_end(quoted);
            let end = end.ok_or_else(|| wrong("a text that does not end"))?;
            let text = crate::url::text_literal(&quoted[..end]);
            tokens.push(Token::Text(text.unwrap_or_default()));
            rest = &quoted[end..];
        } else if first == '[' || first == '"' {
            let close = if first == '[' { ']' } else { '"' };
            let end = rest[1..].find(close);
            let end = end.ok_or_else(|| wrong("a name that does not end"))?;
            tokens.push(Token::Name(rest[1..=end].to_owned()));
            rest = &rest[end + 2..];
        } else if first.is_ascii_digit() {
            let end = take(rest, &|char| char.is_ascii_digit() || char == '.');
            tokens.push(Token::Number(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if is_word(first) {
            let end = take(rest, &is_word);
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| wrong(&format!("'{first}'")))?;
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
    Ok(tokens)
}

pub(super) fn wrong(near: &str) -> Fault {
    Fault::bad_request(format!(
        "The SQL statement cannot be read: incorrect syntax near {near}."
    ))
}
