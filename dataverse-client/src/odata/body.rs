//! Writing bodies.

use super::CallOptions;
use super::key::row_path;
use crate::error::{Error, Result};
use crate::schema::{BodyMembers, ContentRef, Reference, ReferenceKind, Written};
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
pub(crate) fn write_object(
    first: &str,
    members: &BodyMembers,
    scope: &Scope<'_>,
) -> Result<String> {
    let mut out = String::with_capacity(first.len() + members.approximate_len() + 8);
    append_object(|out| out.push_str(first), members, scope, &mut out)?;
    Ok(out)
}

/// The same, into `out`, with what `first` appends before the other members.
pub(crate) fn append_object(
    first: impl FnOnce(&mut String),
    members: &BodyMembers,
    scope: &Scope<'_>,
    out: &mut String,
) -> Result<()> {
    members.check()?;
    out.push('{');
    let start = out.len();
    first(out);
    let next = |out: &mut String| {
        if out.len() > start {
            out.push(',');
        }
    };
    for (columns, other) in members.pieces() {
        if !columns.is_empty() {
            next(out);
            out.push_str(columns);
        }
        if let Some(other) = other {
            next(out);
            append_other(&other.name, &other.value, scope, out)?;
        }
    }
    out.push('}');
    Ok(())
}

fn append_other(name: &str, value: &Written, scope: &Scope<'_>, out: &mut String) -> Result<()> {
    let append_name = |behind: &str, out: &mut String| {
        write_string(&format!("{name}{behind}"), out);
        out.push(':');
    };
    match value {
        Written::Bind(reference) => {
            append_name("@odata.bind", out);
            write_string(&reference_url(reference, scope)?, out);
        }
        Written::Unbind => {
            append_name("@odata.bind", out);
            out.push_str("null");
        }
        Written::BindMany(references) => {
            append_name("@odata.bind", out);
            append_list(references, out, |reference, out| {
                write_string(&reference_url(reference, scope)?, out);
                Ok(())
            })?;
        }
        Written::Insert(row) => {
            append_name("", out);
            append_object(|_| {}, row, scope, out)?;
        }
        Written::InsertMany(rows) => {
            append_name("", out);
            append_list(rows, out, |row, out| append_object(|_| {}, row, scope, out))?;
        }
        Written::Mistake(mistake) => return Err(Error::input(mistake.clone())),
    }
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
