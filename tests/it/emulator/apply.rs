//! `$apply`: the documented answers, and what is refused.

use serde_json::{Value, json};

use super::documented::examples;
use super::{create, emulator, get, send};

/// Eight active accounts and an inactive one, as in the documented answers.
async fn org() -> dataverse_emulator::Emulator {
    let emulator = emulator();
    for (id, name) in [
        ("c1", "Jim Glynn (sample)"),
        ("c2", "Maria Campbell (sample)"),
    ] {
        let contact = json!({
            "contactid": format!("00000000-0000-0000-0000-0000000000{id}"), "fullname": name,
        });
        create(&emulator, "contacts", &contact.to_string()).await;
    }
    let rows = (0..9).map(|n| {
        let mut row = json!({
            "name": format!("A{n}"),
            "statuscode": if n == 8 { 2 } else { 1 },
            "revenue": if n == 8 { 10_000 } else { 53_750 },
        });
        if n >= 7 {
            let contact = if n == 7 { "c2" } else { "c1" };
            row["primarycontactid@odata.bind"] = json!(format!(
                "contacts(00000000-0000-0000-0000-0000000000{contact})"
            ));
        }
        row.to_string()
    });
    emulator.seed("account", rows).unwrap();
    emulator
}

async fn apply(emulator: &dataverse_emulator::Emulator, text: &str) -> super::Answer {
    get(
        emulator,
        &format!("accounts?$apply={}", text.replace(' ', "%20")),
    )
    .await
}

#[tokio::test]
async fn documented_aggregates_come_with_their_digits() {
    let examples = examples("docs-query-aggregate-data.json");
    let emulator = org().await;
    for number in [2, 3, 4, 5] {
        let example = &examples[&format!("query-aggregate-data#{number}")];
        let path = example["request"]["url"]
            .as_str()
            .unwrap()
            .replace(' ', "%20");
        let told = get(&emulator, &path).await;
        assert_eq!(told.status, 200, "{path}: {}", told.body);
        let documented = example["response"]["body"].as_str().unwrap();
        let documented = documented.replace("[Organization URI]", "https://emulator.localhost");
        // Digits count: the text is compared, without labels.
        let plain: String = documented
            .lines()
            .filter(|line| !line.contains("FormattedValue"))
            .map(|line| line.trim().replace("\": ", "\":"))
            .collect();
        assert_eq!(told.body, plain, "{number}");
    }
    for number in [8, 9] {
        let example = &examples[&format!("query-aggregate-data#{number}")];
        let path = example["request"]["url"]
            .as_str()
            .unwrap()
            .replace(' ', "%20");
        let told = get(&emulator, &path).await.json();
        let row = told["value"][0].as_object().unwrap();
        assert_eq!(row.len(), 1);
        assert!(
            row.values().all(|time| time == "2026-01-01T00:00:00Z"),
            "{row:?}"
        );
    }
}

#[tokio::test]
async fn groups_of_related_rows_are_named_after_their_table() {
    let emulator = org().await;
    let told = apply(
        &emulator,
        "groupby((primarycontactid/fullname),aggregate(revenue with sum as total))",
    )
    .await;
    // The group without a contact has no member for it.
    assert_eq!(
        told.body,
        "{\"@odata.context\":\"https://emulator.localhost/api/data/v9.2/$metadata#accounts\",\
         \"value\":[{\"total\":376250.000000000},\
         {\"contact_fullname\":\"Jim Glynn (sample)\",\"total\":10000.000000000},\
         {\"contact_fullname\":\"Maria Campbell (sample)\",\"total\":53750.000000000}]}"
    );
}

