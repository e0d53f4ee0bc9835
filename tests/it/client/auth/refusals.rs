//! Every number that the sign-in service may give, and what Dataverse says of whoever was signed in.
//!
//! Names are those of Microsoft Learn, "Microsoft Entra authentication and authorization error codes".

use std::collections::BTreeSet;

use dataverse_client::auth::{ClientSecret, Secret};
use dataverse_client::http::{Reached, RetryPolicy};
use dataverse_client::{Error, Id};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

use super::{ask, refusal};

type Is = fn(&Error) -> bool;

/// Number, OAuth's word, what has happened, what a program can ask, and a piece of the remedy.
const REFUSALS: &[(u32, &str, &str, Is, &str)] = &[
    // The secret, the certificate, the federated token.
    (
        7_000_215,
        "invalid_client",
        "wrong secret",
        Error::is_secret_refused,
        "give the secret's value, not its id",
    ),
    (
        7_000_222,
        "invalid_client",
        "expired secret",
        Error::is_secret_refused,
        "make a new one in the app registration",
    ),
    (
        7_000_218,
        "invalid_client",
        "no secret",
        Error::is_secret_refused,
        "give a secret or a certificate",
    ),
    (
        700_025,
        "invalid_client",
        "a secret of a public client",
        Error::is_secret_refused,
        "give no secret",
    ),
    (
        700_027,
        "invalid_client",
        "unknown certificate",
        Error::is_secret_refused,
        "not registered with the application, or has expired",
    ),
    (
        700_030,
        "invalid_client",
        "certificate of another name",
        Error::is_secret_refused,
        "another name or issuer",
    ),
    (
        700_024,
        "invalid_client",
        "clock skew",
        Error::is_secret_refused,
        "set the clock of this machine",
    ),
    (
        700_023,
        "invalid_client",
        "assertion for another tenant",
        Error::is_secret_refused,
        "another tenant or cloud",
    ),
    (
        70_021,
        "invalid_request",
        "federated token of nobody",
        Error::is_secret_refused,
        "compare issuer, subject and audience",
    ),
    (
        700_211,
        "invalid_request",
        "federated token of another issuer",
        Error::is_secret_refused,
        "the token's issuer",
    ),
    (
        700_213,
        "invalid_request",
        "federated token of another subject",
        Error::is_secret_refused,
        "the token's subject",
    ),
    // The application and the tenant.
    (
        700_016,
        "unauthorized_client",
        "wrong application or tenant",
        Error::is_application_unknown,
        "check the id, the tenant and the cloud",
    ),
    (
        7_000_229,
        "unauthorized_client",
        "application not in the tenant",
        Error::is_application_unknown,
        "an administrator of the tenant adds it",
    ),
    (
        90_002,
        "invalid_request",
        "wrong tenant",
        Error::is_application_unknown,
        "no such tenant",
    ),
    (
        900_023,
        "invalid_request",
        "no name of a tenant",
        Error::is_application_unknown,
        "neither an id nor a domain",
    ),
    (
        50_059,
        "invalid_request",
        "no tenant",
        Error::is_application_unknown,
        "name it",
    ),
    (
        50_194,
        "invalid_request",
        "application of one tenant",
        Error::is_application_unknown,
        "name that tenant",
    ),
    (
        7_000_112,
        "unauthorized_client",
        "disabled application",
        Error::is_application_unknown,
        "disabled in the tenant",
    ),
    // The org.
    (
        500_011,
        "invalid_resource",
        "wrong region",
        Error::is_org_unknown,
        "check the region in its address",
    ),
    (
        50_001,
        "invalid_resource",
        "disabled org",
        Error::is_org_unknown,
        "check the region in its address",
    ),
    (
        500_014,
        "invalid_resource",
        "no licence",
        Error::is_org_unknown,
        "licences",
    ),
    (
        650_052,
        "invalid_client",
        "no Dataverse in the tenant",
        Error::is_org_unknown,
        "not subscribed to Dataverse",
    ),
    (
        650_057,
        "invalid_resource",
        "no permission listed",
        Error::is_org_unknown,
        "add `user_impersonation`",
    ),
    (
        65_005,
        "invalid_resource",
        "no permission listed",
        Error::is_org_unknown,
        "add `user_impersonation`",
    ),
    // Consent.
    (
        65_001,
        "invalid_grant",
        "missing consent",
        Error::is_consent_required,
        "/contoso.com/adminconsent?client_id=app-id",
    ),
    (
        90_094,
        "invalid_grant",
        "missing consent of an administrator",
        Error::is_consent_required,
        "/contoso.com/adminconsent?client_id=app-id",
    ),
    (
        65_004,
        "access_denied",
        "consent declined",
        Error::is_sign_in_declined,
        "did not agree",
    ),
    // Second factors and conditional access.
    (
        50_072,
        "interaction_required",
        "second factor to register",
        Error::is_interaction_required,
        "register a second factor",
    ),
    (
        50_074,
        "interaction_required",
        "second factor",
        Error::is_interaction_required,
        "a second factor is needed",
    ),
    (
        50_076,
        "interaction_required",
        "second factor",
        Error::is_interaction_required,
        "a second factor is needed",
    ),
    (
        50_079,
        "interaction_required",
        "second factor to register",
        Error::is_interaction_required,
        "register a second factor",
    ),
    (
        50_055,
        "invalid_grant",
        "expired password",
        Error::is_interaction_required,
        "change it in a browser",
    ),
    (
        50_058,
        "login_required",
        "nobody signed in",
        Error::is_interaction_required,
        "sign in with a browser",
    ),
    (
        50_097,
        "interaction_required",
        "device to register",
        Error::is_interaction_required,
        "a registered device",
    ),
    (
        50_158,
        "interaction_required",
        "another challenge",
        Error::is_interaction_required,
        "conditional access wants more",
    ),
    (
        53_000,
        "interaction_required",
        "device that does not comply",
        Error::is_interaction_required,
        "a compliant device",
    ),
    (
        53_001,
        "interaction_required",
        "device of no domain",
        Error::is_interaction_required,
        "a device of the domain",
    ),
    (
        53_002,
        "interaction_required",
        "application that is not approved",
        Error::is_interaction_required,
        "ask an administrator",
    ),
    (
        53_003,
        "interaction_required",
        "conditional access",
        Error::is_interaction_required,
        "or ask an administrator",
    ),
    (
        53_004,
        "interaction_required",
        "risk",
        Error::is_interaction_required,
        "without risk",
    ),
    (
        70_016,
        "invalid_grant",
        "sign-in not finished",
        Error::is_interaction_required,
        "not finished",
    ),
    // The user.
    (
        50_105,
        "invalid_grant",
        "user not assigned",
        Error::is_user_refused,
        "not assigned to the application",
    ),
    (
        50_034,
        "invalid_grant",
        "user not in the tenant",
        Error::is_user_refused,
        "not in the tenant",
    ),
    (
        50_020,
        "invalid_grant",
        "user of another tenant",
        Error::is_user_refused,
        "no guest",
    ),
    (
        90_072,
        "invalid_grant",
        "user of another tenant",
        Error::is_user_refused,
        "no guest",
    ),
    (
        50_053,
        "invalid_grant",
        "locked user",
        Error::is_user_refused,
        "locked",
    ),
    (
        50_057,
        "invalid_grant",
        "disabled user",
        Error::is_user_refused,
        "disabled",
    ),
    // What was to be exchanged.
    (
        50_173,
        "invalid_grant",
        "password changed",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        700_082,
        "invalid_grant",
        "refresh token not used",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        700_084,
        "invalid_grant",
        "refresh token at its end",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        70_008,
        "invalid_grant",
        "expired code",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        70_043,
        "invalid_grant",
        "expired by conditional access",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        54_005,
        "invalid_grant",
        "code used twice",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        70_020,
        "expired_token",
        "expired device code",
        Error::is_grant_expired,
        "sign in once more",
    ),
    (
        50_013,
        "invalid_grant",
        "user's token for another application",
        Error::is_grant_expired,
        "not meant for this application",
    ),
];

