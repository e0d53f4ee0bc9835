//! Bulk writes to the emulator.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dataverse_client::http::{Transport, TransportError, VirtualClock};
use dataverse_client::schema::TableName;
use dataverse_client::{BulkMethod, BulkRow, Changes, Id, New};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::{Account, Contact};

use super::{builder, client_over, org, told};

fn account(name: impl Into<String>) -> New<Account> {
    New::new().set(Account::NAME, name.into())
}

async fn names(client: &dataverse_client::Client) -> Vec<String> {
    let rows = client
        .query::<Account>()
        .order_by(Account::NAME.asc())
        .rows();
    let rows = rows.collect().await.unwrap();
    rows.iter().filter_map(|row| row.name.clone()).collect()
}

#[tokio::test]
async fn bad_rows_are_found_and_the_others_written() {
    let (client, emulator) = org(builder().max_length("account", "name", 20));
    let bad = [3, 100, 101, 249];
    let rows = (0..250).map(move |n| match bad.contains(&n) {
        true => account("x".repeat(21)),
        false => account(format!("row {n}")),
    });
    let job = client.bulk_write().method(BulkMethod::Multiple).in_order();
    let told = told(job.rows(rows).unwrap()).await.unwrap();
    let places: Vec<_> = told.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, (0..250).collect::<Vec<_>>());
    let failed = told.iter().filter(|(_, error)| error.is_some());
    let failed: Vec<_> = failed
        .map(|(place, error)| (*place, error.clone().unwrap()))
        .collect();
    assert_eq!(
        failed.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
        bad
    );
    assert!(failed[0].1.contains("exceeded the maximum allowed length"));
    assert_eq!(names(&client).await.len(), 246);
    // Each bad row takes two requests for each half, not one for each row.
    assert!(emulator.requests().len() < 70);
}

#[tokio::test]
async fn bulk_messages_are_found_in_the_org() {
    let (client, emulator) = org(builder());
    let messages = client.table(TableName::new("sdkmessages").primary_id("sdkmessageid"));
    let filters =
        client.table(TableName::new("sdkmessagefilters").primary_id("sdkmessagefilterid"));
    let message = messages
        .create(New::new().set_named("name", "CreateMultiple"))
        .await
        .unwrap();
    let filter = New::new()
        .set_named("primaryobjecttypecode", "account")
        .bind_named("sdkmessageid", messages.name().row(message));
    filters.create(filter).await.unwrap();
    let job = client.bulk_write::<Account>().rows([account("a")]).unwrap();
    assert_eq!(told(job).await.unwrap(), [(0, None)]);
    let job = client.bulk_write::<Contact>().rows([New::new()]).unwrap();
    assert_eq!(told(job).await.unwrap(), [(0, None)]);
    let targets: Vec<_> = emulator
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert!(targets[3].ends_with("accounts/Microsoft.Dynamics.CRM.CreateMultiple"));
    assert!(targets[5].ends_with("$batch"));
}

#[tokio::test]
async fn writes_to_one_row_keep_their_order() {
    let (client, _) = org(builder());
    let id = Id::<Account>::generate();
    let number = Account::ACCOUNTNUMBER;
    let rows = [
        BulkRow::create_with_id(id, account("a")),
        BulkRow::update(id, Changes::new().set(Account::NAME, "b")),
        BulkRow::delete(id),
        BulkRow::upsert(id, Changes::new().set(Account::NAME, "c")),
        BulkRow::upsert(number.key("A-1"), Changes::new().set(Account::NAME, "d")),
        BulkRow::upsert(number.key("A-1"), Changes::new().set(Account::NAME, "e")),
    ];
    let job = client.bulk_write().method(BulkMethod::Multiple);
    let told = told(job.rows(rows).unwrap()).await.unwrap();
    assert!(told.iter().all(|(_, error)| error.is_none()), "{told:?}");
    assert_eq!(names(&client).await, ["c", "e"]);
}

