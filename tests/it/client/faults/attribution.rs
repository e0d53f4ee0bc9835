//! Answers to a batch that are not those of its operations: none is taken for another's, and what has
//! none is not told to be undone.

use dataverse_client::{
    Batch, ChangeSet, Create, Delete, Handle, Id, New, Operation, Replies, Response, Result,
};
use dataverse_tests::tables::Account;
use http::{HeaderMap, HeaderValue, StatusCode};

const DONE: &str = "HTTP/1.1 204 No Content\r\nOData-EntityId: \
    https://x/accounts(00000000-0000-0000-0000-000000000001)\r\n\r\n";
const FAILED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n\
    {\"error\":{\"code\":\"0x80044331\",\"message\":\"too long\"}}";

fn decode(batch: &Batch, parts: &[String]) -> Result<Replies> {
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::from_static("multipart/mixed; boundary=b");
    headers.insert("content-type", content_type);
    let body = parts.concat() + "--b--\r\n";
    batch.decode(&Response::new(StatusCode::OK, headers, body.into()))
}

fn part(answer: &str) -> String {
    format!("--b\r\nContent-Type: application/http\r\n\r\n{answer}\r\n")
}

fn set(members: &[(&str, &str)]) -> String {
    let members: String = members
        .iter()
        .map(|(id, answer)| format!("--c\r\n{id}\r\n\r\n{answer}\r\n"))
        .collect();
    format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{members}--c--\r\n")
}

fn creates(count: usize) -> (Batch, Vec<Handle<Id<Account>>>) {
    let mut set = ChangeSet::new();
    let handles = (0..count).map(|_| set.add(Create::new(New::new())));
    let handles = handles.collect();
    let mut batch = Batch::new();
    batch.push(set);
    (batch, handles)
}

#[test]
fn without_a_failure_a_missing_answer_is_not_one_of_what_was_not_run() {
    let deletes = |count| {
        let mut batch = Batch::new();
        for _ in 0..count {
            batch.add(Delete::<Account>::new(Id::generate()));
        }
        batch
    };
    for (operations, answers) in [(1, 0), (2, 0), (2, 1), (5, 3)] {
        for batch in [deletes(operations), deletes(operations).continue_on_error()] {
            let parts = vec![part(DONE); answers];
            assert!(decode(&batch, &parts).unwrap_err().is_outcome_unknown());
        }
    }
    let (mut batch, _) = creates(2);
    batch.add(Delete::<Account>::new(Id::generate()));
    let done = set(&[("Content-ID: 1", DONE), ("Content-ID: 2", DONE)]);
    let error = decode(&batch, &[done]).unwrap_err();
    assert!(error.is_outcome_unknown());
    // A change set that failed stops the batch as an operation does.
    let failed = set(&[("Content-ID: 1", FAILED)]);
    let replies = decode(&batch, &[failed]).unwrap();
    assert!(replies.first_error().unwrap().is_validation());
}

#[test]
fn a_change_set_is_not_answered_by_one_success() {
    let (batch, _) = creates(2);
    let error = decode(&batch, &[part(DONE)]).unwrap_err();
    assert!(error.is_outcome_unknown());
    let (batch, handles) = creates(2);
    let mut replies = decode(&batch, &[part(FAILED)]).unwrap();
    for handle in handles {
        assert!(replies.take(handle).unwrap_err().is_validation());
    }
}

#[test]
fn two_answers_to_one_member_are_none() {
    let (batch, _) = creates(2);
    for ids in [
        ["Content-ID: 1", "Content-ID: 1", "Content-ID: 2"],
        ["Content-ID: 1", "Content-ID: 2", "Content-ID: 2"],
        ["Content-ID: 2", "X: 1", "Content-ID: 1"],
    ] {
        let error = decode(&batch, &[set(&ids.map(|id| (id, DONE)))]).unwrap_err();
        assert!(error.is_outcome_unknown(), "{ids:?}");
    }
}

#[test]
fn a_failure_that_names_no_member_is_that_of_all() {
    for id in ["Content-ID: 3", "Content-ID: 0", "Content-ID: x", "X: 1"] {
        let (batch, handles) = creates(2);
        let mut replies = decode(&batch, &[set(&[(id, FAILED)])]).unwrap();
        assert!(replies.first_error().unwrap().is_validation(), "{id}");
        for handle in handles {
            assert!(replies.take(handle).unwrap_err().is_validation(), "{id}");
        }
    }
}
