//! Text that is never printed.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Text that is never printed, and is overwritten in memory when its last clone goes.
///
/// ```
/// use dataverse_client::auth::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Text that is never printed.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Secret(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text. Keep it out of logs, errors and panics.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    /// Takes as long whichever byte differs, so that time tells nothing.
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.expose().as_bytes(), other.expose().as_bytes());
        let difference = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
        one.len() == other.len() && difference == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
