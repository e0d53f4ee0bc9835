//! An application, what proves that it is itself, and the grants.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::{
    AuthType, AuthUrl, ClientId, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, Scope,
    StandardRevocableToken, TokenUrl,
};

use super::answer::Answer;
use super::{Place, Tenant, Tokens, Wire};
use crate::error::Result;
use crate::http::auth::{Secret, TokenRequest};

/// The client of the `oauth2` crate, with our answer.
pub(crate) type OauthClient = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// An application of a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) tenant: Tenant,
    pub(crate) client_id: String,
    pub(crate) authority: Option<String>,
    pub(crate) proof: Proof,
}

/// An error of the service.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

/// What proves that the program is the application.
#[derive(Clone)]
pub(crate) enum Proof {
    /// Nothing: a program on a user's machine keeps no secret.
    None,
    Secret(Secret),
    Assertion(Arc<dyn Assertion>),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::None => "None",
            Proof::Secret(_) => "Secret(…)",
            Proof::Assertion(_) => "Assertion(…)",
        })
    }
}

/// A signed statement that the program is the application.
pub(crate) trait Assertion: Send + Sync {
    /// A statement for the token endpoint at `audience`.
    fn assertion(&self, client_id: &str, audience: &str, now: SystemTime) -> Result<Secret>;
}

/// The kind of assertion that Entra takes.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A sign-in that has begun: all that its requests need.
pub(crate) struct SignIn<'a> {
    pub(crate) wire: Wire<'a>,
    pub(crate) oauth: OauthClient,
    pub(crate) token_url: String,
    /// Fields of the form that prove the application, and the claims that a token must have.
    pub(crate) fields: Vec<(&'static str, Secret)>,
}

impl Application {
    pub(crate) fn new(tenant: Tenant, client_id: impl Into<String>, proof: Proof) -> Self {
        Application {
            tenant,
            client_id: client_id.into(),
            authority: None,
            proof,
        }
    }

    /// Finds where to sign in, and makes what the requests need.
    pub(crate) async fn begin<'a>(&self, request: &'a TokenRequest) -> Result<SignIn<'a>> {
        if self.client_id.trim().is_empty() {
            return Err(crate::Error::input("the application's id is empty"));
        }
        let authority = self.authority.as_deref();
        let place = Place::find(&self.tenant, authority, &self.client_id, request).await?;
        let who = place.who(&self.client_id);
        let token_url = place.endpoint("token");
        let wrong = |error| who.failed("the address is no URL").with_source(error);
        let oauth = oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::new(token_url.clone()).map_err(wrong)?)
            .set_auth_uri(AuthUrl::new(place.endpoint("authorize")).map_err(wrong)?)
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(place.endpoint("devicecode")).map_err(wrong)?,
            );
        let mut fields = match &self.proof {
            Proof::None => Vec::new(),
            Proof::Secret(secret) => vec![("client_secret", secret.clone())],
            Proof::Assertion(signer) => {
                let now = request.clock.now();
                let assertion = signer.assertion(&self.client_id, &token_url, now)?;
                vec![
                    ("client_assertion_type", Secret::new(JWT_BEARER)),
                    ("client_assertion", assertion),
                ]
            }
        };
        if let Some(claims) = &request.claims {
            fields.push(("claims", Secret::new(claims.as_str())));
        }
        Ok(SignIn {
            wire: Wire {
                request,
                who,
                repeats_in_doubt: true,
                also: &[],
            },
            oauth,
            token_url,
            fields,
        })
    }

    /// A token for the application itself.
    ///
    /// Shape: `POST {authority}/{tenant}/oauth2/v2.0/token`, `grant_type=client_credentials`,
    /// `scope={org}/.default`. Source: Microsoft Learn, "OAuth 2.0 client credentials flow".
    pub(crate) async fn client_credentials(&self, request: &TokenRequest) -> Result<Tokens> {
        let begun = self.begin(request).await?;
        let mut grant = begun.oauth.exchange_client_credentials();
        grant = grant.add_scope(Scope::new(all_of(&request.resource)));
        for (name, value) in &begun.fields {
            grant = grant.add_extra_param(*name, value.expose());
        }
        let answer = grant.request_async(&begun.wire).await;
        begun.tokens(answer)
    }
}

impl SignIn<'_> {
    /// A grant that the `oauth2` crate does not know.
    pub(crate) async fn post(&self, form: &[(&str, &str)]) -> Result<Tokens> {
        let answer = self.wire.post(&self.token_url, form).await?;
        let who = &self.wire.who;
        if !answer.status().is_success() {
            let refused: Refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
            return Err(who.refused(&refused.error, refused.error_description.as_deref()));
        }
        let answer: Answer = serde_json::from_slice(answer.body())
            // The cause would tell a piece of the body.
            .map_err(|_| who.failed("the answer is not what OAuth promises"))?;
        Ok(answer.tokens(self.wire.request.clock.now()))
    }

    /// What the `oauth2` crate brought.
    pub(crate) fn tokens<T>(
        &self,
        answer: std::result::Result<
            Answer,
            oauth2::RequestTokenError<crate::Error, oauth2::StandardErrorResponse<T>>,
        >,
    ) -> Result<Tokens>
    where
        T: oauth2::ErrorResponseType + fmt::Display + 'static,
    {
        match answer {
            Ok(answer) => Ok(answer.tokens(self.wire.request.clock.now())),
            Err(error) => Err(self.wire.who.explain(error)),
        }
    }
}

/// All that the application was allowed at an org.
pub(crate) fn all_of(resource: &str) -> String {
    format!("{}/.default", resource.trim_end_matches('/'))
}

/// To act for a user, also later.
pub(crate) fn for_user(resource: &str) -> [Scope; 2] {
    let resource = resource.trim_end_matches('/');
    [
        Scope::new(format!("{resource}/user_impersonation")),
        Scope::new("offline_access".to_owned()),
    ]
}
