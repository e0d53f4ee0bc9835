//! Comparing requests and answers by what they mean.

use std::collections::{BTreeMap, BTreeSet};

use dataverse_client::Error;
use dataverse_tests::script::Sent;
use serde_json::Value;

use super::{Example, ORG};

/// The text with the org of the tests and one version of the API.
pub(super) fn org(text: &str) -> String {
    let mut text = text.to_owned();
    for org in [
        "https://[Organization URI]",
        "https://[Organization Uri]",
        "[Organization URI]/org1",
        "[Organization URI]",
        "[Organization Uri]",
        "[organization uri]",
        "https://yourorg.api.crm.dynamics.com",
        "https://crmue.api.crm.dynamics.com",
    ] {
        text = text.replace(org, ORG);
    }
    for version in ["v9.0", "v9.1"] {
        text = text.replace(&format!("/api/data/{version}/"), "/api/data/v9.2/");
    }
    // One page left out a part of the path.
    text.replace(
        &format!("{ORG}/data/v9.0/"),
        &format!("{ORG}/api/data/v9.2/"),
    )
}

/// Status, headers and body of the recorded answer; a success where none is shown.
pub(super) fn answer(example: &Example) -> (u16, Vec<(String, String)>, String) {
    let response = &example.response;
    let body = response["body"].as_str().unwrap_or_default().to_owned();
    let status = response["status"].as_u64().map_or_else(
        || match body.starts_with("{\"error\"") || body.starts_with("{\n    \"error\"") {
            true => 400,
            false if body.is_empty() => 204,
            false => 200,
        },
        |status| u16::try_from(status).unwrap(),
    );
    let mut headers = Vec::new();
    for (name, value) in response["headers"].as_object().into_iter().flatten() {
        let values: Vec<&Value> = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            headers.push((name.clone(), value.as_str().unwrap().to_owned()));
        }
    }
    let is_batch = body.starts_with("--batchresponse_");
    if is_batch && !headers.iter().any(|(name, _)| name == "Content-Type") {
        let boundary = body.lines().next().unwrap().trim_start_matches("--").trim();
        headers.push((
            "Content-Type".to_owned(),
            format!("multipart/mixed; boundary={boundary}"),
        ));
    }
    let body = match is_batch {
        true => body.replace('\n', "\r\n") + "\r\n",
        false => body.replace("\u{ef}\u{bb}\u{bf}", "\u{feff}"),
    };
    (status, headers, body)
}

pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A URL as path and options, decoded: the order of options means nothing, and neither do the names
/// of parameter aliases.
pub(super) fn url(text: &str) -> (String, BTreeMap<String, String>) {
    let below = text
        .split_once("api/data/v9.2/")
        .map_or(text, |(_, below)| below);
    let (path, query) = below.split_once('?').unwrap_or((below, ""));
    let mut options = BTreeMap::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        options.insert(decoded(name).trim().to_owned(), decoded(value));
    }
    (decoded(path), options)
}

/// With the values of aliases in their places.
fn without_aliases(
    (path, mut options): (String, BTreeMap<String, String>),
) -> (String, BTreeMap<String, String>) {
    let aliases: Vec<_> = options
        .keys()
        .filter(|name| name.starts_with('@'))
        .cloned()
        .collect();
    let mut path = path;
    for alias in aliases.iter().rev() {
        let value = options.remove(alias).unwrap();
        path = replace_word(&path, alias, &value);
        for option in options.values_mut() {
            *option = replace_word(option, alias, &value);
        }
    }
    // Parentheses without parameters may be left out.
    let path = path.strip_suffix("()").unwrap_or(&path).to_owned();
    (path, options)
}

fn replace_word(text: &str, word: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let behind = &rest[at + word.len()..];
        let ends = !behind.starts_with(|next: char| next.is_ascii_alphanumeric());
        out.push_str(&rest[..at]);
        out.push_str(if ends { with } else { word });
        rest = behind;
    }
    out + rest
}

/// `…/opportunities/$ref?$id=…(<id>)` and `…/opportunities(<id>)/$ref` are the same.
fn one_form_of_unlinking(path: String, options: &mut BTreeMap<String, String>) -> String {
    let (Some(target), Some(before)) = (options.remove("$id"), path.strip_suffix("/$ref")) else {
        return path;
    };
    let (_, id) = target.rsplit_once('(').unwrap();
    format!("{before}({id}/$ref")
}

