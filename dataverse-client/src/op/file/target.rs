//! What a file belongs to.

use std::borrow::Cow;
use std::fmt;

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::odata::key::row_path;
use crate::schema::{Body, BodyMembers, Column, Entity, KeyKind, RowRef, ToKey};
use crate::value::{Binary, Id};

/// A file or image column of one row.
///
/// ```
/// # use dataverse_client::schema::TableName;
/// # use dataverse_client::{Binary, Column, Entity, FileColumn, Id};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account { accountid: Option<Id<Account>>, new_contract: Option<Binary> }
/// # fn f(id: Id<Account>) {
/// let contract = FileColumn::of(id, Account::NEW_CONTRACT);
/// let same = FileColumn::named(TableName::new("accounts").row(id), "new_contract");
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FileColumn {
    row: RowRef,
    column: Cow<'static, str>,
}

impl FileColumn {
    /// A column of the row that `row` identifies.
    pub fn of<E: Entity, A>(
        row: impl ToKey<Entity = E>,
        column: Column<E, Binary, A>,
    ) -> FileColumn {
        FileColumn::named(RowRef::of::<E>(row), column.logical_name())
    }

    /// A column that is only known at run time, by its logical name.
    ///
    /// Only an upload whose length is not known needs the table's logical name and that of its
    /// primary key.
    pub fn named(row: RowRef, column: impl Into<Cow<'static, str>>) -> FileColumn {
        FileColumn {
            row,
            column: column.into(),
        }
    }

    /// `accounts(…)/new_contract`.
    pub(crate) fn path(&self) -> Result<String> {
        for name in [self.row.table.entity_set(), &self.column] {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_plain) {
                return Err(Error::input(format!(
                    "`{name}` is no name of an entity set or column"
                )));
            }
        }
        let row = row_path(self.row.table.entity_set(), &self.row.key)?;
        Ok(format!("{row}/{}", self.column))
    }

    /// Logical name of the column.
    pub(super) fn column(&self) -> &str {
        &self.column
    }

    /// The row as a block message names it, its members without braces.
    fn row_members(&self) -> Result<String> {
        let table = &self.row.table;
        let names = table.known_logical_name().zip(table.known_primary_id());
        match (names, &self.row.key) {
            (Some((table, primary_id)), KeyKind::Id(id)) => Ok(row_members(table, primary_id, *id)),
            (None, _) => Err(Error::input(format!(
                "{self}: a block message names the table; tell its logical name and primary key \
                 with `TableName`, or give the length of what is uploaded"
            ))),
            (_, KeyKind::Alternate(_)) => Err(Error::input(format!(
                "{self}: a block message names the row by its primary key; give that instead of \
                 an alternate key, or give the length of what is uploaded"
            ))),
        }
    }
}

impl fmt::Display for FileColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of `{}`", self.column, self.row.table.shown())
    }
}

impl fmt::Debug for FileColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.row, self.column)
    }
}

/// The file of a note, or a file that is attached to an activity: a row of its own, which the
/// upload creates or changes.
///
/// ```
/// # use dataverse_client::{Entity, Id, New, NoteFile};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "annotation", set = "annotations", id = "annotationid")]
/// # struct Annotation { annotationid: Option<Id<Annotation>>, subject: Option<String> }
/// // A key that is made here: the row need not exist.
/// let note = NoteFile::note(Id::<Annotation>::generate())
///     .columns(New::new().set(Annotation::SUBJECT, "The contract"));
/// ```
#[derive(Clone, PartialEq)]
pub struct NoteFile {
    table: &'static NoteTable,
    id: Uuid,
    columns: BodyMembers,
}

/// A table whose rows are files.
#[derive(Debug, PartialEq)]
pub(super) struct NoteTable {
    pub(super) logical_name: &'static str,
    pub(super) entity_set: &'static str,
    pub(super) primary_id: &'static str,
    /// As it stands in the names of messages.
    pub(super) message_name: &'static str,
    /// The member of the answer to a commit that holds the key.
    pub(super) answer_id: &'static str,
    /// The column that holds the file as base64.
    pub(super) body: &'static str,
}

const NOTES: NoteTable = NoteTable {
    logical_name: "annotation",
    entity_set: "annotations",
    primary_id: "annotationid",
    message_name: "Annotation",
    answer_id: "AnnotationId",
    body: "documentbody",
};

const ATTACHMENTS: NoteTable = NoteTable {
    logical_name: "activitymimeattachment",
    entity_set: "activitymimeattachments",
    primary_id: "activitymimeattachmentid",
    message_name: "Attachment",
    answer_id: "ActivityMimeAttachmentId",
    body: "body",
};

impl NoteFile {
    /// The file of a note (`annotation`).
    pub fn note<E>(id: Id<E>) -> NoteFile {
        NoteFile::of(&NOTES, id.uuid())
    }

    /// A file that is attached to an activity (`activitymimeattachment`).
    pub fn attachment<E>(id: Id<E>) -> NoteFile {
        NoteFile::of(&ATTACHMENTS, id.uuid())
    }

    fn of(table: &'static NoteTable, id: Uuid) -> NoteFile {
        NoteFile {
            table,
            id,
            columns: BodyMembers::default(),
        }
    }

    /// What else an upload writes: for a new row also what it belongs to
    /// (`objectid_account@odata.bind` of a note; `objectid_activitypointer@odata.bind` and
    /// `objecttypecode` of an attachment). `filename` comes with the upload.
    #[must_use]
    pub fn columns<E, M>(mut self, columns: Body<E, M>) -> NoteFile {
        self.columns = columns.members().clone();
        self
    }

    pub(super) fn table(&self) -> &'static NoteTable {
        self.table
    }

    pub(super) fn members(&self) -> &BodyMembers {
        &self.columns
    }

    /// `annotations(…)`.
    pub(crate) fn path(&self) -> String {
        format!("{}({})", self.table.entity_set, self.id)
    }
}

impl fmt::Debug for NoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq)]
pub enum FileTarget {
    /// In a file or image column.
    Column(FileColumn),
    /// In a note, or attached to an activity.
    Note(NoteFile),
}

impl FileTarget {
    /// The row as a block message names it, its members without braces.
    pub(super) fn row_members(&self) -> Result<String> {
        match self {
            FileTarget::Column(column) => column.row_members(),
            FileTarget::Note(note) => Ok(row_members(
                note.table.logical_name,
                note.table.primary_id,
                note.id,
            )),
        }
    }

    /// `accounts(…)/new_contract`, `annotations(…)`: the same for what is the same.
    pub(crate) fn path(&self) -> Result<String> {
        match self {
            FileTarget::Column(column) => column.path(),
            FileTarget::Note(note) => Ok(note.path()),
        }
    }
}

impl fmt::Display for FileTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileTarget::Column(column) => column.fmt(f),
            FileTarget::Note(note) => write!(f, "`{}`", note.table.logical_name),
        }
    }
}

impl From<FileColumn> for FileTarget {
    fn from(column: FileColumn) -> Self {
        FileTarget::Column(column)
    }
}

impl From<NoteFile> for FileTarget {
    fn from(note: NoteFile) -> Self {
        FileTarget::Note(note)
    }
}

fn row_members(table: &str, primary_id: &str, id: Uuid) -> String {
    format!("\"@odata.type\":\"Microsoft.Dynamics.CRM.{table}\",\"{primary_id}\":\"{id}\"")
}
