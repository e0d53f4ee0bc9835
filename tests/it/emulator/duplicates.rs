//! Which rows are the same: asked for one row, and for all that a query finds.

use dataverse_emulator::Emulator;
use serde_json::json;

use super::{create, get, post};
use crate::documents::{ONLINE, document};

fn emulator() -> Emulator {
    Emulator::builder()
        .document(document(ONLINE))
        .duplicate_rule("account", &["name"])
        .duplicate_rule("account", &["telephone1", "emailaddress1"])
        .build()
        .unwrap()
}

fn id(row: &str) -> &str {
    let (_, id) = row.split_once('(').unwrap();
    id.trim_end_matches(')')
}

/// Four accounts: the first is the same as the second by its name, as the third by its telephone.
async fn rows(emulator: &Emulator) -> Vec<String> {
    let mut rows = Vec::new();
    for (name, mail) in [("a", "m"), ("A", ""), ("b", "m"), ("c", "")] {
        let mut row = json!({ "name": name, "telephone1": "1" });
        if !mail.is_empty() {
            row["emailaddress1"] = mail.into();
        }
        rows.push(create(emulator, "accounts", &row.to_string()).await);
    }
    rows
}

fn path(entity: &str, matching: &str, paging: &str) -> String {
    format!(
        "RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)?\
         @p1={entity}&@p2='{matching}'&@p3={paging}"
    )
}

#[tokio::test]
async fn the_duplicates_of_a_row_are_told() {
    let emulator = emulator();
    let rows = rows(&emulator).await;
    let of = |row: &str| {
        let id = id(row);
        format!("{{'@odata.type':'Microsoft.Dynamics.CRM.account','accountid':'{id}'}}")
    };
    let all = "{'PageNumber':1,'Count':50}";
    let names = async |path: String| {
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let json = answer.json();
        let context = json["@odata.context"].as_str().unwrap();
        assert!(context.ends_with("$metadata#accounts"), "{context}");
        let rows = json["value"].as_array().unwrap().iter();
        let mut names: Vec<String> = rows
            .map(|row| {
                assert!(row["@odata.etag"].is_string() && row["accountid"].is_string());
                row["name"].as_str().unwrap().to_owned()
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(path(&of(&rows[0]), "account", all)).await, ["A", "b"]);
    assert_eq!(names(path(&of(&rows[1]), "account", all)).await, ["a"]);
    assert!(names(path(&of(&rows[3]), "account", all)).await.is_empty());
    let by_url = format!("{{'@odata.id':'{}'}}", rows[2]);
    assert_eq!(names(path(&by_url, "account", all)).await, ["a"]);
    // One that is not there yet.
    let new = "{'@odata.type':'Microsoft.Dynamics.CRM.account','name':'B'}";
    assert_eq!(names(path(new, "account", all)).await, ["b"]);

    let first = names(path(&of(&rows[0]), "account", "{'PageNumber':1,'Count':1}")).await;
    let second = names(path(&of(&rows[0]), "account", "{'PageNumber':2,'Count':1}")).await;
    let mut both = [first, second].concat();
    both.sort();
    assert_eq!(both, ["A", "b"]);

    // No rule compares accounts with contacts.
    let contacts = get(&emulator, &path(&of(&rows[0]), "contact", all)).await;
    assert_eq!(
        (contacts.status, &contacts.json()["value"]),
        (200, &json!([]))
    );
    for (entity, matching, code) in [
        (of(&rows[0]), "no", "0x80041102"),
        ("{'x':1}".to_owned(), "account", "0x80040203"),
        (
            of("accounts(00000000-0000-0000-0000-0000000000ff)"),
            "account",
            "0x80040217",
        ),
    ] {
        let refused = get(&emulator, &path(&entity, matching, all)).await;
        assert_eq!(refused.error().0, code, "{entity}");
    }
}

#[tokio::test]
async fn a_job_keeps_the_pairs_that_it_finds() {
    let emulator = emulator();
    let rows = rows(&emulator).await;
    let body = json!({
        "Query": {
            "@odata.type": "#Microsoft.Dynamics.CRM.QueryExpression", "EntityName": "account",
        },
        "JobName": "find", "SendEmailNotification": false, "ToRecipients": [], "CCRecipients": [],
    });
    let answer = post(&emulator, "BulkDetectDuplicates", &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let job = answer.json()["JobId"].as_str().unwrap().to_owned();
    let read = get(&emulator, &format!("asyncoperations({job})"))
        .await
        .json();
    assert_eq!(
        (&read["name"], &read["operationtype"], &read["statuscode"]),
        (&json!("find"), &json!(8), &json!(30))
    );
    let pairs = format!("asyncoperations({job})/AsyncOperation_DuplicateBaseRecord");
    let pairs = get(&emulator, &pairs).await;
    assert_eq!(pairs.status, 200, "{}", pairs.body);
    let json = pairs.json();
    let mut found: Vec<(&str, &str)> = json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            (
                pair["_baserecordid_value"].as_str().unwrap(),
                pair["_duplicaterecordid_value"].as_str().unwrap(),
            )
        })
        .collect();
    found.sort_unstable();
    let pair = |one: usize, other: usize| (id(&rows[one]), id(&rows[other]));
    let mut expected = vec![pair(0, 1), pair(0, 2), pair(1, 0), pair(2, 0)];
    expected.sort_unstable();
    assert_eq!(found, expected);
    let nameless = json!({ "Query": { "EntityName": "account" } }).to_string();
    assert_eq!(
        post(&emulator, "BulkDetectDuplicates", &nameless)
            .await
            .status,
        400
    );
}
