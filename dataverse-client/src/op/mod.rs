//! Floor 3: operations. Each is a value that becomes a request, and reads the answer. No IO, no
//! clock, no async.

mod aggregate;
mod answer;
mod background;
mod batch;
mod bulk;
mod bulk_row;
mod count;
mod create;
pub(crate) mod definitions;
mod delete;
mod existing;
mod fetch;
mod fetch_row;
mod file;
mod instances;
mod invoke;
mod link;
mod optional;
mod paged;
mod property;
mod query;
mod read;
mod retrieve;
mod row_argument;
mod row_pack;
mod rows_of;
mod search;
mod stored;
mod track;
mod update;
mod upsert;

pub use aggregate::Aggregate;
pub use answer::Answer;
pub(crate) use answer::{read_complex_answer, read_value};
pub use background::{
    BackgroundOperation, BackgroundState, BackgroundStatus, CancelBackground, InBackground,
    Invocation,
};
pub(crate) use batch::Unanswered;
pub use batch::{Batch, ChangeSet, Handle, Replies, Write};
pub use bulk::{CreateMultiple, DeleteMultiple, UpdateMultiple, UpsertMultiple};
pub use bulk_row::BulkRow;
pub(crate) use bulk_row::{RowWrite, WriteKind};
pub use count::{Count, TotalRowCounts};
pub use create::{Create, CreateReturning};
pub use delete::Delete;
pub(crate) use existing::ExistingRows;
pub use fetch::{Fetch, FetchPage, NextPage};
pub use fetch_row::FetchRow;
pub use file::{
    BlockDownload, BlockId, BlockToken, ChunkOutcome, CommitBlocksUpload, DeleteFile,
    DownloadBlock, DownloadBody, DownloadFile, FileColumn, FileContent, FileInfo, FileTarget,
    InitializeBlocksDownload, InitializeBlocksUpload, MAX_BLOCK, NoteFile, StartUpload, StoredFile,
    UploadBlock, UploadChunk, UploadFile, UploadSession,
};
pub use instances::{Instance, Instances};
pub use invoke::{Arguments, BoundTo, Invoke, InvokeNamed, Message, MessageKind};
pub use link::{Associate, Disassociate, References, RetrieveRelated};
pub use optional::Optional;
pub use paged::Paged;
pub use property::{GetColumn, GetText, SetColumn};
pub use query::Query;
pub use read::Read;
pub use retrieve::{IfChanged, Retrieve};
pub use row_argument::RowArgument;
pub(crate) use row_pack::{PackForm, PackedRow, RowPack};
pub use search::{
    Facet, SearchAutocomplete, SearchHit, SearchQuery, SearchResults, SearchStatistics,
    SearchStatus, SearchStatusReport, SearchStorage, SearchSuggest, SearchTable, SearchTableStatus,
    Suggestion,
};
pub use stored::{CalledOn, Given, RowTable, deserialize_message, serialize_message};
pub use track::{Change, ChangeOf, ChangePage, CountChanges, DeltaToken, TrackChanges};
pub use update::{Update, UpdateReturning};
pub use upsert::{Upsert, UpsertReturning, Upserted};

use uuid::Uuid;

use crate::error::{Error, Result};
pub use crate::odata::body::Scope;
use crate::odata::{PartAnswer, PartSlot, Request, Response};

/// Something the service can be asked to do.
///
/// An operation is a value: the same one is sent on its own, put in a batch, or looked at in a
/// test.
pub trait Operation: Send + Sync {
    /// What a success gives.
    type Output: Send + 'static;

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

    /// Writes the request as a part of a batch. Writes of one row, of which a batch may have a
    /// thousand, need no message of their own for it.
    #[doc(hidden)]
    fn write_part(&self, scope: &Scope<'_>, part: PartSlot<'_, '_>) -> Result<()> {
        part.request(self.request_in(scope)?)
    }

