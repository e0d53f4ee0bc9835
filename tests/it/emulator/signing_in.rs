//! Signing in: codes with proof keys, device codes, users, tokens that expire.

use std::time::Duration;

use bytes::Bytes;
use dataverse_client::http::{Clock, Transport, VirtualClock};
use dataverse_emulator::{Emulator, Security, User};
use serde_json::Value;

use super::{Answer, send};
use crate::documents::{ON_PREMISES, document};

const ANNA: &str = "00000000-0000-0000-0000-00000000000a";
const BOT: &str = "00000000-0000-0000-0000-00000000000b";
const APPLICATION: &str = "00000000-0000-0000-0000-0000000000b0";

fn emulator() -> (Emulator, VirtualClock) {
    let clock = VirtualClock::default();
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .security(
            Security::new()
                .user(User::new(ANNA).named("anna@contoso.example"))
                .user(User::new(BOT).application(APPLICATION)),
        )
        .tenant("contoso.example")
        .token_lifetime(Duration::from_secs(600))
        .clock(clock.clone())
        .build()
        .unwrap();
    (emulator, clock)
}

async fn ask(emulator: &Emulator, request: http::Request<Bytes>) -> http::Response<Bytes> {
    emulator.send(request).await.unwrap()
}

async fn form(emulator: &Emulator, what: &str, body: &str) -> (u16, Value) {
    let request = http::Request::post(format!("{}/t/oauth2/v2.0/{what}", Emulator::URL))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    let answer = ask(emulator, request).await;
    let json = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), json)
}

async fn who_am_i(emulator: &Emulator, answer: &Value) -> Answer {
    let token = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    send(emulator, "GET", "WhoAmI", &[("authorization", &token)], "").await
}

/// A code for a browser; the proof key is that of RFC 7636, appendix B.
async fn code(emulator: &Emulator) -> String {
    let uri = format!(
        "{}/t/oauth2/v2.0/authorize?response_type=code&client_id=c&state=s%201\
         &redirect_uri=http%3A%2F%2Flocalhost%3A1%2F&login_hint=anna%40contoso.example\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        Emulator::URL
    );
    let request = http::Request::get(uri).body(Bytes::new()).unwrap();
    let answer = ask(emulator, request).await;
    assert_eq!(answer.status(), 302);
    let back = answer.headers()["location"].to_str().unwrap();
    let query = back.strip_prefix("http://localhost:1/?code=").unwrap();
    let (code, state) = query.split_once("&state=").unwrap();
    assert_eq!(state, "s%201");
    code.to_owned()
}

#[tokio::test]
async fn a_code_is_redeemed_with_its_proof_key() {
    let (emulator, clock) = emulator();
    let code = code(&emulator).await;
    let body = |code: &str, verifier: &str| {
        format!("grant_type=authorization_code&client_id=c&code={code}&code_verifier={verifier}")
    };
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let (status, answer) = form(&emulator, "token", &body(&code, verifier)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(who_am_i(&emulator, &answer).await.json()["UserId"], ANNA);
    // The user stays with the refresh token.
    let refresh = answer["refresh_token"].as_str().unwrap();
    let again = format!("grant_type=refresh_token&client_id=c&refresh_token={refresh}");
    let (_, answer) = form(&emulator, "token", &again).await;
    assert_eq!(who_am_i(&emulator, &answer).await.json()["UserId"], ANNA);

    for (code, verifier) in [(&code[..], "other"), (&code[..], ""), ("made-up", verifier)] {
        let (status, answer) = form(&emulator, "token", &body(code, verifier)).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()));
    }
    clock.sleep(Duration::from_secs(3600)).await;
    let (status, _) = form(&emulator, "token", &body(&code, verifier)).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_device_code_and_a_password_end_in_a_token() {
    let (emulator, _) = emulator();
    let (status, device) = form(&emulator, "devicecode", "client_id=c&scope=s").await;
    assert_eq!(status, 200);
    for name in ["user_code", "verification_uri", "message"] {
        assert!(device[name].is_string(), "{name}");
    }
    assert!(device["interval"].is_u64() && device["expires_in"].is_u64());
    let body = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=c&device_code={}",
        device["device_code"].as_str().unwrap()
    );
    let (status, answer) = form(&emulator, "token", &body).await;
    assert_eq!(status, 200);
    assert_eq!(who_am_i(&emulator, &answer).await.status, 200);
    assert_eq!(form(&emulator, "devicecode", "scope=s").await.0, 400);

    let body = format!("grant_type=password&client_id=c&username={ANNA}&password=p");
    let (_, answer) = form(&emulator, "token", &body).await;
    assert_eq!(who_am_i(&emulator, &answer).await.json()["UserId"], ANNA);
}

#[tokio::test]
async fn an_application_is_its_user_or_nobody() {
    let (emulator, _) = emulator();
    let body = |client| format!("grant_type=client_credentials&client_id={client}&client_secret=s");
    let (_, answer) = form(&emulator, "token", &body(APPLICATION)).await;
    assert_eq!(who_am_i(&emulator, &answer).await.json()["UserId"], BOT);
    let stranger = "00000000-0000-0000-0000-0000000000b1";
    let (_, answer) = form(&emulator, "token", &body(stranger)).await;
    let refused = who_am_i(&emulator, &answer).await;
    assert_eq!(
        (refused.status, refused.error().0.as_str()),
        (403, "0x80072560")
    );
}

#[tokio::test]
async fn a_token_expires() {
    let (emulator, clock) = emulator();
    let body = format!("grant_type=client_credentials&client_id={APPLICATION}&client_secret=s");
    let (_, answer) = form(&emulator, "token", &body).await;
    assert_eq!(answer["expires_in"], 600);
    clock.sleep(Duration::from_secs(599)).await;
    assert_eq!(who_am_i(&emulator, &answer).await.status, 200);
    clock.sleep(Duration::from_secs(1)).await;
    let expired = who_am_i(&emulator, &answer).await;
    assert_eq!((expired.status, expired.body.as_str()), (401, ""));
    assert_eq!(
        expired.header("www-authenticate"),
        "Bearer authorization_uri=https://emulator.localhost/contoso.example/oauth2/authorize, \
         resource_id=https://emulator.localhost/"
    );
}
