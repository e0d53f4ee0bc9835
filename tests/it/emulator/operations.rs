//! Actions and functions that come with the product; requests on behalf of another user.

use std::collections::HashMap;

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::documented::{assert_as_documented, examples, replay};
use super::{Answer, create, emulator, get, post, send};

const USER: &str = "ce31e691-f559-ec11-8f8f-000d3a308de4";

/// Replays an example of the functions sample; its body but for the context is as documented.
async fn as_documented(emulator: &Emulator, examples: &HashMap<String, Value>, number: u8) {
    let example = &examples[&format!("seq-functions-actions-sample#{number}")];
    let answer = replay(emulator, example).await;
    assert_as_documented(&answer, example);
    let Some(body) = example["response"]["body"].as_str() else {
        return;
    };
    let bare = |text: &str| -> Value {
        let mut json: Value = serde_json::from_str(text).unwrap();
        let context = json["@odata.context"].as_str().unwrap();
        json["@odata.context"] = context.split_once('#').unwrap().1.into();
        json
    };
    assert_eq!(bare(&answer.body), bare(body), "{number}");
}

fn principal_access(mask: &str) -> Value {
    json!({
        "Target": {
            "@odata.type": "Microsoft.Dynamics.CRM.account",
            "accountid": "659876fd-6d29-ed11-9db1-00224804f8e2",
        },
        "PrincipalAccess": {
            "AccessMask": mask,
            "Principal": {"@odata.type": "Microsoft.Dynamics.CRM.systemuser", "ownerid": USER},
        },
    })
}

