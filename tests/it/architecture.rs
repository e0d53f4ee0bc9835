//! The floors of the client: each uses only those below it.

use std::path::{Path, PathBuf};

/// The floors, lowest first; those on one line do not know each other.
const FLOORS: &[&[&str]] = &[
    &["value", "error"],
    &["schema", "definition"],
    &["odata"],
    &["op", "http"],
    &["client"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The files of a folder, and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn no_floor_of_the_client_imports_upwards() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dataverse-client/src");
    let mut checked = 0;
    for folder in FLOORS.iter().flat_map(|floor| *floor) {
        for path in files(&source.join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for piece in code.split("crate::").skip(1) {
                let module = piece.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                let Some(used) = floor(module) else { continue };
                checked += 1;
                let own = floor(folder).unwrap();
                assert!(
                    module == *folder || used < own || (own, used) == (0, 0),
                    "{}: floor `{folder}` must not know `{module}`",
                    path.display()
                );
            }
        }
    }
    assert!(checked > 50, "the search finds too little: {checked}");
}
