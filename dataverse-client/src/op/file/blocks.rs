//! Files in blocks: what notes and attachments take, and uploads whose length is not known.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::upload::check_file_name;
use super::{FileInfo, FileTarget};
use crate::error::{Error, Result};
use crate::odata::body::write_object;
use crate::odata::{Request, Response};
use crate::op::{Answer, Operation, Replay, Scope};
use crate::schema::AnyRow;
use crate::value::json::write_string;
use crate::value::{Binary, Value};

/// The most bytes of a block.
/// Source: Microsoft Learn, "Use file column data", section "Upload files", 2024.
pub const MAX_BLOCK: usize = 4 << 20;

/// Stands for an upload or download in blocks until it is finished. Can be stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockToken(String);

impl fmt::Debug for BlockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockToken(…)")
    }
}

/// Names a block within its upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockId(String);

impl BlockId {
    /// The block with this number. The service wants ids of one length, in base64.
    pub fn number(number: u32) -> Self {
        BlockId(STANDARD.encode(format!("{number:010}")))
    }
}

/// Begins to upload a file in blocks. Until the commit, nothing changes.
///
/// Shape: `POST InitializeFileBlocksUpload`, `POST InitializeAnnotationBlocksUpload` or
/// `POST InitializeAttachmentBlocksUpload`; the body names the row and, for a new one, its columns.
/// Source: Microsoft Learn, "Use file column data"; "Use file data with Attachment and Note
/// records".
#[derive(Debug, Clone)]
pub struct InitializeBlocksUpload {
    target: FileTarget,
    file_name: String,
}

impl InitializeBlocksUpload {
    /// Begins an upload to `target`.
    pub fn new(target: impl Into<FileTarget>, file_name: impl Into<String>) -> Self {
        InitializeBlocksUpload {
            target: target.into(),
            file_name: file_name.into(),
        }
    }
}

impl Operation for InitializeBlocksUpload {
    type Output = BlockToken;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        check_file_name(&self.file_name)?;
        let mut body = Members::default();
        body.json(
            "Target",
            &target_row(&self.target, &self.file_name, None, scope)?,
        );
        if let FileTarget::Column(column) = &self.target {
            body.value("FileAttributeName", &column.column().to_owned());
            body.value("FileName", &self.file_name);
        }
        Ok(body.post(&message("Initialize", &self.target, "BlocksUpload")))
    }

    fn decode(&self, response: &Response) -> Result<BlockToken> {
        token(&answer(response)?)
    }

    fn replay(&self) -> Replay {
        // A second token leaves the first to expire.
        Replay::Safe
    }
}

/// Uploads one block. Blocks may go in any order, and several at once.
///
/// Shape: `POST UploadBlock`, the bytes as base64.
/// Units: at most 4 MiB, [`MAX_BLOCK`].
/// Source: Microsoft Learn, "Use file column data", section "Upload files".
#[derive(Clone)]
pub struct UploadBlock {
    token: BlockToken,
    id: BlockId,
    content: Bytes,
}

impl UploadBlock {
    /// The block `id` of the upload that `token` stands for.
    pub fn new(token: BlockToken, id: BlockId, content: impl Into<Bytes>) -> Self {
        UploadBlock {
            token,
            id,
            content: content.into(),
        }
    }
}

impl fmt::Debug for UploadBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadBlock")
            .field("id", &self.id)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl Operation for UploadBlock {
    type Output = ();

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        if self.content.is_empty() || self.content.len() > MAX_BLOCK {
            return Err(Error::input(format!(
                "a block of {} bytes: a block has 1 to {MAX_BLOCK}",
                self.content.len()
            )));
        }
        let mut body = Members::default();
        body.value("BlockId", &self.id.0);
        body.value("BlockData", &Binary::from_bytes(&self.content));
        body.value("FileContinuationToken", &self.token.0);
        Ok(body.post("UploadBlock"))
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        // A repeat names the same block.
        Replay::Safe
    }
}

