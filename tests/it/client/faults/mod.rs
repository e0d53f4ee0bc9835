//! The catalogue of faults and attacks in `docs/reliability.md`: what may go wrong, and the tests that
//! show what happens then. A test here fails when a row is missing, or names a test that is not there.

mod answers;
mod attacks;
mod attribution;
mod doubt;
mod once;
mod parts;
mod plans;
mod proxy;
mod sockets;
mod tokens;

use std::path::Path;

/// The rows of both tables: number, what the client does, tests or the reason for none.
fn rows(text: &str) -> Vec<(String, String, String)> {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.split(" | ").collect();
        let [row, _, does, tests] = cells[..] else {
            return None;
        };
        let is_row = row.trim_start_matches('X').parse::<u32>().is_ok();
        let tests = tests.trim_end_matches('|').trim();
        is_row.then(|| (row.to_owned(), does.to_owned(), tests.to_owned()))
    });
    rows.collect()
}

/// Whether the text has a test of this name.
fn has_test(text: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let mut attribute = "";
    for line in text.lines().map(str::trim) {
        if line.contains(&function) {
            return attribute == "#[test]" || attribute.starts_with("#[tokio::test");
        }
        if !line.is_empty() && !line.starts_with("//") {
            attribute = line;
        }
    }
    false
}

#[test]
fn every_fault_and_every_attack_has_a_test_or_a_reason() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(base.join("../docs/reliability.md")).unwrap();
    let table = rows(&text);
    let numbers: Vec<_> = table.iter().map(|(row, ..)| row.clone()).collect();
    let faults = (1..=56).map(|row| row.to_string());
    let attacks = (1..=26).map(|row| format!("X{row}"));
    assert_eq!(numbers, faults.chain(attacks).collect::<Vec<_>>());
    for (row, does, tests) in table {
        if let Some(reason) = tests.strip_prefix("exception: ") {
            assert!(reason.len() > 20, "row {row} gives no reason");
            continue;
        }
        assert!(
            does.len() > 5,
            "row {row} does not say what the client does"
        );
        let named: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "row {row} names no test");
        for test in named {
            let (file, name) = test.split_once(": ").unwrap();
            let text = ["it", "../dataverse-client/src"]
                .iter()
                .find_map(|place| std::fs::read_to_string(base.join(place).join(file)).ok())
                .unwrap_or_else(|| panic!("row {row}: no file {file}"));
            assert!(
                has_test(&text, name),
                "row {row}: {file} has no test {name}"
            );
        }
    }
}
