//! Texts of a document as literals and as comments.

/// Control characters, ends of lines, and what turns the direction of text: the compiler takes those
/// for an attack.
pub(super) fn is_no_text(char: char) -> bool {
    let turns = matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    turns || char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// Whether a literal holds it as it is.
pub(super) fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().fold(true, |all, byte| all & is_plain(byte))
}

/// A Rust string literal.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_literal(&mut out, text);
    out
}

/// The same, at the end of `out`.
pub(super) fn push_literal(out: &mut String, text: &str) {
    out.push('"');
    if is_plain(text) {
        out.push_str(text);
    } else {
        for char in text.chars() {
            match char {
                '"' | '\\' => out.extend(['\\', char]),
                char if is_no_text(char) => out.extend(char.escape_default()),
                char => out.push(char),
            }
        }
    }
    out.push('"');
}

/// A description as one paragraph that rustdoc takes as plain text: no links, code or HTML.
pub(super) fn plain(description: &str) -> String {
    const MAX: usize = 300;
    let mut out = String::new();
    let mut length = 0;
    for word in description.split_whitespace() {
        if length + word.chars().count() > MAX {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        // rustdoc warns of bare addresses.
        let is_address = word.contains("://");
        if is_address {
            out.push('`');
        }
        for char in word.chars() {
            match char {
                '`' if is_address => out.push('\''),
                '[' | ']' | '<' | '>' | '`' | '*' | '_' | '\\' | '#' | '&' | '~' if !is_address => {
                    out.extend(['\\', char]);
                }
                char => out.push(char),
            }
        }
        if is_address {
            out.push('`');
        }
        length += word.chars().count() + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_plain_text() {
        assert_eq!(
            plain("  See [x]\n\n <b>*bold*</b> `code`\r\n"),
            "See \\[x\\] \\<b\\>\\*bold\\*\\</b\\> \\`code\\`"
        );
        assert_eq!(
            plain("at https://x.example/_a_ now"),
            "at `https://x.example/_a_` now"
        );
        assert!(plain(&"word ".repeat(1000)).chars().count() < 310);
        assert_eq!(plain(""), "");
        assert_eq!(plain("~~~ code"), "\\~\\~\\~ code");
    }

    #[test]
    fn literals_are_quoted() {
        assert_eq!(literal("\u{202E}"), r#""\u{202e}""#);
        assert_eq!(literal("a\"\\\n"), r#""a\"\\\n""#);
    }
}
