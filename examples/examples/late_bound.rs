//! A table whose name is only known when the program runs: for tools that learn the schema.
//!
//! `cargo run -p dataverse-examples --example late_bound`

use dataverse_client::definitions::Schema;
use dataverse_client::{AnyRow, Changes, Expansion, Key, New, column};

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    // The org itself tells the names: entity set, primary key, navigation properties.
    let mut schema = Schema::of(["account"]);
    client.definitions().refresh(&mut schema).await?;
    let account = schema.table("account").ok_or("no such table")?;
    let name = account.name().ok_or("no entity set")?;
    let accounts = client.table(name);

    let task = |subject: &str| New::new().set_named("subject", subject);
    let row = New::new()
        .set_named("name", "Contoso")
        .set_named("numberofemployees", 40)
        .insert_many_named("Account_Tasks", [task("call"), task("write")]);
    let id = accounts.create(row).await?;

    let tasks = Expansion::named("Account_Tasks").select(["subject"]);
    let row = accounts
        .retrieve(id)
        .select(["name", "numberofemployees"])
        .expand(tasks)
        .await?;
    println!("{}", serde_json::to_string_pretty(&row)?);
    let tasks: Option<Vec<AnyRow>> = row.get("Account_Tasks")?;
    println!("{} tasks", tasks.unwrap_or_default().len());

    let changes = Changes::new()
        .set_named("accountnumber", "AC-1")
        .clear_named("numberofemployees");
    accounts.update(id, changes).await?;
    let key = Key::named("accountnumber", "AC-1");
    println!("{:?}", accounts.retrieve(key).await?.get::<String>("name")?);

    let mut rows = accounts
        .query()
        .select(["name"])
        .filter(
            column("name")
                .starts_with("Con")
                .and(column("statecode").eq(0)),
        )
        .order_by(column("name").asc())
        .rows();
    while let Some(row) = rows.try_next().await? {
        println!("{:?}", row.get::<String>("name")?);
    }
    accounts.delete(id).await?;
    println!("{} left", accounts.count().await?.rows());
    Ok(())
}
