//! No type of the module prints what it keeps.

use std::io;
use std::sync::Arc;

use dataverse_client::auth::{
    AccessToken, AuthorizationCode, AzureCli, Chain, ClientSecret, Credential, DeviceCode,
    FileStore, FixedToken, ManagedIdentity, MemoryStore, RefreshToken, Secret, Tenant, TokenCache,
    TokenStore, WorkloadIdentity,
};
use dataverse_client::http::VirtualClock;
use dataverse_client::{Client, Id};
use dataverse_tests::script::Script;
use dataverse_tests::tables::Account;

use super::{TOKENS, ask, printed, request};

const CANARY: &str = "secret-canary";

#[tokio::test]
async fn no_type_prints_a_secret() {
    let secret = || Secret::new(CANARY);
    let memory = || {
        let store = MemoryStore::new();
        store.save(&Secret::new(CANARY)).unwrap();
        store
    };
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("canary-token");
    let _ = std::fs::remove_file(&file);
    FileStore::new(&file).save(&secret()).unwrap();
    let script = Script::new();
    let clock = VirtualClock::default();
    let application = ClientSecret::new("t", "app", secret());
    let cache = TokenCache::new(application.clone());
    let filled = Script::new().answer(200, &[], TOKENS.replace("secret-token", CANARY));
    let token = ask(&cache, &filled).await.unwrap();
    assert!(token.secret.expose().contains(CANARY));
    let browser = AuthorizationCode::new("t", "app", |_| Err(io::Error::other("none")))
        .secret(secret())
        .store(memory());
    let client = Client::builder("https://org.crm4.dynamics.com")
        .unwrap()
        .credential(application.clone());
    let built = Client::builder("https://org.crm4.dynamics.com")
        .unwrap()
        .credential(cache.clone())
        .transport(script.clone())
        .build()
        .unwrap();
    let call = built.delete::<Account>(Id::generate());
    let texts = [
        format!("{:?}", secret()),
        format!("{token:?}"),
        format!("{:#?}", AccessToken::new(secret())),
        format!("{:?}", FixedToken::new(CANARY)),
        format!("{application:?}"),
        format!("{:#?}", application.on_behalf_of(secret())),
        format!("{cache:?}"),
        format!("{browser:#?}"),
        format!("{:?}", DeviceCode::new("t", "app", |_| ()).store(memory())),
        format!("{:?}", RefreshToken::new("t", "app", FileStore::new(&file))),
        format!("{:?} {:?}", memory(), FileStore::new(&file)),
        format!(
            "{:?}",
            WorkloadIdentity::new("t", "app", "/x").on_behalf_of(secret())
        ),
        format!(
            "{:?}",
            ManagedIdentity::new().variables(|_| Some(CANARY.to_owned()))
        ),
        format!("{:?} {:?}", AzureCli::new(), Tenant::of_org()),
        format!("{:?}", Chain::new().then("fixed", FixedToken::new(CANARY))),
        format!("{:?}", request(&script, &clock)),
        format!("{client:?} {built:?} {call:?}"),
    ];
    for text in texts {
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn no_error_prints_a_secret() {
    let secret = || Secret::new(CANARY);
    let store = || {
        let store = MemoryStore::new();
        store.save(&Secret::new(CANARY)).unwrap();
        store
    };
    let credentials: [Arc<dyn Credential>; 4] = [
        Arc::new(ClientSecret::new("t", "app", secret())),
        Arc::new(ClientSecret::new("t", "app", secret()).on_behalf_of(secret())),
        Arc::new(RefreshToken::new("t", "app", store())),
        Arc::new(ManagedIdentity::new().variables(|_| None)),
    ];
    let echo = format!("client_secret={CANARY}&refresh_token={CANARY}");
    let body = format!(r#"{{"error":"{CANARY}","error_description":"AADSTS1: {echo}"}}"#);
    let wrong = format!(r#"{{"access_token":{{"{CANARY}":1}},"expires_in":"{CANARY}"}}"#);
    for credential in &credentials {
        for (status, body) in [
            (400, &body),
            (401, &echo),
            (200, &wrong),
            (200, &echo),
            (302, &echo),
        ] {
            let script = Script::new().answer(status, &[("Location", CANARY)], body.clone());
            let wanted = request(&script, &VirtualClock::default());
            let error = credential.token(&wanted).await.unwrap_err();
            assert!(!printed(&error).contains(CANARY), "{status}: {error:?}");
        }
    }
    // A token that cannot stand in a header.
    let script = Script::new();
    let client = Client::builder("https://org.crm4.dynamics.com")
        .unwrap()
        .credential(FixedToken::new(format!("{CANARY}\u{7f}\n")))
        .transport(script.clone())
        .build()
        .unwrap();
    let error = client.delete::<Account>(Id::generate()).await.unwrap_err();
    assert!(!printed(&error).contains(CANARY) && script.sent().is_empty());
}

#[test]
fn secrets_compare_whole() {
    for (one, other, same) in [
        ("a", "a", true),
        ("a", "b", false),
        ("a", "ab", false),
        ("", "", true),
    ] {
        assert_eq!(Secret::new(one) == Secret::new(other), same);
    }
}
