//! A missing row as None.

use uuid::Uuid;

use super::{AfterDoubt, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::{Request, Response};

/// An operation whose missing row is None and no error.
#[derive(Debug, Clone)]
pub struct Optional<O>(pub O);

impl<O: Operation> Operation for Optional<O> {
    type Output = Option<O::Output>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.0.request_in(scope)
    }

    fn decode(&self, response: &Response) -> Result<Option<O::Output>> {
        match self.0.decode(response) {
            Ok(output) => Ok(Some(output)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replay(&self) -> Replay {
        self.0.replay()
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.0.row_ids()
    }

    fn only_reads(&self) -> bool {
        self.0.only_reads()
    }

    fn note_doubt(&self, output: &mut Self::Output) {
        if let Some(output) = output {
            self.0.note_doubt(output);
        }
    }

    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<Self::Output> {
        match self.0.after_doubt(refusal) {
            AfterDoubt::Stands => AfterDoubt::Stands,
            AfterDoubt::Unknown => AfterDoubt::Unknown,
            AfterDoubt::Done(output) => AfterDoubt::Done(Some(output)),
            AfterDoubt::Ask(request, reading) => AfterDoubt::Ask(request, reading.map(Some)),
        }
    }
}
