//! The messages that move files in blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::session::{self, Purpose};
use super::{CHUNK, Content, Place, content, find, media_type, remove, set, store};
use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::service::Call;
use crate::url::Segment;
use crate::value::{Stored, guid, write_string};
use crate::write::{Members, Written, insert, members, read, update};

/// A table whose rows are files: the column with the base64, and its part of the messages' names.
struct Notes {
    message: &'static str,
    table: &'static str,
    body: &'static str,
    answer_id: &'static str,
}

const NOTES: &[Notes] = &[
    Notes {
        message: "Annotation",
        table: "annotation",
        body: "documentbody",
        answer_id: "AnnotationId",
    },
    Notes {
        message: "Attachment",
        table: "activitymimeattachment",
        body: "body",
        answer_id: "ActivityMimeAttachmentId",
    },
];

/// Answers a message that moves files; None if it is none.
pub(crate) fn answer(call: &Call<'_>, segment: &Segment) -> Result<Option<Answer>> {
    let name = segment.name.as_str();
    let notes = |before: &str, behind: &str| {
        let middle = name.strip_prefix(before)?.strip_suffix(behind)?;
        NOTES.iter().find(|notes| notes.message == middle)
    };
    enum Step {
        Begin(Option<&'static Notes>),
        Put,
        Commit(Option<&'static Notes>),
        BeginDownload(Option<&'static Notes>),
        Get,
        Delete,
    }
    let step = match name {
        "InitializeFileBlocksUpload" => Step::Begin(None),
        "UploadBlock" => Step::Put,
        "CommitFileBlocksUpload" => Step::Commit(None),
        "InitializeFileBlocksDownload" => Step::BeginDownload(None),
        "DownloadBlock" => Step::Get,
        "DeleteFile" => Step::Delete,
        _ => {
            if let Some(found) = notes("Initialize", "BlocksUpload") {
                Step::Begin(Some(found))
            } else if let Some(found) = notes("Commit", "BlocksUpload") {
                Step::Commit(Some(found))
            } else if let Some(found) = notes("Initialize", "BlocksDownload") {
                Step::BeginDownload(Some(found))
            } else {
                return Ok(None);
            }
        }
    };
    if call.asked.method != Method::POST {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    let body = members(&call.asked.body, "")?;
    let done = match step {
        Step::Begin(None) => begin_file(call, name, &body),
        Step::Begin(Some(notes)) => begin_note(call, name, notes, &body),
        Step::Put => put(call, &body),
        Step::Commit(None) => commit_file(call, name, &body),
        Step::Commit(Some(notes)) => commit_note(call, name, notes, &body),
        Step::BeginDownload(None) => begin_file_download(call, name, &body),
        Step::BeginDownload(Some(notes)) => begin_note_download(call, name, notes, &body),
        Step::Get => get(call, name, &body),
        Step::Delete => delete(call, &body),
    };
    done.map(Some)
}

/// A parameter.
fn parameter<T: DeserializeOwned>(body: &Members, name: &str) -> Result<T> {
    let json = body.get(name);
    let value = json.and_then(|json| serde_json::from_str(json.get()).ok());
    value.ok_or_else(|| {
        Fault::invalid_argument(format!(
            "Required field '{name}' is missing or of another type."
        ))
    })
}

/// An answer; members are written.
fn told(call: &Call<'_>, message: &str, members: &[(&str, String)]) -> Answer {
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.{message}Response",
        call.root()
    );
    let mut body = String::from("{\"@odata.context\":");
    write_string(&context, &mut body);
    for (name, json) in members {
        body.push_str(&format!(",\"{name}\":{json}"));
    }
    body.push('}');
    Answer::json(StatusCode::OK, body)
}

fn text(text: &str) -> String {
    let mut json = String::new();
    write_string(text, &mut json);
    json
}

/// The table that a target names by `@odata.type`, and the row by its primary key.
fn target<'c>(call: &Call<'c>, body: &Members) -> Result<(&'c Table, Option<String>, Members)> {
    let row: Members = parameter(body, "Target")?;
    let wrong =
        || Fault::bad_request("EdmEntityObject passed should have the key property value set.");
    let name: String = parameter(&row, "@odata.type").map_err(|_| wrong())?;
    let table = name
        .trim_start_matches('#')
        .strip_prefix("Microsoft.Dynamics.CRM.")
        .and_then(|name| call.catalog.by_name(name))
        .ok_or_else(wrong)?;
    let id = match row.contains_key(&table.primary_id) {
        true => Some(parameter::<String>(&row, &table.primary_id)?),
        false => None,
    };
    let id = match id {
        Some(id) => Some(guid(&id).ok_or_else(wrong)?),
        None => None,
    };
    Ok((table, id, row))
}

/// The file column of a row that exists.
fn file_column(call: &Call<'_>, body: &Members) -> Result<Place> {
    let (table, id, _) = target(call, body)?;
    let id = id.ok_or_else(|| {
        Fault::bad_request("EdmEntityObject passed should have the key property value set.")
    })?;
    if call.store.version(table, &id)?.is_none() {
        return Err(Fault::missing_row(&table.logical_name, &id));
    }
    let column: String = parameter(body, "FileAttributeName")?;
    if content(table, &column) != Some(Content::File) {
        return Err(Fault::invalid_argument(format!(
            "'{column}' is no file column of '{}'.",
            table.logical_name
        )));
    }
    Ok(Place {
        table: table.logical_name.clone(),
        row: id,
        column,
    })
}

fn begin_file(call: &Call<'_>, message: &str, body: &Members) -> Result<Answer> {
    let place = file_column(call, body)?;
    let name: String = parameter(body, "FileName")?;
    let token = session::begin(call, Purpose::Blocks, &place, &name)?;
    Ok(told(
        call,
        message,
        &[("FileContinuationToken", text(&token))],
    ))
}

fn begin_note(call: &Call<'_>, message: &str, notes: &Notes, body: &Members) -> Result<Answer> {
    let (table, _, row) = note(call, notes, body)?;
    // What the commit would refuse is refused now, too.
    read(call, table, &row)?;
    let place = Place {
        table: table.logical_name.clone(),
        row: String::new(),
        column: notes.body.to_owned(),
    };
    let token = session::begin(call, Purpose::Blocks, &place, "")?;
    Ok(told(
        call,
        message,
        &[("FileContinuationToken", text(&token))],
    ))
}

/// The note that a target names; it may be new.
fn note<'c>(
    call: &Call<'c>,
    notes: &Notes,
    body: &Members,
) -> Result<(&'c Table, Option<String>, Members)> {
    let found = target(call, body)?;
    if found.0.logical_name != notes.table {
        return Err(Fault::invalid_argument(format!(
            "The target is a row of '{}', not of '{}'.",
            found.0.logical_name, notes.table
        )));
    }
    Ok(found)
}

fn put(call: &Call<'_>, body: &Members) -> Result<Answer> {
    let token: String = parameter(body, "FileContinuationToken")?;
    session::find(call, Purpose::Blocks, &token)?;
    let block: String = parameter(body, "BlockId")?;
    check_block_id(&block)?;
    let data: String = parameter(body, "BlockData")?;
    let data = STANDARD
        .decode(data)
        .map_err(|_| Fault::invalid_argument("BlockData is not base64."))?;
    if data.is_empty() || data.len() > CHUNK {
        return Err(Fault::invalid_argument(format!(
            "A block of {} bytes; 1 to {CHUNK} are possible.",
            data.len()
        )));
    }
    session::put(call, &token, &block, &data)?;
    Ok(Answer::no_content())
}

fn check_block_id(block: &str) -> Result<()> {
    match STANDARD.decode(block) {
        Ok(id) if (1..=64).contains(&id.len()) => Ok(()),
        _ => Err(Fault::invalid_argument(
            "BlockId is base64 of at most 64 bytes.",
        )),
    }
}

/// The blocks of a commit, together.
fn blocks(call: &Call<'_>, body: &Members, token: &str) -> Result<Vec<u8>> {
    let ids: Vec<String> = parameter(body, "BlockList")?;
    if ids.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
        return Err(Fault::invalid_argument("Block ids are of one length."));
    }
    let mut bytes = Vec::new();
    for id in &ids {
        check_block_id(id)?;
        let block = session::block(call, token, id)?;
        let missing = || Fault::invalid_argument(format!("The block '{id}' was not uploaded."));
        bytes.extend(block.ok_or_else(missing)?);
    }
    Ok(bytes)
}

