//! Files through the client and the emulator together: what a user's program does.

use std::sync::{Arc, Mutex};

use dataverse_client::http::{FixedToken, VirtualClock};
use dataverse_client::{
    Binary, Client, DownloadState, Entity, FileColumn, Id, New, NoteFile, UploadState,
};
use dataverse_emulator::{Emulator, InjectedFault};

use crate::documents::{ONLINE, document};

/// A table of the product with a file column and an image column.
#[derive(Entity, Default)]
#[dataverse(
    table = "msdyn_aibfile",
    set = "msdyn_aibfiles",
    id = "msdyn_aibfileid"
)]
pub(crate) struct AiFile {
    pub(crate) msdyn_aibfileid: Option<Id<AiFile>>,
    pub(crate) msdyn_name: Option<String>,
    pub(crate) msdyn_file: Option<Binary>,
    pub(crate) msdyn_image: Option<Binary>,
}

#[derive(Entity, Default)]
#[dataverse(table = "annotation", set = "annotations", id = "annotationid")]
struct Note {
    annotationid: Option<Id<Note>>,
    subject: Option<String>,
}

async fn org() -> (Client, Emulator, Id<AiFile>) {
    let clock = VirtualClock::default();
    let emulator = Emulator::builder()
        .document(document(ONLINE))
        .clock(clock.clone())
        .build()
        .unwrap();
    let client = Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(emulator.clone())
        .clock(clock)
        .build()
        .unwrap();
    let body = New::new().set(AiFile::MSDYN_NAME, "A");
    let id = client.create(body).await.unwrap();
    (client, emulator, id)
}

/// Every byte there is, differently in every chunk.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at % 251) as u8 ^ (at >> 16) as u8)
        .collect()
}

async fn read(client: &Client, column: FileColumn) -> Vec<u8> {
    let mut bytes = Vec::new();
    let info = client.download(column).write_to(&mut bytes).await.unwrap();
    assert_eq!(info.unwrap().size, Some(bytes.len() as u64));
    bytes
}

