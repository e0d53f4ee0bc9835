//! Client and emulator together: queries, related rows, single columns, counts, sums, and all of it
//! by names that are only known at run time.

use std::time::Duration;

use dataverse_client::http::Clock;
use dataverse_client::rust_decimal::Decimal;
use dataverse_client::schema::TableName;
use dataverse_client::value::Json;
use dataverse_client::{
    AnyRow, Change, Changes, Client, Expansion, GetText, Id, InvokeNamed, Key, New, NextLink,
    Query, Record, SearchQuery, Unit, column, uuid,
};
use dataverse_golden::crm::account::nav;
use dataverse_golden::crm::{Account, Contact, Task};

use crate::org::org;

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: Option<String>,
    revenue: Option<Decimal>,
}

#[derive(Record, Debug)]
#[dataverse(entity = Account)]
struct WithTasks {
    name: Option<String>,
    #[dataverse(expand = nav::ACCOUNT_TASKS)]
    tasks: Vec<TaskCard>,
}

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Task)]
struct TaskCard {
    subject: Option<String>,
}

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Contact)]
struct ContactCard {
    lastname: Option<String>,
}

fn accounts() -> TableName {
    TableName::of::<Account>()
}

/// Three accounts: `a` with two tasks and a contact, `b` with one task, `c` alone.
async fn fill(client: &Client) -> [Id<Account>; 3] {
    let task = |subject: &str| New::new().set(Task::SUBJECT, subject);
    let account = |name: &str, revenue: i64| {
        New::new()
            .set(Account::NAME, name)
            .set(Account::REVENUE, Decimal::new(revenue, 2))
    };
    let contact = New::new().set(Contact::LASTNAME, "Nguyen");
    let a = account("a", 1050)
        .insert(nav::PRIMARYCONTACTID, contact)
        .insert_many(nav::ACCOUNT_TASKS, [task("call"), task("write")]);
    let b = account("b", 2000).insert_many(nav::ACCOUNT_TASKS, [task("call")]);
    let mut ids = Vec::new();
    for row in [a, b, account("c", 1)] {
        ids.push(client.create(row).await.unwrap());
    }
    ids.try_into().unwrap()
}

async fn names(client: &Client, filter: dataverse_client::Filter<Account>) -> String {
    let query = client.query::<AccountCard>().filter(filter);
    let rows = query.order_by(Account::NAME.asc()).rows();
    let rows = rows.collect().await.unwrap();
    rows.iter().filter_map(|row| row.name.as_deref()).collect()
}

#[tokio::test]
async fn related_rows_come_with_rows_and_alone() {
    let (client, _, _) = org();
    let [a, b, c] = fill(&client).await;
    let query = client
        .query::<WithTasks>()
        .expanding(nav::ACCOUNT_TASKS, |tasks| {
            tasks
                .filter(Task::SUBJECT.ne("x"))
                .order_by(Task::SUBJECT.desc())
                .top(1)
        });
    let query = query.order_by(Account::NAME.asc());
    let rows = query.rows().collect().await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            let first = row.tasks.first().and_then(|task| task.subject.as_deref());
            (row.name.as_deref().unwrap(), first)
        })
        .collect();
    assert_eq!(
        found,
        [("a", Some("write")), ("b", Some("call")), ("c", None)]
    );

    let tasks = client.query_related::<TaskCard, _>(a, nav::ACCOUNT_TASKS);
    let tasks = tasks.filter(Task::SUBJECT.starts_with("c")).rows();
    assert_eq!(tasks.collect().await.unwrap().len(), 1);
    let contact = client.retrieve_related::<ContactCard, _>(a, nav::PRIMARYCONTACTID);
    let contact = contact.await.unwrap().unwrap();
    assert_eq!(contact.lastname.as_deref(), Some("Nguyen"));
    let none = client.retrieve_related::<ContactCard, _>(b, nav::PRIMARYCONTACTID);
    assert!(none.await.unwrap().is_none());
    let references = client.references(a, nav::ACCOUNT_TASKS).await.unwrap();
    assert_eq!(references.len(), 2);
    let count = dataverse_client::Count::related(c, nav::ACCOUNT_TASKS);
    assert_eq!(client.call(count).await.unwrap().rows(), 0);
    let count = client.count::<Account>().filter(Account::NAME.ne("c"));
    assert_eq!(count.await.unwrap().rows(), 2);
}

