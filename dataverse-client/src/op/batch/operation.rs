//! Operations that may stand in a batch, and in a change set.

use std::any::Any;
use std::sync::Arc;

use http::Method;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::odata::{PartAnswer, PartSlot, Request};
use crate::op::{
    Associate, Create, CreateMultiple, CreateReturning, Delete, DeleteMultiple, Disassociate,
    Invoke, InvokeNamed, Message, Operation, Read, Replay, Scope, SetColumn, Update,
    UpdateMultiple, UpdateReturning, Upsert, UpsertMultiple, UpsertReturning,
};

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
pub(super) trait AnyOperation: Send + Sync {
    fn request_in(&self, scope: &Scope<'_>) -> Result<Request>;
    fn write_part(&self, scope: &Scope<'_>, part: PartSlot<'_, '_>) -> Result<()>;
    /// Reads the answer into `output`, an `Option` of what the operation gives; None reads it for
    /// its error only.
    fn decode_into(&self, answer: &PartAnswer, output: Option<&mut dyn Any>) -> Result<()>;
    fn replay(&self) -> Replay;
    fn row_ids(&self) -> Vec<Uuid>;
    fn only_reads(&self) -> bool;
}

/// Whether an operation changes nothing, as far as can be told.
pub(super) fn is_read(operation: &Arc<dyn AnyOperation>) -> bool {
    let request = operation.request_in(&Scope::alone("").batch_part());
    operation.only_reads() || request.is_ok_and(|request| request.method == Method::GET)
}

impl<O: Operation<Output: 'static>> AnyOperation for O {
    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        Operation::request_in(self, scope)
    }

    fn write_part(&self, scope: &Scope<'_>, part: PartSlot<'_, '_>) -> Result<()> {
        Operation::write_part(self, scope, part)
    }

    fn decode_into(&self, answer: &PartAnswer, output: Option<&mut dyn Any>) -> Result<()> {
        let decoded = Operation::decode_part(self, answer)?;
        match output.map(<dyn Any>::downcast_mut) {
            None => {}
            Some(Some(output)) => *output = Some(decoded),
            Some(None) => {
                return Err(Error::decode("the handle has another type than its answer"));
            }
        }
        Ok(())
    }

    fn replay(&self) -> Replay {
        Operation::replay(self)
    }

    fn row_ids(&self) -> Vec<Uuid> {
        Operation::row_ids(self)
    }

    fn only_reads(&self) -> bool {
        Operation::only_reads(self)
    }
}
