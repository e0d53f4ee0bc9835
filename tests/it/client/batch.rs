//! Batches: what is sent, and what the parts of an answer mean.

use dataverse_client::{
    ChangeSet, Changes, Create, Delete, Id, Invoke, New, Operation, Retrieve, Update,
};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard, Contact, Task};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

/// An answer with these parts, as `HTTP/1.1 …` texts.
fn answer(parts: &[String]) -> String {
    let mut body = String::new();
    for part in parts {
        body.push_str(&format!(
            "--batchresponse_1\r\nContent-Type: application/http\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n{part}\r\n"
        ));
    }
    body + "--batchresponse_1--\r\n"
}

fn change_set(members: &[(usize, &str)]) -> String {
    let mut body = String::from("--changesetresponse_1\r\n");
    for (index, (id, member)) in members.iter().enumerate() {
        if index > 0 {
            body.push_str("--changesetresponse_1\r\n");
        }
        body.push_str(&format!(
            "Content-Type: application/http\r\nContent-ID: {id}\r\n\r\n{member}\r\n"
        ));
    }
    body + "--changesetresponse_1--"
}

const CREATED: &str = "HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nOData-EntityId: \
    https://org.crm.dynamics.com/api/data/v9.2/contacts(11111111-2222-3333-4444-555555555555)\
    \r\n\r\n\r\n";
