//! A credential of the Azure SDK.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::time::OffsetDateTime;
use dataverse_client::auth::AzureCore;
use dataverse_tests::script::Script;

use super::{ask, printed};

#[derive(Debug, Default)]
struct Own(Mutex<Vec<String>>, bool);

#[async_trait]
impl TokenCredential for Own {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        self.0
            .lock()
            .unwrap()
            .extend(scopes.iter().map(|scope| (*scope).to_owned()));
        match self.1 {
            true => Err(azure_core::Error::with_message(
                ErrorKind::Credential,
                "secret-in-answer",
            )),
            false => {
                let end = OffsetDateTime::from_unix_timestamp(4_102_444_800).unwrap();
                Ok(AccessToken::new("secret-token", end))
            }
        }
    }
}

#[tokio::test]
async fn its_token_is_ours() {
    let own = Arc::new(Own::default());
    let credential = AzureCore::new(own.clone());
    let token = ask(&credential, &Script::new()).await.unwrap();
    assert_eq!(token.secret.expose(), "secret-token");
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    assert_eq!(token.expires_at, Some(end));
    assert_eq!(
        *own.0.lock().unwrap(),
        ["https://org.crm4.dynamics.com/.default"]
    );
    assert_eq!(format!("{credential:?}"), "AzureCore(…)");
}

#[tokio::test]
async fn its_error_is_told_without_its_text() {
    let credential = AzureCore::new(Arc::new(Own(Mutex::default(), true)));
    let error = ask(&credential, &Script::new()).await.unwrap_err();
    assert!(error.is_credential(), "{error}");
    assert!(!printed(&error).contains("secret"), "{error:?}");
}
