//! What deleting and assigning a row does to others; duplicates; activities of all kinds.

use dataverse_emulator::Emulator;
use serde_json::json;

use super::{create, emulator, get, post, send};
use crate::documents::{ON_PREMISES, document};

/// With one relationship from an account to its contacts.
fn with(configuration: serde_json::Value) -> Emulator {
    let definitions = json!({ "value": [{
        "LogicalName": "account",
        "OneToManyRelationships": [{
            "SchemaName": "contact_customer_accounts",
            "ReferencedEntity": "account",
            "ReferencedAttribute": "accountid",
            "ReferencingEntity": "contact",
            "ReferencingAttribute": "parentcustomerid",
            "CascadeConfiguration": configuration,
        }],
    }]});
    Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(definitions.to_string())
        .build()
        .unwrap()
}

/// An account, a contact of it, and a contact of its own.
async fn rows(emulator: &Emulator) -> (String, String) {
    let account = create(emulator, "accounts", "{}").await;
    let body = json!({ "parentcustomerid_account@odata.bind": format!("/{account}") }).to_string();
    let contact = create(emulator, "contacts", &body).await;
    create(emulator, "contacts", "{}").await;
    (account, contact)
}

#[tokio::test]
async fn a_deletion_goes_on_stops_or_removes_links() {
    for (behaviour, status, contacts, lookup) in [
        ("Cascade", 204, "1", false),
        ("RemoveLink", 204, "2", false),
        ("NoCascade", 204, "2", false),
        ("Restrict", 405, "2", true),
    ] {
        let emulator = with(json!({ "Delete": behaviour }));
        let (account, contact) = rows(&emulator).await;
        let answer = send(&emulator, "DELETE", &account, &[], "").await;
        assert_eq!(answer.status, status, "{behaviour}: {}", answer.body);
        let count = get(&emulator, "contacts/$count").await.body;
        assert_eq!(count, format!("\u{feff}{contacts}"), "{behaviour}");
        let read = get(&emulator, &contact).await;
        if contacts == "2" {
            assert_eq!(read.json()["_parentcustomerid_value"].is_string(), lookup);
        }
        if status == 405 {
            assert_eq!(
                answer.error(),
                (
                    "0x80040227".to_owned(),
                    "The object you tried to delete is associated with another object and cannot \
                     be deleted."
                        .to_owned()
                )
            );
            assert_eq!(get(&emulator, &account).await.status, 200);
            send(&emulator, "DELETE", &contact, &[], "").await;
            assert_eq!(
                send(&emulator, "DELETE", &account, &[], "").await.status,
                204
            );
        }
    }
}

