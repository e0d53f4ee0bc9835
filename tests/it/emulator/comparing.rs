//! Comparing text of every script, times inside a second, decimals to the last digit.

use dataverse_emulator::Emulator;
use serde_json::Value;

use super::{emulator, get, small};

/// The values of a column, in the order in which they come.
async fn column(emulator: &Emulator, path: &str, name: &str) -> Vec<String> {
    let answer = get(emulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let rows = json["value"].as_array().unwrap().iter();
    rows.map(|row| match &row[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
    .collect()
}

#[tokio::test]
async fn letters_of_either_case_are_the_same_in_every_script() {
    let emulator = small::emulator();
    let rows = ["Ärger", "Москва", "ΟΔΟΣ", "zebra"];
    emulator
        .seed(
            "account",
            rows.map(|name| format!(r#"{{"name":"{name}"}}"#)),
        )
        .unwrap();
    for (filter, expected) in [
        ("name eq 'äRGER'", "Ärger"),
        ("name eq 'МОСКВА'", "Москва"),
        ("contains(name,'ОСК')", "Москва"),
        ("contains(name,'δος')", "ΟΔΟΣ"),
        ("startswith(name,'οδ')", "ΟΔΟΣ"),
        ("endswith(name,'BRA')", "zebra"),
        ("name gt 'Ω' and name lt 'П'", "Москва"),
    ] {
        let filter: String = filter
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'(' | b')' | b',' | b'\'' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect();
        let path = format!("accounts?$select=name&$filter={filter}");
        assert_eq!(
            column(&emulator, &path, "name").await,
            [expected],
            "{filter}"
        );
    }
}

#[tokio::test]
async fn times_inside_a_second_are_in_order() {
    let emulator = emulator();
    let times = [
        "2023-01-01T00:00:00Z",
        "2023-01-01T00:00:00.001Z",
        "2023-01-01T00:00:00.500Z",
        "2023-01-01T00:00:01Z",
    ];
    let rows = times.iter().rev();
    let rows: Vec<_> = rows
        .map(|time| format!(r#"{{"lastonholdtime":"{time}"}}"#))
        .collect();
    emulator.seed("account", rows).unwrap();
    let name = "lastonholdtime";
    let sorted = format!("accounts?$select={name}&$orderby={name}");
    assert_eq!(column(&emulator, &sorted, name).await, times);
    let behind = format!("{sorted}&$filter={name}%20gt%20{}", times[0]);
    assert_eq!(column(&emulator, &behind, name).await, times[1..]);
    let upto = format!("{sorted}&$filter={name}%20le%202023-01-01T00:00:00.5Z");
    assert_eq!(column(&emulator, &upto, name).await, times[..3]);
    // Pages begin where the one before ended.
    let mut path = sorted.clone();
    let mut read = Vec::new();
    loop {
        let prefer = [("prefer", "odata.maxpagesize=1")];
        let page = super::send(&emulator, "GET", &path, &prefer, "")
            .await
            .json();
        read.push(page["value"][0][name].as_str().unwrap().to_owned());
        match page["@odata.nextLink"].as_str() {
            Some(link) => path = link.to_owned(),
            None => break,
        }
    }
    assert_eq!(read, times);
    let last = format!("accounts?$apply=aggregate({name}%20with%20min%20as%20first)");
    assert_eq!(column(&emulator, &last, "first").await, times[..1]);
}

#[tokio::test]
async fn decimals_are_compared_and_added_to_the_last_digit() {
    let emulator = emulator();
    let rows = [
        r#"{"name":"a","revenue":9007199254740993.0001}"#,
        r#"{"name":"a","revenue":9007199254740993.0002}"#,
        r#"{"name":"b","revenue":9.5}"#,
        r#"{"name":"b","revenue":0.6}"#,
        r#"{"name":"c","revenue":-10.25}"#,
    ];
    emulator.seed("account", rows).unwrap();
    let sorted = "accounts?$select=revenue&$orderby=revenue%20desc";
    let answer = get(&emulator, sorted).await;
    let at = |digits: &str| answer.body.find(&format!("\"revenue\":{digits},")).unwrap();
    let places = [
        "9007199254740993.0002",
        "9007199254740993.0001",
        "9.5",
        "0.6",
        "-10.25",
    ]
    .map(at);
    assert!(places.is_sorted(), "{}", answer.body);
    let filter = "accounts?$select=revenue&$filter=revenue%20gt%209007199254740993.0001";
    let answer = get(&emulator, filter).await;
    assert!(
        answer.body.contains("9007199254740993.0002"),
        "{}",
        answer.body
    );
    assert_eq!(answer.json()["value"].as_array().unwrap().len(), 1);
    // Sums are sorted as numbers: 18014…, 10.1, -10.25.
    let xml = "<fetch aggregate='true'><entity name='account'><attribute name='name' groupby='true' \
               alias='n'/><attribute name='revenue' aggregate='sum' alias='s'/><order alias='s' \
               descending='true'/></entity></fetch>";
    let xml = xml
        .replace('<', "%3C")
        .replace('>', "%3E")
        .replace(' ', "%20");
    let answer = get(&emulator, &format!("accounts?fetchXml={xml}")).await;
    assert!(
        answer.body.contains("18014398509481986.000300000"),
        "{}",
        answer.body
    );
    let names = column(&emulator, &format!("accounts?fetchXml={xml}"), "n").await;
    assert_eq!(names, ["a", "b", "c"]);
}
