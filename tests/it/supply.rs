//! What is built: where it comes from, and by which licences. The rules are those of `deny.toml`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> toml::Table {
    let text = std::fs::read_to_string(root().join(name)).unwrap();
    text.parse().unwrap()
}

/// The texts of a list.
fn texts(list: &toml::Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn every_package_is_from_the_registry_and_has_a_checksum() {
    let lock = read("Cargo.lock");
    let members = texts(&read("Cargo.toml")["workspace"]["members"]).len();
    let (mut own, mut sources) = (0, BTreeSet::new());
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let Some(source) = package.get("source") else {
            own += 1;
            continue;
        };
        sources.insert(source.as_str().unwrap());
        let checksum = package.get("checksum").and_then(toml::Value::as_str);
        assert_eq!(checksum.map(str::len), Some(64), "{name}");
    }
    assert_eq!(
        own, members,
        "a package that is neither here nor in a registry"
    );
    let sources: Vec<_> = sources.into_iter().collect();
    let [source] = &sources[..] else {
        panic!("{sources:?}")
    };
    assert!(source.starts_with("registry+https://") && source.ends_with("/crates.io-index"));
}

/// What is used by the workspace, with all features, a line for each: name, version, and the licence
/// after a bar. None if packages of other systems, which are asked for first, are not there.
fn tree(more: &[&str]) -> Option<String> {
    let ask = |target: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--locked",
                "--offline",
                "--workspace",
                "--all-features",
            ])
            .args(["--prefix", "none", "--format", "{p}|{l}", "--manifest-path"])
            .arg(root().join("Cargo.toml"))
            .args(more)
            .args(target)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then_some(text)
    };
    // Those of other systems are there only after `cargo fetch`.
    ask(&["--target", "all"]).or_else(|| ask(&[]))
}

/// Name and licence of each.
fn packages(tree: &str) -> BTreeSet<(&str, &str)> {
    let lines = tree.lines().filter_map(|line| {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        Some((package.split(' ').next()?, licence))
    });
    lines.collect()
}

/// Whether an expression of licences can be met by those that are allowed.
fn is_met(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    // An old way to write it.
    let text = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    let met = any(&mut words, is_allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = all(words, is_allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, is_allowed);
    }
    met
}

fn all(words: &mut Words<'_>, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, is_allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, is_allowed);
    }
    met
}

fn one(words: &mut Words<'_>, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(word) = words.next() else {
        return false;
    };
    if word == "(" {
        let met = any(words, is_allowed);
        return words.next() == Some(")") && met;
    }
    match words.next_if_eq(&"WITH").and_then(|_| words.next()) {
        Some(exception) => is_allowed(&format!("{word} WITH {exception}")),
        None => is_allowed(word),
    }
}

#[test]
fn every_licence_can_be_shipped_and_nothing_banned_is_used() {
    let rules = read("deny.toml");
    let allowed = texts(&rules["licenses"]["allow"]);
    let exceptions = rules["licenses"]["exceptions"].as_array().unwrap();
    let tree_of_all = tree(&[]).unwrap();
    let used = packages(&tree_of_all);
    assert!(used.len() > 200, "{}", used.len());
    for (name, licence) in &used {
        let mut allowed = allowed.clone();
        for exception in exceptions {
            if exception["crate"].as_str() == Some(name) {
                allowed.extend(texts(&exception["allow"]));
            }
        }
        let is_met = is_met(licence, &|one| allowed.contains(&one));
        assert!(
            is_met,
            "{name} has the licence `{licence}`, which deny.toml does not allow"
        );
    }
    for ban in rules["bans"]["deny"].as_array().unwrap() {
        let name = ban["crate"].as_str().unwrap();
        if !used.iter().any(|(used, _)| *used == name) {
            continue;
        }
        let wrappers = ban.get("wrappers").map(texts).unwrap_or_default();
        let users = tree(&["--invert", name, "--depth", "1"]).unwrap();
        for (user, _) in packages(&users) {
            assert!(
                user == name || wrappers.contains(&user),
                "{user} uses {name}"
            );
        }
    }
}

#[test]
fn expressions_of_licences_are_read() {
    let is_met = |text| is_met(text, &|one| ["MIT", "ISC", "A WITH x"].contains(&one));
    for text in [
        "MIT",
        "MIT OR GPL",
        "GPL/MIT",
        "(GPL OR MIT) AND ISC",
        "A WITH x",
        "GPL OR A WITH x",
    ] {
        assert!(is_met(text), "{text}");
    }
    for text in [
        "",
        "GPL",
        "MIT AND GPL",
        "MIT AND (ISC",
        "A",
        "MIT MIT",
        "GPL OR MIT AND GPL",
        "(GPL OR MIT) AND GPL",
    ] {
        assert!(!is_met(text), "{text}");
    }
}

#[test]
fn no_crate_of_this_workspace_runs_code_while_it_is_built() {
    let workspace = read("Cargo.toml");
    for member in texts(&workspace["workspace"]["members"]) {
        assert!(!root().join(member).join("build.rs").exists(), "{member}");
        let manifest = read(&format!("{member}/Cargo.toml"));
        assert!(manifest["package"].get("build").is_none(), "{member}");
        // Macros are the one exception, and the one crate that has them says so.
        let is_macro = manifest
            .get("lib")
            .is_some_and(|lib| lib.get("proc-macro").is_some());
        assert_eq!(is_macro, member == "dataverse-derive", "{member}");
    }
    // Every version that may come is bounded.
    for (name, dependency) in workspace["workspace"]["dependencies"].as_table().unwrap() {
        let version = dependency.get("version").unwrap_or(dependency).as_str();
        let is_path = dependency.get("path").is_some();
        assert!(
            is_path || version.is_some_and(|version| !version.contains('*')),
            "{name}"
        );
    }
}
