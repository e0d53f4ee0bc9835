//! The answers of a batch.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use memchr::memmem;
use uuid::Uuid;

use super::boundary;
use crate::error::{Error, Result};
use crate::odata::Response;
use crate::odata::key::id_in;

/// Operations in a batch, members of change sets included.
/// Source: Microsoft Learn, "Execute batch operations using the Web API", 2024.
pub(crate) const MAX_OPERATIONS: usize = 1000;

/// The answer to a part of a batch: its headers are text until they are asked for, since few are.
#[derive(Debug, Clone)]
pub struct PartAnswer {
    pub(crate) content_id: Option<usize>,
    pub(crate) status: StatusCode,
    /// Header lines, and the body behind them.
    text: Bytes,
    body: usize,
    /// The GUID in `OData-EntityId`: what a create gives.
    pub(crate) row: Option<Uuid>,
}

impl PartAnswer {
    /// The whole answer.
    ///
    /// Errors: a header line is damaged.
    pub(crate) fn response(&self) -> Result<Response> {
        let mut headers = HeaderMap::new();
        read_head(&self.text, |name, value| {
            let name = HeaderName::from_bytes(name);
            let value = HeaderValue::from_bytes(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        })?;
        Ok(Response::new(
            self.status,
            headers,
            self.text.slice(self.body..),
        ))
    }
}

/// What answers an item of a batch.
#[derive(Debug)]
pub(crate) enum Answered {
    /// A request.
    Single(PartAnswer),
    /// The requests of a change set.
    ChangeSet(Vec<PartAnswer>),
}

impl Answered {
    pub(crate) fn is_success(&self) -> bool {
        let answers = match self {
            Answered::Single(answer) => std::slice::from_ref(answer),
            Answered::ChangeSet(answers) => answers,
        };
        answers.iter().all(|answer| answer.status.is_success())
    }
}

/// Reads the parts of `body`.
///
/// Lines may end with CRLF or LF: recorded answers that went through an editor have lost the CR.
pub(crate) fn read_parts(boundary: &str, body: &Bytes) -> Result<Vec<Answered>> {
    // A guess: the smallest answers are longer, and few are much longer.
    let mut parts = Vec::with_capacity((body.len() / 256).min(MAX_OPERATIONS));
    let mut before: Option<Opening<'_>> = None;
    each_section(boundary, body, |section| {
        // Most parts begin with the same bytes as the one before.
        if let Some(opening) = before.filter(|opening| section.starts_with(opening.text)) {
            parts.push(Answered::Single(opening.answer(section, body)?));
            return Ok(());
        }
        let part = Section::read(section)?;
        if let Some(inner) = part.inner {
            parts.push(Answered::ChangeSet(read_members(
                inner,
                part.content,
                body,
            )?));
            return Ok(());
        }
        let opening = part.opening()?;
        parts.push(Answered::Single(opening.answer(section, body)?));
        before = Some(opening);
        Ok(())
    })?;
    Ok(parts)
}

fn read_members(boundary: &str, content: &[u8], whole: &Bytes) -> Result<Vec<PartAnswer>> {
    let mut members = Vec::new();
    each_section(boundary, content, |section| {
        let part = Section::read(section)?;
        if part.inner.is_some() {
            return Err(unreadable("a change set within a change set"));
        }
        members.push(part.opening()?.answer(section, whole)?);
        Ok(())
    })?;
    Ok(members)
}

/// Calls `read` with what stands between the boundary lines.
fn each_section<'a>(
    boundary: &str,
    body: &'a [u8],
    mut read: impl FnMut(&'a [u8]) -> Result<()>,
) -> Result<()> {
    let delimiter = format!("--{boundary}");
    let mut start = None;
    for at in memmem::find_iter(body, &delimiter) {
        // Anywhere else it is data.
        if at > 0 && body[at - 1] != b'\n' {
            continue;
        }
        let behind = at + delimiter.len();
        let line_end = line_end(body, behind);
        let tail = body[behind..line_end].trim_ascii_end();
        if !tail.is_empty() && tail != b"--" {
            continue;
        }
        if let Some(start) = start {
            read(without_line_end(&body[start..at]))?;
        }
        if tail == b"--" {
            return Ok(());
        }
        start = Some(line_end);
    }
    Err(unreadable(
        "its last boundary line is missing: it was cut off",
    ))
}

/// The line end before a boundary line belongs to the boundary.
fn without_line_end(section: &[u8]) -> &[u8] {
    let section = section.strip_suffix(b"\n").unwrap_or(section);
    section.strip_suffix(b"\r").unwrap_or(section)
}

/// Where the line at `at` ends, with its line end.
fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found + 1)
}

/// A section, and what the headers of the part say.
struct Section<'a> {
    whole: &'a [u8],
    /// The boundary of a change set.
    inner: Option<&'a str>,
    content_id: Option<usize>,
    content: &'a [u8],
}

/// What a section begins with, to the end of the status line.
#[derive(Clone, Copy)]
struct Opening<'a> {
    text: &'a [u8],
    content_id: Option<usize>,
    status: StatusCode,
}

