//! Documented requests and answers: the client sends the same request, and reads the same answer.
//!
//! Each recorded request is said once more with the operations of the client ([`rebuild`]), sent to
//! a script that gives the recorded answer, and compared: what went out with the recorded request,
//! what came out with the recorded answer as a plain JSON parser reads it.

mod compare;
mod layout;
mod rebuild;

use std::collections::BTreeMap;

use dataverse_client::http::RetryPolicy;
use dataverse_tests::fixture;
use dataverse_tests::script::Script;
use serde_json::Value;

const ORG: &str = "https://org.crm.dynamics.com";

/// Topics that other modules replay: `files`, `search`, `discovery`, `definitions`, `fetchxml`.
const ELSEWHERE: &[&str] = &[
    "files",
    "images",
    "annotations",
    "search",
    "discovery",
    "metadata",
    "fetchxml",
];

/// Why a request is not replayed. A quirk of the example says that it is not what goes on the wire.
const REQUESTS_SKIPPED: &[(&str, &str)] = &[
    (
        "associate-disassociate-entities-2018#7",
        "withdrawn-by-docs",
    ),
    (
        "batch-2023#3",
        "refers to a row that comes later: no handle says that",
    ),
    ("impersonate-web-api#2", "doc-invalid-guid"),
    ("query-count-rows#2", "doc-url-typo"),
    ("use-elastic-tables#3", "doc-entity-set-name-inconsistent"),
];

/// Why an answer is not compared.
const ANSWERS_SKIPPED: &[&str] = &[
    "response-not-shown",
    "response-body-not-json",
    "doc-response-not-http",
    "withdrawn-by-docs",
    "doc-values-inconsistent",
    "doc-json-raw-newline-in-string",
    "doc-invalid-guid",
];

/// An example, its placeholders replaced.
#[derive(Clone)]
struct Example {
    id: String,
    topic: String,
    quirks: Vec<String>,
    request: Value,
    response: Value,
}

fn examples() -> Vec<Example> {
    let mut files = Vec::new();
    for folder in ["wire", "wire/services"] {
        for entry in std::fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.starts_with("docs-") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut examples = Vec::new();
    for file in files {
        let text = compare::org(&std::fs::read_to_string(file).unwrap());
        let Value::Array(entries) = serde_json::from_str(&text).unwrap() else {
            panic!("not a list of examples")
        };
        for entry in entries {
            let text = |key: &str| entry[key].as_str().unwrap().to_owned();
            let quirks = entry["quirks"].as_array().unwrap().iter();
            examples.push(Example {
                id: text("id"),
                topic: text("topic"),
                quirks: quirks
                    .map(|quirk| quirk.as_str().unwrap().to_owned())
                    .collect(),
                request: entry["request"].clone(),
                response: entry["response"].clone(),
            });
        }
    }
    examples
}

#[derive(Default, Debug)]
struct Tally {
    requests: usize,
    requests_skipped: BTreeMap<String, String>,
    answers: usize,
    answers_skipped: BTreeMap<String, String>,
}

#[tokio::test]
async fn documented_requests_and_answers_are_those_of_the_client() {
    let mut tally = Tally::default();
    for example in examples() {
        if ELSEWHERE.contains(&&*example.topic) {
            continue;
        }
        let id = &example.id;
        let why = REQUESTS_SKIPPED.iter().find(|(skipped, _)| skipped == id);
        if let Some((_, why)) = why {
            tally.requests_skipped.insert(id.clone(), (*why).to_owned());
            continue;
        }
        let (status, headers, body) = compare::answer(&example);
        let headers: Vec<_> = headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let script = Script::new().answer(status, &headers, body.clone());
        let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
        let came = rebuild::send(&client, &example).await;
        let sent = script.sent();
        assert_eq!(sent.len(), 1, "{id}: {came:?}");
        match example.request.is_null() {
            // An error that any request could have had.
            true => drop(
                tally
                    .requests_skipped
                    .insert(id.clone(), "request-not-shown".into()),
            ),
            false => {
                compare::assert_same_request(id, &sent[0], &example.request);
                tally.requests += 1;
            }
        }
        let skipped = example
            .quirks
            .iter()
            .find(|quirk| ANSWERS_SKIPPED.contains(&&***quirk));
        if let Some(why) = skipped {
            tally.answers_skipped.insert(id.clone(), why.clone());
            continue;
        }
        compare::assert_same_answer(id, status, &body, came);
        tally.answers += 1;
    }
    // What is skipped is listed above, with its reason; a change of the numbers is a change here.
    assert_eq!(tally.requests, 133, "{tally:#?}");
    assert_eq!(tally.requests_skipped.len(), 8, "{tally:#?}");
    assert_eq!(tally.answers, 103, "{tally:#?}");
    assert_eq!(tally.answers_skipped.len(), 33, "{tally:#?}");
}
