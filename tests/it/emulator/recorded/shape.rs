//! Whether two answers have the same shape.

use http::HeaderMap;
use serde_json::Value;

/// Headers of proxies, and those that tell how long a body is.
const NOISE: &[&str] = &[
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "content-length",
];

/// Header names that are documented and do not come.
pub(super) fn headers(expected: &Value, actual: &HeaderMap) -> Vec<String> {
    let names = expected.as_object().into_iter().flatten();
    let names = names.map(|(name, _)| name.to_ascii_lowercase());
    names
        .filter(|name| !NOISE.contains(&name.as_str()) && !actual.contains_key(name))
        .map(|name| format!("no header {name}"))
        .collect()
}

/// Where two bodies differ: members, kinds of values, contexts, texts of errors.
pub(super) fn body(expected: &str, actual: &str) -> Vec<String> {
    let mut found = Vec::new();
    let plain = |text: &str| text.trim_start_matches('\u{feff}').trim().to_owned();
    let (expected, actual) = (&*plain(expected), &*plain(actual));
    match (serde_json::from_str(expected), serde_json::from_str(actual)) {
        (Ok(expected), Ok(actual)) => compare(&expected, &actual, "", &mut found),
        (Err(_), Err(_)) => {
            if expected.is_empty() != actual.is_empty() {
                found.push(format!("the body is {actual:?}"));
            }
        }
        _ => found.push(format!("the body is {actual:?}")),
    }
    found
}

fn compare(expected: &Value, actual: &Value, at: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                match actual.get(name) {
                    Some(other) => compare(value, other, &format!("{at}/{name}"), found),
                    None => found.push(format!("no {at}/{name}")),
                }
            }
            for name in actual.keys().filter(|name| !expected.contains_key(*name)) {
                found.push(format!("too much: {at}/{name}"));
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                let (expected, actual) = (expected.len(), actual.len());
                found.push(format!("{at}: {actual} instead of {expected}"));
            }
            for (place, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(expected, actual, &format!("{at}[{place}]"), found);
            }
        }
        (Value::String(expected), Value::String(actual))
            if at.ends_with("@odata.context") || at.starts_with("/error/") =>
        {
            // Names in any order: those of FetchXML stand in two.
            let fragment = |text: &str| {
                let mut names: Vec<&str> =
                    text.split('#').next_back().unwrap().split(',').collect();
                names.sort_unstable();
                names.join(",")
            };
            let (expected, actual) = match at.ends_with("@odata.context") {
                true => (fragment(expected), fragment(actual)),
                false => (expected.clone(), actual.clone()),
            };
            if expected != actual {
                found.push(format!("{at}: {actual} instead of {expected}"));
            }
        }
        // Any value may be null in one org and not in another.
        (Value::Null, _) | (_, Value::Null) => {}
        _ => {
            if std::mem::discriminant(expected) != std::mem::discriminant(actual) {
                found.push(format!("{at}: {actual} instead of {expected}"));
            }
        }
    }
}
