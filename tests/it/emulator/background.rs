//! Operations in the background: started, asked for, cancelled.

use std::time::Duration;

use dataverse_client::http::{Clock, VirtualClock};
use dataverse_emulator::{ActionError, Emulator};
use serde_json::{Value, json};

use super::{Answer, get, post, send};
use crate::documents::{ON_PREMISES, document};

fn emulator() -> (Emulator, VirtualClock) {
    let clock = VirtualClock::default();
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .clock(clock.clone())
        .build()
        .unwrap();
    emulator
        .on_action("CloneAsPatch", |call| {
            let json: Value = serde_json::from_str(call.parameters()).unwrap();
            match json["Subject"].as_str() {
                Some(subject) => {
                    let row = json!({ "subject": subject }).to_string();
                    let id = call.create("task", &row)?;
                    Ok(Some(json!({ "AnnotationId": id }).to_string()))
                }
                None => Err(ActionError::new("no subject")),
            }
        })
        .unwrap();
    (emulator, clock)
}

async fn start(emulator: &Emulator, body: &str) -> Answer {
    let headers = [("prefer", "respond-async")];
    send(emulator, "POST", "CloneAsPatch", &headers, body).await
}

/// Path of the address where an operation is asked for.
fn monitor(started: &Answer) -> &str {
    let address = started.header("location");
    let path = address.strip_prefix(Emulator::URL).unwrap();
    let id = path.strip_prefix("/api/backgroundoperation/").unwrap();
    assert_eq!(started.header("x-ms-dyn-backgroundoperationid"), id);
    path
}

async fn state(emulator: &Emulator, path: &str) -> (i64, i64, Value) {
    let answer = get(emulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let code = |name: &str| json[name].as_i64().unwrap();
    let codes = (
        code("backgroundOperationStateCode"),
        code("backgroundOperationStatusCode"),
    );
    (codes.0, codes.1, json)
}

#[tokio::test]
async fn an_operation_waits_runs_and_tells_its_answer() {
    let (emulator, clock) = emulator();
    let started = start(&emulator, r#"{"Subject":"later"}"#).await;
    assert_eq!(started.status, 202);
    assert_eq!(started.header("preference-applied"), "respond-async");
    assert_eq!(started.body, "");
    let path = monitor(&started);
    let (state_code, reason, told) = state(&emulator, path).await;
    assert_eq!((state_code, reason), (0, 0));
    assert_eq!(told.as_object().unwrap().len(), 2);
    assert_eq!(get(&emulator, "tasks/$count").await.body, "\u{feff}0");

    clock.sleep(Duration::from_secs(1)).await;
    // Nothing is seen before it has run.
    assert_eq!(get(&emulator, "tasks/$count").await.body, "\u{feff}1");
    let (state_code, reason, told) = state(&emulator, path).await;
    assert_eq!((state_code, reason), (3, 30));
    let task = format!("tasks({})", told["AnnotationId"].as_str().unwrap());
    assert_eq!(get(&emulator, &task).await.json()["subject"], "later");
    assert!(told.get("@odata.context").is_none());
    // What has ended stays.
    let kept = send(&emulator, "DELETE", path, &[], "").await;
    assert_eq!(kept.json()["backgroundOperationStatusCode"], 30);
}

#[tokio::test]
async fn an_operation_that_fails_tells_why() {
    let (emulator, clock) = emulator();
    let started = start(&emulator, "{}").await;
    assert_eq!(started.status, 202);
    clock.sleep(Duration::from_secs(1)).await;
    let (state_code, reason, told) = state(&emulator, monitor(&started)).await;
    assert_eq!((state_code, reason), (3, 31));
    assert_eq!(told["backgroundOperationErrorCode"], -2_147_220_891);
    assert_eq!(told["backgroundOperationErrorMessage"], "no subject");
}

#[tokio::test]
async fn an_operation_that_waits_is_cancelled() {
    let (emulator, clock) = emulator();
    let started = start(&emulator, r#"{"Subject":"never"}"#).await;
    let path = monitor(&started);
    let cancelled = send(&emulator, "DELETE", path, &[], "").await;
    assert_eq!(cancelled.status, 200);
    assert_eq!(
        cancelled.json(),
        json!({ "backgroundOperationStateCode": 2, "backgroundOperationStatusCode": 22 })
    );
    clock.sleep(Duration::from_secs(5)).await;
    let (state_code, reason, _) = state(&emulator, path).await;
    assert_eq!((state_code, reason), (3, 32));
    assert_eq!(get(&emulator, "tasks/$count").await.body, "\u{feff}0");
}

#[tokio::test]
async fn only_operations_of_programs_run_in_the_background() {
    let (emulator, _) = emulator();
    let headers = [("prefer", "respond-async")];
    // Not a custom API: answered at once.
    let at_once = send(&emulator, "GET", "WhoAmI", &headers, "").await;
    assert_eq!(at_once.status, 200);
    let headers = [(
        "prefer",
        "respond-async,odata.callback;url=\"https://hook.example\"",
    )];
    let refused = send(&emulator, "POST", "CloneAsPatch", &headers, "{}").await;
    assert_eq!(refused.status, 501);
    let unknown = "/api/backgroundoperation/00000000-0000-0000-0000-000000000001";
    assert_eq!(get(&emulator, unknown).await.status, 404);
    assert_eq!(post(&emulator, unknown, "{}").await.status, 404);
}
