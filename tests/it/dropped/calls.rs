//! Calls, batches, and what makes several calls.

use std::time::Duration;

use dataverse_client::http::Cloud;
use dataverse_client::http::{FixedToken, VirtualClock};
use dataverse_client::{BackgroundState, ChangeSet, Changes, Create, Discovery, Id, Record};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::FormatAddress;
use dataverse_tests::tables::Account;
use serde_json::json;

use super::{Way, World, account, finish, poll_times};

#[test]
fn a_create_is_made_once_and_can_be_asked_for_again() {
    let world = World::new();
    let mut executed = 0;
    world.drop_everywhere(|polls| {
        let name = format!("call {polls}");
        let id = Id::generate();
        let create = || world.client.create(account(&name)).with_id(id);
        let done = poll_times(create(), polls);
        let count = world.count(&name);
        assert!(count <= 1 && (done.is_none() || count == 1), "{polls}");
        executed += usize::from(done.is_none() && count == 1);
        // With the same id it is the same row.
        match finish(create()) {
            Ok(again) => assert_eq!((again, count), (id, 0), "{polls}"),
            Err(error) => assert!(error.is_duplicate() && count == 1, "{polls}: {error}"),
        }
        assert_eq!(world.count(&name), 1, "{polls}");
        done.is_some()
    });
    assert!(
        executed > 0,
        "it was dropped between execution and answer, too"
    );
}

fn change_set(name: &str) -> ChangeSet {
    let mut set = ChangeSet::new();
    set.add(Create::new(account(name)));
    set.add(Create::new(account(name)));
    set
}

#[test]
fn a_change_set_is_executed_whole_or_not_at_all() {
    let world = World::new();
    world.drop_everywhere(|polls| {
        let name = format!("set {polls}");
        let mut batch = world.client.batch();
        batch.push(change_set(&name));
        let done = poll_times(batch.send(), polls);
        let count = world.count(&name);
        assert!(
            count == 2 || (count == 0 && done.is_none()),
            "{polls}: {count}"
        );
        done.is_some()
    });
}

#[test]
fn parts_that_have_not_left_are_not_sent() {
    let world = World::new();
    let mut counts = Vec::new();
    world.drop_everywhere(|polls| {
        let name = format!("parts {polls}");
        let mut batch = world.client.batch();
        for _ in 0..3 {
            batch.push(change_set(&name));
        }
        let done = poll_times(batch.send_in_parts(2), polls);
        counts.push(world.count(&name));
        done.is_some()
    });
    assert!(counts.is_sorted(), "{counts:?}");
    counts.dedup();
    assert_eq!(counts, [0, 2, 4, 6]);
}

#[derive(Record)]
#[dataverse(entity = Account)]
struct Number {
    accountnumber: Option<String>,
}

#[test]
fn a_row_is_changed_once_or_not_at_all() {
    let world = World::new();
    world.drop_everywhere(|polls| {
        let row = account("changed").set(Account::ACCOUNTNUMBER, "0");
        let id = finish(world.client.create(row)).unwrap();
        let mut calls = 0;
        let change = world.client.retry_on_conflict(id, |row: &Number| {
            calls += 1;
            let number: u32 = row.accountnumber.as_deref().unwrap_or("0").parse().unwrap();
            Ok(Changes::new().set(Account::ACCOUNTNUMBER, (number + 1).to_string()))
        });
        let done = poll_times(change, polls).map(Result::unwrap).is_some();
        let row = finish(world.client.retrieve::<Number>(id)).unwrap();
        let number = row.accountnumber.clone().unwrap();
        assert!(
            number == "1" || (number == "0" && !done),
            "{polls}: {number}"
        );
        assert!(calls <= 1, "{polls}");
        done
    });
}

#[test]
fn a_background_operation_goes_on_when_nobody_asks_for_it() {
    let world = World::new();
    let answer = json!({ "Address": "there" }).to_string();
    world
        .emulator
        .on_action("FormatAddress", move |_| Ok(Some(answer.clone())))
        .unwrap();
    let minute = Duration::from_secs(60);
    world.drop_everywhere(|polls| {
        let address = FormatAddress {
            line1: "1 Main Street".to_owned(),
            city: "Seattle".to_owned(),
            state_or_province: "WA".to_owned(),
            postal_code: "98007".to_owned(),
            country: "U.S.".to_owned(),
        };
        let started = finish(world.client.invoke(address).in_background()).unwrap();
        let done = poll_times(world.client.background_end(&started, minute), polls);
        let end = finish(world.client.background_end(&started, minute)).unwrap();
        assert!(
            matches!(end, BackgroundState::Succeeded(_)),
            "{polls}: {end:?}"
        );
        done.is_some()
    });
}

#[test]
fn an_org_can_be_looked_for_again() {
    let world = World::new();
    let discovery = Discovery::builder(Cloud::Public)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(Way(world.emulator.clone()))
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    world.drop_everywhere(|polls| {
        let done = poll_times(discovery.find(Emulator::URL), polls);
        finish(discovery.find(Emulator::URL)).unwrap();
        done.is_some()
    });
}