fn commit_file(call: &Call<'_>, message: &str, body: &Members) -> Result<Answer> {
    let token: String = parameter(body, "FileContinuationToken")?;
    let session = session::find(call, Purpose::Blocks, &token)?;
    let name: String = parameter(body, "FileName")?;
    let _: String = parameter(body, "MimeType")?;
    let bytes = blocks(call, body, &token)?;
    let id = call.store.atomically(|| {
        let id = store(call, &session.place, &name, &bytes)?;
        session::end(call, Purpose::Blocks, &token)?;
        Ok(id)
    })?;
    let size = bytes.len().to_string();
    let members = [("FileId", text(&id)), ("FileSizeInBytes", size)];
    Ok(told(call, message, &members))
}

fn commit_note(call: &Call<'_>, message: &str, notes: &Notes, body: &Members) -> Result<Answer> {
    let token: String = parameter(body, "FileContinuationToken")?;
    let session = session::find(call, Purpose::Blocks, &token)?;
    let (table, id, row) = note(call, notes, body)?;
    if session.place.table != table.logical_name {
        return Err(Fault::invalid_argument("The session is of another table."));
    }
    let bytes = blocks(call, body, &token)?;
    let mut written = read(call, table, &row)?;
    fill(&mut written, table, notes, &row, &bytes);
    let id = call.store.atomically(|| {
        let id = match id {
            Some(id) if call.store.version(table, &id)?.is_some() => {
                update(call, table, &id, written)?;
                id
            }
            _ => insert(call, table, written)?,
        };
        session::end(call, Purpose::Blocks, &token)?;
        Ok(id)
    })?;
    let size = bytes.len().to_string();
    let members = [(notes.answer_id, text(&id)), ("FileSizeInBytes", size)];
    Ok(told(call, message, &members))
}

