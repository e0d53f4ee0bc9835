//! Files, configuration, and what is left out.

use std::path::{Path, PathBuf};

use clap::Parser;
use dataverse_codegen::cli::Cli;
use dataverse_codegen::{ColumnPattern, Error, Generator, Layout, Options, generate, write};
use dataverse_tests::fixture;

use super::{ON_PREMISES, document, lookup, model, named, set, table};

/// Result for people, and standard output.
fn run(arguments: &[&str]) -> (Result<String, Error>, String) {
    let arguments = std::iter::once(&"dataverse-codegen").chain(arguments);
    let mut output = Vec::new();
    let cli = Cli::try_parse_from(arguments).unwrap();
    let result = cli.run(&mut std::io::empty(), &mut output);
    (result, String::from_utf8(output).unwrap())
}

/// A folder of this test alone, with a document in it.
fn folder(name: &str, types: &str, sets: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("m.xml"), document(types, sets)).unwrap();
    folder
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

const NAME: &str = "<Property Name=\"name\" Type=\"Edm.String\"/>";

#[test]
fn check_tells_the_difference_and_writes_nothing() {
    let folder = folder("check", &table("a", NAME), &set("a"));
    let (source, output) = (path(&folder, "m.xml"), path(&folder, "out"));
    let arguments = ["generate", &source, "-o", &output];
    let with = |more: &'static str| {
        let mut all = arguments.to_vec();
        all.push(more);
        run(&all).0
    };
    let missing = with("--check").unwrap_err();
    assert_eq!(missing.exit_code(), 3);
    assert!(!Path::new(&output).exists());
    run(&arguments).0.unwrap();
    assert!(with("--check").unwrap().contains("as generated"));
    assert!(with("--locked").is_ok());

    let changed = document(&table("a", &NAME.replace("name", "title")), &set("a"));
    std::fs::write(folder.join("m.xml"), changed).unwrap();
    let error = with("--check").unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(
        text.contains("\n-    pub name: Option<String>,\n"),
        "{text}"
    );
    assert!(
        text.contains("\n+    pub title: Option<String>,\n"),
        "{text}"
    );
    assert!(text.lines().count() <= 52);
    let committed = std::fs::read_to_string(folder.join("out/a.rs")).unwrap();
    assert!(committed.contains("pub name"));

    // A name that the lock does not hold.
    let more = document(&(table("a", "") + &table("b", "")), &(set("a") + &set("b")));
    std::fs::write(folder.join("m.xml"), more).unwrap();
    let error = with("--locked").unwrap_err().to_string();
    assert!(error.contains("names.lock"), "{error}");
    assert!(with("-q").unwrap().is_empty());
    let lock = std::fs::read_to_string(folder.join("out/names.lock")).unwrap();
    assert!(lock.contains("table b = B\n"), "{lock}");
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    let folder = folder(
        "in-the-way",
        &(table("a", "") + &table("b", "")),
        &(set("a") + &set("b")),
    );
    let (source, output) = (path(&folder, "m.xml"), path(&folder, "out"));
    std::fs::create_dir_all(&output).unwrap();
    std::fs::write(folder.join("out/b.rs"), "// mine\n").unwrap();
    let error = run(&["generate", &source, "-o", &output]).0.unwrap_err();
    assert!(matches!(error, Error::Foreign(_)), "{error}");
    assert_eq!(std::fs::read_dir(&output).unwrap().count(), 1);
    // A folder where a file should be: everything else is written beside, then taken back.
    std::fs::remove_file(folder.join("out/b.rs")).unwrap();
    std::fs::create_dir_all(folder.join("out/mod.rs.new")).unwrap();
    let error = run(&["generate", &source, "-o", &output]).0.unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert_eq!(std::fs::read_dir(&output).unwrap().count(), 1);
}

