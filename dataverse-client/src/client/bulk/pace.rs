//! The turns of a bulk write's requests: which server each goes to, when, and how long it is.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use http::HeaderValue;

use super::outcomes::Settings;
use super::pack_size::PackSize;
use crate::http::Clock;
use crate::http::lanes::{Lanes, Seen, Start};

/// Requests at once before the service has said what it recommends, unless the program says.
const FIRST_PLACES: usize = 8;

/// Shared by the requests of one job.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    lanes: Lanes,
    size: PackSize,
    waiting: Vec<Waker>,
}

/// A request may be sent; dropped, it got no answer.
#[must_use = "dropped, it is over"]
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    clock: &'a dyn Clock,
    rows: usize,
    start: Option<Start>,
}

impl Pace {
    pub(super) fn new(settings: &Settings) -> Self {
        let places = settings.parallel.unwrap_or(FIRST_PLACES);
        let (pack_rows, pack_time) = (settings.pack_rows, settings.pack_time);
        Pace(Mutex::new(State {
            lanes: Lanes::new(u32::try_from(places).unwrap_or(u32::MAX)),
            size: PackSize::new(pack_rows, pack_time),
            waiting: Vec::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests at once that the service can take.
    pub(super) fn places(&self) -> usize {
        self.state().lanes.places()
    }

    /// Rows of the next pack.
    pub(super) fn rows(&self) -> usize {
        self.state().size.rows()
    }

    /// A pack is full.
    pub(super) fn packed(&self) {
        self.state().size.next();
    }

    /// Waits until a server can take a request of so many rows.
    pub(super) async fn turn<'a>(&'a self, clock: &'a dyn Clock, rows: usize) -> Turn<'a> {
        let mut sleep = None;
        poll_fn(|context| {
            loop {
                let mut state = self.state();
                let seconds = state.size.seconds(rows);
                let wait = match state.lanes.start(clock.now(), seconds) {
                    Ok(start) => {
                        let start = Some(start);
                        return Poll::Ready(Turn {
                            pace: self,
                            clock,
                            rows,
                            start,
                        });
                    }
                    Err(wait) => wait,
                };
                let waker = context.waker();
                if !state.waiting.iter().any(|other| other.will_wake(waker)) {
                    state.waiting.push(waker.clone());
                }
                drop(state);
                let Some(wait) = wait else {
                    return Poll::Pending;
                };
                let sleep = sleep.insert(clock.sleep(wait));
                if sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl Turn<'_> {
    /// What leads to the server.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        self.start.as_ref()?.cookie.clone()
    }

    /// The request was executed if it was answered.
    pub(super) fn end(mut self, seen: Option<Seen>, is_success: bool) {
        self.finish(|state, clock, rows, start| {
            if let (Some(seen), true) = (&seen, is_success) {
                state.size.learn(rows, seen.took);
            }
            state.lanes.end(clock.now(), start, seen);
        });
    }

    /// The server refused it, and is to be asked again after `wait`.
    pub(super) fn refuse(mut self, seen: Option<Seen>, wait: Duration) {
        self.finish(|state, clock, _, start| {
            state.lanes.refuse(clock.now(), start, seen, wait);
        });
    }

    fn finish(&mut self, tell: impl FnOnce(&mut State, &dyn Clock, usize, Start)) {
        let Some(start) = self.start.take() else {
            return;
        };
        let mut state = self.pace.state();
        tell(&mut state, self.clock, self.rows, start);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.finish(|state, clock, _, start| state.lanes.end(clock.now(), start, None));
    }
}
