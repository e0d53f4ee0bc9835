//! The service refuses a token: 401.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dataverse_client::auth::{AccessToken, Credential, Secret, TokenRequest};
use dataverse_client::{Changes, Client, ETag, Id, Result};
use dataverse_tests::script::Script;
use dataverse_tests::tables::Account;

/// Gives `token-1`, `token-2`, … that last an hour, and remembers what it was asked and told.
#[derive(Clone, Default)]
pub(super) struct Counting(Arc<Mutex<Vec<String>>>);

impl Counting {
    pub(super) fn story(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn tell(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

#[async_trait]
impl Credential for Counting {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let claims = request.claims.as_deref().unwrap_or("none");
        self.tell(format!("claims {claims}"));
        let asked = self
            .story()
            .iter()
            .filter(|told| told.starts_with("claims"))
            .count();
        let hour = std::time::Duration::from_secs(3600);
        let token = Secret::new(format!("token-{asked}"));
        Ok(AccessToken::new(token).until(request.clock.now() + hour))
    }

    fn invalidate(&self, refused: &Secret) {
        self.tell(format!("refused {}", refused.expose()));
    }
}

fn client(script: &Script, credential: impl Credential) -> Client {
    Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(credential)
        .transport(script.clone())
        .build()
        .unwrap()
}

fn bearers(script: &Script) -> Vec<String> {
    let sent = script.sent();
    let bearers = sent
        .iter()
        .map(|sent| sent.header("authorization").to_owned());
    bearers.collect()
}

#[tokio::test]
async fn a_refused_token_is_dropped_everywhere_and_any_operation_sent_again_once() {
    let script = Script::new().answer(401, &[], "").no_content().no_content();
    let tokens = Counting::default();
    let client = client(&script, tokens.clone());
    // An update with a condition may not be repeated in doubt; this is no doubt.
    client
        .update(
            Id::<Account>::generate(),
            Changes::new().set(Account::NAME, "a"),
        )
        .if_match(ETag::new("W/\"1\""))
        .await
        .unwrap();
    client.delete::<Account>(Id::generate()).await.unwrap();
    assert_eq!(
        bearers(&script),
        ["Bearer token-1", "Bearer token-2", "Bearer token-2"]
    );
    assert_eq!(
        tokens.story(),
        ["claims none", "refused token-1", "claims none"]
    );
    let sent = script.sent();
    assert_eq!(
        (&sent[0].line, &sent[0].body),
        (&sent[1].line, &sent[1].body)
    );
}

#[tokio::test]
async fn a_second_refusal_is_the_answer() {
    let script = Script::new().answer(401, &[], "").answer(401, &[], "");
    let error = client(&script, Counting::default())
        .delete::<Account>(Id::generate())
        .await
        .unwrap_err();
    assert!(
        error.is_unauthorized() && !error.is_outcome_unknown(),
        "{error}"
    );
    assert_eq!((error.attempts(), script.sent().len()), (2, 2));
}

#[tokio::test]
async fn a_credential_with_one_token_is_not_tried_twice() {
    let script = Script::new().answer(401, &[], "");
    let credential = dataverse_client::auth::FixedToken::new("only");
    let error = client(&script, credential)
        .delete::<Account>(Id::generate())
        .await;
    assert!(error.unwrap_err().is_unauthorized());
    assert_eq!(bearers(&script), ["Bearer only"]);
}

#[tokio::test]
async fn claims_of_a_challenge_are_asked_for_and_kept() {
    // {"access_token":{"nbf":{"essential":true}}}
    let challenge = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/\
                     common/oauth2/authorize\", error=\"insufficient_claims\", \
                     claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"";
    let script = Script::new()
        .answer(401, &[("WWW-Authenticate", challenge)], "")
        .no_content()
        .answer(401, &[], "")
        .no_content();
    let tokens = Counting::default();
    let client = client(&script, tokens.clone());
    for _ in 0..2 {
        client.delete::<Account>(Id::generate()).await.unwrap();
    }
    let claims =
        r#"claims {"access_token":{"nbf":{"essential":true},"xms_cc":{"values":["cp1"]}}}"#;
    assert_eq!(
        tokens.story(),
        [
            "claims none",
            "refused token-1",
            claims,
            "refused token-2",
            claims
        ]
    );
    let expected = [1, 2, 2, 3].map(|token| format!("Bearer token-{token}"));
    assert_eq!(bearers(&script), expected);
}

#[tokio::test]
async fn a_client_can_say_from_the_start_that_it_answers_challenges() {
    let script = Script::new()
        .no_content()
        .no_content()
        .answer(401, &[], "")
        .no_content();
    let tokens = Counting::default();
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(tokens.clone())
        .transport(script.clone())
        .continuous_access()
        .build()
        .unwrap();
    for _ in 0..3 {
        client.delete::<Account>(Id::generate()).await.unwrap();
    }
    let claims = r#"claims {"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    assert_eq!(tokens.story(), [claims, "refused token-1", claims]);
}

#[tokio::test]
async fn without_a_new_token_the_credential_tells_why() {
    struct Once(Counting);
    #[async_trait]
    impl Credential for Once {
        async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
            match self.0.story().is_empty() {
                true => self.0.token(request).await,
                false => Err(dataverse_client::Error::credential("the user left", None)),
            }
        }
    }
    let script = Script::new().answer(401, &[], "");
    let error = client(&script, Once(Counting::default()))
        .delete::<Account>(Id::generate())
        .await
        .unwrap_err();
    assert!(error.is_credential());
    let text = error.to_string();
    assert!(
        text.starts_with("DELETE accounts(") && text.ends_with("the user left"),
        "{text}"
    );
}
