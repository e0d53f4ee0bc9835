//! Where the token goes, and where it does not.

use dataverse_client::http::{FixedToken, Reached, Secret};
use dataverse_client::{Client, Id};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

#[tokio::test]
async fn a_next_link_to_another_host_is_refused_and_the_token_not_sent() {
    for link in [
        "https://evil.example/api/data/v9.2/accounts?$skiptoken=x",
        "http://org.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken=x",
        "https://org.crm.dynamics.com@evil.example/api/data/v9.2/accounts",
        "//evil.example/api/data/v9.2/accounts?$skiptoken=x",
    ] {
        let body = format!(r#"{{"value":[{{"name":"a"}}],"@odata.nextLink":"{link}"}}"#);
        let script = Script::new().answer(200, &[], body);
        let (client, _) = script.client().unwrap();
        let mut rows = client.query::<AccountCard>().rows();
        assert_eq!(rows.try_next().await.unwrap().unwrap().name, "a");
        let error = rows.try_next().await.unwrap_err();
        assert!(error.is_decode(), "{link}: {error}");
        assert_eq!(script.sent().len(), 1, "{link}");
    }
}

#[tokio::test]
async fn nothing_printed_holds_a_token_or_a_row() {
    let script = Script::new()
        .answer(200, &[], r#"{"name":{"private":"row"}}"#)
        .failure(Reached::NotSent);
    let (client, _) = script
        .client_with(dataverse_client::http::RetryPolicy::never())
        .unwrap();
    let key = || Account::ACCOUNTNUMBER.key("private");
    let call = client.retrieve::<AccountCard>(key());
    let mut texts = vec![
        format!("{client:?}"),
        format!("{call:?}"),
        format!("{:?}", Secret::new("secret-token")),
        format!("{:?}", FixedToken::new("secret-token")),
    ];
    for _ in 0..2 {
        let error = client.retrieve::<AccountCard>(key()).await.unwrap_err();
        texts.push(format!("{error} {error:?}"));
    }
    for text in texts {
        assert!(!text.contains("secret-token"), "{text}");
        assert!(!text.contains("private"), "{text}");
    }
    let sent = &script.sent()[0];
    assert_eq!(sent.header("authorization"), "Bearer secret-token");
    assert!(sent.headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn a_token_that_cannot_be_a_header_is_an_error_without_it() {
    let script = Script::new();
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(FixedToken::new("secret-token\n"))
        .transport(script.clone())
        .build()
        .unwrap();
    let error = client.delete::<Account>(Id::generate()).await.unwrap_err();
    assert!(error.is_credential());
    assert!(!format!("{error:?}").contains("secret-token"));
    assert!(script.sent().is_empty());
}

#[test]
fn a_client_needs_a_credential() {
    let builder = Client::builder("https://org.crm.dynamics.com").unwrap();
    assert!(builder.build().unwrap_err().is_invalid_input());
}
