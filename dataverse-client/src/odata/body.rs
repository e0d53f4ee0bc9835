//! Writing bodies.

use super::CallOptions;
use super::key::row_path;
use crate::error::{Error, Result};
use crate::schema::{ContentRef, Entry, Written};
use crate::schema::{Reference, ReferenceKind};
use crate::value::json::write_string;

/// Where a request stands: alone, in a batch, or in a change set whose members can be referred to.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// `https://contoso.crm4.dynamics.com`; empty where no org is known.
    origin: &'a str,
    /// Path of the service root.
    root: &'a str,
    is_batch: bool,
    change_set: Option<ChangeSetScope>,
    /// What goes into every part of a batch.
    options: Option<&'a CallOptions>,
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
            origin: "",
            root,
            is_batch: false,
            change_set: None,
            options: None,
        }
    }

    /// A request of its own to this org, with these options.
    pub(crate) const fn to_org(origin: &'a str, root: &'a str, options: &'a CallOptions) -> Self {
        Scope {
            origin,
            options: Some(options),
            ..Scope::alone(root)
        }
    }

    /// A part of this request, which is a batch, in no change set.
    pub(crate) const fn batch_part(self) -> Self {
        Scope {
            is_batch: true,
            ..self
        }
    }

    /// The member `index` of the change set `id`, whose Content-IDs follow `base`.
    pub(crate) const fn member(self, id: u64, base: usize, index: usize) -> Self {
        Scope {
            is_batch: true,
            change_set: Some(ChangeSetScope { id, base, index }),
            ..self
        }
    }

    /// What goes into every part of a batch.
    pub(crate) const fn options(&self) -> Option<&'a CallOptions> {
        self.options
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
    append_object(first, entries, scope, &mut out)?;
    Ok(out)
}

/// The same, into `out`.
pub(crate) fn append_object(
    first: &str,
    entries: &[Entry],
    scope: &Scope<'_>,
    out: &mut String,
) -> Result<()> {
    out.push('{');
    let start = out.len();
    out.push_str(first);
    for entry in entries {
        if out.len() > start {
            out.push(',');
        }
        match &entry.value {
            Written::Json(json) => {
                write_string(&entry.name, out);
                out.push(':');
                out.push_str(json);
            }
            Written::Bind(reference) => {
                write_string(&format!("{}@odata.bind", entry.name), out);
                out.push(':');
                write_string(&reference_url(reference, scope)?, out);
            }
            Written::Mistake(mistake) => return Err(Error::input(mistake.clone())),
            Written::Unbind => {
                write_string(&format!("{}@odata.bind", entry.name), out);
                out.push_str(":null");
            }
            Written::BindMany(references) => {
                write_string(&format!("{}@odata.bind", entry.name), out);
                out.push(':');
                append_list(references, out, |reference, out| {
                    write_string(&reference_url(reference, scope)?, out);
                    Ok(())
                })?;
            }
            Written::Insert(row) => {
                write_string(&entry.name, out);
                out.push(':');
                append_object("", row, scope, out)?;
            }
            Written::InsertMany(rows) => {
                write_string(&entry.name, out);
                out.push(':');
                append_list(rows, out, |row, out| append_object("", row, scope, out))?;
            }
        }
    }
    out.push('}');
    Ok(())
}

fn append_list<T>(
    items: &[T],
    out: &mut String,
    mut append: impl FnMut(&T, &mut String) -> Result<()>,
) -> Result<()> {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        append(item, out)?;
    }
    out.push(']');
    Ok(())
}

/// A row as `@odata.id` names it: an absolute URL, as the service wants it there, or `$1`.
pub(crate) fn absolute_url(reference: &Reference, scope: &Scope<'_>) -> Result<String> {
    let url = reference_url(reference, scope)?;
    Ok(match reference.0 {
        ReferenceKind::Row { .. } => format!("{}{}{url}", scope.origin, scope.root),
        ReferenceKind::Content(_) => url,
    })
}

/// A row as a URL names it: `accounts(…)`, or `$1`.
pub(crate) fn reference_url(reference: &Reference, scope: &Scope<'_>) -> Result<String> {
    match &reference.0 {
        ReferenceKind::Row { entity_set, key } => row_path(entity_set, key),
        ReferenceKind::Content(content) => Ok(format!("${}", scope.content_id(*content)?)),
    }
}
