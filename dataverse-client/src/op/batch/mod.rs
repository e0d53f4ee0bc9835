//! Many operations in one request.

mod change_set;
mod operation;
mod replies;

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use uuid::Uuid;

use self::change_set::next_scope;
pub use self::change_set::{ChangeSet, Handle};
pub use self::operation::Write;
use self::operation::{AnyOperation, is_read};
pub use self::replies::Replies;
pub(crate) use self::replies::Unanswered;
use self::replies::{State, out_of_step};
use super::{Operation, Refused, Replay, Scope};
use crate::error::{Error, Result, Throttle};
use crate::odata::headers::PREFER;
use crate::odata::multipart::{self, Answered, BatchWriter, MAX_OPERATIONS};
use crate::odata::{PartAnswer, Request, Response};
use crate::schema::ContentRef;

/// Operations that are sent in one request and executed in order.
///
/// Shape: `POST $batch`, `multipart/mixed`.
/// Units: one request; at most 1,000 operations, each counted by the service's protection limits.
/// Errors: a failed operation is the error of its own handle; those after it are `is_not_run`
/// unless [`continue_on_error`](Batch::continue_on_error). In a failed change set nothing is kept.
/// Answers that are not those of the operations are an error of the whole batch, `is_outcome_unknown`
/// if it writes.
/// Operations that a protection limit refused, and those that were not executed because of it, are
/// sent once more as a batch of their own.
/// Source: Microsoft Learn, "Execute batch operations using the Web API".
pub struct Batch {
    scope: u64,
    boundary: Uuid,
    items: Vec<Item>,
    continue_on_error: bool,
}

enum Item {
    /// With its index in the batch's own scope.
    Single(usize, Arc<dyn AnyOperation>),
    Set(ChangeSet),
}

impl Item {
    fn share(&self) -> Item {
        match self {
            Item::Single(index, operation) => Item::Single(*index, Arc::clone(operation)),
            Item::Set(set) => Item::Set(ChangeSet {
                scope: set.scope,
                members: set.members.clone(),
            }),
        }
    }
}

impl Batch {
    /// Nothing yet.
    pub fn new() -> Self {
        Batch {
            scope: next_scope(),
            boundary: Uuid::new_v4(),
            items: Vec::new(),
            continue_on_error: false,
        }
    }

    /// Adds an operation on its own.
    pub fn add<O>(&mut self, operation: O) -> Handle<O::Output>
    where
        O: Operation<Output: 'static> + 'static,
    {
        let index = self.items.len();
        self.items.push(Item::Single(index, Arc::new(operation)));
        Handle::new(self.scope, index)
    }

    /// Adds a change set.
    pub fn push(&mut self, set: ChangeSet) {
        self.items.push(Item::Set(set));
    }

    /// Executes what follows a failed operation, too.
    #[must_use]
    pub fn continue_on_error(mut self) -> Self {
        self.continue_on_error = true;
        self
    }

    /// Batches of at most `size` operations each, in the same order; a change set stays whole.
    ///
    /// Errors: a change set of more operations than `size`, or a `size` that no batch may have.
    pub(crate) fn split(self, size: usize) -> Result<Vec<Batch>> {
        if !(1..=MAX_OPERATIONS).contains(&size) {
            return Err(Error::input(format!(
                "batches of {size} operations: the service takes 1 to {MAX_OPERATIONS}"
            )));
        }
        let part = || Batch {
            scope: self.scope,
            boundary: Uuid::new_v4(),
            items: Vec::new(),
            continue_on_error: self.continue_on_error,
        };
        let mut parts = Vec::new();
        let mut current = part();
        let mut operations = 0;
        for item in self.items {
            let count = match &item {
                Item::Single(..) => 1,
                Item::Set(set) => set.members.len(),
            };
            if count > size {
                return Err(Error::input(format!(
                    "a change set of {count} operations does not fit into a batch of {size}, and \
                     cannot be split"
                )));
            }
            if operations + count > size {
                parts.push(std::mem::replace(&mut current, part()));
                operations = 0;
            }
            operations += count;
            current.items.push(item);
        }
        parts.push(current);
        Ok(parts)
    }

