//! `accounts(…)/new_file`: one request, chunks, ranges.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE,
    HeaderName, HeaderValue, LOCATION,
};
use http::{Method, StatusCode};

use super::session::{self, Purpose};
use super::{CHUNK, Content, Place, content, find, image_name, media_type, remove, store};
use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::service::Call;
use crate::url::{Segment, encode_all};
use crate::value::{Stored, write_string};

const FILE_NAME: HeaderName = HeaderName::from_static("x-ms-file-name");
const FILE_SIZE: HeaderName = HeaderName::from_static("x-ms-file-size");
const CHUNK_SIZE: HeaderName = HeaderName::from_static("x-ms-chunk-size");
const MIME_TYPE: HeaderName = HeaderName::from_static("mimetype");

/// Larger files need chunks.
const SINGLE_REQUEST: usize = 128 << 20;

/// Answers a request for a file; None if it is none.
pub(crate) fn answer(
    call: &Call<'_>,
    table: &Table,
    row: &str,
    column: &str,
    behind: &[Segment],
) -> Result<Option<Answer>> {
    let Some(content) = content(table, column) else {
        return Ok(None);
    };
    let place = Place {
        table: table.logical_name.clone(),
        row: row.to_owned(),
        column: column.to_owned(),
    };
    let is_value = matches!(behind, [last] if last.name == "$value");
    match (&call.asked.method, content) {
        (&Method::PATCH, _) if behind.is_empty() => upload(call, table, &place).map(Some),
        (&Method::GET, _) if is_value => download(call, table, &place, content).map(Some),
        (&Method::GET, Content::File)
            if behind.is_empty()
                && (call.address.option("size").is_some()
                    || call.asked.header("range").is_some()) =>
        {
            as_json(call, table, &place).map(Some)
        }
        (&Method::DELETE, Content::File) if behind.is_empty() => {
            check_options(&call.address.options, &[])?;
            call.store.atomically(|| remove(call, &place))?;
            Ok(Some(Answer::no_content()))
        }
        _ => Ok(None),
    }
}

fn upload(call: &Call<'_>, table: &Table, place: &Place) -> Result<Answer> {
    check_options(&call.address.options, &["x-ms-file-name", "sessiontoken"])?;
    let asked = call.asked;
    if let Some(token) = call.address.option("sessiontoken") {
        return chunk(call, place, token);
    }
    let name = asked.header("x-ms-file-name");
    let name = name.or_else(|| call.address.option("x-ms-file-name"));
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
        Fault::invalid_argument("The x-ms-file-name header or parameter is missing.")
    })?;
    if asked.header("x-ms-transfer-mode") == Some("chunked") {
        if !asked.body.is_empty() {
            return Err(Fault::invalid_argument(
                "The request that starts a chunked upload has no body.",
            ));
        }
        let token = session::begin(call, Purpose::Chunks, place, name)?;
        let location = format!(
            "{}{}({})/{}?sessiontoken={}",
            call.root(),
            table.entity_set,
            place.row,
            place.column,
            encode_all(&token)
        );
        return Ok(Answer::new(StatusCode::OK)
            .with(LOCATION, &location)
            .with(CHUNK_SIZE, &CHUNK.to_string())
            .with(ACCEPT_RANGES, "bytes")
            .with(ACCESS_CONTROL_EXPOSE_HEADERS, "x-ms-chunk-size"));
    }
    check_content_type(call)?;
    if asked.body.len() >= SINGLE_REQUEST {
        return Err(Fault::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "0x80044a02",
            "The file is too large for one request; upload it in chunks.",
        ));
    }
    call.store
        .atomically(|| store(call, place, name, &asked.body))?;
    Ok(Answer::no_content())
}

/// Clients tell `application/octet-stream`, or what the file is. JSON would be a value in a body.
fn check_content_type(call: &Call<'_>) -> Result<()> {
    let told = call.asked.header(CONTENT_TYPE.as_str());
    let kind = told.and_then(|told| told.split(';').next());
    match kind.map(str::trim) {
        Some(kind) if kind.contains('/') && !kind.eq_ignore_ascii_case("application/json") => {
            Ok(())
        }
        _ => Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "",
            format!(
                "The content type '{}' is not supported; send application/octet-stream.",
                told.unwrap_or_default()
            ),
        )),
    }
}

fn chunk(call: &Call<'_>, place: &Place, token: &str) -> Result<Answer> {
    let session = session::find(call, Purpose::Chunks, token)?;
    if session.place != *place {
        return Err(Fault::invalid_argument("The session is of another column."));
    }
    let body = &call.asked.body;
    let length = body.len() as u64;
    let told = call.asked.header(CONTENT_RANGE.as_str());
    let (first, total) = told.and_then(content_range).ok_or_else(|| {
        Fault::invalid_argument("The Content-Range header is missing or malformed.")
    })?;
    // Published clients end a file of whole chunks with an empty one.
    let is_whole = session.total == Some(total) && session.received == total;
    if body.is_empty() && first == total && is_whole {
        return Ok(Answer::no_content());
    }
    check_content_type(call)?;
    let end = first.saturating_add(length);
    let is_last = end == total;
    let is_repeat = end == session.received && !is_last;
    let fits = (first == session.received || is_repeat)
        && end <= total
        && session.total.is_none_or(|known| known == total)
        && told.is_some_and(|told| told.trim() == range_text(first, end, total));
    if !fits {
        return Err(Fault::invalid_argument(format!(
            "The Content-Range does not fit: {} bytes have been received, and the body has {length}.",
            session.received
        )));
    }
    if length > CHUNK as u64 || (!is_last && length < CHUNK as u64) {
        return Err(Fault::invalid_argument(format!(
            "A chunk of {length} bytes; all but the last have {CHUNK}."
        )));
    }
    call.store.atomically(|| {
        session::put(call, token, &format!("{first:020}"), body)?;
        session::advance(call, token, end, total)?;
        if is_last {
            let bytes = session::all(call, token)?;
            store(call, place, &session.name, &bytes)?;
            session::end(call, Purpose::Chunks, token)?;
        }
        Ok(())
    })?;
    Ok(match is_last {
        true => Answer::no_content(),
        false => Answer::new(StatusCode::PARTIAL_CONTENT),
    })
}

