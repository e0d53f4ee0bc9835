//! The reader of `$metadata`.

use dataverse_codegen::{Options, csdl, generate, model};
use dataverse_tests::fixture;
use proptest::prelude::*;

use super::{changed, changes, check};

const WORDS: &[&str] = &[
    "<",
    ">",
    "/>",
    "</",
    "&",
    "&amp;",
    "&#x41;",
    "&#0;",
    "&b;",
    "\"",
    "'",
    "=",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "?>",
    "<!DOCTYPE x>",
    "\0",
    "\u{feff}",
    " BaseType=\"N.a\"",
    " Name=\"type\"",
    " Name=\"\"",
    " Type=\"Collection(\"",
    " Type=\"Collection(Edm.String)\"",
    "<EntityType Name=\"a\">",
    "</EntityType>",
    "<Property Name=\"_p_value\" Type=\"Edm.Guid\"/>",
    "</Schema>",
    "<Schema Namespace=\"N\">",
    "<x:Schema>",
    " Abstract=\"true\"",
];

/// The first tables of a Dataverse document, and their sets.
fn document() -> Vec<u8> {
    let file = fixture("csdl").join("dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz");
    let text = csdl::text(std::fs::read(file).unwrap()).unwrap();
    let from = |place: &str| &text[text.find(place).unwrap()..];
    let head = &text[..16_000];
    let head = &head[..head.rfind("<EntityType ").unwrap()];
    let part = |start: &str, end: &str, length: usize| {
        let part = &from(start)[..length];
        part[..part.rfind(end).unwrap() + end.len()].to_owned()
    };
    let enums = part("<EnumType ", "</EnumType>", 3_000);
    let complex = part("<ComplexType ", "</ComplexType>", 3_000);
    let actions = part("<Action ", "</Action>", 4_000);
    let sets = part("<EntityContainer ", "</EntitySet>", 4_000);
    format!(
        "{head}{enums}{complex}{actions}{sets}</EntityContainer></Schema></edmx:DataServices>\
         </edmx:Edmx>"
    )
    .into_bytes()
}

/// Reads it all the way, and looks at the errors only.
fn read(bytes: Vec<u8>) {
    let length = bytes.len() as u64;
    let text = match csdl::text(bytes) {
        Ok(text) => text,
        Err(error) => return assert!(error.position <= length, "{error}"),
    };
    match csdl::parse(&text) {
        Ok(parsed) => {
            let model = model::build(&parsed);
            // What was asked for may not be there; it must be said, and not by a panic.
            drop(generate(&model, &Options::default()));
        }
        Err(error) => assert!(error.position <= text.len() as u64, "{error}"),
    }
}

#[test]
fn the_small_document_is_sound() {
    let text = csdl::text(document()).unwrap();
    let counts = csdl::parse(&text).unwrap().counts();
    assert!(
        counts.entity_types > 0 && counts.entity_sets > 0,
        "{counts:?}"
    );
}

#[test]
fn a_changed_document_is_read_or_refused() {
    let document = document();
    check(changes(WORDS), |changes| read(changed(&document, &changes)));
}

#[test]
fn any_bytes_are_refused_with_their_place() {
    check(proptest::collection::vec(any::<u8>(), 0..200), read);
    let words = proptest::collection::vec(proptest::sample::select(WORDS), 0..30);
    check(words, |words| read(words.concat().into_bytes()));
}
