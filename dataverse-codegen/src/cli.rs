//! The command line.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::generator::{Generator, Source};
use crate::model::Model;
use crate::select::{Docs, Layout};
use crate::{Error, config, diff, list};

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
    Generate(Box<Generate>),
    /// Tell which tables a document has, and how large they are.
    List(List),
    /// Tell what changed between two documents.
    Diff(Diff),
    /// Write a dataverse.toml with comments into this folder.
    Init,
    /// Fetch the metadata of an org into a snapshot folder.
    ///
    /// The token comes from --token-file, --token-command, DATAVERSE_TOKEN, or from AZURE_TENANT_ID,
    /// AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_SECRET_FILE).
    #[cfg(feature = "fetch")]
    Fetch(Fetch),
}

#[cfg(feature = "fetch")]
#[derive(Debug, Args)]
struct Fetch {
    /// The org: https://contoso.crm4.dynamics.com
    #[arg(long)]
    url: String,

    /// The folder for $metadata.xml and definitions.json.
    #[arg(short, long, value_name = "DIR", default_value = "metadata")]
    output: PathBuf,

    /// Names or patterns of the tables whose definitions are fetched; all if left out.
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,

    /// Language code of labels: 1031 for German. English if left out.
    #[arg(long)]
    lcid: Option<u32>,

    /// Fetch $metadata alone: no choices, labels and lengths. The emulator gives no more.
    #[arg(long)]
    no_definitions: bool,

    /// A file that holds an access token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// A command that prints an access token.
    #[arg(long, value_name = "COMMAND", conflicts_with = "token_file")]
    token_command: Option<String>,
}

/// Where metadata comes from.
#[derive(Debug, Args)]
struct Input {
    /// JSON of EntityDefinitions or RetrieveMetadataChanges, plain or .gz; may be repeated.
    ///
    /// It tells what CSDL does not: choices, labels, schema names, lengths.
    #[arg(long, value_name = "FILE")]
    definitions: Vec<PathBuf>,

    /// Language code of labels: 1031 for German. English if left out or missing.
    #[arg(long)]
    lcid: Option<u32>,
}

#[derive(Debug, Args)]
struct Generate {
    /// The $metadata document: a file, plain or .gz, a snapshot folder, or - for standard input.
    ///
    /// Fetch it from https://YOUR-ORG/api/data/v9.2/$metadata?annotations=true
    #[arg(required_unless_present = "config")]
    source: Option<PathBuf>,

    /// Take everything from this dataverse.toml; what else is said here goes before it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    input: Input,

    /// Logical names of tables, or patterns (msdyn_*), separated by commas; all if left out.
    #[arg(long, value_delimiter = ',')]
    tables: Option<Vec<String>>,

    /// Tables that are left out, whatever else is said.
    #[arg(long, value_delimiter = ',')]
    exclude_tables: Vec<String>,

    /// How many steps along lookups tables are drawn in; with 0 they are stubs.
    #[arg(long)]
    depth: Option<usize>,

    /// Only these columns of a table: account:name,telephone1; may be repeated.
    #[arg(long, value_name = "TABLE:COLUMNS")]
    columns: Vec<String>,

    /// Columns that are left out: *:*_base; may be repeated.
    #[arg(long, value_name = "TABLE:COLUMNS")]
    exclude_columns: Vec<String>,

    /// Actions and functions, by name or pattern, separated by commas; `all`, or `bound` for those
    /// that are called on the tables.
    ///
    /// WhoAmI, WinOpportunity and Merge if left out, as far as the document has them; '' for none.
    #[arg(long, value_delimiter = ',')]
    operations: Option<Vec<String>>,

    /// Leave out the constants of navigation properties.
    #[arg(long)]
    no_navs: bool,

    /// Leave choices as numbers.
    #[arg(long)]
    no_choices: bool,

    /// Leave descriptions out of the comments.
    #[arg(long)]
    short_docs: bool,

    /// Where the generated code finds the client: crate::sdk; dataverse_client if left out.
    #[arg(long, value_name = "PATH")]
    sdk_path: Option<String>,

    /// What the first line of each file says besides its mark.
    #[arg(long, value_name = "WHAT")]
    header: Option<Header>,

    /// Publisher prefix that is left out of Rust names: new_; may be repeated.
    #[arg(long, value_name = "PREFIX")]
    strip_prefix: Vec<String>,

    /// A pattern that fits nothing is an error.
    #[arg(long)]
    strict: bool,

    /// The folder for the files. Files there that were not generated are never touched.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Write one file, to be included; - for standard output.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "crate_"])]
    single_file: Option<PathBuf>,

