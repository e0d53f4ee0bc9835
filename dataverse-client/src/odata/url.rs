//! Percent-encoding.

use crate::error::{Error, Result};

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

/// The name of an entity set, as the first part of a path.
///
/// Errors: it is none; a name that is only known at run time must not become another request.
pub(crate) fn entity_set(name: &str) -> Result<&str> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.bytes().all(is_name) {
        return Ok(name);
    }
    Err(Error::input(format!(
        "`{name}` is no name of an entity set, such as `accounts`"
    )))
}

/// Checks a path below the service root: names that are only known at run time must not make it
/// another request.
///
/// Errors: a segment that is no name with an optional key, or characters that are not encoded.
pub(crate) fn check_path(target: &str) -> Result<()> {
    let wrong = |why: &str| {
        Err(Error::input(format!(
            "the request has no valid path: {why}; check the names of tables, columns, navigation \
             properties and operations"
        )))
    };
    // Quotes are data of a key; a batch would read what stands behind a line end as a header.
    let is_raw = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'#' | b'\\');
    if target.bytes().any(is_raw) {
        return wrong("it holds characters that must be encoded");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if query.contains('?') {
        return wrong("it has two queries");
    }
    for segment in path.split('/') {
        let name = segment.split('(').next().unwrap_or_default();
        let is_name =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'-');
        if name.bytes().all(|byte| byte == b'.') || !name.bytes().all(is_name) {
            return wrong("a part of it is no name");
        }
        if segment.len() > name.len() && !segment.ends_with(')') {
            return wrong("a key in it does not end");
        }
    }
    Ok(())
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
    fn paths_are_names_and_keys() {
        for good in [
            "$batch",
            "$1/lastname",
            "WhoAmI()",
            "accounts",
            "accounts?$select=name&$filter=name%20eq%20'a/../b'",
            "accounts(accountnumber='%C3%84''..')/contact_customer_accounts/$ref?@odata.id=x",
            "accounts/Microsoft.Dynamics.CRM.CreateMultiple",
            "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='new-x')",
            "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=%5B%22account%22%5D",
        ] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/accounts",
            "accounts//name",
            "accounts/../$batch",
            "accounts/./x",
            "accounts/..%2f$batch",
            "acc ounts",
            "acc\r\nounts",
            "accounts#x",
            "accounts\\x",
            "\u{e4}mter",
            "name)",
            "name'",
            "name(x",
            "name(x)y",
            "name?$select=x?$select=y",
        ] {
            assert!(check_path(bad).unwrap_err().is_invalid_input(), "{bad}");
        }
    }

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
