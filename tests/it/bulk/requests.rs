//! What is sent.

use std::time::Duration;

use dataverse_client::http::{Reached, RetryPolicy};
use dataverse_client::{BulkMethod, BulkRow, CallOptions, Changes, Id, New};
use dataverse_tests::script::{Script, Sent};
use dataverse_tests::tables::Account;
use uuid::Uuid;

use super::told;

fn id(n: u128) -> Id<Account> {
    Uuid::from_u128(n).into()
}

fn named(name: &str) -> Changes<Account> {
    Changes::new().set(Account::NAME, name)
}

/// Verb and path after the root.
fn lines(sent: &[Sent]) -> Vec<String> {
    let root = "https://org.crm.dynamics.com/api/data/v9.2/";
    sent.iter()
        .map(|sent| sent.line.replace(root, ""))
        .collect()
}

#[tokio::test]
async fn rows_of_one_kind_go_in_its_message() {
    let script = Script::new().no_content().no_content().no_content();
    let (client, _) = script.client().unwrap();
    let rows = [
        BulkRow::create_with_id(id(1), named("a")),
        BulkRow::update(id(2), named("b")),
        BulkRow::create(New::new().set(Account::ACCOUNTID, id(3))),
        BulkRow::upsert(Account::ACCOUNTNUMBER.key("A-1"), named("c")),
        BulkRow::upsert(id(4), named("d")),
    ];
    let job = client.bulk_write().method(BulkMethod::Multiple).parallel(1);
    let told = told(job.rows(rows).unwrap()).await.unwrap();
    assert_eq!(told.len(), 5);
    let sent = script.sent();
    let message = |name| format!("POST accounts/Microsoft.Dynamics.CRM.{name}Multiple");
    assert_eq!(lines(&sent), ["Create", "Update", "Upsert"].map(message));
    let row = r#"{"@odata.type":"Microsoft.Dynamics.CRM.account","#;
    let guid = |n: u32| format!("00000000-0000-0000-0000-00000000000{n}");
    assert_eq!(
        sent[0].body,
        format!(
            r#"{{"Targets":[{row}"accountid":"{}","name":"a"}},{row}"accountid":"{}"}}]}}"#,
            guid(1),
            guid(3)
        )
    );
    assert_eq!(
        sent[1].body,
        format!(
            r#"{{"Targets":[{row}"accountid":"{}","name":"b"}}]}}"#,
            guid(2)
        )
    );
    assert_eq!(
        sent[2].body,
        format!(
            r#"{{"Targets":[{row}"@odata.id":"accounts(accountnumber='A-1')","name":"c"}},{row}"accountid":"{}","name":"d"}}]}}"#,
            guid(4)
        )
    );
}

/// The answer to a batch: the status of each part, with an error's code if it is one.
fn batch(parts: &[(u16, &str)]) -> String {
    let mut body = String::new();
    for (status, code) in parts {
        body += &format!(
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nRetry-After: 7\r\n\r\n"
        );
        if !code.is_empty() {
            body += &format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
        }
        body += "\r\n";
    }
    body + "--b--\r\n"
}

const MULTIPART: &[(&str, &str)] = &[("content-type", "multipart/mixed; boundary=b")];