    /// Write a crate of this name, with a feature for each table, into the folder.
    #[arg(long = "crate", value_name = "NAME", id = "crate_")]
    crate_: Option<String>,

    /// The crate's dependency on dataverse-client, in TOML.
    #[arg(long, value_name = "TOML", requires = "crate_")]
    client: Option<String>,

    /// The file that keeps names once they are chosen; names.lock in the folder if left out.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Names must not change: an error if names.lock would.
    #[arg(long)]
    locked: bool,

    /// Write nothing; exit with 3 if something would change.
    #[arg(long)]
    check: bool,

    /// Say nothing but errors.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Header {
    /// Nothing: a new version of the generator alone changes no file.
    None,
    /// The version of the generator.
    Version,
}

#[derive(Debug, Args)]
struct List {
    /// The $metadata document, as for generate.
    source: PathBuf,

    #[command(flatten)]
    input: Input,

    /// Names or patterns of tables, separated by commas.
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Diff {
    /// The document before.
    old: PathBuf,

    /// The document after.
    new: PathBuf,

    /// Only what breaks code; exit with 3 if there is any.
    #[arg(long)]
    breaking: bool,
}

impl Cli {
    /// Does what the arguments say. `-` as source reads `input`; what was asked for goes to
    /// `output`; what was done comes back as text, which may be empty.
    ///
    /// Errors: with [`Error::exit_code`] for the program.
    pub fn run(self, input: &mut dyn Read, output: &mut dyn Write) -> Result<String, Error> {
        match self.command {
            Command::Generate(arguments) => arguments.run(input, output),
            Command::List(arguments) => {
                let mut generator = Generator::new(source(arguments.source, input)?);
                arguments.input.apply(&mut generator);
                let (model, warnings) = generator.model()?;
                print(
                    output,
                    &list::list(&model, &arguments.tables, arguments.json),
                )?;
                Ok(as_lines(&warnings))
            }
            Command::Diff(arguments) => arguments.run(input, output),
            Command::Init => init(Path::new("dataverse.toml")),
            #[cfg(feature = "fetch")]
            Command::Fetch(arguments) => arguments.run(),
        }
    }
}

impl Input {
    fn apply(self, generator: &mut Generator) {
        generator.definitions.extend(self.definitions);
        if self.lcid.is_some() {
            generator.lcid = self.lcid;
        }
    }
}

impl Generate {
    fn run(self, input: &mut dyn Read, output: &mut dyn Write) -> Result<String, Error> {
        let (is_check, is_quiet) = (self.check, self.quiet);
        let to_stdout = self.single_file.as_deref().is_some_and(is_standard);
        let generator = self.generator(input)?;
        if to_stdout {
            let generated = generator.generate()?;
            for file in &generated.files {
                print(output, &file.text)?;
            }
            return Ok(as_lines(&generated.warnings));
        }
        let place = generator.output.clone().unwrap_or_default();
        if is_check {
            let generated = generator.check()?;
            let warnings = as_lines(&generated.warnings);
            return Ok(format!("{warnings}{}: as generated", place.display()));
        }
        let (generated, written) = generator.write()?;
        if is_quiet {
            return Ok(as_lines(&generated.warnings));
        }
        // Every line ends with one.
        let ends = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
        let lines = generated.files.iter().map(|file| ends(&file.text));
        Ok(format!(
            "{}{}: {}, {}, {}, {} ({} changed, {} unchanged, {} removed)",
            as_lines(&generated.warnings),
            place.display(),
            count(generated.tables, "table"),
            count(generated.columns, "column"),
            count(written.changed + written.unchanged, "file"),
            count(lines.sum(), "line"),
            written.changed,
            written.unchanged,
            written.removed,
        ))
    }

