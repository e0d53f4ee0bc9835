//! Signing in: a token endpoint as that of Microsoft Entra ID, which knows every client.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::message::{Answer, Asked};
use crate::service::{ORGANIZATION, USER};
use crate::url::decode;

/// The tenant that challenges name; every other is taken, too.
pub(crate) const TENANT: &str = "00000000-0000-0000-0000-0000000000d0";

/// How long a token lasts, in seconds, as it is told.
const LIFETIME: i64 = 3599;

/// Grants that end in a token.
const GRANTS: &[&str] = &[
    "client_credentials",
    "refresh_token",
    "authorization_code",
    "password",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
];

/// Answers a request for a token, or for where tokens are; None if it is none.
///
/// `/{tenant}/oauth2/v2.0/token` and `/{tenant}/oauth2/token`.
pub(crate) fn answer(asked: &Asked, origin: &str, now: DateTime<Utc>) -> Option<Answer> {
    let path = asked.target.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments[..] {
        [tenant, "oauth2", "v2.0", "token"] | [tenant, "oauth2", "token"]
            if asked.method == Method::POST =>
        {
            Some(token(asked, origin, tenant, now))
        }
        [tenant, "v2.0", ".well-known", "openid-configuration"] if asked.method == Method::GET => {
            Some(configuration(origin, tenant))
        }
        // A way to the challenge that needs no table.
        ["api", "aad", "challenge"] => Some(challenge(origin)),
        _ => None,
    }
}

/// The answer to a request without a token, which tells where to get one.
pub(crate) fn challenge(origin: &str) -> Answer {
    let challenge = format!(
        "Bearer authorization_uri={origin}/{TENANT}/oauth2/authorize, resource_id={origin}/"
    );
    Answer::new(StatusCode::UNAUTHORIZED).with(http::header::WWW_AUTHENTICATE, &challenge)
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

fn token(asked: &Asked, origin: &str, tenant: &str, now: DateTime<Utc>) -> Answer {
    let form = String::from_utf8_lossy(&asked.body);
    let field = |name: &str| {
        let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| *known == name)?;
        decode(value, true).ok().filter(|value| !value.is_empty())
    };
    let Some(grant) = field("grant_type") else {
        return refused(
            "invalid_request",
            "AADSTS900144: The request body must contain the following parameter: 'grant_type'.",
        );
    };
    if !GRANTS.contains(&grant.as_str()) {
        return refused(
            "unsupported_grant_type",
            &format!("AADSTS70003: The app requested an unsupported grant type '{grant}'."),
        );
    }
    // A client that keeps its secret out of the body names itself in a header.
    let has_client = field("client_id").is_some()
        || asked
            .header("authorization")
            .is_some_and(|value| value.starts_with("Basic "));
    if !has_client {
        return refused(
            "invalid_request",
            "AADSTS900144: The request body must contain the following parameter: 'client_id'.",
        );
    }
    let client = field("client_id").unwrap_or_default();
    let audience = field("resource").unwrap_or_else(|| format!("{origin}/"));
    let access = jwt(&json!({
        "aud": audience,
        "iss": format!("{origin}/{tenant}/"),
        "iat": now.timestamp(),
        "nbf": now.timestamp(),
        "exp": now.timestamp() + LIFETIME,
        "appid": client,
        "oid": USER,
        "tid": tenant,
        "orgid": ORGANIZATION,
        "ver": "1.0",
    }));
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": access,
    });
    if let Some(scope) = field("scope") {
        body["scope"] = scope.into();
    }
    if grant != "client_credentials" {
        body["refresh_token"] = jwt(&json!({ "appid": client, "iat": now.timestamp() })).into();
    }
    plain(StatusCode::OK, &body)
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
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": ["openid", "profile", "offline_access"],
    });
    plain(StatusCode::OK, &body)
}
