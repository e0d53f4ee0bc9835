//! What columns can hold by their definitions: options, states and their reasons, ranges, lengths.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{create, get, post, send};
use crate::documents::{ON_PREMISES, document};

/// An account whose category is 1 or 2, with one more global choice, states and ranges.
fn definitions() -> Value {
    let options = |values: &[i64]| -> Vec<Value> {
        let option = |value: &i64| json!({ "Value": value });
        values.iter().map(option).collect()
    };
    let column = |kind: &str, name: &str, own: Value| {
        let mut column = json!({
            "@odata.type": format!("#Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
            "LogicalName": name,
        });
        let own = own.as_object().unwrap().clone();
        column.as_object_mut().unwrap().extend(own);
        column
    };
    let choice = |name: &str, is_global: bool, values: &[i64]| {
        json!({ "OptionSet": {
            "Name": name, "IsGlobal": is_global, "Options": options(values),
        } })
    };
    json!({ "EntityMetadata": [{
        "LogicalName": "account",
        "Attributes": [
            column("Picklist", "accountcategorycode", choice("account_category", false, &[1, 2])),
            column("Picklist", "industrycode", choice("industry", true, &[7, 3])),
            column(
                "MultiSelectPicklist", "tickersymbol", choice("account_symbols", false, &[1, 9, 20]),
            ),
            // Its options are not told.
            column("Picklist", "ownershipcode", json!({ "OptionSet": null })),
            column("Integer", "numberofemployees", json!({ "MinValue": 0, "MaxValue": 500 })),
            column("Money", "revenue", json!({
                "AttributeType": "Money", "MinValue": 0.0, "MaxValue": 1_000_000.0,
            })),
            column("Double", "address1_latitude", json!({
                "MinValue": -90.0, "MaxValue": 90.0, "Precision": 5,
            })),
            column("State", "statecode", json!({ "OptionSet": { "Options": [
                { "Value": 0, "DefaultStatus": 1 }, { "Value": 1, "DefaultStatus": 2 },
            ] } })),
            column("Status", "statuscode", json!({ "OptionSet": { "Options": [
                { "Value": 1, "State": 0 }, { "Value": 2, "State": 1 }, { "Value": 3, "State": 1 },
            ] } })),
        ],
    }] })
}

fn emulator() -> Emulator {
    Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(definitions().to_string())
        .alternate_key("account", &["accountnumber"])
        .alternate_key("account", &["industrycode"])
        .build()
        .unwrap()
}

fn refusal(value: i64) -> (String, String) {
    (
        "0x8004431A".to_owned(),
        format!(
            "A validation error occurred. The value {value} of 'accountcategorycode' on record of \
             type 'account' is outside the valid range. Accepted Values: 1,2"
        ),
    )
}

#[tokio::test]
async fn a_number_that_is_no_option_is_refused_wherever_it_is_written() {
    let emulator = emulator();
    let row = create(&emulator, "accounts", r#"{"accountcategorycode":2}"#).await;
    let id = row.trim_start_matches("accounts(").trim_end_matches(')');
    let target = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.account", "accountcategorycode": 9,
    });
    let mut existing = target.clone();
    existing["accountid"] = id.into();
    let wrong = r#"{"accountcategorycode":9}"#;
    let bulk = |target: &Value| json!({ "Targets": [target] }).to_string();
    let message = |name: &str| format!("accounts/Microsoft.Dynamics.CRM.{name}");
    for (method, path, body) in [
        ("POST", "accounts".to_owned(), wrong.to_owned()),
        ("PATCH", row.clone(), wrong.to_owned()),
        (
            "PATCH",
            "accounts(accountnumber='new')".to_owned(),
            wrong.to_owned(),
        ),
        (
            "PUT",
            format!("{row}/accountcategorycode"),
            r#"{"value":9}"#.to_owned(),
        ),
        ("POST", message("CreateMultiple"), bulk(&target)),
        ("POST", message("UpdateMultiple"), bulk(&existing)),
        ("POST", message("UpsertMultiple"), bulk(&existing)),
        (
            "POST",
            "contacts".to_owned(),
            r#"{"parentcustomerid_account":{"accountcategorycode":9}}"#.to_owned(),
        ),
    ] {
        let refused = send(&emulator, method, &path, &[], &body).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, refusal(9)),
            "{method} {path}"
        );
    }
    let part = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                POST /api/data/v9.2/accounts HTTP/1.1\r\nContent-Type: application/json\r\n\r\n\
                {\"accountcategorycode\":9}\r\n--b--\r\n";
    let headers = [("content-type", "multipart/mixed;boundary=b")];
    let batch = send(&emulator, "POST", "$batch", &headers, part).await;
    assert_eq!(batch.status, 400);
    assert!(
        batch.body.contains("Accepted Values: 1,2"),
        "{}",
        batch.body
    );

    let read = get(&emulator, "accounts?$select=accountcategorycode")
        .await
        .json();
    assert_eq!(read["value"].as_array().unwrap().len(), 1);
    assert_eq!(read["value"][0]["accountcategorycode"], 2);
    let seeded = emulator.seed("account", [wrong]).unwrap_err().to_string();
    assert!(seeded.contains("Accepted Values: 1,2"), "{seeded}");
    // A condition may ask for what no row can hold.
    let found = get(&emulator, "accounts?$filter=accountcategorycode%20eq%209").await;
    assert_eq!((found.status, &found.json()["value"]), (200, &json!([])));
    // The key of an upsert is written, too.
    let keyed = send(&emulator, "PATCH", "accounts(industrycode=8)", &[], "{}").await;
    assert_eq!(keyed.error().0, "0x8004431A");
}

