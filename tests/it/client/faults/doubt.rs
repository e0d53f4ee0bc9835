//! What is told when an attempt got no answer, and a later one got one that says less than it seems.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use dataverse_client::auth::{AccessToken, Credential, Secret, TokenRequest};
use dataverse_client::http::{Reached, VirtualClock};
use dataverse_client::{Associate, Changes, Client, Error, Id, New, Result};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard, Contact};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

fn account() -> New<Account> {
    New::new().set(Account::NAME, "Contoso")
}

fn changes() -> Changes<Account> {
    Changes::new().set(Account::NAME, "Contoso")
}

/// Has so many tokens, whose end is not known, and then none.
#[derive(Clone)]
struct Tokens(Arc<AtomicU32>);

impl Tokens {
    fn new(tokens: u32) -> Self {
        Tokens(Arc::new(AtomicU32::new(tokens)))
    }
}

#[async_trait]
impl Credential for Tokens {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        let left = self.0.load(Ordering::Relaxed);
        if left == 0 {
            return Err(Error::credential("no token is left", None));
        }
        self.0.store(left - 1, Ordering::Relaxed);
        Ok(AccessToken::new(Secret::new(format!("token {left}"))))
    }
}

fn client_with(script: &Script, tokens: u32) -> Client {
    Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(Tokens::new(tokens))
        .transport(script.clone())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

#[tokio::test]
async fn without_a_token_for_the_repeat_the_outcome_of_the_first_attempt_is_unknown() {
    let lost = || Script::new().failure(Reached::Unknown);
    for (script, tokens) in [(lost(), 1), (lost().answer(401, &[], ""), 2)] {
        let client = client_with(&script, tokens);
        let error = client.create(account()).await.unwrap_err();
        assert!(error.is_credential(), "{error}");
        assert!(error.is_outcome_unknown(), "{error}");
        // A read changes nothing, and what was never sent neither.
        let client = client_with(&lost(), 1);
        let error = client.query::<AccountCard>().await.unwrap_err();
        assert!(error.is_credential() && !error.is_outcome_unknown());
        let client = client_with(&Script::new().answer(401, &[], ""), 1);
        let error = client.create(account()).await.unwrap_err();
        assert!(error.is_credential() && !error.is_outcome_unknown());
    }
}

/// The first attempt may have been executed; that the second one was refused does not tell.
#[tokio::test]
async fn a_refusal_of_the_repeat_says_nothing_of_the_first_attempt() {
    for (status, code) in [
        (400, "0x80040265"),
        (403, "0x80040220"),
        (404, "0x80040217"),
        (500, "0x80040265"),
    ] {
        let refused = || {
            let script = Script::new().failure(Reached::Unknown);
            script.error(status, code, "no")
        };
        let id = Id::<Account>::new(ID);
        let (client, _) = refused().client().unwrap();
        let error = client.update(id, changes()).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "update, {status}: {error}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        let (client, _) = refused().client().unwrap();
        let error = client.upsert(id, changes()).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "upsert, {status}: {error}");
        let (client, _) = refused().client().unwrap();
        let set = client.set_column(id, Account::NAME, "a");
        let error = set.await.unwrap_err();
        assert!(error.is_outcome_unknown(), "set_column, {status}: {error}");
        let (client, _) = refused().client().unwrap();
        let contact = Id::<Contact>::new(ID);
        let link = Associate::one_named(id, "primarycontactid", contact);
        let error = client.call(link).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "associate, {status}: {error}");
        if status != 404 {
            let (client, _) = refused().client().unwrap();
            let error = client.delete(id).await.unwrap_err();
            assert!(error.is_outcome_unknown(), "delete, {status}: {error}");
        }
        // Without doubt a refusal is one.
        let (client, _) = Script::new().error(status, code, "no").client().unwrap();
        let error = client.update(id, changes()).await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{status}: {error}");
    }
}

/// A plug-in that wants names to be unique refuses the repeat because of the row of the first attempt.
#[tokio::test]
async fn a_create_whose_repeat_is_refused_asks_whether_the_row_is_there() {
    let refused = || {
        let script = Script::new().failure(Reached::Unknown);
        script.error(400, "0x80040265", "There is an account of this name")
    };
    let there = || refused().answer(200, &[], r#"{"accountid":"x","name":"Contoso"}"#);
    let script = there();
    let (client, _) = script.client().unwrap();
    let id = client.create(account()).await.unwrap();
    assert!(script.sent()[2].line.contains(&format!("accounts({id})")));
    let (client, _) = there().client().unwrap();
    let create = client.create(account()).returning::<AccountCard>();
    assert_eq!(create.await.unwrap().name, "Contoso");

    let gone = refused().error(404, "0x80040217", "Does Not Exist");
    let (client, _) = gone.client().unwrap();
    let error = client.create(account()).await.unwrap_err();
    assert!(error.is_plugin_error() && !error.is_outcome_unknown());

    let hidden = refused().error(403, "0x80040220", "missing prvReadAccount");
    let (client, _) = hidden.client().unwrap();
    let error = client.create(account()).await.unwrap_err();
    assert!(error.is_plugin_error() && error.is_outcome_unknown());
}
