//! The program of the README. Its org is the emulator if the environment names none:
//! `cargo run -p dataverse-examples --example first_program`.

// README: begin
use dataverse_client::{Changes, Client, New, Record};
use dataverse_golden::crm::{Account, AccountStateCode}; // written by `dataverse-codegen generate`

/// The columns this program needs: they are also the `$select`.
#[derive(Record)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    revenue: Option<dataverse_client::rust_decimal::Decimal>,
}

#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn program(client: &Client) -> dataverse_client::Result<()> {
    let body = New::new()
        .set(Account::NAME, "Contoso")
        .set(Account::REVENUE, 5_000_000);
    let id = client.create(body).await?;
    client
        .update(id, Changes::new().clear(Account::FAX))
        .await?;

    let mut rows = client
        .query::<AccountCard>()
        .filter(
            Account::NAME
                .starts_with("Con")
                .and(Account::STATECODE.eq(AccountStateCode::Active)),
        )
        .order_by(Account::NAME.asc())
        .rows();
    while let Some(account) = rows.try_next().await? {
        println!("{}: {:?}", account.name, account.revenue);
    }
    match client.delete(id).await {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}
// README: end

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    Ok(program(&client).await?)
}
