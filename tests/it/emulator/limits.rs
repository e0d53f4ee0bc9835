//! Service protection limits.

use std::time::Duration;

use dataverse_client::http::{Clock, VirtualClock};
use dataverse_emulator::{Emulator, ProtectionLimits, Role, Security, User};

use super::{get, post, send, small};

fn emulator(limits: ProtectionLimits) -> (Emulator, VirtualClock) {
    let clock = VirtualClock::default();
    let builder = small::builder().clock(clock.clone());
    (builder.protection_limits(limits).build().unwrap(), clock)
}

/// Lets time pass.
async fn pass(clock: &VirtualClock, seconds: u64) {
    clock.sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test]
async fn the_number_of_requests_is_limited() {
    let (emulator, clock) = emulator(ProtectionLimits::default().requests(3));
    for left in ["2", "1", "0"] {
        let answer = get(&emulator, "accounts").await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("x-ms-ratelimit-burst-remaining-xrm-requests"),
            left
        );
        assert_eq!(
            answer.header("x-ms-ratelimit-time-remaining-xrm-requests"),
            "1,200.00"
        );
        assert_eq!(answer.header("x-ms-dop-hint"), "4");
        pass(&clock, 10).await;
    }
    // The first request is 30 seconds old; the refused one counts, so the second one must go.
    let refused = post(&emulator, "accounts", "{}").await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.error(),
        (
            "0x80072322".to_owned(),
            "Number of requests exceeded the limit of 3 over time window of 300 seconds."
                .to_owned()
        )
    );
    assert_eq!(refused.header("retry-after"), "280");
    pass(&clock, 279).await;
    let early = get(&emulator, "accounts").await;
    assert_eq!((early.status, early.header("retry-after")), (429, "11"));
    pass(&clock, 11).await;
    let rows = get(&emulator, "accounts").await;
    assert_eq!(rows.status, 200);
    assert_eq!(rows.json()["value"], serde_json::json!([]));
}

#[tokio::test]
async fn execution_time_is_limited() {
    let limits = ProtectionLimits::default()
        .execution_time(Duration::from_secs(1_200))
        .time_of_request(Duration::from_millis(500_030));
    let (emulator, clock) = emulator(limits);
    for left in ["699.97", "199.94", "0.00"] {
        let answer = get(&emulator, "accounts").await;
        assert_eq!(
            answer.header("x-ms-ratelimit-time-remaining-xrm-requests"),
            left
        );
    }
    let refused = get(&emulator, "accounts").await;
    let (code, message) = refused.error();
    assert_eq!(code, "0x80072321");
    assert!(message.contains("limit of 1,200,000 milliseconds over time window of 300"));
    assert_eq!(refused.header("retry-after"), "300");
    pass(&clock, 300).await;
    assert_eq!(get(&emulator, "accounts").await.status, 200);
}

#[tokio::test]
async fn each_user_has_its_own_limits() {
    let user = "00000000-0000-0000-0000-000000000001";
    let security = Security::new()
        .role(Role::new("System Administrator"))
        .user(User::new(user).token("anna").role("System Administrator"));
    let emulator = small::builder()
        .security(security)
        .protection_limits(ProtectionLimits::default().requests(1))
        .build()
        .unwrap();
    let anna = [("authorization", "Bearer anna")];
    assert_eq!(
        send(&emulator, "GET", "accounts", &anna, "").await.status,
        200
    );
    assert_eq!(
        send(&emulator, "GET", "accounts", &anna, "").await.status,
        429
    );
    assert_eq!(get(&emulator, "accounts").await.status, 200);
    assert_eq!(get(&emulator, "accounts").await.status, 429);
}

#[tokio::test]
async fn there_are_no_limits_unless_they_are_set() {
    let emulator = small::emulator();
    let answer = get(&emulator, "accounts").await;
    assert_eq!(
        answer.header("x-ms-ratelimit-burst-remaining-xrm-requests"),
        ""
    );
}
