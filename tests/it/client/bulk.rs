//! Bulk messages, aggregates, operations by name, background operations, batches in parts.

use std::time::Duration;

use dataverse_client::http::Reached;
use dataverse_client::schema::TableName;
use dataverse_client::value::Json;
use dataverse_client::{
    Aggregate, BackgroundOperation, BackgroundState, Batch, Bypass, CallOptions, ChangeSet,
    Changes, Create, CreateMultiple, DeleteMultiple, Id, InvokeNamed, Key, New, Operation,
    RowArgument, Session, UpdateMultiple, UpsertMultiple, column,
};
use dataverse_golden::crm;
use dataverse_golden::crm::account::nav;
use dataverse_golden::crm::operations::WhoAmI;
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};
use uuid::Uuid;

use super::requests::{ID, sent};
use super::wire::response;

const AT: &str = "11111111-2222-3333-4444-555555555555";
const HEAD: &str = "content-type: application/json\nprefer: odata.include-annotations=\"*\"\n";
const TYPE: &str = "\"@odata.type\":\"Microsoft.Dynamics.CRM.account\"";

fn accounts() -> TableName {
    TableName::new("accounts")
        .logical_name("account")
        .primary_id("accountid")
}

#[test]
fn bulk_messages_name_the_type_of_every_row() {
    let id = Id::<Account>::new(ID);
    let new = New::new()
        .set(Account::ACCOUNTID, id)
        .set(Account::NAME, "A");
    let create = CreateMultiple::new([new]);
    assert_eq!(
        sent(&create),
        format!(
            "POST accounts/Microsoft.Dynamics.CRM.CreateMultiple\n{HEAD}\
             {{\"Targets\":[{{{TYPE},\"accountid\":\"{AT}\",\"name\":\"A\"}}]}}"
        )
    );
    let ids = create.decode(&response(200, format!("{{\"Ids\":[\"{AT}\"]}}")));
    assert_eq!(ids.unwrap(), [id]);
    assert!(create.decode(&response(200, "{\"Ids\":[]}")).is_err());

    let changes = || Changes::new().set(Account::NAME, "A");
    let update = UpdateMultiple::new([(id, changes())]);
    let named = Changes::new().set_named("name", "A");
    let late = UpdateMultiple::in_table(accounts(), [(ID, named)]);
    assert_eq!(sent(&update), sent(&late));
    assert_eq!(
        sent(&update),
        format!(
            "POST accounts/Microsoft.Dynamics.CRM.UpdateMultiple\n{HEAD}\
             {{\"Targets\":[{{{TYPE},\"accountid\":\"{AT}\",\"name\":\"A\"}}]}}"
        )
    );
    let upsert = UpsertMultiple::new([(Account::ACCOUNTNUMBER.key("O'B"), changes())]);
    assert_eq!(
        sent(&upsert),
        format!(
            "POST accounts/Microsoft.Dynamics.CRM.UpsertMultiple\n{HEAD}\
             {{\"Targets\":[{{{TYPE},\"@odata.id\":\"accounts(accountnumber='O''B')\",\
             \"name\":\"A\"}}]}}"
        )
    );
    let delete = DeleteMultiple::in_partitions([(id, "west".to_owned())]);
    let late = DeleteMultiple::from_table(accounts(), [(ID, Some("west".to_owned()))]);
    assert_eq!(sent(&delete), sent(&late));
    assert_eq!(
        sent(&delete),
        format!(
            "POST accounts/Microsoft.Dynamics.CRM.DeleteMultiple\n{HEAD}\
             {{\"Targets\":[{{{TYPE},\"accountid\":\"{AT}\",\"partitionid\":\"west\"}}]}}"
        )
    );
}

#[test]
fn what_a_bulk_message_would_drop_or_refuse_is_an_error_before_sending() {
    let id = Id::<Account>::new(ID);
    let changes = || Changes::new().set(Account::NAME, "A");
    let twice = UpdateMultiple::new([(id, changes()), (id, changes())]);
    assert!(twice.request().unwrap_err().is_invalid_input());
    let nothing = UpdateMultiple::new([(id, Changes::new())]);
    assert!(nothing.request().unwrap_err().is_invalid_input());
    let key = || Account::ACCOUNTNUMBER.key("A-1");
    let twice = UpsertMultiple::new([(key(), changes()), (key(), changes())]);
    let error = twice.request().unwrap_err();
    assert!(error.is_invalid_input() && !error.to_string().contains("A-1"));
    let in_body = UpsertMultiple::new([(key(), changes().set(Account::ACCOUNTNUMBER, "A-1"))]);
    assert!(in_body.request().unwrap_err().is_invalid_input());
    assert!(CreateMultiple::<Account>::new([]).request().is_err());
    let nameless = CreateMultiple::in_table(
        TableName::new("accounts"),
        [New::new().set_named("name", "A")],
    );
    assert!(
        nameless
            .request()
            .unwrap_err()
            .to_string()
            .contains("logical_name")
    );
}

