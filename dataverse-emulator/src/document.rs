//! A `$metadata` document that was read, for any number of emulators.

use std::sync::Arc;

use dataverse_codegen::{csdl, model};

use crate::catalog::Catalog;
use crate::definitions::version_of;
use crate::emulator::BuildError;

/// A `$metadata` document that was read: text, gzip or UTF-16. Clones share it.
///
/// A large document takes a while to read; tests that each have an emulator of their own read it
/// once.
///
/// ```
/// # fn f(bytes: Vec<u8>) -> Result<(), dataverse_emulator::BuildError> {
/// use dataverse_emulator::{Document, Emulator};
///
/// let document = Document::read(bytes)?;
/// let one = Emulator::builder().document(document.clone()).build()?;
/// let other = Emulator::builder().document(document).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Document {
    inner: Arc<Inner>,
}

struct Inner {
    text: String,
    version: u64,
    catalog: Catalog,
}

impl Document {
    /// Reads a document.
    ///
    /// Errors: [`BuildError::Metadata`] if it is not CSDL.
    pub fn read(bytes: impl Into<Vec<u8>>) -> Result<Self, BuildError> {
        let text = csdl::text(bytes.into())?;
        let catalog = Catalog::new(&model::build(&csdl::parse(&text)?));
        Ok(Document {
            inner: Arc::new(Inner {
                version: version_of(&text),
                text,
                catalog,
            }),
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.inner.text
    }

    /// A number that is another one for another document.
    pub(crate) fn version(&self) -> u64 {
        self.inner.version
    }

    /// Its tables, for an emulator to have settings of its own in.
    pub(crate) fn catalog(&self) -> Catalog {
        self.inner.catalog.clone()
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("tables", &self.inner.catalog.tables().len())
            .finish_non_exhaustive()
    }
}
