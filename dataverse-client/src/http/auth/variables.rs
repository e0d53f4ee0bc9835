//! Variables of the environment.

use crate::error::{Error, Result, SignIn};

/// A variable that is set and not empty.
///
/// Errors: `is_credential_unavailable`, for the sake of `what`.
pub(super) fn needed(
    variable: impl Fn(&str) -> Option<String>,
    name: &str,
    what: &str,
) -> Result<String> {
    let value = variable(name).filter(|value| !value.trim().is_empty());
    value.ok_or_else(|| {
        Error::sign_in(
            SignIn::Unavailable,
            format!("no {what} here: {name} is not set"),
        )
    })
}