#[tokio::test]
async fn a_lost_answer_to_a_bulk_create_does_not_create_twice() {
    let script = Script::new()
        .failure(Reached::Unknown)
        .error(412, "0x80040237", "duplicate")
        .answer(200, &[], "{}");
    let (client, _) = script.client().unwrap();
    let id = Id::<Account>::new(ID);
    let row = New::new().set(Account::ACCOUNTID, id);
    assert_eq!(client.create_multiple([row]).await.unwrap(), [id]);
    assert_eq!(script.sent()[0].body, script.sent()[1].body);
    assert!(
        script.sent()[2]
            .line
            .ends_with(&format!("accounts({AT})?$select=accountid"))
    );
}

#[tokio::test]
async fn a_missing_row_says_nothing_of_the_others_after_a_lost_bulk_delete() {
    let lost = || {
        Script::new()
            .failure(Reached::Unknown)
            .error(404, "0x80040217", "Does Not Exist")
    };
    let ids = [ID, AT.parse().unwrap()].map(Id::<Account>::new);
    let (client, _) = lost().client().unwrap();
    client.delete_multiple([ids[0]]).await.unwrap();
    let (client, _) = lost().client().unwrap();
    let error = client.delete_multiple(ids).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
}

#[tokio::test]
async fn the_rows_of_an_elastic_table_that_failed_are_told() {
    let body = r#"{"error":{"code":"0x80040237","message":"some failed",
        "@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails":
        "[{\"RequestIndex\":1,\"Id\":\"11111111-2222-3333-4444-555555555555\",\"StatusCode\":412}]"}}"#;
    let script = Script::new().answer(412, &[], body);
    let (client, _) = script.client().unwrap();
    let rows = [Changes::new().set(Account::NAME, "A")];
    let rows = rows.map(|row| (Id::<Account>::new(ID), row));
    let error = client.update_multiple(rows).await.unwrap_err();
    let [failure] = error.bulk_failures()[..] else {
        panic!("{error}")
    };
    assert_eq!(
        (failure.index, failure.id, failure.status),
        (1, Some(ID), Some(412))
    );
}

#[test]
fn sums_and_groups_are_applied() {
    let of = |operation: &Aggregate<crm::Account>| sent(operation);
    assert_eq!(
        of(&Aggregate::new().sum(crm::Account::REVENUE, "total")),
        "GET accounts?$apply=aggregate(revenue%20with%20sum%20as%20total)\n"
    );
    let all = Aggregate::<crm::Account>::new()
        .filter(crm::Account::NAME.starts_with("C"))
        .group_by(crm::Account::STATECODE)
        .group_by(nav::PRIMARYCONTACTID.to(crm::Contact::FULLNAME))
        .average(crm::Account::REVENUE, "mean")
        .min(crm::Account::REVENUE, "least")
        .max(crm::Account::REVENUE, "most")
        .count_distinct(crm::Account::NAME, "names")
        .count("rows")
        .with_annotations();
    let late = Aggregate::of_table(TableName::new("accounts"))
        .filter(column("name").starts_with("C"))
        .group_by(column("statecode"))
        .group_by(column("primarycontactid/fullname"))
        .average(column("revenue"), "mean")
        .min(column("revenue"), "least")
        .max(column("revenue"), "most")
        .count_distinct(column("name"), "names")
        .count("rows")
        .with_annotations();
    assert_eq!(sent(&all), sent(&late));
    assert_eq!(
        sent(&all),
        "GET accounts?$apply=filter(startswith(name,'C'))/groupby((statecode,\
         primarycontactid/fullname),aggregate(revenue%20with%20average%20as%20mean,\
         revenue%20with%20min%20as%20least,revenue%20with%20max%20as%20most,\
         name%20with%20countdistinct%20as%20names,$count%20as%20rows))\n\
         prefer: odata.include-annotations=\"OData.Community.Display.V1.FormattedValue\"\n"
    );
    let groups = Aggregate::<crm::Account>::new().group_by(crm::Account::STATECODE);
    assert_eq!(of(&groups), "GET accounts?$apply=groupby((statecode))\n");
    for bad in [
        Aggregate::new(),
        Aggregate::new().count("a b"),
        Aggregate::new().count("n").sum(crm::Account::REVENUE, "n"),
        groups.count("statecode"),
    ] {
        assert!(bad.request().unwrap_err().is_invalid_input());
    }
}

