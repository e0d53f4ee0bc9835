//! The JSON inside the text inside the answer.

use crate::error::{Error, Result, ServiceError};
use crate::odata::Response;
use crate::odata::page::json_error;
use crate::op::Answer;
use crate::schema::AnyRow;
use crate::value::Json;
use crate::value::json::Reader;

/// Reads `{"@odata.context":…,"response":"{…}"}`: what stands in `response`.
///
/// Errors: also what the search engine refused inside an answer that is a success.
pub(super) fn read(response: &Response) -> Result<AnyRow> {
    let response = response.success()?;
    let outer = <AnyRow as Answer>::read(&response.body)?;
    let text: String = outer.get("response")?.ok_or_else(|| {
        Error::decode("the answer of a search has no `response`; is this a search of version 2?")
    })?;
    let mut reader = Reader::new(&text);
    let inner = AnyRow::read(&mut reader).map_err(json_error)?;
    reader.end().map_err(json_error)?;
    if let Some(error) = member(&inner, "Error").filter(|error| error.as_str() != "null") {
        let body = format!("{{\"error\":{}}}", error.as_str());
        let service = ServiceError::read(body.as_bytes());
        return Err(Error::service(response.status, service, None, None));
    }
    Ok(inner)
}

/// A member whatever the case of its name: the service writes `Value` and `value`.
pub(super) fn member<'a>(row: &'a AnyRow, name: &str) -> Option<&'a Json> {
    let mut members = row.members();
    let found = members.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, json)| json)
}

/// The value of such a member; None for null.
pub(super) fn value<T: crate::value::Value>(row: &AnyRow, name: &str) -> Result<Option<T>> {
    let mut members = row.members();
    match members.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((known, _)) => row.get(known),
        None => Ok(None),
    }
}

/// The same, where the answer is worth nothing without it.
pub(super) fn needed<T: crate::value::Value>(row: &AnyRow, name: &str) -> Result<T> {
    value(row, name)?
        .ok_or_else(|| Error::decode(format!("the answer of a search has no `{name}`")))
}
