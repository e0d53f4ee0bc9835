//! A user who signs in with a browser.

use std::io;
use std::sync::{Arc, Mutex};

use dataverse_client::auth::{AccessToken, AuthorizationCode, Credential, Secret, TokenRequest};
use dataverse_client::http::{SystemClock, VirtualClock};
use dataverse_client::{Error, Result};
use dataverse_tests::script::Script;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use url::Url;

use super::{ORG, TOKENS, printed, refusal, request};

/// What the browser asks for, given the page that it was opened with; and what it got.
type Visits = fn(&Page) -> Vec<String>;
type Got = Arc<Mutex<Vec<String>>>;

/// The page of the sign-in service.
struct Page(Url);

impl Page {
    fn value(&self, name: &str) -> String {
        let mut pairs = self.0.query_pairs();
        let found = pairs.find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    fn port(&self) -> u16 {
        Url::parse(&self.value("redirect_uri"))
            .unwrap()
            .port()
            .unwrap()
    }
}

async fn visit(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Signs in with a browser that makes these visits one after the other.
async fn sign_in(visits: Visits, script: &Script) -> (Result<AccessToken>, Vec<String>, String) {
    let got = Got::default();
    let opened = Arc::new(Mutex::new(String::new()));
    let browsing: Arc<Mutex<Option<JoinHandle<()>>>> = Arc::default();
    let credential = {
        let (got, opened, browsing) = (got.clone(), opened.clone(), browsing.clone());
        AuthorizationCode::new("contoso.com", "app", move |url| {
            *opened.lock().unwrap() = url.to_owned();
            let (page, got) = (Page(Url::parse(url).unwrap()), got.clone());
            let task = tokio::spawn(async move {
                for target in visits(&page) {
                    let request = format!("{target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                    let answer = visit(page.port(), &request).await;
                    got.lock().unwrap().push(answer);
                }
            });
            *browsing.lock().unwrap() = Some(task);
            Ok(())
        })
        .login_hint("ada@contoso.com")
    };
    let wanted = TokenRequest::new(ORG, Arc::new(script.clone()), Arc::new(SystemClock));
    let result = credential.token(&wanted).await;
    let task = browsing.lock().unwrap().take();
    task.unwrap().await.unwrap();
    let (got, opened) = (got.lock().unwrap().clone(), opened.lock().unwrap().clone());
    (result, got, opened)
}

fn good(page: &Page) -> Vec<String> {
    vec![format!(
        "GET /?code=secret-code%2B&state={}&session_state=x",
        page.value("state")
    )]
}

#[tokio::test]
async fn the_page_and_the_form_are_exact() {
    let script = Script::new().answer(200, &[], TOKENS);
    let (result, got, opened) = sign_in(good, &script).await;
    assert_eq!(result.unwrap().secret, Secret::new("eyJ-secret-token"));
    assert!(got[0].starts_with("HTTP/1.1 200 OK\r\n"), "{}", got[0]);
    for header in [
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Content-Security-Policy: default-src 'none'",
    ] {
        assert!(got[0].contains(&format!("\r\n{header}\r\n")), "{header}");
    }
    assert!(!got[0].contains("secret"), "{}", got[0]);

    let page = Page(Url::parse(&opened).unwrap());
    let start = "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize?";
    assert!(opened.starts_with(start), "{opened}");
    let redirect = format!("http://localhost:{}", page.port());
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", redirect.as_str()),
        ("response_mode", "query"),
        (
            "scope",
            "https://org.crm4.dynamics.com/user_impersonation offline_access",
        ),
        ("code_challenge_method", "S256"),
        ("login_hint", "ada@contoso.com"),
    ] {
        assert_eq!(page.value(name), value, "{name}");
    }
    assert!(page.value("state").len() >= 22 && page.value("code_challenge").len() == 43);
    assert_eq!(page.0.query_pairs().count(), 9);

    let [sent] = &script.sent()[..] else { panic!() };
    let form = Page(Url::parse(&format!("https://x/?{}", sent.body)).unwrap());
    assert_eq!(
        sent.line,
        "POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
    );
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "secret-code+"),
        ("client_id", "app"),
        ("redirect_uri", redirect.as_str()),
        (
            "scope",
            "https://org.crm4.dynamics.com/user_impersonation offline_access",
        ),
    ] {
        assert_eq!(form.value(name), value, "{name}");
    }
    assert_eq!(form.0.query_pairs().count(), 6);
    assert!(form.value("code_verifier").len() >= 43);
    assert!(!opened.contains(&form.value("code_verifier")));
}