/// Makes a file of the blocks that were uploaded: the last step.
///
/// Shape: `POST CommitFileBlocksUpload`, `POST CommitAnnotationBlocksUpload` or
/// `POST CommitAttachmentBlocksUpload`, the ids of the blocks in their order.
/// Errors: `is_outcome_unknown` if no answer came: the commit is not repeated.
/// Source: Microsoft Learn, "Use file column data"; "Use file data with Attachment and Note
/// records".
#[derive(Debug, Clone)]
pub struct CommitBlocksUpload {
    target: FileTarget,
    file_name: String,
    media_type: Option<String>,
    token: BlockToken,
    ids: Vec<BlockId>,
}

impl CommitBlocksUpload {
    /// Makes a file of the blocks `ids`, in this order.
    pub fn new(
        target: impl Into<FileTarget>,
        file_name: impl Into<String>,
        token: BlockToken,
        ids: Vec<BlockId>,
    ) -> Self {
        CommitBlocksUpload {
            target: target.into(),
            file_name: file_name.into(),
            media_type: None,
            token,
            ids,
        }
    }

    /// `application/pdf`.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }
}

/// A file that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFile {
    /// The id of the file, or of the note or attachment.
    pub id: Uuid,
    /// How many bytes it has.
    pub size: u64,
}

impl Operation for CommitBlocksUpload {
    type Output = StoredFile;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        check_file_name(&self.file_name)?;
        let mut body = Members::default();
        let media_type = self.media_type.as_deref();
        match &self.target {
            FileTarget::Column(_) => {
                body.value("FileName", &self.file_name);
                // The message wants a type; this is the one for anything.
                let media_type = media_type.unwrap_or("application/octet-stream");
                body.value("MimeType", &media_type.to_owned());
            }
            FileTarget::Note(_) => body.json(
                "Target",
                &target_row(&self.target, &self.file_name, media_type, scope)?,
            ),
        }
        let ids: Vec<String> = self.ids.iter().map(|id| id.0.clone()).collect();
        body.value("BlockList", &ids);
        body.value("FileContinuationToken", &self.token.0);
        Ok(body.post(&message("Commit", &self.target, "BlocksUpload")))
    }

    fn decode(&self, response: &Response) -> Result<StoredFile> {
        let answer = answer(response)?;
        let id = match &self.target {
            FileTarget::Column(_) => "FileId",
            FileTarget::Note(note) => note.table().answer_id,
        };
        Ok(StoredFile {
            id: needed(&answer, id)?,
            size: size(&answer)?,
        })
    }

    fn replay(&self) -> Replay {
        Replay::IfRefused
    }
}

/// Begins to download a file in blocks.
///
/// Shape: `POST InitializeFileBlocksDownload`, `POST InitializeAnnotationBlocksDownload` or
/// `POST InitializeAttachmentBlocksDownload`.
/// Source: Microsoft Learn, "Use file column data"; "Use file data with Attachment and Note
/// records".
#[derive(Debug, Clone)]
pub struct InitializeBlocksDownload(FileTarget);

impl InitializeBlocksDownload {
    /// Begins a download from `target`.
    pub fn new(target: impl Into<FileTarget>) -> Self {
        InitializeBlocksDownload(target.into())
    }
}

/// A download in blocks that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockDownload {
    /// Stands for the download.
    pub token: BlockToken,
    /// Name and size; the media type is not told.
    pub info: FileInfo,
    /// If false, the file comes as one block only.
    pub is_chunking_supported: bool,
}

