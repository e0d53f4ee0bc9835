//! What the token endpoint answers.

use std::time::{Duration, SystemTime};

use oauth2::basic::BasicTokenType;
use oauth2::{RefreshToken, Scope};
use serde::{Deserialize, Serialize};

use crate::http::auth::{AccessToken, Secret};

/// An answer, read leniently: numbers may be text.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    access_token: oauth2::AccessToken,
    #[serde(default = "bearer")]
    token_type: BasicTokenType,
    #[serde(default)]
    expires_in: serde_json::Value,
    #[serde(default)]
    refresh_in: serde_json::Value,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl oauth2::TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &oauth2::AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        seconds(&self.expires_in)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// A number of seconds: 3599 or "3599". Anything else is none.
pub(crate) fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let number = match value {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    };
    number.map(Duration::from_secs)
}

/// What a sign-in gave.
pub(crate) struct Tokens {
    pub(crate) access: AccessToken,
    pub(crate) refresh: Option<Secret>,
}

impl Answer {
    pub(super) fn tokens(&self, now: SystemTime) -> Tokens {
        let access = AccessToken::new(Secret::new(self.access_token.secret().as_str()));
        let access = match seconds(&self.expires_in) {
            Some(life) => access.lasting(now, life),
            None => access,
        };
        let refresh = self.refresh_token.as_ref();
        Tokens {
            access: access.refreshed(now, seconds(&self.refresh_in)),
            refresh: refresh.map(|token| Secret::new(token.secret().as_str())),
        }
    }
}
