//! Files on disk.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::emit::{File, HEADER};
use crate::error::Error;

/// What became of the files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Files whose text is new.
    pub changed: usize,
    /// Files that were as they are: left alone, so that nothing is built again.
    pub unchanged: usize,
    /// Generated files of an earlier run that are no longer wanted.
    pub removed: usize,
}

/// Writes `files` into `folder`, which is made if it is missing.
///
/// Files there that begin with the generator's header and are not among `files` are removed; no
/// other file is touched.
///
/// Errors: `folder` is a file; a file that was not generated is in the way (nothing is written);
/// the disk.
pub fn write(folder: &Path, files: &[File]) -> Result<Written, Error> {
    if folder.exists() && !folder.is_dir() {
        return Err(Error::NotAFolder(folder.to_owned()));
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::File { path, error }
    };
    let mut stale = Vec::new();
    let wanted: HashSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    if folder.is_dir() {
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            let is_generated =
                is_rust && fs::read(&path).is_ok_and(|text| text.starts_with(HEADER.as_bytes()));
            match (wanted.contains(name), is_generated) {
                (true, false) => return Err(Error::Foreign(path)),
                (false, true) => stale.push(path),
                _ => {}
            }
        }
    }
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut written = Written::default();
    for file in files {
        let path = folder.join(&file.name);
        if fs::read(&path).is_ok_and(|text| text == file.text.as_bytes()) {
            written.unchanged += 1;
            continue;
        }
        fs::write(&path, &file.text).map_err(failed(&path))?;
        written.changed += 1;
    }
    for path in stale {
        fs::remove_file(&path).map_err(failed(&path))?;
        written.removed += 1;
    }
    Ok(written)
}
