//! The same answers, laid out as other servers and proxies lay them out: what they mean does not
//! change.

use dataverse_client::http::RetryPolicy;
use dataverse_tests::script::Script;
use serde_json::Value;

use super::{ANSWERS_SKIPPED, ELSEWHERE, Example, REQUESTS_SKIPPED, compare, examples, rebuild};

/// A way to lay out the same document.
type Layout = (&'static str, fn(&str) -> String);

const JSON: &[Layout] = &[
    ("packed", |text| outside(text, |char| plain(char, ""))),
    ("spaced", |text| {
        outside(text, |char| plain(char, " \r\n\t"))
    }),
    ("with a byte order mark", |text| format!("\u{feff}{text}")),
    ("with a blank line around", |text| {
        format!("\r\n {text}\r\n\r\n")
    }),
    ("with members in the other order", reversed),
    ("escaped as other writers do", escaped),
    ("with annotations that are not known", |text| {
        outside(text, |char| match char {
            '{' => "{\"@odata.unknown\":{\"a\":[1,null]},".to_owned(),
            other => plain(other, ""),
        })
        .replace(",}", "}")
    }),
];

const MULTIPART: &[Layout] = &[
    ("with line feeds only", |text| text.replace('\r', "")),
    ("with text before and after", |text| {
        format!("This is a multipart message.\r\n{text}\r\nThe end.\r\n")
    }),
    ("with small names of headers", |text| {
        let small = |line: &str| match line.split_once(": ") {
            Some((name, value)) if !name.contains([' ', '{', '"']) => {
                format!("{}:{value}", name.to_ascii_lowercase())
            }
            _ => line.to_owned(),
        };
        text.split("\r\n")
            .map(small)
            .collect::<Vec<_>>()
            .join("\r\n")
    }),
    ("without words behind the status", |text| {
        text.replace(" No Content\r\n", "\r\n")
            .replace(" OK\r\n", " \r\n")
            .replace(" Bad Request\r\n", "\r\n")
    }),
    ("with blanks behind boundaries", |text| {
        text.split("\r\n")
            .map(|line| match line.starts_with("--") {
                true => format!("{line} \t"),
                false => line.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("\r\n")
    }),
    ("without how the parts are sent", |text| {
        text.replace("Content-Transfer-Encoding: binary\r\n", "")
    }),
];

fn plain(char: char, blanks: &str) -> String {
    match char {
        ' ' | '\n' | '\r' | '\t' => String::new(),
        '{' | '}' | '[' | ']' | ',' | ':' => format!("{blanks}{char}{blanks}"),
        other => other.to_string(),
    }
}

/// Replaces each character that stands in no string.
fn outside(text: &str, replace: impl Fn(char) -> String) -> String {
    let mut out = String::new();
    let (mut is_text, mut is_escaped) = (false, false);
    for char in text.chars() {
        if is_text {
            out.push(char);
            is_text = is_escaped || char != '"';
            is_escaped = !is_escaped && char == '\\';
        } else if char == '"' {
            out.push(char);
            is_text = true;
        } else {
            out.push_str(&replace(char));
        }
    }
    out
}

/// Letters that a writer may escape, escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let (mut is_text, mut is_escaped) = (false, false);
    for char in text.chars() {
        match char {
            '\'' | '<' | '>' | '+' | '&' | '@' | '(' | 'é' if is_text && !is_escaped => {
                out.push_str(&format!("\\u{:04X}", char as u32));
            }
            '/' if is_text && !is_escaped => out.push_str("\\/"),
            other => out.push(other),
        }
        if char == '"' && !is_escaped {
            is_text = !is_text;
        }
        is_escaped = is_text && !is_escaped && char == '\\';
    }
    out
}

/// Every object's members, the last one first.
fn reversed(text: &str) -> String {
    let text = outside(text, |char| plain(char, ""));
    let Some(inner) = text
        .strip_prefix(['{', '['])
        .and_then(|text| text.strip_suffix(['}', ']']))
    else {
        return text;
    };
    let mut parts: Vec<String> = at_level(inner, ',')
        .into_iter()
        .map(|part| match at_level(part, ':')[..] {
            [key, value] => format!("{key}:{}", reversed(value)),
            _ => reversed(part),
        })
        .collect();
    if text.starts_with('{') {
        parts.reverse();
        return format!("{{{}}}", parts.join(","));
    }
    format!("[{}]", parts.join(","))
}

/// The pieces between `at`, outside of strings, objects and lists.
fn at_level(text: &str, at: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for (place, char) in text.char_indices() {
        if is_text {
            is_text = is_escaped || char != '"';
            is_escaped = !is_escaped && char == '\\';
            continue;
        }
        match char {
            '"' => is_text = true,
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            char if char == at && depth == 0 => {
                pieces.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// Examples whose answers are compared, with their bodies.
fn answered() -> impl Iterator<Item = (Example, String)> {
    examples().into_iter().filter_map(|example| {
        let is_skipped = ELSEWHERE.contains(&&*example.topic)
            || REQUESTS_SKIPPED.iter().any(|(id, _)| *id == example.id)
            || example
                .quirks
                .iter()
                .any(|quirk| ANSWERS_SKIPPED.contains(&&**quirk));
        let (_, _, body) = compare::answer(&example);
        (!is_skipped && !body.is_empty()).then_some((example, body))
    })
}

/// Sends the request of an example, and compares what comes when the answer is `body`.
async fn assert_read(example: &Example, layout: &str, as_recorded: &str, body: String) {
    let (status, headers, _) = compare::answer(example);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut laid_out = example.clone();
    laid_out.response["body"] = Value::String(body.trim_start_matches('\u{feff}').to_owned());
    let script = Script::new().answer(status, &headers, body);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let came = rebuild::send(&client, &laid_out).await;
    let id = format!("{} {layout}", example.id);
    compare::assert_same_answer(&id, status, as_recorded, came.map(without_unknown));
}

/// Without the annotation that a layout adds.
fn without_unknown(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| name != "@odata.unknown")
            .map(|(name, value)| (name, without_unknown(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_unknown).collect(),
        other => other,
    }
}

#[tokio::test]
async fn answers_mean_the_same_however_they_are_laid_out() {
    let mut read = 0;
    for (example, body) in answered() {
        let layouts = match () {
            () if body.starts_with("--") => MULTIPART,
            () if body.starts_with('{') => JSON,
            () => continue,
        };
        for (layout, lay_out) in layouts {
            assert_read(&example, layout, &body, lay_out(&body)).await;
            read += 1;
        }
    }
    assert!(read > 400, "{read}");
}

#[test]
fn layouts_keep_what_a_document_means() {
    let text = r#"{"a": "x,\"y\":{", "b@c": [1.50, {"d": null, "e": true}], "f/g'": {}}"#;
    let meaning: Value = serde_json::from_str(text).unwrap();
    for (layout, lay_out) in JSON.iter().filter(|(name, _)| !name.contains("not known")) {
        let laid_out = lay_out(text);
        let read: Value = serde_json::from_str(laid_out.trim_start_matches('\u{feff}')).unwrap();
        assert_eq!(read, meaning, "{layout}: {laid_out}");
    }
    assert_eq!(
        reversed(text),
        r#"{"f/g'":{},"b@c":[1.50,{"e":true,"d":null}],"a":"x,\"y\":{"}"#
    );
}
