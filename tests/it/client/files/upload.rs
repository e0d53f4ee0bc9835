//! Uploads in pieces.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use dataverse_client::http::{Reached, RetryPolicy};
use dataverse_client::schema::TableName;
use dataverse_client::{FileColumn, UploadState};
use dataverse_tests::script::Script;
use tokio::io::{AsyncRead, ReadBuf};

use super::{ID, PATH, ROOT, column, note};

const MIB: u64 = 1 << 20;
const SESSION: &str = "https://org.crm.dynamics.com/api/data/v9.2/accounts(1)/sample_filecolumn\
    ?sessiontoken=MTIz%2F%3D";

/// Gives the bytes of a file from `at` to `end`, at most 100,000 at once; then the end or an error.
struct Reader {
    at: u64,
    end: u64,
    fails: bool,
}

fn reader(at: u64, end: u64) -> Reader {
    Reader {
        at,
        end,
        fails: false,
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.at == self.end && self.fails {
            return Poll::Ready(Err(io::Error::other("the disk is gone")));
        }
        let count = (self.end - self.at)
            .min(out.remaining() as u64)
            .min(100_000);
        for at in self.at..self.at + count {
            out.put_slice(&[content_at(at)]);
        }
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

/// ASCII, and different at every chunk.
fn content_at(at: u64) -> u8 {
    b'!' + (at % 89) as u8
}

fn content(from: u64, to: u64) -> String {
    (from..to).map(|at| char::from(content_at(at))).collect()
}

fn begun(chunk_size: &str) -> Script {
    let headers = [("location", SESSION), ("x-ms-chunk-size", chunk_size)];
    Script::new().answer(200, &headers, "")
}

/// Asserts the requests of an upload in chunks: each one's range, and all bytes together.
fn assert_chunks(script: &Script, ranges: &[&str], from: u64, to: u64) {
    let sent = script.sent();
    let chunks: Vec<_> = sent
        .iter()
        .filter(|sent| !sent.header("content-range").is_empty())
        .collect();
    let told: Vec<_> = chunks.iter().map(|c| c.header("content-range")).collect();
    assert_eq!(told, ranges);
    for chunk in &chunks {
        assert_eq!(chunk.line, format!("PATCH {SESSION}"));
        assert_eq!(chunk.header("content-type"), "application/octet-stream");
        assert_eq!(chunk.header("x-ms-file-name"), "a.bin");
    }
    let body: String = chunks.iter().map(|chunk| chunk.body.as_str()).collect();
    assert!(body == content(from, to), "{} bytes differ", body.len());
}

#[tokio::test]
async fn a_small_file_is_one_request_and_an_empty_one_too() {
    for (length, told) in [(0, Some(0)), (0, None), (5, Some(5)), (5, None)] {
        let script = Script::new().no_content();
        let (client, _) = script.client().unwrap();
        let mut upload = client.upload(column(), "a.bin");
        let size = upload.send(reader(0, length), told).await.unwrap();
        assert_eq!(size, length);
        assert_eq!(upload.state(), None);
        let sent = script.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].line, format!("PATCH {ROOT}{PATH}"));
        assert_eq!(sent[0].body, content(0, length));
        assert_eq!(sent[0].header("authorization"), "Bearer secret-token");
    }
}

#[tokio::test]
async fn a_large_file_goes_in_the_chunks_that_the_service_asks_for() {
    let script = begun("3145728")
        .answer(206, &[], "")
        .answer(206, &[], "")
        .no_content();
    let (client, _) = script.client().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut upload = client.upload(column(), "a.bin").on_progress(move |state| {
        log.lock().unwrap().push((state.offset(), state.total()));
    });
    let length = 7 * MIB;
    let size = upload.send(reader(0, length), Some(length)).await.unwrap();
    assert_eq!((size, upload.state()), (length, None));
    let ranges = [
        "bytes 0-3145727/7340032",
        "bytes 3145728-6291455/7340032",
        "bytes 6291456-7340031/7340032",
    ];
    assert_chunks(&script, &ranges, 0, length);
    let total = Some(length);
    assert_eq!(
        *seen.lock().unwrap(),
        [(3 * MIB, total), (6 * MIB, total), (length, total)]
    );
    let first = &script.sent()[0];
    assert_eq!(
        first.line,
        format!("PATCH {ROOT}{PATH}?x-ms-file-name=a.bin")
    );
    assert_eq!(first.header("x-ms-transfer-mode"), "chunked");
    assert_eq!(first.body, "");
}

