//! How many requests of one user are on their way at once, and when none may be. Knows neither
//! time nor tasks: the caller says what time it is, and waits.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName};

/// Requests at once before the service has said what it recommends.
const FIRST_WINDOW: u32 = 16;

/// Requests at once at most, unless the program says otherwise: what the service allows a user by
/// default. Source: Microsoft Learn, "Service protection API limits".
pub(crate) const DEFAULT_MAX: u32 = 52;

/// Answers after which a window that is full grows by one.
const GROWS_AFTER: u32 = 10;

/// No pause is longer: what asks for more is damaged, and would silence a client for ever.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client knows of the service's limits for one user.
///
/// The remaining amounts are the service's own, as its last answer told them, and are for people:
/// each of its web servers counts for itself, so the client does not steer by them.
/// Source: Microsoft Learn, "Service protection API limits", section on headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Requests on their way.
    pub in_flight: u32,
    /// Requests that may be on their way at once.
    pub window: u32,
    /// Calls that wait for a place.
    pub waiting: usize,
    /// How long the service has asked to send nothing.
    pub paused_for: Option<Duration>,
    /// Requests at once that the service recommends: `x-ms-dop-hint`.
    pub recommended: Option<u32>,
    /// Requests left in the service's window of five minutes.
    pub remaining_requests: Option<u32>,
    /// Execution time left in the service's window of five minutes.
    pub remaining_time: Option<Duration>,
}

const RECOMMENDED: HeaderName = HeaderName::from_static("x-ms-dop-hint");
const REMAINING_REQUESTS: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-burst-remaining-xrm-requests");
const REMAINING_TIME: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-time-remaining-xrm-requests");

/// What an answer tells of the limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) recommended: Option<u32>,
    pub(crate) remaining_requests: Option<u32>,
    pub(crate) remaining_time: Option<Duration>,
}

impl Told {
    /// Reads the headers of an answer. Digits may be grouped: `1,200.00`.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let number = |name: HeaderName| -> Option<f64> {
            let text = headers.get(name)?.to_str().ok()?.trim();
            match text.parse::<u32>() {
                Ok(number) => Some(f64::from(number)),
                Err(_) => text.replace(',', "").parse().ok(),
            }
        };
        let count = |name| {
            let number = number(name)?;
            // In range, so nothing is cut off but a fraction.
            (0.0..=f64::from(u32::MAX))
                .contains(&number)
                .then_some(number as u32)
        };
        Told {
            recommended: count(RECOMMENDED),
            remaining_requests: count(REMAINING_REQUESTS),
            remaining_time: number(REMAINING_TIME)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }

    fn is_empty(&self) -> bool {
        self.recommended.is_none()
            && self.remaining_requests.is_none()
            && self.remaining_time.is_none()
    }
}

/// The limiter of one user. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Limiter(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    max: u32,
    window: u32,
    in_flight: u32,
    /// Answers since the window last changed.
    answers: u32,
    /// Counts the times that the window was halved: of a burst, the first refusal halves it.
    halvings: u64,
    pause: Option<Pause>,
    /// By ticket: the oldest call goes first, also when it comes back to be sent again.
    waiting: BTreeMap<u64, Waker>,
    next_ticket: u64,
    told: Told,
}

#[derive(Debug)]
struct Pause {
    from: SystemTime,
    length: Duration,
    /// The body of the refusal, for calls that cannot wait so long.
    refusal: Bytes,
}

/// What is left at `now` of a wait of `length` that began at `from`; None when it is over.
pub(super) fn left(from: &mut SystemTime, length: Duration, now: SystemTime) -> Option<Duration> {
    let passed = now.duration_since(*from).unwrap_or_else(|_| {
        // The clock was set back: what has passed is not known.
        *from = now;
        Duration::ZERO
    });
    length.checked_sub(passed).filter(|left| !left.is_zero())
}

