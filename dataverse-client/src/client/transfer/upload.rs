//! Uploading.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;

use super::super::Client;
use super::source::Source;
use crate::error::{Error, Result};
use crate::op::{
    BlockId, BlockToken, CommitBlocksUpload, FileColumn, FileTarget, InitializeBlocksUpload,
    MAX_BLOCK, StartUpload, UploadBlock, UploadChunk, UploadFile, UploadSession,
};

/// A file up to this size goes into a column in one request.
const SINGLE_REQUEST: u64 = MAX_BLOCK as u64;

type OnProgress = Box<dyn FnMut(&UploadState) + Send>;

/// An upload of a file.
///
/// Shape: into a column in one request up to 4 MiB; above that in the chunks that the service asks
/// for; in blocks if the length is not known, and for notes and attachments.
/// Units: at most one chunk in memory (4 MiB, unless the service asks for others). The retry
/// policy holds for each chunk.
/// Errors: those of the requests; `is_io` if the reader fails, or holds fewer or more bytes than
/// was said. Until the last chunk is accepted, what the column or note held stays.
///
/// After an error, [`state`](Upload::state) tells where to go on, in this process or, stored, in
/// another:
///
/// ```
/// # use dataverse_client::{Client, FileColumn, UploadState};
/// # use tokio::io::{AsyncRead, AsyncSeek, AsyncSeekExt};
/// # async fn f(client: &Client, contract: FileColumn, mut file: impl AsyncRead + AsyncSeek + Unpin,
/// #     length: u64, stored: UploadState) -> Result<(), Box<dyn std::error::Error>> {
/// file.seek(std::io::SeekFrom::Start(stored.offset())).await?;
/// let mut upload = client
///     .upload(contract, "contract.pdf")
///     .resume(stored)
///     .on_progress(|state| println!("{} of {:?}", state.offset(), state.total()));
/// upload.send(file, Some(length)).await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing is sent before `send`"]
pub struct Upload {
    client: Client,
    to: FileTarget,
    file_name: String,
    media_type: Option<String>,
    on_progress: Option<OnProgress>,
    state: Option<UploadState>,
}

/// How far an upload is. Serialisable; it holds a token that lets the bearer of the org's own
/// token write this file, and nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    /// Path of the column or row.
    to: String,
    file_name: String,
    offset: u64,
    total: Option<u64>,
    session: Session,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Session {
    Chunks(UploadSession),
    Blocks { token: BlockToken, count: u32 },
}

