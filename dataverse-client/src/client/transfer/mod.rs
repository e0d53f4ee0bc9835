//! Files of any size, a chunk in memory at a time.

mod download;
mod source;
mod upload;

pub use download::{Download, DownloadState};
pub use upload::{Upload, UploadState};

use super::{Call, Client};
use crate::op::{DeleteFile, FileColumn, FileTarget};

impl Client {
    /// Puts a file into a file or image column, a note or an attachment; see [`Upload`].
    ///
    /// ```
    /// # use dataverse_client::{Client, FileColumn};
    /// # async fn f(client: &Client, contract: FileColumn, pdf: &[u8]) -> dataverse_client::Result<()> {
    /// let length = pdf.len() as u64;
    /// client.upload(contract, "contract.pdf").send(pdf, Some(length)).await?;
    /// # Ok(()) }
    /// ```
    pub fn upload(&self, to: impl Into<FileTarget>, file_name: impl Into<String>) -> Upload {
        Upload::new(self, to.into(), file_name.into())
    }

    /// Reads the file in a file or image column, a note or an attachment; see [`Download`].
    ///
    /// ```
    /// # use dataverse_client::{Client, FileColumn};
    /// # async fn f(client: &Client, contract: FileColumn) -> dataverse_client::Result<()> {
    /// let mut pdf = Vec::new();
    /// if let Some(info) = client.download(contract).write_to(&mut pdf).await? {
    ///     println!("{:?}: {} bytes", info.file_name, pdf.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn download(&self, from: impl Into<FileTarget>) -> Download {
        Download::new(self, from.into())
    }

    /// Deletes the file or image in a column; see [`DeleteFile`].
    pub fn delete_file(&self, column: FileColumn) -> Call<DeleteFile> {
        self.call(DeleteFile::new(column))
    }
}
