//! Rows as Parquet files: what a reader of such files finds in them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use dataverse_client::chrono::{DateTime, NaiveDate, Utc};
use dataverse_client::definitions::Schema;
use dataverse_client::http::FixedToken;
use dataverse_client::rust_decimal::Decimal;
use dataverse_client::schema::TableName;
use dataverse_client::value::ValueKind;
use dataverse_client::{Choice, Choices, Client, Entity, Id, Lookup, ParquetFormat};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::Account;
use dataverse_tests::fixture;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::LogicalType;

#[derive(Clone, Copy, Choice)]
enum Colour {
    #[dataverse(value = 1)]
    Red,
    #[dataverse(value = 9)]
    Green,
    Unknown(i32),
}

#[derive(Entity, Default)]
#[dataverse(table = "thing", set = "things", id = "thingid")]
struct Thing {
    thingid: Option<Id<Thing>>,
    name: Option<String>,
    amount: Option<Decimal>,
    share: Option<f64>,
    number: Option<i32>,
    big: Option<i64>,
    isgood: Option<bool>,
    bornon: Option<NaiveDate>,
    happenedon: Option<DateTime<Utc>>,
    colour: Option<Colour>,
    colours: Option<Choices<Colour>>,
    #[dataverse(lookup(nav = "parentid"))]
    parentid: Option<Lookup<Thing>>,
}

const COLUMNS: [(&str, &str); 11] = [
    ("name", "String"),
    ("amount", "Decimal"),
    ("share", "Double"),
    ("number", "Int32"),
    ("big", "Int64"),
    ("isgood", "Boolean"),
    ("bornon", "Date"),
    ("happenedon", "DateTimeOffset"),
    ("colour", "Int32"),
    ("colours", "String"),
    ("_parentid_value", "Guid"),
];

fn things(rows: &[impl AsRef<str>]) -> Client {
    let columns =
        COLUMNS.map(|(name, kind)| format!(r#"<Property Name="{name}" Type="Edm.{kind}"/>"#));
    let document = format!(
        r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
        <edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm"
        xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="thing">
        <Key><PropertyRef Name="thingid"/></Key><Property Name="thingid" Type="Edm.Guid"/>{}
        <NavigationProperty Name="parentid" Type="mscrm.thing">
        <ReferentialConstraint Property="_parentid_value" ReferencedProperty="thingid"/>
        </NavigationProperty></EntityType><EntityContainer Name="System"><EntitySet Name="things"
        EntityType="mscrm.thing"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#,
        columns.concat()
    );
    let emulator = Emulator::builder().metadata(document).build().unwrap();
    emulator.seed("thing", rows).unwrap();
    client(emulator)
}

fn client(emulator: Emulator) -> Client {
    Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(emulator)
        .build()
        .unwrap()
}

/// The columns, and the types that readers which do not know Arrow find.
fn read(file: Vec<u8>) -> (Vec<RecordBatch>, Vec<Option<LogicalType>>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
    let columns = builder.parquet_schema().columns().to_vec();
    let types = columns
        .iter()
        .map(|column| column.logical_type_ref().cloned());
    let types = types.collect();
    (
        builder.build().unwrap().map(Result::unwrap).collect(),
        types,
    )
}

const FULL: &str = r#"{"thingid":"00000000-0000-0000-0000-000000000001","name":"Jürgen","amount":-12345678901.2345,
    "share":0.5,"number":-7,"big":9007199254740993,"isgood":true,"bornon":"1969-12-31",
    "happenedon":"2024-02-29T23:59:58Z","colour":9,"colours":"1,9"}"#;
const EMPTY: &str = r#"{"thingid":"00000000-0000-0000-0000-000000000002",
    "parentid@odata.bind":"things(00000000-0000-0000-0000-000000000001)"}"#;

