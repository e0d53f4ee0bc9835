//! Floor 3: operations. Each is a value that becomes a request, and reads the answer. No IO, no
//! clock, no async.

mod answer;
mod batch;
mod create;
mod delete;
mod invoke;
mod optional;
mod query;
mod retrieve;
mod update;
mod upsert;

pub use answer::Answer;
pub(crate) use answer::{read_complex_answer, read_value};
pub use batch::{Batch, ChangeSet, Handle, Replies, Write};
pub use create::Create;
pub use delete::Delete;
pub use invoke::{Arguments, BoundTo, Invoke, Message, MessageKind, RowArgument};
pub use optional::Optional;
pub use query::{Page, Query};
pub use retrieve::Retrieve;
pub use update::Update;
pub use upsert::Upsert;

use crate::error::{Error, Result};
pub use crate::odata::body::Scope;
use crate::odata::{Request, Response};

/// Something the service can be asked to do.
///
/// An operation is a value: the same one is sent on its own, put in a batch, or looked at in a
/// test.
pub trait Operation: Send + Sync {
    /// What a success gives.
    type Output: Send;

    /// The request, within `scope`.
    ///
    /// Errors: the input cannot be sent, before anything is.
    fn request_in(&self, scope: &Scope<'_>) -> Result<Request>;

    /// The request, sent on its own.
    fn request(&self) -> Result<Request> {
        self.request_in(&Scope::alone("/api/data/v9.2/"))
    }

    /// Reads the answer, whatever its status.
    fn decode(&self, response: &Response) -> Result<Self::Output>;

    /// Whether it may be sent again.
    fn replay(&self) -> Replay;

    /// How to understand `refusal` of a repeat, when an earlier attempt got no answer.
    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<Self::Output> {
        let _ = refusal;
        AfterDoubt::Stands
    }
}

/// Whether an operation may be sent again. What was certainly not executed may always be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replay {
    /// Only if it was certainly not executed.
    IfRefused,
    /// After any failure; what the repeat says then needs [`Operation::after_doubt`].
    Confirm,
    /// After any failure: a second execution changes nothing.
    Safe,
}

/// What the refusal of a repeat means.
#[derive(Debug)]
pub enum AfterDoubt<T> {
    /// What it says.
    Stands,
    /// The earlier attempt was executed.
    Done(T),
    /// A success of this request shows that the earlier attempt was executed; a missing row that
    /// it was not.
    Ask(Request, T),
}
