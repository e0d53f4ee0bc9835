//! What the generator writes.

use std::path::{Path, PathBuf};

use clap::Parser;
use dataverse_codegen::cli::Cli;
use dataverse_codegen::{Error, Generator, Options, csdl, generate, model};
use dataverse_tests::fixture;

const ON_PREMISES: &str = "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz";
const TABLES: &str = "account,contact,incident,opportunity,systemuser,team,task";

fn text(file: &str) -> String {
    csdl::text(std::fs::read(fixture("csdl").join(file)).unwrap()).unwrap()
}

fn model(text: &str) -> model::Model {
    model::build(&csdl::parse(text).unwrap())
}

fn options(tables: &str) -> Options {
    Options {
        tables: tables.split(',').map(str::to_owned).collect(),
        ..Options::default()
    }
}

/// A folder of this test alone, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn the_golden_package_is_what_the_generator_writes() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/dataverse.toml");
    let checked = Generator::from_config(config).unwrap().check();
    checked.unwrap_or_else(|error| {
        panic!("run: cargo run -p dataverse-codegen -- generate --config tests/golden/dataverse.toml\n{error}")
    });
}

/// No two types, constants, fields or variants of one name in one place.
pub(crate) fn assert_distinct(items: &[syn::Item], place: &str) {
    let mut seen = std::collections::HashSet::new();
    for item in items {
        let names: Vec<String> = match item {
            syn::Item::Struct(item) => {
                let mut fields = std::collections::HashSet::new();
                for field in &item.fields {
                    assert!(
                        fields.insert(field.ident.clone()),
                        "{place}: {:?}",
                        field.ident
                    );
                }
                vec![item.ident.to_string()]
            }
            syn::Item::Enum(item) => {
                let mut variants = std::collections::HashSet::new();
                for variant in &item.variants {
                    assert!(
                        variants.insert(&variant.ident),
                        "{place}: {}",
                        variant.ident
                    );
                }
                vec![item.ident.to_string()]
            }
            syn::Item::Const(item) => vec![item.ident.to_string()],
            syn::Item::Mod(item) => {
                if let Some((_, items)) = &item.content {
                    assert_distinct(items, &format!("{place} {}", item.ident));
                }
                vec![item.ident.to_string()]
            }
            syn::Item::Impl(item) if item.trait_.is_none() => item
                .items
                .iter()
                .filter_map(|item| match item {
                    syn::ImplItem::Const(item) => Some(format!("const {}", item.ident)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        for name in names {
            assert!(seen.insert(name.clone()), "{place}: two of {name}");
        }
    }
}

#[test]
fn the_order_of_the_document_does_not_matter() {
    let text = text(ON_PREMISES);
    let mut document = csdl::parse(&text).unwrap();
    let files = generate(&model::build(&document), &options(TABLES))
        .unwrap()
        .files;
    for schema in &mut document.schemas {
        schema.entity_types.reverse();
        schema.operations.reverse();
        schema
            .containers
            .iter_mut()
            .for_each(|container| container.sets.reverse());
        for entity in &mut schema.entity_types {
            entity.properties.reverse();
            entity.navigations.reverse();
        }
    }
    let shuffled = generate(&model::build(&document), &options(TABLES))
        .unwrap()
        .files;
    assert!(files == shuffled);
}

#[test]
fn an_unknown_table_is_an_error_with_near_matches() {
    let model = model(&text(ON_PREMISES));
    let error = generate(&model, &options("acount,contact,opportunities,zzzzzzzz")).unwrap_err();
    let Error::Selection(mistakes) = error else {
        panic!("{error}")
    };
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(
        mistakes[0].starts_with("no table `acount`; near: `account`"),
        "{}",
        mistakes[0]
    );
    assert_eq!(
        mistakes[1],
        "`opportunities` is an entity set; its table is `opportunity`"
    );
    assert_eq!(mistakes[2], "no table `zzzzzzzz`");
    let mut operations = options("account");
    operations.operations = Some(vec!["Above".into(), "WhoAmi".into()]);
    let error = generate(&model, &operations).unwrap_err().to_string();
    assert!(
        error.contains("`Above` is a function of `$filter`"),
        "{error}"
    );
    assert!(
        error.contains("no operation `WhoAmi`; near: `WhoAmI`"),
        "{error}"
    );
}

/// Names that clash with Rust, with each other, or on disks that do not tell case.
#[test]
fn hard_names_come_out_as_rust() {
    let entity = |name: &str, members: &str| {
        format!(
            "<EntityType Name=\"{name}\"><Key><PropertyRef Name=\"{name}id\"/></Key>\
             <Property Name=\"{name}id\" Type=\"Edm.Guid\"/>{members}</EntityType>"
        )
    };
    let property = |name: &str| format!("<Property Name=\"{name}\" Type=\"Edm.String\"/>");
    let fields = ["type", "type_", "self", "Type", "new__x", "crate"];
    let members: String = fields.iter().map(|name| property(name)).collect();
    let names = [
        "option",
        "string",
        "operations",
        "mod",
        "a_b",
        "a__b",
        "solution",
        "Solution",
        "042x",
    ];
    let types: String = names.iter().map(|name| entity(name, &members)).collect();
    let sets: String = names
        .iter()
        .map(|name| format!("<EntitySet Name=\"{name}s\" EntityType=\"N.{name}\"/>"))
        .collect();
    let text = format!(
        "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
         <edmx:DataServices><Schema Namespace=\"N\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\
         {types}<EntityContainer Name=\"C\">{sets}</EntityContainer></Schema></edmx:DataServices>\
         </edmx:Edmx>"
    );
    let files = generate(&model(&text), &Options::default()).unwrap().files;
    let mut lower: Vec<_> = files.iter().map(|file| file.name.to_lowercase()).collect();
    lower.dedup();
    assert_eq!(lower.len(), names.len() + 1, "{lower:?}");
    for file in &files {
        let parsed = syn::parse_file(&file.text).unwrap();
        assert_distinct(&parsed.items, &file.name);
    }
    let option = files.iter().find(|file| file.name == "option.rs").unwrap();
    assert!(option.text.contains("pub struct Option_ {"));
    assert!(option.text.contains("pub type_: Option<String>"));
}

/// What the program does with these arguments and this standard input.
fn run(arguments: &[&str], mut input: &[u8]) -> Result<String, Error> {
    let arguments = std::iter::once(&"dataverse-codegen").chain(arguments);
    Cli::try_parse_from(arguments)
        .unwrap()
        .run(&mut input, &mut std::io::sink())
}

#[test]
fn the_program_reads_standard_input_and_writes_what_changed() {
    let folder = folder("stdin");
    let output = folder.to_str().unwrap();
    let document = std::fs::read(fixture("csdl").join("trippin-v4.csdl.xml.gz")).unwrap();
    let run = || {
        run(
            &["generate", "-", "--tables", "Airline", "-o", output],
            &document,
        )
    };
    let told = run().unwrap();
    assert!(
        told.contains("3 files, 61 lines (3 changed, 0 unchanged, 0 removed)"),
        "{told}"
    );
    // Generated by an earlier run, and by another tool's run: only the first is on the list.
    let generated = "// @generated by dataverse-codegen. Do not edit.\n";
    std::fs::write(folder.join("old.rs"), generated).unwrap();
    std::fs::write(folder.join("other.rs"), generated).unwrap();
    let list = folder.join(".dataverse-codegen");
    let listed = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, format!("{listed}old.rs\nmine.rs\n../escape.rs\n")).unwrap();
    std::fs::write(folder.join("mine.rs"), "// mine\n").unwrap();
    let told = run().unwrap();
    assert!(
        told.contains("(0 changed, 3 unchanged, 1 removed)"),
        "{told}"
    );
    assert!(folder.join("mine.rs").exists() && folder.join("other.rs").exists());
    assert!(!folder.join("old.rs").exists());
    assert_eq!(std::fs::read_to_string(&list).unwrap(), listed);
}

#[test]
fn what_is_not_csdl_is_named_and_nothing_is_written() {
    let folder = folder("bad-input");
    let output = folder.to_str().unwrap();
    let whole = text("trippin-v4.csdl.xml.gz");
    let inputs: [(&str, &[u8], &str); 3] = [
        (
            "a sign-in page",
            b"<!DOCTYPE html><html><body>Sign in</body></html>",
            "standard input: byte ",
        ),
        ("JSON", b"{\"error\":{}}", "standard input: byte 0"),
        ("cut", &whole.as_bytes()[..2000], "standard input: byte "),
    ];
    for (what, input, expected) in inputs {
        let told = run(&["generate", "-", "-o", output], input).unwrap_err();
        let told = told.to_string();
        assert!(
            told.contains(expected) && told.contains("expected"),
            "{what}: {told}"
        );
        assert!(!folder.exists(), "{what}");
    }
    let arguments = ["generate", "-", "--tables", "Nothing", "-o", output];
    let told = run(&arguments, whole.as_bytes()).unwrap_err().to_string();
    assert!(
        told.contains("standard input: no table `Nothing`"),
        "{told}"
    );
    assert!(!folder.exists());
}
