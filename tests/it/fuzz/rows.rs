//! The reader of rows.

use dataverse_client::{Operation, Page, Query, Response, Result, Row};
use dataverse_golden::crm::Account;
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::Value;

use super::{changed, changes, check};

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "\\u0000",
    "null",
    "true",
    "false",
    "0",
    "-",
    ".",
    "e9",
    "1e400",
    "00",
    " ",
    "\n",
    "\u{1}",
    "{}",
    "[]",
    "\"name\":",
    "\"value\":",
    "\"revenue\":1.50,",
    "\"@odata.etag\":\"W/\\\"1\\\"\",",
    "\"x@y\":[{}],",
    "\"statecode@OData.Community.Display.V1.FormattedValue\":\"Active\",",
];

const PAGE: &str = r#"{"@odata.context":"https://x/$metadata#accounts","@odata.count":2,"value":[
{"@odata.etag":"W/\"81\"","name":"A \"quoted\" \u00e9\ud83d\ude00","revenue@OData.Community.Display.V1.FormattedValue":"$1.50","revenue":1.5000,"statecode":0,"donotemail":false,"createdon":"2024-02-29T23:59:59Z","address1_latitude":47.63,"versionnumber":9007199254740993,"_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Yvonne","_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact","_primarycontactid_value":"11111111-2222-3333-4444-555555555555","accountid":"21111111-2222-3333-4444-555555555555"},
{"@odata.etag":"W/\"82\"","name":null,"revenue":null,"statecode":1,"unknown":{"a":[1,{"b":"]}"}]},"accountid":"31111111-2222-3333-4444-555555555555"}],"@odata.nextLink":"https://x/next"}"#;

fn read(body: Vec<u8>) -> Result<Page<dataverse_client::Row<Account>>> {
    Query::<Account>::new().decode(&Response::new(
        StatusCode::OK,
        HeaderMap::new(),
        body.into(),
    ))
}

/// Whether another reader of JSON finds a page of rows here.
fn is_page(body: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(page)) => page
            .get("value")
            .and_then(Value::as_array)
            .is_some_and(|rows| rows.iter().all(Value::is_object)),
        _ => false,
    }
}

#[test]
fn a_changed_page_is_read_or_refused() {
    assert_eq!(read(PAGE.into()).unwrap().rows.len(), 2);
    check(changes(WORDS), |changes| {
        let body = changed(PAGE.as_bytes(), &changes);
        // Of two members called `value` serde_json keeps the last.
        let once = String::from_utf8_lossy(&body).matches("\"value\"").count() == 1;
        let sound = once && is_page(&body);
        if let (Err(error), true) = (read(body), sound) {
            // Sound JSON fails by a column's type alone.
            assert!(error.to_string().contains("column `"), "{error}");
        }
    });
}

#[test]
fn any_bytes_are_read_or_refused() {
    check(proptest::collection::vec(any::<u8>(), 0..200), |bytes| {
        drop(read(bytes))
    });
    let words = proptest::collection::vec(proptest::sample::select(WORDS), 0..30);
    check(words, |words| drop(read(words.concat().into_bytes())));
}

/// A row, as JSON would have it. Strings are written by serde_json, or all in `\u` escapes.
fn row() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let text = (any::<String>(), any::<bool>()).prop_map(|(text, escaped)| {
        if escaped {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            format!("\"{}\"", units.collect::<String>())
        } else {
            Value::from(text).to_string()
        }
    });
    let decimal = (any::<i64>(), 0..19_u32)
        .prop_map(|(digits, scale)| rust_decimal::Decimal::new(digits, scale).to_string());
    let time = (0..4_102_444_800_i64, 0..1000_u32, any::<bool>()).prop_map(|(s, ms, whole)| {
        let nanos = if whole { 0 } else { ms * 1_000_000 };
        let time = chrono::DateTime::from_timestamp(s, nanos).unwrap();
        format!(
            "\"{}\"",
            time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        )
    });
    let double = any::<f64>()
        .prop_filter("JSON has no others", |double| double.is_finite())
        .prop_map(|double| Value::from(double).to_string());
    let guid = any::<u128>().prop_map(|id| format!("\"{}\"", uuid::Uuid::from_u128(id)));
    let members = (
        text,
        decimal,
        any::<i32>().prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        time,
        double,
        guid,
    )
        .prop_map(|(text, decimal, int, big, flag, time, double, guid)| {
            vec![
                ("name", text),
                ("revenue", decimal),
                ("numberofemployees", int),
                ("versionnumber", big),
                ("donotemail", flag),
                ("createdon", time),
                ("address1_latitude", double),
                ("_primarycontactid_value", guid),
            ]
        });
    (members, any::<u8>()).prop_map(|(mut members, nulls)| {
        for (index, (_, json)) in members.iter_mut().enumerate() {
            if nulls & (1 << index) == 0 {
                *json = "null".to_owned();
            }
        }
        let start = usize::from(nulls) % members.len();
        members.rotate_left(start);
        members
    })
}

/// The column as our reader has it, made JSON.
fn ours(row: &Row<Account>, column: &str) -> Value {
    match column {
        "name" => row.name.clone().into(),
        "numberofemployees" => row.numberofemployees.into(),
        "versionnumber" => row.versionnumber.into(),
        "donotemail" => row.donotemail.into(),
        "_primarycontactid_value" => {
            let lookup = row.primarycontactid.as_ref();
            lookup.map(|lookup| lookup.id().uuid().to_string()).into()
        }
        _ => panic!("{column}"),
    }
}

#[test]
fn sound_rows_hold_what_serde_json_finds() {
    check(proptest::collection::vec(row(), 1..5), |rows| {
        let texts: Vec<String> = rows
            .iter()
            .map(|members| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, json)| format!("\"{name}\":{json}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            })
            .collect();
        let body = format!("{{\"value\":[{}]}}", texts.join(","));
        let theirs: Value = serde_json::from_str(&body).unwrap();
        let page = read(body.into_bytes()).unwrap();
        assert_eq!(page.rows.len(), rows.len());
        for ((members, row), theirs) in rows
            .iter()
            .zip(&page.rows)
            .zip(theirs["value"].as_array().unwrap())
        {
            for (column, json) in members {
                match *column {
                    // serde_json has lost digits here: the text is what counts.
                    "revenue" => {
                        let digits = row.revenue.map_or("null".to_owned(), |d| d.to_string());
                        assert_eq!(digits, *json);
                    }
                    // serde_json is off by a bit at times, short of a feature.
                    "address1_latitude" => {
                        let exact = json.parse::<f64>().ok();
                        assert_eq!(row.address1_latitude, exact);
                    }
                    "createdon" => {
                        let time = theirs[column].as_str();
                        let time = time.map(|time| time.parse().unwrap());
                        assert_eq!(row.createdon, time);
                    }
                    _ => assert_eq!(ours(row, column), theirs[column], "{column}"),
                }
            }
        }
    });
}
