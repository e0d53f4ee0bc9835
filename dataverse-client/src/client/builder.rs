//! Setting up a client.

use std::fmt;
use std::sync::Arc;

use super::Client;
use super::base::Base;
use super::send::Inner;
use crate::error::{Error, Result};
use crate::http::auth::TokenCache;
use crate::http::auth::challenge::ANSWERS_CHALLENGES;
use crate::http::budget::RetryBudget;
use crate::http::counters::Counting;
use crate::http::limiter::{DEFAULT_MAX, Limiters};
use crate::http::{
    Clock, Credential, ReqwestTransport, RetryPolicy, SystemClock, TokenRequest, Transport,
    TransportError,
};
use crate::odata::CallOptions;

/// Sets up a [`Client`].
pub struct ClientBuilder {
    base: Base,
    credential: Option<Arc<dyn Credential>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    options: CallOptions,
    max_in_flight: u32,
    continuous_access: bool,
}

impl ClientBuilder {
    pub(super) fn new(org: &str) -> Result<Self> {
        Ok(ClientBuilder::of_base(Base::parse(org)?))
    }

    pub(super) fn of_discovery(url: &str) -> Result<Self> {
        Ok(ClientBuilder::of_base(Base::discovery(url)?))
    }

    fn of_base(base: Base) -> Self {
        ClientBuilder {
            base,
            credential: None,
            transport: None,
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::default(),
            options: CallOptions::new(),
            max_in_flight: DEFAULT_MAX,
            continuous_access: false,
        }
    }

    /// Where tokens come from. Every client needs one.
    #[must_use]
    pub fn credential(mut self, credential: impl Credential) -> Self {
        self.credential = Some(Arc::new(credential));
        self
    }

    /// Sends through `transport` instead of the network: the emulator, or a recorder in a test.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Tells the time and waits by `clock`: tests wait no real time.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long and how often requests are repeated.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Requests of one user that are on their way at once at most; 52 unless this says otherwise,
    /// and never none. Within this limit the client finds by itself what the service bears: it
    /// begins with what the service recommends.
    #[must_use]
    pub fn max_in_flight(mut self, requests: u32) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Tells the sign-in that this client answers claims challenges (`xms_cc`: `cp1`), which it does in
    /// any case. Tokens may then last for a day, and the org may refuse one within minutes after the
    /// user was blocked or left the network (continuous access evaluation, for Dataverse a preview).
    /// Credentials of [`auth`](crate::auth) that send a form to Microsoft Entra ID tell it.
    /// Source: Microsoft Learn, "Claims challenges, claims requests, and client capabilities".
    #[must_use]
    pub fn continuous_access(mut self) -> Self {
        self.continuous_access = true;
        self
    }

    /// Options of every call.
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// The client. Sends nothing.
    ///
    /// Errors: no credential was given, or the TLS library cannot be set up.
    pub fn build(self) -> Result<Client> {
        let credential = self.credential.ok_or_else(|| {
            Error::input("a client needs a credential; the emulator takes any `FixedToken`")
        })?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(ReqwestTransport::new().map_err(TransportError::into_error)?),
        };
        let claims = self.continuous_access.then_some(ANSWERS_CHALLENGES);
        let token_request = TokenRequest::new(
            self.base.origin(),
            Arc::clone(&transport),
            Arc::clone(&self.clock),
        );
        Ok(Client {
            inner: Arc::new(Inner {
                base: self.base,
                token_request,
                credential: TokenCache::of(credential).with_claims(claims),
                transport,
                clock: self.clock,
                limiters: Limiters::new(self.max_in_flight),
                budget: RetryBudget::new(self.retry.budget),
                counting: Counting::default(),
                retry: self.retry,
            }),
            options: Arc::new(self.options),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base", &self.base)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
