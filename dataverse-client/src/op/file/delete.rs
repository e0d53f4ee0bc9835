//! Deleting a file.

use http::Method;
use uuid::Uuid;

use super::FileColumn;
use crate::error::{Error, Result};
use crate::odata::{Request, Response};
use crate::op::{AfterDoubt, Operation, Replay, Scope};

/// Deletes a file; the row stays.
///
/// Shape: `DELETE accounts(<id>)/new_contract`, or `POST DeleteFile` with the file's id.
/// Errors: `is_not_found` if there is no such row.
/// Source: Microsoft Learn, "Use file column data", section "Delete files"; "Use image column
/// data".
#[derive(Debug, Clone)]
pub struct DeleteFile(What);

#[derive(Debug, Clone)]
enum What {
    Column(FileColumn),
    File(Uuid),
}

impl DeleteFile {
    /// The file or image that a column holds.
    pub fn new(column: FileColumn) -> Self {
        DeleteFile(What::Column(column))
    }

    /// The file with this id, which the row has as the value of the file column.
    pub fn by_id(file: Uuid) -> Self {
        DeleteFile(What::File(file))
    }
}

impl Operation for DeleteFile {
    type Output = ();

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        Ok(match &self.0 {
            What::Column(column) => Request::new(Method::DELETE, column.path()?),
            What::File(id) => {
                Request::new(Method::POST, "DeleteFile").json(format!("{{\"FileId\":\"{id}\"}}"))
            }
        })
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Confirm
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<()> {
        AfterDoubt::of_delete(refusal)
    }
}
