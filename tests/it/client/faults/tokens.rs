//! Tokens that end, and where they are kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::auth::{AccessToken, Credential, Secret, TokenRequest};
use dataverse_client::http::{Clock as _, Transport, TransportError, VirtualClock};
use dataverse_client::{Client, Result};
use dataverse_tests::tables::AccountCard;

/// Tokens that last ten minutes and say when they end.
struct Short;

#[async_trait]
impl Credential for Short {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let end = request.clock.now() + Duration::from_secs(600);
        let seconds = end.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Ok(AccessToken::new(Secret::new(seconds.to_string())).until(end))
    }
}

/// A page of one row a minute; remembers how long each token would have lasted.
#[derive(Clone)]
struct Slow(VirtualClock, Arc<Mutex<Vec<u64>>>);

#[async_trait]
impl Transport for Slow {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> std::result::Result<http::Response<Bytes>, TransportError> {
        let token = request.headers()["authorization"].to_str().unwrap();
        let end: u64 = token.strip_prefix("Bearer ").unwrap().parse().unwrap();
        let now = self.0.now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let mut left = self.1.lock().unwrap();
        left.push(end - now.as_secs());
        let page = left.len();
        self.0.advance(Duration::from_secs(60));
        let next = format!(
            r#","@odata.nextLink":"https://org.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken={page}""#
        );
        let next = if page < 40 { &*next } else { "" };
        let body = format!(r#"{{"value":[{{"name":"{page}"}}]{next}}}"#);
        Ok(http::Response::new(Bytes::from(body)))
    }
}

#[tokio::test]
async fn pages_are_never_asked_for_with_a_token_that_ends() {
    let slow = Slow(VirtualClock::default(), Arc::default());
    let client = Client::builder("https://org.crm.dynamics.com")
        .unwrap()
        .credential(Short)
        .transport(slow.clone())
        .clock(slow.0.clone())
        .build()
        .unwrap();
    let mut rows = client.query::<AccountCard>().rows();
    let mut names = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        names.push(row.name.clone());
    }
    let expected: Vec<_> = (1..=40).map(|page| page.to_string()).collect();
    assert_eq!(names, expected, "no row twice, none left out");
    let left = slow.1.lock().unwrap();
    assert!(left.iter().all(|left| *left >= 240), "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_link_is_no_file_of_a_token() {
    use dataverse_client::auth::{FileStore, TokenStore as _};

    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, link) = (folder.join("linked-token"), folder.join("link-to-token"));
    for path in [&file, &link] {
        let _ = std::fs::remove_file(path);
    }
    FileStore::new(&file).save(&Secret::new("kept")).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let store = FileStore::new(&link);
    let error = store.load().unwrap_err().to_string();
    assert!(error.contains("no file of a token"), "{error}");
    assert!(error.contains("link-to-token: "), "{error}");
    // A new token takes the place of the link, and leaves what it led to as it was.
    store.save(&Secret::new("new")).unwrap();
    let text = |path| FileStore::new(path).load().unwrap().unwrap();
    assert_eq!(text(&file).expose(), "kept");
    assert_eq!(text(&link).expose(), "new");
}
