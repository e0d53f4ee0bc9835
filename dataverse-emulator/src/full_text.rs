//! The query function `Contains`: full text of knowledge articles.

use crate::catalog::Kind;
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::names::SqlColumn;
use crate::search::words::words;
use crate::value::Stored;

/// Tables whose texts are indexed.
const INDEXED: &[&str] = &["kbarticle", "knowledgearticle"];

/// A word that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    word: String,
    /// Words that begin so are found, too.
    is_prefix: bool,
}

/// What is looked for: all of these phrases, each of words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    phrases: Vec<Vec<Term>>,
}

/// Whether the column holds what is looked for.
pub(crate) fn condition(column: &SqlColumn<'_>, sought: &str) -> Result<Condition> {
    if *column.kind != Kind::Text || !INDEXED.contains(&&*column.table.logical_name) {
        return Err(Fault::invalid_argument(format!(
            "The column '{}' of '{}' has no full-text index: Contains searches texts of \
             knowledge articles.",
            column.logical_name, column.table.logical_name
        )));
    }
    Ok(Condition {
        sql: format!("dv_has_words({}, ?)", column.sql),
        values: vec![Stored::Text(sought.to_owned())],
    })
}

impl Sought {
    /// Reads words and `"phrases"`; `*` at the end of a word stands for any ending.
    pub(crate) fn parse(text: &str) -> Self {
        let mut phrases = Vec::new();
        for (at, part) in text.split('"').enumerate() {
            let is_phrase = at % 2 == 1;
            let pieces: Vec<&str> = match is_phrase {
                true => vec![part],
                false => part.split_whitespace().collect(),
            };
            phrases.extend(pieces.into_iter().map(phrase));
        }
        phrases.retain(|phrase| !phrase.is_empty());
        Sought { phrases }
    }

    /// Whether a text holds all of it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let words: Vec<String> = words(text).map(|(_, word)| word).collect();
        let has = |phrase: &Vec<Term>| {
            words.windows(phrase.len()).any(|found| {
                let mut pairs = found.iter().zip(phrase);
                pairs.all(|(word, term)| match term.is_prefix {
                    true => word.starts_with(&term.word),
                    false => *word == term.word,
                })
            })
        };
        !self.phrases.is_empty() && self.phrases.iter().all(has)
    }
}

fn phrase(text: &str) -> Vec<Term> {
    let terms = words(text).map(|(range, word)| Term {
        word,
        is_prefix: text
            .get(range.end..)
            .is_some_and(|rest| rest.starts_with('*')),
    });
    terms.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_phrases_are_found_and_not_parts_of_words() {
        let text = "Resetting a forgotten password. The e-mail comes at once.";
        for (sought, is_in) in [
            ("password", true),
            ("PASSWORD forgotten", true),
            ("pass", false),
            ("pass*", true),
            ("\"forgotten password\"", true),
            ("\"password forgotten\"", false),
            ("e-mail", true),
            ("mail e", true),
            ("password letter", false),
            ("", false),
            ("\"", false),
        ] {
            assert_eq!(Sought::parse(sought).is_in(text), is_in, "{sought}");
        }
    }
}