#[test]
fn one_file_holds_everything_and_can_be_included() {
    let source = fixture("csdl").join(ON_PREMISES);
    let source = source.to_str().unwrap();
    let arguments = [
        "generate",
        source,
        "--tables",
        "account,contact",
        "--single-file",
        "-",
    ];
    let (told, text) = run(&arguments);
    assert!(told.unwrap().is_empty());
    let file = syn::parse_file(&text).unwrap();
    // `include!` takes no inner attributes.
    assert!(file.attrs.is_empty() && !text.contains("//!"));
    crate::generate::assert_distinct(&file.items, "single file");
    assert!(text.contains("\n    pub struct Account {\n"));
    assert!(text.contains("    pub use super::account::Account;\n"));
    assert!(
        text.lines()
            .filter(|line| line.chars().count() > 100)
            .all(|line| line.contains("///"))
    );
}

#[test]
fn a_crate_has_a_feature_for_each_table() {
    let types = table("a", &lookup("b", &["b"])) + &table("b", "") + &table("c", "");
    let sets = set("a") + &set("b") + &set("c");
    let model = model(&document(&types, &sets));
    let options = Options {
        tables: vec!["a".into(), "b".into()],
        layout: Layout::Crate {
            name: "my-crm".into(),
            client: "{ path = \"../client\" }".into(),
        },
        ..Options::default()
    };
    let files = generate(&model, &options).unwrap().files;
    let manifest = named(&files, "Cargo.toml");
    assert!(manifest.contains("name = \"my-crm\""));
    assert!(manifest.contains("dataverse-client = { path = \"../client\" }"));
    assert!(manifest.contains("\na = []\nb = []\n"));
    let parsed: toml::Table = manifest.parse().unwrap();
    assert_eq!(
        parsed["features"]["all-tables"].as_array().unwrap().len(),
        2
    );
    let root = named(&files, "src/lib.rs");
    assert!(root.contains("#[cfg(feature = \"a\")]\npub mod a;"));
    assert!(root.contains("#[cfg(feature = \"a\")]\npub use a::A;"));
    let stubs = named(&files, "src/stubs.rs");
    assert!(stubs.contains("#[cfg(not(feature = \"b\"))]\n#[derive(Debug, Clone, Copy"));
}

#[test]
fn tables_and_columns_are_named_by_patterns() {
    let types = table("new_a", &(NAME.to_owned() + &lookup("owner", &["user"])))
        + &table("new_b", "<Property Name=\"x_base\" Type=\"Edm.Decimal\"/>")
        + &table("user", &lookup("unit", &["unit"]))
        + &table("unit", "");
    let sets = ["new_a", "new_b", "user", "unit"].map(set).concat();
    let model = model(&document(&types, &sets));
    let tables = |change: &dyn Fn(&mut Options)| -> Result<Vec<String>, Error> {
        let mut options = Options::default();
        change(&mut options);
        let files = generate(&model, &options)?.files;
        let names = files
            .iter()
            .map(|file| file.name.trim_end_matches(".rs").to_owned());
        let names = names
            .filter(|name| !["mod", "stubs", "lookups", "operations"].contains(&name.as_str()));
        Ok(names.collect())
    };
    let wanted =
        |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
    assert_eq!(
        tables(&|o| o.tables = wanted(&["new_*"])).unwrap(),
        ["new_a", "new_b"]
    );
    assert_eq!(
        tables(&|o| {
            o.tables = wanted(&["new_*", "user"]);
            o.exclude_tables = wanted(&["*_b"]);
        })
        .unwrap(),
        ["new_a", "user"]
    );
    for (depth, names) in [(1, &["new_a", "user"][..]), (2, &["new_a", "unit", "user"])] {
        let found = tables(&|o| {
            o.tables = wanted(&["new_a"]);
            o.depth = depth;
        });
        assert_eq!(found.unwrap(), names);
    }
    // A pattern without a table is worth a warning, or an error.
    let idle = Options {
        tables: wanted(&["new_a", "zz*"]),
        ..Options::default()
    };
    assert_eq!(
        generate(&model, &idle).unwrap().warnings,
        ["no table fits `zz*`"]
    );
    let strict = Options {
        strict: true,
        ..idle
    };
    assert!(
        generate(&model, &strict)
            .unwrap_err()
            .to_string()
            .contains("`zz*`")
    );
    assert!(tables(&|o| o.exclude_tables = wanted(&["*"])).is_err());

    let pattern = |table: &str, column: &str| ColumnPattern {
        table: table.into(),
        column: column.into(),
    };
    let narrow = Options {
        columns: vec![pattern("new_a", "nam?")],
        exclude_columns: vec![pattern("*", "*_base"), pattern("new_b", "new_bid")],
        ..Options::default()
    };
    let files = generate(&model, &narrow).unwrap().files;
    let a = named(&files, "new_a.rs");
    assert!(a.contains("pub name:") && a.contains("pub new_aid:") && !a.contains("pub owner:"));
    let b = named(&files, "new_b.rs");
    assert!(b.contains("pub new_bid:") && !b.contains("x_base"));
    let unknown = Options {
        columns: vec![pattern("new_a", "nmae"), pattern("zz", "name")],
        ..Options::default()
    };
    let error = generate(&model, &unknown).unwrap_err().to_string();
    assert_eq!(
        error,
        "`new_a` has no column `nmae`; near: `name`\ncolumns of `zz`: no such table"
    );
}