/// The URL in one form: blanks that mean nothing, quotes of lists, brackets around conditions.
fn normal(text: &str) -> (String, BTreeMap<String, String>) {
    let (path, mut options) = without_aliases(url(text));
    let path = one_form_of_unlinking(path, &mut options);
    for (name, value) in &mut options {
        if name == "$select" || name == "$expand" {
            *value = value.replace(' ', "").trim_end_matches(',').to_owned();
        }
        if name == "$orderby" {
            let keys = value.split(',').map(|key| match key.trim() {
                key if key.ends_with(" asc") || key.ends_with(" desc") => key.to_owned(),
                key => format!("{key} asc"),
            });
            *value = keys.collect::<Vec<_>>().join(",");
        }
    }
    (path.replace('"', "'"), options)
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

/// A body in one form: rows by their URL below the root, no metadata of answers.
fn normal_body(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("@odata.context");
            for (name, value) in members.iter_mut() {
                if name == "@odata.type"
                    && let Value::String(text) = value
                {
                    *text = text.trim_start_matches('#').to_owned();
                }
                if (name.ends_with("@odata.bind") || name == "@odata.id")
                    && let Value::String(text) = value
                {
                    let below = text.split_once("/api/data/v9.2/");
                    *text = below
                        .map_or(&**text, |(_, below)| below)
                        .trim_start_matches('/')
                        .to_owned();
                }
                normal_body(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normal_body),
        _ => {}
    }
}

/// Headers that say something about the request.
fn headers<'a>(all: impl Iterator<Item = (String, &'a str)>) -> BTreeMap<String, BTreeSet<String>> {
    let mut said = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, value) in all {
        let name = name.to_ascii_lowercase();
        let tells = matches!(
            &*name,
            "if-match" | "if-none-match" | "prefer" | "callerobjectid"
        ) || name.starts_with("mscrm");
        if !tells || value == "null" {
            continue;
        }
        let values: Vec<String> = match &*name {
            "prefer" => value
                .split([';'])
                .map(|one| one.trim().to_owned())
                .collect(),
            _ => vec![value.to_owned()],
        };
        said.entry(name).or_default().extend(values);
    }
    // One header or several, in any order.
    if let Some(prefer) = said.get_mut("prefer") {
        let joined = prefer.iter().cloned().collect::<Vec<_>>().join(",");
        *prefer = split_outside_quotes(&joined);
    }
    said
}

fn split_outside_quotes(text: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let mut current = String::new();
    let mut is_quoted = false;
    for char in text.chars() {
        match char {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.insert(std::mem::take(&mut current).trim().to_owned());
                continue;
            }
            _ => {}
        }
        current.push(char);
    }
    parts.insert(current.trim().to_owned());
    parts
}

pub(super) fn assert_same_request(id: &str, sent: &Sent, recorded: &Value) {
    let (method, address) = sent.line.split_once(' ').unwrap();
    assert_eq!(method, recorded["method"].as_str().unwrap(), "{id}");
    assert_eq!(
        normal(address),
        normal(recorded["url"].as_str().unwrap()),
        "{id}"
    );
    let recorded_headers = recorded["headers"].as_object().unwrap();
    let recorded_headers = recorded_headers.iter().flat_map(|(name, value)| {
        let values: Vec<&str> = match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        values.into_iter().map(|value| (name.clone(), value))
    });
    let sent_headers = sent
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap()));
    let mut sent_headers = headers(sent_headers);
    // Bulk messages ask for the details of errors.
    if address.ends_with("Multiple") {
        sent_headers.remove("prefer");
    }
    let mut expected = headers(recorded_headers);
    // The older examples of updates left it out, and could create rows.
    if method == "PATCH" && !expected.contains_key("if-match") && sent.header("if-match") == "*" {
        sent_headers.remove("if-match");
    }
    // A delta link says that changes are tracked; saying it twice is allowed.
    if address.contains("deltatoken") {
        sent_headers.remove("prefer");
    }
    expected.retain(|_, values| !values.is_empty());
    assert_eq!(sent_headers, expected, "{id}");
    let recorded_body = recorded["body"].as_str().unwrap_or_default();
    if recorded_body.starts_with("--") {
        assert_same_batch(id, &sent.body, recorded_body);
        return;
    }
    let (mut sent_body, mut recorded_body) = (json(&sent.body), json(recorded_body));
    for body in [&mut sent_body, &mut recorded_body].into_iter().flatten() {
        normal_body(body);
    }
    // An action without parameters may have no body.
    let nothing = Some(Value::Object(serde_json::Map::new()));
    if sent_body == nothing && recorded_body.is_none() {
        return;
    }
    assert_eq!(sent_body, recorded_body, "{id}: {}", sent.body);
}

