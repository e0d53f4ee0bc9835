//! Uploads that have begun, and what came of them so far.

use rusqlite::{OptionalExtension, params};

use super::Place;
use crate::fault::{Fault, Result};
use crate::service::Call;

/// An upload or download that has begun.
pub(super) struct Session {
    pub(super) place: Place,
    pub(super) name: String,
    /// Bytes so far.
    pub(super) received: u64,
    /// Bytes of the file, once a chunk told it.
    pub(super) total: Option<u64>,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Chunks,
    Blocks,
    Download,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Chunks => "chunks",
            Purpose::Blocks => "blocks",
            Purpose::Download => "download",
        }
    }
}

/// Begins; gives the token.
pub(super) fn begin(
    call: &Call<'_>,
    purpose: Purpose,
    place: &Place,
    name: &str,
) -> Result<String> {
    // Slashes and an equals sign, as in the tokens of the service: a client must not rewrite them.
    let token = format!("{}/{}=", purpose.name(), uuid::Uuid::new_v4().simple());
    call.store.connection.execute(
        "INSERT INTO \"@session\" (token, purpose, owner, row, col, name)
         VALUES (?, ?, ?, ?, ?, ?)",
        params![
            token,
            purpose.name(),
            place.table,
            place.row,
            place.column,
            name
        ],
    )?;
    Ok(token)
}

/// The session that a token stands for.
pub(super) fn find(call: &Call<'_>, purpose: Purpose, token: &str) -> Result<Session> {
    let mut statement = call.store.connection.prepare_cached(
        "SELECT owner, row, col, name, received, total FROM \"@session\"
         WHERE token = ? AND purpose = ?",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Session {
            place: Place {
                table: row.get(0)?,
                row: row.get(1)?,
                column: row.get(2)?,
            },
            name: row.get(3)?,
            received: row.get::<_, i64>(4)?.unsigned_abs(),
            total: row.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
        })
    };
    let found = statement.query_row(params![token, purpose.name()], read);
    found.optional()?.ok_or_else(|| {
        Fault::invalid_argument("The session or file continuation token is invalid or expired.")
    })
}

/// Remembers how far an upload in chunks is.
pub(super) fn advance(call: &Call<'_>, token: &str, received: u64, total: u64) -> Result<()> {
    call.store.connection.execute(
        "UPDATE \"@session\" SET received = ?, total = ? WHERE token = ?",
        params![stored(received), stored(total), token],
    )?;
    Ok(())
}

fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Keeps a block, in place of the one with the same id.
pub(super) fn put(call: &Call<'_>, token: &str, block: &str, content: &[u8]) -> Result<()> {
    call.store.connection.execute(
        "INSERT OR REPLACE INTO \"@block\" (token, block, content) VALUES (?, ?, ?)",
        params![token, block, content],
    )?;
    Ok(())
}

/// A block, if it came.
pub(super) fn block(call: &Call<'_>, token: &str, block: &str) -> Result<Option<Vec<u8>>> {
    let mut statement = call
        .store
        .connection
        .prepare_cached("SELECT content FROM \"@block\" WHERE token = ? AND block = ?")?;
    let read = statement.query_row(params![token, block], |row| row.get(0));
    Ok(read.optional()?)
}

/// All blocks, in the order of their ids.
pub(super) fn all(call: &Call<'_>, token: &str) -> Result<Vec<u8>> {
    let mut statement = call
        .store
        .connection
        .prepare_cached("SELECT content FROM \"@block\" WHERE token = ? ORDER BY block")?;
    let mut rows = statement.query([token])?;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(Fault::internal)?);
    }
    Ok(bytes)
}

/// Forgets the blocks; the session of an upload in chunks stays, finished.
pub(super) fn end(call: &Call<'_>, purpose: Purpose, token: &str) -> Result<()> {
    let connection = &call.store.connection;
    connection.execute("DELETE FROM \"@block\" WHERE token = ?", [token])?;
    if purpose != Purpose::Chunks {
        connection.execute("DELETE FROM \"@session\" WHERE token = ?", [token])?;
    }
    Ok(())
}
