//! A GUID that remembers its table.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::{NoContext, Timestamp, Uuid};

use super::chance::random;
use super::{Scalar, Value, ValueError, ValueKind};

/// The primary key of a row of `E`.
pub struct Id<E> {
    uuid: Uuid,
    entity: PhantomData<fn() -> E>,
}

impl<E> Id<E> {
    /// The row of `E` with this GUID.
    pub const fn new(uuid: Uuid) -> Self {
        Id {
            uuid,
            entity: PhantomData,
        }
    }

    /// A new GUID, made from the time and chance (version 7): sequential ones keep the
    /// service's indexes dense.
    pub fn generate() -> Self {
        let (seconds, nanos) = Timestamp::now(NoContext).to_unix();
        let millis = u128::from(seconds * 1000 + u64::from(nanos / 1_000_000));
        // The part of the millisecond stands before chance, so that later ones sort later.
        let part = u64::from(nanos % 1_000_000) * 4096 / 1_000_000;
        let head = u128::from(7 << 12 | part);
        let bits = millis << 80 | head << 64 | 2 << 62 | u128::from(random() >> 2);
        Id::new(Uuid::from_u128(bits))
    }

    /// New ids, each after the one before: the first is random, the others count on from it. Asking
    /// the system for random bits takes longer than writing a row.
    pub(crate) fn generate_many() -> impl Iterator<Item = Self> {
        // The last 62 bits of a version 7 GUID are random.
        const COUNTER: u128 = (1 << 62) - 1;
        let first = Uuid::now_v7().as_u128();
        let (head, start) = (first & !COUNTER, first & COUNTER);
        (0u128..).map(move |index| Id::new(Uuid::from_u128(head | ((start + index) & COUNTER))))
    }

    /// The GUID.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

// By hand: a derive would ask the same of `E`.
impl<E> Clone for Id<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Id<E> {}

impl<E> PartialEq for Id<E> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<E> Eq for Id<E> {}

impl<E> PartialOrd for Id<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Id<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<E> Hash for Id<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<E> fmt::Display for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

impl<E> fmt::Debug for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid, f)
    }
}

impl<E> From<Uuid> for Id<E> {
    fn from(uuid: Uuid) -> Self {
        Id::new(uuid)
    }
}

impl<E> From<Id<E>> for Uuid {
    fn from(id: Id<E>) -> Self {
        id.uuid
    }
}

impl<E> FromStr for Id<E> {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Id::new)
    }
}

/// The GUID as text.
impl<E> serde::Serialize for Id<E> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.uuid)
    }
}

impl<'de, E> serde::Deserialize<'de> for Id<E> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Uuid::try_parse(&text)
            .map(Id::new)
            .map_err(serde::de::Error::custom)
    }
}

impl<E: 'static> Value for Id<E> {
    fn kind() -> ValueKind {
        ValueKind::Guid
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        Uuid::from_scalar(scalar).map(Id::new)
    }

    fn write_json(&self, out: &mut String) {
        self.uuid.write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.uuid.write_literal(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_differ() {
        let ids: Vec<Uuid> = (0..1000).map(|_| Id::<()>::generate().uuid()).collect();
        for id in &ids {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        }
        let other = Uuid::now_v7().as_u128() >> 80;
        assert!(other - (ids[0].as_u128() >> 80) < 60_000);
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }

    #[test]
    fn many_ids_are_apart_in_order_and_of_version_7() {
        let ids: Vec<Id<()>> = Id::generate_many().take(5000).collect();
        let others: Vec<Id<()>> = Id::generate_many().take(5000).collect();
        let all = ids.iter().chain(&others);
        let apart: std::collections::HashSet<_> = all.map(|id| id.uuid()).collect();
        assert_eq!(apart.len(), 10_000);
        let is_next = |pair: &[Id<()>]| pair[0].uuid() < pair[1].uuid();
        // The counter begins anywhere, and may begin anew once.
        let jumps = ids.windows(2).filter(|pair| !is_next(pair)).count();
        assert!(jumps <= 1);
        for id in ids {
            assert_eq!(id.uuid().get_version_num(), 7);
            assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
        }
    }
}
