//! Whether to send again, and when. Pure: the attempt and the sleep are the caller's.

use std::time::Duration;

use http::StatusCode;

use super::budget::DEFAULT_BUDGET;
use crate::error::ServiceError;

/// How long and how often a request is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is sent at most.
    pub max_attempts: u32,
    /// No wait may end later than this after the call began, unless the call has a
    /// [deadline](crate::CallOptions::deadline) of its own.
    pub time_limit: Duration,
    /// How long one attempt may take, its whole answer included.
    pub attempt_timeout: Duration,
    /// Longest first wait when the service names none; doubles with each attempt.
    pub base_delay: Duration,
    /// Longest wait when the service names none.
    pub max_delay: Duration,
    /// Tokens for repeats, shared by the clones of a client: a repeat takes 5 if the service
    /// throttled and 14 otherwise, which come back when the call succeeds after all; a success at
    /// the first attempt adds one. Without tokens nothing is repeated.
    pub budget: u32,
    /// When too many requests were on their way at once, waits as long as the service says. Its
    /// minutes are meant for the other limits: this one is free again when fewer are sent, which
    /// the client does by itself.
    pub obeys_concurrency_wait: bool,
}

impl Default for RetryPolicy {
    /// At most 10 attempts of 4 minutes (a load balancer of the service gives up then) within 5
    /// minutes; waits of up to 0.5 s at first, up to 30 s at last; 500 tokens.
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 10,
            time_limit: Duration::from_secs(300),
            attempt_timeout: Duration::from_secs(240),
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            budget: DEFAULT_BUDGET,
            obeys_concurrency_wait: false,
        }
    }
}

impl RetryPolicy {
    /// Nothing is repeated.
    pub fn never() -> Self {
        RetryPolicy {
            max_attempts: 1,
            ..RetryPolicy::default()
        }
    }

    /// A random part of a delay that doubles with each attempt, so that clients do not come back
    /// all at once. `jitter` is from 0 to 1.
    pub(crate) fn delay(&self, attempts: u32, jitter: f64) -> Duration {
        let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
        self.base_delay
            .saturating_mul(doubled)
            .min(self.max_delay)
            .mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// What is known of an attempt that brought no final answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Certainly not executed: the service refused it.
    Throttled {
        retry_after: Option<Duration>,
        /// Because too many were on their way at once.
        is_concurrency: bool,
    },
    /// Certainly not executed: no connection.
    NotSent,
    /// Possibly executed: the answer got lost, or a gateway answered.
    Doubt { retry_after: Option<Duration> },
    /// The service failed.
    Failed {
        /// It says so itself, and has undone what it began.
        is_undone: bool,
    },
}

/// Too many requests at once.
const CONCURRENCY: u32 = 0x8007_2326;

/// What a 500 says that a repeat may cure: nothing, UnExpected, SqlError, SqlTimeout.
const FAILURES: [Option<u32>; 4] = [
    None,
    Some(0x8004_0216),
    Some(0x8004_4150),
    Some(0x8004_4151),
];

impl Failure {
    /// What an answer says; None if it is final.
    pub(crate) fn of_answer(
        status: StatusCode,
        error: impl FnOnce() -> ServiceError,
        retry_after: Option<Duration>,
    ) -> Option<Self> {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Some(Failure::Throttled {
                retry_after,
                is_concurrency: error().code() == Some(CONCURRENCY),
            }),
            StatusCode::INTERNAL_SERVER_ERROR => {
                let error = error();
                let is_undone = error.is_of_service();
                let may_help = FAILURES.contains(&error.code());
                may_help.then_some(Failure::Failed { is_undone })
            }
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => None,
            StatusCode::REQUEST_TIMEOUT => Some(Failure::Doubt { retry_after }),
            // Gateways have numbers of their own.
            status if status.is_server_error() || status.as_u16() >= 600 => {
                Some(Failure::Doubt { retry_after })
            }
            _ => None,
        }
    }

    /// It may have been executed.
    pub(crate) fn is_doubt(self) -> bool {
        matches!(
            self,
            Failure::Doubt { .. } | Failure::Failed { is_undone: false }
        )
    }

    /// A limit of the server that answered, which another server may not have reached.
    pub(crate) fn is_of_one_server(self, policy: &RetryPolicy) -> bool {
        match self {
            Failure::Throttled { is_concurrency, .. } => {
                !is_concurrency || policy.obeys_concurrency_wait
            }
            Failure::NotSent | Failure::Doubt { .. } | Failure::Failed { .. } => false,
        }
    }

