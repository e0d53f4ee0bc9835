//! Documents that are broken, hostile or odd: an error that says where, or a sane result with a
//! warning; never a panic.

use dataverse_codegen::model::ColumnType;
use dataverse_codegen::{Options, csdl, generate};

use super::{document, model, set, table};

/// The error of a document, as a user sees it.
fn error(text: &str) -> csdl::Error {
    let error = csdl::parse(text).unwrap_err();
    assert!(error.position <= text.len() as u64, "{error}");
    error
}

/// The error's position, which must be that of `place` in `text`, and what was found.
fn found_at(text: &str, place: &str) -> String {
    let error = error(text);
    let position = text.find(place).unwrap() as u64;
    assert_eq!(error.position, position, "{error}");
    error.found
}

#[test]
fn what_is_no_csdl_is_told_apart() {
    let html = "<!DOCTYPE html>\n<html><body>Sign in</body></html>";
    assert_eq!(found_at(html, "<!"), "an HTML page (a sign-in page?)");
    let bare = "<HTML lang='en'><br></HTML>";
    assert_eq!(found_at(bare, "<HTML"), "an HTML page (a sign-in page?)");
    let json = r#"{"error":{"code":"0x80040220","message":"no"}}"#;
    assert_eq!(found_at(json, "{"), "JSON (an error message?)");
    assert_eq!(found_at("<feed/>", "<feed"), "<feed>");
    assert_eq!(error("").found, "the end of the document");
    assert_eq!(error("  \n ").found, "the end of the document");
    assert_eq!(
        error("service unavailable").found,
        "text `service unavailable`"
    );
}

#[test]
fn entities_are_never_expanded() {
    let lol = r#"<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><edmx:Edmx>&b;</edmx:Edmx>"#;
    assert_eq!(found_at(lol, "<!DOCTYPE"), "a document type declaration");
    let file =
        r#"<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><edmx:Edmx>&f;</edmx:Edmx>"#;
    assert_eq!(found_at(file, "<!DOCTYPE"), "a document type declaration");
    let late = "<edmx:Edmx><!DOCTYPE x></edmx:Edmx>";
    assert!(error(late).found.contains("document type") || error(late).found.contains("XML"));
    let undeclared = document("<EntityType Name=\"&b;\"/>", "");
    let found = found_at(&undeclared, "<EntityType");
    assert!(
        found.contains("<EntityType> with a broken attribute"),
        "{found}"
    );
}

#[test]
fn every_cut_of_a_document_is_an_error_within_it() {
    let whole = document(
        &table(
            "a",
            "<Property Name=\"é\" Type=\"Edm.String\"><!-- c --></Property>",
        ),
        &set("a"),
    );
    assert!(csdl::parse(&whole).is_ok());
    for cut in (0..whole.len()).filter(|cut| whole.is_char_boundary(*cut)) {
        error(&whole[..cut]);
    }
}

#[test]
fn broken_xml_names_its_place() {
    for (types, place) in [
        ("<EntityType Name=\"a\"></Property>", "</Property>"),
        ("<EntityType Name=\"a\" Name/>", "<EntityType"),
        ("<EntityType Name=a />", "<EntityType"),
        ("<EntityType/>", "<EntityType"),
        (
            "<EnumType Name=\"e\"><Member Name=\"m\" Value=\"1e9\"/></EnumType>",
            "<Member",
        ),
    ] {
        let text = document(types, "");
        let error = error(&text);
        let wanted = text.find(place).unwrap() as u64;
        assert!(error.position.abs_diff(wanted) <= 2, "{types}: {error}");
    }
    let zero = document("<EntityType Name=\"a\0b\"/>", "");
    assert_eq!(found_at(&zero, "\0"), "a zero byte");
    let reference = document("<EntityType Name=\"a&#0;b\"/>", "");
    found_at(&reference, "<EntityType");
    let surrogate = document("<EntityType Name=\"a&#xD800;b\"/>", "");
    found_at(&surrogate, "<EntityType");
}