impl<'a> Section<'a> {
    fn read(section: &'a [u8]) -> Result<Self> {
        let (mut content_type, mut content_id) = ("", None);
        let content = read_head(section, |name, value| {
            let text = || std::str::from_utf8(value).ok();
            if name.eq_ignore_ascii_case(b"content-type") {
                content_type = text().unwrap_or_default();
            } else if name.eq_ignore_ascii_case(b"content-id") {
                content_id = text().and_then(|id| id.parse().ok());
            }
        })?;
        Ok(Section {
            whole: section,
            inner: boundary(content_type),
            content_id,
            content,
        })
    }

    /// What it begins with, if it holds an answer.
    fn opening(&self) -> Result<Opening<'a>> {
        let content = self.content.trim_ascii_start();
        let (line, text) = content.split_at(line_end(content, 0));
        let mut words = line.split(u8::is_ascii_whitespace);
        let mut word = || words.find(|word| !word.is_empty());
        let status = word()
            .filter(|version| version.starts_with(b"HTTP/"))
            .and_then(|_| StatusCode::from_bytes(word()?).ok())
            .ok_or_else(|| unreadable("a part has no status line"))?;
        Ok(Opening {
            text: &self.whole[..self.whole.len() - text.len()],
            content_id: self.content_id,
            status,
        })
    }
}

impl Opening<'_> {
    /// The answer in a section that begins so, within the memory of `whole`.
    fn answer(&self, section: &[u8], whole: &Bytes) -> Result<PartAnswer> {
        let text = &section[self.text.len()..];
        let mut row = None;
        let body = read_head(text, |name, value| {
            if name.eq_ignore_ascii_case(b"odata-entityid") {
                row = row.or_else(|| id_in(value));
            }
        })?;
        Ok(PartAnswer {
            content_id: self.content_id,
            status: self.status,
            text: whole.slice_ref(text),
            body: text.len() - body.len(),
            row,
        })
    }
}

/// Calls `each` with names and values of the header lines that `text` begins with, and gives what
/// stands behind the first empty line.
fn read_head<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Result<&'a [u8]> {
    let mut rest = text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(line_end(rest, 0));
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(behind);
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(unreadable("a header line has no colon"));
        };
        let (name, value) = line.split_at(colon);
        each(name.trim_ascii_end(), value[1..].trim_ascii_start());
        rest = behind;
    }
    Ok(rest)
}

#[cold]
pub(super) fn unreadable(why: &str) -> Error {
    Error::decode(format!("the answer to the batch cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\
        Content-Type: application/json\r\n\r\n{\"a\":\"--b\"}\r\n--b\r\n\
        Content-Type: multipart/mixed; boundary=\"c\"\r\n\r\n--c\r\nContent-ID: 2\r\n\r\n\
        HTTP/1.1 204 No Content\r\nOData-EntityId: x\r\n\r\n\r\n--c--\r\n--b--\r\n";

    fn read(body: &str) -> Result<Vec<Answered>> {
        read_parts("b", &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn parts_and_change_sets_are_told_apart() {
        for body in [ANSWER.to_owned(), ANSWER.replace('\r', "")] {
            let parts = read(&body).unwrap();
            let [Answered::Single(single), Answered::ChangeSet(members)] = &parts[..] else {
                panic!("{parts:?}");
            };
            assert_eq!(single.response().unwrap().body, "{\"a\":\"--b\"}");
            let [member] = &members[..] else {
                panic!("{members:?}");
            };
            assert_eq!(member.content_id, Some(2));
            assert_eq!(member.status, StatusCode::NO_CONTENT);
            let response = member.response().unwrap();
            assert_eq!(response.headers["odata-entityid"], "x");
        }
    }

    #[test]
    fn parts_that_begin_alike_are_read_as_those_that_do_not() {
        let part = |status: &str, rest: &str| {
            format!("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status}\r\n{rest}\r\n")
        };
        const ID: &str = "11111111-2222-3333-4444-555555555555";
        let row = format!("odata-entityid:https://o/accounts({ID}) \r\n\r\n");
        let body = [
            part("204 No Content", &row),
            part("204 No Content", "Location: y\r\n\r\n"),
            part("204 No", "\r\n"),
            part("200 OK", "OData-EntityId: z\r\n\r\n"),
            part("200 OK", "\r\n{}"),
        ];
        let parts = read(&(body.concat() + "--b--")).unwrap();
        let told: Vec<_> = parts
            .iter()
            .map(|part| match part {
                Answered::Single(answer) => {
                    let response = answer.response().unwrap();
                    (
                        answer.status.as_u16(),
                        answer.row,
                        response.headers.len(),
                        response.body,
                    )
                }
                Answered::ChangeSet(_) => panic!("{part:?}"),
            })
            .collect();
        let id = Some(Uuid::parse_str(ID).unwrap());
        assert_eq!(
            told,
            [
                (204, id, 1, Bytes::new()),
                (204, None, 1, Bytes::new()),
                (204, None, 0, Bytes::new()),
                (200, None, 1, Bytes::new()),
                (200, None, 0, Bytes::from("{}")),
            ]
        );
        // A header line without a colon, behind an opening that is known.
        let damaged = part("200 OK", "\r\n") + &part("200 OK", "damaged\r\n\r\n");
        assert!(read(&(damaged + "--b--")).is_err());
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let end = ANSWER.len() - "--\r\n".len();
        for cut in 0..end {
            assert!(read(&ANSWER[..cut]).is_err(), "{cut}");
        }
    }
}
