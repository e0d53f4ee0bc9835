//! Whose request it is: the user of its token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::Value;

use super::config::{Security, User};
use crate::fault::{Fault, Result};
use crate::service::USER;
use crate::value::guid;

/// The user of a bearer token: one that has this token, else the one of its application or object.
/// A token that tells neither is that of the emulator's own user.
///
/// Errors: the token is of somebody who is no user here.
pub(crate) fn sign_in<'s>(security: &'s Security, token: &str) -> Result<&'s User> {
    let users = &security.users;
    let has_token = |user: &&User| user.tokens.iter().any(|known| known == token);
    if let Some(user) = users.iter().find(has_token) {
        return Ok(user);
    }
    let claims = claims(token);
    let claim = |name: &str| claims.get(name)?.as_str().and_then(guid);
    let (application, object) = (claim("appid").or_else(|| claim("azp")), claim("oid"));
    // With permissions that a user gave, an application acts as the user.
    let application = application.filter(|_| claims.get("scp").is_none() || object.is_none());
    let is_own = |user: &&User| user.id == USER;
    let found = match (&application, &object) {
        (None, None) => users.iter().find(is_own),
        _ => {
            let of_application =
                |user: &&User| application.is_some() && user.applicationid == application;
            let of_object = |user: &&User| {
                let known = user.azureactivedirectoryobjectid.as_ref();
                object.is_some()
                    && known.unwrap_or(&user.id) == object.as_deref().unwrap_or_default()
            };
            let by_application = users.iter().find(of_application);
            by_application.or_else(|| users.iter().find(of_object))
        }
    };
    found.ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "0x80072560",
            "The user is not a member of the organization.",
        )
    })
}

impl Security {
    /// The Microsoft Entra object of a user, by one of its ids or by its name.
    pub(crate) fn object_of(&self, told: &str) -> Option<&str> {
        let is_it = |known: &String| known.eq_ignore_ascii_case(told);
        let user = self.users.iter().find(|user| {
            let ids = [Some(&user.id), user.azureactivedirectoryobjectid.as_ref()];
            let mut names = ids.into_iter().chain([user.name.as_ref()]).flatten();
            names.any(is_it)
        })?;
        Some(
            user.azureactivedirectoryobjectid
                .as_ref()
                .unwrap_or(&user.id),
        )
    }
}

/// What a token says of its holder; nothing if it is no JSON web token. Nobody checks signatures.
pub(crate) fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1);
    claims
        .and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok())
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default()
}
