//! An application and its secret.

use super::builders::signs_in_as_itself;
use super::entra::{Application, Proof};
use super::variables::needed;
use super::{Secret, Tenant};
use crate::error::Result;

/// An application that signs in as itself, with a secret.
///
/// ```no_run
/// use dataverse_client::Client;
/// use dataverse_client::auth::{ClientSecret, Secret};
///
/// # fn f(secret: String) -> dataverse_client::Result<()> {
/// let credential = ClientSecret::new(
///     "contoso.onmicrosoft.com",
///     "3f1c2f4e-5a0e-4f57-8f0e-0123456789ab",
///     Secret::new(secret),
/// );
/// let client = Client::builder("https://contoso.crm4.dynamics.com")?
///     .credential(credential)
///     .build()?;
/// # Ok(()) }
/// ```
///
/// The environment needs an application user for the application, with a security role.
///
/// Shape: `POST {authority}/{tenant}/oauth2/v2.0/token`, `grant_type=client_credentials`,
/// `scope={org}/.default`. Errors: `is_secret_refused`, `is_application_unknown`,
/// `is_org_unknown`. Source: Microsoft Learn, "OAuth 2.0 client credentials flow".
#[derive(Debug, Clone)]
pub struct ClientSecret(Application);

impl ClientSecret {
    /// The application `client_id` of `tenant`; its secret's value, not its id.
    pub fn new(tenant: impl Into<Tenant>, client_id: impl Into<String>, secret: Secret) -> Self {
        let proof = Proof::Secret(secret);
        ClientSecret(Application::new(tenant.into(), client_id, proof))
    }

    /// By `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`, and `AZURE_AUTHORITY_HOST`
    /// if it is there. `variable` reads the environment.
    ///
    /// Errors: `is_credential_unavailable` if one is missing.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let needed = |name| needed(&variable, name, "application in the environment");
        let secret = Secret::new(needed("AZURE_CLIENT_SECRET")?);
        let credential = ClientSecret::new(
            needed("AZURE_TENANT_ID")?,
            needed("AZURE_CLIENT_ID")?,
            secret,
        );
        Ok(match variable("AZURE_AUTHORITY_HOST") {
            Some(authority) => credential.authority(authority),
            None => credential,
        })
    }
}

signs_in_as_itself!(ClientSecret);
