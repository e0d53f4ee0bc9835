//! The command line.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::definitions::Definitions;
use crate::emit::emit;
use crate::select::Selection;
use crate::{Error, Options, csdl, model, write};

/// Typed Rust for the tables of a Dataverse org.
#[derive(Debug, Parser)]
#[command(name = "dataverse-codegen", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write Rust for tables and operations of a $metadata document.
    Generate(Generate),
}

#[derive(Debug, Args)]
struct Generate {
    /// The $metadata document: a file, plain or .gz, or - for standard input.
    ///
    /// Fetch it from https://YOUR-ORG/api/data/v9.2/$metadata?annotations=true
    source: PathBuf,

    /// JSON of EntityDefinitions or RetrieveMetadataChanges, plain or .gz; may be repeated.
    ///
    /// It tells what CSDL does not: choices, labels, schema names, lengths.
    #[arg(long)]
    definitions: Vec<PathBuf>,

    /// Language code of labels: 1031 for German. English if left out or missing.
    #[arg(long)]
    lcid: Option<u32>,

    /// Logical names of tables, separated by commas; all tables if left out.
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,

    /// Names of actions and functions, separated by commas; `all` for all.
    ///
    /// WhoAmI, WinOpportunity and Merge if left out, as far as the document has them; '' for none.
    #[arg(long, value_delimiter = ',')]
    operations: Option<Vec<String>>,

    /// The folder for the files. Files there that were not generated are never touched.
    #[arg(short, long)]
    output: PathBuf,
}

impl Cli {
    /// Does what the arguments say; gives a line about what was done. `-` as source reads `input`.
    pub fn run(self, input: &mut dyn Read) -> Result<String, Error> {
        match self.command {
            Command::Generate(arguments) => arguments.run(input),
        }
    }
}

impl Generate {
    fn run(self, input: &mut dyn Read) -> Result<String, Error> {
        let document = read(&self.source, input)?;
        let name = display(&self.source);
        let not_csdl = |error| Error::NotCsdl {
            name: name.clone(),
            error,
        };
        let text = csdl::text(document).map_err(not_csdl)?;
        let mut model = model::build(&csdl::parse(&text).map_err(not_csdl)?);
        let mut definitions = Definitions::default();
        for path in &self.definitions {
            definitions.merge(Definitions::parse(&display(path), read(path, input)?)?);
        }
        let warnings = model::enrich(&mut model, &definitions, self.lcid)?;
        let options = Options {
            tables: self.tables,
            operations: self.operations,
            ..Options::default()
        };
        let selection = Selection::new(&model, &options).map_err(|error| match error {
            Error::Selection(mistakes) => Error::Selection(
                mistakes
                    .into_iter()
                    .map(|mistake| format!("{name}: {mistake}"))
                    .collect(),
            ),
            other => other,
        })?;
        let (files, _) = emit(&selection);
        let written = write(&self.output, &files)?;
        let columns: usize = selection.tables.iter().map(|t| t.columns.len()).sum();
        let lines: usize = files.iter().map(|file| file.text.lines().count()).sum();
        let warnings = warnings
            .into_iter()
            .map(|warning| format!("warning: {warning}\n"));
        Ok(format!(
            "{}{}: {}, {}, {}, {} ({} changed, {} unchanged, {} removed)",
            warnings.collect::<String>(),
            self.output.display(),
            count(selection.tables.len(), "table"),
            count(columns, "column"),
            count(files.len(), "file"),
            count(lines, "line"),
            written.changed,
            written.unchanged,
            written.removed,
        ))
    }
}

/// `1 table`, `7 tables`.
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn is_stdin(source: &Path) -> bool {
    source == Path::new("-")
}

fn display(source: &Path) -> String {
    if is_stdin(source) {
        "standard input".to_owned()
    } else {
        source.display().to_string()
    }
}

fn read(source: &Path, input: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut document = Vec::new();
    let read = if is_stdin(source) {
        input.read_to_end(&mut document).map(drop)
    } else {
        std::fs::read(source).map(|bytes| document = bytes)
    };
    read.map(|()| document).map_err(|error| Error::File {
        path: display(source).into(),
        error,
    })
}
