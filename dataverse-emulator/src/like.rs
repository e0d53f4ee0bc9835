//! `LIKE` as SQL Server has it: the service passes `%`, `_` and `[…]` through.

/// Whether the whole of `text` matches `pattern`. Steps back to the last `%` only, so that no
/// pattern takes long.
pub(crate) fn like_match(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern = parse(pattern);
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
enum Step {
    /// `%`
    Any,
    One(Set),
}

/// Characters that a place takes.
#[derive(Debug)]
struct Set {
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
        ] {
            assert_eq!(like_match(text, pattern), matches, "{text} {pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let text = "a".repeat(2000);
        assert!(!like_match(&text, &format!("{}b", "%a".repeat(200))));
    }
}
