//! The user of the Azure CLI.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::Deserialize;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::entra::{Who, all_of, check_origin, seconds};
use super::race::within;
use super::{AccessToken, Credential, Secret, TokenRequest};
use crate::error::{Error, Result, SignIn};

/// It starts slowly, and may ask the network.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a token of an old version lasts, which does not say it in seconds. The Azure CLI gives
/// none that lasts less.
const SHORTEST_LIFE: Duration = Duration::from_secs(5 * 60);

/// The user who is signed in to the Azure CLI: for a developer's own machine.
///
/// ```
/// use dataverse_client::auth::AzureCli;
///
/// let credential = AzureCli::new().tenant("contoso.onmicrosoft.com");
/// ```
///
/// Shape: runs `az account get-access-token --output json --scope {org}/.default [--tenant …]`,
/// without a shell, 30 seconds at most. Errors: `is_credential_unavailable` if it is not installed, or
/// nobody is signed in to it. Source: Microsoft Learn, "az account get-access-token".
#[derive(Debug, Clone)]
pub struct AzureCli {
    program: PathBuf,
    tenant: Option<String>,
}

impl AzureCli {
    /// The `az` that is found by the search path.
    pub fn new() -> Self {
        let program = if cfg!(windows) { "az.cmd" } else { "az" };
        AzureCli {
            program: PathBuf::from(program),
            tenant: None,
        }
    }

    /// Runs this program instead.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = path.into();
        self
    }

    /// The user of this tenant, if there are several.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }
}

impl Default for AzureCli {
    fn default() -> Self {
        AzureCli::new()
    }
}

/// What it prints.
#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "accessToken")]
    access_token: String,
    #[serde(default)]
    expires_on: serde_json::Value,
}

#[async_trait]
impl Credential for AzureCli {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        check_origin(&request.resource, "the org")?;
        let mut command = Command::new(&self.program);
        command
            .args(["account", "get-access-token", "--output", "json", "--scope"])
            .arg(all_of(&request.resource))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(tenant) = &self.tenant {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            if tenant.is_empty() || tenant.starts_with('-') || !tenant.chars().all(is_part) {
                return Err(Error::input("a tenant is an id or a domain"));
            }
            command.args(["--tenant", tenant]);
        }
        let ended = within(&*request.clock, LIMIT, command.output()).await;
        let output = match ended {
            None => return Err(failed("it did not end within 30 seconds")),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!(
                    "the Azure CLI is not installed, or not in the search path: there is no `{}`",
                    self.program.display()
                );
                return Err(Error::sign_in(SignIn::Unavailable, text).with_source(error));
            }
            Some(Err(error)) => return Err(failed("it cannot be run").with_source(error)),
            Some(Ok(output)) => output,
        };
        let printed = Zeroizing::new(output.stdout);
        if !output.status.success() {
            return Err(refused(&String::from_utf8_lossy(&output.stderr)));
        }
        let printed: Printed = serde_json::from_slice(&printed)
            // The cause could tell a piece of the token.
            .map_err(|_| failed("it printed no token"))?;
        let token = AccessToken::new(Secret::new(printed.access_token));
        let now = request.clock.now();
        let on = seconds(&printed.expires_on);
        let on = on.and_then(|on| SystemTime::UNIX_EPOCH.checked_add(on));
        Ok(match on {
            Some(on) => token.lasting(now, on.duration_since(now).unwrap_or_default()),
            None => token.lasting(now, SHORTEST_LIFE),
        })
    }
}

fn failed(why: &str) -> Error {
    Error::credential(format!("the Azure CLI gave no token: {why}"), None)
}

/// What it says on its way out; only numbers of Entra are told on.
fn refused(said: &str) -> Error {
    if said.contains("AADSTS") {
        let who = Who {
            place: "https://login.microsoftonline.com/organizations".to_owned(),
            client_id: "Azure CLI".to_owned(),
        };
        return who.refused("interaction_required", Some(said));
    }
    if said.contains("az login") {
        return Error::sign_in(
            SignIn::Unavailable,
            "nobody is signed in to the Azure CLI: run `az login`",
        );
    }
    failed("run `az account get-access-token` by hand to see why")
}
