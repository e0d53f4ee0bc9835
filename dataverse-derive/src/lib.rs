//! The derive macros of `dataverse-client`. Depend on that crate, which re-exports them.
//!
//! A derive reads its input (`attrs`), decides what to write (a file for each), and reports every
//! mistake at the user's own token (`diagnostics`). Column names are not looked up here: they
//! become the constants of the table, and rustc checks those.
//!
//! All take `#[dataverse(crate = path)]`: where `dataverse_client` is, if not at that name.

mod attrs;
mod choice;
mod diagnostics;
mod entity;
mod fetch_row;
mod message;
mod record;
mod targets;
mod write;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Reads rows of a table into a struct that names the columns a program needs.
///
/// The fields are the `$select` and `$expand`. Each is checked against the table's constants: a
/// misspelt column or a type that does not fit is an error at the field. A field that is not an
/// `Option` makes a null in its column an error that names the column.
///
/// The struct may have type parameters, bound by what their columns are read as:
/// `T: Value + ReadAs<String>`.
///
/// On the struct:
/// - `#[dataverse(entity = Account)]`: the table's type. Needed.
///
/// On a field, one of:
/// - `#[dataverse(column = "statecode")]`: the column, if the field has another name.
/// - `#[dataverse(formatted = "statecode")]`: the column's formatted value, a `String` (empty for
///   null) or `Option<String>`; annotations are asked for then.
/// - `#[dataverse(expand = account::nav::PRIMARYCONTACTID)]`: related rows, read into `Option` of a
///   record (one row) or `Vec` of a record (several), with the `$select` of that record. Several
///   levels are possible; the service then pages the collections, and a collection that did not
///   come whole is an error, never a shorter `Vec`.
/// - `#[dataverse(skip)]`: not read; `Default`.
///
/// ```
/// # use dataverse_client::{Entity, Id, Navigation, Record, schema::One};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account {
/// #     accountid: Option<Id<Account>>,
/// #     name: Option<String>,
/// #     revenue: Option<i64>,
/// #     statecode: Option<i32>,
/// # }
/// # const PARENTACCOUNTID: Navigation<Account, One<Account>> = Navigation::new("parentaccountid");
/// #[derive(Record)]
/// #[dataverse(entity = Account)]
/// struct AccountCard {
///     name: String,
///     revenue: Option<i64>,
///     #[dataverse(formatted = "statecode")]
///     state: String,
///     #[dataverse(expand = PARENTACCOUNTID)]
///     parent: Option<ParentCard>,
/// }
///
/// #[derive(Record)]
/// #[dataverse(entity = Account)]
/// struct ParentCard {
///     name: String,
/// }
/// ```
#[proc_macro_derive(Record, attributes(dataverse))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(record::derive(&input))
}

/// Declares a table by hand: what generated code has, for a struct of your own.
///
/// Every field is an `Option`; its name is the column's logical name. The struct gets a constant
/// for each column (`Project::NEW_NAME`), `Debug`, `Clone`, `PartialEq`, `Serialize` and
/// `Deserialize`, and can be read into. It must implement `Default`.
///
/// On the struct, all needed:
/// - `#[dataverse(table = "new_project", set = "new_projects", id = "new_projectid")]`: logical
///   name, entity set name, and primary key column.
///
/// On the struct, if wanted:
/// - `#[dataverse(key = "new_number", key = "new_area, new_code")]`: alternate keys, by field; each gets
///   a constant (`Project::KEY_NEW_NUMBER`).
///
/// On a field:
/// - `#[dataverse(lookup(nav = "new_AccountId"))]`: a lookup, bound through this navigation
///   property (`new_AccountId@odata.bind`), read as `_<column>_value`. The type is
///   `Option<Lookup<T>>`; `entity = T` beside `nav` says the table again, and is checked.
/// - A lookup of several tables has the type `Option<AnyLookup<T>>`, where `T` is an enum with
///   `#[derive(Targets)]`.
/// - `#[dataverse(column = "type")]`: the column, if the field has another name.
/// - `#[dataverse(read_only)]`, `#[dataverse(create_only)]`, `#[dataverse(update_only)]`: who may
///   write it. The primary key is `create_only` by itself.
#[proc_macro_derive(Entity, attributes(dataverse))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(entity::derive(&input))
}

/// Says where a lookup of several tables may point: an enum of their ids, and of what is not known.
///
/// ```
/// # use dataverse_client::{Entity, Id, Targets, uuid::Uuid};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account {
/// #     accountid: Option<Id<Account>>,
/// # }
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "contact", set = "contacts", id = "contactid")]
/// # struct Contact {
/// #     contactid: Option<Id<Contact>>,
/// # }
/// #[derive(Debug, Clone, PartialEq, Targets)]
/// enum Customer {
///     #[dataverse(nav = "customerid_account")]
///     Account(Id<Account>),
///     #[dataverse(nav = "customerid_contact")]
///     Contact(Id<Contact>),
///     Other { table: Option<Box<str>>, id: Uuid },
/// }
/// ```
///
/// A column is `AnyLookup<Customer>`; `bind` takes the id of one of the tables, `target()` gives
/// the enum.
#[proc_macro_derive(Targets, attributes(dataverse))]
pub fn derive_targets(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(targets::derive(&input))
}