const ROW: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json; odata.metadata=minimal\r\n\
    \r\n{\"name\":\"Contoso\",\"revenue\":1.50}";
const BAD: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n\
    {\"error\":{\"code\":\"0x80044331\",\"message\":\"too long\"}}";

/// Plays an answer to a batch, whose change set needs a header of its own.
fn script(status: u16, parts: &[String]) -> Script {
    let body = answer(parts).replace(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n--changeset",
        "Content-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n--changeset",
    );
    let content_type = "multipart/mixed; boundary=batchresponse_1";
    Script::new().answer(status, &[("content-type", content_type)], body)
}

#[test]
fn a_change_set_refers_to_the_row_it_creates() {
    let mut set = ChangeSet::new();
    let contact =
        set.add(Create::new(New::new().set(Contact::LASTNAME, "Nguyen")).with_id(Id::new(ID)));
    let account = New::new()
        .set(Account::NAME, "Nguyen AG")
        .bind(Account::PRIMARYCONTACTID, &contact);
    set.add(Create::new(account).with_id(Id::new(ID)));
    let mut batch = dataverse_client::Batch::new();
    batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    batch.push(set);
    let mut second = ChangeSet::new();
    let contact = second.add(Create::new(New::<Contact>::new()).with_id(Id::new(ID)));
    let task = New::new().bind(Task::REGARDINGOBJECTID, &contact);
    second.add(Create::new(task).with_id(Id::new(ID)));
    batch.push(second);

    let request = batch.request().unwrap();
    let content_type = request.headers["content-type"].to_str().unwrap();
    let boundary = content_type.split('"').nth(1).unwrap();
    let guid = boundary.strip_prefix("batch_").unwrap();
    let body = String::from_utf8(request.body.to_vec())
        .unwrap()
        .replace(guid, "X");
    let id = ID.to_string();
    let expected = [
        "--batch_X",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        &format!(
            "GET /api/data/v9.2/accounts({id})?$select=name,revenue,_primarycontactid_value HTTP/1.1"
        ),
        "",
        "",
        "--batch_X",
        "Content-Type: multipart/mixed; boundary=\"changeset_1_X\"",
        "",
        "--changeset_1_X",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 1",
        "",
        "POST /api/data/v9.2/contacts HTTP/1.1",
        "content-type: application/json",
        "",
        &format!("{{\"contactid\":\"{id}\",\"lastname\":\"Nguyen\"}}"),
        "--changeset_1_X",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 2",
        "",
        "POST /api/data/v9.2/accounts HTTP/1.1",
        "content-type: application/json",
        "",
        &format!(
            "{{\"accountid\":\"{id}\",\"name\":\"Nguyen AG\",\"primarycontactid@odata.bind\":\"$1\"}}"
        ),
        "--changeset_1_X--",
        "--batch_X",
        "Content-Type: multipart/mixed; boundary=\"changeset_2_X\"",
        "",
        "--changeset_2_X",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 3",
        "",
        "POST /api/data/v9.2/contacts HTTP/1.1",
        "content-type: application/json",
        "",
        &format!("{{\"contactid\":\"{id}\"}}"),
        "--changeset_2_X",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 4",
        "",
        "POST /api/data/v9.2/tasks HTTP/1.1",
        "content-type: application/json",
        "",
        &format!(
            "{{\"activityid\":\"{id}\",\"regardingobjectid_contact_task@odata.bind\":\"$3\"}}"
        ),
        "--changeset_2_X--",
        "--batch_X--",
        "",
    ]
    .join("\r\n");
    assert_eq!(body, expected);
}

#[test]
fn what_cannot_be_a_batch_is_refused() {
    let mut set = ChangeSet::new();
    let contact = set.add(Create::new(New::<Contact>::new()));
    let bound = || New::new().bind(Account::PRIMARYCONTACTID, &contact);
    // Outside its change set, the handle names nothing.
    assert!(
        Create::new(bound())
            .request()
            .unwrap_err()
            .is_invalid_input()
    );
    let mut other = ChangeSet::new();
    other.add(Create::new(bound()));
    let mut batch = dataverse_client::Batch::new();
    batch.push(set);
    batch.push(other);
    assert!(batch.request().unwrap_err().is_invalid_input());

    assert!(dataverse_client::Batch::new().request().is_err());
    let mut batch = dataverse_client::Batch::new();
    batch.push(ChangeSet::new());
    assert!(batch.request().is_err());
    let mut batch = dataverse_client::Batch::new();
    for _ in 0..1001 {
        batch.add(Delete::<Account>::new(Id::generate()));
    }
    let error = batch.request().unwrap_err();
    assert!(error.to_string().contains("at most 1000"), "{error}");
}

#[tokio::test]
async fn every_handle_gets_its_own_answer() {
    let script = script(
        200,
        &[
            ROW.into(),
            change_set(&[(1, CREATED), (2, CREATED)]),
            ROW.into(),
        ],
    );
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let first = batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    let mut set = ChangeSet::new();
    let contact = set.add(Create::new(New::<Contact>::new()));
    set.add(Update::new(
        Id::<Account>::new(ID),
        Changes::new().set(Account::NAME, "x"),
    ));
    batch.push(set);
    let last = batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    let mut replies = batch.send().await.unwrap();
    assert!(replies.first_error().is_none());
    assert_eq!(replies.take(last).unwrap().name, "Contoso");
    assert_eq!(replies.take(first).unwrap().name, "Contoso");
    assert_eq!(replies.take(contact).unwrap(), Id::new(ID));
    for taken in [contact, ChangeSet::new().add(Create::new(New::new()))] {
        assert!(replies.take(taken).unwrap_err().is_invalid_input());
    }
    assert!(replies.take(last).unwrap_err().is_invalid_input());
}

#[tokio::test]
async fn the_first_error_is_the_outer_status_and_earlier_answers_stay() {
    let script = script(400, &[ROW.into(), BAD.into()]);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let good = batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    let bad = batch.add(Create::new(New::<Account>::new()));
    let never = batch.add(Delete::<Account>::new(Id::new(ID)));
    let mut replies = batch.send().await.unwrap();
    assert_eq!(replies.first_error().unwrap().code(), Some(0x8004_4331));
    assert!(replies.take(good).is_ok());
    assert_eq!(replies.take(bad).unwrap_err().code(), Some(0x8004_4331));
    assert!(replies.take(never).unwrap_err().is_not_run());
}

#[tokio::test]
async fn a_failed_change_set_undoes_all_its_members() {
    let script = script(400, &[change_set(&[(2, BAD)])]);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let mut set = ChangeSet::new();
    let first = set.add(Create::new(New::<Contact>::new()));
    let second = set.add(Create::new(New::<Contact>::new()));
    let third = set.add(Delete::<Contact>::new(Id::new(ID)));
    batch.push(set);
    let mut replies = batch.send().await.unwrap();
    let undone = replies.take(first).unwrap_err();
    assert!(undone.is_not_run() && undone.to_string().contains("undone"));
    assert_eq!(replies.take(second).unwrap_err().code(), Some(0x8004_4331));
    assert!(replies.take(third).unwrap_err().is_not_run());
}

#[tokio::test]
async fn a_refused_batch_is_one_error() {
    let script = Script::new().error(400, "0x80048d19", "Stream was not readable.");
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    batch.add(Delete::<Account>::new(Id::new(ID)));
    let error = batch.send().await.unwrap_err();
    assert_eq!(error.code(), Some(0x8004_8d19));
}

#[tokio::test]
async fn answers_that_do_not_fit_the_batch_are_an_error() {
    for parts in [
        vec![ROW.to_owned(), ROW.to_owned()],
        vec![change_set(&[(1, CREATED)])],
    ] {
        let script = script(200, &parts);
        let (client, _) = script.client().unwrap();
        let mut batch = client.batch();
        batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
        let error = batch.send().await.unwrap_err();
        assert!(error.is_decode(), "{error}");
    }
}

#[test]
fn a_batch_is_repeated_only_if_every_part_may_be() {
    use dataverse_client::Replay;
    let mut batch = dataverse_client::Batch::new();
    batch.add(Retrieve::<AccountCard>::new(Id::new(ID)));
    assert_eq!(batch.replay(), Replay::Safe);
    batch.add(Delete::<Account>::new(Id::new(ID)));
    assert_eq!(batch.replay(), Replay::IfRefused);
}

#[test]
fn a_batch_stands_in_no_batch() {
    let mut inner = dataverse_client::Batch::new();
    inner.add(Delete::<Account>::new(Id::new(ID)));
    let mut outer = dataverse_client::Batch::new();
    outer.add(inner);
    assert!(outer.request().unwrap_err().is_invalid_input());
}

#[derive(Debug)]
struct Publish;

impl dataverse_client::Message for Publish {
    type Output = ();
    const NAME: &'static str = "PublishAllXml";
    const KIND: dataverse_client::MessageKind = dataverse_client::MessageKind::Action;

    fn arguments(&self, _: &mut dataverse_client::Arguments<'_>) {}
}

#[test]
fn an_action_may_stand_in_a_change_set() {
    let mut set = ChangeSet::new();
    set.add(Invoke::new(Publish));
    let mut batch = dataverse_client::Batch::new();
    batch.push(set);
    let request = batch.request().unwrap();
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(body.contains("POST /api/data/v9.2/PublishAllXml HTTP/1.1\r\n"));
}