#[test]
fn encodings_without_a_mark_read_as_well_and_broken_ones_name_the_byte() {
    let text = document(&table("a", ""), &set("a"));
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [&little, &big] {
        assert_eq!(csdl::text(bytes.clone()).as_deref(), Ok(text.as_str()));
    }
    // A mark that was left in the text, or two of them.
    for marks in ["\u{feff}", "\u{feff}\u{feff}"] {
        let marked = format!("{marks}{text}");
        assert_eq!(csdl::parse(&marked), csdl::parse(&text));
        found_at(
            &format!("{marks}{}", document("<EntityType/>", "")),
            "<EntityType/>",
        );
    }
    let mut lone = little.clone();
    lone[20..22].copy_from_slice(&0xd800_u16.to_le_bytes());
    assert_eq!(csdl::text(lone).unwrap_err().position, 20);
    let odd = csdl::text(little[..21].to_vec()).unwrap_err();
    assert_eq!((odd.position, odd.found.as_str()), (20, "half a character"));
}

#[test]
fn deep_nesting_and_huge_attributes_are_read_past() {
    let depth = 10_000;
    let deep = format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth));
    let text = document(&format!("{deep}{}", table("a", &deep)), &set("a"));
    assert_eq!(model(&text).tables.len(), 1);
    let open = document(&"<x>".repeat(depth), "");
    error(&open);

    let huge = "x".repeat(2_000_000);
    let annotation = format!(
        "<Property Name=\"c\" Type=\"Edm.String\">\
         <Annotation Term=\"Org.OData.Core.V1.Description\" String=\"{huge}\"/></Property>"
    );
    let model = model(&document(&table("a", &annotation), &set("a")));
    let generated = generate(&model, &Options::default()).unwrap();
    let text: usize = generated.files.iter().map(|file| file.text.len()).sum();
    assert!(text < 100_000, "a description of 2 MB makes {text} bytes");
}

#[test]
fn a_circle_of_bases_ends() {
    let own = "<EntityType Name=\"a\" BaseType=\"N.a\"/>";
    let two = "<EntityType Name=\"b\" BaseType=\"N.c\"><Property Name=\"p\" Type=\"Edm.String\"/></EntityType>\
               <EntityType Name=\"c\" BaseType=\"N.b\"/>";
    let into = "<EntityType Name=\"d\" BaseType=\"N.b\"/>";
    let complex =
        "<ComplexType Name=\"e\" BaseType=\"N.f\"/><ComplexType Name=\"f\" BaseType=\"N.e\"/>";
    let model = model(&document(&format!("{own}{two}{into}{complex}"), ""));
    assert_eq!(model.tables["d"].columns.len(), 1);
    assert_eq!(
        model.warnings,
        [
            "entity type `a` is its own base, by way of `N.a`: each column is taken once",
            "entity type `b` is its own base, by way of `N.c`: each column is taken once",
            "entity type `c` is its own base, by way of `N.b`: each column is taken once",
        ]
    );
}

#[test]
fn what_is_passed_over_is_listed() {
    let twice =
        "<Property Name=\"p\" Type=\"Edm.String\"/><Property Name=\"p\" Type=\"Edm.Int32\"/>";
    let types = format!(
        "{}{}<EntityType Name=\"orphan\" BaseType=\"N.gone\"><Key><PropertyRef Name=\"k\"/></Key>\
         </EntityType><ComplexType Name=\"c\"/><ComplexType Name=\"c\">{twice}</ComplexType>\
         <EnumType Name=\"e\"/><EnumType Name=\"e\"/>",
        table("a", ""),
        table("a", twice),
    );
    let sets = format!("{}{}", set("a"), set("gone"));
    let model = model(&document(&types, &sets));
    assert_eq!(
        model.warnings,
        [
            "base `N.gone` of entity type `orphan` is not declared: its columns are missing",
            "complex type `c` is declared more than once; the last declaration counts",
            "entity set `gones` is passed over: its type `N.gone` is not declared",
            "entity type `a` is declared more than once; the last declaration counts",
            "enum type `e` is declared more than once; the last declaration counts",
            "property `p` of `a` is declared more than once; the last declaration counts",
            "property `p` of `c` is declared more than once; the last declaration counts",
            "the key of entity type `orphan` names `k`, which is none of its properties",
        ]
    );
    let columns = &model.tables["a"].columns;
    assert_eq!(columns.len(), 2);
    assert_eq!(columns[1].column_type, ColumnType::Int);
    assert!(generate(&model, &Options::default()).is_ok());
}
