//! An application that acts for the user who called it.

use async_trait::async_trait;

use super::entra::{Application, all_of};
use super::{AccessToken, Credential, Secret, TokenRequest};
use crate::error::Result;

/// A service that acts for the user who called it, with the token that the user's program sent.
///
/// ```
/// use dataverse_client::auth::{ClientSecret, Secret};
///
/// # fn f(service: ClientSecret, token_of_the_call: Secret) {
/// let for_user = service.on_behalf_of(token_of_the_call);
/// # }
/// ```
///
/// The token must be a user's, and made for the service itself (its audience), not for Dataverse.
/// Make one of these per user, never one for all.
///
/// Shape: `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`,
/// `requested_token_use=on_behalf_of`, `scope={org}/.default`. Errors: `is_interaction_required`,
/// `is_consent_required`, `is_grant_expired`. Source: Microsoft Learn, "OAuth 2.0 On-Behalf-Of
/// flow".
#[derive(Debug, Clone)]
pub struct OnBehalfOf {
    application: Application,
    user_token: Secret,
}

impl OnBehalfOf {
    pub(super) fn new(application: &Application, user_token: Secret) -> Self {
        OnBehalfOf {
            application: application.clone(),
            user_token,
        }
    }
}

#[async_trait]
impl Credential for OnBehalfOf {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let begun = self.application.begin(request).await?;
        let scope = all_of(&request.resource);
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("client_id", self.application.client_id.as_str()),
            ("assertion", self.user_token.expose()),
            ("scope", &scope),
            ("requested_token_use", "on_behalf_of"),
        ];
        form.extend(
            begun
                .fields
                .iter()
                .map(|(name, value)| (*name, value.expose())),
        );
        Ok(begun.post(&form).await?.access)
    }
}