#[tokio::test]
async fn rows_are_shared_as_documented() {
    let examples = examples("docs-seq-functions-actions-sample.json");
    let emulator = emulator();
    let user = json!({"systemuserid": USER}).to_string();
    create(&emulator, "systemusers", &user).await;
    let account = json!({"accountid": "659876fd-6d29-ed11-9db1-00224804f8e2"}).to_string();
    let account = create(&emulator, "accounts", &account).await;
    let rights = async || {
        let path = format!(
            "systemusers({USER})/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p)?@p={{'@odata.id':'{account}'}}"
        );
        let path = path.replace('{', "%7B").replace('}', "%7D");
        get(&emulator, &path).await.json()["AccessRights"].clone()
    };
    assert_eq!(rights().await, "None");
    let share = principal_access("ShareAccess").to_string();
    assert_eq!(post(&emulator, "GrantAccess", &share).await.status, 204);
    for number in [10, 11, 12] {
        as_documented(&emulator, &examples, number).await;
    }
    let modified = principal_access("ReadAccess, WriteAccess").to_string();
    assert_eq!(post(&emulator, "ModifyAccess", &modified).await.status, 204);
    assert_eq!(rights().await, "ReadAccess, WriteAccess");
    let mut revoked = principal_access("None");
    revoked["Revokee"] = revoked["PrincipalAccess"]["Principal"].take();
    let answer = post(&emulator, "RevokeAccess", &revoked.to_string()).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(rights().await, "None");
    // An owner has every right.
    let owner = format!(r#"{{"ownerid@odata.bind":"systemusers({USER})"}}"#);
    send(&emulator, "PATCH", &account, &[], &owner).await;
    assert_eq!(
        rights().await,
        "ReadAccess, WriteAccess, AppendAccess, AppendToAccess, CreateAccess, DeleteAccess, \
         ShareAccess, AssignAccess"
    );
    // What was granted goes with the row.
    post(&emulator, "GrantAccess", &share).await;
    send(&emulator, "DELETE", &account, &[], "").await;
    create(
        &emulator,
        "accounts",
        r#"{"accountid":"659876fd-6d29-ed11-9db1-00224804f8e2"}"#,
    )
    .await;
    assert_eq!(rights().await, "None");
}

#[tokio::test]
async fn wrong_sharing_is_refused() {
    let emulator = emulator();
    let user = json!({"systemuserid": USER}).to_string();
    create(&emulator, "systemusers", &user).await;
    let share = async |access: Value| {
        let answer = post(&emulator, "GrantAccess", &access.to_string()).await;
        answer.status
    };
    assert_eq!(share(principal_access("ReadAccess")).await, 404);
    let account = json!({"accountid": "659876fd-6d29-ed11-9db1-00224804f8e2"}).to_string();
    create(&emulator, "accounts", &account).await;
    assert_eq!(share(principal_access("ReadAccess")).await, 204);
    assert_eq!(share(principal_access("AllAccess")).await, 400);
    let mut nobody = principal_access("ReadAccess");
    nobody["PrincipalAccess"]["Principal"] = nobody["Target"].clone();
    assert_eq!(share(nobody).await, 400);
    assert_eq!(post(&emulator, "GrantAccess", "{}").await.status, 400);
    assert_eq!(get(&emulator, "GrantAccess").await.status, 404);
    let path = format!("systemusers({USER})/Microsoft.Dynamics.CRM.RetrievePrincipalAccess");
    assert_eq!(get(&emulator, &path).await.status, 400);
    assert_eq!(post(&emulator, &path, "{}").await.status, 404);
}

#[tokio::test]
async fn rows_are_counted_as_documented() {
    let examples = examples("docs-seq-functions-actions-sample.json");
    let emulator = emulator();
    emulator.seed("account", vec!["{}"; 19]).unwrap();
    emulator.seed("contact", vec!["{}"; 3]).unwrap();
    as_documented(&emulator, &examples, 8).await;
    let inline = "RetrieveTotalRecordCount(EntityNames=['contact'])";
    let told = get(&emulator, inline).await.json();
    assert_eq!(told["EntityRecordCountCollection"]["Values"], json!([3]));
    for path in [
        "RetrieveTotalRecordCount(EntityNames=@p1)",
        "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=[%22nothing%22]",
        "RetrieveTotalRecordCount()",
    ] {
        assert_eq!(get(&emulator, path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_row_is_added_to_a_queue_as_documented() {
    let example = &examples("docs-use-actions-2018.json")["use-actions-2018#2"];
    let emulator = emulator();
    let queue = r#"{"queueid":"56ae8258-4878-e511-80d4-00155d2a68d1","name":"a"}"#;
    create(&emulator, "queues", queue).await;
    let letter = r#"{"activityid":"59ae8258-4878-e511-80d4-00155d2a68d1","subject":"b"}"#;
    create(&emulator, "letters", letter).await;
    let answer = replay(&emulator, example).await;
    assert_as_documented(&answer, example);
    let told = answer.json();
    let context = told["@odata.context"].as_str().unwrap();
    assert!(
        context.ends_with("#Microsoft.Dynamics.CRM.AddToQueueResponse"),
        "{context}"
    );
    let path = format!("queueitems({})", told["QueueItemId"].as_str().unwrap());
    let item = get(&emulator, &path).await.json();
    assert_eq!(
        item["_queueid_value"],
        "56ae8258-4878-e511-80d4-00155d2a68d1"
    );
    assert_eq!(
        item["_objectid_value"],
        "59ae8258-4878-e511-80d4-00155d2a68d1"
    );
    assert_eq!(item["title"], "b");
    assert_eq!(item["enteredon"], "2026-01-01T00:00:00Z");
    // A row waits in one queue.
    let other = create(&emulator, "queues", r#"{"name":"c"}"#).await;
    let path = format!("{other}/Microsoft.Dynamics.CRM.AddToQueue");
    let body = example["request"]["body"].as_str().unwrap();
    let moved = post(&emulator, &path, body).await.json();
    assert_eq!(moved["QueueItemId"], told["QueueItemId"]);
    let items = get(&emulator, "queueitems").await.json()["value"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_ne!(items[0]["_queueid_value"], item["_queueid_value"]);
    let target = json!({"Target": {"@odata.type": "Microsoft.Dynamics.CRM.queue",
        "queueid": "56ae8258-4878-e511-80d4-00155d2a68d1"}});
    let refused = post(&emulator, &path, &target.to_string()).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(get(&emulator, &path).await.status, 404);
}

#[tokio::test]
async fn a_request_on_behalf_of_a_user_is_that_user_s() {
    let emulator = emulator();
    let own = get(&emulator, "WhoAmI").await.json()["UserId"].clone();
    let user = json!({"systemuserid": USER,
        "azureactivedirectoryobjectid": "11111111-2222-3333-4444-555555555555"});
    create(&emulator, "systemusers", &user.to_string()).await;
    let by = |answer: Answer| {
        let row = answer.json();
        [
            "createdby",
            "createdonbehalfby",
            "ownerid",
            "modifiedby",
            "modifiedonbehalfby",
        ]
        .map(|column| row[format!("_{column}_value")].clone())
    };
    let user = Value::from(USER);
    for header in [
        ("mscrmcallerid", USER),
        ("callerobjectid", "11111111-2222-3333-4444-555555555555"),
    ] {
        let headers = [header, ("prefer", "return=representation")];
        let answer = send(&emulator, "POST", "accounts", &headers, "{}").await;
        let path = format!("accounts({})", answer.json()["accountid"].as_str().unwrap());
        assert_eq!(
            by(answer),
            [&user, &own, &user, &user, &own].map(Clone::clone)
        );
        // Changed by the emulator's own user, then on behalf of the other one.
        send(&emulator, "PATCH", &path, &[], "{}").await;
        let changed = by(get(&emulator, &path).await);
        assert_eq!(changed[3..], [own.clone(), Value::Null]);
        send(&emulator, "PATCH", &path, &[header], "{}").await;
        let changed = by(get(&emulator, &path).await);
        assert_eq!(changed[3..], [user.clone(), own.clone()]);
        let told = send(&emulator, "GET", "WhoAmI", &[header], "").await.json();
        assert_eq!(told["UserId"], USER);
    }
    for header in [("mscrmcallerid", "x"), ("callerobjectid", USER)] {
        let answer = send(&emulator, "POST", "accounts", &[header], "{}").await;
        assert_eq!((answer.status, &*answer.error().0), (403, "0x8004A110"));
    }
}

#[tokio::test]
async fn parts_of_a_batch_are_done_by_the_user_of_the_batch() {
    let emulator = emulator();
    let own = get(&emulator, "WhoAmI").await.json()["UserId"].clone();
    let other = own.as_str().unwrap();
    create(
        &emulator,
        "systemusers",
        &json!({"systemuserid": USER}).to_string(),
    )
    .await;
    let part = |header: &str| {
        format!(
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             GET /api/data/v9.2/WhoAmI HTTP/1.1\r\n{header}Accept: application/json\r\n\r\n\r\n"
        )
    };
    let body = format!(
        "{}{}--b--\r\n",
        part(""),
        part(&format!("MSCRMCallerID: {other}\r\n"))
    );
    let headers = [
        ("content-type", "multipart/mixed; boundary=b"),
        ("mscrmcallerid", USER),
    ];
    let answer = send(&emulator, "POST", "$batch", &headers, &body).await;
    let ids: Vec<&str> = answer
        .body
        .split("\"UserId\":\"")
        .skip(1)
        .map(|rest| &rest[..36])
        .collect();
    assert_eq!(ids, [USER, other], "{}", answer.body);
}
