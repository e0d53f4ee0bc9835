//! Amounts have a currency, a rate, and a value in the currency of the org.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{get, send};

const EURO: &str = "00000000-0000-0000-0000-0000000000d1";
const COLUMNS: &str = "revenue,revenue_base,exchangerate,_transactioncurrencyid_value";

async fn created(emulator: &Emulator, path: &str, body: Value) -> Value {
    let prefer = [("prefer", "return=representation")];
    let answer = send(emulator, "POST", path, &prefer, &body.to_string()).await;
    assert_eq!(answer.status, 201, "{body}");
    answer.json()
}

/// The text of an answer, in which numbers have their digits.
async fn text(emulator: &Emulator, path: &str) -> String {
    get(emulator, path).await.body
}

#[tokio::test]
async fn amounts_are_told_in_the_currency_of_the_org() {
    let emulator = Emulator::builder().sample_rows().build().unwrap();
    let yen = json!({ "currencyname": "Yen", "isocurrencycode": "JPY", "exchangerate": 160 });
    let yen = created(&emulator, "transactioncurrencies", yen).await;
    let yen = yen["transactioncurrencyid"].as_str().unwrap();
    let bind = format!("/transactioncurrencies({yen})");

    let account = json!({ "name": "A", "revenue": 1000, "transactioncurrencyid@odata.bind": bind });
    let account = created(&emulator, "accounts", account).await;
    let path = format!("accounts({})", account["accountid"].as_str().unwrap());
    let select = format!("{path}?$select={COLUMNS}");
    let told = text(&emulator, &select).await;
    assert!(told.contains("\"revenue_base\":6.2500000000,"), "{told}");
    assert!(told.contains("\"exchangerate\":160"), "{told}");

    for (body, base) in [
        (json!({ "revenue": 320 }), "2.0000000000"),
        (json!({ "name": "B" }), "2.0000000000"),
        (
            json!({ "transactioncurrencyid@odata.bind": format!("/transactioncurrencies({EURO})") }),
            "320.0000000000",
        ),
        (json!({ "revenue": null }), "null"),
    ] {
        let changed = send(&emulator, "PATCH", &path, &[], &body.to_string()).await;
        assert_eq!(changed.status, 204);
        let told = text(&emulator, &select).await;
        assert!(
            told.contains(&format!("\"revenue_base\":{base}")),
            "{body}: {told}"
        );
    }
}

#[tokio::test]
async fn an_amount_without_a_currency_has_that_of_the_org() {
    let emulator = Emulator::builder().sample_rows().build().unwrap();
    let account = created(&emulator, "accounts", json!({ "revenue": 7.5 })).await;
    assert_eq!(account["_transactioncurrencyid_value"], EURO);
    assert_eq!(account["revenue_base"], 7.5);
    let without = created(&emulator, "accounts", json!({ "name": "A" })).await;
    assert_eq!(without["_transactioncurrencyid_value"], Value::Null);
}
