//! A token that was had elsewhere.

use std::time::Duration;

use async_trait::async_trait;

use super::{AccessToken, Credential, Secret, TokenRequest};
use crate::error::Result;

/// A token that was had elsewhere: from `az account get-access-token`, or any text for the
/// emulator.
#[derive(Debug, Clone)]
pub struct FixedToken(Secret);

impl FixedToken {
    /// Uses `token` for every request.
    pub fn new(token: impl Into<Box<str>>) -> Self {
        FixedToken(Secret::new(token))
    }
}

#[async_trait]
impl Credential for FixedToken {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        // Asking again would give the same.
        let token = AccessToken::new(self.0.clone());
        Ok(token.lasting(request.clock.now(), Duration::MAX))
    }
}
