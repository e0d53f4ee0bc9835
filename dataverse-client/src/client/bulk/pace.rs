//! The turns of a bulk write's requests: which server each goes to, when, and how long it is.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime};

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
    /// Requests at once that the program wants at most.
    parallel: Option<usize>,
    running: Vec<Running>,
    next_id: u64,
    waiting: Vec<Waker>,
}

/// A request on its way.
#[derive(Debug)]
struct Running {
    id: u64,
    rows: usize,
    since: SystemTime,
}

impl Running {
    /// Rows that should be done by now.
    fn done(&self, now: SystemTime, size: &PackSize) -> f64 {
        let passed = now.duration_since(self.since).unwrap_or_default();
        let (passed, seconds) = (passed.as_secs_f64(), size.seconds(self.rows));
        let share = match passed < seconds {
            true => passed / seconds,
            // Of the first ones nothing is known.
            false => f64::from(u8::from(seconds > 0.0)),
        };
        self.rows as f64 * share
    }
}

/// What the next pack is made by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Requests at once that the service can take.
    pub(super) places: usize,
    /// Rows of a pack, as long as there are many.
    pub(super) full: usize,
    /// Fewer are not worth a request.
    least: usize,
    /// Rows in requests on their way that are not done yet.
    busy: usize,
}

impl Plan {
    /// Rows to know of before a full pack is made: fewer would not keep all places busy for as long
    /// as it takes.
    pub(super) fn ahead(&self) -> usize {
        let all = self.full.saturating_mul(self.places);
        all.saturating_sub(self.busy).max(self.full)
    }

    /// Rows of the next pack when no more than these are left: as many as each place has still to
    /// do, so that all of them end together.
    pub(super) fn share(&self, left: usize) -> usize {
        let even = (left + self.busy).div_ceil(self.places.max(1));
        let even = even.max(self.least);
        match left < even + self.least {
            true => left.clamp(1, self.full),
            false => even.min(self.full),
        }
    }
}

/// A request may be sent; dropped, it got no answer.
#[must_use = "dropped, it is over"]
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    clock: &'a dyn Clock,
    id: u64,
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
            parallel: settings.parallel,
            running: Vec::new(),
            next_id: 0,
            waiting: Vec::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the next pack is made, while so many rows have no answer.
    pub(super) fn plan(&self, now: SystemTime, in_flight: u64) -> Plan {
        let state = self.state();
        let places = state.lanes.places();
        let running = state.running.iter();
        let done: f64 = running.map(|running| running.done(now, &state.size)).sum();
        Plan {
            places: state.parallel.map_or(places, |most| most.min(places)),
            full: state.size.rows(),
            least: state.size.least(),
            busy: (in_flight as f64 - done).max(0.0) as usize,
        }
    }

    /// A pack was made.
    pub(super) fn packed(&self) {
        self.state().size.next();
    }

    /// Waits until a server can take a request of so many rows.
    pub(super) async fn turn<'a>(&'a self, clock: &'a dyn Clock, rows: usize) -> Turn<'a> {
        let mut sleep = None;
        poll_fn(|context| {
            loop {
                let mut state = self.state();
                let since = clock.now();
                let seconds = state.size.seconds(rows);
                let wait = match state.lanes.start(since, seconds) {
                    Ok(start) => {
                        state.next_id += 1;
                        let id = state.next_id;
                        state.running.push(Running { id, rows, since });
                        return Poll::Ready(Turn {
                            pace: self,
                            clock,
                            id,
                            rows,
                            start: Some(start),
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
        state.running.retain(|running| running.id != self.id);
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
