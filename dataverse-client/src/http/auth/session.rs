//! A user who has signed in: a refresh token that is exchanged again and again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entra::{Application, Proof, Tokens, for_user};
use super::{AccessToken, MemoryStore, Secret, Tenant, TokenRequest, TokenStore};
use crate::error::{Error, Result, SignIn};

/// A user of an application, and where the refresh token is.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) application: Application,
    pub(super) store: Arc<dyn TokenStore>,
    /// How often the user has signed out: what was asked for before is not kept after.
    sign_outs: Arc<Mutex<u64>>,
}

impl Session {
    pub(super) fn new(tenant: Tenant, client_id: String) -> Self {
        Session {
            application: Application::new(tenant, client_id, Proof::None),
            store: Arc::new(MemoryStore::new()),
            sign_outs: Arc::default(),
        }
    }

    fn sign_outs(&self) -> MutexGuard<'_, u64> {
        self.sign_outs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A moment, to be told to [`keep`](Session::keep): what was begun at it.
    pub(super) fn now(&self) -> u64 {
        *self.sign_outs()
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
        let begun = self.now();
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
        self.keep(tokens, begun).map(Some)
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
    ///
    /// Errors: the user has signed out since it was `begun`.
    pub(super) fn keep(&self, tokens: Tokens, begun: u64) -> Result<AccessToken> {
        // Held, so that nobody signs out between the look and the write.
        let sign_outs = self.sign_outs();
        if *sign_outs != begun {
            return Err(Error::sign_in(
                SignIn::GrantExpired,
                "the user signed out before the answer to the sign-in came",
            ));
        }
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
        let mut sign_outs = self.sign_outs();
        *sign_outs += 1;
        let deleted = self.store.delete();
        deleted.map_err(|error| Error::io("the refresh token cannot be deleted", error))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.application.fmt(f)
    }
}
