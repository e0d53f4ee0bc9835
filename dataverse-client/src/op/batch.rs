//! Many operations in one request.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use uuid::Uuid;

use super::{
    Associate, Create, CreateMultiple, CreateReturning, Delete, DeleteMultiple, Disassociate,
    Invoke, InvokeNamed, Message, Operation, Read, Refused, Replay, Scope, SetColumn, Update,
    UpdateMultiple, UpdateReturning, Upsert, UpsertMultiple, UpsertReturning,
};
use crate::error::{Error, Result, Throttle};
use crate::odata::headers::PREFER;
use crate::odata::multipart::{self, Part};
use crate::odata::{Request, Response};
use crate::schema::{BindTarget, ContentRef, Reference, ReferenceKind};
use crate::value::Id;

/// Operations in a batch, members of change sets included.
/// Source: Microsoft Learn, "Execute batch operations using the Web API", 2024.
const MAX_OPERATIONS: usize = 1000;

/// An operation that changes rows: these may stand in a change set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a change set",
    note = "a change set holds writes only; add reads to the batch itself"
)]
pub trait Write: Operation {}

impl<E: 'static> Write for Create<E> {}
impl<E: 'static> Write for Update<E> {}
impl<E: 'static> Write for Upsert<E> {}
impl<E: 'static> Write for Delete<E> {}
impl<R: Read> Write for CreateReturning<R> {}
impl<R: Read> Write for UpdateReturning<R> {}
impl<R: Read> Write for UpsertReturning<R> {}
impl<E: 'static> Write for CreateMultiple<E> {}
impl<E: 'static> Write for UpdateMultiple<E> {}
impl<E: 'static> Write for UpsertMultiple<E> {}
impl<E: 'static> Write for DeleteMultiple<E> {}
impl Write for InvokeNamed {}
impl Write for Associate {}
impl Write for Disassociate {}
impl Write for SetColumn {}
impl<M: Message> Write for Invoke<M> {}

/// An operation whose answer is only known by its handle.
trait AnyOperation: Send + Sync {
    fn request_in(&self, scope: &Scope<'_>) -> Result<Request>;
    fn decode(&self, response: &Response) -> Result<Box<dyn Any>>;
    fn replay(&self) -> Replay;
}

impl<O: Operation<Output: 'static>> AnyOperation for O {
    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        Operation::request_in(self, scope)
    }

    fn decode(&self, response: &Response) -> Result<Box<dyn Any>> {
        Ok(Box::new(Operation::decode(self, response)?))
    }

    fn replay(&self) -> Replay {
        Operation::replay(self)
    }
}

/// Where the answer to an operation of a batch will be, and what it will be.
///
/// A reference to the handle of a [`Create`] in a change set can be bound to: the row it creates
/// is `$1`.
pub struct Handle<T> {
    at: ContentRef,
    output: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    fn new(scope: u64, index: usize) -> Self {
        Handle {
            at: ContentRef { scope, index },
            output: PhantomData,
        }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.at.index)
    }
}

impl<E: 'static> BindTarget for &Handle<Id<E>> {
    type Entity = E;

    fn reference(self) -> Reference {
        Reference(ReferenceKind::Content(self.at))
    }
}

/// Tells change sets and batches apart, so that a handle of one does not fit another.
fn next_scope() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Writes that are executed all or not at all.
pub struct ChangeSet {
    scope: u64,
    members: Vec<Arc<dyn AnyOperation>>,
}

impl ChangeSet {
    /// No writes yet.
    pub fn new() -> Self {
        ChangeSet {
            scope: next_scope(),
            members: Vec::new(),
        }
    }

    /// Adds a write.
    pub fn add<O>(&mut self, operation: O) -> Handle<O::Output>
    where
        O: Write<Output: 'static> + 'static,
    {
        self.members.push(Arc::new(operation));
        Handle::new(self.scope, self.members.len() - 1)
    }
}

impl Default for ChangeSet {
    fn default() -> Self {
        ChangeSet::new()
    }
}

impl fmt::Debug for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangeSet({} operations)", self.members.len())
    }
}

