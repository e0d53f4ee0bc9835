//! The emulator as it was: copies of all rows and changed definitions.

use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::Emulator;
use crate::emulator::BuildError;
use crate::service::Service;
use crate::store::Store;

/// A copy of all rows and changed definitions.
pub(crate) struct Snapshot(Connection);

/// Pages that are copied in one go.
const PAGES: i32 = 10_000;

/// Why rows cannot be kept or brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Nothing was kept under this name.
    #[error("there is no snapshot `{0}`: take it before with `Emulator::snapshot`")]
    Unknown(String),
    /// The store failed.
    #[error("the store: {0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// The definitions or first rows cannot be made again.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn store_error(error: rusqlite::Error) -> SnapshotError {
    SnapshotError::Store(Box::new(error))
}

fn copy(from: &Connection, to: &mut Connection) -> Result<(), SnapshotError> {
    let copying = Backup::new(from, to).map_err(store_error)?;
    copying
        .run_to_completion(PAGES, Duration::ZERO, None)
        .map_err(store_error)
}

impl Emulator {
    /// Keeps all rows and changed definitions under a name, in memory.
    ///
    /// Errors: the store cannot be read.
    ///
    /// ```
    /// # fn f(emulator: &dataverse_emulator::Emulator) -> Result<(), dataverse_emulator::SnapshotError> {
    /// emulator.snapshot("before")?;
    /// // … a test that writes …
    /// emulator.restore("before")?;
    /// # Ok(()) }
    /// ```
    pub fn snapshot(&self, name: &str) -> Result<(), SnapshotError> {
        let mut kept = Connection::open_in_memory().map_err(store_error)?;
        copy(&self.service().store.connection, &mut kept)?;
        let mut snapshots = self
            .snapshots()
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        snapshots.insert(name.to_owned(), Snapshot(kept));
        Ok(())
    }

    /// Brings rows and definitions back as they were when they were kept under this name.
    ///
    /// Errors: no such name; the store cannot be written.
    pub fn restore(&self, name: &str) -> Result<(), SnapshotError> {
        let snapshots = self
            .snapshots()
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let kept = snapshots
            .get(name)
            .ok_or_else(|| SnapshotError::Unknown(name.to_owned()))?;
        self.service().replace(&kept.0)
    }

    /// Removes all rows and changes of definitions, and makes those rows again that there were from
    /// the start. Snapshots stay.
    ///
    /// Errors: the store cannot be written.
    pub fn reset(&self) -> Result<(), SnapshotError> {
        let empty = Store::open(None).map_err(store_error)?;
        let mut service = self.service();
        service.replace(&empty.connection)?;
        service.store.is_new = true;
        drop(service);
        self.begin()?;
        Ok(())
    }
}

impl Service {
    /// Takes all rows and definitions of another store.
    fn replace(&mut self, from: &Connection) -> Result<(), SnapshotError> {
        copy(from, &mut self.store.connection)?;
        self.background.clear();
        self.store.forget().map_err(store_error)?;
        self.read_definitions()?;
        Ok(())
    }
}
