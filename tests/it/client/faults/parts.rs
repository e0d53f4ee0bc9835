//! Answers to batches, whole and damaged.

use dataverse_client::{Batch, Delete, Handle, Id, Operation, Replies, Response, Retrieve};
use dataverse_tests::tables::{Account, AccountCard};
use http::{HeaderMap, HeaderValue, StatusCode};

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const FAILED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n\
    {\"error\":{\"code\":\"0x80044331\",\"message\":\"too long\"}}";

fn batch(operations: usize) -> (Batch, Vec<Handle<()>>) {
    let mut batch = Batch::new();
    let handles = (0..operations)
        .map(|_| batch.add(Delete::<Account>::new(Id::generate())))
        .collect();
    (batch, handles)
}

fn body(parts: &[&str]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--b\r\nContent-Type: application/http\r\n\r\n{part}\r\n"))
        .collect();
    parts + "--b--\r\n"
}

fn decode(
    batch: &Batch,
    status: u16,
    body: impl Into<Vec<u8>>,
) -> dataverse_client::Result<Replies> {
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::from_static("multipart/mixed; boundary=b");
    headers.insert("content-type", content_type);
    let status = StatusCode::from_u16(status).unwrap();
    batch.decode(&Response::new(status, headers, body.into().into()))
}

#[test]
fn every_prefix_of_answers_tells_what_was_not_run() {
    for operations in 1..6 {
        for failed in 0..operations {
            let (batch, handles) = batch(operations);
            let mut parts = vec![DONE; failed];
            parts.push(FAILED);
            let mut replies = decode(&batch, 400, body(&parts)).unwrap();
            for (place, handle) in handles.into_iter().enumerate() {
                let answer = replies.take(handle);
                match place.cmp(&failed) {
                    std::cmp::Ordering::Less => answer.unwrap(),
                    std::cmp::Ordering::Equal => {
                        let error = answer.unwrap_err();
                        assert!(error.is_validation() && !error.is_not_run());
                    }
                    std::cmp::Ordering::Greater => assert!(answer.unwrap_err().is_not_run()),
                }
            }
        }
    }
}

#[test]
fn with_continue_on_error_every_part_answers_for_itself() {
    let (batch, handles) = batch(4);
    let batch = batch.continue_on_error();
    let answers = [DONE, FAILED, DONE, FAILED];
    let mut replies = decode(&batch, 200, body(&answers)).unwrap();
    assert!(replies.first_error().unwrap().is_validation());
    let ok: Vec<_> = handles
        .into_iter()
        .map(|handle| replies.take(handle).is_ok())
        .collect();
    assert_eq!(ok, [true, false, true, false]);
}

#[test]
fn damaged_parts_are_an_error_and_never_a_panic() {
    let (batch, _) = batch(1);
    let deep = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\
         Content-Type: multipart/mixed; boundary=d\r\n\r\n--d\r\n\r\n{DONE}\r\n--d--\r\n--c--\r\n--b--\r\n"
    );
    for damaged in [
        "",
        "--b--",
        "--b",
        "--b\r\n--b--\r\n",
        "--b\r\n\r\n\r\n--b--\r\n",
        "--b\r\nContent-Type: application/http\r\n\r\nnot a status\r\n--b--\r\n",
        "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 9999 x\r\n\r\n--b--\r\n",
        "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204",
        "--b\r\nno colon\r\n\r\nHTTP/1.1 204 x\r\n\r\n--b--\r\n",
        "--other\r\n\r\nHTTP/1.1 204 x\r\n\r\n--other--\r\n",
        "--b\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\n--b--\r\n",
        "\u{0}\u{1}\u{2}",
        &deep,
    ] {
        assert!(decode(&batch, 200, damaged).is_err(), "{damaged}");
    }
    // What is announced is not believed, and headers may be folded over lines.
    let part = "--b\r\nContent-Type: application/http\r\nContent-Length: 2147483648\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n{\"name\":\"--b\"}\r\n--b--\r\n";
    let mut batch = Batch::new();
    let handle = batch.add(Retrieve::<AccountCard>::new(Id::generate()));
    for part in [part.to_owned(), part.replace("\r\n", "\n")] {
        let mut replies = decode(&batch, 200, part).unwrap();
        assert_eq!(replies.take(handle).unwrap().name, "--b");
    }
}