#[tokio::test]
async fn a_table_without_bulk_messages_is_asked_once_and_written_in_batches() {
    let script = Script::new()
        .answer(200, &[], r#"{"value":[]}"#)
        .answer(200, MULTIPART, batch(&[(204, ""), (204, ""), (204, "")]))
        .answer(200, MULTIPART, batch(&[(404, "0x80040217")]));
    let (client, _) = script.client().unwrap();
    let rows = [
        BulkRow::create_with_id(id(1), named("a")),
        BulkRow::update(id(2), named("b")),
        BulkRow::upsert(id(3), named("c")),
        BulkRow::delete(id(4)),
    ];
    let job = client.bulk_write::<Account>().pack_rows(3).parallel(1);
    let job = job.with(CallOptions::new().tag("load")).rows(rows).unwrap();
    let told = told(job).await.unwrap();
    let errors: Vec<_> = told.iter().map(|(_, error)| error.is_some()).collect();
    assert_eq!(errors, [false, false, false, true]);
    let sent = script.sent();
    let [question, first, second] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(
        question.line,
        "GET https://org.crm.dynamics.com/api/data/v9.2/sdkmessagefilters?\
         $select=sdkmessagefilterid&$expand=sdkmessageid($select=name)&\
         $filter=(primaryobjecttypecode%20eq%20'account'%20and%20\
         (sdkmessageid/name%20eq%20'CreateMultiple'%20or%20sdkmessageid/name%20eq%20\
         'UpdateMultiple'%20or%20sdkmessageid/name%20eq%20'UpsertMultiple'))&tag=load"
    );
    assert!(first.line.ends_with("/$batch?tag=load"));
    assert_eq!(first.header("prefer"), "odata.continue-on-error");
    let boundary = first.header("content-type").split('"').nth(1).unwrap();
    let part = |request: &str| {
        format!(
            "--{boundary}\r\nContent-Type: application/http\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n{request}\r\n"
        )
    };
    let root = "/api/data/v9.2/";
    let json = "content-type: application/json\r\n\r\n";
    let key = "00000000-0000-0000-0000-00000000000";
    assert_eq!(
        first.body,
        part(&format!(
            "POST {root}accounts?tag=load HTTP/1.1\r\n{json}{{\"accountid\":\"{key}1\",\"name\":\"a\"}}"
        )) + &part(&format!(
            "PATCH {root}accounts({key}2)?tag=load HTTP/1.1\r\nif-match: *\r\n{json}{{\"name\":\"b\"}}"
        )) + &part(&format!(
            "PATCH {root}accounts({key}3)?tag=load HTTP/1.1\r\n{json}{{\"name\":\"c\"}}"
        )) + &format!("--{boundary}--\r\n")
    );
    assert!(
        second
            .body
            .contains(&format!("DELETE {root}accounts({key}4)"))
    );
}

#[tokio::test]
async fn bulk_messages_that_the_table_has_are_used() {
    let filters = r#"{"value":[{"sdkmessagefilterid":"00000000-0000-0000-0000-000000000001",
        "sdkmessageid":{"name":"UpdateMultiple"}}]}"#;
    let script = Script::new()
        .answer(200, &[], filters)
        .answer(200, MULTIPART, batch(&[(204, "")]))
        .no_content();
    let (client, _) = script.client().unwrap();
    let rows = [
        BulkRow::create_with_id(id(1), named("a")),
        BulkRow::update(id(2), named("b")),
    ];
    let job = client.bulk_write().parallel(1).rows(rows).unwrap();
    assert_eq!(told(job).await.unwrap().len(), 2);
    let lines = lines(&script.sent());
    assert_eq!(
        lines[1..],
        [
            "POST $batch",
            "POST accounts/Microsoft.Dynamics.CRM.UpdateMultiple"
        ]
    );
}

