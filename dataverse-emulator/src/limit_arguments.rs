//! Service protection limits on the command line of `dataverse-emulator`.

use std::time::Duration;

use clap::Args;
use dataverse_emulator::ProtectionLimits;

/// Limits of how much one user may ask for. One that is told switches all of them on; the others are
/// as the service documents them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service protection limits")]
pub(crate) struct LimitArguments {
    /// Applies the service protection limits: 6,000 requests and 20 minutes of execution in 5
    /// minutes, 52 requests at a time, for each user. Each of the options below does that, too.
    #[arg(long)]
    protection_limits: bool,

    /// How many requests a user may send within the window, instead of 6,000. One more is answered
    /// with 429 and 0x80072322.
    #[arg(long, value_name = "REQUESTS")]
    limit_requests: Option<usize>,

    /// How many seconds the requests of a user may take together within the window, instead of 1,200.
    /// The next is answered with 429 and 0x80072321.
    #[arg(long, value_name = "SECONDS")]
    limit_execution_time: Option<u64>,

    /// How many milliseconds each request is taken to last; without it, as long as it lasts.
    #[arg(long, value_name = "MILLISECONDS")]
    time_of_request: Option<u64>,

    /// How many requests of a user may run at a time, instead of 52. One more is answered with 429
    /// and 0x80072326.
    #[arg(long, value_name = "REQUESTS")]
    limit_concurrency: Option<usize>,

    /// How long the window is, in seconds, instead of 300.
    #[arg(long, value_name = "SECONDS")]
    limit_window: Option<u64>,

    /// What `Retry-After` tells, in seconds; without it, how long until a request is let in again.
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,
}

impl LimitArguments {
    /// The limits; None if there shall be none.
    pub(crate) fn limits(&self) -> Option<ProtectionLimits> {
        let mut limits = ProtectionLimits::default();
        if let Some(requests) = self.limit_requests {
            limits = limits.requests(requests);
        }
        if let Some(seconds) = self.limit_execution_time {
            limits = limits.execution_time(Duration::from_secs(seconds));
        }
        if let Some(milliseconds) = self.time_of_request {
            limits = limits.time_of_request(Duration::from_millis(milliseconds));
        }
        if let Some(requests) = self.limit_concurrency {
            limits = limits.concurrent(requests);
        }
        if let Some(seconds) = self.limit_window {
            limits = limits.window(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.retry_after {
            limits = limits.retry_after(Duration::from_secs(seconds));
        }
        (self.protection_limits || self.any()).then_some(limits)
    }

    fn any(&self) -> bool {
        self.limit_requests.is_some()
            || self.limit_execution_time.is_some()
            || self.time_of_request.is_some()
            || self.limit_concurrency.is_some()
            || self.limit_window.is_some()
            || self.retry_after.is_some()
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        limits: LimitArguments,
    }

    fn limits(arguments: &[&str]) -> Option<ProtectionLimits> {
        let all = ["dataverse-emulator"].iter().chain(arguments);
        Program::try_parse_from(all).ok()?.limits.limits()
    }

    #[test]
    fn each_limit_is_told_on_its_own() {
        let usual = ProtectionLimits::default;
        let seconds = Duration::from_secs;
        assert_eq!(limits(&[]), None);
        assert_eq!(limits(&["--protection-limits"]), Some(usual()));
        for (arguments, expected) in [
            (["--limit-requests", "10"], usual().requests(10)),
            (
                ["--limit-execution-time", "60"],
                usual().execution_time(seconds(60)),
            ),
            (
                ["--time-of-request", "250"],
                usual().time_of_request(Duration::from_millis(250)),
            ),
            (["--limit-concurrency", "2"], usual().concurrent(2)),
            (["--limit-window", "30"], usual().window(seconds(30))),
            (["--retry-after", "5"], usual().retry_after(seconds(5))),
        ] {
            assert_eq!(limits(&arguments), Some(expected), "{arguments:?}");
        }
        assert_eq!(limits(&["--limit-requests", "many"]), None);
    }

    #[test]
    fn the_help_says_what_each_limit_is() {
        let help = Program::command().render_long_help().to_string();
        for text in ["6,000", "1,200", "52", "300", "0x80072322", "Retry-After"] {
            assert!(help.contains(text), "{text}: {help}");
        }
    }
}