impl Limiter {
    pub(crate) fn new(max: u32) -> Self {
        let max = max.max(1);
        Limiter(Arc::new(Mutex::new(State {
            max,
            window: FIRST_WINDOW.min(max),
            in_flight: 0,
            answers: 0,
            halvings: 0,
            pause: None,
            waiting: BTreeMap::new(),
            next_ticket: 0,
            told: Told::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the line, kept by a call over all its attempts.
    pub(crate) fn ticket(&self) -> u64 {
        let mut state = self.state();
        state.next_ticket += 1;
        state.next_ticket
    }

    /// Resolves when a request may be sent. Dropped before, it leaves the line.
    pub(crate) fn acquire(&self, ticket: u64) -> Acquire<'_> {
        Acquire {
            limiter: self,
            ticket,
            is_waiting: false,
        }
    }

    /// Nothing is sent for `length` from `now` on. A longer pause stands.
    pub(crate) fn pause(&self, now: SystemTime, length: Duration, refusal: Bytes) {
        let length = length.min(LONGEST_PAUSE);
        let mut state = self.state();
        if state.pause_left(now).is_none_or(|left| left < length) {
            state.pause = Some(Pause {
                from: now,
                length,
                refusal,
            });
        }
    }

    /// How long nothing may be sent, and what the service said. The time is asked for only if there
    /// is a pause, which is seldom.
    pub(crate) fn paused(&self, now: impl FnOnce() -> SystemTime) -> Option<(Duration, Bytes)> {
        self.state().pause.as_ref()?;
        // The clock is the program's: it is not asked while others are locked out.
        let now = now();
        let mut state = self.state();
        let left = state.pause_left(now)?;
        let refusal = state.pause.as_ref().map(|pause| pause.refusal.clone());
        Some((left, refusal.unwrap_or_default()))
    }

    pub(crate) fn limits(&self, now: SystemTime) -> Limits {
        let mut state = self.state();
        Limits {
            in_flight: state.in_flight,
            window: state.window,
            waiting: state.waiting.len(),
            paused_for: state.pause_left(now),
            recommended: state.told.recommended,
            remaining_requests: state.told.remaining_requests,
            remaining_time: state.told.remaining_time,
        }
    }

    /// Nobody uses it, and it would know nothing that a new one does not.
    fn is_idle(&self, now: SystemTime) -> bool {
        Arc::strong_count(&self.0) == 1 && self.state().pause_left(now).is_none()
    }
}

impl State {
    fn pause_left(&mut self, now: SystemTime) -> Option<Duration> {
        let pause = self.pause.as_mut()?;
        let left = left(&mut pause.from, pause.length, now);
        if left.is_none() {
            self.pause = None;
        }
        left
    }

    /// Lets the next in line look, if there is a place.
    fn wake_next(&self) {
        if self.in_flight < self.window
            && let Some(waker) = self.waiting.values().next()
        {
            waker.wake_by_ref();
        }
    }
}

/// The wait for a place.
#[derive(Debug)]
pub(crate) struct Acquire<'a> {
    limiter: &'a Limiter,
    ticket: u64,
    is_waiting: bool,
}

impl Future for Acquire<'_> {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        let limiter = self.limiter;
        let mut state = limiter.state();
        let is_first = state
            .waiting
            .first_key_value()
            .is_none_or(|(first, _)| *first >= self.ticket);
        if !is_first || state.in_flight >= state.window {
            state.waiting.insert(self.ticket, context.waker().clone());
            self.is_waiting = true;
            return Poll::Pending;
        }
        if self.is_waiting {
            state.waiting.remove(&self.ticket);
            self.is_waiting = false;
        }
        state.in_flight += 1;
        state.wake_next();
        Poll::Ready(Permit {
            limiter: limiter.clone(),
            halvings: state.halvings,
        })
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        if self.is_waiting {
            let mut state = self.limiter.state();
            state.waiting.remove(&self.ticket);
            // It may have been its turn.
            state.wake_next();
        }
    }
}

/// One request may be on its way; dropped, its place is free.
#[derive(Debug)]
#[must_use = "dropped, the place is free"]
pub(crate) struct Permit {
    limiter: Limiter,
    /// Those before the request was sent.
    halvings: u64,
}

impl Permit {
    /// What an answer told.
    pub(crate) fn note(&self, told: Told) {
        if told.is_empty() {
            return;
        }
        let mut state = self.limiter.state();
        if state.told.recommended.is_none()
            && let Some(recommended) = told.recommended
        {
            // Only to begin with: what the service bears is found by trying.
            state.window = recommended.clamp(1, state.max);
        }
        state.told = Told {
            recommended: told.recommended.or(state.told.recommended),
            remaining_requests: told.remaining_requests.or(state.told.remaining_requests),
            remaining_time: told.remaining_time.or(state.told.remaining_time),
        };
        state.wake_next();
    }

