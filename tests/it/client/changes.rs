//! Change tracking.

use dataverse_client::schema::TableName;
use dataverse_client::{Change, CountChanges, DeltaToken, Operation, TrackChanges};
use dataverse_tests::script::Script;
use dataverse_tests::tables::AccountCard;

use super::requests::sent;

const ROOT: &str = "https://org.crm.dynamics.com/api/data/v9.2";
const PREFER: &str = "prefer: odata.track-changes\n";

fn token(number: u32) -> DeltaToken {
    let link = format!("{ROOT}/accounts?$select=name&$deltatoken={number}%2108%2f22%2f2017");
    serde_json::from_value(link.into()).unwrap()
}

fn link_of(token: &DeltaToken) -> String {
    serde_json::to_value(token)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// A page with these members of `value`, and this member after it.
fn page(value: &str, last: &str) -> String {
    format!("{{\"@odata.context\":\"x\",\"value\":[{value}],{last}}}")
}

const DELETED: &str = r#"{"@odata.context":"x/$metadata#accounts/$deletedEntity","id":"2e451703-c646-e411-8ea1-00155d9c7c0f","reason":"deleted"}"#;

#[test]
fn the_first_request_asks_to_track_and_the_next_uses_the_link_as_it_came() {
    let first = TrackChanges::<AccountCard>::new();
    assert_eq!(
        sent(&first),
        format!("GET accounts?$select=name,revenue,_primarycontactid_value\n{PREFER}")
    );
    let named = TrackChanges::from_table(TableName::new("accounts")).select(["name"]);
    assert_eq!(sent(&named), format!("GET accounts?$select=name\n{PREFER}"));
    let next = first.since(token(7)).request().unwrap();
    assert_eq!(
        next.target,
        dataverse_client::Target::Link(link_of(&token(7)))
    );
    assert_eq!(
        sent(&CountChanges::of_table(
            TableName::new("accounts"),
            token(7)
        )),
        "GET accounts/$count?$deltatoken=7%2108%2f22%2f2017\naccept: text/plain\n"
    );
}

#[tokio::test]
async fn rows_and_deletions_come_and_the_token_at_the_end() {
    let row = |name: &str| format!(r#"{{"@odata.etag":"W/\"1\"","name":"{name}"}}"#);
    let next = format!("\"@odata.nextLink\":\"{ROOT}/accounts?$skiptoken=2\"");
    let last = format!("\"@odata.deltaLink\":\"{}\"", link_of(&token(8)));
    let script = Script::new()
        .answer(200, &[], page(&row("A"), &next))
        .answer(200, &[], page(&format!("{},{DELETED}", row("B")), &last));
    let (client, _) = script.client().unwrap();
    let mut changes = client.changes::<AccountCard>().since(token(7)).stream();
    let mut seen = Vec::new();
    while let Some(change) = changes.try_next().await.unwrap() {
        seen.push(match change {
            Change::Upserted(row) => row.name.clone(),
            Change::Deleted(id) => id.to_string(),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(seen, ["A", "B", "2e451703-c646-e411-8ea1-00155d9c7c0f"]);
    assert_eq!(changes.into_token(), Some(token(8)));
    for sent in script.sent() {
        assert_eq!(sent.header("prefer"), "odata.track-changes");
    }
}

#[tokio::test]
async fn there_is_no_token_before_the_last_change_was_taken() {
    let last = format!("\"@odata.deltaLink\":\"{}\"", link_of(&token(8)));
    let script = Script::new().answer(200, &[], page(&format!("{DELETED},{DELETED}"), &last));
    let (client, _) = script.client().unwrap();
    let mut changes = client.changes::<AccountCard>().stream();
    changes.try_next().await.unwrap().unwrap();
    assert_eq!(changes.into_token(), None);
}

#[tokio::test]
async fn an_expired_token_is_an_error_or_a_new_start() {
    let expired = |script: Script| script.error(400, "0x80044352", "Version stamp expired");
    let (client, _) = expired(Script::new()).client().unwrap();
    let mut changes = client.changes::<AccountCard>().since(token(7)).stream();
    let error = changes.try_next().await.unwrap_err();
    assert!(error.is_token_expired());
    assert_eq!(changes.into_token(), None);

    let last = format!("\"@odata.deltaLink\":\"{}\"", link_of(&token(9)));
    let script = expired(Script::new()).answer(200, &[], page(r#"{"name":"A"}"#, &last));
    let (client, _) = script.client().unwrap();
    let call = client.changes::<AccountCard>().since(token(7));
    let mut changes = call.resync_if_expired();
    assert!(matches!(changes.try_next().await, Ok(Some(Change::Resync))));
    assert!(matches!(
        changes.try_next().await,
        Ok(Some(Change::Upserted(_)))
    ));
    assert!(changes.try_next().await.unwrap().is_none());
    assert_eq!(changes.into_token(), Some(token(9)));
    assert_eq!(
        script.sent()[1].line,
        format!("GET {ROOT}/accounts?$select=name,revenue,_primarycontactid_value")
    );
}

#[tokio::test]
async fn a_table_without_tracking_is_told() {
    let script = Script::new().answer(200, &[], r#"{"value":[]}"#);
    let (client, _) = script.client().unwrap();
    let error = client.changes::<AccountCard>().await.unwrap_err();
    assert!(error.to_string().contains("change tracking"), "{error}");
}
