//! Who may do what: users and teams in business units, roles with privileges, secured columns.
//!
//! `config` is what a program says, `access` what follows from it for one request, `reader` keeps
//! rows and columns out of every query.

mod access;
mod config;
mod identity;
mod privileges;
mod reader;
mod rows;

pub(crate) use access::Access;
pub use config::{
    BusinessUnit, ColumnPermission, ColumnProfile, Depth, Right, Role, Security, Team, User,
};
pub(crate) use identity::{claims, sign_in};
pub(crate) use privileges::retrieve_user_privileges;
pub(crate) use reader::Reader;
