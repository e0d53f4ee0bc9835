//! Names that meet: of tables, operations, answers and targets, and names that are no names.

use std::collections::HashSet;

use dataverse_codegen::{File, Options, generate};

use super::{document, lookup, model, named, set, table};

/// Types and constants that `mod.rs` re-exports from everywhere.
fn exported(files: &[File]) -> Vec<String> {
    let mut names = Vec::new();
    for file in files {
        if matches!(file.name.as_str(), "lookups.rs" | "mod.rs" | "types.rs") {
            continue;
        }
        for item in syn::parse_file(&file.text).unwrap().items {
            match item {
                syn::Item::Struct(item) => names.push(item.ident.to_string()),
                // Of a table's file only the struct is re-exported.
                syn::Item::Enum(item) if file.name == "stubs.rs" => {
                    names.push(item.ident.to_string());
                }
                _ => {}
            }
        }
    }
    names
}

fn action(name: &str, parameter: &str, returns: &str) -> String {
    format!(
        "<Action Name=\"{name}\"><Parameter Name=\"P\" Type=\"N.{parameter}\" Nullable=\"false\"/>\
         <ReturnType Type=\"N.{returns}\"/></Action>"
    )
}

fn import(name: &str) -> String {
    format!("<ActionImport Name=\"{name}\" Action=\"N.{name}\"/>")
}

#[test]
fn operations_and_answers_give_way_to_tables() {
    let types = [
        table("new_project", ""),
        table("stub", ""),
        "<ComplexType Name=\"NewProject\"><Property Name=\"A\" Type=\"Edm.String\"/></ComplexType>"
            .to_owned(),
        "<ComplexType Name=\"String\"><Property Name=\"new__A\" Type=\"Edm.String\"/>\
         <Property Name=\"new_A\" Type=\"Edm.String\"/></ComplexType>"
            .to_owned(),
        action("new_Project", "stub", "NewProject"),
        action("Stub", "stub", "String"),
    ];
    let container = [
        set("new_project"),
        set("stub"),
        import("new_Project"),
        import("Stub"),
    ];
    let options = Options {
        tables: vec!["new_project".into()],
        operations: Some(vec!["new_Project".into(), "Stub".into()]),
        ..Options::default()
    };
    let model = model(&document(&types.concat(), &container.concat()));
    let files = generate(&model, &options).unwrap().files;
    let names = exported(&files);
    let distinct: HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert!(named(&files, "new_project.rs").contains("pub struct NewProject {"));
    assert!(named(&files, "stubs.rs").contains("pub enum Stub {}"));
    let operations = named(&files, "operations.rs");
    assert!(operations.contains("pub struct NewProject_ {"));
    // Types have a module of their own.
    let declared = "NewProject_: Action \"new_Project\" -> super::types::NewProject {";
    assert!(operations.contains(declared), "{operations}");
    assert!(operations.contains("pub p: dv::RowArgument<super::Stub>,"));
    assert!(operations.contains("Action \"Stub\" -> super::types::String_ {"));
    let types = named(&files, "types.rs");
    assert!(types.contains("pub struct NewProject {") && types.contains("pub struct String_ {"));
}

#[test]
fn targets_of_two_lookups_have_names_of_their_own() {
    let lookups = lookup("a_b", &["x", "y"]) + &lookup("a__b", &["x", "y"]);
    let types = [
        table("t", &lookups),
        // The struct has the name that the lookup's targets would have.
        table("a_b_target", &lookup("a_b", &["x", "other", "Other"])),
        table("x", ""),
        table("y", ""),
        table("other", ""),
        table("Other", ""),
    ];
    let sets = ["t", "a_b_target", "x", "y", "other", "Other"].map(set);
    let model = model(&document(&types.concat(), &sets.concat()));
    let files = generate(&model, &Options::default()).unwrap().files;
    let t = named(&files, "t.rs");
    assert!(t.contains("pub enum ABTarget {") && t.contains("pub enum ABTarget_ {"));
    assert!(t.contains("pub a__b: Option<dv::AnyLookup<ABTarget>>,"));
    assert!(t.contains("pub a_b: Option<dv::AnyLookup<ABTarget_>>,"));
    let file = named(&files, "a_b_target.rs");
    assert!(file.contains("pub struct ABTarget {") && file.contains("pub enum ABTarget_ {"));
    let items = syn::parse_file(file).unwrap().items;
    let variants = items.iter().find_map(|item| match item {
        syn::Item::Enum(item) => Some(&item.variants),
        _ => None,
    });
    let variants: Vec<_> = variants.unwrap().iter().map(|v| &v.ident).collect();
    assert_eq!(variants, ["Other", "Other_", "X", "Other_2"]);
    // A field with `__` is no snake case for the compiler.
    assert!(named(&files, "mod.rs").contains("non_snake_case"));
}

