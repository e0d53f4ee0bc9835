//! Service protection limits: how much one user may ask for in a window of time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{HeaderName, RETRY_AFTER};

use crate::fault::Fault;
use crate::message::Answer;

const REQUESTS_LEFT: HeaderName =
    HeaderName::from_static("x-ms-ratelimit-burst-remaining-xrm-requests");
const TIME_LEFT: HeaderName = HeaderName::from_static("x-ms-ratelimit-time-remaining-xrm-requests");
const PARALLELISM: HeaderName = HeaderName::from_static("x-ms-dop-hint");

/// How much one user may ask for: three limits over a sliding window.
///
/// A request over a limit is refused with 429, one of three codes and `Retry-After`, and counts
/// itself: asking again before the time is over lengthens the wait. A `$batch` is one request.
///
/// ```
/// # fn f(document: Vec<u8>) -> Result<(), dataverse_emulator::BuildError> {
/// use dataverse_emulator::{Emulator, ProtectionLimits};
///
/// let emulator = Emulator::builder()
///     .metadata(document)
///     .protection_limits(ProtectionLimits::default().requests(100))
///     .build()?;
/// # Ok(()) }
/// ```
///
/// Source: Microsoft Learn, "Service protection API limits".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionLimits {
    requests: usize,
    execution_time: Duration,
    concurrent: usize,
    window: Duration,
    parallelism: usize,
    time_of_request: Option<Duration>,
    retry_after: Option<Duration>,
}

impl Default for ProtectionLimits {
    /// 6,000 requests, 20 minutes of execution in 5 minutes, 52 requests at a time.
    fn default() -> Self {
        ProtectionLimits {
            requests: 6_000,
            execution_time: Duration::from_secs(1_200),
            concurrent: 52,
            window: Duration::from_secs(300),
            parallelism: 4,
            time_of_request: None,
            retry_after: None,
        }
    }
}

impl ProtectionLimits {
    /// Requests in a window.
    #[must_use]
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    /// Time that the requests of a window take together.
    #[must_use]
    pub fn execution_time(mut self, time: Duration) -> Self {
        self.execution_time = time;
        self
    }

    /// Requests at a time.
    #[must_use]
    pub fn concurrent(mut self, requests: usize) -> Self {
        self.concurrent = requests;
        self
    }

    /// The window.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The degree of parallelism that `x-ms-dop-hint` recommends.
    #[must_use]
    pub fn parallelism(mut self, requests: usize) -> Self {
        self.parallelism = requests;
        self
    }

    /// What each request is taken to last; without it, what the emulator's clock says.
    #[must_use]
    pub fn time_of_request(mut self, time: Duration) -> Self {
        self.time_of_request = Some(time);
        self
    }

    /// What `Retry-After` tells, in whole seconds, one at least; without it, how long until a request
    /// is let in again. What is let in does not depend on it.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }
}

/// What each user has asked for.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: ProtectionLimits,
    users: HashMap<String, Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// When requests began, and how long they took.
    done: VecDeque<(SystemTime, Duration)>,
    running: usize,
}

impl Ledger {
    fn forget(&mut self, now: SystemTime, window: Duration) {
        let is_over = |began: SystemTime| {
            now.duration_since(began)
                .is_ok_and(|passed| passed >= window)
        };
        while self.done.front().is_some_and(|(began, _)| is_over(*began)) {
            self.done.pop_front();
        }
    }

    fn time(&self) -> Duration {
        self.done.iter().map(|(_, took)| *took).sum()
    }
}

impl Gate {
    pub(crate) fn new(limits: ProtectionLimits) -> Self {
        Gate {
            limits,
            users: HashMap::new(),
        }
    }

    /// Lets a request in, or says why not.
    pub(crate) fn enter(&mut self, user: &str, now: SystemTime) -> Result<(), Box<Answer>> {
        let limits = &self.limits;
        let ledger = self.users.entry(user.to_owned()).or_default();
        ledger.forget(now, limits.window);
        let window = limits.window.as_secs();
        let refusal = if ledger.running >= limits.concurrent {
            Some((
                "0x80072326",
                format!(
                    "Number of concurrent requests exceeded the limit of {}.",
                    limits.concurrent
                ),
            ))
        } else if ledger.done.len() + ledger.running >= limits.requests {
            Some((
                "0x80072322",
                format!(
                    "Number of requests exceeded the limit of {} over time window of {window} \
                     seconds.",
                    limits.requests
                ),
            ))
        } else if ledger.time() >= limits.execution_time {
            Some((
                "0x80072321",
                format!(
                    "Combined execution time of incoming requests exceeded limit of {} \
                     milliseconds over time window of {window} seconds. Decrease number of \
                     concurrent requests or reduce the duration of requests and try again later.",
                    grouped(limits.execution_time.as_millis())
                ),
            ))
        } else {
            None
        };
        let Some((code, message)) = refusal else {
            ledger.running += 1;
            return Ok(());
        };
        ledger.done.push_back((now, Duration::ZERO));
        let wait = limits
            .retry_after
            .unwrap_or_else(|| wait(limits, ledger, now));
        let fault = Fault::new(StatusCode::TOO_MANY_REQUESTS, code, message);
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        let answer = Answer::from(fault).with(RETRY_AFTER, &seconds.max(1).to_string());
        Err(Box::new(self.mark(user, answer)))
    }

