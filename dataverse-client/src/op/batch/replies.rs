//! What became of the operations of a batch.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::change_set::{ChangeSet, Handle};
use super::operation::{AnyOperation, is_read};
use crate::error::{Error, Result};
use crate::odata::PartAnswer;
use crate::odata::multipart::Answered;
use crate::op::Scope;
use crate::schema::ContentRef;

/// The answers to a batch.
#[derive(Default)]
pub struct Replies {
    /// As they were sent; None where they were taken.
    replies: Vec<Option<Reply>>,
    /// The place of the first in its scope.
    first: usize,
    /// Where each of them is: needed only where change sets stand among them.
    places: Option<HashMap<ContentRef, usize>>,
}

struct Reply {
    operation: Arc<dyn AnyOperation>,
    state: State,
    at: ContentRef,
    /// Of a member of a change set: how many Content-IDs earlier change sets took.
    before: Option<usize>,
    /// An earlier attempt of the batch got no answer.
    is_doubtful: bool,
}

#[derive(Clone)]
pub(super) enum State {
    Answered(PartAnswer),
    NotReached,
    RolledBack,
    Unanswered(Unanswered),
}

impl State {
    /// By a protection limit.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, State::Answered(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS)
    }
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
    /// Reads the answer into `output`; see [`AnyOperation::decode_into`].
    ///
    /// Errors: that of the operation, with its verb and path.
    fn read(&self, output: Option<&mut dyn Any>) -> Result<()> {
        self.read_state(output)
            .map_err(|error| error.with_asked(|| self.asked()))
            .map_err(|error| error.with_rows(|| self.operation.row_ids()))
            .map_err(
                |error| match self.is_doubtful && !is_read(&self.operation) {
                    true => error.with_outcome_unknown(),
                    false => error,
                },
            )
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

    fn read_state(&self, output: Option<&mut dyn Any>) -> Result<()> {
        match &self.state {
            State::Answered(answer) => self.operation.decode_into(answer, output),
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
    /// Room for so many.
    pub(super) fn with_capacity(operations: usize) -> Self {
        Replies {
            replies: Vec::with_capacity(operations),
            ..Replies::default()
        }
    }

    /// The answer to one operation. Each can be taken once.
    ///
    /// Errors: that of the operation; `is_not_run` if another one failed before it, or in its change
    /// set; `is_invalid_input` if the handle is of another batch, or was taken before.
    pub fn take<T: 'static>(&mut self, handle: Handle<T>) -> Result<T> {
        let reply = self.reply(handle.at).and_then(Option::take);
        let reply = reply.ok_or_else(|| {
            Error::input("this handle belongs to another batch, or its answer was taken before")
        })?;
        let mut output: Option<T> = None;
        reply.read(Some(&mut output))?;
        output.ok_or_else(|| Error::decode("the operation gives nothing"))
    }

    /// The first error among the answers that are still there, in the order of the operations. What
    /// was not executed because of another failure is none.
    pub fn first_error(&self) -> Option<Error> {
        self.replies
            .iter()
            .flatten()
            .filter(|reply| matches!(reply.state, State::Answered(_) | State::Unanswered(_)))
            .find_map(|reply| reply.read(None).err())
    }

    /// An earlier attempt got no answer.
    pub(super) fn doubt(&mut self) {
        for reply in self.replies.iter_mut().flatten() {
            reply.is_doubtful = true;
        }
    }

    /// Adds the answers to a later part of the same batch.
    pub(crate) fn extend(&mut self, later: Replies) {
        later.replies.into_iter().for_each(|reply| self.push(reply));
    }

    pub(super) fn insert(
        &mut self,
        at: ContentRef,
        before: Option<usize>,
        operation: &Arc<dyn AnyOperation>,
        state: State,
    ) {
        self.push(Some(Reply {
            operation: Arc::clone(operation),
            state,
            at,
            before,
            is_doubtful: false,
        }));
    }

    fn push(&mut self, reply: Option<Reply>) {
        if let (true, Some(reply)) = (self.replies.is_empty(), &reply) {
            self.first = reply.at.index;
        }
        self.places = None;
        self.replies.push(reply);
    }

    /// The place for the reply to the operation at `at`.
    fn reply(&mut self, at: ContentRef) -> Option<&mut Option<Reply>> {
        // Operations on their own follow each other.
        let mut place = at.index.wrapping_sub(self.first);
        let guessed = self.replies.get(place).and_then(Option::as_ref);
        if guessed.is_none_or(|reply| reply.at != at) {
            let replies = self.replies.iter().enumerate();
            let places = self.places.get_or_insert_with(|| {
                let placed =
                    |(place, reply): (_, &Option<Reply>)| Some((reply.as_ref()?.at, place));
                replies.filter_map(placed).collect()
            });
            place = *places.get(&at)?;
        }
        self.replies.get_mut(place)
    }

    /// Whether a protection limit refused one of the operations.
    pub(super) fn has_refusal(&self) -> bool {
        self.states().any(State::is_refused)
    }

    /// What became of the operations, as they were sent.
    pub(super) fn states(&self) -> impl Iterator<Item = &State> {
        self.replies.iter().flatten().map(|reply| &reply.state)
    }

    /// Puts later answers in the place of earlier ones.
    pub(super) fn replace(&mut self, later: Replies) {
        for later in later.replies.into_iter().flatten() {
            if let Some(reply) = self.reply(later.at) {
                *reply = Some(later);
            }
        }
    }

    /// `before` is how many Content-IDs earlier change sets took.
    pub(super) fn read_set(
        &mut self,
        set: &ChangeSet,
        before: usize,
        answered: Option<Answered>,
    ) -> Result<()> {
        let count = set.members.len();
        let states = match answered {
            None => vec![State::NotReached; count],
            // What was done is told of each member.
            Some(Answered::Single(answer)) if answer.status.is_success() => {
                return Err(out_of_step());
            }
            // The change set was refused as a whole: every member gets the reason.
            Some(Answered::Single(answer)) => vec![State::Answered(answer); count],
            Some(Answered::ChangeSet(parts)) => member_states(parts, before, count)?,
        };
        for (index, (operation, state)) in set.members.iter().zip(states).enumerate() {
            let at = ContentRef {
                scope: set.scope,
                index,
            };
            self.insert(at, Some(before), operation, state);
        }
        Ok(())
    }
}

/// A failed change set is answered with its failing member only.
fn member_states(parts: Vec<PartAnswer>, before: usize, count: usize) -> Result<Vec<State>> {
    let mut answers: Vec<Option<PartAnswer>> = vec![None; count];
    let mut failed = None;
    for (position, answer) in parts.into_iter().enumerate() {
        if !answer.status.is_success() {
            failed = Some(answer);
            break;
        }
        let index = match answer.content_id {
            Some(id) => id.checked_sub(before + 1).ok_or_else(out_of_step)?,
            None => position,
        };
        let place = answers.get_mut(index).ok_or_else(out_of_step)?;
        if place.replace(answer).is_some() {
            return Err(out_of_step());
        }
    }
    match failed {
        Some(answer) => {
            let index = answer.content_id.and_then(|id| id.checked_sub(before + 1));
            // One that names no member is that of all.
            let index = index.filter(|index| *index < count);
            Ok((0..count)
                .map(|member| match index {
                    Some(index) if index != member => State::RolledBack,
                    _ => State::Answered(answer.clone()),
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
        write!(f, "Replies({})", self.states().count())
    }
}

#[cold]
pub(super) fn out_of_step() -> Error {
    Error::decode("the parts of the answer are not those of the batch that was sent")
}
