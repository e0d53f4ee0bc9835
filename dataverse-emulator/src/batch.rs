//! `$batch`: parts in, parts out.

use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use uuid::Uuid;

use crate::fault::{Fault, Result};
use crate::message::{Answer, Asked};
use crate::service::{Contents, Service};
use crate::spelling::spelled;

/// Operations in a batch, members of change sets included.
const MAX_OPERATIONS: usize = 1000;

/// A part of a batch.
#[derive(Debug)]
enum Part {
    Single(Asked),
    ChangeSet(Vec<Member>),
}

impl Part {
    fn requests_mut(&mut self) -> Box<dyn Iterator<Item = &mut Asked> + '_> {
        match self {
            Part::Single(asked) => Box::new(std::iter::once(asked)),
            Part::ChangeSet(members) => Box::new(members.iter_mut().map(|m| &mut m.asked)),
        }
    }
}

/// A part is done on behalf of the user of the batch, unless it names one itself.
fn inherit(batch: &Asked, part: &mut Asked) {
    // Parts come with the token of the batch.
    part.headers.remove(AUTHORIZATION);
    if let Some(token) = batch.headers.get(AUTHORIZATION) {
        part.headers.insert(AUTHORIZATION, token.clone());
    }
    let names = ["callerobjectid", "mscrmcallerid"];
    if names.iter().any(|name| part.headers.contains_key(*name)) {
        return;
    }
    for name in names {
        if let Some(value) = batch.headers.get(name) {
            part.headers.insert(name, value.clone());
        }
    }
}

#[derive(Debug)]
struct Member {
    content_id: Option<String>,
    asked: Asked,
}

/// Answers `POST $batch`.
pub(crate) fn answer(
    service: &Service,
    asked: &Asked,
    origin: &str,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let content_type = asked.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let boundary = boundary(content_type).ok_or_else(|| {
        Fault::payload(
            "",
            "The content type of a batch is multipart/mixed with a boundary.",
        )
    })?;
    let mut parts = read(boundary, &asked.body)?;
    for part in &mut parts {
        part.requests_mut().for_each(|part| inherit(asked, part));
    }
    let operations: usize = parts
        .iter()
        .map(|part| match part {
            Part::Single(_) => 1,
            Part::ChangeSet(members) => members.len(),
        })
        .sum();
    if operations > MAX_OPERATIONS {
        return Err(Fault::payload(
            "",
            format!(
                "The current change set contains too many operations. Only change sets with a \
                 maximum number of '{MAX_OPERATIONS}' operations are allowed."
            ),
        ));
    }
    let goes_on = asked.preferences().continue_on_error;
    let boundary = format!("batchresponse_{}", Uuid::new_v4());
    let mut body = Vec::new();
    let mut status = StatusCode::OK;
    for part in parts {
        let part_status = match part {
            Part::Single(asked) => {
                let answer =
                    service.try_answer(&asked, origin, now, Some((&Contents::default(), None)));
                let answer = answer.unwrap_or_else(Answer::from);
                write_answer(&boundary, None, &answer, &mut body);
                answer.status
            }
            Part::ChangeSet(members) => {
                change_set(service, &members, origin, now, &boundary, &mut body)?
            }
        };
        if !goes_on && part_status.as_u16() >= 400 {
            status = part_status;
            break;
        }
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = format!("multipart/mixed; boundary={boundary}");
    Ok(Answer::new(status).with_body(&content_type, body))
}

/// Answers a change set; gives the status of its failed member, or success.
fn change_set(
    service: &Service,
    members: &[Member],
    origin: &str,
    now: DateTime<Utc>,
    outer: &str,
    body: &mut Vec<u8>,
) -> Result<StatusCode> {
    let boundary = format!("changesetresponse_{}", Uuid::new_v4());
    let contents = Contents::default();
    let mut answers = Vec::new();
    let mut failed = None;
    let org = service.org();
    // All is kept or nothing: what fails is told from outside the work.
    let done = service.store.atomically(|| {
        for member in members {
            if member.asked.method == Method::GET {
                return Err(Fault::payload(
                    "",
                    "A change set cannot hold a GET request.",
                ));
            }
            let scope = Some((&contents, member.content_id.clone()));
            match service.try_answer(&member.asked, origin, now, scope) {
                Ok(answer) => answers.push((member.content_id.as_deref(), answer)),
                Err(fault) => {
                    failed = Some((member.content_id.as_deref(), Answer::from(fault.clone())));
                    return Err(fault);
                }
            }
        }
        Ok(())
    });
    if let Err(fault) = done {
        service.put_back(org);
        // A wrong reference is answered for the whole batch, as plain text.
        if fault.is_text {
            return Err(fault);
        }
        answers = vec![failed.unwrap_or_else(|| (None, Answer::from(fault)))];
    }
    body.extend_from_slice(
        format!("--{outer}\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n")
            .as_bytes(),
    );
    let mut status = StatusCode::OK;
    for (content_id, answer) in &answers {
        write_answer(&boundary, *content_id, answer, body);
        if answer.status.as_u16() >= 400 {
            status = answer.status;
        }
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(status)
}

fn write_answer(boundary: &str, content_id: Option<&str>, answer: &Answer, out: &mut Vec<u8>) {
    let mut head = format!(
        "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    );
    if let Some(id) = content_id {
        head.push_str(&format!("Content-ID: {id}\r\n"));
    }
    let reason = answer.status.canonical_reason().unwrap_or_default();
    head.push_str(&format!(
        "\r\nHTTP/1.1 {} {reason}\r\n",
        answer.status.as_u16()
    ));
    for (name, value) in &answer.headers {
        head.push_str(&format!(
            "{}: {}\r\n",
            spelled(name.as_str()),
            value.to_str().unwrap_or_default()
        ));
    }
    head.push_str("\r\n");
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&answer.body);
    out.extend_from_slice(b"\r\n");
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_boundary = name.trim().eq_ignore_ascii_case("boundary");
        is_boundary.then(|| value.trim().trim_matches('"'))
    })?;
    (!boundary.is_empty()).then_some(boundary)
}

