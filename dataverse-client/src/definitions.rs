//! Definitions: reading and changing tables, columns, relationships, keys and choices.
//!
//! ```no_run
//! use dataverse_client::Client;
//! use dataverse_client::definitions::{ColumnDefinition, Publish};
//!
//! # async fn f(client: Client) -> dataverse_client::Result<()> {
//! let definitions = client.definitions();
//! let account = definitions.table("account").select(["EntitySetName"]).await?;
//! let columns = definitions.columns("account").await?;
//!
//! let bank = ColumnDefinition::text("new_BankName", 100).label("Bank Name");
//! definitions.create_column("new_bankaccount", &bank).await?;
//! client.invoke(Publish::new().table("new_bankaccount")).await?;
//! # Ok(()) }
//! ```
//!
//! Names beside floors: the data is on floor 1, operations on floor 3, the handle on floor 5.
//! Source: Microsoft Learn, "Use the Web API with table definitions".

pub use crate::client::Definitions;
pub use crate::definition::*;
pub use crate::op::definitions::*;
