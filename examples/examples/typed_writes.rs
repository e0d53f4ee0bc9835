//! Choices, structs that say what to write, and the difference between two rows.
//!
//! `cargo run -p dataverse-examples --example typed_writes`

use dataverse_client::{Changes, Edit, Id, Lookup, New, Record, Write};
use dataverse_golden::crm::{Account, AccountStateCode, AccountStatusCode, Contact};

/// The columns to read; a choice is an enum that keeps numbers it does not know.
#[derive(Record, Debug)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    fax: Option<String>,
    #[dataverse(column = "statecode")]
    state: Option<AccountStateCode>,
    primarycontactid: Option<Lookup<Contact>>,
}

/// What to write: each field is kept, cleared or set, and the compiler checks that the column
/// can be written.
#[derive(Write, Default)]
#[dataverse(entity = Account, update)]
struct Closing {
    statecode: Edit<AccountStateCode>,
    fax: Edit<String>,
    #[dataverse(lookup)]
    primarycontactid: Edit<Id<Contact>>,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, _emulator) = dataverse_examples::emulated_org()?;
    let contact = client
        .create(New::new().set(Contact::LASTNAME, "Nguyen"))
        .await?;
    let body = New::new()
        .set(Account::NAME, "Nguyen AG")
        .set(Account::FAX, "+49 30 1")
        .bind(Account::PRIMARYCONTACTID, contact);
    let account = client.create(body).await?;

    let closing = Closing {
        statecode: Edit::Set(AccountStateCode::Inactive),
        fax: Edit::Clear,
        ..Closing::default()
    };
    client.update(account, Changes::from(closing)).await?;
    let card = client.retrieve::<AccountCard>(account).await?;
    assert_eq!(
        (card.state, &card.fax),
        (Some(AccountStateCode::Inactive), &None)
    );
    assert_eq!(
        card.primarycontactid.as_ref().map(Lookup::id),
        Some(contact)
    );
    println!("closed {}: {:?}", card.name, card.state);

    // A row as it was read, changed, and sent back: only what differs.
    let before = client.retrieve::<Account>(account).await?.into_inner();
    let mut after = before.clone();
    after.statuscode = Some(AccountStatusCode::Inactive);
    after.telephone1 = Some("+49 30 2".to_owned());
    let changes = Changes::diff(&before, &after)?;
    println!("changed: {changes:?}");
    client.update(account, changes).await?;
    let status = AccountStatusCode::Inactive;
    println!("{status:?} belongs to {:?}", status.state());
    Ok(())
}