/// Two navigation properties of one Rust name that share their targets with other tables.
#[test]
fn shared_targets_keep_their_navigation_property() {
    let owner = |name: &str| {
        format!(
            "<Property Name=\"_{name}_value\" Type=\"Edm.Guid\"/>\
             <NavigationProperty Name=\"{name}\" Type=\"N.principal\"/>"
        )
    };
    let owned = |name: &str| {
        format!(
            "<EntityType Name=\"{name}\" BaseType=\"N.principal\"><Property Name=\"{name}id\" Type=\"Edm.Guid\"/></EntityType>"
        )
    };
    let types = [
        "<EntityType Name=\"principal\" Abstract=\"true\"><Key><PropertyRef Name=\"ownerid\"/></Key>\
         <Property Name=\"ownerid\" Type=\"Edm.Guid\"/></EntityType>"
            .to_owned(),
        owned("user"),
        owned("team"),
        table("a", &(owner("own_er") + &owner("own__er"))),
        table("b", &owner("own_er")),
    ];
    let sets = ["user", "team", "a", "b"].map(set);
    let model = model(&document(&types.concat(), &sets.concat()));
    let files = generate(&model, &Options::default()).unwrap().files;
    let lookups = named(&files, "lookups.rs");
    assert_eq!(lookups.matches("pub enum OwnErTarget").count(), 2);
    let line = |target: &str, navigation: &str| {
        format!(
            "dv::targets! {{\n    enum {target} {{\n        super::Team = \"{navigation}\",\n        super::User = \"{navigation}\",\n"
        )
    };
    assert!(lookups.contains(&line("OwnErTarget", "own__er")));
    assert!(lookups.contains(&line("OwnErTarget_", "own_er")));
    let a = named(&files, "a.rs");
    assert!(a.contains("pub own__er: Option<dv::AnyLookup<super::lookups::OwnErTarget>>,"));
    assert!(a.contains("pub own_er: Option<dv::AnyLookup<super::lookups::OwnErTarget_>>,"));
    let b = named(&files, "b.rs");
    assert!(b.contains("pub own_er: Option<dv::AnyLookup<super::lookups::OwnErTarget_>>,"));
}

/// A name from the document never ends the comment it stands in.
#[test]
fn no_name_or_description_becomes_code() {
    let described = "<Property Name=\"ok\" Type=\"Edm.String\"><Annotation \
        Term=\"Org.OData.Core.V1.Description\" String=\"~~~&#10;pub fn c() {}&#13;&#x202E;d\"/></Property>";
    let types = [
        table("a&#10;pub fn b() {} //", described),
        table(
            "n",
            "<Property Name=\"x&#10;pub fn b() {} //&quot;\" Type=\"Edm.String\"/>\
             <Property Name=\"_\" Type=\"Edm.String\"/><Property Name=\"-\" Type=\"Edm.String\"/>",
        ),
    ];
    let sets = [set("n"), set("a&#10;pub fn b() {} //")];
    let model = model(&document(&types.concat(), &sets.concat()));
    let files = generate(&model, &Options::default()).unwrap().files;
    for file in &files {
        assert!(!file.name.contains(['/', '\n', ' ']), "{:?}", file.name);
        assert!(!file.text.contains('\u{202E}'));
        for item in syn::parse_file(&file.text).unwrap().items {
            assert!(!matches!(item, syn::Item::Fn(_)), "{}", file.name);
        }
    }
    assert_eq!(files.len(), 3);
}

/// A lookup of a table that no URL can name is read as an id.
#[test]
fn a_target_without_a_key_is_only_read() {
    let types = [
        table("a", &lookup("x", &["keyless"])),
        "<EntityType Name=\"keyless\"><Property Name=\"keylessid\" Type=\"Edm.Guid\"/></EntityType>"
            .to_owned(),
    ];
    let sets = [set("a"), set("keyless")];
    let model = model(&document(&types.concat(), &sets.concat()));
    let files = generate(&model, &Options::default()).unwrap().files;
    assert!(
        named(&files, "a.rs").contains("pub const X: dv::Column<Self, dv::Uuid, dv::ReadOnly>")
    );
}

/// Rust finds no file of a module whose name is not ASCII, and letters without case would make one
/// name of a module and its type.
#[test]
fn modules_are_ascii_whatever_tables_are_called() {
    let tables = ["nï_ümlaut", "表", "a", "ключ"];
    let types = tables.map(|name| table(name, "<Property Name=\"größe\" Type=\"Edm.String\"/>"));
    let model = model(&document(&types.concat(), &tables.map(set).concat()));
    let files = generate(&model, &Options::default()).unwrap().files;
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        ["a.rs", "biao.rs", "kliuch.rs", "mod.rs", "ni_umlaut.rs"]
    );
    let exports = named(&files, "mod.rs");
    assert!(exports.contains("pub mod biao;") && exports.contains("pub use biao::表;"));
    let file = named(&files, "biao.rs");
    assert!(
        file.contains("dv::Table::new(\n        \"表\",\n        \"表s\","),
        "{file}"
    );
    assert!(file.contains("    pub größe: Option<String>,"));
}
