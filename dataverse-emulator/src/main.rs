//! The program `dataverse-emulator`.

mod limit_arguments;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use dataverse_emulator::{BuildError, Emulator, Security};
use limit_arguments::LimitArguments;

/// A local Dataverse: the Web API over SQLite, with built-in tables or those of a $metadata
/// document.
#[derive(Debug, Parser)]
#[command(name = "dataverse-emulator", version, about)]
struct Cli {
    /// The $metadata document: a file, plain or .gz. Without it there are the built-in tables
    /// (account, contact, lead, task …) with a few rows.
    #[arg(long)]
    metadata: Option<PathBuf>,

    /// Definitions: a file with the answer of RetrieveMetadataChanges, plain or .gz. Without it
    /// tables and columns have no labels and choices.
    #[arg(long)]
    definitions: Option<PathBuf>,

    /// Users, teams, roles and secured columns: a JSON file, as `Security::from_json` reads it.
    /// Without it everybody may do everything.
    #[arg(long)]
    security: Option<PathBuf>,

    /// Answers https only, with this certificate chain and private key, both PEM files.
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    tls: Vec<PathBuf>,

    /// The Microsoft Entra tenant that challenges send clients to.
    #[arg(long)]
    tenant: Option<String>,

    /// How long tokens last that the emulator gives, in seconds.
    #[arg(long)]
    token_lifetime: Option<u64>,

    /// The port on 127.0.0.1; 0 for one that is free.
    #[arg(long, default_value_t = 5000)]
    port: u16,

    /// Keeps rows and definitions in this file; `:memory:`, and nothing, keep them until the
    /// emulator ends.
    #[arg(long)]
    data: Option<PathBuf>,

    /// Rows to begin with: a file with {"account": [{"name": "Contoso"}]}. A data file that has
    /// rows already keeps those. Its member `@security` is what `--security` takes.
    #[arg(long)]
    seed: Option<PathBuf>,

    /// Leaves the rows of the built-in tables out.
    #[arg(long)]
    no_sample_rows: bool,

    #[command(flatten)]
    limits: LimitArguments,
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
    let read = |file: &PathBuf| {
        std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
    };
    let mut builder = Emulator::builder();
    if let Some(file) = &cli.metadata {
        builder = builder.metadata(read(file)?);
    } else if !cli.no_sample_rows {
        builder = builder.sample_rows();
    }
    if let Some(file) = &cli.definitions {
        builder = builder.definitions(read(file)?);
    }
    if let Some(file) = &cli.security {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let json = std::fs::read_to_string(file).map_err(|error| told(&error))?;
        builder = builder.security(Security::from_json(&json).map_err(|error| told(&error))?);
    }
    if let Some(tenant) = cli.tenant {
        builder = builder.tenant(tenant);
    }
    if let Some(seconds) = cli.token_lifetime {
        builder = builder.token_lifetime(Duration::from_secs(seconds));
    }
    if let Some(limits) = cli.limits.limits() {
        builder = builder.protection_limits(limits);
    }
    if let Some(file) = &cli.seed {
        let json = String::from_utf8(read(file)?);
        let json = json.map_err(|error| format!("{}: {error}", file.display()))?;
        builder = builder.seed(json);
    }
    if let Some(file) = cli.data.filter(|file| file.as_os_str() != ":memory:") {
        builder = builder.data_file(file);
    }
    let emulator = builder.build().map_err(|error| {
        let file = match &error {
            BuildError::Definitions(_) => &cli.definitions,
            BuildError::Metadata(_) => &cli.metadata,
            BuildError::Security(_) if cli.security.is_some() => &cli.security,
            BuildError::Security(_) => &cli.seed,
            BuildError::Seed(_) => &cli.seed,
            _ => &None,
        };
        match file {
            Some(file) => format!("{}: {error}", file.display()),
            None => error.to_string(),
        }
    })?;
    let listening = match &cli.tls[..] {
        [certificates, key] => {
            let (certificates, key) = (read(certificates)?, read(key)?);
            emulator.listen_tls(cli.port, &certificates, &key).await
        }
        _ => emulator.listen(cli.port).await,
    };
    let listening = listening.map_err(|error| format!("port {}: {error}", cli.port))?;
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
