//! An application and its secret.

use std::time::{Duration, SystemTime};

use dataverse_client::Error;
use dataverse_client::auth::{ClientSecret, Credential, Secret};
use dataverse_client::http::{Reached, VirtualClock};
use dataverse_tests::script::Script;

use super::{TOKEN, ask, printed, refusal, request};

fn credential() -> ClientSecret {
    ClientSecret::new("contoso.com", "app-id", Secret::new("very+secret&"))
}

#[tokio::test]
async fn the_form_is_exact() {
    let script = Script::new().answer(200, &[("Content-Type", "application/json")], TOKEN);
    let clock = VirtualClock::default();
    let token = credential().token(&request(&script, &clock)).await.unwrap();
    assert_eq!(token.secret.expose(), "eyJ-secret-token");
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    assert_eq!(token.expires_at, Some(start + Duration::from_secs(3599)));
    assert_eq!(token.refresh_at, None);
    let [sent] = &script.sent()[..] else { panic!() };
    assert_eq!(
        sent.line,
        "POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
    );
    assert_eq!(
        sent.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(sent.header("accept"), "application/json");
    assert_eq!(sent.header("authorization"), "");
    assert_eq!(
        sent.body,
        "grant_type=client_credentials&scope=https%3A%2F%2Forg.crm4.dynamics.com%2F.default\
         &client_id=app-id&client_secret=very%2Bsecret%26"
    );
}

#[tokio::test]
async fn claims_stand_in_the_form() {
    let script = Script::new().answer(200, &[], TOKEN);
    let wanted = request(&script, &VirtualClock::default()).with_claims(Some("{\"a\":1}".into()));
    credential().token(&wanted).await.unwrap();
    assert!(script.sent()[0].body.ends_with("&claims=%7B%22a%22%3A1%7D"));
}

#[tokio::test]
async fn numbers_may_be_text_or_absurd() {
    for (expires_in, lasts) in [
        ("\"3599\"", Some(3599)),
        ("\"-1\"", None),
        ("-1", None),
        ("1.5", None),
        ("null", None),
        ("18446744073709551615", Some(366 * 24 * 3600)),
        ("\"never\"", None),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{expires_in},"refresh_in":60}}"#);
        let script = Script::new().answer(200, &[], body);
        let clock = VirtualClock::default();
        let token = credential().token(&request(&script, &clock)).await.unwrap();
        let now = dataverse_client::http::Clock::now(&clock);
        let lasts = lasts.map(|seconds| now + Duration::from_secs(seconds));
        assert_eq!(token.expires_at, lasts, "{expires_in}");
        assert_eq!(token.refresh_at, Some(now + Duration::from_secs(60)));
    }
}

#[tokio::test]
async fn every_documented_refusal_has_its_predicate_and_its_words() {
    type Is = fn(&Error) -> bool;
    let table: &[(&str, &str, Is, &str)] = &[
        (
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value.",
            Error::is_secret_refused,
            "the client secret is wrong; give the secret's value, not its id (invalid_client, AADSTS7000215",
        ),
        (
            "invalid_client",
            "AADSTS7000222: The provided client secret keys for app 'x' are expired.",
            Error::is_secret_refused,
            "expired; make a new one",
        ),
        (
            "invalid_client",
            "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.",
            Error::is_secret_refused,
            "the certificate is not registered",
        ),
        (
            "invalid_client",
            "AADSTS700024: Client assertion is not within its valid time range.",
            Error::is_secret_refused,
            "set the clock",
        ),
        (
            "invalid_request",
            "AADSTS70021: No matching federated identity record found for presented assertion.",
            Error::is_secret_refused,
            "no federated credential",
        ),
        (
            "unauthorized_client",
            "AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.",
            Error::is_application_unknown,
            "no application with this id",
        ),
        (
            "invalid_request",
            "AADSTS90002: Tenant 'x' not found.",
            Error::is_application_unknown,
            "no such tenant",
        ),
        (
            "invalid_resource",
            "AADSTS500011: The resource principal named https://org.crm4.dynamics.com was not found in the tenant.",
            Error::is_org_unknown,
            "check the region in its address",
        ),
        (
            "invalid_grant",
            "AADSTS65001: The user or administrator has not consented to use the application.",
            Error::is_consent_required,
            "agrees at https://login.microsoftonline.com/contoso.com/adminconsent?client_id=app-id (",
        ),
        (
            "invalid_grant",
            "AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication.",
            Error::is_interaction_required,
            "a second factor",
        ),
        (
            "interaction_required",
            "AADSTS53003: Access has been blocked by Conditional Access policies.",
            Error::is_interaction_required,
            "conditional access forbids",
        ),
        (
            "interaction_required",
            "no number",
            Error::is_interaction_required,
            "sign in with a browser (interaction_required, trace",
        ),
        (
            "invalid_grant",
            "AADSTS50105: The signed in user is not assigned to a role for the application.",
            Error::is_user_refused,
            "not assigned",
        ),
        (
            "invalid_grant",
            "AADSTS50020: User account from identity provider does not exist in tenant.",
            Error::is_user_refused,
            "no guest",
        ),
        (
            "invalid_grant",
            "AADSTS700082: The refresh token has expired due to inactivity.",
            Error::is_grant_expired,
            "not used for too long",
        ),
    ];
    for (name, description, is, words) in table {
        let script = refusal(Script::new(), name, description);
        let error = ask(&credential(), &script).await.unwrap_err();
        assert!(
            error.is_credential() && is(&error),
            "{description}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert!(
            text.starts_with("application app-id was not signed in at https://login.microsoftonline.com/contoso.com: "),
            "{text}"
        );
        assert!(
            text.ends_with("trace 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0)"),
            "{text}"
        );
        assert!(
            !text.contains("Ensure the secret"),
            "the service's own text: {text}"
        );
        assert_eq!(script.sent().len(), 1, "a refusal is not repeated");
    }
}

