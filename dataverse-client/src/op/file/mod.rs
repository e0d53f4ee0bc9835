//! Files: in file and image columns, in notes, attached to activities.
//!
//! [`Client::upload`](crate::Client::upload) and [`Client::download`](crate::Client::download) are
//! made of these.

mod blocks;
mod chunks;
mod delete;
mod download;
mod target;
mod upload;

pub use blocks::{
    BlockDownload, BlockId, BlockToken, CommitBlocksUpload, DownloadBlock,
    InitializeBlocksDownload, InitializeBlocksUpload, MAX_BLOCK, StoredFile, UploadBlock,
};
pub use chunks::{ChunkOutcome, StartUpload, UploadChunk, UploadSession};
pub use delete::DeleteFile;
pub use download::{DownloadBody, DownloadFile, FileContent, FileInfo};
pub use target::{FileColumn, FileTarget, NoteFile};
pub use upload::UploadFile;
