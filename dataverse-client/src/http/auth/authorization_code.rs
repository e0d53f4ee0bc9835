//! A user who signs in with a browser.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use oauth2::{CsrfToken, PkceCodeChallenge, RedirectUrl};

use super::builders::signs_in_a_user;
use super::entra::{Proof, for_user};
use super::loopback::{Loopback, Redirect};
use super::race::within;
use super::session::Session;
use super::{AccessToken, Secret, Tenant, TokenRequest};
use crate::error::{Error, Result};

/// How long a user may take.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Opens an address in a browser.
type Open = dyn Fn(&str) -> io::Result<()> + Send + Sync;

/// A user who signs in with the browser of this machine.
///
/// ```
/// use dataverse_client::auth::AuthorizationCode;
///
/// let credential = AuthorizationCode::new("contoso.onmicrosoft.com", "APPLICATION-ID", |url| {
///     // An argument, never a part of a shell's line.
///     std::process::Command::new("xdg-open").arg(url).spawn().map(drop)
/// });
/// ```
///
/// The application needs `http://localhost` among its redirect addresses for mobile and desktop
/// programs. The first request that needs a token waits until the user is done, five minutes at
/// most. Later tokens come by the refresh token; give a [`FileStore`](super::FileStore) to keep it
/// between runs.
///
/// Shape: `GET {authority}/{tenant}/oauth2/v2.0/authorize` in the browser, with PKCE (S256) and a
/// random `state`; the browser comes back to a port of this machine that listens for this answer
/// alone; then `grant_type=authorization_code`. Errors: `is_sign_in_declined`,
/// `is_consent_required`, `is_interaction_required`, `is_io` if no port can be had. Source:
/// Microsoft Learn, "OAuth 2.0 authorization code flow".
#[derive(Clone)]
pub struct AuthorizationCode {
    session: Session,
    open: Arc<Open>,
    login_hint: Option<String>,
    port: u16,
}

impl AuthorizationCode {
    /// Signs in to the application `client_id` of `tenant`; `open` opens an address in the user's
    /// browser. The address holds no secret.
    pub fn new(
        tenant: impl Into<Tenant>,
        client_id: impl Into<String>,
        open: impl Fn(&str) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        AuthorizationCode {
            session: Session::new(tenant.into(), client_id.into()),
            open: Arc::new(open),
            login_hint: None,
            port: 0,
        }
    }

    /// The application's secret, if it is registered as a web application.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.session.application.proof = Proof::Secret(secret);
        self
    }

    /// The user's name to begin with: `ada@contoso.com`.
    #[must_use]
    pub fn login_hint(mut self, name: impl Into<String>) -> Self {
        self.login_hint = Some(name.into());
        self
    }

    /// Listens on this port; any other one is taken if this is not called.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    async fn ask(&self, request: &TokenRequest) -> Result<AccessToken> {
        let now = self.session.now();
        let mut begun = self.session.application.begin(request).await?;
        let no_port = |error| Error::io("no port of this machine can be listened on", error);
        let loopback = Loopback::bind(self.port).await.map_err(no_port)?;
        let redirect_url = RedirectUrl::new(loopback.url()).map_err(|error| {
            begun
                .wire
                .who
                .failed("the redirect is no URL")
                .with_source(error)
        })?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut page = begun
            .oauth
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(Cow::Borrowed(&redirect_url))
            .add_scopes(for_user(&request.resource))
            .set_pkce_challenge(challenge)
            .add_extra_param("response_mode", "query");
        if let Some(name) = &self.login_hint {
            page = page.add_extra_param("login_hint", name);
        }
        if let Some(claims) = &request.claims {
            page = page.add_extra_param("claims", claims);
        }
        let (url, state) = page.url();
        let opened = (self.open)(url.as_str());
        opened.map_err(|error| Error::io("the browser was not opened", error))?;
        let state = Secret::new(state.secret().as_str());
        let redirect = within(&*request.clock, PATIENCE, loopback.redirect(state)).await;
        let redirect = match redirect {
            Some(redirect) => redirect.map_err(no_port)?,
            None => {
                let name = "expired_token";
                return Err(begun.wire.who.refused(name, None));
            }
        };
        let code = match redirect {
            Redirect::Code(code) => code,
            Redirect::Refused { name, description } => {
                return Err(begun.wire.who.refused(&name, description.as_deref()));
            }
            Redirect::Foreign => {
                return Err(begun.wire.who.failed(
                    "the browser came back from another sign-in (its `state` differs); begin again",
                ));
            }
        };
        let code = oauth2::AuthorizationCode::new(code.expose().to_owned());
        let mut grant = begun
            .oauth
            .exchange_code(code)
            .set_redirect_uri(Cow::Borrowed(&redirect_url))
            .set_pkce_verifier(verifier)
            .add_extra_param("scope", scope_text(&request.resource));
        for (name, value) in &begun.fields {
            grant = grant.add_extra_param(*name, value.expose());
        }
        begun.wire.repeats_in_doubt = false;
        let answer = grant.request_async(&begun.wire).await;
        self.session.keep(begun.tokens(answer)?, now)
    }
}

fn scope_text(resource: &str) -> String {
    let scopes = for_user(resource);
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    scopes.join(" ")
}

signs_in_a_user!(AuthorizationCode);
