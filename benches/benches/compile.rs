//! `cargo check` of every table of a real org: generated code against the same structs with serde
//! derives. `cargo bench -p dataverse-benches --bench compile`; Linux, as it reads `/proc`.
//!
//! Time is the user time of the one rustc process that checks the tables, memory its peak. What
//! they depend on is built before, without debug information and without incremental state.

// A bench that cannot go on says so by panicking.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use dataverse_codegen::model::{Column, ColumnType, Model, Table};
use dataverse_codegen::{Options, csdl, generate, model, write};

const ROUNDS: usize = 3;
const DOCUMENT: &str = "dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz";
/// Where this program, called as rustc, writes its figures.
const FIGURES: &str = "DATAVERSE_COMPILE_FIGURES";

fn main() -> ExitCode {
    match std::env::var_os(FIGURES) {
        Some(file) => rustc(Path::new(&file)),
        None => {
            // `cargo test --all-targets` calls benches as well.
            if std::env::args().any(|argument| argument == "--bench") {
                compare();
            }
            ExitCode::SUCCESS
        }
    }
}

/// Stands in for rustc: runs it, and notes what it took.
fn rustc(figures: &Path) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mut child = Command::new(arguments.next().unwrap())
        .args(arguments)
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    let code = loop {
        // The peak only grows, and is gone with the process: look often.
        if let Some(now) = field(&status, "VmHWM:") {
            peak = now;
        }
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    // The 16th value is the user time of children that have ended, in hundredths of a second; the
    // name, the second, may hold blanks.
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let values = stat.rsplit_once(") ").unwrap().1;
    let ticks = values.split(' ').nth(13).unwrap();
    fs::write(figures, format!("{ticks} {peak}")).unwrap();
    ExitCode::from(u8::try_from(code.code().unwrap_or(1)).unwrap_or(1))
}

/// A value in kB of a `/proc/…/status`.
fn field(status: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

struct Measured {
    seconds: f64,
    megabytes: f64,
}

fn compare() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read(repository.join("tests/fixtures/csdl").join(DOCUMENT)).unwrap();
    let text = csdl::text(document).unwrap();
    let model = model::build(&csdl::parse(&text).unwrap());
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile");
    // The serde structs have no constants of navigation properties: compared with the second, the
    // structs are the same.
    let packages = [
        "generated",
        "generated_without_navigations",
        "serde_derive_all",
        "serde_derive_lean",
    ];
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = {packages:?}\n\n\
         [profile.dev]\ndebug = 0\nincremental = false\n"
    );
    put(&workspace.join("Cargo.toml"), &manifest);
    // The versions that are tested here.
    fs::copy(repository.join("Cargo.lock"), workspace.join("Cargo.lock")).unwrap();

    let client = repository.join("dataverse-client");
    for (name, no_navigations) in [(packages[0], false), (packages[1], true)] {
        package(
            &workspace,
            name,
            &format!("dataverse-client = {{ path = {client:?} }}\n"),
            "pub mod crm;\n",
        );
        let options = Options {
            no_navigations,
            ..Options::default()
        };
        let generated = generate(&model, &options).unwrap();
        write(&workspace.join(name).join("src/crm"), &generated.files).unwrap();
    }
    for (name, derives) in [
        (
            packages[2],
            "Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize",
        ),
        (packages[3], "Default, serde::Serialize, serde::Deserialize"),
    ] {
        package(
            &workspace,
            name,
            SERDE_DEPENDENCIES,
            &serde_structs(&model, derives),
        );
    }

    let mut best: Vec<Option<Measured>> = packages.iter().map(|_| None).collect();
    for _ in 0..ROUNDS {
        for (package, best) in packages.iter().zip(&mut best) {
            let now = check(&workspace, package);
            *best = Some(match best.take() {
                Some(before) => Measured {
                    seconds: before.seconds.min(now.seconds),
                    megabytes: before.megabytes.min(now.megabytes),
                },
                None => now,
            });
        }
    }
    let tables = tables(&model).count();
    let columns: usize = tables_columns(&model);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{DOCUMENT}: {tables} tables, {columns} columns").unwrap();
    let best: Vec<_> = best.into_iter().flatten().collect();
    for (package, measured) in packages.iter().zip(&best) {
        writeln!(
            out,
            "  {package:18} {:6.2} s {:5.1}x  {:6.0} MB {:5.1}x",
            measured.seconds,
            measured.seconds / best[0].seconds,
            measured.megabytes,
            measured.megabytes / best[0].megabytes,
        )
        .unwrap();
    }
}

