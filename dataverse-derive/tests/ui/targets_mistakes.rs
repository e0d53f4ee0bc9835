use dataverse_client::uuid::Uuid;
use dataverse_client::{Entity, Id, Targets};

#[derive(Entity, Default)]
#[dataverse(table = "account", set = "accounts", id = "accountid")]
struct Account {
    accountid: Option<Id<Account>>,
}

#[derive(Targets)]
enum NoRest {
    #[dataverse(nav = "customerid_account")]
    Account(Id<Account>),
}

#[derive(Targets)]
#[dataverse(colour = "blue")]
enum Mistakes {
    Account(Id<Account>),
    #[dataverse(nav = "x")]
    Number(i32),
    #[dataverse(colour = "blue")]
    Unit,
    Other { table: Option<Box<str>>, id: Uuid },
}

#[derive(Targets)]
struct NotAnEnum;

#[derive(Targets)]
enum Generic<T> {
    Other { table: Option<Box<str>>, id: T },
}

fn main() {}
