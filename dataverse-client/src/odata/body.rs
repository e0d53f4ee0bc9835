//! Writing bodies.

use super::key::row_path;
use crate::error::{Error, Result};
use crate::schema::{ContentRef, Entry, Written};
use crate::schema::{Reference, ReferenceKind};
use crate::value::json::write_string;

/// Where a request stands: alone, in a batch, or in a change set whose members can be referred to.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Path of the service root.
    root: &'a str,
    is_batch: bool,
    change_set: Option<ChangeSetScope>,
}

#[derive(Debug, Clone, Copy)]
struct ChangeSetScope {
    id: u64,
    /// Content-ID of the first member, less one.
    base: usize,
    /// The member this request is.
    index: usize,
}

impl<'a> Scope<'a> {
    /// A request of its own, to a service whose root has this path: `/api/data/v9.2/`.
    pub const fn alone(root: &'a str) -> Self {
        Scope {
            root,
            is_batch: false,
            change_set: None,
        }
    }

    /// A part of a batch, in no change set.
    pub(crate) const fn batch_part(root: &'a str) -> Self {
        Scope {
            root,
            is_batch: true,
            change_set: None,
        }
    }

    /// The member `index` of the change set `id`, whose Content-IDs follow `base`.
    pub(crate) const fn member(root: &'a str, id: u64, base: usize, index: usize) -> Self {
        Scope {
            root,
            is_batch: true,
            change_set: Some(ChangeSetScope { id, base, index }),
        }
    }

    /// Path of the service root: `/api/data/v9.2/`.
    pub const fn root(&self) -> &'a str {
        self.root
    }

    /// Whether the request is a part of a batch.
    pub const fn is_batch(&self) -> bool {
        self.is_batch
    }

    /// The Content-ID of an earlier member of the same change set.
    fn content_id(&self, content: ContentRef) -> Result<usize> {
        match self.change_set {
            Some(scope) if scope.id == content.scope && content.index < scope.index => {
                Ok(scope.base + content.index + 1)
            }
            _ => Err(Error::input(
                "a handle names a row that this change set does not create before this point; \
                 add the create to the same change set first, or use the row's id",
            )),
        }
    }
}

/// Writes `{"name":"Contoso","primarycontactid@odata.bind":"contacts(…)"}`; `first` are members
/// already written, without braces.
pub(crate) fn write_object(first: &str, entries: &[Entry], scope: &Scope<'_>) -> Result<String> {
    let mut out = String::with_capacity(64 + entries.len() * 32);
    out.push('{');
    out.push_str(first);
    for entry in entries {
        if out.len() > 1 {
            out.push(',');
        }
        match &entry.value {
            Written::Json(json) => {
                write_string(&entry.name, &mut out);
                out.push(':');
                out.push_str(json);
            }
            Written::Bind(reference) => {
                write_string(&format!("{}@odata.bind", entry.name), &mut out);
                out.push(':');
                write_string(&reference_url(reference, scope)?, &mut out);
            }
            Written::Mistake(mistake) => return Err(Error::input(mistake.clone())),
            Written::Unbind => {
                write_string(&format!("{}@odata.bind", entry.name), &mut out);
                out.push_str(":null");
            }
        }
    }
    out.push('}');
    Ok(out)
}

fn reference_url(reference: &Reference, scope: &Scope<'_>) -> Result<String> {
    match &reference.0 {
        ReferenceKind::Row { entity_set, key } => row_path(entity_set, key),
        ReferenceKind::Content(content) => Ok(format!("${}", scope.content_id(*content)?)),
    }
}
