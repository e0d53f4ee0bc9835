//! The emulator with many rows: `cargo bench -p dataverse-benches --bench emulator -- 1000000`.
//!
//! Start with the largest document, seeding a file, pages of 5,000 that are filtered and sorted, and
//! creates over a socket through one pool of connections.

#![allow(
    clippy::disallowed_methods,
    reason = "measuring is what this program is for"
)]

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use dataverse_client::http::{FixedToken, Transport};
use dataverse_client::{Client, New};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::Account;

const CREATES: usize = 20_000;
const AT_A_TIME: usize = 16;

fn document(name: &str) -> std::io::Result<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/csdl/");
    std::fs::read(format!("{folder}{name}"))
}

fn tell(what: &str, seconds: f64) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{what}: {:.1} ms", seconds * 1000.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(10_000);
    let started = Instant::now();
    let large = Emulator::builder()
        .metadata(document("synthetic-union-586-entities.csdl.xml.gz")?)
        .build()?;
    tell("start with 586 types", started.elapsed().as_secs_f64())?;
    drop(large);

    let file = std::env::temp_dir().join(format!("emulator-bench-{}.sqlite", std::process::id()));
    let done = measure(rows, &file).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    done
}

async fn measure(rows: usize, file: &Path) -> Result<(), Box<dyn Error>> {
    let open = || -> Result<Emulator, Box<dyn Error>> {
        Ok(Emulator::builder()
            .metadata(document("dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz")?)
            .data_file(file)
            .build()?)
    };
    let emulator = open()?;
    let started = Instant::now();
    let accounts = (0..rows).map(|n| {
        let shuffled = n.wrapping_mul(7_919) % rows;
        format!(
            r#"{{"name":"Account {shuffled:07}","accountnumber":"A-{n}","revenue":{n}.5000,"numberofemployees":{},"address1_city":"City {}"}}"#,
            n % 1_000,
            n % 100
        )
    });
    emulator.seed("account", accounts)?;
    let seconds = started.elapsed().as_secs_f64();
    tell(&format!("{rows} rows seeded"), seconds)?;
    drop(emulator);
    let started = Instant::now();
    let emulator = open()?;
    tell("start with the file", started.elapsed().as_secs_f64())?;

    for query in [
        "$filter=numberofemployees%20gt%20500&$orderby=name",
        "$filter=address1_city%20eq%20'city%2042'&$orderby=name",
        "$filter=contains(name,'99')&$orderby=name%20desc",
        "$filter=revenue%20gt%20500000&$orderby=createdon%20desc",
        // One row of a hundred, of twenty, of ten; by a column of which each value is rare.
        "$filter=revenue%20gt%20990000&$orderby=name",
        "$filter=revenue%20gt%20950000&$orderby=name",
        "$filter=revenue%20gt%20900000&$orderby=name",
        "$filter=numberofemployees%20ge%20990%20and%20address1_city%20eq%20'city%2099'&$orderby=revenue%20desc",
    ] {
        let path =
            format!("/api/data/v9.2/accounts?$select=name,revenue,numberofemployees&{query}");
        for turn in ["first", "again", "again"] {
            let request = http::Request::get(format!("{}{path}", Emulator::URL))
                .header("authorization", "Bearer any")
                .header("prefer", "odata.maxpagesize=5000")
                .body(Default::default())?;
            let started = Instant::now();
            let answer = emulator.send(request).await?;
            let seconds = started.elapsed().as_secs_f64();
            let found = answer
                .body()
                .windows(11)
                .filter(|at| at == b"\"accountid\"")
                .count();
            tell(&format!("{query}, {found} rows, {turn}"), seconds)?;
        }
    }

    let listening = emulator.listen(0).await?;
    let client = Client::builder(&listening.url())?
        .credential(FixedToken::new("any"))
        .build()?;
    let started = Instant::now();
    let tasks: Vec<_> = (0..AT_A_TIME)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for n in 0..CREATES / AT_A_TIME {
                    let name = format!("New {task} {n}");
                    client.create(New::new().set(Account::NAME, name)).await?;
                }
                Ok::<_, dataverse_client::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let each = CREATES as f64 / started.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "creates over a socket, {AT_A_TIME} at a time: {each:.0} a second"
    )?;
    Ok(())
}