#[tokio::test]
async fn conditions_look_at_related_rows_sets_and_times() {
    let (client, _, clock) = org();
    fill(&client).await;
    let tasks = nav::ACCOUNT_TASKS;
    let is = |filter| names(&client, filter);
    assert_eq!(is(tasks.any(Task::SUBJECT.eq("write"))).await, "a");
    assert_eq!(is(!tasks.exists()).await, "c");
    assert_eq!(is(tasks.all(Task::SUBJECT.eq("call"))).await, "bc");
    let lastname = nav::PRIMARYCONTACTID.to(Contact::LASTNAME);
    assert_eq!(is(lastname.eq("nguyen")).await, "a");
    assert_eq!(is(Account::NAME.is_in(["a", "c", "O'B"])).await, "ac");
    assert_eq!(is(!Account::NAME.is_in(["a"])).await, "bc");
    assert_eq!(
        is(Account::REVENUE.between(Decimal::ONE, Decimal::TEN)).await,
        ""
    );
    assert_eq!(is(Account::CREATEDON.last(1, Unit::Hours)).await, "abc");
    clock.sleep(Duration::from_secs(3 * 3600)).await;
    assert_eq!(is(Account::CREATEDON.last(1, Unit::Hours)).await, "");
    assert_eq!(
        is(Account::CREATEDON.older_than(2, Unit::Hours)).await,
        "abc"
    );
    // A URL that only a batch can carry.
    assert_eq!(is(Account::NAME.ne("x".repeat(33_000))).await, "abc");
}

#[tokio::test]
async fn one_column_is_read_written_and_cleared() {
    let (client, _, _) = org();
    let [a, ..] = fill(&client).await;
    let revenue = client.get_column(a, Account::REVENUE).await.unwrap();
    assert_eq!(revenue.unwrap(), Decimal::new(1050, 2));
    client.set_column(a, Account::NAME, "new").await.unwrap();
    let text = client.call(GetText::new(a, Account::NAME)).await.unwrap();
    assert_eq!(text.as_deref(), Some("new"));
    client.clear_column(a, Account::REVENUE).await.unwrap();
    assert_eq!(client.get_column(a, Account::REVENUE).await.unwrap(), None);
}

#[tokio::test]
async fn writes_give_rows_back_and_unchanged_rows_are_not_read() {
    let (client, _, _) = org();
    let new = New::new().set(Account::NAME, "a");
    let row = client.create(new).returning::<AccountCard>().await.unwrap();
    assert_eq!(row.name.as_deref(), Some("a"));
    let id = row.id().unwrap();
    let changes = || Changes::new().set(Account::NAME, "b");
    let update = client.update(id, changes()).returning::<AccountCard>();
    let row = update.await.unwrap();
    assert_eq!(row.name.as_deref(), Some("b"));
    let etag = row.etag().unwrap().clone();
    let read = |etag| client.retrieve::<AccountCard>(id).if_changed(etag);
    assert!(read(etag.clone()).await.unwrap().is_none());
    client
        .update(id, Changes::new().set(Account::NAME, "c"))
        .await
        .unwrap();
    assert!(read(etag).await.unwrap().is_some());
    for is_created in [true, false] {
        let key = Account::ACCOUNTNUMBER.key("A-1");
        let upsert = client.upsert(key, changes()).returning::<AccountCard>();
        assert_eq!(upsert.await.unwrap().is_created, is_created);
    }
}

#[tokio::test]
async fn sums_are_exact_and_grouped() {
    let (client, _, _) = org();
    fill(&client).await;
    let sums = client
        .aggregate::<Account>()
        .filter(Account::NAME.ne("c"))
        .group_by(Account::STATECODE)
        .sum(Account::REVENUE, "total")
        .max(Account::REVENUE, "most")
        .count("rows");
    let [sum] = &sums.await.unwrap()[..] else {
        panic!("one group")
    };
    let total: Decimal = sum.get("total").unwrap().unwrap();
    assert_eq!(total, Decimal::new(3050, 2));
    assert_eq!(sum.get::<i64>("rows").unwrap(), Some(2));
    let most = sum.get::<Decimal>("most").unwrap();
    assert_eq!(most, Some(Decimal::new(2000, 2)));
}

#[tokio::test]
async fn a_job_goes_on_from_a_page_in_another_process() {
    let (client, _, _) = org();
    for number in 0..25 {
        let row = New::new().set(Account::NAME, format!("{number:02}"));
        client.create(row).await.unwrap();
    }
    let query = || {
        Query::<AccountCard>::new()
            .order_by(Account::NAME.asc())
            .page_size(10)
    };
    let mut pages = client.call(query()).pages();
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!(first.rows.len(), 10);
    let stored = serde_json::to_string(pages.next_page().unwrap()).unwrap();
    let next: NextLink = serde_json::from_str(&stored).unwrap();
    let rest = client.call(query().from_page(next)).rows().prefetch();
    let rest = rest.collect().await.unwrap();
    let names: Vec<_> = rest.iter().filter_map(|row| row.name.as_deref()).collect();
    assert_eq!(names.len(), 15);
    assert_eq!((names[0], names[14]), ("10", "24"));
}

