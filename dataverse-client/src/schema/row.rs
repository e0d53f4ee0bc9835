//! A row that was read, and what came with it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{Column, Entity, Record};
use crate::value::{ETag, Id};

/// A record, with what the service said about the row. Derefs to the record.
pub struct Row<R: Record> {
    record: R,
    meta: RowMeta,
}

/// What comes with a row beside its columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RowMeta {
    pub(crate) id: Option<uuid::Uuid>,
    pub(crate) etag: Option<ETag>,
    pub(crate) labels: Labels,
}

/// The formatted values of a row, in one piece of text: a row has dozens, and a page 5,000 rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Labels {
    text: String,
    /// Column ordinal, and where its label ends; it starts where the one before ends.
    ends: Vec<(u16, usize)>,
}

/// How much memory the labels of a row take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Room {
    text: usize,
    ends: usize,
}

impl Labels {
    /// Rows of a page are alike: what one took, the next will take.
    pub(crate) fn with_room(room: Room) -> Self {
        Labels {
            text: String::with_capacity(room.text),
            ends: Vec::with_capacity(room.ends),
        }
    }

    pub(crate) fn room(&self) -> Room {
        Room {
            text: self.text.len(),
            ends: self.ends.len(),
        }
    }

    pub(crate) fn push(&mut self, ordinal: u16, label: &str) {
        self.text.push_str(label);
        self.ends.push((ordinal, self.text.len()));
    }

    pub(crate) fn get(&self, ordinal: u16) -> Option<&str> {
        let at = self.ends.iter().position(|(of, _)| *of == ordinal)?;
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before)?.1,
            None => 0,
        };
        self.text.get(start..self.ends.get(at)?.1)
    }
}

impl<R: Record> Row<R> {
    pub(crate) fn new(record: R, meta: RowMeta) -> Self {
        Row { record, meta }
    }

    /// The primary key: the service sends it with every row of a table, selected or not.
    pub fn id(&self) -> Option<Id<R::Entity>> {
        self.meta.id.map(Id::new)
    }

    /// The version of the row, for `if_match`.
    pub fn etag(&self) -> Option<&ETag> {
        self.meta.etag.as_ref()
    }

    /// With the version that stands beside the row, if the row has none.
    pub(crate) fn or_etag(mut self, beside: Option<&str>) -> Self {
        self.meta.etag = self.meta.etag.or_else(|| beside.map(ETag::new));
        self
    }

    /// The column's value in the caller's language and time zone, if formatted values were asked
    /// for: to show, never to parse.
    pub fn label<T, A>(&self, column: Column<R::Entity, T, A>) -> Option<&str> {
        self.meta.labels.get(column.ordinal())
    }

    /// The record alone.
    pub fn into_inner(self) -> R {
        self.record
    }
}

impl<R: Record> Deref for Row<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.record
    }
}

impl<R: Record> DerefMut for Row<R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.record
    }
}

impl<R: Record + Clone> Clone for Row<R> {
    fn clone(&self) -> Self {
        Row::new(self.record.clone(), self.meta.clone())
    }
}

impl<R: Record + PartialEq> PartialEq for Row<R> {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record && self.meta == other.meta
    }
}

impl<R: Record + fmt::Debug> fmt::Debug for Row<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(R::Entity::TABLE.logical_name())
            .field("record", &self.record)
            .field("etag", &self.meta.etag)
            .finish_non_exhaustive()
    }
}

impl<R: Record + serde::Serialize> serde::Serialize for Row<R> {
    /// The record alone.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record.serialize(serializer)
    }
}
