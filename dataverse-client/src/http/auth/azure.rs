//! A credential of the Azure SDK for Rust.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;

use super::entra::{all_of, check_origin};
use super::{AccessToken, Credential, Secret, TokenRequest};
use crate::error::{Error, Result};

/// Any credential of the Azure SDK for Rust: those of `azure_identity`, or one's own. With the feature
/// `azure-core`.
///
/// ```
/// use std::sync::Arc;
///
/// use azure_core::credentials::TokenCredential;
/// use dataverse_client::auth::AzureCore;
///
/// fn of(credential: Arc<dyn TokenCredential>) -> AzureCore {
///     AzureCore::new(credential)
/// }
/// ```
///
/// It sends by the Azure SDK's own transport and clock, and keeps tokens by itself: one that the
/// service refused may come back. Claims that a token must have are not handed on, since that
/// interface has no place for them.
///
/// Errors: `is_credential`. The text of the Azure SDK is not told; its errors hold answers.
#[derive(Clone)]
pub struct AzureCore(Arc<dyn TokenCredential>);

impl AzureCore {
    /// Signs in by `credential`.
    pub fn new(credential: Arc<dyn TokenCredential>) -> Self {
        AzureCore(credential)
    }
}

#[async_trait]
impl Credential for AzureCore {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        check_origin(&request.resource, "the org")?;
        let scope = all_of(&request.resource);
        let token = self.0.get_token(&[&scope], None).await.map_err(|error| {
            let kind = error.kind();
            let text = format!("the credential of the Azure SDK gave no token ({kind})");
            Error::credential(text, None)
        })?;
        let seconds = u64::try_from(token.expires_on.unix_timestamp()).unwrap_or_default();
        let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let secret = Secret::new(token.token.secret());
        Ok(match end {
            Some(end) => AccessToken::new(secret).until(end),
            None => AccessToken::new(secret),
        })
    }
}

impl fmt::Debug for AzureCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AzureCore(…)")
    }
}
