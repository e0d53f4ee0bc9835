//! How far a bulk write is, to go on in another process.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::schema::TableName;

/// How far a bulk write is. Serialisable: a job that was killed goes on with
/// [`BulkWrite::resume`](super::BulkWrite::resume), in another process, too.
///
/// It holds no ids: the primary keys of rows to create follow from the job and the place of the row
/// in the input, so that a row which was on its way has the same key after the stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkCheckpoint {
    /// Entity set.
    table: String,
    job: JobKeys,
    /// Places whose outcomes were handed out, as ranges with their ends left out; in order, apart.
    settled: Vec<(u64, u64)>,
    /// Of the rows before this place any may have been sent.
    taken: u64,
    failed: u64,
}

impl BulkCheckpoint {
    pub(super) fn new(table: &TableName, now: SystemTime) -> Self {
        BulkCheckpoint {
            table: table.entity_set().to_owned(),
            job: JobKeys::new(now),
            settled: Vec::new(),
            taken: 0,
            failed: 0,
        }
    }

    /// How many rows have an outcome that was handed out.
    pub fn settled(&self) -> u64 {
        let rows = self.settled.iter();
        rows.fold(0, |rows, (start, end)| {
            rows.saturating_add(end.saturating_sub(*start))
        })
    }

    /// How many of them failed.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// The first row without an outcome. Those before it are not looked at again: an input that can
    /// seek may begin there, with [`BulkWrite::first_index`](super::BulkWrite::first_index).
    pub fn first_open(&self) -> u64 {
        self.next_open(0)
    }

    /// Whether the outcome of this row was handed out.
    pub fn is_settled(&self, index: u64) -> bool {
        self.next_open(index) != index
    }

    /// The first row from `from` on without an outcome.
    pub(super) fn next_open(&self, from: u64) -> u64 {
        let place = self.settled.partition_point(|(start, _)| *start <= from);
        let before = place.checked_sub(1).and_then(|at| self.settled.get(at));
        before.map_or(from, |(_, end)| from.max(*end))
    }

    pub(super) fn may_have_been_sent(&self, index: u64) -> bool {
        index < self.taken
    }

    pub(super) fn key_of(&self, index: u64) -> Result<Uuid> {
        self.job.key_of(index)
    }

    /// Rows up to this place may be on their way now.
    pub(super) fn take(&mut self, index: u64) {
        self.taken = self.taken.max(index + 1);
    }

    pub(super) fn settle(&mut self, index: u64, is_failure: bool) {
        if self.is_settled(index) {
            return;
        }
        self.failed += u64::from(is_failure);
        let place = self.settled.partition_point(|(start, _)| *start <= index);
        let joins_next = matches!(self.settled.get(place), Some((start, _)) if *start == index + 1);
        let before = place.checked_sub(1);
        let before = before.and_then(|at| self.settled.get_mut(at));
        match before.filter(|(_, end)| *end == index) {
            Some(range) if joins_next => {
                let start = range.0;
                let (_, end) = self.settled.remove(place);
                if let Some(range) = self.settled.get_mut(place - 1) {
                    *range = (start, end);
                }
            }
            Some(range) => range.1 = index + 1,
            None if joins_next => {
                if let Some(range) = self.settled.get_mut(place) {
                    range.0 = index;
                }
            }
            None => self.settled.insert(place, (index, index + 1)),
        }
    }

    /// Errors: it is of another table, or was damaged.
    pub(super) fn check(&self, table: &TableName) -> Result<()> {
        if self.table != table.entity_set() {
            return Err(Error::input(format!(
                "the checkpoint is of a bulk write of `{}`, not of `{}`",
                self.table,
                table.entity_set()
            )));
        }
        let mut last_end = None;
        let is_too_far = self.taken > 1 << INDEX_BITS;
        for (start, end) in &self.settled {
            if is_too_far
                || start >= end
                || *end > self.taken
                || last_end.is_some_and(|last| last >= *start)
            {
                return Err(Error::input(
                    "the checkpoint of a bulk write is damaged: its ranges of rows are not in \
                     order",
                ));
            }
            last_end = Some(*end);
        }
        Ok(())
    }
}

/// Makes primary keys out of places in the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct JobKeys {
    /// When the job began, in milliseconds since 1970.
    started: u64,
    /// Tells it from a job that began in the same millisecond; 36 bits are used.
    random: u64,
}

/// Places that have room in a key.
const INDEX_BITS: u32 = 38;

