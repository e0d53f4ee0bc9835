//! Client and emulator together, with the generated tables of a real org: what a user's program
//! does. Neither side is trusted here to judge the other; both are held against recorded traffic
//! elsewhere.

use std::time::Duration;

use dataverse_client::codegen::Decimal;
use dataverse_client::{
    AnyLookup, ChangeSet, Changes, Client, Create, Id, New, Record, Retrieve, Update,
};
use dataverse_emulator::InjectedFault;
use dataverse_golden::crm::incident::CustomeridTarget;
use dataverse_golden::crm::{
    Account, Contact, Incident, Merge, Opportunity, OpportunityClose, SystemUser, Task, WhoAmI,
    WinOpportunity,
};

use crate::org::org;

/// The columns that these tests need.
#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    revenue: Option<Decimal>,
    #[dataverse(column = "statecode")]
    state: i32,
    #[dataverse(column = "primarycontactid")]
    contact: Option<Id<Contact>>,
}

fn account(name: &str) -> New<Account> {
    New::new().set(Account::NAME, name)
}

#[tokio::test]
async fn a_row_from_create_to_delete() {
    let (client, _, _) = org();
    let contact = client
        .create(New::new().set(Contact::LASTNAME, "Nguyen"))
        .await
        .unwrap();
    let revenue: Decimal = "5000000.0000".parse().unwrap();
    let body = account("Contoso")
        .set(Account::REVENUE, revenue)
        .bind(Account::PRIMARYCONTACTID, contact);
    let id = client.create(body).await.unwrap();
    let row = client.retrieve::<AccountCard>(id).await.unwrap();
    assert_eq!(row.name, "Contoso");
    assert_eq!(row.revenue.unwrap().to_string(), "5000000.0000");
    assert_eq!((row.state, row.contact), (0, Some(contact)));
    assert_eq!(row.id(), Some(id));

    let etag = row.etag().unwrap().clone();
    let changes = Changes::new()
        .clear(Account::REVENUE)
        .unbind(Account::PRIMARYCONTACTID);
    client
        .update(id, &changes)
        .if_match(etag.clone())
        .await
        .unwrap();
    let error = client
        .update(id, &changes)
        .if_match(etag.clone())
        .await
        .unwrap_err();
    assert!(error.is_precondition_failed(), "{error}");
    let row = client.retrieve::<AccountCard>(id).await.unwrap();
    assert_eq!((row.revenue, row.contact), (None, None));
    let error = client.delete(id).if_match(etag).await.unwrap_err();
    assert!(error.is_precondition_failed());
    client.delete(id).await.unwrap();
    assert!(client.delete(id).await.unwrap_err().is_not_found());
    assert!(
        client
            .retrieve::<AccountCard>(id)
            .optional()
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        client
            .update(id, &changes)
            .await
            .unwrap_err()
            .is_not_found(),
        "never creates"
    );
}

#[tokio::test]
async fn every_column_of_a_generated_table_is_read() {
    let (client, _, _) = org();
    let id = client
        .create(account("Contoso").set(Account::DONOTEMAIL, true))
        .await
        .unwrap();
    let row = client
        .retrieve::<Account>(id)
        .with_annotations()
        .await
        .unwrap();
    assert_eq!(row.accountid, Some(id));
    assert_eq!(row.name.as_deref(), Some("Contoso"));
    assert_eq!(row.donotemail, Some(true));
    assert!(row.versionnumber.unwrap() > 1_000_000);
    assert_eq!(
        row.createdon.unwrap().to_rfc3339(),
        "2026-01-01T00:00:00+00:00"
    );
    let owner = row.ownerid.as_ref().unwrap();
    assert_eq!(owner.name(), Some("Emulator"));
    assert_eq!(owner.logical_name(), Some("systemuser"));
    assert_eq!(row.label(Account::OWNERID), Some("Emulator"));
    let copy = row.clone().into_inner();
    assert_eq!(copy, *row);
    assert!(format!("{copy:?}").contains("Contoso"));
}

