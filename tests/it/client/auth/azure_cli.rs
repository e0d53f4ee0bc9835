//! The user of the Azure CLI, with scripts in its place.
#![cfg(unix)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dataverse_client::auth::{AccessToken, AzureCli, Credential, TokenRequest};
use dataverse_client::http::{SystemClock, VirtualClock};
use dataverse_client::{Error, Result};
use dataverse_tests::script::Script;

use super::{ORG, printed, request};

/// A program that is run in place of `az`.
fn program(name: &str, lines: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("az");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    // Written by another process: one that is forked by another test at the same time must not hold
    // it open for writing, since it could not be run then.
    let mut writer = Command::new("sh")
        .args(["-c", "cat > \"$1\" && chmod 700 \"$1\"", "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = writer.stdin.take().unwrap();
    writeln!(input, "#!/bin/sh\n{lines}").unwrap();
    drop(input);
    assert!(writer.wait().unwrap().success());
    path
}

async fn run(credential: AzureCli) -> Result<AccessToken> {
    let wanted = TokenRequest::new(ORG, Arc::new(Script::new()), Arc::new(SystemClock));
    credential.token(&wanted).await
}

#[tokio::test]
async fn arguments_are_a_list_and_the_token_lasts_as_it_says() {
    let told = Path::new(env!("CARGO_TARGET_TMPDIR")).join("az-arguments");
    let lines = format!(
        "for argument in \"$@\"; do echo \"$argument\"; done > '{}'\n\
         echo '{{\"accessToken\":\"secret-token\",\"expiresOn\":\"2100-01-01 00:00:00.000000\",\
         \"expires_on\":4102444800,\"subscription\":\"s\",\"tenant\":\"t\",\"tokenType\":\"Bearer\"}}'",
        told.display()
    );
    let az = program("good", &lines);
    let token = run(AzureCli::new().program(&az).tenant("contoso.com"))
        .await
        .unwrap();
    assert_eq!(token.secret.expose(), "secret-token");
    assert!(
        token
            .expires_at
            .is_some_and(|at| at > SystemTime::UNIX_EPOCH)
    );
    assert_eq!(
        std::fs::read_to_string(&told).unwrap(),
        "account\nget-access-token\n--output\njson\n--scope\n\
         https://org.crm4.dynamics.com/.default\n--tenant\ncontoso.com\n"
    );
    run(AzureCli::new().program(&az)).await.unwrap();
    assert!(!std::fs::read_to_string(&told).unwrap().contains("--tenant"));
}

#[tokio::test]
async fn an_old_version_tells_no_seconds() {
    let az = program(
        "old",
        "echo '{\"accessToken\":\"t\",\"expiresOn\":\"2100-01-01 00:00:00\"}'",
    );
    assert!(
        run(AzureCli::new().program(az))
            .await
            .unwrap()
            .expires_at
            .is_some()
    );
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_what_was_printed() {
    type Is = fn(&Error) -> bool;
    let table: &[(&str, &str, Is)] = &[
        (
            "login",
            "echo \"ERROR: Please run 'az login' to setup account. secret-words\" >&2; exit 1",
            Error::is_credential_unavailable,
        ),
        (
            "mfa",
            "echo 'ERROR: AADSTS50076: Due to secret-words. Run az login' >&2; exit 1",
            Error::is_interaction_required,
        ),
        (
            "unknown",
            "echo 'ERROR: AADSTS500011: secret-words' >&2; exit 1",
            Error::is_org_unknown,
        ),
        (
            "other",
            "echo secret-words >&2; exit 3",
            Error::is_credential,
        ),
        ("empty", "true", Error::is_credential),
        (
            "nonsense",
            "echo '{\"accessToken\":[\"secret-words\"]}'",
            Error::is_credential,
        ),
    ];
    for (name, lines, is) in table {
        let error = run(AzureCli::new().program(program(name, lines)))
            .await
            .unwrap_err();
        assert!(is(&error), "{name}: {error}");
        assert!(
            !printed(&error).contains("secret-words"),
            "{name}: {error:?}"
        );
    }
    let missing = run(AzureCli::new().program("/nowhere/az"))
        .await
        .unwrap_err();
    assert!(missing.is_credential_unavailable(), "{missing}");
    for tenant in ["", "--help", "a b", "x;y"] {
        let error = run(AzureCli::new().program("/nowhere/az").tenant(tenant))
            .await
            .unwrap_err();
        assert!(error.is_invalid_input(), "{tenant}: {error}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_end_is_stopped() {
    let clock = VirtualClock::default();
    let az = AzureCli::new().program(program("waits", "exec sleep 600"));
    let error = az
        .token(&request(&Script::new(), &clock))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it did not end within 30 seconds"),
        "{error}"
    );
    assert_eq!(clock.sleeps(), [Duration::from_secs(30)]);
}
