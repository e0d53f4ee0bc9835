//! A user who has signed in: a refresh token that is exchanged again and again.

use std::fmt;
use std::sync::Arc;

use super::entra::{Application, Proof, Tokens, for_user};
use super::{AccessToken, MemoryStore, Secret, Tenant, TokenRequest, TokenStore};
use crate::error::{Error, Result};

/// A user of an application, and where the refresh token is.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) application: Application,
    pub(super) store: Arc<dyn TokenStore>,
}

impl Session {
    pub(super) fn new(tenant: Tenant, client_id: String) -> Self {
        Session {
            application: Application::new(tenant, client_id, Proof::None),
            store: Arc::new(MemoryStore::new()),
        }
    }

    /// A token by the refresh token that is kept; None if there is none, or if it takes the user to
    /// sign in once more.
    pub(super) async fn resume(&self, request: &TokenRequest) -> Result<Option<AccessToken>> {
        match self.refresh(request).await {
            Err(error) if error.is_grant_expired() || error.is_interaction_required() => Ok(None),
            other => other,
        }
    }

    /// A token by the refresh token that is kept; None if there is none.
    pub(super) async fn refresh(&self, request: &TokenRequest) -> Result<Option<AccessToken>> {
        let Some(token) = self.load()? else {
            return Ok(None);
        };
        let tokens = match self.exchange(&token, request).await {
            // Another program that shares the store may have exchanged it.
            Err(error) if error.is_grant_expired() => match self.load()? {
                Some(other) if other != token => self.exchange(&other, request).await?,
                _ => return Err(error),
            },
            other => other?,
        };
        self.keep(tokens).map(Some)
    }

    /// Shape: `grant_type=refresh_token`. Source: Microsoft Learn, "OAuth 2.0 authorization code
    /// flow", section "Refresh the access token".
    async fn exchange(&self, token: &Secret, request: &TokenRequest) -> Result<Tokens> {
        let begun = self.application.begin(request).await?;
        let token = oauth2::RefreshToken::new(token.expose().to_owned());
        let mut grant = begun.oauth.exchange_refresh_token(&token);
        grant = grant.add_scopes(for_user(&request.resource));
        for (name, value) in &begun.fields {
            grant = grant.add_extra_param(*name, value.expose());
        }
        let answer = grant.request_async(&begun.wire).await;
        begun.tokens(answer)
    }

    /// Keeps the refresh token, and only then gives the access token away.
    pub(super) fn keep(&self, tokens: Tokens) -> Result<AccessToken> {
        if let Some(refresh) = &tokens.refresh {
            let saved = self.store.save(refresh);
            saved.map_err(|error| Error::io("the refresh token was not kept", error))?;
        }
        Ok(tokens.access)
    }

    fn load(&self) -> Result<Option<Secret>> {
        let loaded = self.store.load();
        loaded.map_err(|error| Error::io("the refresh token cannot be read", error))
    }

    pub(super) fn sign_out(&self) -> Result<()> {
        let deleted = self.store.delete();
        deleted.map_err(|error| Error::io("the refresh token cannot be deleted", error))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.application.fmt(f)
    }
}
