//! Signing in: endpoints as those of Microsoft Entra ID, which know every client.
//!
//! Nothing is stored: codes and refresh tokens say themselves what they are for.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::message::{Answer, Asked};
use crate::security::{Security, claims};
use crate::service::{ORGANIZATION, USER};
use crate::url::{decode, encode_value};

/// The tenant that challenges name if no other is given; every other is taken, too.
pub(crate) const TENANT: &str = "00000000-0000-0000-0000-0000000000d0";

/// How long a token lasts.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3599);

/// How long a code can be redeemed, in seconds.
const CODE_LIFETIME: i64 = 900;

/// Grants that end in a token.
const GRANTS: &[&str] = &[
    "client_credentials",
    "refresh_token",
    AUTHORIZATION_CODE,
    "password",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    DEVICE_CODE,
    "device_code",
];
const AUTHORIZATION_CODE: &str = "authorization_code";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Gives tokens.
pub(crate) struct SignIn<'a> {
    /// Where the request came to.
    pub(crate) origin: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) tenant: &'a str,
    pub(crate) lifetime: Duration,
    pub(crate) security: Option<&'a Security>,
}

/// Fields of a form, or of a query.
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let decoded = pairs.filter_map(|(name, value)| {
            let value = decode(value, true).ok().filter(|value| !value.is_empty())?;
            Some((name.to_owned(), value))
        });
        Form(decoded.collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl SignIn<'_> {
    /// Answers a request for a token, or for where tokens are; None if it is none.
    ///
    /// `/{tenant}/oauth2/v2.0/token`, `/authorize`, `/devicecode`, and the same without `v2.0`.
    pub(crate) fn answer(&self, asked: &Asked) -> Option<Answer> {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body = || Form::parse(&String::from_utf8_lossy(&asked.body));
        match segments[..] {
            [tenant, "oauth2", "v2.0", what] | [tenant, "oauth2", what] => {
                match (&asked.method, what) {
                    (&Method::POST, "token") => Some(self.token(asked, &body(), tenant)),
                    (&Method::POST, "devicecode") => Some(self.device_code(&body(), tenant)),
                    (&Method::GET, "authorize") => Some(self.authorize(&Form::parse(query))),
                    _ => None,
                }
            }
            [tenant, "v2.0", ".well-known", "openid-configuration"]
                if asked.method == Method::GET =>
            {
                Some(configuration(self.origin, tenant))
            }
            // A way to the challenge that needs no table.
            ["api", "aad", "challenge"] => Some(challenge(self.origin, self.tenant)),
            _ => None,
        }
    }

    /// Sends a browser back with a code at once: nobody is asked who they are. `login_hint` says it.
    fn authorize(&self, form: &Form) -> Answer {
        let Some(back) = form.get("redirect_uri") else {
            return refused(
                "invalid_request",
                "AADSTS900144: The request body must contain the following parameter: \
                 'redirect_uri'.",
            );
        };
        let separator = if back.contains('?') { '&' } else { '?' };
        let mut back = format!("{back}{separator}");
        match form.get("response_type") {
            Some("code") => {
                let code = jwt(&json!({
                    "use": AUTHORIZATION_CODE,
                    "oid": self.user(form.get("login_hint")),
                    "challenge": form.get("code_challenge"),
                    "method": form.get("code_challenge_method"),
                    "exp": self.now.timestamp() + CODE_LIFETIME,
                }));
                back.push_str(&format!("code={code}"));
            }
            _ => back.push_str("error=unsupported_response_type"),
        }
        if let Some(state) = form.get("state") {
            back.push_str(&format!("&state={}", encode_value(state)));
        }
        Answer::new(StatusCode::FOUND).with(LOCATION, &back)
    }

    fn device_code(&self, form: &Form, tenant: &str) -> Answer {
        let Some(client) = form.get("client_id") else {
            return no_client();
        };
        let code = jwt(&json!({
            "use": DEVICE_CODE,
            "oid": self.user(form.get("login_hint")),
            "appid": client,
            "exp": self.now.timestamp() + CODE_LIFETIME,
        }));
        let address = format!("{}/{tenant}/oauth2/deviceauth", self.origin);
        plain(
            StatusCode::OK,
            &json!({
                "device_code": code,
                "user_code": "EMULATOR1",
                "verification_uri": address,
                "expires_in": CODE_LIFETIME,
                "interval": 5,
                "message": format!(
                    "To sign in, use a web browser to open the page {address} and enter the code \
                     EMULATOR1 to authenticate."
                ),
            }),
        )
    }

    fn token(&self, asked: &Asked, form: &Form, tenant: &str) -> Answer {
        let Some(grant) = form.get("grant_type") else {
            return refused(
                "invalid_request",
                "AADSTS900144: The request body must contain the following parameter: 'grant_type'.",
            );
        };
        if !GRANTS.contains(&grant) {
            return refused(
                "unsupported_grant_type",
                &format!("AADSTS70003: The app requested an unsupported grant type '{grant}'."),
            );
        }
        // A client that keeps its secret out of the body names itself in a header.
        let has_client = form.get("client_id").is_some()
            || asked
                .header("authorization")
                .is_some_and(|value| value.starts_with("Basic "));
        if !has_client {
            return no_client();
        }
        let client = form.get("client_id").unwrap_or_default();
        let user = match grant {
            "client_credentials" => client.to_owned(),
            AUTHORIZATION_CODE => match self.redeemed(form) {
                Ok(user) => user,
                Err(refusal) => return *refusal,
            },
            "refresh_token" => held(form.get("refresh_token")),
            DEVICE_CODE | "device_code" => held(form.get("device_code").or(form.get("code"))),
            _ => self.user(form.get("username")),
        };
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX / 2);
        let audience = form.get("resource").map(str::to_owned);
        let now = self.now.timestamp();
        let mut access = json!({
            "aud": audience.unwrap_or_else(|| format!("{}/", self.origin)),
            "iss": format!("{}/{tenant}/", self.origin),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": client,
            "oid": user,
            "tid": tenant,
            "orgid": ORGANIZATION,
            "ver": "1.0",
        });
        let is_user = grant != "client_credentials";
        if is_user {
            access["scp"] = "user_impersonation".into();
        }
        let mut body = json!({
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": jwt(&access),
        });
        if let Some(scope) = form.get("scope") {
            body["scope"] = scope.into();
        }
        if is_user {
            let refresh = json!({ "appid": client, "oid": user, "iat": now });
            body["refresh_token"] = jwt(&refresh).into();
        }
        plain(StatusCode::OK, &body)
    }

    /// The user of a code, if the client can prove that it asked for it.
    fn redeemed(&self, form: &Form) -> Result<String, Box<Answer>> {
        let invalid = |told: &str| Box::new(refused("invalid_grant", told));
        let code = claims(form.get("code").unwrap_or_default());
        if code["use"] != AUTHORIZATION_CODE {
            return Err(invalid(
                "AADSTS9002313: Invalid request. Request is malformed or invalid.",
            ));
        }
        if code["exp"]
            .as_i64()
            .is_some_and(|end| end < self.now.timestamp())
        {
            return Err(invalid(
                "AADSTS70008: The provided authorization code or refresh token has expired.",
            ));
        }
        if let Some(challenge) = code["challenge"].as_str() {
            let verifier = form.get("code_verifier").unwrap_or_default();
            let proof = match code["method"].as_str() {
                Some("S256") => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
                _ => verifier.to_owned(),
            };
            if proof != challenge {
                return Err(invalid(
                    "AADSTS501481: The Code_Verifier does not match the code_challenge supplied \
                     in the authorization request.",
                ));
            }
        }
        Ok(held(form.get("code")))
    }

    /// The Microsoft Entra object of a user that is told by id or name.
    fn user(&self, told: Option<&str>) -> String {
        let found = self.security.and_then(|security| security.object_of(told?));
        found.unwrap_or(USER).to_owned()
    }
}

