//! Reading a page of 5,000 accounts: this client against serde derives with the same owned fields.
//!
//! `cargo bench -p dataverse-benches --bench decode`. One thread; the contenders take turns, and
//! the fastest of their rounds counts, so that what else the machine does falls out.

// A bench that cannot go on says so by panicking.
#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods
)]

mod page;
mod with_serde;

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use dataverse_client::codegen::{AnyLookup, DateTime, Decimal, Lookup};
use dataverse_client::{Operation, Query, Record, Response};
use dataverse_golden::crm::lookups::OwneridTarget;
use dataverse_golden::crm::{Account, Contact};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use with_serde::{Exact, Float, Narrow, NarrowLabels, Page, Wide, WideLabels};

const ROUNDS: usize = 25;

/// Ten columns, as a program has it.
#[derive(Record)]
#[dataverse(entity = Account)]
#[allow(dead_code, reason = "read, and compared by time only")]
struct View {
    name: Option<String>,
    accountnumber: Option<String>,
    telephone1: Option<String>,
    revenue: Option<Decimal>,
    creditlimit: Option<Decimal>,
    numberofemployees: Option<i32>,
    donotemail: Option<bool>,
    createdon: Option<DateTime>,
    primarycontactid: Option<Lookup<Contact>>,
    ownerid: Option<AnyLookup<OwneridTarget>>,
}

fn ours<R: Record>(answer: &Response) -> impl Fn() -> usize {
    move || {
        black_box(Query::<R>::new().decode(answer).unwrap())
            .rows
            .len()
    }
}

fn serde<T: DeserializeOwned>(body: &[u8]) -> impl Fn() -> usize {
    move || {
        black_box(serde_json::from_slice::<Page<T>>(body).unwrap())
            .value
            .len()
    }
}

fn answer(body: &[u8]) -> Response {
    Response::new(StatusCode::OK, HeaderMap::new(), body.to_vec().into())
}

/// The fastest round of each.
fn race(contenders: &[(&str, &dyn Fn() -> usize)]) -> Vec<Duration> {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), best) in contenders.iter().zip(&mut best) {
            let start = Instant::now();
            assert_eq!(run(), page::ROWS);
            *best = start.elapsed().min(*best);
        }
    }
    best
}

fn report(title: &str, bytes: usize, contenders: &[(&str, &dyn Fn() -> usize)]) {
    let best = race(contenders);
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{title} ({:.1} MB)", bytes as f64 / 1e6).unwrap();
    for ((name, _), time) in contenders.iter().zip(&best) {
        let ratio: Vec<_> = best[1..]
            .iter()
            .map(|other| format!("{:5.2}x", time.as_secs_f64() / other.as_secs_f64()))
            .collect();
        let row = time.as_secs_f64() * 1e6 / page::ROWS as f64;
        writeln!(out, "  {name:34} {row:6.3} µs a row  {}", ratio.join(" ")).unwrap();
    }
}

/// One page in three ways; `$wide` and `$narrow` are what serde reads it into.
macro_rules! compare {
    ($annotated:literal, $labels:literal, $wide:ident, $narrow:ident) => {
        let all = page::page(page::ALL, $annotated);
        let few = page::page(page::NARROW, $annotated);
        let (all_answer, few_answer) = (answer(&all), answer(&few));
        report(
            concat!(
                "26 columns, ",
                $labels,
                ", into the whole struct of 161 columns"
            ),
            all.len(),
            &[
                ("dataverse-client", &ours::<Account>(&all_answer)),
                (
                    "serde, 26 fields, exact decimals",
                    &serde::<$wide<Exact>>(&all),
                ),
                (
                    "serde, 26 fields, float decimals",
                    &serde::<$wide<Float>>(&all),
                ),
            ],
        );
        report(
            concat!("26 columns, ", $labels, ", into 10"),
            all.len(),
            &[
                ("dataverse-client", &ours::<View>(&all_answer)),
                (
                    "serde, 10 fields, exact decimals",
                    &serde::<$narrow<Exact>>(&all),
                ),
                (
                    "serde, 10 fields, float decimals",
                    &serde::<$narrow<Float>>(&all),
                ),
            ],
        );
        report(
            concat!("10 columns, ", $labels, ", into 10"),
            few.len(),
            &[
                ("dataverse-client", &ours::<View>(&few_answer)),
                (
                    "serde, 10 fields, exact decimals",
                    &serde::<$narrow<Exact>>(&few),
                ),
                (
                    "serde, 10 fields, float decimals",
                    &serde::<$narrow<Float>>(&few),
                ),
            ],
        );
    };
}

fn main() {
    // `cargo test --all-targets` calls benches as well.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    compare!(false, "no annotations", Wide, Narrow);
    compare!(true, "with annotations", WideLabels, NarrowLabels);
}