    /// The service took the request. A window that is full grows by one now and then.
    pub(crate) fn taken(&self) {
        let mut state = self.limiter.state();
        if state.in_flight < state.window || state.window >= state.max {
            return;
        }
        state.answers += 1;
        if state.answers >= GROWS_AFTER {
            state.answers = 0;
            state.window += 1;
        }
    }

    /// The service refused the request because too many were on their way: half as many may be.
    pub(crate) fn crowded(&self) {
        let mut state = self.limiter.state();
        if state.halvings == self.halvings {
            state.halvings += 1;
            state.window = (state.window / 2).max(1);
            state.answers = 0;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.wake_next();
    }
}

/// The limiters of a client: one for itself, one for each user it acts for.
#[derive(Debug)]
pub(crate) struct Limiters<K> {
    max: u32,
    own: Limiter,
    others: Mutex<HashMap<K, Limiter>>,
}

/// Users whose limiters are kept although nothing of theirs is on its way.
const KEPT: usize = 1024;

impl<K: Hash + Eq> Limiters<K> {
    pub(crate) fn new(max: u32) -> Self {
        Limiters {
            max,
            own: Limiter::new(max),
            others: Mutex::new(HashMap::new()),
        }
    }

    /// The limiter of a user; of the client itself if there is none.
    pub(crate) fn of(&self, user: Option<K>, now: SystemTime) -> Limiter {
        let Some(user) = user else {
            return self.own.clone();
        };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= KEPT && !others.contains_key(&user) {
            others.retain(|_, limiter| !limiter.is_idle(now));
        }
        let limiter = others.entry(user).or_insert_with(|| Limiter::new(self.max));
        limiter.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(acquire: Pin<&mut Acquire<'_>>, wakes: &Arc<Wakes>) -> Option<Permit> {
        let waker = Waker::from(Arc::clone(wakes));
        match acquire.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    fn take(limiter: &Limiter) -> Option<Permit> {
        let ticket = limiter.ticket();
        poll(pin!(limiter.acquire(ticket)), &Arc::default())
    }

    const T: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        T + Duration::from_secs(seconds)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn places_go_to_the_oldest_call() {
        let limiter = Limiter::new(1);
        let [first, second, third] = [(); 3].map(|()| limiter.ticket());
        let wakes: [Arc<Wakes>; 3] = Default::default();
        let mut one = pin!(limiter.acquire(first));
        let place = poll(one.as_mut(), &wakes[0]).unwrap();
        let mut later = pin!(limiter.acquire(third));
        assert!(poll(later.as_mut(), &wakes[2]).is_none());
        let mut earlier = pin!(limiter.acquire(second));
        assert!(poll(earlier.as_mut(), &wakes[1]).is_none());
        drop(place);
        // Only the oldest is woken, and nobody overtakes it.
        let count = |n: usize| wakes[n].0.load(Ordering::Relaxed);
        assert_eq!((count(1), count(2)), (1, 0));
        assert!(poll(later.as_mut(), &wakes[2]).is_none());
        assert!(take(&limiter).is_none(), "a newcomer stands behind");
        let place = poll(earlier.as_mut(), &wakes[1]).unwrap();
        drop(place);
        assert!(poll(later.as_mut(), &wakes[2]).is_some());
    }

    #[test]
    fn who_leaves_the_line_hands_its_turn_on() {
        let limiter = Limiter::new(1);
        let place = take(&limiter).unwrap();
        let (second, third) = (limiter.ticket(), limiter.ticket());
        let wakes = Arc::new(Wakes::default());
        let mut last = pin!(limiter.acquire(third));
        {
            let mut leaving = pin!(limiter.acquire(second));
            assert!(poll(leaving.as_mut(), &Arc::default()).is_none());
            assert!(poll(last.as_mut(), &wakes).is_none());
            drop(place);
            assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        }
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(poll(last.as_mut(), &wakes).is_some());
        assert_eq!(limiter.limits(T).in_flight, 0);
    }

    #[test]
    fn a_burst_of_refusals_halves_once() {
        let limiter = Limiter::new(52);
        let burst: Vec<_> = (0..16).map(|_| take(&limiter).unwrap()).collect();
        assert!(take(&limiter).is_none());
        for permit in &burst {
            permit.crowded();
        }
        assert_eq!(limiter.limits(T).window, 8);
        drop(burst);
        for window in [4, 2, 1, 1] {
            take(&limiter).unwrap().crowded();
            assert_eq!(limiter.limits(T).window, window);
        }
    }

    #[test]
    fn a_full_window_grows_slowly_up_to_its_limit() {
        let limiter = Limiter::new(3);
        let told = Told {
            recommended: Some(2),
            ..Told::default()
        };
        let permit = take(&limiter).unwrap();
        permit.note(told);
        for _ in 0..100 {
            permit.taken();
        }
        assert_eq!(limiter.limits(T).window, 2, "it was never full");
        let _second = take(&limiter).unwrap();
        for _ in 0..9 {
            permit.taken();
        }
        assert_eq!(limiter.limits(T).window, 2);
        permit.taken();
        assert_eq!(limiter.limits(T).window, 3);
        let _third = take(&limiter).unwrap();
        for _ in 0..100 {
            permit.taken();
        }
        assert_eq!(limiter.limits(T).window, 3);
        // A later recommendation does not move the window.
        permit.note(Told {
            recommended: Some(1),
            ..Told::default()
        });
        let limits = limiter.limits(T);
        assert_eq!((limits.window, limits.recommended), (3, Some(1)));
    }

    #[test]
    fn headers_are_read_whatever_they_hold() {
        let read = |hint: &'static str, requests: &'static str, time: &'static str| {
            let mut headers = HeaderMap::new();
            for (name, text) in [
                ("x-ms-dop-hint", hint),
                ("x-ms-ratelimit-burst-remaining-xrm-requests", requests),
                ("x-ms-ratelimit-time-remaining-xrm-requests", time),
            ] {
                headers.insert(name, http::HeaderValue::from_static(text));
            }
            let told = Told::read(&headers);
            (
                told.recommended,
                told.remaining_requests,
                told.remaining_time,
            )
        };
        assert_eq!(
            read("8", "7999", "1,200.00"),
            (Some(8), Some(7999), Some(seconds(1200)))
        );
        assert_eq!(read("-1", "many", "-3"), (None, None, None));
        assert_eq!(read("1e99", "", "NaN"), (None, None, None));
    }

    #[test]
    fn the_longest_pause_stands() {
        let limiter = Limiter::new(1);
        let pause = |from, length| limiter.pause(at(from), length, Bytes::new());
        pause(0, seconds(10));
        pause(1, seconds(5));
        let unlocked = || {
            assert!(limiter.0.try_lock().is_ok(), "the clock may ask it, too");
            at(4)
        };
        assert_eq!(limiter.paused(unlocked).unwrap().0, seconds(6));
        pause(4, seconds(20));
        assert_eq!(limiter.paused(|| at(4)).unwrap().0, seconds(20));
        assert!(limiter.paused(|| at(24)).is_none());
        pause(30, Duration::MAX);
        assert_eq!(limiter.paused(|| at(30)).unwrap().0, LONGEST_PAUSE);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lengthen_a_pause() {
        let limiter = Limiter::new(1);
        limiter.pause(at(1_000_000), seconds(10), Bytes::new());
        assert_eq!(limiter.paused(|| at(5)).unwrap().0, seconds(10));
        assert!(limiter.paused(|| at(15)).is_none());
    }

    #[test]
    fn users_have_limits_of_their_own() {
        let limiters = Limiters::new(1);
        let own = limiters.of(None, T);
        let _place = take(&own).unwrap();
        let one = limiters.of(Some(1), T);
        one.pause(T, seconds(10), Bytes::new());
        assert!(limiters.of(Some(1), T).paused(|| T).is_some());
        assert!(limiters.of(Some(2), T).paused(|| T).is_none());
        assert!(take(&limiters.of(Some(2), T)).is_some());
        assert!(take(&limiters.of(None, T)).is_none());
        drop(one);
        // Idle ones are forgotten when there are many; a pause is not.
        for user in 3..3000 {
            limiters.of(Some(user), T);
        }
        assert!(limiters.others.lock().unwrap().len() <= KEPT);
        assert!(limiters.of(Some(1), T).paused(|| T).is_some());
    }
}
