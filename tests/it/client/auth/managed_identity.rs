//! An identity that Azure gives to a machine.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dataverse_client::auth::{Credential, ManagedIdentity};
use dataverse_client::http::VirtualClock;
use dataverse_tests::script::Script;

use super::{ask, printed, request};

/// As the documentation prints it: numbers are text. Ends an hour after the clock's start.
const TOKEN: &str = r#"{"access_token":"secret-token","client_id":"c","expires_in":"3599","expires_on":"1767229200","ext_expires_in":"3599","not_before":"1767225300","resource":"https://org.crm4.dynamics.com","token_type":"Bearer"}"#;

fn machine() -> ManagedIdentity {
    ManagedIdentity::new().variables(|_| None)
}

fn with(pairs: &'static [(&str, &str)]) -> ManagedIdentity {
    ManagedIdentity::new().variables(|name| {
        let pair = pairs.iter().find(|(known, _)| *known == name);
        pair.map(|(_, value)| (*value).to_owned())
    })
}

const RESOURCE: &str = "resource=https%3A%2F%2Forg.crm4.dynamics.com";

#[tokio::test]
async fn a_virtual_machine_asks_its_metadata_service() {
    for (credential, which) in [
        (machine(), ""),
        (machine().client_id("c 1"), "&client_id=c+1"),
        (machine().object_id("o"), "&object_id=o"),
        (
            machine().resource_id("/subscriptions/s"),
            "&msi_res_id=%2Fsubscriptions%2Fs",
        ),
    ] {
        let script = Script::new().answer(200, &[], TOKEN);
        let token = ask(&credential, &script).await.unwrap();
        assert_eq!(token.secret.expose(), "secret-token");
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_229_200);
        assert_eq!(token.expires_at, Some(end));
        let sent = &script.sent()[0];
        assert_eq!(
            sent.line,
            format!(
                "GET http://169.254.169.254/metadata/identity/oauth2/token\
                 ?api-version=2018-02-01&{RESOURCE}{which}"
            )
        );
        assert_eq!((sent.header("metadata"), sent.body.as_str()), ("true", ""));
    }
}

#[tokio::test]
async fn a_metadata_service_that_is_not_ready_is_asked_again() {
    let script = Script::new()
        .answer(404, &[], "")
        .answer(410, &[], "")
        .answer(429, &[("Retry-After", "3")], "")
        .answer(500, &[], "")
        .answer(200, &[], TOKEN);
    let clock = VirtualClock::default();
    machine().token(&request(&script, &clock)).await.unwrap();
    assert_eq!(
        (script.sent().len(), clock.sleeps()[2]),
        (5, Duration::from_secs(3))
    );
}

#[tokio::test]
async fn an_app_service_has_an_address_and_a_header() {
    let service = with(&[
        ("IDENTITY_ENDPOINT", "http://169.254.129.4:8081/msi/token"),
        ("IDENTITY_HEADER", "secret-header"),
    ]);
    for (credential, which) in [
        (service.clone(), ""),
        (service.clone().client_id("c"), "&client_id=c"),
        (service.clone().resource_id("/s"), "&mi_res_id=%2Fs"),
    ] {
        let script = Script::new().answer(200, &[], TOKEN);
        ask(&credential, &script).await.unwrap();
        let sent = &script.sent()[0];
        assert_eq!(
            sent.line,
            format!(
                "GET http://169.254.129.4:8081/msi/token?api-version=2019-08-01&{RESOURCE}{which}"
            )
        );
        assert_eq!(sent.header("x-identity-header"), "secret-header");
        assert!(sent.headers["x-identity-header"].is_sensitive());
        assert_eq!(sent.header("metadata"), "");
    }
}

#[tokio::test]
async fn a_key_is_not_sent_to_another_machine() {
    for pairs in [
        &[
            ("IDENTITY_ENDPOINT", "http://evil.example/token"),
            ("IDENTITY_HEADER", "secret"),
        ][..],
        &[("IDENTITY_ENDPOINT", "http://10.0.0.1/token")],
        &[("IDENTITY_ENDPOINT", "ftp://localhost/token")],
        &[("IDENTITY_ENDPOINT", "https://user:pass@localhost/token")],
        &[("IDENTITY_ENDPOINT", "not a URL")],
    ] {
        let script = Script::new();
        let error = ask(&with(pairs), &script).await.unwrap_err();
        assert!(
            error.is_invalid_input() && script.sent().is_empty(),
            "{error}"
        );
        assert!(!printed(&error).contains("secret"));
    }
}