#[tokio::test]
async fn a_multiple_of_the_chunk_size_has_no_empty_chunk_at_the_end() {
    let script = begun("3145728").answer(206, &[], "").no_content();
    let (client, _) = script.client().unwrap();
    let length = 6 * MIB;
    let mut upload = client.upload(column(), "a.bin");
    upload.send(reader(0, length), Some(length)).await.unwrap();
    let ranges = ["bytes 0-3145727/6291456", "bytes 3145728-6291455/6291456"];
    assert_chunks(&script, &ranges, 0, length);
}

#[tokio::test]
async fn a_chunk_that_got_no_answer_is_sent_again_with_the_same_range() {
    let script = begun("3145728")
        .failure(Reached::Unknown)
        .answer(206, &[], "")
        .answer(503, &[], "")
        .no_content();
    let (client, clock) = script.client().unwrap();
    let length = 5 * MIB;
    let mut upload = client.upload(column(), "a.bin");
    upload.send(reader(0, length), Some(length)).await.unwrap();
    let sent = script.sent();
    let ranges: Vec<_> = sent[1..]
        .iter()
        .map(|s| s.header("content-range"))
        .collect();
    let (first, last) = ("bytes 0-3145727/5242880", "bytes 3145728-5242879/5242880");
    assert_eq!(ranges, [first, first, last, last]);
    assert!(sent[1].body == sent[2].body && sent[3].body == sent[4].body);
    assert_eq!(clock.sleeps().len(), 2);
}

#[tokio::test]
async fn what_became_of_the_last_chunk_is_unknown_if_its_repeat_is_refused() {
    let script = begun("3145728")
        .answer(206, &[], "")
        .failure(Reached::Unknown)
        .error(400, "0x80040203", "The session is unknown");
    let (client, _) = script.client().unwrap();
    let length = 5 * MIB;
    let mut upload = client.upload(column(), "a.bin");
    let error = upload
        .send(reader(0, length), Some(length))
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    // The refusal of a chunk in the middle is one: the file cannot have been stored.
    let script = begun("3145728").failure(Reached::Unknown).error(
        400,
        "0x80040203",
        "The session is unknown",
    );
    let (client, _) = script.client().unwrap();
    let mut upload = client.upload(column(), "a.bin");
    let error = upload
        .send(reader(0, length), Some(length))
        .await
        .unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error}");
    assert_eq!(error.code(), Some(0x8004_0203));
}