#[tokio::test]
async fn an_unknown_number_says_where_it_is_explained() {
    let script = refusal(
        Script::new(),
        "invalid_request",
        "AADSTS123456: Something new.",
    );
    let error = ask(&credential(), &script).await.unwrap_err().to_string();
    let words =
        "see https://login.microsoftonline.com/error?code=123456 (invalid_request, AADSTS123456";
    assert!(error.contains(words), "{error}");
}

#[tokio::test]
async fn a_body_is_never_told() {
    for (status, body) in [
        (200, r#"{"access_token":["secret-in-body"]}"#),
        (200, "<html>secret-in-body</html>"),
        (400, "secret-in-body"),
        (
            400,
            r#"{"error":"secret-in-body Ü","error_description":"secret-in-body"}"#,
        ),
        (400, r#"{"error":{"code":"secret-in-body"}}"#),
        (403, ""),
        (200, ""),
    ] {
        let script = Script::new().answer(status, &[], body);
        let error = ask(&credential(), &script).await.unwrap_err();
        assert!(error.is_credential(), "{body}");
        let text = printed(&error);
        assert!(
            !text.contains("secret-in-body") && !text.contains("very+secret"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_is_repeated_as_other_requests_are() {
    let script = Script::new()
        .failure(Reached::NotSent)
        .failure(Reached::Unknown)
        .answer(429, &[("Retry-After", "7")], "")
        .answer(503, &[], "")
        .answer(200, &[], TOKEN);
    let clock = VirtualClock::default();
    credential().token(&request(&script, &clock)).await.unwrap();
    let sent = script.sent();
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|one| one.body == sent[0].body));
    assert_eq!(clock.sleeps()[2], Duration::from_secs(7));

    let down = (0..9).fold(Script::new(), |script, _| script.failure(Reached::NotSent));
    let error = ask(&credential(), &down).await.unwrap_err();
    assert_eq!(down.sent().len(), 5);
    let text = error.to_string();
    assert!(
        error.is_credential() && text.ends_with("contoso.com: no answer"),
        "{text}"
    );
    assert!(printed(&error).contains("no connection to the service"));
}

#[tokio::test]
async fn the_environment_names_all_or_nothing() {
    let all = |name: &str| {
        Some(match name {
            "AZURE_TENANT_ID" => "t".to_owned(),
            "AZURE_CLIENT_ID" => "c".to_owned(),
            "AZURE_CLIENT_SECRET" => "s".to_owned(),
            "AZURE_AUTHORITY_HOST" => "https://login.microsoftonline.us/".to_owned(),
            _ => return None,
        })
    };
    let script = Script::new().answer(200, &[], TOKEN);
    ask(&ClientSecret::from_variables(all).unwrap(), &script)
        .await
        .unwrap();
    assert_eq!(
        script.sent()[0].line,
        "POST https://login.microsoftonline.us/t/oauth2/v2.0/token"
    );
    for missing in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"] {
        let error = ClientSecret::from_variables(|name| all(name).filter(|_| name != missing));
        let error = error.unwrap_err();
        assert!(error.is_credential_unavailable() && error.to_string().contains(missing));
    }
}

#[tokio::test]
async fn on_behalf_of_a_user_the_form_is_exact() {
    let script = Script::new().answer(200, &[], TOKEN);
    let credential = credential().on_behalf_of(Secret::new("user-token"));
    ask(&credential, &script).await.unwrap();
    let sent = &script.sent()[0];
    assert_eq!(
        sent.line,
        "POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
    );
    assert_eq!(
        sent.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        sent.body,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&client_id=app-id\
         &assertion=user-token&scope=https%3A%2F%2Forg.crm4.dynamics.com%2F.default\
         &requested_token_use=on_behalf_of&client_secret=very%2Bsecret%26"
    );
    let script = refusal(
        Script::new(),
        "interaction_required",
        "AADSTS50079: enroll.",
    );
    let error = ask(&credential, &script).await.unwrap_err();
    assert!(error.is_interaction_required(), "{error}");
    for body in [
        "secret-in-body",
        r#"{"access_token":1,"x":"secret-in-body"}"#,
    ] {
        for status in [200, 500, 400] {
            let script = (0..5).fold(Script::new(), |script, _| script.answer(status, &[], body));
            let error = ask(&credential, &script).await.unwrap_err();
            assert!(!printed(&error).contains("secret-in-body"), "{error}");
        }
    }
}