fn fill(written: &mut Written, table: &Table, notes: &Notes, row: &Members, bytes: &[u8]) {
    set(
        written,
        table,
        notes.body,
        Stored::Text(STANDARD.encode(bytes)),
    );
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    set(written, table, "filesize", Stored::Integer(size));
    set(written, table, "isdocument", Stored::Integer(1));
    if !row.contains_key("mimetype")
        && let Ok(name) = parameter::<String>(row, "filename")
    {
        let kind = media_type(&name).to_owned();
        set(written, table, "mimetype", Stored::Text(kind));
    }
}

fn begin_file_download(call: &Call<'_>, message: &str, body: &Members) -> Result<Answer> {
    let place = file_column(call, body)?;
    let file = find(call, &place)?.ok_or_else(|| {
        Fault::new(
            StatusCode::NOT_FOUND,
            "0x80040217",
            format!(
                "No file attachment found for attribute: {} EntityId: {}.",
                place.column, place.row
            ),
        )
    })?;
    let token = session::begin(call, Purpose::Download, &place, &file.name)?;
    let members = [
        ("FileContinuationToken", text(&token)),
        ("FileSizeInBytes", file.bytes.len().to_string()),
        ("FileName", text(&file.name)),
        ("IsChunkingSupported", "true".to_owned()),
    ];
    Ok(told(call, message, &members))
}

fn begin_note_download(
    call: &Call<'_>,
    message: &str,
    notes: &Notes,
    body: &Members,
) -> Result<Answer> {
    let (table, id, _) = note(call, notes, body)?;
    let id = id.ok_or_else(|| {
        Fault::bad_request("EdmEntityObject passed should have the key property value set.")
    })?;
    let place = Place {
        table: table.logical_name.clone(),
        row: id,
        column: notes.body.to_owned(),
    };
    let (name, bytes) = note_file(call, table, &place)?;
    let token = session::begin(call, Purpose::Download, &place, &name)?;
    let members = [
        ("FileContinuationToken", text(&token)),
        ("FileSizeInBytes", bytes.len().to_string()),
        ("FileName", text(&name)),
    ];
    Ok(told(call, message, &members))
}

/// Name and bytes of the file of a note that exists; a note without one has no bytes.
fn note_file(call: &Call<'_>, table: &Table, place: &Place) -> Result<(String, Vec<u8>)> {
    let columns: Vec<usize> = [place.column.as_str(), "filename"]
        .into_iter()
        .filter_map(|name| table.column_named(name).map(|(at, _)| at))
        .collect();
    let values = call.store.values(table, &place.row, &columns)?;
    let values = values.ok_or_else(|| Fault::missing_row(&table.logical_name, &place.row))?;
    let mut texts = values.into_iter().map(|value| match value {
        Stored::Text(text) => text,
        _ => String::new(),
    });
    let (body, name) = (texts.next(), texts.next());
    let bytes = STANDARD
        .decode(body.unwrap_or_default())
        .map_err(|_| Fault::invalid_argument("The file of the note is not base64."))?;
    Ok((name.unwrap_or_default(), bytes))
}

fn get(call: &Call<'_>, message: &str, body: &Members) -> Result<Answer> {
    let token: String = parameter(body, "FileContinuationToken")?;
    let session = session::find(call, Purpose::Download, &token)?;
    let (offset, length): (u64, u64) =
        (parameter(body, "Offset")?, parameter(body, "BlockLength")?);
    let place = &session.place;
    let table = super::table_of(call, place)?;
    let bytes = match content(table, &place.column) {
        Some(Content::File) => find(call, place)?
            .map(|file| file.bytes)
            .unwrap_or_default(),
        _ => note_file(call, table, place)?.1,
    };
    let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
    let block = &bytes[at(offset)..at(offset.saturating_add(length))];
    let data = format!("\"{}\"", STANDARD.encode(block));
    Ok(told(call, message, &[("Data", data)]))
}

fn delete(call: &Call<'_>, body: &Members) -> Result<Answer> {
    let id: String = parameter(body, "FileId")?;
    let id = guid(&id).unwrap_or(id);
    let place = super::place_of(call, &id)?;
    call.store.atomically(|| remove(call, &place))?;
    Ok(Answer::no_content())
}
