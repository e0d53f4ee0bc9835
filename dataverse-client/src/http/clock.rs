//! Time, injected: the only file that asks the machine for it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

/// Tells the time and waits.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> SystemTime;

    /// Resolves when `duration` has passed.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Resolves when `duration` has passed while something else is waited for, which is given up
    /// then. A [`sleep`](Clock::sleep), unless waits of the clock take no time.
    fn alarm(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.sleep(duration)
    }
}

/// None if `limit` passes first; the future is dropped then.
pub(crate) async fn within<F: Future>(
    clock: &dyn Clock,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut alarm = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        // An answer that is there at once needs no timer.
        let alarm = alarm.get_or_insert_with(|| clock.alarm(limit));
        alarm.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// The machine's clock; waits on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this file is where the machine is asked"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "this file is where the machine is asked"
    )]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock for tests: a wait is over at once, moves the time on and is remembered. No time passes
/// while an answer is waited for, so an alarm never rings.
///
/// Clones share one time.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: SystemTime,
    sleeps: Vec<Duration>,
}

impl VirtualClock {
    /// A clock that stands at `now`.
    pub fn new(now: SystemTime) -> Self {
        VirtualClock {
            state: Arc::new(Mutex::new(State {
                now,
                sleeps: Vec::new(),
            })),
        }
    }

    /// Moves the time on.
    pub fn advance(&self, duration: Duration) {
        self.lock().now += duration;
    }

    /// How long each wait was, oldest first.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.lock().sleeps.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for VirtualClock {
    /// Stands at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        VirtualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut state = self.lock();
        state.now += duration;
        state.sleeps.push(duration);
        Box::pin(std::future::ready(()))
    }

    fn alarm(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}
