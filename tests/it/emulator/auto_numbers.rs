//! Auto-number columns.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{create, get, post, send};

async fn emulator(format: &str) -> Emulator {
    let emulator = Emulator::builder()
        .clock(dataverse_client::http::VirtualClock::default())
        .build()
        .unwrap();
    let made = define(&emulator, "new_Serial", format).await;
    assert_eq!(made.status, 204, "{}", made.body);
    emulator
}

async fn define(emulator: &Emulator, schema_name: &str, format: &str) -> super::Answer {
    let column = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": schema_name, "AutoNumberFormat": format,
    });
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    post(emulator, columns, &column.to_string()).await
}

async fn serial(emulator: &Emulator, body: &str) -> String {
    let row = create(emulator, "accounts", body).await;
    let read = get(emulator, &format!("{row}?$select=new_serial"))
        .await
        .json();
    read["new_serial"].as_str().unwrap().to_owned()
}

async fn number(emulator: &Emulator, action: &str, member: &str) -> i64 {
    let body = r#"{"EntityName":"account","AttributeName":"new_serial"}"#;
    let answer = post(emulator, action, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()[member].as_i64().unwrap()
}

#[tokio::test]
async fn a_new_row_gets_the_next_number() {
    let emulator = emulator("WID-{SEQNUM:5}-{RANDSTRING:6}-{DATETIMEUTC:yyyyMMddHHmmss}").await;
    for expected in ["WID-01000-", "WID-01001-"] {
        let text = serial(&emulator, "{}").await;
        let rest = text
            .strip_prefix(expected)
            .unwrap_or_else(|| panic!("{text}"));
        let (random, time) = rest.split_once('-').unwrap();
        assert_eq!(random.len(), 6);
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        assert!(random.bytes().all(is_letter), "{random}");
        assert_eq!(time, "20260101000000");
    }
    // What a body gives is kept, and takes no number.
    assert_eq!(serial(&emulator, r#"{"new_serial":"own"}"#).await, "own");
    assert!(serial(&emulator, "{}").await.starts_with("WID-01002-"));
}

#[tokio::test]
async fn the_next_number_is_set_and_asked_for() {
    let emulator = emulator("{SEQNUM:3}").await;
    assert_eq!(
        number(&emulator, "GetAutoNumberSeed", "AutoNumberSeedValue").await,
        1000
    );
    let seed = r#"{"EntityName":"Account","AttributeName":"new_Serial","Value":7}"#;
    let set = post(&emulator, "SetAutoNumberSeed", seed).await;
    assert_eq!((set.status, set.body.as_str()), (204, ""));
    for expected in ["007", "008"] {
        assert_eq!(serial(&emulator, "{}").await, expected);
    }
    for (action, member, expected) in [
        ("GetAutoNumberSeed", "AutoNumberSeedValue", 7),
        ("GetNextAutoNumberValue", "NextAutoNumberValue", 9),
        ("GetNextAutoNumberValue", "NextAutoNumberValue", 9),
    ] {
        assert_eq!(number(&emulator, action, member).await, expected);
    }
    for (body, code) in [
        (
            r#"{"EntityName":"no","AttributeName":"x","Value":1}"#,
            "0x80041102",
        ),
        (
            r#"{"EntityName":"account","AttributeName":"x","Value":1}"#,
            "0x80041103",
        ),
        (
            r#"{"EntityName":"account","AttributeName":"name","Value":1}"#,
            "0x80040203",
        ),
        (
            r#"{"EntityName":"account","AttributeName":"new_serial"}"#,
            "0x80040203",
        ),
        (
            r#"{"EntityName":"account","AttributeName":"new_serial","Value":-1}"#,
            "0x80040203",
        ),
    ] {
        let refused = post(&emulator, "SetAutoNumberSeed", body).await;
        assert_eq!(
            (refused.status, refused.error().0.as_str()),
            (400, code),
            "{body}"
        );
    }
    let column = "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='new_serial')";
    assert_eq!(send(&emulator, "DELETE", column, &[], "").await.status, 204);
    // A column of the same name begins anew.
    assert_eq!(
        define(&emulator, "new_Serial", "{SEQNUM:3}").await.status,
        204
    );
    assert_eq!(serial(&emulator, "{}").await, "1000");
}

#[tokio::test]
async fn a_format_that_nobody_understands_is_refused() {
    let emulator = emulator("{SEQNUM:1}").await;
    for (format, told) in [
        ("{SEQNUM:0}", "{SEQNUM:0}"),
        ("A{RANDSTRING:9}", "{RANDSTRING:9}"),
        ("{DATETIMEUTC:q}", "{DATETIMEUTC:q}"),
        ("{GUID}", "{GUID}"),
    ] {
        let refused = define(&emulator, "new_Other", format).await;
        assert_eq!(refused.status, 400, "{format}");
        assert!(refused.error().1.contains(told), "{}", refused.body);
    }
    // Definitions of an org may hold what is not understood here: then no row is made wrong.
    let given: Value = json!([{
        "LogicalName": "account",
        "Attributes": [{ "LogicalName": "accountnumber", "AutoNumberFormat": "{GUID}" }],
    }]);
    let emulator = Emulator::builder()
        .definitions(given.to_string())
        .build()
        .unwrap();
    let refused = post(&emulator, "accounts", "{}").await;
    assert_eq!(refused.status, 501, "{}", refused.body);
    create(&emulator, "accounts", r#"{"accountnumber":"A1"}"#).await;
}

#[tokio::test]
async fn numbers_end() {
    let emulator = emulator("{SEQNUM:3}").await;
    let seed = json!({
        "EntityName": "account", "AttributeName": "new_serial", "Value": i64::MAX - 1,
    });
    let set = post(&emulator, "SetAutoNumberSeed", &seed.to_string()).await;
    assert_eq!(set.status, 204, "{}", set.body);
    let last = serial(&emulator, "{}").await;
    assert_eq!(last, (i64::MAX - 1).to_string());
    let refused = post(&emulator, "accounts", "{}").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.error().1.contains("lower seed"), "{}", refused.body);
}
