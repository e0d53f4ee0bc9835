//! `docs/operations.md` names every operation, and tests and examples that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of all Rust files of a folder, and of those in it.
fn sources(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_operation_is_in_the_table_and_its_tests_and_examples_exist() {
    let table = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').collect())
        .collect();
    let named: BTreeSet<&str> = rows.iter().flat_map(|row| quoted(row[0])).collect();

    let mut client = String::new();
    sources(&root().join("dataverse-client/src"), &mut client);
    let operations: BTreeSet<&str> = client
        .split("Operation for ")
        .skip(1)
        .filter_map(|rest| rest.split(['<', ' ', '{']).next())
        .filter(|name| name.starts_with(char::is_uppercase) && *name != "O")
        .collect();
    assert!(operations.len() > 50, "{operations:?}");
    let missing: Vec<_> = operations.difference(&named).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let unknown: Vec<_> = named.difference(&operations).collect();
    assert!(unknown.is_empty(), "no operations: {unknown:?}");

    let mut tests = String::new();
    sources(&root().join("tests/it"), &mut tests);
    for row in rows {
        let test = quoted(row[5]).next().unwrap();
        assert!(tests.contains(&format!("fn {test}()")), "no test {test}");
        for example in quoted(row[6]) {
            let file = root().join(format!("examples/examples/{example}.rs"));
            assert!(file.exists(), "no example {example}");
        }
    }
}
