//! What was done to rows, by the id that a client gave its request.

use dataverse_client::http::Transport;
use dataverse_emulator::{CommittedChange, Emulator, InjectedFault};
use serde_json::json;

use super::{emulator, get, send};

const ID: &str = "6e3a4b0c-0000-0000-0000-000000000001";

async fn post(emulator: &Emulator, path: &str, body: &str) -> u16 {
    let headers = [("x-ms-client-request-id", ID)];
    send(emulator, "POST", path, &headers, body).await.status
}

#[tokio::test]
async fn a_lost_answer_leaves_what_was_done() {
    let emulator = emulator();
    emulator.inject(InjectedFault::AnswerLost, 1);
    let request = http::Request::post(format!("{}/api/data/v9.2/accounts", Emulator::URL))
        .header("authorization", "Bearer any")
        .header("x-ms-client-request-id", ID)
        .body("{\"name\":\"a\"}".into())
        .unwrap();
    emulator.send(request).await.unwrap_err();
    let [committed] = &emulator.committed(ID)[..] else {
        panic!("one row");
    };
    assert_eq!(committed.change, CommittedChange::Created);
    assert_eq!(committed.table, "account");
    let row = format!("accounts({})", committed.id);
    assert_eq!(get(&emulator, &row).await.json()["name"], "a");
    // Executed twice, it is there twice.
    assert_eq!(post(&emulator, "accounts", "{\"name\":\"a\"}").await, 204);
    assert_eq!(emulator.committed(ID).len(), 2);
}

#[tokio::test]
async fn what_is_refused_or_undone_is_not_in_it() {
    let emulator = emulator();
    assert_eq!(post(&emulator, "accounts", "{\"nothing\":1}").await, 400);
    let both = json!({ "Targets": [
        { "@odata.type": "Microsoft.Dynamics.CRM.account", "name": "a" },
        { "@odata.type": "Microsoft.Dynamics.CRM.account", "nothing": 1 },
    ] });
    let path = "accounts/Microsoft.Dynamics.CRM.CreateMultiple";
    assert_eq!(post(&emulator, path, &both.to_string()).await, 400);
    assert_eq!(emulator.committed(ID), []);
    assert_eq!(get(&emulator, "accounts").await.json()["value"], json!([]));
}

#[tokio::test]
async fn it_is_read_over_http() {
    let emulator = emulator();
    assert_eq!(post(&emulator, "accounts", "{\"name\":\"a\"}").await, 204);
    let id = emulator.committed(ID)[0].id.clone();
    let headers = [("x-ms-client-request-id", ID)];
    let row = format!("accounts({id})");
    send(&emulator, "PATCH", &row, &headers, "{\"name\":\"b\"}").await;
    send(&emulator, "DELETE", &row, &headers, "").await;
    let change = |change| json!({ "change": change, "table": "account", "id": id });
    let told = get(&emulator, &format!("/emulator/ledger?id={ID}")).await;
    assert_eq!(
        told.json()["value"],
        json!([change("created"), change("updated"), change("deleted")])
    );
    assert_eq!(get(&emulator, "/emulator/ledger").await.status, 400);
}
