//! Reading a row. One reader for every table, and it remembers the order of keys: rows of a page
//! repeat it, so that most keys cost one comparison.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cell::Cell;
use super::record::{Expand, Expanded, Parts};
use super::row::{Labels, Room, RowMeta};
use super::{Entity, Record, Row, Table};
use crate::value::json::Reader;
use crate::value::{Annotation, ETag, JsonError, Scalar, ValueError};

pub(crate) const FORMATTED_VALUE: &str = "OData.Community.Display.V1.FormattedValue";
pub(crate) const LOOKUP_LOGICAL_NAME: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";

/// A row could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("column `{column}` of `{table}`: {error}")]
    Value {
        table: &'static str,
        column: &'static str,
        error: ValueError,
    },
    #[error(
        "`{navigation}` of `{table}` did not come whole: the service pages collections that are \
         expanded in several levels, and large ones; read that table with a query of its own"
    )]
    Incomplete {
        table: &'static str,
        navigation: &'static str,
    },
    #[error("column `{column}` of `{table}` is null or was not sent; make the field an `Option`")]
    Null {
        table: &'static str,
        column: &'static str,
    },
}

/// What the keys of a page's rows mean, learned while reading.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    table: &'static Table,
    /// Column ordinal of each part; None where part and ordinal are the same.
    fields: Option<&'static [u16]>,
    keys: Vec<KnownKey>,
    by_name: HashMap<Box<str>, usize>,
    /// Empty between rows; here so that its memory serves all of them.
    pending: Vec<Pending<'a>>,
    /// What the labels of the row before took.
    labels: Room,
    /// Columns whose labels are parts.
    label_parts: &'static [u16],
    expands: &'static [Expand],
    /// The shapes of related rows, as `expands`.
    expanded: Vec<ExpandedReading<'a>>,
}

/// What is known of the rows of one navigation property.
#[derive(Debug)]
pub struct ExpandedReading<'a>(Shape<'a>);

/// Related rows could not be read.
#[derive(Debug)]
pub struct ExpandedError(RowError);

/// More children than this are not sent with a row.
/// Source: Microsoft Learn, "Join tables using OData", 2024.
const MAX_CHILDREN: usize = 5000;

#[derive(Debug)]
struct KnownKey {
    /// With quotes and colon.
    quoted: Box<str>,
    meaning: Meaning,
    /// The key that came after this one the last time.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// A column that is a part of the record.
    Part {
        part: u16,
        is_primary_id: bool,
    },
    /// The primary key, which is no part of the record.
    PrimaryId,
    ETag,
    Annotation {
        annotation: Annotation,
        ordinal: u16,
        part: u16,
    },
    /// Related rows, by place among the expands.
    Expanded(usize),
    /// The link that says where the rest of them is.
    ExpandedLink(usize),
    Ignored,
}

/// An annotation that waits for its value: the service sends it first.
#[derive(Debug)]
struct Pending<'a> {
    part: u16,
    annotation: Annotation,
    text: Cow<'a, str>,
}

impl<'a> Shape<'a> {
    pub(crate) fn of<R: Record>() -> Self {
        Shape::new(R::Entity::TABLE, R::FIELDS, R::EXPANDS, R::LABELS)
    }