#[tokio::test]
async fn pipelines_filter_group_and_aggregate() {
    let emulator = org().await;
    for (text, expected) in [
        ("aggregate($count as n)", json!([{"n": 9}])),
        (
            "aggregate(statuscode with countdistinct as kinds,statuscode with average as mean,statuscode with sum as sum)",
            json!([{"kinds": 2, "mean": 1, "sum": 10}]),
        ),
        (
            "groupby((statuscode))",
            json!([{"statuscode": 1}, {"statuscode": 2}]),
        ),
        (
            "groupby((statuscode,statecode),aggregate($count as n))",
            json!([{"statuscode": 1, "statecode": 0, "n": 8}, {"statuscode": 2, "statecode": 0, "n": 1}]),
        ),
        (
            "filter(statuscode eq 2 or name eq 'a1')/groupby((statuscode),aggregate($count as n))",
            json!([{"statuscode": 1, "n": 1}, {"statuscode": 2, "n": 1}]),
        ),
        (
            "filter(statuscode eq 1)/filter(primarycontactid/fullname ne null)/aggregate($count as n)",
            json!([{"n": 1}]),
        ),
        (
            "filter(name eq 'none')/aggregate(revenue with max as most)",
            json!([{}]),
        ),
        ("filter(name eq 'none')/groupby((name))", json!([])),
        (
            "groupby((_primarycontactid_value),aggregate($count as n))",
            json!([
                {"n": 7},
                {"_primarycontactid_value": "00000000-0000-0000-0000-0000000000c1", "n": 1},
                {"_primarycontactid_value": "00000000-0000-0000-0000-0000000000c2", "n": 1},
            ]),
        ),
    ] {
        let answer = apply(&emulator, text).await;
        assert_eq!(answer.status, 200, "{text}: {}", answer.body);
        assert_eq!(answer.json()["value"], expected, "{text}");
    }
    // Through a navigation property, with annotations.
    let path = "contacts(00000000-0000-0000-0000-0000000000c2)/account_primary_contact\
        ?$apply=groupby((_ownerid_value),aggregate(revenue%20with%20sum%20as%20total))";
    let answer = send(
        &emulator,
        "GET",
        path,
        &[("prefer", "odata.include-annotations=\"*\"")],
        "",
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let row = &answer.json()["value"][0];
    assert_eq!(
        row["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "systemuser"
    );
    assert_eq!(
        row["total@OData.Community.Display.V1.AttributeName"],
        "revenue"
    );
    assert_eq!(row["total"], 53750.0);
}

#[tokio::test]
async fn wrong_pipelines_are_refused() {
    let emulator = org().await;
    for (text, status, message) in [
        ("aggregate", 400, "Syntax error"),
        ("aggregate()", 400, "Syntax error"),
        ("aggregate(revenue with sum)", 400, "Syntax error"),
        ("aggregate(revenue with sum as a-b)", 400, "Syntax error"),
        (
            "aggregate(revenue with median as m)",
            400,
            "'median' is not",
        ),
        (
            "aggregate(revenue with sum as name)",
            400,
            "alias 'name' is the name of a column",
        ),
        ("aggregate($count as a,$count as a)", 400, "more than once"),
        ("aggregate(nothing with sum as a)", 400, "named 'nothing'"),
        ("aggregate(name with sum as a)", 400, "cannot be aggregated"),
        ("groupby(statuscode)", 400, "Syntax error"),
        ("groupby((statuscode)", 400, "Syntax error"),
        (
            "groupby((statuscode),aggregate($count as a))&$orderby=a",
            400,
            "SingleValueOpenPropertyAccess is not supported.",
        ),
        (
            "groupby((statuscode))&$select=name",
            400,
            "'$select' is not allowed",
        ),
        (
            "groupby((statuscode))/filter(statuscode eq 1)",
            501,
            "sequence",
        ),
        ("groupby((statuscode))&$filter=revenue gt 1", 501, "$filter"),
        (
            "aggregate($count as n)&$filter=statuscode eq 1",
            501,
            "$filter",
        ),
        (
            "groupby((statuscode))&$orderby=revenue",
            400,
            "not grouped by",
        ),
        (
            "groupby((statuscode))&$orderby=statuscode down",
            400,
            "Syntax error",
        ),
        (
            "groupby((createdon))",
            400,
            "groupby with datetime values is not supported",
        ),
        ("topcount(2,revenue)", 501, "topcount"),
    ] {
        let answer = apply(&emulator, text).await;
        assert_eq!(answer.status, status, "{text}: {}", answer.body);
        assert!(
            answer.error().1.contains(message),
            "{text}: {}",
            answer.body
        );
    }
    let rows = (0..50_001).map(|_| "{}");
    emulator.seed("contact", rows).unwrap();
    let many = get(&emulator, "contacts?$apply=aggregate($count%20as%20n)").await;
    assert_eq!((many.status, many.error().0.as_str()), (400, "0x8004E023"));
    let told: Value = get(&emulator, "contacts/$count").await.body.into();
    assert_eq!(told, "\u{feff}5000");
}
