//! The service's table of errors: for each row the predicates that are true, and no others.

use dataverse_client::http::RetryPolicy;
use dataverse_client::{Error, Id, Throttle};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

use super::requests::ID;

/// The names of the predicates that are true.
fn predicates(error: &Error) -> Vec<&'static str> {
    macro_rules! named {
        ($($name:ident)+) => {
            [$((stringify!($name), error.$name())),+]
        };
    }
    let all = named! {
        is_not_found is_unknown_name is_bad_url is_precondition_failed is_duplicate
        is_duplicate_detected is_concurrency_unsupported is_key_unknown is_throttled
        is_unauthorized is_forbidden is_impersonation_denied is_user_disabled is_validation
        is_bad_payload is_plugin_error is_not_allowed is_not_implemented is_customization_locked
        is_too_large is_aggregate_limit is_query_too_costly is_database_timeout
        is_paging_cookie_invalid is_unexpected is_chunking_unsupported is_image_refused
        is_restore_failed is_token_expired is_search_disabled is_server_error
    };
    let names = all.into_iter().filter(|(_, is_true)| *is_true);
    names.map(|(name, _)| name).collect()
}

async fn error(status: u16, code: &str, message: &str) -> Error {
    let script = Script::new().error(status, code, message);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let call = client.retrieve::<AccountCard>(Id::<Account>::new(ID));
    call.await.unwrap_err()
}