#[tokio::test]
async fn every_kind_of_column_has_its_own_type() {
    let client = things(&[FULL, EMPTY]);
    let mut file = Vec::new();
    let format = ParquetFormat::of::<Thing>();
    let rows = client
        .query::<Thing>()
        .order_by(Thing::THINGID.asc())
        .rows();
    assert_eq!(rows.export_parquet(&format, &mut file).await.unwrap(), 2);

    let (batches, types) = read(file);
    let [batch] = &batches[..] else {
        panic!("{batches:?}");
    };
    let names: Vec<_> = format.names().collect();
    let schema = batch.schema();
    let fields = schema.fields().iter();
    assert_eq!(fields.map(|field| field.name()).collect::<Vec<_>>(), names);
    let of = |name: &str| batch.column_by_name(name).unwrap();
    let id = of("thingid").as_fixed_size_binary();
    assert_eq!(id.value(1)[15], 2);
    assert_eq!(types[0], Some(LogicalType::Uuid));
    assert_eq!(of("name").as_string::<i32>().value(0), "Jürgen");
    let amount = of("amount").as_primitive::<Decimal128Type>();
    assert_eq!(amount.value_as_string(0), "-12345678901.234500000000");
    assert_eq!(of("share").as_primitive::<Float64Type>().value(0), 0.5);
    assert_eq!(of("number").as_primitive::<Int32Type>().value(0), -7);
    let big = of("big").as_primitive::<Int64Type>();
    assert_eq!(big.value(0), 9_007_199_254_740_993);
    assert!(of("isgood").as_boolean().value(0));
    assert_eq!(of("bornon").as_primitive::<Date32Type>().value(0), -1);
    let time = of("happenedon").as_primitive::<TimestampMicrosecondType>();
    assert_eq!(time.value(0), 1_709_251_198_000_000);
    assert_eq!(time.timezone(), Some("UTC"));
    assert_eq!(of("colour").as_primitive::<Int32Type>().value(0), 9);
    let colours = of("colours").as_list::<i32>().value(0);
    assert_eq!(colours.as_primitive::<Int32Type>().values(), &[1, 9]);
    let parent = of("_parentid_value").as_fixed_size_binary();
    assert_eq!((parent.is_null(0), parent.value(1)[15]), (true, 1));
    for (name, _) in &COLUMNS[..10] {
        assert!(of(name).is_null(1), "{name}");
    }
}

