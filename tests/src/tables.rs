//! A few tables, declared by hand: what the tests of the client need and no more.

use chrono::{DateTime, Utc};
use dataverse_client::{AnyLookup, Entity, Id, Lookup, Record};
use rust_decimal::Decimal;

/// `account`.
#[derive(Entity, Default)]
#[dataverse(table = "account", set = "accounts", id = "accountid")]
pub struct Account {
    /// Primary key.
    pub accountid: Option<Id<Account>>,
    /// An alternate key.
    pub accountnumber: Option<String>,
    /// Text.
    pub name: Option<String>,
    /// Money.
    pub revenue: Option<Decimal>,
    /// A lookup.
    #[dataverse(lookup(nav = "primarycontactid"))]
    pub primarycontactid: Option<Lookup<Contact>>,
    /// A choice.
    #[dataverse(update_only)]
    pub statecode: Option<i32>,
    /// Filled by the service.
    #[dataverse(read_only)]
    pub createdon: Option<DateTime<Utc>>,
}

/// `contact`.
#[derive(Entity, Default)]
#[dataverse(table = "contact", set = "contacts", id = "contactid")]
pub struct Contact {
    /// Primary key.
    pub contactid: Option<Id<Contact>>,
    /// Text.
    pub lastname: Option<String>,
    /// Text.
    pub fullname: Option<String>,
    /// Text.
    pub emailaddress1: Option<String>,
    /// A choice.
    pub familystatuscode: Option<i32>,
}

/// Where `task.regardingobjectid` points, among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regarding {}

dataverse_client::codegen::targets! {
    Regarding {
        Account = "regardingobjectid_account_task",
        Contact = "regardingobjectid_contact_task",
    }
}

/// `task`.
#[derive(Entity, Default)]
#[dataverse(table = "task", set = "tasks", id = "activityid")]
pub struct Task {
    /// Primary key.
    pub activityid: Option<Id<Task>>,
    /// Text.
    pub subject: Option<String>,
    /// A lookup of several tables.
    pub regardingobjectid: Option<AnyLookup<Regarding>>,
}

/// The columns of an account that a program needs.
#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Account)]
pub struct AccountCard {
    /// Never null.
    pub name: String,
    /// May be null.
    pub revenue: Option<Decimal>,
    /// Under a name of its own.
    #[dataverse(column = "primarycontactid")]
    pub contact: Option<Lookup<Contact>>,
}