#[tokio::test]
async fn what_is_an_option_or_not_told_is_kept() {
    let emulator = emulator();
    let body = r#"{"accountcategorycode":null,"industrycode":3,"ownershipcode":77,
        "tickersymbol":"20, 1","creditonhold":true,"preferredcontactmethodcode":77}"#;
    let row = create(&emulator, "accounts", body).await;
    let read = get(&emulator, &row).await.json();
    for (name, value) in [
        ("accountcategorycode", json!(null)),
        ("industrycode", json!(3)),
        ("ownershipcode", json!(77)),
        ("tickersymbol", json!("1,20")),
        ("preferredcontactmethodcode", json!(77)),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
    let cleared = send(&emulator, "PATCH", &row, &[], r#"{"tickersymbol":null}"#).await;
    assert_eq!(cleared.status, 204);
    for (value, code) in [("1,2", "0x8004431A"), ("1,x", "0x80048d19")] {
        let body = json!({ "tickersymbol": value }).to_string();
        let refused = post(&emulator, "accounts", &body).await;
        assert_eq!((refused.status, refused.error().0.as_str()), (400, code));
    }
}

#[tokio::test]
async fn options_that_requests_change_count_at_once() {
    let emulator = emulator();
    let of_industry = r#"{"industrycode":4}"#;
    let refused = post(&emulator, "accounts", of_industry).await;
    assert!(refused.error().1.ends_with("Accepted Values: 7,3"));
    let label = json!({ "LocalizedLabels": [{ "Label": "Four", "LanguageCode": 1033 }] });
    let insert = json!({ "OptionSetName": "industry", "Value": 4, "Label": label }).to_string();
    assert_eq!(
        post(&emulator, "InsertOptionValue", &insert).await.status,
        200
    );
    create(&emulator, "accounts", of_industry).await;
    let delete = r#"{"OptionSetName":"industry","Value":4}"#;
    assert_eq!(
        post(&emulator, "DeleteOptionValue", delete).await.status,
        204
    );
    assert_eq!(
        post(&emulator, "accounts", of_industry).await.error().0,
        "0x8004431A"
    );

    let column = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
        "SchemaName": "new_Colour",
        "OptionSet": { "Options": [{ "Value": 5 }] },
    });
    let columns = "EntityDefinitions(LogicalName='contact')/Attributes";
    assert_eq!(
        post(&emulator, columns, &column.to_string()).await.status,
        204
    );
    create(&emulator, "contacts", r#"{"new_colour":5}"#).await;
    let refused = post(&emulator, "contacts", r#"{"new_colour":6}"#).await;
    assert!(refused.error().1.ends_with("Accepted Values: 5"));
}

#[tokio::test]
async fn states_and_reasons_belong_together() {
    let emulator = emulator();
    let states = async |row: &str| {
        let read = get(&emulator, row).await.json();
        (
            read["statecode"].as_i64().unwrap(),
            read["statuscode"].as_i64().unwrap(),
        )
    };
    let row = create(&emulator, "accounts", "{}").await;
    assert_eq!(states(&row).await, (0, 1));
    for body in [
        r#"{"statecode":2}"#,
        r#"{"statecode":2,"statuscode":1}"#,
        r#"{"statecode":1,"statuscode":1}"#,
        r#"{"statuscode":4}"#,
        // One of a state that the row does not have.
        r#"{"statuscode":2}"#,
    ] {
        for (method, path) in [("PATCH", row.as_str()), ("POST", "accounts")] {
            let refused = send(&emulator, method, path, &[], body).await;
            assert_eq!(refused.status, 400, "{method} {body}");
            assert_eq!(refused.error().0, "0x80048408", "{method} {body}");
        }
    }
    assert_eq!(states(&row).await, (0, 1));
    for (body, expected) in [
        (r#"{"statecode":1,"statuscode":3}"#, (1, 3)),
        (r#"{"statuscode":2}"#, (1, 2)),
        (r#"{"statecode":0}"#, (0, 1)),
    ] {
        assert_eq!(send(&emulator, "PATCH", &row, &[], body).await.status, 204);
        assert_eq!(states(&row).await, expected, "{body}");
    }
    let reason = format!("{row}/statuscode");
    let refused = send(&emulator, "PUT", &reason, &[], r#"{"value":3}"#).await;
    assert_eq!(refused.error().0, "0x80048408");
    let inactive = create(&emulator, "accounts", r#"{"statecode":1}"#).await;
    assert_eq!(states(&inactive).await, (1, 2));
    // A task is not started; the table comes with the product.
    let task = create(&emulator, "tasks", "{}").await;
    assert_eq!(states(&task).await, (0, 2));
}

#[tokio::test]
async fn a_table_that_is_made_has_two_states() {
    let emulator = Emulator::builder().build().unwrap();
    let table = json!({
        "SchemaName": "new_Thing",
        "Attributes": [{
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "new_Name", "IsPrimaryName": true,
        }],
    });
    let made = post(&emulator, "EntityDefinitions", &table.to_string()).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let row = create(&emulator, "new_things", "{}").await;
    let inactive = r#"{"statecode":1}"#;
    assert_eq!(
        send(&emulator, "PATCH", &row, &[], inactive).await.status,
        204
    );
    let annotated = [("prefer", "odata.include-annotations=\"*\"")];
    let read = send(&emulator, "GET", &row, &annotated, "").await.json();
    let shown = "statuscode@OData.Community.Display.V1.FormattedValue";
    assert_eq!(
        (&read["statuscode"], &read[shown]),
        (&json!(2), &json!("Inactive"))
    );
    let label = json!({ "LocalizedLabels": [{ "Label": "Sold", "LanguageCode": 1033 }] });
    let mut reason = json!({ "EntityLogicalName": "new_thing", "Label": label });
    let refused = post(&emulator, "InsertStatusValue", &reason.to_string()).await;
    assert_eq!(refused.status, 400, "a reason is one of a state");
    reason["StateCode"] = 1.into();
    let inserted = post(&emulator, "InsertStatusValue", &reason.to_string()).await;
    assert_eq!(inserted.status, 200, "{}", inserted.body);
    let value = inserted.json()["NewOptionValue"].clone();
    let usual = json!({
        "EntityLogicalName": "new_thing", "AttributeLogicalName": "statecode", "Value": 1,
        "DefaultStatusCode": value,
    });
    let told = post(&emulator, "UpdateStateValue", &usual.to_string()).await;
    assert_eq!(told.status, 204, "{}", told.body);
    let row = create(&emulator, "new_things", "{}").await;
    assert_eq!(
        send(&emulator, "PATCH", &row, &[], inactive).await.status,
        204
    );
    assert_eq!(get(&emulator, &row).await.json()["statuscode"], value);
    let refused = send(&emulator, "PATCH", &row, &[], r#"{"statecode":2}"#).await;
    assert_eq!(refused.error().0, "0x80048408");
}

#[tokio::test]
async fn numbers_and_times_stay_in_their_range() {
    let emulator = emulator();
    for (body, code, message) in [
        (
            r#"{"numberofemployees":501}"#,
            "0x8004432F",
            "A validation error occurred for account.numberofemployees. The value 501 of type \
             System.Int32 is outside the valid range(0 to 500).",
        ),
        (
            r#"{"revenue":1000000.01}"#,
            "0x80044330",
            "A validation error occurred for account.revenue. The value 1000000.01 of type \
             Microsoft.Xrm.Sdk.Money is outside the valid range(0 to 1000000).",
        ),
        (
            r#"{"address1_latitude":-90.5}"#,
            "0x80044330",
            "A validation error occurred for account.address1_latitude. The value -90.5 of type \
             System.Double is outside the valid range(-90 to 90).",
        ),
        (
            r#"{"lastusedincampaign":"1752-12-31T23:59:59Z"}"#,
            "0x80040239",
            "DateTime is less than minumum value supported by CrmDateTime. Actual value: \
             1752-12-31T23:59:59Z, Minimum value supported: 01/01/1753 00:00:00",
        ),
    ] {
        let refused = post(&emulator, "accounts", body).await;
        let expected = (400, (code.to_owned(), message.to_owned()));
        assert_eq!((refused.status, refused.error()), expected, "{body}");
    }
    let body = r#"{"numberofemployees":500,"revenue":1000000.00,"address1_latitude":47.639583,
        "lastusedincampaign":"1753-01-01T00:00:00Z"}"#;
    let row = create(&emulator, "accounts", body).await;
    let read = get(&emulator, &row).await.json();
    assert_eq!(read["numberofemployees"], 500);
    assert_eq!(read["address1_latitude"], 47.63958);
}
