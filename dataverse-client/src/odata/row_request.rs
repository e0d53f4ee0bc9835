//! The request that writes one row.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Method};
use uuid::Uuid;

use super::Request;
use super::body::{Scope, append_object};
use crate::error::Result;
use crate::schema::BodyMembers;
use crate::value::digits::write_uuid;

/// What writes one row: a message of its own, or a part of a batch, whose JSON goes straight into
/// the body of the batch.
pub(crate) struct RowRequest<'a> {
    pub(crate) method: Method,
    /// Percent-encoded, below the service root.
    pub(crate) path: Cow<'a, str>,
    /// `If-Match` or `If-None-Match`.
    pub(crate) condition: Option<(HeaderName, HeaderValue)>,
    /// Column and value of the primary key, before the other columns.
    pub(crate) key: Option<(&'a str, Uuid)>,
    /// None for no body.
    pub(crate) members: Option<&'a BodyMembers>,
}

impl<'a> RowRequest<'a> {
    pub(crate) fn new(method: Method, path: impl Into<Cow<'a, str>>) -> Self {
        RowRequest {
            method,
            path: path.into(),
            condition: None,
            key: None,
            members: None,
        }
    }

    pub(crate) fn condition(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.condition = Some((name, value));
        self
    }

    pub(crate) fn members(mut self, members: &'a BodyMembers) -> Self {
        self.members = Some(members);
        self
    }

    /// As a message of its own.
    pub(crate) fn request(self, scope: &Scope<'_>) -> Result<Request> {
        let mut body = String::new();
        if let Some(members) = self.members {
            body.reserve(members.approximate_len() + 80);
        }
        self.append_body(scope, &mut body)?;
        let mut request = Request::new(self.method, self.path);
        if let Some((name, value)) = self.condition {
            request = request.header(name, value);
        }
        Ok(match self.members {
            Some(_) => request.json(body),
            None => request,
        })
    }

    /// Appends the JSON of the row.
    pub(crate) fn append_body(&self, scope: &Scope<'_>, out: &mut String) -> Result<()> {
        let Some(members) = self.members else {
            return Ok(());
        };
        let key = |out: &mut String| {
            if let Some((column, id)) = &self.key {
                append_key(column, id, out);
            }
        };
        append_object(key, members, scope, out)
    }
}

/// Appends `"accountid":"0000…"`.
pub(crate) fn append_key(column: &str, id: &Uuid, out: &mut String) {
    out.push('"');
    out.push_str(column);
    out.push_str("\":\"");
    write_uuid(id, out);
    out.push('"');
}