#[tokio::test]
async fn upserts_by_alternate_key() {
    let (client, _, _) = org();
    let key = Account::ACCOUNTNUMBER.key("AC-1");
    let changes = Changes::new().set(Account::NAME, "first");
    let error = client
        .upsert(&key, &changes)
        .update_only()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    client.upsert(&key, &changes).create_only().await.unwrap();
    let error = client
        .upsert(&key, &changes)
        .create_only()
        .await
        .unwrap_err();
    assert!(error.is_precondition_failed(), "{error}");
    client
        .upsert(&key, Changes::new().set(Account::NAME, "second"))
        .await
        .unwrap();
    let row = client.retrieve::<Account>(&key).await.unwrap();
    assert_eq!(row.name.as_deref(), Some("second"));
    assert_eq!(row.accountnumber.as_deref(), Some("AC-1"));
    let double = account("third").set(Account::ACCOUNTNUMBER, "ac-1");
    assert!(client.create(double).await.unwrap_err().is_duplicate());
}

#[tokio::test]
async fn queries_filter_sort_and_page() {
    let (client, emulator, _) = org();
    let rows = (0..250).map(|n| format!(r#"{{"name":"Con {n:03}","revenue":{n}.5}}"#));
    emulator.seed("account", rows).unwrap();
    emulator.seed("account", [r#"{"name":"Other"}"#]).unwrap();
    let query = client
        .query::<AccountCard>()
        .filter(Account::NAME.starts_with("con"))
        .filter(
            Account::STATECODE
                .eq(0)
                .and(Account::REVENUE.gt(Decimal::new(995, 1))),
        )
        .order_by(Account::REVENUE.desc())
        .page_size(40)
        .with_count();
    let mut rows = query.rows();
    let mut names = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        names.push(row.name.clone());
    }
    assert_eq!(
        rows.count().map(dataverse_client::RowCount::rows),
        Some(150)
    );
    let expected: Vec<_> = (100..250).rev().map(|n| format!("Con {n:03}")).collect();
    assert_eq!(names, expected);
    assert_eq!(emulator.requests().len(), 4);
    let top = client
        .query::<AccountCard>()
        .order_by(Account::NAME.desc())
        .top(1)
        .await
        .unwrap();
    assert_eq!(top.rows[0].name, "Other");
    assert!(top.next.is_none());
}

#[tokio::test]
async fn lookups_of_several_tables_are_bound_and_read_by_table() {
    let (client, _, _) = org();
    let account = client.create(account("Contoso")).await.unwrap();
    let case = New::new()
        .set(Incident::TITLE, "Broken")
        .bind(Incident::CUSTOMERID, account);
    let case = client.create(case).await.unwrap();
    let row = client
        .retrieve::<Incident>(case)
        .with_annotations()
        .await
        .unwrap();
    let customer = row.customerid.as_ref().unwrap();
    assert_eq!(customer.target(), CustomeridTarget::Account(account));
    assert_eq!(customer.name(), Some("Contoso"));
    // Without annotations the service does not tell the table.
    let row = client.retrieve::<Incident>(case).await.unwrap();
    let other = row.customerid.as_ref().map(AnyLookup::target);
    assert!(
        matches!(other, Some(CustomeridTarget::Other { table: None, id }) if id == account.uuid())
    );
    let task = New::new()
        .set(Task::SUBJECT, "Call")
        .bind(Task::REGARDINGOBJECTID, account)
        .bind(Task::OWNERID, me(&client).await);
    let task = client.create(task).await.unwrap();
    let row = client.retrieve::<Task>(task).await.unwrap();
    assert_eq!(row.regardingobjectid.as_ref().unwrap().id(), account.uuid());
    let changes = Changes::new().unbind(Incident::CUSTOMERID);
    client.update(case, changes).await.unwrap();
    assert!(
        client
            .retrieve::<Incident>(case)
            .await
            .unwrap()
            .customerid
            .is_none()
    );
}

async fn me(client: &Client) -> Id<SystemUser> {
    Id::new(client.invoke(WhoAmI).await.unwrap().user_id.unwrap())
}

#[tokio::test]
async fn a_batch_with_a_change_set_and_a_reference() {
    let (client, emulator, _) = org();
    let existing = client.create(account("Existing")).await.unwrap();
    let mut set = ChangeSet::new();
    let contact = set.add(Create::new(New::new().set(Contact::LASTNAME, "Nguyen")));
    let bound = account("Nguyen AG").bind(Account::PRIMARYCONTACTID, &contact);
    let created = set.add(Create::new(bound));
    let mut batch = client.batch();
    let card = batch.add(Retrieve::<AccountCard>::new(existing));
    batch.push(set);
    let mut replies = batch.send().await.unwrap();
    assert_eq!(replies.take(card).unwrap().name, "Existing");
    let contact = replies.take(contact).unwrap();
    let created = replies.take(created).unwrap();
    let row = client.retrieve::<AccountCard>(created).await.unwrap();
    assert_eq!(row.contact, Some(contact));

    // One bad member undoes the others.
    let mut set = ChangeSet::new();
    let changed = set.add(Update::new(
        existing,
        Changes::new().set(Account::NAME, "changed"),
    ));
    let missing = set.add(Update::new(
        Id::<Account>::generate(),
        Changes::new().set(Account::NAME, "x"),
    ));
    let mut batch = client.batch();
    batch.push(set);
    let after = batch.add(Retrieve::<AccountCard>::new(existing));
    let mut replies = batch.send().await.unwrap();
    assert!(replies.take(missing).unwrap_err().is_not_found());
    assert!(replies.take(changed).unwrap_err().is_not_run());
    assert!(replies.take(after).unwrap_err().is_not_run());
    assert_eq!(
        client.retrieve::<AccountCard>(existing).await.unwrap().name,
        "Existing"
    );
    assert_eq!(emulator.requests().len(), 5);
}

#[tokio::test]
async fn operations_are_called() {
    let (client, _, _) = org();
    let deal = client
        .create(New::new().set(Opportunity::NAME, "Big"))
        .await
        .unwrap();
    let close = New::<OpportunityClose>::new()
        .set_named("subject", "Won".to_owned())
        .bind_named("opportunityid", deal);
    let win = WinOpportunity {
        opportunity_close: close.into(),
        status: 3,
    };
    client.invoke(win).await.unwrap();
    let row = client.retrieve::<Opportunity>(deal).await.unwrap();
    assert_eq!((row.statecode, row.statuscode), (Some(1), Some(3)));

    let kept = client.create(account("kept")).await.unwrap();
    let merged = client.create(account("merged")).await.unwrap();
    let merge = Merge {
        target: kept.into(),
        subordinate: merged.into(),
        update_content: New::<Account>::new().set(Account::TELEPHONE1, "555").into(),
        perform_parenting_checks: false,
    };
    client.invoke(merge).await.unwrap();
    let row = client.retrieve::<Account>(merged).await.unwrap();
    assert_eq!(
        row.masterid.as_ref().map(dataverse_client::Lookup::id),
        Some(kept)
    );
}

#[tokio::test]
async fn throttling_is_waited_out_and_faults_double_nothing() {
    let (client, emulator, clock) = org();
    let wait = Duration::from_secs(11);
    emulator.inject(InjectedFault::Throttled { retry_after: wait }, 2);
    emulator.inject(InjectedFault::AnswerLost, 1);
    emulator.inject(InjectedFault::ConnectionRefused, 1);
    emulator.inject(
        InjectedFault::Status(http::StatusCode::SERVICE_UNAVAILABLE),
        1,
    );
    let id = client.create(account("once")).await.unwrap();
    assert_eq!(clock.sleeps()[..2], [wait, wait]);
    let rows = client
        .query::<AccountCard>()
        .rows()
        .collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].id(), Some(id));
}

/// Ten thousand creates over a bad line: every row is there once.
#[tokio::test]
async fn ten_thousand_creates_lose_and_double_nothing() {
    let (client, emulator, _) = org();
    // A fixed sequence of numbers stands for chance.
    let mut seed = 7u64;
    let mut chance = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % 100
    };
    let mut ids = std::collections::HashSet::new();
    for number in 0..10_000 {
        let fault = match chance() {
            0..3 => Some(InjectedFault::ConnectionRefused),
            3..8 => Some(InjectedFault::Throttled {
                retry_after: Duration::from_secs(1),
            }),
            8..12 => Some(InjectedFault::AnswerLost),
            12..14 => Some(InjectedFault::Status(http::StatusCode::BAD_GATEWAY)),
            _ => None,
        };
        if let Some(fault) = fault {
            emulator.inject(fault, 1 + (chance() % 3) as usize);
        }
        let body = New::new().set(Contact::LASTNAME, format!("{number}"));
        ids.insert(client.create(body).await.unwrap());
    }
    let rows = client
        .query::<Contact>()
        .filter(Contact::LASTNAME.is_not_null())
        .rows();
    let rows = rows.collect().await.unwrap();
    assert_eq!((rows.len(), ids.len()), (10_000, 10_000));
    assert!(rows.iter().all(|row| ids.contains(&row.contactid.unwrap())));
}
