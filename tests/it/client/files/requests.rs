//! The exact bytes of each operation.

use dataverse_client::schema::TableName;
use dataverse_client::{
    Batch, BlockId, BlockToken, CommitBlocksUpload, DeleteFile, DownloadBlock, DownloadBody,
    DownloadFile, FileColumn, Id, InitializeBlocksDownload, InitializeBlocksUpload, MAX_BLOCK, New,
    NoteFile, Operation, Request, StartUpload, Target, UploadBlock, UploadChunk, UploadFile,
    UploadSession,
};

use super::{Account, Annotation, ID, PATH, column, note};

/// Verb, path, headers and body, a line each.
fn sent(operation: &impl Operation) -> String {
    let request: Request = operation.request().unwrap();
    let (Target::Path(target) | Target::Link(target)) = &request.target;
    let mut lines = vec![format!("{} {target}", request.method)];
    for (name, value) in &request.headers {
        lines.push(format!("{name}: {}", value.to_str().unwrap()));
    }
    lines.push(String::from_utf8(request.body.to_vec()).unwrap());
    lines.join("\n")
}

fn refusal(operation: &impl Operation) -> String {
    let error = operation.request().unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    error.to_string()
}

fn token() -> BlockToken {
    serde_json::from_str("\"the token\"").unwrap()
}

