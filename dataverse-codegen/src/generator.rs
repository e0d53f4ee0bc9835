//! The whole way, from files to files: for build scripts, tests, and the command line.

use std::path::{Path, PathBuf};

use crate::definitions::Definitions;
use crate::error::Error;
use crate::lock::NameLock;
use crate::model::Model;
use crate::select::{Layout, Options};
use crate::write::{self, Written};
use crate::{Generated, config, csdl, generate, model};

/// The name of the file that keeps names.
const LOCK: &str = "names.lock";

/// Generates from files, into files.
///
/// In a build script, with `include!(concat!(env!("OUT_DIR"), "/dv.rs"));` in the crate:
///
/// ```no_run
/// # fn main() -> Result<(), dataverse_codegen::Error> {
/// dataverse_codegen::Generator::new("metadata/$metadata.xml")
///     .tables(["account", "contact"])
///     .rerun_if_changed()
///     .write_to_out_dir("dv.rs")?;
/// # Ok(()) }
/// ```
///
/// In a test of code that is checked in:
///
/// ```no_run
/// # fn main() -> Result<(), dataverse_codegen::Error> {
/// dataverse_codegen::Generator::from_config("dataverse.toml")?.check()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Generator {
    pub(crate) source: Source,
    pub(crate) definitions: Vec<PathBuf>,
    pub(crate) lcid: Option<u32>,
    pub(crate) options: Options,
    pub(crate) output: Option<PathBuf>,
    pub(crate) lock: Option<PathBuf>,
    pub(crate) is_locked: bool,
    /// The configuration it was made from.
    pub(crate) config: Option<PathBuf>,
}

/// Where the `$metadata` document is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A file, plain or `.gz`, or a snapshot folder with `$metadata.xml` and `definitions.json`.
    Path(PathBuf),
    /// Bytes, with a name for errors.
    Bytes {
        /// `standard input`.
        name: String,
        /// The document.
        bytes: Vec<u8>,
    },
}

impl From<&str> for Source {
    fn from(path: &str) -> Self {
        Source::Path(path.into())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Source::Path(path)
    }
}

impl Generator {
    /// Generates from this document, all tables unless told otherwise.
    pub fn new(source: impl Into<Source>) -> Self {
        Generator {
            source: source.into(),
            definitions: Vec::new(),
            lcid: None,
            options: Options::default(),
            output: None,
            lock: None,
            is_locked: false,
            config: None,
        }
    }

    /// Generates what a `dataverse.toml` says; its paths are relative to it.
    ///
    /// Errors: the file, the line, and what is expected there.
    pub fn from_config(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut generator = config::read(path.as_ref())?;
        generator.config = Some(path.as_ref().to_owned());
        Ok(generator)
    }

    /// Adds JSON of `EntityDefinitions` or `RetrieveMetadataChanges`.
    #[must_use]
    pub fn definitions(mut self, path: impl Into<PathBuf>) -> Self {
        self.definitions.push(path.into());
        self
    }

    /// The language of labels: 1031 for German.
    #[must_use]
    pub fn lcid(mut self, lcid: u32) -> Self {
        self.lcid = Some(lcid);
        self
    }

    /// Logical names of tables, or patterns.
    #[must_use]
    pub fn tables<T: Into<String>>(mut self, tables: impl IntoIterator<Item = T>) -> Self {
        self.options.tables = tables.into_iter().map(Into::into).collect();
        self
    }

    /// Names of actions and functions, or patterns.
    #[must_use]
    pub fn operations<T: Into<String>>(mut self, operations: impl IntoIterator<Item = T>) -> Self {
        self.options.operations = Some(operations.into_iter().map(Into::into).collect());
        self
    }

    /// Everything else that can be chosen.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// The folder, or for [`Layout::SingleFile`] the file, to write.
    #[must_use]
    pub fn output(mut self, path: impl Into<PathBuf>) -> Self {
        self.output = Some(path.into());
        self
    }

    /// The file that keeps names; `names.lock` in the output folder if this is not called. A single
    /// file has none unless it is given.
    #[must_use]
    pub fn lock(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock = Some(path.into());
        self
    }

    /// Tells Cargo to run the build script again when an input changes.
    #[must_use]
    #[allow(clippy::print_stdout, reason = "how a build script talks to Cargo")]
    pub fn rerun_if_changed(self) -> Self {
        for path in self.inputs() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        self
    }

    /// The files that the output depends on; a snapshot is a folder.
    pub fn inputs(&self) -> Vec<&Path> {
        let source = match &self.source {
            Source::Path(path) => Some(path),
            Source::Bytes { .. } => None,
        };
        let paths = self.config.iter().chain(source).chain(&self.definitions);
        paths.chain(&self.lock).map(PathBuf::as_path).collect()
    }