fn unreadable() -> Fault {
    Fault::payload("", "Stream was not readable.")
}

fn read(boundary: &str, body: &[u8]) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for section in sections(boundary, body, true)? {
        let (headers, content) = head(section)?;
        let kind = text(&headers, "content-type");
        if let Some(inner) = self::boundary(kind) {
            let members: Result<Vec<_>> = sections(inner, content, false)?
                .into_iter()
                .map(|section| {
                    let (headers, content) = head(section)?;
                    if self::boundary(text(&headers, "content-type")).is_some() {
                        return Err(Fault::payload("", "A change set cannot hold a change set."));
                    }
                    let id = text(&headers, "content-id");
                    Ok(Member {
                        content_id: (!id.is_empty()).then(|| id.to_owned()),
                        asked: request(content)?,
                    })
                })
                .collect();
            let members = members?;
            let mut ids: Vec<_> = members
                .iter()
                .filter_map(|m| m.content_id.as_ref())
                .collect();
            ids.sort_unstable();
            if ids.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(Fault::payload(
                    "",
                    "A Content-ID stands twice in a change set.",
                ));
            }
            parts.push(Part::ChangeSet(members));
        } else if kind.to_lowercase().starts_with("application/http") {
            parts.push(Part::Single(request(content)?));
        } else {
            return Err(unreadable());
        }
    }
    Ok(parts)
}

/// What stands between boundary lines. Every line must end with CRLF, the last one too; that of a
/// change set belongs to the boundary around it.
fn sections<'a>(boundary: &str, body: &'a [u8], is_outer: bool) -> Result<Vec<&'a [u8]>> {
    let delimiter = format!("--{boundary}\r\n");
    let end = format!("--{boundary}--");
    let mut sections = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < body.len() {
        let rest = &body[at..];
        let is_end = rest
            .strip_prefix(end.as_bytes())
            .is_some_and(|tail| tail.starts_with(b"\r\n") || (tail.is_empty() && !is_outer));
        if is_end || rest.starts_with(delimiter.as_bytes()) {
            if let Some(start) = start {
                let section: &[u8] = &body[start..at];
                sections.push(section.strip_suffix(b"\r\n").unwrap_or(section));
            }
            if is_end {
                return Ok(sections);
            }
            start = Some(at + delimiter.len());
        }
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(line) => at += line + 1,
            None => break,
        }
    }
    Err(unreadable())
}

/// Headers up to the empty line, and what follows.
fn head(section: &[u8]) -> Result<(HeaderMap, &[u8])> {
    let mut headers = HeaderMap::new();
    let mut rest = section;
    loop {
        if rest.is_empty() && !headers.is_empty() {
            // Clients leave out the empty line before no body.
            return Ok((headers, rest));
        }
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(unreadable)?;
        let line = rest[..end].strip_suffix(b"\r").ok_or_else(unreadable)?;
        rest = &rest[end + 1..];
        if line.is_empty() {
            return Ok((headers, rest));
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or_else(unreadable)?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        match (name, value) {
            (Ok(name), Ok(value)) => drop(headers.append(name, value)),
            _ => return Err(unreadable()),
        }
    }
}

fn request(content: &[u8]) -> Result<Asked> {
    let end = content
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(unreadable)?;
    let line = std::str::from_utf8(&content[..end]).map_err(|_| unreadable())?;
    let line = line.strip_suffix('\r').ok_or_else(unreadable)?;
    let (method, rest) = line.split_once(' ').ok_or_else(unreadable)?;
    let target = rest
        .trim_end()
        .strip_suffix("HTTP/1.1")
        .ok_or_else(unreadable)?
        .trim();
    let mut rest = &content[end + 1..];
    // Examples in the service's documents leave out the empty line before no body.
    let (headers, body) = if rest.is_empty() {
        (HeaderMap::new(), rest)
    } else {
        if !rest.ends_with(b"\n") && !rest.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            return Err(unreadable());
        }
        head(std::mem::take(&mut rest))?
    };
    // A target below the root may stand without it, or be a reference.
    let target = if target.starts_with('/') || target.contains("://") {
        target.to_owned()
    } else {
        format!("/api/data/v9.2/{target}")
    };
    Ok(Asked {
        method: method.parse().map_err(|_| unreadable())?,
        target,
        headers,
        body: bytes::Bytes::copy_from_slice(body.trim_ascii()),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}