#[tokio::test]
async fn a_pack_in_doubt_is_confirmed_by_asking_which_rows_exist() {
    let existing = format!(r#"{{"value":[{{"accountid":"{}"}}]}}"#, id(1));
    let script = Script::new()
        .failure(Reached::Unknown)
        .answer(200, &[], existing)
        .answer(200, MULTIPART, batch(&[(204, "")]));
    let (client, _) = script.client().unwrap();
    let rows = [1, 2].map(|n| BulkRow::create_with_id(id(n), named("a")));
    let job = client.bulk_write().method(BulkMethod::Batch);
    let told = told(job.rows(rows).unwrap()).await.unwrap();
    assert_eq!(told, [(0, None), (1, None)]);
    let sent = script.sent();
    assert_eq!(
        lines(&sent)[1],
        format!(
            "GET accounts?$select=accountid&$filter=Microsoft.Dynamics.CRM.In(\
             PropertyName='accountid',PropertyValues=%5B'{}','{}'%5D)",
            id(1),
            id(2)
        )
    );
    assert!(sent[2].body.contains(&id(2).to_string()));
    assert!(!sent[2].body.contains(&id(1).to_string()));
}

#[tokio::test]
async fn a_throttled_part_is_sent_again_after_its_wait_and_a_lost_delete_is_gone() {
    let script = Script::new()
        .answer(200, MULTIPART, batch(&[(429, "0x80072322"), (503, "0x0")]))
        .answer(200, MULTIPART, batch(&[(204, ""), (404, "0x80040217")]));
    let (client, clock) = script.client().unwrap();
    let rows = [
        BulkRow::update(id(1), named("a")),
        BulkRow::<Account>::delete(id(2)),
    ];
    let job = client.bulk_write().method(BulkMethod::Batch);
    let told = told(job.rows(rows).unwrap()).await.unwrap();
    assert_eq!(told, [(0, None), (1, None)]);
    assert_eq!(clock.sleeps(), [Duration::from_secs(7)]);
}

#[tokio::test]
async fn a_row_refused_after_a_lost_answer_may_have_been_written() {
    let rows = || {
        [
            BulkRow::update(id(1), named("a")),
            BulkRow::upsert(id(2), named("b")),
            BulkRow::update(id(3), named("c")),
        ]
    };
    let first = [(204, ""), (403, "0x80040220"), (429, "0x80072322")];
    let second = [(403, "0x80040220"), (403, "0x80040220")];
    for is_lost in [false, true] {
        let script = match is_lost {
            true => Script::new().failure(Reached::Unknown),
            false => Script::new(),
        };
        let script = script.answer(200, MULTIPART, batch(&first)).answer(
            200,
            MULTIPART,
            batch(&second[..1 + usize::from(is_lost)]),
        );
        let (client, clock) = script.client().unwrap();
        let job = client.bulk_write().method(BulkMethod::Batch);
        let mut outcomes = job.rows(rows()).unwrap();
        let mut told = Vec::new();
        while let Some(outcome) = outcomes.try_next().await.unwrap() {
            let error = outcome.result.err();
            told.push((outcome.index, error.map(|error| error.is_outcome_unknown())));
        }
        told.sort();
        assert_eq!(told, [(0, None), (1, Some(is_lost)), (2, Some(is_lost))]);
        // The throttled row had its wait.
        assert!(clock.sleeps().contains(&Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn a_job_that_cannot_go_on_tells_every_row_and_the_reason() {
    let script = Script::new()
        .answer(200, MULTIPART, batch(&[(204, ""), (204, "")]))
        .failure(Reached::Unknown)
        .error(
            401,
            "0x80072560",
            "The user is not a member of the organization.",
        );
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let rows = (1..=6).map(|n| BulkRow::create_with_id(id(n), named("a")));
    let job = client.bulk_write().method(BulkMethod::Batch);
    let mut outcomes = job.pack_rows(2).parallel(1).rows(rows).unwrap();
    let mut told = Vec::new();
    let stop = loop {
        match outcomes.try_next().await {
            Ok(Some(outcome)) => {
                let error = outcome.result.err();
                told.push((outcome.index, error.map(|error| error.is_outcome_unknown())));
            }
            Ok(None) => panic!("the end is told"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        told,
        [(0, None), (1, None), (2, Some(true)), (3, Some(true))]
    );
    assert!(stop.is_unauthorized());
    assert!(outcomes.try_next().await.unwrap().is_none());
    let checkpoint = outcomes.checkpoint();
    assert_eq!((checkpoint.settled(), checkpoint.first_open()), (2, 2));

    // The rows that may be there are asked for; the others are sent.
    let existing = format!(r#"{{"value":[{{"accountid":"{}"}}]}}"#, id(4));
    let script = Script::new()
        .answer(200, &[], existing)
        .answer(200, MULTIPART, batch(&[(204, "")]))
        .answer(200, MULTIPART, batch(&[(204, ""), (204, "")]));
    let (client, _) = script.client().unwrap();
    let rows = (3..=6).map(|n| BulkRow::create_with_id(id(n), named("a")));
    let job = client.bulk_write().method(BulkMethod::Batch).pack_rows(2);
    let job = job.parallel(1).resume(checkpoint.clone()).first_index(2);
    let mut places: Vec<_> = super::told(job.rows(rows).unwrap()).await.unwrap();
    places.sort();
    assert_eq!(places, [(2, None), (3, None), (4, None), (5, None)]);
    assert!(!script.sent()[1].body.contains(&id(4).to_string()));
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_sent() {
    let script = Script::new();
    let (client, _) = script.client().unwrap();
    let job = || client.bulk_write::<Account>();
    for job in [
        job().pack_rows(0),
        job().pack_rows(1001),
        job().parallel(0),
        job().pack_time(Duration::ZERO),
        job().first_index(1),
    ] {
        assert!(job.rows([New::new()]).unwrap_err().is_invalid_input());
    }
    let table = client.table(dataverse_client::schema::TableName::new("accounts"));
    let error = table.bulk_write().rows([New::new()]).unwrap_err();
    assert!(error.to_string().contains("primary key"), "{error}");
    // A row that cannot be sent is its own error.
    let job = job()
        .method(BulkMethod::Batch)
        .rows([BulkRow::update(id(1), Changes::new())]);
    let told = told(job.unwrap()).await.unwrap();
    assert!(told[0].1.as_ref().unwrap().contains("without a column"));
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_table_that_is_not_there_ends_the_job_at_once() {
    let script = Script::new().error(
        404,
        "0x80060888",
        "Resource not found for the segment 'accounts'.",
    );
    let (client, _) = script.client().unwrap();
    let rows = (1..=2000).map(|n| BulkRow::create_with_id(id(n), named("a")));
    let job = client.bulk_write().method(BulkMethod::Multiple).parallel(1);
    let error = told(job.rows(rows).unwrap()).await.unwrap_err();
    assert!(error.is_unknown_name(), "{error}");
    assert_eq!(script.sent().len(), 1);
}
