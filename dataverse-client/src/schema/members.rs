//! What a body holds, kept as the text that is sent.

use std::borrow::Cow;

use super::Reference;
use crate::error::{Error, Result};
use crate::value::json::write_string;

/// Columns and navigation properties of a row to write, in the order in which they were set.
///
/// Columns are text from the start: a row of ten is two pieces of memory, and goes into a request
/// as one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct BodyMembers {
    /// `"name":"Contoso","revenue":5`.
    text: String,
    columns: Vec<Place>,
    others: Vec<Other>,
    /// The column whose value took text away. What was set before it is lost, so nothing that is
    /// set later mends it.
    spoilt: Option<Box<str>>,
}

/// Where a column stands; it begins behind the comma after the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    colon: usize,
    end: usize,
}

/// A member that is more than the value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Other {
    /// Navigation property without `@odata.bind`.
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: Written,
    /// How many columns stand before it.
    at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// Points a navigation property at a row.
    Bind(Reference),
    /// Points a navigation property at nothing.
    Unbind,
    /// Adds rows that exist to a collection.
    BindMany(Vec<Reference>),
    /// A row that is created with this one.
    Insert(BodyMembers),
    /// Rows that are created with this one.
    InsertMany(Vec<BodyMembers>),
    /// A mistake that is told when the body is to be sent.
    Mistake(String),
}

impl Written {
    /// Its member has a name of its own, beside a column that is called alike.
    fn is_bind(&self) -> bool {
        matches!(
            self,
            Written::Bind(_) | Written::Unbind | Written::BindMany(_)
        )
    }
}

