//! Signing in, over scripts: exact forms, and every answer that is documented.

mod azure;
mod azure_cli;
mod browser;
mod cache;
mod certificate;
mod chain;
mod client_secret;
mod device_code;
mod ended;
mod managed_identity;
mod pfx;
mod place;
mod refresh_token;

mod refusals;
mod refused;
mod secrets;
mod workload;

use std::sync::Arc;

use dataverse_client::auth::{AccessToken, Credential, TokenRequest};
use dataverse_client::http::VirtualClock;
use dataverse_client::{Error, Result};
use dataverse_tests::script::Script;

const ORG: &str = "https://org.crm4.dynamics.com";

/// A token that lasts an hour.
const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ-secret-token"}"#;

/// The same, with a refresh token.
const TOKENS: &str = r#"{"token_type":"Bearer","scope":"https://org.crm4.dynamics.com/user_impersonation","expires_in":3599,"access_token":"eyJ-secret-token","refresh_token":"secret-refresh-2"}"#;

fn request(script: &Script, clock: &VirtualClock) -> TokenRequest {
    TokenRequest::new(ORG, Arc::new(script.clone()), Arc::new(clock.clone()))
}

async fn ask(credential: &impl Credential, script: &Script) -> Result<AccessToken> {
    credential
        .token(&request(script, &VirtualClock::default()))
        .await
}

/// An answer of the token endpoint that refuses.
fn refusal(script: Script, name: &str, description: &str) -> Script {
    let description = format!(
        "{description} Trace ID: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 Correlation ID: \
         11111111-2222-3333-4444-555555555555 Timestamp: 2026-01-01 00:00:00Z"
    );
    let body = serde_json::json!({
        "error": name,
        "error_description": description,
        "error_codes": [1],
        "timestamp": "2026-01-01 00:00:00Z",
    });
    script.answer(400, &[], body.to_string())
}

/// All that an error prints, with its causes.
fn printed(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}