#[tokio::test]
async fn a_new_owner_gets_the_rows_behind_it() {
    for (behaviour, follows, closed_follows) in [
        ("Cascade", true, true),
        ("Active", true, false),
        ("UserOwned", true, true),
        ("NoCascade", false, false),
    ] {
        let emulator = with(json!({ "Assign": behaviour }));
        let (account, contact) = rows(&emulator).await;
        let body = json!({
            "parentcustomerid_account@odata.bind": format!("/{account}"),
            "statecode": 1,
        });
        let closed = create(&emulator, "contacts", &body.to_string()).await;
        let user = create(&emulator, "systemusers", r#"{"fullname":"U"}"#).await;
        let id = user
            .split_once('(')
            .unwrap()
            .1
            .trim_end_matches(')')
            .to_owned();
        let owner = json!({ "ownerid@odata.bind": format!("/{user}") }).to_string();
        assert_eq!(
            send(&emulator, "PATCH", &account, &[], &owner).await.status,
            204
        );
        for (row, follows) in [
            (&account, true),
            (&contact, follows),
            (&closed, closed_follows),
        ] {
            let row = get(&emulator, row).await.json();
            assert_eq!(row["_ownerid_value"] == id.as_str(), follows, "{behaviour}");
        }
    }
}

#[tokio::test]
async fn rows_that_point_at_each_other_are_deleted_once() {
    let definitions = json!({ "value": [{
        "LogicalName": "account",
        "OneToManyRelationships": [{
            "SchemaName": "account_parent_account",
            "ReferencedEntity": "account",
            "ReferencingEntity": "account",
            "ReferencingAttribute": "parentaccountid",
            "CascadeConfiguration": { "Delete": "Cascade", "Assign": "Cascade" },
        }],
    }]});
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(definitions.to_string())
        .build()
        .unwrap();
    let one = create(&emulator, "accounts", "{}").await;
    let parent = |row: &str| json!({ "parentaccountid@odata.bind": format!("/{row}") }).to_string();
    let other = create(&emulator, "accounts", &parent(&one)).await;
    send(&emulator, "PATCH", &one, &[], &parent(&other)).await;
    let user = create(&emulator, "systemusers", "{}").await;
    let owner = json!({ "ownerid@odata.bind": format!("/{user}") }).to_string();
    assert_eq!(
        send(&emulator, "PATCH", &one, &[], &owner).await.status,
        204
    );
    assert_eq!(send(&emulator, "DELETE", &one, &[], "").await.status, 204);
    assert_eq!(get(&emulator, "accounts/$count").await.body, "\u{feff}0");
}

#[tokio::test]
async fn duplicates_are_refused_where_that_is_asked_for() {
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .duplicate_rule("account", &["name", "address1_city"])
        .build()
        .unwrap();
    let body = r#"{"name":"A","address1_city":"Rome"}"#;
    create(&emulator, "accounts", body).await;
    let detect = [("MSCRM.SuppressDuplicateDetection", "false")];
    let suppress = [("MSCRM.SuppressDuplicateDetection", "true")];
    let same = r#"{"name":"a","address1_city":"ROME"}"#;
    let refused = send(&emulator, "POST", "accounts", &detect, same).await;
    assert_eq!(refused.status, 412);
    assert_eq!(
        refused.error(),
        (
            "0x80040333".to_owned(),
            "A record was not created or updated because a duplicate of the current record already \
             exists."
                .to_owned()
        )
    );
    for allowed in [
        r#"{"name":"A"}"#,
        r#"{"name":"A","address1_city":"Oslo"}"#,
        "{}",
        "{}",
    ] {
        let answer = send(&emulator, "POST", "accounts", &detect, allowed).await;
        assert_eq!(answer.status, 204, "{allowed}: {}", answer.body);
    }
    assert_eq!(
        send(&emulator, "POST", "accounts", &suppress, same)
            .await
            .status,
        204
    );
    assert_eq!(post(&emulator, "accounts", same).await.status, 204);
    let row = create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let change = r#"{"address1_city":"Rome"}"#;
    assert_eq!(
        send(&emulator, "PATCH", &row, &detect, change).await.status,
        412
    );
    assert_eq!(
        send(&emulator, "PATCH", &row, &detect, r#"{"fax":"1"}"#)
            .await
            .status,
        204
    );
    let error = Emulator::builder()
        .document(document(ON_PREMISES))
        .duplicate_rule("account", &["nothing"])
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("no such columns"), "{error}");
}

#[tokio::test]
async fn activities_of_every_kind_are_activities() {
    let emulator = emulator();
    let account = create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let body = json!({
        "subject": "Call back",
        "regardingobjectid_account_task@odata.bind": format!("/{account}"),
    });
    let task = create(&emulator, "tasks", &body.to_string()).await;
    let letter = create(&emulator, "letters", r#"{"subject":"Thanks"}"#).await;
    let path = "activitypointers?$select=subject,activitytypecode&$orderby=subject";
    let rows = get(&emulator, path).await.json();
    let told: Vec<_> = rows["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["subject"].as_str().unwrap(),
                row["activitytypecode"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("Call back", "task"), ("Thanks", "letter")]);
    let related = format!("{account}/Account_ActivityPointers?$select=subject");
    assert_eq!(
        get(&emulator, &related).await.json()["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    send(&emulator, "PATCH", &task, &[], r#"{"subject":"Called"}"#).await;
    let rows = get(&emulator, &related).await.json();
    assert_eq!(rows["value"][0]["subject"], "Called");
    send(&emulator, "DELETE", &letter, &[], "").await;
    assert_eq!(
        get(&emulator, "activitypointers/$count").await.body,
        "\u{feff}1"
    );
    send(&emulator, "DELETE", &account, &[], "").await;
    let pointer = task.replace("tasks", "activitypointers");
    assert!(get(&emulator, &pointer).await.json()["_regardingobjectid_value"].is_null());
}
