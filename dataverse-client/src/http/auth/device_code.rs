//! A user who signs in on another device.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oauth2::StandardDeviceAuthorizationResponse;

use super::builders::signs_in_a_user;
use super::entra::for_user;
use super::session::Session;
use super::{AccessToken, Tenant, TokenRequest};
use crate::error::Result;

/// No honest service lets a program wait longer between two questions, or a code last longer.
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);
const LONGEST_CODE: Duration = Duration::from_secs(24 * 3600);

/// What to show the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevicePrompt {
    /// Where to go: `https://microsoft.com/devicelogin`.
    pub verification_uri: String,
    /// What to enter there.
    pub user_code: String,
    /// How long the code lasts.
    pub expires_in: Duration,
}

impl fmt::Display for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DevicePrompt {
            verification_uri,
            user_code,
            ..
        } = self;
        write!(f, "open {verification_uri} and enter the code {user_code}")
    }
}

/// A user who signs in with a code on any device with a browser: for programs without one.
///
/// ```
/// use dataverse_client::auth::DeviceCode;
///
/// let credential = DeviceCode::new("contoso.onmicrosoft.com", "APPLICATION-ID", |prompt| {
///     eprintln!("To sign in, {prompt}.");
/// });
/// ```
///
/// The first request that needs a token waits until the user is done, 15 minutes at most. Later
/// tokens come by the refresh token; give a [`FileStore`](super::FileStore) to keep it between runs.
///
/// Shape: `POST {authority}/{tenant}/oauth2/v2.0/devicecode`, then
/// `grant_type=urn:ietf:params:oauth:grant-type:device_code` every few seconds. Errors:
/// `is_grant_expired` if nobody came in time, `is_sign_in_declined`, `is_interaction_required`:
/// many tenants forbid this way. Source: Microsoft Learn, "OAuth 2.0 device authorization grant".
#[derive(Clone)]
pub struct DeviceCode {
    session: Session,
    show: Arc<dyn Fn(&DevicePrompt) + Send + Sync>,
}

impl DeviceCode {
    /// Signs in to the application `client_id` of `tenant`; `show` tells the user what to do.
    pub fn new(
        tenant: impl Into<Tenant>,
        client_id: impl Into<String>,
        show: impl Fn(&DevicePrompt) + Send + Sync + 'static,
    ) -> Self {
        DeviceCode {
            session: Session::new(tenant.into(), client_id.into()),
            show: Arc::new(show),
        }
    }

    async fn ask(&self, request: &TokenRequest) -> Result<AccessToken> {
        let now = self.session.now();
        let begun = self.session.application.begin(request).await?;
        let mut grant = begun.oauth.exchange_device_code();
        grant = grant.add_scopes(for_user(&request.resource));
        for (name, value) in &begun.fields {
            grant = grant.add_extra_param(*name, value.expose());
        }
        let code: StandardDeviceAuthorizationResponse = grant
            .request_async(&begun.wire)
            .await
            .map_err(|error| begun.wire.who.explain(error))?;
        if code.interval() > LONGEST_INTERVAL || code.expires_in() > LONGEST_CODE {
            let why = "the service wants to be asked less than once in ten minutes";
            return Err(begun.wire.who.failed(why));
        }
        (self.show)(&DevicePrompt {
            verification_uri: code.verification_uri().to_string(),
            user_code: code.user_code().secret().clone(),
            expires_in: code.expires_in(),
        });
        let clock = Arc::clone(&request.clock);
        let mut grant = begun
            .oauth
            .exchange_device_access_token(&code)
            .set_time_fn(move || {
                chrono::DateTime::from(SystemTime::max(clock.now(), SystemTime::UNIX_EPOCH))
            });
        for (name, value) in &begun.fields {
            grant = grant.add_extra_param(*name, value.expose());
        }
        // The code is new: nobody can have finished before the first pause.
        request.clock.sleep(code.interval()).await;
        let answer = grant
            .request_async(&begun.wire, |pause| request.clock.sleep(pause), None)
            .await;
        self.session.keep(begun.tokens(answer)?, now)
    }
}

signs_in_a_user!(DeviceCode);
