//! Where tokens come from.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// Gives access tokens.
#[async_trait]
pub trait Credential: Send + Sync + 'static {
    /// A token for `request`, valid now. Called before every attempt: an implementation that
    /// fetches tokens keeps them while they last.
    ///
    /// Errors: [`Error::credential`](crate::Error::credential), with the cause and without any
    /// secret.
    async fn token(&self, request: &TokenRequest) -> Result<Secret>;
}

#[async_trait]
impl Credential for Box<dyn Credential> {
    async fn token(&self, request: &TokenRequest) -> Result<Secret> {
        self.as_ref().token(request).await
    }
}

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The org: `https://contoso.crm4.dynamics.com`.
    pub resource: String,
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Text that is never printed.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Secret(text.into())
    }

    /// The text. Keep it out of logs, errors and panics.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A token that was had elsewhere: from `az account get-access-token`, or any text for the
/// emulator.
#[derive(Debug, Clone)]
pub struct FixedToken(Secret);

impl FixedToken {
    /// Uses `token` for every request.
    pub fn new(token: impl Into<Box<str>>) -> Self {
        FixedToken(Secret::new(token))
    }
}

#[async_trait]
impl Credential for FixedToken {
    async fn token(&self, _: &TokenRequest) -> Result<Secret> {
        Ok(self.0.clone())
    }
}
