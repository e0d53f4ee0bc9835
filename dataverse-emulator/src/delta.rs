//! Change tracking: all rows with a link, and behind the link what has changed since.
//!
//! A full read is told like a delta from the beginning: rows in the order of their versions, up to
//! the version that the org had at the first page. What changes between two pages is in the next
//! delta, so that nothing is lost however long a client reads.

use chrono::{DateTime, NaiveDateTime, Utc};
use http::StatusCode;
use rusqlite::params;

use crate::catalog::Table;
use crate::cookie::Cookie;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::{MAX_PAGE, check_options};
use crate::row::{Annotator, Selection, write_row};
use crate::security::Right;
use crate::service::Call;
use crate::store::{VERSION, quoted};
use crate::url::encode_all;
use crate::value::{Stored, write_string};

/// How the time in a token is written.
const TIME: &str = "%m/%d/%Y %H:%M:%S";

/// Whether a request for rows asks for changes or begins to.
pub(crate) fn is_asked(call: &Call<'_>) -> bool {
    let address = &call.address;
    let is_tracking = |token: &str| token.contains("istracking=\"True\"");
    call.asked.preferences().track_changes
        || address.option("$deltatoken").is_some()
        || address.option("$skiptoken").is_some_and(is_tracking)
}

/// What a token of a delta link says: `919042!08/22/2017 08:10:44`.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    version: i64,
    time: DateTime<Utc>,
}

impl Token {
    fn parse(text: &str) -> Option<Self> {
        let (version, time) = text.split_once('!')?;
        Some(Token {
            version: version.parse().ok()?,
            time: NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc(),
        })
    }

    fn text(&self) -> String {
        format!("{}!{}", self.version, self.time.format(TIME))
    }
}

/// The version that the asked delta begins behind; None for a full read.
fn since(call: &Call<'_>) -> Result<Option<i64>> {
    let Some(text) = call.address.option("$deltatoken") else {
        return Ok(None);
    };
    let token = Token::parse(text).ok_or_else(|| {
        Fault::bad_request(format!(
            "The delta token '{text}' is not one of the service: a delta link is used unchanged."
        ))
    })?;
    let age = call.now.signed_duration_since(token.time);
    if age.to_std().is_ok_and(|age| age > call.delta_lifetime) {
        return Err(Fault::expired_version());
    }
    Ok(Some(token.version))
}

/// Behind every row of a version: no id is greater.
fn after(version: i64) -> (i64, String) {
    (version, uuid::Uuid::max().to_string())
}

/// Where a page begins.
struct Position {
    page: u64,
    /// The last version that is told.
    until: i64,
    /// Among the deleted rows, which follow the others.
    in_deleted: bool,
    /// Behind this version and id.
    behind: (i64, String),
}

impl Position {
    fn of(call: &Call<'_>, since: Option<i64>) -> Result<Self> {
        let Some(token) = call.address.option("$skiptoken") else {
            return Ok(Position {
                page: 1,
                until: call.store.current_version()?,
                in_deleted: false,
                behind: after(since.unwrap_or_default()),
            });
        };
        let cookie = Cookie::parse(token)?;
        let values: Vec<_> = cookie.last.iter().map(|(_, value)| value).collect();
        match values[..] {
            [
                Stored::Integer(until),
                Stored::Integer(in_deleted),
                Stored::Integer(version),
                Stored::Text(id),
            ] => Ok(Position {
                page: cookie.page,
                until: *until,
                in_deleted: *in_deleted == 1,
                behind: (*version, id.clone()),
            }),
            _ => Err(Fault::bad_request(
                "The paging cookie does not belong to change tracking: a next link is used \
                 unchanged.",
            )),
        }
    }

    fn token(&self) -> String {
        let integer = Stored::Integer;
        let last = [
            ("until", integer(self.until)),
            ("deleted", integer(self.in_deleted.into())),
            ("version", integer(self.behind.0)),
            ("id", Stored::Text(self.behind.1.clone())),
        ];
        let cookie = Cookie {
            page: self.page,
            last: last
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        };
        cookie
            .encode(&[])
            .replace("istracking=%22False%22", "istracking=%22True%22")
    }
}

