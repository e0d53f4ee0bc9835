//! What is asked for on the command line.

use clap::Parser;
use dataverse_codegen::cli::Cli;
use dataverse_codegen::{Error, Options, generate};
use dataverse_tests::fixture;

use super::{ON_PREMISES, document, model, text};

fn run(arguments: &[&str]) -> Result<String, Error> {
    let arguments = std::iter::once(&"dataverse-codegen").chain(arguments);
    let cli = Cli::try_parse_from(arguments).unwrap();
    cli.run(&mut std::io::empty(), &mut std::io::sink())
}

#[test]
fn every_navigation_property_to_what_is_generated_has_its_exact_name() {
    let model = model(&text(ON_PREMISES));
    let files = generate(&model, &Options::default()).unwrap().files;
    let literals: std::collections::HashSet<&str> = files
        .iter()
        .flat_map(|file| file.text.split('"').skip(1).step_by(2))
        .collect();
    let usable = |name: &str| {
        let table = model.tables.get(name);
        table.is_some_and(|t| t.entity_set.is_some() && t.primary_id.is_some())
    };
    for table in model.tables.values().filter(|t| usable(&t.logical_name)) {
        for navigation in table.navigations.iter().filter(|n| usable(&n.target)) {
            assert!(
                literals.contains(navigation.name.as_str()),
                "{}.{}",
                table.logical_name,
                navigation.name
            );
        }
    }
}

#[test]
fn every_operation_that_can_be_called_is_generated() {
    let model = model(&text(ON_PREMISES));
    let callable = model.operations.iter();
    let names: Vec<String> = callable
        .filter(|operation| operation.binding.is_none() && operation.is_callable)
        .map(|operation| operation.name.clone())
        .collect();
    let files = generate(
        &model,
        &Options {
            tables: vec!["account".into()],
            operations: Some(names.clone()),
            ..Options::default()
        },
    )
    .unwrap()
    .files;
    let operations = super::named(&files, "operations.rs");
    assert!(syn::parse_file(operations).is_ok());
    for name in names {
        assert!(
            operations.contains(&format!("Action \"{name}\" -> "))
                || operations.contains(&format!("Function \"{name}\" -> ")),
            "{name}"
        );
    }
}

#[test]
fn the_program_tells_what_it_wrote_and_takes_names_as_people_write_them() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("selection");
    let _ = std::fs::remove_dir_all(&folder);
    let source = fixture("csdl").join("trippin-v4.csdl.xml.gz");
    let (source, output) = (source.to_str().unwrap(), folder.to_str().unwrap());
    let told = run(&[
        "generate",
        source,
        "--tables",
        "Airline, Airport",
        "--operations",
        "",
        "-o",
        output,
    ])
    .unwrap();
    assert!(told.contains(": 2 tables, "), "{told}");
    assert!(told.contains(" columns, 5 files, "), "{told}");
    // An unset variable of a script is not "all tables".
    let told = run(&["generate", source, "--tables", "", "-o", output]).unwrap_err();
    assert!(
        told.to_string().contains("the name of a table is empty"),
        "{told}"
    );
}

#[test]
fn the_output_is_a_folder() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("a-file");
    std::fs::write(&file, "mine").unwrap();
    let source = fixture("csdl").join("trippin-v4.csdl.xml.gz");
    let arguments = ["generate", source.to_str().unwrap(), "-o"];
    let told = run(&[&arguments[..], &[file.to_str().unwrap()]].concat()).unwrap_err();
    assert!(matches!(told, Error::NotAFolder(_)), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_document_without_tables_is_a_mistake() {
    let error = generate(&model(&document("", "")), &Options::default()).unwrap_err();
    assert!(error.to_string().contains("no table"), "{error}");
}
