//! Where the token comes from: never from an argument, which other users of a machine can read.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use dataverse_client::auth::AccessToken;
use dataverse_client::http::{Credential, FixedToken, Secret, TokenRequest, Transport};
use dataverse_client::{Error as ClientError, Result as ClientResult};

use crate::error::Error;

/// A token that a command prints: `az account get-access-token --resource … -o tsv --query accessToken`.
#[derive(Debug, Clone)]
pub struct TokenCommand(String);

impl TokenCommand {
    /// Runs `command` in a shell.
    pub fn new(command: impl Into<String>) -> Self {
        TokenCommand(command.into())
    }

    /// The token. What the command says on standard error goes to the terminal.
    ///
    /// Errors: the command cannot be run, fails, or prints nothing.
    pub fn run(&self) -> Result<FixedToken, Error> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut command = Command::new(shell);
        command
            .args([flag, &self.0])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let failed = |why: String| Error::Token(format!("the command for the token {why}"));
        let output = command
            .output()
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(failed(format!("failed ({})", output.status)));
        }
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match token.is_empty() {
            true => Err(failed("printed nothing".to_owned())),
            false => Ok(FixedToken::new(token)),
        }
    }
}

/// An application's id and secret, exchanged for a token.
///
/// Shape: `POST https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`,
/// `grant_type=client_credentials`. Source: Microsoft Learn, "OAuth 2.0 client credentials flow".
pub struct ClientSecret {
    authority: String,
    tenant: String,
    client_id: String,
    secret: Secret,
    transport: Arc<dyn Transport>,
    /// Lasts an hour; a fetch lasts minutes.
    token: Mutex<Option<FixedToken>>,
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSecret")
            .field("tenant", &self.tenant)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl ClientSecret {
    /// The application `client_id` of `tenant`, signing in at `authority`
    /// (`https://login.microsoftonline.com`).
    pub fn new(
        authority: &str,
        tenant: &str,
        client_id: &str,
        secret: Secret,
        transport: impl Transport,
    ) -> Self {
        ClientSecret {
            authority: authority.trim_end_matches('/').to_owned(),
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            secret,
            transport: Arc::new(transport),
            token: Mutex::default(),
        }
    }

    /// A token for the org at `resource`.
    ///
    /// Errors: the service's code and description; never the secret.
    pub async fn sign_in(&self, resource: &str) -> ClientResult<FixedToken> {
        let failed = |why: String| {
            ClientError::credential(
                format!("signing in application {}: {why}", self.client_id),
                None,
            )
        };
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.secret.expose())
            .append_pair(
                "scope",
                &format!("{}/.default", resource.trim_end_matches('/')),
            )
            .finish();
        let request = http::Request::post(format!(
            "{}/{}/oauth2/v2.0/token",
            self.authority, self.tenant
        ))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(form.into())
        .map_err(|error| failed(error.to_string()))?;
        let answer = self
            .transport
            .send(request)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let json: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        match json["access_token"].as_str() {
            Some(token) if answer.status().is_success() => Ok(FixedToken::new(token)),
            _ => {
                let code = json["error"].as_str().unwrap_or("no token in the answer");
                let description = json["error_description"].as_str().unwrap_or_default();
                let description = description.lines().next().unwrap_or_default();
                Err(failed(
                    format!("{}: {code} {description}", answer.status())
                        .trim_end()
                        .to_owned(),
                ))
            }
        }
    }
}

#[async_trait::async_trait]
impl Credential for ClientSecret {
    async fn token(&self, request: &TokenRequest) -> ClientResult<AccessToken> {
        let kept = || self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().clone();
        let token = match known {
            Some(token) => token,
            None => self.sign_in(&request.resource).await?,
        };
        *kept() = Some(token.clone());
        token.token(request).await
    }
}

/// The first of: a token file; a command; `DATAVERSE_TOKEN`; `AZURE_TENANT_ID` with
/// `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` or `AZURE_CLIENT_SECRET_FILE`. `variable` reads the
/// environment.
///
/// Errors: what is named cannot be read; nothing is named.
pub fn from_environment(
    file: Option<&Path>,
    command: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
    transport: impl Transport,
) -> Result<Box<dyn Credential>, Error> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).map_err(|error| Error::File {
            path: path.to_owned(),
            error,
        })?;
        Ok::<_, Error>(text.trim().to_owned())
    };
    if let Some(path) = file {
        return Ok(Box::new(FixedToken::new(read(path)?)));
    }
    if let Some(command) = command {
        return Ok(Box::new(TokenCommand::new(command).run()?));
    }
    if let Some(token) = variable("DATAVERSE_TOKEN") {
        return Ok(Box::new(FixedToken::new(token)));
    }
    let secret = match (
        variable("AZURE_CLIENT_SECRET"),
        variable("AZURE_CLIENT_SECRET_FILE"),
    ) {
        (Some(secret), _) => Some(secret),
        (None, Some(path)) => Some(read(Path::new(&path))?),
        (None, None) => None,
    };
    match (
        variable("AZURE_TENANT_ID"),
        variable("AZURE_CLIENT_ID"),
        secret,
    ) {
        (Some(tenant), Some(client_id), Some(secret)) => {
            let authority = variable("AZURE_AUTHORITY_HOST");
            let authority = authority
                .as_deref()
                .unwrap_or("https://login.microsoftonline.com");
            let secret = Secret::new(secret);
            Ok(Box::new(ClientSecret::new(
                authority, &tenant, &client_id, secret, transport,
            )))
        }
        _ => Err(Error::Token(
            "no token: set DATAVERSE_TOKEN, or give --token-file or --token-command \
             'az account get-access-token --resource https://YOUR-ORG --query accessToken -o tsv', \
             or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
                .to_owned(),
        )),
    }
}