/// The user that a code or a refresh token is of.
fn held(token: Option<&str>) -> String {
    let claims = claims(token.unwrap_or_default());
    claims["oid"].as_str().unwrap_or(USER).to_owned()
}

/// Whether a token says that it has expired.
pub(crate) fn is_expired(token: &str, now: DateTime<Utc>) -> bool {
    let end = claims(token)["exp"].as_i64();
    end.is_some_and(|end| end <= now.timestamp())
}

/// The answer to a request without a token, which tells where to get one.
pub(crate) fn challenge(origin: &str, tenant: &str) -> Answer {
    let challenge = format!(
        "Bearer authorization_uri={origin}/{tenant}/oauth2/authorize, resource_id={origin}/"
    );
    Answer::new(StatusCode::UNAUTHORIZED).with(http::header::WWW_AUTHENTICATE, &challenge)
}

fn no_client() -> Answer {
    refused(
        "invalid_request",
        "AADSTS900144: The request body must contain the following parameter: 'client_id'.",
    )
}

fn refused(error: &str, description: &str) -> Answer {
    let body = json!({ "error": error, "error_description": description });
    plain(StatusCode::BAD_REQUEST, &body)
}

/// JSON that is not OData.
fn plain(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Answer::new(status);
    answer.headers.remove("odata-version");
    answer.with_body("application/json; charset=utf-8", body.to_string())
}

/// A token as clients read it; nobody checks the signature.
fn jwt(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "none" });
    let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode("emulator"))
}

fn configuration(origin: &str, tenant: &str) -> Answer {
    let at = |path: &str| format!("{origin}/{tenant}/{path}");
    let body = json!({
        "issuer": at("v2.0"),
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "token_endpoint": at("oauth2/v2.0/token"),
        "device_authorization_endpoint": at("oauth2/v2.0/devicecode"),
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": ["openid", "profile", "offline_access"],
    });
    plain(StatusCode::OK, &body)
}
