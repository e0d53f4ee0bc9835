//! `LIKE` as SQL Server has it: the service passes `%`, `_` and `[…]` through.

use crate::text::fold;

/// A pattern that is read once and held against many texts, whatever the case of either.
#[derive(Debug)]
pub(crate) enum Like {
    /// Text without wildcards, but for `%` before or behind it: `(before, text, behind)`.
    Plain(bool, String, bool),
    Steps(Vec<Step>),
}

impl Like {
    pub(crate) fn parse(pattern: &str) -> Self {
        let pattern = fold(pattern);
        let inner = pattern.strip_prefix('%');
        let (before, inner) = (inner.is_some(), inner.unwrap_or(&pattern));
        let end = inner.strip_suffix('%');
        let (behind, inner) = (end.is_some(), end.unwrap_or(inner));
        match inner.contains(['%', '_', '[']) {
            false => Like::Plain(before, inner.to_owned(), behind),
            true => Like::Steps(parse(&pattern)),
        }
    }

    /// Whether the whole of a text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Like::Plain(before, part, behind) if text.is_ascii() => {
                let (text, part) = (text.as_bytes(), part.as_bytes());
                match (before, behind) {
                    (false, false) => text.eq_ignore_ascii_case(part),
                    (false, true) => text
                        .get(..part.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(part)),
                    (true, false) => text
                        .len()
                        .checked_sub(part.len())
                        .is_some_and(|at| text[at..].eq_ignore_ascii_case(part)),
                    (true, true) => {
                        part.is_empty()
                            || text
                                .windows(part.len())
                                .any(|place| place.eq_ignore_ascii_case(part))
                    }
                }
            }
            Like::Plain(before, part, behind) => {
                let text = fold(text);
                match (before, behind) {
                    (false, false) => text == *part,
                    (false, true) => text.starts_with(part),
                    (true, false) => text.ends_with(part),
                    (true, true) => text.contains(part),
                }
            }
            Like::Steps(steps) => steps_match(&fold(text), steps),
        }
    }
}

/// Steps back to the last `%` only, so that no pattern takes long.
fn steps_match(text: &str, pattern: &[Step]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut step) = (0, 0);
    // Where the last `%` is, and how far it has eaten.
    let mut restart: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(step) {
            Some(Step::Any) => {
                restart = Some((step, at));
                step += 1;
            }
            Some(Step::One(set)) if set.has(text[at]) => {
                at += 1;
                step += 1;
            }
            _ => match &mut restart {
                Some((any, eaten)) => {
                    *eaten += 1;
                    (step, at) = (*any + 1, *eaten);
                }
                None => return false,
            },
        }
    }
    pattern[step..].iter().all(|step| matches!(step, Step::Any))
}

#[derive(Debug)]
pub(crate) enum Step {
    /// `%`
    Any,
    One(Set),
}

/// Characters that a place takes.
#[derive(Debug)]
pub(crate) struct Set {
    negated: bool,
    /// None for every character.
    ranges: Option<Vec<(char, char)>>,
}

impl Set {
    fn has(&self, char: char) -> bool {
        match &self.ranges {
            None => true,
            Some(ranges) => {
                ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&char))
                    != self.negated
            }
        }
    }
}

fn parse(pattern: &str) -> Vec<Step> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(&char) = chars.get(at) {
        at += 1;
        steps.push(match char {
            '%' => Step::Any,
            '_' => Step::One(Set {
                negated: false,
                ranges: None,
            }),
            '[' => match chars[at..].iter().skip(1).position(|char| *char == ']') {
                Some(end) => {
                    let inside = &chars[at..=at + end];
                    at += end + 2;
                    Step::One(set(inside))
                }
                // Never closed: it stands for itself.
                None => Step::One(only('[')),
            },
            char => Step::One(only(char)),
        });
    }
    steps
}

fn only(char: char) -> Set {
    Set {
        negated: false,
        ranges: Some(vec![(char, char)]),
    }
}

/// The inside of `[…]`: `ab`, `a-c`, `^a`.
fn set(inside: &[char]) -> Set {
    let (negated, chars) = match inside {
        ['^', rest @ ..] if !rest.is_empty() => (true, rest),
        all => (false, all),
    };
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at..] {
            [low, '-', high, ..] => {
                ranges.push((low, high));
                at += 3;
            }
            _ => {
                ranges.push((chars[at], chars[at]));
                at += 1;
            }
        }
    }
    Set {
        negated,
        ranges: Some(ranges),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_sql_server() {
        for (text, pattern, matches) in [
            ("contoso", "con%", true),
            ("contoso", "%tos%", true),
            ("contoso", "c_ntoso", true),
            ("contoso", "contos", false),
            ("50% off", "%50[%]%", true),
            ("500 off", "%50[%]%", false),
            ("a_b", "a[_]b", true),
            ("axb", "a[_]b", false),
            ("bat", "[a-c]at", true),
            ("rat", "[^a-c]at", true),
            ("bat", "[^a-c]at", false),
            ("[x", "[[]x", true),
            ("[x", "[x", true),
            ("", "%", true),
            ("", "", true),
            ("a", "", false),
            ("[]", "[]", true),
            ("ab", "%abc", false),
            ("ab", "abc%", false),
            ("äb", "%b", true),
            ("äb", "ä%", true),
            ("äbc", "%b%", true),
            ("ä", "ä", true),
        ] {
            assert_eq!(
                Like::parse(pattern).matches(text),
                matches,
                "{text} {pattern}"
            );
            let steps = parse(pattern);
            assert_eq!(steps_match(text, &steps), matches, "{text} {pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let text = "a".repeat(2000);
        assert!(!Like::parse(&format!("{}b", "%a".repeat(200))).matches(&text));
    }
}
