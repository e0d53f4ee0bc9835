//! One table read by several streams, and exported: the same rows as one stream gives.

use std::collections::HashSet;

use dataverse_client::chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dataverse_client::http::{FixedToken, VirtualClock};
use dataverse_client::schema::TableName;
use dataverse_client::{AnyRow, Client, Filter, Id, NamedTable, New, Ranges, RowFormat, column};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::Account;
use dataverse_tests::fixture;
use proptest::prelude::*;
use uuid::Uuid;

fn client(emulator: Emulator) -> Client {
    Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(emulator)
        .build()
        .unwrap()
}

fn emulator() -> Emulator {
    let document = fixture("csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz");
    Emulator::builder()
        .metadata(std::fs::read(document).unwrap())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

/// A small table: a large document would take most of the time.
fn things() -> Emulator {
    let document = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
        <edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm"
        xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="thing">
        <Key><PropertyRef Name="thingid"/></Key><Property Name="thingid" Type="Edm.Guid"/>
        <Property Name="number" Type="Edm.Int32"/>
        <Property Name="happenedon" Type="Edm.DateTimeOffset"/>
        <Property Name="bornon" Type="Edm.Date"/>
        </EntityType><EntityContainer Name="System"><EntitySet Name="things"
        EntityType="mscrm.thing"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;
    Emulator::builder().metadata(document).build().unwrap()
}

fn accounts(client: &Client) -> NamedTable {
    client.table(TableName::new("accounts").primary_id("accountid"))
}

async fn ids(query: dataverse_client::Call<dataverse_client::Query<AnyRow>>) -> Vec<Uuid> {
    let rows = query.select(["thingid"]).page_size(7).rows();
    let rows = rows.collect().await.unwrap();
    let id = |row: &AnyRow| row.get("thingid").unwrap().unwrap();
    rows.iter().map(id).collect()
}

fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

fn day(day: i64) -> NaiveDate {
    (time(0) + TimeDelta::days(day)).date_naive()
}

/// Ids as they come: random, counted, alike in the bytes that are compared first or last, and at the
/// limits of ranges.
fn some_id() -> impl Strategy<Value = u128> {
    prop_oneof![
        any::<u128>(),
        0u128..40,
        any::<u32>().prop_map(|head| u128::from(head) << 96 | 0x4d5e_8f90_0123_4567_89ab),
        any::<u8>().prop_map(|byte| u128::from_be_bytes([byte; 16])),
    ]
}

/// Numbers of which many are the same, and some are far away.
fn some_number() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        (-50i64..50).prop_map(Some),
        Just(Some(7)),
        prop_oneof![Just(-30_000i64), Just(30_000)].prop_map(Some),
    ]
}

/// Every way to divide a table.
fn divisions(parts: usize, limits: (i64, i64)) -> [Ranges<dataverse_client::schema::AnyTable>; 4] {
    let (least, greatest) = limits;
    let (first, last) = (day(least), day(greatest));
    [
        Ranges::of_ids(column("thingid"), parts).unwrap(),
        Ranges::of_integers(column("number"), least, greatest, parts).unwrap(),
        Ranges::of_times(column("happenedon"), time(least), time(greatest), parts).unwrap(),
        Ranges::of_dates(column("bornon"), first, last, parts).unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_parts_of_a_table_are_the_table(
        rows in proptest::collection::btree_map(some_id(), some_number(), 0..60),
        parts in 1usize..9,
        start in -40i64..40,
        length in 0i64..60,
    ) {
        let emulator = things();
        let seed = rows.iter().map(|(id, number)| match number {
            Some(number) => format!(
                r#"{{"thingid":"{}","number":{number},"happenedon":"{}","bornon":"{}"}}"#,
                Uuid::from_u128(*id),
                time(*number).format("%Y-%m-%dT%H:%M:%SZ"),
                day(*number)
            ),
            None => format!(r#"{{"thingid":"{}"}}"#, Uuid::from_u128(*id)),
        });
        emulator.seed("thing", seed).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let table = client(emulator).table(TableName::new("things").primary_id("thingid"));
            let mut whole = ids(table.query()).await;
            whole.sort();
            for ranges in divisions(parts, (start, start + length)) {
                let mut union = Vec::new();
                for part in table.query().in_ranges(ranges) {
                    union.extend(ids(part).await);
                }
                union.sort();
                assert_eq!(union, whole);
            }
        });
    }

    /// In whatever order a store compares the bytes of an id, the limits rise.
    #[test]
    fn limits_of_ids_rise_in_every_order_of_bytes(
        order in Just((0..16usize).collect::<Vec<_>>()).prop_shuffle(),
        parts in 2usize..=256,
    ) {
        let ranges = Ranges::of_ids(column("accountid"), parts).unwrap();
        let limit = |filter: &Filter<_>| {
            let word = filter.as_str().split(' ').find(|word| word.len() >= 36 && word.contains('-'));
            word.unwrap().trim_end_matches(')').parse::<Uuid>().unwrap()
        };
        let limits: Vec<_> = ranges.filters()[1..].iter().map(limit).collect();
        prop_assert_eq!(limits.len(), parts - 1);
        let key = |id: &Uuid| order.iter().map(|at| id.as_bytes()[*at]).collect::<Vec<_>>();
        prop_assert!(limits.is_sorted_by(|left, right| key(left) < key(right)));
    }
}

