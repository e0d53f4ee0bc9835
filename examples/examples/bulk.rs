//! Many rows at once, and options of calls: `cargo run -p dataverse-examples --example bulk`

use dataverse_client::{Bypass, CallOptions, Changes, Create, Delete, Id, New};
use dataverse_golden::crm::Account;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    // Every call of this client leaves custom logic out and is marked for plug-ins.
    let import = client.with(
        CallOptions::new()
            .bypass(Bypass::All)
            .suppress_flows()
            .tag("nightly import"),
    );

    // One message, one transaction: all are created or none. A lost answer is repeated safely.
    let rows = (1..=500).map(|number| New::new().set(Account::NAME, format!("Club {number}")));
    let ids = import.create_multiple(rows).await?;
    println!("{} created", ids.len());

    let changes = ids.iter().map(|id| {
        let changes = Changes::new().set(Account::FAX, "+49 30 1");
        (*id, changes)
    });
    import.update_multiple(changes).await?;
    let keyed = (1..=3).map(|number| {
        let key = Account::ACCOUNTNUMBER.key(format!("AC-{number}"));
        (key, Changes::new().set(Account::NAME, "Keyed"))
    });
    import.upsert_multiple(keyed).await?;

    // Different operations go into one batch; a larger one is sent in parts.
    let mut batch = import.batch().continue_on_error();
    let deletes: Vec<_> = ids.iter().map(|id| batch.add(Delete::new(*id))).collect();
    let missing = batch.add(Delete::new(Id::<Account>::generate()));
    let created = batch.add(Create::new(New::new().set(Account::NAME, "Last")));
    let mut replies = batch.send_in_parts(200).await?;
    let mut deleted = 0;
    for handle in deletes {
        replies.take(handle)?;
        deleted += 1;
    }
    println!("{deleted} deleted");
    // One failure hides no other answer.
    match replies.take(missing) {
        Err(error) if error.is_not_found() => println!("one was not there"),
        other => other?,
    }
    println!("{} created", replies.take(created)?);
    Ok(())
}
