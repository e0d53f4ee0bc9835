//! Files: the chunk protocol, ranges, and the messages that move blocks.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{Answer, create, get, post, send};
use crate::documents::{ONLINE, document};

const CHUNK: usize = 4_194_304;

/// An online org: a table with a file column and an image column, notes, attachments.
fn emulator() -> Emulator {
    Emulator::builder()
        .document(document(ONLINE))
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

async fn row(emulator: &Emulator) -> String {
    create(emulator, "msdyn_aibfiles", r#"{"msdyn_name":"A"}"#).await
}

const BYTES: (&str, &str) = ("content-type", "application/octet-stream");

async fn patch(emulator: &Emulator, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send(emulator, "PATCH", path, headers, body).await
}

/// ASCII, and different at every chunk.
fn content(length: usize) -> String {
    (0..length)
        .map(|at| char::from(b'!' + (at % 89) as u8))
        .collect()
}

#[tokio::test]
async fn a_small_file_is_put_and_read_with_its_name_and_type() {
    let emulator = emulator();
    let row = row(&emulator).await;
    let column = format!("{row}/msdyn_file");
    let empty = get(&emulator, &format!("{column}/$value")).await;
    assert_eq!((empty.status, empty.body.as_str()), (204, ""));

    let name = ("x-ms-file-name", "a.txt");
    let put = patch(&emulator, &column, &[BYTES, name], "hello").await;
    assert_eq!((put.status, put.body.as_str()), (204, ""));
    let read = get(&emulator, &format!("{column}/$value")).await;
    assert_eq!((read.status, read.body.as_str()), (200, "hello"));
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert_eq!(read.header("x-ms-file-name"), "a.txt");
    assert_eq!(read.header("x-ms-file-size"), "5");
    assert_eq!(read.header("mimetype"), "text/plain");
    assert_eq!(
        read.header("access-control-expose-headers"),
        "x-ms-file-size; x-ms-file-name; mimetype"
    );

    // The row holds the id of the file, and its name.
    let path = format!("{row}?$select=msdyn_file,msdyn_file_name");
    let told = get(&emulator, &path).await.json();
    assert_eq!(told["msdyn_file_name"], "a.txt");
    let file = told["msdyn_file"].as_str().unwrap();
    assert_eq!(file.len(), 36, "{file}");

    // Another file is another id; the parameter serves names that are not ASCII.
    let path = format!("{column}?x-ms-file-name=Vertr%C3%A4ge.pdf");
    assert_eq!(patch(&emulator, &path, &[BYTES], "x").await.status, 204);
    let path = format!("{row}?$select=msdyn_file,msdyn_file_name");
    let other = get(&emulator, &path).await.json();
    assert_eq!(other["msdyn_file_name"], "Verträge.pdf");
    assert_ne!(other["msdyn_file"], file);
}

#[tokio::test]
async fn ranges_are_cut_out_of_the_file() {
    let emulator = emulator();
    let column = format!("{}/msdyn_file", row(&emulator).await);
    let name = ("x-ms-file-name", "a.bin");
    patch(&emulator, &column, &[BYTES, name], "0123456789").await;
    for (range, status, told, body) in [
        ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=4-100", 206, "bytes 4-9/10", "456789"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-2", 206, "bytes 8-9/10", "89"),
        ("bytes=10-11", 416, "bytes */10", ""),
        ("bytes=5-4", 416, "bytes */10", ""),
        ("lines=1-2", 416, "bytes */10", ""),
    ] {
        let path = format!("{column}/$value");
        let read = send(&emulator, "GET", &path, &[("range", range)], "").await;
        assert_eq!((read.status, read.body.as_str()), (status, body), "{range}");
        assert_eq!(read.header("content-range"), told);
        if status == 206 {
            assert_eq!(read.header("x-ms-file-size"), "10");
            assert_eq!(read.header("x-ms-chunk-size"), "4194304");
        }
    }
}

async fn begin(emulator: &Emulator, column: &str) -> String {
    let headers = [("x-ms-transfer-mode", "chunked")];
    let path = format!("{column}?x-ms-file-name=25mb.pdf");
    let begun = patch(emulator, &path, &headers, "").await;
    assert_eq!((begun.status, begun.body.as_str()), (200, ""));
    assert_eq!(begun.header("x-ms-chunk-size"), "4194304");
    assert_eq!(begun.header("accept-ranges"), "bytes");
    let expose = begun.header("access-control-expose-headers");
    assert_eq!(expose, "x-ms-chunk-size");
    let location = begun.header("location").to_owned();
    let root = format!("{}/api/data/v9.2/{column}?sessiontoken=", Emulator::URL);
    assert!(location.starts_with(&root), "{location}");
    location
}

async fn chunk(emulator: &Emulator, location: &str, range: &str, body: &str) -> Answer {
    let headers = [BYTES, ("content-range", range)];
    patch(emulator, location, &headers, body).await
}

#[tokio::test]
async fn chunks_make_a_file_when_the_last_has_come() {
    let emulator = emulator();
    let column = format!("{}/msdyn_file", row(&emulator).await);
    let location = begin(&emulator, &column).await;
    let whole = content(CHUNK + 10);
    let (first, last) = whole.split_at(CHUNK);
    let range = "bytes 0-4194303/4194314";
    let sent = chunk(&emulator, &location, range, first).await;
    assert_eq!((sent.status, sent.body.as_str()), (206, ""));
    // Not yet.
    let value = format!("{column}/$value");
    assert_eq!(get(&emulator, &value).await.status, 204);
    // A repeat is the same chunk.
    assert_eq!(chunk(&emulator, &location, range, first).await.status, 206);
    let range = "bytes 4194304-4194313/4194314";
    let sent = chunk(&emulator, &location, range, last).await;
    assert_eq!(sent.status, 204);
    let read = get(&emulator, &value).await;
    assert!(read.body == whole, "{} bytes", read.body.len());
    assert_eq!(read.header("x-ms-file-name"), "25mb.pdf");
    assert_eq!(read.header("mimetype"), "application/pdf");
    // The session is over.
    assert_eq!(chunk(&emulator, &location, range, last).await.status, 400);
}

#[tokio::test]
async fn whole_chunks_may_end_with_an_empty_one() {
    let emulator = emulator();
    let column = format!("{}/msdyn_file", row(&emulator).await);
    let location = begin(&emulator, &column).await;
    let whole = content(CHUNK);
    let range = "bytes 0-4194303/4194304";
    assert_eq!(chunk(&emulator, &location, range, &whole).await.status, 204);
    let range = "bytes 4194304-4194303/4194304";
    assert_eq!(chunk(&emulator, &location, range, "").await.status, 204);
    let read = get(&emulator, &format!("{column}/$value")).await;
    assert!(read.body == whole);
}

#[tokio::test]
async fn chunks_that_do_not_fit_are_refused() {
    let emulator = emulator();
    let column = format!("{}/msdyn_file", row(&emulator).await);
    let location = begin(&emulator, &column).await;
    for (range, body) in [
        ("bytes 0-4/10", "01234"),
        ("bytes 5-9/10", "56789"),
        ("bytes 0-9/10", "012345678"),
        ("bytes 0-9/5", "0123456789"),
        ("bytes 0-9", "0123456789"),
        ("0-9/10", "0123456789"),
        (
            "bytes 18446744073709551615-18446744073709551615/18446744073709551615",
            "0",
        ),
        ("bytes 0-18446744073709551615/0", ""),
    ] {
        let sent = chunk(&emulator, &location, range, body).await;
        assert_eq!(sent.status, 400, "{range}: {}", sent.body);
    }
    let no_range = patch(&emulator, &location, &[BYTES], "x").await;
    assert_eq!(no_range.status, 400);
    let unknown = format!("{column}?sessiontoken=x");
    let sent = chunk(&emulator, &unknown, "bytes 0-0/1", "x").await;
    assert_eq!(sent.status, 400);
    // Of another row.
    let other = format!("{}/msdyn_file", row(&emulator).await);
    let token = location.split_once('?').unwrap().1;
    let path = format!("{other}?{token}");
    assert_eq!(
        chunk(&emulator, &path, "bytes 0-0/1", "x").await.status,
        400
    );
    // Still good.
    assert_eq!(
        chunk(&emulator, &location, "bytes 0-0/1", "x").await.status,
        204
    );
}

#[tokio::test]
async fn requests_that_are_no_uploads_are_refused() {
    let emulator = emulator();
    let row = row(&emulator).await;
    let column = format!("{row}/msdyn_file");
    let name = ("x-ms-file-name", "a");
    let no_name = patch(&emulator, &column, &[BYTES], "x").await;
    assert_eq!(no_name.status, 400);
    let json = [("content-type", "application/json"), name];
    assert_eq!(patch(&emulator, &column, &json, "x").await.status, 415);
    let no_column = patch(&emulator, &format!("{row}/msdyn_name"), &[BYTES, name], "x").await;
    assert_eq!(no_column.status, 405);
    let missing = "msdyn_aibfiles(00000000-0000-0000-0000-00000000000f)/msdyn_file";
    let no_row = patch(&emulator, missing, &[BYTES, name], "x").await;
    assert_eq!(no_row.status, 404);
    // A file is no part of a row's body.
    for body in [r#"{"msdyn_file":"AAAA"}"#, r#"{"msdyn_file":null}"#] {
        let update = patch(&emulator, &row, &[], body).await;
        assert_eq!(update.status, 400, "{}", update.body);
        let insert = post(&emulator, "msdyn_aibfiles", body).await;
        assert_eq!(insert.status, 400);
    }
}

#[tokio::test]
async fn files_are_deleted_by_column_by_id_and_with_their_row() {
    let emulator = emulator();
    let row = row(&emulator).await;
    let column = format!("{row}/msdyn_file");
    let value = format!("{column}/$value");
    let name = ("x-ms-file-name", "a");
    patch(&emulator, &column, &[BYTES, name], "x").await;
    assert_eq!(
        send(&emulator, "DELETE", &column, &[], "").await.status,
        204
    );
    assert_eq!(get(&emulator, &value).await.status, 204);
    let told = get(&emulator, &row).await.json();
    assert_eq!(
        (&told["msdyn_file"], &told["msdyn_file_name"]),
        (&Value::Null, &Value::Null)
    );

    patch(&emulator, &column, &[BYTES, name], "x").await;
    let file = get(&emulator, &row).await.json()["msdyn_file"].clone();
    let body = json!({ "FileId": file }).to_string();
    assert_eq!(post(&emulator, "DeleteFile", &body).await.status, 204);
    assert_eq!(get(&emulator, &value).await.status, 204);
    assert_eq!(post(&emulator, "DeleteFile", &body).await.status, 404);

    patch(&emulator, &column, &[BYTES, name], "x").await;
    let file = get(&emulator, &row).await.json()["msdyn_file"].clone();
    assert_eq!(send(&emulator, "DELETE", &row, &[], "").await.status, 204);
    let body = json!({ "FileId": file }).to_string();
    assert_eq!(post(&emulator, "DeleteFile", &body).await.status, 404);
}

#[tokio::test]
async fn an_image_is_base64_in_the_row_and_bytes_by_itself() {
    let emulator = emulator();
    let row = row(&emulator).await;
    let column = format!("{row}/msdyn_image");
    let value = format!("{column}/$value");
    assert_eq!(get(&emulator, &value).await.status, 204);
    let name = ("x-ms-file-name", "a.gif");
    let put = patch(&emulator, &column, &[BYTES, name], "GIF89a!").await;
    assert_eq!(put.status, 204);
    for path in [value.clone(), format!("{value}?size=full")] {
        let read = get(&emulator, &path).await;
        assert_eq!((read.status, read.body.as_str()), (200, "GIF89a!"));
        assert_eq!(read.header("mimetype"), "image/gif");
        assert_eq!(read.header("x-ms-file-size"), "7");
    }
    let told = get(&emulator, &row).await.json();
    assert_eq!(told["msdyn_image"], "R0lGODlhIQ==");
    assert!(told["msdyn_imageid"].is_string() && told["msdyn_image_timestamp"].is_i64());
    // As base64 in a body; cleared by null, and by deleting the property.
    let body = r#"{"msdyn_image":"aGVsbG8="}"#;
    assert_eq!(patch(&emulator, &row, &[], body).await.status, 204);
    assert_eq!(get(&emulator, &value).await.body, "hello");
    assert_eq!(
        send(&emulator, "DELETE", &column, &[], "").await.status,
        204
    );
    assert_eq!(get(&emulator, &value).await.status, 204);
}

async fn token(emulator: &Emulator, message: &str, body: Value) -> Value {
    let begun = post(emulator, message, &body.to_string()).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    let context = begun.json()["@odata.context"].clone();
    let expected = format!("$metadata#Microsoft.Dynamics.CRM.{message}Response");
    assert!(context.as_str().unwrap().ends_with(&expected));
    begun.json()
}

async fn put_block(emulator: &Emulator, token: &Value, id: &str, data: &str) -> u16 {
    let body = json!({"BlockId": id, "BlockData": data, "FileContinuationToken": token});
    post(emulator, "UploadBlock", &body.to_string())
        .await
        .status
}

#[tokio::test]
async fn blocks_make_a_file_in_the_order_of_the_commit() {
    let emulator = emulator();
    let row = row(&emulator).await;
    let id = row.split_once('(').unwrap().1.trim_end_matches(')');
    let target = json!({"@odata.type": "Microsoft.Dynamics.CRM.msdyn_aibfile",
        "msdyn_aibfileid": id});
    let body = json!({"Target": target, "FileAttributeName": "msdyn_file", "FileName": "a.txt"});
    let begun = token(&emulator, "InitializeFileBlocksUpload", body).await;
    let token_text = &begun["FileContinuationToken"];
    assert_eq!(put_block(&emulator, token_text, "MQ==", "bG8=").await, 204);
    assert_eq!(put_block(&emulator, token_text, "MA==", "aGVs").await, 204);
    // Refused: no base64, no block, too long an id.
    assert_eq!(put_block(&emulator, token_text, "MA==", "*").await, 400);
    assert_eq!(put_block(&emulator, token_text, "*", "aGVs").await, 400);
    assert_eq!(
        put_block(&emulator, token_text, &"AAAA".repeat(22), "aGVs").await,
        400
    );
    assert_eq!(put_block(&emulator, &json!("x"), "MA==", "aGVs").await, 400);
    let commit = |ids: Value| {
        json!({"FileName": "a.txt", "MimeType": "text/plain", "BlockList": ids,
            "FileContinuationToken": token_text})
        .to_string()
    };
    for ids in [
        json!(["MA==", "Mg=="]),
        json!(["MA==", "MTI="]),
        json!(["MA==", "MTIzNA=="]),
    ] {
        let refused = post(&emulator, "CommitFileBlocksUpload", &commit(ids)).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
    }
    let whole = commit(json!(["MA==", "MQ=="]));
    let done = post(&emulator, "CommitFileBlocksUpload", &whole).await;
    assert_eq!(done.json()["FileSizeInBytes"], 5);
    let told = get(&emulator, &row).await.json();
    assert_eq!(told["msdyn_file"], done.json()["FileId"]);
    let read = get(&emulator, &format!("{row}/msdyn_file/$value")).await;
    assert_eq!(read.body, "hello");
    // Once.
    assert_eq!(
        post(&emulator, "CommitFileBlocksUpload", &whole)
            .await
            .status,
        400
    );

    let body = json!({"Target": target, "FileAttributeName": "msdyn_file"});
    let begun = token(&emulator, "InitializeFileBlocksDownload", body).await;
    assert_eq!(
        (&begun["FileName"], &begun["FileSizeInBytes"]),
        (&json!("a.txt"), &json!(5))
    );
    assert_eq!(begun["IsChunkingSupported"], true);
    for (offset, length, data) in [(0, 3, "aGVs"), (3, 100, "bG8="), (9, 1, "")] {
        let body = json!({"Offset": offset, "BlockLength": length,
            "FileContinuationToken": begun["FileContinuationToken"]});
        let block = post(&emulator, "DownloadBlock", &body.to_string()).await;
        assert_eq!(block.json()["Data"], data);
    }
}

#[tokio::test]
async fn blocks_make_a_note_that_is_new_or_exists() {
    let emulator = emulator();
    let account = create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let id = "11111111-2222-3333-4444-555555555555";
    let target = json!({"@odata.type": "Microsoft.Dynamics.CRM.annotation", "annotationid": id,
        "subject": "S", "filename": "a.pdf", "objectid_account@odata.bind": account});
    let body = json!({ "Target": target });
    let begun = token(&emulator, "InitializeAnnotationBlocksUpload", body).await;
    let continuation = &begun["FileContinuationToken"];
    let note = format!("annotations({id})");
    assert_eq!(get(&emulator, &note).await.status, 404);
    assert_eq!(
        put_block(&emulator, continuation, "MA==", "aGVsbG8=").await,
        204
    );
    let commit = json!({"Target": target, "BlockList": ["MA=="],
        "FileContinuationToken": continuation});
    let done = token(&emulator, "CommitAnnotationBlocksUpload", commit).await;
    assert_eq!(
        (&done["AnnotationId"], &done["FileSizeInBytes"]),
        (&json!(id), &json!(5))
    );
    let told = get(&emulator, &note).await.json();
    for (name, value) in [
        ("subject", json!("S")),
        ("filename", json!("a.pdf")),
        ("mimetype", json!("application/pdf")),
        ("filesize", json!(5)),
        ("documentbody", json!("aGVsbG8=")),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    let raw = get(&emulator, &format!("{note}/documentbody/$value")).await;
    assert_eq!(
        (raw.header("content-type"), raw.body.as_str()),
        ("text/plain", "aGVsbG8=")
    );

    // A note that exists gets another file.
    let target = json!({"@odata.type": "Microsoft.Dynamics.CRM.annotation", "annotationid": id,
        "filename": "b.txt"});
    let body = json!({ "Target": target });
    let begun = token(&emulator, "InitializeAnnotationBlocksUpload", body.clone()).await;
    let continuation = &begun["FileContinuationToken"];
    put_block(&emulator, continuation, "MA==", "eA==").await;
    let commit = json!({"Target": target, "BlockList": ["MA=="],
        "FileContinuationToken": continuation});
    token(&emulator, "CommitAnnotationBlocksUpload", commit).await;
    let begun = token(&emulator, "InitializeAnnotationBlocksDownload", body).await;
    assert_eq!(
        (&begun["FileName"], &begun["FileSizeInBytes"]),
        (&json!("b.txt"), &json!(1))
    );
    let block = json!({"Offset": 0, "BlockLength": 10,
        "FileContinuationToken": begun["FileContinuationToken"]});
    let block = post(&emulator, "DownloadBlock", &block.to_string()).await;
    assert_eq!(block.json()["Data"], "eA==");
    assert_eq!(get(&emulator, &note).await.json()["subject"], "S");
}

#[tokio::test]
async fn an_attachment_is_a_row_of_its_own() {
    let emulator = emulator();
    let email = create(&emulator, "emails", r#"{"subject":"A"}"#).await;
    let target = json!({"@odata.type": "Microsoft.Dynamics.CRM.activitymimeattachment",
        "subject": "S", "filename": "a.pdf", "mimetype": "application/pdf",
        "objecttypecode": "email", "objectid_email@odata.bind": email});
    let body = json!({ "Target": target });
    let begun = token(&emulator, "InitializeAttachmentBlocksUpload", body).await;
    let continuation = &begun["FileContinuationToken"];
    put_block(&emulator, continuation, "MA==", "aGVsbG8=").await;
    let commit = json!({"Target": target, "BlockList": ["MA=="],
        "FileContinuationToken": continuation});
    let done = token(&emulator, "CommitAttachmentBlocksUpload", commit).await;
    let id = done["ActivityMimeAttachmentId"].as_str().unwrap();
    let told = get(&emulator, &format!("activitymimeattachments({id})")).await;
    assert_eq!(told.json()["body"], "aGVsbG8=");
    // A message of notes takes no attachment.
    let body = json!({"Target": {"@odata.type": "Microsoft.Dynamics.CRM.account"}});
    let wrong = post(
        &emulator,
        "InitializeAnnotationBlocksUpload",
        &body.to_string(),
    )
    .await;
    assert_eq!(wrong.status, 400);
    for body in ["{}", r#"{"Target":{}}"#, r#"{"Target":5}"#, "[", ""] {
        let wrong = post(&emulator, "InitializeAttachmentBlocksDownload", body).await;
        assert_eq!(wrong.status, 400, "{body}");
    }
    assert_eq!(get(&emulator, "UploadBlock").await.status, 404);
}
