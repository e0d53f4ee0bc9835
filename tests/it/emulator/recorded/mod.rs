//! Every recorded exchange: what the emulator answers has the documented status, headers and shape.
//!
//! Each request is sent to an emulator of its own, with the rows that it names and those that its
//! answer shows. What is not sent, and what differs, is listed here with the reason: no more and no
//! less.

mod before;
mod captured;
mod setup;
mod shape;

use std::collections::BTreeMap;

use dataverse_emulator::Emulator;
use dataverse_tests::fixture;
use serde_json::Value;

use super::send;

/// Differences between printed and sent examples that do not touch what is compared.
const HARMLESS: &[&str] = &[
    "doc-status-line-shortened",
    "select-trailing-comma",
    "url-multiline",
];

/// Examples that are not sent, or are answered otherwise, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "conditional-operations#3",
        "an older answer, whose code is empty",
    ),
    (
        "conditional-operations#4",
        "an older answer, whose code is empty",
    ),
    (
        "conditional-operations#5",
        "an older answer, whose code is empty",
    ),
    (
        "conditional-operations#6",
        "an older answer, whose code is empty",
    ),
    (
        "fetchxml-page-results#1",
        "printed without the count that was asked for",
    ),
    ("file-column-data#2", "there are no rows of fileattachment"),
    (
        "query-data-2019#19",
        "printed without an underscore: transactioncurrencyid_value",
    ),
    (
        "query-data-2019#20",
        "printed without a column that was asked for",
    ),
    ("query-data-2019#21", OLDER_EXPAND),
    ("query-data-2019#22", OLDER_EXPAND),
    (
        "query-join-tables#3",
        "tells of a preference that the request does not have",
    ),
    ("query-metadata-2018#1", "shows one table as a list"),
    ("retrieve-related-entities-query-2020#1", OLDER_EXPAND),
    ("retrieve-related-entities-query-2020#2", OLDER_EXPAND),
    ("retrieve-related-entities-query-2020#3", OLDER_EXPAND),
    ("retrieve-metadata-name-metadataid-2018#3", OLDER_EXPAND),
    (
        "seq-basic-operations-sample#11",
        "an older answer, without the lookup that leads back",
    ),
    (
        "update-delete-web-api-2021#2",
        "an older context, which does not name columns",
    ),
];
const OLDER_EXPAND: &str = "an older answer: names stand in the context twice";

/// All examples, by id.
fn examples() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for folder in ["wire", "wire/services", "definitions"] {
        for entry in std::fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.starts_with("docs-") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
            for example in examples {
                found.insert(example["id"].as_str().unwrap().to_owned(), example);
            }
        }
    }
    found
}

/// Why an example says too little to be sent and compared.
fn quirk(example: &Value) -> Option<String> {
    let quirks = example["quirks"].as_array().unwrap().iter();
    let mut quirks = quirks.map(|quirk| quirk.as_str().unwrap());
    let found = quirks.find(|quirk| !HARMLESS.contains(quirk));
    found.map(str::to_owned)
}

/// The documented text, with what stands here in place of its placeholders.
fn here(text: &str) -> String {
    let orgs = [
        "https://[Organization URI]",
        "[Organization URI]",
        "[Organization Uri]",
        "[organization uri]",
    ];
    let text = orgs.iter().fold(text.to_owned(), |text, org| {
        text.replace(org, Emulator::URL)
    });
    let rows = [
        "<accountid>",
        "<activityid>",
        "<activitymimeattachmentid>",
        "<annotationid>",
    ];
    rows.iter()
        .fold(text, |text, row| text.replace(row, setup::ROW))
}

/// A URL as it goes over the wire.
fn encoded(url: &str) -> String {
    let mut text = String::new();
    for byte in url.bytes() {
        match byte {
            b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&byte) => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Sends an example, and tells what differs.
async fn differences(example: &Value) -> Vec<String> {
    let printed = |value: &Value| here(value.as_str().unwrap_or_default());
    let (request, expected) = (&example["request"], &example["response"]);
    let (method, url) = (printed(&request["method"]), printed(&request["url"]));
    let id = example["id"].as_str().unwrap();
    let emulator = setup::emulator();
    let status = expected["status"].as_u64().unwrap();
    if status != 404 {
        let path = url.strip_prefix(Emulator::URL).unwrap_or(&url);
        let asked = (&*method, path, &*printed(&request["body"]));
        setup::rows(&emulator, id, asked, &printed(&expected["body"])).await;
    }
    let replaced = before::done(&emulator, id, request).await;
    let text = |value: &Value| {
        let mut text = printed(value);
        for (printed, sent) in &replaced {
            text = text.replace(printed, sent);
        }
        text
    };
    let url = text(&request["url"]);
    let mut headers = Vec::new();
    for (name, value) in request["headers"].as_object().unwrap() {
        if !["authorization", "content-length"].contains(&name.to_ascii_lowercase().as_str()) {
            headers.push((name.as_str(), text(value)));
        }
    }
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let mut body = text(&request["body"]);
    if url.ends_with("$batch") {
        body = body.replace('\n', "\r\n") + "\r\n";
    }
    let path = url.find("/api/").map_or(&*url, |at| &url[at..]);
    let answer = send(&emulator, &method, &encoded(path), &headers, &body).await;
    if u64::from(answer.status) != status {
        return vec![format!(
            "{} instead of {status}: {}",
            answer.status, answer.body
        )];
    }
    let mut found = shape::headers(&expected["headers"], &answer.headers);
    found.extend(shape::body(&text(&expected["body"]), &answer.body));
    found
}

#[tokio::test]
async fn every_example_is_answered_as_documented() {
    let (mut answered, mut with_quirk) = (0, 0);
    let mut told = String::new();
    for (id, example) in examples() {
        if quirk(&example).is_some() {
            with_quirk += 1;
            continue;
        }
        let reason = LEFT_OUT.iter().find(|(left_out, _)| *left_out == id);
        let found = tokio::spawn(async move { differences(&example).await }).await;
        let found = found.unwrap_or_else(|error| vec![error.to_string()]);
        match (found.is_empty(), reason) {
            (true, None) => answered += 1,
            (true, Some((_, reason))) => told.push_str(&format!("{id} is answered: {reason}\n")),
            (false, None) => told.push_str(&format!("{id}: {}\n", found.join("; "))),
            (false, Some(_)) => {}
        }
    }
    assert!(told.is_empty(), "{answered} are answered\n{told}");
    assert_eq!((answered, LEFT_OUT.len(), with_quirk), (117, 18, 77));
}