    /// Generates, and writes nothing.
    ///
    /// Errors: an input that cannot be read or is not what it should be; what is asked for is not
    /// in it.
    pub fn generate(&self) -> Result<Generated, Error> {
        let (model, mut warnings) = self.model()?;
        let mut options = self.options.clone();
        if let Some(path) = self.lock_path() {
            match std::fs::read_to_string(&path) {
                Ok(text) => options.lock = NameLock::parse(&path.display().to_string(), &text)?,
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        }
        let before = options.lock.clone();
        let mut generated = generate(&model, &options).map_err(|error| match error {
            Error::Selection(mistakes) => {
                let name = self.name();
                let named = mistakes.into_iter();
                Error::Selection(named.map(|mistake| format!("{name}: {mistake}")).collect())
            }
            other => other,
        })?;
        if self.is_locked && generated.lock != before {
            return Err(Error::Lock(
                "names would change that the lock does not hold; generate without `--locked` and \
                 check names.lock in"
                    .to_owned(),
            ));
        }
        warnings.append(&mut generated.warnings);
        generated.warnings = warnings;
        Ok(generated)
    }

    /// The model of the inputs, and warnings.
    pub(crate) fn model(&self) -> Result<(Model, Vec<String>), Error> {
        let (name, bytes, mut definitions) = self.read()?;
        let not_csdl = |error| Error::NotCsdl {
            name: name.clone(),
            error,
        };
        let text = csdl::text(bytes).map_err(not_csdl)?;
        let mut model = model::build(&csdl::parse(&text).map_err(not_csdl)?);
        for path in &self.definitions {
            let bytes = std::fs::read(path).map_err(failed(path))?;
            definitions.merge(Definitions::parse(&path.display().to_string(), bytes)?);
        }
        let mut warnings = std::mem::take(&mut model.warnings);
        warnings.extend(model::enrich(&mut model, &definitions, self.lcid)?);
        Ok((model, warnings))
    }

    /// What the source is called in messages.
    fn name(&self) -> String {
        match &self.source {
            Source::Path(path) => path.display().to_string(),
            Source::Bytes { name, .. } => name.clone(),
        }
    }

    /// Generates and writes.
    ///
    /// Errors: those of [`generate`](Self::generate) and [`write()`](crate::write); no output was
    /// given.
    pub fn write(&self) -> Result<(Generated, Written), Error> {
        let generated = self.generate()?;
        let output = self.required_output()?;
        let written = match self.options.layout {
            Layout::SingleFile => {
                let mut written = Written::default();
                for file in &generated.files {
                    match write::write_file(output, &file.text)? {
                        true => written.changed += 1,
                        false => written.unchanged += 1,
                    }
                }
                written
            }
            _ => {
                let mut lock = Default::default();
                write::write_texts(output, &self.with_lock(&generated, output, &mut lock))?
            }
        };
        match self.lock_path() {
            Some(path) if !path.starts_with(output) => {
                write::write_file(&path, &generated.lock.to_string())?;
            }
            _ => {}
        }
        Ok((generated, written))
    }

    /// Whether the output is what would be written.
    ///
    /// Errors: [`Error::Differs`]; those of [`generate`](Self::generate).
    pub fn check(&self) -> Result<Generated, Error> {
        let generated = self.generate()?;
        let output = self.required_output()?;
        match self.options.layout {
            Layout::SingleFile => {
                let folder = output.parent().unwrap_or(Path::new(""));
                let name = output.file_name().unwrap_or_default().to_string_lossy();
                let files = generated.files.iter();
                let files = files.map(|file| (&*name, file.text.as_str()));
                write::check_without_list(folder, &files.collect::<Vec<_>>())?;
            }
            _ => {
                let mut lock = Default::default();
                write::check(output, &self.with_lock(&generated, output, &mut lock))?;
            }
        }
        Ok(generated)
    }

    /// Writes one file below Cargo's `OUT_DIR`, to be included.
    ///
    /// Errors: it is not called by a build script; those of [`write`](Self::write).
    pub fn write_to_out_dir(mut self, name: &str) -> Result<(), Error> {
        let folder = std::env::var_os("OUT_DIR").ok_or(Error::NoOutput(
            "OUT_DIR is not set: Cargo sets it for build scripts only",
        ))?;
        self.options.layout = Layout::SingleFile;
        self.output = Some(Path::new(&folder).join(name));
        self.write().map(drop)
    }

    fn required_output(&self) -> Result<&Path, Error> {
        self.output.as_deref().ok_or(Error::NoOutput(
            "where to? Give an output folder or file, with `-o` or `out` in dataverse.toml",
        ))
    }

    fn lock_path(&self) -> Option<PathBuf> {
        if self.lock.is_some() {
            return self.lock.clone();
        }
        match self.options.layout {
            Layout::SingleFile => None,
            _ => self.output.as_ref().map(|output| output.join(LOCK)),
        }
    }

    /// Names and texts of the files, with that of the names if it is among them; `name` and `text`
    /// are where that one is kept.
    fn with_lock<'f>(
        &self,
        generated: &'f Generated,
        output: &Path,
        [name, text]: &'f mut [String; 2],
    ) -> Vec<(&'f str, &'f str)> {
        let files = generated.files.iter();
        let mut files: Vec<_> = files.map(write::name_and_text).collect();
        let path = self.lock_path();
        if let Some(path) = path
            .as_ref()
            .and_then(|path| path.strip_prefix(output).ok())
        {
            *name = path.display().to_string();
            *text = generated.lock.to_string();
            files.push((name, text));
            files.sort_by_key(|(name, _)| *name);
        }
        files
    }

    /// Name and bytes of the document, and the definitions beside it.
    fn read(&self) -> Result<(String, Vec<u8>, Definitions), Error> {
        let mut definitions = Definitions::default();
        let path = match &self.source {
            Source::Bytes { name, bytes } => return Ok((name.clone(), bytes.clone(), definitions)),
            Source::Path(path) if path.is_dir() => {
                let beside = path.join("definitions.json");
                if beside.exists() {
                    let bytes = std::fs::read(&beside).map_err(failed(&beside))?;
                    definitions = Definitions::parse(&beside.display().to_string(), bytes)?;
                }
                path.join("$metadata.xml")
            }
            Source::Path(path) => path.clone(),
        };
        let bytes = std::fs::read(&path).map_err(failed(&path))?;
        Ok((path.display().to_string(), bytes, definitions))
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |error| Error::File { path, error }
}
