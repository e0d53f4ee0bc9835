//! Choices: numbers that an org gives names to, and may give more names to at any time.

use std::fmt;

use super::{Scalar, Value, ValueError, ValueKind};

/// The values of a choice column, as an enum with a variant for numbers that were not known when
/// the program was compiled: nothing that a maker adds breaks a program.
///
/// Generated, or by `#[derive(Choice)]`.
pub trait Choice: Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The values known when the program was compiled.
    const OPTIONS: &'static [ChoiceOption];

    /// The variant of a number.
    fn from_value(value: i32) -> Self;

    /// The number that is sent.
    fn value(self) -> i32;

    /// The label the value had when the code was generated: to show, never to compare.
    fn label(self) -> Option<&'static str> {
        let value = self.value();
        let mut options = Self::OPTIONS.iter();
        let known = options.find(|option| option.value == value)?;
        Some(known.label)
    }
}

/// One value of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChoiceOption {
    /// The number that is sent.
    pub value: i32,
    /// The Rust variant.
    pub name: &'static str,
    /// What people see.
    pub label: &'static str,
}

impl ChoiceOption {
    /// A value of a choice.
    pub const fn new(value: i32, name: &'static str, label: &'static str) -> Self {
        ChoiceOption { value, name, label }
    }
}

/// Prints the variant, as a derive would.
pub(crate) fn debug_choice<C: Choice>(choice: C, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let value = choice.value();
    match C::OPTIONS.iter().find(|option| option.value == value) {
        Some(known) => f.write_str(known.name),
        None => write!(f, "Unknown({value})"),
    }
}

impl<C: Choice> Value for C {
    fn kind() -> ValueKind {
        ValueKind::Integer
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        i32::from_scalar(scalar).map(C::from_value)
    }

    fn write_json(&self, out: &mut String) {
        self.value().write_json(out);
    }

    fn write_literal(&self, out: &mut String) {
        self.value().write_literal(out);
    }
}

/// The values of a choices column: any number of them, each once, ascending.
///
/// On the wire: `"1,9"`. None at all is null. At most 150.
/// Source: Microsoft Learn, "Choices columns", 2023.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Choices<C>(Vec<C>);

impl<C: Choice> Choices<C> {
    /// No value.
    pub fn new() -> Self {
        Choices(Vec::new())
    }

    /// The values, ascending by number.
    pub fn as_slice(&self) -> &[C] {
        &self.0
    }

    /// The values, ascending by number.
    pub fn iter(&self) -> impl Iterator<Item = C> {
        self.0.iter().copied()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `choice` is among the values.
    pub fn contains(&self, choice: C) -> bool {
        self.place(choice).is_ok()
    }

    /// Adds a value; false if it was there.
    pub fn insert(&mut self, choice: C) -> bool {
        match self.place(choice) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, choice);
                true
            }
        }
    }

    /// Takes a value away; false if it was not there.
    pub fn remove(&mut self, choice: C) -> bool {
        let place = self.place(choice);
        if let Ok(place) = place {
            self.0.remove(place);
        }
        place.is_ok()
    }

    fn place(&self, choice: C) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&choice.value(), |known| known.value())
    }
}

impl<C: Choice> Default for Choices<C> {
    fn default() -> Self {
        Choices::new()
    }
}

impl<C: Choice> FromIterator<C> for Choices<C> {
    fn from_iter<I: IntoIterator<Item = C>>(choices: I) -> Self {
        let mut all = Choices::new();
        for choice in choices {
            all.insert(choice);
        }
        all
    }
}

impl<C: Choice, const N: usize> From<[C; N]> for Choices<C> {
    fn from(choices: [C; N]) -> Self {
        choices.into_iter().collect()
    }
}

impl<C> IntoIterator for Choices<C> {
    type Item = C;
    type IntoIter = std::vec::IntoIter<C>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<C: fmt::Debug> fmt::Debug for Choices<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0).finish()
    }
}

impl<C: Choice> Value for Choices<C> {
    fn kind() -> ValueKind {
        ValueKind::Choices
    }

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        const EXPECTED: &str = "whole numbers separated by commas";
        let text = match &scalar {
            Scalar::Text(text) => text.as_ref(),
            Scalar::Number(digits) => digits,
            _ => return Err(ValueError::new(EXPECTED, &scalar)),
        };
        let numbers = text.split(',').map(str::trim);
        numbers
            .filter(|number| !number.is_empty())
            .map(|number| number.parse().map(C::from_value))
            .collect::<Result<_, _>>()
            .map_err(|_| ValueError::new(EXPECTED, &scalar))
    }

    fn write_json(&self, out: &mut String) {
        if self.is_empty() {
            out.push_str("null");
            return;
        }
        out.push('"');
        self.write_numbers(out);
        out.push('"');
    }

    fn write_literal(&self, out: &mut String) {
        if self.is_empty() {
            out.push_str("null");
            return;
        }
        out.push('\'');
        self.write_numbers(out);
        out.push('\'');
    }
}

impl<C: Choice> Choices<C> {
    fn write_numbers(&self, out: &mut String) {
        for (index, choice) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            choice.write_json(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::__choice! {
        /// Colours.
        enum Colour {
            /// Red.
            Red = 1 "Red",
            /// Green.
            Green = 727000000 "Grün",
        }
    }

    fn read<T: Value>(json: &str) -> Result<T, ValueError> {
        let mut reader = super::super::json::Reader::new(json);
        T::from_scalar(reader.scalar().unwrap())
    }

    fn json(value: &impl Value) -> String {
        let mut out = String::new();
        value.write_json(&mut out);
        out
    }

    #[test]
    fn a_choice_is_its_number_known_or_not() {
        assert_eq!(read::<Colour>("1"), Ok(Colour::Red));
        assert_eq!(read::<Colour>("-7"), Ok(Colour::Unknown(-7)));
        assert_eq!(Colour::Unknown(1), Colour::Red);
        assert_eq!(json(&Colour::Unknown(-7)), "-7");
        assert_eq!(Colour::Green.label(), Some("Grün"));
        assert_eq!(Colour::Unknown(3).label(), None);
        assert_eq!(
            format!("{:?} {:?}", Colour::Unknown(1), Colour::Unknown(3)),
            "Red Unknown(3)"
        );
        assert_eq!(serde_json::to_string(&Colour::Red).unwrap(), "1");
        assert_eq!(
            serde_json::from_str::<Colour>("727000000").unwrap(),
            Colour::Green
        );
        assert!(read::<Colour>("\"Red\"").is_err());
    }

    #[test]
    fn choices_are_a_set_written_with_commas() {
        let read_ = read::<Choices<Colour>>("\"727000000, 1,1\"").unwrap();
        assert_eq!(read_, Choices::from([Colour::Red, Colour::Green]));
        assert_eq!(json(&read_), "\"1,727000000\"");
        assert_eq!(json(&Choices::<Colour>::new()), "null");
        assert_eq!(read::<Choices<Colour>>("\"\""), Ok(Choices::new()));
        assert!(read::<Choices<Colour>>("[1]").is_err());
        assert!(read::<Choices<Colour>>("\"1;2\"").is_err());
        let mut set = read_;
        assert!(set.contains(Colour::Unknown(1)) && set.remove(Colour::Red));
        assert!(!set.insert(Colour::Green) && set.insert(Colour::Unknown(5)));
        assert_eq!(format!("{set:?}"), "{Unknown(5), Green}");
    }
}