impl Operation for InitializeBlocksDownload {
    type Output = BlockDownload;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut body = Members::default();
        body.json("Target", &format!("{{{}}}", self.0.row_members()?));
        if let FileTarget::Column(column) = &self.0 {
            body.value("FileAttributeName", &column.column().to_owned());
        }
        Ok(body.post(&message("Initialize", &self.0, "BlocksDownload")))
    }

    fn decode(&self, response: &Response) -> Result<BlockDownload> {
        let answer = answer(response)?;
        Ok(BlockDownload {
            token: token(&answer)?,
            info: FileInfo {
                file_name: answer.get("FileName")?,
                size: Some(size(&answer)?),
                media_type: None,
            },
            is_chunking_supported: answer.get("IsChunkingSupported")?.unwrap_or(true),
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }

    fn only_reads(&self) -> bool {
        true
    }
}

/// Reads one block of a file.
///
/// Shape: `POST DownloadBlock`; the answer holds base64.
/// Source: Microsoft Learn, "Use file column data", section "Download files".
#[derive(Debug, Clone)]
pub struct DownloadBlock {
    token: BlockToken,
    offset: u64,
    length: u64,
}

impl DownloadBlock {
    /// `length` bytes from byte `offset` on, or as many as there are.
    pub fn new(token: BlockToken, offset: u64, length: u64) -> Self {
        DownloadBlock {
            token,
            offset,
            length,
        }
    }
}

impl Operation for DownloadBlock {
    type Output = Bytes;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut body = Members::default();
        body.json("Offset", &self.offset.to_string());
        body.json("BlockLength", &self.length.to_string());
        body.value("FileContinuationToken", &self.token.0);
        Ok(body.post("DownloadBlock"))
    }

    fn decode(&self, response: &Response) -> Result<Bytes> {
        let answer = answer(response)?;
        let data: Binary = needed(&answer, "Data")?;
        let bytes = data
            .to_bytes()
            .ok_or_else(|| Error::decode("the `Data` of a block is not base64"))?;
        if bytes.len() as u64 > self.length {
            return Err(Error::decode(format!(
                "a block of {} bytes came, and {} were asked for",
                bytes.len(),
                self.length
            )));
        }
        Ok(bytes.into())
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }

    fn only_reads(&self) -> bool {
        true
    }
}

/// The members of a message's body.
#[derive(Default)]
struct Members(String);

impl Members {
    fn json(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        write_string(name, &mut self.0);
        self.0.push(':');
        self.0.push_str(json);
    }

    fn value(&mut self, name: &str, value: &impl Value) {
        let mut json = String::new();
        value.write_json(&mut json);
        self.json(name, &json);
    }

    fn post(mut self, message: &str) -> Request {
        self.0.push('}');
        Request::new(Method::POST, message).json(self.0)
    }
}

/// `InitializeAnnotationBlocksUpload`.
fn message(before: &str, target: &FileTarget, behind: &str) -> String {
    let of = match target {
        FileTarget::Column(_) => "File",
        FileTarget::Note(note) => note.table().message_name,
    };
    format!("{before}{of}{behind}")
}

/// The row as an upload names it; a note with its columns, since it may be new.
fn target_row(
    target: &FileTarget,
    file_name: &str,
    media_type: Option<&str>,
    scope: &Scope<'_>,
) -> Result<String> {
    let mut first = target.row_members()?;
    let FileTarget::Note(note) = target else {
        return Ok(format!("{{{first}}}"));
    };
    let members = note.members();
    for (name, value) in [("filename", Some(file_name)), ("mimetype", media_type)] {
        if let Some(value) = value
            && !members.has(name)
        {
            first.push_str(&format!(",\"{name}\":"));
            write_string(value, &mut first);
        }
    }
    write_object(&first, members, scope)
}

fn answer(response: &Response) -> Result<AnyRow> {
    <AnyRow as Answer>::read(&response.success()?.body)
}

fn needed<T: Value>(answer: &AnyRow, name: &str) -> Result<T> {
    answer
        .get(name)?
        .ok_or_else(|| Error::decode(format!("the answer has no `{name}`")))
}

fn token(answer: &AnyRow) -> Result<BlockToken> {
    needed(answer, "FileContinuationToken").map(BlockToken)
}

fn size(answer: &AnyRow) -> Result<u64> {
    let size: i64 = needed(answer, "FileSizeInBytes")?;
    u64::try_from(size)
        .map_err(|error| Error::decode("`FileSizeInBytes` is negative").with_source(error))
}
