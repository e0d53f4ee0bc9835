//! Whether to send again, and when. Pure: the attempt and the sleep are the caller's.

use std::time::Duration;

use http::StatusCode;

/// How long and how often a request is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is sent at most.
    pub max_attempts: u32,
    /// No wait may end later than this after the first attempt.
    pub time_limit: Duration,
    /// Longest first wait when the service names none; doubles with each attempt.
    pub base_delay: Duration,
    /// Longest wait when the service names none.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    /// At most 10 attempts within 5 minutes; waits of up to 0.5 s at first, up to 30 s at last.
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 10,
            time_limit: Duration::from_secs(300),
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
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
}

/// What is known of an attempt that brought no final answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Certainly not executed: no connection, or throttled.
    Refused { retry_after: Option<Duration> },
    /// Possibly executed: the answer got lost, or a gateway answered.
    Doubt { retry_after: Option<Duration> },
}

impl Failure {
    /// What a status says; None if the answer is final.
    pub(crate) fn of_status(status: StatusCode, retry_after: Option<Duration>) -> Option<Self> {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Some(Failure::Refused { retry_after }),
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Some(Failure::Doubt { retry_after }),
            _ => None,
        }
    }

    pub(crate) fn is_doubt(self) -> bool {
        matches!(self, Failure::Doubt { .. })
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Attempts so far.
    pub(crate) attempts: u32,
    /// Time since the first began.
    pub(crate) elapsed: Duration,
    /// The operation may be repeated although it may have been executed.
    pub(crate) repeats_in_doubt: bool,
    /// Chance, from 0 to 1.
    pub(crate) jitter: f64,
}

/// How long to wait before the next attempt; None to give up.
///
/// A wait that the service names is kept exactly: more requests within it lengthen it. Otherwise
/// a random part of a doubling delay, so that clients do not come back all at once.
pub(crate) fn decide(
    policy: &RetryPolicy,
    failure: Failure,
    progress: Progress,
) -> Option<Duration> {
    if progress.attempts >= policy.max_attempts {
        return None;
    }
    let (Failure::Refused { retry_after } | Failure::Doubt { retry_after }) = failure;
    if failure.is_doubt() && !progress.repeats_in_doubt {
        return None;
    }
    let wait = retry_after.unwrap_or_else(|| {
        let doubled = 2u32.saturating_pow(progress.attempts.saturating_sub(1));
        policy
            .base_delay
            .saturating_mul(doubled)
            .min(policy.max_delay)
            .mul_f64(progress.jitter.clamp(0.0, 1.0))
    });
    (progress.elapsed.saturating_add(wait) <= policy.time_limit).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(attempts: u32, elapsed_seconds: u64) -> Progress {
        Progress {
            attempts,
            elapsed: Duration::from_secs(elapsed_seconds),
            repeats_in_doubt: false,
            jitter: 1.0,
        }
    }

    fn refused(seconds: Option<u64>) -> Failure {
        Failure::Refused {
            retry_after: seconds.map(Duration::from_secs),
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
        let doubt = Failure::of_status(StatusCode::SERVICE_UNAVAILABLE, None).unwrap();
        assert_eq!(decide(&policy, doubt, progress(1, 0)), None);
        let safe = Progress {
            repeats_in_doubt: true,
            ..progress(1, 0)
        };
        assert!(decide(&policy, doubt, safe).is_some());
    }

    #[test]
    fn final_answers_are_not_repeated() {
        for status in [200, 204, 400, 401, 403, 404, 412, 500, 501] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Failure::of_status(status, None), None);
        }
    }
}