#[test]
fn operations_are_called_by_name() {
    let contacts = TableName::new("contacts")
        .logical_name("contact")
        .primary_id("contactid");
    let action = InvokeNamed::action("Microsoft.Dynamics.CRM.Do")
        .on(accounts().row(ID))
        .value("Count", 3)
        .value("Text", "x")
        .json("List", Json::new("[1,2]").unwrap())
        .row("Target", contacts.row(ID))
        .rows(
            "Rows",
            [RowArgument::in_table(
                accounts(),
                &New::new().set_named("name", "A"),
            )],
        );
    assert_eq!(
        sent(&action),
        format!(
            "POST accounts({AT})/Microsoft.Dynamics.CRM.Do\ncontent-type: application/json\n\
             {{\"Count\":3,\"Text\":\"x\",\"List\":[1,2],\"Target\":{{\"@odata.type\":\
             \"Microsoft.Dynamics.CRM.contact\",\"contactid\":\"{AT}\"}},\"Rows\":[{{{TYPE},\
             \"name\":\"A\"}}]}}"
        )
    );
    let answer = action
        .decode(&response(200, "{\"@odata.context\":\"x\",\"Id\":5}"))
        .unwrap();
    assert_eq!(answer.get::<i32>("Id").unwrap(), Some(5));
    assert!(
        action
            .decode(&response(204, ""))
            .unwrap()
            .members()
            .next()
            .is_none()
    );

    let function = InvokeNamed::function("F")
        .value("Name", "O'B")
        .row("Target", contacts.row(ID));
    assert_eq!(
        sent(&function),
        format!(
            "GET F(Name=@Name,Target=@Target)?@Name='O''B'\
             &@Target=%7B'@odata.id':'contacts({AT})'%7D\n"
        )
    );
    let by_key = InvokeNamed::action("A").row("Target", contacts.row(Key::named("a", "b")));
    assert!(by_key.request().unwrap_err().is_invalid_input());
}

#[tokio::test]
async fn an_operation_runs_in_the_background_and_is_asked_for() {
    let link = format!("https://org.crm.dynamics.com/api/backgroundoperation/{AT}");
    let state = |code: u32| {
        format!("{{\"backgroundOperationStatusCode\":{code},\"backgroundOperationStateCode\":2}}")
    };
    let done = format!(
        "{{\"backgroundOperationStatusCode\":30,\"UserId\":\"{AT}\",\"BusinessUnitId\":\"{AT}\",\
         \"OrganizationId\":\"{AT}\"}}"
    );
    let script = Script::new()
        .answer(
            202,
            &[
                ("location", link.as_str()),
                ("x-ms-dyn-backgroundoperationid", AT),
            ],
            "",
        )
        .answer(200, &[], state(0))
        .answer(200, &[], state(20))
        .answer(200, &[], done)
        .answer(
            200,
            &[],
            r#"{"backgroundOperationStatusCode":31,"backgroundOperationErrorCode":-2147220891,"backgroundOperationErrorMessage":"no"}"#,
        )
        .answer(200, &[], state(22));
    let (client, _) = script.client().unwrap();
    let call = client.invoke(WhoAmI).in_background();
    let operation = call.callback("https://hook.example/x").await.unwrap();
    assert_eq!(operation.id(), ID);
    assert_eq!(
        script.sent()[0].header("prefer"),
        "respond-async,odata.callback;url=\"https://hook.example/x\""
    );
    // Another process goes on.
    let stored = serde_json::to_string(&operation).unwrap();
    let operation: BackgroundOperation<_> = serde_json::from_str(&stored).unwrap();
    let _: &BackgroundOperation<<WhoAmI as dataverse_client::Message>::Output> = &operation;
    let end = client.background_end(&operation, Duration::from_secs(60));
    let BackgroundState::Succeeded(answer) = end.await.unwrap() else {
        panic!("not succeeded")
    };
    assert_eq!(answer.user_id, Some(ID));
    let failed = client.background_status(&operation).await.unwrap();
    assert!(failed.is_final());
    assert!(
        matches!(failed, BackgroundState::Failed { code: Some(0x8004_0265), message } if message == "no")
    );
    client.cancel_background(&operation).await.unwrap();
    let lines: Vec<_> = script
        .sent()
        .into_iter()
        .skip(1)
        .map(|sent| sent.line)
        .collect();
    assert_eq!(lines[0], format!("GET {link}"));
    assert_eq!(lines[4], format!("DELETE {link}"));
}

