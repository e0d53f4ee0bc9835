//! Reading files.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, HeaderName, RANGE};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::upload::FILE_NAME;
use super::{FileColumn, NoteFile};
use crate::error::{Error, Result};
use crate::odata::{Request, Response};
use crate::op::{Operation, Replay, Scope};
use crate::value::{Binary, Scalar, Value};

const FILE_SIZE: HeaderName = HeaderName::from_static("x-ms-file-size");
const MIME_TYPE: HeaderName = HeaderName::from_static("mimetype");

/// Reads the file in a file or image column, or a piece of it. For an image column it is the
/// thumbnail, unless [`full_size`](DownloadFile::full_size) is asked for.
///
/// Shape: `GET accounts(<id>)/new_contract/$value`, with `Range: bytes=0-4194303` for a piece, and
/// `?size=full` for a whole image. None if the column holds no file.
/// Units: all of it in memory; [`Client::download`](crate::Client::download) takes any size.
/// Source: Microsoft Learn, "Use file column data", section "Download files"; "Use image column
/// data".
#[derive(Debug, Clone)]
pub struct DownloadFile {
    column: FileColumn,
    /// First byte and how many.
    range: Option<(u64, u64)>,
    full_size: bool,
}

impl DownloadFile {
    /// Reads what `column` holds.
    pub fn new(column: FileColumn) -> Self {
        DownloadFile {
            column,
            range: None,
            full_size: false,
        }
    }

    /// Only `length` bytes from byte `offset` on, or as many as there are.
    #[must_use]
    pub fn range(mut self, offset: u64, length: u64) -> Self {
        self.range = Some((offset, length));
        self
    }

    /// The image itself and not its thumbnail; the column must store full-sized images.
    #[must_use]
    pub fn full_size(mut self) -> Self {
        self.full_size = true;
        self
    }
}

/// What is told of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileInfo {
    /// Its name, as the service spells it in a header.
    pub file_name: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// `application/pdf`.
    pub media_type: Option<String>,
}

/// A file, or a piece of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileContent {
    /// What is told of the whole file.
    pub info: FileInfo,
    /// Where in the file the bytes begin. A service that passes over the range sends the whole
    /// file, from 0 on.
    pub offset: u64,
    /// The bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileContent")
            .field("info", &self.info)
            .field("offset", &self.offset)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Operation for DownloadFile {
    type Output = Option<FileContent>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut path = self.column.path()?;
        path.push_str("/$value");
        if self.full_size {
            path.push_str("?size=full");
        }
        let request = Request::new(Method::GET, path);
        let Some((offset, length)) = self.range else {
            return Ok(request);
        };
        let last = length
            .checked_sub(1)
            .and_then(|length| offset.checked_add(length))
            .ok_or_else(|| {
                Error::input(format!(
                    "a range of {length} bytes at byte {offset}: ask for at least one"
                ))
            })?;
        let range = HeaderValue::from_str(&format!("bytes={offset}-{last}"))
            .map_err(|error| Error::input("the range of a download").with_source(error))?;
        Ok(request.header(RANGE, range))
    }

    fn decode(&self, response: &Response) -> Result<Option<FileContent>> {
        let response = response.success()?;
        let is_piece = match response.status {
            StatusCode::NO_CONTENT => return Ok(None),
            StatusCode::PARTIAL_CONTENT => true,
            _ => false,
        };
        let told = response.text_of(&CONTENT_RANGE).and_then(content_range);
        let size = match response.text_of(&FILE_SIZE) {
            Some(text) => Some(text.trim().parse().map_err(|error| {
                Error::decode("the header `x-ms-file-size` is no number").with_source(error)
            })?),
            None if is_piece => told.and_then(|(_, total)| total),
            None => Some(response.body.len() as u64),
        };
        let content = FileContent {
            info: FileInfo {
                file_name: header_text(response, &FILE_NAME),
                size,
                media_type: header_text(response, &MIME_TYPE),
            },
            offset: match self.range {
                Some((offset, _)) if is_piece => offset,
                _ => 0,
            },
            bytes: response.body.clone(),
        };
        self.check(&content, is_piece, told.map(|(offset, _)| offset))?;
        Ok(Some(content))
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

impl DownloadFile {
    /// What came must be what was asked for.
    fn check(&self, content: &FileContent, is_piece: bool, told: Option<u64>) -> Result<()> {
        let length = content.bytes.len() as u64;
        let wrong = |what: String| Err(Error::decode(format!("file in {}: {what}", self.column)));
        if is_piece && told.is_some_and(|told| told != content.offset) {
            return wrong(format!(
                "the service sent bytes from {} on, not from {}",
                told.unwrap_or_default(),
                content.offset
            ));
        }
        match (self.range, content.info.size) {
            (None, _) if is_piece => {
                wrong("the service sent a piece, and the whole was asked for".to_owned())
            }
            (Some((_, asked)), _) if is_piece && length > asked => wrong(format!(
                "the service sent {length} bytes, and {asked} were asked for"
            )),
            (_, Some(size)) if is_piece && content.offset.saturating_add(length) > size => {
                wrong(format!(
                    "the service sent {length} bytes from byte {} on of a file of {size}",
                    content.offset
                ))
            }
            (_, Some(size)) if !is_piece && length != size => wrong(format!(
                "the service sent {length} bytes of a file of {size}"
            )),
            _ => Ok(()),
        }
    }
}

/// First byte and size of `bytes 0-9/25`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

/// A header that may hold more than ASCII.
fn header_text(response: &Response, name: &HeaderName) -> Option<String> {
    let bytes = response.headers.get(name)?.as_bytes();
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // What HTTP said of headers once: Latin-1.
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    })
}

/// Reads the file of a note or an attachment, in one request.
///
/// Shape: `GET annotations(<id>)/documentbody/$value`, which answers base64 as text. None if there
/// is no file.
/// Units: all of it in memory, twice; [`Client::download`](crate::Client::download) takes any size.
/// Source: Microsoft Learn, "Use file data with Attachment and Note records".
#[derive(Debug, Clone)]
pub struct DownloadBody(NoteFile);

impl DownloadBody {
    /// Reads the file of `note`.
    pub fn new(note: NoteFile) -> Self {
        DownloadBody(note)
    }
}

impl Operation for DownloadBody {
    type Output = Option<Vec<u8>>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let body = self.0.table().body;
        let path = format!("{}/{body}/$value", self.0.path());
        Ok(Request::get(path).accept("text/plain"))
    }

    fn decode(&self, response: &Response) -> Result<Option<Vec<u8>>> {
        let response = response.success()?;
        if response.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let text = std::str::from_utf8(&response.body).unwrap_or("not base64");
        let text = text.trim_start_matches('\u{feff}').trim();
        let bytes = Binary::from_scalar(Scalar::Text(text.into())).ok();
        let bytes = bytes.and_then(|base64| base64.to_bytes());
        bytes.map(Some).ok_or_else(|| {
            Error::decode(format!(
                "the file of `{}` is not the base64 that the service promises",
                self.0.table().logical_name
            ))
        })
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}