impl JobKeys {
    fn new(now: SystemTime) -> Self {
        let started = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        JobKeys {
            started: u64::try_from(started.as_millis()).unwrap_or_default(),
            // The last 62 bits are random in every version 4 GUID.
            random: Uuid::new_v4().as_u64_pair().1,
        }
    }

    /// A GUID of version 8. SQL Server compares the last six bytes first, then 8, 9, 7, 6, 5, 4 …:
    /// with the time and then the place there, rows are added at the end of the index, in the order
    /// of the input.
    fn key_of(&self, index: u64) -> Result<Uuid> {
        if index >> INDEX_BITS != 0 {
            return Err(Error::input(format!(
                "row {index} of a bulk write: there are keys for 2^{INDEX_BITS} rows; write the \
                 others in another job"
            )));
        }
        let byte = |value: u64, shift: u32| (value >> shift) as u8;
        let mut bytes = [0; 16];
        bytes[0] = byte(self.random, 0);
        bytes[1] = byte(self.random, 8);
        bytes[2] = byte(self.random, 16);
        bytes[3] = byte(self.random, 24);
        bytes[4] = byte(index, 0);
        bytes[5] = byte(index, 8);
        bytes[6] = 0x80 | (byte(self.random, 32) & 0x0f);
        bytes[7] = byte(index, 16);
        bytes[8] = 0x80 | (byte(index, 32) & 0x3f);
        bytes[9] = byte(index, 24);
        for (place, byte_of_time) in (10..16).zip([40, 32, 24, 16, 8, 0]) {
            bytes[place] = byte(self.started, byte_of_time);
        }
        Ok(Uuid::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    /// How SQL Server sorts: the text's groups from the last to the first, and within the first
    /// three from their end.
    fn sql_order(id: Uuid) -> [u8; 16] {
        let order = [10, 11, 12, 13, 14, 15, 8, 9, 7, 6, 5, 4, 3, 2, 1, 0];
        order.map(|at: usize| id.as_bytes()[at])
    }

    fn checkpoint() -> BulkCheckpoint {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        BulkCheckpoint::new(&TableName::new("accounts"), now)
    }

    #[test]
    fn keys_are_apart_and_made_again_and_of_version_8() {
        let (one, other) = (checkpoint(), checkpoint());
        let text = serde_json::to_string(&one).unwrap();
        let again: BulkCheckpoint = serde_json::from_str(&text).unwrap();
        let places = (0..70_000).chain([1 << 24, 1 << 33, (1 << 38) - 1]);
        let mut seen = HashSet::new();
        let mut last = None;
        for index in places {
            let key = one.key_of(index).unwrap();
            assert_eq!(again.key_of(index).unwrap(), key);
            assert!(last.replace(sql_order(key)) < Some(sql_order(key)));
            assert_eq!(key.get_version_num(), 8);
            assert_eq!(key.get_variant(), uuid::Variant::RFC4122);
            assert!(seen.insert(key) && seen.insert(other.key_of(index).unwrap()));
        }
        assert!(one.key_of(1 << 38).unwrap_err().is_invalid_input());
    }

    #[test]
    fn a_range_grows_on_both_sides_and_ranges_join() {
        let mut checkpoint = checkpoint();
        checkpoint.take(9);
        for index in [5, 1, 0, 6, 4, 2, 3, 9, 3] {
            checkpoint.settle(index, index == 4);
        }
        assert_eq!(checkpoint.settled, [(0, 7), (9, 10)]);
        assert_eq!((checkpoint.settled(), checkpoint.failed()), (8, 1));
        assert_eq!((checkpoint.first_open(), checkpoint.next_open(9)), (7, 10));
        assert!(checkpoint.is_settled(6) && !checkpoint.is_settled(8));
        checkpoint.check(&TableName::new("accounts")).unwrap();
        let other = checkpoint.check(&TableName::new("contacts"));
        assert!(other.unwrap_err().is_invalid_input());
        let far = r#"{"table":"accounts","job":{"started":0,"random":0},"settled":[[0,18446744073709551615]],
            "taken":18446744073709551615,"failed":0}"#;
        let far: BulkCheckpoint = serde_json::from_str(far).unwrap();
        assert!(far.check(&TableName::new("accounts")).is_err());
        for damaged in [vec![(5, 5)], vec![(4, 6), (6, 7)], vec![(0, 99)]] {
            checkpoint.settled = damaged;
            assert!(checkpoint.check(&TableName::new("accounts")).is_err());
        }
    }
}