fn session() -> UploadSession {
    serde_json::from_str(r#"{"location":"https://org/x?sessiontoken=a%2Fb","chunk_size":4}"#)
        .unwrap()
}

#[test]
fn an_ascii_name_is_a_header_and_any_other_a_parameter() {
    assert_eq!(
        sent(&UploadFile::new(column(), "a b.txt", "content")),
        format!(
            "PATCH {PATH}\ncontent-type: application/octet-stream\n\
             x-ms-file-name: a b.txt\ncontent"
        )
    );
    assert_eq!(
        sent(&UploadFile::new(column(), "Verträge & 'x'.txt", "")),
        format!(
            "PATCH {PATH}?x-ms-file-name=Vertr%C3%A4ge%20%26%20'x'.txt\n\
             content-type: application/octet-stream\n"
        )
    );
}

#[test]
fn names_that_are_only_known_at_run_time_are_checked() {
    let named = FileColumn::named(TableName::new("accounts").row(ID), "sample_filecolumn");
    assert_eq!(
        sent(&DownloadFile::new(named)),
        format!("GET {PATH}/$value\n")
    );
    for (set, name) in [
        ("accounts", ""),
        ("accounts", "a/b"),
        ("accounts(x)", "a"),
        ("accounts", "a?x"),
    ] {
        let operation = DownloadFile::new(FileColumn::named(TableName::new(set).row(ID), name));
        assert!(refusal(&operation).contains("no name of"), "{set} {name}");
    }
}

#[test]
fn a_row_can_be_named_by_an_alternate_key() {
    let column = FileColumn::of(Account::ACCOUNTNUMBER.key("A 1"), super::FILE);
    assert_eq!(
        sent(&DownloadFile::new(column.clone())),
        "GET accounts(accountnumber='A%201')/sample_filecolumn/$value\n"
    );
    assert_eq!(format!("{column:?}"), "accounts(…)/sample_filecolumn");
    // Block messages name rows by their primary key.
    assert!(refusal(&InitializeBlocksUpload::new(column, "a")).contains("alternate key"));
    let accounts = TableName::new("accounts");
    let blocks = InitializeBlocksUpload::new(FileColumn::named(accounts.row(ID), "x"), "a");
    assert!(refusal(&blocks).contains("TableName"));
    let accounts = accounts.logical_name("account").primary_id("accountid");
    let blocks = InitializeBlocksUpload::new(FileColumn::named(accounts.row(ID), "x"), "a");
    assert!(sent(&blocks).contains("\"accountid\":\"11111111"));
}

#[test]
fn chunks_name_their_range() {
    assert_eq!(
        sent(&StartUpload::new(column(), "25 mb.pdf")),
        format!("PATCH {PATH}?x-ms-file-name=25%20mb.pdf\nx-ms-transfer-mode: chunked\n")
    );
    assert_eq!(
        sent(&UploadChunk::new(session(), "a.pdf", 4, 10, "5678")),
        "PATCH https://org/x?sessiontoken=a%2Fb\ncontent-range: bytes 4-7/10\n\
         content-type: application/octet-stream\nx-ms-file-name: a.pdf\n5678"
    );
    // A name that is not ASCII was told when the upload began.
    let chunk = UploadChunk::new(session(), "ä.pdf", 0, 4, "1234");
    assert!(!sent(&chunk).contains("x-ms-file-name"));
    for (offset, total, content) in [(8, 10, "123"), (0, 10, ""), (u64::MAX, 10, "1")] {
        let chunk = UploadChunk::new(session(), "a", offset, total, content);
        assert!(refusal(&chunk).contains("a chunk of"));
    }
}

#[test]
fn downloads_ask_for_ranges_and_sizes() {
    assert_eq!(
        sent(&DownloadFile::new(column()).full_size().range(10, 5)),
        format!("GET {PATH}/$value?size=full\nrange: bytes=10-14\n")
    );
    assert!(refusal(&DownloadFile::new(column()).range(0, 0)).contains("at least one"));
    assert!(refusal(&DownloadFile::new(column()).range(u64::MAX, 2)).contains("range"));
    assert_eq!(
        sent(&DownloadBody::new(note())),
        "GET annotations(11111111-2222-3333-4444-555555555555)/documentbody/$value\n\
         accept: text/plain\n"
    );
}

#[test]
fn a_delete_names_the_column_or_the_file() {
    assert_eq!(sent(&DeleteFile::new(column())), format!("DELETE {PATH}\n"));
    assert_eq!(
        sent(&DeleteFile::by_id(ID)),
        "POST DeleteFile\ncontent-type: application/json\n\
         {\"FileId\":\"11111111-2222-3333-4444-555555555555\"}"
    );
}

#[test]
fn blocks_of_a_column() {
    let row = "{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\
               \"accountid\":\"11111111-2222-3333-4444-555555555555\"}";
    let post =
        |name: &str, body: &str| format!("POST {name}\ncontent-type: application/json\n{{{body}}}");
    assert_eq!(
        sent(&InitializeBlocksUpload::new(column(), "a.pdf")),
        post(
            "InitializeFileBlocksUpload",
            &format!(
                "\"Target\":{row},\"FileAttributeName\":\"sample_filecolumn\",\
                 \"FileName\":\"a.pdf\""
            )
        )
    );
    assert_eq!(
        sent(&UploadBlock::new(token(), BlockId::number(1), "abc")),
        post(
            "UploadBlock",
            "\"BlockId\":\"MDAwMDAwMDAwMQ==\",\"BlockData\":\"YWJj\",\
             \"FileContinuationToken\":\"the token\""
        )
    );
    let ids = vec![BlockId::number(0), BlockId::number(10)];
    assert_eq!(
        sent(&CommitBlocksUpload::new(column(), "a.pdf", token(), ids)),
        post(
            "CommitFileBlocksUpload",
            "\"FileName\":\"a.pdf\",\"MimeType\":\"application/octet-stream\",\
             \"BlockList\":[\"MDAwMDAwMDAwMA==\",\"MDAwMDAwMDAxMA==\"],\
             \"FileContinuationToken\":\"the token\""
        )
    );
    assert_eq!(
        sent(&InitializeBlocksDownload::new(column())),
        post(
            "InitializeFileBlocksDownload",
            &format!("\"Target\":{row},\"FileAttributeName\":\"sample_filecolumn\"")
        )
    );
    assert_eq!(
        sent(&DownloadBlock::new(token(), 4, 10)),
        post(
            "DownloadBlock",
            "\"Offset\":4,\"BlockLength\":10,\"FileContinuationToken\":\"the token\""
        )
    );
    for bytes in [0, MAX_BLOCK + 1] {
        let block = UploadBlock::new(token(), BlockId::number(0), vec![0; bytes]);
        assert!(refusal(&block).contains("a block has 1 to"));
    }
}

#[test]
fn a_note_comes_with_its_columns() {
    let columns = New::new()
        .set(Annotation::SUBJECT, "The contract")
        .bind_named("objectid_account", Id::<Account>::new(ID));
    let note = note().columns(columns);
    let row = "{\"@odata.type\":\"Microsoft.Dynamics.CRM.annotation\",\
        \"annotationid\":\"11111111-2222-3333-4444-555555555555\",\"filename\":\"a.pdf\",\
        \"subject\":\"The contract\",\
        \"objectid_account@odata.bind\":\"accounts(11111111-2222-3333-4444-555555555555)\"}";
    assert_eq!(
        sent(&InitializeBlocksUpload::new(note.clone(), "a.pdf")),
        format!(
            "POST InitializeAnnotationBlocksUpload\ncontent-type: application/json\n\
             {{\"Target\":{row}}}"
        )
    );
    let commit = CommitBlocksUpload::new(note, "a.pdf", token(), vec![BlockId::number(0)])
        .media_type("application/pdf");
    let row = row.replace("\"a.pdf\",", "\"a.pdf\",\"mimetype\":\"application/pdf\",");
    assert_eq!(
        sent(&commit),
        format!(
            "POST CommitAnnotationBlocksUpload\ncontent-type: application/json\n\
             {{\"Target\":{row},\"BlockList\":[\"MDAwMDAwMDAwMA==\"],\
             \"FileContinuationToken\":\"the token\"}}"
        )
    );
    // What the columns say goes first.
    let own = New::<Annotation>::new().set_named("filename", "own.pdf".to_owned());
    let own = NoteFile::attachment(Id::<Annotation>::new(ID)).columns(own);
    let text = sent(&InitializeBlocksUpload::new(own, "a.pdf"));
    assert!(text.contains("InitializeAttachmentBlocksUpload"), "{text}");
    assert!(text.contains("\"filename\":\"own.pdf\"") && !text.contains("a.pdf\",\"f"));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    for name in ["", "  ", "a\nb", "a\0"] {
        assert!(refusal(&UploadFile::new(column(), name, "x")).contains("a file name"));
        assert!(refusal(&StartUpload::new(column(), name)).contains("a file name"));
        assert!(refusal(&InitializeBlocksUpload::new(note(), name)).contains("a file name"));
    }
    let large = UploadFile::new(column(), "a", vec![0; 128 << 20]);
    assert!(refusal(&large).contains("Client::upload"));
    let mut batch = Batch::new();
    let _ = batch.add(UploadFile::new(column(), "a", "x"));
    assert!(refusal(&batch).contains("not in a batch"));
}

#[test]
fn debug_shows_no_content_and_no_token() {
    let text = format!(
        "{:?} {:?} {:?} {:?}",
        UploadFile::new(column(), "a", "secret content"),
        UploadChunk::new(session(), "a", 0, 4, "secr"),
        UploadBlock::new(token(), BlockId::number(0), "secret"),
        session()
    );
    for hidden in ["secr", "sessiontoken", "the token"] {
        assert!(!text.contains(hidden), "{text}");
    }
}
