//! Exports a table as Parquet, CSV or JSON lines, typed by its definition, with one page in memory.
//! Without arguments the org is the emulator:
//! `cargo run -p dataverse-examples --example export -- --table account --format csv`.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use dataverse_client::auth::AzureCli;
use dataverse_client::definitions::Schema;
use dataverse_client::{Client, ParquetFormat, RowFormat};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::fs::File;

#[derive(Parser)]
struct Arguments {
    /// Address of the org, as the user who is signed in to the Azure CLI; the emulator without it.
    #[arg(long)]
    org: Option<String>,
    /// Logical name of the table.
    #[arg(long, default_value = "account")]
    table: String,
    /// Columns by their names on the wire (a lookup is `_ownerid_value`), with commas between.
    #[arg(long, value_delimiter = ',', default_values = ["accountid", "name", "revenue", "createdon"])]
    columns: Vec<String>,
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    format: Format,
    /// The file to write; one that is removed again without it.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
    Csv,
    Ndjson,
}

async fn org(arguments: &Arguments) -> Result<Client, Box<dyn Error>> {
    if let Some(org) = &arguments.org {
        let client = Client::builder(org)?.credential(AzureCli::new());
        return Ok(client.build()?);
    }
    let (client, emulator) = dataverse_examples::emulated_org()?;
    let rows = (0..12_000).map(|n| format!(r#"{{"name":"Account {n}","revenue":{n}.25}}"#));
    emulator.seed("account", rows)?;
    Ok(client)
}

#[allow(clippy::print_stdout, reason = "it tells what it did")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let client = org(&arguments).await?;
    let mut schema = Schema::of([&arguments.table]);
    client.definitions().refresh(&mut schema).await?;
    let table = schema.table(&arguments.table).ok_or("no such table")?;
    let name = table.name().ok_or("the table is not in the Web API")?;
    let parquet = ParquetFormat::of_table(table).only(&arguments.columns)?;

    let nameless = std::env::temp_dir().join(format!("export_{}", std::process::id()));
    let path = arguments.out.as_ref().unwrap_or(&nameless);
    // Hidden where nobody looks at a terminal.
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template(
        "{spinner} {bytes} {bytes_per_sec}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let file = bar.wrap_async_write(File::create(path).await?);

    let query = client.table(name).query().select(&arguments.columns);
    // The next page comes while this one is written.
    let rows = query.page_size(5000).rows().prefetch();
    let count = match arguments.format {
        Format::Parquet => rows.export_parquet(&parquet, file).await?,
        Format::Csv => {
            rows.export(&mut RowFormat::csv(&arguments.columns), file)
                .await?
        }
        Format::Ndjson => {
            let mut lines = RowFormat::json_lines_of(&arguments.columns);
            rows.export(&mut lines, file).await?
        }
    };
    bar.finish();
    let bytes = tokio::fs::metadata(path).await?.len();
    println!("{count} rows, {bytes} bytes");
    if arguments.out.is_none() {
        tokio::fs::remove_file(path).await?;
    }
    Ok(())
}