    /// Reads the answer to the part. A success of what writes one row needs no map of its headers.
    #[doc(hidden)]
    fn decode_part(&self, answer: &PartAnswer) -> Result<Self::Output> {
        self.decode(&answer.response()?)
    }

    /// Whether it may be sent again.
    fn replay(&self) -> Replay;

    /// Whether it changes nothing, so that nobody need know if it was executed. Of a `GET` that is
    /// known.
    fn only_reads(&self) -> bool {
        false
    }

    /// The rows that it is about, as far as their primary keys are known: where to look when its outcome
    /// is unknown.
    fn row_ids(&self) -> Vec<Uuid> {
        Vec::new()
    }

    /// What of it was refused although there is an answer: parts of a batch. It is sent once more.
    fn refused(&self, output: &Self::Output) -> Option<Refused<Self::Output>> {
        let _ = output;
        None
    }

    /// Says in what a repeat gave that an earlier attempt got no answer: what the output tells as
    /// refused may have been executed by that one.
    fn note_doubt(&self, output: &mut Self::Output) {
        let _ = output;
    }

    /// How to understand `refusal` of a repeat, when an earlier attempt got no answer: that the repeat
    /// was refused does not tell whether the earlier one was executed.
    fn after_doubt(&self, refusal: &Error) -> AfterDoubt<Self::Output> {
        let _ = refusal;
        AfterDoubt::Unknown
    }
}

/// Whether an operation may be sent again. What was certainly not executed may always be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replay {
    /// Never, whatever happened.
    Never,
    /// Only if it was certainly not executed.
    IfRefused,
    /// After any failure; what the repeat says then needs [`Operation::after_doubt`].
    Confirm,
    /// After any failure: a second execution changes nothing.
    Safe,
}

/// What of an operation was refused, and is to be sent once more.
pub struct Refused<T> {
    pub(crate) rest: Box<dyn Operation<Output = T>>,
    pub(crate) retry_after: Option<std::time::Duration>,
    pub(crate) is_concurrency: bool,
    /// What the service said.
    pub(crate) body: bytes::Bytes,
    /// Puts the answer to the rest into that to the whole.
    pub(crate) join: Join<T>,
}

type Join<T> = Box<dyn FnOnce(&mut T, Result<T>) + Send>;

impl<T> std::fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refused")
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

/// What the refusal of a repeat means.
#[derive(Debug)]
pub enum AfterDoubt<T> {
    /// What it says.
    Stands,
    /// Nothing: the earlier attempt may have been executed.
    Unknown,
    /// The earlier attempt was executed.
    Done(T),
    /// A success of this request shows that the earlier attempt was executed; a missing row that
    /// it was not.
    Ask(Request, Reading<T>),
}

/// Reads what an operation gives from the answer to a question about it.
pub struct Reading<T>(ReadAnswer<T>);

type ReadAnswer<T> = Box<dyn FnOnce(&Response) -> Result<T> + Send>;

impl AfterDoubt<()> {
    /// After a repeated delete: gone is what was asked for, whoever did it.
    pub(crate) fn of_delete(refusal: &Error) -> Self {
        match refusal.is_not_found() {
            true => AfterDoubt::Done(()),
            false => AfterDoubt::Unknown,
        }
    }
}

impl<T> AfterDoubt<T> {
    /// Asks `question`; `read` reads the answer of a success.
    pub fn ask(
        question: Request,
        read: impl FnOnce(&Response) -> Result<T> + Send + 'static,
    ) -> Self {
        AfterDoubt::Ask(question, Reading(Box::new(read)))
    }
}

impl<T: 'static> Reading<T> {
    pub(crate) fn read(self, response: &Response) -> Result<T> {
        (self.0)(response)
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Reading<U> {
        Reading(Box::new(move |response| (self.0)(response).map(change)))
    }
}

impl<T> std::fmt::Debug for Reading<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading(…)")
    }
}