/// Operations that are sent in one request and executed in order.
///
/// Shape: `POST $batch`, `multipart/mixed`.
/// Units: one request; at most 1,000 operations, each counted by the service's protection limits.
/// Errors: a failed operation is the error of its own handle; those after it are `is_not_run`
/// unless [`continue_on_error`](Batch::continue_on_error). In a failed change set nothing is kept.
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
        let mut replies = Replies {
            replies: HashMap::new(),
            order: Vec::new(),
        };
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
        let is_read = |operation: &Arc<dyn AnyOperation>| {
            let request = operation.request_in(&Scope::alone("").batch_part());
            request.is_ok_and(|request| request.method == Method::GET)
        };
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
    fn rest_of(
        &self,
        item: &Item,
        output: &Replies,
        refusal: &mut Option<Response>,
    ) -> Option<Item> {
        let (scope, indices, may_repeat) = match item {
            Item::Single(index, _) => (self.scope, *index..*index + 1, true),
            Item::Set(set) => {
                let mut members = set.members.iter();
                let may = members.all(|member| member.replay() != Replay::IfRefused);
                (set.scope, 0..set.members.len(), may)
            }
        };
        let mut is_rest = false;
        for index in indices {
            match output.state(scope, index) {
                Some(State::Answered(response))
                    if response.status == StatusCode::TOO_MANY_REQUESTS && may_repeat =>
                {
                    refusal.get_or_insert_with(|| response.clone());
                    is_rest = true;
                }
                // After the refusal, and because of it.
                Some(State::NotReached) => is_rest |= refusal.is_some(),
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
        let boundary = format!("batch_{}", self.boundary);
        let root = scope.root();
        let mut body = Vec::with_capacity(512 * self.items.len());
        let mut content_ids = 0;
        for (number, item) in self.items.iter().enumerate() {
            match item {
                Item::Single(_, operation) => {
                    let request = part(operation, &scope.batch_part())?;
                    multipart::write_request(&boundary, None, root, &request, &mut body)?;
                }
                Item::Set(set) => {
                    let inner = format!("changeset_{number}_{}", self.boundary);
                    body.extend_from_slice(
                        format!(
                            "--{boundary}\r\nContent-Type: multipart/mixed; boundary=\"{inner}\"\r\n\r\n"
                        )
                        .as_bytes(),
                    );
                    for (index, operation) in set.members.iter().enumerate() {
                        let scope = scope.member(set.scope, content_ids, index);
                        let request = part(operation, &scope)?;
                        let id = Some(content_ids + index + 1);
                        multipart::write_request(&inner, id, root, &request, &mut body)?;
                    }
                    content_ids += set.members.len();
                    body.extend_from_slice(format!("--{inner}--\r\n").as_bytes());
                }
            }
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let mut request = Request::new(Method::POST, "$batch");
        let content_type = format!("multipart/mixed; boundary=\"{boundary}\"");
        if let Ok(value) = HeaderValue::from_str(&content_type) {
            request.headers.insert(CONTENT_TYPE, value);
        }
        if self.continue_on_error {
            let value = HeaderValue::from_static("odata.continue-on-error");
            request.headers.insert(PREFER, value);
        }
        request.body = body.into();
        Ok(request)
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
        let mut parts = parts.into_iter();
        let mut replies = Replies {
            replies: HashMap::with_capacity(self.items.len()),
            order: Vec::with_capacity(self.items.len()),
        };
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
                        Some(Part::Single { response, .. }) => State::Answered(response),
                        Some(Part::ChangeSet(_)) => return Err(lost(out_of_step())),
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
        match parts.next() {
            None => Ok(replies),
            Some(_) => Err(lost(out_of_step())),
        }
    }

    fn refused(&self, output: &Replies) -> Option<Refused<Replies>> {
        let mut refusal = None;
        let rest: Vec<Item> = self
            .items
            .iter()
            .filter_map(|item| self.rest_of(item, output, &mut refusal))
            .collect();
        let refusal = refusal?;
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
        let all_safe = self
            .operations()
            .all(|operation| operation.replay() == Replay::Safe);
        if all_safe {
            Replay::Safe
        } else {
            Replay::IfRefused
        }
    }
}

/// The request of one operation, with the options of the batch: those of its head do not reach the
/// parts.
fn part(operation: &Arc<dyn AnyOperation>, scope: &Scope<'_>) -> Result<Request> {
    let mut request = operation.request_in(scope)?;
    if let Some(options) = scope.options() {
        options.apply(&mut request)?;
    }
    Ok(request)
}

#[cold]
fn out_of_step() -> Error {
    Error::decode("the parts of the answer are not those of the batch that was sent")
}

/// The answers to a batch.
pub struct Replies {
    replies: HashMap<ContentRef, Reply>,
    /// As they were sent.
    order: Vec<ContentRef>,
}

struct Reply {
    operation: Arc<dyn AnyOperation>,
    state: State,
    at: ContentRef,
    /// Of a member of a change set: how many Content-IDs earlier change sets took.
    before: Option<usize>,
}

#[derive(Clone)]
enum State {
    Answered(Response),
    NotReached,
    RolledBack,
    Unanswered(Unanswered),
}

/// Why a batch has no answers: one of several into which a larger one was split.
#[derive(Debug, Clone)]
pub(crate) enum Unanswered {
    /// An earlier one failed.
    NotSent,
    /// It failed as a whole: what it says, and whether it may have been executed.
    Failed { text: String, is_unknown: bool },
}

impl Reply {
    /// Errors: that of the operation, with its verb and path.
    fn read(&self) -> Result<Box<dyn Any>> {
        self.read_state()
            .map_err(|error| error.with_asked(|| self.asked()))
    }

    /// Verb and path, for errors: made again, because few parts fail.
    fn asked(&self) -> Option<String> {
        let alone = Scope::alone("");
        let scope = match self.before {
            Some(before) => alone.member(self.at.scope, before, self.at.index),
            None => alone.batch_part(),
        };
        let request = self.operation.request_in(&scope).ok()?;
        Some(request.summary())
    }

    fn read_state(&self) -> Result<Box<dyn Any>> {
        match &self.state {
            State::Answered(response) => self.operation.decode(response),
            State::NotReached => Err(Error::not_run(
                "not executed: an earlier operation of the batch failed",
            )),
            State::Unanswered(Unanswered::NotSent) => Err(Error::not_run(
                "not sent: an earlier part of the batch failed",
            )),
            State::Unanswered(Unanswered::Failed { text, is_unknown }) => {
                let error = Error::not_run(format!("its part of the batch failed: {text}"));
                Err(match is_unknown {
                    true => error.with_outcome_unknown(),
                    false => error,
                })
            }
            State::RolledBack => Err(Error::not_run(
                "undone: another operation of the change set failed",
            )),
        }
    }
}

impl Replies {
    /// The answer to one operation. Each can be taken once.
    pub fn take<T: 'static>(&mut self, handle: Handle<T>) -> Result<T> {
        let reply = self.replies.remove(&handle.at).ok_or_else(|| {
            Error::input("this handle belongs to another batch, or its answer was taken before")
        })?;
        match reply.read()?.downcast() {
            Ok(output) => Ok(*output),
            Err(_) => Err(Error::decode("the handle has another type than its answer")),
        }
    }

    /// The first error among the answers that are still there, in the order of the operations.
    pub fn first_error(&self) -> Option<Error> {
        self.order
            .iter()
            .filter_map(|at| self.replies.get(at))
            .filter(|reply| matches!(reply.state, State::Answered(_) | State::Unanswered(_)))
            .find_map(|reply| reply.read().err())
    }

    /// Adds the answers to a later part of the same batch.
    pub(crate) fn extend(&mut self, later: Replies) {
        self.replies.extend(later.replies);
        self.order.extend(later.order);
    }

    fn insert(
        &mut self,
        at: ContentRef,
        before: Option<usize>,
        operation: &Arc<dyn AnyOperation>,
        state: State,
    ) {
        self.order.push(at);
        self.replies.insert(
            at,
            Reply {
                operation: Arc::clone(operation),
                state,
                at,
                before,
            },
        );
    }

    fn state(&self, scope: u64, index: usize) -> Option<&State> {
        let reply = self.replies.get(&ContentRef { scope, index })?;
        Some(&reply.state)
    }

    /// Puts later answers in the place of earlier ones.
    fn replace(&mut self, later: Replies) {
        self.replies.extend(later.replies);
    }

    /// `before` is how many Content-IDs earlier change sets took.
    fn read_set(&mut self, set: &ChangeSet, before: usize, part: Option<Part>) -> Result<()> {
        let count = set.members.len();
        let mut states = match part {
            None => vec![State::NotReached; count],
            // The change set was refused as a whole: every member gets the reason.
            Some(Part::Single { response, .. }) => vec![State::Answered(response); count],
            Some(Part::ChangeSet(parts)) => member_states(parts, before, count)?,
        };
        for (index, operation) in set.members.iter().enumerate().rev() {
            let at = ContentRef {
                scope: set.scope,
                index,
            };
            let state = states.pop().unwrap_or(State::NotReached);
            self.insert(at, Some(before), operation, state);
        }
        Ok(())
    }
}

/// A failed change set is answered with its failing member only.
fn member_states(parts: Vec<Part>, before: usize, count: usize) -> Result<Vec<State>> {
    let mut answers: Vec<Option<Response>> = vec![None; count];
    let mut failed = None;
    for (position, part) in parts.into_iter().enumerate() {
        let Part::Single {
            content_id,
            response,
        } = part
        else {
            return Err(out_of_step());
        };
        if !response.status.is_success() {
            failed = Some((content_id, response));
            break;
        }
        let index = match content_id {
            Some(id) => id.checked_sub(before + 1).ok_or_else(out_of_step)?,
            None => position,
        };
        *answers.get_mut(index).ok_or_else(out_of_step)? = Some(response);
    }
    match failed {
        Some((content_id, response)) => {
            let index = content_id.and_then(|id| id.checked_sub(before + 1));
            Ok((0..count)
                .map(|member| match index {
                    Some(index) if index != member => State::RolledBack,
                    _ => State::Answered(response.clone()),
                })
                .collect())
        }
        None => answers
            .into_iter()
            .map(|answer| answer.map(State::Answered).ok_or_else(out_of_step))
            .collect(),
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replies({})", self.replies.len())
    }
}
