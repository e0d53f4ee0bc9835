//! Recorded answers: the client reads from them what a plain JSON parser finds.

use bytes::Bytes;
use dataverse_client::{ETag, Id, Lookup, Operation, Query, Response, Retrieve, Row};
use dataverse_tests::fixture;
use dataverse_tests::tables::{Account, Contact};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

fn read(file: &str) -> Vec<u8> {
    std::fs::read(fixture("wire").join(file)).unwrap()
}

fn parse(text: &[u8]) -> Value {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice(text).unwrap()
}

pub(super) fn response(status: u16, body: impl Into<Bytes>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    Response::new(status, HeaderMap::new(), body.into())
}

/// The recorded JSON answers of all `docs-*.json` files: name, status, body.
fn documented() -> Vec<(String, u16, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(fixture("wire")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("docs-") {
            continue;
        }
        for example in parse(&read(&name)).as_array().unwrap() {
            let answer = &example["response"];
            let quirks = example["quirks"].to_string();
            if let (Some(status), Some(body)) = (answer["status"].as_u64(), answer["body"].as_str())
                && !quirks.contains("not-json")
                && body.starts_with('{')
            {
                let id = example["id"].as_str().unwrap().to_owned();
                found.push((id, status as u16, body.to_owned()));
            }
        }
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// What the row holds, against the same row read by another parser.
fn assert_row(row: &Row<Account>, json: &Value, whole: &str) {
    let text = |key: &str| json[key].as_str();
    assert_eq!(row.etag().map(ETag::as_str), text("@odata.etag"), "{whole}");
    assert_eq!(row.name.as_deref(), text("name"), "{whole}");
    assert_eq!(row.accountnumber.as_deref(), text("accountnumber"));
    assert_eq!(row.statecode.map(i64::from), json["statecode"].as_i64());
    assert_eq!(
        row.id().map(|id| id.to_string()).as_deref(),
        text("accountid"),
        "{whole}"
    );
    let lookup = row.primarycontactid.as_ref();
    assert_eq!(
        lookup.map(|lookup| lookup.id().to_string()).as_deref(),
        text("_primarycontactid_value")
    );
    assert_eq!(
        lookup.and_then(Lookup::name),
        text("_primarycontactid_value@OData.Community.Display.V1.FormattedValue")
    );
    assert_eq!(
        row.label(Account::REVENUE),
        text("revenue@OData.Community.Display.V1.FormattedValue")
    );
    if let Some(revenue) = row.revenue {
        let digits = format!("\"revenue\":{revenue}");
        let packed = whole.replace("\": ", "\":");
        assert!(packed.contains(&digits), "{digits} is not in {whole}");
    }
}

#[test]
fn documented_collections_are_read() {
    let mut rows = 0;
    for (id, status, body) in documented() {
        let json = parse(body.as_bytes());
        let Some(value) = json["value"].as_array().filter(|_| status == 200) else {
            continue;
        };
        let page = Query::<Account>::new().decode(&response(status, body.clone()));
        let page = page.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(page.rows.len(), value.len(), "{id}");
        assert_eq!(page.next.is_some(), json["@odata.nextLink"].is_string());
        assert_eq!(
            page.count.map(dataverse_client::RowCount::rows),
            json["@odata.count"].as_u64(),
            "{id}"
        );
        for (row, json) in page.rows.iter().zip(value) {
            assert_row(row, json, &body);
            rows += 1;
        }
    }
    assert!(rows > 25, "{rows}");
}

#[test]
fn documented_rows_are_read() {
    let mut rows = 0;
    for (id, status, body) in documented() {
        let json = parse(body.as_bytes());
        if status / 100 != 2 || json["@odata.etag"].is_null() {
            continue;
        }
        let row = Retrieve::<Account>::new(Id::generate()).decode(&response(status, body.clone()));
        let row = row.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_row(&row, &json, &body);
        rows += 1;
    }
    assert!(rows > 5, "{rows}");
}

#[test]
fn documented_errors_are_told() {
    let mut errors = 0;
    for (id, status, body) in documented() {
        if status < 400 {
            continue;
        }
        let json = parse(body.as_bytes());
        let error = Retrieve::<Account>::new(Id::generate())
            .decode(&response(status, body))
            .unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        let Some(message) = json["error"]["message"].as_str() else {
            continue;
        };
        assert!(error.to_string().contains(message), "{id}: {error}");
        let code = json["error"]["code"].as_str().unwrap();
        if let Some(digits) = code.strip_prefix("0x").filter(|digits| *digits != "0") {
            assert_eq!(error.code(), u32::from_str_radix(digits, 16).ok(), "{id}");
        }
        let is_missing_row = message.contains("Does Not Exist");
        assert_eq!(error.is_not_found(), is_missing_row, "{id}: {error}");
        let is_version = message.contains("version of the existing record");
        let exists = message.contains("matching key values already exists");
        if is_version || exists {
            assert!(
                error.is_precondition_failed() || error.is_duplicate(),
                "{id}"
            );
        }
        errors += 1;
    }
    assert!(errors > 3, "{errors}");
}

#[test]
fn recorded_rows_are_read_exactly() {
    let body = read("tf-account-record.json");
    let row = Retrieve::<Account>::new(Id::generate())
        .decode(&response(200, body.clone()))
        .unwrap();
    assert_row(
        &row,
        &parse(&body),
        &String::from_utf8(body.clone()).unwrap(),
    );
    assert_eq!(row.name.as_deref(), Some("Sample Account"));

    let body = read("tf-contact-record.json");
    let row = Retrieve::<Contact>::new(Id::generate())
        .decode(&response(200, body.clone()))
        .unwrap();
    assert_eq!(row.lastname.as_deref(), parse(&body)["lastname"].as_str());
}

#[test]
fn recorded_pages_are_read() {
    for file in [
        "amp-contacts-page-nextlink.json",
        "sodc-he_employees-page10-v8.2.json",
    ] {
        let body = read(file);
        let page = Query::<Contact>::new()
            .decode(&response(200, body.clone()))
            .unwrap();
        let json = parse(&body);
        let value = json["value"].as_array().unwrap();
        assert_eq!(page.rows.len(), value.len(), "{file}");
        for (row, json) in page.rows.iter().zip(value) {
            assert_eq!(row.fullname.as_deref(), json["fullname"].as_str());
            assert_eq!(row.etag().map(ETag::as_str), json["@odata.etag"].as_str());
        }
    }
    // A row that begins with a byte order mark, with expanded rows inside.
    let body = read("sodc-account-tasks-and-link.json");
    let row = Retrieve::<Account>::new(Id::generate())
        .decode(&response(200, body.clone()))
        .unwrap();
    assert_eq!(row.name.as_deref(), parse(&body)["name"].as_str());
}

#[test]
fn a_cut_answer_is_an_error_and_never_a_panic() {
    let body = read("amp-contacts-page-nextlink.json");
    let end = body.trim_ascii_end().len();
    for cut in 0..end {
        let page = Query::<Contact>::new().decode(&response(200, body[..cut].to_vec()));
        assert!(page.is_err(), "{cut}");
    }
}
