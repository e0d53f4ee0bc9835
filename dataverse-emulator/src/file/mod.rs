//! Files: in file and image columns, and in notes and attachments.
//!
//! The files of file columns stand in a table of their own; images and the files of notes are
//! base64 in their columns, as the service gives them.

mod blocks;
mod column;
mod session;

pub(crate) use blocks::answer as answer_message;
pub(crate) use column::answer as answer_column;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use rusqlite::{OptionalExtension, params};

use crate::catalog::{Kind, Table};
use crate::domain;
use crate::fault::{Fault, Result};
use crate::service::Call;
use crate::value::Stored;
use crate::write::{Written, update};

/// The bytes of a chunk, and the most of a block.
const CHUNK: usize = 4_194_304;

/// What a binary column holds, as far as a document tells it: by the columns beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// The id of a file.
    File,
    /// An image as base64.
    Image,
}

/// What the column `name` holds; None if it is no file.
pub(crate) fn content(table: &Table, name: &str) -> Option<Content> {
    let (_, column) = table.column(name)?;
    if column.kind != Kind::Binary {
        return None;
    }
    let beside = |suffix: &str| table.column_named(&format!("{name}{suffix}")).is_some();
    if beside("_timestamp") || beside("_url") {
        Some(Content::Image)
    } else if beside("_name") {
        Some(Content::File)
    } else {
        None
    }
}

/// Refuses other images of a new row than the one that stands for it, as far as definitions tell
/// which that is; `entityimage` is without them.
pub(crate) fn check_new(table: &Table, written: &Written) -> Result<()> {
    let mut columns = table.columns.iter();
    let told = columns.position(|column| column.domain.is_primary_image);
    let usual = || table.column("entityimage").map(|(place, _)| place);
    let Some(primary) = told.or_else(usual) else {
        return Ok(());
    };
    let mut values = written.values().iter();
    let other = values.find(|(place, value)| {
        let name = &table.columns[*place].wire_name;
        *place != primary && *value != Stored::Null && content(table, name) == Some(Content::Image)
    });
    match other {
        Some((place, _)) => Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80090487",
            format!(
                "Only the primary image column '{}' of '{}' can be set on create, not '{}'.",
                table.columns[primary].logical_name,
                table.logical_name,
                table.columns[*place].logical_name
            ),
        )),
        None => Ok(()),
    }
}

/// A file that is stored.
struct File {
    name: String,
    bytes: Vec<u8>,
}

/// The place of a file: table, row, column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    table: String,
    row: String,
    column: String,
}

/// Where files and uploads are kept.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS \"@file\" (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, row TEXT NOT NULL, col TEXT NOT NULL,
        name TEXT NOT NULL, content BLOB NOT NULL, UNIQUE (owner, row, col));
    CREATE TABLE IF NOT EXISTS \"@session\" (
        token TEXT PRIMARY KEY, purpose TEXT NOT NULL, owner TEXT NOT NULL, row TEXT NOT NULL,
        col TEXT NOT NULL, name TEXT NOT NULL, received INTEGER NOT NULL DEFAULT 0,
        total INTEGER);
    CREATE TABLE IF NOT EXISTS \"@block\" (
        token TEXT NOT NULL, block TEXT NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (token, block));";

/// The file in a file column.
fn find(call: &Call<'_>, place: &Place) -> Result<Option<File>> {
    let mut statement = call.store.connection.prepare_cached(
        "SELECT name, content FROM \"@file\" WHERE owner = ? AND row = ? AND col = ?",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(File {
            name: row.get(0)?,
            bytes: row.get(1)?,
        })
    };
    let key = params![place.table, place.row, place.column];
    Ok(statement.query_row(key, read).optional()?)
}

/// The column that holds the file with this id.
fn place_of(call: &Call<'_>, id: &str) -> Result<Place> {
    let mut statement = call
        .store
        .connection
        .prepare_cached("SELECT owner, row, col FROM \"@file\" WHERE id = ?")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Place {
            table: row.get(0)?,
            row: row.get(1)?,
            column: row.get(2)?,
        })
    };
    let found = statement.query_row([id], read).optional()?;
    found.ok_or_else(|| Fault::missing_row("fileattachment", id))
}

/// Puts a file into a column, in place of what is there; gives its id.
fn store(call: &Call<'_>, place: &Place, name: &str, bytes: &[u8]) -> Result<String> {
    let table = table_of(call, place)?;
    if let Some((_, column)) = table.column_named(&place.column) {
        domain::check_size(column, bytes.len())?;
    }
    let id = uuid::Uuid::new_v4().to_string();
    let mut written = Written::default();
    match content(table, &place.column) {
        Some(Content::Image) => {
            set(
                &mut written,
                table,
                &place.column,
                Stored::Text(STANDARD.encode(bytes)),
            );
            let ticks = call.now.timestamp_micros() * 10;
            let stamp = format!("{}_timestamp", place.column);
            set(&mut written, table, &stamp, Stored::Integer(ticks));
            let image = format!("{}id", place.column);
            set(&mut written, table, &image, Stored::Text(id.clone()));
        }
        _ => {
            call.store.connection.execute(
                "INSERT OR REPLACE INTO \"@file\" (id, owner, row, col, name, content)
                 VALUES (?, ?, ?, ?, ?, ?)",
                params![id, place.table, place.row, place.column, name, bytes],
            )?;
            set(&mut written, table, &place.column, Stored::Text(id.clone()));
            let beside = format!("{}_name", place.column);
            set(&mut written, table, &beside, Stored::Text(name.to_owned()));
        }
    }
    update(call, table, &place.row, written)?;
    Ok(id)
}

/// Takes the file out of a file column.
fn remove(call: &Call<'_>, place: &Place) -> Result<()> {
    call.store.connection.execute(
        "DELETE FROM \"@file\" WHERE owner = ? AND row = ? AND col = ?",
        params![place.table, place.row, place.column],
    )?;
    let table = table_of(call, place)?;
    let mut written = Written::default();
    set(&mut written, table, &place.column, Stored::Null);
    set(
        &mut written,
        table,
        &format!("{}_name", place.column),
        Stored::Null,
    );
    update(call, table, &place.row, written)
}

/// A row is gone, and its files with it.
pub(crate) fn forget(call: &Call<'_>, table: &Table, row: &str) -> Result<()> {
    call.store.connection.execute(
        "DELETE FROM \"@file\" WHERE owner = ? AND row = ?",
        params![table.logical_name, row],
    )?;
    Ok(())
}

fn table_of<'c>(call: &Call<'c>, place: &Place) -> Result<&'c Table> {
    let table = call.catalog.by_name(&place.table);
    table.ok_or_else(|| Fault::unknown_segment(&place.table))
}

/// Sets a column, if the table has it.
fn set(written: &mut Written, table: &Table, column: &str, value: Stored) {
    if let Some((place, _)) = table.column_named(column) {
        written.set(place, value);
    }
}

/// The type of a file, by its name: as far as the emulator knows.
fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "txt" => "text/plain",
        "csv" => "text/csv",
        "htm" | "html" => "text/html",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "xml" => "text/xml",
        "zip" => "application/x-zip-compressed",
        "gif" => "image/gif",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// The name that an image gets: its column, and what it begins like.
fn image_name(column: &str, bytes: &[u8]) -> String {
    let extension = match bytes {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, ..] => "jpg",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        _ => "bin",
    };
    format!("{column}.{extension}")
}
