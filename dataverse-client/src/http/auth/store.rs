//! Where a refresh token is kept between runs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::Secret;

/// A refresh token is a few kilobytes.
const MAX_LENGTH: u64 = 64 << 10;

/// Keeps the refresh token of one user of one application. Asked once an hour or less.
pub trait TokenStore: Send + Sync + 'static {
    /// The token; None if nobody is signed in.
    fn load(&self) -> io::Result<Option<Secret>>;

    /// Replaces the token. After an error, or a crash at any moment, the old or the new one is
    /// there.
    fn save(&self, token: &Secret) -> io::Result<()>;

    /// Forgets the token. Not an error if there is none.
    fn delete(&self) -> io::Result<()>;
}

/// Keeps a refresh token until the program ends.
#[derive(Default)]
pub struct MemoryStore(Mutex<Option<Secret>>);

impl MemoryStore {
    /// Nobody is signed in.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    fn set(&self, token: Option<Secret>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

impl TokenStore for MemoryStore {
    fn load(&self) -> io::Result<Option<Secret>> {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(token.clone())
    }

    fn save(&self, token: &Secret) -> io::Result<()> {
        self.set(Some(token.clone()));
        Ok(())
    }

    fn delete(&self) -> io::Result<()> {
        self.set(None);
        Ok(())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore(…)")
    }
}

/// Keeps a refresh token in a file that only its owner can read (mode 0600 on Unix; elsewhere the
/// folder must be the user's own).
///
/// ```
/// # fn f() {
/// use dataverse_client::auth::FileStore;
///
/// let store = FileStore::new("/home/ada/.local/state/contoso/token");
/// # }
/// ```
///
/// The file is written beside its place, flushed to the disk and renamed, so that a crash leaves the
/// old token or the new one. A file that others can read, or a link, is refused.
#[derive(Debug, Clone)]
pub struct FileStore(PathBuf);

impl FileStore {
    /// Keeps the token in the file at `path`. Its folder must be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        FileStore(path.into())
    }
}

impl TokenStore for FileStore {
    fn load(&self) -> io::Result<Option<Secret>> {
        self.read().map_err(|error| self.named(error))
    }

    fn save(&self, token: &Secret) -> io::Result<()> {
        self.replace(token).map_err(|error| self.named(error))
    }

    fn delete(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| self.named(error)),
        }
    }
}

impl FileStore {
    /// The error, and which file it is about.
    fn named(&self, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{}: {error}", self.0.display()))
    }

    fn read(&self) -> io::Result<Option<Secret>> {
        let known = match std::fs::symlink_metadata(&self.0) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !known.is_file() || known.len() > MAX_LENGTH {
            return Err(io::Error::other("it is no file of a token"));
        }
        if is_open_to_others(&known) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "others can read it; delete it, and sign in once more",
            ));
        }
        let text = zeroize::Zeroizing::new(std::fs::read_to_string(&self.0)?);
        let token = text.trim();
        Ok((!token.is_empty()).then(|| Secret::new(token)))
    }

    fn replace(&self, token: &Secret) -> io::Result<()> {
        let mut name = self.0.clone().into_os_string();
        name.push(format!(".{}.tmp", Uuid::new_v4()));
        let beside = PathBuf::from(name);
        let written = write(&beside, token).and_then(|()| std::fs::rename(&beside, &self.0));
        if written.is_err() {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&beside);
        }
        written?;
        sync_folder(&self.0)
    }
}

/// Writes a new file, for its owner alone from the beginning.
fn write(path: &Path, token: &Secret) -> io::Result<()> {
    use io::Write as _;

    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(token.expose().as_bytes())?;
    file.sync_all()
}

/// The new name is on the disk, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(unix)]
fn is_open_to_others(known: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    known.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}