    /// Answers that say of every operation why there is none.
    pub(crate) fn unanswered(&self, why: &Unanswered) -> Replies {
        let mut replies = Replies::with_capacity(self.items.len());
        let mut content_ids = 0;
        for item in &self.items {
            let (scope, first, before, operations) = match item {
                Item::Single(index, operation) => {
                    (self.scope, *index, None, std::slice::from_ref(operation))
                }
                Item::Set(set) => (set.scope, 0, Some(content_ids), &set.members[..]),
            };
            content_ids += before.map_or(0, |_| operations.len());
            for (place, operation) in operations.iter().enumerate() {
                let at = ContentRef {
                    scope,
                    index: first + place,
                };
                replies.insert(at, before, operation, State::Unanswered(why.clone()));
            }
        }
        replies
    }

    pub(crate) fn continues_on_error(&self) -> bool {
        self.continue_on_error
    }

    /// Every operation.
    fn operations(&self) -> impl Iterator<Item = &Arc<dyn AnyOperation>> {
        self.items.iter().flat_map(|item| match item {
            Item::Single(_, operation) => std::slice::from_ref(operation),
            Item::Set(set) => &set.members[..],
        })
    }

    /// Whether something is asked that changes rows, as far as can be told.
    fn has_writes(&self) -> bool {
        !self.operations().all(is_read)
    }

    /// The same operations once more.
    fn share(&self) -> Batch {
        Batch {
            scope: self.scope,
            boundary: self.boundary,
            items: self.items.iter().map(Item::share).collect(),
            continue_on_error: self.continue_on_error,
        }
    }

    /// What of an item is to be sent once more: what was refused by a protection limit, and what
    /// was not executed because of that.
    ///
    /// A change set only if each of its members may be repeated: those of elastic tables are not
    /// undone together.
    fn rest_of<'a>(
        item: &Item,
        states: &mut impl Iterator<Item = &'a State>,
        refusal: &mut Option<PartAnswer>,
    ) -> Option<Item> {
        let (operations, may_repeat) = match item {
            Item::Single(_, operation) => (1, operation.replay() != Replay::Never),
            Item::Set(set) => {
                let mut members = set.members.iter();
                let may = members.all(|member| member.replay() > Replay::IfRefused);
                (set.members.len(), may)
            }
        };
        let mut is_rest = false;
        for state in states.take(operations) {
            match state {
                State::Answered(answer) if state.is_refused() && may_repeat => {
                    refusal.get_or_insert_with(|| answer.clone());
                    is_rest = true;
                }
                // After the refusal, and because of it.
                State::NotReached => is_rest |= refusal.is_some(),
                _ => {}
            }
        }
        is_rest.then(|| item.share())
    }

    fn check(&self) -> Result<()> {
        let operations = self.operations().count();
        if operations > MAX_OPERATIONS {
            return Err(Error::input(format!(
                "a batch of {operations} operations: the service takes at most {MAX_OPERATIONS}"
            )));
        }
        let has_empty_set = |item: &Item| matches!(item, Item::Set(set) if set.members.is_empty());
        if operations == 0 || self.items.iter().any(has_empty_set) {
            return Err(Error::input(
                "a batch or change set without an operation: add one, or do not send it",
            ));
        }
        Ok(())
    }
}

impl Default for Batch {
    fn default() -> Self {
        Batch::new()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} operations)", self.operations().count())
    }
}

