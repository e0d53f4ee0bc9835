//! Where the token comes from: never from an argument, which other users of a machine can read.

use std::path::Path;
use std::process::{Command, Stdio};

use dataverse_client::auth::{ClientSecret, Credential, FixedToken, Secret};

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

/// The first of: a token file; a command; `DATAVERSE_TOKEN`; `AZURE_TENANT_ID` with
/// `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` or `AZURE_CLIENT_SECRET_FILE`. `variable` reads the
/// environment.
///
/// Errors: what is named cannot be read; nothing is named.
pub fn from_environment(
    file: Option<&Path>,
    command: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
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
            let credential = ClientSecret::new(tenant, client_id, Secret::new(secret));
            Ok(Box::new(match variable("AZURE_AUTHORITY_HOST") {
                Some(authority) => credential.authority(authority),
                None => credential,
            }))
        }
        _ => Err(Error::Token(
            "no token: set DATAVERSE_TOKEN, or give --token-file or --token-command \
             'az account get-access-token --resource https://YOUR-ORG --query accessToken -o tsv', \
             or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
                .to_owned(),
        )),
    }
}
