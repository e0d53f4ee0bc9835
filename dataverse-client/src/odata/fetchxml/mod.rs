//! FetchXML: Dataverse's own query language, which can do what `$filter` and `$expand` cannot:
//! group by parts of dates, order by columns of other tables, join what no relationship joins.
//!
//! A document is read from text ([`FetchXml::parse`]) or built:
//!
//! ```
//! use dataverse_client::fetchxml::{Aggregate, Attribute, LinkEntity, LinkType, Order, on};
//! use dataverse_client::{Entity, FetchXml, Id, Lookup, Unit};
//!
//! #[derive(Entity, Default)]
//! #[dataverse(table = "account", set = "accounts", id = "accountid")]
//! struct Account {
//!     accountid: Option<Id<Account>>,
//!     name: Option<String>,
//!     createdon: Option<chrono::DateTime<chrono::Utc>>,
//!     #[dataverse(lookup(nav = "primarycontactid"))]
//!     primarycontactid: Option<Lookup<Contact>>,
//! }
//!
//! #[derive(Entity, Default)]
//! #[dataverse(table = "contact", set = "contacts", id = "contactid")]
//! struct Contact {
//!     contactid: Option<Id<Contact>>,
//!     fullname: Option<String>,
//! }
//! # use dataverse_client::chrono;
//!
//! let contact = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
//!     .link_type(LinkType::Outer)
//!     .alias("contact")
//!     .attribute(Contact::FULLNAME);
//! let document = FetchXml::of::<Account>()
//!     .attribute(Account::NAME)
//!     .filter(on(Account::CREATEDON).last(30, Unit::Days))
//!     .link_entity(contact)
//!     .order_by(Order::by(Account::NAME))
//!     .order_by(Order::by(Account::ACCOUNTID));
//!
//! // Late-bound: names that are only known at run time.
//! let count = FetchXml::of_table("account")
//!     .attribute(Attribute::new("name").aggregate(Aggregate::Count).alias("rows"))
//!     .filter(on("name").like("Con%"));
//! assert_eq!(
//!     count.to_string(),
//!     "<fetch aggregate='true'><entity name='account'>\
//!      <attribute name='name' aggregate='count' alias='rows'/>\
//!      <filter type='and'><condition attribute='name' operator='like' value='Con%'/></filter>\
//!      </entity></fetch>"
//! );
//! ```
//!
//! Source: Microsoft Learn, "Query data using FetchXml", 2024.

mod attribute;
mod check;
mod column;
mod condition;
pub(crate) mod cookie;
mod document;
mod filter;
mod grammar;
mod link_entity;
mod linked;
mod operator;
mod order;
mod parse;
mod parts;
mod tree;

pub use attribute::{Aggregate, Attribute, DateGrouping};
pub use column::FetchColumn;
pub use condition::{On, on};
pub use document::{DataSource, FetchXml};
pub use filter::Filter;
pub use link_entity::{LinkEntity, LinkType};
pub use order::Order;
