//! The emulator answers documented requests as documented: status, headers, error texts.

use std::collections::HashMap;

use serde_json::Value;

use super::{Answer, emulator, post, send};

/// The documented examples of a file, by id.
pub(super) fn examples(file: &str) -> HashMap<String, Value> {
    let text = std::fs::read_to_string(dataverse_tests::fixture("wire").join(file)).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    let id = |example: &Value| example["id"].as_str().unwrap().to_owned();
    examples
        .into_iter()
        .map(|example| (id(&example), example))
        .collect()
}

/// The documented text, with the emulator's address in place of an org's.
fn here(text: &str) -> String {
    ["[Organization URI]", "[Organization Uri]"]
        .into_iter()
        .fold(text.to_owned(), |text, org| {
            text.replace(org, "https://emulator.localhost")
        })
}

/// Sends a documented request.
pub(super) async fn replay(emulator: &dataverse_emulator::Emulator, example: &Value) -> Answer {
    let request = &example["request"];
    let url = request["url"].as_str().unwrap();
    let path = url.split_once("/api/data/").unwrap().1;
    let path = here(path).replace(' ', "%20").replace('"', "%22");
    let path = format!("/api/data/{path}");
    let mut headers = Vec::new();
    for (name, value) in request["headers"].as_object().unwrap() {
        if !name.eq_ignore_ascii_case("content-length") {
            headers.push((name.as_str(), value.as_str().unwrap_or_default()));
        }
    }
    let mut body = here(request["body"].as_str().unwrap_or_default());
    if path.ends_with("$batch") {
        body = body.replace('\n', "\r\n") + "\r\n";
    }
    send(
        emulator,
        request["method"].as_str().unwrap(),
        &path,
        &headers,
        &body,
    )
    .await
}

/// Status, and for errors the message, are those of the document.
pub(super) fn assert_as_documented(answer: &Answer, example: &Value) {
    let id = &example["id"];
    let expected = &example["response"];
    assert_eq!(
        Some(u64::from(answer.status)),
        expected["status"].as_u64(),
        "{id}: {}",
        answer.body
    );
    let body = expected["body"].as_str().unwrap_or_default();
    let json: Option<Value> = serde_json::from_str(body).ok();
    match json
        .as_ref()
        .and_then(|json| json["error"]["message"].as_str())
    {
        Some(message) => assert_eq!(answer.error().1, message, "{id}"),
        None if answer.status >= 400 && !answer.header("content-type").starts_with("multipart") => {
            assert_eq!(answer.body, body, "{id}");
        }
        None => {}
    }
}

#[tokio::test]
async fn conditional_operations() {
    let examples = examples("docs-conditional-operations.json");
    let row = r#"{"accountid":"00000000-0000-0000-0000-000000000001","name":"a"}"#;
    // Without the row.
    assert_as_documented(
        &replay(&emulator(), &examples["conditional-operations#3"]).await,
        &examples["conditional-operations#3"],
    );
    // With the row, of another version than the examples name.
    for number in [4, 5, 6] {
        let emulator = emulator();
        post(&emulator, "accounts", row).await;
        let example = &examples[&format!("conditional-operations#{number}")];
        assert_as_documented(&replay(&emulator, example).await, example);
    }
}

#[tokio::test]
async fn references_within_a_batch() {
    let example = &examples("docs-batch-2023.json")["batch-2023#3"];
    assert_as_documented(&replay(&emulator(), example).await, example);
}

#[tokio::test]
async fn pages_of_contacts() {
    let examples = examples("docs-query-page-results.json");
    let example = &examples["query-page-results#1"];
    let emulator = emulator();
    let rows = example["response"]["body"].as_str().unwrap();
    let rows: Value = serde_json::from_str(rows).unwrap();
    let given = rows["value"].as_array().unwrap().iter().map(|row| {
        serde_json::json!({"contactid": row["contactid"], "fullname": row["fullname"]}).to_string()
    });
    emulator.seed("contact", given).unwrap();
    emulator
        .seed(
            "contact",
            [r#"{"contactid":"ffffffff-d01c-ed11-b83e-000d3a572421"}"#],
        )
        .unwrap();
    let answer = replay(&emulator, example).await;
    assert_as_documented(&answer, example);
    assert_eq!(answer.header("preference-applied"), "odata.maxpagesize=2");
    let told = answer.json();
    assert_eq!(told["value"].as_array().unwrap().len(), 2);
    let keys = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&told["value"][0]), keys(&rows["value"][0]));
    for (row, expected) in told["value"]
        .as_array()
        .unwrap()
        .iter()
        .zip(rows["value"].as_array().unwrap())
    {
        assert_eq!(row["fullname"], expected["fullname"]);
    }
    let tail = |json: &Value| {
        let link = json["@odata.nextLink"].as_str().unwrap();
        let path = link.split_once("/api/data/").unwrap().1;
        path.split("contactid").next().unwrap().to_owned()
    };
    assert_eq!(tail(&told), tail(&rows));
}

#[tokio::test]
async fn who_am_i() {
    let recorded =
        std::fs::read_to_string(dataverse_tests::fixture("wire/tf-whoami.json")).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let told = super::get(&emulator(), "WhoAmI").await.json();
    let keys = |json: &Value| {
        json.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&told), keys(&recorded));
}

/// The names of header lines in a multipart body, a set per part that is an answer.
fn part_heads(body: &str) -> Vec<(String, Vec<String>)> {
    let mut heads: Vec<(String, Vec<String>)> = Vec::new();
    let mut in_head = false;
    for line in body.lines() {
        if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
            heads.push((status.to_owned(), Vec::new()));
            in_head = true;
        } else if line.is_empty() {
            in_head = false;
        } else if let (true, Some((name, _)), Some(head)) =
            (in_head, line.split_once(':'), heads.last_mut())
        {
            // Request ids are noise.
            if name != "REQ_ID" {
                head.1.push(name.to_owned());
            }
        }
    }
    for (_, names) in &mut heads {
        names.sort();
    }
    heads
}

#[tokio::test]
async fn batches_are_answered_part_by_part_with_the_headers_of_the_service() {
    let examples: HashMap<_, _> = examples("docs-batch-2023.json")
        .into_iter()
        .chain(self::examples("docs-execute-batch-operations-2020.json"))
        .collect();
    for id in [
        "batch-2023#4",
        "batch-2023#5",
        "execute-batch-operations-2020#1",
        "execute-batch-operations-2020#2",
        "execute-batch-operations-2020#4",
    ] {
        let example = &examples[id];
        let emulator = emulator();
        let row = r#"{"accountid":"00000000-0000-0000-0000-000000000001","name":"a"}"#;
        post(&emulator, "accounts", row).await;
        let answer = replay(&emulator, example).await;
        assert_as_documented(&answer, example);
        let documented = example["response"]["body"].as_str().unwrap();
        assert_eq!(part_heads(&answer.body), part_heads(documented), "{id}");
    }
}
