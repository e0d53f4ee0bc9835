//! Words of texts, and how a search matches them.

use std::ops::Range;

use crate::fault::{Fault, Result};

/// What is searched for: each part must be, or begin, a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    word: String,
    is_prefix: bool,
}

/// Signs of the search language that the emulator does not read.
const OPERATORS: &[char] = &[
    '+', '|', '(', ')', '"', '~', '^', '/', '!', '?', '\\', '{', '}',
];

/// Reads simple syntax: words, with an asterisk at the end where more may follow.
pub(super) fn terms(search: &str) -> Result<Vec<Term>> {
    let mut terms = Vec::new();
    for part in search.split_whitespace() {
        let is_operator = part.starts_with('-')
            || part.contains(OPERATORS)
            || matches!(part, "AND" | "OR" | "NOT" | "&&");
        let (text, is_prefix) = match part.strip_suffix('*') {
            Some(text) => (text, true),
            None => (part, false),
        };
        if is_operator || text.contains('*') {
            return Err(Fault::not_supported(format!(
                "the operator in the search text `{part}`"
            )));
        }
        let words: Vec<_> = words(text).collect();
        let count = words.len();
        for (at, (_, word)) in words.into_iter().enumerate() {
            terms.push(Term {
                word,
                is_prefix: is_prefix && at + 1 == count,
            });
        }
    }
    Ok(terms)
}

/// The words of a text that is being typed: each may be the beginning of one.
pub(super) fn typed(search: &str) -> Vec<Term> {
    let word = |(_, word)| Term {
        word,
        is_prefix: true,
    };
    words(search).map(word).collect()
}

/// The words of a text, in lower case, and where they are.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let mut start = None;
    let ends = text.char_indices().map(Some).chain([None]);
    ends.filter_map(move |place| {
        let (at, is_word) = match place {
            Some((at, char)) => (at, char.is_alphanumeric()),
            None => (text.len(), false),
        };
        if is_word {
            start.get_or_insert(at);
            return None;
        }
        let start: usize = start.take()?;
        let word = text.get(start..at)?;
        Some((start..at, word.to_lowercase()))
    })
}

impl Term {
    /// What was written.
    pub(super) fn text(&self) -> &str {
        &self.word
    }

    fn fits(&self, word: &str) -> bool {
        match self.is_prefix {
            true => word.starts_with(&self.word),
            false => word == self.word,
        }
    }

    /// Whether the text has a word that fits.
    pub(super) fn is_in(&self, text: &str) -> bool {
        words(text).any(|(_, word)| self.fits(&word))
    }
}

/// The text with marks around what fits: whole words, or as much as was typed of them. None if
/// nothing does.
pub(super) fn highlighted(text: &str, terms: &[Term], whole: bool) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for (range, word) in words(text) {
        let Some(term) = terms.iter().find(|term| term.fits(&word)) else {
            continue;
        };
        let characters = term.word.chars().count();
        let hit = text.get(range.clone())?;
        let typed = hit.char_indices().nth(characters);
        let end = match (whole, typed) {
            (false, Some((at, _))) => range.start + at,
            _ => range.end,
        };
        out.push_str(text.get(done..range.start)?);
        out.push_str("{crmhit}");
        out.push_str(text.get(range.start..end)?);
        out.push_str("{/crmhit}");
        done = end;
    }
    if done == 0 && out.is_empty() {
        return None;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_of_any_script() {
        let found: Vec<_> = words("O'Brien & Söhne-2 北京")
            .map(|(_, word)| word)
            .collect();
        assert_eq!(found, ["o", "brien", "söhne", "2", "北京"]);
        assert_eq!(words("").count(), 0);
    }

    #[test]
    fn marks_stand_around_what_fits() {
        let search = terms("söhne con*").unwrap();
        let marked = highlighted("Contoso Söhne, Scon", &search, true);
        let expected = "{crmhit}Contoso{/crmhit} {crmhit}Söhne{/crmhit}, Scon";
        assert_eq!(marked.as_deref(), Some(expected));
        let marked = highlighted("Contoso", &typed("cont"), false);
        assert_eq!(marked.as_deref(), Some("{crmhit}Cont{/crmhit}oso"));
        assert_eq!(highlighted("Fabrikam", &search, true), None);
        // A lower case that is longer or shorter than the text.
        assert!(highlighted("İstanbul", &typed("i"), false).is_some());
    }

    #[test]
    fn operators_are_refused_and_not_passed_over() {
        for search in ["a +b", "-a", "\"a b\"", "a~", "a*b", "(a)", "a OR b", "/a/"] {
            assert!(terms(search).is_err(), "{search}");
        }
        assert_eq!(terms("a-b c*").unwrap().len(), 3);
    }
}
