//! A clock that a test moves by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use dataverse_client::http::Clock;

/// Waits end when the test has moved the time far enough. Clones share one time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: SystemTime,
    next: u64,
    waiting: Vec<(u64, SystemTime, Option<Waker>)>,
}

impl ManualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        ManualClock(Arc::new(Mutex::new(State {
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600),
            next: 0,
            waiting: Vec::new(),
        })))
    }

    /// Moves the time on, and wakes those who waited for it.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.now += duration;
        let now = state.now;
        for (_, until, waker) in &mut state.waiting {
            if *until <= now
                && let Some(waker) = waker.take()
            {
                waker.wake();
            }
        }
    }

    /// Moves the time on to where the next wait ends; false if nobody waits for anything.
    pub fn advance_to_next(&self) -> bool {
        let next = {
            let state = self.state();
            let next = state.waiting.iter().map(|(_, until, _)| *until);
            // A wait that is over may still be held.
            let next = next.filter(|until| *until > state.now).min();
            next.map(|next| next.duration_since(state.now).unwrap_or_default())
        };
        if let Some(next) = next {
            self.advance(next);
        }
        next.is_some()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut state = self.state();
        state.next += 1;
        let (id, until) = (state.next, state.now + duration);
        state.waiting.push((id, until, None));
        Box::pin(Sleep {
            clock: self.clone(),
            id,
        })
    }
}

struct Sleep {
    clock: ManualClock,
    id: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        let now = state.now;
        for (id, until, waker) in &mut state.waiting {
            if *id == self.id && *until > now {
                *waker = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.state().waiting.retain(|(id, ..)| *id != self.id);
    }
}
