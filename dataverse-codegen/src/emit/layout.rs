//! Text laid out as rustfmt lays it out, so that generated files need no second program.

/// Widest line.
const MAX_WIDTH: usize = 100;

/// Widest argument list of a call that stays on its line (rustfmt's `fn_call_width`).
const MAX_ARGUMENTS: usize = 60;

/// Widest array that stays on its line (rustfmt's `array_width`).
pub(super) const MAX_ARRAY: usize = 60;

/// A text while it is written.
#[derive(Debug, Default)]
pub(super) struct Text {
    out: String,
    /// How deep all of it stands.
    base: usize,
}

impl Text {
    /// A text that stands `base` steps deep.
    pub(super) fn at(base: usize) -> Self {
        Text {
            out: String::new(),
            base,
        }
    }

    pub(super) fn into_string(self) -> String {
        self.out
    }

    /// Appends what was written before, as it is.
    pub(super) fn append(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn fits(&self, depth: usize, line: &str) -> bool {
        let width = MAX_WIDTH.saturating_sub((self.base + depth) * 4);
        // Fewer bytes are fewer characters.
        line.len() <= width || line.chars().count() <= width
    }

    /// One line, indented by `depth` steps.
    pub(super) fn line(&mut self, depth: usize, line: &str) {
        for _ in 0..self.base + depth {
            self.out.push_str("    ");
        }
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// What follows is compiled only with a feature.
    pub(super) fn only_with(&mut self, depth: usize, feature: Option<&str>) {
        if let Some(feature) = feature {
            self.line(depth, &format!("#[cfg(feature = {})]", literal(feature)));
        }
    }

    /// A doc comment of one paragraph.
    pub(super) fn doc(&mut self, depth: usize, text: &str) {
        self.comment(depth, "///", text);
    }

    /// A comment that is one line whatever `text` holds: names come from the document, and the end
    /// of a comment is the beginning of code.
    pub(super) fn comment(&mut self, depth: usize, start: &str, text: &str) {
        let one_line = text.replace(is_no_text, " ");
        self.line(depth, &format!("{start} {}", one_line.trim_end()));
    }

    /// `head: type_name,` of a struct.
    pub(super) fn field(&mut self, depth: usize, head: &str, type_name: &str) {
        let line = format!("{head}: {type_name},");
        if self.fits(depth, &line) {
            self.line(depth, &line);
        } else {
            self.line(depth, &format!("{head}:"));
            self.line(depth + 1, &format!("{type_name},"));
        }
    }

    /// `head: generic<parameters> = function(argument);`
    pub(super) fn constant(
        &mut self,
        depth: usize,
        head: &str,
        (generic, parameters): (&str, &[String]),
        function: &str,
        argument: &str,
    ) {
        let typed = format!("{generic}<{}>", parameters.join(", "));
        let start = format!("{head}: {typed} =");
        let whole = format!("{start} {function}({argument});");
        if self.fits(depth, &whole) {
            self.line(depth, &whole);
        } else if self.fits(depth, &start) {
            self.line(depth, &start);
            self.value(depth + 1, "", function, argument, depth + 1);
        } else if self.fits(depth, &format!("{head}: {generic}< ")) {
            self.line(depth, &format!("{head}: {generic}<"));
            for parameter in parameters {
                self.line(depth + 1, &format!("{parameter},"));
            }
            self.value(depth, "> = ", function, argument, depth);
        } else if self.fits(depth + 1, &typed) {
            self.line(depth, &format!("{head}:"));
            let whole = format!("{typed} = {function}({argument});");
            if self.fits(depth + 1, &whole) {
                self.line(depth + 1, &whole);
                return;
            }
            self.line(depth + 1, &format!("{typed} ="));
            // Here rustfmt does not count the semicolon.
            let line = format!("{function}({argument})");
            if self.fits(depth + 1, &line) {
                self.line(depth + 1, &format!("{line};"));
            } else {
                self.value(depth + 1, "", function, argument, depth + 1);
            }
        } else {
            self.line(depth, &format!("{head}:"));
            self.line(depth + 1, &format!("{generic}<"));
            for parameter in parameters {
                self.line(depth + 2, &format!("{parameter},"));
            }
            self.value(depth + 1, "> = ", function, argument, depth);
        }
    }

    /// `before function(argument);`, broken at the parentheses if it is too wide; then the end
    /// stands at `end_depth`.
    fn value(
        &mut self,
        depth: usize,
        before: &str,
        function: &str,
        argument: &str,
        end_depth: usize,
    ) {
        let line = format!("{before}{function}({argument});");
        if self.fits(depth, &line) {
            self.line(depth, &line);
        } else {
            self.line(depth, &format!("{before}{function}("));
            self.line(end_depth + 1, &format!("{argument},"));
            self.line(end_depth, ");");
        }
    }

    /// `head(arguments)tail`
    pub(super) fn call(&mut self, depth: usize, head: &str, arguments: &[String], tail: &str) {
        let joined = arguments.join(", ");
        let line = format!("{head}({joined}){tail}");
        if joined.chars().count() <= MAX_ARGUMENTS && self.fits(depth, &line) {
            self.line(depth, &line);
            return;
        }
        self.line(depth, &format!("{head}("));
        for argument in arguments {
            self.line(depth + 1, &format!("{argument},"));
        }
        self.line(depth, &format!("){tail}"));
    }

    /// `start = head(arguments);`
    pub(super) fn assigned(&mut self, depth: usize, start: &str, head: &str, arguments: &[String]) {
        let joined = arguments.join(", ");
        let is_short = joined.chars().count() <= MAX_ARGUMENTS;
        if is_short && !self.fits(depth, &format!("{start} = {head}({joined});")) {
            self.line(depth, &format!("{start} ="));
            self.line(depth + 1, &format!("{head}({joined});"));
        } else {
            self.call(depth, &format!("{start} = {head}"), arguments, ";");
        }
    }

    /// `impl trait_name for type_name {`
    pub(super) fn implementation(&mut self, depth: usize, trait_name: &str, type_name: &str) {
        let line = format!("impl {trait_name} for {type_name} {{");
        if self.fits(depth, &line) {
            self.line(depth, &line);
        } else {
            self.line(depth, &format!("impl {trait_name}"));
            self.line(depth + 1, &format!("for {type_name}"));
            self.line(depth, "{");
        }
    }

    /// `head = literal;`
    pub(super) fn text_constant(&mut self, depth: usize, head: &str, literal: &str) {
        let line = format!("{head} = {literal};");
        if self.fits(depth, &line) {
            self.line(depth, &line);
        } else {
            self.line(depth, &format!("{head} ="));
            self.line(depth + 1, &format!("{literal};"));
        }
    }

    /// `start = function::<argument>();`
    pub(super) fn generic_call(&mut self, depth: usize, start: &str, function: &str, of: &str) {
        let call = format!("{function}::<{of}>();");
        if self.fits(depth, &format!("{start} = {call}")) {
            self.line(depth, &format!("{start} = {call}"));
        } else if self.fits(depth + 1, &call) {
            self.line(depth, &format!("{start} ="));
            self.line(depth + 1, &call);
        } else {
            self.line(depth, &format!("{start} = {function}::<"));
            self.line(depth + 1, &format!("{of},"));
            self.line(depth, ">();");
        }
    }

    /// `pattern => value,` of a match.
    pub(super) fn arm(&mut self, depth: usize, pattern: &str, value: &str) {
        let line = format!("{pattern} => {value},");
        if self.fits(depth, &line) {
            self.line(depth, &line);
        } else {
            self.line(depth, &format!("{pattern} => {{"));
            self.line(depth + 1, value);
            self.line(depth, "}");
        }
    }
}

/// Control characters, ends of lines, and what turns the direction of text: the compiler takes those
/// for an attack.
fn is_no_text(char: char) -> bool {
    let turns = matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    turns || char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// A Rust string literal.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            char if is_no_text(char) => out.extend(char.escape_default()),
            char => out.push(char),
        }
    }
    out.push('"');
    out
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
    fn a_comment_ends_with_its_line() {
        let mut out = Text::default();
        out.doc(0, "a\nfn b() {}\r\u{2028}\u{202E}c \n");
        assert_eq!(out.into_string(), "/// a fn b() {}   c\n");
    }

    #[test]
    fn literals_are_quoted() {
        assert_eq!(literal("\u{202E}"), r#""\u{202e}""#);
        assert_eq!(literal("a\"\\\n"), r#""a\"\\\n""#);
    }
}
