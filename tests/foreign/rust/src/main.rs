//! What two published Rust clients can do, against the emulator at `EMULATOR_URL`.

mod client;
mod service_client;

use std::fmt::Display;

/// What went well and what did not.
#[derive(Default)]
pub struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    /// Counts a step; tells of one that failed.
    pub fn step<T>(&mut self, name: &str, result: Result<T, impl Display>) -> Option<T> {
        match result {
            Ok(value) => {
                self.passed += 1;
                Some(value)
            }
            Err(error) => {
                self.failed += 1;
                println!("FAIL {name}: {error}");
                None
            }
        }
    }

    /// Counts what must hold.
    pub fn holds(&mut self, name: &str, holds: bool) {
        self.step(name, if holds { Ok(()) } else { Err("does not hold") });
    }
}

/// Makes the emulator new.
pub async fn reset(url: &str) {
    let answer = reqwest::Client::new()
        .post(format!("{url}/emulator/reset"))
        .send()
        .await
        .expect("the emulator answers");
    assert!(answer.status().is_success());
}

#[tokio::main]
async fn main() {
    let url = std::env::var("EMULATOR_URL").expect("EMULATOR_URL");
    let mut failed = 0;
    let report = client::run(&url).await;
    println!("powerplatform-dataverse-client 0.9.0: {} passed, {} failed", report.passed, report.failed);
    failed += report.failed;
    let report = service_client::run(&url).await;
    println!(
        "powerplatform-dataverse-service-client 0.2.3: {} passed, {} failed",
        report.passed, report.failed
    );
    failed += report.failed;
    std::process::exit(i32::from(failed > 0));
}