#[tokio::test]
async fn another_process_goes_on_from_the_stored_state() {
    let script = begun("3145728")
        .answer(206, &[], "")
        .failure(Reached::Unknown);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let length = 7 * MIB;
    let mut upload = client.upload(column(), "a.bin");
    let error = upload
        .send(reader(0, length), Some(length))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("before the answer"), "{error}");
    let stored = serde_json::to_string(upload.state().unwrap()).unwrap();
    assert!(!format!("{:?}", upload.state()).contains("sessiontoken"));

    let state: UploadState = serde_json::from_str(&stored).unwrap();
    assert_eq!((state.offset(), state.total()), (3 * MIB, Some(length)));
    let script = Script::new().answer(206, &[], "").no_content();
    let (client, _) = script.client().unwrap();
    let mut upload = client.upload(column(), "a.bin").resume(state.clone());
    let rest = reader(state.offset(), length);
    assert_eq!(upload.send(rest, Some(length)).await.unwrap(), length);
    let ranges = [
        "bytes 3145728-6291455/7340032",
        "bytes 6291456-7340031/7340032",
    ];
    assert_chunks(&script, &ranges, 3 * MIB, length);

    // Not with another file, nor to another place.
    let elsewhere = FileColumn::named(TableName::new("accounts").row(ID), "another");
    for mut upload in [
        client.upload(column(), "b.bin").resume(state.clone()),
        client.upload(elsewhere, "a.bin").resume(state.clone()),
        client.upload(note(), "a.bin").resume(state.clone()),
    ] {
        let error = upload.send(reader(0, 1), Some(length)).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
    }
    let mut upload = client.upload(column(), "a.bin").resume(state);
    for other in [None, Some(1), Some(length + 1)] {
        let error = upload.send(reader(0, 1), other).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
    }
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn a_state_that_was_tampered_with_sends_no_token_elsewhere() {
    let stored = |location: &str, chunk: u64| -> UploadState {
        serde_json::from_value(serde_json::json!({
            "to": PATH, "file_name": "a.bin", "offset": 0, "total": 5 * MIB,
            "session": {"chunks": {"location": location, "chunk_size": chunk}},
        }))
        .unwrap()
    };
    let script = Script::new();
    let (client, _) = script.client().unwrap();
    for state in [
        stored("https://evil.example/api/data/v9.2/x", 4 * MIB),
        stored("http://org.crm.dynamics.com/api/data/v9.2/x", 4 * MIB),
        stored("https://org.crm.dynamics.com/other", 4 * MIB),
        stored(SESSION, 0),
        stored(SESSION, u64::MAX),
    ] {
        let mut upload = client.upload(column(), "a.bin").resume(state);
        let sent = upload.send(reader(0, 5 * MIB), Some(5 * MIB)).await;
        assert!(sent.unwrap_err().is_decode());
    }
    assert_eq!(script.sent().len(), 0);
}

