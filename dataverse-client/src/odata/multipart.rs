//! `multipart/mixed` of `application/http`: the bodies of `$batch`.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::url::check_path;
use super::{Request, Response, Target};
use crate::error::{Error, Result};

/// Characters of a URL in a part.
/// Source: Microsoft Learn, "Compose HTTP requests and handle errors", 2024.
const MAX_URL: usize = 65_536;

#[cold]
fn too_long(is: usize, may: usize) -> Error {
    Error::input(format!(
        "a URL of {is} characters: the service takes at most {may}; filter by fewer values, or in \
         several queries"
    ))
}

/// Appends one request as a part, boundary line included. All lines end with CRLF: the service
/// refuses anything else with "Stream was not readable".
///
/// `root` is the path of the service root: `/api/data/v9.2/`.
pub(crate) fn write_request(
    boundary: &str,
    content_id: Option<usize>,
    root: &str,
    request: &Request,
    out: &mut Vec<u8>,
) -> Result<()> {
    let Target::Path(path) = &request.target else {
        return Err(Error::input(
            "a link of the service cannot be followed inside a batch",
        ));
    };
    check_path(path)?;
    if path.len() + root.len() > MAX_URL {
        return Err(too_long(path.len(), MAX_URL));
    }
    let mut append = |pieces: &[&str]| {
        for piece in pieces {
            out.extend_from_slice(piece.as_bytes());
        }
    };
    append(&[
        "--",
        boundary,
        "\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n",
    ]);
    if let Some(id) = content_id {
        append(&["Content-ID: ", &id.to_string(), "\r\n"]);
    }
    // A row that the same change set creates stands for its whole URL.
    let is_reference = path
        .strip_prefix('$')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let root = if is_reference { "" } else { root };
    append(&[
        "\r\n",
        request.method.as_str(),
        " ",
        root,
        path,
        " HTTP/1.1\r\n",
    ]);
    for (name, value) in &request.headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&request.body);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// A request whose URL is too long, as the only part of a batch.
/// Source: Microsoft Learn, "Compose HTTP requests and handle errors", section "URL length limits".
pub(crate) fn wrap(request: &Request, root: &str) -> Result<Request> {
    let boundary = format!("batch_{}", uuid::Uuid::new_v4());
    let mut body = Vec::new();
    write_request(&boundary, None, root, request, &mut body)?;
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let mut wrapped = Request::new(http::Method::POST, "$batch");
    let content_type = format!("multipart/mixed; boundary=\"{boundary}\"");
    if let Ok(value) = HeaderValue::from_str(&content_type) {
        wrapped.headers.insert(CONTENT_TYPE, value);
    }
    wrapped.body = body.into();
    Ok(wrapped)
}

/// The answer to the only part of a batch; the answer itself if it is no multipart.
pub(crate) fn unwrap(response: Response) -> Result<Response> {
    let content_type = response.text_of(&CONTENT_TYPE).unwrap_or_default();
    let Some(boundary) = boundary(content_type) else {
        return match response.status.is_success() {
            true => Err(unreadable("it is not multipart")),
            false => Ok(response),
        };
    };
    match read_parts(boundary, &response.body)?.pop() {
        Some(Part::Single { response, .. }) => Ok(response),
        _ => Err(unreadable("it has no part")),
    }
}

/// One part of an answer.
#[derive(Debug)]
pub(crate) enum Part {
    /// The answer to a request.
    Single {
        content_id: Option<usize>,
        response: Response,
    },
    /// The answers of a change set.
    ChangeSet(Vec<Part>),
}

/// The boundary in a `Content-Type`, quoted or not; None if it is not multipart.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Reads the parts of `body`.
///
/// Lines may end with CRLF or LF: recorded answers that went through an editor have lost the CR.
pub(crate) fn read_parts(boundary: &str, body: &Bytes) -> Result<Vec<Part>> {
    read_level(boundary, body, Level::outer(body, true))
}

/// Reads the parts of `body` where success needs no more than its status: the answers of successes
/// have no headers then.
pub(crate) fn read_failures(boundary: &str, body: &Bytes) -> Result<Vec<Part>> {
    read_level(boundary, body, Level::outer(body, false))
}

/// What is read, and how.
#[derive(Clone, Copy)]
struct Level<'a> {
    /// The memory that bodies share.
    whole: &'a Bytes,
    is_outer: bool,
    /// Headers of successes are wanted, too.
    has_all_headers: bool,
}

impl<'a> Level<'a> {
    fn outer(whole: &'a Bytes, has_all_headers: bool) -> Self {
        Level {
            whole,
            is_outer: true,
            has_all_headers,
        }
    }
}

