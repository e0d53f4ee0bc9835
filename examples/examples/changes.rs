//! Keeping a copy of a table up to date: `cargo run -p dataverse-examples --example changes`

use std::collections::BTreeMap;

use dataverse_client::{Change, Changes, Client, DeltaToken, Id, New, Record};
use dataverse_golden::crm::Account;

#[derive(Record)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: Option<String>,
}

/// What another system keeps: the rows, and how far it has read.
#[derive(Default)]
struct Copy {
    rows: BTreeMap<Id<Account>, String>,
    token: Option<DeltaToken>,
}

impl Copy {
    async fn update(&mut self, client: &Client) -> dataverse_client::Result<()> {
        let changes = client.changes::<AccountCard>().since(self.token.clone());
        let mut changes = changes.resync_if_expired();
        while let Some(change) = changes.try_next().await? {
            match change {
                Change::Upserted(row) => {
                    if let Some(id) = row.id() {
                        self.rows.insert(id, row.name.clone().unwrap_or_default());
                    }
                }
                Change::Deleted(id) => drop(self.rows.remove(&id)),
                // The token was too old: every row follows, and nothing else is left.
                Change::Resync => self.rows.clear(),
                _ => {}
            }
        }
        // There is a token only when every change was taken: stored earlier it would lose some.
        self.token = changes.into_token();
        Ok(())
    }
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    let account = |name: &str| New::new().set(Account::NAME, name);
    let [one, two, _] = [
        client.create(account("one")).await?,
        client.create(account("two")).await?,
        client.create(account("three")).await?,
    ];
    let mut copy = Copy::default();
    copy.update(&client).await?;
    println!("{:?}", copy.rows.values());

    client.delete(one).await?;
    client
        .update(two, Changes::new().set(Account::NAME, "zwei"))
        .await?;
    copy.update(&client).await?;
    println!("{:?}", copy.rows.values());
    Ok(())
}