    fn generator(self, input: &mut dyn Read) -> Result<Generator, Error> {
        let mut generator = match (&self.config, self.source) {
            (Some(path), None) => Generator::from_config(path)?,
            (Some(path), Some(from)) => {
                let mut generator = Generator::from_config(path)?;
                generator.source = source(from, input)?;
                generator
            }
            (None, from) => Generator::new(source(from.unwrap_or_default(), input)?),
        };
        self.input.apply(&mut generator);
        let options = &mut generator.options;
        if let Some(tables) = self.tables {
            options.tables = tables;
        }
        options.exclude_tables.extend(self.exclude_tables);
        options.depth = self.depth.unwrap_or(options.depth);
        if self.operations.is_some() {
            options.operations = self.operations;
        }
        for (texts, patterns) in [
            (&self.columns, &mut options.columns),
            (&self.exclude_columns, &mut options.exclude_columns),
        ] {
            for text in texts {
                let found = config::column_patterns(text);
                patterns.extend(found.map_err(|mistake| Error::Selection(vec![mistake]))?);
            }
        }
        options.no_navigations |= self.no_navs;
        options.no_choices |= self.no_choices;
        options.strict |= self.strict;
        if self.short_docs {
            options.docs = Docs::Short;
        }
        if self.sdk_path.is_some() {
            options.client_path = self.sdk_path;
        }
        if let Some(header) = self.header {
            options.version_header = header == Header::Version;
        }
        options.names.strip_prefixes.extend(self.strip_prefix);
        if let Some(name) = self.crate_ {
            options.layout = Layout::Crate {
                name,
                client: self.client.unwrap_or_else(config::default_client),
            };
        }
        if let Some(path) = self.single_file {
            options.layout = Layout::SingleFile;
            generator.output = Some(path);
        } else if self.output.is_some() {
            generator.output = self.output;
        }
        if self.lock.is_some() {
            generator.lock = self.lock;
        }
        generator.is_locked = self.locked;
        Ok(generator)
    }
}

impl Diff {
    fn run(self, input: &mut dyn Read, output: &mut dyn Write) -> Result<String, Error> {
        let mut model = |path: PathBuf| -> Result<Model, Error> {
            Ok(Generator::new(source(path, input)?).model()?.0)
        };
        let (old, new) = (model(self.old)?, model(self.new)?);
        let mut differences = diff::diff(&old, &new);
        let breaking = differences
            .iter()
            .filter(|difference| difference.is_breaking)
            .count();
        if self.breaking {
            differences.retain(|difference| difference.is_breaking);
        }
        let mut text = String::new();
        for difference in &differences {
            let mark = if difference.is_breaking { "!" } else { " " };
            text.push_str(&format!("{mark} {}\n", difference.text));
        }
        print(output, &text)?;
        if self.breaking && breaking > 0 {
            return Err(Error::Breaking(breaking));
        }
        Ok(format!(
            "{}, {breaking} breaking",
            count(differences.len(), "difference")
        ))
    }
}

#[cfg(feature = "fetch")]
impl Fetch {
    fn run(self) -> Result<String, Error> {
        use crate::fetch::{FetchOptions, Snapshot, from_environment};
        use dataverse_client::Client;
        use dataverse_client::http::RetryPolicy;

        let (file, command) = (self.token_file.as_deref(), self.token_command.as_deref());
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let credential = from_environment(file, command, variable)?;
        let client = Client::builder(&self.url).map_err(Error::Fetch)?;
        // Whoever waits at a terminal wants to know soon that the address is wrong.
        let mut retry = RetryPolicy::default();
        retry.max_attempts = 5;
        let client = client.credential(credential).retry(retry);
        let client = client.build().map_err(Error::Fetch)?;
        let options = FetchOptions {
            tables: self.tables,
            lcid: self.lcid,
            no_definitions: self.no_definitions,
        };
        // Draws nothing unless standard error is a terminal.
        let bar = indicatif::ProgressBar::new(1);
        let progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        };
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }
            .enable_all()
            .build()
            .map_err(|error| Error::File {
                path: self.url.clone().into(),
                error,
            })?;
        let snapshot = runtime.block_on(Snapshot::fetch(&client, &options, progress));
        bar.finish_and_clear();
        let snapshot = snapshot?;
        let changed = snapshot.write(&self.output)?;
        Ok(format!(
            "{}: $metadata.xml of {} bytes, definitions.json of {} bytes ({changed} changed)",
            self.output.display(),
            snapshot.metadata.len(),
            snapshot.definitions.map_or(0, |text| text.len()),
        ))
    }
}

fn init(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::File {
        path: path.to_owned(),
        error,
    };
    // Never over a file that is there.
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(config::TEMPLATE.as_bytes())
        .map_err(failed)?;
    Ok(format!(
        "{}: written; say in it where the metadata is, then: dataverse-codegen generate --config {}",
        path.display(),
        path.display()
    ))
}

/// A line for each warning.
fn as_lines(warnings: &[String]) -> String {
    warnings
        .iter()
        .map(|warning| format!("warning: {warning}\n"))
        .collect()
}

/// `1 table`, `7 tables`.
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn print(output: &mut dyn Write, text: &str) -> Result<(), Error> {
    output
        .write_all(text.as_bytes())
        .map_err(|error| Error::File {
            path: "standard output".into(),
            error,
        })
}

fn source(path: PathBuf, input: &mut dyn Read) -> Result<Source, Error> {
    if !is_standard(&path) {
        return Ok(Source::Path(path));
    }
    let name = "standard input".to_owned();
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|error| Error::File {
        path: name.clone().into(),
        error,
    })?;
    Ok(Source::Bytes { name, bytes })
}