#[tokio::test]
async fn a_table_known_by_name_has_all_that_a_generated_one_has() {
    let (client, _, _) = org();
    let table = client.table(accounts());
    let tasks = |subject: &str| New::new().set_named("subject", subject);
    let row = New::new()
        .set_named("name", "a")
        .set_named("revenue", Decimal::new(1050, 2))
        .insert_many_named("Account_Tasks", [tasks("call"), tasks("write")]);
    let id = table.create(row).await.unwrap();

    let expansion = Expansion::named("Account_Tasks")
        .select(["subject"])
        .order_by(column("subject").desc());
    let read = table
        .retrieve(id)
        .select(["name", "revenue"])
        .expand(expansion);
    let row = read.await.unwrap();
    assert_eq!(
        row.get::<Decimal>("revenue").unwrap(),
        Some(Decimal::new(1050, 2))
    );
    let tasks: Vec<AnyRow> = row.get("Account_Tasks").unwrap().unwrap();
    assert_eq!(tasks[0].get::<String>("subject").unwrap().unwrap(), "write");

    let changes = Changes::new().set_named("name", "b").clear_named("revenue");
    table.update(id, changes).await.unwrap();
    let key = Key::named("accountnumber", "A-1");
    let upsert = table.upsert(key.clone(), Changes::new().set_named("name", "up"));
    upsert.create_only().await.unwrap();
    let filter = column("name")
        .starts_with("u")
        .or(column("revenue").is_null());
    let query = table.query().select(["name"]).filter(filter);
    let rows = query.order_by(column("name").asc()).rows();
    let rows = rows.collect().await.unwrap();
    let name = |row: &AnyRow| row.get::<String>("name").unwrap().unwrap();
    assert_eq!(rows.iter().map(name).collect::<String>(), "bup");

    assert_eq!(table.count().await.unwrap().rows(), 2);
    let related = table.query_related(id, "Account_Tasks").rows();
    assert_eq!(related.collect().await.unwrap().len(), 2);
    assert_eq!(
        table.references(id, "Account_Tasks").await.unwrap().len(),
        2
    );
    let sum = table.aggregate().count("rows").await.unwrap();
    assert_eq!(sum[0].get::<i64>("rows").unwrap(), Some(2));

    let contacts = TableName::of::<Contact>();
    let contact = client.table(contacts.clone());
    let contact = contact
        .create(New::new().set_named("lastname", "N"))
        .await
        .unwrap();
    let target = contacts.row(contact);
    table
        .associate(id, "primarycontactid", &target)
        .await
        .unwrap();
    let read = table
        .retrieve_related(id, "primarycontactid")
        .await
        .unwrap();
    assert_eq!(
        read.unwrap().get::<String>("lastname").unwrap().unwrap(),
        "N"
    );
    table.disassociate(id, "primarycontactid").await.unwrap();
    assert!(
        table
            .retrieve_related(id, "primarycontactid")
            .await
            .unwrap()
            .is_none()
    );

    table.set_column(id, "name", "c").await.unwrap();
    let column = table.get_column::<String>(id, "name").await.unwrap();
    assert_eq!(column.as_deref(), Some("c"));
    let mut changes = table.changes().select(["name"]).stream();
    let mut seen = 0;
    while let Some(change) = changes.try_next().await.unwrap() {
        seen += usize::from(matches!(change, Change::Upserted(_)));
    }
    let token = changes.into_token().unwrap();
    table.delete(key).await.unwrap();
    let mut changes = table.changes().since(token).stream();
    assert!(matches!(
        changes.try_next().await,
        Ok(Some(Change::Deleted(_)))
    ));
    assert_eq!(seen, 2);
    let missing = table.retrieve(Id::generate()).optional().await.unwrap();
    assert!(missing.is_none());
}

#[tokio::test]
async fn sharing_is_granted_and_told_by_name() {
    let (client, _, _) = org();
    let [a, ..] = fill(&client).await;
    let me = client
        .invoke_named(InvokeNamed::function("WhoAmI"))
        .await
        .unwrap();
    let me: uuid::Uuid = me.get("UserId").unwrap().unwrap();
    let access = Json::new(format!(
        r##"{{"Principal":{{"@odata.type":"Microsoft.Dynamics.CRM.systemuser","systemuserid":"{me}"}},"AccessMask":"ReadAccess"}}"##
    ));
    let grant = InvokeNamed::action("GrantAccess")
        .row("Target", a)
        .json("PrincipalAccess", access.unwrap());
    client.invoke_named(grant).await.unwrap();
    let users = TableName::new("systemusers");
    let told = InvokeNamed::function("Microsoft.Dynamics.CRM.RetrievePrincipalAccess")
        .on(users.row(me))
        .row("Target", a);
    let told = client.invoke_named(told).await.unwrap();
    let rights: String = told.get("AccessRights").unwrap().unwrap();
    assert!(rights.contains("ReadAccess"), "{rights}");
}

#[tokio::test]
async fn the_client_searches() {
    let (client, _, _) = org();
    fill(&client).await;
    client
        .create(New::new().set(Account::NAME, "Contoso Coffee"))
        .await
        .unwrap();
    let found = client.search(SearchQuery::new("coffee")).await.unwrap();
    assert_eq!(found.hits.len(), 1);
}
