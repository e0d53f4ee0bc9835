//! The requests of a batch, written straight into its one body.

use std::ops::Range;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use uuid::Uuid;

use super::super::body::Scope;
use super::super::url::check_path;
use super::super::{CallOptions, Request, RowRequest, Target};
use crate::error::{Error, Result};
use crate::value::digits::write_uuid;

/// Characters of a URL in a part.
/// Source: Microsoft Learn, "Compose HTTP requests and handle errors", 2024.
const MAX_URL: usize = 65_536;

/// Beside its body, a part has about so many bytes.
pub(crate) const PART_LEN: usize = 320;

/// Writes the body of a batch. All lines end with CRLF: the service refuses anything else with
/// "Stream was not readable".
pub(crate) struct BatchWriter<'a> {
    id: Uuid,
    /// Path of the service root: `/api/data/v9.2/`.
    root: &'a str,
    options: Option<&'a CallOptions>,
    /// What the options add to every part.
    option_headers: HeaderMap,
    option_query: String,
    /// What every part of the batch, and of the change set that is open, begins with.
    opening: String,
    set_opening: Option<String>,
    /// Of the last create: others of the table begin with the same bytes.
    create: Option<Head>,
    /// For the JSON of one row at a time.
    row: String,
    body: Vec<u8>,
}

/// A part to the empty line before its body, and where it stands.
struct Head {
    path: String,
    text: Range<usize>,
}

/// The place of one request in a batch.
pub struct PartSlot<'a, 'b> {
    pub(crate) writer: &'a mut BatchWriter<'b>,
    pub(crate) content_id: Option<usize>,
}

impl std::fmt::Debug for PartSlot<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PartSlot").field(&self.content_id).finish()
    }
}

impl PartSlot<'_, '_> {
    /// Writes a request, with the options of the batch: those of its head do not reach the parts.
    pub(crate) fn request(self, mut request: Request) -> Result<()> {
        if let Some(options) = self.writer.options {
            options.apply(&mut request)?;
        }
        let Target::Path(path) = &request.target else {
            return Err(Error::input(
                "a link of the service cannot be followed inside a batch",
            ));
        };
        let writer = self.writer;
        writer.begin(self.content_id, &request.method, path, "")?;
        for (name, value) in &request.headers {
            writer.header(name, value);
        }
        writer.text(&["\r\n"]);
        writer.end(&request.body);
        Ok(())
    }

    /// Writes the request of one row, without a message of its own in between.
    pub(crate) fn row(self, row: &RowRequest<'_>, scope: &Scope<'_>) -> Result<()> {
        let writer = self.writer;
        let has_own = self.content_id.is_some() || row.condition.is_some();
        let is_create = row.method == Method::POST && row.members.is_some() && !has_own;
        let known = writer.create.as_ref().filter(|_| is_create);
        match known.filter(|head| head.path == row.path) {
            Some(head) => writer.body.extend_from_within(head.text.clone()),
            None => {
                let start = writer.body.len();
                writer.head(self.content_id, row)?;
                writer.create = is_create.then(|| Head {
                    path: row.path.to_string(),
                    text: start..writer.body.len(),
                });
            }
        }
        let mut text = std::mem::take(&mut writer.row);
        text.clear();
        let written = row.append_body(scope, &mut text);
        writer.end(text.as_bytes());
        writer.row = text;
        written
    }
}

impl<'a> BatchWriter<'a> {
    /// A body of about `room` bytes, for a service whose root has this path.
    ///
    /// Errors: a mistake in the options.
    pub(crate) fn new(
        id: Uuid,
        root: &'a str,
        options: Option<&'a CallOptions>,
        room: usize,
    ) -> Result<Self> {
        let mut plain = Request::get("");
        if let Some(options) = options {
            options.apply(&mut plain)?;
        }
        let query = match plain.target {
            Target::Path(path) => path,
            Target::Link(_) => String::new(),
        };
        let mut opening = String::from("--batch_");
        write_uuid(&id, &mut opening);
        opening.push_str("\r\n");
        Ok(BatchWriter {
            id,
            root,
            options,
            option_headers: plain.headers,
            option_query: query.trim_start_matches('?').to_owned(),
            opening,
            set_opening: None,
            create: None,
            row: String::new(),
            body: Vec::with_capacity(room),
        })
    }

