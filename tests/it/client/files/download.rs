//! Downloads in pieces.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use dataverse_client::http::{Reached, RetryPolicy};
use dataverse_client::schema::TableName;
use dataverse_client::{DownloadState, FileColumn};
use dataverse_tests::script::Script;
use tokio::io::AsyncWrite;

use super::{ID, PATH, ROOT, column, note};

/// Answers with a piece of a file of `size` bytes.
fn piece(script: Script, size: &str, body: &str) -> Script {
    let headers = [
        ("x-ms-file-name", "a.bin"),
        ("x-ms-file-size", size),
        ("mimetype", "text/plain"),
        ("x-ms-chunk-size", "4194304"),
    ];
    script.answer(206, &headers, body.to_owned())
}

async fn read(script: &Script) -> (dataverse_client::Result<Option<String>>, String) {
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let mut bytes = Vec::new();
    let told = client.download(column()).write_to(&mut bytes).await;
    let name = told.map(|info| info.and_then(|info| info.file_name));
    (name, String::from_utf8(bytes).unwrap())
}

fn ranges(script: &Script) -> Vec<String> {
    let sent = script.sent();
    sent.iter()
        .map(|sent| sent.header("range").to_owned())
        .collect()
}

#[tokio::test]
async fn a_file_is_read_range_by_range_and_its_name_and_type_are_told() {
    // The service may send less than was asked for.
    let script = piece(piece(Script::new(), "10", "012345"), "10", "6789");
    let (client, _) = script.client().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut download = client.download(column()).on_progress(move |state| {
        log.lock().unwrap().push((state.offset(), state.total()));
    });
    let mut bytes = Vec::new();
    let info = download.write_to(&mut bytes).await.unwrap().unwrap();
    assert_eq!(bytes, b"0123456789");
    assert_eq!(info.file_name.as_deref(), Some("a.bin"));
    assert_eq!(info.media_type.as_deref(), Some("text/plain"));
    assert_eq!(info.size, Some(10));
    assert_eq!(download.state(), None);
    assert_eq!(ranges(&script), ["bytes=0-4194303", "bytes=6-4194309"]);
    assert_eq!(script.sent()[0].line, format!("GET {ROOT}{PATH}/$value"));
    assert_eq!(*seen.lock().unwrap(), [(6, 10), (10, 10)]);
}

#[tokio::test]
async fn a_service_that_passes_over_the_range_is_understood() {
    let script = Script::new().answer(200, &[], "0123");
    assert_eq!(read(&script).await.1, "0123");
    // Even in the middle.
    let headers = [
        ("x-ms-file-name", "a.bin"),
        ("x-ms-file-size", "4"),
        ("mimetype", "text/plain"),
    ];
    let script = piece(Script::new(), "4", "01").answer(200, &headers, "0123");
    assert_eq!(read(&script).await.1, "0123");
}

#[tokio::test]
async fn an_empty_column_and_an_empty_file_are_told_apart() {
    let script = Script::new().no_content();
    let (name, bytes) = read(&script).await;
    assert_eq!((name.unwrap(), bytes.as_str()), (None, ""));
    let empty = [("x-ms-file-name", "a.bin"), ("x-ms-file-size", "0")];
    let script = Script::new().answer(200, &empty, "");
    assert_eq!(read(&script).await.0.unwrap().as_deref(), Some("a.bin"));
    assert_eq!(script.sent().len(), 1);
    // An empty file has no range.
    let script = Script::new().answer(416, &[], "").answer(200, &empty, "");
    assert_eq!(read(&script).await.0.unwrap().as_deref(), Some("a.bin"));
    assert_eq!(ranges(&script), ["bytes=0-4194303", ""]);
}

