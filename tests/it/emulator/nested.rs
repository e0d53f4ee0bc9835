//! Rows in the body of a create: new ones, and those that are bound to a collection.

use serde_json::Value;

use super::documented::{assert_as_documented, examples, replay};
use super::{create, emulator, get, post, send, small};

#[tokio::test]
async fn documented_rows_within_rows() {
    let example =
        &examples("docs-seq-basic-operations-sample.json")["seq-basic-operations-sample#9"];
    let emulator = emulator();
    let answer = replay(&emulator, example).await;
    assert_as_documented(&answer, example);
    let url = answer.header("odata-entityid");
    let account = get(&emulator, url).await.json();
    assert_eq!(account["name"], "Fourth Coffee");
    let contacts = get(&emulator, "contacts").await.json()["value"].clone();
    assert_eq!(contacts.as_array().unwrap().len(), 1);
    assert_eq!(contacts[0]["contactid"], account["_primarycontactid_value"]);
    let tasks = get(&emulator, "tasks?$orderby=scheduledstart").await.json()["value"].clone();
    let tasks = tasks.as_array().unwrap();
    let subjects: Vec<_> = tasks.iter().map(|task| &task["subject"]).collect();
    assert_eq!(
        subjects,
        ["Sign invoice", "Setup new display", "Conduct training"]
    );
    for task in tasks {
        assert_eq!(task["_regardingobjectid_value"], contacts[0]["contactid"]);
    }
    // The offset of the example is undone.
    assert_eq!(tasks[0]["scheduledstart"], "2023-04-18T20:00:00Z");
}

#[tokio::test]
async fn all_rows_are_created_or_none() {
    let emulator = emulator();
    for body in [
        r#"{"name":"a","primarycontactid":{"lastname":"b","Contact_Tasks":[{"subject":"c"},{"nothing":1}]}}"#,
        r#"{"name":"a","primarycontactid":{"lastname":"b"},"Account_Tasks":[{"subject":5}]}"#,
        r#"{"name":"a","Account_Tasks":[{"subject":"c","activityid":"00000000-0000-0000-0000-000000000001"},
            {"activityid":"00000000-0000-0000-0000-000000000001"}]}"#,
    ] {
        let answer = post(&emulator, "accounts", body).await;
        assert!(answer.status >= 400, "{body}");
        for set in ["accounts", "contacts", "tasks"] {
            let rows = get(&emulator, set).await.json()["value"].clone();
            assert_eq!(rows, serde_json::json!([]), "{set}: {body}");
        }
    }
}

#[tokio::test]
async fn the_representation_is_that_of_the_row_that_was_asked_for() {
    let answer = send(
        &small::emulator(),
        "POST",
        "accounts?$select=name,_primarycontactid_value",
        &[("prefer", "return=representation")],
        r#"{"name":"a","primarycontactid":{"lastname":"b"}}"#,
    )
    .await;
    assert_eq!(answer.status, 201);
    let row = answer.json();
    assert_eq!(row["name"], "a");
    assert!(row["_primarycontactid_value"].is_string(), "{row}");
}

