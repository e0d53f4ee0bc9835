//! Queries in FetchXML: `cargo run -p dataverse-examples --example fetchxml`

use dataverse_client::fetchxml::{Aggregate, Attribute, LinkEntity, LinkType, Order, on};
use dataverse_client::rust_decimal::Decimal;
use dataverse_client::{AnyRow, Client, FetchXml, New, Record, Result};
use dataverse_golden::crm::{Account, Contact};

/// A view: where the document names no attribute, these are the columns.
#[derive(Record)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    revenue: Option<Decimal>,
}

#[allow(clippy::print_stdout, reason = "it shows what it does")]
#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    fill(&client).await?;

    let pages = FetchXml::of::<Account>()
        .filter(on(Account::NAME).starts_with("Club"))
        .order_by(Order::by(Account::NAME))
        .page_size(2);
    let mut rows = client.fetch::<AccountCard>(pages).rows();
    while let Some(account) = rows.try_next().await? {
        println!("{}: {:?}", account.name, account.revenue);
    }

    let contact = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
        .link_type(LinkType::Outer)
        .alias("contact")
        .attribute(Contact::LASTNAME);
    let joined = FetchXml::of::<Account>()
        .attribute(Account::NAME)
        .link_entity(contact)
        .order_by(Order::by(Account::NAME));
    for row in client.fetch::<AnyRow>(joined).await?.rows {
        let contact = row.linked("contact", Contact::LASTNAME)?;
        println!("{:?} is led by {contact:?}", row.get::<String>("name")?);
    }

    // What is grouped and summed comes under aliases; `FetchRow` reads it into a type of your own.
    let city = Attribute::new(Account::ADDRESS1_CITY)
        .group_by()
        .alias("city");
    let total = Attribute::new(Account::REVENUE)
        .aggregate(Aggregate::Sum)
        .alias("total");
    let totals = FetchXml::of::<Account>().attribute(city).attribute(total);
    for row in client.fetch::<AnyRow>(totals).await?.rows {
        let (city, total) = (row.get::<String>("city")?, row.get::<Decimal>("total")?);
        println!("{city:?}: {total:?}");
    }

    let text = "<fetch top='1'><entity name='account'><attribute name='name'/></entity></fetch>";
    let document = FetchXml::parse(text)?.typed::<Account>()?;
    println!(
        "{} row",
        client.fetch::<Account>(document).await?.rows.len()
    );
    Ok(())
}

async fn fill(client: &Client) -> Result<()> {
    let contact = client
        .create(New::new().set(Contact::LASTNAME, "Nguyen"))
        .await?;
    for (number, city) in (1..).zip(["Wien", "Graz", "Wien", "Linz", "Graz"]) {
        let account = New::new()
            .set(Account::NAME, format!("Club {number}"))
            .set(Account::REVENUE, number * 1000)
            .set(Account::ADDRESS1_CITY, city)
            .bind(Account::PRIMARYCONTACTID, contact);
        client.create(account).await?;
    }
    Ok(())
}
