//! Where tokens come from: the ways to sign in.
//!
//! | who signs in | [`Credential`] | what is needed |
//! |---|---|---|
//! | a program, with a secret | [`ClientSecret`] | tenant, application, secret |
//! | a program, with a certificate | `ClientCertificate` (feature `certificate`) | tenant, application, certificate and key in PEM, or in a PFX file (feature `pfx`) |
//! | a program in Kubernetes or on a build server | [`WorkloadIdentity`] | a federated credential of the application, a file with the token |
//! | a program on Azure, or with Azure Arc | [`ManagedIdentity`] | an identity of the machine |
//! | a service, for the user who called it | [`OnBehalfOf`] | the service's own secret, certificate or workload identity, and the user's token |
//! | a user at this machine | [`AuthorizationCode`] | an application with `http://localhost` as a redirect address |
//! | a user with another device | [`DeviceCode`] | an application that allows public client flows |
//! | a user who signed in before | [`RefreshToken`] | a [`TokenStore`] that one of these two filled |
//! | a developer | [`AzureCli`] | `az login` |
//! | whoever is there | [`Chain::usual`] | one of: variables of the environment, workload identity, managed identity, Azure CLI |
//! | a credential of the Azure SDK | `AzureCore` (feature `azure-core`) | any `azure_core::credentials::TokenCredential` |
//! | somebody who has a token | [`FixedToken`] | the token; any text for the emulator |
//!
//! Programs and machines that sign in as themselves need an application user in the environment, with a
//! security role. Not offered, since they are unsafe or gone: user name and password, the implicit
//! flow, tokens of the first version (`resource=`), on-premises sign-in.
//!
//! # Where
//!
//! At the authority of the cloud that the org's host is in ([`Cloud`](crate::http::Cloud)), in the
//! [`Tenant`] that is named, or that the org names itself ([`Tenant::of_org`]). The token is for the
//! org's own address alone. Requests go by the client's transport: the same proxy, the same tests.
//!
//! # How long
//!
//! The client keeps tokens while they last and replaces them five minutes before ([`TokenCache`]). When
//! the service refuses one with 401, it is dropped, another is had, with the claims that the service
//! asked for, and the request is sent again, once: it was not executed.
//!
//! # What goes wrong
//!
//! | | |
//! |---|---|
//! | [`is_secret_refused`](crate::Error::is_secret_refused) | the secret is wrong or has expired; the certificate is not registered |
//! | [`is_application_unknown`](crate::Error::is_application_unknown) | no such application, or tenant |
//! | [`is_org_unknown`](crate::Error::is_org_unknown) | the tenant does not know the org: mostly a wrong region |
//! | [`is_consent_required`](crate::Error::is_consent_required) | nobody agreed that the application may act |
//! | [`is_interaction_required`](crate::Error::is_interaction_required) | a person must sign in with a browser |
//! | [`is_user_refused`](crate::Error::is_user_refused) | the user is not in the tenant, or not in the environment |
//! | [`is_grant_expired`](crate::Error::is_grant_expired) | sign in once more |
//! | [`is_sign_in_declined`](crate::Error::is_sign_in_declined) | the person said no |
//! | [`is_credential_unavailable`](crate::Error::is_credential_unavailable) | there is nothing here to sign in with |
//! | [`is_unauthorized`](crate::Error::is_unauthorized) | the service refuses the token, and another one, too |
//!
//! Errors tell cause and remedy, the service's numbers (`AADSTS…`) and its trace id; never a secret, a
//! token or an answer. Secrets are overwritten in memory when they go; what the HTTP and TLS libraries
//! copy is not.

mod authorization_code;
#[cfg(feature = "azure-core")]
mod azure;
mod azure_cli;
mod builders;
mod cache;
#[cfg(feature = "certificate")]
mod certificate;
mod chain;
pub(crate) mod challenge;
mod client_secret;
mod device_code;
mod entra;
mod fixed;
mod loopback;
pub(super) mod managed_identity;
mod on_behalf_of;
#[cfg(feature = "pfx")]
mod pfx;
mod race;
mod refresh_token;
mod secret;
mod session;
mod store;
mod token;
mod variables;
mod workload_identity;

pub use authorization_code::AuthorizationCode;
#[cfg(feature = "azure-core")]
pub use azure::AzureCore;
pub use azure_cli::AzureCli;
pub use cache::TokenCache;
pub(crate) use cache::bearer;
#[cfg(feature = "certificate")]
pub use certificate::{Certificate, ClientCertificate};
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
