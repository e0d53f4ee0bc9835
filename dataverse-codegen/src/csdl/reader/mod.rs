//! One pass over the XML, into the [`ast`](super::ast).
//!
//! Unknown elements and attributes are skipped. A document type declaration is refused: no service
//! sends one, and it is how entity-expansion attacks begin.
//!
//! A second reader begins at an entity type in the middle. Only if the first one arrives there as at
//! a child of a schema is that what stands there, and not the content of a comment; then it takes
//! what the second has read, to the end of the schema, and goes on behind.

mod schema;
mod xml;

use std::cell::Cell;
use std::io::BufRead;
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use quick_xml::Reader;

use self::schema::push;
use self::xml::{Content, Element};
use super::Error;
use super::ast::{Csdl, Schema};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Shorter documents than this are not worth a second reader.
const WORTH_IT: usize = 1 << 18;

/// Reads a CSDL document.
///
/// Errors: the byte position, what stands there and what was expected. An HTML page, JSON and a
/// truncated document are told apart.
pub fn parse(text: &str) -> Result<Csdl<'_>> {
    // XML forbids it, and a name that holds one would go wrong later.
    if let Some(position) = memchr::memchr(0, text.as_bytes()) {
        return Err(Error::new(position as u64, "a zero byte", "XML text"));
    }
    // quick-xml steps over a byte order mark without counting it: positions would be off.
    let body = text.trim_start_matches('\u{feff}');
    parse_body(body).map_err(|mut error| {
        error.position += (text.len() - body.len()) as u64;
        error
    })
}

fn parse_body(text: &str) -> Result<Csdl<'_>> {
    let Some(at) = middle(text) else {
        return Parser::of(text).document();
    };
    thread::scope(|scope| {
        let mut parser = Parser::of(text);
        parser.second = Some((at as u64, scope.spawn(move || second_half(&text[at..]))));
        parser.document()
    })
}

/// Where the entity type begins that is next to the middle.
fn middle(text: &str) -> Option<usize> {
    if text.len() < WORTH_IT {
        return None;
    }
    let middle = (text.len() / 2..).find(|at| text.is_char_boundary(*at))?;
    let (before, behind) = text.split_at(middle);
    const START: &str = "<EntityType ";
    let next = behind.find(START).map(|at| middle + at);
    next.or_else(|| before.rfind(START))
}

/// What a schema holds from some entity type on.
struct SecondHalf<'a> {
    schema: Schema<'a>,
    /// Where the entity type ends that it begins with.
    first_end: u64,
    /// Where its last element ends.
    end: u64,
}

/// Reads to the end of the schema, as far as `text` is that; what is wrong with it the first reader
/// will tell.
fn second_half(text: &str) -> Option<SecondHalf<'_>> {
    let mut parser = Parser::of(text);
    // That of the schema.
    parser.reader.config_mut().allow_unmatched_ends = true;
    let schema = Element {
        name: "Schema",
        tag: "",
        name_len: 0,
        position: 0,
        empty: false,
        next: Cell::new(0),
    };
    let mut half = SecondHalf {
        schema: Schema::default(),
        first_end: 0,
        end: 0,
    };
    let read = parser.children(&schema, |parser, child| {
        parser.part(child, &mut half.schema)?;
        half.end = parser.reader.buffer_position();
        if half.first_end == 0 {
            // The first reader reads it, too.
            half.schema = Schema::default();
            half.first_end = half.end;
        }
        Ok(Content::Read)
    });
    read.ok().map(|()| half)
}

impl<'a> Parser<'a, '_> {
    fn of(text: &'a str) -> Self {
        Parser {
            reader: Reader::from_str(text),
            text,
            second: None,
        }
    }

    fn document(mut self) -> Result<Csdl<'a>> {
        let root = self.root()?;
        let mut csdl = Csdl::default();
        self.children(&root, |parser, services| {
            if services.name != "DataServices" {
                return Ok(Content::Unread);
            }
            parser.children(services, |parser, schema| match schema.name {
                "Schema" => push(&mut csdl.schemas, parser.schema(schema)?),
                _ => Ok(Content::Unread),
            })?;
            Ok(Content::Read)
        })?;
        self.nothing_more()?;
        if csdl.schemas.is_empty() {
            return Err(Error::new(
                root.position,
                "<edmx:Edmx> without a <Schema>",
                "a CSDL schema",
            ));
        }
        Ok(csdl)
    }

    /// Takes what the second reader has read, if it began at the child that was read last.
    fn take_second(&mut self, position: u64, schema: &mut Schema<'a>) {
        let Some((at, second)) = self.second.take_if(|(at, _)| *at == position) else {
            return;
        };
        let half = second.join().unwrap_or_else(|panic| resume_unwind(panic));
        let here = self.reader.buffer_position();
        let Some(half) = half.filter(|half| at + half.first_end == here) else {
            return;
        };
        schema.entity_types.extend(half.schema.entity_types);
        schema.complex_types.extend(half.schema.complex_types);
        schema.enum_types.extend(half.schema.enum_types);
        schema.operations.extend(half.schema.operations);
        schema.containers.extend(half.schema.containers);
        self.reader
            .stream()
            .consume((at + half.end - here) as usize);
    }
}