/// `GET accounts` with `Prefer: odata.track-changes`, and the links that follow.
pub(crate) fn answer(call: &Call<'_>, table: &Table) -> Result<Answer> {
    check(call, &["$select", "$deltatoken", "$skiptoken"])?;
    call.require(table, Right::Read)?;
    call.store.make(table)?;
    let preferences = call.asked.preferences();
    let since = since(call)?;
    let mut position = Position::of(call, since)?;
    let size = preferences.page_size.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let selection = Selection::new(table, call.address.option("$select"))?;
    let mut annotator = Annotator::new(call.catalog, call.store, &preferences);
    let mut entries: Vec<String> = Vec::new();
    let mut has_more = false;
    if !position.in_deleted {
        let (version, id) = (quoted(VERSION), quoted(&table.primary_id));
        let sql = format!(
            "SELECT {}, t.{version}, t.{id} FROM {} t \
             WHERE (t.{version}, t.{id}) > (?1, ?2) AND t.{version} <= ?3 \
             ORDER BY t.{version}, t.{id} LIMIT {}",
            selection.sql(),
            quoted(&table.logical_name),
            size + 1
        );
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let (behind, until) = (position.behind.clone(), position.until);
        let mut rows = statement.query(params![behind.0, behind.1, until])?;
        while let Some(row) = rows.next()? {
            if entries.len() == size {
                has_more = true;
                break;
            }
            let mut out = String::from("{");
            write_row(&selection, row, &mut annotator, &mut out)?;
            out.push('}');
            entries.push(out);
            let width = selection.width();
            position.behind = (row.get(width)?, row.get(width + 1)?);
        }
    }
    if let (Some(since), false) = (since, has_more) {
        if !position.in_deleted {
            position.in_deleted = true;
            position.behind = after(since);
        }
        has_more = deleted(call, table, &mut position, size, &mut entries)?;
    }
    let mut body = String::from("{\"@odata.context\":");
    let kind = if since.is_some() { "/$delta" } else { "" };
    let context = format!("{}$metadata#{}{kind}", call.root(), selection.context());
    write_string(&context, &mut body);
    if !has_more {
        let token = Token {
            version: position.until,
            time: call.now,
        };
        body.push_str(",\"@odata.deltaLink\":");
        let token = encode_all(&token.text());
        write_string(&link(call, table, &[("$deltatoken", token)]), &mut body);
    }
    body.push_str(",\"value\":[");
    body.push_str(&entries.join(","));
    body.push(']');
    if has_more {
        position.page += 1;
        let mut options = vec![("$skiptoken", position.token())];
        if let Some(token) = call.address.option("$deltatoken") {
            options.insert(0, ("$deltatoken", encode_all(token)));
        }
        body.push_str(",\"@odata.nextLink\":");
        write_string(&link(call, table, &options), &mut body);
    }
    body.push('}');
    let mut applied = Vec::new();
    if preferences.track_changes {
        applied.push("odata.track-changes".to_owned());
    }
    if let Some(rows) = preferences.page_size {
        applied.push(format!("odata.maxpagesize={rows}"));
    }
    if let Some(terms) = &preferences.annotations {
        applied.push(format!("odata.include-annotations=\"{terms}\""));
    }
    Ok(Answer::json(StatusCode::OK, body).applied(&applied))
}

/// Fills the page with rows that were deleted; true if there are more.
fn deleted(
    call: &Call<'_>,
    table: &Table,
    position: &mut Position,
    size: usize,
    entries: &mut Vec<String>,
) -> Result<bool> {
    let sql = format!(
        "SELECT version, id FROM {} AND (version, id) > (?2, ?3) AND version <= ?4 \
         ORDER BY version, id LIMIT {}",
        deleted_sql(table),
        size + 1
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let (behind, until) = (position.behind.clone(), position.until);
    let mut rows = statement.query(params![table.logical_name, behind.0, behind.1, until])?;
    while let Some(row) = rows.next()? {
        if entries.len() == size {
            return Ok(true);
        }
        let (version, id): (i64, String) = (row.get(0)?, row.get(1)?);
        let mut out = String::from("{\"@odata.context\":");
        let set = &table.entity_set;
        write_string(
            &format!("{}$metadata#{set}/$deletedEntity", call.root()),
            &mut out,
        );
        out.push_str(",\"id\":");
        write_string(&id, &mut out);
        out.push_str(",\"reason\":\"deleted\"}");
        entries.push(out);
        position.behind = (version, id);
    }
    Ok(false)
}

/// Deleted rows of the table `?1` that were not created again.
fn deleted_sql(table: &Table) -> String {
    format!(
        "\"@deleted\" WHERE name = ?1 AND id NOT IN (SELECT {} FROM {})",
        quoted(&table.primary_id),
        quoted(&table.logical_name)
    )
}

/// `GET accounts/$count?$deltatoken=…`: how many rows have changed or are deleted.
pub(crate) fn count(call: &Call<'_>, table: &Table) -> Result<Answer> {
    check(call, &["$deltatoken"])?;
    call.require(table, Right::Read)?;
    call.store.make(table)?;
    let since = since(call)?.unwrap_or_default();
    let sql = format!(
        "SELECT (SELECT count(*) FROM {} WHERE {} > ?2) + (SELECT count(*) FROM {} \
         AND version > ?2)",
        quoted(&table.logical_name),
        quoted(VERSION),
        deleted_sql(table)
    );
    let mut statement = call.store.connection.prepare_cached(&sql)?;
    let count: i64 = statement.query_row(params![table.logical_name, since], |row| row.get(0))?;
    Ok(Answer::new(StatusCode::OK).with_body("text/plain", format!("\u{feff}{count}")))
}

fn check(call: &Call<'_>, allowed: &[&str]) -> Result<()> {
    for name in ["$filter", "$orderby", "$expand", "$top"] {
        if call.address.option(name).is_some() {
            return Err(Fault::bad_request(format!(
                "The \"{name}\" query parameter isn't supported when Change Tracking is enabled."
            )));
        }
    }
    check_options(&call.address.options, allowed)
}

/// This request with other tokens.
fn link(call: &Call<'_>, table: &Table, tokens: &[(&str, String)]) -> String {
    let (_, query) = call.asked.target.split_once('?').unwrap_or_default();
    let is_token = |option: &str| {
        let name = option.split('=').next().unwrap_or_default();
        let name = name.trim_start_matches("%24").trim_start_matches('$');
        matches!(name, "deltatoken" | "skiptoken")
    };
    let kept = query.split('&');
    let kept = kept.filter(|option| !option.is_empty() && !is_token(option));
    let told = tokens.iter().map(|(name, token)| format!("{name}={token}"));
    let options: Vec<_> = kept.map(str::to_owned).chain(told).collect();
    format!("{}{}?{}", call.root(), table.entity_set, options.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_that_of_the_service() {
        let text = "919042!08/22/2017 08:10:44";
        let token = Token::parse(text).unwrap();
        assert_eq!((token.version, token.text().as_str()), (919_042, text));
        assert_eq!(encode_all(text), "919042%2108%2f22%2f2017%2008%3a10%3a44");
        for text in ["", "1", "!", "x!08/22/2017 08:10:44", "1!2017-08-22"] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }
}
