//! What a bulk write makes of the service's limits.

use std::time::Duration;

use dataverse_client::http::RetryPolicy;
use dataverse_client::{BulkMethod, BulkRow, Changes, Client, Id, Result};
use dataverse_tests::limits::Scenario;
use dataverse_tests::script::Script;
use dataverse_tests::tables::Account;
use uuid::Uuid;

use super::told;

#[test]
fn nearly_all_that_is_allowed_is_used_and_nothing_refused() {
    // Slow rows: the same seconds, fewer of them to make.
    let slow = Scenario {
        each: 0.4,
        fixed: 0.05,
        time: 1200.0,
        ..Scenario::ONE
    };
    for scenario in [
        slow,
        Scenario { servers: 3, ..slow },
        Scenario { places: 5, ..slow },
        Scenario {
            others: 0.3,
            ..slow
        },
    ] {
        let done = scenario.bulk_write().unwrap();
        assert!(done.share() > 0.94 && done.share() < 1.01, "{done:?}");
        assert!(done.wasted() < 0.005, "{done:?}");
        let workers = scenario.workers(10, 10);
        assert!(workers.refused > 0 || workers.share() < done.share());
    }
}

fn rows(count: u128) -> impl Iterator<Item = BulkRow<Account>> + Send {
    (1..=count).map(|n| {
        let id: Id<Account> = Uuid::from_u128(n).into();
        BulkRow::update(id, Changes::new().set(Account::NAME, "a"))
    })
}

async fn run(client: &Client, count: u128) -> Result<Vec<(u64, Option<String>)>> {
    let job = client.bulk_write().method(BulkMethod::Multiple);
    told(job.pack_rows(1).parallel(1).rows(rows(count))?).await
}

const ONE: &[(&str, &str)] = &[
    ("Set-Cookie", "ReqClientId=1; path=/"),
    ("Set-Cookie", "ARRAffinity=one;Path=/;HttpOnly;Secure"),
    ("Set-Cookie", "ARRAffinitySameSite=one;Path=/;SameSite=None"),
];

#[tokio::test]
async fn a_server_is_known_by_its_cookie_and_left_alone_when_it_refuses() {
    let refusal = [ONE[1], ("Retry-After", "290")];
    let script = Script::new()
        .answer(204, ONE, "")
        .answer(204, &[], "")
        .answer(429, &refusal, "")
        .answer(204, &[("Set-Cookie", "ARRAffinity=two")], "")
        .answer(204, &[], "");
    let (client, clock) = script.client().unwrap();
    assert_eq!(run(&client, 4).await.unwrap().len(), 4);
    let sent = script.sent();
    let cookies: Vec<_> = sent.iter().map(|sent| sent.header("cookie")).collect();
    // The third is sent again, and another server answers for the first.
    let one = "ARRAffinity=one";
    assert_eq!(cookies, ["", one, one, one, "ARRAffinity=two"]);
    assert_eq!(sent[2].body, sent[3].body);
    assert_eq!(clock.sleeps(), [Duration::from_secs(290)]);
    assert!(sent[1].headers["cookie"].is_sensitive());
    // Nobody else waits for that server.
    assert_eq!(client.limits().paused_for, None);
}

#[tokio::test]
async fn a_refusal_for_longer_than_may_be_waited_ends_the_job() {
    for (policy, wait, attempts) in [
        (RetryPolicy::default(), "301", 1),
        (RetryPolicy::never(), "1", 1),
        (RetryPolicy::default(), "1", 10),
    ] {
        let answers = (0..attempts).fold(Script::new(), |script, _| {
            script.answer(429, &[ONE[1], ("Retry-After", wait)], "")
        });
        let (client, _) = answers.client_with(policy).unwrap();
        let job = client.bulk_write().method(BulkMethod::Multiple);
        let mut outcomes = job.parallel(1).rows(rows(1)).unwrap();
        let row = outcomes.try_next().await.unwrap().unwrap();
        assert!(row.result.unwrap_err().is_not_run());
        let error = outcomes.try_next().await.unwrap_err();
        assert!(error.is_throttled(), "{error}");
        assert_eq!(answers.sent().len(), attempts);
    }
}