impl BodyMembers {
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.others.is_empty() && self.spoilt.is_none()
    }

    /// Errors: the value of a column did not append its JSON, and nothing else.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.spoilt {
            None => Ok(()),
            Some(column) => Err(Error::input(format!(
                "the value of column `{column}` spoilt the row: `Value::write_json` of its type \
                 wrote nothing, or changed what the text held before; let it append JSON to `out` \
                 and do nothing else"
            ))),
        }
    }

    /// Sets a column to the JSON that `write` appends.
    pub(crate) fn set(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        // Few rows are smaller, and most grow no more than once.
        const ROOM: usize = 256;
        const COLUMNS: usize = 8;
        if self.columns.is_empty() {
            self.text.reserve(ROOM);
            self.columns.reserve(COLUMNS);
        }
        let before = self.text.len();
        if before > 0 {
            self.text.push(',');
        }
        let start = self.text.len();
        write_string(name, &mut self.text);
        let colon = self.text.len();
        self.text.push(':');
        write(&mut self.text);
        if !self.is_appended(name, start, colon) {
            return self.spoil(name);
        }
        if !self.others.is_empty() {
            self.others
                .retain(|other| other.value.is_bind() || other.name != name);
        }
        match self.place_of(&self.text.as_bytes()[start..colon]) {
            None => {
                let end = self.text.len();
                self.columns.push(Place { colon, end });
            }
            Some(index) => {
                let json = self.text.split_off(colon + 1);
                self.text.truncate(before);
                let place = self.columns[index];
                self.text.replace_range(place.colon + 1..place.end, &json);
                let length = place.end - place.colon - 1;
                self.shift(index, json.len(), length);
                self.columns[index].end = place.colon + 1 + json.len();
            }
        }
    }

    /// Whether a value stands behind the colon, and its name still before it: types of the program
    /// itself are given the whole text, too.
    fn is_appended(&self, name: &str, start: usize, colon: usize) -> bool {
        let text = self.text.as_bytes();
        let is_name = |known: &[u8]| match known.len() == name.len() {
            true => known == name.as_bytes(),
            false => {
                let mut quoted = String::new();
                write_string(name, &mut quoted);
                quoted.as_bytes().get(1..quoted.len() - 1) == Some(known)
            }
        };
        text.len() > colon + 1
            && (text[start], text[colon - 1], text[colon]) == (b'"', b'"', b':')
            && is_name(&text[start + 1..colon - 1])
    }

    #[cold]
    fn spoil(&mut self, name: &str) {
        self.text.clear();
        self.columns.clear();
        self.others.clear();
        self.spoilt.get_or_insert_with(|| name.into());
    }

    /// Sets what is more than the value of a column.
    pub(crate) fn put(&mut self, name: impl Into<Cow<'static, str>>, value: Written) {
        let name = name.into();
        let is_bind = value.is_bind();
        if !is_bind {
            self.remove(&name);
        }
        let mut others = self.others.iter_mut();
        match others.find(|other| other.name == name && other.value.is_bind() == is_bind) {
            Some(other) => other.value = value,
            None => self.others.push(Other {
                name,
                value,
                at: self.columns.len(),
            }),
        }
    }

    /// The JSON set for a column.
    pub(crate) fn json_of(&self, column: &str) -> Option<&str> {
        let Place { colon, end } = self.columns[self.place_named(column)?];
        Some(&self.text[colon + 1..end])
    }

    /// Whether a column or navigation property of this name is set.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.place_named(name).is_some() || self.others.iter().any(|other| other.name == name)
    }

    /// Names of columns, as they stand in JSON, and of navigation properties.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let columns = self.columns.iter().enumerate();
        let columns = columns.map(|(at, place)| &self.text[self.start(at) + 1..place.colon - 1]);
        columns.chain(self.others.iter().map(|other| &*other.name))
    }

    /// The text of columns that stand together, each followed by the member behind them.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&str, Option<&Other>)> {
        let mut done = 0;
        let others = self.others.iter().map(Some).chain([None]);
        others.map(move |other| {
            let to = other.map_or(self.columns.len(), |other| other.at);
            let from = std::mem::replace(&mut done, to);
            let text = match to > from {
                true => &self.text[self.start(from)..self.columns[to - 1].end],
                false => "",
            };
            (text, other)
        })
    }

    /// How long they are in a request, within a few bytes for each navigation property.
    pub(crate) fn approximate_len(&self) -> usize {
        // Quotes, colon, comma, `@odata.bind`; a row in a URL.
        const MEMBER: usize = 16;
        const REFERENCE: usize = 80;
        let value = |other: &Other| match &other.value {
            Written::Bind(_) => REFERENCE,
            Written::Unbind | Written::Mistake(_) => 0,
            Written::BindMany(references) => references.len() * REFERENCE,
            Written::Insert(row) => row.approximate_len(),
            Written::InsertMany(rows) => rows.iter().map(BodyMembers::approximate_len).sum(),
        };
        let others = self.others.iter();
        let others = others.map(|other| MEMBER + other.name.len() + value(other));
        self.text.len() + others.sum::<usize>()
    }

    fn start(&self, index: usize) -> usize {
        index
            .checked_sub(1)
            .map_or(0, |before| self.columns[before].end + 1)
    }

    /// The column with this name, which is in quotes.
    fn place_of(&self, quoted: &[u8]) -> Option<usize> {
        self.find(|known| known == quoted)
    }

    /// The column with this name, if it needs no escapes: names that are asked for do not.
    fn place_named(&self, name: &str) -> Option<usize> {
        self.find(|known| known.get(1..known.len() - 1) == Some(name.as_bytes()))
    }

    /// The column whose name, in quotes, is looked for.
    fn find(&self, is_it: impl Fn(&[u8]) -> bool) -> Option<usize> {
        let text = self.text.as_bytes();
        let mut start = 0;
        self.columns.iter().position(|place| {
            let known = &text[start..place.colon];
            start = place.end + 1;
            is_it(known)
        })
    }

    fn remove(&mut self, name: &str) {
        let mut quoted = String::new();
        write_string(name, &mut quoted);
        let Some(index) = self.place_of(quoted.as_bytes()) else {
            return;
        };
        let (start, end) = (self.start(index), self.columns[index].end);
        // With one of the commas around it.
        let range = match end < self.text.len() {
            true => start..end + 1,
            false => start.saturating_sub(1)..end,
        };
        let length = range.len();
        self.text.replace_range(range, "");
        self.shift(index, 0, length);
        self.columns.remove(index);
        for other in &mut self.others {
            other.at -= usize::from(other.at > index);
        }
    }

    /// Moves what stands behind a column whose text has `is` bytes instead of `was`.
    fn shift(&mut self, index: usize, is: usize, was: usize) {
        for place in &mut self.columns[index + 1..] {
            place.colon = place.colon + is - was;
            place.end = place.end + is - was;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(columns: &[(&str, &str)]) -> BodyMembers {
        let mut members = BodyMembers::default();
        for (name, json) in columns {
            members.set(name, |out| out.push_str(json));
        }
        members
    }

    /// Each piece of text, and the name behind it.
    fn pieces(members: &BodyMembers) -> Vec<(&str, &str)> {
        let pieces = members.pieces();
        pieces
            .map(|(text, other)| (text, other.map_or("", |other| &other.name)))
            .collect()
    }

    #[test]
    fn a_column_set_again_keeps_its_place() {
        let mut row = members(&[("a", "1"), ("b", "\"x\""), ("c", "3"), ("bb", "4")]);
        for json in ["\"longer\"", "0", "null"] {
            row.set("b", |out| out.push_str(json));
            let text = format!("\"a\":1,\"b\":{json},\"c\":3,\"bb\":4");
            assert_eq!(pieces(&row), [(&*text, "")]);
            assert_eq!(row.json_of("b"), Some(json));
            assert_eq!(row.json_of("c"), Some("3"));
            assert_eq!(row.json_of("bb"), Some("4"));
        }
        assert_eq!(
            row,
            members(&[("a", "1"), ("b", "null"), ("c", "3"), ("bb", "4")])
        );
    }

    #[test]
    fn a_name_that_needs_escapes_is_one_name() {
        let mut row = members(&[("a\"", "1"), ("b", "2")]);
        row.set("a\"", |out| out.push('3'));
        assert_eq!(pieces(&row), [("\"a\\\"\":3,\"b\":2", "")]);
    }

    #[test]
    fn what_is_no_column_stands_where_it_was_set() {
        let mut row = BodyMembers::default();
        row.put("x", Written::Unbind);
        row.set("a", |out| out.push('1'));
        row.set("b", |out| out.push('2'));
        row.put("y", Written::Unbind);
        row.put("z", Written::Insert(BodyMembers::default()));
        row.set("c", |out| out.push('3'));
        row.set("a", |out| out.push_str("null"));
        let expected = [
            ("", "x"),
            ("\"a\":null,\"b\":2", "y"),
            ("", "z"),
            ("\"c\":3", ""),
        ];
        assert_eq!(pieces(&row), expected);
        assert!(row.has("y") && row.has("c") && !row.has("d"));
    }

    #[test]
    fn a_column_and_an_inserted_row_of_one_name_replace_each_other() {
        for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
            let columns = [("a", "1"), ("b", "2"), ("c", "3")];
            let mut row = members(&columns);
            // A lookup that is called like its column is not in its way.
            row.put(name, Written::Unbind);
            row.put(name, Written::Mistake(String::new()));
            let left = (0..3).filter(|at| *at != index).map(|at| columns[at]);
            let left = members(&left.collect::<Vec<_>>());
            assert_eq!(row.pieces().next().unwrap().0, left.text);
            assert_eq!(row.columns, left.columns);
            assert_eq!(row.others.len(), 2);
            row.set(name, |out| out.push('4'));
            assert_eq!(row.others.len(), 1);
            assert_eq!(row.json_of(name), Some("4"));
        }
    }
}