/// All that may be asked of a sign-in that failed.
const PREDICATES: [Is; 9] = [
    Error::is_secret_refused,
    Error::is_application_unknown,
    Error::is_org_unknown,
    Error::is_consent_required,
    Error::is_interaction_required,
    Error::is_user_refused,
    Error::is_grant_expired,
    Error::is_sign_in_declined,
    Error::is_credential_unavailable,
];

#[tokio::test]
async fn every_number_has_its_predicate_and_its_remedy() {
    let credential = ClientSecret::new("contoso.com", "app-id", Secret::new("s"));
    for (number, word, row, is, remedy) in REFUSALS {
        let description = format!("AADSTS{number}: words of the service.");
        let script = refusal(Script::new(), word, &description);
        let error = ask(&credential, &script).await.unwrap_err();
        let text = error.to_string();
        assert!(is(&error) && error.is_credential(), "{row}: {text}");
        let true_ones = PREDICATES.iter().filter(|is| is(&error)).count();
        assert_eq!(true_ones, 1, "{row}: one thing to do: {text}");
        assert!(text.contains(remedy), "{row}: {text}");
        assert!(
            text.contains(&format!("({word}, AADSTS{number}, trace 0f1e2d3c-")),
            "{row}: {text}"
        );
        assert!(!text.contains("words of the service"), "{row}: {text}");
        assert_eq!(script.sent().len(), 1, "{row} is not repeated");
    }
}

#[test]
fn no_number_is_without_a_row() {
    let path = "../dataverse-client/src/http/auth/entra/refused.rs";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let source = std::fs::read_to_string(path).unwrap();
    let (_, table) = source.split_once("const CODES").unwrap();
    let (table, _) = table.split_once("\n];").unwrap();
    let numbers = table.split(|c: char| !c.is_ascii_digit() && c != '_');
    let known: BTreeSet<u32> = numbers
        .filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))
        // The type of the number in the table's head.
        .filter_map(|text| text.replace('_', "").parse().ok())
        .filter(|number| *number > 32)
        .collect();
    let rows: BTreeSet<u32> = REFUSALS.iter().map(|row| row.0).collect();
    assert_eq!(rows, known);
    assert_eq!(rows.len(), REFUSALS.len());
}

/// The token is good, and the org refuses all the same.
#[tokio::test]
async fn what_the_org_says_of_a_user_has_its_predicate() {
    let rows: &[(u16, &str, &str, Is)] = &[
        (
            403,
            "0x80072560",
            "no user in the org",
            Error::is_user_refused,
        ),
        (403, "0x80040225", "disabled user", Error::is_user_disabled),
        (403, "0x8004a104", "disabled org", Error::is_user_disabled),
        (401, "", "token for another org", Error::is_unauthorized),
    ];
    for (status, code, row, is) in rows {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        let script = Script::new()
            .answer(*status, &[], body.clone())
            .answer(*status, &[], body);
        let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
        let call = client.retrieve::<AccountCard>(Id::<Account>::generate());
        let error = call.await.unwrap_err();
        assert!(is(&error) && !error.is_credential(), "{row}: {error}");
    }
    // A region that is not the org's has no host of the name.
    let script = Script::new().failure(Reached::NotSent);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let call = client.retrieve::<AccountCard>(Id::<Account>::generate());
    let error = call.await.unwrap_err();
    assert!(
        format!("{error:?} {error}").contains("the region in it, `crm4`"),
        "{error}"
    );
}