    /// Notes that a request is done, and tells what is left.
    pub(crate) fn leave(
        &mut self,
        user: &str,
        began: SystemTime,
        now: SystemTime,
        answer: Answer,
    ) -> Answer {
        if let Some(ledger) = self.users.get_mut(user) {
            ledger.running = ledger.running.saturating_sub(1);
            let took = now.duration_since(began).unwrap_or_default();
            let took = self.limits.time_of_request.unwrap_or(took);
            // Requests that began earlier may end later.
            let place = ledger.done.partition_point(|(other, _)| *other <= began);
            ledger.done.insert(place, (began, took));
        }
        self.mark(user, answer)
    }

    fn mark(&self, user: &str, answer: Answer) -> Answer {
        let limits = &self.limits;
        let (count, time) = match self.users.get(user) {
            Some(ledger) => (ledger.done.len() + ledger.running, ledger.time()),
            None => (0, Duration::ZERO),
        };
        let time = limits.execution_time.saturating_sub(time);
        let hundredths = time.subsec_millis() / 10;
        let time = format!("{}.{hundredths:02}", grouped(time.as_secs().into()));
        answer
            .with(
                REQUESTS_LEFT,
                &limits.requests.saturating_sub(count).to_string(),
            )
            .with(TIME_LEFT, &time)
            .with(PARALLELISM, &limits.parallelism.to_string())
    }
}

/// How long until a request is let in, if none is asked meanwhile.
fn wait(limits: &ProtectionLimits, ledger: &Ledger, now: SystemTime) -> Duration {
    let mut count = ledger.done.len() + ledger.running;
    let mut time = ledger.time();
    for (began, took) in &ledger.done {
        if count < limits.requests && time < limits.execution_time {
            break;
        }
        count -= 1;
        time -= *took;
        if count < limits.requests && time < limits.execution_time {
            // A window may end after all times that there are.
            return began
                .checked_add(limits.window)
                .map_or(limits.window, |until| {
                    until.duration_since(now).unwrap_or_default()
                });
        }
    }
    // Only a place among those that run at a time is missing.
    Duration::ZERO
}

/// `1,200,000`.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_at_a_time_are_limited_and_let_in_again() {
        let mut gate = Gate::new(ProtectionLimits::default().concurrent(2));
        let now = SystemTime::UNIX_EPOCH;
        assert!(gate.enter("a", now).is_ok());
        assert!(gate.enter("a", now).is_ok());
        assert!(gate.enter("b", now).is_ok());
        let refused = gate.enter("a", now).err().map(|answer| *answer);
        let refused = refused.map(|answer| {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            (
                answer.status.as_u16(),
                body.contains("0x80072326"),
                answer.headers,
            )
        });
        let Some((429, true, headers)) = refused else {
            panic!("the third request was let in");
        };
        assert_eq!(headers[RETRY_AFTER], "1");
        gate.leave("a", now, now, Answer::no_content());
        assert!(gate.enter("a", now).is_ok());
    }

    #[test]
    fn the_wait_that_is_told_can_be_set() {
        for (told, expected) in [(7_000, "7"), (1_500, "2"), (0, "1")] {
            let limits = ProtectionLimits::default()
                .requests(1)
                .retry_after(Duration::from_millis(told));
            let mut gate = Gate::new(limits);
            let now = SystemTime::UNIX_EPOCH;
            assert!(gate.enter("a", now).is_ok());
            gate.leave("a", now, now, Answer::no_content());
            let refused = gate.enter("a", now).err().map(|answer| answer.headers);
            let refused = refused.as_ref().map(|headers| &headers[RETRY_AFTER]);
            assert_eq!(refused.and_then(|told| told.to_str().ok()), Some(expected));
            // The window is as long as before.
            let later = now + Duration::from_secs(300);
            assert!(gate.enter("a", later).is_ok());
        }
    }

    #[test]
    fn a_window_may_last_for_ever() {
        let limits = ProtectionLimits::default()
            .requests(1)
            .window(Duration::MAX);
        let mut gate = Gate::new(limits);
        let now = SystemTime::UNIX_EPOCH;
        assert!(gate.enter("a", now).is_ok());
        gate.leave("a", now, now, Answer::no_content());
        let refused = gate.enter("a", now).err();
        assert_eq!(refused.map(|answer| answer.status.as_u16()), Some(429));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(1_200_000), "1,200,000");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
    }
}