impl UploadState {
    /// How many bytes the service has: where the reader must stand to go on.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes the file has, if it is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

impl fmt::Debug for UploadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadState")
            .field("offset", &self.offset)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Upload {
    pub(super) fn new(client: &Client, to: FileTarget, file_name: String) -> Self {
        Upload {
            client: client.clone(),
            to,
            file_name,
            media_type: None,
            on_progress: None,
            state: None,
        }
    }

    /// The type of the file: `application/pdf`. For notes and attachments; what is in a column
    /// gets its type from the service, by its name.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Calls `callback` whenever a chunk has been accepted.
    pub fn on_progress(mut self, callback: impl FnMut(&UploadState) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Goes on where an upload to the same place stopped.
    pub fn resume(mut self, state: UploadState) -> Self {
        self.state = Some(state);
        self
    }

    /// Where to go on after an error; None if nothing has begun that could be gone on with, and
    /// after the end.
    pub fn state(&self) -> Option<&UploadState> {
        self.state.as_ref()
    }

    /// Uploads what `reader` gives, from byte 0 of the file on, or from
    /// [`offset`](UploadState::offset) when it goes on. `length` is that of the whole file, in
    /// bytes; None if it is not known. Gives the number of bytes of the file.
    ///
    /// Dropped while it waits, [`state`](Upload::state) tells what the service has accepted; a chunk
    /// that had left is sent again when it goes on. If that was the end of the file, the service may
    /// have it all and refuse the repeat: download it, or begin again.
    pub async fn send<R>(&mut self, reader: R, length: Option<u64>) -> Result<u64>
    where
        R: AsyncRead + Unpin,
    {
        let path = self.to.path()?;
        if let Some(state) = &self.state {
            state.check(&path, &self.file_name, length)?;
        }
        let offset = self.state.as_ref().map_or(0, UploadState::offset);
        let mut source = Source::new(reader, offset, length);
        let size = match (&self.to, &self.state, length) {
            (FileTarget::Column(column), None, Some(length)) if length <= SINGLE_REQUEST => {
                let column = column.clone();
                let content = source.chunk(MAX_BLOCK).await?;
                source.end().await?;
                self.send_whole(column, content).await?
            }
            (FileTarget::Column(column), None, Some(length)) => {
                let start = StartUpload::new(column.clone(), self.file_name.clone());
                let session = self.client.execute(&start).await?;
                self.begin(path, Some(length), Session::Chunks(session));
                self.send_chunks(&mut source, length).await?
            }
            (_, Some(state), Some(length)) if matches!(state.session, Session::Chunks(_)) => {
                self.send_chunks(&mut source, length).await?
            }
            (FileTarget::Column(column), None, None) => {
                let column = column.clone();
                let first = source.chunk(MAX_BLOCK).await?;
                if first.len() < MAX_BLOCK {
                    self.send_whole(column, first).await?
                } else {
                    self.send_blocks(&mut source, path, length, first).await?
                }
            }
            _ => {
                let first = source.chunk(MAX_BLOCK).await?;
                self.send_blocks(&mut source, path, length, first).await?
            }
        };
        self.state = None;
        Ok(size)
    }

    async fn send_whole(&mut self, column: FileColumn, content: Bytes) -> Result<u64> {
        let size = content.len() as u64;
        let upload = UploadFile::new(column, self.file_name.clone(), content);
        self.client.execute(&upload).await?;
        Ok(size)
    }

    async fn send_chunks<R>(&mut self, source: &mut Source<R>, total: u64) -> Result<u64>
    where
        R: AsyncRead + Unpin,
    {
        while let Some(state) = &self.state
            && let Session::Chunks(session) = &state.session
            && state.offset < total
        {
            let (session, offset) = (session.clone(), state.offset);
            let size = usize::try_from(session.chunk_size()).unwrap_or(MAX_BLOCK);
            let content = source.chunk(size).await?;
            let end = offset + content.len() as u64;
            if end == total {
                source.end().await?;
            }
            let name = self.file_name.clone();
            let chunk = UploadChunk::new(session, name, offset, total, content);
            self.client.execute(&chunk).await?;
            self.advance(end, 0);
        }
        Ok(total)
    }

    /// `content` is the next block, empty at the end of the file.
    async fn send_blocks<R>(
        &mut self,
        source: &mut Source<R>,
        path: String,
        total: Option<u64>,
        mut content: Bytes,
    ) -> Result<u64>
    where
        R: AsyncRead + Unpin,
    {
        if self.state.is_none() {
            let start = InitializeBlocksUpload::new(self.to.clone(), self.file_name.clone());
            let token = self.client.execute(&start).await?;
            self.begin(path, total, Session::Blocks { token, count: 0 });
        }
        loop {
            let Some(UploadState {
                offset,
                session: Session::Blocks { token, count },
                ..
            }) = &self.state
            else {
                return Err(Error::input(
                    "the stored state is of an upload in chunks; give the length of the file",
                ));
            };
            let (offset, token, count) = (*offset, token.clone(), *count);
            if content.is_empty() {
                source.end().await?;
                let ids = (0..count).map(BlockId::number).collect();
                return self.commit(offset, token, ids).await;
            }
            let end = offset + content.len() as u64;
            let block = UploadBlock::new(token, BlockId::number(count), content);
            self.client.execute(&block).await?;
            self.advance(end, 1);
            content = source.chunk(MAX_BLOCK).await?;
        }
    }

    async fn commit(&mut self, sent: u64, token: BlockToken, ids: Vec<BlockId>) -> Result<u64> {
        let name = self.file_name.clone();
        let mut commit = CommitBlocksUpload::new(self.to.clone(), name, token, ids);
        if let Some(media_type) = &self.media_type {
            commit = commit.media_type(media_type.clone());
        }
        let stored = self.client.execute(&commit).await?;
        if stored.size != sent {
            return Err(Error::decode(format!(
                "{}: {sent} bytes were sent, and the service stored {}",
                self.to, stored.size
            )));
        }
        Ok(sent)
    }

    fn begin(&mut self, to: String, total: Option<u64>, session: Session) {
        self.state = Some(UploadState {
            to,
            file_name: self.file_name.clone(),
            offset: 0,
            total,
            session,
        });
    }

    fn advance(&mut self, offset: u64, blocks: u32) {
        let Some(state) = &mut self.state else {
            return;
        };
        state.offset = offset;
        if let Session::Blocks { count, .. } = &mut state.session {
            *count += blocks;
        }
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(state);
        }
    }
}

impl UploadState {
    /// A stored state goes on only with the file it was of.
    fn check(&self, to: &str, file_name: &str, length: Option<u64>) -> Result<()> {
        if self.to != to || self.file_name != file_name {
            return Err(Error::input(
                "the stored state is of an upload of another file, or to another place",
            ));
        }
        if self.total != length || length.is_some_and(|length| self.offset > length) {
            return Err(Error::input(format!(
                "the stored state is of a file of {:?} bytes, not of {length:?}",
                self.total
            )));
        }
        match &self.session {
            Session::Chunks(session) => session.check(),
            Session::Blocks { .. } => Ok(()),
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("to", &self.to)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
