//! Where tokens come from.

mod authorization_code;
mod azure_cli;
mod cache;
mod chain;
pub(crate) mod challenge;
mod client_secret;
mod device_code;
mod entra;
mod fixed;
mod loopback;
pub(super) mod managed_identity;
mod on_behalf_of;
mod race;
mod refresh_token;
mod secret;
mod session;
mod store;
mod token;
mod variables;
mod workload_identity;

pub use authorization_code::AuthorizationCode;
pub use azure_cli::AzureCli;
pub use cache::TokenCache;
pub use chain::Chain;
pub use client_secret::ClientSecret;
pub use device_code::{DeviceCode, DevicePrompt};
pub use entra::Tenant;
pub use fixed::FixedToken;
pub use managed_identity::ManagedIdentity;
pub use on_behalf_of::OnBehalfOf;
pub use refresh_token::RefreshToken;
pub use secret::Secret;
pub use store::{FileStore, MemoryStore, TokenStore};
pub use token::{AccessToken, TokenRequest};
pub use workload_identity::WorkloadIdentity;

use async_trait::async_trait;

use crate::error::Result;

/// What requests of the client call themselves.
pub(crate) const PRODUCT: &str = concat!("dataverse-client/", env!("CARGO_PKG_VERSION"));

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