#[tokio::test]
async fn ten_megabytes_go_up_and_down_with_lost_answers_on_the_way() {
    let (client, emulator, id) = org().await;
    let column = FileColumn::of(id, AiFile::MSDYN_FILE);
    let file = content(10_000_000);
    let length = file.len() as u64;
    // The first chunk's answer is lost, and a range of the download refused.
    emulator.inject_when(InjectedFault::AnswerLost, 1, |method, target| {
        method == "PATCH" && target.contains("sessiontoken")
    });
    let busy = InjectedFault::Status(http::StatusCode::SERVICE_UNAVAILABLE);
    emulator.inject_when(busy, 2, |method, target| {
        method == "GET" && target.ends_with("$value")
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut upload = client
        .upload(column.clone(), "Verträge.pdf")
        .on_progress(move |state| log.lock().unwrap().push(state.offset()));
    assert_eq!(upload.send(&file[..], Some(length)).await.unwrap(), length);
    assert_eq!(*seen.lock().unwrap(), [4_194_304, 8_388_608, 10_000_000]);
    let mut bytes = Vec::new();
    let info = client.download(column.clone()).write_to(&mut bytes).await;
    let info = info.unwrap().unwrap();
    assert!(bytes == file, "{} bytes", bytes.len());
    assert_eq!(info.file_name.as_deref(), Some("Verträge.pdf"));
    assert_eq!(info.media_type.as_deref(), Some("application/pdf"));

    // Gone, and again with a length that nobody knows.
    client.delete_file(column.clone()).await.unwrap();
    let none = client.download(column.clone()).write_to(Vec::new()).await;
    assert_eq!(none.unwrap(), None);
    let mut upload = client.upload(column.clone(), "a.bin");
    assert_eq!(upload.send(&file[..], None).await.unwrap(), length);
    assert!(read(&client, column).await == file);
}

#[tokio::test]
async fn every_length_around_the_chunks_arrives() {
    let (client, _, id) = org().await;
    let chunk = 4_194_304;
    for length in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk] {
        let file = content(length);
        let column = FileColumn::of(id, AiFile::MSDYN_FILE);
        for told in [Some(length as u64), None] {
            let mut upload = client.upload(column.clone(), "a.bin");
            upload.send(&file[..], told).await.unwrap();
            assert!(read(&client, column.clone()).await == file, "{length}");
            client.delete_file(column.clone()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn transfers_go_on_after_a_stop() {
    let (client, emulator, id) = org().await;
    let column = FileColumn::of(id, AiFile::MSDYN_FILE);
    let file = content(9_000_000);
    let length = Some(file.len() as u64);
    // Neither chunk nor range beyond the first.
    let seen = Arc::new(Mutex::new(0));
    let count = seen.clone();
    emulator.inject_when(InjectedFault::ConnectionRefused, 100, move |_, target| {
        let mut seen = count.lock().unwrap();
        *seen += usize::from(target.contains("sessiontoken"));
        *seen > 1
    });
    let mut upload = client.upload(column.clone(), "a.bin");
    let error = upload.send(&file[..], length).await.unwrap_err();
    assert!(
        error.attempts() > 1 && !error.is_outcome_unknown(),
        "{error}"
    );
    let stored = serde_json::to_string(upload.state().unwrap()).unwrap();
    drop(upload);

    // What is left of the faults goes by.
    while client.retrieve::<AiFile>(id).await.is_err() {}
    let state: UploadState = serde_json::from_str(&stored).unwrap();
    let rest = &file[state.offset() as usize..];
    let mut upload = client.upload(column.clone(), "a.bin").resume(state);
    upload.send(rest, length).await.unwrap();

    let mut download = client.download(column.clone()).on_progress(|_| {});
    let mut part = Vec::new();
    emulator.inject_when(InjectedFault::ConnectionRefused, 100, {
        let first = Mutex::new(true);
        move |_, target| target.contains("$value") && !std::mem::take(&mut *first.lock().unwrap())
    });
    download.write_to(&mut part).await.unwrap_err();
    let stored = serde_json::to_string(download.state().unwrap()).unwrap();
    let state: DownloadState = serde_json::from_str(&stored).unwrap();
    assert_eq!((state.offset(), part.len()), (4_194_304, 4_194_304));
    let mut tries = 0;
    loop {
        let mut download = client.download(column.clone()).resume(state.clone());
        if download.write_to(&mut part).await.is_ok() {
            break;
        }
        tries += 1;
        // Its retry budget is used up, so each try is one request.
        assert!(tries < 200);
    }
    assert!(part == file);
}

#[tokio::test]
async fn images_and_notes_are_files_too() {
    let (client, _, id) = org().await;
    let image = FileColumn::of(id, AiFile::MSDYN_IMAGE);
    client
        .upload(image.clone(), "a.gif")
        .send(&b"GIF89a"[..], Some(6))
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let mut download = client.download(image).full_size();
    let info = download.write_to(&mut bytes).await.unwrap().unwrap();
    assert_eq!(bytes, b"GIF89a");
    assert_eq!(info.media_type.as_deref(), Some("image/gif"));
    let row = client.retrieve::<AiFile>(id).await.unwrap();
    let thumbnail = row.msdyn_image.as_ref().and_then(Binary::to_bytes);
    assert_eq!(thumbnail.as_deref(), Some(&b"GIF89a"[..]));

    let file = content(5_000_000);
    let id = Id::<Note>::generate();
    let note = NoteFile::note(id).columns(New::new().set(Note::SUBJECT, "The contract"));
    let mut upload = client.upload(note.clone(), "a.bin");
    upload.send(&file[..], None).await.unwrap();
    let row = client.retrieve::<Note>(id).await.unwrap();
    assert_eq!(row.subject.as_deref(), Some("The contract"));
    let mut bytes = Vec::new();
    let info = client.download(note.clone()).write_to(&mut bytes).await;
    assert_eq!(info.unwrap().unwrap().file_name.as_deref(), Some("a.bin"));
    assert!(bytes == file);
    // The same through its column, as base64.
    let whole = client.call(dataverse_client::DownloadBody::new(note)).await;
    assert!(whole.unwrap().unwrap() == file);
    // An empty one.
    let note = NoteFile::note(Id::<Note>::generate());
    client
        .upload(note.clone(), "empty.txt")
        .send(&b""[..], Some(0))
        .await
        .unwrap();
    let info = client.download(note).write_to(Vec::new()).await.unwrap();
    assert_eq!(info.unwrap().size, Some(0));
}