    /// For how long all calls of the user are to wait, if the service said so.
    pub(crate) fn shared_pause(self, policy: &RetryPolicy) -> Option<Duration> {
        match self {
            Failure::Throttled {
                retry_after,
                is_concurrency,
            } if !is_concurrency || policy.obeys_concurrency_wait => retry_after,
            _ => None,
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Attempts so far.
    pub(crate) attempts: u32,
    /// Time since the call began.
    pub(crate) elapsed: Duration,
    /// No wait may end later than this after the call began.
    pub(crate) time_limit: Duration,
    /// The operation may be repeated although it may have been executed.
    pub(crate) repeats_in_doubt: bool,
    /// A second execution changes nothing.
    pub(crate) is_safe: bool,
    /// Chance, from 0 to 1.
    pub(crate) jitter: f64,
}

/// How long to wait before the next attempt; None to give up.
///
/// A wait that the service names is kept exactly: more requests within it lengthen it.
pub(crate) fn decide(
    policy: &RetryPolicy,
    failure: Failure,
    progress: Progress,
) -> Option<Duration> {
    if progress.attempts >= policy.max_attempts {
        return None;
    }
    let delay = policy.delay(progress.attempts, progress.jitter);
    let wait = match failure {
        Failure::NotSent => delay,
        // The client sends fewer at once from now on, so it need not wait for long.
        Failure::Throttled {
            retry_after,
            is_concurrency: true,
        } if !policy.obeys_concurrency_wait => retry_after.map_or(delay, |told| told.min(delay)),
        Failure::Throttled { retry_after, .. } => retry_after.unwrap_or(delay),
        Failure::Doubt { retry_after } if progress.repeats_in_doubt => retry_after.unwrap_or(delay),
        // What failed twice fails again.
        Failure::Failed { .. } if progress.is_safe && progress.attempts == 1 => delay,
        Failure::Doubt { .. } | Failure::Failed { .. } => return None,
    };
    (progress.elapsed.saturating_add(wait) <= progress.time_limit).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: Option<u32>) -> ServiceError {
        let code = code.map_or_else(String::new, |code| format!("{code:#x}"));
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        ServiceError::read(body.as_bytes())
    }

    fn progress(attempts: u32, elapsed_seconds: u64) -> Progress {
        Progress {
            attempts,
            elapsed: Duration::from_secs(elapsed_seconds),
            time_limit: RetryPolicy::default().time_limit,
            repeats_in_doubt: false,
            is_safe: false,
            jitter: 1.0,
        }
    }

    fn refused(seconds: Option<u64>) -> Failure {
        Failure::Throttled {
            retry_after: seconds.map(Duration::from_secs),
            is_concurrency: false,
        }
    }

    #[test]
    fn the_service_s_wait_is_kept_exactly() {
        let policy = RetryPolicy::default();
        let wait = |seconds| decide(&policy, refused(Some(seconds)), progress(1, 0));
        assert_eq!(wait(0), Some(Duration::ZERO));
        assert_eq!(wait(299), Some(Duration::from_secs(299)));
        assert_eq!(wait(301), None, "longer than the time limit");
        assert_eq!(decide(&policy, refused(Some(100)), progress(2, 201)), None);
    }

    #[test]
    fn without_one_the_delay_doubles_up_to_its_limit() {
        let policy = RetryPolicy::default();
        let wait = |attempts| decide(&policy, refused(None), progress(attempts, 0));
        assert_eq!(wait(1), Some(Duration::from_millis(500)));
        assert_eq!(wait(3), Some(Duration::from_secs(2)));
        assert_eq!(wait(9), Some(Duration::from_secs(30)));
        assert_eq!(wait(10), None, "attempts are used up");
        let half = Progress {
            jitter: 0.5,
            ..progress(3, 0)
        };
        assert_eq!(
            decide(&policy, refused(None), half),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn doubt_is_repeated_only_where_that_is_harmless() {
        let policy = RetryPolicy::default();
        let doubt =
            Failure::of_answer(StatusCode::SERVICE_UNAVAILABLE, || said(None), None).unwrap();
        assert_eq!(decide(&policy, doubt, progress(1, 0)), None);
        let safe = Progress {
            repeats_in_doubt: true,
            ..progress(1, 0)
        };
        assert!(decide(&policy, doubt, safe).is_some());
    }

    #[test]
    fn final_answers_are_not_repeated() {
        for status in [200, 204, 400, 401, 403, 404, 412, 501] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Failure::of_answer(status, || said(None), None), None);
        }
        let failed = |code| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Failure::of_answer(status, || said(code), None)
        };
        // A plug-in, duplicate detection.
        for code in [0x8004_0265, 0x8004_0333] {
            assert_eq!(failed(Some(code)), None);
        }
        for code in FAILURES {
            assert_eq!(failed(code), Some(Failure::Failed { is_undone: true }));
        }
    }

    #[test]
    fn a_failure_of_the_service_is_repeated_once_and_only_where_it_is_harmless() {
        let policy = RetryPolicy::default();
        let wait = |attempts, is_safe| {
            let progress = Progress {
                repeats_in_doubt: true,
                is_safe,
                ..progress(attempts, 0)
            };
            decide(&policy, Failure::Failed { is_undone: true }, progress)
        };
        assert_eq!(wait(1, true), Some(Duration::from_millis(500)));
        assert_eq!(wait(1, false), None);
        assert_eq!(wait(2, true), None);
    }

    #[test]
    fn too_many_at_once_wait_shortly_unless_they_are_to_obey() {
        let crowded = Failure::Throttled {
            retry_after: Some(Duration::from_secs(400)),
            is_concurrency: true,
        };
        let mut policy = RetryPolicy::default();
        let wait = decide(&policy, crowded, progress(1, 0));
        assert_eq!(wait, Some(Duration::from_millis(500)));
        assert_eq!(crowded.shared_pause(&policy), None);
        policy.obeys_concurrency_wait = true;
        assert_eq!(decide(&policy, crowded, progress(1, 0)), None);
        let long = Progress {
            time_limit: Duration::from_secs(401),
            ..progress(1, 0)
        };
        let told = Some(Duration::from_secs(400));
        assert_eq!(decide(&policy, crowded, long), told);
        assert_eq!(crowded.shared_pause(&policy), told);
    }
}