#[tokio::test]
async fn columns_can_be_chosen_and_a_value_that_is_none_is_an_error() {
    let client = things(&[FULL, EMPTY]);
    let format = ParquetFormat::of::<Thing>();
    let format = format.only(["bornon", "amount"]).unwrap();
    let file = || Vec::new();
    let table = client.table(TableName::new("things").primary_id("thingid"));
    let query = || table.query().select(format.names()).rows();
    assert_eq!(
        query().export_parquet(&format, &mut file()).await.unwrap(),
        2
    );
    let wrong = format.clone().column("amount", ValueKind::Integer);
    let error = query()
        .export_parquet(&wrong, &mut file())
        .await
        .unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("`amount`"),
        "{error}"
    );
    // Beyond the digits of the column.
    let small = things(&[r#"{"amount":0.0000000000001}"#]);
    let rows = small.query::<Thing>().rows();
    let error = rows.export_parquet(&format, &mut file()).await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(
        format
            .clone()
            .only(["nosuch"])
            .unwrap_err()
            .is_invalid_input()
    );
    let nothing = client.query::<Thing>().rows();
    let error = nothing
        .export_parquet(&ParquetFormat::new(), &mut file())
        .await;
    assert!(error.unwrap_err().is_invalid_input());
}

#[tokio::test]
async fn a_table_known_at_run_time_is_exported_by_its_definition() {
    let document = fixture("csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz");
    let emulator = Emulator::builder().metadata(std::fs::read(document).unwrap());
    let emulator = emulator.build().unwrap();
    let rows = (0..2500).map(|n| format!(r#"{{"name":"{n}","revenue":{n}.25,"statecode":0}}"#));
    emulator.seed("account", rows).unwrap();
    let client = client(emulator);
    let mut schema = Schema::of(["account"]);
    client.definitions().refresh(&mut schema).await.unwrap();
    let format = ParquetFormat::of_table(schema.table("account").unwrap());
    let columns = [
        "accountid",
        "name",
        "revenue",
        "statecode",
        "createdon",
        "_ownerid_value",
    ];
    let format = format.only(columns).unwrap();
    // The same as generated code says.
    assert_eq!(
        format,
        ParquetFormat::of::<Account>().only(columns).unwrap()
    );

    let table = client.table(TableName::new("accounts").primary_id("accountid"));
    let query = table.query().select(format.names()).page_size(700);
    let mut file = Vec::new();
    let count = query.rows().export_parquet(&format, &mut file).await;
    assert_eq!(count.unwrap(), 2500);
    let (batches, _) = read(file);
    let (mut count, mut sum) = (0, 0);
    for batch in batches {
        count += batch.num_rows();
        let revenue = batch.column(2).as_primitive::<Decimal128Type>();
        sum += revenue.values().iter().sum::<i128>();
    }
    let whole = (0..2500).sum::<i128>() * 100 + 2500 * 25;
    assert_eq!((count, sum), (2500, whole * 10i128.pow(10)));
}

#[tokio::test]
async fn a_date_of_a_table_known_at_run_time_is_a_date() {
    let client = things(&[FULL, EMPTY]);
    let mut schema = Schema::of(["thing"]);
    client.definitions().refresh(&mut schema).await.unwrap();
    let format = ParquetFormat::of_table(schema.table("thing").unwrap());
    let columns = ["bornon", "happenedon"];
    let format = format.only(columns).unwrap();
    assert_eq!(format, ParquetFormat::of::<Thing>().only(columns).unwrap());
    let table = client.table(TableName::new("things").primary_id("thingid"));
    let query = table.query().select(format.names());
    let mut file = Vec::new();
    let count = query.rows().export_parquet(&format, &mut file).await;
    assert_eq!(count.unwrap(), 2);
    let (batches, types) = read(file);
    let dates = batches[0].column(0).as_primitive::<Date32Type>();
    assert_eq!(dates.iter().flatten().collect::<Vec<_>>(), [-1]);
    assert_eq!(types[0], Some(LogicalType::Date));
}

/// More than one row group holds: each is written when it is full, and the rows stay in order.
#[tokio::test]
async fn a_file_of_several_row_groups_holds_every_row_in_order() {
    const ROWS: i32 = 1100;
    // Text that does not repeat, so that it is not written shorter: 32 kB in each row.
    let text = |n: i32| -> String {
        let mut seed = u64::from(n.unsigned_abs()) + 1;
        let words = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{seed:016x}")
        });
        words.take(2000).collect()
    };
    let rows = (0..ROWS).map(|n| format!(r#"{{"number":{n},"name":"{}"}}"#, text(n)));
    let rows: Vec<_> = rows.collect();
    let client = things(&rows);
    let format = ParquetFormat::of::<Thing>()
        .only(["number", "name"])
        .unwrap();
    let mut file = Vec::new();
    let rows = client.query::<Thing>().order_by(Thing::NUMBER.asc());
    let rows = rows.rows().export_parquet(&format, &mut file);
    assert_eq!(rows.await.unwrap(), ROWS as u64);

    let file = Bytes::from(file);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let groups = builder.metadata().row_groups();
    let sizes: Vec<_> = groups.iter().map(|group| group.num_rows()).collect();
    assert!(sizes.len() >= 2, "{sizes:?}");
    assert_eq!(sizes.iter().sum::<i64>(), i64::from(ROWS));
    let mut next = 0;
    for batch in builder.build().unwrap() {
        let batch = batch.unwrap();
        let names = batch.column(1).as_string::<i32>();
        for (number, name) in batch
            .column(0)
            .as_primitive::<Int32Type>()
            .iter()
            .zip(names)
        {
            assert_eq!(number, Some(next));
            assert_eq!(name, Some(text(next).as_str()));
            next += 1;
        }
    }
    assert_eq!(next, ROWS);
}