#[test]
fn a_configuration_says_it_all_and_mistakes_in_it_are_named() {
    let folder = folder("config", &table("new_a", NAME), &set("new_a"));
    let write = |text: &str| {
        let path = folder.join("dataverse.toml");
        std::fs::write(&path, text).unwrap();
        Generator::from_config(path)
    };
    let whole = "source = \"m.xml\"\nout = \"crm\"\ntables = [\"new_*\"]\nstrip-prefixes = [\"new_\"]\n\
        [table.new_a]\nname = \"Project\"\nrename = { name = \"title\" }\n";
    let (generated, written) = write(whole).unwrap().write().unwrap();
    assert_eq!((generated.tables, written.changed), (1, 3));
    let text = std::fs::read_to_string(folder.join("crm/a.rs")).unwrap();
    assert!(text.contains("pub struct Project {") && text.contains("pub title: Option<String>,"));
    assert!(text.contains("pub const TITLE: "));
    let generator = write(whole).unwrap();
    generator.check().unwrap();
    let inputs = [folder.join("dataverse.toml"), folder.join("m.xml")];
    assert_eq!(generator.inputs(), inputs);

    for (text, part) in [
        (
            "source = \"m.xml\"\ntabels = []\n",
            "unknown field `tabels`",
        ),
        ("out = \"x\"\n", "missing field `source`"),
        (
            "source = \"m.xml\"\ncolumns = [\"name\"]\n",
            "`name`: say which columns",
        ),
        (
            "source = \"m.xml\"\n[table.a]\nname = \"my type\"\n",
            "is no Rust name",
        ),
        (
            "source = \"m.xml\"\n[choice.x]\noptions = { a = \"B\" }\n",
            "`a` is no value",
        ),
        (
            "source = \"m.xml\"\nsingle-file = true\ncrate = { name = \"x\" }\n",
            "exclude each other",
        ),
    ] {
        let error = write(text).unwrap_err().to_string();
        assert!(
            error.contains("dataverse.toml") && error.contains(part),
            "{error}"
        );
    }
    let error = write("source = \"gone.xml\"\nout = \"x\"\n")
        .unwrap()
        .write()
        .unwrap_err();
    assert!(error.to_string().contains("gone.xml"), "{error}");
    assert!(write("source = \"m.xml\"\n").unwrap().write().is_err());
}

