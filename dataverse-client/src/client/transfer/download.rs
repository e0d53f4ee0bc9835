//! Downloading.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::super::Client;
use crate::error::{Error, Result};
use crate::op::{
    DownloadBlock, DownloadFile, FileColumn, FileContent, FileInfo, FileTarget,
    InitializeBlocksDownload, MAX_BLOCK, NoteFile,
};

type OnProgress = Box<dyn FnMut(&DownloadState) + Send>;

/// A download of a file.
///
/// Shape: of a column in ranges of 4 MiB; of a note or attachment in blocks of as much.
/// Units: at most one chunk in memory, unless the service sends more at once.
/// Errors: those of the requests; `is_io` if the writer fails; `is_decode` if what comes is not
/// the whole file, or the file changed meanwhile.
///
/// After an error, [`state`](Download::state) tells where to go on, in this process or, stored, in
/// another. The writer must then stand at [`offset`](DownloadState::offset): a piece that failed
/// may have been written in part.
///
/// ```
/// # use dataverse_client::{Client, DownloadState, FileColumn};
/// # async fn f(client: &Client, photo: FileColumn, rest: Vec<u8>, stored: DownloadState)
/// # -> dataverse_client::Result<()> {
/// let mut file = rest;
/// let mut download = client.download(photo).full_size().resume(stored);
/// download.write_to(&mut file).await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing is read before `write_to`"]
pub struct Download {
    client: Client,
    from: FileTarget,
    full_size: bool,
    on_progress: Option<OnProgress>,
    state: Option<DownloadState>,
}

/// How far a download is. Serialisable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadState {
    /// Path of the column or row.
    from: String,
    full_size: bool,
    offset: u64,
    info: FileInfo,
}

impl DownloadState {
    /// How many bytes were written.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes the file has.
    pub fn total(&self) -> u64 {
        self.info.size.unwrap_or(self.offset)
    }

    /// What is told of the file.
    pub fn info(&self) -> &FileInfo {
        &self.info
    }

    fn left(&self) -> u64 {
        self.total().saturating_sub(self.offset)
    }
}

impl Download {
    pub(super) fn new(client: &Client, from: FileTarget) -> Self {
        Download {
            client: client.clone(),
            from,
            full_size: false,
            on_progress: None,
            state: None,
        }
    }

    /// The image itself and not its thumbnail: for image columns.
    pub fn full_size(mut self) -> Self {
        self.full_size = true;
        self
    }

    /// Calls `callback` whenever a piece has been written.
    pub fn on_progress(mut self, callback: impl FnMut(&DownloadState) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Goes on where a download of the same file stopped.
    pub fn resume(mut self, state: DownloadState) -> Self {
        self.state = Some(state);
        self
    }

    /// Where to go on after an error; None if nothing has come yet, and after the end.
    pub fn state(&self) -> Option<&DownloadState> {
        self.state.as_ref()
    }

    /// Writes the file into `writer`, and flushes it. None if there is no file.
    ///
    /// Dropped while it waits, [`state`](Download::state) tells how many bytes were written whole;
    /// the writer may hold some more, which are written again when it goes on.
    pub async fn write_to<W>(&mut self, mut writer: W) -> Result<Option<FileInfo>>
    where
        W: AsyncWrite + Unpin,
    {
        let path = self.from.path()?;
        if let Some(state) = &self.state
            && (state.from != path || state.full_size != self.full_size)
        {
            return Err(Error::input(
                "the stored state is of a download from another place",
            ));
        }
        match self.from.clone() {
            FileTarget::Column(column) => self.read_ranges(&column, &path, &mut writer).await?,
            FileTarget::Note(note) => self.read_blocks(&note, &path, &mut writer).await?,
        }
        let flushed = writer.flush().await;
        flushed.map_err(|error| Error::io("the writer failed at the end", error))?;
        Ok(self.state.take().map(|state| state.info))
    }

    async fn read_ranges<W>(
        &mut self,
        column: &FileColumn,
        path: &str,
        writer: &mut W,
    ) -> Result<()>
    where
        W: AsyncWrite + Unpin,
    {
        while self.state.as_ref().is_none_or(|state| state.left() > 0) {
            let offset = self.state.as_ref().map_or(0, DownloadState::offset);
            let Some(content) = self.range(column, offset).await? else {
                return match self.state {
                    None => Ok(()),
                    Some(_) => Err(self.changed()),
                };
            };
            self.meet(path, &content.info)?;
            // The whole file, where a piece of it was asked for, begins with what is there.
            let known = usize::try_from(offset - content.offset).unwrap_or(usize::MAX);
            let bytes = content.bytes.slice(known.min(content.bytes.len())..);
            self.write(bytes, writer).await?;
        }
        Ok(())
    }

    async fn range(&mut self, column: &FileColumn, offset: u64) -> Result<Option<FileContent>> {
        let mut whole = DownloadFile::new(column.clone());
        if self.full_size {
            whole = whole.full_size();
        }
        let piece = whole.clone().range(offset, MAX_BLOCK as u64);
        match self.client.execute(&piece).await {
            // An empty file has no first byte.
            Err(error)
                if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) && offset == 0 =>
            {
                self.client.execute(&whole).await
            }
            other => other,
        }
    }

