//! How text and times are compared: letters of either case are the same, in every script.

use std::cmp::Ordering;

/// A letter in the one case in which it is compared. Letters that are several in the other case
/// stay as they are.
fn folded(char: char) -> char {
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    let mut upper = char.to_uppercase();
    let upper = match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => char,
    };
    let mut lower = upper.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => upper,
    }
}

/// Text in the one case in which it is compared.
pub(crate) fn fold(text: &str) -> String {
    text.chars().map(folded).collect()
}

/// Compares text whatever its case.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let pairs = left.bytes().zip(right.bytes());
    let is_same = |(left, right): &(u8, u8)| left.is_ascii() && left.eq_ignore_ascii_case(right);
    let same = pairs.take_while(is_same).count();
    // What is the same so far is ASCII, so this is where a character begins.
    let (left, right) = (&left[same..], &right[same..]);
    left.chars().map(folded).cmp(right.chars().map(folded))
}

/// Compares times as they are stored: in UTC, with as many digits of a second as are needed.
pub(crate) fn compare_times(left: &str, right: &str) -> Ordering {
    // The `Z` is greater than the point in its place.
    left.trim_end_matches('Z').cmp(right.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_either_case_are_the_same() {
        for (left, right, expected) in [
            ("Contoso", "cONTOSO", Ordering::Equal),
            ("ÄÖÜ", "äöü", Ordering::Equal),
            ("ΟΔΟΣ", "οδος", Ordering::Equal),
            ("Москва", "МОСКВА", Ordering::Equal),
            ("straße", "STRASSE", Ordering::Greater),
            ("İstanbul", "istanbul", Ordering::Greater),
            ("a", "B", Ordering::Less),
            ("ab", "A", Ordering::Greater),
            ("", "a", Ordering::Less),
            ("aé", "AÉb", Ordering::Less),
            ("é", "e", Ordering::Greater),
        ] {
            assert_eq!(compare(left, right), expected, "{left} {right}");
            assert_eq!(compare(right, left), expected.reverse());
        }
        assert_eq!(fold("ÀΣß"), "àσß");
    }

    #[test]
    fn times_inside_a_second_are_in_order() {
        let times = [
            "2023-01-01T00:00:00Z",
            "2023-01-01T00:00:00.001Z",
            "2023-01-01T00:00:00.500Z",
            "2023-01-01T00:00:00.500001Z",
            "2023-01-01T00:00:01Z",
        ];
        assert!(times.is_sorted_by(|left, right| compare_times(left, right).is_lt()));
        assert_eq!(compare_times(times[0], times[0]), Ordering::Equal);
    }
}
