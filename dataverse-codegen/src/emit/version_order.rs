//! The order in which rustfmt puts `use` lines: `a_`, `a2`, `a10`.

use std::cmp::Ordering;

/// Numbers by what they count, `_` before all else; of `02` and `2` the longer first, if nothing
/// else tells the names apart.
pub(super) fn version_order(mut left: &str, mut right: &str) -> Ordering {
    let mut by_zeros = Ordering::Equal;
    loop {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let order = match (digits(left), digits(right)) {
            (0, _) | (_, 0) => {
                let (mut left_chars, mut right_chars) = (left.chars(), right.chars());
                let order = rank(left_chars.next()).cmp(&rank(right_chars.next()));
                if order.is_eq() && left.is_empty() {
                    return by_zeros;
                }
                (left, right) = (left_chars.as_str(), right_chars.as_str());
                order
            }
            (left_count, right_count) => {
                let (left_number, left_rest) = left.split_at(left_count);
                let (right_number, right_rest) = right.split_at(right_count);
                (left, right) = (left_rest, right_rest);
                by_zeros = by_zeros.then(right_count.cmp(&left_count));
                value(left_number).cmp(&value(right_number))
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The end goes before `_`, and that before all else.
fn rank(char: Option<char>) -> (u8, Option<char>) {
    match char {
        None => (0, None),
        Some('_') => (1, None),
        other => (2, other),
    }
}

/// A number of any length: the longer is the greater.
fn value(digits: &str) -> (usize, &str) {
    let digits = digits.trim_start_matches('0');
    (digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_of_rustfmt() {
        let sorted = [
            "_000", "_001", "_1st", "_002", "a", "a_", "a_1", "a2", "a10", "b02", "b2c", "b10",
            "c01", "c1", "c1_", "ca",
        ];
        for (at, left) in sorted.iter().enumerate() {
            for (other, right) in sorted.iter().enumerate() {
                assert_eq!(version_order(left, right), at.cmp(&other), "{left} {right}");
            }
        }
    }
}