#[tokio::test]
async fn options_go_with_every_request_and_into_every_part_of_a_batch() {
    let script = Script::new()
        .no_content()
        .no_content()
        .answer(200, &[("x-ms-session-token", "240:8#1")], r#"{"name":"A"}"#)
        .answer(200, &[], r#"{"name":"A"}"#);
    let (client, _) = script.client().unwrap();
    let client = client.with(CallOptions::new().caller_object_id(ID));
    client
        .delete(Id::<Account>::new(ID))
        .bypass(Bypass::All)
        .suppress_flows()
        .tag("a b")
        .await
        .unwrap();
    let sent = script.sent();
    assert_eq!(sent[0].header("callerobjectid"), AT);
    assert_eq!(
        sent[0].header("mscrm.bypassbusinesslogicexecution"),
        "CustomSync,CustomAsync"
    );
    assert_eq!(
        sent[0].header("mscrm.suppresscallbackregistrationexpanderjob"),
        "true"
    );
    assert!(sent[0].line.ends_with("?tag=a%20b"));

    let mut batch = client.batch();
    batch.add(Create::new(New::new().set(Account::NAME, "A")));
    let mut set = ChangeSet::new();
    set.add(Create::new(New::new().set(Account::NAME, "B")));
    batch.push(set);
    // The answer is no multipart, which is not what this test is about.
    batch.detect_duplicates().await.unwrap_err();
    let body = &script.sent()[1].body;
    assert_eq!(
        body.matches(&format!("callerobjectid: {AT}\r\n")).count(),
        2
    );
    assert_eq!(
        body.matches("mscrm.suppressduplicatedetection: false\r\n")
            .count(),
        2
    );

    let session = Session::new();
    for _ in 0..2 {
        client
            .retrieve::<AccountCard>(Id::new(ID))
            .session(&session)
            .await
            .unwrap();
    }
    assert_eq!(script.sent()[2].header("mscrm.sessiontoken"), "");
    assert_eq!(script.sent()[3].header("mscrm.sessiontoken"), "240:8#1");
    let refused = client
        .delete(Id::<Account>::new(ID))
        .header("Authorization", "x");
    assert!(refused.await.unwrap_err().is_invalid_input());
}

/// A multipart answer with these statuses.
fn parts(statuses: &[u16]) -> String {
    let mut body = String::new();
    for status in statuses {
        body.push_str(&format!(
            "--r\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} X\r\n\r\n\r\n"
        ));
    }
    body + "--r--\r\n"
}

fn deletes(batch: &mut Batch, count: u128) -> Vec<dataverse_client::Handle<()>> {
    let ids = (0..count).map(|id| Id::<Account>::new(Uuid::from_u128(id)));
    ids.map(|id| batch.add(dataverse_client::Delete::new(id)))
        .collect()
}

#[tokio::test]
async fn a_large_batch_is_sent_in_parts() {
    let multipart = [("content-type", "multipart/mixed; boundary=r")];
    let script = Script::new()
        .answer(200, &multipart, parts(&[204, 204]))
        .answer(404, &multipart, parts(&[204, 404]));
    let (client, _) = script.client().unwrap();
    let mut batch = Batch::new();
    let handles = deletes(&mut batch, 5);
    let mut replies = client.call(batch).send_in_parts(2).await.unwrap();
    for handle in &handles[..3] {
        replies.take(*handle).unwrap();
    }
    assert_eq!(replies.take(handles[3]).unwrap_err().status().unwrap(), 404);
    assert!(replies.take(handles[4]).unwrap_err().is_not_run());
    assert_eq!(script.sent().len(), 2);

    let mut set = ChangeSet::new();
    for _ in 0..3 {
        set.add(dataverse_client::Delete::new(Id::<Account>::new(ID)));
    }
    let mut batch = client.batch();
    batch.push(set);
    let error = batch.send_in_parts(2).await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
}

#[tokio::test]
async fn a_part_without_an_answer_does_not_hide_the_others() {
    let multipart = [("content-type", "multipart/mixed; boundary=r")];
    let script = Script::new()
        .answer(200, &multipart, parts(&[204]))
        .failure(Reached::Unknown);
    let (client, _) = script.client().unwrap();
    let mut batch = Batch::new();
    let handles = deletes(&mut batch, 3);
    let mut replies = client.call(batch).send_in_parts(1).await.unwrap();
    replies.take(handles[0]).unwrap();
    let error = replies.take(handles[1]).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    let error = replies.take(handles[2]).unwrap_err();
    assert!(error.is_not_run() && !error.is_outcome_unknown());
}