#[tokio::test]
async fn the_size_can_come_from_the_range_and_must_come_from_somewhere() {
    let script = Script::new()
        .answer(206, &[("content-range", "bytes 0-1/4")], "01")
        .answer(206, &[("content-range", "bytes 2-3/4")], "23");
    assert_eq!(read(&script).await.1, "0123");
    let script = Script::new().answer(206, &[], "01");
    let error = read(&script).await.0.unwrap_err();
    assert!(
        error.to_string().contains("does not tell the size"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_the_file_is_an_error_and_never_a_short_file() {
    let file = [("x-ms-file-size", "10")];
    for (script, told) in [
        (piece(Script::new(), "10", ""), "0 bytes from byte 0"),
        (piece(Script::new(), "3", "0123"), "of a file of 3"),
        (
            Script::new().answer(200, &file, "0123"),
            "4 bytes of a file of 10",
        ),
        (
            Script::new().answer(206, &[("content-range", "bytes 2-3/4")], "23"),
            "bytes from 2 on, not from 0",
        ),
        (
            piece(piece(Script::new(), "4", "01"), "5", "23"),
            "begin again",
        ),
        (piece(Script::new(), "4", "01").no_content(), "begin again"),
        (
            Script::new().answer(200, &[("x-ms-file-size", "x")], ""),
            "no number",
        ),
    ] {
        let (name, _) = read(&script).await;
        let error = name.unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains(told),
            "{error}"
        );
    }
}

#[tokio::test]
async fn another_process_goes_on_from_the_stored_state() {
    let script = piece(Script::new(), "6", "0123").failure(Reached::Unknown);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let mut download = client.download(column());
    let mut bytes = Vec::new();
    download.write_to(&mut bytes).await.unwrap_err();
    let stored = serde_json::to_string(download.state().unwrap()).unwrap();
    let state: DownloadState = serde_json::from_str(&stored).unwrap();
    assert_eq!((state.offset(), state.total()), (4, 6));
    assert_eq!(state.info().file_name.as_deref(), Some("a.bin"));

    let script = piece(Script::new(), "6", "45");
    let (client, _) = script.client().unwrap();
    let mut download = client.download(column()).resume(state.clone());
    download.write_to(&mut bytes).await.unwrap().unwrap();
    assert_eq!(bytes, b"012345");
    assert_eq!(ranges(&script), ["bytes=4-4194307"]);

    let other = FileColumn::named(TableName::new("accounts").row(ID), "another");
    for mut download in [
        client.download(other).resume(state.clone()),
        client.download(column()).full_size().resume(state),
    ] {
        let error = download.write_to(Vec::new()).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
    }
}

#[tokio::test]
async fn a_read_that_fails_is_repeated() {
    let script = piece(Script::new().failure(Reached::Unknown), "2", "01");
    let (client, _) = script.client().unwrap();
    let mut bytes = Vec::new();
    client
        .download(column())
        .write_to(&mut bytes)
        .await
        .unwrap();
    assert_eq!(bytes, b"01");
}

/// Takes four bytes in all.
struct Full(Vec<u8>);

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = bytes.len().min(4 - self.0.len());
        if room == 0 {
            return Poll::Ready(Err(io::Error::other("the disk is full")));
        }
        self.0.extend_from_slice(&bytes[..room]);
        Poll::Ready(Ok(room))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_writer_that_fails_is_told_and_the_state_is_what_was_written_whole() {
    let script = piece(piece(Script::new(), "6", "012"), "6", "345");
    let (client, _) = script.client().unwrap();
    let mut download = client.download(column());
    let error = download.write_to(Full(Vec::new())).await.unwrap_err();
    assert!(error.is_io(), "{error}");
    assert!(error.to_string().contains("after 3 bytes"), "{error}");
    assert_eq!(download.state().unwrap().offset(), 3);
}

#[tokio::test]
async fn a_note_is_read_in_blocks() {
    let begun = r#"{"FileContinuationToken":"t","FileSizeInBytes":6,"FileName":"a.bin"}"#;
    let script = Script::new()
        .answer(200, &[], begun)
        .answer(200, &[], r#"{"Data":"MDEyMw=="}"#)
        .answer(200, &[], r#"{"Data":"NDU="}"#);
    let (client, _) = script.client().unwrap();
    let mut bytes = Vec::new();
    let info = client.download(note()).write_to(&mut bytes).await.unwrap();
    assert_eq!(info.unwrap().file_name.as_deref(), Some("a.bin"));
    assert_eq!(bytes, b"012345");
    let sent = script.sent();
    assert!(sent[1].body.contains("\"Offset\":0,\"BlockLength\":6"));
    assert!(sent[2].body.contains("\"Offset\":4,\"BlockLength\":2"));

    // A file that does not come in pieces comes as one.
    let begun = begun.replace('}', ",\"IsChunkingSupported\":false}");
    let script = Script::new()
        .answer(200, &[], begun)
        .answer(200, &[], r#"{"Data":"MDEyMzQ1"}"#);
    let (client, _) = script.client().unwrap();
    let mut bytes = Vec::new();
    client.download(note()).write_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"012345");
}

#[tokio::test]
async fn blocks_that_are_not_the_file_are_errors() {
    let begun = r#"{"FileContinuationToken":"t","FileSizeInBytes":6,"FileName":"a.bin"}"#;
    for (data, told) in [
        (r#"{"Data":""}"#, "0 bytes from byte 0"),
        (
            r#"{"Data":"MDEyMzQ1Ng=="}"#,
            "7 bytes came, and 6 were asked for",
        ),
        (r#"{"Data":"*"}"#, "not base64"),
        (r#"{}"#, "no `Data`"),
    ] {
        let script = Script::new().answer(200, &[], begun).answer(200, &[], data);
        let (client, _) = script.client().unwrap();
        let read = client.download(note()).write_to(Vec::new()).await;
        let error = read.unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains(told),
            "{error}"
        );
    }
}
