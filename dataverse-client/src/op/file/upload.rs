//! A file in one request.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method};

use super::FileColumn;
use crate::error::{Error, Result};
use crate::odata::url::encode;
use crate::odata::{Request, Response};
use crate::op::{Operation, Replay, Scope};

/// Files of this size and more do not go into one request.
/// Source: Microsoft Learn, "Use file column data", section "Upload files", 2024.
const TOO_LARGE: usize = 128 << 20;

pub(super) const FILE_NAME: HeaderName = HeaderName::from_static("x-ms-file-name");
pub(super) const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Puts a file into a file or image column, in one request.
///
/// Shape: `PATCH accounts(<id>)/new_contract`, the body is the file. The name stands in the header
/// `x-ms-file-name`, or percent-encoded in the query if it is not ASCII.
/// Units: less than 128 MiB, all of it in memory; [`Client::upload`](crate::Client::upload) takes
/// any size.
/// Errors: `is_not_found`; a file that is larger than the column allows (`0x80044a02`).
/// Source: Microsoft Learn, "Use file column data", section "Upload files".
#[derive(Clone)]
pub struct UploadFile {
    column: FileColumn,
    file_name: String,
    content: Bytes,
}

impl UploadFile {
    /// Puts `content` into `column`, in place of the file that is there.
    pub fn new(
        column: FileColumn,
        file_name: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Self {
        UploadFile {
            column,
            file_name: file_name.into(),
            content: content.into(),
        }
    }
}

impl fmt::Debug for UploadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadFile")
            .field("column", &self.column)
            .field("bytes", &self.content.len())
            .finish()
    }
}

impl Operation for UploadFile {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        check_alone(scope)?;
        check_file_name(&self.file_name)?;
        if self.content.len() >= TOO_LARGE {
            return Err(Error::input(format!(
                "{} bytes for {}: the service takes less than {TOO_LARGE} in one request; use \
                 `Client::upload`",
                self.content.len(),
                self.column
            )));
        }
        let mut path = self.column.path()?;
        let header = ascii_header(&self.file_name);
        if header.is_none() {
            path.push_str("?x-ms-file-name=");
            encode(&self.file_name, &mut path);
        }
        let mut request = Request::new(Method::PATCH, path).header(CONTENT_TYPE, OCTET_STREAM);
        if let Some(header) = header {
            request = request.header(FILE_NAME, header);
        }
        request.body = self.content.clone();
        Ok(request)
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

/// The name as a header, if it is ASCII.
pub(super) fn ascii_header(file_name: &str) -> Option<HeaderValue> {
    match file_name.is_ascii() {
        true => HeaderValue::from_str(file_name).ok(),
        false => None,
    }
}

pub(super) fn check_file_name(file_name: &str) -> Result<()> {
    if file_name.trim().is_empty() || file_name.contains(char::is_control) {
        return Err(Error::input(
            "a file name is not empty and holds no control characters",
        ));
    }
    Ok(())
}

/// Bytes of a file are no JSON part of a batch.
pub(super) fn check_alone(scope: &Scope<'_>) -> Result<()> {
    match scope.is_batch() {
        true => Err(Error::input(
            "a file travels in requests of its own, not in a batch",
        )),
        false => Ok(()),
    }
}
