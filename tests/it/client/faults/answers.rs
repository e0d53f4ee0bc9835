//! Answers that are not what was asked for.

use std::time::Duration;

use dataverse_client::definitions::{CreateDefinition, OptionSetDefinition};
use dataverse_client::http::Reached;
use dataverse_client::{CallOptions, Changes, Id, New, Throttle};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);
const ROOT: &str = "https://org.crm.dynamics.com/api/data/v9.2/";

fn account() -> New<Account> {
    New::new().set(Account::NAME, "Contoso")
}

fn changes() -> Changes<Account> {
    Changes::new().set(Account::NAME, "Contoso")
}

#[tokio::test]
async fn a_refusal_without_a_wait_is_waited_for_by_chance() {
    let mut script = Script::new();
    for _ in 0..6 {
        script = script.error(429, "0x80072321", "Combined execution time");
    }
    let script = script.no_content();
    let (client, clock) = script.client().unwrap();
    client.delete::<Account>(Id::generate()).await.unwrap();
    let sleeps = clock.sleeps();
    assert_eq!(sleeps.len(), 6);
    for (doublings, sleep) in sleeps.iter().enumerate() {
        assert!(*sleep <= Duration::from_millis(500) * (1 << doublings));
    }
    let sent = script.sent();
    assert!(sent.iter().all(|again| again.line == sent[0].line));
}

#[tokio::test]
async fn throttled_is_told_by_the_status_whatever_the_body_is() {
    for (body, throttle) in [
        (
            r#"{"error":{"code":"-2147015902","message":"m"}}"#,
            Throttle::Requests,
        ),
        (
            r#"{"error":{"code":"0X80072321","message":"m"}}"#,
            Throttle::ExecutionTime,
        ),
        (
            r#"{"error":{"code":"0x80072326","message":"m"}}"#,
            Throttle::Concurrency,
        ),
        ("", Throttle::Other),
        ("<html>Too many</html>", Throttle::Other),
        ("{\"error\":", Throttle::Other),
        ("[]", Throttle::Other),
    ] {
        let script = Script::new()
            .answer(429, &[("retry-after", "2")], body)
            .answer(429, &[("retry-after", "900")], body);
        let (client, _) = script.client().unwrap();
        let short = CallOptions::new().deadline(Duration::from_secs(1));
        let error = client
            .with(short)
            .delete::<Account>(Id::generate())
            .await
            .unwrap_err();
        // Too many at once are asked again within a second, the others wait.
        let attempts = match throttle {
            Throttle::Concurrency => 10,
            _ => 1,
        };
        assert!(error.attempts() <= attempts, "{body}");
        assert!(
            error.is_throttled() || throttle == Throttle::Concurrency,
            "{body}"
        );
        if throttle != Throttle::Concurrency {
            assert_eq!(error.throttle(), Some(throttle), "{body}");
        }
    }
}

#[tokio::test]
async fn a_failure_of_the_service_is_asked_once_more_where_that_is_harmless() {
    let failed = |code: &'static str| {
        let answer = move |script: Script| match code {
            "" => script.answer(500, &[], "<html>"),
            "none" => script.error(500, "", "m"),
            code => script.error(500, code, "m"),
        };
        answer(answer(Script::new()))
    };
    for code in ["", "none", "0x80040216", "0x80044150", "0x80044151"] {
        let script = failed(code);
        let (client, _) = script.client().unwrap();
        let error = client.query::<AccountCard>().await.unwrap_err();
        assert!(error.is_server_error() && !error.is_outcome_unknown());
        assert_eq!(script.sent().len(), 2, "{code}: once, not more");
        let script = failed(code);
        let (client, _) = script.client().unwrap();
        let error = client.create(account()).await.unwrap_err();
        // The service undoes what it says has failed. A web page is not its word.
        assert_eq!(error.is_outcome_unknown(), code.is_empty(), "{code}");
        assert_eq!(script.sent().len(), 1, "{code}");
    }
    // A plug-in says no, and will say so again.
    let script = failed("0x80040265");
    let (client, _) = script.client().unwrap();
    let update = client.update(Id::<Account>::generate(), changes());
    assert!(update.await.unwrap_err().is_plugin_error());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_failure_of_what_stands_before_the_service_leaves_the_outcome_unknown() {
    // Also those that only gateways know.
    for status in [408, 502, 503, 504, 507, 520, 522, 524, 529, 599] {
        let answer = || Script::new().answer(status, &[], "<html>");
        let (client, _) = answer().client().unwrap();
        let create = client.create(account()).server_assigned_id();
        let error = create.await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{status}: {error}");
        let script = answer().no_content();
        let (client, _) = script.client().unwrap();
        let update = client.update(Id::<Account>::generate(), changes());
        update.await.unwrap();
        assert_eq!(script.sent().len(), 2, "{status}");
    }
    // Not implemented: not done.
    for status in [501, 505] {
        let (client, _) = Script::new().answer(status, &[], "").client().unwrap();
        let error = client.create(account()).await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{status}: {error}");
    }
}

