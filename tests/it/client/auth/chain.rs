//! The first of several credentials that is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use dataverse_client::Result;
use dataverse_client::auth::{
    AccessToken, AzureCli, Chain, ClientSecret, Credential, FixedToken, ManagedIdentity, Secret,
    TokenRequest, WorkloadIdentity,
};
use dataverse_client::http::Reached;
use dataverse_tests::script::Script;

use super::{TOKEN, ask, refusal};

#[tokio::test]
async fn the_usual_chain_tries_in_order_and_stays() {
    let environment = |name: &str| {
        Some(match name {
            "AZURE_TENANT_ID" => "t".to_owned(),
            "AZURE_CLIENT_ID" => "c".to_owned(),
            "AZURE_CLIENT_SECRET" => "s".to_owned(),
            _ => return None,
        })
    };
    let script = Script::new().answer(200, &[], TOKEN);
    ask(&Chain::usual_with(environment), &script).await.unwrap();
    assert!(script.sent()[0].body.contains("client_secret=s"));

    // No secret and no federated token: the machine's identity, of the id that is named.
    let identity = r#"{"access_token":"t","expires_in":"3599"}"#;
    let script = Script::new()
        .answer(400, &[], "")
        .answer(200, &[], identity)
        .answer(200, &[], identity);
    let chain = Chain::usual_with(|name| (name == "AZURE_CLIENT_ID").then(|| "c".to_owned()));
    ask(&chain, &script).await.unwrap();
    let machine = "http://169.254.169.254/metadata/identity/oauth2/token";
    let sent = script.sent();
    assert_eq!(sent[0].line, format!("GET {machine}"));
    assert_eq!(sent[0].header("metadata"), "");
    assert!(
        sent[1]
            .line
            .starts_with(&format!("GET {machine}?api-version"))
    );
    assert!(sent[1].line.ends_with("&client_id=c"));
    assert_eq!(
        format!("{chain:?}"),
        r#"["environment", "workload identity", "managed identity", "Azure CLI"]"#
    );
}

#[tokio::test]
async fn a_refusal_ends_the_chain() {
    let chain = Chain::new()
        .then("secret", ClientSecret::new("t", "c", Secret::new("s")))
        .then("fixed", FixedToken::new("never"));
    let script = refusal(Script::new(), "invalid_client", "AADSTS7000215: wrong");
    let error = ask(&chain, &script).await.unwrap_err();
    assert!(error.is_secret_refused(), "{error}");
}

#[tokio::test]
async fn where_nothing_is_there_every_reason_is_told() {
    let nothing = |_: &str| None;
    let file = WorkloadIdentity::new("t", "c", "/nowhere/token");
    let chain = Chain::new()
        .then("file", file)
        .then("CLI", AzureCli::new().program("/nowhere/az"));
    let error = ask(&chain, &Script::new()).await.unwrap_err();
    assert!(error.is_credential_unavailable());
    let text = error.to_string();
    assert!(
        text.contains("file: ") && text.contains("CLI: the Azure CLI is not"),
        "{text}"
    );
    assert!(text.contains("there is no `/nowhere/az`"), "{text}");
    let unset = WorkloadIdentity::from_variables(nothing).unwrap_err();
    assert!(
        unset
            .to_string()
            .contains("AZURE_FEDERATED_TOKEN_FILE is not set")
    );
    let error = ask(&Chain::new(), &Script::new()).await.unwrap_err();
    assert!(error.is_credential_unavailable());
}

#[tokio::test]
async fn the_usual_chain_looks_for_a_metadata_service_for_a_moment_only() {
    let script = Script::new().failure(Reached::NotSent);
    let chain = Chain::usual_with(|_| None);
    // What comes after is the Azure CLI of this machine, whatever it says.
    let _ = ask(&chain, &script).await;
    assert_eq!(script.sent().len(), 1);
    // Nor is a proxy that answers for whatever it does not reach.
    let script = Script::new().answer(403, &[], "blocked");
    let error = ask(&Chain::usual_with(|_| None), &script).await.err();
    let told = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(!told.contains("403"), "{told}");
    assert_eq!(script.sent().len(), 1);
    let alone = ManagedIdentity::new().variables(|_| None);
    let down = (0..5).fold(Script::new(), |script, _| script.failure(Reached::NotSent));
    assert!(ask(&alone, &down).await.unwrap_err().is_credential());
}

#[derive(Clone, Default)]
struct Told(Arc<AtomicU32>, Arc<AtomicU32>, Arc<AtomicU32>);

#[async_trait]
impl Credential for Told {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(AccessToken::new(Secret::new("t")))
    }

    fn invalidate(&self, _: &Secret) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }

    async fn sign_out(&self) -> Result<()> {
        self.2.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn every_link_hears_of_a_refused_token_and_of_the_end() {
    let (one, two) = (Told::default(), Told::default());
    let boxed: Box<dyn Credential> = Box::new(one.clone());
    let chain = Chain::new().then("one", boxed).then("two", two.clone());
    for _ in 0..3 {
        ask(&chain, &Script::new()).await.unwrap();
    }
    chain.invalidate(&Secret::new("t"));
    chain.sign_out().await.unwrap();
    let counts =
        |told: &Told| [&told.0, &told.1, &told.2].map(|count| count.load(Ordering::SeqCst));
    assert_eq!((counts(&one), counts(&two)), ([3, 1, 1], [0, 1, 1]));
}
