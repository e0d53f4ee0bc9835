//! Recorded FetchXML: what was sent is read and printed, what was answered is read.

use dataverse_client::schema::TableName;
use dataverse_client::{
    AnyRow, ETag, Fetch, FetchPage, FetchXml, NextPage, Operation, Response, Result, RowCount,
};
use dataverse_tests::fixture;
use dataverse_tests::tables::{Account, Contact};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{document_of, pieces, sent};

const FILES: &[&str] = &[
    "docs-fetchxml-page-results.json",
    "docs-fetchxml-retrieve-data.json",
    "docs-predefined-queries.json",
    "docs-use-fetchxml-web-api.json",
];

/// Of the recorded examples of the topic, those that cannot be replayed as they are printed.
const SKIPPED: &[(&str, &str)] = &[
    ("predefined-queries#3", "response-not-shown"),
    ("predefined-queries#4", "response-not-shown"),
    ("predefined-queries#5", "response-body-not-json"),
    ("predefined-queries#6", "doc-response-has-no-status-line"),
    ("use-fetchxml-web-api#1", "response-body-not-json"),
];

fn examples() -> Vec<Value> {
    FILES
        .iter()
        .flat_map(|file| {
            let text = std::fs::read(fixture("wire").join(file)).unwrap();
            serde_json::from_slice::<Vec<Value>>(&text).unwrap()
        })
        .collect()
}

fn id(example: &Value) -> &str {
    example["id"].as_str().unwrap()
}

/// The FetchXML that an example sends, on its own or in a batch.
fn document(example: &Value) -> Option<String> {
    let request = &example["request"];
    let lines = [&request["url"], &request["body"]];
    let line = lines
        .iter()
        .filter_map(|text| {
            text.as_str()?
                .lines()
                .find(|line| line.contains("?fetchXml="))
        })
        .next()?;
    Some(document_of(line.trim_end_matches(" HTTP/1.1")))
}

#[test]
fn recorded_documents_are_read_and_printed() {
    let documents: Vec<_> = examples().iter().filter_map(document).collect();
    assert_eq!(documents.len(), 10);
    // A filter that the definition of a table holds (`MobileOfflineFilters`).
    let offline = "\n\t\t<fetch version=\"1.0\" output-format=\"xml-platform\" \
                   mapping=\"logical\" distinct=\"false\">\n\t\t\t<entity name=\"account\">\n\t\t\
                   \t\t<filter type=\"and\">\n\t\t\t\t\t<condition attribute=\"modifiedon\" \
                   operator=\"last-x-days\" value=\"10\"/>\n\t\t\t\t</filter>\n\t\t\t</entity>\n\
                   \t\t</fetch>\n\t";
    for document in documents.iter().map(String::as_str).chain([offline]) {
        let printed = FetchXml::parse(document).unwrap().to_string();
        assert_eq!(pieces(&printed), pieces(document));
        assert_eq!(FetchXml::parse(&printed).unwrap().to_string(), printed);
    }
}

fn decode(example: &Value, document: &str) -> Result<FetchPage<AnyRow>> {
    let answer = &example["response"];
    let status = StatusCode::from_u16(answer["status"].as_u64().unwrap() as u16).unwrap();
    let body = answer["body"].as_str().unwrap().to_owned();
    Fetch::<AnyRow>::new(FetchXml::parse(document)?).decode(&Response::new(
        status,
        HeaderMap::new(),
        body.into(),
    ))
}

#[test]
fn recorded_answers_are_read() {
    let mut skipped = Vec::new();
    let mut rows = 0;
    let examples = examples();
    for example in &examples {
        let id = id(example);
        let quirks = &example["quirks"];
        if let Some((_, quirk)) = SKIPPED.iter().find(|(skipped, _)| *skipped == id) {
            assert!(quirks.to_string().contains(quirk), "{id}: {quirks}");
            skipped.push(id);
            continue;
        }
        let body: Value =
            serde_json::from_str(example["response"]["body"].as_str().unwrap()).unwrap();
        let page = decode(example, &document(example).unwrap()).unwrap();
        let value = body["value"].as_array().unwrap();
        assert_eq!(page.rows.len(), value.len(), "{id}");
        for (row, json) in page.rows.iter().zip(value) {
            for (name, member) in json.as_object().unwrap() {
                let read: Value = serde_json::from_str(row.json(name).unwrap().as_str()).unwrap();
                assert_eq!(&read, member, "{id}: {name}");
                rows += 1;
            }
            assert_eq!(
                row.etag().as_ref().map(ETag::as_str),
                json["@odata.etag"].as_str()
            );
        }
        let more = body["@Microsoft.Dynamics.CRM.morerecords"].as_bool();
        assert_eq!(page.next.is_some(), more == Some(true), "{id}");
        assert!(page.next.is_none_or(|next| next.has_cookie()), "{id}");
        assert_eq!(
            page.count.map(RowCount::rows),
            body["@odata.count"].as_u64(),
            "{id}"
        );
        assert!(page.count.is_none_or(RowCount::is_exact));
    }
    assert_eq!(skipped.len(), SKIPPED.len());
    assert!(rows > 40, "{rows}");
}

/// The answers of an example as typed rows, too.
#[test]
fn recorded_answers_are_read_into_records() {
    let mut names = Vec::new();
    for example in &examples() {
        if SKIPPED.iter().any(|(skipped, _)| *skipped == id(example)) {
            continue;
        }
        let document = FetchXml::parse(&document(example).unwrap()).unwrap();
        let body = example["response"]["body"].as_str().unwrap().to_owned();
        let response = Response::new(StatusCode::OK, HeaderMap::new(), body.into());
        match document.logical_name() {
            "account" => {
                let page = Fetch::<Account>::new(document).decode(&response).unwrap();
                assert!(
                    page.rows
                        .iter()
                        .all(|row| row.id().is_some() && row.revenue.is_none())
                );
                names.extend(
                    page.rows
                        .into_iter()
                        .filter_map(|row| row.into_inner().name),
                );
            }
            _ => {
                let page = Fetch::<Contact>::new(document).decode(&response).unwrap();
                assert!(
                    page.rows
                        .iter()
                        .all(|row| row.id().is_some() && row.etag().is_some())
                );
                names.extend(
                    page.rows
                        .into_iter()
                        .filter_map(|row| row.into_inner().fullname),
                );
            }
        }
    }
    assert_eq!(names.len(), 20, "{names:?}");
    assert_eq!(names[0], "Yvonne McKay (sample)");
}

/// The next document is the one that Microsoft's example sends.
#[test]
fn the_next_page_is_asked_for_as_recorded() {
    let examples = examples();
    let find = |wanted: &str| {
        examples
            .iter()
            .find(|example| id(example) == wanted)
            .unwrap()
    };
    for (first, second) in [
        ("fetchxml-page-results#1", "fetchxml-page-results#2"),
        ("use-fetchxml-web-api#2", "use-fetchxml-web-api#3"),
        ("use-fetchxml-web-api#3", "use-fetchxml-web-api#4"),
    ] {
        let (first, second) = (find(first), find(second));
        let text = document(first).unwrap();
        let next: NextPage = decode(first, &text).unwrap().next.unwrap();
        let fetch = Fetch::<AnyRow>::new(FetchXml::parse(&text).unwrap())
            .of_table(TableName::new("contacts"))
            .from_page(next);
        assert_eq!(pieces(&sent(&fetch)), pieces(&document(second).unwrap()));
    }
    let last = find("fetchxml-page-results#3");
    assert_eq!(decode(last, &document(last).unwrap()).unwrap().next, None);
}
