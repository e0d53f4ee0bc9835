//! Reads rows from the emulator over a socket, page by page:
//! `cargo run --release -p dataverse-benches -- 100000`.
//!
//! The emulator runs in a process of its own (this program again), so that the memory that is
//! told is the client's.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use dataverse_client::codegen::Decimal;
use dataverse_client::http::FixedToken;
use dataverse_client::{Client, Id, Record};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::{Account, Contact};

/// A view of six columns, as programs have it.
#[derive(Record)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    accountnumber: Option<String>,
    revenue: Option<Decimal>,
    numberofemployees: Option<i32>,
    #[dataverse(column = "primarycontactid")]
    contact: Option<Id<Contact>>,
    #[dataverse(column = "statecode")]
    state: i32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("serve") => serve(arguments.next().unwrap_or_default().parse()?).await,
        Some(rows) => read(rows.parse()?).await,
        None => Err("how many rows? `cargo run --release -p dataverse-benches -- 100000`".into()),
    }
}

/// The emulator with this many accounts; tells its address, and ends with its standard input.
async fn serve(rows: usize) -> Result<(), Box<dyn Error>> {
    let document = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/csdl/dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz"
    );
    let emulator = Emulator::builder()
        .metadata(std::fs::read(document)?)
        .build()?;
    let accounts = (0..rows).map(|n| {
        format!(
            r#"{{"name":"Account number {n}","accountnumber":"A-{n}","revenue":{n}.5000,"numberofemployees":{n}}}"#
        )
    });
    emulator.seed("account", accounts)?;
    let listening = emulator.listen(0).await?;
    writeln!(std::io::stdout(), "{}", listening.url())?;
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "measuring is what this program is for"
)]
async fn read(rows: usize) -> Result<(), Box<dyn Error>> {
    let mut server = Command::new(std::env::current_exe()?)
        .args(["serve", &rows.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    let stdout = server
        .stdout
        .take()
        .ok_or("the emulator has no standard output")?;
    BufReader::new(stdout).read_line(&mut url)?;

    let client = Client::builder(url.trim())?
        .credential(FixedToken::new("any"))
        .build()?;
    let started = Instant::now();
    let mut stream = client.query::<AccountCard>().page_size(5000).rows();
    let (mut count, mut check) = (0usize, 0u64);
    while let Some(row) = stream.try_next().await? {
        count += 1;
        check += row.name.len() as u64
            + row
                .accountnumber
                .as_ref()
                .map_or(0, |text| text.len() as u64)
            + u64::from(row.revenue.is_some())
            + u64::from(row.contact.is_none())
            + row.numberofemployees.unwrap_or_default().unsigned_abs() as u64 % 2
            + row.state.unsigned_abs() as u64;
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{count} rows in {seconds:.2} s, {:.0} rows/s, peak memory {}, check {check}",
        count as f64 / seconds,
        peak_memory()
    )?;
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
}

/// Highest resident memory of this process, where the system tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
