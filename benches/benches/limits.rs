//! How much of what the service allows a bulk write uses, in virtual time:
//! `cargo bench -p dataverse-benches --bench limits`.
//!
//! The client itself against the model in `tests/src/limits.rs`; beside it, ten workers that send
//! packs of one length and wait as long as they are told. Then how long some rows take it, and for
//! how much of that there were places without a request.

use std::error::Error;
use std::io::Write;

use dataverse_tests::limits::{Done, Scenario};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| scenario | scheduler | rows in an hour | share of the optimum | requests | refused | wasted |\n\
         |---|---|--:|--:|--:|--:|--:|"
    )?;
    for scenario in Scenario::ALL {
        let mut row = |scheduler: &str, done: Done| {
            writeln!(
                out,
                "| {} | {scheduler} | {} | {:.1} % | {} | {} | {:.2} % |",
                scenario.name,
                done.rows,
                100.0 * done.share(),
                done.sent,
                done.refused,
                100.0 * done.wasted()
            )
        };
        row("bulk write", scenario.bulk_write()?)?;
        row("10 workers, packs of 100", scenario.workers(10, 100))?;
        row("10 workers, packs of 1,000", scenario.workers(10, 1000))?;
        row("10 workers, single rows", scenario.workers(10, 1))?;
    }
    writeln!(
        out,
        "\n| rows | servers | a row takes | seconds | with idle places | requests |\n\
         |--:|--:|--:|--:|--:|--:|"
    )?;
    for (servers, each) in [(1, 0.008), (1, 0.04), (3, 0.008), (3, 0.04)] {
        let scenario = Scenario {
            servers,
            each,
            ..Scenario::ONE
        };
        for rows in [100, 1500, 10_000, 30_000] {
            let job = scenario.job(rows)?;
            writeln!(
                out,
                "| {rows} | {servers} | {:.0} ms | {:.1} | {:.1} | {} |",
                1000.0 * each,
                job.took,
                job.idle,
                job.done.sent
            )?;
        }
    }
    Ok(())
}
