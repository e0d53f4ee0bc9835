//! Bodies that come slowly, or not to their end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use dataverse_client::http::Clock;
use hyper::body::{Body, Frame, SizeHint};

/// In how many pieces a slow body comes.
const PIECES: usize = 8;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The body of an answer on a socket.
pub(crate) struct Paced {
    rest: Bytes,
    /// What the head says that there is to come.
    promised: u64,
    piece: usize,
    pause: Duration,
    clock: Arc<dyn Clock>,
    waiting: Option<Sleep>,
    is_cut: bool,
    /// What came was handed over, and shall be on its way before the connection ends.
    is_flushed: bool,
}

impl Paced {
    /// A body that takes this time, and ends with an error after its half if it is cut.
    pub(crate) fn new(body: Bytes, slow: Duration, is_cut: bool, clock: Arc<dyn Clock>) -> Self {
        let promised = body.len() as u64;
        let rest = match is_cut {
            true => body.slice(..body.len() / 2),
            false => body,
        };
        let is_slow = !slow.is_zero();
        Paced {
            piece: match is_slow {
                true => rest.len().div_ceil(PIECES).max(1),
                false => rest.len(),
            },
            pause: slow / u32::try_from(PIECES).unwrap_or(1),
            waiting: is_slow.then(|| clock.sleep(Duration::ZERO)),
            rest,
            promised,
            clock,
            is_cut,
            is_flushed: false,
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(context));
            let pause = self.pause;
            self.waiting = Some(self.clock.sleep(pause));
        }
        if self.rest.is_empty() && self.is_cut && !self.is_flushed {
            self.is_flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            return Poll::Ready(self.is_cut.then(|| Err(io::Error::other("cut on demand"))));
        }
        let length = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.is_cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
