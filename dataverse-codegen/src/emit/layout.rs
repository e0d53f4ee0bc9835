//! Text laid out as rustfmt lays it out, so that generated files need no second program.
//!
//! Nearly every line fits: it is written into the text at once, and taken back if it does not.

use std::fmt::{self, Display, Write};

/// Widest line.
const MAX_WIDTH: usize = 100;

/// Widest argument list of a call that stays on its line (rustfmt's `fn_call_width`).
const MAX_ARGUMENTS: usize = 60;

/// Widest content of an attribute that stays on its line (rustfmt's `attr_fn_like_width`).
const MAX_ATTRIBUTE: usize = 70;

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
    /// A text that stands `base` steps deep, with room for so many bytes.
    pub(super) fn at(base: usize, room: usize) -> Self {
        Text {
            out: String::with_capacity(room),
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

    fn indent(&mut self, depth: usize) {
        for _ in 0..self.base + depth {
            self.out.push_str("    ");
        }
    }

    /// One line, indented by `depth` steps.
    pub(super) fn line(&mut self, depth: usize, line: &str) {
        self.indent(depth);
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Whether a line would fit.
    fn would_fit(&mut self, depth: usize, line: fmt::Arguments<'_>) -> bool {
        let start = self.out.len();
        let fits = self.fitting_line(depth, line);
        self.out.truncate(start);
        fits
    }

    /// Writes a line if it fits.
    fn fitting_line(&mut self, depth: usize, line: fmt::Arguments<'_>) -> bool {
        let start = self.out.len();
        self.indent(depth);
        // Writing to a String does not fail.
        let _ = self.out.write_fmt(line);
        let written = &self.out[start..];
        let fits = written.len() <= MAX_WIDTH || written.chars().count() <= MAX_WIDTH;
        if fits {
            self.out.push('\n');
        } else {
            self.out.truncate(start);
        }
        fits
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

    /// An attribute that allows what `lints` find.
    pub(super) fn allow(&mut self, start: &str, lints: &[&str]) {
        let joined = lints.join(", ");
        if joined.len() <= MAX_ATTRIBUTE {
            self.line(0, &format!("{start}[allow({joined})]"));
            return;
        }
        self.line(0, &format!("{start}[allow("));
        self.line(1, &lints.join(",\n    "));
        self.line(0, ")]");
    }

    /// A doc comment of one paragraph.
    pub(super) fn doc(&mut self, depth: usize, text: impl Display) {
        self.comment(depth, "///", text);
    }

    /// A comment that is one line whatever `text` holds: names come from the document, and the end
    /// of a comment is the beginning of code.
    pub(super) fn comment(&mut self, depth: usize, start: &str, text: impl Display) {
        self.indent(depth);
        self.out.push_str(start);
        self.out.push(' ');
        let from = self.out.len();
        let _ = write!(self.out, "{text}");
        if self.out[from..].contains(is_no_text) {
            let one_line = self.out[from..].replace(is_no_text, " ");
            self.out.truncate(from);
            self.out.push_str(&one_line);
        }
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        self.out.push('\n');
    }

    /// `head: type_name,` of a struct.
    pub(super) fn field(&mut self, depth: usize, head: impl Display, type_name: impl Display) {
        if !self.fitting_line(depth, format_args!("{head}: {type_name},")) {
            self.line(depth, &format!("{head}:"));
            self.line(depth + 1, &format!("{type_name},"));
        }
    }

    /// `name(type_name),` of an enum.
    pub(super) fn variant(&mut self, depth: usize, name: &str, type_name: impl Display) {
        if !self.fitting_line(depth, format_args!("{name}({type_name}),")) {
            self.line(depth, &format!("{name}("));
            self.line(depth + 1, &format!("{type_name},"));
            self.line(depth, "),");
        }
    }

    /// `head: generic<parameters> = function(argument);`
    pub(super) fn constant(
        &mut self,
        depth: usize,
        head: impl Display,
        (generic, parameters): (&str, &[&dyn Display]),
        function: &str,
        argument: impl Display,
    ) {
        let list = Joined(parameters);
        let start = format_args!("{head}: {generic}<{list}> =");
        let value = format_args!("{function}({argument});");
        if self.fitting_line(depth, format_args!("{start} {value}")) {
            return;
        }
        if self.fitting_line(depth, start) {
            self.value(depth + 1, "", function, &argument, depth + 1);
        } else if self.would_fit(depth, format_args!("{head}: {generic}< ")) {
            self.parts(depth, format_args!("{head}: {generic}<"), parameters);
            self.value(depth, "> = ", function, &argument, depth);
        } else if self.would_fit(depth + 1, format_args!("{generic}<{list}>")) {
            self.line(depth, &format!("{head}:"));
            let typed = format_args!("{generic}<{list}> =");
            if self.fitting_line(depth + 1, format_args!("{typed} {value}")) {
                return;
            }
            // With no room behind the type, rustfmt does not count the semicolon.
            let is_counted = self.would_fit(depth + 1, format_args!("{typed}  "));
            self.line(depth + 1, &typed.to_string());
            let bare = format_args!("{function}({argument})");
            if !is_counted && self.would_fit(depth + 1, bare) {
                self.line(depth + 1, &value.to_string());
            } else {
                self.value(depth + 1, "", function, &argument, depth + 1);
            }
        } else {
            self.line(depth, &format!("{head}:"));
            self.parts(depth + 1, format_args!("{generic}<"), parameters);
            let fits_beside = self.would_fit(depth + 1, format_args!("> = {value}"));
            if !fits_beside && self.would_fit(depth + 1, value) {
                self.line(depth + 1, "> =");
                self.line(depth + 1, &value.to_string());
            } else {
                self.value(depth + 1, "> = ", function, &argument, depth);
            }
        }
    }

    /// `head` with a line for each of `parts`.
    fn parts(&mut self, depth: usize, head: fmt::Arguments<'_>, parts: &[&dyn Display]) {
        self.indent(depth);
        let _ = writeln!(self.out, "{head}");
        for part in parts {
            self.indent(depth + 1);
            let _ = writeln!(self.out, "{part},");
        }
    }

    /// `before function(argument);`, broken at the parentheses if it is too wide; then the end
    /// stands at `end_depth`.
    fn value(
        &mut self,
        depth: usize,
        before: &str,
        function: &str,
        argument: &dyn Display,
        end_depth: usize,
    ) {
        let line = format_args!("{before}{function}({argument});");
        if !self.fitting_line(depth, line) {
            self.line(depth, &format!("{before}{function}("));
            self.line(end_depth + 1, &format!("{argument},"));
            self.line(end_depth, ");");
        }
    }

    /// `head(arguments)tail`
    pub(super) fn call(
        &mut self,
        depth: usize,
        head: impl Display,
        arguments: &[String],
        tail: &str,
    ) {
        let commas = 2 * arguments.len().saturating_sub(1);
        let width = commas + arguments.iter().map(|a| a.chars().count()).sum::<usize>();
        let line = format_args!("{head}({}){tail}", Joined(arguments));
        if width <= MAX_ARGUMENTS && self.fitting_line(depth, line) {
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
            self.call(depth, format_args!("{start} = {head}"), arguments, ";");
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

    /// `head = value;`
    pub(super) fn assignment(&mut self, depth: usize, head: &str, value: &str) {
        let line = format!("{head} = {value};");
        if self.fits(depth, &line) {
            self.line(depth, &line);
        } else {
            self.line(depth, &format!("{head} ="));
            self.line(depth + 1, &format!("{value};"));
        }
    }

    /// `head = &[items];`
    pub(super) fn array(&mut self, depth: usize, head: &str, items: &[String]) {
        let joined = items.join(", ");
        if joined.chars().count() <= MAX_ARRAY {
            self.assignment(depth, head, &format!("&[{joined}]"));
            return;
        }
        self.line(depth, &format!("{head} = &["));
        for item in items {
            self.line(depth + 1, &format!("{item},"));
        }
        self.line(depth, "];");
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
    pub(super) fn arm(&mut self, depth: usize, pattern: impl Display, value: impl Display) {
        if !self.fitting_line(depth, format_args!("{pattern} => {value},")) {
            self.line(depth, &format!("{pattern} => {{"));
            self.line(depth + 1, &value.to_string());
            self.line(depth, "}");
        }
    }
}

/// `a, b`.
struct Joined<'a, T>(&'a [T]);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
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
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        out.push_str(text);
        out.push('"');
        return out;
    }
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
    fn a_value_that_fits_on_a_line_of_its_own_stands_there() {
        let mut out = Text::at(1, 0);
        let long = "a".repeat(73);
        out.constant(
            0,
            format_args!("pub const {}", long.to_uppercase()),
            ("dv::Navigation", &[&"super::Of", &format_args!("T{long}")]),
            "dv::navigation",
            literal(&long),
        );
        let wanted = format!(
            "    pub const {}:\n        dv::Navigation<\n            super::Of,\n            \
             T{long},\n        > =\n        dv::navigation(\"{long}\");\n",
            long.to_uppercase()
        );
        assert_eq!(out.into_string(), wanted);
        let long = "a".repeat(74);
        let mut out = Text::at(1, 0);
        out.variant(1, &long, "dv::Id<super::A>");
        let wanted = format!("        {long}(\n            dv::Id<super::A>,\n        ),\n");
        assert_eq!(out.into_string(), wanted);
    }

    #[test]
    fn literals_are_quoted() {
        assert_eq!(literal("\u{202E}"), r#""\u{202e}""#);
        assert_eq!(literal("a\"\\\n"), r#""a\"\\\n""#);
    }
}
