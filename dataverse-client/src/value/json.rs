//! A pull reader of JSON that keeps the digits of numbers and the place of every error.
//!
//! `serde_json` reads numbers as `f64` unless a feature is switched on that then holds for the
//! whole program; customer data must survive without asking the user for that.

use std::borrow::Cow;

use memchr::memchr2;

/// How deep arrays and objects may nest before a document counts as hostile.
const MAX_DEPTH: usize = 128;

/// One JSON value, borrowed from the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The digits as they stand in the document.
    Number(&'a str),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An object or array, as text.
    Nested(&'a str),
}

impl Scalar<'_> {
    /// What it is, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Scalar::Null => "null",
            Scalar::Bool(_) => "a boolean",
            Scalar::Number(_) => "a number",
            Scalar::Text(_) => "text",
            Scalar::Nested(text) if text.starts_with('[') => "an array",
            Scalar::Nested(_) => "an object",
        }
    }
}

/// The document is not the JSON that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {position}: expected {expected}")]
pub struct JsonError {
    /// Offset in bytes.
    pub position: usize,
    /// What should stand there.
    pub expected: &'static str,
}

/// Reads a document from front to back.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `text`, a leading byte order mark aside.
    pub(crate) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Reader { text, at }
    }

    /// Reads `bytes`, which must be UTF-8.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Reader::new(text)),
            Err(error) => Err(JsonError {
                position: error.valid_up_to(),
                expected: "UTF-8",
            }),
        }
    }

    /// Calls `member` for every member of an object; it must read the value.
    pub(crate) fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.enter(b'{', "an object")? {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, &key)?;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// Calls `item` for every item of an array; it must read it.
    pub(crate) fn array<E: From<JsonError>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.enter(b'[', "an array")? {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Enters an object; false if it is empty and already left.
    pub(crate) fn enter_object(&mut self) -> Result<bool, JsonError> {
        self.enter(b'{', "an object")
    }

    /// After a member: true if another follows, false if the object is left.
    pub(crate) fn more_members(&mut self) -> Result<bool, JsonError> {
        self.more(b'}')
    }

    /// Consumes `quoted`, a key with its quotes and colon, if it comes next.
    pub(crate) fn take_key(&mut self, quoted: &str) -> bool {
        let hit = self.text.as_bytes()[self.at..].starts_with(quoted.as_bytes());
        if hit {
            self.at += quoted.len();
        }
        hit
    }

    /// Reads a key and its colon.
    pub(crate) fn key(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.blanks();
        let key = self.string()?;
        self.blanks();
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(key)
            }
            _ => Err(self.error("`:`")),
        }
    }

    /// Reads any value.
    pub(crate) fn scalar(&mut self) -> Result<Scalar<'a>, JsonError> {
        self.blanks();
        match self.peek() {
            Some(b'"') => Ok(Scalar::Text(self.string()?)),
            Some(b'{' | b'[') => {
                let start = self.at;
                self.skip_nested()?;
                Ok(Scalar::Nested(&self.text[start..self.at]))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Scalar::Bool(true)),
            Some(b'f') => self.word("false", Scalar::Bool(false)),
            Some(b'n') => self.word("null", Scalar::Null),
            _ => Err(self.error("a value")),
        }
    }

    /// Reads past any value.
    pub(crate) fn skip(&mut self) -> Result<(), JsonError> {
        self.blanks();
        match self.peek() {
            Some(b'"') => self.skip_string(),
            _ => self.scalar().map(drop),
        }
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end of the document")),
        }
    }

    /// Whether the next value is a `[` or `{`, as given.
    pub(crate) fn next_is(&mut self, byte: u8) -> bool {
        self.blanks();
        self.peek() == Some(byte)
    }

    /// How many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.text.len() - self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error(&self, expected: &'static str) -> JsonError {
        JsonError {
            position: self.at,
            expected,
        }
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn enter(&mut self, open: u8, expected: &'static str) -> Result<bool, JsonError> {
        self.blanks();
        if self.peek() != Some(open) {
            return Err(self.error(expected));
        }
        self.at += 1;
        self.blanks();
        // `]` and `}` each stand two after their opening in ASCII.
        if self.peek() == Some(open + 2) {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    fn more(&mut self, close: u8) -> Result<bool, JsonError> {
        self.blanks();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.blanks();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.error("`,` or the end of the object or array")),
        }
    }

    fn word(&mut self, word: &str, value: Scalar<'a>) -> Result<Scalar<'a>, JsonError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Scalar<'a>, JsonError> {
        let rest = &self.text.as_bytes()[self.at..];
        match number_length(rest) {
            Some(length) => {
                let start = self.at;
                self.at += length;
                Ok(Scalar::Number(&self.text[start..self.at]))
            }
            None => Err(self.error("a number")),
        }
    }

    /// Offset of the closing quote of the string that opens at `self.at`, and whether it has
    /// escapes.
    fn string_end(&self) -> Result<(usize, bool), JsonError> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return Err(self.error("a string"));
        }
        let mut at = self.at + 1;
        let mut escaped = false;
        loop {
            match memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
                Some(found) if bytes[at + found] == b'"' => return Ok((at + found, escaped)),
                Some(found) => {
                    escaped = true;
                    at += found + 2;
                }
                None => {
                    return Err(JsonError {
                        position: bytes.len(),
                        expected: "the end of a string",
                    });
                }
            }
        }
    }

    fn skip_string(&mut self) -> Result<(), JsonError> {
        self.at = self.string_end()?.0 + 1;
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let (end, escaped) = self.string_end()?;
        let start = self.at + 1;
        let body = &self.text[start..end];
        let text = if escaped {
            Cow::Owned(unescape(body).map_err(|offset| JsonError {
                position: start + offset,
                expected: "a valid escape",
            })?)
        } else {
            Cow::Borrowed(body)
        };
        self.at = end + 1;
        Ok(text)
    }

    fn skip_nested(&mut self) -> Result<(), JsonError> {
        let mut closers = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if closers.len() == MAX_DEPTH {
                        return Err(self.error("fewer than 128 nested values"));
                    }
                    if self.enter(open, "a value")? {
                        closers.push(open + 2);
                        if open == b'{' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => self.skip_string()?,
                _ => drop(self.scalar()?),
            }
            // A value has ended: go on in, or leave, what holds it.
            loop {
                let Some(&close) = closers.last() else {
                    return Ok(());
                };
                if self.more(close)? {
                    if close == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
                closers.pop();
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), JsonError> {
        self.key().map(drop)
    }
}

/// How long the number is that `text` starts with, by the grammar of RFC 8259.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits_from = |from: usize| {
        let mut at = from;
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut end = digits_from(start);
    if end == start || (end > start + 1 && text[start] == b'0') {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits_from(fraction);
        if end == fraction {
            return None;
        }
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = end + 1 + sign;
        end = digits_from(exponent);
        if end == exponent {
            return None;
        }
    }
    // What goes on as a number would, is none: `1.2.3`.
    match text.get(end) {
        Some(b'-' | b'+' | b'.' | b'e' | b'E') => None,
        _ => Some(end),
    }
}