#[tokio::test]
async fn a_success_that_is_none_is_an_error() {
    for body in [
        "",
        "<html><title>Sign in to the network</title></html>",
        r#"{"error":{"code":"0x80040216","message":"failed later"}}"#,
        "[]",
        "null",
        "{",
        r#"{"value":7}"#,
        r#"{"value":[7]}"#,
    ] {
        let script = Script::new().answer(200, &[], body);
        let (client, _) = script.client().unwrap();
        let error = client.query::<AccountCard>().await.unwrap_err();
        assert!(error.is_decode(), "{body}: {error}");
        assert!(error.to_string().starts_with("GET accounts: "), "{error}");
        assert_eq!(script.sent().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_create_knows_its_id_whatever_the_answer_names() {
    for named in [None, Some("accounts(accountnumber='A-1')"), Some("damaged")] {
        let url = named.map(|named| format!("{ROOT}{named}"));
        let headers: Vec<_> = url
            .iter()
            .map(|url| ("odata-entityid", url.as_str()))
            .collect();
        let script = Script::new().answer(204, &headers, "");
        let (client, _) = script.client().unwrap();
        let id = client.create(account()).with_id(Id::new(ID)).await.unwrap();
        assert_eq!(id.uuid(), ID, "{named:?}");
    }
}

fn page(rows: &str, next: u32) -> String {
    format!(r#"{{"value":[{rows}],"@odata.nextLink":"{ROOT}accounts?$skiptoken={next}"}}"#)
}

#[tokio::test]
async fn a_circle_of_two_links_ends() {
    let row = r#"{"name":"a"}"#;
    let script = Script::new()
        .answer(200, &[], page(row, 1))
        .answer(200, &[], page(row, 2))
        .answer(200, &[], page(row, 1));
    let (client, _) = script.client().unwrap();
    let rows = client.query::<AccountCard>().rows();
    let error = rows.collect().await.unwrap_err();
    assert!(error.to_string().contains("followed before"), "{error}");
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn empty_pages_end() {
    let mut script = Script::new();
    for number in 0..1001 {
        script = script.answer(200, &[], page("", number));
    }
    let (client, _) = script.client().unwrap();
    let mut rows = client.query::<AccountCard>().rows();
    let error = rows.try_next().await.unwrap_err();
    assert!(error.to_string().contains("held no row"), "{error}");
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(script.sent().len(), 1001);
}

#[tokio::test]
async fn a_redirect_is_told() {
    for status in [301, 302, 303, 307, 308] {
        let location = [("location", "https://evil.example/?token=x")];
        let script = Script::new().answer(status, &location, "");
        let (client, _) = script.client().unwrap();
        let error = client.delete::<Account>(Id::generate()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("redirects are not followed"), "{text}");
        assert!(!text.contains("token=x"), "{text}");
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn detected_duplicates_are_told_and_not_repeated() {
    for status in [412, 500] {
        let script = Script::new().error(status, "0x80040333", "A duplicate exists");
        let (client, _) = script.client().unwrap();
        let error = client
            .create(account())
            .detect_duplicates()
            .await
            .unwrap_err();
        assert!(error.is_duplicate_detected() && error.is_duplicate());
        assert!(!error.is_precondition_failed() && !error.is_outcome_unknown());
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn a_locked_definition_is_not_written_twice() {
    let choice = OptionSetDefinition::global("new_choice", "Choice");
    let locked = |script: Script| script.error(503, "0x80048d3d", "locked");
    let script = locked(Script::new());
    let (client, _) = script.client().unwrap();
    let create = client.call(CreateDefinition::choice(&choice));
    let error = create.await.unwrap_err();
    assert!(error.is_outcome_unknown() && error.is_server_error());
    assert_eq!(script.sent().len(), 1);
    // Certainly not executed: again.
    let id = format!("{ROOT}GlobalOptionSetDefinitions({ID})");
    let script = Script::new()
        .failure(Reached::NotSent)
        .answer(429, &[("retry-after", "1")], "")
        .answer(204, &[("odata-entityid", &id)], "");
    let (client, _) = script.client().unwrap();
    client
        .call(CreateDefinition::choice(&choice))
        .await
        .unwrap();
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn what_the_server_refused_to_look_at_is_sent_again_and_counted() {
    let script = Script::new().failure(Reached::Refused).no_content();
    let (client, _) = script.client().unwrap();
    let choice = OptionSetDefinition::global("new_choice", "Choice");
    // The service makes the key: after doubt this would not be sent again.
    let create = client.call(CreateDefinition::choice(&choice));
    assert!(
        create.await.unwrap_err().is_decode(),
        "the answer tells no id"
    );
    assert_eq!(script.sent().len(), 2);
    assert_eq!(client.counters().not_sent, 1);
    assert_eq!(client.counters().repeats, 1);
}

#[tokio::test]
async fn what_stands_before_the_service_is_told_apart() {
    for status in [403, 407, 502] {
        let mut script = Script::new();
        for _ in 0..10 {
            script = script.answer(status, &[], "<html>the proxy of the network</html>");
        }
        let (client, _) = script.client().unwrap();
        let error = client.query::<AccountCard>().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert!(error.to_string().contains("web page"), "{error}");
        let attempts = if status == 502 { 10 } else { 1 };
        assert_eq!(script.sent().len(), attempts);
    }
}

#[tokio::test]
async fn what_is_no_error_of_the_service_is_quoted_shortly() {
    let long = "x".repeat(1 << 20);
    for body in [long.clone(), format!("{{\"unknown\":\"{long}\"}}")] {
        let headers = [
            ("www-authenticate", "Bearer secret"),
            ("x-secret", "secret"),
        ];
        let script = Script::new().answer(400, &headers, body);
        let (client, _) = script.client().unwrap();
        let key = Account::ACCOUNTNUMBER.key("private");
        let error = client.retrieve::<AccountCard>(key).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.len() < 2000, "{}", text.len());
        assert!(!text.contains("secret") && !text.contains("private"));
    }
}