impl Operation for Batch {
    type Output = Replies;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        self.check()?;
        if scope.is_batch() {
            return Err(Error::input("a batch cannot stand in a batch"));
        }
        // A guess: rows of ten columns are smaller, with their part around them.
        const ROOM: usize = 768;
        let room = ROOM * self.items.len();
        let mut writer = BatchWriter::new(self.boundary, scope.root(), scope.options(), room)?;
        let mut content_ids = 0;
        for (number, item) in self.items.iter().enumerate() {
            match item {
                Item::Single(_, operation) => {
                    operation.write_part(&scope.batch_part(), writer.part(None))?;
                }
                Item::Set(set) => {
                    writer.open_set(number);
                    for (index, operation) in set.members.iter().enumerate() {
                        let scope = scope.member(set.scope, content_ids, index);
                        let part = writer.part(Some(content_ids + index + 1));
                        operation.write_part(&scope, part)?;
                    }
                    content_ids += set.members.len();
                    writer.close_set();
                }
            }
        }
        let request = writer.finish();
        Ok(match self.continue_on_error {
            true => {
                let value = HeaderValue::from_static("odata.continue-on-error");
                request.header(PREFER, value)
            }
            false => request,
        })
    }

    fn decode(&self, response: &Response) -> Result<Replies> {
        // The outer status is that of the first failed part: the parts tell. Where they do not,
        // nothing tells what became of the writes.
        let lost = |error: Error| match self.has_writes() {
            true => error.with_outcome_unknown(),
            false => error,
        };
        let content_type = response.text_of(&CONTENT_TYPE).unwrap_or_default();
        let Some(boundary) = multipart::boundary(content_type) else {
            response.success()?;
            return Err(lost(Error::decode(
                "the answer to a batch is not multipart; the batch was accepted, but nothing \
                 tells what became of its operations",
            )));
        };
        let parts = multipart::read_parts(boundary, &response.body).map_err(lost)?;
        // Only after a failure the service leaves out what follows.
        let is_stopped = parts.last().is_some_and(|last| !last.is_success());
        let is_in_step = match parts.len().cmp(&self.items.len()) {
            Ordering::Less => is_stopped,
            Ordering::Equal => true,
            Ordering::Greater => false,
        };
        if !is_in_step {
            return Err(lost(out_of_step()));
        }
        let mut parts = parts.into_iter();
        let mut replies = Replies::with_capacity(self.items.len());
        let mut content_ids = 0;
        for item in &self.items {
            match item {
                Item::Single(index, operation) => {
                    let at = ContentRef {
                        scope: self.scope,
                        index: *index,
                    };
                    let state = match parts.next() {
                        None => State::NotReached,
                        Some(Answered::Single(answer)) => State::Answered(answer),
                        Some(Answered::ChangeSet(_)) => return Err(lost(out_of_step())),
                    };
                    replies.insert(at, None, operation, state);
                }
                Item::Set(set) => {
                    let answers = parts.next();
                    replies.read_set(set, content_ids, answers).map_err(lost)?;
                    content_ids += set.members.len();
                }
            }
        }
        Ok(replies)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        self.operations()
            .flat_map(|operation| operation.row_ids())
            .collect()
    }

    fn only_reads(&self) -> bool {
        !self.has_writes()
    }

    fn note_doubt(&self, output: &mut Replies) {
        output.doubt();
    }

    fn refused(&self, output: &Replies) -> Option<Refused<Replies>> {
        if !output.has_refusal() {
            return None;
        }
        let (mut states, mut refusal) = (output.states(), None);
        let rest: Vec<Item> = self
            .items
            .iter()
            .filter_map(|item| Self::rest_of(item, &mut states, &mut refusal))
            .collect();
        let refusal = refusal?.response().ok()?;
        let error = refusal.success().err()?;
        let rest = Batch {
            scope: self.scope,
            boundary: Uuid::new_v4(),
            items: rest,
            continue_on_error: self.continue_on_error,
        };
        let lost = rest.share();
        Some(Refused {
            rest: Box::new(rest),
            retry_after: error.retry_after(),
            is_concurrency: error.throttle() == Some(Throttle::Concurrency),
            body: refusal.body.clone(),
            join: Box::new(move |output, later| match later {
                Ok(later) => output.replace(later),
                Err(error) if error.is_outcome_unknown() => {
                    output.replace(lost.unanswered(&Unanswered::Failed {
                        text: error.to_string(),
                        is_unknown: true,
                    }));
                }
                // The first refusal stands.
                Err(_) => {}
            }),
        })
    }

    fn replay(&self) -> Replay {
        // A repeat is one request: what needs asking after doubt cannot be in it.
        let weakest = self.operations().map(|operation| operation.replay()).min();
        match weakest {
            None | Some(Replay::Safe) => Replay::Safe,
            Some(Replay::Confirm | Replay::IfRefused) => Replay::IfRefused,
            Some(Replay::Never) => Replay::Never,
        }
    }
}