    /// The place of the next request.
    pub(crate) fn part(&mut self, content_id: Option<usize>) -> PartSlot<'_, 'a> {
        PartSlot {
            writer: self,
            content_id,
        }
    }

    /// Begins a change set; `number` tells it from others of the batch.
    pub(crate) fn open_set(&mut self, number: usize) {
        let boundary = format!("changeset_{number}_{}", self.id);
        self.body.extend_from_slice(self.opening.as_bytes());
        self.text(&[
            "Content-Type: multipart/mixed; boundary=\"",
            &boundary,
            "\"\r\n\r\n",
        ]);
        self.set_opening = Some(format!("--{boundary}\r\n"));
    }

    /// Ends it.
    pub(crate) fn close_set(&mut self) {
        if let Some(opening) = self.set_opening.take() {
            self.text(&[opening.trim_ascii_end(), "--\r\n"]);
        }
    }

    /// The batch as a request.
    pub(crate) fn finish(mut self) -> Request {
        self.close_set();
        let delimiter = std::mem::take(&mut self.opening);
        let delimiter = delimiter.trim_ascii_end();
        self.text(&[delimiter, "--\r\n"]);
        let mut request = Request::new(Method::POST, "$batch");
        let boundary = delimiter.trim_start_matches('-');
        let content_type = format!("multipart/mixed; boundary=\"{boundary}\"");
        if let Ok(value) = HeaderValue::from_str(&content_type) {
            request.headers.insert(CONTENT_TYPE, value);
        }
        request.body = self.body.into();
        request
    }

    /// Writes what stands before the JSON of a row.
    fn head(&mut self, content_id: Option<usize>, row: &RowRequest<'_>) -> Result<()> {
        let query = std::mem::take(&mut self.option_query);
        let begun = self.begin(content_id, &row.method, &row.path, &query);
        self.option_query = query;
        begun?;
        if let Some((name, value)) = &row.condition {
            self.header(name, value);
        }
        if row.members.is_some() {
            self.text(&["content-type: application/json\r\n"]);
        }
        let headers = std::mem::take(&mut self.option_headers);
        for (name, value) in &headers {
            // What the operation itself says goes first.
            if row.condition.as_ref().is_none_or(|(own, _)| own != name) {
                self.header(name, value);
            }
        }
        self.option_headers = headers;
        self.text(&["\r\n"]);
        Ok(())
    }

    /// Writes a part to the end of its request line; `query` is added to the path.
    fn begin(
        &mut self,
        content_id: Option<usize>,
        method: &Method,
        path: &str,
        query: &str,
    ) -> Result<()> {
        check_path(path)?;
        let joint = usize::from(!query.is_empty());
        let length = path.len() + joint + query.len();
        if length + self.root.len() > MAX_URL {
            return Err(too_long(length, MAX_URL));
        }
        let opening = self.set_opening.as_ref().unwrap_or(&self.opening);
        self.body.extend_from_slice(opening.as_bytes());
        self.text(&["Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"]);
        if let Some(id) = content_id {
            self.text(&["Content-ID: ", &id.to_string(), "\r\n"]);
        }
        // A row that the same change set creates stands for its whole URL.
        let is_reference = path
            .strip_prefix('$')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        let root = if is_reference { "" } else { self.root };
        self.text(&["\r\n", method.as_str(), " ", root, path]);
        if !query.is_empty() {
            self.text(&[if path.contains('?') { "&" } else { "?" }, query]);
        }
        self.text(&[" HTTP/1.1\r\n"]);
        Ok(())
    }

    fn header(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.text(&[name.as_str(), ": "]);
        self.body.extend_from_slice(value.as_bytes());
        self.text(&["\r\n"]);
    }

    fn end(&mut self, body: &[u8]) {
        self.body.extend_from_slice(body);
        self.text(&["\r\n"]);
    }

    fn text(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.body.extend_from_slice(piece.as_bytes());
        }
    }
}

#[cold]
fn too_long(is: usize, may: usize) -> Error {
    Error::input(format!(
        "a URL of {is} characters: the service takes at most {may}; filter by fewer values, or in \
         several queries"
    ))
}
