//! Bulk writes against the emulator's service protection limits, in virtual time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{Clock, FixedToken, Transport, TransportError};
use dataverse_client::{BulkMethod, Client, New};
use dataverse_emulator::{Emulator, ProtectionLimits};
use dataverse_golden::crm::Account;
use dataverse_tests::clock::ManualClock;
use dataverse_tests::limits::drive;

use super::builder;

const WAY: Duration = Duration::from_secs(2);

/// An emulator that is two seconds away, and what it was asked.
#[derive(Clone)]
struct Org {
    emulator: Emulator,
    clock: ManualClock,
    tells_what_is_left: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// When a request was sent and answered, and how long the answer asks to wait.
struct Seen {
    sent: SystemTime,
    answered: SystemTime,
    wait: Option<Duration>,
}

#[async_trait]
impl Transport for Org {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let sent = self.clock.now();
        self.clock.sleep(WAY).await;
        let mut answer = self.emulator.send(request).await?;
        if !self.tells_what_is_left {
            let headers = answer.headers_mut();
            headers.remove("x-ms-ratelimit-burst-remaining-xrm-requests");
            headers.remove("x-ms-ratelimit-time-remaining-xrm-requests");
        }
        let wait = answer.headers().get("retry-after");
        let wait = wait.map(|wait| wait.to_str().unwrap().parse().unwrap());
        self.seen.lock().unwrap().push(Seen {
            sent,
            answered: self.clock.now(),
            wait: wait.map(Duration::from_secs),
        });
        Ok(answer)
    }
}

/// What a job took.
struct Told {
    requests: usize,
    refused: usize,
    time: Duration,
}

/// Writes 600 rows in packs of 5, and sees that each is there once, and that no request is sent
/// while the org has asked to wait.
fn write(limits: ProtectionLimits, method: BulkMethod, tells_what_is_left: bool) -> Told {
    const ROWS: usize = 600;
    let clock = ManualClock::new();
    let emulator = builder().clock(clock.clone()).protection_limits(limits);
    let org = Org {
        emulator: emulator.build().unwrap(),
        clock: clock.clone(),
        tells_what_is_left,
        seen: Arc::default(),
    };
    let client = Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(org.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let rows = (0..ROWS).map(|n| New::new().set(Account::NAME, format!("row {n}")));
    let job = client.bulk_write::<Account>().method(method).pack_rows(5);
    let mut outcomes = job.rows(rows).unwrap();
    let began = clock.now();
    let all = async {
        let mut places = HashSet::new();
        while let Some(outcome) = outcomes.try_next().await.unwrap() {
            outcome.result.unwrap();
            assert!(places.insert(outcome.index));
        }
        places.len()
    };
    let day = Duration::from_secs(24 * 60 * 60);
    assert_eq!(drive(&clock, began + day, all), Some(ROWS));
    let time = clock.now().duration_since(began).unwrap();

    // The limits are those of a user in a window: the rows are read in the next one.
    clock.advance(Duration::from_secs(300));
    let read = client.query::<Account>().rows();
    let stored = drive(&clock, clock.now() + day, read.collect())
        .unwrap()
        .unwrap();
    let names: HashSet<_> = stored.iter().filter_map(|row| row.name.clone()).collect();
    assert_eq!((stored.len(), names.len()), (ROWS, ROWS));

    let seen = org.seen.lock().unwrap();
    for refusal in &*seen {
        let Some(wait) = refusal.wait else {
            continue;
        };
        let early = seen
            .iter()
            .find(|later| later.sent > refusal.answered && later.sent < refusal.answered + wait);
        assert!(early.is_none(), "sent while it was to wait");
    }
    Told {
        requests: seen.len(),
        refused: seen.iter().filter(|seen| seen.wait.is_some()).count(),
        time,
    }
}

#[test]
fn limits_that_the_service_tells_of_are_not_met() {
    for method in [BulkMethod::Multiple, BulkMethod::Batch] {
        let few_requests = ProtectionLimits::default().requests(60);
        let little_time = ProtectionLimits::default()
            .time_of_request(WAY)
            .execution_time(Duration::from_secs(120));
        for limits in [few_requests, little_time] {
            let told = write(limits, method, true);
            assert_eq!(told.refused, 0, "of {}", told.requests);
            // 120 requests are two windows' worth, and something is left free.
            assert!(told.time < Duration::from_secs(640), "{:?}", told.time);
        }
    }
}

#[test]
fn limits_that_the_service_does_not_tell_of_are_waited_for_as_it_says() {
    for method in [BulkMethod::Multiple, BulkMethod::Batch] {
        let limits = ProtectionLimits::default().requests(60);
        let told = write(limits, method, false);
        // Those that were on their way together.
        assert_eq!(told.refused, 4, "of {}", told.requests);
        assert!(told.time < Duration::from_secs(340), "{:?}", told.time);
    }
}
