//! `multipart/mixed` of `application/http`: the bodies of `$batch`.

mod read;
mod write;

use http::header::CONTENT_TYPE;
use uuid::Uuid;

pub(crate) use read::{Answered, MAX_OPERATIONS, PartAnswer, read_parts};
pub(crate) use write::{BatchWriter, PART_LEN, PartSlot};

use super::{Request, Response};
use crate::error::Result;

/// A request whose URL is too long, as the only part of a batch.
/// Source: Microsoft Learn, "Compose HTTP requests and handle errors", section "URL length limits".
pub(crate) fn wrap(request: &Request, root: &str) -> Result<Request> {
    let mut writer = BatchWriter::new(Uuid::new_v4(), root, None, 0)?;
    writer.part(None).request(request.clone())?;
    Ok(writer.finish())
}

/// The answer to the only part of a batch; the answer itself if it is no multipart.
pub(crate) fn unwrap(response: Response) -> Result<Response> {
    let content_type = response.text_of(&CONTENT_TYPE).unwrap_or_default();
    let Some(boundary) = boundary(content_type) else {
        return match response.status.is_success() {
            true => Err(read::unreadable("it is not multipart")),
            false => Ok(response),
        };
    };
    match &read_parts(boundary, &response.body)?[..] {
        [Answered::Single(answer)] => answer.response(),
        _ => Err(read::unreadable("it has not one part")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
