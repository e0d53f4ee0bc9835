//! Queries: related rows, conditions on them, sums, pages that another process goes on from.
//!
//! `cargo run -p dataverse-examples --example queries`

use dataverse_client::rust_decimal::Decimal;
use dataverse_client::{New, NextLink, Record};
use dataverse_golden::crm::account::nav;
use dataverse_golden::crm::{Account, Contact, Task};

/// Columns become `$select`, related rows `$expand`.
#[derive(Record)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    revenue: Option<Decimal>,
    #[dataverse(expand = nav::ACCOUNT_TASKS)]
    tasks: Vec<TaskCard>,
}

#[derive(Record)]
#[dataverse(entity = Task)]
struct TaskCard {
    subject: Option<String>,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    for number in 1..=25 {
        // The account, its contact and its tasks are created together, or not at all.
        let row = New::new()
            .set(Account::NAME, format!("Club {number:02}"))
            .set(Account::REVENUE, Decimal::from(number * 1000))
            .insert(
                nav::PRIMARYCONTACTID,
                New::new().set(Contact::LASTNAME, "Nguyen"),
            )
            .insert_many(
                nav::ACCOUNT_TASKS,
                ["call", "write"].map(|subject| New::new().set(Task::SUBJECT, subject)),
            );
        client.create(row).await?;
    }

    let large = client
        .query::<AccountCard>()
        .filter(Account::REVENUE.gt(Decimal::from(20_000)))
        .filter(nav::PRIMARYCONTACTID.to(Contact::LASTNAME).eq("nguyen"))
        .filter(nav::ACCOUNT_TASKS.any(Task::SUBJECT.eq("call")))
        .expanding(nav::ACCOUNT_TASKS, |tasks| {
            tasks.order_by(Task::SUBJECT.desc()).top(1)
        })
        .order_by(Account::NAME.asc());
    for account in large.rows().collect().await? {
        let task = account.tasks.first().and_then(|task| task.subject.clone());
        println!("{}: {:?}, {task:?}", account.name, account.revenue);
    }

    let sums = client
        .aggregate::<Account>()
        .group_by(Account::STATECODE)
        .sum(Account::REVENUE, "total")
        .count("accounts");
    for sum in sums.await? {
        println!("total {:?}", sum.get::<Decimal>("total")?);
    }
    println!("{} accounts", client.count::<Account>().await?.rows());

    let query = || client.query::<AccountCard>().page_size(10);
    let first = query().await?;
    // A link is text that can be stored; the job goes on from it, today or tomorrow.
    let stored = serde_json::to_string(&first.next)?;
    let next: Option<NextLink> = serde_json::from_str(&stored)?;
    if let Some(next) = next {
        let rest = query().from_page(next).rows().prefetch().collect().await?;
        println!("{} rows, then {} more", first.rows.len(), rest.len());
    }
    Ok(())
}