#[tokio::test]
async fn what_is_not_for_the_page_is_not_found_and_the_waiting_goes_on() {
    let visits = |page: &Page| {
        let state = page.value("state");
        let mut visits = vec![
            "GET /favicon.ico".to_owned(),
            "GET /".to_owned(),
            "GET /?state=only".to_owned(),
            format!("POST /?code=injected&state={state}"),
            format!("GET /other?code=injected&state={state}"),
            "nonsense".to_owned(),
        ];
        visits.extend(good(page));
        visits
    };
    let script = Script::new().answer(200, &[], TOKENS);
    let (result, got, _) = sign_in(visits, &script).await;
    result.unwrap();
    for answer in &got[..6] {
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    }
    assert!(got[6].starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(script.sent()[0].body.contains("code=secret-code%2B"));
}

#[tokio::test]
async fn another_sign_in_s_answer_is_refused() {
    let table: [Visits; 3] = [
        |_| vec!["GET /?code=injected-secret&state=wrong".to_owned()],
        |_| vec!["GET /?code=injected-secret".to_owned()],
        |_| vec!["GET /?error=access_denied&state=".to_owned()],
    ];
    for visits in table {
        let script = Script::new();
        let (result, got, _) = sign_in(visits, &script).await;
        let error = result.unwrap_err();
        assert!(
            error.is_credential() && error.to_string().contains("`state`"),
            "{error}"
        );
        assert!(!printed(&error).contains("injected-secret"));
        assert!(got[0].starts_with("HTTP/1.1 400 "), "{}", got[0]);
        assert!(script.sent().is_empty());
    }
}

#[tokio::test]
async fn the_user_or_the_service_says_no() {
    type Is = fn(&Error) -> bool;
    let table: [(Visits, Is); 3] = [
        (
            |page| {
                vec![format!(
                    "GET /?error=access_denied&error_description=AADSTS65004%3A+declined&state={}",
                    page.value("state")
                )]
            },
            Error::is_sign_in_declined,
        ),
        (
            |page| {
                vec![format!(
                    "GET /?error=access_denied&error_description=AADSTS90094%3A+admin&state={}",
                    page.value("state")
                )]
            },
            Error::is_consent_required,
        ),
        (
            // An error beside a code is an error.
            |page| {
                vec![format!(
                    "GET /?code=secret-code&error=login_required&state={}",
                    page.value("state")
                )]
            },
            Error::is_interaction_required,
        ),
    ];
    for (visits, is) in table {
        let script = Script::new();
        let (result, got, _) = sign_in(visits, &script).await;
        let error = result.unwrap_err();
        assert!(is(&error), "{error}");
        assert!(!printed(&error).contains("secret-code") && script.sent().is_empty());
        assert!(got[0].starts_with("HTTP/1.1 200 "));
    }
    let script = refusal(
        Script::new(),
        "invalid_grant",
        "AADSTS54005: code was already redeemed",
    );
    let error = sign_in(good, &script).await.0.unwrap_err();
    assert!(
        error.is_grant_expired() && !printed(&error).contains("secret-code"),
        "{error}"
    );
}

#[tokio::test]
async fn a_code_is_not_sent_twice_in_doubt() {
    let script = Script::new().failure(dataverse_client::http::Reached::Unknown);
    let error = sign_in(good, &script).await.0.unwrap_err();
    assert!(error.is_credential() && script.sent().len() == 1, "{error}");
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_nobody_up() {
    let script = Script::new().answer(200, &[], TOKENS);
    let silent: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    let kept = silent.clone();
    let credential = AuthorizationCode::new("contoso.com", "app", move |url| {
        let page = Page(Url::parse(url).unwrap());
        let kept = kept.clone();
        tokio::spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", page.port()))
                .await
                .unwrap();
            *kept.lock().unwrap() = Some(stream);
            let huge = format!("GET /?x={} HTTP/1.1\r\n", "y".repeat(200_000));
            let mut stream = TcpStream::connect(("127.0.0.1", page.port()))
                .await
                .unwrap();
            // The other side ends it before all is written.
            let _ = stream.write_all(huge.as_bytes()).await;
            let target = &good(&page)[0];
            visit(page.port(), &format!("{target} HTTP/1.1\r\n\r\n")).await;
        });
        Ok(())
    });
    let wanted = TokenRequest::new(ORG, Arc::new(script), Arc::new(SystemClock));
    credential.token(&wanted).await.unwrap();
    assert!(silent.lock().unwrap().is_some());
}

#[tokio::test]
async fn nobody_comes_back_or_no_browser_opens() {
    let credential = AuthorizationCode::new("contoso.com", "app", |_| Ok(()));
    let script = Script::new();
    let clock = VirtualClock::default();
    let error = credential
        .token(&request(&script, &clock))
        .await
        .unwrap_err();
    assert!(error.is_grant_expired(), "{error}");
    assert_eq!(clock.sleeps(), [std::time::Duration::from_secs(300)]);
    let closed = |_: &str| Err(io::Error::other("no browser"));
    let credential = AuthorizationCode::new("contoso.com", "app", closed);
    let error = credential
        .token(&request(&script, &clock))
        .await
        .unwrap_err();
    assert!(error.is_io(), "{error}");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let credential = AuthorizationCode::new("contoso.com", "app", |_| Ok(()))
        .port(taken.local_addr().unwrap().port());
    let error = credential
        .token(&request(&script, &clock))
        .await
        .unwrap_err();
    assert!(error.is_io(), "{error}");
    assert!(script.sent().is_empty());
}
