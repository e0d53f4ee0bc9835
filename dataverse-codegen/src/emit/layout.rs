//! Text laid out as rustfmt lays it out, so that generated files need no second program.
//!
//! Nearly every line fits, so that is tried first.

use std::fmt::{Display, Write};
use std::ops::Deref;

use super::text::{is_no_text, is_plain, literal};

/// Widest line.
const MAX_WIDTH: usize = 100;

/// Widest argument list of a call that stays on its line (rustfmt's `fn_call_width`).
const MAX_ARGUMENTS: usize = 60;

/// Widest content of an attribute that stays on its line (rustfmt's `attr_fn_like_width`).
const MAX_ATTRIBUTE: usize = 70;

/// Widest array that stays on its line (rustfmt's `array_width`).
pub(super) const MAX_ARRAY: usize = 60;

/// Widest content of a struct that stays on its line (rustfmt's `struct_lit_width`).
const MAX_FIELDS: usize = 18;

/// How a constant begins.
const CONST: &str = "pub const ";

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

    pub(super) fn fits(&self, depth: usize, line: &str) -> bool {
        self.would_fit(depth, &[line])
    }

    #[inline]
    fn push<const N: usize>(&mut self, parts: [&str; N]) {
        self.out.reserve(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| self.out.push_str(part));
    }

    fn indent(&mut self, depth: usize) {
        const SPACES: &str = "                                ";
        let mut left = (self.base + depth) * 4;
        while left > 0 {
            let now = left.min(SPACES.len());
            self.out.push_str(&SPACES[..now]);
            left -= now;
        }
    }

    /// How many characters a line has room for.
    fn width(&self, depth: usize) -> usize {
        MAX_WIDTH.saturating_sub((self.base + depth) * 4)
    }

    /// One line, indented by `depth` steps.
    pub(super) fn line(&mut self, depth: usize, line: &str) {
        self.indent(depth);
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Writes a line of these parts if it fits: nearly all lines are such, and formatting costs
    /// more than their text.
    #[inline]
    pub(super) fn fitting(&mut self, depth: usize, parts: &[&str]) -> bool {
        let fits = self.would_fit(depth, parts);
        if fits {
            self.line_of(depth, parts);
        }
        fits
    }

    /// Whether a line of these parts would fit.
    #[inline]
    fn would_fit(&self, depth: usize, parts: &[&str]) -> bool {
        let width = self.width(depth);
        // Fewer bytes are fewer characters.
        parts.iter().map(|part| part.len()).sum::<usize>() <= width
            || (!parts.iter().all(|part| part.is_ascii())
                && parts.iter().map(|part| part.chars().count()).sum::<usize>() <= width)
    }

    /// One line of these parts.
    #[inline]
    pub(super) fn line_of(&mut self, depth: usize, parts: &[&str]) {
        self.indent(depth);
        parts.iter().for_each(|part| self.out.push_str(part));
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
        self.end_comment(from);
    }

    /// A doc comment that `write` writes.
    #[inline]
    pub(super) fn doc_with(&mut self, depth: usize, write: impl FnOnce(&mut String)) {
        self.indent(depth);
        self.out.push_str("/// ");
        let from = self.out.len();
        write(&mut self.out);
        self.end_comment(from);
    }

    /// Makes one line of what was written since `from`, and ends it.
    fn end_comment(&mut self, from: usize) {
        // Without an early end, so that many bytes are looked at together.
        let is_plain = |all, byte: &u8| all & matches!(byte, b' '..=b'~');
        let written = &self.out[from..];
        if !written.bytes().fold(true, |all, byte| is_plain(all, &byte))
            && written.contains(is_no_text)
        {
            let one_line = self.out[from..].replace(is_no_text, " ");
            self.out.truncate(from);
            self.out.push_str(&one_line);
        }
        while self.out.ends_with(' ') {
            self.out.pop();
        }
        self.out.push('\n');
    }

    /// `pub name: type_name,` of a struct; the type is written in three parts, and stands between
    /// two more.
    pub(super) fn field(
        &mut self,
        depth: usize,
        name: &str,
        [before, behind]: [&str; 2],
        [start, of, end]: &[&str; 3],
    ) {
        let parts = ["pub ", name, ": ", before, start, of, end, behind, ","];
        if !self.fitting(depth, &parts) {
            self.line_of(depth, &["pub ", name, ":"]);
            self.line_of(depth + 1, &parts[3..]);
        }
    }

    /// `name(type_name),` of an enum.
    pub(super) fn variant(&mut self, depth: usize, name: &str, type_name: &str) {
        if !self.fitting(depth, &[name, "(", type_name, "),"]) {
            self.line_of(depth, &[name, "("]);
            self.line_of(depth + 1, &[type_name, ","]);
            self.line(depth, "),");
        }
    }

    /// `pub const name: generic<parameters> = function(argument);`; each parameter is written in
    /// three parts.
    pub(super) fn constant(
        &mut self,
        depth: usize,
        name: &str,
        (generic, parameters): (&str, &[[&str; 3]]),
        function: &str,
        argument: &str,
    ) {
        let of_parameter = |parts: &[&str; 3]| parts[0].len() + parts[1].len() + parts[2].len();
        let list = parameters.iter().map(|parts| of_parameter(parts) + 2);
        let list = list.sum::<usize>().saturating_sub(2);
        let head = CONST.len() + name.len() + ": < =".len() + generic.len() + list + 1;
        let value = function.len() + "();".len() + argument.len();
        let width = self.width(depth);
        let is_ascii = || {
            let mut parts = parameters.iter().flatten();
            name.is_ascii() && argument.is_ascii() && parts.all(|part| part.is_ascii())
        };
        let is_one_line = head + 1 + value <= width;
        let has_one_head = head <= width;
        let fits = match has_one_head {
            true => value <= self.width(depth + 1),
            false => head - list - 2 <= width && value + "> = ".len() <= width,
        };
        let is_usual = is_one_line || (fits && is_ascii());
        if !is_usual {
            let parameters: Vec<String> = parameters.iter().map(|parts| parts.concat()).collect();
            return self.wide_constant(depth, name, (generic, &parameters), function, argument);
        }
        self.indent(depth);
        self.push([CONST, name, ": ", generic, "<"]);
        if has_one_head {
            for (at, parts) in parameters.iter().enumerate() {
                if at > 0 {
                    self.out.push_str(", ");
                }
                self.push(*parts);
            }
            self.out.push_str("> =");
        } else {
            self.out.push('\n');
            for parts in parameters {
                self.indent(depth + 1);
                self.push(*parts);
                self.out.push_str(",\n");
            }
            self.indent(depth);
            self.out.push_str("> =");
        }
        if is_one_line || !has_one_head {
            self.out.push(' ');
        } else {
            self.out.push('\n');
            self.indent(depth + 1);
        }
        self.push([function, "(", argument, ");\n"]);
    }

    /// The same where it is laid out in none of the usual ways: a line, two with the value alone on
    /// the second, one for each parameter.
    fn wide_constant(
        &mut self,
        depth: usize,
        name: &str,
        (generic, parameters): (&str, &[String]),
        function: &str,
        argument: &str,
    ) {
        let list = parameters.join(", ");
        let typed = [generic, "<", &list, "> ="];
        let value = [function, "(", argument, ");"];
        let whole = [&[CONST, name, ": "], &typed[..], &[" "], &value].concat();
        if self.fitting(depth, &whole) {
            return;
        }
        if self.fitting(depth, &whole[..7]) {
            self.value(depth + 1, "", function, argument, depth + 1);
        } else if self.would_fit(depth, &[CONST, name, ": ", generic, "< "]) {
            self.line_of(depth, &[CONST, name, ": ", generic, "<"]);
            self.items(depth + 1, parameters);
            self.value(depth, "> = ", function, argument, depth);
        } else if self.would_fit(depth + 1, &[generic, "<", &list, ">"]) {
            self.line_of(depth, &[CONST, name, ":"]);
            if self.fitting(depth + 1, &whole[3..]) {
                return;
            }
            // With no room behind the type, rustfmt does not count the semicolon.
            let is_counted = self.would_fit(depth + 1, &[generic, "<", &list, "> =  "]);
            self.line_of(depth + 1, &typed);
            if !is_counted && self.would_fit(depth + 1, &[function, "(", argument, ")"]) {
                self.line_of(depth + 1, &value);
            } else {
                self.value(depth + 1, "", function, argument, depth + 1);
            }
        } else {
            self.line_of(depth, &[CONST, name, ":"]);
            self.line_of(depth + 1, &[generic, "<"]);
            self.items(depth + 2, parameters);
            let fits_beside = self.would_fit(depth + 1, &[&["> = "], &value[..]].concat());
            if !fits_beside && self.would_fit(depth + 1, &value) {
                self.line(depth + 1, "> =");
                self.line_of(depth + 1, &value);
            } else {
                self.value(depth + 1, "> = ", function, argument, depth);
            }
        }
    }

    /// A line for each of `items`.
    fn items<T: AsRef<str>>(&mut self, depth: usize, items: &[T]) {
        for item in items {
            self.line_of(depth, &[item.as_ref(), ","]);
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
        if !self.fitting(depth, &[before, function, "(", argument, ");"]) {
            self.line_of(depth, &[before, function, "("]);
            self.line_of(end_depth + 1, &[argument, ","]);
            self.line(end_depth, ");");
        }
    }

    /// `head(arguments)tail`
    pub(super) fn call(&mut self, depth: usize, head: &str, arguments: &[String], tail: &str) {
        let joined = arguments.join(", ");
        let is_short = joined.len() <= MAX_ARGUMENTS || joined.chars().count() <= MAX_ARGUMENTS;
        if is_short && self.fitting(depth, &[head, "(", &joined, ")", tail]) {
            return;
        }
        self.line_of(depth, &[head, "("]);
        self.items(depth + 1, arguments);
        self.line_of(depth, &[")", tail]);
    }

    /// The same with the arguments as they come.
    pub(super) fn call_of(
        &mut self,
        depth: usize,
        head: &str,
        arguments: &[Argument<'_>],
        tail: &str,
    ) {
        let lengths = arguments.iter().map(|argument| argument.plain_len());
        let Some(joined) = lengths.sum::<Option<usize>>() else {
            let arguments: Vec<String> = arguments.iter().map(Argument::text).collect();
            return self.call(depth, head, &arguments, tail);
        };
        let joined = joined + arguments.len().saturating_sub(1) * 2;
        let rest = head.len() + "()".len() + tail.len();
        let is_one_line = joined <= MAX_ARGUMENTS && joined + rest <= self.width(depth);
        self.indent(depth);
        self.push([head, if is_one_line { "(" } else { "(\n" }]);
        for (at, argument) in arguments.iter().enumerate() {
            if !is_one_line {
                self.indent(depth + 1);
            } else if at > 0 {
                self.out.push_str(", ");
            }
            match argument {
                Argument::Literal(text) => self.push(["\"", text, "\""]),
                Argument::Word(word) => self.out.push_str(word),
            }
            if !is_one_line {
                self.out.push_str(",\n");
            }
        }
        if !is_one_line {
            self.indent(depth);
        }
        self.push([")", tail, "\n"]);
    }

    /// `head(parameters)tail`
    pub(super) fn function(&mut self, depth: usize, head: &str, parameters: &[String], tail: &str) {
        let joined = parameters.join(", ");
        if !self.fitting(depth, &[head, "(", &joined, ")", tail]) {
            self.line_of(depth, &[head, "("]);
            self.items(depth + 1, parameters);
            self.line_of(depth, &[")", tail]);
        }
    }

    /// `name { fields }`
    pub(super) fn struct_literal(&mut self, depth: usize, name: &str, fields: &[String]) {
        let joined = fields.join(", ");
        if joined.chars().count() <= MAX_FIELDS {
            self.line_of(depth, &[name, " { ", &joined, " }"]);
        } else {
            self.line_of(depth, &[name, " {"]);
            self.items(depth + 1, fields);
            self.line(depth, "}");
        }
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
        // rustfmt does not count how deep it stands.
        if line.chars().count() <= MAX_WIDTH {
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
        // A text that is too wide for a line of its own stays where it is.
        let is_hopeless = value.starts_with('"') && !self.would_fit(depth + 1, &[value, ";"]);
        if is_hopeless || self.fits(depth, &line) {
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

    /// `pattern => value,` of a match; the value is written in two parts.
    pub(super) fn arm(&mut self, depth: usize, pattern: &str, [start, end]: [&str; 2]) {
        if !self.fitting(depth, &[pattern, " => ", start, end, ","]) {
            self.line_of(depth, &[pattern, " => {"]);
            self.line_of(depth + 1, &[start, end]);
            self.line(depth, "}");
        }
    }
}

/// An argument of a call.
#[derive(Clone, Copy)]
pub(super) enum Argument<'t> {
    /// A text, to be written as a literal.
    Literal(&'t str),
    /// An expression.
    Word(&'t str),
}

impl Argument<'_> {
    /// How many characters it takes, if it holds nothing but letters of ASCII.
    fn plain_len(&self) -> Option<usize> {
        match self {
            Argument::Literal(text) => is_plain(text).then_some(text.len() + 2),
            Argument::Word(word) => word.is_ascii().then_some(word.len()),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Argument::Literal(text) => literal(text),
            Argument::Word(word) => (*word).to_owned(),
        }
    }
}

/// A few arguments, kept without memory of their own.
pub(super) struct Arguments<'t> {
    all: [Argument<'t>; 4],
    len: usize,
}

impl<'t> Arguments<'t> {
    pub(super) fn of(first: Argument<'t>) -> Self {
        Arguments {
            all: [first; 4],
            len: 1,
        }
    }

    pub(super) fn push(&mut self, argument: Argument<'t>) {
        if let Some(place) = self.all.get_mut(self.len) {
            *place = argument;
            self.len += 1;
        }
    }
}

impl<'t> Deref for Arguments<'t> {
    type Target = [Argument<'t>];

    fn deref(&self) -> &[Argument<'t>] {
        &self.all[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            &long.to_uppercase(),
            ("dv::Navigation", &[["super::", "Of", ""], ["T", &long, ""]]),
            "dv::navigation",
            &literal(&long),
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
    fn the_depth_of_an_implementation_does_not_count() {
        for depth in [0, 1, 2] {
            let indent = "    ".repeat(depth);
            let implementation = |of: &str| {
                let mut out = Text::default();
                out.implementation(depth, "dv::Message", of);
                out.into_string()
            };
            let narrow = "A".repeat(77);
            let wanted = format!("{indent}impl dv::Message for {narrow} {{\n");
            assert_eq!(implementation(&narrow), wanted);
            let wide = "A".repeat(78);
            let wanted = format!("{indent}impl dv::Message\n{indent}    for {wide}\n{indent}{{\n");
            assert_eq!(implementation(&wide), wanted);
        }
    }

    #[test]
    fn a_text_that_fits_nowhere_stays_on_the_line() {
        let assignment = |text: &str| {
            let mut out = Text::default();
            out.assignment(1, "const NAME: &'static str", text);
            out.into_string()
        };
        let fits = literal(&"a".repeat(89));
        let wanted = format!("    const NAME: &'static str =\n        {fits};\n");
        assert_eq!(assignment(&fits), wanted);
        let wide = literal(&"a".repeat(90));
        let wanted = format!("    const NAME: &'static str = {wide};\n");
        assert_eq!(assignment(&wide), wanted);
    }

    /// Texts of this many letters, those with a wide letter and an escaped one included.
    fn texts(letters: usize) -> [String; 3] {
        let plain = "a".repeat(letters);
        [format!("{plain}é"), format!("{plain}\""), plain]
    }

    #[test]
    fn constants_are_laid_out_alike_at_once_and_step_by_step() {
        for (name, of) in (1..80).flat_map(|name| (1..80).map(move |of| (name, of))) {
            for name in texts(name) {
                let of = "b".repeat(of);
                let argument = literal(&name);
                let parts = [["super::", "Of", ""], ["dv::Many<", &of, ">"]];
                let parameters: Vec<String> = parts.iter().map(|parts| parts.concat()).collect();
                let (mut out, mut wide) = (Text::at(1, 0), Text::at(1, 0));
                out.constant(1, &name, ("dv::N", &parts), "dv::n", &argument);
                wide.wide_constant(1, &name, ("dv::N", &parameters), "dv::n", &argument);
                assert_eq!(out.into_string(), wide.into_string());
            }
        }
    }

    #[test]
    fn calls_are_laid_out_alike_at_once_and_step_by_step() {
        for text in (0..110).flat_map(texts) {
            let arguments = [
                Argument::Literal(&text),
                Argument::Word("dv::Access::Never"),
            ];
            let (mut out, mut other) = (Text::at(1, 0), Text::at(1, 0));
            out.call_of(3, "dv::ColumnInfo::Limited", &arguments, ",");
            let arguments: Vec<String> = arguments.iter().map(Argument::text).collect();
            other.call(3, "dv::ColumnInfo::Limited", &arguments, ",");
            assert_eq!(out.into_string(), other.into_string());
        }
    }
}
