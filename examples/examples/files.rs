//! Files: a large one goes up in chunks and comes down in ranges; an upload that stopped goes on.
//! Its org is the emulator: `cargo run -p dataverse-examples --example files`.

use dataverse_client::http::FixedToken;
use dataverse_client::{Binary, Client, Entity, FileColumn, Id, New, NoteFile, UploadState};
use dataverse_emulator::Emulator;

/// A table of the product with a file column. `dataverse-codegen generate` writes such tables.
#[derive(Entity, Default)]
#[dataverse(
    table = "msdyn_aibfile",
    set = "msdyn_aibfiles",
    id = "msdyn_aibfileid"
)]
struct AiFile {
    msdyn_aibfileid: Option<Id<AiFile>>,
    msdyn_name: Option<String>,
    msdyn_file: Option<Binary>,
}

/// Notes.
#[derive(Entity, Default)]
#[dataverse(table = "annotation", set = "annotations", id = "annotationid")]
struct Note {
    annotationid: Option<Id<Note>>,
    subject: Option<String>,
}

#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn program(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    let row = client
        .create(New::new().set(AiFile::MSDYN_NAME, "Contract"))
        .await?;
    let contract = FileColumn::of(row, AiFile::MSDYN_FILE);

    // Anything that is `AsyncRead`: a `tokio::fs::File`, or bytes.
    let pdf = vec![b'x'; 10_000_000];
    let length = Some(pdf.len() as u64);
    let mut upload = client
        .upload(contract.clone(), "contract.pdf")
        .on_progress(|state| println!("up: {} of {:?}", state.offset(), state.total()));
    if let Err(error) = upload.send(&pdf[..], length).await {
        // Store this, and go on later, in another process if need be.
        let state: UploadState = upload.state().cloned().ok_or(error)?;
        let rest = &pdf[usize::try_from(state.offset())?..];
        let mut upload = client
            .upload(contract.clone(), "contract.pdf")
            .resume(state);
        upload.send(rest, length).await?;
    }

    let mut bytes = Vec::new();
    let info = client.download(contract).write_to(&mut bytes).await?;
    println!("down: {info:?}, {}", bytes == pdf);

    // A note comes to be with its file.
    let columns = New::new().set(Note::SUBJECT, "Signed");
    let note = NoteFile::note(Id::<Note>::generate()).columns(columns);
    client
        .upload(note, "signature.txt")
        .send(&b"Jane"[..], Some(4))
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder()
        .metadata(std::fs::read(dataverse_examples::online_metadata_file())?)
        .build()?;
    let client = Client::builder(Emulator::URL)?
        .credential(FixedToken::new("the emulator takes any"))
        .transport(emulator)
        .build()?;
    program(&client).await
}
