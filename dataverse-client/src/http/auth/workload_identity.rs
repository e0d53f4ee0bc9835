//! A token of another issuer: Kubernetes, a build server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::builders::signs_in_as_itself;
use super::entra::{Application, Assertion, Proof};
use super::{Secret, Tenant};
use crate::error::{Error, Result, SignIn};

/// An application that proves itself with a token of another issuer, which it finds in a file:
/// workload identity in Kubernetes, a build server.
///
/// ```
/// use dataverse_client::auth::WorkloadIdentity;
///
/// # fn f() -> dataverse_client::Result<()> {
/// // By AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE.
/// let credential = WorkloadIdentity::from_variables(|name| std::env::var(name).ok())?;
/// # Ok(()) }
/// ```
///
/// The file is read for every sign-in: its token changes every hour or so.
///
/// Shape: as [`ClientSecret`](super::ClientSecret), with `client_assertion` for the secret. Errors:
/// `is_secret_refused` if no federated credential of the application fits. Source: Microsoft Learn,
/// "Workload identity federation".
#[derive(Debug, Clone)]
pub struct WorkloadIdentity(Application);

impl WorkloadIdentity {
    /// The application `client_id` of `tenant`, proved by the token in the file at `token_file`.
    pub fn new(
        tenant: impl Into<Tenant>,
        client_id: impl Into<String>,
        token_file: impl Into<PathBuf>,
    ) -> Self {
        let proof = Proof::Assertion(Arc::new(TokenFile(token_file.into())));
        WorkloadIdentity(Application::new(tenant.into(), client_id, proof))
    }

    /// By the variables that Azure sets in a container. `variable` reads the environment.
    ///
    /// Errors: `is_credential_unavailable` if one is missing.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let needed = |name| super::variables::needed(&variable, name, "workload identity");
        let file = needed("AZURE_FEDERATED_TOKEN_FILE")?;
        let credential =
            WorkloadIdentity::new(needed("AZURE_TENANT_ID")?, needed("AZURE_CLIENT_ID")?, file);
        Ok(match variable("AZURE_AUTHORITY_HOST") {
            Some(authority) => credential.authority(authority),
            None => credential,
        })
    }
}

signs_in_as_itself!(WorkloadIdentity);

struct TokenFile(PathBuf);

impl Assertion for TokenFile {
    fn assertion(&self, _: &str, _: &str, _: SystemTime) -> Result<Secret> {
        let text = read(&self.0)?;
        match text.trim() {
            "" => Err(Error::sign_in(
                SignIn::SecretRefused,
                format!(
                    "the file of the federated token is empty: {}",
                    self.0.display()
                ),
            )),
            token => Ok(Secret::new(token)),
        }
    }
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<String>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("the federated token in {} cannot be read", path.display());
        Error::sign_in(SignIn::Unavailable, message).with_source(error)
    })?;
    Ok(zeroize::Zeroizing::new(text))
}
