//! The first of several credentials that is there.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::{
    AccessToken, AzureCli, ClientSecret, Credential, ManagedIdentity, Secret, TokenRequest,
    WorkloadIdentity,
};
use crate::error::{Error, Result, SignIn};

/// No credential has been chosen.
const NONE: usize = usize::MAX;

/// Signs in by the first of several credentials that is there, and stays with it.
///
/// ```
/// use dataverse_client::auth::{AzureCli, Chain, ManagedIdentity};
///
/// let usual = Chain::usual();
/// let own = Chain::new()
///     .then("managed identity", ManagedIdentity::new())
///     .then("Azure CLI", AzureCli::new());
/// ```
///
/// It goes on only where there is nothing to sign in with (`is_credential_unavailable`): a wrong
/// secret is an error, not a reason to sign in as somebody else.
pub struct Chain {
    links: Vec<(String, Box<dyn Credential>)>,
    chosen: AtomicUsize,
}

impl Chain {
    /// Without credentials.
    pub fn new() -> Self {
        Chain {
            links: Vec::new(),
            chosen: AtomicUsize::new(NONE),
        }
    }

    /// The same, with another credential to try last. `name` stands in errors.
    #[must_use]
    pub fn then(mut self, name: impl Into<String>, credential: impl Credential) -> Self {
        self.links.push((name.into(), Box::new(credential)));
        self
    }

    /// By the variables of the environment, workload identity, managed identity and Azure CLI, in
    /// this order, as Microsoft's own libraries do.
    ///
    /// | | what is needed |
    /// |---|---|
    /// | environment | `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` |
    /// | workload identity | `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` |
    /// | managed identity | an identity of the machine; the one of `AZURE_CLIENT_ID` if that is set |
    /// | Azure CLI | `az login` |
    ///
    /// `AZURE_AUTHORITY_HOST` says where to sign in, if it is not the org's own cloud.
    pub fn usual() -> Self {
        Chain::usual_with(|name| std::env::var(name).ok())
    }

    /// The same, with another environment.
    pub fn usual_with(
        variable: impl Fn(&str) -> Option<String> + Clone + Send + Sync + 'static,
    ) -> Self {
        let mut machine = ManagedIdentity::new().probing().variables(variable.clone());
        if let Some(id) = variable("AZURE_CLIENT_ID").filter(|id| !id.trim().is_empty()) {
            machine = machine.client_id(id);
        }
        let workload = variable.clone();
        Chain::new()
            .then(
                "environment",
                Late(move || ClientSecret::from_variables(&variable)),
            )
            .then(
                "workload identity",
                Late(move || WorkloadIdentity::from_variables(&workload)),
            )
            .then("managed identity", machine)
            .then("Azure CLI", AzureCli::new())
    }
}

/// A credential that is made when it is needed: a missing variable is no error before.
struct Late<F>(F);

#[async_trait]
impl<C: Credential, F: Fn() -> Result<C> + Send + Sync + 'static> Credential for Late<F> {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        (self.0)()?.token(request).await
    }
}

#[async_trait]
impl Credential for Chain {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        if let Some((_, chosen)) = self.links.get(self.chosen.load(Ordering::Acquire)) {
            return chosen.token(request).await;
        }
        let mut reasons = Vec::new();
        for (at, (name, credential)) in self.links.iter().enumerate() {
            match credential.token(request).await {
                Err(error) if error.is_credential_unavailable() => {
                    reasons.push(format!("{name}: {error}"));
                }
                Ok(token) => {
                    self.chosen.store(at, Ordering::Release);
                    return Ok(token);
                }
                error => return error,
            }
        }
        let text = format!("nothing here to sign in with ({})", reasons.join("; "));
        Err(Error::sign_in(SignIn::Unavailable, text))
    }

    fn invalidate(&self, refused: &Secret) {
        for (_, credential) in &self.links {
            credential.invalidate(refused);
        }
    }

    async fn sign_out(&self) -> Result<()> {
        for (_, credential) in &self.links {
            credential.sign_out().await?;
        }
        self.chosen.store(NONE, Ordering::Release);
        Ok(())
    }
}

impl Default for Chain {
    fn default() -> Self {
        Chain::new()
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.links.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}
