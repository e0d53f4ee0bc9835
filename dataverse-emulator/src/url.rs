//! Reading URLs: path segments, keys, query options.

use crate::fault::{Fault, Result};

/// Longest URL.
pub(crate) const MAX_LENGTH: usize = 32_768;

/// Longest URL of a part of a batch.
pub(crate) const MAX_LENGTH_IN_BATCH: usize = 65_536;

/// One segment of a path: `accounts(…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// What stands in parentheses, if there are any.
    pub(crate) arguments: Option<String>,
}

/// A path below the service root, and its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `v9.2`.
    pub(crate) version: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) options: Vec<(String, String)>,
}

impl Address {
    /// Reads `/api/data/v9.2/accounts(…)?$select=name`, or the same with a host before it.
    pub(crate) fn parse(target: &str) -> Result<Self> {
        // A path may hold another URL behind `$id=`.
        let path = match target.split_once("://") {
            Some((_, rest)) if !target.starts_with('/') => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => target,
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = decode(path, false)?;
        let below = path
            .trim_start_matches('/')
            .strip_prefix("api/data/")
            .ok_or_else(|| Fault::wrong_verb(target))?;
        let (version, below) = below.split_once('/').unwrap_or((below, ""));
        let mut options: Vec<(String, String)> = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let name = decode(name, true)?;
            if options.iter().any(|(known, _)| *known == name) {
                return Err(Fault::bad_request(format!(
                    "Query option '{name}' was specified more than once, but it must be specified \
                     at most once."
                )));
            }
            options.push((name, decode(value, true)?));
        }
        Ok(Address {
            version: version.to_owned(),
            segments: segments(below)?,
            options,
        })
    }

    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(option, _)| option == name);
        found.map(|(_, value)| value.as_str())
    }

    /// An option of Dataverse itself, whatever the case of its name: name and value.
    pub(crate) fn option_of(&self, name: &str) -> Option<(&str, &str)> {
        let mut options = self.options.iter();
        let found = options.find(|(option, _)| option.eq_ignore_ascii_case(name));
        found.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Splits at slashes outside quotes and parentheses.
fn segments(path: &str) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut depth = 0u32;
    let mut in_text = false;
    let mut start = 0;
    for (at, char) in path.char_indices().chain([(path.len(), '/')]) {
        match char {
            '\'' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth = depth.saturating_sub(1),
            '/' if !in_text && depth == 0 => {
                if at > start {
                    segments.push(segment(&path[start..at])?);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    if in_text || depth > 0 {
        return Err(Fault::bad_request(format!(
            "Bad Request - Error in query syntax: '{path}'."
        )));
    }
    Ok(segments)
}

fn segment(text: &str) -> Result<Segment> {
    let Some((name, rest)) = text.split_once('(') else {
        return Ok(Segment {
            name: text.to_owned(),
            arguments: None,
        });
    };
    match rest.strip_suffix(')') {
        Some(arguments) => Ok(Segment {
            name: name.to_owned(),
            arguments: Some(arguments.to_owned()),
        }),
        None => Err(Fault::bad_request(format!(
            "Bad Request - Error in query syntax: '{text}'."
        ))),
    }
}

/// Splits at `separator` outside quotes, parentheses, brackets and braces.
pub(crate) fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0u32;
    let mut in_text = false;
    let mut start = 0;
    for (at, char) in text.char_indices() {
        match char {
            '\'' => in_text = !in_text,
            '(' | '[' | '{' if !in_text => depth += 1,
            ')' | ']' | '}' if !in_text => depth = depth.saturating_sub(1),
            char if char == separator && !in_text && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `x` of `'x'`, with doubled quotes undone.
pub(crate) fn text_literal(literal: &str) -> Option<String> {
    let inside = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    // A quote that is not doubled would end the text.
    if inside.replace("''", "").contains('\'') {
        return None;
    }
    Some(inside.replace("''", "'"))
}

/// Where the text literal that begins `rest` ends: a doubled quote is one of its characters.
pub(crate) fn quoted_end(rest: &str) -> Option<usize> {
    let mut quotes = rest.match_indices('\'').skip(1).peekable();
    while let Some((at, _)) = quotes.next() {
        match quotes.peek() {
            Some((next, _)) if *next == at + 1 => drop(quotes.next()),
            _ => return Some(at + 1),
        }
    }
    None
}

/// Undoes percent-encoding; in queries `+` is a blank.
pub(crate) fn decode(text: &str, is_query: bool) -> Result<String> {
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let invalid = || Fault::bad_request("The request URI is not percent-encoded as it should be.");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || {
                    let byte = rest.next()?;
                    char::from(byte).to_digit(16)
                };
                let (high, low) = (digit().ok_or_else(invalid)?, digit().ok_or_else(invalid)?);
                bytes.push((high * 16 + low) as u8);
            }
            b'+' if is_query => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

/// Percent-encodes what cannot stand in a query, and what would end a value in it.
pub(crate) fn encode_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"#%&+<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Percent-encodes everything but letters, digits and `-._~`, in lower-case hexadecimal, as the
/// service encodes what it puts into a skip token.
pub(crate) fn encode_all(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let address = Address::parse(
            "https://org.example//api/data/v9.2/accounts(name='a/b(c''')/x?$filter=name%20eq+'%26'&$top=1",
        )
        .unwrap();
        assert_eq!(address.version, "v9.2");
        assert_eq!(address.segments[0].name, "accounts");
        assert_eq!(
            address.segments[0].arguments.as_deref(),
            Some("name='a/b(c'''")
        );
        assert_eq!(address.segments[1].name, "x");
        assert_eq!(address.option("$filter"), Some("name eq '&'"));
        assert_eq!(address.option("$top"), Some("1"));
        let address = Address::parse("/api/data/v9.2/a(1)/b/$ref?$id=https://x/api/data/v9.2/c(2)");
        assert_eq!(address.unwrap().segments[0].name, "a");
        assert!(Address::parse("/other").is_err());
        assert!(Address::parse("/api/data/v9.2/accounts(").is_err());
        assert!(Address::parse("/api/data/v9.2/accounts?x=%zz").is_err());
    }

    #[test]
    fn text_literals_are_closed() {
        assert_eq!(text_literal("'O''B'").as_deref(), Some("O'B"));
        assert_eq!(text_literal("'a'b'"), None);
        assert_eq!(text_literal("a"), None);
        assert_eq!(
            split_outside("a='x,y',b=(1,2)", ','),
            ["a='x,y'", "b=(1,2)"]
        );
    }
}
