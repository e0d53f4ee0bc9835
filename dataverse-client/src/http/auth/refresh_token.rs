//! A user who signed in before.

use std::sync::Arc;

use async_trait::async_trait;

use super::session::Session;
use super::{AccessToken, Credential, Tenant, TokenRequest, TokenStore};
use crate::error::{Error, Result};

/// A user who signed in before, by the refresh token that was kept. Never asks anybody.
///
/// ```
/// use dataverse_client::auth::{FileStore, RefreshToken};
///
/// # fn f(path: &std::path::Path) {
/// let credential = RefreshToken::new("contoso.onmicrosoft.com", "APPLICATION-ID", FileStore::new(path));
/// # }
/// ```
///
/// The service gives a new refresh token with every exchange: it is kept before the access token is
/// used. Tokens of public applications last 90 days after their last use.
///
/// Shape: `grant_type=refresh_token`, `scope={org}/user_impersonation offline_access`. Errors:
/// `is_grant_expired` if the user must sign in once more, `is_interaction_required`, `is_io` if the
/// store fails. Source: Microsoft Learn, "OAuth 2.0 authorization code flow".
#[derive(Debug, Clone)]
pub struct RefreshToken(Session);

impl RefreshToken {
    /// The user whose refresh token is in `store`, given to the application `client_id`.
    pub fn new(
        tenant: impl Into<Tenant>,
        client_id: impl Into<String>,
        store: impl TokenStore,
    ) -> Self {
        let mut session = Session::new(tenant.into(), client_id.into());
        session.store = Arc::new(store);
        RefreshToken(session)
    }

    /// Signs in at `url` instead of at the org's cloud.
    #[must_use]
    pub fn authority(mut self, url: impl Into<String>) -> Self {
        self.0.application.authority = Some(url.into());
        self
    }
}

#[async_trait]
impl Credential for RefreshToken {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let token = self.0.refresh(request).await?;
        token.ok_or_else(|| {
            Error::sign_in(
                crate::error::SignIn::GrantExpired,
                "no refresh token is kept; sign in by a browser or a device code first",
            )
        })
    }

    async fn sign_out(&self) -> Result<()> {
        self.0.sign_out()
    }
}
