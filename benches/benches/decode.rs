//! Reading a page of 1,000 rows: our reader against a serde derive of the same struct.

// A bench that cannot go on says so by panicking.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataverse_client::{Entity, Operation, Query, Record, Response};
use dataverse_golden::crm::Account;
use http::{HeaderMap, StatusCode};
use rust_decimal::Decimal;

/// Ten columns, read by the SDK.
#[derive(Record)]
#[dataverse(entity = Account)]
#[allow(dead_code, reason = "read, and compared by time only")]
struct View {
    name: Option<String>,
    accountnumber: Option<String>,
    revenue: Option<Decimal>,
    numberofemployees: Option<i32>,
    donotemail: Option<bool>,
    telephone1: Option<String>,
    address1_city: Option<String>,
    statecode: Option<i32>,
    creditlimit: Option<Decimal>,
    websiteurl: Option<String>,
}

/// The same columns, read by serde.
#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "read, and compared by time only")]
struct SerdeView {
    name: Option<String>,
    accountnumber: Option<String>,
    #[serde(with = "rust_decimal::serde::float_option", default)]
    revenue: Option<Decimal>,
    numberofemployees: Option<i32>,
    donotemail: Option<bool>,
    telephone1: Option<String>,
    address1_city: Option<String>,
    statecode: Option<i32>,
    #[serde(with = "rust_decimal::serde::float_option", default)]
    creditlimit: Option<Decimal>,
    websiteurl: Option<String>,
    #[serde(rename = "@odata.etag")]
    etag: Option<String>,
    accountid: Option<uuid::Uuid>,
}

#[derive(serde::Deserialize)]
struct SerdePage<T> {
    value: Vec<T>,
}

const VIEW: &[(&str, &str)] = &[
    ("name", "\"Account of some length\""),
    ("accountnumber", "\"A-12345\""),
    ("revenue", "5000000.0000"),
    ("numberofemployees", "1200"),
    ("donotemail", "false"),
    ("telephone1", "\"555-0100\""),
    ("address1_city", "\"Redmond\""),
    ("statecode", "0"),
    ("creditlimit", "null"),
    ("websiteurl", "\"https://contoso.example\""),
];

/// A page whose rows hold these columns.
fn page(columns: &[(String, String)]) -> Vec<u8> {
    let members: Vec<_> = columns
        .iter()
        .map(|(name, json)| format!("\"{name}\":{json}"))
        .collect();
    let rows: Vec<_> = (0..1000)
        .map(|n| {
            format!(
                "{{\"@odata.etag\":\"W/\\\"{n}\\\"\",{},\"accountid\":\
                 \"00000000-0000-0000-0000-{n:012}\"}}",
                members.join(",")
            )
        })
        .collect();
    format!(
        "{{\"@odata.context\":\"x\",\"value\":[{}]}}",
        rows.join(",")
    )
    .into_bytes()
}

fn response(body: &[u8]) -> Response {
    Response::new(StatusCode::OK, HeaderMap::new(), body.to_vec().into())
}

fn decode(criterion: &mut Criterion) {
    let view: Vec<_> = VIEW
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    let body = page(&view);
    let mut group = criterion.benchmark_group("view of 10 columns");
    group.throughput(Throughput::Bytes(body.len() as u64));
    let answer = response(&body);
    group.bench_function("dataverse-client", |bencher| {
        let query = Query::<View>::new();
        bencher.iter(|| black_box(query.decode(&answer).unwrap().rows.len()));
    });
    group.bench_function("serde derive", |bencher| {
        bencher.iter(|| {
            let page: SerdePage<SerdeView> = serde_json::from_slice(&body).unwrap();
            black_box(page.value.len())
        });
    });
    group.finish();

    // Every column of the table: known ones with their values, the rest null.
    let all: Vec<_> = Account::TABLE
        .columns()
        .iter()
        .filter(|column| column.wire_name() != "accountid")
        .map(|column| {
            let known = VIEW.iter().find(|(name, _)| *name == column.wire_name());
            (
                column.wire_name().to_owned(),
                known.map_or("null", |(_, json)| json).to_owned(),
            )
        })
        .collect();
    let body = page(&all);
    let mut group = criterion.benchmark_group("whole table");
    group.throughput(Throughput::Bytes(body.len() as u64));
    let answer = response(&body);
    group.bench_function("dataverse-client, all columns", |bencher| {
        let query = Query::<Account>::new();
        bencher.iter(|| black_box(query.decode(&answer).unwrap().rows.len()));
    });
    group.bench_function("serde derive, ten of them", |bencher| {
        bencher.iter(|| {
            let page: SerdePage<SerdeView> = serde_json::from_slice(&body).unwrap();
            black_box(page.value.len())
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