    async fn read_blocks<W>(&mut self, note: &NoteFile, path: &str, writer: &mut W) -> Result<()>
    where
        W: AsyncWrite + Unpin,
    {
        let start = InitializeBlocksDownload::new(note.clone());
        let begun = self.client.execute(&start).await?;
        self.meet(path, &begun.info)?;
        while let Some(state) = &self.state
            && state.left() > 0
        {
            // A file that does not come in pieces comes as one, of its full size.
            let (offset, length) = match begun.is_chunking_supported {
                true => (state.offset, state.left().min(MAX_BLOCK as u64)),
                false => (0, state.total()),
            };
            let known = usize::try_from(state.offset - offset).unwrap_or(usize::MAX);
            let block = DownloadBlock::new(begun.token.clone(), offset, length);
            let bytes = self.client.execute(&block).await?;
            let bytes = bytes.slice(known.min(bytes.len())..);
            self.write(bytes, writer).await?;
        }
        Ok(())
    }

    /// Takes what is told of the file; later pieces must tell the same.
    fn meet(&mut self, path: &str, info: &FileInfo) -> Result<()> {
        match &self.state {
            Some(state) if state.info == *info => Ok(()),
            Some(_) => Err(self.changed()),
            None if info.size.is_none() => Err(Error::decode(format!(
                "file in {}: the service sent a piece and does not tell the size",
                self.from
            ))),
            None => {
                self.state = Some(DownloadState {
                    from: path.to_owned(),
                    full_size: self.full_size,
                    offset: 0,
                    info: info.clone(),
                });
                Ok(())
            }
        }
    }

    fn changed(&self) -> Error {
        Error::decode(format!(
            "the file in {} is not the one whose download began; begin again",
            self.from
        ))
    }

    async fn write<W>(&mut self, bytes: Bytes, writer: &mut W) -> Result<()>
    where
        W: AsyncWrite + Unpin,
    {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        if bytes.is_empty() && state.left() > 0 || bytes.len() as u64 > state.left() {
            return Err(Error::decode(format!(
                "file in {}: the service sent {} bytes from byte {} on of a file of {}",
                self.from,
                bytes.len(),
                state.offset,
                state.total()
            )));
        }
        let written = writer.write_all(&bytes).await;
        written.map_err(|error| {
            Error::io(
                format!("the writer failed after {} bytes", state.offset),
                error,
            )
        })?;
        state.offset += bytes.len() as u64;
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(state);
        }
        Ok(())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("from", &self.from)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
