//! Rows in URLs and bodies: `accounts(…)`.

use std::fmt::Write;

use uuid::Uuid;

use super::url::{encode, entity_set};
use crate::error::{Error, Result};
use crate::schema::KeyKind;

/// Characters that the service accepts in no form in the text of an alternate key in a URL.
/// Source: Microsoft Learn, "Use an alternate key to reference a record", 2024.
const UNUSABLE: &[char] = &['/', '<', '>', '*', '%', '&', ':', '\\', '?', '+'];

/// `accounts(0000…)` or `accounts(accountnumber='AC-1')`, percent-encoded.
pub(crate) fn row_path(entity_set: &str, key: &KeyKind) -> Result<String> {
    let mut path = format!("{}(", self::entity_set(entity_set)?);
    match key {
        // Writing to a String does not fail.
        KeyKind::Id(id) => drop(write!(path, "{id}")),
        KeyKind::Alternate(parts) => {
            for (index, (name, literal)) in parts.iter().enumerate() {
                if literal.starts_with('\'')
                    && let Some(bad) = literal.chars().find(|char| UNUSABLE.contains(char))
                {
                    return Err(Error::input(format!(
                        "the value for `{name}` in an alternate key of `{entity_set}` holds \
                         `{bad}`, which the service accepts in no key; find the row by a filter \
                         and use its id"
                    )));
                }
                if index > 0 {
                    path.push(',');
                }
                encode(name, &mut path);
                path.push('=');
                encode(literal, &mut path);
            }
        }
    }
    path.push(')');
    Ok(path)
}
/// The GUID in `https://…/accounts(<id>)`.
pub(crate) fn id_in(url: &[u8]) -> Option<Uuid> {
    let url = url.trim_ascii_end().strip_suffix(b")")?;
    let key = &url[memchr::memrchr(b'(', url)? + 1..];
    Uuid::try_parse_ascii(key).ok()
}