    fn new(
        table: &'static Table,
        fields: Option<&'static [u16]>,
        expands: &'static [Expand],
        label_parts: &'static [u16],
    ) -> Self {
        let shape_of = |expand: &'static Expand| {
            let Expand {
                table,
                fields,
                expands,
                labels,
                ..
            } = expand;
            ExpandedReading(Shape::new(table, *fields, expands, labels))
        };
        Shape {
            table,
            fields,
            keys: Vec::new(),
            by_name: HashMap::new(),
            pending: Vec::new(),
            labels: Room::default(),
            label_parts,
            expands,
            expanded: expands.iter().map(shape_of).collect(),
        }
    }

    fn ordinal_of(&self, part: u16) -> u16 {
        match self.fields {
            Some(fields) => fields.get(usize::from(part)).copied().unwrap_or(u16::MAX),
            None => part,
        }
    }

    fn column_of(&self, part: u16) -> &'static str {
        // Related rows come after the columns.
        if let Some(fields) = self.fields
            && let Some(expand) = usize::from(part).checked_sub(fields.len())
        {
            return self
                .expands
                .get(expand)
                .map_or("?", |expand| expand.navigation);
        }
        let ordinal = usize::from(self.ordinal_of(part));
        self.table
            .columns()
            .get(ordinal)
            .map_or("?", |column| column.wire_name())
    }

    fn part_of(&self, ordinal: u16) -> Option<u16> {
        match self.fields {
            Some(fields) => (0u16..)
                .zip(fields)
                .find(|(_, f)| **f == ordinal)
                .map(|(p, _)| p),
            None => Some(ordinal),
        }
    }

    fn ordinal(&self, wire_name: &str) -> Option<u16> {
        (0u16..)
            .zip(self.table.columns())
            .find(|(_, column)| column.wire_name() == wire_name)
            .map(|(ordinal, _)| ordinal)
    }

    fn meaning(&self, key: &str) -> Meaning {
        if key == "@odata.etag" {
            return Meaning::ETag;
        }
        let expand = |name: &str| self.expands.iter().position(|e| e.navigation == name);
        if let Some(place) = expand(key) {
            return Meaning::Expanded(place);
        }
        if let Some((column, term)) = key.split_once('@') {
            if term == "odata.nextLink"
                && let Some(place) = expand(column)
            {
                return Meaning::ExpandedLink(place);
            }
            let annotation = match term {
                FORMATTED_VALUE => Annotation::FormattedValue,
                LOOKUP_LOGICAL_NAME => Annotation::LookupLogicalName,
                _ => return Meaning::Ignored,
            };
            let Some(ordinal) = self.ordinal(column) else {
                return Meaning::Ignored;
            };
            // A column may be there for its label alone.
            let is_label = self.label_parts.contains(&ordinal);
            return match self.part_of(ordinal).or(is_label.then_some(u16::MAX)) {
                Some(part) => Meaning::Annotation {
                    annotation,
                    ordinal,
                    part,
                },
                None => Meaning::Ignored,
            };
        }
        let is_primary_id = key == self.table.primary_id();
        match self.ordinal(key).and_then(|ordinal| self.part_of(ordinal)) {
            Some(part) => Meaning::Part {
                part,
                is_primary_id,
            },
            None if is_primary_id => Meaning::PrimaryId,
            None => Meaning::Ignored,
        }
    }

    /// Reads the next key; `previous` is where the one before it stands.
    fn key(
        &mut self,
        reader: &mut Reader<'_>,
        previous: Option<usize>,
    ) -> Result<usize, JsonError> {
        let mut guess = previous.map_or(0, |previous| self.keys[previous].next);
        // Annotations come and go with nulls: look a little further.
        for _ in 0..3 {
            let Some(known) = self.keys.get(guess) else {
                break;
            };
            if reader.take_key(&known.quoted) {
                return Ok(self.link(previous, guess));
            }
            guess = known.next;
        }
        let key = reader.key()?;
        let at = match self.by_name.get(key.as_ref()) {
            Some(&at) => at,
            None => {
                let at = self.keys.len();
                self.keys.push(KnownKey {
                    quoted: format!("\"{key}\":").into(),
                    meaning: self.meaning(&key),
                    next: at + 1,
                });
                self.by_name.insert(key.into(), at);
                at
            }
        };
        Ok(self.link(previous, at))
    }

    fn incomplete(&self, expand: usize) -> RowError {
        let expand = self.expands.get(expand);
        RowError::Incomplete {
            table: self.table.logical_name(),
            navigation: expand.map_or("?", |expand| expand.navigation),
        }
    }

    fn link(&mut self, previous: Option<usize>, at: usize) -> usize {
        if let Some(previous) = previous {
            self.keys[previous].next = at;
        }
        at
    }
}

/// Reads one row, whose `{` comes next.
pub(crate) fn decode_row<'a, R: Record>(
    reader: &mut Reader<'a>,
    shape: &mut Shape<'a>,
) -> Result<Row<R>, RowError> {
    let mut parts = R::Parts::default();
    let meta = fill(reader, shape, &mut parts)?;
    for (index, ordinal) in R::LABELS.iter().enumerate() {
        if let Some(label) = meta.labels.get(*ordinal) {
            parts.set_label(index, label);
        }
    }
    match R::from_parts(parts) {
        Ok(record) => Ok(Row::new(record, meta)),
        Err(null) => Err(RowError::Null {
            table: shape.table.logical_name(),
            column: shape.column_of(null.field),
        }),
    }
}

