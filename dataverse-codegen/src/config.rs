//! `dataverse.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::generator::Generator;
use crate::select::{ColumnPattern, Docs, Layout, Options};

/// What `init` writes.
#[cfg(feature = "cli")]
pub(crate) const TEMPLATE: &str = include_str!("dataverse.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    source: PathBuf,
    #[serde(default)]
    definitions: Vec<PathBuf>,
    out: Option<PathBuf>,
    #[serde(default)]
    single_file: bool,
    #[serde(rename = "crate")]
    crate_: Option<CrateConfig>,
    lock: Option<PathBuf>,
    lcid: Option<u32>,
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    exclude_tables: Vec<String>,
    #[serde(default)]
    depth: usize,
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    exclude_columns: Vec<String>,
    operations: Option<Vec<String>>,
    #[serde(default)]
    no_navigations: bool,
    #[serde(default)]
    no_choices: bool,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    short_docs: bool,
    sdk_path: Option<String>,
    #[serde(default)]
    version_header: bool,
    #[serde(default)]
    strip_prefixes: Vec<String>,
    #[serde(default)]
    table: BTreeMap<String, TableConfig>,
    #[serde(default)]
    choice: BTreeMap<String, ChoiceConfig>,
    #[serde(default)]
    operation: BTreeMap<String, OperationConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CrateConfig {
    name: String,
    client: Option<toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TableConfig {
    name: Option<String>,
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    exclude_columns: Vec<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceConfig {
    name: Option<String>,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationConfig {
    name: Option<String>,
    #[serde(default)]
    optional: Vec<String>,
}

/// Reads a file; its paths are relative to its folder.
pub(crate) fn read(path: &Path) -> Result<Generator, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::File {
        path: path.to_owned(),
        error,
    })?;
    let name = path.display();
    let config: Config =
        toml::from_str(&text).map_err(|error| Error::Config(format!("{name}: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    config
        .generator(folder)
        .map_err(|mistake| Error::Config(format!("{name}: {mistake}")))
}

/// `account:name,telephone1` as patterns.
pub(crate) fn column_patterns(text: &str) -> Result<Vec<ColumnPattern>, String> {
    let pattern = |table: &str, column: &str| ColumnPattern {
        table: table.trim().to_owned(),
        column: column.trim().to_owned(),
    };
    match text.split_once(':') {
        Some((table, columns)) if !table.trim().is_empty() && !columns.trim().is_empty() => {
            Ok(columns
                .split(',')
                .map(|column| pattern(table, column))
                .collect())
        }
        _ => Err(format!(
            "`{text}`: say which columns of which table: `account:name,telephone1`, `*:*_base`"
        )),
    }
}

/// Checks a name that a user has chosen.
fn rust_name(what: &str, name: &str) -> Result<String, String> {
    match crate::naming::identifier(name) == name {
        true => Ok(name.to_owned()),
        false => Err(format!("`{name}` for {what} is no Rust name")),
    }
}

impl Config {
    fn generator(self, folder: &Path) -> Result<Generator, String> {
        let mut options = Options {
            tables: self.tables,
            exclude_tables: self.exclude_tables,
            depth: self.depth,
            operations: self.operations,
            no_navigations: self.no_navigations,
            no_choices: self.no_choices,
            strict: self.strict,
            client_path: self.sdk_path,
            version_header: self.version_header,
            docs: if self.short_docs {
                Docs::Short
            } else {
                Docs::Full
            },
            ..Options::default()
        };
        options.names.strip_prefixes = self.strip_prefixes;
        options.layout = match (self.single_file, self.crate_) {
            (true, Some(_)) => return Err("`single-file` and `crate` exclude each other".into()),
            (true, None) => Layout::SingleFile,
            (false, Some(config)) => Layout::Crate {
                name: config.name,
                client: match config.client {
                    Some(client) => client.to_string(),
                    None => default_client(),
                },
            },
            (false, None) => Layout::Folder,
        };
        for text in &self.columns {
            options.columns.extend(column_patterns(text)?);
        }
        for text in &self.exclude_columns {
            options.exclude_columns.extend(column_patterns(text)?);
        }
        let renames = &mut options.names.renames;
        let mut rename = |what: String, name: &str| -> Result<(), String> {
            let name = rust_name(&format!("`{what}`"), name)?;
            renames.insert(what, name);
            Ok(())
        };
        for (table, config) in self.table {
            if let Some(name) = &config.name {
                rename(format!("table {table}"), name)?;
            }
            for (column, name) in &config.rename {
                rename(format!("column {table}.{column}"), name)?;
            }
            let patterns = |columns: Vec<String>| {
                let table = table.clone();
                columns.into_iter().map(move |column| ColumnPattern {
                    table: table.clone(),
                    column,
                })
            };
            options.columns.extend(patterns(config.columns));
            options
                .exclude_columns
                .extend(patterns(config.exclude_columns));
        }
        for (choice, config) in self.choice {
            if let Some(name) = &config.name {
                rename(format!("choice {choice}"), name)?;
            }
            for (value, name) in &config.options {
                if value.parse::<i32>().is_err() {
                    return Err(format!(
                        "choice `{choice}`: `{value}` is no value of an option; write `12 = \"Name\"`"
                    ));
                }
                rename(format!("option {choice}.{value}"), name)?;
            }
        }
        for (operation, config) in self.operation {
            if let Some(name) = &config.name {
                rename(format!("operation {operation}"), name)?;
            }
            let optional = config.optional.iter();
            let optional = optional.map(|parameter| format!("{operation}.{parameter}"));
            options.optional_parameters.extend(optional);
        }
        let below = |path: PathBuf| folder.join(path);
        let mut generator = Generator::new(below(self.source));
        generator.definitions = self.definitions.into_iter().map(below).collect();
        generator.lcid = self.lcid;
        generator.options = options;
        generator.output = self.out.map(below);
        generator.lock = self.lock.map(below);
        Ok(generator)
    }
}

/// The dependency on the client that a generated crate has.
pub(crate) fn default_client() -> String {
    format!("\"{}\"", env!("CARGO_PKG_VERSION"))
}