struct Parser<'a, 's> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// Who reads from a byte on, if anybody does.
    second: Option<(u64, ScopedJoinHandle<'s, Option<SecondHalf<'a>>>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document of two halves, each long enough, with `middle` between them.
    fn document(middle: &str, end: &str) -> String {
        let types = |half: &str| -> String {
            let one = |at| {
                format!(
                    "<EntityType Name=\"{half}{at}\"><Key><PropertyRef Name=\"id\"/></Key>\
                     <Property Type=\"Edm.Guid\" Name=\"id\"/></EntityType>\n"
                )
            };
            (0..2000).map(one).collect()
        };
        format!(
            "<Edmx><DataServices><Schema Namespace=\"n\">{}<Action Name=\"a\"/>{middle}{}\
             <EnumType Name=\"e\"/>{end}",
            types("first"),
            types("second")
        )
    }

    const END: &str = "<EntityContainer Name=\"c\"/> </Schema><Schema Namespace=\"o\"/>\
                       </DataServices></Edmx>";

    #[test]
    fn two_readers_find_what_one_finds() {
        let types = |csdl: &Csdl<'_>| csdl.schemas[0].entity_types.len();
        let comment = format!("<!--{}-->", "<EntityType Name=\"no\"/>".repeat(10_000));
        let data = comment.replace("<!--", "<![CDATA[").replace("-->", "]]>");
        for middle in ["", "<Function Name=\"é\"/>", &comment, &data] {
            let text = document(middle, END);
            assert!(middle_is_inside(&text));
            let read = parse(&text).unwrap();
            assert_eq!(types(&read), 4000);
            assert_eq!(read.schemas.len(), 2);
            assert_eq!(Ok(read), Parser::of(&text).document());
        }
    }

    #[test]
    fn two_readers_refuse_what_one_refuses() {
        let ends = [
            "",
            "</Schema>",
            "</EntityType>",
            "<EntityType/>",
            "<!DOCTYPE a>",
            "<Property Name='",
        ];
        for end in ends {
            let text = document("", &format!("{end}{}", &END[..20]));
            assert!(middle_is_inside(&text));
            let refused = Parser::of(&text).document();
            assert!(refused.is_err(), "{end}");
            assert_eq!(parse(&text), refused, "{end}");
        }
    }

    fn middle_is_inside(text: &str) -> bool {
        middle(text).is_some_and(|at| text[at..].starts_with("<EntityType "))
    }

    #[test]
    fn attributes_may_be_written_in_any_way() {
        let ways = [
            "Name=\"t\" Abstract=\"true\" BaseType=\"n.b\"",
            "Name='t' BaseType = \"n.b\" Abstract='true'",
            "Abstract=\"true\"\n\t Name=\"&#116;\" x:y=\"Name\"  BaseType=\"n.b\" ",
            "x=\">\" BaseType=\"n&#46;b\" Name=\"t\" Abstract=\"true\"",
        ];
        for way in ways {
            let text = format!(
                "<Edmx><DataServices><Schema Namespace=\"n\"><EntityType {way}/></Schema>\
                 </DataServices></Edmx>"
            );
            let csdl = parse(&text).unwrap();
            let entity = &csdl.schemas[0].entity_types[0];
            let read = (
                &*entity.name,
                entity.base_type.as_deref(),
                entity.is_abstract,
            );
            assert_eq!(read, ("t", Some("n.b"), true), "{way}");
        }
        let broken = "<Edmx><DataServices><Schema Namespace=\"n\" Alias></Schema>";
        assert!(parse(broken).is_err());
    }

    #[test]
    fn attributes_may_come_in_any_order() {
        let text = "<Edmx><DataServices><Schema Alias='a' Namespace='n'><EntityType OpenType='true' \
                    BaseType=\"n.b\" Name='t'/></Schema></DataServices></Edmx>";
        let csdl = parse(text).unwrap();
        let entity = &csdl.schemas[0].entity_types[0];
        assert_eq!(
            (&*entity.name, entity.base_type.as_deref()),
            ("t", Some("n.b"))
        );
        assert!(entity.is_open && !entity.is_abstract);
        assert_eq!(csdl.schemas[0].alias.as_deref(), Some("a"));
    }
}
