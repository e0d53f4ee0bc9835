//! Imports JSON lines into a table, with a bar and a checkpoint beside the file: killed and begun
//! again, it goes on where it was, and no row is lost or there twice.
//! Without arguments the org is the emulator:
//! `cargo run -p dataverse-examples --example import -- --file rows.ndjson --table account`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Parser;
use dataverse_client::auth::AzureCli;
use dataverse_client::definitions::Schema;
use dataverse_client::{AnyTable, Client, Json, New};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::value::RawValue;

#[derive(Parser)]
struct Arguments {
    /// Address of the org, as the user who is signed in to the Azure CLI; the emulator without it.
    #[arg(long)]
    org: Option<String>,
    /// Logical name of the table.
    #[arg(long, default_value = "account")]
    table: String,
    /// One JSON object with columns a line; rows that are made up without it.
    #[arg(long)]
    file: Option<PathBuf>,
}

/// A line as a new row. Numbers go as they stand: no digit is lost.
fn row(line: &str) -> Result<New<AnyTable>, Box<dyn Error>> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(line)?;
    let mut row = New::new();
    for (column, json) in members {
        row = row.set_named(column, Json::new(json.get())?);
    }
    Ok(row)
}

/// The rows of the file, read while they are sent.
fn rows(path: &Path) -> Result<impl Iterator<Item = New<AnyTable>> + use<>, Box<dyn Error>> {
    let lines = BufReader::new(fs::File::open(path)?).lines();
    Ok(lines.map_while(|line| row(&line.ok()?).ok()))
}

fn made_up() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("import_{}.ndjson", std::process::id()));
    let lines = (0..3000).map(|n| format!("{{\"name\":\"Account {n}\",\"revenue\":{n}.2500}}\n"));
    fs::write(&path, lines.collect::<String>())?;
    Ok(path)
}

#[allow(clippy::print_stdout, reason = "it tells what it did")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let client = match &arguments.org {
        Some(org) => Client::builder(org)?.credential(AzureCli::new()).build()?,
        None => dataverse_examples::emulated_org()?.0,
    };
    let path = match &arguments.file {
        Some(path) => path.clone(),
        None => made_up()?,
    };
    let mut schema = Schema::of([&arguments.table]);
    client.definitions().refresh(&mut schema).await?;
    let table = schema.table(&arguments.table).ok_or("no such table")?;
    let table = client.table(table.name().ok_or("the table is not in the Web API")?);

    // Every line is read once before anything is sent: a mistake in the last one is told now.
    let mut count = 0;
    for line in BufReader::new(fs::File::open(&path)?).lines() {
        count += 1;
        row(&line?).map_err(|error| format!("line {count}: {error}"))?;
    }

    // Hidden where nobody looks at a terminal.
    let bar = ProgressBar::new(count);
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} {msg}",
    )?);
    let checkpoint = path.with_extension("checkpoint");
    let (shown, store) = (bar.clone(), checkpoint.clone());
    let mut job = table
        .bulk_write()
        .on_progress(move |progress| {
            shown.set_position(progress.written + progress.failed + progress.skipped);
            shown.set_message(format!("{:.0} rows/s", progress.rows_per_second()));
        })
        .on_checkpoint(move |checkpoint| {
            // Either the old file or the new one is there, whenever the program is killed.
            let new = store.with_extension("new");
            fs::write(&new, serde_json::to_vec(checkpoint)?)?;
            fs::rename(new, &store)
        });
    if let Ok(stored) = fs::read(&checkpoint) {
        job = job.resume(serde_json::from_slice(&stored)?);
    }
    let mut outcomes = job.rows(rows(&path)?)?;
    let failures = outcomes.failures().await?;
    bar.finish();
    for failed in &failures {
        println!("line {}: {:?}", failed.index + 1, failed.result);
    }
    // Those of an earlier run, too.
    let (done, failed) = (
        outcomes.checkpoint().settled(),
        outcomes.checkpoint().failed(),
    );
    println!("{} of {count} rows imported", done - failed);
    if done < count {
        return Err(format!("the file ended early: only {done} of {count} lines were read").into());
    }
    fs::remove_file(checkpoint)?;
    if arguments.file.is_none() {
        fs::remove_file(path)?;
    }
    Ok(())
}
