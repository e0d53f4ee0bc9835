//! A file in chunks.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::FileColumn;
use super::upload::{FILE_NAME, OCTET_STREAM, ascii_header, check_alone, check_file_name};
use crate::error::{Error, Result};
use crate::odata::url::encode;
use crate::odata::{Request, Response, Target};
use crate::op::{AfterDoubt, Operation, Replay, Scope};

const TRANSFER_MODE: HeaderName = HeaderName::from_static("x-ms-transfer-mode");
const CHUNK_SIZE: HeaderName = HeaderName::from_static("x-ms-chunk-size");

/// The size of a chunk if the service does not tell it.
/// Source: Microsoft Learn, "Use file column data", section "Upload files", 2024.
const DEFAULT_CHUNK: u64 = 4 << 20;

/// Chunks are held in memory: a larger one is not believed.
const MAX_CHUNK: u64 = 64 << 20;

/// Begins to upload a file in chunks. Until the last chunk has come, the column keeps what it has.
///
/// Shape: `PATCH accounts(<id>)/new_contract?x-ms-file-name=25mb.pdf` with
/// `x-ms-transfer-mode: chunked` and no body.
/// Source: Microsoft Learn, "Use file column data", section "Upload files".
#[derive(Debug, Clone)]
pub struct StartUpload {
    column: FileColumn,
    file_name: String,
}

impl StartUpload {
    /// Begins an upload into `column`.
    pub fn new(column: FileColumn, file_name: impl Into<String>) -> Self {
        StartUpload {
            column,
            file_name: file_name.into(),
        }
    }
}

/// Where the chunks of an upload go. Can be stored: another process goes on with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadSession {
    location: String,
    chunk_size: u64,
}

impl UploadSession {
    /// How many bytes every chunk but the last has.
    pub fn chunk_size(&self) -> u64 {
        self.chunk_size
    }

    /// Whether a stored session is one that this crate would have stored.
    pub(crate) fn check(&self) -> Result<()> {
        match self.chunk_size {
            1..=MAX_CHUNK => Ok(()),
            _ => Err(Error::decode(format!(
                "the service asks for chunks of {} bytes; 1 to {MAX_CHUNK} are possible here",
                self.chunk_size
            ))),
        }
    }
}

impl fmt::Debug for UploadSession {
    /// Without the link: it holds a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadSession")
            .field("chunk_size", &self.chunk_size)
            .finish_non_exhaustive()
    }
}

impl Operation for StartUpload {
    type Output = UploadSession;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        check_alone(scope)?;
        check_file_name(&self.file_name)?;
        let mut path = self.column.path()?;
        path.push_str("?x-ms-file-name=");
        encode(&self.file_name, &mut path);
        Ok(Request::new(Method::PATCH, path)
            .header(TRANSFER_MODE, HeaderValue::from_static("chunked")))
    }

    fn decode(&self, response: &Response) -> Result<UploadSession> {
        let response = response.success()?;
        let location = response.text_of(&LOCATION).ok_or_else(|| {
            Error::decode(format!(
                "an upload of {}: the service accepted it and gave no `Location` to send chunks to",
                self.column
            ))
        })?;
        let chunk_size = match response.text_of(&CHUNK_SIZE) {
            None => DEFAULT_CHUNK,
            Some(text) => text.trim().parse().map_err(|error| {
                Error::decode("the header `x-ms-chunk-size` is no number").with_source(error)
            })?,
        };
        let session = UploadSession {
            location: location.to_owned(),
            chunk_size,
        };
        session.check()?;
        Ok(session)
    }

    fn replay(&self) -> Replay {
        // A second session leaves the first to expire.
        Replay::Safe
    }
}

/// Uploads one chunk; chunks go in order.
///
/// Shape: `PATCH <the session's link>` with `Content-Range: bytes 0-4194303/25870370`.
/// Errors: `is_outcome_unknown` if the last chunk got no answer and its repeat was refused.
/// Source: Microsoft Learn, "Use file column data", section "Upload files".
#[derive(Clone)]
pub struct UploadChunk {
    session: UploadSession,
    file_name: String,
    offset: u64,
    total: u64,
    content: Bytes,
}

impl UploadChunk {
    /// The chunk that begins at byte `offset` of a file of `total` bytes.
    pub fn new(
        session: UploadSession,
        file_name: impl Into<String>,
        offset: u64,
        total: u64,
        content: impl Into<Bytes>,
    ) -> Self {
        UploadChunk {
            session,
            file_name: file_name.into(),
            offset,
            total,
            content: content.into(),
        }
    }

    /// The byte after the chunk; None if there is no such file.
    fn end(&self) -> Option<u64> {
        let end = self.offset.checked_add(self.content.len() as u64)?;
        (end <= self.total && !self.content.is_empty()).then_some(end)
    }

    fn is_last(&self) -> bool {
        self.end() == Some(self.total)
    }
}

/// What the service says to a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkOutcome {
    /// It waits for the next.
    More,
    /// It has the whole file, and the column holds it.
    Done,
}

impl fmt::Debug for UploadChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadChunk")
            .field("offset", &self.offset)
            .field("bytes", &self.content.len())
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Operation for UploadChunk {
    type Output = ChunkOutcome;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        check_alone(scope)?;
        let end = self.end().ok_or_else(|| {
            Error::input(format!(
                "a chunk of {} bytes at byte {} of {}: it is empty, or the file ends before",
                self.content.len(),
                self.offset,
                self.total
            ))
        })?;
        let range = format!("bytes {}-{}/{}", self.offset, end - 1, self.total);
        let range = HeaderValue::from_str(&range)
            .map_err(|error| Error::input("the range of a chunk").with_source(error))?;
        let mut request = Request::new(Method::PATCH, "")
            .header(CONTENT_RANGE, range)
            .header(CONTENT_TYPE, OCTET_STREAM);
        if let Some(header) = ascii_header(&self.file_name) {
            request = request.header(FILE_NAME, header);
        }
        request.target = Target::Link(self.session.location.clone());
        request.body = self.content.clone();
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<ChunkOutcome> {
        let outcome = match response.success()?.status {
            StatusCode::PARTIAL_CONTENT => ChunkOutcome::More,
            _ => ChunkOutcome::Done,
        };
        match (outcome, self.is_last()) {
            (ChunkOutcome::More, false) | (ChunkOutcome::Done, true) => Ok(outcome),
            (ChunkOutcome::More, true) => Err(Error::decode(format!(
                "all {} bytes of a file were sent, and the service waits for more",
                self.total
            ))),
            (ChunkOutcome::Done, false) => Err(Error::decode(format!(
                "the service ended an upload before byte {} of {}: what the column holds is not \
                 the file",
                self.end().unwrap_or_default(),
                self.total
            ))),
        }
    }

    fn replay(&self) -> Replay {
        // A repeat names the same bytes.
        Replay::Confirm
    }

    fn after_doubt(&self, _: &Error) -> AfterDoubt<ChunkOutcome> {
        // A session that is finished refuses its last chunk; one that has expired does, too.
        match self.is_last() {
            true => AfterDoubt::Unknown,
            false => AfterDoubt::Stands,
        }
    }
}