fn fill<'a>(
    reader: &mut Reader<'a>,
    shape: &mut Shape<'a>,
    parts: &mut dyn Parts,
) -> Result<RowMeta, RowError> {
    let mut meta = RowMeta {
        labels: Labels::with_room(shape.labels),
        ..RowMeta::default()
    };
    // An error may have left some of the row before.
    shape.pending.clear();
    let mut previous = None;
    let mut more = reader.enter_object()?;
    while more {
        let at = shape.key(reader, previous)?;
        previous = Some(at);
        match shape.keys[at].meaning {
            Meaning::Part {
                part,
                is_primary_id,
            } => {
                let scalar = reader.scalar()?;
                if is_primary_id {
                    meta.id = guid(&scalar);
                }
                let read = parts.part_mut(part).map(|cell| cell.read(scalar));
                if let Some(Err(error)) = read {
                    return Err(RowError::Value {
                        table: shape.table.logical_name(),
                        column: shape.column_of(part),
                        error,
                    });
                }
            }
            Meaning::PrimaryId => meta.id = guid(&reader.scalar()?),
            Meaning::ETag => {
                if let Scalar::Text(text) = reader.scalar()? {
                    meta.etag = Some(ETag::new(text));
                }
            }
            Meaning::Annotation {
                annotation,
                ordinal,
                part,
            } => {
                if let Scalar::Text(text) = reader.scalar()? {
                    if annotation == Annotation::FormattedValue {
                        meta.labels.push(ordinal, &text);
                    }
                    shape.pending.push(Pending {
                        part,
                        annotation,
                        text,
                    });
                }
            }
            Meaning::Expanded(place) => {
                let scalar = reader.scalar()?;
                let text = match scalar {
                    Scalar::Null => "null",
                    Scalar::Nested(text) => text,
                    _ => "",
                };
                let rows = parts.expanded_mut(place);
                if let Some((rows, reading)) = rows.zip(shape.expanded.get_mut(place)) {
                    rows.read(text, reading).map_err(|error| match error.0 {
                        // Its table does not know the name of the way to it.
                        RowError::Incomplete { .. } => shape.incomplete(place),
                        other => other,
                    })?;
                }
            }
            Meaning::ExpandedLink(place) => {
                // Without a token the link is that of the whole collection, and says nothing.
                if let Scalar::Text(link) = reader.scalar()?
                    && link.to_ascii_lowercase().contains("skiptoken")
                {
                    return Err(shape.incomplete(place));
                }
            }
            Meaning::Ignored => reader.skip()?,
        }
        more = reader.more_members()?;
    }
    for Pending {
        part,
        annotation,
        text,
    } in shape.pending.drain(..)
    {
        if let Some(cell) = parts.part_mut(part) {
            Cell::annotate(cell, annotation, &text);
        }
    }
    shape.labels = meta.labels.room();
    Ok(meta)
}

fn guid(scalar: &Scalar<'_>) -> Option<uuid::Uuid> {
    match scalar {
        Scalar::Text(text) => uuid::Uuid::try_parse(text).ok(),
        _ => None,
    }
}

impl<R: Record> Expanded for Option<Vec<R>> {
    fn read<'a>(
        &mut self,
        text: &'a str,
        ExpandedReading(shape): &mut ExpandedReading<'a>,
    ) -> Result<(), ExpandedError> {
        let mut rows = Vec::new();
        let read = Reader::new(text).array(|reader| -> Result<(), RowError> {
            rows.push(decode_row::<R>(reader, shape)?.into_inner());
            Ok(())
        });
        read.map_err(ExpandedError)?;
        if rows.len() >= MAX_CHILDREN {
            let table = shape.table.logical_name();
            return Err(ExpandedError(RowError::Incomplete {
                table,
                navigation: table,
            }));
        }
        *self = Some(rows);
        Ok(())
    }
}

impl<R: Record> Expanded for Option<R> {
    fn read<'a>(
        &mut self,
        text: &'a str,
        ExpandedReading(shape): &mut ExpandedReading<'a>,
    ) -> Result<(), ExpandedError> {
        if text != "null" {
            let row = decode_row::<R>(&mut Reader::new(text), shape);
            *self = Some(row.map_err(ExpandedError)?.into_inner());
        }
        Ok(())
    }
}