/// The requests in a batch, line by line where they mean something.
fn parts(body: &str) -> Vec<(String, Option<Value>)> {
    let mut parts = Vec::new();
    let body = body.replace("\r\n", "\n");
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let is_request = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "]
            .iter()
            .any(|verb| line.starts_with(verb));
        if !is_request {
            continue;
        }
        let (method, rest) = line.split_once(' ').unwrap();
        let address = rest.trim_end_matches("HTTP/1.1").trim();
        let text: Vec<_> = lines
            .by_ref()
            .skip_while(|line| !line.is_empty())
            .take_while(|line| !line.starts_with("--"))
            .collect();
        let mut body = json(&text.join("\n"));
        if let Some(body) = &mut body {
            normal_body(body);
        }
        let (path, options) = normal(address.trim_start_matches('/'));
        parts.push((format!("{method} {path} {options:?}"), body));
    }
    parts
}

fn assert_same_batch(id: &str, sent: &str, recorded: &str) {
    assert_eq!(parts(sent), parts(recorded), "{id}: {sent}");
    let sets = |body: &str| body.matches("boundary=").count();
    assert_eq!(sets(sent), sets(recorded), "{id}");
}

/// What an operation gave, as JSON.
pub(super) type Came = Result<Value, Error>;

pub(super) fn assert_same_answer(id: &str, status: u16, body: &str, came: Came) {
    let expected = json(body);
    if status >= 400 && !body.starts_with("--") {
        let error = came.expect_err(id);
        assert_eq!(error.status().unwrap().as_u16(), status, "{id}");
        if let Some(expected) = &expected {
            let service = error.service_error().unwrap();
            assert_eq!(
                service.code_text(),
                expected["error"]["code"].as_str().unwrap(),
                "{id}"
            );
            assert_eq!(
                service.message(),
                expected["error"]["message"].as_str().unwrap(),
                "{id}"
            );
        }
        return;
    }
    let came = came.unwrap_or_else(|error| panic!("{id}: {error}"));
    let Some(expected) = expected else {
        // Nothing, text, or a batch, which `rebuild` renders as what each operation gave.
        match (&came, body.trim_start_matches('\u{feff}')) {
            (Value::Number(number), text) => assert_eq!(number.to_string(), text, "{id}"),
            (Value::String(given), text) if !text.is_empty() && !text.starts_with("--") => {
                assert_eq!(given, text, "{id}");
            }
            (Value::Array(given), text) => {
                let answers = text.matches("HTTP/1.1 ").count();
                assert_eq!(given.len(), answers.max(given.len()), "{id}");
                let failed = text.matches("HTTP/1.1 4").count();
                let errors = given.iter().filter(|one| one.get("error").is_some());
                assert_eq!(errors.count(), failed, "{id}: {given:?}");
            }
            _ => {}
        }
        return;
    };
    let expected = match expected.get("value") {
        Some(Value::Array(rows)) if came.is_array() => Value::Array(rows.clone()),
        Some(value) if !came.is_object() => value.clone(),
        _ => expected,
    };
    match (came, expected) {
        // A collection of changes and of references is rendered by what it says.
        (Value::Array(came), Value::Array(expected)) => {
            assert_eq!(came.len(), expected.len(), "{id}");
            for (came, expected) in came.into_iter().zip(expected) {
                if came.is_object() {
                    assert_eq!(came, expected, "{id}");
                }
            }
        }
        (came, expected) => assert_eq!(came, expected, "{id}"),
    }
}
