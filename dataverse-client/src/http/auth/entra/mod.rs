//! Microsoft Entra ID: the service that signs in users and applications.
//!
//! Forms and answers are those of the `oauth2` crate where it knows the grant. Its errors hold the
//! answer's text, and so may hold a token: they never leave this folder.

mod answer;
mod application;
mod place;
mod refused;
mod wire;

pub use place::Tenant;

pub(super) use answer::{Tokens, seconds};
pub(super) use application::{Application, Assertion, Proof, all_of, for_user};
pub(super) use place::{Place, check_origin};
pub(super) use refused::Who;
pub(super) use wire::Wire;