#[tokio::test]
async fn every_row_of_the_error_table_has_its_predicate() {
    const GONE: &str = "account With Id = 1 Does Not Exist";
    const SEGMENT: &str = "Resource not found for the segment 'accountz'.";
    for (status, code, message, expected) in [
        (404, "0x80040217", GONE, &["is_not_found"][..]),
        (404, "", GONE, &["is_not_found"]),
        (404, "0x80060891", "no row", &["is_not_found"]),
        (404, "0x80060888", SEGMENT, &["is_unknown_name"]),
        (404, "0x8006088A", SEGMENT, &["is_unknown_name"]),
        (404, "0x8006088a", SEGMENT, &["is_unknown_name"]),
        (
            404,
            "",
            "No HTTP resource was found that matches the request URI 'x'.",
            &["is_unknown_name"],
        ),
        (
            400,
            "0x80060888",
            "Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.account'.",
            &["is_unknown_name"],
        ),
        (
            400,
            "0x0",
            "An error occurred while validating input parameters: Microsoft.Crm.CrmException: \
             Invalid property 'x' was found in entity 'Microsoft.Dynamics.CRM.account'.",
            &["is_unknown_name"],
        ),
        (
            400,
            "0x80048d19",
            "An undeclared property 'x' which only has property annotations",
            &["is_unknown_name", "is_bad_payload"],
        ),
        (
            400,
            "0x80048d19",
            "Stream was not readable.",
            &["is_bad_payload"],
        ),
        (
            400,
            "0x80060888",
            "Invalid URI: The Uri string is too long.",
            &["is_bad_url"],
        ),
        (
            400,
            "-2147088248",
            "Skip Clause is not supported in CRM",
            &["is_bad_url"],
        ),
        (412, "0x80060882", "version", &["is_precondition_failed"]),
        (
            412,
            "",
            "A record with matching key values already exists.",
            &["is_precondition_failed"],
        ),
        (
            412,
            "0x80040237",
            "key",
            &["is_precondition_failed", "is_duplicate"],
        ),
        (412, "0x80060892", "key", &["is_duplicate"]),
        (
            412,
            "0x80040333",
            "duplicate",
            &["is_duplicate", "is_duplicate_detected"],
        ),
        (
            400,
            "0x80060883",
            "version",
            &["is_concurrency_unsupported"],
        ),
        (
            400,
            "0x8006088D",
            "version",
            &["is_concurrency_unsupported"],
        ),
        (400, "0x80060890", "key", &["is_key_unknown"]),
        (400, "0x8006088f", "key", &["is_key_unknown"]),
        (401, "", "", &["is_unauthorized"]),
        (401, "0x80041d52", "token", &["is_unauthorized"]),
        (403, "0x80040220", "privilege", &["is_forbidden"]),
        (403, "0x80048306", "access", &["is_forbidden"]),
        (403, "0x80040231", "access", &["is_forbidden"]),
        (
            403,
            "0x8004A110",
            "act",
            &["is_forbidden", "is_impersonation_denied"],
        ),
        (
            403,
            "0x80040225",
            "disabled",
            &["is_forbidden", "is_user_disabled"],
        ),
        (400, "0x80040203", "argument", &["is_validation"]),
        (400, "0x80044331", "too long", &["is_validation"]),
        (400, "0x8004431A", "range", &["is_validation"]),
        (400, "0x80040265", "plug-in", &["is_plugin_error"]),
        (400, "0x80044352", "stamp", &["is_token_expired"]),
        (400, "0x8004E023", "50000", &["is_aggregate_limit"]),
        (400, "0x80048573", "wildcard", &["is_query_too_costly"]),
        (400, "0x80048574", "computed", &["is_query_too_costly"]),
        (400, "0x80048544", "slow", &["is_query_too_costly"]),
        (400, "0x80048644", "slow", &["is_query_too_costly"]),
        (400, "0x80048744", "slow", &["is_query_too_costly"]),
        (400, "0x80048745", "slow", &["is_query_too_costly"]),
        (400, "0x80048d0b", "search", &["is_search_disabled"]),
        (400, "0x80044a02", "file", &["is_too_large"]),
        (413, "", "", &["is_too_large"]),
        (400, "0x80090017", "chunk", &["is_chunking_unsupported"]),
        (400, "0x80072553", "image", &["is_image_refused"]),
        (400, "0x80090487", "image", &["is_image_refused"]),
        (400, "0x80049959", "restore", &["is_restore_failed"]),
        (400, "0x80049939", "restore", &["is_restore_failed"]),
        (400, "0x80049929", "restore", &["is_restore_failed"]),
        (400, "0x80049949", "restore", &["is_restore_failed"]),
        (400, "0x8004112a", "cookie", &["is_paging_cookie_invalid"]),
        (400, "0x80040216", "unexpected", &["is_unexpected"]),
        (400, "0x80071151", "locked", &["is_customization_locked"]),
        (405, "0x80048d1f", "referenced", &["is_not_allowed"]),
        (
            400,
            "0x80040216",
            "DeleteMultiple has not yet been implemented.",
            &["is_not_implemented", "is_unexpected"],
        ),
        (
            500,
            "0x80044150",
            "sql",
            &["is_database_timeout", "is_server_error"],
        ),
        (501, "", "", &["is_not_implemented", "is_server_error"]),
        (503, "", "", &["is_server_error"]),
        (429, "0x80072322", "requests", &["is_throttled"]),
    ] {
        let error = error(status, code, message).await;
        assert_eq!(predicates(&error), expected, "{status} {code} {message}");
    }
}

#[tokio::test]
async fn limits_are_told_apart_however_their_code_is_written() {
    for (code, limit) in [
        ("0x80072322", Throttle::Requests),
        ("-2147015902", Throttle::Requests),
        ("0X80072321", Throttle::ExecutionTime),
        ("-2147015898", Throttle::Concurrency),
        ("", Throttle::Other),
    ] {
        assert_eq!(error(429, code, "no").await.throttle(), Some(limit));
    }
    assert_eq!(error(400, "", "no").await.throttle(), None);
}

#[tokio::test]
async fn older_servers_say_what_is_wrong_in_an_object() {
    let body = r#"{"odata.error":{"code":"x","message":{"lang":"en","value":"no"}}}"#;
    let script = Script::new().answer(400, &[], body);
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let call = client.retrieve::<AccountCard>(Id::<Account>::new(ID));
    let error = call.await.unwrap_err();
    let service = error.service_error().unwrap();
    assert_eq!((service.code_text(), service.message()), ("x", "no"));
}
