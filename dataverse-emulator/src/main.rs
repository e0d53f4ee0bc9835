//! The program `dataverse-emulator`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dataverse_emulator::{BuildError, Emulator};

/// A local Dataverse: the Web API over SQLite, with the tables of a $metadata document.
#[derive(Debug, Parser)]
#[command(name = "dataverse-emulator", version, about)]
struct Cli {
    /// The $metadata document: a file, plain or .gz.
    #[arg(long)]
    metadata: PathBuf,

    /// Definitions: a file with the answer of RetrieveMetadataChanges, plain or .gz. Without it
    /// tables and columns have no labels and choices.
    #[arg(long)]
    definitions: Option<PathBuf>,

    /// The port on 127.0.0.1; 0 for one that is free.
    #[arg(long)]
    port: u16,

    /// Keeps rows in this file; without it they are in memory.
    #[arg(long)]
    data: Option<PathBuf>,
}

#[tokio::main]
#[allow(clippy::print_stderr, reason = "a program talks to its user")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let document = std::fs::read(&cli.metadata)
        .map_err(|error| format!("{}: {error}", cli.metadata.display()))?;
    let mut builder = Emulator::builder().metadata(document);
    if let Some(file) = &cli.definitions {
        let json = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        builder = builder.definitions(json);
    }
    if let Some(file) = &cli.data {
        builder = builder.data_file(file);
    }
    let emulator = builder.build().map_err(|error| {
        let file = match (&error, &cli.definitions) {
            (BuildError::Definitions(_), Some(file)) => file,
            _ => &cli.metadata,
        };
        format!("{}: {error}", file.display())
    })?;
    let listening = emulator
        .listen(cli.port)
        .await
        .map_err(|error| format!("port {}: {error}", cli.port))?;
    let ready = serde_json::json!({
        "event": "ready",
        "url": listening.url(),
        "service_root": listening.service_root(),
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    stopped().await?;
    Ok(())
}

/// Resolves on Ctrl-C, and on the signal by which other programs stop one.
#[cfg(unix)]
async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

/// Resolves on Ctrl-C.
#[cfg(not(unix))]
async fn stopped() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
