//! The program `dataverse-codegen`.

use std::process::ExitCode;

use clap::Parser;
use dataverse_codegen::cli::Cli;

#[allow(clippy::print_stderr, reason = "a program talks to its user")]
fn main() -> ExitCode {
    match Cli::parse().run(&mut std::io::stdin(), &mut std::io::stdout()) {
        Ok(done) => {
            if !done.is_empty() {
                eprintln!("{}", done.trim_end());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