#[tokio::test]
async fn a_row_that_comes_while_others_are_read_comes_once_or_not_at_all() {
    let emulator = things();
    let row = |number: i64| {
        let id = Uuid::from_u128((number + 1000) as u128);
        format!(r#"{{"thingid":"{id}","number":{number}}}"#)
    };
    emulator.seed("thing", (0..60).map(row)).unwrap();
    let client = client(emulator.clone());
    let table = client.table(TableName::new("things").primary_id("thingid"));
    let ranges = Ranges::of_integers(column("number"), 0, 59, 3).unwrap();
    let mut read: Vec<i32> = Vec::new();
    let mut added = 60;
    for part in table.query().in_ranges(ranges) {
        let mut rows = part.select(["number"]).page_size(7).rows();
        while let Some(found) = rows.try_next().await.unwrap() {
            read.push(found.get("number").unwrap().unwrap());
            // Beyond the last limit, and below the first.
            if read.len().is_multiple_of(11) {
                added += 1;
                emulator.seed("thing", [row(added), row(-added)]).unwrap();
            }
        }
    }
    read.sort();
    assert!(read.is_sorted_by(|left, right| left < right), "{read:?}");
    assert_eq!(
        read.iter()
            .filter(|number| (0..60).contains(*number))
            .count(),
        60
    );
}

#[test]
fn ranges_that_would_lose_or_double_rows_are_refused() {
    let number = || column("numberofemployees");
    let all = |result: dataverse_client::Result<Ranges<_>>| {
        let ranges = result.unwrap();
        let texts = ranges
            .filters()
            .iter()
            .map(|filter| filter.as_str().to_owned());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(
        all(Ranges::of_integers(number(), 1, 2, 9)),
        [
            "(numberofemployees lt 2 or numberofemployees eq null)",
            "numberofemployees ge 2"
        ]
    );
    assert_eq!(
        all(Ranges::of_integers(number(), 5, 5, 3)),
        ["(numberofemployees eq null or numberofemployees ne null)"]
    );
    let widest = all(Ranges::of_integers(number(), i64::MIN, i64::MAX, 4));
    assert_eq!(widest.len(), 4);
    for refused in [
        Ranges::at(number(), [3, 3]),
        Ranges::at(number(), [3, 2]),
        Ranges::at(number(), [0; 0]),
        Ranges::of_integers(number(), 2, 1, 3),
        Ranges::of_integers(number(), 1, 2, 0),
        Ranges::of_ids(column("accountid"), 0),
        Ranges::of_ids(column("accountid"), 257),
        Ranges::of_times(column("createdon"), time(1), time(0), 2),
        Ranges::of_dates(column("createdon"), day(1), day(0), 2),
    ] {
        assert!(refused.unwrap_err().is_invalid_input());
    }
    // Typed, too.
    let typed = Ranges::of_ids(Account::ACCOUNTID, 2).unwrap();
    assert!(
        typed.filters()[1]
            .as_str()
            .starts_with("accountid ge 80808080-")
    );
    let later = time(0) + TimeDelta::days(1);
    assert!(Ranges::of_times(Account::CREATEDON, time(0), later, 3).is_ok());
    assert!(Ranges::of_integers(Account::NUMBEROFEMPLOYEES, 0, 9, 3).is_ok());
}

#[tokio::test]
async fn text_and_ids_in_any_order_divide_the_rows() {
    let emulator = emulator();
    let client = client(emulator.clone());
    let names = [
        "apple", "Banana", "banana", "Cherry", "cherry", "Zoo", "äpfel", "",
    ];
    for (number, name) in names.iter().enumerate() {
        let body = New::new().set(Account::NAME, *name);
        // The last bytes of an id are those that are compared first.
        let id = Uuid::from_u128(((number as u128) << 124) | (9 - number as u128));
        client.create(body).with_id(Id::new(id)).await.unwrap();
    }
    client.create(New::<Account>::new()).await.unwrap();
    let by_name = Ranges::at(column("name"), ["Banana", "a", "Zoo", "cherry"]);
    let by_id = [3, 9 << 120, 6, 1 << 124].map(Uuid::from_u128);
    for ranges in [by_name, Ranges::at(column("accountid"), by_id)] {
        let mut found = Vec::new();
        for filter in ranges.unwrap().filters() {
            let rows = accounts(&client)
                .query()
                .filter(filter.clone())
                .select(["accountid"]);
            for row in rows.rows().collect().await.unwrap() {
                found.push(row.get::<Uuid>("accountid").unwrap().unwrap());
            }
        }
        let all: HashSet<_> = found.iter().collect();
        assert_eq!((found.len(), all.len()), (names.len() + 1, names.len() + 1));
    }
}

#[tokio::test]
async fn rows_are_exported_as_json_lines_and_as_csv() {
    let emulator = emulator();
    let rows = [
        r#"{"accountid":"00000000-0000-0000-0000-000000000001","name":"Line\nbreak, \"quoted\"","revenue":1.50}"#,
        r#"{"accountid":"00000000-0000-0000-0000-000000000002","name":"Ünïcode","numberofemployees":3}"#,
    ];
    emulator.seed("account", rows).unwrap();
    let client = client(emulator);
    let columns = ["name", "revenue", "numberofemployees"];
    let query = || accounts(&client).query().select(columns);

    let mut csv = Vec::new();
    let format = &mut RowFormat::csv(columns);
    let count = query()
        .page_size(1)
        .rows()
        .export(format, &mut csv)
        .await
        .unwrap();
    assert_eq!(count, 2);
    assert_eq!(
        String::from_utf8(csv).unwrap(),
        "name,revenue,numberofemployees\r\n\"Line\nbreak, \"\"quoted\"\"\",1.5,\r\nÜnïcode,,3\r\n"
    );

    let mut lines = Vec::new();
    let format = &mut RowFormat::json_lines_of(["numberofemployees", "name", "revenue"]);
    query().rows().export(format, &mut lines).await.unwrap();
    assert_eq!(
        String::from_utf8(lines).unwrap(),
        "{\"numberofemployees\":null,\"name\":\"Line\\nbreak, \\\"quoted\\\"\",\"revenue\":1.5}\n\
         {\"numberofemployees\":3,\"name\":\"Ünïcode\",\"revenue\":null}\n"
    );

    // Typed, with every member: what was exported is read again.
    let mut lines = Vec::new();
    let rows = client.query::<Account>().rows();
    rows.export(&mut RowFormat::json_lines(), &mut lines)
        .await
        .unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let again: Vec<Account> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(again[0].name.as_deref(), Some("Line\nbreak, \"quoted\""));
    assert_eq!(again[1].numberofemployees, Some(3));

    let text = RowFormat::json_lines().append(&"text", &mut Vec::new());
    assert!(text.unwrap_err().is_invalid_input());
}
