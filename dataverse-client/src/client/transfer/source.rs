//! What is uploaded, chunk by chunk.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::{Error, Result};

/// A reader, where it stands, and where it should end.
pub(super) struct Source<R> {
    reader: R,
    /// The next byte, counted from the beginning of the file.
    offset: u64,
    length: Option<u64>,
}

impl<R: AsyncRead + Unpin> Source<R> {
    /// `reader` stands at byte `offset` of a file of `length` bytes.
    pub(super) fn new(reader: R, offset: u64, length: Option<u64>) -> Self {
        Source {
            reader,
            offset,
            length,
        }
    }

    /// The next `size` bytes; fewer at the end of the file only.
    ///
    /// Errors: the reader fails, or ends before the length that was said.
    pub(super) async fn chunk(&mut self, size: usize) -> Result<Bytes> {
        let left = self.length.map_or(u64::MAX, |length| length - self.offset);
        let size = size.min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut chunk = BytesMut::with_capacity(size);
        while chunk.len() < size {
            let room = (size - chunk.len()) as u64;
            let read = (&mut self.reader).take(room).read_buf(&mut chunk).await;
            if read.map_err(|error| failed(self.offset, error))? == 0 {
                break;
            }
        }
        self.offset += chunk.len() as u64;
        match self.length {
            Some(length) if chunk.len() < size => Err(Error::io(
                format!(
                    "the reader ended after {} of {length} bytes; the file was not stored",
                    self.offset
                ),
                io::ErrorKind::UnexpectedEof.into(),
            )),
            _ => Ok(chunk.freeze()),
        }
    }

    /// Nothing may follow. Asked before the last chunk is sent, so that nothing is cut silently.
    pub(super) async fn end(&mut self) -> Result<()> {
        let Some(length) = self.length else {
            return Ok(());
        };
        let read = self.reader.read(&mut [0]).await;
        match read.map_err(|error| failed(self.offset, error))? {
            0 => Ok(()),
            _ => Err(Error::io(
                format!("the reader holds more than {length} bytes; the file was not stored"),
                io::ErrorKind::InvalidInput.into(),
            )),
        }
    }
}

fn failed(offset: u64, error: io::Error) -> Error {
    Error::io(format!("the reader failed after {offset} bytes"), error)
}
