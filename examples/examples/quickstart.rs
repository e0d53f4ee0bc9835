//! From a real `$metadata` document to typed rows, without an org:
//! `cargo run -p dataverse-examples --example quickstart`.
//!
//! 1. generates Rust from the document, as `dataverse-codegen generate` does;
//! 2. starts the emulator on a port of this machine, with the same document;
//! 3. runs a typed program against it. The tables it uses are generated from this document, too,
//!    and are compiled with the repository: `tests/golden/src/crm`.

use std::error::Error;

use dataverse_client::http::FixedToken;
use dataverse_client::{ChangeSet, Changes, Client, Create, Id, New, Record, Retrieve};
use dataverse_codegen::{Options, csdl, generate, model};
use dataverse_emulator::Emulator;
use dataverse_examples::metadata_file;
use dataverse_golden::crm::{Account, Contact, WhoAmI};

/// The columns this program needs: they are also the `$select`.
#[derive(Record, Debug)]
#[dataverse(entity = Account)]
struct AccountCard {
    name: String,
    telephone1: Option<String>,
    #[dataverse(column = "primarycontactid")]
    contact: Option<Id<Contact>>,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it shows what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = metadata_file();
    let document = std::fs::read(&file)?;
    println!(
        "1. reading {}",
        file.file_name().unwrap_or_default().to_string_lossy()
    );
    let text = csdl::text(document.clone())?;
    let model = model::build(&csdl::parse(&text)?);
    let options = Options {
        tables: [
            "account",
            "contact",
            "incident",
            "opportunity",
            "systemuser",
            "team",
            "task",
        ]
        .map(str::to_owned)
        .to_vec(),
        operations: None,
        ..Options::default()
    };
    let files = generate(&model, &options)?.files;
    let folder = std::env::temp_dir().join(format!("dataverse-quickstart-{}", std::process::id()));
    dataverse_codegen::write(&folder, &files)?;
    let lines: usize = files.iter().map(|file| file.text.lines().count()).sum();
    println!(
        "   {} tables in the document; {} files with {lines} lines of Rust for 7 of them in {}",
        model.tables.len(),
        files.len(),
        folder.display()
    );

    let emulator = Emulator::builder().metadata(document).build()?;
    let listening = emulator.listen(0).await?;
    println!("2. the emulator answers at {}", listening.service_root());

    let client = Client::builder(&listening.url())?
        .credential(FixedToken::new("the emulator takes any"))
        .build()?;
    let me = client.invoke(WhoAmI).await?;
    println!("3. WhoAmI: user {:?}", me.user_id);

    let body = New::new()
        .set(Account::NAME, "Contoso")
        .set(Account::TELEPHONE1, "555-0100");
    let id = client.create(body).await?;
    println!("   created account {id}");

    let row = client.retrieve::<AccountCard>(id).await?;
    println!("   read it: {:?}, version {:?}", *row, row.etag());
    let changes = Changes::new().clear(Account::TELEPHONE1);
    if let Some(etag) = row.etag() {
        client.update(id, &changes).if_match(etag.clone()).await?;
        let stale = client.update(id, &changes).if_match(etag.clone()).await;
        println!(
            "   changed it once; a second change of the old version: {}",
            stale
                .err()
                .map_or_else(|| "taken".to_owned(), |error| error.to_string())
        );
    }

    let mut set = ChangeSet::new();
    let contact = set.add(Create::new(New::new().set(Contact::LASTNAME, "Nguyen")));
    let bound = New::new()
        .set(Account::NAME, "Nguyen AG")
        .bind(Account::PRIMARYCONTACTID, &contact);
    set.add(Create::new(bound));
    let mut batch = client.batch();
    let card = batch.add(Retrieve::<AccountCard>::new(id));
    batch.push(set);
    let mut replies = batch.send().await?;
    println!(
        "   one batch: read {:?}, created contact {}",
        replies.take(card)?.name,
        replies.take(contact)?
    );

    let mut rows = client
        .query::<AccountCard>()
        .filter(Account::STATECODE.eq(0))
        .order_by(Account::NAME.asc())
        .page_size(1)
        .rows();
    while let Some(row) = rows.try_next().await? {
        println!(
            "   row: {}, phone {:?}, contact {:?}",
            row.name, row.telephone1, row.contact
        );
    }
    let missing = client
        .retrieve::<AccountCard>(Id::generate())
        .optional()
        .await?;
    println!("   a row that is not there: {missing:?}");
    client.delete(id).await?;
    println!(
        "   deleted the first account; {} requests in all",
        emulator.requests().len()
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