#[test]
fn the_configuration_that_init_writes_can_be_read() {
    let template = include_str!("../../../dataverse-codegen/src/dataverse.toml");
    let columns = [
        "name",
        "telephone1",
        "statecode",
        "x_base",
        "utcconversiontimezonecode",
    ];
    let columns = columns.map(|name| NAME.replace("name", name)).concat();
    let folder = folder(
        "init",
        &(table("account", &columns) + &table("contact", "")),
        &(set("account") + &set("contact")),
    );
    std::fs::create_dir_all(folder.join("metadata")).unwrap();
    std::fs::rename(folder.join("m.xml"), folder.join("metadata/$metadata.xml")).unwrap();
    let commented_in: String = template
        .lines()
        .filter(|line| !line.contains("definitions =") && !line.contains("single-file ="))
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") || rest.starts_with('[') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    for (name, text) in [("plain.toml", template), ("whole.toml", &commented_in)] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let generator =
            Generator::from_config(&path).unwrap_or_else(|error| panic!("{error}\n{text}"));
        // The document of this test has no `WhoAmI`.
        let error = generator.generate().unwrap_err().to_string();
        assert!(error.contains("no operation `WhoAmI`"), "{error}");
    }
}

#[test]
fn documents_are_listed_and_compared() {
    let old = table("a", NAME) + &table("gone", "");
    let new = table(
        "a",
        &(NAME.replace("String", "Int32") + &lookup("b", &["b"])),
    ) + &table("b", "");
    let folder = folder("compare", &old, &(set("a") + &set("gone")));
    std::fs::write(
        folder.join("n.xml"),
        document(&new, &(set("a") + &set("b"))),
    )
    .unwrap();
    let (old, new) = (path(&folder, "m.xml"), path(&folder, "n.xml"));

    let (told, text) = run(&["diff", &old, &new]);
    assert_eq!(told.unwrap(), "5 differences, 2 breaking");
    assert_eq!(
        text,
        "  a.b: added\n! a.name: held text, holds int\n  a navigation b_b: added\n  b: added\n! gone: removed\n"
    );
    let (told, text) = run(&["diff", &old, &new, "--breaking"]);
    assert_eq!(told.unwrap_err().exit_code(), 3);
    assert_eq!(text.lines().count(), 2);
    assert_eq!(
        run(&["diff", &old, &old, "--breaking"]).0.unwrap(),
        "0 differences, 0 breaking"
    );

    let (_, text) = run(&["list", &new, "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(listed[0]["logical_name"], "a");
    assert_eq!(listed[0]["lookups"], 1);
    let (_, text) = run(&["list", &new, "--tables", "b"]);
    assert!(
        text.contains("\n1 tables, 1 columns, 0 unbound operations"),
        "{text}"
    );
}

/// A folder that is missing is put in its place as a whole.
#[test]
fn a_new_folder_comes_whole_or_not_at_all() {
    let folder = folder("whole", &table("a", NAME), &set("a"));
    let source = path(&folder, "m.xml");
    let names = |below: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder.join(below)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let output = path(&folder, "deep/out");
    run(&["generate", &source, "-o", &output]).0.unwrap();
    assert_eq!(names("deep"), ["out"]);
    let files = [".dataverse-codegen", "a.rs", "mod.rs", "names.lock"];
    assert_eq!(names("deep/out"), files);

    // What an earlier run has left beside it, or somebody else, stays.
    let output = path(&folder, "other");
    std::fs::create_dir(folder.join("other.new")).unwrap();
    std::fs::write(folder.join("other.new/mine"), "").unwrap();
    run(&["generate", &source, "-o", &output]).0.unwrap();
    assert_eq!(names("other"), files);
    assert_eq!(names("other.new"), ["mine"]);

    // `b` would be a file and a folder: nothing is left of it.
    let model = model(&document(&table("a", NAME), &set("a")));
    let mut files = generate(&model, &Options::default()).unwrap().files;
    files[0].name = "b".to_owned();
    files[1].name = "b/c".to_owned();
    let error = write(&folder.join("never"), &files).unwrap_err();
    assert!(error.to_string().contains("never"), "{error}");
    assert!(!folder.join("never").exists() && !folder.join("never.new").exists());
}