fn range_text(first: u64, end: u64, total: u64) -> String {
    format!("bytes {first}-{}/{total}", end.saturating_sub(1))
}

/// First byte and size of `bytes 0-9/25`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()?))
}

fn download(call: &Call<'_>, table: &Table, place: &Place, content: Content) -> Result<Answer> {
    check_options(&call.address.options, &["size"])?;
    let (name, bytes) = match content {
        Content::File => match find(call, place)? {
            Some(file) => (file.name, file.bytes),
            None => return Ok(Answer::no_content()),
        },
        Content::Image => {
            let at = table.column_named(&place.column).map(|(at, _)| at);
            let values = call.store.values(table, &place.row, at.as_slice())?;
            let Some([Stored::Text(base64)]) = values.as_deref() else {
                return Ok(Answer::no_content());
            };
            let bytes = STANDARD
                .decode(base64)
                .map_err(|_| Fault::invalid_argument("The image is not base64."))?;
            (image_name(&place.column, &bytes), bytes)
        }
    };
    let size = bytes.len() as u64;
    let mut answer = Answer::new(StatusCode::OK);
    let mut exposed = "x-ms-file-size; x-ms-file-name; mimetype";
    let mut bytes = Bytes::from(bytes);
    if let Some(range) = call.asked.header("range") {
        let Some((first, end)) = byte_range(range, size) else {
            let answer = Answer::new(StatusCode::RANGE_NOT_SATISFIABLE);
            return Ok(answer.with(CONTENT_RANGE, &format!("bytes */{size}")));
        };
        answer = Answer::new(StatusCode::PARTIAL_CONTENT)
            .with(CHUNK_SIZE, &CHUNK.to_string())
            .with(CONTENT_RANGE, &range_text(first, end, size));
        exposed = "x-ms-file-size; x-ms-file-name; x-ms-chunk-size; mimetype";
        let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
        bytes = bytes.slice(at(first)..at(end));
    }
    answer = answer
        .with(FILE_SIZE, &size.to_string())
        .with(MIME_TYPE, media_type(&name))
        .with(ACCESS_CONTROL_EXPOSE_HEADERS, exposed)
        .with_body("application/octet-stream", bytes);
    // A name that is not ASCII goes as UTF-8.
    if let Ok(name) = HeaderValue::from_bytes(name.as_bytes()) {
        answer.headers.insert(FILE_NAME, name);
    }
    Ok(answer)
}

/// A file, or a range of it, as base64 in JSON: what the column itself is asked for, without
/// `/$value`. `Location` leads to the next range.
fn as_json(call: &Call<'_>, table: &Table, place: &Place) -> Result<Answer> {
    check_options(&call.address.options, &["size"])?;
    let Some(file) = find(call, place)? else {
        return Ok(Answer::no_content());
    };
    let size = file.bytes.len() as u64;
    let range = call.asked.header("range");
    let (first, end) = match range.map(|range| byte_range(range, size)) {
        None => (0, size),
        Some(Some(range)) => range,
        // Clients look behind the end of a file of whole chunks.
        Some(None) => (size, size),
    };
    let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
    let bytes = file.bytes.get(at(first)..at(end)).unwrap_or_default();
    let url = format!(
        "{}{}({})/{}",
        call.root(),
        table.entity_set,
        place.row,
        place.column
    );
    let mut body = String::from("{\"@odata.context\":");
    let context = format!(
        "{}$metadata#{}({})/{}",
        call.root(),
        table.entity_set,
        place.row,
        place.column
    );
    write_string(&context, &mut body);
    body.push_str(",\"value\":");
    write_string(&STANDARD.encode(bytes), &mut body);
    body.push('}');
    let status = if range.is_some() {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let named = encode_all(&file.name);
    let mut answer = Answer::json(status, body)
        .with(LOCATION, &format!("{url}?size=full"))
        .with(
            CONTENT_DISPOSITION,
            &format!("attachment; filename=\"{named}\""),
        )
        .with(FILE_SIZE, &size.to_string())
        .with(MIME_TYPE, media_type(&file.name))
        .with(CHUNK_SIZE, &CHUNK.to_string());
    if range.is_some() && first < end {
        answer = answer.with(CONTENT_RANGE, &range_text(first, end, size));
    }
    if let Ok(name) = HeaderValue::from_bytes(file.name.as_bytes()) {
        answer.headers.insert(FILE_NAME, name);
    }
    Ok(answer)
}

/// First byte, and the byte after the last, of `bytes=0-9`, `bytes=5-` or `bytes=-5`; None if
/// nothing of it is in the file.
fn byte_range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, end) = match (first, last) {
        ("", last) => (size.saturating_sub(last.parse().ok()?), size),
        (first, "") => (first.parse().ok()?, size),
        (first, last) => {
            let last: u64 = last.parse().ok()?;
            (first.parse().ok()?, last.saturating_add(1).min(size))
        }
    };
    (first < end).then_some((first, end))
}
