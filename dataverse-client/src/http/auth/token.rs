//! A token, and what is asked for one.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Secret;
use crate::http::{Clock, Transport};

/// No token lasts longer; a number that the service does not mean must not overflow a time.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a token is for, and what it can be had with.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The org: `https://contoso.crm4.dynamics.com`.
    pub resource: String,
    /// What the token must say of the user, as JSON: the service refused one that does not
    /// (conditional access). A token that was kept will not do.
    pub claims: Option<String>,
    /// Sends requests to where tokens come from: the client's own transport.
    pub transport: Arc<dyn Transport>,
    /// Tells the time: the client's own clock.
    pub clock: Arc<dyn Clock>,
}

impl TokenRequest {
    /// Asks for a token for the org at `resource`.
    pub fn new(
        resource: impl Into<String>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        TokenRequest {
            resource: resource.into(),
            claims: None,
            transport,
            clock,
        }
    }

    /// The same, with what the token must say.
    #[must_use]
    pub fn with_claims(mut self, claims: Option<String>) -> Self {
        self.claims = claims;
        self
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("resource", &self.resource)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// A token, and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token itself.
    pub secret: Secret,
    /// When the service will no longer take it. None if that is not known: it is not kept then,
    /// and the credential is asked before every attempt.
    pub expires_at: Option<SystemTime>,
    /// When it should be replaced; None for five minutes before its end.
    pub refresh_at: Option<SystemTime>,
}

impl AccessToken {
    /// A token whose end is not known.
    pub fn new(secret: Secret) -> Self {
        AccessToken {
            secret,
            expires_at: None,
            refresh_at: None,
        }
    }

    /// The same, with its end.
    #[must_use]
    pub fn until(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// The same, for so long from `now`.
    #[must_use]
    pub(crate) fn lasting(self, now: SystemTime, life: Duration) -> Self {
        match now.checked_add(life.min(LONGEST_LIFE)) {
            Some(expires_at) => self.until(expires_at),
            None => self,
        }
    }

    /// The same, to be replaced so long after `now`.
    #[must_use]
    pub(crate) fn refreshed(mut self, now: SystemTime, after: Option<Duration>) -> Self {
        self.refresh_at = after.and_then(|after| now.checked_add(after.min(LONGEST_LIFE)));
        self
    }
}
