//! Files: requests, recorded answers, and transfers in pieces.

mod documented;
mod download;
mod requests;
mod upload;

use dataverse_client::{Binary, Column, Entity, FileColumn, Id, NoteFile};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

#[derive(Entity, Default)]
#[dataverse(table = "account", set = "accounts", id = "accountid")]
struct Account {
    accountid: Option<Id<Account>>,
    accountnumber: Option<String>,
    sample_filecolumn: Option<Binary>,
}

#[derive(Entity, Default)]
#[dataverse(table = "annotation", set = "annotations", id = "annotationid")]
struct Annotation {
    annotationid: Option<Id<Annotation>>,
    subject: Option<String>,
}

const FILE: Column<Account, Binary> = Account::SAMPLE_FILECOLUMN;
const PATH: &str = "accounts(11111111-2222-3333-4444-555555555555)/sample_filecolumn";
const ROOT: &str = "https://org.crm.dynamics.com/api/data/v9.2/";

fn column() -> FileColumn {
    FileColumn::of(Id::new(ID), FILE)
}

fn note() -> NoteFile {
    NoteFile::note(Id::<Annotation>::new(ID))
}