/// `cargo check` of one package, whose sources count as new.
fn check(workspace: &Path, package: &str) -> Measured {
    let figures = workspace.join("figures");
    let _ = fs::remove_file(&figures);
    let source = workspace.join(package).join("src/lib.rs");
    let text = fs::read(&source).unwrap();
    fs::write(&source, text).unwrap();
    let done = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--package", package])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("RUSTC_WORKSPACE_WRAPPER", std::env::current_exe().unwrap())
        .env(FIGURES, &figures)
        .status()
        .unwrap();
    assert!(done.success(), "cargo check of {package} failed");
    let text = fs::read_to_string(figures).unwrap();
    let (ticks, kilobytes) = text.split_once(' ').unwrap();
    Measured {
        seconds: ticks.parse::<f64>().unwrap() / 100.0,
        megabytes: kilobytes.parse::<f64>().unwrap() / 1000.0,
    }
}

const SERDE_DEPENDENCIES: &str = "serde = { version = \"1\", features = [\"derive\"] }\n\
    serde_json = \"1\"\n\
    chrono = { version = \"0.4\", default-features = false, features = [\"serde\", \"std\"] }\n\
    rust_decimal = { version = \"1\", default-features = false, features = [\"serde\", \"std\"] }\n\
    uuid = { version = \"1\", features = [\"serde\"] }\n";

fn package(workspace: &Path, name: &str, dependencies: &str, lib: &str) {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}"
    );
    put(&workspace.join(name).join("Cargo.toml"), &manifest);
    put(&workspace.join(name).join("src/lib.rs"), lib);
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn tables(model: &Model) -> impl Iterator<Item = &Table> {
    model.tables.values().filter(|t| t.entity_set.is_some())
}

fn tables_columns(model: &Model) -> usize {
    tables(model).map(|table| table.columns.len()).sum()
}

/// The tables as a program would have them by hand: the same fields, with the same types as far as
/// serde has them, and a line of documentation each. A module each, as generated ones are.
fn serde_structs(model: &Model, derives: &str) -> String {
    let mut out = String::new();
    for (index, table) in tables(model).enumerate() {
        let name = &table.logical_name;
        write!(
            out,
            "pub mod t{index} {{\n/// A row of `{name}`.\n#[derive({derives})]\npub struct Row {{\n"
        )
        .unwrap();
        for (index, column) in table.columns.iter().enumerate() {
            write!(
                out,
                "/// `{}`: a column of `{name}`.\n\
                 #[serde(rename = \"{}\", default, skip_serializing_if = \"Option::is_none\")]\n\
                 pub c{index}: Option<{}>,\n",
                column.logical_name,
                column.wire_name,
                serde_type(column),
            )
            .unwrap();
        }
        out.push_str("}\n}\n");
    }
    out
}

fn serde_type(column: &Column) -> &'static str {
    match &column.column_type {
        ColumnType::Boolean => "bool",
        ColumnType::Int | ColumnType::Choice(_) => "i32",
        ColumnType::BigInt => "i64",
        ColumnType::Double => "f64",
        ColumnType::Decimal | ColumnType::Money => "rust_decimal::Decimal",
        ColumnType::Guid | ColumnType::PrimaryId | ColumnType::Lookup(_) => "uuid::Uuid",
        ColumnType::DateTime | ColumnType::LocalDateTime => "chrono::DateTime<chrono::Utc>",
        ColumnType::Date => "chrono::NaiveDate",
        ColumnType::Structured(_) => "serde_json::Value",
        _ => "String",
    }
}