#[tokio::test]
async fn a_session_elsewhere_or_of_no_size_is_an_error() {
    for (headers, told) in [
        (
            vec![("location", "https://evil.example/api/data/v9.2/x")],
            "evil.example",
        ),
        (vec![("x-ms-chunk-size", "4194304")], "no `Location`"),
        (
            vec![("location", SESSION), ("x-ms-chunk-size", "0")],
            "chunks of 0",
        ),
        (
            vec![("location", SESSION), ("x-ms-chunk-size", "many")],
            "no number",
        ),
    ] {
        let script = Script::new().answer(200, &headers, "");
        let (client, _) = script.client().unwrap();
        let mut upload = client.upload(column(), "a.bin");
        let sent = upload.send(reader(0, 5 * MIB), Some(5 * MIB)).await;
        let error = sent.unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains(told),
            "{error}"
        );
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn a_service_that_ends_early_or_late_is_told() {
    let length = 5 * MIB;
    for (script, told) in [
        (
            begun("3145728").no_content(),
            "before byte 3145728 of 5242880",
        ),
        (
            begun("3145728").answer(206, &[], "").answer(206, &[], ""),
            "waits for more",
        ),
    ] {
        let (client, _) = script.client().unwrap();
        let mut upload = client.upload(column(), "a.bin");
        let error = upload
            .send(reader(0, length), Some(length))
            .await
            .unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains(told),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_reader_that_ends_early_or_late_or_fails_stores_nothing() {
    // In one request: nothing is sent at all.
    let script = Script::new();
    let (client, _) = script.client().unwrap();
    for (held, said) in [(4, 5), (6, 5), (1, 0)] {
        let mut upload = client.upload(column(), "a.bin");
        let error = upload.send(reader(0, held), Some(said)).await.unwrap_err();
        assert!(error.is_io(), "{error}");
    }
    assert_eq!(script.sent().len(), 0);
    // In chunks: the last is not sent.
    let length = 5 * MIB;
    for (held, fails, told) in [
        (length - 1, false, "ended after 5242879 of 5242880"),
        (length + 1, false, "more than 5242880"),
        (4 * MIB, true, "failed after 3145728"),
    ] {
        let script = begun("3145728").answer(206, &[], "");
        let (client, _) = script.client().unwrap();
        let mut upload = client.upload(column(), "a.bin");
        let reader = Reader {
            at: 0,
            end: held,
            fails,
        };
        let error = upload.send(reader, Some(length)).await.unwrap_err();
        assert!(error.is_io() && error.to_string().contains(told), "{error}");
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(upload.state().unwrap().offset(), 3 * MIB);
        assert_eq!(script.sent().len(), 2);
    }
}

fn token() -> Script {
    Script::new().answer(200, &[], r#"{"FileContinuationToken":"t"}"#)
}

#[tokio::test]
async fn a_file_of_unknown_length_goes_in_blocks() {
    // Exactly two blocks, and no third one that is empty.
    let script = token().no_content().no_content().answer(
        200,
        &[],
        r#"{"FileId":"11111111-2222-3333-4444-555555555555","FileSizeInBytes":8388608}"#,
    );
    let (client, _) = script.client().unwrap();
    let mut upload = client.upload(column(), "a.bin");
    let size = upload.send(reader(0, 8 * MIB), None).await.unwrap();
    assert_eq!(size, 8 * MIB);
    let sent = script.sent();
    let lines: Vec<_> = sent
        .iter()
        .map(|s| s.line.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "InitializeFileBlocksUpload",
            "UploadBlock",
            "UploadBlock",
            "CommitFileBlocksUpload"
        ]
    );
    let commit: serde_json::Value = serde_json::from_str(&sent[3].body).unwrap();
    let blocks = |sent: &dataverse_tests::script::Sent| {
        let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
        body["BlockId"].clone()
    };
    assert_eq!(
        commit["BlockList"],
        serde_json::json!([blocks(&sent[1]), blocks(&sent[2])])
    );
}

#[tokio::test]
async fn a_note_goes_in_blocks_and_can_be_gone_on_with() {
    let script = token().no_content().failure(Reached::NotSent);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let mut upload = client.upload(note(), "a.bin");
    let length = 5 * MIB;
    upload
        .send(reader(0, length), Some(length))
        .await
        .unwrap_err();
    let stored = serde_json::to_string(upload.state().unwrap()).unwrap();
    let state: UploadState = serde_json::from_str(&stored).unwrap();
    assert_eq!(state.offset(), 4 * MIB);
    let script = Script::new().no_content().answer(
        200,
        &[],
        r#"{"AnnotationId":"11111111-2222-3333-4444-555555555555","FileSizeInBytes":5242880}"#,
    );
    let (client, _) = script.client().unwrap();
    let mut upload = client
        .upload(note(), "a.bin")
        .media_type("text/plain")
        .resume(state);
    let rest = reader(4 * MIB, length);
    assert_eq!(upload.send(rest, Some(length)).await.unwrap(), length);
    let sent = script.sent();
    let commit: serde_json::Value = serde_json::from_str(&sent[1].body).unwrap();
    assert_eq!(commit["BlockList"].as_array().unwrap().len(), 2);
    assert_eq!(commit["Target"]["mimetype"], "text/plain");
}

#[tokio::test]
async fn a_commit_is_not_repeated_and_its_size_is_checked() {
    let script = token().no_content().failure(Reached::Unknown);
    let (client, _) = script.client().unwrap();
    let sent = client.upload(note(), "a").send(reader(0, 5), Some(5)).await;
    assert!(sent.unwrap_err().is_outcome_unknown());
    assert_eq!(script.sent().len(), 3);

    let answer = r#"{"AnnotationId":"11111111-2222-3333-4444-555555555555","FileSizeInBytes":4}"#;
    let script = token().no_content().answer(200, &[], answer);
    let (client, _) = script.client().unwrap();
    let sent = client.upload(note(), "a").send(reader(0, 5), Some(5)).await;
    let error = sent.unwrap_err();
    assert!(error.to_string().contains("5 bytes were sent"), "{error}");
}

#[tokio::test]
async fn an_upload_can_run_in_a_task_of_its_own() {
    let script = Script::new().no_content();
    let (client, _) = script.client().unwrap();
    let task = tokio::spawn(async move {
        let mut upload = client.upload(column(), "a").on_progress(|_| {});
        upload.send(&b"abc"[..], Some(3)).await
    });
    assert_eq!(task.await.unwrap().unwrap(), 3);
}
