//! Client and emulator together: links, rows within rows, bulk messages, changes.

use std::time::Duration;

use dataverse_client::http::Clock;
use dataverse_client::{Change, Changes, Id, New, Record};
use dataverse_golden::crm::account::nav;
use dataverse_golden::crm::{Account, Contact, SystemUser, Task, contact};

use crate::org::org;

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: Option<String>,
    #[dataverse(column = "primarycontactid")]
    contact: Option<Id<Contact>>,
}

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Task)]
struct TaskCard {
    subject: Option<String>,
}

fn account(name: &str) -> New<Account> {
    New::new().set(Account::NAME, name)
}

#[tokio::test]
async fn rows_are_linked_and_unlinked() {
    let (client, _, _) = org();
    let id = client.create(account("a")).await.unwrap();
    let contact = client.create(New::<Contact>::new()).await.unwrap();
    let points_at = async || {
        let row = client.retrieve::<AccountCard>(id).await.unwrap();
        row.contact
    };
    let lookup = nav::PRIMARYCONTACTID;
    client.associate(id, lookup, contact).await.unwrap();
    assert_eq!(points_at().await, Some(contact));
    client.disassociate(id, lookup).await.unwrap();
    assert_eq!(points_at().await, None);
    let many = nav::CONTACT_CUSTOMER_ACCOUNTS;
    client.associate_many(id, many, contact).await.unwrap();
    client.disassociate_many(id, many, contact).await.unwrap();
    let again = client.disassociate_many(id, many, contact).await;
    assert!(again.unwrap_err().is_not_found());
}

#[tokio::test]
async fn rows_are_created_with_the_rows_around_them() {
    let (client, _, _) = org();
    let tasks = ["one", "two"].map(|subject| New::new().set(Task::SUBJECT, subject));
    let person = New::new()
        .set(Contact::LASTNAME, "Curtis")
        .insert_many(contact::nav::CONTACT_TASKS, tasks);
    let known = client.create(New::<Contact>::new()).await.unwrap();
    let body = account("Fourth Coffee")
        .insert(nav::PRIMARYCONTACTID, person)
        .bind_many(nav::CONTACT_CUSTOMER_ACCOUNTS, [known]);
    let row = client
        .create(body)
        .returning::<AccountCard>()
        .await
        .unwrap();
    let person = client
        .retrieve::<Contact>(row.contact.unwrap())
        .await
        .unwrap();
    assert_eq!(person.lastname.as_deref(), Some("Curtis"));
    let known = client.retrieve::<Contact>(known).await.unwrap();
    assert_eq!(
        known.parentcustomerid.as_ref().map(|l| l.id()),
        row.id().map(|id| id.uuid())
    );
    let mut rows = client.query::<TaskCard>().rows();
    let mut subjects = Vec::new();
    while let Some(task) = rows.try_next().await.unwrap() {
        subjects.push(task.subject.clone().unwrap());
    }
    subjects.sort();
    assert_eq!(subjects, ["one", "two"]);
}

#[tokio::test]
async fn many_rows_go_in_one_message() {
    let (client, _, _) = org();
    let ids = client
        .create_multiple([account("a"), account("b")])
        .await
        .unwrap();
    let rename = |name: &str| Changes::new().set(Account::NAME, name);
    client
        .update_multiple([(ids[0], rename("a2")), (ids[1], rename("b2"))])
        .await
        .unwrap();
    let new = Id::<Account>::from(uuid::Uuid::from_u128(7));
    client
        .upsert_multiple([(ids[0], rename("a3")), (new, rename("c"))])
        .await
        .unwrap();
    let name = async |id: Id<Account>| {
        client
            .retrieve::<AccountCard>(id)
            .await
            .unwrap()
            .name
            .clone()
    };
    assert_eq!(name(ids[0]).await.as_deref(), Some("a3"));
    assert_eq!(name(ids[1]).await.as_deref(), Some("b2"));
    assert_eq!(name(new).await.as_deref(), Some("c"));
    // One missing row, and nothing is changed.
    let nobody = Id::<Account>::from(uuid::Uuid::from_u128(8));
    let refused = client.update_multiple([(new, rename("x")), (nobody, rename("x"))]);
    assert!(refused.await.unwrap_err().is_not_found());
    assert_eq!(name(new).await.as_deref(), Some("c"));
}

#[tokio::test]
async fn changes_are_followed_until_the_token_is_too_old() {
    let (client, _, clock) = org();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(client.create(account(name)).await.unwrap());
    }
    let take = async |since| {
        let changes = client.changes::<AccountCard>().page_size(2).since(since);
        let mut changes = changes.resync_if_expired();
        let mut told = Vec::new();
        while let Some(change) = changes.try_next().await.unwrap() {
            told.push(match change {
                Change::Upserted(row) => row.name.clone().unwrap_or_default(),
                Change::Deleted(id) => format!("-{}", id.uuid()),
                Change::Resync => "again".to_owned(),
                other => panic!("{other:?}"),
            });
        }
        (told, changes.into_token())
    };
    let (told, token) = take(None).await;
    assert_eq!(told, ["a", "b", "c"]);
    client.delete(ids[0]).await.unwrap();
    let rename = Changes::new().set(Account::NAME, "b2");
    client.update(ids[1], &rename).await.unwrap();
    client.create(account("d")).await.unwrap();
    let (told, next) = take(token.clone()).await;
    assert_eq!(told, ["b2", "d", &format!("-{}", ids[0].uuid())]);
    assert_eq!(take(next).await.0, Vec::<String>::new());
    let count = client
        .count_changes::<Account>(token.clone().unwrap())
        .await;
    assert_eq!(count.unwrap(), 3);
    clock.sleep(Duration::from_secs(8 * 24 * 60 * 60)).await;
    let (told, _) = take(token.clone()).await;
    assert_eq!(told, ["again", "c", "b2", "d"]);
    let expired = client.count_changes::<Account>(token.unwrap()).await;
    assert!(expired.unwrap_err().is_token_expired());
}

#[tokio::test]
async fn a_call_is_done_for_another_user() {
    let (client, _, _) = org();
    let user = client.create(New::<SystemUser>::new()).await.unwrap();
    let id = client
        .create(account("a"))
        .caller_user_id(user)
        .await
        .unwrap();
    let row = client.retrieve::<Account>(id).await.unwrap();
    assert_eq!(row.createdby.as_ref().map(|l| l.id()), Some(user));
    assert!(row.createdonbehalfby.is_some());
    let nobody = uuid::Uuid::from_u128(9);
    let refused = client.create(account("b")).caller_user_id(nobody).await;
    assert!(refused.unwrap_err().is_impersonation_denied());
}