const ARC: &[(&str, &str)] = &[
    (
        "IDENTITY_ENDPOINT",
        "http://localhost:40342/metadata/identity/oauth2/token",
    ),
    ("IMDS_ENDPOINT", "http://localhost:40342"),
];

fn keys(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn named(path: &str) -> Script {
    let challenge = format!("Basic realm={path}");
    Script::new().answer(401, &[("WWW-Authenticate", &challenge)], "")
}

#[tokio::test]
async fn an_arc_machine_proves_that_it_can_read_a_file() {
    let folder = keys("arc");
    let key = folder.join("1.key");
    std::fs::write(&key, "secret-key\n").unwrap();
    let script = named(key.to_str().unwrap()).answer(200, &[], TOKEN);
    ask(&with(ARC).arc_keys(&folder), &script).await.unwrap();
    let sent = script.sent();
    assert_eq!(
        sent[0].line,
        format!(
            "GET http://localhost:40342/metadata/identity/oauth2/token\
             ?api-version=2021-02-01&{RESOURCE}"
        )
    );
    assert_eq!(sent[0].line, sent[1].line);
    assert_eq!(
        (sent[0].header("metadata"), sent[0].header("authorization")),
        ("true", "")
    );
    assert_eq!(sent[1].header("authorization"), "Basic secret-key");
    assert!(sent[1].headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn an_arc_challenge_cannot_name_any_file() {
    let folder = keys("arc-hostile");
    std::fs::create_dir(folder.join("below")).unwrap();
    std::fs::create_dir(folder.join("folder.key")).unwrap();
    for name in ["plain.txt", "below/1.key"] {
        std::fs::write(folder.join(name), "secret-other").unwrap();
    }
    std::fs::write(folder.join("large.key"), "x".repeat(5000)).unwrap();
    std::fs::write(folder.join("broken.key"), "secret-other\nx").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.join("plain.txt"), folder.join("link.key")).unwrap();
    let inside = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for path in [
        "/etc/passwd".to_owned(),
        String::new(),
        inside("plain.txt"),
        inside("below/1.key"),
        inside("../arc-hostile/plain.txt"),
        inside("below/../1.key"),
        inside("folder.key"),
        inside("large.key"),
        inside("link.key"),
        inside("missing.key"),
        inside("broken.key"),
    ] {
        let script = named(&path);
        let error = ask(&with(ARC).arc_keys(&folder), &script)
            .await
            .unwrap_err();
        assert!(
            error.is_credential() && script.sent().len() == 1,
            "{path}: {error}"
        );
        assert!(!printed(&error).contains("secret-other"), "{error}");
    }
    let script = Script::new().answer(200, &[], TOKEN);
    assert!(
        ask(&with(ARC).arc_keys(&folder), &script)
            .await
            .unwrap_err()
            .is_credential()
    );
    let user_assigned = with(ARC).client_id("c");
    let error = ask(&user_assigned, &Script::new()).await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
}

#[tokio::test]
async fn what_the_machine_refuses() {
    let body = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let error = ask(&machine(), &Script::new().answer(400, &[], body))
        .await
        .unwrap_err();
    assert!(error.is_credential_unavailable(), "{error}");
    let body = r#"{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal was not found"}"#;
    let error = ask(&machine(), &Script::new().answer(400, &[], body))
        .await
        .unwrap_err();
    assert!(error.is_org_unknown(), "{error}");
    for (status, body) in [
        (
            403,
            r#"{"error":"unauthorized_client","error_description":"secret-in-body"}"#,
        ),
        (403, "secret-in-body"),
        (200, r#"{"token":"secret-in-body"}"#),
    ] {
        let error = ask(&machine(), &Script::new().answer(status, &[], body))
            .await
            .unwrap_err();
        assert!(
            error.is_credential() && !printed(&error).contains("secret-in-body"),
            "{error}"
        );
    }
    let fabric = with(&[
        ("IDENTITY_ENDPOINT", "https://localhost:2377/"),
        ("IDENTITY_HEADER", "secret"),
        ("IDENTITY_SERVER_THUMBPRINT", "0"),
    ]);
    let error = ask(&fabric, &Script::new()).await.unwrap_err();
    assert!(error.is_credential_unavailable(), "{error}");
}
