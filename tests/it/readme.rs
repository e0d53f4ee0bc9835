//! The README tells the truth.

use std::path::Path;

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn the_program_of_the_readme_is_the_example_that_is_run() {
    let example = text("examples/examples/first_program.rs");
    let between = |text: &str, start: &str, end: &str| {
        let text = text.split_once(start).unwrap().1;
        text.split_once(end).unwrap().0.trim().to_owned()
    };
    let program = between(&example, "// README: begin", "// README: end");
    // The lint is of no interest to a reader.
    let program: Vec<_> = program
        .lines()
        .filter(|line| !line.starts_with("#[allow("))
        .collect();
    let shown = between(&text("README.md"), "```rust\n", "```");
    assert_eq!(shown, program.join("\n"));
}

#[test]
fn the_build_server_runs_the_readme_s_test_command() {
    let command = "cargo test --workspace";
    assert!(text("README.md").contains(command));
    assert!(text(".ci/run").contains(command));
}
