//! What `$expand` asks for, as it is written.

use crate::fault::{Fault, Result};
use crate::url::split_outside;

/// How many navigation properties a query may expand, nested ones included.
const MAX_EXPANDS: usize = 15;

const OPTIONS: &[&str] = &[
    "$select", "$filter", "$orderby", "$top", "$expand", "$count",
];

/// One navigation property as it was asked for.
pub(super) struct Asked<'t> {
    pub(super) name: &'t str,
    pub(super) is_reference: bool,
    pub(super) options: Vec<(&'t str, &'t str)>,
    pub(super) nested: Vec<Asked<'t>>,
}

/// Reads `a($select=x),b/$ref`.
pub(super) fn asked<'t>(text: &'t str, count: &mut usize) -> Result<Vec<Asked<'t>>> {
    let malformed = || Fault::bad_request(format!("Syntax error in '$expand={text}'."));
    let mut items: Vec<Asked<'t>> = Vec::new();
    for item in split_outside(text, ',') {
        let item = item.trim();
        *count += 1;
        if *count > MAX_EXPANDS {
            return Err(Fault::too_many_joins());
        }
        let (path, inside) = match item.split_once('(') {
            Some((path, rest)) => (path, rest.strip_suffix(')').ok_or_else(malformed)?),
            None => (item, ""),
        };
        let path = path.trim_end();
        let (name, is_reference) = match path.split_once('/') {
            None => (path, false),
            Some((name, "$ref")) => (name, true),
            Some(_) => return Err(malformed()),
        };
        if name.is_empty() || items.iter().any(|known| known.name == name) {
            return Err(malformed());
        }
        let mut options: Vec<(&str, &str)> = Vec::new();
        let mut nested = Vec::new();
        for option in split_outside(inside, ';') {
            if option.trim().is_empty() {
                continue;
            }
            let (option, value) = option.split_once('=').ok_or_else(malformed)?;
            let (option, value) = (option.trim(), value.trim());
            let is_known = OPTIONS.contains(&option) && !is_reference;
            if !is_known || options.iter().any(|(known, _)| *known == option) {
                return Err(Fault::bad_request(format!(
                    "The query option '{option}' is not allowed in $expand of '{name}'."
                )));
            }
            if option == "$expand" {
                nested = asked(value, count)?;
            }
            options.push((option, value));
        }
        items.push(Asked {
            name,
            is_reference,
            options,
            nested,
        });
    }
    Ok(items)
}
