//! Formatted values: en-US, UTC.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::Emulator;
use dataverse_tests::fixture;
use serde_json::{Value, json};

use super::{create, send};
use crate::documents::{ON_PREMISES, document};

/// With the recorded definitions of `account`.
fn emulator() -> Emulator {
    let definitions = fixture("definitions/retrievemetadatachanges-account.json.gz");
    Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(std::fs::read(definitions).unwrap())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

/// With all annotations.
async fn annotated(emulator: &Emulator, path: &str) -> Value {
    let prefer = [("prefer", "odata.include-annotations=\"*\"")];
    let answer = send(emulator, "GET", path, &prefer, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn formatted<'j>(row: &'j Value, name: &str) -> &'j Value {
    &row[format!("{name}@OData.Community.Display.V1.FormattedValue")]
}

#[tokio::test]
async fn values_are_formatted_by_definition() {
    let emulator = emulator();
    let account = create(
        &emulator,
        "accounts",
        r#"{"name":"A","revenue":5000000.0000,"creditlimit":-12.345,"creditonhold":true,
            "donotemail":false,"industrycode":1,"accountratingcode":1,"customertypecode":8,
            "numberofemployees":9500,"address1_latitude":47.639583,
            "lastonholdtime":"2023-03-25T17:42:47Z","territorycode":null}"#,
    )
    .await;
    let row = annotated(&emulator, &account).await;
    for (name, expected) in [
        ("revenue", "$5,000,000.00"),
        ("creditlimit", "($12.35)"),
        ("creditonhold", "Yes"),
        ("donotemail", "Allow"),
        ("industrycode", "Accounting"),
        ("accountratingcode", "Default Value"),
        ("customertypecode", "Prospect"),
        ("statecode", "Active"),
        ("statuscode", "Active"),
        ("numberofemployees", "9,500"),
        ("lastonholdtime", "3/25/2023 5:42 PM"),
    ] {
        assert_eq!(formatted(&row, name), expected, "{name}");
    }
    for name in ["name", "territorycode", "accountid"] {
        assert_eq!(formatted(&row, name), &Value::Null, "{name}");
    }
    let version = row["versionnumber"].as_i64().unwrap();
    let told = formatted(&row, "versionnumber").as_str().unwrap();
    assert_eq!(told.replace(',', ""), version.to_string());
    // The annotation stands before its value, and only where it was asked for.
    let path = format!("{account}?$select=numberofemployees");
    let prefer = "odata.include-annotations=\"OData.Community.Display.V1.FormattedValue\"";
    let answer = send(&emulator, "GET", &path, &[("prefer", prefer)], "").await;
    let expected = "\"numberofemployees@OData.Community.Display.V1.FormattedValue\":\"9,500\",\
                    \"numberofemployees\":9500";
    assert!(answer.body.contains(expected), "{}", answer.body);
    let bare = send(&emulator, "GET", &path, &[], "").await;
    assert!(!bare.body.contains("FormattedValue"));
}

#[tokio::test]
async fn an_amount_comes_with_its_currency() {
    let emulator = emulator();
    let currency = r#"{"currencyname":"Euro","currencysymbol":"€","isocurrencycode":"EUR"}"#;
    let currency = create(&emulator, "transactioncurrencies", currency).await;
    let body = json!({
        "revenue": 1234.5,
        "transactioncurrencyid@odata.bind": format!("/{currency}"),
    });
    let account = create(&emulator, "accounts", &body.to_string()).await;
    let row = annotated(&emulator, &format!("{account}?$select=revenue")).await;
    assert_eq!(formatted(&row, "revenue"), "€1,234.50");
    let id = currency
        .trim_start_matches("transactioncurrencies(")
        .trim_end_matches(')');
    assert_eq!(row["_transactioncurrencyid_value"], id);
    let plain = super::get(&emulator, &format!("{account}?$select=name"))
        .await
        .json();
    assert_eq!(plain.get("_transactioncurrencyid_value"), None);
}

#[tokio::test]
async fn aggregates_and_fetchxml_are_formatted() {
    let emulator = emulator();
    let rows = [
        r#"{"revenue":430000.0,"industrycode":1}"#,
        r#"{"revenue":10000.0,"industrycode":1}"#,
    ];
    emulator.seed("account", rows).unwrap();
    let path = "accounts?$apply=groupby((industrycode),aggregate(revenue%20with%20sum%20as%20total,\
                $count%20as%20count,createdon%20with%20max%20as%20last))";
    let json = annotated(&emulator, path).await;
    let row = &json["value"][0];
    assert_eq!(formatted(row, "total"), "$440,000.00");
    assert_eq!(formatted(row, "count"), "2");
    assert_eq!(formatted(row, "industrycode"), "Accounting");
    assert!(formatted(row, "last").as_str().unwrap().ends_with('M'));
    assert_eq!(
        row["total@OData.Community.Display.V1.AttributeName"],
        "revenue"
    );
    let xml = "%3Cfetch%3E%3Centity%20name='account'%3E%3Cattribute%20name='revenue'%20alias='r'/%3E\
               %3Corder%20attribute='revenue'/%3E%3C/entity%3E%3C/fetch%3E";
    let json = annotated(&emulator, &format!("accounts?fetchXml={xml}")).await;
    assert_eq!(formatted(&json["value"][0], "r"), "$10,000.00");
}

#[tokio::test]
async fn without_definitions_choices_have_no_label() {
    let emulator = super::emulator();
    let body = r#"{"industrycode":1,"numberofemployees":1000,"creditonhold":false,"revenue":1}"#;
    let account = create(&emulator, "accounts", body).await;
    let row = annotated(&emulator, &account).await;
    for name in ["industrycode", "statecode", "statuscode"] {
        assert_eq!(formatted(&row, name), &Value::Null, "{name}");
    }
    assert_eq!(formatted(&row, "numberofemployees"), "1,000");
    assert_eq!(formatted(&row, "creditonhold"), "No");
    // A document tells money by its twin in the currency of the org.
    assert_eq!(formatted(&row, "revenue"), "$1.00");
}