#[tokio::test]
async fn existing_rows_are_bound_to_a_collection() {
    let emulator = emulator();
    let first = create(&emulator, "contacts", "{}").await;
    let second = create(&emulator, "contacts", "{}").await;
    let body = format!(
        r#"{{"name":"a","contact_customer_accounts@odata.bind":["{first}","/{second}"],"Account_Tasks":[{{"subject":"new"}}]}}"#
    );
    let account = create(&emulator, "accounts", &body).await;
    let id = account["accounts(".len()..].trim_end_matches(')');
    for contact in [&first, &second] {
        let row = get(&emulator, contact).await.json();
        assert_eq!(row["_parentcustomerid_value"], id);
    }
    let task = get(&emulator, "tasks").await.json()["value"][0].clone();
    assert_eq!(task["_regardingobjectid_value"], id);
    let refused = format!(r#"{{"contact_customer_accounts@odata.bind":["{account}"]}}"#);
    assert_eq!(post(&emulator, "accounts", &refused).await.status, 400);
    let refused = format!(r#"{{"contact_customer_accounts@odata.bind":"{first}"}}"#);
    assert_eq!(post(&emulator, "accounts", &refused).await.status, 400);
}

#[tokio::test]
async fn many_to_many_takes_new_and_existing_rows() {
    let emulator = emulator();
    let list = create(&emulator, "leads", r#"{"subject":"old"}"#).await;
    let body = format!(
        r#"{{"name":"a","accountleads_association@odata.bind":["{list}"],"accountleads_association":[{{"subject":"new"}}]}}"#
    );
    let account = create(&emulator, "accounts", &body).await;
    let id = account["accounts(".len()..].trim_end_matches(')');
    let pairs = get(&emulator, "accountleadscollection").await.json()["value"].clone();
    let pairs = pairs.as_array().unwrap();
    assert_eq!(pairs.len(), 2);
    assert!(pairs.iter().all(|pair| pair["accountid"] == id));
    let leads = get(&emulator, "leads").await.json()["value"].clone();
    assert_eq!(leads.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn parties_of_an_email_are_rows_of_their_own() {
    let emulator = emulator();
    let contact = create(&emulator, "contacts", "{}").await;
    let body = format!(
        r#"{{"subject":"a","email_activity_parties":[
            {{"partyid_contact@odata.bind":"/{contact}","participationtypemask":1}},
            {{"addressused":"b@c.d","participationtypemask":2}}]}}"#
    );
    let email = create(&emulator, "emails", &body).await;
    let parties = get(&emulator, "activityparties?$orderby=participationtypemask").await;
    let parties = parties.json()["value"].clone();
    let id = |path: &str| Value::from(path.split_once('(').unwrap().1.trim_end_matches(')'));
    assert_eq!(parties[0]["_partyid_value"], id(&contact));
    assert_eq!(parties[1]["addressused"], "b@c.d");
    for party in parties.as_array().unwrap() {
        assert_eq!(party["_activityid_value"], id(&email));
    }
}

#[tokio::test]
async fn an_abstract_lookup_takes_a_row_that_says_its_table() {
    let emulator = emulator();
    let body =
        r##"{"name":"a","ownerid":{"@odata.type":"#Microsoft.Dynamics.CRM.team","name":"b"}}"##;
    let account = create(&emulator, "accounts", body).await;
    let team = get(&emulator, "teams").await.json()["value"][0]["teamid"].clone();
    let row = get(&emulator, &account).await.json();
    assert_eq!(row["_owningteam_value"], team);
    let refused = post(&emulator, "accounts", r#"{"ownerid":{"name":"b"}}"#).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.error().1.contains("@odata.type"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn an_update_takes_no_related_rows() {
    let emulator = small::emulator();
    let account = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let missing = "accounts(00000000-0000-0000-0000-000000000001)";
    for path in [account.as_str(), missing] {
        for body in [
            r#"{"name":"b","primarycontactid":{"lastname":"x"}}"#,
            r#"{"name":"b","contact_customer_accounts":[{"lastname":"x"}]}"#,
        ] {
            let answer = send(&emulator, "PATCH", path, &[], body).await;
            assert_eq!(answer.status, 400, "{path} {body}: {}", answer.body);
        }
    }
    assert_eq!(get(&emulator, &account).await.json()["name"], "a");
    assert_eq!(get(&emulator, missing).await.status, 404);
}

#[tokio::test]
async fn endless_nesting_is_refused() {
    let depth = 10_000;
    let open = r#"{"primarycontactid":{"parentcustomerid_account":"#.repeat(depth);
    let close = "}}".repeat(depth);
    let body = format!("{open}null{close}");
    let answer = post(&small::emulator(), "accounts", &body).await;
    assert_eq!((answer.status, &*answer.error().0), (400, "0x80048d19"));
    assert!(answer.error().1.contains("100 deep"), "{}", answer.body);
}