#[tokio::test]
async fn an_elastic_table_keeps_the_rows_that_are_good() {
    let document = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
        <edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm"
        xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="reading">
        <Key><PropertyRef Name="readingid"/></Key><Property Name="readingid" Type="Edm.Guid"/>
        <Property Name="text" Type="Edm.String"/><Property Name="partitionid" Type="Edm.String"/>
        </EntityType><EntityContainer Name="System"><EntitySet Name="readings"
        EntityType="mscrm.reading"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;
    let elastic = Emulator::builder()
        .metadata(document)
        .elastic_table("reading");
    let (client, emulator) = org(elastic.max_length("reading", "text", 5));
    let name = TableName::new("readings")
        .logical_name("reading")
        .primary_id("readingid");
    let readings = client.table(name);
    let text = |n: u64| if n % 4 == 1 { "too long" } else { "good" };
    let rows = (0..10).map(move |n| New::new().set_named("text", text(n)));
    let job = readings.bulk_write().method(BulkMethod::Multiple).elastic();
    let mut outcomes = job.in_order().rows(rows).unwrap();
    let mut ids = Vec::new();
    while let Some(outcome) = outcomes.try_next().await.unwrap() {
        assert_eq!(outcome.result.is_err(), outcome.index % 4 == 1);
        if outcome.result.is_ok() {
            ids.push(outcome.key.id().unwrap());
        }
    }
    let sent = emulator.requests().len();
    assert_eq!(sent, 4, "one for all, one for each that failed");
    assert_eq!(readings.count().await.unwrap().rows(), 7);
    let job = readings.bulk_write().method(BulkMethod::Multiple).elastic();
    let job = job.rows(ids.into_iter().map(BulkRow::delete)).unwrap();
    assert_eq!(told(job).await.unwrap().len(), 7);
    assert!(emulator.requests()[5].target.ends_with("DeleteMultiple"));
    assert_eq!(readings.count().await.unwrap().rows(), 0);
}

/// Takes 40 ms for each row.
struct Busy(Emulator, VirtualClock);

#[async_trait]
impl Transport for Busy {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let rows = body.matches("accountid").count();
        self.1.advance(Duration::from_millis(40) * rows as u32);
        self.0.send(request).await
    }
}

#[tokio::test]
async fn packs_become_as_long_as_the_service_can_do_in_time() {
    let clock = VirtualClock::default();
    let emulator = builder().clock(clock.clone()).build().unwrap();
    let client = client_over(Busy(emulator.clone(), clock.clone()), &clock);
    let job = client.bulk_write().method(BulkMethod::Multiple).parallel(1);
    let job = job.pack_time(Duration::from_secs(2));
    let rows = (0..300).map(|n| account(n.to_string()));
    assert_eq!(told(job.rows(rows).unwrap()).await.unwrap().len(), 300);
    let lengths: Vec<_> = emulator
        .requests()
        .iter()
        .map(|request| {
            String::from_utf8_lossy(&request.body)
                .matches("accountid")
                .count()
        })
        .collect();
    assert_eq!(lengths, [100, 50, 50, 50, 50]);
}

#[tokio::test]
async fn packs_are_cut_by_bytes_and_progress_is_told() {
    let (client, emulator) = org(builder());
    let (sender, receiver) = std::sync::mpsc::channel();
    let job = client
        .bulk_write()
        .method(BulkMethod::Batch)
        .pack_bytes(2500);
    let long = |length| New::new().set(Account::DESCRIPTION, "x".repeat(length));
    let job = job.on_progress(move |progress| sender.send(*progress).unwrap());
    let mut rows: Vec<_> = (0..9).map(|_| long(1000)).collect();
    rows.push(long(4000));
    assert_eq!(told(job.rows(rows).unwrap()).await.unwrap().len(), 10);
    let lengths: Vec<_> = emulator
        .requests()
        .iter()
        .map(|request| {
            String::from_utf8_lossy(&request.body)
                .matches("POST")
                .count()
        })
        .collect();
    assert_eq!(lengths, [2, 2, 2, 2, 1, 1]);
    let told: Vec<_> = receiver.iter().collect();
    assert!(told.iter().any(|progress| progress.in_flight == 9));
    let last = told.last().unwrap();
    assert_eq!((last.written, last.failed, last.in_flight), (10, 0, 0));
}

#[tokio::test]
async fn nothing_is_sent_if_the_checkpoint_cannot_be_stored() {
    let (client, emulator) = org(builder());
    let job = client.bulk_write().method(BulkMethod::Batch);
    let job = job.on_checkpoint(|_| Err(std::io::Error::other("the disk is full")));
    let mut outcomes = job.rows([account("a")]).unwrap();
    let row = outcomes.try_next().await.unwrap().unwrap();
    assert!(row.result.unwrap_err().is_not_run());
    assert!(outcomes.try_next().await.unwrap_err().is_io());
    assert!(emulator.requests().is_empty());
}
