//! The program `dataverse-codegen`.

use std::process::ExitCode;

use clap::Parser;
use dataverse_codegen::cli::Cli;

#[allow(clippy::print_stderr, reason = "a program talks to its user")]
fn main() -> ExitCode {
    match Cli::parse().run(&mut std::io::stdin()) {
        Ok(done) => {
            eprintln!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
