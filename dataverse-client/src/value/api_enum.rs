//! Enum types of the API: names on the wire, unlike choices.

use super::json::write_string;
use super::{Scalar, Value, ValueError};

/// A member of an enum type, or several of one whose members combine.
///
/// What the program does not know is kept as it came: `names` the service sent beyond the known
/// ones, `bits` it sent as a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Members {
    bits: i64,
    names: Vec<Box<str>>,
}

/// An enum type of the API. Generated.
pub trait ApiEnum: Sized {
    /// `Microsoft.Dynamics.CRM.EntityFilters`.
    const NAME: &'static str;

    /// Names and values.
    const MEMBERS: &'static [(&'static str, i64)];

    /// Whether members combine.
    const IS_FLAGS: bool;

    /// Wraps what was read.
    fn from_members(members: Members) -> Self;

    /// What is to be written.
    fn members(&self) -> &Members;

    /// Whether all members of `other` are among these.
    fn contains(&self, other: &Self) -> bool {
        self.members().contains(other.members())
    }
}

impl Members {
    /// The member, or members, with this value.
    pub const fn new(bits: i64) -> Self {
        Members {
            bits,
            names: Vec::new(),
        }
    }

    /// Their value, unknown names aside.
    pub const fn bits(&self) -> i64 {
        self.bits
    }

    /// Names that were not known when the code was generated.
    pub fn unknown_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Whether all of `other` are among these.
    pub fn contains(&self, other: &Members) -> bool {
        let has_name = |name| self.names.contains(name);
        self.bits & other.bits == other.bits && other.names.iter().all(has_name)
    }

    /// These and `other`.
    #[must_use]
    pub fn union(mut self, other: Members) -> Self {
        self.bits |= other.bits;
        for name in other.names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
        self
    }
}

/// Reads `"Entity, Attributes"`, `"Entity"` or `3`.
pub(crate) fn read_enum<T: ApiEnum>(scalar: Scalar<'_>) -> Result<T, ValueError> {
    const EXPECTED: &str = "the name of an enum member";
    let text = match &scalar {
        Scalar::Text(text) => text.as_ref(),
        Scalar::Number(digits) => digits,
        _ => return Err(ValueError::new(EXPECTED, &scalar)),
    };
    let mut members = Members::default();
    for name in text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let known = T::MEMBERS.iter().find(|(known, _)| *known == name);
        let value = known.map(|(_, value)| *value).or(name.parse().ok());
        match value {
            Some(value) if T::IS_FLAGS => members.bits |= value,
            Some(value) => members.bits = value,
            None => members.names.push(name.into()),
        }
    }
    Ok(T::from_members(members))
}

/// `Entity,Attributes`; a number where bits have no name.
fn write_names<T: ApiEnum>(value: &T, out: &mut String) {
    let members = value.members();
    let mut names: Vec<&str> = Vec::new();
    let exact = T::MEMBERS.iter().find(|(_, bits)| *bits == members.bits);
    let mut rest = members.bits;
    if let Some((name, _)) = exact
        && (members.bits != 0 || members.names.is_empty())
    {
        names.push(name);
        rest = 0;
    } else if T::IS_FLAGS {
        for (name, bits) in T::MEMBERS {
            if *bits != 0 && rest & bits == *bits {
                names.push(name);
                rest &= !bits;
            }
        }
    }
    let number = rest.to_string();
    if rest != 0 || (names.is_empty() && members.names.is_empty()) {
        names.push(&number);
    }
    names.extend(members.names.iter().map(AsRef::as_ref));
    out.push_str(&names.join(","));
}

/// Appends `"Entity,Attributes"`.
pub(crate) fn write_enum_json<T: ApiEnum>(value: &T, out: &mut String) {
    let mut names = String::new();
    write_names(value, &mut names);
    write_string(&names, out);
}

/// Appends `Microsoft.Dynamics.CRM.EntityFilters'Entity,Attributes'`.
pub(crate) fn write_enum_literal<T: ApiEnum>(value: &T, out: &mut String) {
    out.push_str(T::NAME);
    let mut names = String::new();
    write_names(value, &mut names);
    names.write_literal(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::__api_enum! {
        /// What to retrieve.
        enum EntityFilters("Microsoft.Dynamics.CRM.EntityFilters", true) {
            /// Entity.
            ENTITY = 1 "Entity",
            /// Attributes.
            ATTRIBUTES = 2 "Attributes",
            /// All.
            ALL = 3 "All",
        }
    }

    crate::__api_enum! {
        /// An order.
        enum OrderType("Microsoft.Dynamics.CRM.OrderType", false) {
            /// Ascending.
            ASCENDING = 0 "Ascending",
            /// Descending.
            DESCENDING = 1 "Descending",
        }
    }

    fn read<T: Value>(json: &str) -> T {
        let mut reader = super::super::json::Reader::new(json);
        T::from_scalar(reader.scalar().unwrap()).unwrap()
    }

    fn json(value: &impl Value) -> String {
        let mut out = String::new();
        value.write_json(&mut out);
        out
    }

    #[test]
    fn flags_combine_and_keep_what_is_unknown() {
        let all = EntityFilters::ENTITY | EntityFilters::ATTRIBUTES;
        assert_eq!(all, EntityFilters::ALL);
        assert_eq!(json(&all), "\"All\"");
        let read_ = read::<EntityFilters>("\"Entity, Attributes\"");
        assert_eq!(read_, EntityFilters::ALL);
        let more = read::<EntityFilters>("\"Entity, Keys, 64\"");
        assert!(more.contains(&EntityFilters::ENTITY));
        assert!(!more.contains(&EntityFilters::ATTRIBUTES));
        assert_eq!(json(&more), "\"Entity,64,Keys\"");
        assert_eq!(json(&read::<EntityFilters>("0")), "\"0\"");
        let mut literal = String::new();
        EntityFilters::ENTITY.write_literal(&mut literal);
        assert_eq!(literal, "Microsoft.Dynamics.CRM.EntityFilters'Entity'");
    }

    #[test]
    fn single_members_are_names_on_the_wire() {
        assert_eq!(json(&OrderType::ASCENDING), "\"Ascending\"");
        assert_eq!(read::<OrderType>("\"Descending\""), OrderType::DESCENDING);
        assert_eq!(read::<OrderType>("1"), OrderType::DESCENDING);
        assert_eq!(json(&read::<OrderType>("\"Shuffled\"")), "\"Shuffled\"");
        assert_eq!(json(&read::<OrderType>("7")), "\"7\"");
    }
}