/// Declares a choice by hand: an enum of its numbers, with a variant for all others.
///
/// The enum must be `Clone` and `Copy`. It gets `Debug`, `PartialEq`, `Eq` and `Hash` by number
/// (`Unknown(1)` is the variant for 1), `From<i32>`, `Serialize` and `Deserialize` as a number: do
/// not derive those.
///
/// On a variant:
/// - `#[dataverse(value = 1)]`, or `= 1` on an enum with `#[repr(i32)]`: the number. Needed.
/// - `#[dataverse(label = "Won")]`: what people see; the variant's name if left out.
///
/// ```
/// use dataverse_client::Choice;
///
/// #[derive(Clone, Copy, Choice)]
/// #[repr(i32)]
/// enum Outcome {
///     Won = 1,
///     #[dataverse(label = "Not won")]
///     Lost = 2,
///     Unknown(i32),
/// }
///
/// assert_eq!(Outcome::Unknown(1), Outcome::Won);
/// assert_eq!(Outcome::Lost.label(), Some("Not won"));
/// ```
#[proc_macro_derive(Choice, attributes(dataverse))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(choice::derive(&input))
}

/// Makes a struct an action: its fields are the parameters.
///
/// On the struct, if wanted:
/// - `#[dataverse(name = "new_Close")]`: the action, if the struct has another name.
/// - `#[dataverse(output = Type)]`: what it answers; nothing if left out.
///
/// On a field:
/// - `#[dataverse(name = "NoteTitle")]`: the parameter; the field's name in `PascalCase` if left
///   out. An `Option` may be left out; rows are `RowArgument` or a `Vec` of them.
/// - `#[dataverse(on)]`: the row it is called on, an `Id` or a `Key`; the action is bound then.
///
/// ```
/// use dataverse_client::Action;
///
/// #[derive(Action)]
/// #[dataverse(name = "new_Close", output = i32)]
/// struct Close {
///     reason: String,
///     note_title: Option<String>,
/// }
/// ```
#[proc_macro_derive(Action, attributes(dataverse))]
pub fn derive_action(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(message::derive(&input, "Action"))
}

/// Makes a struct a function: as [`Action`](macro@Action), but it must say its `output`.
#[proc_macro_derive(Function, attributes(dataverse))]
pub fn derive_function(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(message::derive(&input, "Function"))
}

/// Reads rows that are no rows of a table into a struct: sums and groups, the aliases of FetchXML.
///
/// A field is read from the alias or column of its name. Columns that are null are not sent: a field
/// that is not an `Option` makes that an error that names it.
///
/// On a field:
/// - `#[dataverse(alias = "owner.fullname")]`: the alias, if the field has another name.
///
/// ```
/// use dataverse_client::FetchRow;
/// use dataverse_client::rust_decimal::Decimal;
///
/// #[derive(FetchRow)]
/// struct CityTotal {
///     city: Option<String>,
///     #[dataverse(alias = "revenue_total")]
///     total: Decimal,
///     accounts: i64,
/// }
/// ```
#[proc_macro_derive(FetchRow, attributes(dataverse))]
pub fn derive_fetch_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(fetch_row::derive(&input))
}

/// Makes a struct something that can be written: `New::from(value)`, `Changes::from(value)`.
///
/// Each field says whether its column is kept, cleared or set: its type is `Edit<T>`, or `T` for a
/// column that is always set. An `Option` must say what `None` means. Columns and their access are
/// checked by rustc: a read-only column does not compile.
///
/// On the struct:
/// - `#[dataverse(entity = Account)]`: the table's type. Needed.
/// - `#[dataverse(create)]`, `#[dataverse(update)]`: only for `New`, only for `Changes`; both if
///   left out.
///
/// On a field:
/// - `#[dataverse(column = "statecode")]`: the column, if the field has another name.
/// - `#[dataverse(lookup)]`: a lookup, set to an `Id`, a `Key`, or for several tables the
///   `AnyLookup` of an enum of them: `nav@odata.bind`, null to clear.
/// - `#[dataverse(none = "skip")]`, `#[dataverse(none = "clear")]`: what `None` means.
/// - `#[dataverse(skip)]`: not written.
///
/// ```
/// # use dataverse_client::{Changes, Edit, Entity, Id, Write};
/// # #[derive(Entity, Default)]
/// # #[dataverse(table = "account", set = "accounts", id = "accountid")]
/// # struct Account {
/// #     accountid: Option<Id<Account>>,
/// #     name: Option<String>,
/// #     fax: Option<String>,
/// # }
/// #[derive(Write, Default)]
/// #[dataverse(entity = Account)]
/// struct AccountEdit {
///     name: Edit<String>,
///     #[dataverse(none = "clear")]
///     fax: Option<String>,
/// }
///
/// let edit = AccountEdit { name: Edit::Set("Contoso".into()), fax: None };
/// let changes: Changes<Account> = edit.into();
/// ```
#[proc_macro_derive(Write, attributes(dataverse))]
pub fn derive_write(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    diagnostics::finish(write::derive(&input))
}
