//! The derive macros of `dataverse-client`. Depend on that crate, which re-exports them.
//!
//! A derive reads its input (`attrs`), decides what to write (`record`, `entity`), and reports
//! every mistake at the user's own token (`diagnostics`). Column names are not looked up here:
//! they become the constants of the table, and rustc checks those.

mod attrs;
mod diagnostics;
mod entity;
mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Reads rows of a table into a struct that names the columns a program needs.
///
/// The fields are the `$select`. Each is checked against the table's constants: a misspelt column
/// or a type that does not fit is an error at the field. A field that is not an `Option` makes a
/// null in its column an error that names the column.
///
/// On the struct:
/// - `#[dataverse(entity = Account)]`: the table's type. Needed.
/// - `#[dataverse(crate = path)]`: where `dataverse_client` is, if not at that name.
///
/// On a field:
/// - `#[dataverse(column = "statecode")]`: the column, if the field has another name.
#[proc_macro_derive(Record, attributes(dataverse))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(record::derive(&input))
}

/// Declares a table by hand: what generated code has, for a struct of your own.
///
/// Every field is an `Option`; its name is the column's logical name. The struct gets a constant
/// for each column (`Project::NEW_NAME`), `Debug`, `Clone` and `PartialEq`, and can be read into.
/// It must implement `Default`.
///
/// On the struct, all needed:
/// - `#[dataverse(table = "new_project", set = "new_projects", id = "new_projectid")]`: logical
///   name, entity set name, and primary key column.
///
/// On the struct, if wanted:
/// - `#[dataverse(crate = path)]`: where `dataverse_client` is, if not at that name.
///
/// On a field:
/// - `#[dataverse(lookup(nav = "new_AccountId"))]`: a lookup, bound through this navigation
///   property (`new_AccountId@odata.bind`), read as `_<column>_value`. The type is
///   `Option<Lookup<T>>`.
/// - `#[dataverse(column = "type")]`: the column, if the field has another name.
/// - `#[dataverse(read_only)]`, `#[dataverse(create_only)]`, `#[dataverse(update_only)]`: who may
///   write it. The primary key is `create_only` by itself.
#[proc_macro_derive(Entity, attributes(dataverse))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(entity::derive(&input))
}