/// Resolves escapes; the error is the offset of a bad one.
fn unescape(body: &str) -> Result<String, usize> {
    let mut out = String::with_capacity(body.len());
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &body.as_bytes()[at..]) {
        let slash = at + found;
        out.push_str(&body[at..slash]);
        let plain = match body.as_bytes().get(slash + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (char, length) = unescape_unicode(&body[slash..]).ok_or(slash)?;
                out.push(char);
                at = slash + length;
                continue;
            }
            _ => return Err(slash),
        };
        out.push(plain);
        at = slash + 2;
    }
    out.push_str(&body[at..]);
    Ok(out)
}

/// Reads `\uXXXX` or a surrogate pair; gives the character and how many bytes it took. A lone
/// surrogate becomes U+FFFD: one bad character must not lose the row.
fn unescape_unicode(text: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let escape = text.get(from..from + 6)?.strip_prefix("\\u")?;
        if !escape.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(escape, 16).ok()
    };
    let first = unit(0)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some(second @ 0xdc00..0xe000) = unit(6)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((char::from_u32(code)?, 12));
    }
    Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6))
}

/// Whether a byte must be escaped: eight are looked at in one go.
fn has_special(text: &[u8]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const TOP: u64 = EACH * 0x80;
    let Some(last) = text.last_chunk::<8>() else {
        let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
        return text.iter().any(is_special);
    };
    // The last eight may have been looked at in part.
    let (words, _) = text.as_chunks::<8>();
    words.iter().chain([last]).any(|word| {
        let word = u64::from_le_bytes(*word);
        // The top bit of a byte that is below `limit`, if its own is not set.
        let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word;
        let quote = word ^ (EACH * u64::from(b'"'));
        let backslash = word ^ (EACH * u64::from(b'\\'));
        (below(word, 0x20) | below(quote, 1) | below(backslash, 1)) & TOP != 0
    })
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    // Nearly all text is plain.
    if !has_special(text.as_bytes()) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => {
                out.push_str(&text[done..at]);
                done = at + 1;
                out.push_str(&format!("\\u{byte:04x}"));
                continue;
            }
            _ => continue,
        };
        out.push_str(&text[done..at]);
        out.push_str(escape);
        done = at + 1;
    }
    out.push_str(&text[done..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Result<Scalar<'_>, JsonError> {
        let mut reader = Reader::new(text);
        let value = reader.scalar()?;
        reader.end()?;
        Ok(value)
    }

    #[test]
    fn numbers_keep_their_digits() {
        for digits in ["0", "-0.10", "5000000.0000", "9223372036854775807", "1e-7"] {
            assert_eq!(scalar(digits), Ok(Scalar::Number(digits)));
        }
        for digits in ["01", "1.", "-", "1e", "+1", ".5", "1.2.3"] {
            assert!(scalar(digits).is_err(), "{digits}");
        }
    }

    #[test]
    fn strings_unescape_and_write_back() {
        let text = "a\"\\/\n\u{1}\u{1f600}ß";
        let mut out = String::new();
        write_string(text, &mut out);
        assert_eq!(scalar(&out), Ok(Scalar::Text(text.into())));
        assert_eq!(
            scalar(r#""\ud83d\ude00 \ud83d \u00df""#),
            Ok(Scalar::Text("\u{1f600} \u{fffd} ß".into()))
        );
        assert_eq!(
            scalar(r#""\x""#).map_err(|e| (e.position, e.expected)),
            Err((1, "a valid escape"))
        );
    }

    #[test]
    fn nested_values_come_as_text() {
        let text = r#"{"a":[1,{"b":"]}"},[]],"c":{}}"#;
        assert_eq!(scalar(text), Ok(Scalar::Nested(text)));
        assert!(scalar(r#"{"a":[1,}"#).is_err());
        assert!(scalar(r#"{"a" 1}"#).is_err());
    }

    #[test]
    fn hostile_depth_is_an_error() {
        let deep = "[".repeat(100_000);
        assert_eq!(
            scalar(&deep).map_err(|e| e.expected),
            Err("fewer than 128 nested values")
        );
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let text = r#"{"n":null,"t":true,"s":"x\u00e4é","a":[1.5,-2],"o":{"k":"v"}}"#;
        for (cut, _) in text.char_indices() {
            assert!(scalar(&text[..cut]).is_err(), "{cut}");
        }
        assert!(scalar(text).is_ok());
    }

    #[test]
    fn special_bytes_are_seen_wherever_they_stand() {
        for length in 0..20 {
            let plain = "\u{e4}~!#[]\u{7f} "
                .bytes()
                .cycle()
                .take(length)
                .collect::<Vec<_>>();
            assert!(!has_special(&plain), "{plain:?}");
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = plain.clone();
                    text[at] = byte;
                    let expected = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(has_special(&text), expected, "{text:?}");
                }
            }
        }
    }
}
