//! Where tokens come from.

mod cache;
pub(crate) mod challenge;
mod fixed;
mod secret;
mod token;

pub use cache::TokenCache;
pub use fixed::FixedToken;
pub use secret::Secret;
pub use token::{AccessToken, TokenRequest};

use async_trait::async_trait;

use crate::error::Result;

/// Gives access tokens.
#[async_trait]
pub trait Credential: Send + Sync + 'static {
    /// A token for `request`, valid now. The client keeps it while it lasts; a token whose end is
    /// not known is asked for before every attempt.
    ///
    /// Errors: [`Error::credential`](crate::Error::credential), with the cause and without any
    /// secret.
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken>;

    /// The service refused this token: whoever keeps it drops it.
    fn invalidate(&self, refused: &Secret) {
        let _ = refused;
    }

    /// Forgets the user: tokens that are kept in memory or in files are deleted.
    ///
    /// Errors: a file cannot be deleted.
    async fn sign_out(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl<C: Credential + ?Sized> Credential for Box<C> {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        self.as_ref().token(request).await
    }

    fn invalidate(&self, refused: &Secret) {
        self.as_ref().invalidate(refused);
    }

    async fn sign_out(&self) -> Result<()> {
        self.as_ref().sign_out().await
    }
}
