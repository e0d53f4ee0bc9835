//! Percent-encoding.

/// Appends `text` for a query option or path segment: everything that could end it or be read as
/// something else is encoded.
pub(crate) fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Structure of keys, filters and lists; not special to a URL parser here.
            b'(' | b')' | b',' | b'\'' | b'=' | b'$' | b'@' | b':' | b'/' | b';' | b'*' | b'!' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

/// Undoes percent-encoding; None if what comes out is no text, or a percent sign stands alone.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        // A sign would pass as part of a number.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

/// Builds `path?name=value&…`.
#[derive(Debug)]
pub(crate) struct Query {
    text: String,
    separator: char,
}

impl Query {
    pub(crate) fn of(path: impl Into<String>) -> Self {
        Query {
            text: path.into(),
            separator: '?',
        }
    }

    /// Appends an option; `value` is encoded here.
    pub(crate) fn option(&mut self, name: &str, value: &str) {
        self.text.push(self.separator);
        self.separator = '&';
        self.text.push_str(name);
        self.text.push('=');
        encode(value, &mut self.text);
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_end_an_option() {
        let mut query = Query::of("accounts");
        query.option("$filter", "name eq 'A&B #1+1%? ä'");
        query.option("$top", "5");
        assert_eq!(
            query.into_string(),
            "accounts?$filter=name%20eq%20'A%26B%20%231%2B1%25%3F%20%C3%A4'&$top=5"
        );
    }
}
