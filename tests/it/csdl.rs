//! Real `$metadata` documents: all of them parse, and hold as many elements as were counted by
//! independent means.

use dataverse_codegen::csdl::{self, Counts};
use dataverse_tests::fixture;

fn counts(name: &str) -> Counts {
    let bytes = std::fs::read(fixture("csdl").join(name)).unwrap();
    let text = csdl::text(bytes).unwrap();
    csdl::parse(&text).unwrap().counts()
}

/// The columns of the table, in its order: entity types, sets, complex, enums, actions bound and
/// unbound, functions bound and unbound, properties, lookups, navigations collection and single,
/// constraints, bindings.
fn row(c: Counts) -> [usize; 14] {
    [
        c.entity_types,
        c.entity_sets,
        c.complex_types,
        c.enum_types,
        c.bound_actions,
        c.unbound_actions,
        c.bound_functions,
        c.unbound_functions,
        c.properties,
        c.lookup_properties,
        c.collection_navigations,
        c.single_navigations,
        c.referential_constraints,
        c.bindings,
    ]
}

#[test]
fn dataverse_documents_hold_what_was_counted() {
    for (name, wanted) in [
        (
            "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz",
            [
                420, 391, 256, 45, 89, 115, 72, 136, 12132, 2870, 5476, 5392, 4559, 10694,
            ],
        ),
        (
            "dataverse-online-9.1-crm4-2020-09.csdl.xml.gz",
            [
                300, 269, 349, 51, 52, 132, 59, 139, 7071, 1509, 2472, 2442, 2171, 4817,
            ],
        ),
        (
            "dynamics-onprem-8.2-annotated-de.csdl.xml.gz",
            [
                280, 252, 150, 38, 62, 87, 50, 124, 7040, 1554, 2649, 2579, 2058, 5161,
            ],
        ),
        (
            "synthetic-union-586-entities.csdl.xml.gz",
            [
                586, 555, 382, 52, 106, 178, 76, 142, 17170, 4183, 8118, 8020, 6960, 15843,
            ],
        ),
    ] {
        assert_eq!(row(counts(name)), wanted, "{name}");
    }
}

#[test]
fn documents_of_other_services_parse() {
    let graph = counts("msgraph-v1.0-prod.csdl.xml.gz");
    assert!(
        graph.entity_types > 1000 && graph.properties > 5000,
        "{graph:?}"
    );
    let trippin = counts("trippin-v4.csdl.xml.gz");
    assert!(
        trippin.entity_types > 5 && trippin.entity_sets > 2,
        "{trippin:?}"
    );
}

#[test]
fn a_document_cut_anywhere_is_an_error_at_the_cut() {
    let whole = "<?xml version=\"1.0\"?><edmx:Edmx Version=\"4.0\"><edmx:DataServices>\
        <Schema Namespace=\"n\"><EntityType Name=\"a\"><Key><PropertyRef Name=\"b\"/></Key>\
        <Property Name=\"b\" Type=\"Edm.Guid\"/></EntityType></Schema></edmx:DataServices></edmx:Edmx>";
    assert!(csdl::parse(whole).is_ok());
    for cut in 0..whole.len() {
        let error = csdl::parse(&whole[..cut]).unwrap_err();
        assert!(error.position <= cut as u64, "cut at {cut}: {error}");
    }
}

#[test]
fn what_is_not_csdl_is_named() {
    for (text, found) in [
        (
            "<!DOCTYPE html><html><body>Sign in</body></html>",
            "an HTML page (a sign-in page?)",
        ),
        (
            "<html><body>Sign in</body></html>",
            "an HTML page (a sign-in page?)",
        ),
        ("{\"error\":{\"code\":\"0x0\"}}", "JSON (an error message?)"),
        ("", "the end of the document"),
        ("<feed/>", "<feed>"),
        (
            "<!DOCTYPE x [<!ENTITY a \"b\">]><edmx:Edmx/>",
            "a document type declaration",
        ),
    ] {
        let error = csdl::parse(text).unwrap_err();
        assert_eq!(error.found, found);
        assert!(error.to_string().contains("expected"), "{error}");
    }
}

#[test]
fn counts_do_not_depend_on_layout() {
    let bytes = std::fs::read(fixture(
        "csdl/dataverse-online-9.1-crm4-2020-09.csdl.xml.gz",
    ))
    .unwrap();
    let pretty = csdl::text(bytes).unwrap();
    let one_line: String = pretty.lines().map(str::trim).collect();
    let crlf = pretty.replace('\n', "\r\n");
    let wanted = csdl::parse(&pretty).unwrap().counts();
    assert_eq!(csdl::parse(&one_line).unwrap().counts(), wanted);
    assert_eq!(csdl::parse(&crlf).unwrap().counts(), wanted);
}