fn read_level(boundary: &str, body: &[u8], level: Level<'_>) -> Result<Vec<Part>> {
    let sections = sections(boundary, body)?;
    let mut parts = Vec::with_capacity(sections.len());
    for section in sections {
        let (headers, content) = split_head(section)?;
        let (mut content_type, mut content_id) = ("", None);
        for line in header_lines(headers) {
            let (name, value) = line?;
            let text = || std::str::from_utf8(value).ok();
            if name.eq_ignore_ascii_case(b"content-type") {
                content_type = text().unwrap_or_default();
            } else if name.eq_ignore_ascii_case(b"content-id") {
                content_id = text().and_then(|id| id.parse().ok());
            }
        }
        if let Some(inner) = self::boundary(content_type) {
            if !level.is_outer {
                return Err(unreadable("a change set within a change set"));
            }
            let level = Level {
                is_outer: false,
                ..level
            };
            parts.push(Part::ChangeSet(read_level(inner, content, level)?));
        } else {
            parts.push(Part::Single {
                content_id,
                response: read_response(level, content)?,
            });
        }
    }
    Ok(parts)
}

/// What stands between the boundary lines.
fn sections<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<&'a [u8]>> {
    let delimiter = format!("--{boundary}");
    let mut sections = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < body.len() {
        let line_end =
            memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |found| at + found + 1);
        let line = body[at..line_end].trim_ascii_end();
        if let Some(tail) = line.strip_prefix(delimiter.as_bytes())
            && (tail.is_empty() || tail == b"--")
        {
            if let Some(start) = start {
                sections.push(without_line_end(&body[start..at]));
            }
            if tail == b"--" {
                return Ok(sections);
            }
            start = Some(line_end);
        }
        at = line_end;
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

/// Splits at the first empty line.
fn split_head(section: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut at = 0;
    while at <= section.len() {
        let line_end =
            memchr::memchr(b'\n', &section[at..]).map_or(section.len(), |found| at + found + 1);
        if section[at..line_end].trim_ascii().is_empty() {
            return Ok((&section[..at], &section[line_end..]));
        }
        if line_end == section.len() {
            return Ok((section, &[]));
        }
        at = line_end;
    }
    Err(unreadable("a part has no headers"))
}

/// Names and values of header lines.
fn header_lines(head: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8])>> {
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty()).map(|line| {
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(unreadable("a header line has no colon"));
        };
        let (name, value) = line.split_at(colon);
        Ok((name.trim_ascii(), value[1..].trim_ascii()))
    })
}

fn read_headers(head: &[u8]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in header_lines(head) {
        let (name, value) = line?;
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_bytes(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

fn read_response(level: Level<'_>, content: &[u8]) -> Result<Response> {
    let content = content.trim_ascii_start();
    let line_end = memchr::memchr(b'\n', content).map_or(content.len(), |found| found + 1);
    let status = std::str::from_utf8(&content[..line_end])
        .ok()
        .and_then(|line| {
            let mut words = line.split_ascii_whitespace();
            words
                .next()
                .filter(|version| version.starts_with("HTTP/"))?;
            words.next()?.parse::<StatusCode>().ok()
        })
        .ok_or_else(|| unreadable("a part has no status line"))?;
    let (head, body) = split_head(&content[line_end..])?;
    let headers = match level.has_all_headers || !status.is_success() {
        true => read_headers(head)?,
        false => HeaderMap::new(),
    };
    Ok(Response::new(status, headers, level.whole.slice_ref(body)))
}

#[cold]
fn unreadable(why: &str) -> Error {
    Error::decode(format!("the answer to the batch cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\
        Content-Type: application/json\r\n\r\n{\"a\":\"--b\"}\r\n--b\r\n\
        Content-Type: multipart/mixed; boundary=\"c\"\r\n\r\n--c\r\nContent-ID: 2\r\n\r\n\
        HTTP/1.1 204 No Content\r\nOData-EntityId: x\r\n\r\n\r\n--c--\r\n--b--\r\n";

    fn read(body: &str) -> Result<Vec<Part>> {
        read_parts("b", &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn parts_and_change_sets_are_told_apart() {
        for body in [ANSWER.to_owned(), ANSWER.replace('\r', "")] {
            let parts = read(&body).unwrap();
            let [Part::Single { response, .. }, Part::ChangeSet(members)] = &parts[..] else {
                panic!("{parts:?}");
            };
            assert_eq!(response.body, "{\"a\":\"--b\"}");
            let [
                Part::Single {
                    content_id: Some(2),
                    response,
                },
            ] = &members[..]
            else {
                panic!("{members:?}");
            };
            assert_eq!(response.status, StatusCode::NO_CONTENT);
            assert_eq!(response.headers["odata-entityid"], "x");
        }
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let end = ANSWER.len() - "--\r\n".len();
        for cut in 0..end {
            assert!(read(&ANSWER[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_boundary_is_found_with_and_without_quotes() {
        assert_eq!(boundary("multipart/mixed; boundary=a_b"), Some("a_b"));
        assert_eq!(
            boundary("Multipart/Mixed; charset=x; Boundary=\"a b\""),
            Some("a b")
        );
        assert_eq!(boundary("application/json; boundary=a"), None);
    }
}
