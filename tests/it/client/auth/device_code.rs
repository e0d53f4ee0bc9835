//! A user who signs in on another device.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dataverse_client::Error;
use dataverse_client::auth::{Credential, DeviceCode};
use dataverse_client::http::{Reached, VirtualClock};
use dataverse_tests::script::Script;

use super::{TOKENS, printed, refusal, request};

const CODE: &str = r#"{"user_code":"ABC123","device_code":"secret-device-code","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"To sign in …"}"#;

fn credential() -> (DeviceCode, Arc<Mutex<Vec<String>>>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&shown);
    let show = move |prompt: &dataverse_client::auth::DevicePrompt| {
        assert_eq!(prompt.expires_in, Duration::from_secs(900));
        kept.lock().unwrap().push(prompt.to_string());
    };
    (DeviceCode::new("contoso.com", "app", show), shown)
}

fn waiting(script: Script, name: &str) -> Script {
    refusal(
        script,
        name,
        "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending.",
    )
}

#[tokio::test]
async fn the_service_is_asked_at_its_own_pace_until_the_user_is_done() {
    let script = Script::new().answer(200, &[], CODE);
    let script = waiting(script, "authorization_pending");
    let script = waiting(script, "slow_down").answer(200, &[], TOKENS);
    let (credential, shown) = credential();
    let clock = VirtualClock::default();
    let token = credential.token(&request(&script, &clock)).await.unwrap();
    assert_eq!(token.secret.expose(), "eyJ-secret-token");
    assert_eq!(
        *shown.lock().unwrap(),
        ["open https://microsoft.com/devicelogin and enter the code ABC123"]
    );
    let seconds = clock
        .sleeps()
        .iter()
        .map(Duration::as_secs)
        .collect::<Vec<_>>();
    assert_eq!(seconds, [5, 5, 10]);
    let sent = script.sent();
    assert_eq!(
        sent[0].line,
        "POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/devicecode"
    );
    assert_eq!(
        sent[0].body,
        "scope=https%3A%2F%2Forg.crm4.dynamics.com%2Fuser_impersonation+offline_access\
         &client_id=app"
    );
    assert_eq!(
        sent[1].line,
        "POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
    );
    assert_eq!(
        sent[1].body,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
         &device_code=secret-device-code&client_id=app"
    );

    // The next token comes without the user.
    let script = Script::new().answer(200, &[], TOKENS);
    credential.token(&request(&script, &clock)).await.unwrap();
    assert_eq!(
        script.sent()[0].body,
        "grant_type=refresh_token&refresh_token=secret-refresh-2\
         &scope=https%3A%2F%2Forg.crm4.dynamics.com%2Fuser_impersonation+offline_access\
         &client_id=app"
    );
    assert_eq!(shown.lock().unwrap().len(), 1);

    // Signed out, the user is asked again; so are users whose session was revoked.
    credential.sign_out().await.unwrap();
    let script = Script::new()
        .answer(200, &[], CODE)
        .answer(200, &[], TOKENS);
    credential.token(&request(&script, &clock)).await.unwrap();
    let script = refusal(Script::new(), "invalid_grant", "AADSTS50173: revoked.");
    let script = script.answer(200, &[], CODE).answer(200, &[], TOKENS);
    credential.token(&request(&script, &clock)).await.unwrap();
    assert_eq!(shown.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn what_ends_the_waiting() {
    type Is = fn(&Error) -> bool;
    let table: &[(&str, &str, Is)] = &[
        (
            "authorization_declined",
            "AADSTS70000",
            Error::is_sign_in_declined,
        ),
        ("access_denied", "", Error::is_sign_in_declined),
        (
            "expired_token",
            "AADSTS70020: expired",
            Error::is_grant_expired,
        ),
        ("bad_verification_code", "", Error::is_grant_expired),
        (
            "invalid_grant",
            "AADSTS53003: blocked by conditional access",
            Error::is_interaction_required,
        ),
    ];
    for (name, description, is) in table {
        let script = refusal(Script::new().answer(200, &[], CODE), name, description);
        let clock = VirtualClock::default();
        let error = credential()
            .0
            .token(&request(&script, &clock))
            .await
            .unwrap_err();
        assert!(is(&error), "{name}: {error}");
        assert!(!printed(&error).contains("secret-device-code"));
    }
}

#[tokio::test]
async fn nobody_comes() {
    let script = Script::new().answer(200, &[], CODE);
    let script = (0..200).fold(script, |script, _| waiting(script, "authorization_pending"));
    let clock = VirtualClock::default();
    let error = credential()
        .0
        .token(&request(&script, &clock))
        .await
        .unwrap_err();
    assert!(error.is_grant_expired(), "{error}");
    let waited: Duration = clock.sleeps().iter().sum();
    assert_eq!(waited, Duration::from_secs(910));
}

#[tokio::test]
async fn a_lost_answer_does_not_end_the_waiting_and_no_number_stops_the_program() {
    let script = (0..5).fold(Script::new().answer(200, &[], CODE), |script, _| {
        script.failure(Reached::Unknown)
    });
    let script = script.answer(200, &[], TOKENS);
    let clock = VirtualClock::default();
    credential()
        .0
        .token(&request(&script, &clock))
        .await
        .unwrap();
    for (number, with) in [
        ("\"interval\":5", "\"interval\":18446744073709551615"),
        ("\"expires_in\":900", "\"expires_in\":18446744073709551615"),
    ] {
        let script = Script::new().answer(200, &[], CODE.replace(number, with));
        let error = credential()
            .0
            .token(&request(&script, &clock))
            .await
            .unwrap_err();
        assert!(error.is_credential(), "{error}");
        assert_eq!(script.sent().len(), 1);
    }
}
