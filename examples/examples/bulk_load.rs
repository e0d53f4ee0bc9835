//! Any number of rows: writes them in bulk with a bar that shows how far it is, stops in the middle,
//! goes on from what was stored, reads the table by four streams, and exports it as CSV.
//! Its org is the emulator: `cargo run -p dataverse-examples --example bulk_load -- 20000`.

use std::error::Error;
use std::path::PathBuf;

use dataverse_client::{
    BulkCheckpoint, BulkRow, BulkWrite, Changes, Client, New, Ranges, RowFormat,
};
use dataverse_golden::crm::{Account, Contact};
use indicatif::{ProgressBar, ProgressStyle};

/// The same rows in the same order, whenever it is called.
fn rows(count: u64) -> impl Iterator<Item = BulkRow<Account>> {
    (0..count).map(|n| {
        let row = Changes::new()
            .set(Account::NAME, format!("Account {n}"))
            .set(Account::NUMBEROFEMPLOYEES, (n % 1000) as i32);
        match n % 10 {
            // Changed if there is one with this number, created otherwise.
            0 => BulkRow::upsert(Account::ACCOUNTNUMBER.key(format!("A-{n}")), row),
            _ => BulkRow::create(row),
        }
    })
}

/// A job that stores how far it is in `file` before each request.
fn job(client: &Client, bar: &ProgressBar, file: PathBuf) -> BulkWrite<Account> {
    let bar = bar.clone();
    client
        .bulk_write()
        .on_progress(move |progress| {
            bar.set_position(progress.written + progress.failed + progress.skipped);
            bar.set_message(format!("{:.0} rows/s", progress.rows_per_second()));
        })
        .on_checkpoint(move |checkpoint| {
            // Either the old file or the new one is there, whenever the program is killed.
            let new = file.with_extension("new");
            std::fs::write(&new, serde_json::to_vec(checkpoint)?)?;
            std::fs::rename(new, &file)
        })
}

#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn program(client: &Client, count: u64) -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("bulk_load_{}.json", std::process::id()));
    let bar = ProgressBar::new(count);
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} {msg}",
    )?);

    // The first run is stopped somewhere in the middle.
    let mut outcomes = job(client, &bar, file.clone()).rows(rows(count))?;
    for _ in 0..count / 2 {
        outcomes.try_next().await?;
    }
    drop(outcomes);

    // The second takes the same rows, and passes over those that are done.
    let stored: BulkCheckpoint = serde_json::from_slice(&std::fs::read(&file)?)?;
    let outcomes = job(client, &bar, file.clone()).resume(stored);
    let failures = outcomes.rows(rows(count))?.failures().await?;
    bar.finish();
    for failed in &failures {
        println!("row {}: {:?}", failed.index, failed.result);
    }
    std::fs::remove_file(&file)?;

    // Four streams, each with a range of its own.
    let ranges = Ranges::of_integers(Account::NUMBEROFEMPLOYEES, 0, 999, 4)?;
    let mut streams = Vec::new();
    for part in client.query::<Account>().in_ranges(ranges) {
        streams.push(tokio::spawn(part.rows().collect()));
    }
    let mut read = 0;
    for stream in streams {
        read += stream.await??.len();
    }
    println!("written and read: {read} of {count}");

    // Nothing in memory but a page.
    let mut csv = Vec::new();
    let mut format = RowFormat::csv(["accountnumber", "name", "numberofemployees"]);
    let query = client.query::<Account>().order_by(Account::NAME.asc());
    let exported = query.rows().export(&mut format, &mut csv).await?;
    let head = String::from_utf8_lossy(&csv);
    let head: Vec<_> = head.lines().take(3).collect();
    println!("exported: {exported}, {} bytes: {head:#?}", csv.len());

    // A row that the service refuses has an outcome; the others are written.
    let contacts = [
        New::new().set(Contact::LASTNAME, "Curtis"),
        New::new().set_named("nosuchcolumn", "x"),
    ];
    for refused in client.bulk_write().rows(contacts)?.failures().await? {
        println!("row {}: {:?}", refused.index, refused.result);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args()
        .nth(1)
        .map_or(Ok(1000), |count| count.parse())?;
    let (client, _) = dataverse_examples::emulated_org()?;
    program(&client, count).await
}
