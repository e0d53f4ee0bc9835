//! What a client knows of the service's limits, and what it has done.

use super::Client;
use crate::http::{Counters, Limits};

impl Client {
    /// What is known of the service's limits for the user this client acts for. Sends nothing.
    ///
    /// The clones of a client share one window of requests for each user: 16 at first, or what the
    /// service recommends with its first answer; one more after each ten answers while it is full;
    /// half as many when the service says that they were too many at once. When another limit is
    /// hit, all calls of the user wait as long as the service asks, the oldest goes first then.
    ///
    /// ```
    /// # fn f(client: &dataverse_client::Client) {
    /// if let Some(pause) = client.limits().paused_for {
    ///     println!("the service wants to rest for {pause:?}");
    /// }
    /// # }
    /// ```
    ///
    /// Source: Microsoft Learn, "Service protection API limits".
    pub fn limits(&self) -> Limits {
        let now = self.inner.clock.now();
        self.inner.limiters.of(self.options.user(), now).limits(now)
    }

    /// What this client and its clones have done so far, in numbers.
    pub fn counters(&self) -> Counters {
        self.inner.counting.now()
    }

    /// Tokens that are left for repeats; see [`RetryPolicy`](crate::http::RetryPolicy).
    pub fn retry_budget(&self) -> u32 {
        self.inner.budget.left()
    }
}
