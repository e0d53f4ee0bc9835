//! What happens when the line is bad: `cargo run -p dataverse-examples --example retries`.

use std::error::Error;
use std::time::Duration;

use dataverse_client::{Id, New};
use dataverse_emulator::InjectedFault;
use dataverse_examples::emulated_org;
use dataverse_golden::crm::Contact;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, emulator) = emulated_org()?;
    let nguyen = || New::new().set(Contact::LASTNAME, "Nguyen");

    // Throttled, then the answer to the create is lost: it is there once.
    let retry_after = Duration::from_secs(1);
    emulator.inject(InjectedFault::Throttled { retry_after }, 1);
    emulator.inject(InjectedFault::AnswerLost, 1);
    let id = client.create(nguyen()).await?;
    for request in emulator.requests() {
        println!(
            "{} {} -> {:?}",
            request.method, request.target, request.status
        );
    }
    let rows = client.query::<Contact>().rows().collect().await?;
    println!("created {id}; rows: {}", rows.len());

    // Without a key of its own, a create whose answer is lost must not be repeated.
    emulator.inject(InjectedFault::AnswerLost, 1);
    match client.create(nguyen()).server_assigned_id().await {
        Err(error) if error.is_outcome_unknown() => println!("told honestly: {error}"),
        other => println!("unexpected: {other:?}"),
    }

    // A row that is not there is an error with a name.
    match client.delete::<Contact>(Id::generate()).await {
        Err(error) if error.is_not_found() => println!("not found: {error}"),
        other => println!("unexpected: {other:?}"),
    }
    Ok(())
}
